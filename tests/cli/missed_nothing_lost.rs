//! Ways in which `vwh missed` could have left an event out, or posted one to the wrong place.

use serde_json::{Value, json as value};

use crate::call_log::{Receiver, honest_page, is_log, logging, row, unsigned, with_log};
use crate::service::{Service, failed, healthy};
use crate::support::{Outcome, Vwh};

fn run(vwh: &Vwh, line: &str) -> Outcome {
    vwh.args(line.split(' ')).run()
}

fn ids(vwh: &Vwh, line: &str) -> Vec<u64> {
    let outcome = run(vwh, line).exits(0);
    outcome.json().as_array().unwrap().iter().map(|event| event["id"].as_u64().unwrap()).collect()
}

fn rows() -> Vec<Value> {
    vec![row(1, "MISSED", "2026-01-02T12:00:00.000Z"), row(2, "MISSED", "2026-01-04T00:00:00.000Z")]
}

/// A failed webhook that never had a success.
fn never_well(id: &str) -> Value {
    let mut webhook = failed(id);
    webhook["statistics"].as_object_mut().unwrap().remove("lastSuccess");
    webhook
}

#[test]
fn one_that_never_had_a_success_keeps_nobody_from_posting_the_others() {
    let receiver = Receiver::new();
    let of_receiver = |id: &str| unsigned(id, &receiver);
    let mut new = never_well("new");
    new["url"] = receiver.url().into();
    let service = logging(vec![of_receiver("a"), new, of_receiver("b")], rows());
    let vwh = service.vwh();
    insta::assert_snapshot!(run(&vwh, "missed --repost --until 2026-01-03T00:00:00Z").snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: webhook new never had a success, so it is not known since when it has missed events

    hint: say since when, such as: vwh missed new --since 2026-01-01T00:00:00Z --repost; post the others with: vwh missed a b --until 2026-01-03T00:00:00Z --repost
    ");
    assert_eq!(receiver.posts().len(), 0);
    let _ = run(&vwh, "missed a b --until 2026-01-03T00:00:00Z --repost").exits(0);
    assert_eq!(receiver.posts().len(), 2);
}

/// It has had a success since, so nothing else may be said.
#[test]
fn one_that_was_never_well_before_its_renewal_is_said_to_be_so() {
    let service = logging(vec![never_well("a")], rows());
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    service.with(|webhooks| {
        let webhook = webhooks.find("a").unwrap();
        webhook["renewedAt"] = "2026-01-05T00:00:00Z".into();
        webhook["statistics"]["failed"] = false.into();
        webhook["statistics"]["lastSuccess"] = "2099-01-06T00:00:00Z".into();
    });
    let outcome = run(&vwh, "missed a --repost").exits(2).without_answer();
    let outcome = outcome.says("error: webhook a had no success before ");
    assert!(!outcome.stderr.contains("never had"), "{outcome}");
    let _ = outcome.says("so it is not known since when it had missed events");
}

/// Nothing was missed since then by one whose gap was over by then.
#[test]
fn a_gap_that_was_over_before_the_start_is_no_gap_since_then() {
    let service = logging(vec![failed("a"), failed("b")], rows());
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    let path = vwh.state().join("gaps.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.last_mut().unwrap()["to"] = "2026-01-03T00:00:00Z".into();
    std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    service.with(|webhooks| {
        let webhook = webhooks.find("a").unwrap();
        webhook["statistics"]["lastSuccess"] = "2099-01-06T00:00:00Z".into();
    });
    let of = |arguments: &str| -> Vec<String> {
        let outcome = run(&vwh, &format!("missed --json {arguments}")).exits(0);
        let name = |event: &Value| format!("{}{}", event["vwh"]["webhookId"].as_str().unwrap(), event["id"]);
        outcome.json().as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(of("--since 2026-01-02T01:00:00Z"), ["b1", "b2", "a1"]);
    assert_eq!(of("--since 2026-01-03T12:00:00Z"), ["b2"]);
    assert_eq!(of("a --since 2026-01-03T12:00:00Z"), ["a2"], "who is named needs no gap");
}

/// The hold of a call tells no later time than its answer does.
#[test]
fn a_call_that_went_on_after_the_posting_is_missed_on() {
    let receiver = Receiver::new();
    let posted = receiver.server.base_url();
    let mut active = row(7, "ACTIVE", "2026-01-02T01:00:00.000Z");
    active["answerTime"] = "2026-01-02T01:00:04.000Z".into();
    let mut held = active.clone();
    held["state"] = "HELD".into();
    let after = vec![row(8, "MISSED", "2026-01-02T02:00:00.000Z")];
    let before = vec![row(6, "MISSED", "2026-01-02T00:30:00.000Z"), active.clone()];
    let early = [before.clone(), after.clone()].concat();
    let late = [before, vec![held], after].concat();
    let is_late = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let service = with_log(vec![unsigned("a", &receiver)], {
        let is_late = std::sync::Arc::clone(&is_late);
        move |request| {
            honest_page(
                request,
                if is_late.load(std::sync::atomic::Ordering::SeqCst) { &late } else { &early },
            )
        }
    });
    let vwh = service.vwh();
    let _ = run(&vwh, "missed --repost").exits(0);
    assert_eq!(receiver.events(), ["6:MISSED", "7:ACTIVE", "8:MISSED"], "{posted}");
    is_late.store(true, std::sync::atomic::Ordering::SeqCst);
    let outcome = run(&vwh, "missed --json").exits(0);
    let names: Vec<String> = outcome
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|event| format!("{}:{}", event["id"], event["state"].as_str().unwrap()))
        .collect();
    assert_eq!(names, ["7:ACTIVE", "7:HELD", "8:MISSED"]);
}

/// Where the events of a changed copy go is not known once that is gone; the old url is the wrong place.
#[test]
fn what_was_moved_away_is_not_posted_to_the_old_url() {
    let receiver = Receiver::new();
    let service = logging(vec![unsigned("a", &receiver)], rows());
    let vwh = service.vwh();
    let _ = run(&vwh, "replace a --new-url https://moved.example.test/ --yes").exits(0);
    service.with(|webhooks| {
        webhooks.find("new-1").unwrap()["createdAt"] = "2026-01-03T00:00:00Z".into();
    });
    service.with(|webhooks| webhooks.list.clear());
    let outcome = run(&vwh, "missed a --repost").exits(2).without_answer();
    let outcome = outcome.says("error: webhook a was replaced by new-1, which is not there any more");
    let _ = outcome.says("hint: say where its events go: vwh missed a --post-to URL");
    assert_eq!(receiver.posts().len(), 0);
    let _ = run(&vwh, &format!("missed a --post-to {}", receiver.url())).exits(0);
    assert!(!receiver.posts().is_empty());
}

/// The service tells of the last renewal alone: whether it delivered for weeks before that, nothing says.
#[test]
fn what_somebody_else_renewed_is_not_guessed_at() {
    let mut webhook = healthy("a");
    webhook["renewedAt"] = "2026-01-03T00:00:00Z".into();
    webhook["statistics"]["lastFailure"] = "2026-01-02T06:00:00Z".into();
    webhook["statistics"]["lastSuccess"] = "2026-01-05T00:00:00Z".into();
    let service = logging(vec![webhook], rows());
    let vwh = service.vwh();
    assert_eq!(ids(&vwh, "missed a --json"), [0; 0]);
    assert_eq!(ids(&vwh, "missed a --since 2026-01-02T06:00:00Z --json"), [1, 2]);
}

/// Renewed, and removed before anything showed that it works.
#[test]
fn what_was_renewed_and_then_removed_is_still_shown() {
    let service = Service::new(vec![failed("a")], |request, webhooks| {
        if is_log(request) { honest_page(request, &rows()) } else { webhooks.answer(request) }
    });
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    assert_eq!(ids(&vwh, "missed --json"), [1, 2]);
    let _ = run(&vwh, "delete a --yes").exits(0);
    assert_eq!(ids(&vwh, "missed --json"), [1, 2]);
    // And one that had a success after that.
    service.with(|webhooks| {
        let mut webhook = failed("b");
        webhook["id"] = "b".into();
        webhooks.list = vec![webhook];
    });
    let _ = run(&vwh, "renew b").exits(0);
    service.with(|webhooks| {
        webhooks.find("b").unwrap()["statistics"] =
            value!({"lastSuccess": "2099-01-01T00:00:00Z", "lastFailure": "2026-01-03T00:00:00Z"});
    });
    let _ = run(&vwh, "delete b --yes").exits(0);
    assert_eq!(ids(&vwh, "missed --json"), [1, 2, 1, 2]);
}

/// The service never forgets the last failure; a renewal before the expiry is routine.
#[test]
fn one_that_delivered_for_long_and_is_renewed_again_has_missed_nothing() {
    let mut webhook = healthy("a");
    webhook["renewedAt"] = "2026-01-06T00:00:00Z".into();
    webhook["statistics"]["lastFailure"] = "2026-01-02T00:00:00Z".into();
    webhook["statistics"]["lastSuccess"] = "2026-01-05T00:00:00Z".into();
    let service = logging(vec![webhook], rows());
    let vwh = service.vwh();
    assert_eq!(ids(&vwh, "missed --json"), [0; 0]);
    assert_eq!(ids(&vwh, "missed a --json"), [0; 0]);
}
