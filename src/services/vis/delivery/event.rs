//! A call event as it is delivered (vis §10): its facts, its state, and which state may follow which.
//!
//! Read as tolerantly as a webhook: anything may be missing, and an unknown state is kept as its text.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};

use super::super::super::summary::Summary;
use crate::webhook::member;

/// What an event says. Its JSON stays with whoever has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// One id for a call, the same in all of its states.
    pub id: Option<String>,
    /// The phone system's own id of the call.
    pub external_id: Option<String>,
    /// The state that the call has now.
    pub state: Option<State>,
    /// `INBOUND` or `OUTBOUND`.
    pub direction: Option<String>,
    /// The other party's number.
    pub phone_number: Option<String>,
    /// The other party's name.
    pub caller_id: Option<String>,
    /// Milliseconds from answer to end; not zero only when ANSWERED.
    pub duration: Option<i64>,
    /// When it began.
    pub start: Option<DateTime<Utc>>,
    /// When it was picked up.
    pub answer: Option<DateTime<Utc>>,
    /// When it ended.
    pub end: Option<DateTime<Utc>>,
}

/// The state of a call (vis §10).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// The call is being set up: the only state that a call begins with.
    Initializing,
    /// It rings.
    Ringing,
    /// It was picked up.
    Active,
    /// The user holds it.
    Held,
    /// The other party holds it.
    RemoteHeld,
    /// It ended after it had been answered; not: it was picked up.
    Answered,
    /// The caller gave up (outbound).
    Cancelled,
    /// Nobody picked up (inbound).
    Missed,
    /// Turned down, or sent to voicemail unanswered (inbound).
    Rejected,
    /// In the vendor's list of states and never explained.
    Detached,
    /// Any other text.
    Other(String),
}

impl Event {
    /// What is worth a line of it.
    #[must_use]
    pub fn summary(self) -> Summary {
        Summary {
            call: self.call().map(str::to_owned),
            state: self.state.as_ref().map(State::name),
            step: self.state,
            direction: self.direction.map(Cow::Owned),
            number: self.phone_number,
            name: self.caller_id,
            duration: self.duration,
            id: self.id,
            ..Summary::default()
        }
    }

    /// Reads the object `json`. Fails only if it is none.
    pub fn read(json: &str) -> Result<Self, serde_json::Error> {
        let mut event = Self::default();
        member::each(json, |name, value| match name {
            "id" => event.id = member::text(value),
            "externalId" => event.external_id = member::text(value),
            "state" => event.state = member::text(value).map(|text| State::named(&text)),
            "direction" => event.direction = member::text(value),
            "phoneNumber" => event.phone_number = member::text(value),
            "callerId" => event.caller_id = member::text(value),
            "duration" => event.duration = member::integer(value),
            "startTime" => event.start = member::time(value),
            "answerTime" => event.answer = member::time(value),
            "endTime" => event.end = member::time(value),
            _ => {}
        })?;
        Ok(event)
    }

    /// The latest of its start, answer and end.
    #[must_use]
    pub fn moment(&self) -> Option<DateTime<Utc>> {
        [self.start, self.answer, self.end].into_iter().flatten().max()
    }

    /// What tells its call apart from others.
    #[must_use]
    pub fn call(&self) -> Option<&str> {
        self.id.as_deref().or(self.external_id.as_deref())
    }
}

impl State {
    /// The names in the documents.
    pub const NAMES: [&str; 10] = [
        "INITIALIZING",
        "RINGING",
        "ACTIVE",
        "HELD",
        "REMOTE_HELD",
        "ANSWERED",
        "CANCELLED",
        "MISSED",
        "REJECTED",
        "DETACHED",
    ];

    /// The state of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "INITIALIZING" => Self::Initializing,
            "RINGING" => Self::Ringing,
            "ACTIVE" => Self::Active,
            "HELD" => Self::Held,
            "REMOTE_HELD" => Self::RemoteHeld,
            "ANSWERED" => Self::Answered,
            "CANCELLED" => Self::Cancelled,
            "MISSED" => Self::Missed,
            "REJECTED" => Self::Rejected,
            "DETACHED" => Self::Detached,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Initializing => "INITIALIZING",
            Self::Ringing => "RINGING",
            Self::Active => "ACTIVE",
            Self::Held => "HELD",
            Self::RemoteHeld => "REMOTE_HELD",
            Self::Answered => "ANSWERED",
            Self::Cancelled => "CANCELLED",
            Self::Missed => "MISSED",
            Self::Rejected => "REJECTED",
            Self::Detached => "DETACHED",
            Self::Other(name) => return Cow::Owned(name.clone()),
        })
    }

    /// Whether the call has ended.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Answered | Self::Cancelled | Self::Missed | Self::Rejected)
    }

    /// Where it stands in a call's life, for events that arrive out of order.
    #[must_use]
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Initializing => 0,
            Self::Ringing => 1,
            Self::Active | Self::Held | Self::RemoteHeld | Self::Detached | Self::Other(_) => 2,
            Self::Answered | Self::Cancelled | Self::Missed | Self::Rejected => 3,
        }
    }

    /// Whether the documents let a call go from `previous` (`None`: it begins) to this state. What they do not explain is
    /// let through.
    #[must_use]
    pub fn may_follow(&self, previous: Option<&Self>) -> bool {
        use State::{
            Active, Answered, Cancelled, Detached, Held, Initializing, Missed, Other, Rejected, RemoteHeld,
            Ringing,
        };
        match (previous, self) {
            (_, Detached | Other(_)) | (Some(Detached | Other(_)), _) => true,
            (None, next) => *next == Initializing,
            (Some(Initializing), next) => matches!(next, Ringing | Answered),
            (Some(Ringing), next) => matches!(next, Active | Answered | Cancelled | Rejected | Missed),
            (Some(Active), next) => matches!(next, Answered | Held | RemoteHeld),
            (Some(Held | RemoteHeld), next) => *next == Active,
            (Some(Answered | Cancelled | Missed | Rejected), _) => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_texts_and_nulls() {
        let event = Event::read(
            r#"{"id":7340001,"state":"SENT","duration":"2950","answerTime":null,
                "startTime":"2018-02-15T18:58:56.194+0000","endTime":"2018-02-15T18:59:06Z"}"#,
        )
        .unwrap();
        assert_eq!((event.id.as_deref(), event.duration), (Some("7340001"), Some(2950)));
        assert_eq!(event.state, Some(State::Other("SENT".to_owned())));
        assert_eq!((event.answer, event.moment()), (None, event.end));
        assert!(event.start < event.end);
        assert!(Event::read("[]").is_err());
    }

    #[test]
    fn states_follow_each_other_as_documented() {
        let may = |previous: Option<&str>, next: &str| {
            State::named(next).may_follow(previous.map(State::named).as_ref())
        };
        for (previous, next) in [
            (None, "INITIALIZING"),
            (Some("INITIALIZING"), "RINGING"),
            (Some("INITIALIZING"), "ANSWERED"),
            (Some("RINGING"), "ACTIVE"),
            (Some("RINGING"), "ANSWERED"),
            (Some("RINGING"), "CANCELLED"),
            (Some("RINGING"), "REJECTED"),
            (Some("RINGING"), "MISSED"),
            (Some("ACTIVE"), "ANSWERED"),
            (Some("ACTIVE"), "HELD"),
            (Some("ACTIVE"), "REMOTE_HELD"),
            (Some("HELD"), "ACTIVE"),
            (Some("REMOTE_HELD"), "ACTIVE"),
            (Some("HELD"), "DETACHED"),
            (Some("TELEPORTED"), "ACTIVE"),
        ] {
            assert!(may(previous, next), "{previous:?} {next}");
        }
        for (previous, next) in [
            (None, "RINGING"),
            (Some("INITIALIZING"), "ACTIVE"),
            (Some("HELD"), "ANSWERED"),
            (Some("ANSWERED"), "RINGING"),
            (Some("RINGING"), "RINGING"),
        ] {
            assert!(!may(previous, next), "{previous:?} {next}");
        }
    }

    #[test]
    fn a_name_is_read_back() {
        for name in State::NAMES {
            assert!(!matches!(State::named(name), State::Other(_)), "{name}");
            assert_eq!(State::named(name).name(), name);
        }
        assert_eq!(State::named("ELSE").name(), "ELSE");
        assert!(!State::Held.is_final() && State::Answered.is_final());
        assert!(State::Ringing.rank() < State::Held.rank());
    }
}
