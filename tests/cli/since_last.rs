//! `vwh list --since-last`: what has changed since it was asked before.

use std::fs::File;

use serde_json::{Value, json as value};

use crate::service::{Service, failed, healthy};
use crate::support::{Outcome, Vwh, json};

fn changes(vwh: &Vwh, flags: &[&str]) -> Outcome {
    vwh.args(["list", "--since-last"].iter().chain(flags).copied()).run()
}

/// Ids with the names of their changes.
fn told(vwh: &Vwh, flags: &[&str]) -> Vec<(String, Vec<String>)> {
    let outcome = changes(vwh, &[flags, &["--json"]].concat()).exits(0);
    let list: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.iter()
        .map(|webhook| {
            let own = &webhook["vwh"];
            (text(&own["id"]), own["changes"].as_array().unwrap().iter().map(text).collect())
        })
        .collect()
}

fn empty(outcome: Outcome) {
    let outcome = outcome.exits(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

fn with<const N: usize>(changes: [(&str, &[&str]); N]) -> Vec<(String, Vec<String>)> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    changes.iter().map(|(id, names)| ((*id).to_owned(), owned(names))).collect()
}

/// A service whose clock stands at 2026-01-04, so that ages are the same always.
fn holding(list: Vec<Value>) -> Service {
    let service = Service::honest(list);
    service.with(|webhooks| webhooks.date = Some("Sun, 04 Jan 2026 00:00:00 GMT".to_owned()));
    service
}

fn expiring_at(id: &str, time: &str) -> Value {
    let mut webhook = healthy(id);
    webhook["expireAt"] = time.into();
    webhook
}

#[test]
fn the_first_time_shows_what_is_down_and_the_second_nothing() {
    let service = holding(vec![
        healthy("well"),
        failed("broken"),
        expiring_at("over", "2026-01-03T23:00:00Z"),
        expiring_at("soon", "2026-01-04T01:00:00Z"),
    ]);
    let vwh = service.vwh();
    insta::assert_snapshot!(changes(&vwh, &[]).snapshot(), @r"
    exit: 0
    --- stdout
    CHANGE   ID      URL                                SUCCESSES  LAST FAILURE
    failed   broken  https://hooks.example.test/broken             24h ago, 503 SERVICE_UNAVAILABLE
    expired  over    https://hooks.example.test/over
    --- stderr
    ");
    empty(changes(&vwh, &[]));
    insta::assert_snapshot!(changes(&vwh, &["--json"]).snapshot(), @r"
    exit: 0
    --- stdout
    []
    --- stderr
    ");
    empty(changes(&vwh, &["-o", "jsonl"]));
    empty(changes(&vwh, &["-o", "csv"]));
}

#[test]
fn transitions_are_shown_once_worst_first() {
    let service = holding(vec![
        healthy("fails"),
        failed("recovers"),
        healthy("expires"),
        healthy("delivers"),
        healthy("loses"),
        healthy("leaves"),
        healthy("stays"),
    ]);
    let vwh = service.vwh();
    let _ = changes(&vwh, &[]).exits(0);
    service.with(|webhooks| {
        *webhooks.find("fails").unwrap() = failed("fails");
        *webhooks.find("recovers").unwrap() = healthy("recovers");
        *webhooks.find("expires").unwrap() = expiring_at("expires", "2026-01-04T05:00:00Z");
        webhooks.find("delivers").unwrap()["statistics"]["totalSuccesses"] = 9.into();
        webhooks.find("loses").unwrap()["statistics"]["totalFailures"] = 2.into();
        let _ = webhooks.delete("leaves");
        webhooks.list.push(healthy("comes"));
    });
    insta::assert_snapshot!(changes(&vwh, &[]).snapshot(), @r"
    exit: 0
    --- stdout
    CHANGE       ID        URL                                  SUCCESSES  LAST FAILURE
    failed       fails     https://hooks.example.test/fails     -3         24h ago, 503 SERVICE_UNAVAILABLE
    expiring     expires   https://hooks.example.test/expires   +0
    failures +2  loses     https://hooks.example.test/loses     +0
    added        comes     https://hooks.example.test/comes     +8
    removed      leaves    https://hooks.example.test/leaves
    recovered    recovers  https://hooks.example.test/recovers  +3
    --- stderr
    ");
    empty(changes(&vwh, &[]));
}

#[test]
fn the_json_is_the_services_object_with_the_changes_beside_it() {
    let service = holding(vec![healthy("a"), healthy("b")]);
    let vwh = service.vwh();
    let _ = changes(&vwh, &[]).exits(0);
    service.with(|webhooks| {
        let _ = webhooks.delete("b");
        let a = webhooks.find("a").unwrap();
        a["signingKey"] = "a secret of some length".into();
        a["own"] = value!({"kept": 1e3});
        a["statistics"]["totalSuccesses"] = 10.into();
        a["statistics"]["totalFailures"] = 1.into();
    });
    let outcome = changes(&vwh, &["--json"]).exits(0);
    let list: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(list[0]["own"], value!({"kept": 1e3}));
    assert_eq!(list[0]["signingKey"], "***");
    assert_eq!(
        list[0]["vwh"],
        value!({
            "profile": "default", "service": "vis", "id": "a", "url": "https://hooks.example.test/a",
            "health": "ok", "changes": ["failures-increased"], "newSuccesses": 2, "newFailures": 1,
        })
    );
    assert_eq!(
        list[1],
        value!({
            "id": "b", "url": "https://hooks.example.test/b",
            "vwh": {
                "profile": "default", "service": "vis", "id": "b", "url": "https://hooks.example.test/b",
                "health": "ok", "changes": ["removed"],
            },
        })
    );
}

/// Two readers must not take each other's news away.
#[test]
fn each_mark_is_its_own() {
    let service = holding(vec![healthy("a")]);
    let vwh = service.vwh();
    let mail = ["--since-last=mail"];
    for flags in [&[][..], &mail] {
        let _ = vwh.args(["list", "--since-last"].iter().chain(flags).copied().skip(flags.len())).run();
    }
    let _ = vwh.args(["list", "--since-last=mail"]).run().exits(0);
    service.with(|webhooks| *webhooks.find("a").unwrap() = failed("a"));
    assert_eq!(told(&vwh, &[]), with([("a", &["failed"])]));
    assert_eq!(told(&vwh, &[]), with([]));
    let outcome = vwh.args(["list", "--since-last=mail"]).run().exits(0);
    assert!(outcome.stdout.contains("failed  a "), "{outcome}");
    empty(vwh.args(["list", "--since-last=mail"]).run());
    for name in ["", "a/b", "../x", "a.b"] {
        let _ = vwh.args(["list", &format!("--since-last={name}")]).run().exits(2);
    }
}

/// Only this command moves the mark, and only once somebody could read its answer.
#[test]
fn what_could_not_be_written_is_told_again() {
    let service = holding(vec![healthy("a")]);
    let vwh = service.vwh();
    let _ = changes(&vwh, &[]).exits(0);
    service.with(|webhooks| *webhooks.find("a").unwrap() = failed("a"));
    let _ = vwh.args(["list"]).run().exits(0);
    if cfg!(target_os = "linux") {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let _ = vwh.args(["list", "--since-last"]).stdout(full).run().exits(70);
    }
    assert_eq!(told(&vwh, &[]), with([("a", &["failed"])]));
    assert_eq!(told(&vwh, &[]), with([]));
}

/// `--quiet` shows nothing, so it tells nobody; its exit code is for scripts.
#[test]
fn what_quiet_kept_back_is_told_again() {
    let service = holding(vec![healthy("a")]);
    let vwh = service.vwh();
    let _ = changes(&vwh, &["-q"]).exits(0).without_answer();
    assert_eq!(told(&vwh, &[]), with([]));
    service.with(|webhooks| *webhooks.find("a").unwrap() = failed("a"));
    let _ = changes(&vwh, &["-q", "--exit-code"]).exits(1).without_answer();
    assert_eq!(told(&vwh, &[]), with([("a", &["failed"])]));
}

#[test]
fn a_failed_list_moves_no_mark() {
    let is_down = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&is_down);
    let service = Service::new(vec![healthy("a")], move |request, webhooks| {
        if seen.load(std::sync::atomic::Ordering::SeqCst) {
            return json(403, "{}");
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    let _ = changes(&vwh, &[]).exits(0);
    service.with(|webhooks| *webhooks.find("a").unwrap() = failed("a"));
    is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    let _ = changes(&vwh, &[]).exits(3);
    is_down.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(told(&vwh, &[]), with([("a", &["failed"])]));
}

/// Whoever asks for some urls has not been told of the others.
#[test]
fn a_filter_takes_no_news_away() {
    let service = holding(vec![healthy("a"), healthy("b")]);
    let vwh = service.vwh();
    let _ = changes(&vwh, &[]).exits(0);
    service.with(|webhooks| {
        *webhooks.find("a").unwrap() = failed("a");
        let _ = webhooks.delete("b");
    });
    assert_eq!(told(&vwh, &["--url", "*/a"]), with([("a", &["failed"])]));
    assert_eq!(told(&vwh, &["--url", "*/a"]), with([]));
    assert_eq!(told(&vwh, &[]), with([("b", &["removed"])]));
    let _ = changes(&vwh, &["--failed"]).exits(2);
}

#[test]
fn the_exit_code_is_about_what_is_shown() {
    let service = holding(vec![failed("a")]);
    let vwh = service.vwh();
    let _ = changes(&vwh, &["--exit-code"]).exits(1);
    empty(changes(&vwh, &["--exit-code"]));
}

/// Another address is another account, not a change of this one.
#[test]
fn another_service_starts_with_a_first_reading() {
    let (one, other) = (holding(vec![healthy("a")]), holding(vec![healthy("b")]));
    let vwh = one.vwh();
    let _ = changes(&vwh, &[]).exits(0);
    empty(vwh.args(["list", "--since-last"]).env("VWH_BASE_URL", other.server.base_url()).run());
}

/// Of many that ask at once, one is told of each change.
#[test]
fn one_of_many_readers_is_told() {
    let service = holding(vec![healthy("a")]);
    let vwh = service.vwh();
    let _ = changes(&vwh, &[]).exits(0);
    service.with(|webhooks| *webhooks.find("a").unwrap() = failed("a"));
    let running: Vec<_> = (0..8).map(|_| vwh.args(["list", "--since-last"]).spawn()).collect();
    let told = running.into_iter().filter_map(|process| {
        let outcome = process.wait().exits(0);
        (!outcome.stdout.is_empty()).then_some(())
    });
    assert_eq!(told.count(), 1);
}

#[test]
fn a_reading_that_is_none_is_named() {
    let service = holding(vec![healthy("a")]);
    let vwh = service.vwh();
    vwh.write(".local/state/vwh/readings/default.since-last.json", "{");
    insta::assert_snapshot!(changes(&vwh, &[]).snapshot(), @r"
    exit: 70
    --- stdout
    --- stderr
    error: [HOME]/.local/state/vwh/readings/default.since-last.json is not a reading of this vwh

    hint: remove it to start with a new first reading
    ");
}
