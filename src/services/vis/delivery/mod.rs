//! A VIS delivery: how one is put together and signed, how one is taken apart and judged, and the rules that it is posted
//! under (vis §8, §9). Posting it is `crate::delivery`'s.

pub mod event;
pub mod scenario;
pub mod statistics;

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;

use super::super::flaw::{Flaw, Malformed};
use super::signature::{self, Match};
use crate::delivery::{Delivery, Exhausted, Manner, Rules, Successes};
use crate::secret::Secret;
use crate::webhook::member;

/// The documented rules; where nothing is documented, the advice of vis §8 (6 attempts, 5 redirects).
pub const RULES: Rules = Rules {
    connect: Duration::from_secs(3),
    reply: Duration::from_secs(2),
    attempts: 6,
    pause: Duration::from_secs(10),
    manner: Manner::Vis,
    redirects: 5,
    successes: Successes::Only(200),
    exhausted: Exhausted::MarksFailed,
};

/// The header of the signature; its presence tells that a delivery is of VIS.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-von-signature");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("x-von-webhook-id");
const DELIVERY_ID: HeaderName = HeaderName::from_static("x-von-delivery-id");
const ATTEMPT: HeaderName = HeaderName::from_static("x-von-attempt");

/// Says of what vwh itself posts whether it is a sample or an event that is posted again (design §6).
pub const SYNTHETIC: HeaderName = HeaderName::from_static("x-vwh-synthetic");
/// Its value on a sample, and on a record that is posted again by hand.
pub const TRIGGERED: HeaderValue = HeaderValue::from_static("trigger");
/// Its value on an event that was missed.
pub const REPOSTED: HeaderValue = HeaderValue::from_static("repost");

/// Whether ids and signature travel with a delivery, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Neither travels.
    None,
    /// In headers.
    Header,
    /// In the body, beside the event.
    Body,
}

impl Policy {
    /// The policy of this wire name, in any case; what is not known travels with nothing.
    #[must_use]
    pub fn named(name: &str) -> Self {
        if name.eq_ignore_ascii_case("HEADER") {
            Self::Header
        } else if name.eq_ignore_ascii_case("BODY") {
            Self::Body
        } else {
            Self::None
        }
    }
}

/// What goes into one delivery.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The event as JSON in its canonical form, which is what is signed.
    pub event: &'a str,
    /// How the rest travels.
    pub policy: Policy,
    /// The signing key; `None` or an empty one signs nothing.
    pub key: Option<&'a Secret>,
    /// The registration.
    pub webhook_id: &'a str,
    /// The same for all attempts of one delivery.
    pub delivery_id: &'a str,
    /// Counted from 1.
    pub attempt: u32,
}

/// Puts a delivery together. Ids that no header can carry are left out of the headers.
#[must_use]
pub fn build(parts: &Parts<'_>) -> Delivery {
    let signature = match (parts.policy, parts.key) {
        (Policy::Header | Policy::Body, Some(key)) if !key.reveal().is_empty() => {
            Some(signature::sign(key, parts.event.as_bytes()))
        }
        _ => None,
    };
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let mut body = format!("{{\"event\":{}", parts.event);
    match parts.policy {
        Policy::None => {}
        Policy::Header => {
            let attempt = parts.attempt.to_string();
            let named = [
                (SIGNATURE, signature.as_deref()),
                (WEBHOOK_ID, Some(parts.webhook_id)),
                (DELIVERY_ID, Some(parts.delivery_id)),
                (ATTEMPT, Some(&attempt)),
            ];
            for (name, value) in named {
                if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                    headers.insert(name, value);
                }
            }
        }
        Policy::Body => {
            let mut metadata = serde_json::json!({
                "webhookId": parts.webhook_id, "deliveryId": parts.delivery_id, "attempt": parts.attempt,
            });
            if let Some(signature) = signature {
                metadata["signature"] = signature.into();
            }
            body.push_str(&format!(",\"metadata\":{metadata}"));
        }
    }
    body.push('}');
    Delivery { headers, body: Bytes::from(body), ..Delivery::default() }
}

/// A delivery taken apart. Where the body's `metadata` and the headers both say something, the body's word counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// The value of `event`, as received.
    pub event: &'a str,
    /// The signature as received.
    pub signature: Option<String>,
    /// The registration.
    pub webhook_id: Option<String>,
    /// The same for all attempts of one delivery.
    pub delivery_id: Option<String>,
    /// Counted from 1.
    pub attempt: Option<u64>,
}

/// Takes a delivery apart.
pub fn read<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Received<'a>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotJson)?;
    let (mut events, mut metadata) = (Vec::new(), Vec::new());
    member::each(text, |name, value| match name {
        "event" => events.push(value),
        // The first documents spelled it `metdata` (vis §9).
        "metadata" | "metdata" => metadata.push((name == "metadata", value)),
        _ => {}
    })
    .map_err(|_| Malformed::NotJson)?;
    let event = match events.as_slice() {
        [event] if event.get().starts_with('{') => event.get(),
        [] | [_] => return Err(Malformed::NoEvent),
        _ => return Err(Malformed::Twice),
    };
    let mut received = of_headers(event, headers);
    match metadata.as_slice() {
        [] => {}
        // Where both spellings stand there, the documented one counts.
        [(_, value)] | [(true, value), (false, _)] | [(false, _), (true, value)] => {
            overlay(&mut received, value);
        }
        _ => return Err(Malformed::Twice),
    }
    Ok(received)
}

fn of_headers<'a>(event: &'a str, headers: &HeaderMap) -> Received<'a> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Received {
        event,
        signature: text(SIGNATURE),
        webhook_id: text(WEBHOOK_ID),
        delivery_id: text(DELIVERY_ID),
        attempt: text(ATTEMPT).and_then(|text| text.trim().parse().ok()),
    }
}

/// Metadata that is no object says nothing.
fn overlay(received: &mut Received<'_>, metadata: &RawValue) {
    let _ = member::each(metadata.get(), |name, value| {
        let text = || member::text(value);
        match name {
            "signature" => received.signature = text().or(received.signature.take()),
            "webhookId" => received.webhook_id = text().or(received.webhook_id.take()),
            "deliveryId" => received.delivery_id = text().or(received.delivery_id.take()),
            "attempt" => {
                let attempt = member::integer(value).and_then(|attempt| u64::try_from(attempt).ok());
                received.attempt = attempt.or(received.attempt);
            }
            _ => {}
        }
    });
}

impl Received<'_> {
    /// Judges the signature with `keys`.
    pub fn judge(&self, keys: &[Secret]) -> Result<Match, Flaw> {
        match self.signature.as_deref() {
            None | Some("") => Err(Flaw::Unsigned),
            Some(signature) => signature::verify(self.event, signature, keys).ok_or(Flaw::Forged),
        }
    }
}

#[cfg(test)]
mod tests;
