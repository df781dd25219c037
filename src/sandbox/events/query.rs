//! The query of `/self/events`: which rows, in which order, which page of them (specs/vis.md §10).
//!
//! Names and defaults are documented, what a value that makes no sense gets is not: the sandbox answers 400.

use std::cmp::Reverse;

use url::form_urlencoded;

use super::{EventLog, Row};

/// How many rows a page has, unless the query says so.
const USUAL_SIZE: usize = 20;

/// How many rows a page has at most, whatever the query says.
const MOST: usize = 100;

const STATES: [&str; 10] = [
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

/// A query. Lists that are empty ask for everything.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Query {
    types: Vec<String>,
    states: Vec<String>,
    direction: Option<String>,
    /// Milliseconds since 1970; the start of the call is not before.
    from: Option<i64>,
    /// The start of the call is not after.
    to: Option<i64>,
    /// Counted from 0, in pages.
    page: usize,
    size: usize,
    is_descending: bool,
    sort: Sort,
}

/// What rows are sorted by. Rows that are equal in it are in the order in which they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Start,
    Answer,
    End,
    Id,
    Duration,
}

/// A parameter whose value makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Wrong {
    pub(in crate::sandbox) parameter: &'static str,
    pub(in crate::sandbox) message: &'static str,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            types: Vec::new(),
            states: Vec::new(),
            direction: None,
            from: None,
            to: None,
            page: 0,
            size: USUAL_SIZE,
            is_descending: false,
            sort: Sort::Start,
        }
    }
}

impl Query {
    /// Reads the text behind `?`. Parameters without a value and unknown ones are ignored, and of one that comes twice the
    /// last counts.
    pub(in crate::sandbox) fn read(text: &str) -> Result<Self, Wrong> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty()) {
            query.set(&name, &value)?;
        }
        Ok(query)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        match name {
            "types" => self.types = list(value, &["CALL"]).ok_or(wrong("types", "must be CALL"))?,
            "states" => {
                self.states = list(value, &STATES).ok_or(wrong("states", "must be states of a call"))?;
            }
            "direction" => {
                let known = list(value, &["INBOUND", "OUTBOUND"]).filter(|list| list.len() == 1);
                let known = known.ok_or(wrong("direction", "must be INBOUND or OUTBOUND"))?;
                self.direction = known.into_iter().next();
            }
            "fromDate" => self.from = Some(number(value).ok_or(wrong("fromDate", MILLISECONDS))?),
            "toDate" => self.to = Some(number(value).ok_or(wrong("toDate", MILLISECONDS))?),
            "offset" => self.page = number(value).ok_or(wrong("offset", "must be the number of a page"))?,
            "size" => {
                let size: Option<usize> = number(value).filter(|size| *size > 0);
                self.size = size.ok_or(wrong("size", "must be a number from 1"))?.min(MOST);
            }
            "order" => match value {
                "ASC" => self.is_descending = false,
                "DESC" => self.is_descending = true,
                _ => return Err(wrong("order", "must be ASC or DESC")),
            },
            "sort" => self.sort = sort(value).ok_or(wrong("sort", SORTS))?,
            _ => {}
        }
        Ok(())
    }

    /// How many rows it finds, whatever the page.
    pub(in crate::sandbox) fn count(&self, log: &EventLog) -> usize {
        log.rows().iter().filter(|row| self.takes(row)).count()
    }

    /// Its page of rows.
    pub(in crate::sandbox) fn page<'log>(&self, log: &'log EventLog) -> Vec<&'log Row> {
        let mut rows: Vec<&Row> = log.rows().iter().filter(|row| self.takes(row)).collect();
        if self.is_descending {
            rows.reverse();
            rows.sort_by_key(|row| Reverse(self.sort.key(row)));
        } else {
            rows.sort_by_key(|row| self.sort.key(row));
        }
        rows.into_iter().skip(self.page.saturating_mul(self.size)).take(self.size).collect()
    }

    fn takes(&self, row: &Row) -> bool {
        let start = row.start_time.0.unix_milliseconds();
        (self.types.is_empty() || self.types.contains(&row.kind))
            && (self.states.is_empty() || self.states.contains(&row.state))
            && self.direction.as_ref().is_none_or(|direction| *direction == row.direction)
            && self.from.is_none_or(|from| start >= from)
            && self.to.is_none_or(|to| start <= to)
    }
}

impl Sort {
    fn key(self, row: &Row) -> Option<i64> {
        match self {
            Self::Start => Some(row.start_time.0.unix_milliseconds()),
            Self::Answer => row.answer_time.map(|time| time.0.unix_milliseconds()),
            Self::End => row.end_time.map(|time| time.0.unix_milliseconds()),
            Self::Id => i64::try_from(row.id).ok(),
            Self::Duration => Some(row.duration),
        }
    }
}

const SORTS: &str = "must be startTime, answerTime, endTime, id or duration";
const MILLISECONDS: &str = "must be milliseconds since 1970";

fn wrong(parameter: &'static str, message: &'static str) -> Wrong {
    Wrong { parameter, message }
}

fn sort(value: &str) -> Option<Sort> {
    match value {
        "startTime" => Some(Sort::Start),
        "answerTime" => Some(Sort::Answer),
        "endTime" => Some(Sort::End),
        "id" => Some(Sort::Id),
        "duration" => Some(Sort::Duration),
        _ => None,
    }
}

fn number<T: std::str::FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

/// The comma separated names in `value`, if all of them are `known`.
fn list(value: &str, known: &[&str]) -> Option<Vec<String>> {
    value.split(',').map(|name| known.contains(&name).then(|| name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three calls that began at 1, 2 and 3 seconds after 1970, of two states each.
    fn log() -> EventLog {
        let mut log = EventLog::default();
        for (second, direction) in [(1, "INBOUND"), (2, "OUTBOUND"), (3, "INBOUND")] {
            for (state, end) in
                [("RINGING", "null".to_owned()), ("MISSED", format!("\"{}\"", time(9 - second)))]
            {
                let start = time(second);
                let row = format!(
                    r#"{{"id":"{second}","externalId":"x","accountId":"1","userId":"2","type":"CALL","direction":"{direction}",
                        "phoneNumber":"1","state":"{state}","duration":0,"startTime":"{start}","endTime":{end}}}"#
                );
                log.push(Row::of_delivered(&row).unwrap());
            }
        }
        log
    }

    fn time(second: u32) -> String {
        format!("1970-01-01T00:00:0{second}.000+0000")
    }

    fn found(query: &str) -> Vec<String> {
        let log = log();
        let query = Query::read(query).unwrap();
        let rows = query.page(&log);
        rows.iter().map(|row| format!("{}{}", row.id, &row.state[..1])).collect()
    }

    #[test]
    fn filters_are_on_the_start_of_the_call_and_on_the_row() {
        assert_eq!(found(""), ["1R", "1M", "2R", "2M", "3R", "3M"]);
        assert_eq!(found("fromDate=2000"), ["2R", "2M", "3R", "3M"]);
        assert_eq!(found("fromDate=2001&toDate=3000"), ["3R", "3M"]);
        assert_eq!(found("toDate=999"), [""; 0]);
        assert_eq!(found("states=MISSED,HELD&direction=INBOUND&types=CALL"), ["1M", "3M"]);
        assert_eq!(found("states=MISSED%2CRINGING&fromDate=&unknown=1"), found(""));
        assert_eq!(Query::read("size=1&offset=9&states=MISSED").unwrap().count(&log()), 3);
    }

    #[test]
    fn pages_are_counted_from_zero_and_hold_what_was_asked_for_up_to_a_hundred() {
        assert_eq!(found("size=4"), ["1R", "1M", "2R", "2M"]);
        assert_eq!(found("size=4&offset=1"), ["3R", "3M"]);
        assert_eq!(found("size=4&offset=2"), [""; 0]);
        assert_eq!(found("offset=18446744073709551615"), [""; 0]);
        assert_eq!(Query::read("size=5000").unwrap().size, 100);
    }

    #[test]
    fn the_order_turns_round_as_a_whole() {
        assert_eq!(found("order=DESC&size=3"), ["3M", "3R", "2M"]);
        assert_eq!(found("order=ASC&sort=endTime"), ["1R", "2R", "3R", "3M", "2M", "1M"]);
        assert_eq!(found("order=DESC&sort=endTime&size=2"), ["1M", "2M"]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (query, parameter) in [
            ("fromDate=yesterday", "fromDate"),
            ("toDate=1.5", "toDate"),
            ("direction=SIDEWAYS", "direction"),
            ("direction=INBOUND,OUTBOUND", "direction"),
            ("states=RINGING,BUSY", "states"),
            ("states=RINGING,", "states"),
            ("types=FAX", "types"),
            ("offset=-1", "offset"),
            ("size=0", "size"),
            ("size=ten", "size"),
            ("order=asc", "order"),
            ("sort=state", "sort"),
        ] {
            assert_eq!(Query::read(query).unwrap_err().parameter, parameter, "{query}");
        }
    }
}
