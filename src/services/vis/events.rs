//! The service's log of call events, `GET /self/events` (vis §10): its rows, page by page, and the payload that a row would
//! have been delivered as.
//!
//! Nobody has published a reply of it. So nothing that was asked for is believed: not the filters, the size of a page, nor
//! what `offset` counts. Whose events are missing is for commands to see.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::super::room::undecodable;
use super::client::Client;
use super::delivery::event::Event;
use super::signature::{CanonicalError, Spelling, canonical};
use crate::http::{HttpError, Repeat, WhenHeld};
use crate::webhook::member;

/// A call may have begun so long before its last event; the service's filter may look at its beginning.
const LONGEST_CALL: TimeDelta = TimeDelta::days(1);

/// Rows that are asked for at once. The default is 20 (vis §10); calls are scarce.
const SIZE: usize = 100;

/// The documented size of a page: one with fewer rows is the last.
const USUAL_SIZE: usize = 20;

/// After so many pages something is wrong.
const MOST_PAGES: usize = 1_000;

/// An event of the log.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The service's own object, a slice of the reply.
    pub raw: Bytes,
    /// What it says.
    pub event: Event,
    /// The id of its call.
    pub id: String,
    /// The latest of its start, answer and end.
    pub moment: DateTime<Utc>,
    /// The event as it would have been delivered, in canonical form.
    pub payload: String,
}

/// What the log has of a stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The events, each state of a call once: in the order of their moments.
    pub events: Vec<Logged>,
    /// How many rows make no sense as an event.
    pub strangers: usize,
    /// Whether there is more than could be read.
    pub is_cut: bool,
}

/// Which rows are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Events after this moment.
    from: DateTime<Utc>,
    /// Of calls that began at this moment or later.
    calls_from: DateTime<Utc>,
    /// Events up to this moment.
    to: Option<DateTime<Utc>>,
}

impl Query {
    /// Events after `from`, up to `to`.
    #[must_use]
    pub fn new(from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> Self {
        let calls_from = from.checked_sub_signed(LONGEST_CALL).unwrap_or(DateTime::UNIX_EPOCH);
        Self { from, calls_from, to }
    }
}

impl Logged {
    /// The state's name; empty if the row has none.
    #[must_use]
    pub fn state(&self) -> String {
        self.event.state.as_ref().map(|state| state.name().into_owned()).unwrap_or_default()
    }

    /// `ID:STATE`, which names one event of a call.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.id, self.state())
    }

    /// The delivery id that a delivery of it to webhook `webhook_id` has when it is posted again: the same every time, so that
    /// a receiver sees a second one as a duplicate. A UUID of the form that is for hashes of one's own (RFC 9562, version 8).
    #[must_use]
    pub fn delivery_id(&self, webhook_id: &str) -> String {
        let digest = Sha256::digest([webhook_id, &self.id, &self.state()].join("\0"));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
    }

    /// What the order of events goes by: one of a call's states may have come at the same moment as the one before.
    fn order(&self) -> (DateTime<Utc>, u8, &str) {
        let rank = self.event.state.as_ref().map_or(2, super::delivery::event::State::rank);
        (self.moment, rank, &self.id)
    }
}

impl Client {
    /// Every event that `is_wanted` takes by its moment, of those that `query` asks for. `progressed` is called for each
    /// page that arrived.
    pub async fn events(
        &self,
        query: Query,
        is_wanted: &dyn Fn(DateTime<Utc>) -> bool,
        progressed: &dyn Fn(),
    ) -> Result<Log, HttpError> {
        let mut reading = Reading::default();
        let mut next = Some(0);
        while let Some(offset) = next {
            if reading.paging.pages == MOST_PAGES {
                reading.log.is_cut = true;
                break;
            }
            let rows = self.page(query, Order::OldestFirst, offset, Patience::Steady).await?;
            progressed();
            next = reading.take(&rows, is_wanted);
        }
        reading.log.events.sort_by(|left, right| left.order().cmp(&right.order()));
        Ok(reading.log)
    }

    /// The same of the newest two pages at the most, in no order, without waiting or trying again.
    pub async fn newest_events(
        &self,
        query: Query,
        is_wanted: &dyn Fn(DateTime<Utc>) -> bool,
    ) -> Result<Log, HttpError> {
        let mut reading = Reading::default();
        let rows = self.page(query, Order::NewestFirst, 0, Patience::None).await?;
        let next = reading.take(&rows, is_wanted);
        let Some(offset) = next.filter(|_| rows.len() >= USUAL_SIZE) else { return Ok(reading.log) };
        if reading.log.events.is_empty() {
            // Older ones alone: the service may turn nothing round. Of calls that began late enough none is too old.
            let begun = Query { calls_from: query.from, ..query };
            let rows = self.page(begun, Order::NewestFirst, 0, Patience::None).await?;
            reading.take(&rows, is_wanted);
            reading.log.is_cut = true;
        } else {
            let rows = self.page(query, Order::NewestFirst, offset, Patience::None).await?;
            reading.log.is_cut = reading.take(&rows, is_wanted).is_some();
        }
        Ok(reading.log)
    }

    async fn page(
        &self,
        query: Query,
        order: Order,
        offset: u64,
        patience: Patience,
    ) -> Result<Vec<Bytes>, HttpError> {
        let mut call = self.api().call(Method::GET, "self/events");
        if patience == Patience::None {
            call.when_held = WhenHeld::Return;
            // It may be repeated, only not now.
            call.repeat = Repeat::OnlyIfNotSent;
        }
        let milliseconds = |moment: DateTime<Utc>| moment.timestamp_millis().max(0).to_string();
        let mut pairs = call.url.query_pairs_mut();
        pairs.append_pair("types", "CALL").append_pair("fromDate", &milliseconds(query.calls_from));
        if let Some(to) = query.to.and_then(|to| to.checked_add_signed(LONGEST_CALL)) {
            pairs.append_pair("toDate", &milliseconds(to));
        }
        pairs.append_pair("offset", &offset.to_string()).append_pair("size", &SIZE.to_string());
        pairs.append_pair("order", order.name());
        drop(pairs);
        let reply = self.api().http().send(&call).await?;
        rows(&reply.body).map_err(|error| undecodable(&call, "a list of events", &reply, &error))
    }
}

/// Which rows come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    OldestFirst,
    NewestFirst,
}

impl Order {
    const fn name(self) -> &'static str {
        match self {
            Self::OldestFirst => "ASC",
            Self::NewestFirst => "DESC",
        }
    }
}

/// How long a page is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// As for every other request.
    Steady,
    /// Once.
    None,
}

/// The rows of a reply: an array, the array in an object around it, or one row without an array. No reply is no row.
fn rows(body: &Bytes) -> Result<Vec<Bytes>, serde_json::Error> {
    let text = std::str::from_utf8(body).map_err(serde::de::Error::custom)?.trim_ascii();
    if text.is_empty() || text == "null" {
        return Ok(Vec::new());
    }
    let slice = |row: &RawValue| body.slice_ref(row.get().as_bytes());
    let array = |text| serde_json::from_str::<Vec<&RawValue>>(text);
    if !text.starts_with('{') {
        return Ok(array(text)?.into_iter().map(slice).collect());
    }
    let (mut is_row, mut inner) = (false, None);
    member::each(text, |name, value| {
        is_row |= matches!(name, "id" | "externalId");
        if inner.is_none() && value.get().starts_with('[') {
            inner = Some(value);
        }
    })?;
    match inner {
        _ if is_row => Ok(vec![body.slice_ref(text.as_bytes())]),
        Some(inner) => Ok(array(inner.get())?.into_iter().map(slice).collect()),
        None => Ok(Vec::new()),
    }
}

/// What tells a row from all others: the call and its state, or the whole row where it has neither.
type Key = (String, String);

/// A row as far as it could be read.
enum Row {
    /// An event of a call.
    Event(Box<Logged>),
    /// An event of another kind.
    Foreign(Key),
    /// No event.
    Stranger(Key),
}

impl Row {
    fn read(raw: &Bytes) -> Self {
        let text = std::str::from_utf8(raw).unwrap_or_default();
        let stranger = || Self::Stranger((text.to_owned(), String::new()));
        let Ok(event) = Event::read(text) else { return stranger() };
        let Some(id) = event.call().map(str::to_owned) else { return stranger() };
        let state = event.state.as_ref().map(|state| state.name().into_owned()).unwrap_or_default();
        if !is_call(text) {
            return Self::Foreign((id, state));
        }
        match (event.moment(), payload(text)) {
            (Some(moment), Ok(payload)) => {
                Self::Event(Box::new(Logged { raw: raw.clone(), event, id, moment, payload }))
            }
            _ => Self::Stranger((id, state)),
        }
    }

    fn key(&self) -> Key {
        match self {
            Self::Event(logged) => (logged.id.clone(), logged.state()),
            Self::Foreign(key) | Self::Stranger(key) => key.clone(),
        }
    }
}

/// Whether it is an event of a call; one that does not say is.
fn is_call(row: &str) -> bool {
    let mut kind = None;
    let read = member::each(row, |name, value| {
        if name == "type" {
            kind = member::text(value);
        }
    });
    read.is_ok() && kind.is_none_or(|kind| kind.eq_ignore_ascii_case("CALL"))
}

/// The event of a row as it would have been delivered (vis §10): ids as texts, times as payloads spell them, and everything
/// else as it is; in canonical form. Of a member that stands there twice, the last counts.
pub fn payload(row: &str) -> Result<String, CanonicalError> {
    let mut members: BTreeMap<String, String> = BTreeMap::new();
    let read = member::each(row, |name, value| {
        let spelled = match name {
            "id" | "userId" | "accountId" => member::text(value),
            "startTime" | "answerTime" | "endTime" => member::time(value).map(spelled_time),
            _ => None,
        };
        let value = spelled.map_or_else(|| value.get().to_owned(), |text| quoted(&text));
        members.insert(name.to_owned(), value);
    });
    read.map_err(|_| CanonicalError::Syntax)?;
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
    canonical(&format!("{{{}}}", members.join(",")), Spelling::Utf8)
}

fn spelled_time(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The log as it is read, page after page.
#[derive(Default)]
struct Reading {
    log: Log,
    paging: Paging,
}

impl Reading {
    /// Keeps what is new in a page and wanted. The offset of the next one; `None` if this was the last.
    fn take(&mut self, rows: &[Bytes], is_wanted: &dyn Fn(DateTime<Utc>) -> bool) -> Option<u64> {
        let mut keys = Vec::with_capacity(rows.len());
        let mut news = 0;
        for raw in rows {
            let row = Row::read(raw);
            let key = row.key();
            keys.push(key.clone());
            if !self.paging.seen.insert(key) {
                continue;
            }
            news += 1;
            match row {
                Row::Event(logged) if is_wanted(logged.moment) => self.log.events.push(*logged),
                Row::Event(_) | Row::Foreign(_) => {}
                Row::Stranger(_) => self.log.strangers += 1,
            }
        }
        self.paging.next(keys, news)
    }
}

/// Which page comes next. `offset` is documented as the number of a page; a service may ignore it, count pages from 1, or
/// count rows.
#[derive(Default)]
struct Paging {
    seen: HashSet<Key>,
    /// The rows of the first page.
    first: Vec<Key>,
    /// What was asked for last.
    offset: u64,
    /// How many pages have come.
    pages: usize,
    counts_rows: bool,
    /// Whether the last page had nothing new.
    is_quiet: bool,
}

impl Paging {
    fn next(&mut self, keys: Vec<Key>, news: usize) -> Option<u64> {
        self.pages += 1;
        if self.pages == 2 && is_shifted(&self.first, &keys) {
            self.counts_rows = true;
        }
        // A whole page of what came before may be the first of those that are counted from 1, or may have been pushed on by
        // rows of calls that were still going on; two in a row are the end.
        let is_end = news == 0 && (self.is_quiet || keys.len() < USUAL_SIZE);
        if is_end {
            return None;
        }
        self.is_quiet = news == 0;
        self.offset += if self.counts_rows { keys.len() as u64 } else { 1 };
        if self.pages == 1 {
            self.first = keys;
        }
        Some(self.offset)
    }
}

/// Whether `second` is `first` without its first row, and what comes after it.
fn is_shifted(first: &[Key], second: &[Key]) -> bool {
    first.len() > 1 && second.starts_with(&first[1..])
}

#[cfg(test)]
mod tests;
