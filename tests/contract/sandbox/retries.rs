//! Deliveries that do not arrive: attempts, pauses on the sandbox clock, and what the statistics say in the end.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vwh::sandbox::Options;

use super::Sandbox;
use super::receiver::{Answer, Receiver, status, whole};

/// A sandbox whose clock moves by hand, with one attempt for a delivery.
async fn impatient() -> Sandbox {
    Sandbox::start(Options { empty: true, speed: 0.0, attempts: Some(1), ..Options::default() }).await
}

async fn plant(sandbox: &Sandbox, url: &str) {
    sandbox.plant(&[json!({"id": "hook", "url": url, "metadataPolicy": "HEADER"})]).await;
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("a time")
}

fn repeated(state: &str, attempts: std::ops::RangeInclusive<usize>) -> Vec<String> {
    attempts.map(|attempt| format!("{state} {attempt}")).collect()
}

#[tokio::test]
async fn six_attempts_ten_seconds_apart_and_then_it_has_failed() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("500 INTERNAL SERVER ERROR").await;
    plant(&sandbox, &receiver.url()).await;
    let start = sandbox.now().await;
    sandbox.call("inbound-answered").await;
    let first = || receiver.steps().into_iter().filter(|step| step.starts_with("INIT")).collect::<Vec<_>>();
    for attempts in 1..6 {
        sandbox.advance(9).await;
        assert_eq!(first(), repeated("INITIALIZING", 1..=attempts), "not before 10 seconds");
        assert_eq!(
            sandbox.statistics("hook").await,
            json!({"totalAttempts": 0, "totalSuccesses": 0, "totalFailures": 0, "failed": false}),
            "nothing moves until a delivery is decided"
        );
        let status = sandbox.advance(1).await;
        assert_eq!(status["deliveriesFailed"], u64::from(attempts == 5));
    }
    assert_eq!(first(), repeated("INITIALIZING", 1..=6));
    let statistics = sandbox.statistics("hook").await;
    let failed_at = time(&json!(start)) + TimeDelta::seconds(50);
    assert_eq!(
        statistics,
        json!({
            "totalAttempts": 1, "totalSuccesses": 0, "totalFailures": 1, "failed": true,
            "lastFailure": failed_at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "lastHttpErrorCode": "500 INTERNAL_SERVER_ERROR",
            "lastErrorMessage": "500 INTERNAL SERVER ERROR: [no body]",
        })
    );
    let ids: Vec<_> = receiver
        .posted()
        .iter()
        .filter(|posted| posted.state() == "INITIALIZING")
        .map(|posted| posted.header("X-VON-Delivery-Id").map(str::to_owned))
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "all attempts are of one delivery");
}

#[tokio::test]
async fn a_minute_of_retries_passes_in_one_advance() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("500 E").await;
    plant(&sandbox, &receiver.url()).await;
    sandbox.call("inbound-answered").await;
    let status = sandbox.advance(60).await;
    let of = |state: &str| receiver.steps().into_iter().filter(|step| step.starts_with(state)).count();
    // Those that had begun when the first was given up, after 50 seconds, go on; the last began after 36.
    assert_eq!([of("INITIALIZING"), of("RINGING"), of("ACTIVE"), of("ANSWERED")], [6, 6, 6, 3]);
    assert_eq!((&status["deliveriesUnderWay"], &status["deliveriesFailed"]), (&json!(1), &json!(3)));
    // What happens later is neither sent nor queued.
    assert_eq!(sandbox.call("inbound-answered").await["receivers"], 0);
    sandbox.advance(600).await;
    assert_eq!(receiver.posted().len(), 6 * 4);
    let statistics = sandbox.statistics("hook").await;
    assert_eq!((&statistics["totalAttempts"], &statistics["totalFailures"]), (&json!(4), &json!(4)));
    assert_eq!(sandbox.api("GET", "/self/events/count", "").await.json(), json!({"count": 8}));
}

#[tokio::test]
async fn a_later_attempt_may_arrive() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::start(|_, number| status(if number < 3 { "503 Busy" } else { "200 OK" })).await;
    plant(&sandbox, &receiver.url()).await;
    let start = time(&json!(sandbox.now().await));
    sandbox.call("inbound-missed").await;
    sandbox.advance(20).await;
    assert_eq!(receiver.steps(), ["INITIALIZING 1", "RINGING 1", "INITIALIZING 2", "RINGING 2"]);
    let statistics = sandbox.statistics("hook").await;
    assert_eq!((&statistics["totalSuccesses"], &statistics["failed"]), (&json!(2), &json!(false)));
    assert_eq!(time(&statistics["lastSuccess"]), start + TimeDelta::seconds(11));
    assert_eq!(statistics.get("lastErrorMessage"), None, "an attempt is no delivery");
}

#[tokio::test]
async fn only_200_is_a_success_unless_told_otherwise() {
    for (any_2xx, succeeded) in [(false, 0), (true, 1)] {
        let options = Options { empty: true, speed: 0.0, attempts: Some(1), any_2xx, ..Options::default() };
        let sandbox = Sandbox::start(options).await;
        let receiver = Receiver::answering("204 No Content").await;
        plant(&sandbox, &receiver.url()).await;
        sandbox.call("inbound-missed").await;
        sandbox.advance(0).await;
        let statistics = sandbox.statistics("hook").await;
        assert_eq!(statistics["totalSuccesses"], succeeded);
        let code = (succeeded == 0).then(|| json!("204 NO_CONTENT"));
        assert_eq!(statistics.get("lastHttpErrorCode"), code.as_ref());
    }
}

#[tokio::test]
async fn the_last_error_is_in_the_documented_format() {
    let sandbox = impatient().await;
    let body = "x".repeat(450);
    let reply = format!("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 450\r\n\r\n{body}");
    let receiver = Receiver::start(move |_, _| Answer::Bytes(reply.clone())).await;
    plant(&sandbox, &receiver.url()).await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(0).await;
    let statistics = sandbox.statistics("hook").await;
    assert_eq!(statistics["lastHttpErrorCode"], "502 BAD_GATEWAY");
    let message = format!("502 Bad Gateway: [{}... (450 bytes)]", "x".repeat(200));
    assert_eq!(statistics["lastErrorMessage"], message);
}

#[tokio::test]
async fn a_failure_without_a_status_takes_the_code_of_an_older_one_away() {
    let sandbox = impatient().await;
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let refused = listener.local_addr().expect("an address");
    drop(listener);
    let older =
        json!({"lastHttpErrorCode": "500 INTERNAL_SERVER_ERROR", "lastErrorMessage": "500 : [no body]"});
    let url = format!("http://{refused}/");
    sandbox.plant(&[json!({"id": "hook", "url": url, "statistics": older})]).await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(0).await;
    let statistics = sandbox.statistics("hook").await;
    assert_eq!(statistics.get("lastHttpErrorCode"), None);
    assert_eq!(statistics["lastErrorMessage"], "I/O error on POST request: Connection refused");
    assert_eq!((&statistics["totalFailures"], &statistics["failed"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn an_answer_takes_two_real_seconds_at_most() {
    let sandbox = impatient().await;
    let receiver = Receiver::start(|_, _| Answer::Silence).await;
    plant(&sandbox, &receiver.url()).await;
    sandbox.call("inbound-missed").await;
    let start = std::time::Instant::now();
    sandbox.advance(0).await;
    assert!(start.elapsed().as_millis() >= 1900, "{:?}", start.elapsed());
    let statistics = sandbox.statistics("hook").await;
    assert_eq!(statistics["lastErrorMessage"], "I/O error on POST request: Read timed out");
    assert_eq!(statistics.get("lastHttpErrorCode"), None);
}

#[tokio::test]
async fn after_a_renewal_deliveries_resume() {
    let sandbox = impatient().await;
    let broken = std::sync::Arc::new(AtomicUsize::new(1));
    let is_broken = std::sync::Arc::clone(&broken);
    let receiver = Receiver::start(move |_, _| {
        status(if is_broken.load(Ordering::Relaxed) == 1 { "500 E" } else { "200 OK" })
    })
    .await;
    plant(&sandbox, &receiver.url()).await;
    sandbox.call("inbound-rejected").await;
    sandbox.advance(60).await;
    assert_eq!(receiver.states(), ["INITIALIZING"]);
    broken.store(0, Ordering::Relaxed);
    assert_eq!(sandbox.api("PUT", "/self/webhooks/hook/renew", "").await.status, 200);
    sandbox.call("inbound-rejected").await;
    sandbox.advance(60).await;
    assert_eq!(receiver.states(), ["INITIALIZING", "INITIALIZING", "RINGING", "REJECTED"]);
    let statistics = sandbox.statistics("hook").await;
    assert_eq!((&statistics["totalAttempts"], &statistics["totalSuccesses"]), (&json!(4), &json!(3)));
    assert_eq!((&statistics["totalFailures"], &statistics["failed"]), (&json!(1), &json!(false)));
    assert_eq!(statistics["lastHttpErrorCode"], "500 INTERNAL_SERVER_ERROR", "renewing keeps the last error");
}

#[tokio::test]
async fn success_does_not_clear_the_flag() {
    let sandbox =
        Sandbox::start(Options { empty: true, speed: 0.0, attempts: Some(2), ..Options::default() }).await;
    // The second delivery arrives at its second attempt, when the first has been given up.
    let receiver =
        Receiver::start(|posted, _| status(if posted.step() == "RINGING 2" { "200 OK" } else { "500 E" }))
            .await;
    plant(&sandbox, &receiver.url()).await;
    sandbox.call("outbound-cancelled").await;
    sandbox.advance(11).await;
    let statistics = sandbox.statistics("hook").await;
    assert_eq!((&statistics["totalSuccesses"], &statistics["totalFailures"]), (&json!(1), &json!(1)));
    assert_eq!(statistics["failed"], true);
    assert!(time(&statistics["lastSuccess"]) > time(&statistics["lastFailure"]));
}

#[tokio::test]
async fn a_deleted_registration_gets_no_more_attempts() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("500 E").await;
    plant(&sandbox, &receiver.url()).await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(0).await;
    assert_eq!(sandbox.api("DELETE", "/self/webhooks/hook", "").await.status, 204);
    let status = sandbox.advance(600).await;
    assert_eq!(receiver.steps(), ["INITIALIZING 1"]);
    assert_eq!((&status["deliveriesUnderWay"], &status["deliveriesFailed"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn an_expired_registration_gets_no_more_attempts_and_is_not_failed() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("500 E").await;
    let expire_at = time(&json!(sandbox.now().await)) + TimeDelta::seconds(15);
    sandbox
        .plant(&[
            json!({"id": "hook", "url": receiver.url(), "metadataPolicy": "HEADER", "expireAt": expire_at}),
        ])
        .await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(600).await;
    assert_eq!(receiver.steps(), ["INITIALIZING 1", "RINGING 1", "INITIALIZING 2", "RINGING 2"]);
    let statistics = sandbox.statistics("hook").await;
    assert_eq!((&statistics["totalAttempts"], &statistics["failed"]), (&json!(0), &json!(false)));
    assert_eq!(sandbox.status().await["deliveriesUnderWay"], 0);
}

#[tokio::test]
async fn attempts_are_successes_and_failures_whatever_happens() {
    let sandbox =
        Sandbox::start(Options { empty: true, speed: 0.0, attempts: Some(3), ..Options::default() }).await;
    let receiver = Receiver::start(|_, number| match number % 5 {
        0 => status("500 E"),
        1 => Answer::Bytes("nonsense".to_owned()),
        2 => Answer::Bytes(whole("302 Found", "Location: http://127.0.0.1:1/\r\n")),
        _ => status("200 OK"),
    })
    .await;
    plant(&sandbox, &receiver.url()).await;
    for scenario in ["held", "inbound-answered", "outbound-answered", "inbound-missed"] {
        sandbox.call(scenario).await;
        sandbox.advance(7).await;
    }
    let status = sandbox.advance(300).await;
    let statistics = sandbox.statistics("hook").await;
    let count = |name: &str| statistics[name].as_u64().expect("a number");
    assert_eq!(count("totalAttempts"), count("totalSuccesses") + count("totalFailures"));
    assert!(count("totalSuccesses") > 0 && count("totalAttempts") > 0, "{statistics}");
    assert_eq!(status["deliveriesUnderWay"], 0);
    assert_eq!(status["deliveriesSucceeded"], count("totalSuccesses"));
    assert_eq!(status["deliveriesFailed"], count("totalFailures"));
}
