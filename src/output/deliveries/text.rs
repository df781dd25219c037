//! Deliveries for people: a line each, in columns that fit a terminal of 80. Pure.

use std::borrow::Cow;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Timelike as _, Utc};

use super::super::events::LONGEST_DURATION;
use super::super::text::{elided, inert, width};
use super::{DeliveryRow, EventCells, ForwardRow, RefusedRow, Totals};

/// The state's column, as wide as the longest one.
const STATE: usize = 12;

/// The column of a type of event: most are shorter.
const TYPE: usize = 24;

/// The column of number and name, where there is room for it.
const WHO: usize = 28;

/// It shrinks to a number when a line has more to say.
const LEAST_WHO: usize = 11;

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
    let notes = notes(row, event);
    let notes_width: usize = notes.iter().map(|note| 2 + width(&note.text)).sum();
    let first = if event.is_typed { TYPE } else { STATE };
    // Time, state and direction, with the gaps behind them.
    let taken = 9 + 2 + first + 2 + 3 + 2;
    let room = style.width.map_or(WHO, |columns| columns.saturating_sub(taken + notes_width));
    let state = cell(event.state, first + 8);
    let direction = match event.direction {
        Some("INBOUND") => "in",
        Some("OUTBOUND") => "out",
        _ => "",
    };
    start(row.time, style, out);
    pad(&state, first, out);
    out.push_str("  ");
    pad(direction, 3, out);
    out.push_str("  ");
    let most = if style.width.is_some() { room.clamp(LEAST_WHO, WHO) } else { usize::MAX };
    pad(&who(event, most), most.min(WHO), out);
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
    if let Some(duration) = event.duration.filter(|duration| (1..=LONGEST_DURATION).contains(duration)) {
        notes.push(plain(spoken(duration).into()));
    }
    if let Some(status) = event.status {
        notes.push(plain(elided(&inert(status), LONGEST).into_owned().into()));
    }
    if let Some(moment) = event.moment {
        notes.push(plain(format!("of {}Z", moment.format("%H:%M:%S")).into()));
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
    let state = cell(event.state, if event.is_typed { TYPE } else { STATE } + 8);
    out.push_str(&format!("{state} {}", cell(event.number, LONGEST)));
    if let Err(reason) = row.outcome {
        out.push_str(&format!("  {}", elided(&inert(reason), 2 * LONGEST)));
    } else if row.is_too_slow() {
        out.push_str("  ");
        painted("too slow for the service", Some(AnsiColor::Yellow), style, out);
    }
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
mod tests {
    use super::*;

    const STYLE: LineStyle = LineStyle { width: Some(80), is_colored: false };

    fn row() -> DeliveryRow<'static> {
        DeliveryRow {
            time: "2024-03-01T09:30:00.250Z".parse().unwrap(),
            service: "vis",
            verdict: "verified",
            key: Some("key"),
            has_other_keys: false,
            form: Some("as-received"),
            delivery_id: Some("d-1"),
            webhook_id: None,
            attempt: Some(1),
            is_duplicate: false,
            after: None,
            answered: Some(200),
            is_rehearsed: false,
            synthetic: None,
            payload: "{}",
        }
    }

    const EVENT: EventCells<'_> = EventCells {
        state: Some("ANSWERED"),
        direction: Some("INBOUND"),
        number: Some("14155550123"),
        name: Some("Zoë Sample of the Longest Name"),
        duration: Some(30_000),
        status: None,
        moment: None,
        is_typed: false,
    };

    fn shown(row: &DeliveryRow<'_>, event: EventCells<'_>, style: LineStyle) -> String {
        let mut out = String::new();
        delivery(row, event, style, &mut out);
        out
    }

    #[test]
    fn a_line_fits_80_columns_and_keeps_the_number() {
        let ringing = EventCells { state: Some("RINGING"), name: None, duration: Some(0), ..EVENT };
        let retried = DeliveryRow { attempt: Some(2), is_duplicate: true, ..row() };
        let odd = DeliveryRow { after: Some("HELD"), ..row() };
        let lines = [
            shown(&row(), ringing, STYLE),
            shown(&row(), EVENT, STYLE),
            shown(&retried, EVENT, STYLE),
            shown(&odd, EVENT, STYLE),
            shown(&DeliveryRow { has_other_keys: true, ..row() }, EVENT, STYLE),
            shown(&DeliveryRow { answered: Some(500), is_rehearsed: true, ..row() }, ringing, STYLE),
            shown(&DeliveryRow { answered: None, is_rehearsed: true, ..row() }, ringing, STYLE),
            shown(&DeliveryRow { answered: Some(503), verdict: "unverified", ..row() }, ringing, STYLE),
            shown(&row(), EventCells::default(), STYLE),
        ];
        insta::assert_snapshot!(lines.concat(), @"
        09:30:00Z  RINGING       in   14155550123                   verified
        09:30:00Z  ANSWERED      in   14155550123 Zoë Sample of t…  verified  30.0s
        09:30:00Z  ANSWERED      in   14155550123  verified  30.0s  attempt 2  duplicate
        09:30:00Z  ANSWERED      in   14155550123 Zoë Sam…  verified  30.0s  after HELD?
        09:30:00Z  ANSWERED      in   14155550123 Zoë Sample of…  verified by key  30.0s
        09:30:00Z  RINGING       in   14155550123      verified  answered 500 on purpose
        09:30:00Z  RINGING       in   14155550123      verified  not answered on purpose
        09:30:00Z  RINGING       in   14155550123               unverified  answered 503
        09:30:00Z                                                   verified
        ");
        assert!(lines.iter().all(|line| width(line.trim_end()) <= 80));
    }

    #[test]
    fn without_a_width_nothing_is_cut() {
        let wide = LineStyle { width: None, is_colored: false };
        assert!(
            shown(&row(), EVENT, wide)
                .contains("14155550123 Zoë Sample of the Longest Name  verified  30.0s")
        );
    }

    #[test]
    fn what_a_sender_says_acts_on_no_terminal() {
        let hostile = EventCells {
            state: Some("\u{1b}[31mRINGING\n"),
            number: Some("\u{202e}1"),
            name: Some("\r\u{7}"),
            ..EVENT
        };
        let row = DeliveryRow { key: Some("\u{1b}k"), has_other_keys: true, ..row() };
        let line = shown(&row, hostile, LineStyle { width: None, is_colored: false });
        assert_eq!(line.matches(char::is_control).collect::<String>(), "\n");
        assert!(!line.contains('\u{202e}'), "{line}");
    }

    #[test]
    fn what_is_forwarded_has_its_status_and_its_time() {
        let time = row().time;
        let took = Duration::from_millis;
        let row = |outcome: Result<u16, &'static str>, took| ForwardRow {
            time,
            delivery_id: None,
            outcome,
            is_taken: outcome == Ok(200),
            took,
            limit: Duration::from_secs(2),
        };
        let rows = [
            row(Ok(200), took(12)),
            row(Ok(500), took(999)),
            row(Ok(200), took(2300)),
            row(Err("Connection refused"), took(0)),
        ];
        let mut out = String::new();
        for row in &rows {
            forward(row, EVENT, STYLE, &mut out);
        }
        insta::assert_snapshot!(out, @"
        09:30:00Z  -> 200         12 ms  ANSWERED 14155550123
        09:30:00Z  -> 500        999 ms  ANSWERED 14155550123
        09:30:00Z  -> 200         2.3 s  ANSWERED 14155550123  too slow for the service
        09:30:00Z  -> no reply     0 ms  ANSWERED 14155550123  Connection refused
        ");
    }

    #[test]
    fn what_is_refused_is_counted() {
        let mut out = String::new();
        for more in [0, 3] {
            let row = RefusedRow {
                time: row().time,
                status: 401,
                reason: "it is forged".to_owned(),
                from: "127.0.0.1".to_owned(),
                more,
            };
            refused(&row, STYLE, &mut out);
        }
        missed(1, STYLE, &mut out);
        missed(2, STYLE, &mut out);
        insta::assert_snapshot!(out, @"
        09:30:00Z  refused 401   it is forged, from 127.0.0.1
        09:30:00Z  refused 401   it is forged, from 127.0.0.1 (3 more)
        … 1 line was not shown
        … 2 lines were not shown
        ");
    }

    #[test]
    fn a_duration_that_no_call_has_is_not_told() {
        for duration in [i64::MAX, i64::MIN, -1, 0, LONGEST_DURATION + 1] {
            let event = EventCells { duration: Some(duration), ..EVENT };
            assert!(shown(&row(), event, STYLE).ends_with("  verified\n"), "{duration}");
            assert_eq!(super::super::super::events::length(duration), "");
        }
        let event = EventCells { duration: Some(LONGEST_DURATION), ..EVENT };
        assert!(shown(&row(), event, STYLE).ends_with("  verified  24h00m\n"));
    }

    #[test]
    fn a_duration_is_short() {
        let texts = [0, 999, 6_500, 59_999, 60_000, 125_000, 3_600_000, 7_380_000].map(spoken);
        assert_eq!(texts, ["0.0s", "0.9s", "6.5s", "59.9s", "1m00s", "2m05s", "1h00m", "2h03m"]);
    }

    #[test]
    fn the_summary_says_what_there_was() {
        assert_eq!(summary(&Totals::default()), "0 deliveries accepted");
        let totals = Totals {
            accepted: 1,
            duplicates: 1,
            refused: 2,
            rehearsed: 3,
            forwarded: 4,
            forward_failures: 5,
            not_forwarded: 6,
            not_shown: 7,
        };
        assert_eq!(
            summary(&totals),
            "1 delivery accepted, 1 of them duplicates, 3 failed on purpose, 2 refused, 4 forwarded, 5 forwarded in vain, \
             6 not forwarded, 7 not shown"
        );
    }
}
