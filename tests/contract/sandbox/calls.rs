//! Calls: their scripts, who places them, and what ends them early.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use vwh::sandbox::{Options, serve};

use super::receiver::{Answer, Receiver, whole};
use super::{GUARD, Sandbox};

/// The states of the calls in the log, a list for each call.
async fn scripts(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let rows = sandbox.api("GET", "/self/events?size=100", "").await.json();
    let rows = rows.as_array().expect("rows").clone();
    let mut ids: Vec<&Value> = rows.iter().map(|row| &row["id"]).collect();
    ids.dedup();
    let states = |id: &Value| {
        let rows = rows.iter().filter(|row| row["id"] == *id);
        rows.map(|row| row["state"].as_str().expect("a state").to_owned()).collect()
    };
    ids.into_iter().map(states).collect()
}

#[tokio::test]
async fn a_call_is_a_script() {
    let sandbox = Sandbox::frozen().await;
    let now: DateTime<Utc> = sandbox.now().await.parse().expect("a time");
    let placed = sandbox.call("held").await;
    let call = &placed["calls"][0];
    assert_eq!((&call["scenario"], &placed["receivers"]), (&json!("held"), &json!(0)));
    let moments: Vec<_> = call["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| {
            let moment: DateTime<Utc> = event["moment"].as_str().expect("a time").parse().expect("a time");
            (event["state"].as_str().expect("a state").to_owned(), (moment - now).num_seconds())
        })
        .collect();
    let states: Vec<_> = moments.iter().map(|(state, _)| state.clone()).collect();
    assert_eq!(
        states,
        ["INITIALIZING", "RINGING", "ACTIVE", "HELD", "ACTIVE", "REMOTE_HELD", "ACTIVE", "ANSWERED"]
    );
    assert_eq!((&placed["callsUnderWay"], &placed["events"]), (&json!(1), &json!(1)));
    let mut happened = 1;
    for (index, (_, seconds)) in moments.iter().enumerate().skip(1) {
        let (_, before) = moments[index - 1];
        let step = u64::try_from(seconds - before).expect("in order");
        assert_eq!(sandbox.advance(step - 1).await["events"], happened, "not before {seconds} s");
        happened += 1;
        assert_eq!(sandbox.advance(1).await["events"], happened);
    }
    assert_eq!(sandbox.status().await["callsUnderWay"], 0);
    assert_eq!(scripts(&sandbox).await, [states]);
}

#[tokio::test]
async fn without_a_body_an_answered_call_comes_in() {
    let sandbox = Sandbox::frozen().await;
    assert_eq!(sandbox.knob("POST", "call", "").await.json()["calls"][0]["scenario"], "inbound-answered");
}

#[tokio::test]
async fn every_scenario_can_be_placed() {
    let sandbox = Sandbox::frozen().await;
    for (scenario, end) in [
        ("inbound-answered", "ANSWERED"),
        ("inbound-missed", "MISSED"),
        ("inbound-rejected", "REJECTED"),
        ("outbound-answered", "ANSWERED"),
        ("outbound-cancelled", "CANCELLED"),
        ("held", "ANSWERED"),
    ] {
        let placed = sandbox.call(scenario).await;
        sandbox.advance(60).await;
        let id = placed["calls"][0]["id"].as_str().expect("an id");
        let rows = sandbox.api("GET", &format!("/self/events/{id}"), "").await.json();
        let last = rows.as_array().and_then(|rows| rows.last()).expect("rows");
        assert_eq!(last["state"], end, "{scenario}");
        assert_eq!(last["direction"], if scenario.starts_with("out") { "OUTBOUND" } else { "INBOUND" });
    }
}

#[tokio::test]
async fn many_calls_at_once_are_many_calls() {
    let sandbox = Sandbox::frozen().await;
    let placed = sandbox.turn("call", &json!({"scenario": "inbound-rejected", "count": 3})).await;
    let ids: Vec<u64> = placed["calls"]
        .as_array()
        .expect("calls")
        .iter()
        .map(|call| call["id"].as_str().expect("an id").parse().expect("a number"))
        .collect();
    assert_eq!(ids, [ids[0], ids[0] + 1, ids[0] + 2]);
    assert_eq!(sandbox.advance(60).await["events"], 9);
}

#[tokio::test]
async fn calls_come_by_themselves_in_sandbox_time() {
    let options = Options { empty: true, speed: 0.0, calls_per_minute: 2, ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    // The first comes at once, whatever the clock does.
    while sandbox.status().await["callsUnderWay"] == 0 {}
    assert_eq!(sandbox.advance(29).await["events"], 3);
    assert_eq!(sandbox.advance(1).await["events"], 4);
    sandbox.advance(120).await;
    let scripts = scripts(&sandbox).await;
    let ends: Vec<&str> = scripts.iter().map(|states| states.last().expect("a state").as_str()).collect();
    assert_eq!(ends, ["ANSWERED", "MISSED", "REJECTED", "ANSWERED", "CANCELLED", "INITIALIZING"]);
}

#[tokio::test]
async fn calls_go_on_coming_after_a_reset_has_set_the_clock_back() {
    let options = Options { empty: true, speed: 0.0, calls_per_minute: 2, ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    sandbox.advance(3_600).await;
    sandbox.turn("reset", &json!({"empty": true})).await;
    let status = sandbox.advance(60).await;
    assert!(status["events"].as_u64() > Some(3), "{status}");
}

#[tokio::test]
async fn calls_come_by_themselves_while_real_time_passes() {
    let options = Options { empty: true, speed: 600.0, calls_per_minute: 6, ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    let receiver = Receiver::answering("200 OK").await;
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url()})]).await;
    receiver.wait_for(20).await;
    assert!(sandbox.statistics("hook").await["totalSuccesses"].as_u64() > Some(10));
}

#[tokio::test]
async fn more_calls_than_anybody_can_follow_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { calls_per_minute: 60, speed: 1000.0, ..Options::default() };
    let server = serve(directory.path(), "127.0.0.1:0".parse().expect("an address"), options).await;
    let error = server.expect_err("too many").to_string();
    assert_eq!(error, "at this speed no more than 6 calls a minute can come by themselves");
}

/// A failing receiver whose first answers are held back, with one call under way.
async fn under_way(sandbox: &Sandbox) -> (Receiver, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let receiver = Receiver::start(move |_, _| Answer::Held(Arc::clone(&held), whole("200 OK", ""))).await;
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url(), "metadataPolicy": "HEADER"})]).await;
    sandbox.call("inbound-answered").await;
    receiver.wait_for(1).await;
    (receiver, gate)
}

#[tokio::test]
async fn a_reset_drops_calls_and_deliveries() {
    let sandbox = Sandbox::frozen().await;
    let (receiver, gate) = under_way(&sandbox).await;
    let status = sandbox.turn("reset", &json!({"empty": true})).await;
    gate.add_permits(100);
    for name in ["events", "callsUnderWay", "deliveriesUnderWay", "deliveriesSucceeded"] {
        assert_eq!(status[name], 0, "{name}");
    }
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url(), "metadataPolicy": "HEADER"})]).await;
    sandbox.advance(600).await;
    assert_eq!(receiver.posted().len(), 1);
    let placed = sandbox.call("inbound-missed").await;
    assert_eq!(placed["calls"][0]["id"], "7340014", "a receiver that runs on knows the first");
}

#[tokio::test]
async fn planting_drops_calls_and_deliveries_and_late_answers_have_no_say() {
    let sandbox = Sandbox::frozen().await;
    let (receiver, gate) = under_way(&sandbox).await;
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url(), "metadataPolicy": "HEADER"})]).await;
    sandbox.call("inbound-rejected").await;
    gate.add_permits(100);
    sandbox.advance(600).await;
    let rejected = ["INITIALIZING 1", "INITIALIZING 1", "RINGING 1", "REJECTED 1"];
    assert_eq!(receiver.steps(), rejected);
    assert_eq!(sandbox.statistics("hook").await["totalAttempts"], 3);
    assert_eq!(sandbox.status().await["events"], 4, "what happened has happened");
}

#[tokio::test]
async fn what_happened_survives_a_restart_and_ids_are_not_used_again() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("200 OK").await;
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url()})]).await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(60).await;
    let rows = sandbox.api("GET", "/self/events", "").await.json();
    let Sandbox { server, directory } = sandbox;
    server.shut_down().await.expect("a clean stop");
    let options = Options { speed: 0.0, ..Options::default() };
    let server = serve(directory.path(), "127.0.0.1:0".parse().expect("an address"), options).await;
    let again = Sandbox { server: server.expect("a sandbox"), directory };
    assert_eq!(again.api("GET", "/self/events", "").await.json(), rows);
    assert_eq!(again.statistics("hook").await["totalSuccesses"], 3);
    assert_eq!(again.call("held").await["calls"][0]["id"], "7340014");
}

#[tokio::test]
async fn what_happened_reaches_the_disk_without_anybody_asking() {
    let options = Options { empty: true, speed: 1000.0, ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    let receiver = Receiver::answering("200 OK").await;
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url()})]).await;
    sandbox.call("inbound-missed").await;
    let on_disk = || {
        let content = fs_err::read(sandbox.directory.path().join("sandbox.json")).expect("a state");
        let state: Value = serde_json::from_slice(&content).expect("a whole state");
        state["webhooks"][0]["statistics"]["totalSuccesses"].clone()
    };
    let written = async {
        while on_disk() != 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, written).await.expect("a write");
}

#[tokio::test]
async fn a_state_without_a_log_is_read() {
    let sandbox = Sandbox::frozen().await;
    sandbox.create("https://a.example/").await;
    let Sandbox { server, directory } = sandbox;
    server.shut_down().await.expect("a clean stop");
    let path = directory.path().join("sandbox.json");
    let content = fs_err::read(&path).expect("a state");
    let mut state: Value = serde_json::from_slice(&content).expect("a whole state");
    state.as_object_mut().expect("an object").remove("events").expect("a log");
    fs_err::write(&path, state.to_string()).expect("an older state");
    let server = serve(directory.path(), "127.0.0.1:0".parse().expect("an address"), Options::default());
    let again = Sandbox { server: server.await.expect("a sandbox"), directory };
    assert_eq!(again.list().await.len(), 1);
    assert_eq!(again.api("GET", "/self/events", "").await.json(), json!([]));
}
