//! What a delivery looks like on the wire, and who gets one.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use vwh::sandbox::Options;

use super::Sandbox;
use super::receiver::{Posted, Receiver};

const KEY: &str = "vwh-test-key";

/// A webhook with these members, planted alone; its statistics are looked at later.
fn seed(id: &str, url: &str, more: &Value) -> Value {
    let mut seed = json!({"id": id, "url": url, "metadataPolicy": "HEADER"});
    seed.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    seed
}

/// HMAC-SHA256 in lower-case hexadecimal, with nothing of vwh in it.
fn digest(message: &str) -> String {
    let mut digest = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("a key");
    digest.update(message.as_bytes());
    digest.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The four deliveries of one answered call, under this policy.
async fn one_call(policy: &str) -> Vec<Posted> {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("200 OK").await;
    let signing = json!({"metadataPolicy": policy, "signingAlgo": "HMAC_SHA256", "signingKey": KEY});
    sandbox.plant(&[seed("hook-1", &receiver.url(), &signing)]).await;
    sandbox.call("inbound-answered").await;
    sandbox.advance(60).await;
    assert_eq!(receiver.states(), ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]);
    let statistics = sandbox.statistics("hook-1").await;
    assert_eq!((&statistics["totalAttempts"], &statistics["totalSuccesses"]), (&json!(4), &json!(4)));
    receiver.posted()
}

#[tokio::test]
async fn with_policy_none_the_event_comes_alone() {
    for posted in one_call("NONE").await {
        assert_eq!(posted.line(), "POST /hook");
        assert_eq!(posted.header("content-type"), Some("application/json"));
        assert_eq!(posted.header("transfer-encoding"), None);
        assert!(!posted.head.to_ascii_lowercase().contains("x-von"), "{}", posted.head);
        assert_eq!(posted.json().as_object().map(serde_json::Map::len), Some(1));
    }
}

#[tokio::test]
async fn with_policy_header_ids_and_signature_come_in_headers() {
    let deliveries = one_call("HEADER").await;
    for posted in &deliveries {
        let event = posted.text().strip_prefix("{\"event\":").and_then(|text| text.strip_suffix('}'));
        assert_eq!(posted.header("X-VON-Signature"), Some(digest(event.expect("an envelope")).as_str()));
        assert_eq!(posted.header("X-VON-Webhook-Id"), Some("hook-1"));
        assert_eq!(posted.header("X-VON-Attempt"), Some("1"));
        assert_eq!(posted.header("X-VWH-Synthetic"), None);
    }
    let mut ids: Vec<_> = deliveries.iter().map(|posted| posted.header("X-VON-Delivery-Id")).collect();
    assert!(ids.iter().all(|id| id.is_some_and(|id| id.len() == 36)), "{ids:?}");
    ids.dedup();
    assert_eq!(ids.len(), 4, "each event is a delivery of its own");
}

#[tokio::test]
async fn with_policy_body_they_come_beside_the_event() {
    for posted in one_call("BODY").await {
        assert!(!posted.head.to_ascii_lowercase().contains("x-von"), "{}", posted.head);
        let rest = posted.text().strip_prefix("{\"event\":").expect("an envelope");
        let (event, _) = rest.split_once(",\"metadata\":").expect("metadata");
        let metadata = &posted.json()["metadata"];
        let id = metadata["deliveryId"].as_str().expect("an id");
        let expected =
            json!({"signature": digest(event), "webhookId": "hook-1", "deliveryId": id, "attempt": 1});
        assert_eq!(*metadata, expected);
    }
}

#[tokio::test]
async fn an_event_has_the_documented_members() {
    let deliveries = one_call("NONE").await;
    let first = &deliveries[0].json()["event"];
    let id = first["id"].as_str().expect("an id in text");
    let members = json!({
        "id": id, "externalId": format!("callhalf-{id}:0"), "accountId": "4711", "userId": "9001", "type": "CALL",
        "direction": "INBOUND", "phoneNumber": first["phoneNumber"], "callerId": first["callerId"],
        "state": "INITIALIZING", "duration": 0, "startTime": first["startTime"], "internal": false, "ucpType": "VBS",
    });
    assert_eq!(*first, members);
    let last = &deliveries[3].json()["event"];
    let time = |member: &str| {
        let text = last[member].as_str().expect("a time");
        chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.3f%z").expect("an offset without colon")
    };
    assert_eq!(last["duration"], (time("endTime") - time("answerTime")).num_milliseconds());
    assert_eq!((last["id"].as_str(), (time("endTime") - time("startTime")).num_seconds()), (Some(id), 36));
}

#[tokio::test]
async fn without_a_key_nothing_is_signed() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("200 OK").await;
    let unsigned = json!({"signingAlgo": "NONE", "signingKey": KEY});
    sandbox.plant(&[seed("a", &receiver.url(), &unsigned), seed("b", &receiver.url(), &json!({}))]).await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(60).await;
    let posted = receiver.posted();
    assert_eq!(posted.len(), 6);
    for posted in posted {
        assert_eq!(posted.header("X-VON-Signature"), None);
        assert!(posted.header("X-VON-Delivery-Id").is_some());
    }
}

/// One webhook for each reason why nothing is delivered, and one that is well.
async fn mixed(sandbox: &Sandbox, receiver: &Receiver) -> Value {
    let url = receiver.url();
    let now = sandbox.now().await;
    let seeds = [
        seed("expired", &url, &json!({"expireAt": now})),
        seed(
            "failed",
            &url,
            &json!({"statistics": {"failed": true, "totalAttempts": 1, "totalFailures": 1}}),
        ),
        seed("paused", &url, &json!({"status": "PAUSED"})),
        seed("foreign", "https://hooks.example.com/vis", &json!({})),
        seed("wildcard", &url.replace("127.0.0.1", "0.0.0.0"), &json!({})),
        seed("odd", "not a url", &json!({})),
        seed("file", "file:///etc/passwd", &json!({})),
        seed("well", &url, &json!({})),
    ];
    sandbox.plant(&seeds).await;
    sandbox.list().await.into()
}

#[tokio::test]
async fn only_those_who_may_be_told_are_told_and_the_others_are_counted_as_nothing() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("200 OK").await;
    let before = mixed(&sandbox, &receiver).await;
    assert_eq!(sandbox.call("inbound-answered").await["receivers"], 1);
    sandbox.advance(3600).await;
    let ids: Vec<_> =
        receiver.posted().iter().map(|posted| posted.header("X-VON-Webhook-Id").map(str::to_owned)).collect();
    assert_eq!(ids, vec![Some("well".to_owned()); 4]);
    let after = sandbox.list().await;
    assert_eq!(after[..7], before.as_array().expect("a list")[..7]);
    assert_eq!(after[7]["statistics"]["totalSuccesses"], 4);
    let events = sandbox.api("GET", "/self/events/count", "").await.json();
    assert_eq!(events, json!({"count": 4}));
}

#[cfg(unix)]
#[tokio::test]
async fn other_hosts_are_delivered_to_once_that_is_asked_for() {
    let options = Options { empty: true, speed: 0.0, deliver_anywhere: true, ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    let receiver = Receiver::answering("200 OK").await;
    // An address that is none of loopback by its name, and reaches this machine all the same.
    let url = receiver.url().replace("127.0.0.1", "0.0.0.0");
    sandbox.plant(&[seed("wildcard", &url, &json!({})), seed("odd", "not a url", &json!({}))]).await;
    assert_eq!(sandbox.call("inbound-missed").await["receivers"], 1);
    sandbox.advance(60).await;
    assert_eq!(receiver.states(), ["INITIALIZING", "RINGING", "MISSED"]);
}
