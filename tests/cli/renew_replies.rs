//! What a renewal is answered with, and what vwh takes for a webhook that was renewed.

use serde_json::Value;

use crate::service::{Service, Webhooks, failed, healthy};
use crate::support::{Outcome, Reply, json};

/// The service's clock is ahead of everybody's.
const DATE: &str = "Tue, 05 Mar 2080 12:00:00 GMT";

fn renew(service: &Service) -> Outcome {
    service.vwh().args(["renew", "a", "--json"]).run()
}

/// The outcome of the one webhook.
fn outcome(outcome: &Outcome) -> String {
    let results = outcome.json()["results"].clone();
    assert_eq!(results.as_array().unwrap().len(), 1, "{outcome}");
    results[0]["outcome"].as_str().unwrap().to_owned()
}

fn expiring_at(time: &str) -> Value {
    let mut webhook = healthy("a");
    webhook["expireAt"] = time.into();
    webhook
}

/// A service that says `reply` to a renewal after it did `work`.
fn saying(webhook: Value, reply: &Reply, work: impl Fn(&mut Webhooks) + Send + Sync + 'static) -> Service {
    let reply = reply.clone();
    let service = Service::new(vec![webhook], move |request, webhooks| {
        if request.method == "PUT" {
            work(webhooks);
            return reply.clone().header("Date", DATE);
        }
        webhooks.answer(request)
    });
    service.with(|webhooks| webhooks.date = Some(DATE.to_owned()));
    service
}

/// Not yet expired by the clock of this machine.
#[test]
fn one_that_is_still_expired_by_the_services_clock_is_none() {
    let expired = expiring_at("2080-03-01T00:00:00Z");
    for reply in [json(200, expired.to_string()), Reply::new(200, ""), Reply::new(204, "")] {
        let service = saying(expired.clone(), &reply, |_| ());
        let answer = renew(&service).exits(1);
        assert_eq!(outcome(&answer), "error", "{reply:?}\n{answer}");
        let message = answer.json()["results"][0]["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("expired"), "{answer}");
    }
}

/// Expired by the clock of the service alone, and renewed by it.
#[test]
fn one_that_expires_later_is_renewed() {
    let later = expiring_at("2080-03-15T12:00:00Z");
    let service =
        saying(expiring_at("2080-03-01T00:00:00Z"), &json(200, later.to_string()), move |webhooks| {
            *webhooks.find("a").unwrap() = later.clone();
        });
    let answer = renew(&service).exits(0);
    assert_eq!((outcome(&answer).as_str(), answer.stderr.as_str()), ("renewed", ""));
}

#[test]
fn a_reply_that_is_not_the_webhook_is_looked_up() {
    let stranger = healthy("somebody-else").to_string();
    for body in [r#"{"ok":true}"#, "{}", "[]", "null", "true", stranger.as_str()] {
        let service = saying(failed("a"), &json(200, body), |webhooks| {
            webhooks.find("a").unwrap()["statistics"]["failed"] = false.into();
        });
        let answer = renew(&service).exits(0);
        assert_eq!(outcome(&answer), "renewed", "{body}\n{answer}");
        let lines = service.server.lines();
        let position = lines.iter().position(|line| line.starts_with("PUT ")).unwrap();
        assert!(lines[position + 1..].iter().all(|line| line.starts_with("GET ")), "{lines:?}");
        assert_eq!(lines.len(), position + 2, "{body}: {lines:?}");
    }
}

#[test]
fn a_reply_that_is_not_the_webhook_proves_nothing() {
    let stranger = healthy("a-stranger").to_string();
    for body in [r#"{"ok":true}"#, "[]", stranger.as_str()] {
        let service = saying(failed("a"), &json(200, body), |_| ());
        let answer = renew(&service).exits(1);
        assert_eq!(outcome(&answer), "error", "{body}\n{answer}");
        assert_eq!(service.count("PUT"), 1);
    }
}

/// It said yes and gave nothing to see; by the time it is asked again, the webhook is gone or nobody can say.
#[test]
fn what_cannot_be_looked_up_was_not_seen_renewed() {
    for (status, expected) in [(404, "gone"), (422, "error")] {
        for body in ["", r#"{"ok":true}"#] {
            let service = Service::new(vec![failed("a")], move |request, webhooks| {
                match (request.method.as_str(), request.path.as_str()) {
                    ("PUT", _) => json(200, body),
                    ("GET", "/self/webhooks/a") => json(status, "{}"),
                    _ => webhooks.answer(request),
                }
            });
            let answer = renew(&service).exits(1);
            assert_eq!(outcome(&answer), expected, "{status} {body:?}\n{answer}");
        }
    }
}
