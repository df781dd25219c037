//! The sandbox's own routes, below `/_sandbox/`: look at it, move its clock, place calls, start over, fill it, revoke
//! tokens, stop it.
//!
//! They need the sandbox's own token, which is in its state file; one from the token endpoint, as anybody on this machine
//! can have, opens none of them. They are never counted, delayed or spoiled. A knob that worked answers with
//! the sandbox's status, and what there is to add to it; one that did not with `{"error":"…"}`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::account::Account;
use super::app::App;
use super::contact_center::book::Book;
use super::engine::End;
use super::oauth::ledger::Ledger;
use super::registration::{Life, Registration};
use super::reply::Reply;
use super::status::{More, status};
use super::timestamp::Timestamp;
use super::{placing, voipbin};

/// How far one call moves the clock at most: past every date the service would ever give.
const MAX_ADVANCE: u64 = 100 * 365 * 24 * 60 * 60;

/// Body of `POST /_sandbox/advance`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// Whole seconds of sandbox time.
    seconds: u64,
    /// And so many milliseconds.
    #[serde(default)]
    milliseconds: u32,
    /// After so many milliseconds of real time it is answered in any case; `leftMilliseconds` in the status is then what to
    /// ask for next. Without it, once all of the time has passed.
    patience: Option<u64>,
}

/// Body of `POST /_sandbox/reset`; it may be missing.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Reset {
    /// Without the demo account's webhooks.
    empty: bool,
}

/// Why a knob did not do it.
pub(super) enum Failure {
    Request(StatusCode, String),
    Save(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Save(error)
    }
}

/// Answers the knob at `path`, which is what follows `/_sandbox`. `body` is none when it was too large.
pub(super) async fn answer(app: &Arc<App>, parts: &Parts, path: &str, body: Option<Bytes>) -> Reply {
    if !app.is_owner(&parts.headers) {
        return refusal(StatusCode::UNAUTHORIZED, "needs the token of sandbox.json as bearer token");
    }
    let Some(body) = body else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 MiB");
    };
    match turn(app, &parts.method, path, &body).await {
        Ok(more) => Reply::json(StatusCode::OK, &status(app, more)),
        Err(Failure::Request(status, text)) => refusal(status, &text),
        Err(Failure::Save(error)) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn turn(app: &App, method: &Method, path: &str, body: &[u8]) -> Result<More, Failure> {
    match (method.as_str(), path) {
        ("GET", "/status") => Ok(More::new()),
        ("POST", "/advance") => advance(app, body).await,
        ("POST", "/call") => placing::answer(app, body).await,
        ("POST", "/reset") => reset(app, body).await,
        ("POST", "/webhooks") => replace(app, body).await,
        ("POST", "/revoke") => {
            app.store.read_book(Book::revoke);
            app.store.change_ledger(Ledger::revoke).await?;
            let revoke = |account: &mut voipbin::account::Account| {
                account.revoke();
                Some(())
            };
            app.store.change_voipbin(revoke).await?;
            Ok(More::new())
        }
        ("POST", "/stop") => stop(app),
        (_, "/status" | "/advance" | "/call" | "/reset" | "/webhooks" | "/revoke" | "/stop") => Err(
            Failure::Request(StatusCode::METHOD_NOT_ALLOWED, format!("{method} does not go with this route")),
        ),
        _ => Err(Failure::Request(StatusCode::NOT_FOUND, "there is no such route".to_owned())),
    }
}

async fn advance(app: &App, body: &[u8]) -> Result<More, Failure> {
    let Advance { seconds, milliseconds, patience } =
        serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    if seconds > MAX_ADVANCE {
        return Err(invalid(format!("{seconds} seconds are more than 100 years")));
    }
    let span = TimeDelta::try_seconds(seconds.cast_signed()).unwrap_or(TimeDelta::MAX)
        + TimeDelta::milliseconds(i64::from(milliseconds));
    let end = app.engine.advance(span, patience.map(Duration::from_millis)).await;
    app.store.flush().await?;
    match end {
        End::Through => Ok(More::new()),
        End::Left(left) => {
            Ok(More::from_iter([("leftMilliseconds".to_owned(), left.num_milliseconds().into())]))
        }
        End::Stopped => {
            let text = "the sandbox stops before the time has passed";
            Err(Failure::Request(StatusCode::CONFLICT, text.to_owned()))
        }
    }
}

async fn reset(app: &App, body: &[u8]) -> Result<More, Failure> {
    let Reset { empty } = or_usual(body)?;
    app.unlock();
    app.engine.reset(empty).await?;
    Ok(More::new())
}

/// Puts the given registrations in the place of all there are.
async fn replace(app: &App, body: &[u8]) -> Result<More, Failure> {
    let seeds: Vec<Map<String, Value>> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let now = app.store.now();
    let webhooks = seeds
        .iter()
        .enumerate()
        .map(|(index, seed)| planted(index, seed, now, app.options.life()))
        .collect::<Result<_, _>>()?;
    app.engine.plant(Account::new(webhooks)).await?;
    Ok(More::new())
}

fn planted(
    index: usize,
    seed: &Map<String, Value>,
    now: Timestamp,
    life: Life,
) -> Result<Registration, Failure> {
    Registration::from_seed(seed, Uuid::new_v4().to_string(), now, life)
        .map_err(|reason| invalid(format!("element {index}: {reason}")))
}

/// Asks the process that serves in the foreground to stop. An embedded sandbox ends with its command.
fn stop(app: &App) -> Result<More, Failure> {
    if app.is_embedded {
        let text = "the sandbox is part of a running command and stops when that is done";
        return Err(Failure::Request(StatusCode::CONFLICT, text.to_owned()));
    }
    app.stop_asked.send_replace(true);
    Ok(More::new())
}

/// A body that may be missing.
pub(super) fn or_usual<T: Default + serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    match body {
        [] => Ok(T::default()),
        body => serde_json::from_slice(body).map_err(|error| unreadable(&error)),
    }
}

/// The place only: the parser's text may quote a value.
fn unreadable(error: &serde_json::Error) -> Failure {
    let text = format!("the body does not fit at line {} column {}", error.line(), error.column());
    Failure::Request(StatusCode::BAD_REQUEST, text)
}

pub(super) fn invalid(text: String) -> Failure {
    Failure::Request(StatusCode::UNPROCESSABLE_ENTITY, text)
}

fn refusal(status: StatusCode, text: &str) -> Reply {
    Reply::json(status, &json!({"error": text}))
}
