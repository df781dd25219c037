//! `vwh prune-failed` against a service that is told what to do: what it takes, what it spares, and when it takes nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json as value};

use crate::service::{Service, failed, healthy, journal, journalled, many, url};
use crate::support::{Outcome, Reply, Vwh, json};

fn prune(vwh: &Vwh, flags: &[&str]) -> Outcome {
    vwh.args(["prune-failed"].iter().chain(flags).copied()).run()
}

/// Failed and healthy ones, as many healthy as it takes for no outage.
fn account(failed_ids: &[&str]) -> Vec<Value> {
    let failed = failed_ids.iter().map(|id| failed(id));
    let healthy = (0..=failed_ids.len()).map(|number| healthy(&format!("well-{number}")));
    failed.chain(healthy).collect()
}

/// Id and outcome of each result, in order of the ids.
fn outcomes(outcome: &Outcome) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = outcome.json()["results"].as_array().unwrap().clone();
    let mut outcomes: Vec<_> =
        results.iter().map(|result| (text(&result["id"]), text(&result["outcome"]))).collect();
    outcomes.sort_unstable();
    outcomes
}

fn pair(id: &str, outcome: &str) -> (String, String) {
    (id.to_owned(), outcome.to_owned())
}

fn nothing_was_touched(service: &Service, vwh: &Vwh) {
    assert_eq!(service.changes(), Vec::<String>::new());
    assert_eq!(journal(vwh), Vec::<Value>::new());
}

#[test]
fn an_outage_is_not_taken_for_rubbish() {
    let service = Service::honest(many(30, failed));
    let vwh = service.vwh();
    let outcome = prune(&vwh, &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: nothing was removed: 30 of 30 webhooks ever attempted have failed, more than half of them since 2026-01-03T00:00:00Z, so the receiver is down

    hint: repair the receiver, then: vwh renew --failed; to remove them all the same: vwh prune-failed --max 30
    ");
    nothing_was_touched(&service, &vwh);
    let outcome = prune(&vwh, &["--yes", "--json"]).exits(1).without_answer();
    assert_eq!(outcome.error()["kind"], "failure");
    let _ = prune(&vwh, &["--dry-run"]).exits(1).without_answer();
    nothing_was_touched(&service, &vwh);
}

#[test]
fn a_number_that_is_too_small_removes_nothing() {
    let service = Service::honest(many(30, failed));
    let vwh = service.vwh();
    let outcome = prune(&vwh, &["--max", "29"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: nothing was removed: 30 would go, more than --max 29

    hint: see them with: vwh list --failed
    ");
    nothing_was_touched(&service, &vwh);
}

#[test]
fn an_explicit_number_removes_them_all_the_same() {
    let service = Service::honest(many(30, failed));
    let vwh = service.vwh();
    let outcome = prune(&vwh, &["--max", "30"]).exits(0);
    assert_eq!((outcome.stdout.lines().count(), outcome.stderr.as_str()), (30, ""), "{outcome}");
    assert_eq!((service.ids(), service.count("DELETE")), (Vec::new(), 30));
    assert_eq!(journalled(&vwh).len(), 30);
}

/// 2 of 3 is no outage by number, 3 of 6 none by share, 3 of 5 is one. What was never attempted proves nothing.
#[test]
fn an_outage_is_three_and_more_than_half() {
    let idle = |id: &str| {
        let mut webhook = healthy(id);
        webhook["statistics"] = value!({"totalAttempts": 0, "failed": false});
        webhook
    };
    let cases = [
        (many(2, failed), vec![healthy("well")], 2),
        (many(3, failed), vec![healthy("a"), healthy("b"), healthy("c")], 3),
        (many(3, failed), vec![healthy("a"), healthy("b")], 0),
        (many(3, failed), vec![healthy("a"), healthy("b"), idle("c"), idle("d")], 0),
    ];
    for (failed, others, removed) in cases {
        let service = Service::honest([failed, others].concat());
        let outcome = prune(&service.vwh(), &[]).exits(i32::from(removed == 0));
        assert_eq!(service.count("DELETE"), removed, "{outcome}");
    }
}

#[test]
fn only_failed_ones_go() {
    let service = Service::honest(account(&["a", "b"]));
    let vwh = service.vwh();
    let outcome = prune(&vwh, &["--json"]).exits(0);
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 0
    --- stdout
    {"dryRun":false,"results":[{"id":"a","url":"https://hooks.example.test/a","outcome":"removed","error":null},{"id":"b","url":"https://hooks.example.test/b","outcome":"removed","error":null}],"summary":{"error":0,"gone":0,"removed":2,"renewed":0,"skipped":0,"spared":0,"total":2}}
    --- stderr
    "#);
    assert_eq!(service.ids(), ["well-0", "well-1", "well-2"]);
    let mut gone = journalled(&vwh);
    gone.sort_unstable();
    assert_eq!(gone, ["a", "b"]);
    let again = prune(&vwh, &[]).exits(0);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
}

#[test]
fn a_dry_run_sends_and_writes_nothing() {
    let service = Service::honest(account(&["a", "b"]));
    let vwh = service.vwh();
    insta::assert_snapshot!(prune(&vwh, &["--dry-run"]).snapshot(), @r"
    exit: 0
    --- stdout
    would remove  a  https://hooks.example.test/a
    would remove  b  https://hooks.example.test/b
    --- stderr
    ");
    let outcome = prune(&vwh, &["--dry-run", "--renew-first", "--failed-for", "1h", "--json"]).exits(0);
    assert_eq!(outcome.json()["dryRun"], true);
    assert_eq!(outcomes(&outcome), [pair("a", "renewed"), pair("b", "renewed")]);
    nothing_was_touched(&service, &vwh);
    assert!(!vwh.state().exists(), "a dry run leaves no file behind");
}

#[test]
fn only_matching_urls_go() {
    let service = Service::honest(account(&["keep-1", "drop-1", "drop-2"]));
    let _ = prune(&service.vwh(), &["--url", "*/drop-?"]).exits(0);
    assert_eq!(service.count("DELETE"), 2);
    assert!(service.ids().contains(&"keep-1".to_owned()));
}

#[test]
fn the_service_says_how_late_it_is() {
    let service = Service::honest(account(&["a"]));
    let vwh = service.vwh();
    let at = |date: &str| service.with(|webhooks| webhooks.date = Some(date.to_owned()));
    // The last failure was on 2026-01-03 at 00:00.
    at("Sat, 03 Jan 2026 23:59:00 GMT");
    let spared = prune(&vwh, &["--failed-for", "24h", "--json"]).exits(0);
    assert_eq!(outcomes(&spared), [pair("a", "spared")]);
    nothing_was_touched(&service, &vwh);
    let silent = prune(&vwh, &["--failed-for", "24h"]).exits(0);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
    at("Sun, 04 Jan 2026 00:00:00 GMT");
    let removed = prune(&vwh, &["--failed-for", "24h", "--json"]).exits(0);
    assert_eq!(outcomes(&removed), [pair("a", "removed")]);
}

#[test]
fn what_has_no_date_counts_from_when_it_was_seen() {
    let service = Service::honest(account(&["a"]));
    let vwh = service.vwh();
    let at = |date: &str| service.with(|webhooks| webhooks.date = Some(date.to_owned()));
    let set_failed = |failed: bool| {
        service.with(|webhooks| {
            webhooks.find("a").unwrap()["statistics"] = value!({"failed": failed});
        });
    };
    let outcome_of = |flags: &[&str]| outcomes(&prune(&vwh, flags).exits(0));
    let flags = ["--failed-for", "24h", "--json"];
    set_failed(true);
    at("Thu, 01 Jan 2026 00:00:00 GMT");
    assert_eq!(outcome_of(&flags), [pair("a", "spared")]);
    // A recovery in between starts the count again.
    set_failed(false);
    at("Thu, 01 Jan 2026 12:00:00 GMT");
    assert_eq!(outcome_of(&flags), []);
    set_failed(true);
    at("Fri, 02 Jan 2026 06:00:00 GMT");
    assert_eq!(outcome_of(&flags), [pair("a", "spared")]);
    at("Sat, 03 Jan 2026 05:00:00 GMT");
    assert_eq!(outcome_of(&flags), [pair("a", "spared")]);
    nothing_was_touched(&service, &vwh);
    at("Sat, 03 Jan 2026 06:00:00 GMT");
    assert_eq!(outcome_of(&flags), [pair("a", "removed")]);
}

#[test]
fn renewing_comes_first() {
    let mut hopeless = failed("hopeless");
    hopeless["renewedAt"] = "2026-01-02T12:00:00Z".into();
    let mut revived = failed("revived");
    revived["renewedAt"] = "2026-01-01T12:00:00Z".into();
    let fresh = failed("fresh");
    let service = Service::honest([vec![hopeless, revived, fresh], many(4, healthy)].concat());
    let vwh = service.vwh();
    let outcome = prune(&vwh, &["--renew-first", "--json"]).exits(0);
    assert_eq!(
        outcomes(&outcome),
        [pair("fresh", "renewed"), pair("hopeless", "removed"), pair("revived", "renewed")]
    );
    assert_eq!(journalled(&vwh), ["hopeless"]);
    let mut changes = service.changes();
    changes.sort_unstable();
    assert_eq!(
        changes,
        [
            "DELETE /self/webhooks/hopeless",
            "PUT /self/webhooks/fresh/renew",
            "PUT /self/webhooks/revived/renew"
        ]
    );
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let service = Service::new(account(&["a", "b", "c"]), |request, webhooks| {
        if request.line() == "DELETE /self/webhooks/b" {
            return json(
                500,
                r#"{"errorCode": "INTERNAL_SERVER_ERROR", "errorMessage": "database is down"}"#,
            );
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    let outcome = prune(&vwh, &["--concurrency", "1"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    removed  a  https://hooks.example.test/a
    error  b  https://hooks.example.test/b  127.0.0.1:[PORT] answered 500 Internal Server Error: database is down (INTERNAL_SERVER_ERROR) (hint: the service is unwell: run the command again later)
    removed  c  https://hooks.example.test/c
    --- stderr
    error: 1 of 3 webhooks could not be pruned
    ");
    assert_eq!(service.ids(), ["b", "well-0", "well-1", "well-2", "well-3"]);
    let outcome = prune(&vwh, &["--json"]).exits(1);
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 1
    --- stdout
    {"dryRun":false,"results":[{"id":"b","url":"https://hooks.example.test/b","outcome":"error","error":{"kind":"unavailable","message":"127.0.0.1:[PORT] answered 500 Internal Server Error: database is down (INTERNAL_SERVER_ERROR)","hint":"the service is unwell: run the command again later","status":500,"causes":[]}}],"summary":{"error":1,"gone":0,"removed":0,"renewed":0,"skipped":0,"spared":0,"total":1}}
    --- stderr
    {"error":{"kind":"failure","message":"1 of 1 webhooks could not be pruned","hint":null,"status":null,"causes":[]}}
    "#);
    assert_eq!(service.count("DELETE"), 2 + 4 + 4, "each failing one is tried four times");
}

#[test]
fn what_is_gone_already_is_no_failure() {
    for status in [404, 410] {
        let service = Service::new(account(&["a", "b"]), move |request, webhooks| {
            if request.line() == "DELETE /self/webhooks/a" {
                return json(status, r#"{"errorCode": "NOT_FOUND"}"#);
            }
            webhooks.answer(request)
        });
        let outcome = prune(&service.vwh(), &["--json"]).exits(0);
        assert_eq!(outcomes(&outcome), [pair("a", "gone"), pair("b", "removed")]);
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn one_without_an_id_is_named_and_left() {
    let mut nameless = failed("");
    nameless.as_object_mut().unwrap().remove("id");
    nameless["url"] = url("nameless").into();
    let service = Service::honest([vec![nameless], account(&["a"])].concat());
    let outcome = prune(&service.vwh(), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    error  (no id)  https://hooks.example.test/nameless  the service sent no id for it
    removed  a  https://hooks.example.test/a
    --- stderr
    error: 1 of 2 webhooks could not be pruned
    ");
    assert_eq!(service.changes(), ["DELETE /self/webhooks/a"]);
}

/// During the hold one of the failed ones recovers and another is removed by somebody else.
#[test]
fn the_list_is_read_again_after_a_hold() {
    let was_held = AtomicBool::new(false);
    let service = Service::new(account(&["a", "b", "c", "d"]), move |request, webhooks| {
        if request.line() == "DELETE /self/webhooks/b" && !was_held.swap(true, Ordering::SeqCst) {
            webhooks.find("b").unwrap()["statistics"]["failed"] = false.into();
            drop(webhooks.delete("c"));
            return json(429, "{}").header("Retry-After", "1");
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    let outcome = prune(&vwh, &["--concurrency", "1", "--json"]).exits(0);
    assert_eq!(
        outcomes(&outcome),
        [pair("a", "removed"), pair("b", "spared"), pair("c", "gone"), pair("d", "removed")]
    );
    let lists = service.server.lines().into_iter().filter(|line| line == "GET /self/webhooks/").count();
    assert_eq!(lists, 2);
    assert!(service.ids().contains(&"b".to_owned()));
}

#[test]
fn a_refused_token_ends_it_at_once() {
    let service =
        Service::new(account(&["a", "b", "c"]), |request, webhooks| match request.method.as_str() {
            "DELETE" => json(401, r#"{"errorMessage": "invalid access token"}"#),
            _ => webhooks.answer(request),
        });
    let vwh = service.vwh();
    let outcome = prune(&vwh, &["--concurrency", "1", "--json"]).exits(3);
    assert_eq!(outcomes(&outcome), [pair("a", "error"), pair("b", "skipped"), pair("c", "skipped")]);
    assert_eq!(outcome.error()["kind"], "authentication");
    assert_eq!(service.count("DELETE"), 1);
}

#[test]
fn nothing_is_removed_for_a_list_that_cannot_be_had() {
    for reply in [json(401, "{}"), json(200, "[{}"), Reply::html(200, "<title>Hotel</title>")] {
        let service = Service::new(account(&["a"]), move |request, webhooks| match request.path.as_str() {
            "/self/webhooks/" => reply.clone(),
            _ => webhooks.answer(request),
        });
        let vwh = service.vwh();
        let outcome = prune(&vwh, &[]).without_answer();
        assert!(matches!(outcome.code, Some(3 | 70)), "{outcome}");
        nothing_was_touched(&service, &vwh);
    }
}

/// An old failure among the new ones does not date the outage, and the command that lifts the guard asks for the same.
#[test]
fn the_guard_dates_the_outage_and_repeats_what_was_asked() {
    let failed_at = |id: &str, time: &str| {
        let mut webhook = failed(id);
        webhook["renewedAt"] = "2026-01-02T12:00:00Z".into();
        webhook["statistics"]["lastFailure"] = time.into();
        webhook
    };
    let list = vec![
        failed_at("a", "2025-10-01T00:00:00Z"),
        failed_at("b", "2026-01-03T10:00:00Z"),
        failed_at("c", "2026-01-03T11:00:00Z"),
        failed_at("d", "2026-01-03T12:00:00Z"),
        healthy("e"),
    ];
    let service = Service::honest(list);
    let vwh = service.vwh();
    let outcome =
        vwh.args(["prune-failed", "--failed-for", "36h", "--url", "*/?", "--renew-first"]).run().exits(1);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: nothing was removed or renewed: 4 of 5 webhooks ever attempted have failed, more than half of them since 2026-01-03T11:00:00Z, so the receiver is down

    hint: repair the receiver, then: vwh renew --failed; to remove them all the same: vwh prune-failed --max 4 --failed-for 1day12h --url '*/?' --renew-first
    ");
    assert_eq!(service.changes(), Vec::<String>::new());
    // As it was told, and nothing more goes.
    let told = ["prune-failed", "--max", "4", "--failed-for", "1day12h", "--url", "*/?", "--renew-first"];
    let _ = vwh.args(told).run().exits(0);
    assert_eq!(service.ids(), ["e"]);
}
