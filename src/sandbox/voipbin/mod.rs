//! VoIPBIN as its clients see it: the customer with its one webhook, access keys, sign-in, and the one check of activeflows
//! (specs/voipbin.md §11). There is no `/webhooks`, because there never was one (§1).
//!
//! - who asks: `access`; what is kept: `account`; what is answered: `customer`, `keys`, `activeflow`; what is
//!   posted: `events`; what goes wrong: `refusal`

pub(super) mod access;
pub(super) mod account;
mod activeflow;
mod customer;
pub(super) mod events;
mod keys;
pub(super) mod refusal;

use std::io;

use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::app::App;
use super::reply::Reply;
use super::timestamp::Timestamp;
use access::Caller;
use refusal::Refusal;

/// Where the API lives (specs/voipbin.md §2).
pub(super) const API_BASE: &str = "/v1.0";
/// Where sign-in lives, at the root and not below the API.
const AUTH_BASE: &str = "/auth";
/// Where agents sign in.
pub(super) const LOGIN_PATH: &str = "/auth/login";

/// The operations that there are. Ids are decoded, and any text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Operation {
    Customer,
    Write,
    Me,
    Keys,
    MakeKey,
    Key(String),
    DeleteKey(String),
    StartFlow,
}

/// Whether `path` is this service's.
pub(super) fn owns(path: &str) -> bool {
    [API_BASE, AUTH_BASE]
        .iter()
        .any(|base| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Answers a request at `now`, faults aside. `body` is none when it was too large to be read.
pub(super) async fn answer(app: &App, parts: &Parts, body: Option<Bytes>, now: Timestamp) -> Reply {
    let body = body.unwrap_or_default();
    let path = parts.uri.path();
    if path == LOGIN_PATH && parts.method == Method::POST {
        return access::log_in(&app.store, &body, now).await.unwrap_or_else(|error| unsaved(&error, parts));
    }
    // Whoever asks for what is not there is told so, signed in or not (§1).
    let operation = path.strip_prefix(API_BASE).and_then(|rest| operation(&parts.method, rest));
    let Some(operation) = operation else { return Refusal::no_route().reply(parts) };
    let admitted = access::caller(app, parts, now).and_then(|caller| check_quota(app).map(|()| caller));
    let outcome = match admitted {
        Ok(caller) => execute(app, operation, caller, parts, &body, now).await,
        Err(refusal) => Ok(Err(refusal)),
    };
    match outcome {
        Ok(Ok(reply)) => refusal::identified(reply, parts),
        Ok(Err(refusal)) => refusal.reply(parts),
        Err(error) => unsaved(&error, parts),
    }
}

/// A wrong method is an unknown route: there is no 405 (§8).
fn operation(method: &Method, path: &str) -> Option<Operation> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let decoded = |id: &str| percent_decode_str(id).decode_utf8_lossy().into_owned();
    Some(match (segments.as_slice(), method.as_str()) {
        (["customer"], "GET") => Operation::Customer,
        (["customer"], "PUT") => Operation::Write,
        (["me"], "GET") => Operation::Me,
        (["accesskeys"], "GET") => Operation::Keys,
        (["accesskeys"], "POST") => Operation::MakeKey,
        (["accesskeys", id], "GET") if !id.is_empty() => Operation::Key(decoded(id)),
        (["accesskeys", id], "DELETE") if !id.is_empty() => Operation::DeleteKey(decoded(id)),
        (["activeflows"], "POST") => Operation::StartFlow,
        _ => return None,
    })
}

/// Keys and agents of a customer share one allowance (§8).
fn check_quota(app: &App) -> Result<(), Refusal> {
    let customer = app.store.read_voipbin(|account| account.customer().id.clone());
    app.take_quota(&format!("customer {customer}")).map_err(Refusal::throttled)
}

async fn execute(
    app: &App,
    operation: Operation,
    caller: Caller,
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> io::Result<Result<Reply, Refusal>> {
    let store = &app.store;
    Ok(match operation {
        Operation::Customer => {
            let has_secret = !app.options.no_webhook_secret;
            Ok(store.read_voipbin(|account| customer::shown(account, has_secret)))
        }
        Operation::Write => return customer::write(store, body, now).await,
        Operation::Me => store.read_voipbin(|account| access::me(account, caller)),
        Operation::Keys => {
            Ok(store.read_voipbin(|account| keys::list(account, parts.uri.query().unwrap_or_default(), now)))
        }
        Operation::MakeKey => return keys::make(store, body, now).await,
        Operation::Key(id) => store.read_voipbin(|account| keys::one(account, &id)),
        Operation::DeleteKey(id) => return keys::delete(store, &id, now).await,
        Operation::StartFlow => store.read_voipbin(|account| activeflow::start(account, body, now)),
    })
}

fn unsaved(error: &io::Error, parts: &Parts) -> Reply {
    Refusal::unsaved(error).reply(parts)
}

/// What a fault of this status answers.
pub(super) fn of_status(status: StatusCode, parts: &Parts) -> Reply {
    Refusal::of_status(status).reply(parts)
}

/// A reply that carries `value`, as the service's framework sends it.
fn json_reply(value: &impl serde::Serialize) -> Reply {
    Reply::json(StatusCode::OK, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_route_of_webhooks_and_no_other_method() {
        assert_eq!(operation(&Method::GET, "/customer"), Some(Operation::Customer));
        assert_eq!(operation(&Method::DELETE, "/accesskeys/a%2Fb"), Some(Operation::DeleteKey("a/b".into())));
        for path in ["/webhooks", "/webhooks/1", "/customer/", "/auth/login", "", "/"] {
            assert_eq!(operation(&Method::GET, path), None, "{path}");
        }
        assert_eq!(operation(&Method::POST, "/customer"), None);
    }

    #[test]
    fn what_is_below_its_two_roots_is_its_own() {
        assert!(owns("/v1.0/customer") && owns("/v1.0") && owns("/auth/login"));
        assert!(!owns("/v1.00") && !owns("/authorize") && !owns("/t/vbc.prod/vis/v1/self"));
    }
}
