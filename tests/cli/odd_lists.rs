//! Lists that are not what was asked for: in part no webhooks, no text, or not there at all.

use serde_json::{Value, json as value};

use crate::service::{Service, failed, healthy};
use crate::support::{Outcome, Reply, Server, Vwh, json};

fn list(reply: &Reply, flags: &[&str]) -> Outcome {
    let reply = reply.clone();
    let server = Server::new(move |_| reply.clone());
    Vwh::connected_to(&server.base_url()).args(["list"].iter().chain(flags).copied()).run()
}

/// The text of the only warning, which is JSON where the answer is.
#[track_caller]
fn warning(outcome: &Outcome) -> String {
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let [line] = lines[..] else { panic!("not one line\n{outcome}") };
    if !outcome.stdout.starts_with(['[', '{']) {
        return line.strip_prefix("warning: ").unwrap().to_owned();
    }
    let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}\n{outcome}"));
    object["warning"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_no_webhook_is_counted() {
    let reply = json(200, value!([null, healthy("a"), 7]).to_string());
    for format in ["table", "wide", "csv", "jsonl", "json"] {
        let outcome = list(&reply, &["-o", format]).exits(0);
        let warning = warning(&outcome);
        assert!(warning.starts_with('2') && warning.contains("no webhook"), "{outcome}");
        assert!(outcome.stdout.contains("https://hooks.example.test/a"), "{outcome}");
    }
    let outcome = list(&reply, &["--json"]).exits(0).json();
    let ids: Vec<&Value> = outcome.as_array().unwrap().iter().map(|webhook| &webhook["id"]).collect();
    assert_eq!(ids, ["a"]);
}

#[test]
fn one_that_is_no_webhook_is_one() {
    for element in [value!(null), value!(7), value!("text"), value!([]), value!([healthy("b")]), value!(true)]
    {
        let reply = json(200, value!([healthy("a"), element]).to_string());
        let outcome = list(&reply, &["--json"]).exits(0);
        assert_eq!(outcome.json().as_array().unwrap().len(), 1, "{element}\n{outcome}");
        assert!(warning(&outcome).starts_with('1'), "{outcome}");
    }
    let outcome = list(&json(200, value!([healthy("a")]).to_string()), &["--json"]).exits(0);
    assert_eq!(outcome.stderr, "");
}

/// An array of nothing but other things is no list of webhooks, and above all no empty one.
#[test]
fn nothing_but_what_is_no_webhook_is_no_list() {
    for document in ["[null]", "[7, \"text\"]", "[[]]"] {
        let _ = list(&json(200, document), &["--json"]).exits(70).without_answer();
    }
}

/// What is no webhook has no part in what is removed.
#[test]
fn the_webhooks_beside_it_are_pruned() {
    let service = Service::new(vec![failed("a")], |request, webhooks| {
        if request.line() != "GET /self/webhooks/" {
            return webhooks.answer(request);
        }
        let mut list = webhooks.list.clone();
        list.extend([value!(null), value!(7)]);
        json(200, value!(list).to_string())
    });
    let outcome = service.vwh().args(["prune-failed", "--json"]).run().exits(0);
    assert_eq!(outcome.json()["summary"]["removed"], 1, "{outcome}");
    assert_eq!(service.changes(), ["DELETE /self/webhooks/a"]);
}

#[test]
fn one_that_is_no_text_is_said_to_be_none() {
    let body = b"[{\"id\":\"a\",\"url\":\"\xff\xfe\"}]";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let reply = Reply::Raw([head.as_bytes(), body].concat());
    let _ = list(&reply, &[]).exits(70).without_answer().says("UTF-8");
    let outcome = list(&reply, &["--json"]).exits(70).without_answer();
    assert!(outcome.error().to_string().contains("UTF-8"), "{outcome}");
}

/// Nothing of the user's is missing: the service is not where it was looked for.
#[test]
fn one_that_is_not_there_is_a_question_of_the_address() {
    let replies = [
        json(404, r#"{"errorCode": "NOT_FOUND", "errorMessage": "No such resource"}"#),
        Reply::html(404, "<title>404 Not Found</title>"),
        Reply::new(404, ""),
    ];
    for reply in replies {
        let server = Server::new(move |_| reply.clone());
        let vwh = Vwh::connected_to(&server.base_url());
        for command in [
            &["list"][..],
            &["status"],
            &["prune-failed"],
            &["renew", "--failed"],
            &["renew", "a"],
            &["delete", "a", "--yes"],
        ] {
            let outcome = vwh.args(command.iter().copied()).run().exits(4).without_answer().says("404");
            let said = outcome.stderr.to_lowercase().replace('_', " ");
            assert!(said.contains("base url"), "{command:?}\n{outcome}");
            assert!(!said.contains("vwh list"), "{command:?}\n{outcome}");
        }
    }
}
