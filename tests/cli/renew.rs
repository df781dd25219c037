//! `vwh renew`: which webhooks it renews, and when a renewal is none.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json as value};

use crate::service::{Service, failed, healthy, many};
use crate::support::{Outcome, Reply, Vwh, json};

fn renew(vwh: &Vwh, flags: &[&str]) -> Outcome {
    vwh.args(["renew"].iter().chain(flags).copied()).run()
}

fn expiring_in(id: &str, hours: i64) -> Value {
    let mut webhook = healthy(id);
    webhook["expireAt"] = (chrono::Utc::now() + chrono::TimeDelta::hours(hours)).to_rfc3339().into();
    webhook
}

/// The ids whose renewal was asked for, in order of the alphabet.
fn renewed(service: &Service) -> Vec<String> {
    let mut ids: Vec<String> = service
        .changes()
        .iter()
        .map(|line| {
            line.strip_prefix("PUT /self/webhooks/").unwrap().strip_suffix("/renew").unwrap().to_owned()
        })
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn flags_and_ids_choose() {
    let account = || {
        vec![
            failed("broken"),
            expiring_in("gone-by", -1),
            expiring_in("soon", 71),
            expiring_in("later", 73),
            healthy("well"),
        ]
    };
    let cases: [(&[&str], &[&str]); 5] = [
        (&["--failed"], &["broken"]),
        (&["--expiring-within", "3d"], &["gone-by", "soon"]),
        (&["--all"], &["broken", "gone-by", "later", "soon", "well"]),
        (&["well", "broken", "well"], &["broken", "well"]),
        (&["--expiring-within", "0s"], &["gone-by"]),
    ];
    for (flags, expected) in cases {
        let service = Service::honest(account());
        let outcome = renew(&service.vwh(), flags).exits(0);
        assert_eq!(renewed(&service), expected, "{flags:?}");
        assert_eq!((outcome.stdout.lines().count(), outcome.stderr.as_str()), (expected.len(), ""));
    }
}

#[test]
fn what_to_renew_must_be_said_once() {
    let service = Service::honest(vec![healthy("a")]);
    for flags in [
        &[][..],
        &["--failed", "--all"],
        &["a", "--failed"],
        &["--expiring-within", "soon"],
        &["--all", "--expiring-within", "1d"],
    ] {
        let _ = renew(&service.vwh(), flags).exits(2).without_answer();
    }
    assert_eq!(service.server.requests().len(), 0);
}

#[test]
fn nothing_to_renew_is_silent() {
    let service = Service::honest(vec![healthy("a")]);
    for flags in [&["--failed"][..], &["--expiring-within", "3d"]] {
        let outcome = renew(&service.vwh(), flags).exits(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    }
}

#[test]
fn an_unknown_id_stops_all_of_it() {
    let service = Service::honest(vec![healthy("abcd-1")]);
    let outcome = renew(&service.vwh(), &["abcd-1", "b"]);
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 4
    --- stdout
    --- stderr
    error: there is no webhook "b" for this user

    hint: see the ids with: vwh list
    "#);
    // A prefix is for commands that read.
    let _ = renew(&service.vwh(), &["abcd"]).exits(4).without_answer();
    assert_eq!(service.changes(), Vec::<String>::new());
}

#[test]
fn the_results_are_a_contract() {
    let service = Service::honest(many(1, failed));
    let vwh = service.vwh();
    insta::assert_snapshot!(renew(&vwh, &["--failed", "--dry-run"]).snapshot(), @r"
    exit: 0
    --- stdout
    would renew  w-001  https://hooks.example.test/w-001
    --- stderr
    ");
    assert_eq!(service.changes(), Vec::<String>::new());
    insta::assert_snapshot!(renew(&vwh, &["--failed", "--json"]).snapshot(), @r#"
    exit: 0
    --- stdout
    {"dryRun":false,"results":[{"id":"w-001","url":"https://hooks.example.test/w-001","outcome":"renewed","error":null}],"summary":{"delivered":0,"error":0,"gone":0,"renewed":1,"skipped":0,"spared":0,"total":1}}
    --- stderr
    "#);
}

#[test]
fn a_renewal_that_changed_nothing_is_none() {
    let service = Service::new(many(1, failed), |request, webhooks| match request.method.as_str() {
        "PUT" => json(200, failed("w-001").to_string()),
        _ => webhooks.answer(request),
    });
    insta::assert_snapshot!(renew(&service.vwh(), &["--failed"]).snapshot(), @r"
    exit: 1
    --- stdout
    error  w-001  https://hooks.example.test/w-001  the service accepted the renewal, and it is still failed (hint: look again with: vwh status w-001)
    --- stderr
    error: 1 of 1 webhooks could not be renewed
    ");
}

#[test]
fn an_empty_answer_is_looked_up() {
    for status in [200, 204] {
        let service = Service::new(many(1, failed), move |request, webhooks| match request.method.as_str() {
            "PUT" => {
                drop(webhooks.answer(request));
                Reply::new(status, "")
            }
            _ => webhooks.answer(request),
        });
        let outcome = renew(&service.vwh(), &["w-001"]).exits(0);
        assert_eq!(outcome.stderr, "");
        let lines = service.server.lines();
        assert_eq!(lines[1..], ["PUT /self/webhooks/w-001/renew", "GET /self/webhooks/w-001"]);
    }
    let unmoved = Service::new(many(1, failed), |request, webhooks| match request.method.as_str() {
        "PUT" => Reply::new(200, ""),
        _ => webhooks.answer(request),
    });
    let _ = renew(&unmoved.vwh(), &["w-001"]).exits(1);
}

#[test]
fn one_that_is_gone_has_to_be_created_again() {
    for (status, body) in [(404, "{}"), (410, "{}"), (400, r#"{"errorMessage": "Webhook not found"}"#)] {
        let service = Service::new(many(2, failed), move |request, webhooks| match request.line().as_str() {
            "PUT /self/webhooks/w-001/renew" => json(status, body),
            _ => webhooks.answer(request),
        });
        let outcome = renew(&service.vwh(), &["--failed", "--concurrency", "1"]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(outcome.snapshot(), @r"
            exit: 1
            --- stdout
            gone  w-001  https://hooks.example.test/w-001  it is not registered any more (hint: create it again: vwh create --url URL)
            renewed  w-002  https://hooks.example.test/w-002
            --- stderr
            error: 1 of 2 webhooks could not be renewed
            ");
        }
    }
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let service = Service::new(many(3, failed), |request, webhooks| match request.line().as_str() {
        "PUT /self/webhooks/w-002/renew" => json(409, r#"{"errorMessage": "busy"}"#),
        _ => webhooks.answer(request),
    });
    let outcome = renew(&service.vwh(), &["--failed", "--json"]).exits(1);
    let summary =
        value!({"total": 3, "renewed": 2, "delivered": 0, "spared": 0, "gone": 0, "error": 1, "skipped": 0});
    assert_eq!(outcome.json()["summary"], summary);
}

#[test]
fn a_passing_failure_is_repeated() {
    let tries = AtomicUsize::new(0);
    let service = Service::new(many(1, failed), move |request, webhooks| {
        if request.method == "PUT" && tries.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::Close;
        }
        webhooks.answer(request)
    });
    let _ = renew(&service.vwh(), &["--failed"]).exits(0);
    assert_eq!(service.count("PUT"), 2);
}

#[test]
fn what_recovered_during_a_hold_is_spared() {
    let was_held = AtomicBool::new(false);
    let service = Service::new(many(2, failed), move |request, webhooks| {
        if request.method == "PUT" && !was_held.swap(true, Ordering::SeqCst) {
            webhooks.find("w-001").unwrap()["statistics"]["failed"] = false.into();
            return json(429, "{}").header("Retry-After", "1");
        }
        webhooks.answer(request)
    });
    let outcome = renew(&service.vwh(), &["--failed", "--concurrency", "1", "--json"]).exits(0);
    assert_eq!(outcome.json()["summary"]["spared"], 1, "{outcome}");
    assert_eq!(renewed(&service), ["w-001", "w-002"], "the first was throttled");
}
