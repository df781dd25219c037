//! A VoIPBIN delivery: how one is put together and signed, how one is taken apart and judged, the rules that it is posted
//! under, and sample ones (vb §5 to §7).

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::super::flaw::{Flaw, Malformed};
use super::super::summary::Summary;
use super::signature;
use crate::delivery::{Delivery, Exhausted, Manner, Rules, Successes};
use crate::secret::Secret;
use crate::webhook::member;

/// The rules of the service's own sender (vb §5): three attempts a second apart, and whatever is answered below 500 counts as
/// delivered.
pub const RULES: Rules = Rules {
    connect: Duration::from_secs(10),
    reply: Duration::from_secs(15),
    attempts: 3,
    pause: Duration::from_secs(1),
    manner: Manner::Go,
    redirects: 2,
    successes: Successes::Below(500),
    exhausted: Exhausted::Dropped,
};

/// The header of the signature; its presence tells that a delivery is of VoIPBIN.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-voipbin-signature");

/// Puts a delivery together: the body as it is, signed if there is a secret.
#[must_use]
pub fn build(body: Bytes, key: Option<&Secret>) -> Delivery {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let signature = key.filter(|key| !key.reveal().is_empty()).map(|key| signature::sign(key, &body));
    if let Some(signature) = signature.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(SIGNATURE, signature);
    }
    Delivery { headers, body, ..Delivery::default() }
}

/// The body of an event: compact, `type` before `data`, and `<`, `>` and `&` escaped as the service's encoder does.
#[must_use]
pub fn body(kind: &str, data: &Value) -> Bytes {
    let text = format!("{{\"type\":{},\"data\":{data}}}", json!(kind));
    Bytes::from(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

/// A delivery taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The event's type.
    pub kind: String,
    /// `data.id`.
    pub id: Option<String>,
    /// `data.status`.
    pub status: Option<String>,
    /// `data.tm_update`, as its text.
    pub updated: Option<String>,
    /// `data.direction`.
    pub direction: Option<String>,
    /// `data.source.target`.
    pub caller: Option<String>,
    /// The header's value as received.
    pub signature: Option<String>,
}

/// Takes a delivery apart. `event_type`, which only the vendor's other transport has, is read where `type` is missing.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Received, Malformed> {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let signature = signature.filter(|text| !text.is_empty()).map(str::to_owned);
    let mut received = Received { signature, ..Received::default() };
    // What a flow posts may have no body at all, and is signed like any other (vb §5, §6).
    if body.is_empty() {
        return Ok(received);
    }
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotJson)?;
    let mut other_name = None;
    let mut seen = [0; 2];
    member::each(text, |name, value| match name {
        "type" => {
            seen[0] += 1;
            received.kind = member::text(value).unwrap_or_default();
        }
        "event_type" => other_name = member::text(value),
        "data" => {
            seen[1] += 1;
            // Data that is no object says nothing.
            let _ = member::each(value.get(), |name, value| match name {
                "id" => received.id = member::text(value),
                "status" => received.status = member::text(value),
                "tm_update" => received.updated = member::text(value),
                "direction" => received.direction = member::text(value),
                "source" => {
                    let _ = member::each(value.get(), |name, value| {
                        if name == "target" {
                            received.caller = member::text(value);
                        }
                    });
                }
                _ => {}
            });
        }
        _ => {}
    })
    .map_err(|_| Malformed::NotJson)?;
    if seen.iter().any(|count| *count > 1) {
        return Err(Malformed::Twice);
    }
    if received.kind.is_empty() {
        received.kind = other_name.filter(|kind| !kind.is_empty()).ok_or(Malformed::NoType)?;
    }
    Ok(received)
}

impl Received {
    /// What tells the event apart, for de-duplication: there is no id of the delivery (vb §5).
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let id = self.id.as_deref()?;
        Some(format!("{}\n{id}\n{}\n{}", self.kind, part(&self.updated), part(&self.status)))
    }

    /// Judges the signature of `body` with `keys`.
    pub fn judge(&self, body: &[u8], keys: &[Secret]) -> Result<usize, Flaw> {
        let text = self.signature.as_ref().ok_or(Flaw::Unsigned)?;
        signature::verify(text, body, keys).ok_or(Flaw::Forged)
    }

    /// What is worth a line of it.
    #[must_use]
    pub fn summary(self) -> Summary {
        Summary {
            call: self.id.clone(),
            state: Some(self.kind).filter(|kind| !kind.is_empty()).map(Cow::Owned),
            direction: self.direction.map(|direction| match direction.as_str() {
                "incoming" => Cow::Borrowed("INBOUND"),
                "outgoing" => Cow::Borrowed("OUTBOUND"),
                _ => Cow::Owned(direction),
            }),
            number: self.caller,
            status: self.status,
            id: self.id,
            ..Summary::default()
        }
    }
}

/// What one call looks like: its types in order, each with its status and the seconds since it began.
pub const CALL: [(i64, &str, &str); 4] = [
    (0, "call_created", "dialing"),
    (1, "call_ringing", "ringing"),
    (6, "call_progressing", "progressing"),
    (36, "call_hangup", "hangup"),
];

/// The status that goes with a type; of one that is in no sample, what its name ends in.
#[must_use]
pub fn status_of(kind: &str) -> &str {
    let known = CALL.iter().find(|(_, known, _)| *known == kind);
    known.map_or_else(|| kind.rsplit('_').next().unwrap_or(kind), |(_, _, status)| status)
}

/// A sample body of type `kind` about an invented call `which` of `customer`, at `now`.
#[must_use]
pub fn sample(kind: &str, status: &str, which: u64, customer: &str, now: DateTime<Utc>) -> Bytes {
    let mut data = json!({
        "id": format!("3c6f0a5e-0d11-4b7a-9a55-{which:012x}"), "customer_id": customer, "type": "flow",
        "status": status, "direction": "incoming",
        "source": {"type": "tel", "target": "+14155550123", "name": "Ada Example"},
        "destination": {"type": "tel", "target": "+12125550142"},
        "tm_update": now.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
    });
    if status == "hangup" {
        data["hangup_by"] = json!("remote");
        data["hangup_reason"] = json!("normal");
    }
    body(kind, &data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_compact_and_escaped_as_the_service_does() {
        let text = body("message_created", &json!({"id": "a1", "text": "1 < 2 & 3"}));
        assert_eq!(text, r#"{"type":"message_created","data":{"id":"a1","text":"1 \u003c 2 \u0026 3"}}"#);
        let signed = build(text, Some(&Secret::new("Zm9vYmFyLXZ3aC1zZWNyZXQtMDEyMzQ1")));
        assert_eq!(
            signed.headers["X-VoIPBIN-Signature"],
            "sha256=08455ab1a8c9c13c554a07cd0b531e0f4881b5d4746d51317948ff079a226799"
        );
        assert_eq!(signed.headers.len(), 2);
    }

    #[test]
    fn a_type_has_a_status() {
        assert_eq!(["call_created", "queuecall_waiting", "x"].map(status_of), ["dialing", "waiting", "x"]);
    }

    #[test]
    fn a_delivery_is_taken_apart_and_judged() {
        let key = Secret::new("k");
        let now = "2026-01-05T08:30:00Z".parse().unwrap();
        let delivery = build(sample("call_hangup", "hangup", 7, "c-1", now), Some(&key));
        let received = read(&delivery.headers, &delivery.body).unwrap();
        assert_eq!((received.kind.as_str(), received.status.as_deref()), ("call_hangup", Some("hangup")));
        assert_eq!(
            received.identity().as_deref(),
            Some("call_hangup\n3c6f0a5e-0d11-4b7a-9a55-000000000007\n2026-01-05T08:30:00.000000Z\nhangup")
        );
        assert_eq!(received.judge(&delivery.body, &[Secret::new("x"), key.clone()]), Ok(1));
        assert_eq!(received.judge(b"{}", &[key]), Err(Flaw::Forged));
        let unsigned = build(delivery.body.clone(), Some(&Secret::new("")));
        let received = read(&unsigned.headers, &unsigned.body).unwrap();
        assert_eq!(received.judge(&unsigned.body, &[]), Err(Flaw::Unsigned));
    }

    #[test]
    fn what_is_no_delivery_is_refused_and_the_other_name_of_type_is_read() {
        let read = |body: &[u8]| read(&HeaderMap::new(), body);
        assert_eq!(read(b"[]"), Err(Malformed::NotJson));
        assert_eq!(read(b"{}"), Err(Malformed::NoType));
        assert_eq!(read(br#"{"type":"a","data":{},"data":{}}"#), Err(Malformed::Twice));
        assert_eq!(read(br#"{"event_type":"x","data":7}"#).unwrap().kind, "x");
        assert_eq!(read(br#"{"type":"x"}"#).unwrap().identity(), None);
    }
}
