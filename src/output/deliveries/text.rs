//! Deliveries for people: a line each, in columns that fit a terminal of 80. Pure.

use std::borrow::Cow;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};

use super::super::events::LONGEST_DURATION;
use super::super::text::{elided, inert, width};
use super::{DeliveryRow, EventCells, ForwardRow, RefusedRow, Totals};

/// The state's column, as wide as the longest one.
const STATE: usize = 12;

/// The column of a type of event, with the direction's column beside it, and without. Most types are shorter.
const TYPE: usize = 20;
const TYPE_ALONE: usize = TYPE + 2 + 3;

/// The column of number and name, where there is room for it; and where there is more.
const WHO: usize = 28;
const WIDE_WHO: usize = 40;

/// Terminals of so many columns have more.
const WIDE: usize = 100;

/// It shrinks to a number when a line has more to say.
const LEAST_WHO: usize = 11;

/// The same with the `+` that VoIPBIN writes before it.
const LEAST_WHO_TYPED: usize = 12;

/// Less of a name than this says nothing.
const LEAST_NAME: usize = 4;

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

/// Appends the line of a delivery.
pub fn delivery(row: &DeliveryRow<'_>, event: EventCells<'_>, style: LineStyle, out: &mut String) {
    let is_alone = event.is_typed && event.direction.is_none();
    let first = match (event.is_typed, is_alone) {
        (false, _) => STATE,
        (true, false) => TYPE,
        (true, true) => TYPE_ALONE,
    };
    // Time, state and direction, with the gaps behind them.
    let taken = 9 + 2 + first + 2 + if is_alone { 0 } else { 3 + 2 };
    let column = if style.width.is_some_and(|columns| columns >= WIDE) { WIDE_WHO } else { WHO };
    let least = if event.is_typed { LEAST_WHO_TYPED } else { LEAST_WHO };
    let width_of = |notes: &[Note<'_>]| notes.iter().map(|note| 2 + width(&note.text)).sum::<usize>();
    let mut notes = notes(row, event);
    if style.width.is_some_and(|columns| taken + least + width_of(&notes) > columns) {
        // When it happened is the least of it: the line says already when it came.
        notes.retain(|note| !note.is_moment);
    }
    let notes_width = width_of(&notes);
    let room = style.width.map_or(column, |columns| columns.saturating_sub(taken + notes_width));
    let state = cell(event.state, first + 8);
    let direction = match event.direction {
        Some("INBOUND") => "in",
        Some("OUTBOUND") => "out",
        _ => "",
    };
    start(row.time, style, out);
    pad(&state, first, out);
    out.push_str("  ");
    if !is_alone {
        pad(direction, 3, out);
        out.push_str("  ");
    }
    let most = if style.width.is_some() { room.clamp(least, column) } else { usize::MAX };
    pad(&who(event, most), most.min(column), out);
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
    /// Says when the event of today happened, which yields first where there is no room.
    is_moment: bool,
}

fn notes<'a>(row: &DeliveryRow<'a>, event: EventCells<'_>) -> Vec<Note<'a>> {
    let plain = |text: Cow<'a, str>| Note { text, color: None, is_moment: false };
    let striking = |text: Cow<'a, str>| Note { text, color: Some(AnsiColor::Yellow), is_moment: false };
    let mut notes = Vec::with_capacity(4);
    notes.push(match (row.key, row.verdict) {
        (Some(key), verdict) if row.has_other_keys => {
            plain(format!("{verdict} by {}", elided(&inert(key), LONGEST)).into())
        }
        (_, "verified") => plain("verified".into()),
        (_, verdict) => striking(verdict.into()),
    });
    if let Some(duration) = event.duration.filter(|duration| (1..=LONGEST_DURATION).contains(duration)) {
        notes.push(plain(spoken(duration).into()));
    }
    // Many types end in it.
    let is_said = |status: &&str| event.state.is_some_and(|state| state.ends_with(*status));
    if let Some(status) = event.status.filter(|status| !is_said(status)) {
        notes.push(plain(elided(&inert(status), LONGEST).into_owned().into()));
    }
    if let Some(moment) = event.moment {
        let is_of_today = (row.time - moment).abs() < TimeDelta::days(1);
        let format = if is_of_today { "of %H:%M:%SZ" } else { "of %Y-%m-%d" };
        // That it happened on another day is worth a line that is too long.
        notes.push(Note { is_moment: is_of_today, ..plain(moment.format(format).to_string().into()) });
    }
    if let Some(attempt) = row.attempt.filter(|attempt| *attempt > 1) {
        notes.push(striking(format!("attempt {attempt}").into()));
    }
    if row.is_reposted {
        notes.push(striking("repost".into()));
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

/// Number and name in at most so many columns; where there is no room for both, the number.
fn who(event: EventCells<'_>, columns: usize) -> String {
    let number = cell(event.number, columns.min(LONGEST));
    let name = cell(event.name, LONGEST);
    if number.is_empty() || name.is_empty() {
        return elided(&(number + &name), columns).into_owned();
    }
    let room = columns.saturating_sub(width(&number) + 1);
    if room < LEAST_NAME.min(width(&name)) { number } else { format!("{number} {}", elided(&name, room)) }
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

/// Appends the line of what was refused.
pub fn refused(row: &RefusedRow, style: LineStyle, out: &mut String) {
    start(row.time, style, out);
    painted(&format!("{:<STATE$}", format!("refused {}", row.status)), Some(AnsiColor::Red), style, out);
    let more = if row.more > 0 { format!(" ({} more)", row.more) } else { String::new() };
    out.push_str(&format!("  {}, from {}{more}\n", inert(&row.reason), inert(&row.from)));
}

/// Appends the line of a forward.
pub fn forward(row: &ForwardRow<'_>, event: EventCells<'_>, style: LineStyle, out: &mut String) {
    start(row.time, style, out);
    let outcome = row.outcome.map_or(Cow::Borrowed("-> no reply"), |status| format!("-> {status}").into());
    let color = if row.is_taken { None } else { Some(AnsiColor::Red) };
    painted(&format!("{outcome:<STATE$}"), color, style, out);
    out.push_str(&format!("  {:>6}  ", latency(row.took)));
    let state = cell(event.state, if event.is_typed { TYPE_ALONE } else { STATE } + 8);
    let note: Cow<'_, str> = match row.outcome {
        Err(reason) => format!("  {}", elided(&inert(reason), 2 * LONGEST)).into(),
        Ok(_) if row.is_too_slow() => "  too slow for the service".into(),
        Ok(_) => "".into(),
    };
    // Time, outcome and latency, with the gaps behind them.
    let taken = 9 + 2 + STATE + 2 + 6 + 2;
    let least = if event.is_typed { LEAST_WHO_TYPED } else { LEAST_WHO };
    let room = style.width.map_or(LONGEST, |columns| {
        columns.saturating_sub(taken + width(&state) + 1 + width(&note)).clamp(least, LONGEST)
    });
    let who = who(EventCells { name: None, ..event }, room);
    let call = [state, who].into_iter().filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ");
    out.push_str(&call);
    let color = if row.outcome.is_ok() { Some(AnsiColor::Yellow) } else { None };
    painted(&note, color, style, out);
    end(out);
}

/// Appends the line of lines that were not shown.
pub fn missed(count: u64, style: LineStyle, out: &mut String) {
    let lines = if count == 1 { "line was" } else { "lines were" };
    painted(&format!("… {count} {lines} not shown"), Some(AnsiColor::Yellow), style, out);
    out.push('\n');
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

fn start(time: DateTime<Utc>, style: LineStyle, out: &mut String) {
    let dim = if style.is_colored { Style::new().dimmed() } else { Style::new() };
    // There may be very many lines, and a format that is read each time takes longer than all the rest.
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    out.push_str(&format!("{dim}{hour:02}:{minute:02}:{second:02}Z{dim:#}  "));
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

#[cfg(test)]
mod tests;
