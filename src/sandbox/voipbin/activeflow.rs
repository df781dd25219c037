//! `POST /activeflows`: the one place where VoIPBIN checks a webhook's url and method (specs/voipbin.md §4). Nothing is run.

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::super::reply::Reply;
use super::super::timestamp::Timestamp;
use super::account::{Account, micros};
use super::customer::{object, text};
use super::json_reply;
use super::refusal::Refusal;

const METHODS: [&str; 5] = ["", "POST", "GET", "PUT", "DELETE"];

pub(super) fn start(account: &Account, body: &[u8], now: Timestamp) -> Result<Reply, Refusal> {
    let members = object(body).ok_or_else(Refusal::not_json)?;
    let text = |name: &str| text(&members, name).ok_or_else(Refusal::not_json);
    let (uri, method) = (text("webhook_uri")?, text("webhook_method")?);
    if !uri.is_empty() && !is_fit(&uri) {
        return Err(Refusal::invalid(
            "INVALID_WEBHOOK_URI",
            "The webhook_uri must be an absolute http or https URL.",
        ));
    }
    if !METHODS.contains(&method.as_str()) {
        return Err(Refusal::invalid("INVALID_WEBHOOK_METHOD", "The webhook_method is not supported."));
    }
    let mut flow = json!({
        "id": Uuid::new_v4().to_string(), "customer_id": account.customer().id, "flow_id": text("flow_id")?,
        "status": "running", "tm_create": micros(now), "tm_update": micros(now), "tm_delete": null,
    });
    for (name, value) in [("webhook_uri", uri), ("webhook_method", method)] {
        if !value.is_empty() {
            flow[name] = Value::from(value);
        }
    }
    Ok(json_reply(&flow))
}

fn is_fit(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
