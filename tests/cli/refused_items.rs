//! One item of a batch that is refused: the others have their turn, the run does not end well, and undoing passes it over.

use serde_json::Value;

use crate::service::{Service, Webhooks, failed, healthy, many, url};
use crate::support::{Outcome, Reply, Request, Vwh, json};

/// Refuses to change the webhooks of these ids.
fn refusing(list: Vec<Value>, ids: &'static [&'static str]) -> Service {
    Service::new(list, move |request, webhooks| refuse(request, webhooks, ids))
}

fn refuse(request: &Request, webhooks: &mut Webhooks, ids: &[&str]) -> Reply {
    let is_refused = request.method != "GET" && ids.iter().any(|id| request.path.contains(id));
    if is_refused { json(403, r#"{"errorMessage": "not yours"}"#) } else { webhooks.answer(request) }
}

/// Id, outcome and status of each result, in the order of the answer.
fn results(outcome: &Outcome) -> Vec<(String, String, Option<u64>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = outcome.json()["results"].as_array().unwrap().clone();
    let result =
        |result: &Value| (text(&result["id"]), text(&result["outcome"]), result["error"]["status"].as_u64());
    results.iter().map(result).collect()
}

fn run(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    vwh.args(arguments.iter().copied()).run()
}

#[test]
fn the_next_one_is_sent_all_the_same() {
    let cases: [(&[&str], &str, &str); 3] = [
        (&["prune-failed", "--max", "3"], "DELETE", "removed"),
        (&["delete", "w-001", "w-002", "w-003", "--yes"], "DELETE", "removed"),
        (&["renew", "--failed"], "PUT", "renewed"),
    ];
    for (arguments, method, done) in cases {
        let service = refusing(many(3, failed), &["w-001"]);
        let arguments = [arguments, &["--concurrency", "1", "--json"]].concat();
        let outcome = run(&service.vwh(), &arguments).exits(1);
        let expected = [("w-001", "error", Some(403)), ("w-002", done, None), ("w-003", done, None)];
        let expected = expected.map(|(id, outcome, status)| (id.to_owned(), outcome.to_owned(), status));
        assert_eq!(results(&outcome), expected, "{outcome}");
        assert_eq!(outcome.error()["kind"], "failure", "{outcome}");
        assert_eq!(service.count(method), 3, "a refusal is not repeated");
    }
}

#[test]
fn a_refused_restore_does_not_stop_the_next() {
    let service = Service::new(vec![healthy("a"), healthy("b")], |request, webhooks| {
        if request.method == "POST" && request.json()["url"] == url("a") {
            return json(403, r#"{"errorMessage": "not yours"}"#);
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    let _ = run(&vwh, &["delete", "a", "b", "--yes"]).exits(0);
    let outcome = run(&vwh, &["restore", "--last", "--concurrency", "1", "--json"]).exits(1);
    let outcomes: Vec<String> = results(&outcome).into_iter().map(|(_, outcome, _)| outcome).collect();
    assert_eq!(outcomes, ["error", "restored"], "{outcome}");
    assert_eq!(service.urls(), [url("b")]);
}

#[test]
fn a_reader_that_left_does_not_make_it_a_success() {
    for arguments in [&["delete", "a", "b", "--yes"][..], &["delete", "a", "b", "--yes", "--json"]] {
        let service = refusing(vec![healthy("a"), healthy("b")], &["/a", "/b"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let outcome = service.vwh().args(arguments.iter().copied()).stdout(writer).run();
        let _ = outcome.exits(1).says("could not be removed");
        assert_eq!(service.count("DELETE"), 2);
    }
}

/// Without a failure, a reader that left is no failure either.
#[test]
fn a_reader_that_left_does_not_make_it_a_failure() {
    let service = Service::honest(vec![healthy("a"), healthy("b")]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let outcome = service.vwh().args(["delete", "a", "b", "--yes"]).stdout(writer).run().exits(0);
    assert_eq!((outcome.stderr.as_str(), service.ids()), ("", Vec::new()));
}

/// A run that removed nothing is not the last one that removed something.
#[test]
fn undoing_the_last_run_passes_over_one_that_was_refused() {
    let service = refusing(vec![failed("a"), failed("b"), healthy("kept")], &["kept"]);
    let vwh = service.vwh();
    let _ = run(&vwh, &["prune-failed"]).exits(0);
    assert_eq!(service.ids(), ["kept"]);
    let refused = run(&vwh, &["delete", "kept", "--yes"]);
    assert!(matches!(refused.code, Some(1 | 3)), "{refused}");
    let outcome = run(&vwh, &["restore", "--last", "--json"]).exits(0);
    assert_eq!(outcome.json()["summary"]["restored"], 2, "{outcome}");
    assert_eq!(service.urls(), [url("a"), url("b"), url("kept")]);
    let again = run(&vwh, &["restore", "--last"]).exits(0);
    assert_eq!((again.stdout.as_str(), service.count("POST")), ("", 2));
}

/// Nor is one whose DELETE got no usable answer, as long as its webhook is still there.
#[test]
fn undoing_the_last_run_passes_over_one_that_came_to_nothing() {
    let service = Service::new(vec![failed("a"), failed("b"), healthy("kept")], |request, webhooks| {
        if request.method == "DELETE" && request.path.ends_with("kept") {
            return json(503, "{}");
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    let _ = run(&vwh, &["prune-failed"]).exits(0);
    let _ = run(&vwh, &["delete", "kept", "--yes", "--timeout", "1s"]);
    assert_eq!(service.ids(), ["kept"]);
    let outcome = run(&vwh, &["restore", "--last", "--json"]).exits(0);
    assert_eq!(outcome.json()["summary"]["restored"], 2, "{outcome}");
    assert_eq!(service.urls(), [url("a"), url("b"), url("kept")]);
}
