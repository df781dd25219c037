//! What becomes of tokens: their end, their revocation, their quota, and the disk they are on.

use serde_json::{Value, json};
use vwh::sandbox::{Options, serve, start_over};

use super::Sandbox;
use crate::raw::{exchange, request};

async fn still() -> Sandbox {
    Sandbox::start(Options { empty: true, speed: 0.0, ..Options::default() }).await
}

async fn advance(sandbox: &Sandbox, seconds: u64) {
    let reply = sandbox.knob("POST", "advance", &json!({ "seconds": seconds }).to_string()).await;
    assert_eq!(reply.status, 200);
}

fn refresh(pair: &Value) -> String {
    let token = pair["refresh_token"].as_str().expect("a refresh token");
    format!("grant_type=refresh_token&refresh_token={token}")
}

#[tokio::test]
async fn tokens_end_on_the_sandbox_clock() {
    let sandbox = still().await;
    let (first, second) = (sandbox.login().await, sandbox.login().await);
    advance(&sandbox, 86_399).await;
    assert_eq!(sandbox.api_as(&first["access_token"], "/self").await.status, 200);
    advance(&sandbox, 1).await;
    let expired = sandbox.api_as(&first["access_token"], "/self").await;
    assert_eq!((expired.status, expired.json()["code"].as_str()), (401, Some("900901")));
    assert_eq!(sandbox.api("GET", "/self", "").await.status, 200, "its own token has no end");
    advance(&sandbox, 6 * 86_400 - 1).await;
    assert_eq!(sandbox.token(&refresh(&first)).await.status, 200);
    advance(&sandbox, 1).await;
    let late = sandbox.token(&refresh(&second)).await;
    assert_eq!((late.status, &late.json()["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn lifetimes_can_be_shorter() {
    let (token_lifetime, refresh_lifetime) =
        (std::time::Duration::from_mins(10), std::time::Duration::from_mins(20));
    let options = Options { speed: 0.0, token_lifetime, refresh_lifetime, ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    let issued = sandbox.login().await;
    assert_eq!(issued["expires_in"], 600);
    advance(&sandbox, 600).await;
    assert_eq!(sandbox.api_as(&issued["access_token"], "/self").await.status, 401);
    let renewed = sandbox.token(&refresh(&issued)).await.json();
    assert_eq!(renewed["expires_in"], 600);
    advance(&sandbox, 1200).await;
    assert_eq!(sandbox.token(&refresh(&renewed)).await.status, 400);
}

#[tokio::test]
async fn revoking_ends_both_kinds() {
    let sandbox = still().await;
    let issued = sandbox.login().await;
    let client = sandbox.token("grant_type=client_credentials").await.json();
    assert_eq!(sandbox.knob("GET", "status", "").await.json()["tokens"], 2);
    let status = sandbox.knob("POST", "revoke", "").await;
    assert_eq!((status.status, &status.json()["tokens"]), (200, &json!(0)));
    for token in [&issued["access_token"], &client["access_token"]] {
        let refused = sandbox.api_as(token, "/self").await;
        assert_eq!((refused.status, refused.json()["code"].as_str()), (401, Some("900901")));
    }
    assert_eq!(sandbox.token(&refresh(&issued)).await.status, 400);
    assert_eq!(sandbox.api("GET", "/self", "").await.status, 200);
    sandbox.login().await;
}

#[tokio::test]
async fn a_token_opens_no_knob() {
    let sandbox = Sandbox::empty().await;
    let issued = sandbox.login().await;
    let authorization = format!("Bearer {}", issued["access_token"].as_str().expect("a token"));
    for (method, knob) in [("GET", "status"), ("POST", "revoke"), ("POST", "stop"), ("POST", "reset")] {
        let request = request(method, &format!("/_sandbox/{knob}"), &[("Authorization", &authorization)], "");
        assert_eq!(exchange(&sandbox.address(), &request).await.status, 401, "{knob}");
    }
}

#[tokio::test]
async fn each_token_has_a_quota_of_its_own() {
    let sandbox = Sandbox::start(Options { quota: Some(1), ..Options::default() }).await;
    let (one, other) = (sandbox.login().await, sandbox.login().await);
    for pair in [&one, &other] {
        assert_eq!(sandbox.api_as(&pair["access_token"], "/self").await.status, 200);
        assert_eq!(sandbox.api_as(&pair["access_token"], "/self").await.status, 429);
    }
    assert_eq!(sandbox.api("GET", "/self", "").await.status, 200);
    assert_eq!(sandbox.api("GET", "/self", "").await.status, 429);
    sandbox.login().await;
}

#[tokio::test]
async fn tokens_outlive_the_process_and_not_a_reset() {
    let sandbox = still().await;
    let (issued, other) = (sandbox.login().await, sandbox.login().await);
    assert_eq!(sandbox.token(&refresh(&other)).await.status, 200);
    let directory = sandbox.directory;
    sandbox.server.shut_down().await.expect("a clean stop");
    let again = async || {
        let bind = "127.0.0.1:0".parse().expect("an address");
        serve(directory.path(), bind, Options::default()).await.expect("a sandbox")
    };
    let sandbox = Sandbox { server: again().await, directory: tempfile::tempdir().expect("a directory") };
    assert_eq!(sandbox.api_as(&issued["access_token"], "/self").await.status, 200);
    assert_eq!(sandbox.token(&refresh(&other)).await.status, 400, "used before the stop");
    let renewed = sandbox.token(&refresh(&issued)).await.json();
    assert_eq!(sandbox.knob("POST", "reset", "").await.json()["tokens"], 0);
    assert_eq!(sandbox.api_as(&renewed["access_token"], "/self").await.status, 401);
    assert_eq!(sandbox.token(&refresh(&renewed)).await.status, 400);
    let last = sandbox.login().await;
    sandbox.server.shut_down().await.expect("a clean stop");
    start_over(directory.path(), true).await.expect("a state");
    let sandbox = Sandbox { server: again().await, directory: tempfile::tempdir().expect("a directory") };
    assert_eq!(sandbox.api_as(&last["access_token"], "/self").await.status, 401);
    sandbox.server.shut_down().await.expect("a clean stop");
}

#[tokio::test]
async fn a_token_is_on_disk_before_it_is_answered() {
    let sandbox = Sandbox::empty().await;
    let issued = sandbox.login().await;
    let state = || fs_err::read_to_string(sandbox.directory.path().join("sandbox.json")).expect("a state");
    for name in ["access_token", "refresh_token"] {
        assert!(state().contains(issued[name].as_str().expect("a token")), "{name}");
    }
    sandbox.token(&refresh(&issued)).await;
    assert!(!state().contains(issued["refresh_token"].as_str().expect("a token")));
    advance(&sandbox, 86_400).await;
    let access = issued["access_token"].as_str().expect("a token");
    assert!(!state().contains(access), "what has expired is not kept");
}

#[tokio::test]
async fn no_token_is_answered_when_the_disk_does_not_take_it() {
    let sandbox = Sandbox::empty().await;
    let obstacle = sandbox.directory.path().join("sandbox.json.new");
    fs_err::create_dir(&obstacle).expect("a directory in the way of the next write");
    let reply = sandbox.token("grant_type=client_credentials").await;
    assert_eq!((reply.status, &reply.json()["error"]), (500, &json!("server_error")));
}

#[tokio::test]
async fn a_state_from_before_tokens_is_read() {
    let sandbox = Sandbox::empty().await;
    let directory = sandbox.directory;
    sandbox.server.shut_down().await.expect("a clean stop");
    let path = directory.path().join("sandbox.json");
    let content = fs_err::read(&path).expect("a state");
    let mut state: Value = serde_json::from_slice(&content).expect("a state");
    state.as_object_mut().expect("an object").remove("oauth").expect("what was handed out");
    fs_err::write(&path, state.to_string()).expect("an old state");
    let bind = "127.0.0.1:0".parse().expect("an address");
    let server = serve(directory.path(), bind, Options::default()).await.expect("a sandbox");
    let sandbox = Sandbox { server, directory };
    assert_eq!(sandbox.api_as(&sandbox.login().await["access_token"], "/self").await.status, 200);
}

#[tokio::test]
async fn latency_is_not_about_tokens() {
    let latency = std::time::Duration::from_hours(1);
    let sandbox = Sandbox::start(Options { latency, ..Options::default() }).await;
    sandbox.login().await;
}

#[tokio::test]
async fn token_requests_have_their_own_count_and_trouble() {
    let faults = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a fault")).collect();
    let token_faults = faults(&["1:503", "2:html502", "3:cut", "4:429"]);
    let faults = faults(&["1:500"]);
    let sandbox = Sandbox::start(Options { token_faults, faults, ..Options::default() }).await;
    let login = "grant_type=password&username=demo%40vbc.prod&password=demo-password";
    let spoiled = sandbox.token(login).await;
    assert_eq!((spoiled.status, spoiled.json()["code"].as_str()), (503, Some("303001")));
    let spoiled = sandbox.token(login).await;
    assert_eq!((spoiled.status, spoiled.header("content-type")), (502, Some("text/html")));
    assert_eq!(sandbox.knob("GET", "status", "").await.json()["tokens"], 0, "nothing was done");
    let cut = sandbox.token(login).await;
    let promised: usize = cut.header("content-length").expect("a length").parse().expect("a number");
    assert_eq!((cut.status, cut.body.len()), (200, promised / 2));
    assert_eq!(sandbox.knob("GET", "status", "").await.json()["tokens"], 1, "it was done");
    assert!(sandbox.token(login).await.header("retry-after").is_some());
    let issued = sandbox.login().await;
    assert_eq!(sandbox.api_as(&issued["access_token"], "/self").await.status, 500);
    let status = sandbox.knob("GET", "status", "").await.json();
    assert_eq!((&status["requests"], &status["tokenRequests"]), (&json!(1), &json!(5)));
}
