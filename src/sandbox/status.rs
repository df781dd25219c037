//! What the sandbox says of itself: where each service is, what it holds, how busy it is.

use serde_json::{Map, Value, json};

use super::app::{API_BASE, App};
use super::engine::Tally;
use super::engine::counts::{Count, Counts};
use super::oauth::{CLIENT_ID, TOKEN_PATH, USERNAME};
use super::timestamp::Timestamp;
use super::{contact_center, server, voipbin};
use crate::webhook::ServiceKind;

/// What a knob has to say besides the status.
pub(super) type More = Map<String, Value>;

/// The status, and `more`. What is said of all services together stands at the top, `webhooks` of VIS too.
pub(super) fn status(app: &App, more: More) -> Value {
    let now = app.store.now();
    let Tally { calls, deliveries } = app.engine.tally();
    let Count { undecided, succeeded, failed } = deliveries.of_all();
    let mut status = json!({
        "address": app.address.to_string(),
        "now": now,
        "speed": app.store.speed(),
        "webhooks": app.store.read(|account| account.webhooks(now).len()),
        "requests": app.requests(),
        "tokenRequests": app.token_requests(),
        "tokens": app.store.read_ledger(|ledger| ledger.live(now)) + app.store.read_book(|book| book.live(now)),
        "tokenUrl": app.token_url(),
        "clientId": CLIENT_ID,
        "username": USERNAME,
        "embedded": app.is_embedded,
        "events": app.store.read_events(|log| log.rows().len()),
        "callsUnderWay": calls,
        "deliveriesUnderWay": undecided,
        "deliveriesSucceeded": succeeded,
        "deliveriesFailed": failed,
        "services": services(app, &deliveries, now),
    });
    if let Some(status) = status.as_object_mut() {
        status.extend(more);
    }
    status
}

/// Each service by its name.
fn services(app: &App, deliveries: &Counts, now: Timestamp) -> Value {
    let of = |service| (service, service_status(app, service, deliveries.of(service), now));
    ServiceKind::ALL
        .into_iter()
        .map(of)
        .map(|(service, status)| (service.name().to_owned(), status))
        .collect()
}

fn service_status(app: &App, service: ServiceKind, deliveries: Count, now: Timestamp) -> Value {
    let store = &app.store;
    let (base, door, webhooks) = match service {
        ServiceKind::Vis => {
            (API_BASE, ("tokenUrl", TOKEN_PATH), store.read(|account| account.webhooks(now).len()))
        }
        ServiceKind::ContactCenter => (
            contact_center::API_BASE,
            ("tokenUrl", contact_center::TOKEN_PATH),
            store.read_book(|book| book.count()),
        ),
        ServiceKind::Voipbin => (
            voipbin::API_BASE,
            ("loginUrl", voipbin::LOGIN_PATH),
            store.read_voipbin(voipbin::account::Account::webhooks),
        ),
    };
    let url = |path: &str| server::root(app.address) + path;
    json!({
        "baseUrl": url(base),
        door.0: url(door.1),
        "webhooks": webhooks,
        "deliveriesUnderWay": deliveries.undecided,
        "deliveriesSucceeded": deliveries.succeeded,
        "deliveriesFailed": deliveries.failed,
    })
}
