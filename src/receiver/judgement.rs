//! What a request is worth as a delivery: what it is held against, and what comes of it. What a service's deliveries look like
//! is asked of `services::incoming`; everything in `receiver` is the same for every service.

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;

use crate::secret::Secret;
use crate::services::incoming::{self, Flaw, Ids, Match, SYNTHETIC};
use crate::webhook::ServiceKind;

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

/// A delivery that is taken.
#[derive(Clone, Debug)]
pub(super) struct Judged<'a> {
    pub(super) service: ServiceKind,
    /// Its event as received.
    pub(super) event: &'a str,
    pub(super) ids: Ids,
    pub(super) verdict: Verdict,
}

/// What requests are judged by.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    pub(super) trust: Trust,
    /// The service that deliveries have to be of.
    pub(super) only: Option<ServiceKind>,
}

impl Judge {
    /// Judges a request that arrived at `now`.
    pub(super) fn judge<'a>(
        &self,
        headers: &HeaderMap,
        body: &'a [u8],
        now: DateTime<Utc>,
    ) -> Result<Judged<'a>, Flaw> {
        let received = incoming::read(headers, body, self.only)?;
        let verdict = match &self.trust {
            Trust::Anybody => Verdict::Unverified,
            Trust::Keys(keys) => Verdict::Verified(received.judge(keys, now)?),
        };
        let (service, event) = (received.service(), received.payload());
        Ok(Judged { service, event, ids: received.into_ids(), verdict })
    }
}

/// What vwh itself says of what it posts.
pub(super) fn synthetic(headers: &HeaderMap) -> Option<String> {
    headers.get(SYNTHETIC)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::incoming::Malformed;

    #[test]
    fn without_keys_a_signature_is_worth_nothing_and_asked_of_nobody() {
        let judged = |trust: &Trust, body: &'static str| {
            let judge = Judge { trust: trust.clone(), only: None };
            judge.judge(&HeaderMap::new(), body.as_bytes(), Utc::now()).map(|judged| judged.verdict)
        };
        let signed = r#"{"event":{},"metadata":{"signature":"00"}}"#;
        assert_eq!(judged(&Trust::Anybody, signed), Ok(Verdict::Unverified));
        let trust = Trust::Keys(vec![Secret::new("k")]);
        assert_eq!(judged(&trust, signed), Err(Flaw::Forged));
        assert_eq!(judged(&trust, "{\"event\":{}}"), Err(Flaw::Unsigned));
        assert_eq!(judged(&trust, "{}"), Err(Flaw::Malformed(Malformed::NoEvent)));
    }
}
