//! What happened: one row for each state of each call, as `/self/events` serves it (specs/vis.md §10).
//!
//! It is kept whether or not there was a webhook to tell. Finding rows is `query`, making them happen is `engine`.

pub(super) mod query;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::timestamp::EventTime;

/// The id of an account's first call.
pub(super) const FIRST_CALL: u64 = 7_340_001;

/// How many rows are kept; then the oldest goes. The state file has to stay small, however long the sandbox runs.
const MOST: usize = 10_000;

/// What happened, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EventLog {
    /// Never one that a call had before, also after a restart.
    next_call: u64,
    rows: VecDeque<Row>,
}

/// One event. Member names and their order are the service's, ids are numbers here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) id: u64,
    external_id: String,
    account_id: i64,
    user_id: i64,
    #[serde(rename = "type")]
    kind: String,
    direction: String,
    phone_number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller_id: Option<String>,
    state: String,
    duration: i64,
    start_time: EventTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer_time: Option<EventTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_time: Option<EventTime>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self { next_call: FIRST_CALL, rows: VecDeque::new() }
    }
}

impl EventLog {
    /// The id for a new call.
    pub(super) fn take_call_id(&mut self) -> u64 {
        let id = self.next_call;
        self.next_call += 1;
        id
    }

    /// Adds a row for an event as it is delivered.
    pub(super) fn record(&mut self, event: &str) {
        // What `scenario` makes has everything that a row needs.
        if let Some(row) = Row::of_delivered(event) {
            self.push(row);
        }
    }

    fn push(&mut self, row: Row) {
        self.rows.push_back(row);
        if self.rows.len() > MOST {
            self.rows.pop_front();
        }
    }

    /// All rows.
    pub(super) fn rows(&self) -> &VecDeque<Row> {
        &self.rows
    }

    /// The rows of one call.
    pub(super) fn of_call(&self, id: u64) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.id == id).collect()
    }

    /// This log in the place of `old`: a receiver that runs on knows the calls of `old` by their ids.
    pub(super) fn in_place_of(mut self, old: &Self) -> Self {
        self.next_call = self.next_call.max(old.next_call);
        self
    }
}

impl Row {
    /// The row for an event as it is delivered: the same facts, but ids are numbers, and some members are in a delivery
    /// alone. `None` for what is no such event.
    fn of_delivered(event: &str) -> Option<Self> {
        let mut members: Map<String, Value> = serde_json::from_str(event).ok()?;
        for name in ["id", "accountId", "userId"] {
            let number: i64 = members.get(name)?.as_str()?.parse().ok()?;
            members.insert(name.to_owned(), json!(number));
        }
        serde_json::from_value(Value::Object(members)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERED: &str = r#"{"accountId":"4711","answerTime":"2024-03-01T09:30:06.250+0000","callerId":"Zoë Sample","direction":"INBOUND","duration":30000,"endTime":"2024-03-01T09:30:36.250+0000","externalId":"callhalf-7340001:0","id":"7340001","internal":false,"phoneNumber":"12125550142","startTime":"2024-03-01T09:30:00.250+0000","state":"ANSWERED","type":"CALL","ucpType":"VBS","userId":"9001"}"#;

    #[test]
    fn a_row_has_exactly_the_members_of_the_rest_schema() {
        let row = Row::of_delivered(DELIVERED).unwrap();
        assert_eq!(
            serde_json::to_string(&row).unwrap(),
            r#"{"id":7340001,"externalId":"callhalf-7340001:0","accountId":4711,"userId":9001,"type":"CALL","direction":"INBOUND","phoneNumber":"12125550142","callerId":"Zoë Sample","state":"ANSWERED","duration":30000,"startTime":"2024-03-01T09:30:00.250+0000","answerTime":"2024-03-01T09:30:06.250+0000","endTime":"2024-03-01T09:30:36.250+0000"}"#
        );
        assert_eq!(Row::of_delivered(r#"{"id":"x"}"#), None);
    }

    #[test]
    fn the_oldest_rows_go_and_ids_are_never_used_again() {
        let mut log = EventLog::default();
        let row = Row::of_delivered(DELIVERED).unwrap();
        for _ in 0..MOST + 7 {
            let id = log.take_call_id();
            log.push(Row { id, ..row.clone() });
        }
        assert_eq!((log.rows().len(), log.rows()[0].id), (MOST, FIRST_CALL + 7));
        assert!(log.of_call(FIRST_CALL + 6).is_empty());
        assert_eq!(log.of_call(FIRST_CALL + 7).len(), 1);
        let read: EventLog = serde_json::from_value(serde_json::to_value(&log).unwrap()).unwrap();
        assert_eq!(read, log);
        let mut new = EventLog::default().in_place_of(&log);
        assert_eq!(new.take_call_id(), FIRST_CALL + 7 + MOST as u64);
        assert!(new.rows().is_empty());
    }
}
