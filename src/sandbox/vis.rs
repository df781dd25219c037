//! The VIS service behind the gateway: five endpoints on webhooks, what happened, and who the user is (specs/vis.md §3).

use std::io;
use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::app::App;
use super::create::{Refusal, create};
use super::events::query::{Query, Wrong};
use super::registration::{ACCOUNT_ID, USER_ID};
use super::reply::Reply;
use super::routes::Operation;
use super::store::Store;
use super::timestamp::Timestamp;

/// Does what was asked, at `now`. `query` is what follows `?`; `body` is none when it was too large to be read.
pub(super) async fn execute(
    app: &App,
    operation: Operation,
    query: &str,
    body: Option<Bytes>,
    now: Timestamp,
) -> Reply {
    let store = &app.store;
    let Some(body) = body else {
        return error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
            "The request body is larger than 1 MiB",
        );
    };
    let outcome = match operation {
        Operation::List => Ok(store.read(|account| shown(app, StatusCode::OK, &account.webhooks(now)))),
        Operation::Get(id) => Ok(get(app, &id, now)),
        Operation::Create => register(app, &body, now).await,
        Operation::Delete(id) => delete(store, &id, now).await,
        Operation::Renew(id) => renew(app, &id, now).await,
        Operation::User => Ok(Reply::json(StatusCode::OK, &user())),
        Operation::Account => Ok(Reply::json(StatusCode::OK, &account())),
        Operation::Events => {
            Ok(find(query, |query| store.read_events(|log| Reply::json(StatusCode::OK, &query.page(log)))))
        }
        Operation::EventCount => Ok(find(query, |query| {
            let count = store.read_events(|log| query.count(log));
            Reply::json(StatusCode::OK, &json!({"count": count}))
        })),
        Operation::Event(id) => Ok(event(store, &id)),
    };
    outcome.unwrap_or_else(|failure| unsaved(&failure))
}

/// What the service says to a token that speaks for no user. In which form it does is not known (specs/vis.md §11).
pub(super) fn no_claims() -> Reply {
    Reply::text(StatusCode::UNAUTHORIZED, "text/plain;charset=UTF-8", "Failed to get claims for token")
}

fn get(app: &App, id: &str, now: Timestamp) -> Reply {
    app.store.read(|account| match account.find(id, now) {
        Some(webhook) => shown(app, StatusCode::OK, webhook),
        None => unknown(),
    })
}

/// A reply that carries webhooks.
fn shown(app: &App, status: StatusCode, webhooks: &impl Serialize) -> Reply {
    if !app.options.numeric_ids {
        return Reply::json(status, webhooks);
    }
    let mut webhooks = json!(webhooks);
    numbered(&mut webhooks);
    Reply::json(status, &webhooks)
}

/// Makes ids that are numbers the numbers that the vendor's examples have (specs/vis.md §4).
fn numbered(webhooks: &mut Value) {
    match webhooks {
        Value::Array(webhooks) => webhooks.iter_mut().for_each(numbered),
        Value::Object(members) => {
            for name in ["id", "userId", "accountId"] {
                let Some(id) = members.get_mut(name) else { continue };
                let text = id.as_str().unwrap_or_default();
                // What begins with a zero is no number.
                if let Some(number) = text.parse::<u64>().ok().filter(|_| !text.starts_with(['0', '+'])) {
                    *id = number.into();
                }
            }
        }
        _ => {}
    }
}

/// An id that no webhook had before: a UUID, or nine digits.
fn new_id(app: &App) -> String {
    let random = Uuid::new_v4();
    if app.options.numeric_ids {
        (random.as_u64_pair().1 % 900_000_000 + 100_000_000).to_string()
    } else {
        random.to_string()
    }
}

/// The answer that `search` gives to the query, if it is one.
fn find(query: &str, search: impl FnOnce(&Query) -> Reply) -> Reply {
    match Query::read(query) {
        Ok(query) => search(&query),
        Err(Wrong { parameter, message }) => {
            let body = json!({
                "errorCode": "BAD_REQUEST", "errorMessage": format!("Query parameter {parameter} {message}"),
                "errors": [{"field": parameter, "message": message}],
            });
            Reply::json(StatusCode::BAD_REQUEST, &body)
        }
    }
}

/// All that is known of one call: an array, as documented (specs/vis.md §10).
fn event(store: &Store, id: &str) -> Reply {
    let number = id.parse().ok();
    store.read_events(|log| {
        let rows = number.map(|id| log.of_call(id)).unwrap_or_default();
        if rows.is_empty() {
            error(StatusCode::NOT_FOUND, "NOT_FOUND", "Event not found")
        } else {
            Reply::json(StatusCode::OK, &rows)
        }
    })
}

async fn register(app: &App, body: &[u8], now: Timestamp) -> io::Result<Reply> {
    let webhook = match create(body, new_id(app), now, app.options.life()) {
        Ok(webhook) => webhook,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let reply = shown(app, StatusCode::CREATED, &webhook);
    let added = app.store.change(|account| {
        account.add(webhook);
        Some(())
    });
    added.await?;
    Ok(reply)
}

async fn delete(store: &Arc<Store>, id: &str, now: Timestamp) -> io::Result<Reply> {
    let removed = store.change(|account| account.remove(id, now).then_some(())).await?;
    Ok(removed.map_or_else(unknown, |()| Reply::empty(StatusCode::NO_CONTENT)))
}

/// Takes any body: one known client sends one, another does not (specs/vis.md §3).
async fn renew(app: &App, id: &str, now: Timestamp) -> io::Result<Reply> {
    let renewed = app.store.change(|account| {
        let webhook = account.find(id, now)?;
        webhook.renew(now, app.options.life());
        Some(shown(app, StatusCode::OK, webhook))
    });
    Ok(renewed.await?.unwrap_or_else(unknown))
}

/// `GET /self`, with the vendor's own spelling of `acountLabel`.
fn user() -> Value {
    json!({
        "id": USER_ID, "accountId": ACCOUNT_ID, "acountLabel": "vwh sandbox", "firstName": "Sandbox", "lastName": "User",
        "emailAddress": "sandbox@example.com", "status": "ACTIVE",
    })
}

fn account() -> Value {
    json!({"id": ACCOUNT_ID, "name": "vwh sandbox", "org": "sandbox", "status": "ACTIVE"})
}

/// The service's own error body (specs/vis.md §11).
fn error(status: StatusCode, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"errorCode": code, "errorMessage": message}))
}

fn unknown() -> Reply {
    error(StatusCode::NOT_FOUND, "NOT_FOUND", "Webhook not found")
}

fn unsaved(failure: &io::Error) -> Reply {
    let message = format!("The sandbox could not save its state: {failure}");
    error(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", &message)
}

fn refused(refusal: &Refusal) -> Reply {
    let Refusal::Invalid(errors) = refusal else {
        return error(StatusCode::BAD_REQUEST, "BAD_REQUEST", "The request body is not a JSON object");
    };
    let errors: Vec<Value> =
        errors.iter().map(|error| json!({"field": error.field, "message": error.message})).collect();
    let body =
        json!({"errorCode": "VALIDATION_FAILED", "errorMessage": "Validation failed", "errors": errors});
    Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}
