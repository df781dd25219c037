//! What is known of a service and never changes: each room has one table of it, and whoever has to do with several services
//! asks for a fact instead of for a name.

use super::{contact_center, vis, voipbin};
use crate::delivery::Rules;
use crate::webhook::ServiceKind;

/// What is known of one service.
#[derive(Debug)]
pub struct Facts {
    /// Where the sandbox has its API, below its root.
    pub sandbox_path: &'static str,
    /// How its tokens are had, where none is brought.
    pub sign_in_by: SignInBy,
    /// The regions of it that have addresses of their own, one of which has to be named; none if it has but one.
    pub regions: &'static [&'static str],
    /// What is known of a token that the service has given the list for, in words.
    pub admission: &'static str,
    /// How long a change may take until deliveries go by it, if that is worth saying.
    pub settling: Option<&'static str>,
    /// Whether a webhook has to have a name.
    pub needs_name: bool,
    /// The events of a registration that names none.
    pub usual_events: &'static [&'static str],
    /// What a registration of everything has to name.
    pub all_events: &'static [&'static str],
    /// Whether a webhook hears of one user's calls alone.
    pub covers_one_user: bool,
    /// Whether a webhook can be paused and resumed.
    pub can_pause: bool,
    /// What can be changed of a webhook in place, as options in words.
    pub changes: &'static str,
    /// The rules that it delivers under.
    pub rules: &'static Rules,
    /// Whether its events are the states of a call; otherwise each has a type.
    pub tells_states: bool,
    /// What a sample of its events is a sample of, in words.
    pub sample: &'static str,
    /// Whether it ever posts without a signature.
    pub may_be_unsigned: bool,
    /// Whether what it posts may have no body.
    pub may_be_empty: bool,
    /// Where its signature stands, in words.
    pub signature_place: &'static str,
}

/// How a service's tokens are had, where none is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInBy {
    /// A person, once (VIS).
    Person,
    /// The application by itself, with this scope (Contact Center).
    Client(&'static str),
    /// Nobody: a token is brought (VoIPBIN).
    Nobody,
}

/// What is known of `service`.
#[must_use]
pub const fn facts(service: ServiceKind) -> &'static Facts {
    match service {
        ServiceKind::Vis => &vis::FACTS,
        ServiceKind::ContactCenter => &contact_center::FACTS,
        ServiceKind::Voipbin => &voipbin::FACTS,
    }
}
