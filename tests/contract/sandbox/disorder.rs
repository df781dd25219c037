//! What a receiver of Contact Center and VoIPBIN has to live with: events that come twice, or in another order, and changes that
//! take their time (specs/contact-center.md §3, §5, §10, specs/voipbin.md §5).

use std::time::Duration;

use serde_json::{Value, json};
use vwh::sandbox::Options;

use super::receiver::{Posted, Receiver};
use super::{Sandbox, contact_center, voipbin_deliveries};

fn usual() -> Options {
    Options { empty: true, speed: 0.0, allow_http: true, allow_private_targets: true, ..Options::default() }
}

async fn subscribe(sandbox: &Sandbox, name: &str, url: &str) -> String {
    let body = json!({"name": name, "url": url, "events": ["*"]});
    let created = contact_center::create(sandbox, &body).await;
    created["subscriptionId"].as_str().expect("an id").to_owned()
}

/// Lets an event of Contact Center happen; gives how many subscriptions are told of it.
async fn happen(sandbox: &Sandbox) -> u64 {
    let placed =
        sandbox.turn("call", &json!({"service": "contact-center", "event": "channel.held.v1"})).await;
    sandbox.advance(0).await;
    placed["receivers"].as_u64().expect("a count")
}

fn kinds(posted: &[Posted]) -> Vec<String> {
    posted.iter().map(|posted| posted.json()["type"].as_str().expect("a type").to_owned()).collect()
}

/// A call that `service` alone tells of, from its beginning to its end.
async fn call(sandbox: &Sandbox, service: &str) {
    sandbox.turn("call", &json!({ "service": service })).await;
    sandbox.advance(60).await;
}

#[tokio::test]
async fn a_change_is_seen_at_once_and_deliveries_go_by_it_later() {
    let sandbox = Sandbox::start(Options { propagation: Duration::from_secs(30), ..usual() }).await;
    let (old, new) = (Receiver::answering("200 OK").await, Receiver::answering("200 OK").await);
    let id = subscribe(&sandbox, "Slow", &old.url()).await;
    let path = format!("/subscriptions/{id}");
    let status = async |line: &str, body: Value| {
        contact_center::api(&sandbox, &format!("{line} {path}"), &body).await.status
    };
    let counts = || (old.posted().len(), new.posted().len());
    assert_eq!(happen(&sandbox).await, 0, "it is not there yet");
    sandbox.advance(29).await;
    assert_eq!(happen(&sandbox).await, 0);
    sandbox.advance(1).await;
    assert_eq!((happen(&sandbox).await, counts()), (1, (1, 0)));

    assert_eq!(status("PATCH", json!({"url": new.url()})).await, 200);
    sandbox.advance(10).await;
    assert_eq!(status("PATCH", json!({"enabled": false})).await, 200);
    assert_eq!((happen(&sandbox).await, counts()), (1, (2, 0)), "to where it went before both");
    sandbox.advance(20).await;
    assert_eq!((happen(&sandbox).await, counts()), (1, (2, 1)), "the first one holds, the second not yet");
    sandbox.advance(10).await;
    assert_eq!((happen(&sandbox).await, counts()), (0, (2, 1)));

    assert_eq!(status("PATCH", json!({"enabled": true})).await, 200);
    sandbox.advance(30).await;
    assert_eq!(status("DELETE", Value::Null).await, 204);
    assert_eq!(status("GET", Value::Null).await, 404);
    sandbox.advance(29).await;
    assert_eq!((happen(&sandbox).await, counts()), (1, (2, 2)));
    sandbox.advance(1).await;
    assert_eq!((happen(&sandbox).await, counts()), (0, (2, 2)));
}

#[tokio::test]
async fn a_change_still_takes_its_time_after_a_restart() {
    let options = Options { propagation: Duration::from_secs(30), ..usual() };
    let sandbox = Sandbox::start(options.clone()).await;
    let receiver = Receiver::answering("200 OK").await;
    subscribe(&sandbox, "Slow", &receiver.url()).await;
    sandbox.advance(29).await;
    let Sandbox { server, directory } = sandbox;
    server.shut_down().await.expect("a clean stop");
    let address = "127.0.0.1:0".parse().expect("an address");
    let options = Options { empty: false, ..options };
    let server = vwh::sandbox::serve(directory.path(), address, options).await.expect("a sandbox");
    let sandbox = Sandbox { server, directory };
    assert_eq!(happen(&sandbox).await, 0);
    sandbox.advance(1).await;
    assert_eq!(happen(&sandbox).await, 1);
}

#[tokio::test]
async fn every_event_may_come_twice() {
    let sandbox = Sandbox::start(Options { duplicates: true, ..usual() }).await;
    let (center, voipbin) = (Receiver::answering("200 OK").await, Receiver::answering("200 OK").await);
    subscribe(&sandbox, "Twice", &center.url()).await;
    voipbin_deliveries::set(&sandbox, &voipbin.url(), "POST").await;
    call(&sandbox, "contact-center").await;
    call(&sandbox, "voipbin").await;
    for (receiver, count) in [(center, 12), (voipbin, 8)] {
        let posted = receiver.posted();
        assert_eq!(posted.len(), count);
        for pair in posted.chunks(2) {
            assert_eq!(pair[0].body, pair[1].body, "the same event, with the same id");
        }
    }
}

#[tokio::test]
async fn events_may_come_in_another_order_and_say_when_they_happened() {
    let sandbox = Sandbox::start(Options { out_of_order: true, ..usual() }).await;
    let (center, voipbin) = (Receiver::answering("200 OK").await, Receiver::answering("200 OK").await);
    subscribe(&sandbox, "Any order", &center.url()).await;
    voipbin_deliveries::set(&sandbox, &voipbin.url(), "POST").await;
    call(&sandbox, "contact-center").await;
    call(&sandbox, "voipbin").await;
    let mut posted = center.posted();
    let told = kinds(&posted);
    assert_eq!(told[..2], ["channel.connected.v1", "channel.alerted.v1"]);
    assert_eq!(told[2..4], ["channel.wrapstarted.v1", "channel.disconnected.v1"]);
    assert_eq!(told[4..], ["agent.presencechanged.v1", "channel.ended.v1"]);
    posted.sort_by_key(|posted| posted.json()["data"]["timestamp"].to_string());
    assert_eq!(kinds(&posted)[..2], ["channel.alerted.v1", "channel.connected.v1"]);
    let mut posted = voipbin.posted();
    assert_eq!(kinds(&posted), ["call_ringing", "call_created", "call_hangup", "call_progressing"]);
    posted.sort_by_key(|posted| posted.json()["data"]["tm_update"].to_string());
    assert_eq!(kinds(&posted), ["call_created", "call_ringing", "call_progressing", "call_hangup"]);
}
