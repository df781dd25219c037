//! `vwh sandbox`: serves the sandbox, or turns the knobs of one that is served.

mod call;
mod knobs;
mod serve;
mod status;

use std::net::SocketAddr;
use std::time::Duration;

use chrono::TimeDelta;
use clap::{Args, Subcommand};

use super::Context;
use crate::error::{Error, ExitStatus};
use crate::sandbox::{self, ErrorShape, Fault};
use crate::settings::flags::{parse_duration, parse_span};
use call::CallArgs;

/// Run a local server that behaves like the three services
///
/// Serves until Ctrl-C. Its first line says where; `vwh sandbox status` shows the URLs of all three services. Other terminals
/// use it by the flag --sandbox, and `VWH_SERVICE` says which service is meant, VIS unless told; without a running one, the
/// flag brings its own. Webhooks, and what happened, are kept in sandbox.json of the state directory; calls and retries that
/// are under way are forgotten when it stops.
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

    /// Sandbox seconds per real second [default: 1]
    #[arg(long, value_name = "X", default_value_t = 1.0, hide_default_value = true)]
    speed: f64,

    /// API requests per minute and token; more are answered with 429 [default: no limit]
    #[arg(long, value_name = "N")]
    quota: Option<u32>,

    /// How the gateway reports its errors: json (wrapped), bare or xml (VIS) [default: bare]
    #[arg(long, value_name = "SHAPE", default_value = "bare", hide_default_value = true)]
    error_shape: ErrorShape,

    /// How long each request waits, such as 50ms
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    latency: Option<Duration>,

    /// Trouble to order, WHICH:WHAT, with WHICH request (3, 2-5 or every-4), WHAT a status, cut, slow, stall or html502
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,

    /// The same for requests to the token URL (VIS, Contact Center)
    #[arg(long, value_name = "FAULT")]
    token_fault: Vec<Fault>,

    /// How long an access token lives, in sandbox time, such as 10m (VIS; 2h on Contact Center) [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    token_lifetime: Option<Duration>,

    /// How long a refresh token lives, in sandbox time (VIS) [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    refresh_lifetime: Option<Duration>,

    /// Wrong passwords that lock the user for 30 real minutes; 0 never locks (VIS) [default: 5]
    #[arg(long, value_name = "N")]
    lock_out: Option<u32>,

    /// How long a webhook delivers once it is made or renewed, in sandbox time (VIS) [default: 10d]
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    expire_after: Option<Duration>,

    /// How long an expired webhook is kept, in sandbox time (VIS) [default: 90d]
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    purge_after: Option<Duration>,

    /// New webhooks have numbers for ids (VIS)
    #[arg(long)]
    numeric_ids: bool,

    /// Attempts to deliver an event until it is given up [default: as many as its service makes; VIS: 6]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    attempts: Option<u32>,

    /// Any 2xx counts as delivered, not 200 alone (VIS)
    #[arg(long = "any-2xx")]
    any_2xx: bool,

    /// Deliver to every host, not to this machine alone
    #[arg(long)]
    deliver_anywhere: bool,

    /// Take http urls of this machine where a service wants https (Contact Center)
    #[arg(long)]
    allow_http: bool,

    /// Deliver to addresses that are not public too, such as this machine's (VoIPBIN)
    #[arg(long)]
    allow_private_targets: bool,

    /// The customer has no secret and deliveries are not signed, as before August 2026 (VoIPBIN)
    #[arg(long)]
    no_webhook_secret: bool,

    /// How long a change takes until deliveries go by it, in sandbox time, such as 30s (Contact Center)
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    propagation: Option<Duration>,

    /// Deliver every event twice (Contact Center, VoIPBIN)
    #[arg(long)]
    duplicates: bool,

    /// Deliver the first of each two events of a call after the second (Contact Center, VoIPBIN)
    #[arg(long)]
    out_of_order: bool,

    /// Calls that come by themselves in a minute of sandbox time [default: 0]
    #[arg(long, value_name = "N")]
    calls_per_minute: Option<u32>,
}

#[derive(Clone, Debug, Subcommand)]
enum Knob {
    /// Place a call, whose events are delivered, or let one event happen
    ///
    /// Prints its id. Its events happen within a minute on the sandbox's clock, and each is delivered to every webhook that is
    /// active and on this machine. Where no sandbox runs, the whole call passes at once. All three services tell of a call, VIS
    /// as --scenario says; --event lets anything else happen that Contact Center or VoIPBIN tells of.
    Call(CallArgs),
    /// Move the sandbox's clock on
    ///
    /// What is due meanwhile happens in its order, and the command returns when it is done: a minute of retries takes no
    /// longer than their answers.
    Advance {
        /// How far, such as 90m, 36h or 10d
        #[arg(value_parser = parse_duration)]
        duration: TimeDelta,
    },
    /// Show where each service of the sandbox is, what it holds and how busy it is
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
        None => serve::run(&args.serve, context, directory).await,
        Some(Knob::Call(args)) => {
            args.check()?;
            call::run(args, context, sandbox::join(directory).await?).await
        }
        Some(Knob::Advance { duration }) => {
            let session = sandbox::join(directory).await?;
            knobs::turn(context, session, async |knobs| knobs.advance(*duration).await).await
        }
        Some(Knob::Status) => status::run(context, sandbox::join(directory).await?).await,
        Some(Knob::Reset { empty }) => knobs::reset(context, directory, *empty).await,
        Some(Knob::Revoke) => knobs::revoke(context, sandbox::join(directory).await?).await,
        Some(Knob::Stop) => knobs::stop(context, directory).await,
    }
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
