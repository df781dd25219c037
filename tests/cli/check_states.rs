//! What `vwh check` makes of an account: each threshold on both of its sides.

use std::slice::from_ref;

use serde_json::{Value, json as value};

use crate::account::{connected, holding};
use crate::nagios::Line;
use crate::service::{Service, failed, healthy, journal, many};
use crate::support::Reply;

/// A webhook that delivers, at noon of 2024-03-05.
fn well(id: &str) -> Value {
    value!({
        "id": id, "url": format!("https://x.example/{id}"), "status": "ACTIVE",
        "createdAt": "2024-03-01T12:00:00Z", "expireAt": "2024-03-20T12:00:00Z",
        "statistics": {"totalAttempts": 10, "totalSuccesses": 9, "totalFailures": 1, "failed": false},
    })
}

fn with(id: &str, member: &str, value: impl Into<Value>) -> Value {
    let mut webhook = well(id);
    webhook[member] = value.into();
    webhook
}

fn broken(id: &str) -> Value {
    let mut webhook = well(id);
    webhook["statistics"]["failed"] = true.into();
    webhook["statistics"]["lastFailure"] = "2024-03-05T02:21:00Z".into();
    webhook["statistics"]["lastHttpErrorCode"] = "503 SERVICE_UNAVAILABLE".into();
    webhook
}

fn expired(id: &str) -> Value {
    with(id, "expireAt", "2024-03-05T12:00:00Z")
}

fn paused(id: &str) -> Value {
    with(id, "status", "PAUSED")
}

/// Registered at `created`, and never attempted.
fn idle(id: &str, created: impl Into<Value>) -> Value {
    let mut webhook = with(id, "createdAt", created);
    webhook["statistics"] = value!({"totalAttempts": 0, "failed": false});
    webhook
}

fn delivered(id: &str, successes: i64, attempts: i64) -> Value {
    with(id, "statistics", value!({"totalAttempts": attempts, "totalSuccesses": successes}))
}

fn check(list: &[Value], arguments: &str) -> Line {
    let server = holding(Value::from(list.to_vec()).to_string());
    let arguments = arguments.split(' ').filter(|argument| !argument.is_empty());
    let line = Line::of(&connected(&server).args(["check"].into_iter().chain(arguments)).run());
    assert_eq!(server.lines(), ["GET /self/webhooks/"], "calls are scarce");
    line
}

/// Each of `cases`: the account, the flags, and the line up to its numbers.
#[track_caller]
fn assert_all(cases: &[(&[Value], &str, &str)]) {
    for (list, arguments, expected) in cases {
        let line = check(list, arguments);
        assert_eq!(format!("{} - {}", line.state, line.text), *expected, "{arguments}");
    }
}

#[test]
fn what_does_not_deliver_is_critical() {
    let (a, b) = (&well("a"), &well("b"));
    assert_all(&[
        (from_ref(a), "", "OK - 1 webhook: 1 ok"),
        (&[a.clone(), b.clone()], "", "OK - 2 webhooks: 2 ok"),
        (&[broken("x"), a.clone()], "", "CRITICAL - 1 of 2 failed (503 since 02:21Z): https://x.example/x"),
        (
            &[broken("x"), a.clone(), expired("y"), broken("z")],
            "",
            "CRITICAL - 2 of 4 failed (503 since 02:21Z), 1 expired: \
             https://x.example/x, https://x.example/z, https://x.example/y",
        ),
        (&[broken("x"), a.clone()], "--max-failed 1", "OK - 2 webhooks: 1 failed, 1 ok"),
        (
            &[broken("x"), broken("y"), a.clone()],
            "--max-failed 1",
            "CRITICAL - 2 of 3 failed (503 since 02:21Z): https://x.example/x, https://x.example/y",
        ),
        (&[expired("x"), a.clone()], "", "CRITICAL - 1 expired: https://x.example/x"),
        (&[expired("x"), a.clone()], "--max-expired 1", "OK - 2 webhooks: 1 expired, 1 ok"),
        (&[expired("x"), a.clone()], "--max-failed 1", "CRITICAL - 1 expired: https://x.example/x"),
    ]);
}

#[test]
fn enough_must_be_able_to_deliver() {
    let (a, b) = (&well("a"), &well("b"));
    assert_all(&[
        (&[], "", "CRITICAL - no webhooks"),
        (&[], "--min 0", "OK - 0 webhooks"),
        (from_ref(a), "--min 2", "CRITICAL - 1 can deliver, 2 should"),
        (&[a.clone(), b.clone()], "--min 2", "OK - 2 webhooks: 2 ok"),
        (&[broken("x")], "--max-failed 1", "CRITICAL - 0 can deliver, 1 should"),
        (&[expired("x")], "--max-expired 1", "CRITICAL - 0 can deliver, 1 should"),
        (&[expired("x")], "--max-expired 1 --min 0", "OK - 1 webhook: 1 expired"),
        (&[paused("x")], "", "CRITICAL - 0 can deliver, 1 should; 1 paused"),
        (&[with("x", "statistics", Value::Null)], "", "OK - 1 webhook: 1 unknown"),
    ]);
}

#[test]
fn an_expected_url_needs_a_webhook_that_delivers() {
    let (a, b) = (&well("a"), &well("b"));
    let one = "CRITICAL - nothing delivers to https://x.example/b";
    assert_all(&[
        (
            &[a.clone(), b.clone()],
            "--expect-url */a --expect-url https://x.example/?",
            "OK - 2 webhooks: 2 ok",
        ),
        (from_ref(a), "--expect-url */a --expect-url https://x.example/b", one),
        (from_ref(a), "--expect-url b --expect-url c", "CRITICAL - nothing delivers to b, c"),
        (&[a.clone(), broken("b")], "--max-failed 1 --expect-url https://x.example/b", one),
        (&[a.clone(), expired("b")], "--max-expired 1 --expect-url https://x.example/b", one),
        (
            &[a.clone(), expired("b"), b.clone()],
            "--max-expired 1 --expect-url */b",
            "OK - 3 webhooks: 1 expired, 2 ok",
        ),
    ]);
    let line = check(&[a.clone(), paused("b")], "--expect-url */b");
    assert_eq!(line.text, "nothing delivers to */b; 1 paused");
}

#[test]
fn what_needs_a_look_is_a_warning() {
    let a = &well("a");
    let soon = |id| with(id, "expireAt", "2024-03-07T11:00:00Z");
    let later = |id| with(id, "expireAt", "2024-03-07T12:00:01Z");
    let old = "2024-03-04T11:59:59Z";
    let young = "2024-03-04T12:00:00Z";
    assert_all(&[
        (&[soon("x"), a.clone()], "", "WARNING - 1 expires in 47h: https://x.example/x"),
        (
            &[soon("x"), with("y", "expireAt", "2024-03-05T13:00:00Z")],
            "",
            "WARNING - 2 expire, the first in 1h: https://x.example/x, https://x.example/y",
        ),
        (&[later("x")], "", "OK - 1 webhook: 1 ok"),
        (&[later("x")], "--expiring-within 3d", "WARNING - 1 expires in 2d: https://x.example/x"),
        (&[soon("x")], "--expiring-within 46h", "OK - 1 webhook: 1 expiring"),
        (
            &[with("x", "expireAt", "2024-03-05T12:00:01Z")],
            "--expiring-within 0s",
            "OK - 1 webhook: 1 expiring",
        ),
        (&[with("x", "expireAt", Value::Null)], "--expiring-within 9999d", "OK - 1 webhook: 1 ok"),
        (&[idle("x", old)], "", "WARNING - 1 never attempted: https://x.example/x"),
        (&[idle("x", young)], "", "OK - 1 webhook: 1 idle"),
        (&[idle("x", young)], "--idle-after 1h", "WARNING - 1 never attempted: https://x.example/x"),
        (&[idle("x", old)], "--idle-after 2d", "OK - 1 webhook: 1 idle"),
        (&[idle("x", old)], "--idle-after 0s", "OK - 1 webhook: 1 idle"),
        (&[idle("x", Value::Null), idle("y", "soon")], "", "OK - 2 webhooks: 2 idle"),
        (&[paused("x"), a.clone()], "", "WARNING - 1 paused: https://x.example/x"),
    ]);
}

#[test]
fn success_rates_count_where_there_were_attempts() {
    let list = |successes| vec![delivered("x", successes, 1000), idle("y", "2024-03-05T00:00:00Z")];
    let cases = [
        (900, "90", "OK - 2 webhooks: 1 idle, 1 ok"),
        (899, "90", "WARNING - 1 below 90% success: https://x.example/x"),
        (899, "90%:50%", "WARNING - 1 below 90% success: https://x.example/x"),
        (500, "90:50", "WARNING - 1 below 90% success: https://x.example/x"),
        (499, "90:50", "CRITICAL - 1 below 50% success: https://x.example/x"),
        (499, "50:50", "CRITICAL - 1 below 50% success: https://x.example/x"),
        (999, "99.95", "WARNING - 1 below 99.95% success: https://x.example/x"),
        (0, "0", "OK - 2 webhooks: 1 idle, 1 ok"),
        (0, "100:0", "WARNING - 1 below 100% success: https://x.example/x"),
        // A service that counts more successes than attempts has said nothing.
        (1001, "100", "OK - 2 webhooks: 1 idle, 1 ok"),
        (-1, "100", "OK - 2 webhooks: 1 idle, 1 ok"),
    ];
    for (successes, rate, expected) in cases {
        let line = check(&list(successes), &format!("--success-rate {rate}"));
        assert_eq!(format!("{} - {}", line.state, line.text), expected, "{successes} {rate}");
    }
    let mixed = [delivered("a", 1, 10), delivered("b", 7, 10), delivered("c", 10, 10)];
    let line = check(&mixed, "--success-rate 90:50");
    assert_eq!(line.text, "1 below 50% success: https://x.example/a; 1 below 90% success");
    assert_eq!(line.measure("lowest_success_rate"), "10%;90:;50:");
}

#[test]
fn the_numbers_carry_their_thresholds() {
    let list = [broken("a"), expired("b"), paused("c"), idle("d", "2024-03-01T00:00:00Z"), well("e")];
    let line = check(&list, "--min 2 --max-failed 3");
    let expected = [
        ("webhooks", "5;;"),
        ("delivering", "2;;2:"),
        ("failed", "1;;3"),
        ("expired", "1;;0"),
        ("paused", "1;0;"),
        ("expiring", "0;0;"),
        ("idle", "1;0;"),
        ("removed", "0;0;"),
    ];
    assert_eq!(line.labels(), expected.map(|(label, _)| label));
    for (label, measure) in expected {
        assert_eq!(line.measure(label), measure, "{label}");
    }
}

/// What vwh removed is news for a day, unless it is there again.
#[test]
fn removals_are_a_warning_until_they_are_undone() {
    let service = Service::honest([many(2, failed), vec![healthy("x"), healthy("y")]].concat());
    let vwh = service.vwh();
    let check = || {
        let line = Line::of(&vwh.args(["check"]).run());
        let time = regex_lite::Regex::new(r"(\d{4}-\d\d-\d\d )?\d\d:\d\dZ").unwrap();
        (format!("{} - {}", line.state, time.replace_all(&line.text, "[TIME]")), line.measure("removed"))
    };
    let _ = vwh.args(["prune-failed"]).run().exits(0);
    let text = "WARNING - 2 removed by vwh since [TIME]: https://hooks.example.test/w-001, https://hooks.example.test/w-002";
    assert_eq!(check(), (text.to_owned(), "2;0;".to_owned()));
    let _ = vwh.args(["restore", "w-001"]).run().exits(0);
    let text = "WARNING - 1 removed by prune-failed at [TIME]: https://hooks.example.test/w-002";
    assert_eq!(check(), (text.to_owned(), "1;0;".to_owned()));
    // Still listed, whatever the journal says.
    service.with(|webhooks| webhooks.list.push(failed("w-002")));
    let _ = vwh.args(["renew", "w-002"]).run().exits(0);
    assert_eq!(check().1, "0;0;");
    service.with(|webhooks| webhooks.delete("w-002"));
    assert_eq!(check().1, "1;0;");
    // A day later it is history.
    let path = vwh.state().join("journal.jsonl");
    let mut lines = journal(&vwh);
    for line in &mut lines {
        let time: chrono::DateTime<chrono::Utc> = line["time"].as_str().unwrap().parse().unwrap();
        line["time"] = (time - chrono::TimeDelta::hours(24)).to_rfc3339().into();
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(path, text).unwrap();
    assert_eq!(check(), ("OK - 3 webhooks: 1 unknown, 2 ok".to_owned(), "0;0;".to_owned()));
}

#[test]
fn what_was_kept_was_not_removed() {
    let service = Service::new(vec![healthy("a"), failed("b")], |request, webhooks| {
        if request.method == "DELETE" { Reply::new(422, "{}") } else { webhooks.answer(request) }
    });
    let vwh = service.vwh();
    let _ = vwh.args(["delete", "--yes", "b"]).run().exits(1);
    service.with(|webhooks| webhooks.delete("b"));
    assert_eq!(Line::of(&vwh.args(["check"]).run()).text, "1 webhook: 1 ok");
}
