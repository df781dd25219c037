//! What VoIPBIN posts of a call, byte for byte, and under which rules (specs/voipbin.md §5, §6).

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use vwh::sandbox::Options;

use super::Sandbox;
use super::receiver::{Answer, Posted, Receiver, status, whole};
use crate::raw::exchange;

/// A sandbox whose clock moves by hand, without the guard.
fn open() -> Options {
    Options { empty: true, speed: 0.0, allow_private_targets: true, ..Options::default() }
}

async fn customer(sandbox: &Sandbox) -> Value {
    let request = sandbox.request("GET", "/v1.0/customer", "");
    exchange(&sandbox.address(), &request).await.json()
}

/// Puts `url` into the slot, with `method`, and gives the secret.
pub(super) async fn set(sandbox: &Sandbox, url: &str, method: &str) -> String {
    let body = json!({"name": "n", "webhook_uri": url, "webhook_method": method}).to_string();
    let reply = exchange(&sandbox.address(), &sandbox.request("PUT", "/v1.0/customer", &body)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    customer(sandbox).await["webhook_secret"].as_str().unwrap_or_default().to_owned()
}

/// A call that VoIPBIN alone tells of; says how many webhooks are told.
async fn call(sandbox: &Sandbox) -> u64 {
    let placed = sandbox.turn("call", &json!({"service": "voipbin"})).await;
    placed["receivers"].as_u64().expect("a count")
}

/// `HMAC-SHA-256(text of the secret, body)`, worked out here.
pub(super) fn digest(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    format!("sha256={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn kinds(posted: &[Posted]) -> Vec<String> {
    posted.iter().map(|posted| posted.json()["type"].as_str().expect("a type").to_owned()).collect()
}

#[tokio::test]
async fn the_events_of_a_call_are_posted_and_signed_with_the_text_of_the_secret() {
    let sandbox = Sandbox::start(open()).await;
    let receiver = Receiver::answering("200 OK").await;
    let secret = set(&sandbox, &receiver.url(), "POST").await;
    let start = sandbox.now().await;
    assert_eq!(call(&sandbox).await, 1);
    sandbox.advance(36).await;
    let posted = receiver.posted();
    assert_eq!(kinds(&posted), ["call_created", "call_ringing", "call_progressing", "call_hangup"]);
    let id = customer(&sandbox).await["id"].as_str().expect("an id").to_owned();
    let first = posted[0].text();
    let call_id = posted[0].json()["data"]["id"].as_str().expect("an id").to_owned();
    // The sandbox has milliseconds, the service microseconds.
    let updated = start.replace('Z', "000Z");
    let expected = format!(
        "{{\"type\":\"call_created\",\"data\":{{\"customer_id\":\"{id}\",\"destination\":{{\"target\":\"+12125550142\",\
         \"type\":\"tel\"}},\"direction\":\"incoming\",\"id\":\"{call_id}\",\"source\":{{\"name\":\"Ada Example\",\
         \"target\":\"+14155550123\",\"type\":\"tel\"}},\"status\":\"dialing\",\"tm_update\":\"{updated}\",\
         \"type\":\"flow\"}}}}"
    );
    assert_eq!(first, expected);
    for posted in &posted {
        assert_eq!(posted.line(), "POST /hook");
        assert_eq!(posted.header("content-type"), Some("application/json"));
        assert_eq!(posted.header("x-voipbin-signature"), Some(digest(&secret, &posted.body).as_str()));
        let names: Vec<String> = posted
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, _)| name.to_ascii_lowercase())
            .filter(|name| !["host", "content-length", "user-agent", "accept"].contains(&name.as_str()))
            .collect();
        assert_eq!(names.len(), 2, "nothing else tells of the delivery: {names:?}");
    }
    let hangup = &posted[3].json()["data"];
    assert_eq!((&hangup["hangup_by"], &hangup["hangup_reason"]), (&json!("remote"), &json!("normal")));
}

#[tokio::test]
async fn the_customer_chooses_the_method_and_every_method_has_the_body() {
    for (method, line) in [
        ("", "GET /hook"),
        ("GET", "GET /hook"),
        ("PUT", "PUT /hook"),
        ("DELETE", "DELETE /hook"),
        ("POST", "POST /hook"),
    ] {
        let sandbox = Sandbox::start(open()).await;
        let receiver = Receiver::answering("200 OK").await;
        let secret = set(&sandbox, &receiver.url(), method).await;
        call(&sandbox).await;
        sandbox.advance(0).await;
        let posted = &receiver.wait_for(1).await[0];
        assert_eq!(posted.line(), line);
        assert_eq!(posted.header("x-voipbin-signature"), Some(digest(&secret, &posted.body).as_str()));
        assert_eq!(posted.json()["type"], "call_created");
    }
}

/// How many attempts the first event gets at a receiver that answers so, and whether it counts as delivered.
async fn attempts(line: &'static str) -> (usize, u64, u64) {
    let sandbox = Sandbox::start(open()).await;
    let receiver = Receiver::answering(line).await;
    set(&sandbox, &receiver.url(), "POST").await;
    call(&sandbox).await;
    let mut status = sandbox.advance(0).await;
    if status["deliveriesUnderWay"] == 1 {
        for count in 1..=3 {
            sandbox.turn("advance", &json!({"seconds": 0, "milliseconds": 999})).await;
            assert_eq!(of_first(&receiver), count, "not before a second");
            sandbox.turn("advance", &json!({"seconds": 0, "milliseconds": 1})).await;
        }
        // The second event came a second after the first.
        status = sandbox.advance(2).await;
    }
    let number = |name: &str| status[name].as_u64().expect(name);
    (of_first(&receiver), number("deliveriesSucceeded"), number("deliveriesFailed"))
}

fn of_first(receiver: &Receiver) -> usize {
    kinds(&receiver.posted()).iter().filter(|kind| *kind == "call_created").count()
}

#[tokio::test]
async fn a_5xx_is_tried_three_times_a_second_apart_and_everything_below_is_delivered() {
    assert_eq!(attempts("500 E").await, (3, 0, 2));
    assert_eq!(attempts("503 E").await, (3, 0, 2));
    for line in ["200 OK", "204 No Content", "304 Not Modified", "400 E", "401 E", "404 E", "429 E", "499 E"]
    {
        assert_eq!(attempts(line).await, (1, 1, 0), "{line}");
    }
}

#[tokio::test]
async fn nobody_there_is_tried_again_with_the_same_bytes() {
    let sandbox = Sandbox::start(open()).await;
    let receiver = Receiver::start(|_, number| match number {
        1 => Answer::Bytes(String::new()),
        _ => status("200 OK"),
    })
    .await;
    set(&sandbox, &receiver.url(), "POST").await;
    call(&sandbox).await;
    sandbox.advance(0).await;
    assert_eq!(receiver.posted().len(), 1);
    sandbox.advance(1).await;
    let posted: Vec<Posted> =
        receiver.posted().into_iter().filter(|one| one.json()["type"] == "call_created").collect();
    assert_eq!(posted.len(), 2);
    assert_eq!(posted[0].body, posted[1].body);
    assert_eq!(posted[0].header("x-voipbin-signature"), posted[1].header("x-voipbin-signature"));
}

/// Requests of the first event at a receiver that sends everything on to the next path, so often.
async fn redirected(line: &'static str, times: usize) -> Vec<Posted> {
    let sandbox = Sandbox::start(Options { attempts: Some(1), ..open() }).await;
    let receiver = Receiver::start(move |_, number| {
        if number <= times {
            Answer::Bytes(whole(line, &format!("Location: /{number}\r\n")))
        } else {
            status("200 OK")
        }
    })
    .await;
    set(&sandbox, &receiver.url(), "POST").await;
    call(&sandbox).await;
    sandbox.advance(0).await;
    receiver.posted()
}

#[tokio::test]
async fn two_redirects_are_followed_and_a_third_is_refused() {
    let lines = |posted: &[Posted]| posted.iter().map(|one| one.line().to_owned()).collect::<Vec<_>>();
    for line in ["301 M", "302 F", "303 S"] {
        let posted = redirected(line, 1).await;
        assert_eq!(lines(&posted), ["POST /hook", "GET /1"], "{line}");
        assert!(posted[1].body.is_empty());
    }
    for line in ["307 T", "308 P"] {
        let posted = redirected(line, 2).await;
        assert_eq!(lines(&posted), ["POST /hook", "POST /1", "POST /2"], "{line}");
        assert_eq!(posted[2].body, posted[0].body);
    }
    assert_eq!(lines(&redirected("307 T", 3).await), ["POST /hook", "POST /1", "POST /2"]);
}

#[tokio::test]
async fn the_guard_lets_nothing_through_to_this_machine_and_the_api_says_nothing() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("200 OK").await;
    set(&sandbox, &receiver.url(), "POST").await;
    assert_eq!(call(&sandbox).await, 0, "nobody is told");
    let status = sandbox.advance(36).await;
    assert_eq!(receiver.posted().len(), 0);
    assert_eq!(
        (&status["deliveriesFailed"], &status["deliveriesUnderWay"]),
        (&json!(4), &json!(0)),
        "and never again"
    );
    let of = |service: &str| status["services"][service]["deliveriesFailed"].clone();
    assert_eq!([of("vis"), of("contact-center"), of("voipbin")], [json!(0), json!(0), json!(4)]);
    assert_eq!(status["services"]["voipbin"]["webhooks"], 1);
    assert_eq!(customer(&sandbox).await["webhook_uri"], json!(receiver.url()));
}

#[tokio::test]
async fn before_there_were_secrets_nothing_was_signed() {
    let sandbox = Sandbox::start(Options { no_webhook_secret: true, ..open() }).await;
    let receiver = Receiver::answering("200 OK").await;
    assert_eq!(set(&sandbox, &receiver.url(), "POST").await, "");
    assert!(customer(&sandbox).await.get("webhook_secret").is_none());
    call(&sandbox).await;
    sandbox.advance(0).await;
    assert_eq!(receiver.wait_for(1).await[0].header("x-voipbin-signature"), None);
}

#[tokio::test]
async fn an_empty_slot_gets_nothing() {
    let sandbox = Sandbox::start(open()).await;
    assert_eq!(call(&sandbox).await, 0);
    let status = sandbox.advance(60).await;
    let count = |name: &str| status[name].as_u64().expect(name);
    assert_eq!((count("deliveriesFailed"), count("deliveriesSucceeded")), (0, 0));
}
