//! Whole calls as sequences of events, for the sandbox and for `trigger`: the shapes of vis §10, with fictional numbers.
//!
//! Time comes in with every event; nothing here waits.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::event::State;

/// Kept free for fiction by the North American Numbering Plan (555-0100 to 555-0199).
const FICTIONAL: [&str; 4] = ["14155550123", "12125550142", "13105550167", "17185550188"];

/// Who calls, where a name is known.
const NAMES: [&str; 4] = ["Ada Example", "Zoë Sample", "Ben Fiction", "Mia Placeholder"];

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Comes in, is picked up, ends.
    InboundAnswered,
    /// Comes in, and nobody picks up.
    InboundMissed,
    /// Comes in, and is turned down.
    InboundRejected,
    /// Goes out, is picked up, ends.
    OutboundAnswered,
    /// Goes out, and the caller gives up.
    OutboundCancelled,
    /// Comes in, is picked up, held by each side, ends.
    Held,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::InboundAnswered,
        Self::InboundMissed,
        Self::InboundRejected,
        Self::OutboundAnswered,
        Self::OutboundCancelled,
        Self::Held,
    ];

    /// Its name in flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InboundAnswered => "inbound-answered",
            Self::InboundMissed => "inbound-missed",
            Self::InboundRejected => "inbound-rejected",
            Self::OutboundAnswered => "outbound-answered",
            Self::OutboundCancelled => "outbound-cancelled",
            Self::Held => "held",
        }
    }

    /// Its states, each with the seconds since the call began; the last is final, and comes within a minute.
    #[must_use]
    pub const fn steps(self) -> &'static [(i64, State)] {
        use State::{Active, Answered, Cancelled, Held, Initializing, Missed, Rejected, RemoteHeld, Ringing};
        match self {
            Self::InboundAnswered | Self::OutboundAnswered => {
                &[(0, Initializing), (1, Ringing), (6, Active), (36, Answered)]
            }
            Self::InboundMissed => &[(0, Initializing), (1, Ringing), (26, Missed)],
            Self::InboundRejected => &[(0, Initializing), (1, Ringing), (4, Rejected)],
            Self::OutboundCancelled => &[(0, Initializing), (1, Ringing), (9, Cancelled)],
            Self::Held => &[
                (0, Initializing),
                (1, Ringing),
                (5, Active),
                (12, Held),
                (20, Active),
                (27, RemoteHeld),
                (35, Active),
                (45, Answered),
            ],
        }
    }

    const fn direction(self) -> &'static str {
        match self {
            Self::OutboundAnswered | Self::OutboundCancelled => "OUTBOUND",
            _ => "INBOUND",
        }
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("expected one of {names}")
        })
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// How it goes.
    pub scenario: Scenario,
    /// Its id, the same in all of its events. The number and the name of the other party follow from it.
    pub id: u64,
    /// The account that it belongs to.
    pub account_id: String,
    /// The user that it belongs to.
    pub user_id: String,
    /// When it begins.
    pub start: DateTime<Utc>,
}

impl Call {
    /// Its events from first to last, each with its moment.
    #[must_use]
    pub fn events(&self) -> Vec<(DateTime<Utc>, String)> {
        let steps = self.scenario.steps();
        steps.iter().enumerate().map(|(index, (seconds, _))| (self.at(*seconds), self.event(index))).collect()
    }

    /// The event at `index` of the scenario's steps as it is delivered, in its canonical form.
    #[must_use]
    pub fn event(&self, index: usize) -> String {
        let steps = &self.scenario.steps()[..=index];
        let answered = steps.iter().find(|(_, state)| *state == State::Active).map(|(at, _)| self.at(*at));
        // The loop of `events` stays within the steps, and `steps` is never empty.
        let (seconds, state) = steps.last().cloned().unwrap_or((0, State::Initializing));
        self.json(&state, self.at(seconds), answered)
    }

    /// An event in `state` alone, whatever the scenario: picked up at its beginning where the state says that it was.
    #[must_use]
    pub fn single(&self, state: &State) -> String {
        let was_answered = matches!(state, State::Active | State::Held | State::RemoteHeld | State::Answered);
        self.json(state, self.start, was_answered.then_some(self.start))
    }

    fn json(&self, state: &State, now: DateTime<Utc>, answered: Option<DateTime<Utc>>) -> String {
        let end = state.is_final().then_some(now);
        let spoken = match (state, answered, end) {
            (State::Answered, Some(answered), Some(end)) => (end - answered).num_milliseconds(),
            _ => 0,
        };
        let which = usize::try_from(self.id % 4).unwrap_or_default();
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("accountId", json!(self.account_id));
        put("direction", json!(self.scenario.direction()));
        put("duration", json!(spoken));
        put("externalId", json!(format!("callhalf-{}:0", self.id)));
        put("id", json!(self.id.to_string()));
        put("internal", json!(false));
        put("phoneNumber", json!(FICTIONAL[which]));
        put("startTime", json!(stamp(self.start)));
        put("state", json!(state.name()));
        put("type", json!("CALL"));
        put("ucpType", json!("VBS"));
        put("userId", json!(self.user_id));
        if self.scenario.direction() == "INBOUND" {
            put("callerId", json!(NAMES[which]));
        }
        if let Some(answered) = answered {
            put("answerTime", json!(stamp(answered)));
        }
        if let Some(end) = end {
            put("endTime", json!(stamp(end)));
        }
        let json = Value::Object(members).to_string();
        // What was just put together is JSON.
        super::signature::canonical(&json, super::signature::Spelling::Utf8).unwrap_or(json)
    }

    fn at(&self, seconds: i64) -> DateTime<Utc> {
        self.start + TimeDelta::seconds(seconds)
    }
}

/// A time as payloads spell it (vis §10).
#[must_use]
pub fn stamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::event::Event;
    use super::*;

    fn call(scenario: Scenario) -> Call {
        Call {
            scenario,
            id: 7_340_001,
            account_id: "4711".to_owned(),
            user_id: "9001".to_owned(),
            start: "2024-03-01T09:30:00.250Z".parse().unwrap(),
        }
    }

    #[test]
    fn an_answered_call_is_four_events_within_a_minute() {
        let events = call(Scenario::InboundAnswered).events();
        let states: Vec<_> =
            events.iter().map(|(_, json)| Event::read(json).unwrap().state.unwrap().to_string()).collect();
        assert_eq!(states, ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]);
        assert_eq!(
            events[3].1,
            r#"{"accountId":"4711","answerTime":"2024-03-01T09:30:06.250+0000","callerId":"Zoë Sample","direction":"INBOUND","duration":30000,"endTime":"2024-03-01T09:30:36.250+0000","externalId":"callhalf-7340001:0","id":"7340001","internal":false,"phoneNumber":"12125550142","startTime":"2024-03-01T09:30:00.250+0000","state":"ANSWERED","type":"CALL","ucpType":"VBS","userId":"9001"}"#
        );
    }

    #[test]
    fn every_scenario_follows_the_documented_states_and_ends_within_a_minute() {
        for scenario in Scenario::ALL {
            let call = call(scenario);
            let mut previous = None;
            for (moment, json) in call.events() {
                let event = Event::read(&json).unwrap();
                let state = event.state.clone().unwrap();
                assert!(state.may_follow(previous.as_ref()), "{scenario:?}: {previous:?} {state}");
                assert!(event.answer.is_none() || state.rank() >= 2, "{scenario:?} {state}");
                assert_eq!(event.end, state.is_final().then_some(moment), "{scenario:?} {state}");
                assert_eq!(event.duration != Some(0), state == State::Answered, "{scenario:?} {state}");
                previous = Some(state);
            }
            assert!(previous.unwrap().is_final(), "{scenario:?}");
            assert!(scenario.steps().last().unwrap().0 < 60, "{scenario:?}");
        }
    }

    #[test]
    fn scenarios_have_names() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.name().parse(), Ok(scenario));
        }
        assert!("held ".parse::<Scenario>().is_err());
    }
}
