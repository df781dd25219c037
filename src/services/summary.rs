//! What a delivery says, as far as it is worth a line for people.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;

use super::vis::delivery::event::{Event, State};
use super::{contact_center, voipbin};
use crate::webhook::ServiceKind;

/// What is worth a line for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The state of the call, or the type of the event.
    pub state: Option<Cow<'static, str>>,
    /// The state of the call, where it is known which may follow which.
    pub step: Option<State>,
    /// `INBOUND` or `OUTBOUND`.
    pub direction: Option<Cow<'static, str>>,
    /// The other party's number, or what the event is about.
    pub number: Option<String>,
    /// The other party's name.
    pub name: Option<String>,
    /// Milliseconds from answer to end.
    pub duration: Option<i64>,
    /// What has become of the thing.
    pub status: Option<String>,
    /// When it happened, where deliveries may come much later.
    pub moment: Option<DateTime<Utc>>,
    /// What tells its call apart from others.
    pub call: Option<String>,
    /// What tells the event apart, for people.
    pub id: Option<String>,
}

impl Summary {
    /// What `payload` says.
    #[must_use]
    pub fn of(service: ServiceKind, payload: &str) -> Self {
        let nothing = HeaderMap::new();
        match service {
            ServiceKind::Vis => Event::read(payload).map(Event::summary).unwrap_or_default(),
            ServiceKind::ContactCenter => contact_center::delivery::read(&nothing, payload.as_bytes())
                .map(contact_center::delivery::Received::summary)
                .unwrap_or_default(),
            ServiceKind::Voipbin => voipbin::delivery::read(&nothing, payload.as_bytes())
                .map(voipbin::delivery::Received::summary)
                .unwrap_or_default(),
        }
    }
}
