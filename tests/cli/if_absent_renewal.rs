//! `vwh create --if-absent` where the webhook is there and failed: `renewed` is said of what was renewed, and only then.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::service::{Service, failed, url};
use crate::support::{Outcome, Reply, json};

fn ensure(service: &Service) -> Outcome {
    let url = url("a");
    service.vwh().args(["create", "--if-absent", "--unsigned", "--url", &url, "--json"]).run()
}

#[test]
fn a_throttled_renewal_is_waited_for() {
    let was_held = AtomicBool::new(false);
    let service = Service::new(vec![failed("a")], move |request, webhooks| {
        if request.method == "PUT" && !was_held.swap(true, Ordering::SeqCst) {
            return json(429, "{}").header("Retry-After", "1");
        }
        webhooks.answer(request)
    });
    let outcome = ensure(&service).exits(0);
    assert_eq!(outcome.json()["vwh"]["outcome"], "renewed");
    assert_eq!(service.changes(), ["PUT /self/webhooks/a/renew"; 2]);
}

#[test]
fn a_passing_failure_is_repeated() {
    let was_closed = AtomicBool::new(false);
    let service = Service::new(vec![failed("a")], move |request, webhooks| {
        if request.method == "PUT" && !was_closed.swap(true, Ordering::SeqCst) {
            return Reply::Close;
        }
        webhooks.answer(request)
    });
    let outcome = ensure(&service).exits(0);
    assert_eq!(outcome.json()["vwh"]["outcome"], "renewed");
    assert_eq!(service.count("PUT"), 2);
}

/// It is read again where the reply does not show it, and stays failed.
#[test]
fn one_that_is_still_failed_is_not_renewed() {
    for reply in [json(200, failed("a").to_string()), Reply::new(204, ""), json(200, r#"{"ok":true}"#)] {
        let service = Service::new(vec![failed("a")], move |request, webhooks| {
            if request.method == "PUT" { reply.clone() } else { webhooks.answer(request) }
        });
        let outcome = ensure(&service).without_answer().says("failed");
        assert!(matches!(outcome.code, Some(1 | 6)), "{outcome}");
        assert_eq!(service.changes(), ["PUT /self/webhooks/a/renew"], "nor is another one registered");
    }
}

/// An answer has an id in it, or there is none.
#[test]
fn what_cannot_be_looked_up_is_no_answer_without_an_id() {
    let service = Service::new(vec![failed("a")], |request, webhooks| match request.line().as_str() {
        "PUT /self/webhooks/a/renew" => json(200, r#"{"ok":true}"#),
        "GET /self/webhooks/a" => json(422, "{}"),
        _ => webhooks.answer(request),
    });
    let url = url("a");
    let outcome = service.vwh().args(["create", "--if-absent", "--unsigned", "--url", &url]).run();
    assert!(outcome.code != Some(0) && outcome.stdout.is_empty(), "{outcome}");
}
