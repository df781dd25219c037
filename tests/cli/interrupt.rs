//! Ctrl-C and SIGTERM during a batch: what is under way ends, the rest is left, and the answer says which is which.

#![cfg(unix)]

use std::sync::mpsc;

use serde_json::{Value, json as value};

use crate::service::{Service, failed, journal, many};
use crate::support::{Signal, Vwh, json};

/// A service whose third DELETE is answered only when the sender says so.
fn gated() -> (Service, mpsc::Sender<()>) {
    let (open, gate) = mpsc::channel();
    let gate = std::sync::Mutex::new(gate);
    let service = Service::new(many(6, failed), move |request, webhooks| {
        if request.method == "DELETE" && webhooks.list.len() == 4 {
            let _ = gate.lock().unwrap().recv();
        }
        webhooks.answer(request)
    });
    (service, open)
}

fn interrupted(
    vwh: &Vwh,
    service: &Service,
    open: &mpsc::Sender<()>,
    signal: Signal,
) -> crate::support::Outcome {
    let arguments = ["prune-failed", "--max", "6", "--concurrency", "1", "--json"];
    let process = vwh.args(arguments).spawn();
    service.server.wait_for_requests(2 + 3);
    process.signal(signal);
    open.send(()).unwrap();
    process.wait()
}

#[test]
fn what_is_under_way_ends_and_the_rest_is_left() {
    for signal in [Signal::INT, Signal::TERM] {
        let (service, open) = gated();
        let vwh = service.vwh();
        let outcome = interrupted(&vwh, &service, &open, signal).exits(130);
        let summary = value!({"total": 6, "removed": 3, "renewed": 0, "spared": 0, "gone": 0, "error": 0, "skipped": 3});
        assert_eq!(outcome.json()["summary"], summary);
        let error = value!({"kind": "interrupted", "message": "stopped early, 3 of 6 not done", "hint": null,
            "status": null, "causes": ["interrupted"]});
        assert_eq!(outcome.error(), error);
        assert_eq!(service.ids(), ["w-004", "w-005", "w-006"]);
        assert_eq!(service.count("DELETE"), 3);
        let lines = journal(&vwh);
        let kept: Vec<&Value> =
            lines.iter().filter(|line| line["action"] == "kept").map(|line| &line["id"]).collect();
        assert_eq!(kept, ["w-004", "w-005", "w-006"]);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (service, open) = gated();
    let vwh = service.vwh();
    let process = vwh.args(["prune-failed", "--max", "6", "--concurrency", "1"]).spawn();
    service.server.wait_for_requests(2 + 3);
    process.signal(Signal::INT);
    // Two signals of one kind may arrive as one; two kinds may not.
    process.signal(Signal::TERM);
    let outcome = process.wait().exits(130);
    assert_eq!(outcome.stderr, "error: interrupted\n");
    open.send(()).unwrap();
}

#[test]
fn an_interrupted_run_can_be_finished_and_undone() {
    let (service, open) = gated();
    let vwh = service.vwh();
    let _ = interrupted(&vwh, &service, &open, Signal::INT).exits(130);
    let _ = vwh.args(["prune-failed", "--max", "6"]).run().exits(0);
    assert_eq!(service.ids(), Vec::<String>::new());
    let _ = vwh.args(["restore", "--since", "1h"]).run().exits(0);
    assert_eq!(service.urls().len(), 6);
}

/// It was sent, so it may be gone: what the service said is told, and the rest never had its turn.
#[test]
fn what_is_being_repeated_ends_with_what_was_answered() {
    for signal in [Signal::INT, Signal::TERM] {
        let service = Service::new(many(3, failed), |request, webhooks| match request.method.as_str() {
            "DELETE" => json(503, r#"{"errorMessage": "restarting"}"#),
            _ => webhooks.answer(request),
        });
        let vwh = service.vwh();
        let arguments = ["prune-failed", "--max", "3", "--concurrency", "1", "--json", "-vv"];
        let mut process = vwh.args(arguments).spawn();
        process.wait_for_error_line(|line| line.contains("attempt 1 of "));
        process.signal(signal);
        let outcome = process.wait().exits(130);
        let answer = outcome.json();
        let results: Vec<[&Value; 3]> = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| [&result["id"], &result["outcome"], &result["error"]["status"]])
            .collect();
        let expected = [
            ("w-001", "error", value!(503)),
            ("w-002", "skipped", value!(null)),
            ("w-003", "skipped", value!(null)),
        ]
        .map(|(id, outcome, status)| [value!(id), value!(outcome), status]);
        assert_eq!(results, expected.each_ref().map(<[serde_json::Value; 3]>::each_ref), "{outcome}");
        let sent: Vec<String> = service.changes();
        assert!(sent.iter().all(|line| line == "DELETE /self/webhooks/w-001"), "{sent:?}");
    }
}
