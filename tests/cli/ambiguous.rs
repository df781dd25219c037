//! `vwh create` when it is not known whether the request arrived: it never asks twice, and believes the list alone.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json as value};

use crate::service::{Service, healthy};
use crate::support::{Outcome, Reply, Request, Vwh, json, refused};

const URL: &str = "https://hooks.example.test/new";

/// What becomes of the POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    IsLost,
}

/// Replies after which nobody knows.
fn unclear() -> Vec<Reply> {
    let mut replies: Vec<Reply> = [408, 500, 502, 503, 504]
        .into_iter()
        .map(|status| json(status, r#"{"errorMessage": "oops"}"#))
        .collect();
    replies.push(Reply::html(502, "<title>502 Bad Gateway</title>"));
    replies.push(Reply::Close);
    replies.push(json(201, r#"{"id": "new-1"}"#).cut_in_half());
    replies.push(json(
        200,
        r#"{"fault": {"code": 303001, "message": "Currently, Address endpoint is suspended"}}"#,
    ));
    replies
}

fn service(fate: Fate, reply: Reply, list: Vec<Value>) -> Service {
    Service::new(list, move |request, webhooks| {
        if request.method != "POST" {
            return webhooks.answer(request);
        }
        if fate == Fate::Arrives {
            drop(webhooks.answer(request));
        }
        reply.clone()
    })
}

fn create(vwh: &Vwh, flags: &[&str]) -> Outcome {
    vwh.args(["create", "--url", URL].iter().chain(flags).copied()).run()
}

fn after_the_post(service: &Service) -> Vec<String> {
    let lines = service.server.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("POST")).count(), 1, "{lines:?}");
    lines[1..].to_vec()
}

#[test]
fn one_that_arrived_is_found() {
    for reply in unclear() {
        for key in [None, Some("swordfish-123")] {
            let service = service(Fate::Arrives, reply.clone(), vec![healthy("other")]);
            let vwh = service.vwh();
            let outcome = match key {
                Some(key) => create(&vwh.env("VWH_SIGNING_KEY", key), &[]),
                None => create(&vwh, &["--unsigned"]),
            };
            assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "new-1\n"), "{reply:?} {outcome}");
            assert_eq!(outcome.stderr, "", "{reply:?}");
            assert_eq!(after_the_post(&service), ["GET /self/webhooks/"]);
        }
    }
}

#[test]
fn one_that_is_not_listed_may_still_come() {
    for reply in unclear() {
        let service = service(Fate::IsLost, reply.clone(), vec![healthy("other")]);
        let outcome = create(&service.vwh(), &["--unsigned"]).exits(5).without_answer();
        let _ = outcome
            .says("https://hooks.example.test/new may or may not be registered")
            .says("look before you repeat it: vwh list --url 'https://hooks.example.test/new'");
        assert_eq!(after_the_post(&service), ["GET /self/webhooks/"], "{reply:?}");
    }
}

#[test]
fn it_is_told_in_full_what_is_not_known() {
    let reply = Reply::html(502, crate::support::fixture("nginx-502.html"));
    let service = service(Fate::IsLost, reply, vec![]);
    insta::assert_snapshot!(create(&service.vwh(), &["--unsigned"]).snapshot(), @r"
    exit: 5
    --- stdout
    --- stderr
    error: https://hooks.example.test/new may or may not be registered: it is not known whether the request arrived: 127.0.0.1:[PORT] answered 502 Bad Gateway: an HTML page titled “502 Bad Gateway”

    hint: look before you repeat it: vwh list --url 'https://hooks.example.test/new'
    ");
    let outcome = create(&service.vwh(), &["--unsigned", "--json"]).exits(5).without_answer();
    assert_eq!(
        (&outcome.error()["kind"], &outcome.error()["status"]),
        (&value!("unavailable"), &value!(502))
    );
}

/// An equal one from before is not what was asked for, unless it has the very key.
#[test]
fn an_older_one_is_not_taken_for_it() {
    let mut older = healthy("older");
    older["url"] = URL.into();
    let lost = service(Fate::IsLost, json(500, "{}"), vec![older.clone()]);
    let _ = create(&lost.vwh(), &["--unsigned"]).exits(5).without_answer();
    older["signingKey"] = "another key".into();
    older["createdAt"] = chrono::Utc::now().to_rfc3339().into();
    let lost = service(Fate::IsLost, json(500, "{}"), vec![older]);
    let vwh = lost.vwh().env("VWH_SIGNING_KEY", "swordfish-123");
    let _ = create(&vwh, &[]).exits(5).without_answer();
}

#[test]
fn a_list_that_cannot_be_had_decides_nothing() {
    let service = Service::new(vec![], |_, _| json(500, "{}"));
    let _ = create(&service.vwh(), &["--unsigned"])
        .exits(5)
        .without_answer()
        .says("may or may not be registered");
    assert_eq!(service.count("POST"), 1);
}

#[test]
fn silence_ends_with_the_time_limit() {
    let service = service(Fate::Arrives, Reply::Stall, vec![]);
    let outcome = create(&service.vwh(), &["--unsigned", "--timeout", "500ms"]).exits(5).without_answer();
    let _ = outcome.says("may or may not be registered");
    assert_eq!(service.count("POST"), 1);
}

#[test]
fn an_answer_that_cannot_be_read_is_looked_up() {
    for body in ["", "{}", "[]", "created"] {
        let found = service(Fate::Arrives, json(201, body), vec![]);
        let outcome = create(&found.vwh(), &["--unsigned"]).exits(0);
        assert_eq!(outcome.stdout, "new-1\n", "{body:?}");
        assert_eq!(found.count("POST"), 1);
    }
    let lost = service(Fate::IsLost, json(201, "created"), vec![]);
    let _ =
        create(&lost.vwh(), &["--unsigned"]).exits(5).without_answer().says("may or may not be registered");
    let nameless = service(Fate::IsLost, json(201, format!(r#"{{"url": "{URL}"}}"#)), vec![]);
    let _ = create(&nameless.vwh(), &["--unsigned"]).exits(0).says("did not say which id it has");
}

#[test]
fn a_generated_key_is_kept_as_long_as_its_webhook_may_exist() {
    let service = service(Fate::IsLost, json(504, "{}"), vec![]);
    let vwh = service.vwh();
    let _ = create(&vwh, &["--signing-key-out", "key"]).exits(5).without_answer();
    let key = std::fs::read_to_string(vwh.home().join("key")).unwrap();
    let posts = service.server.requests();
    let post = posts.iter().find(|request| request.method == "POST").unwrap().json();
    assert_eq!(post["signingKey"], key.trim_end());
}

/// Without a key, only a webhook that is not older than 5 minutes can be the one that was asked for (design §4).
#[test]
fn an_older_one_without_a_key_is_not_taken_for_it() {
    let aged = |seconds: i64| {
        let mut webhook = healthy("there");
        webhook["url"] = URL.into();
        webhook["createdAt"] = (chrono::Utc::now() - chrono::TimeDelta::seconds(seconds)).to_rfc3339().into();
        service(Fate::IsLost, json(503, "{}"), vec![webhook])
    };
    let older = aged(6 * 60);
    let outcome = create(&older.vwh(), &["--unsigned"]).exits(5).without_answer();
    let _ = outcome.says("may or may not be registered");
    let recent = aged(4 * 60);
    let _ = create(&recent.vwh(), &["--unsigned"]).exits(0);
    assert_eq!((older.count("POST"), recent.count("POST")), (1, 1));
}

#[test]
fn what_was_never_sent_is_tried_again() {
    let refused = refused();
    let vwh = Vwh::connected_to(&refused.base_url());
    let outcome = create(&vwh, &["--signing-key-out", "key"]).exits(5).without_answer();
    assert!(!outcome.stderr.contains("may or may not"), "{outcome}");
    let _ = outcome.says("cannot register https://hooks.example.test/new: cannot connect to 127.0.0.1");
    assert!(!vwh.home().join("key").exists(), "no webhook has this key");
}

/// A server that does not take part in the first `count` POSTs.
fn service_after(count: usize, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Service {
    let refused = AtomicUsize::new(0);
    Service::new(vec![], move |request, webhooks| {
        if request.method == "POST" && refused.fetch_add(1, Ordering::SeqCst) < count {
            return reply(request);
        }
        webhooks.answer(request)
    })
}

#[test]
fn a_throttled_request_was_not_executed_and_is_repeated() {
    let service = service_after(2, |_| json(429, "{}").header("Retry-After", "1"));
    let outcome = create(&service.vwh(), &["--unsigned"]).exits(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("new-1\n", ""));
    assert_eq!(service.changes().len(), 3);
}

#[test]
fn a_new_token_in_the_file_is_tried_once() {
    let vwh = Vwh::new();
    let token = vwh.write("token", "old-token\n");
    let new_token = token.clone();
    let service = service_after(1, move |request| {
        assert_eq!(request.header("authorization"), Some("Bearer old-token"));
        std::fs::write(&new_token, "new-token\n").unwrap();
        json(401, r#"{"errorMessage": "token expired"}"#)
    });
    let base_url = service.server.base_url();
    vwh.configure(&format!(
        "default_profile = 'prod'\n[profiles.prod]\nbase_url = '{base_url}'\ntoken_file = '{}'\n",
        token.display()
    ));
    let outcome = create(&vwh, &["--unsigned"]).exits(0);
    assert_eq!((outcome.stdout.as_str(), service.count("POST")), ("new-1\n", 2));
    let refused = service_after(9, |_| json(401, "{}"));
    let outcome = create(&refused.vwh(), &["--unsigned"]).exits(3).without_answer();
    assert_eq!(refused.count("POST"), 1, "the same token is not tried twice: {outcome}");
}
