//! Lines of deliveries as a terminal of 80 columns shows them.

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
        identity: None,
        webhook_id: None,
        attempt: Some(1),
        is_duplicate: false,
        after: None,
        answered: Some(200),
        is_rehearsed: false,
        synthetic: None,
        is_reposted: false,
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
        shown(&DeliveryRow { is_reposted: true, ..row() }, EVENT, STYLE),
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
    09:30:00Z  ANSWERED      in   14155550123 Zoë Sample o…  verified  30.0s  repost
    ");
    assert!(lines.iter().all(|line| width(line.trim_end()) <= 80));
}

#[test]
fn when_it_happened_yields_where_there_is_no_room() {
    let typed = EventCells {
        state: Some("channel.disconnected.v1"),
        number: Some("5b0d4b9e-8a3c-4f5e-9b7a-000000000007"),
        moment: Some(row().time),
        is_typed: true,
        ..EventCells::default()
    };
    let named = DeliveryRow { key: Some("desk.key"), has_other_keys: true, ..row() };
    let line = shown(&named, typed, STYLE);
    assert!(width(line.trim_end()) <= 80 && !line.contains(" of "), "{line}");
    let line = shown(&named, typed, LineStyle { width: Some(140), is_colored: false });
    assert!(line.ends_with("verified by desk.key  of 09:30:00Z\n"), "{line}");
}

#[test]
fn without_a_width_nothing_is_cut() {
    let wide = LineStyle { width: None, is_colored: false };
    assert!(
        shown(&row(), EVENT, wide).contains("14155550123 Zoë Sample of the Longest Name  verified  30.0s")
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
    let limit = Duration::from_secs(2);
    let row = |outcome: Result<u16, &'static str>, took| {
        let is_taken = outcome == Ok(200);
        ForwardRow { time, delivery_id: None, outcome, is_taken, took, limit }
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
    let typed = EventCells {
        state: Some("channel.disconnected.v1"),
        number: Some("5b0d4b9e-8a3c-4f5e-9b7a-000000000007"),
        is_typed: true,
        ..EventCells::default()
    };
    forward(&rows[0], typed, STYLE, &mut out);
    forward(&rows[0], EventCells { state: None, ..EVENT }, STYLE, &mut out);
    assert!(out.lines().all(|line| width(line) <= 80), "{out}");
    insta::assert_snapshot!(out, @"
    09:30:00Z  -> 200         12 ms  ANSWERED 14155550123
    09:30:00Z  -> 500        999 ms  ANSWERED 14155550123
    09:30:00Z  -> 200         2.3 s  ANSWERED 14155550123  too slow for the service
    09:30:00Z  -> no reply     0 ms  ANSWERED 14155550123  Connection refused
    09:30:00Z  -> 200         12 ms  channel.disconnected.v1 5b0d4b9e-8a3c-4f5e-9b7…
    09:30:00Z  -> 200         12 ms  14155550123
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
        assert_eq!(crate::output::events::length(duration), "");
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
