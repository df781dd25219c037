//! Single events of Contact Center and VoIPBIN, let happen by hand (specs/contact-center.md §10, specs/voipbin.md §11).

use serde_json::{Value, json};
use vwh::sandbox::Options;

use super::receiver::Receiver;
use super::{Sandbox, contact_center, voipbin_deliveries};

/// Whose clock moves by hand, and whose deliveries come to this machine.
async fn start() -> Sandbox {
    let options = Options {
        empty: true,
        speed: 0.0,
        allow_http: true,
        allow_private_targets: true,
        ..Options::default()
    };
    Sandbox::start(options).await
}

#[tokio::test]
async fn any_event_of_contact_center_is_told_to_those_who_ask_for_it() {
    let sandbox = start().await;
    let receiver = Receiver::answering("200 OK").await;
    let events = json!(["channel.held.v1", "interaction.*"]);
    let subscription = json!({"name": "Holds", "url": receiver.url(), "events": events});
    contact_center::create(&sandbox, &subscription).await;
    let happen = async |kind: &str| {
        let placed = sandbox.turn("call", &json!({"service": "contact-center", "event": kind})).await;
        sandbox.advance(0).await;
        placed
    };
    let placed = happen("channel.held.v1").await;
    assert_eq!((&placed["receivers"], &placed["callsUnderWay"]), (&json!(1), &json!(0)));
    let call = &placed["calls"][0];
    assert_eq!((&call["id"], &call["event"]), (&json!("7340013"), &json!("channel.held.v1")));
    assert_eq!(call["events"], json!([{"state": "channel.held.v1", "moment": sandbox.now().await}]));
    let held = receiver.posted()[0].json();
    assert_eq!((&held["type"], &held["source"]), (&json!("channel.held.v1"), &json!("/channel")));
    assert_eq!(held["data"]["timestamp"], json!(sandbox.now().await));

    assert_eq!(happen("channel.parked.v1").await["receivers"], 0);
    assert_eq!(receiver.posted().len(), 1);
    // A type that no catalogue has, with data of one's own.
    let wish = json!({"service": "contact-center", "event": "interaction.detailrecord.v0", "count": 2,
        "data": {"timestamp": "2026-01-05T08:31:07.101Z", "interaction": {"origin": "x"}}});
    assert_eq!(sandbox.turn("call", &wish).await["receivers"], 1);
    sandbox.advance(0).await;
    let posted = receiver.posted();
    assert_eq!(posted.len(), 3);
    let [first, second] = [posted[1].json(), posted[2].json()];
    assert_eq!((&first["type"], &first["data"]), (&wish["event"], &wish["data"]));
    assert_ne!(first["id"], second["id"], "each is an event of its own");
    let services = sandbox.status().await["services"].clone();
    let succeeded = |service: &str| services[service]["deliveriesSucceeded"].clone();
    assert_eq!([succeeded("contact-center"), succeeded("vis")], [json!(3), json!(0)]);
}

#[tokio::test]
async fn any_event_of_voipbin_is_posted_byte_for_byte() {
    let sandbox = start().await;
    let receiver = Receiver::answering("200 OK").await;
    let secret = voipbin_deliveries::set(&sandbox, &receiver.url(), "POST").await;
    let wish =
        json!({"service": "voipbin", "event": "message_created", "data": {"id": "a1", "text": "1 < 2 & 3"}});
    let placed = sandbox.turn("call", &wish).await;
    assert_eq!((&placed["receivers"], &placed["guarded"]), (&json!(1), &json!(false)));
    sandbox.advance(0).await;
    let posted = &receiver.posted()[0];
    assert_eq!(
        posted.text(),
        r#"{"type":"message_created","data":{"id":"a1","text":"1 \u003c 2 \u0026 3"}}"#
    );
    let signature = voipbin_deliveries::digest(&secret, &posted.body);
    assert_eq!(posted.header("x-voipbin-signature"), Some(signature.as_str()));

    sandbox.turn("call", &json!({"service": "voipbin", "event": "queuecall_waiting"})).await;
    sandbox.advance(0).await;
    let sample = receiver.posted()[1].json();
    assert_eq!(
        (&sample["type"], &sample["data"]["status"]),
        (&json!("queuecall_waiting"), &json!("waiting"))
    );
}

#[tokio::test]
async fn what_no_service_tells_of_is_refused() {
    let sandbox = Sandbox::empty().await;
    for wish in [
        json!({"event": "channel.held.v1"}),
        json!({"event": "channel.held.v1", "service": "vis"}),
        json!({"event": "", "service": "voipbin"}),
        json!({"event": "call_hangup", "service": "voipbin", "scenario": "held"}),
        json!({"service": "voipbin", "scenario": "held"}),
        json!({"service": "contact-center", "scenario": "inbound-answered"}),
        json!({"service": "voipbin", "data": {}}),
    ] {
        let reply = sandbox.knob("POST", "call", &wish.to_string()).await;
        assert_eq!(reply.status, 422, "{wish}");
        assert!(reply.json()["error"].is_string(), "{wish}");
    }
    let scenario = json!({"service": "vis", "scenario": "held", "event": Value::Null});
    assert_eq!(sandbox.turn("call", &scenario).await["calls"][0]["scenario"], "held");
}
