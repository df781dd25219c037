//! A request as a delivery of whichever service it is of: how it is recognised, taken apart and judged, what tells it apart
//! from others, and what a line says of it. Each answer is the room's own; here they are only brought together.
//!
//! Nothing here decides what is done with a delivery.

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName};

use super::respelling::javascript;
use super::vis::delivery::event::Event;
use super::{contact_center, vis, voipbin};
use crate::secret::Secret;
use crate::webhook::{ServiceKind, member};

pub use super::contact_center::signature::Flaw as TokenFlaw;
pub use super::flaw::{Flaw, Malformed};
pub use super::summary::Summary;
pub use super::vis::delivery::{SYNTHETIC, TRIGGERED};
pub use super::vis::signature::{Form, Match};

/// What the content type of a CloudEvent in structured mode begins with.
const CLOUD_EVENT: &str = "application/cloudevents";

/// Why `key` can be none of `service`.
#[must_use]
pub fn key_flaw(service: ServiceKind, key: &Secret) -> Option<&'static str> {
    match service {
        ServiceKind::ContactCenter if contact_center::signature::key(key).is_none() => {
            Some("is no base64, and a key of Contact Center is nothing else")
        }
        ServiceKind::Vis | ServiceKind::ContactCenter | ServiceKind::Voipbin => None,
    }
}

/// Which service a request is of: by its signature's header, else by its content type, else by the shape of its body.
#[must_use]
pub fn recognise(headers: &HeaderMap, body: &[u8]) -> Option<ServiceKind> {
    if headers.contains_key(vis::delivery::SIGNATURE) {
        return Some(ServiceKind::Vis);
    }
    if headers.contains_key(contact_center::delivery::SIGNATURE) {
        return Some(ServiceKind::ContactCenter);
    }
    if headers.contains_key(voipbin::delivery::SIGNATURE) {
        return Some(ServiceKind::Voipbin);
    }
    let content = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content.get(..CLOUD_EVENT.len()).is_some_and(|start| start.eq_ignore_ascii_case(CLOUD_EVENT)) {
        return Some(ServiceKind::ContactCenter);
    }
    shape(body)
}

fn shape(body: &[u8]) -> Option<ServiceKind> {
    let (mut is_cloud_event, mut has_event, mut has_type, mut has_data) = (false, false, false, false);
    member::each(std::str::from_utf8(body).ok()?, |name, _| match name {
        "specversion" => is_cloud_event = true,
        "event" => has_event = true,
        "type" | "event_type" => has_type = true,
        "data" => has_data = true,
        _ => {}
    })
    .ok()?;
    match (is_cloud_event, has_event, has_type && has_data) {
        (true, ..) => Some(ServiceKind::ContactCenter),
        (_, true, _) => Some(ServiceKind::Vis),
        (.., true) => Some(ServiceKind::Voipbin),
        _ => None,
    }
}

/// A delivery taken apart.
#[derive(Clone, Debug)]
pub enum Received<'a> {
    /// Of VIS.
    Vis(vis::delivery::Received<'a>),
    /// Of Contact Center, with its body.
    ContactCenter(contact_center::delivery::Received, &'a str),
    /// Of VoIPBIN, with its body.
    Voipbin(voipbin::delivery::Received, &'a str),
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

/// Takes a request apart as a delivery of `only` this service, else of the one that it is of.
pub fn read<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    only: Option<ServiceKind>,
) -> Result<Received<'a>, Flaw> {
    let service = match (recognise(headers, body), only) {
        (Some(found), Some(only)) if found != only => return Err(Flaw::Stranger(found)),
        (found, only) => found.or(only).unwrap_or_default(),
    };
    if has_several(headers, &signature_header(service)) {
        return Err(Malformed::TwoSignatures.into());
    }
    let text = || std::str::from_utf8(body).unwrap_or_default();
    Ok(match service {
        ServiceKind::Vis => Received::Vis(vis::delivery::read(headers, body)?),
        ServiceKind::ContactCenter => {
            Received::ContactCenter(contact_center::delivery::read(headers, body)?, text())
        }
        ServiceKind::Voipbin => Received::Voipbin(voipbin::delivery::read(headers, body)?, text()),
    })
}

const fn signature_header(service: ServiceKind) -> HeaderName {
    match service {
        ServiceKind::Vis => vis::delivery::SIGNATURE,
        ServiceKind::ContactCenter => contact_center::delivery::SIGNATURE,
        ServiceKind::Voipbin => voipbin::delivery::SIGNATURE,
    }
}

/// Whether the header comes more than once, and does not say the same each time.
fn has_several(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = headers.get_all(name).iter();
    values.next().is_some_and(|first| values.any(|value| value != first))
}

impl<'a> Received<'a> {
    /// Whose it is.
    #[must_use]
    pub const fn service(&self) -> ServiceKind {
        match self {
            Self::Vis(_) => ServiceKind::Vis,
            Self::ContactCenter(..) => ServiceKind::ContactCenter,
            Self::Voipbin(..) => ServiceKind::Voipbin,
        }
    }

    /// The JSON that says what happened, as received: the event alone, or the whole body.
    #[must_use]
    pub const fn payload(&self) -> &'a str {
        match self {
            Self::Vis(received) => received.event,
            Self::ContactCenter(_, body) | Self::Voipbin(_, body) => body,
        }
    }

    /// The signature as received.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        match self {
            Self::Vis(received) => received.signature.as_deref(),
            Self::ContactCenter(received, _) => received.signature.as_deref(),
            Self::Voipbin(received, _) => received.signature.as_deref(),
        }
    }

    /// The same with another signature.
    #[must_use]
    pub fn signed(mut self, text: &str) -> Self {
        let signature = match &mut self {
            Self::Vis(received) => &mut received.signature,
            Self::ContactCenter(received, _) => &mut received.signature,
            Self::Voipbin(received, _) => &mut received.signature,
        };
        *signature = Some(text.to_owned());
        self
    }

    /// Judges the signature with `keys` at `now`.
    pub fn judge(&self, keys: &[Secret], now: DateTime<Utc>) -> Result<Match, Flaw> {
        match self {
            Self::Vis(received) => received.judge(keys),
            Self::ContactCenter(received, body) => {
                received.judge(body.as_bytes(), keys, now, contact_center::signature::LEEWAY).map(whole)
            }
            Self::Voipbin(received, body) => received.judge(body.as_bytes(), keys).map(whole),
        }
    }

    /// What it goes by.
    #[must_use]
    pub fn into_ids(self) -> Ids {
        match self {
            Self::Vis(received) => Ids {
                delivery: received.delivery_id.filter(|id| !id.is_empty()),
                webhook: received.webhook_id,
                attempt: received.attempt,
            },
            Self::ContactCenter(received, _) => {
                Ids { delivery: received.id.filter(|id| !id.is_empty()), ..Ids::default() }
            }
            // The service gives a delivery no id (vb §5).
            Self::Voipbin(..) => Ids::default(),
        }
    }
}

/// The bytes as received, with this key.
const fn whole(key: usize) -> Match {
    Match { key, form: Form::AsReceived }
}

/// What makes two deliveries one.
#[derive(Debug, Hash)]
pub enum Identity<'a> {
    /// Its own id (VIS).
    Delivery(&'a str),
    /// Without one (vis §8, policy `NONE`): the call, its state, and when it began.
    Event(String, String, Option<DateTime<Utc>>),
    /// Of another service, in its own terms.
    Of(&'static str, String),
}

impl Identity<'_> {
    /// As a line has it.
    #[must_use]
    pub fn text(&self) -> String {
        let joined = |parts: &mut dyn Iterator<Item = &str>| {
            parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        };
        match self {
            Self::Delivery(id) => (*id).to_owned(),
            Self::Event(call, state, start) => {
                let start = start.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true));
                joined(&mut [call.as_str(), state, start.as_deref().unwrap_or_default()].into_iter())
            }
            Self::Of(_, identity) => joined(&mut identity.split('\n')),
        }
    }
}

/// What makes another delivery the same as this one; `None` if that cannot be told.
#[must_use]
pub fn identity<'a>(service: ServiceKind, ids: &'a Ids, payload: &[u8]) -> Option<Identity<'a>> {
    let of = |identity| Identity::Of(service.name(), identity);
    match service {
        ServiceKind::Vis => {
            if let Some(id) = &ids.delivery {
                return Some(Identity::Delivery(id));
            }
            let event = Event::read(std::str::from_utf8(payload).ok()?).ok()?;
            let call = event.call()?.to_owned();
            Some(Identity::Event(call, event.state?.name().into_owned(), event.start))
        }
        ServiceKind::ContactCenter => {
            contact_center::delivery::read(&HeaderMap::new(), payload).ok()?.identity().map(of)
        }
        ServiceKind::Voipbin => voipbin::delivery::read(&HeaderMap::new(), payload).ok()?.identity().map(of),
    }
}

/// What tells the call, or whatever else deliveries are to be kept in order for, apart from others.
#[must_use]
pub fn call_of(service: ServiceKind, payload: &[u8]) -> Option<String> {
    Summary::of(service, std::str::from_utf8(payload).ok()?).call
}

/// Why a signature does not fit, where it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it is, and what to do.
    pub sentence: String,
    /// Which of the keys fits then.
    pub key: Option<usize>,
}

impl Cause {
    /// One that the key at this place fits.
    pub(super) fn new(name: &'static str, sentence: impl Into<String>, key: Option<usize>) -> Self {
        Self { name, sentence: sentence.into(), key }
    }
}

/// What `received`, which came with `headers`, is refused for at `now`, if it is known. VIS has an explanation of its own,
/// which looks at more.
#[must_use]
pub fn explain(
    received: &Received<'_>,
    headers: &HeaderMap,
    keys: &[Secret],
    now: DateTime<Utc>,
) -> Option<Cause> {
    let signature = received.signature()?;
    match received {
        Received::Vis(_) => None,
        Received::ContactCenter(_, body) => {
            contact_center::signature::explain::explain(signature, body, keys, now)
        }
        Received::Voipbin(_, body) => voipbin::signature::explain::explain(signature, body, headers, keys),
    }
}

/// What can be said of a signature that fits no key, and that nothing known explains.
#[must_use]
pub fn unexplained(received: &Received<'_>) -> String {
    const KEY: &str = "Compare the key with the one that the service showed";
    match received {
        Received::ContactCenter(..) => format!(
            "no known cause fits: the key is another one, or the token was changed on its way; the body has no part in that. \
             {KEY}, and take the header Vonage-Signature as it arrives"
        ),
        Received::Vis(_) | Received::Voipbin(..) => {
            let rounded = rounded(received.payload()).unwrap_or_default();
            format!(
                "{rounded}no known cause fits: the body was altered after it was signed, or the key is another one. {KEY}, and the \
                 body with its bytes as they arrive (vwh listen --record FILE keeps them)"
            )
        }
    }
}

/// A number that may have lost digits, in words.
#[must_use]
pub fn rounded(json: &str) -> Option<String> {
    let number = javascript::rounded(json)?;
    Some(format!(
        "its number {number} may be one that JavaScript has rounded, and its digits are lost then; "
    ))
}

#[cfg(test)]
mod tests;
