//! `vwh sandbox status`: where the sandbox is, what it holds, how busy it is.

use serde_json::Value;

use super::super::Context;
use super::knobs::with_session;
use crate::error::{Error, ExitStatus};
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, PASSWORD, Session, USERNAME};
use crate::secret::Secret;
use crate::webhook::ServiceKind;
use crate::webhook::json::{Secrets, to_line};

/// Prints the status of `session`'s sandbox, and ends the session.
pub(super) async fn run(context: &Context, session: Session) -> Result<ExitStatus, Error> {
    let token = session.token().clone();
    let access_key = session.access_key().cloned();
    let status = with_session(context, &session, async |knobs| knobs.status().await).await;
    session.leave().await?;
    show(context, &status?, &Keys { token, access_key })
}

/// What opens the sandbox.
struct Keys {
    token: Secret,
    /// Of VoIPBIN's API.
    access_key: Option<Secret>,
}

/// With everything that is needed to call the sandbox or to sign in to it, where secrets may be shown.
fn show(context: &Context, status: &Value, keys: &Keys) -> Result<ExitStatus, Error> {
    let shows_secrets = context.output.secrets() == Secrets::Show;
    let text = if context.settings.format.is_json() {
        let mut status = status.clone();
        if let (Some(members), true) = (status.as_object_mut(), shows_secrets) {
            for (name, secret) in
                [("token", keys.token.reveal()), ("clientSecret", CLIENT_SECRET), ("password", PASSWORD)]
            {
                members.insert(name.to_owned(), secret.into());
            }
            if let Some(key) = &keys.access_key {
                members.insert("accessKey".to_owned(), key.reveal().into());
            }
        }
        format!("{}\n", to_line(&status))
    } else {
        status_text(status, shows_secrets.then_some(keys))
    };
    context.output.answer(&text)?;
    Ok(ExitStatus::Success)
}

/// The status for people; with `keys`, everything that is needed to call the sandbox or to sign in to it.
fn status_text(status: &Value, keys: Option<&Keys>) -> String {
    let is_embedded = status["embedded"] == true;
    let place = if is_embedded {
        "not running (each command brings its own)".to_owned()
    } else {
        format!("http://{}", member(status, "address"))
    };
    let mut lines =
        vec![("sandbox", place), ("time", member(status, "now")), ("events", member(status, "events"))];
    // Nobody sees them where each command brings its own.
    if !is_embedded {
        lines.push(("calls", format!("{} under way", member(status, "callsUnderWay"))));
    }
    for service in ServiceKind::ALL {
        lines.extend(service_lines(service, &status["services"][service.name()], is_embedded));
    }
    if let Some(Keys { token, access_key }) = keys {
        lines.push(("token", token.reveal().to_owned()));
        if let Some(access_key) = access_key {
            lines.push(("access key", access_key.reveal().to_owned()));
        }
        lines.push(("client id", CLIENT_ID.to_owned()));
        lines.push(("client secret", CLIENT_SECRET.to_owned()));
        lines.push(("username", USERNAME.to_owned()));
        lines.push(("password", PASSWORD.to_owned()));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    lines.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// What there is to know of one service: of an older program that serves, nothing.
fn service_lines(service: ServiceKind, status: &Value, is_embedded: bool) -> Vec<(&'static str, String)> {
    if status.is_null() {
        return Vec::new();
    }
    let webhooks = match status["webhooks"].as_u64() {
        Some(1) => "1 webhook".to_owned(),
        count => format!("{} webhooks", count.unwrap_or_default()),
    };
    // What this command brought along for itself is gone by the time that this is read.
    if is_embedded {
        return vec![(service.title(), webhooks)];
    }
    let mut lines = vec![(service.title(), member(status, "baseUrl"))];
    for (label, name) in [("  token URL", "tokenUrl"), ("  login URL", "loginUrl")] {
        if let Some(url) = status[name].as_str() {
            lines.push((label, url.to_owned()));
        }
    }
    lines.push(("  webhooks", member(status, "webhooks")));
    let [under_way, succeeded, failed] =
        ["deliveriesUnderWay", "deliveriesSucceeded", "deliveriesFailed"].map(|name| member(status, name));
    lines.push(("  deliveries", format!("{under_way} under way, {succeeded} succeeded, {failed} failed")));
    lines
}

/// A member as it is shown.
fn member(status: &Value, name: &str) -> String {
    match &status[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
