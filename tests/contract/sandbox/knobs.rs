//! The sandbox's own routes.

use serde_json::{Value, json};
use vwh::sandbox::Options;

use super::Sandbox;
use crate::raw::{exchange, request};

#[tokio::test]
async fn status_tells_what_runs() {
    let sandbox = Sandbox::start(Options { speed: 2.5, ..Options::default() }).await;
    sandbox.list().await;
    let reply = sandbox.knob("GET", "status", "").await;
    assert_eq!(reply.status, 200);
    let status = reply.json();
    assert_eq!(status["address"], json!(sandbox.address()));
    assert_eq!(status["speed"], 2.5);
    assert_eq!(status["webhooks"], 8);
    assert_eq!(status["requests"], 1);
    assert_eq!(status["embedded"], false);
    assert!(status["now"].as_str().is_some_and(|now| now.ends_with('Z')));
    assert_eq!((&status["tokens"], &status["tokenRequests"]), (&json!(0), &json!(0)));
    assert_eq!(status["tokenUrl"], json!(format!("http://{}/token", sandbox.address())));
    assert_eq!(
        (&status["clientId"], &status["username"]),
        (&json!("sandbox-client"), &json!("demo@vbc.prod"))
    );
    assert_eq!(status["events"], 47);
    for name in ["callsUnderWay", "deliveriesUnderWay", "deliveriesSucceeded", "deliveriesFailed"] {
        assert_eq!(status[name], 0, "{name}");
    }
    assert_eq!(status.as_object().map(serde_json::Map::len), Some(17));
}

#[tokio::test]
async fn status_tells_where_each_service_is_and_what_it_holds() {
    let sandbox = Sandbox::start(Options::default()).await;
    let services = sandbox.status().await["services"].clone();
    let url = |path: &str| format!("http://{}{path}", sandbox.address());
    let idle = |base: &str, door: &str, path: &str, webhooks: u64| {
        json!({
            "baseUrl": url(base), door: url(path), "webhooks": webhooks,
            "deliveriesUnderWay": 0, "deliveriesSucceeded": 0, "deliveriesFailed": 0,
        })
    };
    let expected = json!({
        "vis": idle("/t/vbc.prod/vis/v1", "tokenUrl", "/token", 8),
        "contact-center": idle("/webhooks", "tokenUrl", "/Auth/connect/token", 2),
        "voipbin": idle("/v1.0", "loginUrl", "/auth/login", 0),
    });
    assert_eq!(services, expected);
}

#[tokio::test]
async fn a_knob_needs_the_token() {
    let sandbox = Sandbox::empty().await;
    for (method, name) in [("GET", "status"), ("POST", "stop"), ("POST", "reset"), ("POST", "revoke")] {
        let reply =
            exchange(&sandbox.address(), &request(method, &format!("/_sandbox/{name}"), &[], "")).await;
        assert_eq!(reply.status, 401);
        assert!(reply.json()["error"].is_string());
    }
}

#[tokio::test]
async fn wrong_turns_are_explained() {
    let sandbox = Sandbox::empty().await;
    let mut status = Vec::new();
    for (method, name, body) in [
        ("POST", "advance", "{\"seconds\":-1}"),
        ("POST", "advance", "{\"seconds\":1,\"days\":1}"),
        ("POST", "advance", ""),
        ("POST", "advance", "{\"seconds\":99999999999}"),
        ("POST", "reset", "[]]"),
        ("POST", "call", "{\"scenario\":\"inbound\"}"),
        ("POST", "call", "{\"count\":0}"),
        ("POST", "call", "{\"count\":1001}"),
        ("POST", "call", "{\"scenarios\":1}"),
        ("POST", "webhooks", "[{\"stastistics\":{}}]"),
        ("POST", "webhooks", "{}"),
        ("GET", "reset", ""),
        ("GET", "revoke", ""),
        ("GET", "call", ""),
        ("GET", "nothing", ""),
    ] {
        let reply = sandbox.knob(method, name, body).await;
        assert!(reply.json()["error"].is_string(), "{name} {body}");
        status.push(reply.status);
    }
    assert_eq!(status, [400, 400, 400, 422, 400, 422, 422, 422, 400, 422, 400, 405, 405, 405, 404]);
}

#[tokio::test]
async fn advancing_moves_the_date_of_every_reply() {
    let sandbox = Sandbox::start(Options { empty: true, speed: 0.0, ..Options::default() }).await;
    let before = sandbox.knob("GET", "status", "").await.json();
    let reply = sandbox.knob("POST", "advance", "{\"seconds\":86400}").await;
    let time = |status: &Value| {
        chrono::DateTime::parse_from_rfc3339(status["now"].as_str().expect("a time")).expect("a time")
    };
    assert_eq!((time(&reply.json()) - time(&before)).num_seconds(), 86_400);
    let date = time(&reply.json()).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    assert_eq!(reply.header("date"), Some(date.as_str()));
    assert_eq!(sandbox.api("GET", "/self", "").await.header("date"), Some(date.as_str()));
}

#[tokio::test]
async fn seeds_replace_the_account() {
    let sandbox = Sandbox::start(Options::default()).await;
    let seeds: Vec<Value> = (0..200).map(|number| json!({"id": format!("hook-{number}")})).collect();
    let status = sandbox.knob("POST", "webhooks", &json!(seeds).to_string()).await;
    assert_eq!(status.json()["webhooks"], 200);
    let list = sandbox.list().await;
    assert_eq!((list.len(), &list[199]["id"]), (200, &json!("hook-199")));
    assert_eq!(list[0]["statistics"]["failed"], false);
}

#[tokio::test]
async fn reset_brings_the_demo_account_back() {
    let sandbox = Sandbox::empty().await;
    sandbox.create("https://mine.example/").await;
    sandbox.knob("POST", "advance", "{\"seconds\":8640000}").await;
    assert_eq!(sandbox.knob("POST", "reset", "").await.json()["webhooks"], 8);
    let list = sandbox.list().await;
    assert_eq!(list[0]["url"], "https://crm.example.com/vonage/calls");
    assert_eq!(list.iter().filter(|webhook| webhook["statistics"]["failed"] == true).count(), 2);
    assert_eq!(sandbox.knob("POST", "reset", "{\"empty\":true}").await.json()["webhooks"], 0);
}

#[tokio::test]
async fn stop_is_answered_and_then_told_to_the_owner() {
    let mut sandbox = Sandbox::empty().await;
    assert_eq!(sandbox.knob("POST", "stop", "").await.status, 200);
    sandbox.server.stopped().await;
    sandbox.server.shut_down().await.expect("a clean stop");
}
