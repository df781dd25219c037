//! The browser's half of `vwh login`: sends a person to the service's own page, and takes the code that comes back.

use std::process::Stdio;
use std::time::Duration;

use tokio::time::Instant;
use url::{Url, form_urlencoded};

use super::Context;
use crate::auth::callback::Callback;
use crate::auth::code::{Attempt, Unusable};
use crate::auth::endpoint::{Client, Grant};
use crate::auth::keeper::{Keeper, LogIn};
use crate::error::{Error, Kind};
use crate::network::is_loopback;
use crate::output::OutputError;
use crate::secret::Secret;

/// Where the browser comes back to, unless told otherwise.
pub const REDIRECT_URI: &str = "http://127.0.0.1:4011/callback";

/// A person who has not come back after this long has gone.
const PATIENCE: Duration = Duration::from_mins(5);

/// A person may paste something else this often.
const MOST_PASTES: u32 = 3;

/// A redirect URI as an application registers it.
pub fn parse_redirect_uri(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("this is not a URL: {error}"))?;
    if url.fragment().is_some()
        || url.host().is_none()
        || url.password().is_some()
        || !url.username().is_empty()
    {
        return Err("give a plain URL with a host, such as http://127.0.0.1:4011/callback".to_owned());
    }
    Ok(url)
}

/// Signs in with the code that a browser brings back to `redirect_uri`.
pub async fn log_in(
    is_here: bool,
    redirect_uri: &Url,
    context: &Context,
    keeper: &Keeper,
    client: &Client,
    keeps_secret: bool,
) -> Result<(), Error> {
    let attempt = Attempt::new(context.random_bytes).map_err(|error| {
        Error::new(Kind::Internal, "no random numbers to sign in with").because(error.to_string())
    })?;
    let (redirect_uri, code) = if is_here {
        let callback = listen(redirect_uri).await?;
        let redirect_uri = callback.redirect_uri().to_string();
        send_there(context, keeper, client, &attempt, &redirect_uri, true);
        (redirect_uri, come_back(context, callback, &attempt).await?)
    } else {
        send_there(context, keeper, client, &attempt, redirect_uri.as_str(), false);
        (redirect_uri.to_string(), pasted(context, &attempt).await?)
    };
    let grant = Grant::Code { code: &code, redirect_uri: &redirect_uri, verifier: attempt.verifier() };
    keeper.log_in(&LogIn { grant: &grant, client, keeps_secret, is_unattended: false }).await?;
    Ok(())
}

async fn listen(redirect_uri: &Url) -> Result<Callback, Error> {
    if redirect_uri.scheme() != "http" || !is_loopback(redirect_uri) {
        return Err(Error::new(
            Kind::Usage,
            format!("the browser would come back to {redirect_uri}, which is not this machine"),
        )
        .hint("--no-browser takes the address that it ends at; --redirect-uri names one on 127.0.0.1"));
    }
    Callback::bind(redirect_uri).await.map_err(|error| {
        Error::new(Kind::Configuration, format!("cannot listen on {redirect_uri}"))
            .because(error.to_string())
            .hint("--redirect-uri names another address that the application has registered")
    })
}

fn send_there(
    context: &Context,
    keeper: &Keeper,
    client: &Client,
    attempt: &Attempt,
    redirect_uri: &str,
    opens: bool,
) {
    let url = attempt.authorize_url(&keeper.sign_in().token_url, &client.id, redirect_uri);
    context.output.address("open this address in a browser to sign in", url.as_str());
    if opens {
        open(url.as_str());
    }
}

/// Tries to open `url` in the person's browser. It has been printed, so a failure is none.
fn open(url: &str) {
    let (program, arguments): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[url])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler", url])
    } else {
        ("xdg-open", &[url])
    };
    let mut command = std::process::Command::new(program);
    let _ = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}

async fn come_back(context: &Context, callback: Callback, attempt: &Attempt) -> Result<Secret, Error> {
    let since = Instant::now();
    let waiting = tokio::time::timeout(PATIENCE, callback.code(attempt.clone()));
    let outcome = context.limits.or_interrupted(waiting).await;
    // Waiting for a person does not count.
    context.limits.extend(since.elapsed());
    match outcome {
        Err(_) => Err(Error::new(Kind::Interrupted, "interrupted")),
        Ok(Err(_)) => Err(nobody_came()),
        Ok(Ok(outcome)) => outcome.map_err(unusable),
    }
}

async fn pasted(context: &Context, attempt: &Attempt) -> Result<Secret, Error> {
    let is_person = context.output.terminals().stdin;
    if is_person && context.settings.no_input {
        return Err(Error::new(
            Kind::Confirmation,
            "there is nobody to ask for the address that the browser ended at",
        )
        .hint("drop --no-input, or pipe the address in"));
    }
    let question = is_person.then_some("then paste the address that it ended at");
    let mut mistakes = 0;
    loop {
        let asked = tokio::time::timeout(PATIENCE, context.output.ask_line(question, &context.limits));
        let line = match asked.await {
            Err(_) => return Err(nobody_came()),
            Ok(Err(OutputError::Interrupted)) => return Err(Error::new(Kind::Interrupted, "interrupted")),
            Ok(line) => line?,
        };
        let error = match query_in(&line).map(|query| attempt.code_in(&query)) {
            Some(Ok(code)) => return Ok(code),
            Some(Err(why @ Unusable::Refused(_))) => return Err(unusable(why)),
            Some(Err(why)) => unusable(why),
            None => not_an_address(),
        };
        mistakes += 1;
        if !is_person || mistakes == MOST_PASTES {
            return Err(error);
        }
        context.output.warning(&error.sentence());
    }
}

/// The query of a pasted address; or a query alone, which is all that some browsers let a person copy.
fn query_in(pasted: &str) -> Option<String> {
    if let Ok(url) = Url::parse(pasted) {
        return url.query().map(str::to_owned);
    }
    let query = pasted.strip_prefix('?').unwrap_or(pasted);
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "state").then(|| query.to_owned())
}

fn not_an_address() -> Error {
    Error::new(Kind::Confirmation, "what was pasted is not the address that the browser ended at")
        .hint("copy all of it from the address bar, even if the page could not be shown")
}

fn nobody_came() -> Error {
    Error::new(Kind::Unavailable, format!("nobody signed in within {} minutes", PATIENCE.as_secs() / 60))
        .hint("run it again")
}

fn unusable(why: Unusable) -> Error {
    match why {
        Unusable::Refused(text) => {
            Error::new(Kind::Authentication, "the sign-in was refused in the browser").because(text)
        }
        other => Error::new(Kind::Authentication, "cannot use the address that the browser ended at")
            .because(other.to_string())
            .hint("run it again, and use the address of that run"),
    }
}
