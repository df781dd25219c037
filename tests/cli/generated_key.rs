//! A generated signing key: it exists once, so it is kept wherever a webhook may have it, and made only for a new one.

use std::fs;

use serde_json::{Value, json as value};

use crate::service::{Service, failed, failed_and_signed, healthy};
use crate::support::{Outcome, Reply, Vwh, json};

const URL: &str = "https://hooks.example.test/new";

fn create(vwh: &Vwh, flags: &[&str]) -> Outcome {
    vwh.args(["create", "--url", URL].iter().chain(flags).copied()).run()
}

/// The key of the only POST.
fn posted_key(service: &Service) -> String {
    let requests = service.server.requests();
    let [post] = requests.iter().filter(|request| request.method == "POST").collect::<Vec<_>>()[..] else {
        panic!("not one POST: {:?}", service.server.lines());
    };
    let key = post.json()["signingKey"].as_str().unwrap().to_owned();
    assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    key
}

/// The webhook that a create without further flags asks for.
fn signed(key: &str) -> Value {
    let mut webhook = healthy("a");
    webhook["url"] = URL.into();
    webhook["signingAlgo"] = "HMAC_SHA256".into();
    webhook["signingKey"] = key.into();
    webhook["metadataPolicy"] = "HEADER".into();
    webhook
}

/// A service that answers a POST with 201 and this body; whether it registers anything is the other question.
fn confirming(body: &'static str, registers: bool) -> Service {
    Service::new(vec![healthy("other")], move |request, webhooks| {
        if request.method != "POST" {
            return webhooks.answer(request);
        }
        if registers {
            drop(webhooks.answer(request));
        }
        Reply::new(201, body)
    })
}

#[test]
fn its_file_stays_when_an_unreadable_yes_is_not_borne_out() {
    for body in ["", "ok", "{}", "[]", "{\"ok\": true}"] {
        let service = confirming(body, false);
        let vwh = service.vwh();
        let outcome = create(&vwh, &["--signing-key-out", "key"]).exits(5).without_answer();
        let _ = outcome.says("may or may not be registered");
        assert_eq!(fs::read_to_string(vwh.home().join("key")).unwrap().trim_end(), posted_key(&service));
        assert_eq!(service.server.lines(), ["POST /self/webhooks/", "GET /self/webhooks/"], "{body:?}");
    }
}

#[test]
fn an_unreadable_yes_is_borne_out_by_the_list() {
    for body in ["", "ok"] {
        let service = confirming(body, true);
        let vwh = service.vwh();
        let outcome = create(&vwh, &["--signing-key-out", "key"]).exits(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("new-1\n", ""), "{body:?}");
        assert_eq!(fs::read_to_string(vwh.home().join("key")).unwrap().trim_end(), posted_key(&service));
    }
}

/// The list has an equal one, with another key.
#[test]
fn another_key_in_the_list_bears_nothing_out() {
    let service = Service::new(vec![signed("another key")], |request, webhooks| {
        if request.method == "POST" { json(201, "ok") } else { webhooks.answer(request) }
    });
    let vwh = service.vwh();
    let _ = create(&vwh, &["--signing-key-out", "key"]).exits(5).without_answer();
    assert_eq!(fs::read_to_string(vwh.home().join("key")).unwrap().trim_end(), posted_key(&service));
}

#[cfg(unix)]
#[test]
fn a_person_sees_it_even_if_nobody_knows_what_became_of_the_webhook() {
    use crate::support::{Screen, Stream};
    for reply in [json(503, "{}"), Reply::Close, Reply::new(201, "ok")] {
        let service = Service::new(vec![healthy("other")], move |request, webhooks| {
            if request.method == "POST" { reply.clone() } else { webhooks.answer(request) }
        });
        let screen = Screen::columns(120).without(Stream::Stdout);
        let outcome = service.vwh().args(["create", "--url", URL]).on_terminal(&screen).wait();
        let outcome = outcome.exits(5).without_answer();
        let shown = outcome.screen.as_ref().unwrap();
        assert_eq!(shown.matches(&posted_key(&service)).count(), 1, "{outcome}");
        assert!(shown.contains("may or may not be registered"), "{outcome}");
    }
}

#[test]
fn a_second_run_leaves_its_file_alone() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let flags = ["--if-absent", "--signing-key-out", "k1", "--json"];
    let first = create(&vwh, &flags).exits(0).json();
    assert_eq!((&first["vwh"]["outcome"], &first["id"]), (&value!("created"), &value!("new-1")));
    let key = fs::read(vwh.home().join("k1")).unwrap();
    let second = create(&vwh, &flags).exits(0);
    assert_eq!(second.stderr, "");
    let second = second.json();
    assert_eq!((&second["vwh"]["outcome"], &second["id"]), (&value!("unchanged"), &value!("new-1")));
    assert_eq!(fs::read(vwh.home().join("k1")).unwrap(), key);
    assert_eq!(service.changes(), ["POST /self/webhooks/"]);
}

/// Where a new one is due, the rule of every new key holds.
#[test]
fn its_file_is_not_overwritten_for_one_that_is_absent() {
    let service = Service::honest(vec![healthy("other")]);
    let vwh = service.vwh();
    let file = vwh.write("k1", "the key of something else\n");
    let outcome = create(&vwh, &["--if-absent", "--signing-key-out", "k1"]).exits(2).without_answer();
    let _ = outcome.says("k1");
    assert_eq!(fs::read_to_string(file).unwrap(), "the key of something else\n");
    assert_eq!(service.changes(), Vec::<String>::new());
}

#[test]
fn none_is_needed_for_one_that_is_there() {
    let service = Service::honest(vec![signed("the one key")]);
    let outcome = create(&service.vwh(), &["--if-absent", "--json"]).exits(0);
    assert_eq!(outcome.stderr, "");
    let webhook = outcome.json();
    assert_eq!((&webhook["vwh"]["outcome"], &webhook["id"]), (&value!("unchanged"), &value!("a")));
    assert_eq!(service.server.lines(), ["GET /self/webhooks/"]);
}

#[test]
fn none_is_needed_to_renew_one_that_is_there() {
    let mut broken = signed("the one key");
    broken["statistics"] = failed("a")["statistics"].clone();
    let service = Service::honest(vec![broken]);
    let outcome = create(&service.vwh(), &["--if-absent", "--json"]).exits(0);
    assert_eq!(outcome.json()["vwh"]["outcome"], "renewed");
    assert_eq!(service.changes(), ["PUT /self/webhooks/a/renew"]);
}

/// The one that is there has another address.
#[test]
fn one_that_would_be_lost_is_not_sent() {
    let service = Service::honest(vec![failed_and_signed("a", "the one key")]);
    for flags in [&["--if-absent"][..], &["--if-absent", "--json"]] {
        let _ = create(&service.vwh(), flags).exits(2).without_answer().says("--signing-key-out");
    }
    assert_eq!(service.changes(), Vec::<String>::new());
}
