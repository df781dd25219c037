//! What goes on at once, and what waits for what: order within a call, slow receivers, advances and stops in the middle.

use std::sync::Arc;

use futures_util::future::{Either, select};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use vwh::sandbox::{Options, serve};

use super::Sandbox;
use super::receiver::{Answer, Receiver, status, whole};
use crate::raw::{Raw, open};

/// A sandbox in which a call is over in a twentieth of a second.
async fn fast() -> Sandbox {
    Sandbox::start(Options { empty: true, speed: 1000.0, ..Options::default() }).await
}

fn hook(id: &str, receiver: &Receiver) -> Value {
    json!({"id": id, "url": receiver.url(), "metadataPolicy": "HEADER"})
}

/// A receiver that answers when the gate lets it, and the gate.
async fn held(line: &'static str) -> (Receiver, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    (Receiver::start(move |_, _| Answer::Held(Arc::clone(&held), whole(line, ""))).await, gate)
}

#[tokio::test]
async fn events_of_a_call_reach_a_webhook_one_after_the_other() {
    let sandbox = fast().await;
    let (slow, gate) = held("200 OK").await;
    let quick = Receiver::answering("200 OK").await;
    sandbox.plant(&[hook("slow", &slow), hook("quick", &quick)]).await;
    sandbox.call("inbound-answered").await;
    // The other receiver has the whole call before this one has answered the first event.
    quick.wait_for(4).await;
    assert_eq!(quick.states(), ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]);
    assert_eq!((slow.states().len(), &sandbox.status().await["events"]), (1, &json!(4)));
    for count in 2..=4 {
        gate.add_permits(1);
        slow.wait_for(count).await;
        assert_eq!(slow.posted().len(), count);
    }
    assert_eq!(slow.states(), ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]);
}

#[tokio::test]
async fn a_pending_retry_is_overtaken() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::start(|_, number| status(if number == 1 { "500 E" } else { "200 OK" })).await;
    sandbox.plant(&[hook("hook", &receiver)]).await;
    sandbox.call("inbound-answered").await;
    sandbox.advance(60).await;
    assert_eq!(receiver.steps(), ["INITIALIZING 1", "RINGING 1", "ACTIVE 1", "INITIALIZING 2", "ANSWERED 1"]);
}

#[tokio::test]
async fn calls_do_not_wait_for_each_other_but_a_receiver_gets_no_more_than_it_can_take() {
    let sandbox = Sandbox::frozen().await;
    let (slow, gate) = held("200 OK").await;
    let quick = Receiver::answering("200 OK").await;
    sandbox.plant(&[hook("slow", &slow), hook("quick", &quick)]).await;
    sandbox.turn("call", &json!({"count": 100})).await;
    quick.wait_for(100).await;
    slow.wait_for(8).await;
    assert_eq!(slow.posted().len(), 8, "and the API answers meanwhile: {}", sandbox.list().await.len());
    gate.add_permits(100);
    slow.wait_for(100).await;
    assert_eq!(sandbox.advance(0).await["deliveriesSucceeded"], 200);
}

#[tokio::test]
async fn an_advance_waits_for_the_answers_on_its_way() {
    let sandbox = Sandbox::frozen().await;
    let (receiver, gate) = held("500 E").await;
    sandbox.plant(&[hook("hook", &receiver)]).await;
    sandbox.call("inbound-missed").await;
    let before = sandbox.now().await;
    let advancing = Box::pin(sandbox.advance(60));
    let looking = Box::pin(async {
        receiver.wait_for(1).await;
        sandbox.status().await
    });
    let Either::Right((status, advancing)) = select(advancing, looking).await else {
        panic!("did not wait for an answer")
    };
    assert_eq!((&status["now"], &status["deliveriesUnderWay"]), (&json!(before), &json!(1)));
    gate.add_permits(100);
    advancing.await;
    assert_eq!(receiver.steps().iter().filter(|step| step.starts_with("INIT")).count(), 6);
}

#[tokio::test]
async fn a_caller_without_patience_is_told_how_much_is_left() {
    let sandbox = Sandbox::frozen().await;
    let (receiver, gate) = held("200 OK").await;
    sandbox.plant(&[hook("hook", &receiver)]).await;
    sandbox.call("inbound-missed").await;
    let body = json!({"seconds": 60, "milliseconds": 250, "patience": 1});
    assert_eq!(sandbox.turn("advance", &body).await["leftMilliseconds"], 60_250);
    gate.add_permits(100);
    let before = sandbox.now().await;
    let after = sandbox.turn("advance", &json!({"seconds": 0, "milliseconds": 60_250})).await;
    assert_eq!(after.get("leftMilliseconds"), None);
    let time = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time");
    let passed = time(after["now"].as_str().expect("a time")) - time(&before);
    assert_eq!(passed.num_milliseconds(), 60_250);
    assert_eq!(receiver.states(), ["INITIALIZING", "RINGING", "MISSED"]);
}

#[tokio::test]
async fn two_advances_at_once_are_taken_in_turn() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("500 E").await;
    sandbox.plant(&[hook("hook", &receiver)]).await;
    sandbox.call("inbound-missed").await;
    let time = async || sandbox.now().await.parse::<chrono::DateTime<chrono::Utc>>().expect("a time");
    let start = time().await;
    tokio::join!(sandbox.advance(30), sandbox.advance(25));
    assert_eq!((time().await - start).num_seconds(), 55);
    assert_eq!(receiver.steps().iter().filter(|step| step.starts_with("INIT")).count(), 6);
    assert_eq!(sandbox.statistics("hook").await["failed"], true);
}

#[tokio::test]
async fn whoever_hangs_up_leaves_the_clock_to_others() {
    let sandbox = Sandbox::start(Options { empty: true, speed: 20.0, ..Options::default() }).await;
    let (receiver, gate) = held("200 OK").await;
    sandbox.plant(&[hook("hook", &receiver)]).await;
    sandbox.call("inbound-missed").await;
    receiver.wait_for(1).await;
    let request = sandbox.request("POST", "/_sandbox/advance", "{\"seconds\":60}");
    let stream = open(&sandbox.address(), &request).await;
    // Answered after the advance has been taken up.
    sandbox.status().await;
    drop(stream);
    gate.add_permits(100);
    sandbox.advance(60).await;
    assert_eq!(receiver.states(), ["INITIALIZING", "RINGING", "MISSED"]);
    // And by itself things happen again.
    sandbox.call("inbound-missed").await;
    receiver.wait_for(5).await;
}

#[tokio::test]
async fn a_stop_awaits_what_is_under_way_and_forgets_the_rest() {
    let sandbox = Sandbox::frozen().await;
    let (receiver, gate) = held("200 OK").await;
    let failing = Receiver::answering("500 E").await;
    sandbox.plant(&[hook("held", &receiver), hook("failing", &failing)]).await;
    sandbox.call("inbound-missed").await;
    receiver.wait_for(1).await;
    let request = sandbox.request("POST", "/_sandbox/advance", "{\"seconds\":60}");
    let mut advancing = open(&sandbox.address(), &request).await;
    sandbox.status().await;
    let Sandbox { server, directory } = sandbox;
    let stopping = Box::pin(server.shut_down());
    let answered = Box::pin(async {
        let mut bytes = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut advancing, &mut bytes).await.expect("an answer");
        Raw::parse(&bytes)
    });
    let Either::Right((reply, stopping)) = select(stopping, answered).await else {
        panic!("did not wait for the delivery")
    };
    assert_eq!((reply.status, reply.json()["error"].is_string()), (409, true));
    gate.add_permits(1);
    stopping.await.expect("a clean stop");
    let server = serve(
        directory.path(),
        "127.0.0.1:0".parse().expect("an address"),
        Options { speed: 0.0, ..Options::default() },
    );
    let again = Sandbox { server: server.await.expect("a sandbox"), directory };
    assert_eq!(again.statistics("held").await["totalSuccesses"], 1);
    let status = again.advance(600).await;
    assert_eq!((&status["events"], &status["callsUnderWay"]), (&json!(1), &json!(0)));
    assert_eq!((receiver.posted().len(), failing.posted().len()), (1, 1));
    assert_eq!(again.statistics("failing").await["totalAttempts"], 0);
}
