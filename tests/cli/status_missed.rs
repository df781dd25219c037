//! `vwh status ID` of a webhook that is down: how many events it has missed, if the log says so in a moment.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::call_log::{answered, honest_page, logging, looks, parameter, row, with_log};
use crate::service::{Service, failed, healthy};
use crate::support::{Outcome, Reply, json};

fn status(service: &Service, flags: &[&str]) -> Outcome {
    service.vwh().args(["status", "w-1"].iter().chain(flags).copied()).run()
}

/// What the answer says about missed events, and what to type.
fn told(outcome: &Outcome) -> (Option<String>, Vec<String>) {
    let line = outcome.stdout.lines().find_map(|line| line.strip_prefix("missed        "));
    let commands = outcome.stdout.lines().filter(|line| line.contains("  vwh "));
    (
        line.map(str::to_owned),
        commands.map(|line| line.trim_start_matches("next").trim().to_owned()).collect(),
    )
}

#[test]
fn it_says_how_many_and_since_when() {
    let service = logging(vec![failed("w-1")], answered(7, 5));
    let outcome = status(&service, &[]).exits(0);
    let expected = Some("4 events since 2026-01-02T00:00:00Z".to_owned());
    assert_eq!(told(&outcome), (expected.clone(), vec!["vwh renew w-1".into(), "vwh missed w-1".into()]));
    assert_eq!(looks(&service), 1, "a page with so few rows is the last");
    let mut expired = healthy("w-1");
    expired["expireAt"] = "2026-01-03T00:00:00Z".into();
    let service = logging(vec![expired], answered(7, 5));
    let outcome = status(&service, &["--exit-code", "-o", "wide"]).exits(1);
    assert_eq!(told(&outcome), (expected, vec!["vwh renew w-1".into(), "vwh missed w-1".into()]));
}

#[test]
fn it_does_not_read_all_of_a_long_log() {
    let rows = |count: u64| {
        (1..=count).map(|id| row(id, "MISSED", "2026-01-03T00:00:00.000Z")).collect::<Vec<Value>>()
    };
    for (count, expected, requests) in [
        (0, "no events since 2026-01-02T00:00:00Z", 1),
        (1, "1 event since 2026-01-02T00:00:00Z", 1),
        (100, "100 events since 2026-01-02T00:00:00Z", 2),
        (250, "at least 200 events since 2026-01-02T00:00:00Z", 2),
    ] {
        let service = logging(vec![failed("w-1")], rows(count));
        let outcome = status(&service, &[]).exits(0);
        let (line, commands) = told(&outcome);
        assert_eq!((line.as_deref(), looks(&service)), (Some(expected), requests));
        assert_eq!(commands.len(), if count == 0 { 1 } else { 2 });
    }
    let service = with_log(vec![failed("w-1")], |request| {
        let page: i64 = parameter(request, "offset").unwrap().parse().unwrap();
        let old: Vec<Value> = (0..20)
            .map(|id| row((page * 20 + id).cast_unsigned(), "MISSED", "2020-01-01T00:00:00.000Z"))
            .collect();
        json(200, Value::from(old).to_string())
    });
    let (line, commands) = told(&status(&service, &[]).exits(0));
    let none = "none found since 2026-01-02T00:00:00Z in the newest part of the log";
    assert_eq!((line.as_deref(), commands.len()), (Some(none), 2), "there may be some");
}

/// On a busy account the log begins with what was delivered the day before.
#[test]
fn what_came_since_is_counted_however_much_came_before() {
    let before = (1..=250).map(|id| row(id, "MISSED", "2026-01-01T12:00:00.000Z"));
    let since = (251..=253).map(|id| row(id, "MISSED", "2026-01-03T00:00:00.000Z"));
    let rows: Vec<Value> = before.chain(since).collect();
    let expected = Some("at least 3 events since 2026-01-02T00:00:00Z");
    let service = logging(vec![failed("w-1")], rows.clone());
    let outcome = status(&service, &["--exit-code"]).exits(1);
    assert_eq!((told(&outcome).0.as_deref(), looks(&service)), (expected, 2));
    // And where the log is not turned round.
    let service = with_log(vec![failed("w-1")], move |request| {
        let mut request = request.clone();
        request.path = request.path.replace("order=DESC", "order=ASC");
        honest_page(&request, &rows)
    });
    assert_eq!((told(&status(&service, &[]).exits(0)).0.as_deref(), looks(&service)), (expected, 2));
}

/// Best effort: whatever happens to the log, the answer is there, soon, with the same exit code.
#[test]
fn a_log_that_does_not_answer_changes_nothing_else() {
    for reply in [
        json(500, "{}"),
        json(404, "{}"),
        json(401, "{}"),
        json(429, "{}").header("Retry-After", "3600"),
        Reply::html(200, "<title>Sorry</title>"),
        Reply::html(502, "<title>Bad gateway</title>"),
        json(200, "[{\"id\":1"),
        Reply::Close,
    ] {
        let log = reply.clone();
        let service = with_log(vec![failed("w-1")], move |_| log.clone());
        let outcome = status(&service, &["--exit-code"]).exits(1);
        assert_eq!(
            told(&outcome),
            (None, vec!["vwh renew w-1".into(), "vwh missed w-1".into()]),
            "{reply:?}"
        );
        assert_eq!(outcome.stderr, "", "{reply:?}");
        assert!(looks(&service) <= 2, "{reply:?}: {}", looks(&service));
        let _ = status(&service, &["--json"]).exits(0);
    }
}

#[test]
fn a_log_that_says_nothing_is_not_waited_for() {
    let service = with_log(vec![failed("w-1")], |_| Reply::Stall);
    let started = Instant::now();
    let outcome = status(&service, &[]).exits(0);
    // A reply may take ten times as long where it is what was asked for.
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!((told(&outcome).0, outcome.stderr.as_str()), (None, ""));
}

#[test]
fn only_people_are_told_and_only_of_what_is_down() {
    let service = logging(vec![failed("w-1")], answered(7, 5));
    for format in ["json", "jsonl", "csv"] {
        let outcome = status(&service, &["-o", format]).exits(0);
        assert!(!outcome.stdout.contains("missed"), "{outcome}");
    }
    assert_eq!(looks(&service), 0);
    let service = logging(vec![healthy("w-1")], answered(7, 5));
    assert!(!status(&service, &[]).exits(0).stdout.contains("missed"));
    assert_eq!(looks(&service), 0);
}
