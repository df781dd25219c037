//! Deliveries as they arrive, a line each: for people in columns, for scripts as JSON. Pure.

use std::borrow::Cow;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::text::{elided, inert, width};
use crate::webhook::json::{Secrets, to_line};
use crate::webhook::rewrite::rewrite;

/// A handler that takes longer is too slow for the service (vis §8).
const TOO_SLOW: Duration = Duration::from_secs(2);

/// The state's column, as wide as the longest one.
const STATE: usize = 12;

/// The column of number and name, where there is room for it.
const WHO: usize = 28;

/// It shrinks to a number when a line has more to say.
const LEAST_WHO: usize = 11;

/// Other texts of a sender are cut to this, whatever the terminal's width.
const LONGEST: usize = 40;

/// How lines are drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineStyle {
    /// Columns; `None` cuts nothing.
    pub width: Option<usize>,
    /// With colour.
    pub is_colored: bool,
}

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
}

/// A delivery.
#[derive(Clone, Debug)]
pub struct DeliveryRow<'a> {
    /// When it arrived.
    pub time: DateTime<Utc>,
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
    /// How long it took.
    pub took: Duration,
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

/// Appends the line for people of a delivery.
pub fn delivery(row: &DeliveryRow<'_>, event: EventCells<'_>, style: LineStyle, out: &mut String) {
    let notes = notes(row, event);
    let notes_width: usize = notes.iter().map(|note| 2 + width(&note.text)).sum();
    // Time, state and direction, with the gaps behind them.
    let taken = 9 + 2 + STATE + 2 + 3 + 2;
    let room = style.width.map_or(WHO, |columns| columns.saturating_sub(taken + notes_width));
    let state = cell(event.state, STATE + 8);
    let direction = match event.direction {
        Some("INBOUND") => "in",
        Some("OUTBOUND") => "out",
        _ => "",
    };
    start(row.time, style, out);
    pad(&state, STATE, out);
    out.push_str("  ");
    pad(direction, 3, out);
    out.push_str("  ");
    let who = who(event);
    let most = if style.width.is_some() { room.clamp(LEAST_WHO, WHO) } else { usize::MAX };
    pad(&elided(&who, most), most.min(WHO), out);
    for note in notes {
        out.push_str("  ");
        painted(&note.text, note.color, style, out);
    }
    end(out);
}

/// Something at the end of a line.
struct Note<'a> {
    text: Cow<'a, str>,
    color: Option<AnsiColor>,
}

fn notes<'a>(row: &DeliveryRow<'a>, event: EventCells<'_>) -> Vec<Note<'a>> {
    let plain = |text: Cow<'a, str>| Note { text, color: None };
    let striking = |text: Cow<'a, str>| Note { text, color: Some(AnsiColor::Yellow) };
    let mut notes = Vec::with_capacity(4);
    notes.push(match (row.key, row.verdict) {
        (Some(key), verdict) if row.has_other_keys => {
            plain(format!("{verdict} by {}", elided(&inert(key), LONGEST)).into())
        }
        (_, "verified") => plain("verified".into()),
        (_, verdict) => striking(verdict.into()),
    });
    if let Some(duration) = event.duration.filter(|duration| *duration > 0) {
        notes.push(plain(spoken(duration).into()));
    }
    if let Some(attempt) = row.attempt.filter(|attempt| *attempt > 1) {
        notes.push(striking(format!("attempt {attempt}").into()));
    }
    if row.is_duplicate {
        notes.push(striking("duplicate".into()));
    }
    if let Some(after) = row.after {
        notes.push(striking(format!("after {}?", elided(&inert(after), LONGEST)).into()));
    }
    match (row.answered, row.is_rehearsed) {
        (Some(200), _) => {}
        (Some(status), true) => notes.push(striking(format!("answered {status} on purpose").into())),
        (Some(status), false) => notes.push(striking(format!("answered {status}").into())),
        (None, _) => notes.push(striking("not answered on purpose".into())),
    }
    notes
}

fn who(event: EventCells<'_>) -> String {
    let mut who = String::with_capacity(WHO);
    for text in [event.number, event.name].into_iter().flatten() {
        if !who.is_empty() {
            who.push(' ');
        }
        who.push_str(&elided(&inert(text), LONGEST));
    }
    who
}

/// `30.0s`, `2m05s`, `1h02m`.
fn spoken(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        ..60 => format!("{seconds}.{}s", milliseconds % 1000 / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Appends the JSON line of a delivery.
pub fn delivery_json(row: &DeliveryRow<'_>, out: &mut String) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Line<'a> {
        event: &'static str,
        time: String,
        verdict: &'static str,
        key: Option<&'a str>,
        form: Option<&'static str>,
        delivery_id: Option<&'a str>,
        webhook_id: Option<&'a str>,
        attempt: Option<u64>,
        duplicate: bool,
        after: Option<&'a str>,
        answered: Option<u16>,
        rehearsed: bool,
        synthetic: Option<&'a str>,
    }
    let line = Line {
        event: "delivery",
        time: stamp(row.time),
        verdict: row.verdict,
        key: row.key,
        form: row.form,
        delivery_id: row.delivery_id,
        webhook_id: row.webhook_id,
        attempt: row.attempt,
        duplicate: row.is_duplicate,
        after: row.after,
        answered: row.answered,
        rehearsed: row.is_rehearsed,
        synthetic: row.synthetic,
    };
    out.push_str(&to_line(&line));
    out.pop();
    out.push_str(",\"payload\":");
    rewrite(row.payload, Secrets::Show, out);
    out.push_str("}\n");
}

/// Appends the line for people of what was refused.
pub fn refused(row: &RefusedRow, style: LineStyle, out: &mut String) {
    start(row.time, style, out);
    painted(&format!("{:<STATE$}", format!("refused {}", row.status)), Some(AnsiColor::Red), style, out);
    let more = if row.more > 0 { format!(" ({} more)", row.more) } else { String::new() };
    out.push_str(&format!("  {}, from {}{more}\n", inert(&row.reason), inert(&row.from)));
}

/// Appends the JSON line of what was refused.
pub fn refused_json(row: &RefusedRow, out: &mut String) {
    line(
        &serde_json::json!({"event": "refused", "time": stamp(row.time), "status": row.status,
            "reason": row.reason, "from": row.from, "more": row.more}),
        out,
    );
}

/// Appends the line for people of a forward.
pub fn forward(row: &ForwardRow<'_>, event: EventCells<'_>, style: LineStyle, out: &mut String) {
    start(row.time, style, out);
    let outcome = row.outcome.map_or(Cow::Borrowed("-> no reply"), |status| format!("-> {status}").into());
    let color = if row.outcome == Ok(200) { None } else { Some(AnsiColor::Red) };
    painted(&format!("{outcome:<STATE$}"), color, style, out);
    out.push_str(&format!("  {:>6}  ", latency(row.took)));
    let state = cell(event.state, STATE + 8);
    out.push_str(&format!("{state} {}", cell(event.number, LONGEST)));
    if let Err(reason) = row.outcome {
        out.push_str(&format!("  {}", elided(&inert(reason), 2 * LONGEST)));
    } else if row.took > TOO_SLOW {
        out.push_str("  ");
        painted("too slow for the service", Some(AnsiColor::Yellow), style, out);
    }
    end(out);
}

/// Appends the JSON line of a forward.
pub fn forward_json(row: &ForwardRow<'_>, out: &mut String) {
    let milliseconds = u64::try_from(row.took.as_millis()).unwrap_or(u64::MAX);
    line(
        &serde_json::json!({"event": "forward", "time": stamp(row.time), "deliveryId": row.delivery_id,
            "status": row.outcome.ok(), "error": row.outcome.err(), "ms": milliseconds,
            "tooSlow": row.took > TOO_SLOW}),
        out,
    );
}

/// Appends the line for people of lines that were not shown.
pub fn missed(count: u64, style: LineStyle, out: &mut String) {
    let lines = if count == 1 { "line was" } else { "lines were" };
    painted(&format!("… {count} {lines} not shown"), Some(AnsiColor::Yellow), style, out);
    out.push('\n');
}

/// Appends the JSON line of lines that were not shown.
pub fn missed_json(count: u64, out: &mut String) {
    line(&serde_json::json!({"event": "skipped", "lines": count}), out);
}

/// The summary for people, in one line.
#[must_use]
pub fn summary(totals: &Totals) -> String {
    let deliveries = if totals.accepted == 1 { "delivery" } else { "deliveries" };
    let mut parts = vec![format!("{} {deliveries} accepted", totals.accepted)];
    let mut add = |count: u64, what: &str| {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    };
    add(totals.duplicates, "of them duplicates");
    add(totals.rehearsed, "failed on purpose");
    add(totals.refused, "refused");
    add(totals.forwarded, "forwarded");
    add(totals.forward_failures, "forwarded in vain");
    add(totals.not_forwarded, "not forwarded");
    add(totals.not_shown, "not shown");
    parts.join(", ")
}

/// Appends the last JSON line.
pub fn end_json(totals: &Totals, out: &mut String) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        #[serde(flatten)]
        totals: &'a Totals,
    }
    line(&Line { event: "end", totals }, out);
}

fn line<T: Serialize>(value: &T, out: &mut String) {
    out.push_str(&to_line(value));
    out.push('\n');
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn start(time: DateTime<Utc>, style: LineStyle, out: &mut String) {
    let dim = if style.is_colored { Style::new().dimmed() } else { Style::new() };
    out.push_str(&format!("{dim}{}Z{dim:#}  ", time.format("%H:%M:%S")));
}

/// Ends a line without blanks at its end.
fn end(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

fn pad(text: &str, columns: usize, out: &mut String) {
    out.push_str(text);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(text))));
}

fn painted(text: &str, color: Option<AnsiColor>, style: LineStyle, out: &mut String) {
    match color {
        Some(color) if style.is_colored => {
            let paint = Style::new().fg_color(Some(color.into()));
            out.push_str(&format!("{paint}{text}{paint:#}"));
        }
        _ => out.push_str(text),
    }
}

fn cell(text: Option<&str>, columns: usize) -> String {
    text.map(|text| elided(&inert(text), columns).into_owned()).unwrap_or_default()
}

/// `12 ms`, `2.3 s`.
fn latency(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}
