//! Deliveries as they arrive, a line each: `text` for people, `json` for scripts. Pure; the rows are what both are given.

pub mod json;
pub mod text;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// An event, as far as a line for people has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventCells<'a> {
    /// The state of the call.
    pub state: Option<&'a str>,
    /// `INBOUND` or `OUTBOUND`.
    pub direction: Option<&'a str>,
    /// The other party's number.
    pub number: Option<&'a str>,
    /// The other party's name.
    pub name: Option<&'a str>,
    /// Milliseconds from answer to end.
    pub duration: Option<i64>,
    /// What has become of the thing.
    pub status: Option<&'a str>,
    /// When it happened, where deliveries may come much later.
    pub moment: Option<DateTime<Utc>>,
    /// Whether `state` is a type of event, which is longer than a state.
    pub is_typed: bool,
}

/// A delivery.
#[derive(Clone, Debug)]
pub struct DeliveryRow<'a> {
    /// When it arrived.
    pub time: DateTime<Utc>,
    /// The name of its service.
    pub service: &'static str,
    /// `verified` or `unverified`.
    pub verdict: &'static str,
    /// The name of the key that it is verified with.
    pub key: Option<&'a str>,
    /// Whether there are others, so that the name says something.
    pub has_other_keys: bool,
    /// Which text was signed: `as-received`, `canonical` or `canonical-escaped`.
    pub form: Option<&'static str>,
    /// Ids, as far as they are known.
    pub delivery_id: Option<&'a str>,
    /// What it is known again by, where it has no id.
    pub identity: Option<&'a str>,
    /// The registration.
    pub webhook_id: Option<&'a str>,
    /// Counted from 1.
    pub attempt: Option<u64>,
    /// Whether it was accepted before.
    pub is_duplicate: bool,
    /// The state before, where this one does not follow it.
    pub after: Option<&'a str>,
    /// The status that it was answered with; `None` if it was not.
    pub answered: Option<u16>,
    /// Whether that was asked for.
    pub is_rehearsed: bool,
    /// What vwh said of what it posted.
    pub synthetic: Option<&'a str>,
    /// Whether it said that it posted it again.
    pub is_reposted: bool,
    /// The event as received, which is JSON.
    pub payload: &'a str,
}

/// Requests that were refused.
#[derive(Clone, Debug)]
pub struct RefusedRow {
    /// When the last of them came.
    pub time: DateTime<Utc>,
    /// The status of the answer.
    pub status: u16,
    /// Why.
    pub reason: String,
    /// Where the last of them came from.
    pub from: String,
    /// How many more there were.
    pub more: u64,
}

/// What came of forwarding.
#[derive(Clone, Debug)]
pub struct ForwardRow<'a> {
    /// When it ended.
    pub time: DateTime<Utc>,
    /// The delivery.
    pub delivery_id: Option<&'a str>,
    /// The status of the handler's answer, or why there is none.
    pub outcome: Result<u16, &'a str>,
    /// Whether the handler has taken it.
    pub is_taken: bool,
    /// How long it took.
    pub took: Duration,
    /// How long the service waits.
    pub limit: Duration,
}

/// The summary of a run. Its JSON is a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Deliveries answered with 200.
    pub accepted: u64,
    /// Those of them that had been accepted before.
    pub duplicates: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Deliveries answered with a failure that was asked for.
    pub rehearsed: u64,
    /// Deliveries that the handler answered with 200.
    pub forwarded: u64,
    /// Deliveries that it did not.
    pub forward_failures: u64,
    /// Deliveries that were accepted and not forwarded any more.
    pub not_forwarded: u64,
    /// Lines that could not be shown.
    pub not_shown: u64,
}

impl ForwardRow<'_> {
    fn is_too_slow(&self) -> bool {
        self.took > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_longer_than_the_service_waits_is_marked() {
        for (milliseconds, limit, is_slow) in
            [(12, 2, false), (2_000, 2, false), (2_001, 2, true), (9_000, 10, false), (10_500, 10, true)]
        {
            let row = ForwardRow {
                time: DateTime::UNIX_EPOCH,
                delivery_id: None,
                outcome: Ok(200),
                is_taken: true,
                took: Duration::from_millis(milliseconds),
                limit: Duration::from_secs(limit),
            };
            let (mut line, mut object) = (String::new(), String::new());
            text::forward(&row, EventCells::default(), text::LineStyle::default(), &mut line);
            json::forward(&row, &mut object);
            assert_eq!(line.ends_with("too slow for the service\n"), is_slow, "{line}");
            assert!(object.contains(&format!("\"tooSlow\":{is_slow}")), "{object}");
        }
    }
}
