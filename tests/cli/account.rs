//! A service whose clock stands still, with one account whose webhooks are given: every age in a test is the same always.
//!
//! It only reads. How the service itself behaves is for `vwh sandbox`.

use serde_json::Value;

use crate::support::{Reply, Request, Server, Vwh, fixture, json};

/// The service's clock, as `Date` has it; the dates of `vis-list-healths.json` are around it.
pub(crate) const NOW: &str = "Tue, 05 Mar 2024 12:00:00 GMT";

/// A service with the webhooks of `document`, a JSON array.
pub(crate) fn holding(document: impl Into<String>) -> Server {
    let document = document.into();
    Server::new(move |request| answer(request, &document).header("Date", NOW))
}

/// A service with nine webhooks: one in each health, and a second failed one.
pub(crate) fn in_each_health() -> Server {
    holding(fixture("vis-list-healths.json"))
}

/// An empty home that is connected to `server`.
pub(crate) fn connected(server: &Server) -> Vwh {
    Vwh::connected_to(&server.base_url())
}

fn answer(request: &Request, document: &str) -> Reply {
    let Some(id) = request.path.strip_prefix("/self/webhooks/").filter(|_| request.method == "GET") else {
        return json(405, r#"{"errorMessage":"Method not allowed"}"#);
    };
    if id.is_empty() {
        return json(200, document);
    }
    let webhooks: Vec<Value> = serde_json::from_str(document).unwrap();
    match webhooks.iter().find(|webhook| webhook["id"] == id) {
        Some(webhook) => json(200, webhook.to_string()),
        None => json(404, r#"{"errorCode":"E404","errorMessage":"No webhook with this id"}"#),
    }
}
