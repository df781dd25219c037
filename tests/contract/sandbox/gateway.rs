//! The gateway in front of the service: tokens, unknown paths, quota, and the three shapes of its errors.

use std::time::Duration;

use chrono::DateTime;
use serde_json::json;
use vwh::sandbox::{ErrorShape, Options};

use super::{BASE, Sandbox};
use crate::raw::{Raw, exchange, request};

async fn with_authorization(sandbox: &Sandbox, headers: &[(&str, &str)]) -> Raw {
    exchange(&sandbox.address(), &request("GET", &format!("{BASE}/no/such/path"), headers, "")).await
}

#[tokio::test]
async fn nothing_is_looked_at_without_the_right_token() {
    let sandbox = Sandbox::empty().await;
    let missing = with_authorization(&sandbox, &[]).await;
    assert_eq!((missing.status, missing.json()["code"].as_str()), (401, Some("900902")));
    assert_eq!(missing.json()["message"], "Missing Credentials");
    assert_eq!(missing.header("www-authenticate"), Some("OAuth2 realm=\"WSO2 API Manager\""));
    let basic = with_authorization(&sandbox, &[("Authorization", "Basic abc")]).await;
    assert_eq!(basic.json()["code"], "900902");
    let wrong = with_authorization(&sandbox, &[("Authorization", "Bearer no")]).await;
    assert_eq!((wrong.status, wrong.json()["code"].as_str()), (401, Some("900901")));
    assert_eq!(wrong.json()["message"], "Invalid Credentials");
    assert!(wrong.header("www-authenticate").expect("a challenge").contains("error=\"invalid_token\""));
    assert_eq!(sandbox.api("GET", "/no/such/path", "").await.status, 404);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let sandbox = Sandbox::empty().await;
    let reply = sandbox.api("GET", "/self/webhook", "").await;
    assert_eq!((reply.status, reply.json()["type"].as_str()), (404, Some("Status report")));
    assert_eq!(reply.json()["description"], "No matching resource found for given API Request");
    let reply = sandbox.api("PATCH", "/self/webhooks/1", "").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (405, Some("405")));
    let outside = exchange(&sandbox.address(), &request("GET", "/t/vbc.prod/vis/v11/self", &[], "")).await;
    assert_eq!((outside.status, outside.json()["message"].as_str()), (404, Some("Not Found")));
}

#[tokio::test]
async fn errors_come_in_the_shape_that_was_asked_for() {
    let wrapped = Sandbox::start(Options { error_shape: ErrorShape::Json, ..Options::default() }).await;
    let reply = with_authorization(&wrapped, &[]).await;
    assert_eq!(reply.json()["fault"]["code"], 900_902);
    let xml = Sandbox::start(Options { error_shape: ErrorShape::Xml, ..Options::default() }).await;
    let reply = with_authorization(&xml, &[]).await;
    assert_eq!(reply.header("content-type"), Some("application/xml; charset=UTF-8"));
    assert!(
        reply
            .text()
            .starts_with("<ams:fault xmlns:ams=\"http://wso2.org/apimanager/security\"><ams:code>900902<")
    );
}

#[tokio::test]
async fn a_used_up_quota_says_when_to_come_back_on_its_own_clock() {
    let options = Options { quota: Some(2), speed: 1000.0, ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    sandbox.knob("POST", "advance", &json!({"seconds": 40_000_000}).to_string()).await;
    assert_eq!(sandbox.api("GET", "/self/webhooks", "").await.status, 200);
    let refused = exchange(&sandbox.address(), &request("GET", &format!("{BASE}/self"), &[], "")).await;
    assert_eq!(refused.status, 401, "a request without a token has no quota to use");
    assert_eq!(sandbox.api("GET", "/self/webhooks", "").await.status, 200);
    let reply = sandbox.api("GET", "/self/webhooks", "").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (429, Some("900803")));
    let time = |name| DateTime::parse_from_rfc2822(reply.header(name).expect(name)).expect(name);
    let wait = (time("retry-after") - time("date")).num_seconds();
    assert!((1..=60).contains(&wait), "{wait}");
    let next = time("retry-after").format("%Y-%b-%d %H:%M:%S+0000 UTC").to_string();
    assert_eq!(reply.json()["nextAccessTime"], json!(next));
    assert_eq!(sandbox.knob("GET", "status", "").await.status, 200, "knobs have no quota");
}

#[tokio::test]
async fn latency_delays_the_api_and_not_the_knobs() {
    let latency = Duration::from_millis(60);
    let sandbox = Sandbox::start(Options { latency, ..Options::default() }).await;
    let start = std::time::Instant::now();
    sandbox.api("GET", "/self", "").await;
    assert!(start.elapsed() >= latency);
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let sandbox = Sandbox::empty().await;
    let reply = sandbox.api("HEAD", "/self/webhooks", "").await;
    assert_eq!((reply.status, reply.header("content-length"), reply.body.len()), (200, Some("2"), 0));
}
