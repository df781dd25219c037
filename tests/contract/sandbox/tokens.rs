//! `POST /token`: who gets a token, and what everybody else is told.

use serde_json::{Value, json};
use vwh::sandbox::Options;

use super::Sandbox;
use crate::raw::{exchange, request};

const PASSWORD: &str = "grant_type=password&username=demo%40vbc.prod&password=demo-password";
/// `sandbox-client:sandbox-secret`.
const BASIC: &str = "Basic c2FuZGJveC1jbGllbnQ6c2FuZGJveC1zZWNyZXQ=";

fn names(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_password_opens_the_api() {
    let sandbox = Sandbox::empty().await;
    let reply = sandbox.token(PASSWORD).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), (Some("no-store"), Some("no-cache")));
    let issued = reply.json();
    assert_eq!(names(&issued), ["access_token", "expires_in", "refresh_token", "scope", "token_type"]);
    assert_eq!(
        (&issued["scope"], &issued["token_type"], &issued["expires_in"]),
        (&json!("default"), &json!("Bearer"), &json!(86_400))
    );
    assert_eq!(sandbox.api_as(&issued["access_token"], "/self").await.json()["id"], 9001);
    assert_eq!(sandbox.api_as(&issued["refresh_token"], "/self").await.status, 401);
    assert_eq!(sandbox.api("GET", "/self", "").await.status, 200, "its own token goes on to work");
}

#[tokio::test]
async fn only_openid_brings_an_id_token() {
    let sandbox = Sandbox::empty().await;
    let issued = sandbox.token(&format!("{PASSWORD}&scope=profile+openid")).await.json();
    assert_eq!(issued["scope"], "openid");
    let parts = issued["id_token"].as_str().map(|token| token.split('.').count());
    assert_eq!(parts, Some(3));
    let refresh = issued["refresh_token"].as_str().expect("a refresh token");
    let renewed = sandbox.token(&format!("grant_type=refresh_token&refresh_token={refresh}")).await.json();
    assert_eq!((&renewed["scope"], renewed["id_token"].is_string()), (&json!("openid"), true));
    let other = sandbox.token(&format!("{PASSWORD}&scope=openidx")).await.json();
    assert_eq!((&other["scope"], other.get("id_token")), (&json!("default"), None));
}

#[tokio::test]
async fn the_client_may_name_itself_in_the_header_for_every_grant() {
    let sandbox = Sandbox::empty().await;
    let header = [("Authorization", BASIC)];
    let issued = sandbox.token_as(&header, PASSWORD).await.json();
    let refresh = issued["refresh_token"].as_str().expect("a refresh token");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(sandbox.token_as(&header, &form).await.status, 200);
    assert_eq!(sandbox.token_as(&header, "grant_type=client_credentials").await.status, 200);
}

#[tokio::test]
async fn a_token_of_the_client_alone_is_issued_and_of_no_use() {
    let sandbox = Sandbox::empty().await;
    let issued = sandbox.token("grant_type=client_credentials&scope=openid").await.json();
    assert_eq!(names(&issued), ["access_token", "expires_in", "scope", "token_type"]);
    assert_eq!(issued["scope"], "default");
    let reply = sandbox.api_as(&issued["access_token"], "/self/webhooks/").await;
    assert_eq!((reply.status, reply.text().as_str()), (401, "Failed to get claims for token"));
    assert_eq!(reply.header("www-authenticate"), None, "the gateway let it pass");
    assert_eq!(sandbox.api_as(&issued["access_token"], "/no/such/path").await.status, 404);
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let sandbox = Sandbox::empty().await;
    let first = sandbox.login().await;
    let refresh = async |pair: &Value| {
        let token = pair["refresh_token"].as_str().expect("a refresh token");
        sandbox.token(&format!("grant_type=refresh_token&refresh_token={token}")).await
    };
    let reply = refresh(&first).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    let second = reply.json();
    assert_eq!(names(&second), ["access_token", "expires_in", "refresh_token", "scope", "token_type"]);
    assert_ne!(second["access_token"], first["access_token"]);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let reused = refresh(&first).await;
    assert_eq!(reused.status, 400);
    assert_eq!(
        reused.json(),
        json!({"error": "invalid_grant", "error_description": "Persisted access token data not found"})
    );
    for pair in [&first, &second] {
        assert_eq!(sandbox.api_as(&pair["access_token"], "/self").await.status, 200);
    }
    assert_eq!(refresh(&second).await.status, 200, "a reuse does not end the family");
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins() {
    let sandbox = Sandbox::empty().await;
    let issued = sandbox.login().await;
    let token = issued["refresh_token"].as_str().expect("a refresh token");
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    let replies = futures_util::future::join_all((0..8).map(|_| sandbox.token(&form))).await;
    let mut status: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    status.sort_unstable();
    assert_eq!(status, [200, 400, 400, 400, 400, 400, 400, 400]);
}

/// Sends each form, and expects its status, its error, and the error's description.
async fn refuses(cases: &[(&str, u16, &str, &str)]) {
    let sandbox = Sandbox::empty().await;
    for (form, status, error, description) in cases {
        let reply = sandbox.token_as(&[], form).await;
        assert_eq!(reply.status, *status, "{form}");
        assert_eq!(reply.json(), json!({"error": error, "error_description": description}), "{form}");
        let caching = (reply.header("cache-control"), reply.header("pragma"));
        assert_eq!(caching, (Some("no-store"), Some("no-cache")));
    }
    assert_eq!(sandbox.knob("GET", "status", "").await.json()["tokens"], 0);
}

#[tokio::test]
async fn every_refused_grant_has_its_own_words() {
    let code = "Invalid authorization code received from token request";
    let verifier = "A code_verifier has 43 to 128 unreserved characters";
    let refresh = "Persisted access token data not found";
    let cases = [
        ("password&username=demo&password=demo-password", "invalid_grant", "Authentication failed for demo"),
        (
            "password&username=demo%40vbc.prod&password=x",
            "invalid_grant",
            "Authentication failed for demo@vbc.prod",
        ),
        ("password&username=demo%40vbc.prod", "invalid_request", "Missing parameter: password"),
        ("password&password=x", "invalid_request", "Missing parameter: username"),
        ("refresh_token", "invalid_request", "Missing parameter: refresh_token"),
        ("refresh_token&refresh_token=x", "invalid_grant", refresh),
        ("authorization_code&redirect_uri=x", "invalid_request", "Missing parameter: code"),
        ("authorization_code&code=x", "invalid_request", "Missing parameter: redirect_uri"),
        ("authorization_code&code=x&redirect_uri=x", "invalid_grant", code),
        ("authorization_code&code=x&redirect_uri=x&code_verifier=x", "invalid_request", verifier),
        ("implicit", "unsupported_grant_type", "Unsupported grant_type value"),
        ("", "invalid_request", "Missing parameter: grant_type"),
        ("password&grant_type=password", "invalid_request", "The parameter grant_type is given twice"),
    ];
    let forms = cases
        .map(|(form, ..)| format!("client_id=sandbox-client&client_secret=sandbox-secret&grant_type={form}"));
    let cases = cases.iter().zip(&forms);
    let cases: Vec<_> = cases.map(|((_, error, text), form)| (form.as_str(), 400, *error, *text)).collect();
    refuses(&cases).await;
}

#[tokio::test]
async fn every_refused_client_has_its_own_words() {
    let unknown = "A valid OAuth client could not be found for client_id: k3y";
    let unsupported = "Unsupported Client Authentication Method!";
    let failed = "Client Authentication failed";
    let cases = [
        ("client_id=k3y&client_secret=x&", unknown),
        ("client_id=sandbox-client&client_secret=x&", failed),
        ("client_id=sandbox-client&", unsupported),
        ("", unsupported),
    ];
    let forms = cases.map(|(client, _)| format!("{client}{PASSWORD}"));
    let cases = cases.iter().zip(&forms);
    let cases: Vec<_> =
        cases.map(|((_, text), form)| (form.as_str(), 401, "invalid_client", *text)).collect();
    refuses(&cases).await;
}

#[tokio::test]
async fn only_a_posted_form_is_read() {
    let sandbox = Sandbox::empty().await;
    let post = async |headers: &[(&str, &str)], body: &str| {
        exchange(&sandbox.address(), &request("POST", "/token", headers, body)).await
    };
    let json_type = [("Authorization", BASIC), ("Content-Type", "application/json")];
    let refused = post(&json_type, r#"{"grant_type":"client_credentials"}"#).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_request")));
    assert_eq!(post(&[("Authorization", BASIC)], "grant_type=client_credentials").await.status, 400);
    let charset =
        [("Authorization", BASIC), ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")];
    assert_eq!(post(&charset, "grant_type=client_credentials").await.status, 200);
    let large = post(&charset, &"x".repeat(1024 * 1024 + 1)).await;
    assert_eq!((large.status, &large.json()["error"]), (413, &json!("invalid_request")));
    let get = exchange(&sandbox.address(), &request("GET", "/token", &charset, "")).await;
    assert_eq!((get.status, get.json()["code"].as_str()), (405, Some("405")));
    let elsewhere = exchange(&sandbox.address(), &request("POST", "/token/", &charset, "")).await;
    assert_eq!(elsewhere.status, 404);
}

#[tokio::test]
async fn wrong_passwords_lock_the_user() {
    let sandbox = Sandbox::start(Options { lock_out: 3, ..Options::default() }).await;
    let wrong = "grant_type=password&username=demo%40vbc.prod&password=guess";
    let description = async |form: &str| {
        let reply = sandbox.token(form).await;
        assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_grant")));
        reply.json()["error_description"].as_str().expect("a description").to_owned()
    };
    for _ in 0..2 {
        description(wrong).await;
    }
    let issued = sandbox.login().await;
    for _ in 0..3 {
        assert_eq!(description(wrong).await, "Authentication failed for demo@vbc.prod");
    }
    let locked = "17003 Error when authenticating demo@vbc.prod: the account is locked";
    assert_eq!(description(PASSWORD).await, locked);
    sandbox.knob("POST", "advance", "{\"seconds\":7200}").await;
    assert_eq!(description(wrong).await, locked, "half an hour of real time, and not of the sandbox's");
    let stranger = "grant_type=password&username=somebody%40vbc.prod&password=x";
    assert_eq!(description(stranger).await, "Authentication failed for somebody@vbc.prod");
    let refresh = issued["refresh_token"].as_str().expect("a refresh token");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(sandbox.token(&form).await.status, 200, "the lock is on the password");
    sandbox.knob("POST", "reset", "").await;
    sandbox.login().await;
}
