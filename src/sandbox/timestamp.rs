//! A point in sandbox time, in the spellings that the service uses on the wire.
//!
//! Not the clock: `clock` decides which time it is.

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A time with milliseconds, never later than the year 9999 (later years do not fit the service's format).
///
/// In JSON it is text such as `2024-03-01T09:00:00.123Z` (specs/vis.md §4); any RFC 3339 text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The time of the machine, as `chrono` gives it, cut to milliseconds.
    pub(super) fn new(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(3).min(last_representable()))
    }

    /// `span` later (or earlier, when negative).
    pub(super) fn plus(self, span: TimeDelta) -> Self {
        Self::new(self.0.checked_add_signed(span).unwrap_or_else(last_representable))
    }

    /// How much later this is than `earlier`.
    pub(super) fn since(self, earlier: Self) -> TimeDelta {
        self.0 - earlier.0
    }

    /// The time for those who know no sandbox.
    pub(super) fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Milliseconds since 1970, as in the queries of `/self/events`.
    pub(super) fn unix_milliseconds(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Whole seconds since 1970, as in a JWT.
    pub(super) fn unix_seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// The time in an HTTP `Date` or `Retry-After` header, cut to whole seconds.
    pub(super) fn http_date(self) -> String {
        self.0.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// The time in the gateway's `nextAccessTime` (specs/vis.md §11).
    pub(super) fn next_access_time(self) -> String {
        self.0.format("%Y-%b-%d %H:%M:%S+0000 UTC").to_string()
    }
}

/// A time in an event. In JSON it is text such as `2024-03-01T09:00:00.123+0000` (specs/vis.md §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct EventTime(pub(super) Timestamp);

impl From<EventTime> for String {
    fn from(time: EventTime) -> Self {
        time.0.0.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
    }
}

impl TryFrom<String> for EventTime {
    type Error = chrono::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z")?;
        Ok(Self(Timestamp::new(time.to_utc())))
    }
}

fn last_representable() -> DateTime<Utc> {
    let day = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX);
    day.and_time(NaiveTime::MIN).and_utc()
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.0.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = chrono::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        DateTime::parse_from_rfc3339(&text).map(|time| Self::new(time.to_utc()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn at(text: &str) -> Timestamp {
        Timestamp::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn each_place_has_its_own_spelling() {
        let time = at("2024-03-01T09:30:07.123456+01:00");
        assert_eq!(String::from(time), "2024-03-01T08:30:07.123Z");
        assert_eq!(time.http_date(), "Fri, 01 Mar 2024 08:30:07 GMT");
        assert_eq!(time.next_access_time(), "2024-Mar-01 08:30:07+0000 UTC");
        assert_eq!(String::from(EventTime(time)), "2024-03-01T08:30:07.123+0000");
        assert_eq!(EventTime::try_from("2024-03-01T08:30:07.123+0000".to_owned()), Ok(EventTime(time)));
    }

    #[test]
    fn addition_stops_at_the_last_year() {
        let late = at("2024-03-01T09:30:00Z").plus(TimeDelta::MAX);
        assert_eq!(String::from(late), "9999-12-31T00:00:00.000Z");
        assert_eq!(late.plus(TimeDelta::days(1)), late);
    }
}
