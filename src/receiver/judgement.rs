//! What a request is worth as a delivery: the seam between the receiver and the rooms of the services. What an event says,
//! and how it is signed, is known there and asked for here; everything else in `receiver` is the same for every service.

use std::fmt;
use std::hash::Hash;

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;

use crate::secret::Secret;
use crate::services::vis::delivery::event::Event;
use crate::services::vis::delivery::{self, Malformed, SYNTHETIC};
use crate::services::vis::signature::Match;

/// What deliveries are held against.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Their signature must fit one of these keys.
    Keys(Vec<Secret>),
    /// Nothing: whoever can connect is believed.
    Anybody,
}

/// What a delivery's signature is worth, once it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits one of the keys.
    Verified(Match),
    /// It was not looked at.
    Unverified,
}

impl Verdict {
    /// As a record has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified(_) => "verified",
            Self::Unverified => "unverified",
        }
    }
}

/// Why a request is not taken as a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is none.
    Malformed(Malformed),
    /// There is no signature.
    Unsigned,
    /// The signature fits no key.
    Forged,
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(formatter),
            Self::Unsigned => formatter.write_str("the signature is missing"),
            Self::Forged => formatter.write_str("the signature fits no key"),
        }
    }
}

/// What a delivery goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// The same for all attempts of one delivery.
    pub delivery: Option<String>,
    /// The registration.
    pub webhook: Option<String>,
    /// Counted from 1.
    pub attempt: Option<u64>,
}

/// A delivery that is taken.
#[derive(Clone, Debug)]
pub(super) struct Judged<'a> {
    /// Its event as received.
    pub(super) event: &'a str,
    pub(super) ids: Ids,
    pub(super) verdict: Verdict,
}

/// What makes two deliveries one.
#[derive(Debug, Hash)]
pub(super) enum Identity<'a> {
    Delivery(&'a str),
    /// With policy `NONE` no id travels (vis §8): the call, its state, and when it began.
    Event(String, String, Option<DateTime<Utc>>),
}

/// Judges a request.
pub(super) fn judge<'a>(headers: &HeaderMap, body: &'a [u8], trust: &Trust) -> Result<Judged<'a>, Flaw> {
    let received = delivery::read(headers, body).map_err(Flaw::Malformed)?;
    let verdict = match trust {
        Trust::Anybody => Verdict::Unverified,
        Trust::Keys(keys) => match received.judge(keys) {
            delivery::Verdict::Verified(fitting) => Verdict::Verified(fitting),
            delivery::Verdict::Unsigned => return Err(Flaw::Unsigned),
            delivery::Verdict::Forged => return Err(Flaw::Forged),
        },
    };
    let ids = Ids {
        delivery: received.delivery_id.filter(|id| !id.is_empty()),
        webhook: received.webhook_id,
        attempt: received.attempt,
    };
    Ok(Judged { event: received.event, ids, verdict })
}

/// What makes another delivery the same as this one; `None` if that cannot be told.
pub(super) fn identity<'a>(ids: &'a Ids, event: &[u8]) -> Option<Identity<'a>> {
    if let Some(id) = &ids.delivery {
        return Some(Identity::Delivery(id));
    }
    let event = Event::read(std::str::from_utf8(event).ok()?).ok()?;
    let call = event.call()?.to_owned();
    Some(Identity::Event(call, event.state?.name().into_owned(), event.start))
}

/// What tells the call of an event apart from others.
pub(super) fn call_of(event: &[u8]) -> Option<String> {
    let event = Event::read(std::str::from_utf8(event).ok()?).ok()?;
    event.call().map(str::to_owned)
}

/// What vwh itself says of what it posts.
pub(super) fn synthetic(headers: &HeaderMap) -> Option<String> {
    headers.get(SYNTHETIC)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identified(headers: &HeaderMap, body: &str) -> Option<String> {
        let judged = judge(headers, body.as_bytes(), &Trust::Anybody).unwrap();
        identity(&judged.ids, judged.event.as_bytes()).map(|identity| format!("{identity:?}"))
    }

    #[test]
    fn without_an_id_the_call_its_state_and_its_start_make_a_delivery() {
        let event =
            r#"{"event":{"externalId":"c","state":"RINGING","startTime":"2024-03-01T09:30:00.250+0000"}}"#;
        assert_eq!(
            identified(&HeaderMap::new(), event).as_deref(),
            Some(r#"Event("c", "RINGING", Some(2024-03-01T09:30:00.250Z))"#)
        );
        assert_eq!(identified(&HeaderMap::new(), r#"{"event":{"state":"RINGING"}}"#), None);
        assert_eq!(identified(&HeaderMap::new(), r#"{"event":{"id":"1"}}"#), None);
        let named = HeaderMap::from_iter([("x-von-delivery-id".parse().unwrap(), "d-1".parse().unwrap())]);
        assert_eq!(identified(&named, event).as_deref(), Some(r#"Delivery("d-1")"#));
        let empty = HeaderMap::from_iter([("x-von-delivery-id".parse().unwrap(), "".parse().unwrap())]);
        assert!(identified(&empty, event).is_some_and(|identity| identity.starts_with("Event")));
    }

    #[test]
    fn without_keys_a_signature_is_worth_nothing_and_asked_of_nobody() {
        let signed = r#"{"event":{},"metadata":{"signature":"00"}}"#;
        let judged = judge(&HeaderMap::new(), signed.as_bytes(), &Trust::Anybody).unwrap();
        assert_eq!(judged.verdict, Verdict::Unverified);
        let trust = Trust::Keys(vec![Secret::new("k")]);
        assert_eq!(judge(&HeaderMap::new(), signed.as_bytes(), &trust).unwrap_err(), Flaw::Forged);
        assert_eq!(judge(&HeaderMap::new(), b"{\"event\":{}}", &trust).unwrap_err(), Flaw::Unsigned);
        assert_eq!(judge(&HeaderMap::new(), b"{}", &trust).unwrap_err(), Flaw::Malformed(Malformed::NoEvent));
    }
}
