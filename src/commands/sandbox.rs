//! `vwh sandbox`: serves the sandbox, or turns the knobs of one that is served.

use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Context;
use super::account::{http, means, parse_base};
use crate::auth::{TokenSource, Tokens};
use crate::error::{Error, ExitStatus, Kind};
use crate::network::Network;
use crate::sandbox::{self, CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use crate::sandbox::{ErrorShape, Fault, Options, SandboxError, Server, Session};
use crate::secret::Secret;
use crate::services::knobs::Knobs;
use crate::settings::flags::{parse_duration, parse_span};
use crate::webhook::json::{Secrets, to_line};

/// How long a sandbox that does not answer is given to be gone.
const GONE_PATIENCE: Duration = Duration::from_secs(5);

/// Run a local server that behaves like the service
///
/// Serves until Ctrl-C. Its first line says where. Other terminals use it with `vwh --sandbox COMMAND`; without a running
/// one, `vwh --sandbox COMMAND` brings its own. Webhooks are kept in sandbox.json of the state directory.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SandboxArgs {
    #[command(subcommand)]
    knob: Option<Knob>,

    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Args, Clone, Debug)]
struct ServeArgs {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010", value_parser = parse_bind)]
    bind: SocketAddr,

    /// Start with an account without webhooks
    #[arg(long)]
    empty: bool,

    /// Sandbox seconds per real second
    #[arg(long, value_name = "X", default_value_t = 1.0, hide_default_value = true)]
    speed: f64,

    /// API requests per minute; more are answered with 429
    #[arg(long, value_name = "N")]
    quota: Option<u32>,

    /// How the gateway reports its errors: json (wrapped), bare or xml
    #[arg(long, value_name = "SHAPE", default_value = "bare", hide_default_value = true)]
    error_shape: ErrorShape,

    /// How long each request waits, such as 50ms
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    latency: Option<Duration>,

    /// Trouble to order, WHICH:WHAT: WHICH request (3, 2-5 or every-4), WHAT a status, cut, slow, stall or html502
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,

    /// The same for requests to the token URL
    #[arg(long, value_name = "FAULT")]
    token_fault: Vec<Fault>,

    /// How long an access token lives, in sandbox time, such as 10m; 24h unless told
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    token_lifetime: Option<Duration>,

    /// How long a refresh token lives, in sandbox time; 7d unless told
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    refresh_lifetime: Option<Duration>,

    /// Wrong passwords that lock the user for 30 real minutes; 5 unless told, 0 never locks
    #[arg(long, value_name = "N")]
    lock_out: Option<u32>,
}

#[derive(Clone, Debug, Subcommand)]
enum Knob {
    /// Move the sandbox's clock on
    Advance {
        /// How far, such as 90m, 36h or 10d
        #[arg(value_parser = parse_duration)]
        duration: TimeDelta,
    },
    /// Show where the sandbox is, its time and its webhooks
    Status,
    /// Bring the demo account back
    Reset {
        /// An account without webhooks instead
        #[arg(long)]
        empty: bool,
    },
    /// Revoke every token that was handed out
    Revoke,
    /// Stop the sandbox that is served
    Stop,
}

/// Runs `vwh sandbox`.
pub async fn run(args: &SandboxArgs, context: &Context) -> Result<ExitStatus, Error> {
    let directory = context.settings.state_directory()?;
    match &args.knob {
        None => serve(&args.serve, context, directory).await,
        Some(Knob::Advance { duration }) => {
            let seconds = u64::try_from(duration.num_seconds()).unwrap_or_default();
            turn(context, sandbox::join(directory).await?, async |knobs| knobs.advance(seconds).await).await
        }
        Some(Knob::Status) => {
            let session = sandbox::join(directory).await?;
            let token = session.token().clone();
            let status = with_session(context, &session, async |knobs| knobs.status().await).await;
            session.leave().await?;
            show_status(context, &status?, &token)
        }
        Some(Knob::Reset { empty }) => reset(context, directory, *empty).await,
        Some(Knob::Revoke) => revoke(context, sandbox::join(directory).await?).await,
        Some(Knob::Stop) => stop(context, directory).await,
    }
}

/// Returns once the sandbox has stopped, so that the next command finds its state and no remains of its server.
async fn stop(context: &Context, directory: &Path) -> Result<ExitStatus, Error> {
    let Some(session) = sandbox::find_running(directory).await? else {
        context.output.notice("no sandbox is running");
        return Ok(ExitStatus::Success);
    };
    let asked = match with_session(context, &session, async |knobs| knobs.stop().await).await {
        Err(error) if error.kind != Kind::Unavailable => return Err(error),
        asked => asked,
    };
    // One that does not answer may have been stopped by somebody else just now.
    let patience = if asked.is_ok() { None } else { Some(GONE_PATIENCE) };
    let limit = [context.limits.remaining(), patience].into_iter().flatten().min();
    let stopped = async {
        match limit {
            Some(limit) => tokio::time::timeout(limit, session.wait_until_stopped()).await.ok(),
            None => Some(session.wait_until_stopped().await),
        }
    };
    match context.limits.or_interrupted(stopped).await {
        Err(_) => return Err(Error::new(Kind::Interrupted, "interrupted")),
        Ok(Some(stopped)) => stopped?,
        Ok(None) => {
            asked?;
            return Err(Error::new(Kind::Unavailable, "the sandbox has not stopped yet").hint(
                "it answers the requests it has first; run this again, with a longer --timeout if need be",
            ));
        }
    }
    if let (Ok(status), true) = (&asked, context.settings.format.is_json()) {
        context.output.answer(&format!("{}\n", to_line(status)))?;
    }
    context.output.notice(if asked.is_ok() { "the sandbox has stopped" } else { "no sandbox is running" });
    Ok(ExitStatus::Success)
}

async fn serve(args: &ServeArgs, context: &Context, directory: &Path) -> Result<ExitStatus, Error> {
    let usual = Options::default();
    let options = Options {
        empty: args.empty,
        speed: args.speed,
        quota: args.quota,
        error_shape: args.error_shape,
        latency: args.latency.unwrap_or_default(),
        faults: args.fault.clone(),
        token_faults: args.token_fault.clone(),
        token_lifetime: args.token_lifetime.unwrap_or(usual.token_lifetime),
        refresh_lifetime: args.refresh_lifetime.unwrap_or(usual.refresh_lifetime),
        lock_out: args.lock_out.unwrap_or(usual.lock_out),
    };
    let mut server = sandbox::serve(directory, args.bind, options).await?;
    announce(context, &server)?;
    // Either ends it: somebody's `vwh sandbox stop`, or Ctrl-C.
    let _ = context.limits.or_interrupted(server.stopped()).await;
    server.shut_down().await?;
    Ok(ExitStatus::Success)
}

fn announce(context: &Context, server: &Server) -> Result<(), Error> {
    let (address, base_url) = (server.address().to_string(), server.base_url());
    let line = if context.settings.format.is_json() {
        let token_url = server.token_url();
        to_line(&json!({ "event": "ready", "address": address, "baseUrl": base_url, "tokenUrl": token_url }))
    } else {
        format!("sandbox at {base_url}")
    };
    context.output.answer_anyway(&format!("{line}\n"))?;
    context.output.notice("use it from another terminal with: vwh --sandbox list; Ctrl-C ends it");
    Ok(())
}

/// A state that cannot be read is no reason not to start over.
async fn reset(context: &Context, directory: &Path, empty: bool) -> Result<ExitStatus, Error> {
    match sandbox::find_running(directory).await {
        Ok(Some(session)) => turn(context, session, async |knobs| knobs.reset(empty).await).await,
        Ok(None) | Err(SandboxError::State { .. }) => {
            sandbox::start_over(directory, empty).await?;
            turn(context, sandbox::join(directory).await?, async |knobs| knobs.status().await).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Turns a knob and tells what came of it.
async fn turn<F>(context: &Context, session: Session, turn: F) -> Result<ExitStatus, Error>
where
    F: AsyncFnOnce(&Knobs) -> Result<Value, crate::http::HttpError>,
{
    let status = turned(context, session, turn).await?;
    let webhooks = match status["webhooks"].as_u64() {
        Some(1) => "1 webhook".to_owned(),
        count => format!("{} webhooks", count.unwrap_or_default()),
    };
    let now = status["now"].as_str().unwrap_or_default();
    context.output.notice(&format!("the sandbox is at {now}, {webhooks}"));
    Ok(ExitStatus::Success)
}

async fn revoke(context: &Context, session: Session) -> Result<ExitStatus, Error> {
    turned(context, session, async |knobs| knobs.revoke().await).await?;
    context.output.notice("every token that was handed out is revoked");
    Ok(ExitStatus::Success)
}

/// Turns a knob, and prints the status that it answers with under `--json`.
async fn turned<F>(context: &Context, session: Session, turn: F) -> Result<Value, Error>
where
    F: AsyncFnOnce(&Knobs) -> Result<Value, crate::http::HttpError>,
{
    let turned = with_session(context, &session, turn).await;
    session.leave().await?;
    let status = turned?;
    if context.settings.format.is_json() {
        context.output.answer(&format!("{}\n", to_line(&status)))?;
    }
    Ok(status)
}

async fn with_session<F>(context: &Context, session: &Session, turn: F) -> Result<Value, Error>
where
    F: AsyncFnOnce(&Knobs) -> Result<Value, crate::http::HttpError>,
{
    let token = TokenSource::Given(session.token().clone());
    let tokens = Rc::new(Tokens::new(token, means(context)));
    let knobs = Knobs::new(
        http(context, &tokens, &Network::default(), "", &Rc::default())?,
        parse_base(session.base_url())?,
    );
    turn(&knobs).await.map_err(|error| {
        let error = Error::from(error);
        if error.kind == Kind::NotFound {
            Error::new(Kind::Internal, "the sandbox does not know this")
        } else {
            error
        }
    })
}

fn show_status(context: &Context, status: &Value, token: &Secret) -> Result<ExitStatus, Error> {
    let shows_secrets = context.output.secrets() == Secrets::Show;
    let text = if context.settings.format.is_json() {
        let mut status = status.clone();
        if let (Some(members), true) = (status.as_object_mut(), shows_secrets) {
            for (name, secret) in
                [("token", token.reveal()), ("clientSecret", CLIENT_SECRET), ("password", PASSWORD)]
            {
                members.insert(name.to_owned(), secret.into());
            }
        }
        format!("{}\n", to_line(&status))
    } else {
        status_text(status, shows_secrets.then_some(token))
    };
    context.output.answer(&text)?;
    Ok(ExitStatus::Success)
}

/// The status for people; with a `token`, everything that is needed to call the sandbox or to sign in to it.
fn status_text(status: &Value, token: Option<&Secret>) -> String {
    let member = |name: &str| match &status[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_embedded = status["embedded"] == true;
    let place = if is_embedded {
        "not running (each command brings its own)".to_owned()
    } else {
        format!("http://{}", member("address"))
    };
    let mut lines = vec![("sandbox", place), ("time", member("now")), ("webhooks", member("webhooks"))];
    if let Some(token) = token {
        lines.push(("token", token.reveal().to_owned()));
        // What this command brought along for itself is gone by the time that this is read.
        if !is_embedded {
            lines.push(("token URL", member("tokenUrl")));
        }
        lines.push(("client id", CLIENT_ID.to_owned()));
        lines.push(("client secret", CLIENT_SECRET.to_owned()));
        lines.push(("username", USERNAME.to_owned()));
        lines.push(("password", PASSWORD.to_owned()));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    lines.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

fn parse_bind(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "write an address and a port such as 127.0.0.1:4010".to_owned())?;
    // Its token is in a file of this user; nobody else's machine has any business with it.
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the sandbox listens on loopback only".to_owned())
    }
}
