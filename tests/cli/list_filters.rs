//! Which webhooks `vwh list` shows, in which order, and what `--exit-code` makes of them.

use insta::assert_snapshot;

use crate::account::{connected, holding, in_each_health};
use crate::support::Outcome;

/// Lists the account with one webhook in each health.
fn list(arguments: &[&str]) -> Outcome {
    let server = in_each_health();
    let outcome = connected(&server).args(["list"].iter().chain(arguments).copied()).run();
    assert_eq!(server.lines(), ["GET /self/webhooks/"]);
    outcome
}

/// The healths that were listed, in order.
#[track_caller]
fn healths(arguments: &[&str]) -> String {
    let outcome = list(&[arguments, &["--json"]].concat()).exits(0);
    let listed = outcome.json();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["vwh"]["health"].as_str().unwrap()).collect();
    names.join(" ")
}

/// The first part of each id that was listed, in order.
#[track_caller]
fn ids(arguments: &[&str]) -> String {
    let outcome = list(&[arguments, &["--json"]].concat()).exits(0);
    let listed = outcome.json();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| &one["id"].as_str().unwrap()[4..8]).collect();
    names.join(" ")
}

#[test]
fn the_order_is_worst_first_and_the_latest_failure_before() {
    assert_eq!(healths(&[]), "failed failed expired paused expiring unknown unproven idle ok");
    assert_eq!(ids(&["--failed"]), "3333 6666");
}

#[test]
fn each_health_can_be_picked() {
    for health in ["expired", "paused", "expiring", "unknown", "unproven", "idle", "ok"] {
        assert_eq!(healths(&["--health", health]), health);
    }
    assert_eq!(healths(&["--health", "failed"]), "failed failed");
    assert_eq!(healths(&["--health", "ok", "--health", "expired"]), "expired ok");
}

#[test]
fn an_unknown_health_is_a_usage_error() {
    let server = in_each_health();
    let outcome = connected(&server).args(["list", "--health", "broken"]).run();
    assert_eq!(server.lines().len(), 0);
    assert_snapshot!(outcome.snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'broken' for '--health <HEALTH>': expected one of failed, expired, paused, expiring, unknown, unproven, idle, ok

    For more information, try '--help'.
    ");
}

#[test]
fn urls_are_picked_by_glob() {
    assert_eq!(ids(&["--url", "https://hooks.example.test/*"]), "3333 9999");
    assert_eq!(ids(&["--url", "*/hoo?"]), "2222 7777 8888");
    assert_eq!(ids(&["--url", "https://hooks.example.test/billing"]), "3333");
    assert_eq!(ids(&["--url", "hooks.example.test"]), "");
}

#[test]
fn expiring_within_includes_the_expired() {
    assert_eq!(ids(&["--expiring-within", "29h"]), "2222");
    assert_eq!(ids(&["--expiring-within", "30h"]), "2222 5555");
    assert_eq!(ids(&["--expiring-within", "6d", "--sort", "expires"]), "2222 5555 1111 3333 6666");
    // Down to the second: 7777 expires in exactly 7 days.
    assert_eq!(ids(&["--expiring-within", "7d", "--sort", "expires"]), "2222 5555 1111 3333 6666 7777");
}

#[test]
fn duplicates_are_those_with_the_same_url_and_events() {
    assert_eq!(ids(&["--duplicates"]), "5555 1111");
    // A filter beside it takes away from the answer, not from what is compared.
    assert_eq!(ids(&["--duplicates", "--health", "ok"]), "1111");
}

#[test]
fn events_count_for_duplicates_in_any_order() {
    let webhook = |id: &str, events: &str| format!(r#"{{"id":"{id}","url":"u","events":{events}}}"#);
    let server = holding(format!(
        "[{},{},{}]",
        webhook("one", r#"["CALL","SMS"]"#),
        webhook("two", r#"["CALL"]"#),
        webhook("three", r#"["SMS","CALL"]"#)
    ));
    let outcome = connected(&server).args(["list", "--duplicates", "-o", "csv"]).run().exits(0);
    let listed: Vec<&str> =
        outcome.stdout.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(listed, ["one", "three"]);
}

#[test]
fn each_order() {
    assert_eq!(ids(&["--sort", "health"]), "3333 6666 2222 7777 5555 8888 9999 4444 1111");
    assert_eq!(ids(&["--sort", "url"]), "5555 1111 9999 3333 4444 2222 7777 8888 6666");
    assert_eq!(ids(&["--sort", "id"]), "1111 2222 3333 4444 5555 6666 7777 8888 9999");
    assert_eq!(ids(&["--sort", "created"]), "4444 8888 7777 5555 6666 3333 1111 9999 2222");
    assert_eq!(ids(&["--sort", "expires"]), "2222 5555 1111 3333 6666 7777 8888 9999 4444");
    assert_eq!(ids(&["--sort", "last-failure"]), "3333 6666 9999 1111 2222 7777 5555 8888 4444");
}

#[test]
fn what_has_no_date_comes_last() {
    let server = holding(
        r#"[{"id":"none"},{"id":"late","createdAt":"2024-03-02T00:00:00Z","expireAt":"2024-04-02T00:00:00Z"},
            {"id":"soon","createdAt":"2024-03-01T00:00:00Z","expireAt":"2024-04-01T00:00:00Z"}]"#,
    );
    let sorted = |key| {
        let outcome = connected(&server).args(["list", "--json", "--sort", key]).run().exits(0);
        let listed = outcome.json();
        listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(sorted("expires"), "soon late none");
    assert_eq!(sorted("created"), "late soon none");
}

#[test]
fn the_exit_code_answers_for_the_rows_that_are_listed() {
    for down in [&["--exit-code"][..], &["--exit-code", "--health", "expired"], &["--exit-code", "--failed"]]
    {
        let outcome = list(down).exits(1);
        assert_eq!(outcome.stderr, "", "{down:?}");
    }
    for up in [&["--exit-code", "--health", "ok"][..], &["--exit-code", "--url", "nothing"], &["--failed"]] {
        assert_eq!(list(up).exits(0).stderr, "", "{up:?}");
    }
}

#[test]
fn the_exit_code_comes_with_the_whole_answer() {
    for format in ["table", "wide", "json", "jsonl", "csv"] {
        let plain = list(&["-o", format]).exits(0).stdout;
        assert_eq!(list(&["-o", format, "--exit-code"]).exits(1).stdout, plain, "{format}");
    }
}
