//! `vwh missed` where a success came while other deliveries were still being tried: what those lost is shown all the same.

use serde_json::Value;

use crate::call_log::{logging, row};
use crate::service::{Service, failed, healthy};
use crate::support::{Outcome, Vwh};

/// Failed at midnight: the first that it lost came 160 s before at the earliest. A minute later the last of those that were
/// under way with it arrived.
fn overlapping() -> Service {
    let mut webhook = failed("a");
    webhook["statistics"]["lastSuccess"] = "2026-01-03T00:01:00Z".into();
    let rows = vec![
        row(1, "MISSED", "2026-01-02T23:57:20.000Z"),
        row(2, "MISSED", "2026-01-02T23:57:20.001Z"),
        row(3, "MISSED", "2026-01-03T00:01:00.000Z"),
        row(4, "MISSED", "2026-01-03T00:05:00.000Z"),
    ];
    logging(vec![webhook], rows)
}

fn run(vwh: &Vwh, line: &str) -> Outcome {
    vwh.args(line.split(' ')).run()
}

fn ids(vwh: &Vwh, line: &str) -> Vec<u64> {
    let outcome = run(vwh, line).exits(0);
    outcome.json().as_array().unwrap().iter().map(|event| event["id"].as_u64().unwrap()).collect()
}

#[test]
fn what_came_before_a_late_success_is_shown_and_said_to_be_in_doubt() {
    let service = overlapping();
    let vwh = service.vwh();
    assert_eq!(ids(&vwh, "missed --json"), [2, 3, 4]);
    let told = run(&vwh, "missed -v").exits(0);
    let doubt =
        "2 of them may have been delivered: others were still being tried when the last success came\n";
    assert!(told.stderr.ends_with(doubt), "{told}");
    let _ = told.says("3 events since 2026-01-02T23:57:20Z: vwh missed a --repost\n");
    let posted = run(&vwh, "missed a --repost --dry-run -v").exits(0);
    assert_eq!(posted.stdout.lines().count(), 3);
    let _ = posted.says(doubt);
    let status = run(&vwh, "status a").exits(0);
    assert!(status.stdout.contains("\nmissed        3 events since 2026-01-02T23:57:20Z\n"), "{status}");
}

#[test]
fn it_is_known_after_the_renewal_and_the_next_success() {
    let service = overlapping();
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    service.with(|webhooks| {
        let statistics = &mut webhooks.find("a").unwrap()["statistics"];
        statistics["failed"] = false.into();
        statistics["lastSuccess"] = "2099-01-01T00:00:00Z".into();
    });
    assert_eq!(ids(&vwh, "missed --json"), [2, 3, 4]);
    let notes = std::fs::read_to_string(vwh.state().join("gaps.jsonl")).unwrap();
    let noted: Value = serde_json::from_str(notes.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&noted["from"], &noted["earliest"]),
        (&Value::from("2026-01-03T00:01:00Z"), &Value::from("2026-01-02T23:57:20Z"),)
    );
}

/// Whatever was on its way when the registration ended may have arrived after that.
#[test]
fn a_success_after_the_expiry_hides_nothing() {
    let mut webhook = healthy("a");
    webhook["expireAt"] = "2026-01-03T00:00:00Z".into();
    webhook["statistics"]["lastSuccess"] = "2026-01-03T00:01:00Z".into();
    let rows = vec![
        row(1, "MISSED", "2026-01-02T23:58:40.000Z"),
        row(2, "MISSED", "2026-01-03T00:00:30.000Z"),
        row(3, "MISSED", "2026-01-03T00:05:00.000Z"),
    ];
    assert_eq!(ids(&logging(vec![webhook], rows).vwh(), "missed a --json"), [2, 3]);
}

/// It was delivered before the first failure, and nothing says that others were being tried then.
#[test]
fn what_a_success_before_the_failure_delivered_is_not_shown_after_the_renewal_either() {
    let mut webhook = failed("a");
    webhook["statistics"]["lastSuccess"] = "2026-01-02T23:59:00Z".into();
    let rows =
        vec![row(1, "MISSED", "2026-01-02T23:58:30.000Z"), row(2, "MISSED", "2026-01-02T23:59:05.000Z")];
    let service = logging(vec![webhook], rows);
    let vwh = service.vwh();
    assert_eq!(ids(&vwh, "missed a --json"), [2]);
    let _ = run(&vwh, "renew a").exits(0);
    service.with(|webhooks| {
        let statistics = &mut webhooks.find("a").unwrap()["statistics"];
        statistics["failed"] = false.into();
        statistics["lastSuccess"] = "2099-01-01T00:00:00Z".into();
    });
    assert_eq!(ids(&vwh, "missed a --json"), [2]);
}
