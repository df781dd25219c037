//! The Webhooks API: event types and subscriptions, behind bearer token, version and scope (specs/contact-center.md §2, §7).
//!
//! The three bodies of a 401 are the service's; every other message is ours.

use std::io;
use std::sync::Arc;

use axum::http::header::{ACCEPT, CACHE_CONTROL};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::book::Book;
use super::subscription::Subscription;
use super::wish::{self, Scopes, Wish};
use super::{event_types, ksuid};
use crate::sandbox::app::{App, bearer};
use crate::sandbox::reply::Reply;
use crate::sandbox::store::Store;
use crate::sandbox::timestamp::Timestamp;
use crate::secret::Secret;

/// The only version of the API there is (specs/contact-center.md §1).
const VERSION: &str = "application/vnd.newvoicemedia.v1+json";

/// The operations of the service. Ids are decoded, and any text.
enum Operation {
    EventTypes,
    List,
    Create,
    Get(String),
    Update(String),
    Delete(String),
}

/// Answers the request for `path`, which is what follows `/webhooks`. `body` is none when it was too large.
pub(in crate::sandbox) async fn answer(
    app: &App,
    parts: &Parts,
    path: &str,
    body: Option<Bytes>,
    now: Timestamp,
) -> Reply {
    let outcome = match admit(app, parts, path, now) {
        Ok(operation) => execute(app, operation, body, now).await,
        Err(refusal) => Ok(Err(refusal)),
    };
    let reply = match outcome {
        Ok(answer) => answer.unwrap_or_else(Refusal::reply),
        Err(failure) => unsaved(&failure),
    };
    reply.with_header(CACHE_CONTROL, "max-age=5, must-revalidate, private")
}

/// Why a request is not done.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    MissingToken,
    InvalidToken,
    /// The service's usual shape.
    Message(StatusCode, &'static str),
}

impl Refusal {
    const UNKNOWN: Self = Self::Message(StatusCode::NOT_FOUND, "There is no such subscription");
    const TAKEN: Self = Self::Message(StatusCode::CONFLICT, "There is a subscription of this name already");

    const fn bad(text: &'static str) -> Self {
        Self::Message(StatusCode::BAD_REQUEST, text)
    }

    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::InvalidToken,
            StatusCode::TOO_MANY_REQUESTS => {
                Self::Message(status, "Too many requests, try again after a short period")
            }
            status => {
                let reason = status.canonical_reason();
                Self::Message(status, reason.unwrap_or("A fault that the sandbox was asked for"))
            }
        }
    }

    fn reply(self) -> Reply {
        let (status, body) = match self {
            Self::MissingToken => (
                StatusCode::UNAUTHORIZED,
                json!({"error": "invalid_request", "error_description": "The access token is missing"}),
            ),
            Self::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                json!({"error": "invalid_token",
                    "error_description": "The access token is invalid or has expired"}),
            ),
            Self::Message(status, text) => (status, json!({ "message": text })),
        };
        Reply::json(status, &body)
    }
}

/// The reply to a request that a fault stops with `status`.
pub(in crate::sandbox) fn refusal_of(status: StatusCode) -> Reply {
    Refusal::of(status).reply()
}

/// Token, quota, version, path, scope: in which order the service looks at them is not documented.
fn admit(app: &App, parts: &Parts, path: &str, now: Timestamp) -> Result<Operation, Refusal> {
    let token = bearer(&parts.headers).ok_or(Refusal::MissingToken)?;
    let issued = || app.store.read_book(|book| book.scopes(token, now));
    let scopes = if app.is_owner(&parts.headers) { Some(Scopes::ALL) } else { issued() };
    let scopes = scopes.ok_or(Refusal::InvalidToken)?;
    if app.take_quota(token).is_err() {
        return Err(Refusal::of(StatusCode::TOO_MANY_REQUESTS));
    }
    if !asks_for_version(&parts.headers) {
        return Err(Refusal::bad("The Accept header must name a version of the API"));
    }
    let operation = operation(&parts.method, path)?;
    let is_allowed = match operation {
        Operation::EventTypes | Operation::List | Operation::Get(_) => scopes.read,
        Operation::Create | Operation::Update(_) | Operation::Delete(_) => scopes.write,
    };
    // The one client of the sandbox owns both scopes, so a token without one was asked for without it.
    is_allowed.then_some(operation).ok_or(Refusal::Message(StatusCode::UNAUTHORIZED, "Unauthorized"))
}

fn asks_for_version(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = values.flat_map(|value| value.split(','));
    kinds.any(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(VERSION))
}

fn operation(method: &Method, path: &str) -> Result<Operation, Refusal> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    match (segments.as_slice(), method.as_str()) {
        (["event-types"], "GET" | "HEAD") => Ok(Operation::EventTypes),
        (["subscriptions"], "GET" | "HEAD") => Ok(Operation::List),
        (["subscriptions"], "POST") => Ok(Operation::Create),
        (["subscriptions", id], "GET" | "HEAD") if !id.is_empty() => Ok(Operation::Get(decoded(id))),
        (["subscriptions", id], "PATCH") if !id.is_empty() => Ok(Operation::Update(decoded(id))),
        (["subscriptions", id], "DELETE") if !id.is_empty() => Ok(Operation::Delete(decoded(id))),
        (["event-types" | "subscriptions"], _) => Err(Refusal::of(StatusCode::METHOD_NOT_ALLOWED)),
        (["subscriptions", id], _) if !id.is_empty() => Err(Refusal::of(StatusCode::METHOD_NOT_ALLOWED)),
        _ => Err(Refusal::of(StatusCode::NOT_FOUND)),
    }
}

/// The outer error: the state could not be saved.
async fn execute(
    app: &App,
    operation: Operation,
    body: Option<Bytes>,
    now: Timestamp,
) -> io::Result<Result<Reply, Refusal>> {
    let store = &app.store;
    // From when on deliveries go by a change.
    let until = now.plus(app.options.propagation());
    let Some(body) = body else {
        let text = "The request body is larger than 1 MiB";
        return Ok(Err(Refusal::Message(StatusCode::PAYLOAD_TOO_LARGE, text)));
    };
    let read = || wish::read(&body, app.options.allow_http).map_err(Refusal::bad);
    match operation {
        Operation::EventTypes => Ok(Ok(ok(&event_types::catalogue()))),
        Operation::List => Ok(Ok(store.read_book(|book| {
            let shown: Vec<Value> = book.subscriptions.iter().map(Subscription::shown).collect();
            ok(&json!({ "subscriptions": shown }))
        }))),
        Operation::Get(id) => Ok(store.read_book(|book| {
            let found = book.find(&id).ok_or(Refusal::UNKNOWN)?;
            Ok(ok(&found.shown()))
        })),
        Operation::Create => match read() {
            Ok(wish) => changed(store, |book| create(book, wish, now, until)).await,
            Err(refusal) => Ok(Err(refusal)),
        },
        Operation::Update(id) => match read() {
            Ok(wish) => changed(store, |book| update(book, &id, wish, now, until)).await,
            Err(refusal) => Ok(Err(refusal)),
        },
        // What is answered is not documented; this is what has nothing to say.
        Operation::Delete(id) => {
            let remove = |book: &mut Book| {
                let was = book.remove(&id).ok_or(Refusal::UNKNOWN)?;
                book.changed(&id, Some(was), now, until);
                Ok(())
            };
            let removed = changed(store, remove).await?;
            Ok(removed.map(|()| Reply::empty(StatusCode::NO_CONTENT)))
        }
    }
}

/// Changes the book, and waits until that is on disk. A refusal changed nothing.
async fn changed<T>(
    store: &Arc<Store>,
    change: impl FnOnce(&mut Book) -> Result<T, Refusal>,
) -> io::Result<Result<T, Refusal>> {
    let mut refusal = Refusal::UNKNOWN;
    let change = |book: &mut Book| change(book).map_err(|why| refusal = why).ok();
    let done = store.change_book(change).await?;
    Ok(done.ok_or(refusal))
}

fn create(book: &mut Book, wish: Wish, now: Timestamp, until: Timestamp) -> Result<Reply, Refusal> {
    let subscription = Subscription {
        id: ksuid::new(now),
        name: wish.name.ok_or(Refusal::bad("The property name is required"))?,
        url: wish.url.ok_or(Refusal::bad("The property url is required"))?,
        events: wish.events.ok_or(Refusal::bad("The property events is required"))?,
        enabled: wish.enabled.unwrap_or(true),
        secret: wish.secret.unwrap_or_else(new_secret),
    };
    if book.is_taken(&subscription.name, "") {
        return Err(Refusal::TAKEN);
    }
    let reply = ok(&subscription.shown_once());
    book.changed(&subscription.id, None, now, until);
    book.subscriptions.push(subscription);
    Ok(reply)
}

fn update(book: &mut Book, id: &str, wish: Wish, now: Timestamp, until: Timestamp) -> Result<Reply, Refusal> {
    if wish.name.as_deref().is_some_and(|name| book.is_taken(name, id)) {
        return Err(Refusal::TAKEN);
    }
    let subscription = book.find(id).ok_or(Refusal::UNKNOWN)?;
    let was = subscription.clone();
    subscription.take(wish);
    let reply = ok(&subscription.shown());
    book.changed(id, Some(was), now, until);
    Ok(reply)
}

/// 32 random bytes in base64.
fn new_secret() -> Secret {
    let random: Vec<u8> = (0..3).flat_map(|_| *Uuid::new_v4().as_bytes()).collect();
    Secret::new(STANDARD.encode(Sha256::digest(random)))
}

fn ok(body: &Value) -> Reply {
    Reply::json(StatusCode::OK, body)
}

fn unsaved(failure: &io::Error) -> Reply {
    let text = format!("The sandbox could not save its state: {failure}");
    Reply::json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "message": text }))
}
