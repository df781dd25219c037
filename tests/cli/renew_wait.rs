//! `vwh renew --wait`: what became of the renewed webhooks, by the service's list.

use serde_json::{Value, json as value};

use crate::service::{Service, Webhooks, failed, healthy, many};
#[cfg(unix)]
use crate::support::Signal;
use crate::support::{Outcome, Request};

/// A service where `then` happens to the webhooks once all `count` of them are renewed.
fn then(list: Vec<Value>, count: usize, then: impl Fn(&mut Webhooks) + Send + Sync + 'static) -> Service {
    let renewed = std::sync::atomic::AtomicUsize::new(0);
    Service::new(list, move |request: &Request, webhooks| {
        let reply = webhooks.answer(request);
        if request.method == "PUT" && renewed.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == count {
            then(webhooks);
        }
        reply
    })
}

fn renew(service: &Service, flags: &[&str]) -> Outcome {
    service.vwh().args(["renew", "--failed", "--wait", "100ms"].iter().chain(flags).copied()).run()
}

fn delivers(webhooks: &mut Webhooks, id: &str) {
    let webhook = webhooks.find(id).unwrap();
    webhook["statistics"]["totalSuccesses"] = 6.into();
    webhook["statistics"]["totalAttempts"] = 9.into();
    webhook["statistics"]["lastSuccess"] = chrono::Utc::now().to_rfc3339().into();
}

#[test]
fn a_delivery_proves_the_receiver() {
    let service = then(vec![failed("a"), healthy("b")], 1, |webhooks| delivers(webhooks, "a"));
    insta::assert_snapshot!(renew(&service, &[]).snapshot(), @r"
    exit: 0
    --- stdout
    delivered  a  https://hooks.example.test/a
    --- stderr
    ");
    // The list, the renewal, and one list for the look.
    assert_eq!(service.server.requests().len(), 3);
}

/// A service that tells no times still counts.
#[test]
fn one_more_success_is_a_delivery_too() {
    let service = then(vec![failed("a")], 1, |webhooks| {
        let webhook = webhooks.find("a").unwrap();
        webhook["statistics"] = value!({"totalAttempts": 9, "totalSuccesses": 6, "totalFailures": 3});
        webhook.as_object_mut().unwrap().remove("renewedAt");
    });
    assert!(renew(&service, &[]).exits(0).stdout.starts_with("delivered  a "));
}

#[test]
fn each_is_told_by_what_became_of_it() {
    let service = then(many(4, failed), 4, |webhooks| {
        delivers(webhooks, "w-001");
        webhooks.find("w-002").unwrap()["statistics"]["failed"] = true.into();
        let _ = webhooks.delete("w-003");
    });
    insta::assert_snapshot!(renew(&service, &[]).snapshot(), @r"
    exit: 5
    --- stdout
    delivered  w-001  https://hooks.example.test/w-001
    error  w-002  https://hooks.example.test/w-002  it was renewed and has failed again: 503 SERVICE_UNAVAILABLE (hint: repair the receiver; what it answered is in: vwh status w-002)
    gone  w-003  https://hooks.example.test/w-003  it is not registered any more (hint: create it again: vwh create --url URL)
    renewed  w-004  https://hooks.example.test/w-004
    --- stderr
    error: 1 of 4 webhooks had no delivery within 100ms

    hint: it is renewed; a call proves the receiver, then look with: vwh list
    ");
}

#[test]
fn one_that_fails_again_is_an_error_and_nothing_is_waited_for_any_longer() {
    let service = then(vec![failed("a")], 1, |webhooks| {
        webhooks.find("a").unwrap()["statistics"]["failed"] = true.into();
    });
    let outcome = renew(&service, &["--json"]).exits(1);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["results"][0]["outcome"], "error");
    assert_eq!(answer["summary"]["delivered"], 0);
    assert_eq!(service.count("GET"), 2);
}

#[test]
fn nothing_renewed_is_nothing_to_wait_for() {
    let service = Service::honest(vec![healthy("a")]);
    let outcome = renew(&service, &[]).exits(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    assert_eq!(service.server.requests().len(), 1);
}

/// Between two looks half a minute passes, so that waiting uses up no quota.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_waiting_with_what_is_known() {
    let service = Service::honest(vec![failed("a")]);
    let mut process = service.vwh().args(["renew", "--failed", "--wait", "1h", "-v"]).spawn();
    process.wait_for_error_line(|line| line.contains("waiting up to 1h for deliveries to 1 webhook"));
    process.signal(Signal::INT);
    let outcome = process.wait().exits(130);
    assert_eq!(outcome.stdout, "renewed  a  https://hooks.example.test/a\n");
    assert!(outcome.stderr.ends_with("error: interrupted\n"), "{outcome}");
    assert_eq!(service.server.requests().len(), 2);
}

/// A list that cannot be had for a moment does not end the waiting; one that never can be does.
#[test]
fn a_service_that_refuses_the_token_ends_the_waiting() {
    let renewed = std::sync::atomic::AtomicBool::new(false);
    let service = Service::new(vec![failed("a")], move |request, webhooks| {
        if request.method == "PUT" {
            renewed.store(true, std::sync::atomic::Ordering::SeqCst);
        } else if renewed.load(std::sync::atomic::Ordering::SeqCst) {
            return crate::support::json(401, r#"{"fault":{"code":900901,"message":"Invalid Credentials"}}"#);
        }
        webhooks.answer(request)
    });
    let outcome = renew(&service, &[]).exits(3);
    assert_eq!(outcome.stdout, "renewed  a  https://hooks.example.test/a\n");
}
