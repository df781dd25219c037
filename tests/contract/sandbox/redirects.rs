//! Redirects: 302 with GET, 307 with POST, others are failures, and where they end.

use serde_json::{Value, json};
use vwh::sandbox::Options;

use super::Sandbox;
use super::receiver::{Answer, Posted, Receiver, status, whole};

/// What came of one event, with one attempt, at a receiver that answers `/hook` with this redirect and the rest with 200.
async fn redirected(line: &'static str, location: &str) -> (Vec<Posted>, Value) {
    let sandbox =
        Sandbox::start(Options { empty: true, speed: 0.0, attempts: Some(1), ..Options::default() }).await;
    let header = format!("Location: {location}\r\n");
    let receiver = Receiver::start(move |posted, _| {
        if posted.line().ends_with("/hook") { Answer::Bytes(whole(line, &header)) } else { status("200 OK") }
    })
    .await;
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url(), "metadataPolicy": "HEADER"})]).await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(0).await;
    (receiver.posted(), sandbox.statistics("hook").await)
}

#[tokio::test]
async fn a_302_is_followed_with_get_and_without_a_body() {
    let (posted, statistics) = redirected("302 Found", "/elsewhere?a=b").await;
    assert_eq!(posted.iter().map(Posted::line).collect::<Vec<_>>(), ["POST /hook", "GET /elsewhere?a=b"]);
    assert!(posted[1].body.is_empty());
    assert_eq!(posted[1].header("content-length"), None);
    assert_eq!(posted[1].header("X-VON-Delivery-Id"), posted[0].header("X-VON-Delivery-Id"));
    assert_eq!(statistics["totalSuccesses"], 1);
}

#[tokio::test]
async fn a_307_is_followed_with_post_and_the_same_body() {
    let (posted, statistics) = redirected("307 Temporary Redirect", "/elsewhere").await;
    assert_eq!(posted.iter().map(Posted::line).collect::<Vec<_>>(), ["POST /hook", "POST /elsewhere"]);
    assert_eq!(posted[1].body, posted[0].body);
    assert_eq!(posted[1].header("X-VON-Attempt"), Some("1"));
    assert_eq!(statistics["totalSuccesses"], 1);
}

#[tokio::test]
async fn other_redirects_are_failures() {
    for (line, code) in [
        ("301 Moved Permanently", "301 MOVED_PERMANENTLY"),
        ("303 See Other", "303 SEE_OTHER"),
        ("308 Permanent Redirect", "308 PERMANENT_REDIRECT"),
    ] {
        let (posted, statistics) = redirected(line, "/elsewhere").await;
        assert_eq!((posted.len(), &statistics["lastHttpErrorCode"]), (1, &json!(code)));
    }
}

#[tokio::test]
async fn nobody_is_led_to_another_host() {
    let (posted, statistics) = redirected("302 Found", "http://hooks.example.com/").await;
    assert_eq!(posted.len(), 1);
    let message = "I/O error on POST request: hooks.example.com is not allowed";
    assert_eq!(statistics["lastErrorMessage"], message);
}

#[tokio::test]
async fn a_loop_has_failed_at_once_whatever_attempts_are_left() {
    let sandbox = Sandbox::frozen().await;
    let receiver =
        Receiver::start(|_, _| Answer::Bytes(whole("307 Temporary Redirect", "Location: /hook\r\n"))).await;
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url(), "metadataPolicy": "HEADER"})]).await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(0).await;
    assert_eq!(receiver.steps(), vec!["INITIALIZING 1"; 6], "the first and five that it was led to");
    let statistics = sandbox.statistics("hook").await;
    assert_eq!((&statistics["failed"], &statistics["totalFailures"]), (&json!(true), &json!(1)));
    assert_eq!(statistics["lastErrorMessage"], "I/O error on POST request: Maximum redirects exceeded");
    sandbox.advance(600).await;
    assert_eq!(receiver.posted().len(), 6);
}
