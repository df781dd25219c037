//! What `vwh missed` remembers of its own posting: what was posted again is not missing any more, and can be posted again.

use serde_json::Value;

use crate::call_log::{Receiver, answered, logging, row, unsigned};
use crate::service::Service;
use crate::support::{Outcome, Reply, Vwh};

fn run(vwh: &Vwh, line: &str) -> Outcome {
    vwh.args(line.split(' ')).run()
}

fn count(vwh: &Vwh, arguments: &str) -> usize {
    let outcome = run(vwh, format!("missed --json {arguments}").trim_end()).exits(0);
    outcome.json().as_array().unwrap().len()
}

/// A service that renews by its own clock, which is later than all calls.
fn renewable(receiver: &Receiver) -> Service {
    logging(vec![unsigned("a", receiver)], [answered(7, 5), answered(8, 60)].concat())
}

#[test]
fn what_was_posted_again_is_not_missing_and_comes_again_on_request() {
    let receiver = Receiver::new();
    let service = renewable(&receiver);
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    assert_eq!((count(&vwh, ""), count(&vwh, "a")), (8, 8));
    let _ = run(&vwh, "missed --repost").exits(0);
    assert_eq!((count(&vwh, ""), count(&vwh, "a")), (0, 8));
    let nothing = run(&vwh, "missed --repost").exits(0).without_answer();
    assert_eq!(nothing.stderr, "");
    assert_eq!(receiver.posts().len(), 8);
    // Twice the same: the receiver sees duplicates.
    let _ = run(&vwh, "missed a --repost").exits(0);
    let ids = receiver.delivery_ids();
    assert_eq!(ids[..8], ids[8..]);
    assert_eq!((count(&vwh, ""), count(&vwh, "a")), (0, 8));
}

#[test]
fn what_was_not_posted_to_its_end_is_still_missing() {
    let receiver = Receiver::answering(|number| Reply::new(if number == 3 { 500 } else { 200 }, ""));
    let service = renewable(&receiver);
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    let _ = run(&vwh, "missed --repost").exits(1);
    assert_eq!(count(&vwh, ""), 8);
    let _ = run(&vwh, "missed a --repost --after 7:RINGING").exits(0);
    assert_eq!((count(&vwh, ""), count(&vwh, "a")), (0, 8));
}

/// While it is failed, what comes after the last that was posted is missing.
#[test]
fn of_one_that_is_still_failed_the_rest_is_missing() {
    let receiver = Receiver::new();
    let rows = [answered(7, 5), answered(8, 60)].concat();
    let service = Service::new(vec![unsigned("a", &receiver)], {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        move |request, webhooks| {
            if !crate::call_log::is_log(request) {
                return webhooks.answer(request);
            }
            // The second call comes after the first two looks.
            let look = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            crate::call_log::honest_page(request, if look < 2 { &rows[..4] } else { &rows })
        }
    });
    let vwh = service.vwh();
    let _ = run(&vwh, "missed --repost").exits(0);
    assert_eq!((receiver.posts().len(), count(&vwh, ""), count(&vwh, "a")), (4, 4, 8));
    // What it says to type posts what it shows.
    let _ =
        run(&vwh, "missed -v").exits(0).says("4 events since 2026-01-02T00:05:10Z: vwh missed --repost\n");
    let _ = run(&vwh, "missed a -v")
        .exits(0)
        .says("8 events since 2026-01-02T00:00:00Z: vwh missed a --repost\n");
    let _ = run(&vwh, "missed --repost").exits(0);
    assert_eq!((receiver.posts().len(), count(&vwh, ""), count(&vwh, "a")), (8, 0, 8));
    let _ = run(&vwh, "renew a").exits(0);
    assert_eq!(count(&vwh, "a"), 8);
    let _ = run(&vwh, "missed --repost").exits(0);
    assert_eq!(receiver.posts().len(), 8);
}

/// One gap was posted again, and the next was not.
#[test]
fn an_older_gap_that_was_posted_again_does_not_come_back() {
    let receiver = Receiver::new();
    let rows =
        vec![row(1, "MISSED", "2026-01-02T01:00:00.000Z"), row(2, "MISSED", "2026-02-02T01:00:00.000Z")];
    let service = logging(vec![unsigned("a", &receiver)], rows);
    let vwh = service.vwh();
    let renewed_at = |moment: &str| {
        let _ = run(&vwh, "renew a").exits(0);
        service.with(|webhooks| webhooks.find("a").unwrap()["renewedAt"] = moment.into());
        // What the reply said is the clock of this machine; the test says it otherwise.
        let path = vwh.state().join("gaps.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.last_mut().unwrap()["to"] = moment.into();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, text).unwrap();
    };
    renewed_at("2026-01-03T00:00:00Z");
    let _ = run(&vwh, "missed --repost").exits(0);
    service.with(|webhooks| {
        let statistics = &mut webhooks.find("a").unwrap()["statistics"];
        statistics["lastSuccess"] = "2026-02-01T00:00:00Z".into();
        statistics["lastFailure"] = "2026-02-02T02:00:00Z".into();
        statistics["failed"] = true.into();
    });
    assert_eq!((count(&vwh, ""), count(&vwh, "a")), (1, 1));
    renewed_at("2026-02-03T00:00:00Z");
    assert_eq!((count(&vwh, ""), count(&vwh, "a")), (1, 1));
    let _ = run(&vwh, "missed a --repost").exits(0);
    assert_eq!(receiver.events(), ["1:MISSED", "2:MISSED"]);
    assert_eq!((count(&vwh, ""), count(&vwh, "a")), (0, 1), "the last run's");
}

/// A webhook that never had a success: the first time somebody has to say since when.
#[test]
fn a_start_that_was_given_once_is_remembered() {
    let receiver = Receiver::new();
    let mut webhook = unsigned("a", &receiver);
    webhook["statistics"].as_object_mut().unwrap().remove("lastSuccess");
    let service = logging(vec![webhook], answered(7, 5));
    let vwh = service.vwh();
    let _ = run(&vwh, "missed --repost").exits(2);
    let _ = run(&vwh, "missed a --repost --since 2026-01-02T00:05:01Z").exits(0);
    assert_eq!(receiver.posts().len(), 2);
    assert_eq!(count(&vwh, ""), 0);
    let _ = run(&vwh, "missed --repost").exits(0).without_answer();
}
