//! Call events for people and for spreadsheets: the table of what was missed, and CSV records. Pure.

use anstyle::Style;
use chrono::{DateTime, SecondsFormat, Utc};

use super::fold::folded;
use super::table::{Column, lay_out};
use super::text::{inert, width};
use super::webhooks::TableStyle;
use super::when::absolute;

/// An event as it is shown.
#[derive(Clone, Debug, Default)]
pub struct EventRow<'a> {
    /// The latest of its start, answer and end.
    pub moment: DateTime<Utc>,
    /// The state of the call.
    pub state: String,
    /// `INBOUND` or `OUTBOUND`.
    pub direction: Option<&'a str>,
    /// The other party's number.
    pub number: Option<&'a str>,
    /// The other party's name.
    pub caller: Option<&'a str>,
    /// Milliseconds from answer to end.
    pub duration: Option<i64>,
    /// The call's id.
    pub id: &'a str,
    /// The id that a delivery of it again has.
    pub delivery_id: String,
}

/// The events of one webhook.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The profile it was read with.
    pub profile: &'a str,
    /// The service that holds it.
    pub service: &'static str,
    /// The webhook.
    pub webhook_id: &'a str,
    /// Where it delivers to, as it is shown.
    pub url: String,
    /// What it missed.
    pub rows: Vec<EventRow<'a>>,
}

const COLUMNS: [Column; 7] = [
    Column { head: "TIME", drop_rank: 0, shrinks_to: None },
    Column { head: "STATE", drop_rank: 0, shrinks_to: None },
    Column { head: "DIRECTION", drop_rank: 4, shrinks_to: None },
    Column { head: "NUMBER", drop_rank: 2, shrinks_to: None },
    Column { head: "CALLER", drop_rank: 3, shrinks_to: Some(6) },
    Column { head: "DURATION", drop_rank: 1, shrinks_to: None },
    // What `--after` takes.
    Column { head: "EVENT", drop_rank: 0, shrinks_to: None },
];

/// The table: one line an event; where there are several webhooks, each with a line of its own above its events.
#[must_use]
pub fn table(groups: &[Group<'_>], style: TableStyle) -> String {
    let rows = |is_short| -> Vec<Vec<String>> {
        let rows = groups.iter().flat_map(|group| &group.rows);
        rows.map(|row| cells(row, is_short).to_vec()).collect()
    };
    let mut lines = lay_out(&COLUMNS, &rows(false), None);
    if let Some(limit) = style.width
        && lines.iter().any(|line| width(line) > limit)
    {
        lines = lay_out(&COLUMNS, &rows(true), style.width);
    }
    let bold = if style.is_colored { Style::new().bold() } else { Style::new() };
    let mut lines = lines.into_iter();
    let head = lines.next().unwrap_or_default();
    let mut out = String::new();
    for (position, group) in groups.iter().enumerate() {
        if groups.len() > 1 {
            let gap = if position > 0 { "\n" } else { "" };
            let profile = if style.shows_profile { format!("{}  ", group.profile) } else { String::new() };
            let (id, url) = (inert(group.webhook_id), inert(&group.url));
            out.push_str(gap);
            out.push_str(&folded(&format!("{profile}{id}  {url}\n"), style.width));
        }
        out.push_str(&format!("{bold}{head}{bold:#}\n"));
        for line in lines.by_ref().take(group.rows.len()) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

/// The cells of one row. In short, a time has no year and a direction is a word.
fn cells(row: &EventRow<'_>, is_short: bool) -> [String; 7] {
    let text = |text: Option<&str>| text.map(|text| inert(text).into_owned()).unwrap_or_default();
    let time = if is_short { row.moment.format("%m-%d %H:%M:%SZ").to_string() } else { absolute(row.moment) };
    let direction = match row.direction {
        Some("INBOUND") if is_short => "in".to_owned(),
        Some("OUTBOUND") if is_short => "out".to_owned(),
        other => text(other),
    };
    [
        time,
        inert(&row.state).into_owned(),
        direction,
        text(row.number),
        text(row.caller),
        row.duration.map(length).unwrap_or_default(),
        inert(row.id).into_owned(),
    ]
}

/// The longest conversation that is believed, in milliseconds: a day.
pub const LONGEST_DURATION: i64 = 86_400_000;

/// `2.9s`, `3m 12s`, `1h 2m`; nothing for a call without a conversation, or with one that nobody had.
#[must_use]
pub fn length(milliseconds: i64) -> String {
    let seconds = milliseconds / 1_000;
    match milliseconds {
        ..=0 => String::new(),
        1..60_000 => format!("{seconds}.{}s", milliseconds % 1_000 / 100),
        60_000..3_600_000 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600_000..=LONGEST_DURATION => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        _ => String::new(),
    }
}

/// The head of the CSV.
pub const EVENT_HEAD: [&str; 12] = [
    "profile",
    "service",
    "webhook_id",
    "webhook_url",
    "moment",
    "state",
    "direction",
    "number",
    "caller",
    "duration_ms",
    "event_id",
    "delivery_id",
];

/// The records of a group in the order of [`EVENT_HEAD`]; times in RFC 3339 UTC.
pub fn event_records<'a>(group: &'a Group<'_>) -> impl Iterator<Item = [String; 12]> + use<'a> {
    let text = |text: Option<&str>| text.map(|text| inert(text).into_owned()).unwrap_or_default();
    group.rows.iter().map(move |row| {
        [
            group.profile.to_owned(),
            group.service.to_owned(),
            inert(group.webhook_id).into_owned(),
            inert(&group.url).into_owned(),
            exact(row.moment),
            inert(&row.state).into_owned(),
            text(row.direction),
            text(row.number),
            text(row.caller),
            row.duration.map(|duration| duration.to_string()).unwrap_or_default(),
            inert(row.id).into_owned(),
            row.delivery_id.clone(),
        ]
    })
}

/// RFC 3339 in UTC to the millisecond, which is what the service tells.
#[must_use]
pub fn exact(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::{EventRow, Group, length, table};
    use crate::output::webhooks::TableStyle;

    fn row(second: u32, state: &str) -> EventRow<'static> {
        EventRow {
            moment: format!("2026-03-01T09:30:{second:02}.250Z").parse().expect("a time"),
            state: state.to_owned(),
            direction: Some("INBOUND"),
            number: Some("14155550123"),
            caller: Some("Zo\u{eb} \u{202e}O'Neil"),
            duration: Some(if state == "ANSWERED" { 6_500 } else { 0 }),
            id: "65f0c0ffee0000000000a001",
            delivery_id: String::new(),
        }
    }

    fn group(id: &'static str, rows: Vec<EventRow<'static>>) -> Group<'static> {
        Group { profile: "p", service: "vis", webhook_id: id, url: format!("https://h.test/{id}"), rows }
    }

    fn style(width: Option<usize>) -> TableStyle {
        TableStyle { width, shows_profile: true, ..TableStyle::PLAIN }
    }

    #[test]
    fn one_webhook_needs_no_line_of_its_own() {
        let groups = [group("a", vec![row(0, "REMOTE_HELD"), row(10, "ANSWERED")])];
        insta::assert_snapshot!(table(&groups, style(None)), @r"
        TIME                  STATE        DIRECTION  NUMBER       CALLER              DURATION  EVENT
        2026-03-01T09:30:00Z  REMOTE_HELD  INBOUND    14155550123  Zoë \u{202e}O'Neil            65f0c0ffee0000000000a001
        2026-03-01T09:30:10Z  ANSWERED     INBOUND    14155550123  Zoë \u{202e}O'Neil  6.5s      65f0c0ffee0000000000a001
        ");
        insta::assert_snapshot!(table(&groups, style(Some(100))), @r"
        TIME             STATE        DIRECTION  NUMBER       CALLER      DURATION  EVENT
        03-01 09:30:00Z  REMOTE_HELD  in         14155550123  Zoë \u{20…            65f0c0ffee0000000000a001
        03-01 09:30:10Z  ANSWERED     in         14155550123  Zoë \u{20…  6.5s      65f0c0ffee0000000000a001
        ");
        insta::assert_snapshot!(table(&groups, style(Some(80))), @r"
        TIME             STATE        NUMBER       DURATION  EVENT
        03-01 09:30:00Z  REMOTE_HELD  14155550123            65f0c0ffee0000000000a001
        03-01 09:30:10Z  ANSWERED     14155550123  6.5s      65f0c0ffee0000000000a001
        ");
    }

    #[test]
    fn several_webhooks_stand_above_their_events() {
        let groups = [group("a", vec![row(0, "RINGING")]), group("b", vec![row(1, "MISSED")])];
        insta::assert_snapshot!(table(&groups, style(Some(80))), @r"
        p  a  https://h.test/a
        TIME             STATE    NUMBER       CALLER           EVENT
        03-01 09:30:00Z  RINGING  14155550123  Zoë \u{202e}O'…  65f0c0ffee0000000000a001

        p  b  https://h.test/b
        TIME             STATE    NUMBER       CALLER           EVENT
        03-01 09:30:01Z  MISSED   14155550123  Zoë \u{202e}O'…  65f0c0ffee0000000000a001
        ");
    }

    #[test]
    fn a_length_is_as_long_as_it_needs_to_be() {
        for (milliseconds, text) in [
            (-1, ""),
            (0, ""),
            (50, "0.0s"),
            (2_950, "2.9s"),
            (59_999, "59.9s"),
            (60_000, "1m 0s"),
            (3_725_000, "1h 2m"),
            (i64::MAX, ""),
        ] {
            assert_eq!(length(milliseconds), text);
        }
    }
}
