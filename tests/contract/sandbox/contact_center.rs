//! Contact Center in the sandbox: its token endpoint, its API and its notifications, with literal names.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use vwh::sandbox::Options;

use super::Sandbox;
use super::receiver::{Posted, Receiver, status};
use crate::raw::{Raw, exchange, request};

const ACCEPT: (&str, &str) = ("Accept", "application/vnd.newvoicemedia.v1+json");
const CLIENT: &str = "client_id=sandbox-client&client_secret=sandbox-secret";

async fn start() -> Sandbox {
    Sandbox::start(Options { empty: true, speed: 0.0, allow_http: true, ..Options::default() }).await
}

/// A form to the token endpoint.
async fn token_reply(sandbox: &Sandbox, headers: &[(&str, &str)], form: &str) -> Raw {
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    let headers: Vec<_> = [form_type].iter().chain(headers).copied().collect();
    exchange(&sandbox.address(), &request("POST", "/Auth/connect/token", &headers, form)).await
}

/// A token that is good for `scope`.
async fn token(sandbox: &Sandbox, scope: &str) -> String {
    let form = format!("{CLIENT}&grant_type=client_credentials&scope={scope}");
    let reply = token_reply(sandbox, &[], &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["access_token"].as_str().expect("a token").to_owned()
}

async fn send(sandbox: &Sandbox, headers: &[(&str, &str)], line: &str, body: &str) -> Raw {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    exchange(&sandbox.address(), &request(method, &format!("/webhooks{path}"), headers, body)).await
}

/// A request with the sandbox's own token, which has every scope.
pub(super) async fn api(sandbox: &Sandbox, line: &str, body: &Value) -> Raw {
    let authorization = format!("bearer {}", sandbox.server.token().reveal());
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(sandbox, &[ACCEPT, ("Authorization", &authorization)], line, &body).await
}

pub(super) async fn create(sandbox: &Sandbox, body: &Value) -> Value {
    let reply = api(sandbox, "POST /subscriptions", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn body(name: &str, url: &str) -> Value {
    json!({"name": name, "url": url, "events": ["channel.*"]})
}

#[tokio::test]
async fn a_token_is_opaque_and_lasts_two_hours() {
    let sandbox = start().await;
    let form = format!("{CLIENT}&grant_type=client_credentials&scope=admin%3Aread+admin%3Awrite");
    let reply = token_reply(&sandbox, &[], &form).await;
    let members = reply.json();
    assert_eq!((&members["expires_in"], &members["token_type"]), (&json!(7200), &json!("Bearer")));
    assert_eq!(members.as_object().map(serde_json::Map::len), Some(3));
    assert_eq!(reply.header("Cache-Control"), Some("no-store"));
    let authorization = format!("Bearer {}", members["access_token"].as_str().expect("a token"));
    let headers = [ACCEPT, ("Authorization", authorization.as_str())];
    sandbox.advance(7199).await;
    assert_eq!(send(&sandbox, &headers, "GET /subscriptions", "").await.status, 200);
    sandbox.advance(1).await;
    let expired = send(&sandbox, &headers, "GET /subscriptions", "").await;
    assert_eq!(expired.status, 401);
    assert_eq!(
        expired.json(),
        json!({"error": "invalid_token", "error_description": "The access token is invalid or has expired"})
    );
}

#[tokio::test]
async fn the_client_may_name_itself_by_basic() {
    let sandbox = start().await;
    let basic = format!("Basic {}", STANDARD.encode("sandbox-client:sandbox-secret"));
    let form = "grant_type=client_credentials&scope=admin:read";
    assert_eq!(token_reply(&sandbox, &[("Authorization", &basic)], form).await.status, 200);
}

#[tokio::test]
async fn the_token_endpoint_has_the_documented_errors() {
    let sandbox = start().await;
    let described =
        |error: &str, description: &str| json!({"error": error, "error_description": description});
    for (form, expected) in [
        (format!("{CLIENT}&scope=admin:read"), described("unsupported_grant_type", "Invalid grant_type")),
        (
            format!("{CLIENT}&grant_type=password&scope=admin:read"),
            described("unsupported_grant_type", "Invalid grant_type"),
        ),
        (
            format!("{CLIENT}&grant_type=client_credentials"),
            described("invalid_scope", "You must specify a scope"),
        ),
        (
            format!("{CLIENT}&grant_type=client_credentials&scope=admin:read+admin:all"),
            described("invalid_scope", "\"admin:all\" is an invalid scope"),
        ),
        (
            "client_id=sandbox-client&client_secret=x&grant_type=client_credentials&scope=admin:read"
                .to_owned(),
            json!({"error": "invalid_client"}),
        ),
        ("grant_type=client_credentials&scope=admin:read".to_owned(), json!({"error": "invalid_client"})),
    ] {
        let reply = token_reply(&sandbox, &[], &form).await;
        assert_eq!((reply.status, reply.json()), (400, expected), "{form}");
    }
    let got = exchange(&sandbox.address(), &request("GET", "/Auth/connect/token", &[], "")).await;
    assert_eq!(got.status, 405);
}

#[tokio::test]
async fn the_three_401_bodies_are_the_services_own() {
    let sandbox = start().await;
    let missing = send(&sandbox, &[ACCEPT], "GET /subscriptions", "").await;
    assert_eq!(
        (missing.status, missing.json()),
        (401, json!({"error": "invalid_request", "error_description": "The access token is missing"}))
    );
    let wrong = send(&sandbox, &[ACCEPT, ("Authorization", "Bearer x")], "GET /subscriptions", "").await;
    assert_eq!(
        (wrong.status, wrong.json()),
        (
            401,
            json!({"error": "invalid_token", "error_description": "The access token is invalid or has expired"})
        )
    );
    for (scope, allowed, refused) in [
        ("admin:read", "GET /subscriptions", "DELETE /subscriptions/x"),
        ("admin:write", "DELETE /subscriptions/x", "GET /event-types"),
    ] {
        let authorization = format!("Bearer {}", token(&sandbox, scope).await);
        let headers = [ACCEPT, ("Authorization", authorization.as_str())];
        let refusal = send(&sandbox, &headers, refused, "").await;
        assert_eq!((refusal.status, refusal.json()), (401, json!({"message": "Unauthorized"})), "{scope}");
        assert_ne!(send(&sandbox, &headers, allowed, "").await.status, 401, "{scope}");
    }
}

#[tokio::test]
async fn a_request_without_the_version_is_400() {
    let sandbox = start().await;
    let authorization = format!("Bearer {}", sandbox.server.token().reveal());
    let authorization = ("Authorization", authorization.as_str());
    for accept in ["application/json", "*/*", "application/vnd.newvoicemedia.v2+json"] {
        let reply = send(&sandbox, &[authorization, ("Accept", accept)], "GET /subscriptions", "").await;
        assert_eq!(reply.status, 400, "{accept}");
        assert!(reply.json()["message"].is_string(), "{}", reply.text());
    }
    assert_eq!(send(&sandbox, &[authorization], "GET /subscriptions", "").await.status, 400);
}

#[tokio::test]
async fn a_subscription_goes_from_creation_to_its_end() {
    let sandbox = start().await;
    let created = create(&sandbox, &body("CRM bridge", "https://hooks.example.net/vcc")).await;
    let id = created["subscriptionId"].as_str().expect("an id").to_owned();
    assert!(id.len() == 27 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let secret = created["secret"].as_str().expect("a secret");
    assert_eq!(STANDARD.decode(secret).expect("base64").len(), 32);
    let shown = json!({"subscriptionId": id, "name": "CRM bridge", "url": "https://hooks.example.net/vcc",
        "events": ["channel.*"], "enabled": true});
    let mut with_secret = shown.clone();
    with_secret["secret"] = json!(secret);
    assert_eq!(created, with_secret);
    let got = api(&sandbox, &format!("GET /subscriptions/{id}"), &Value::Null).await;
    assert_eq!((got.status, got.json()), (200, shown.clone()));
    assert_eq!(got.header("Cache-Control"), Some("max-age=5, must-revalidate, private"));
    let list = api(&sandbox, "GET /subscriptions", &Value::Null).await;
    assert_eq!(list.json(), json!({ "subscriptions": [shown] }));
    let change = json!({"enabled": false, "events": ["agent.*", "*"], "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"});
    let changed = api(&sandbox, &format!("PATCH /subscriptions/{id}"), &change).await;
    let mut expected = shown;
    expected["enabled"] = json!(false);
    expected["events"] = json!(["agent.*", "*"]);
    assert_eq!((changed.status, changed.json()), (200, expected));
    let deleted = api(&sandbox, &format!("DELETE /subscriptions/{id}"), &Value::Null).await;
    assert_eq!((deleted.status, deleted.text().as_str()), (204, ""));
    for line in ["GET", "PATCH", "DELETE"] {
        let reply = api(&sandbox, &format!("{line} /subscriptions/{id}"), &json!({})).await;
        assert_eq!(reply.status, 404, "{line}");
        assert!(reply.json()["message"].is_string());
    }
}

#[tokio::test]
async fn what_does_not_fit_is_400_and_a_name_that_is_taken_409() {
    let sandbox = Sandbox::start(Options { empty: true, ..Options::default() }).await;
    let good = body("CRM bridge", "https://hooks.example.net/vcc");
    for (member, wrong) in [
        ("name", Value::Null),
        ("name", json!("ab")),
        ("name", json!("x".repeat(129))),
        ("url", Value::Null),
        ("url", json!("http://127.0.0.1:3000/webhook")),
        ("events", Value::Null),
        ("events", json!([])),
        ("enabled", json!("no")),
        ("secret", json!("no base64!")),
    ] {
        let mut bad = good.clone();
        bad[member] = wrong.clone();
        let reply = api(&sandbox, "POST /subscriptions", &bad).await;
        assert_eq!(reply.status, 400, "{member} {wrong}");
        assert!(
            reply.json()["message"].as_str().is_some_and(|text| text.contains(member)),
            "{}",
            reply.text()
        );
    }
    assert_eq!(api(&sandbox, "POST /subscriptions", &json!([])).await.status, 400);
    let first = create(&sandbox, &good).await;
    assert_eq!(api(&sandbox, "POST /subscriptions", &good).await.status, 409);
    let second = create(&sandbox, &body("Wallboard", "https://hooks.example.net/vcc")).await;
    let rename = |id: &Value| format!("PATCH /subscriptions/{}", id.as_str().expect("an id"));
    let name = json!({"name": "CRM bridge"});
    assert_eq!(api(&sandbox, &rename(&second["subscriptionId"]), &name).await.status, 409);
    assert_eq!(api(&sandbox, &rename(&first["subscriptionId"]), &name).await.status, 200);
    assert_eq!(api(&sandbox, "PUT /subscriptions", &good).await.status, 405);
    assert_eq!(api(&sandbox, "GET /subscription", &Value::Null).await.status, 404);
}

#[tokio::test]
async fn event_types_have_a_schema() {
    let sandbox = start().await;
    let reply = api(&sandbox, "GET /event-types", &Value::Null).await.json();
    let kinds = reply["eventTypes"].as_array().expect("an array");
    assert_eq!(kinds.len(), 13);
    let first = &kinds[0];
    assert_eq!(first["name"], "agent.presencechanged.v1");
    assert_eq!(first["releaseStatus"], "General Availability");
    assert_eq!(first["jsonSchema"]["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(first["jsonSchema"]["required"], json!(["timestamp", "presence"]));
}

/// Takes a token apart with nothing of vwh in it; it must be signed with `key`.
fn claims(token: &str, key: &[u8]) -> Value {
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    let (header, claims) = signed.split_once('.').expect("two parts");
    let part = |text: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64url")).expect("JSON")
    };
    assert_eq!(part(header)["alg"], "HS256");
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    mac.update(signed.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).expect("base64url")).expect("a good signature");
    part(claims)
}

fn kinds(posted: &[Posted]) -> Vec<String> {
    posted.iter().map(|posted| posted.json()["type"].as_str().expect("a type").to_owned()).collect()
}

#[tokio::test]
async fn a_call_is_told_to_those_who_ask_for_it() {
    let sandbox = start().await;
    let (channels, agents) =
        (Receiver::answering("204 No Content").await, Receiver::answering("200 OK").await);
    let created = create(&sandbox, &body("Channels", &channels.url())).await;
    let key = STANDARD.decode(created["secret"].as_str().expect("a secret")).expect("base64");
    let mut of_agents = body("Agents", &agents.url());
    of_agents["events"] = json!(["agent.presencechanged.v1"]);
    create(&sandbox, &of_agents).await;
    let mut paused = body("Paused", &channels.url());
    paused["enabled"] = json!(false);
    create(&sandbox, &paused).await;
    let placed = sandbox.call("inbound-answered").await;
    assert_eq!(placed["receivers"], 2);
    // A day later on the sandbox's clock, the signature is still of now.
    sandbox.advance(24 * 60 * 60).await;
    let posted = channels.posted();
    assert_eq!(
        kinds(&posted),
        [
            "channel.alerted.v1",
            "channel.connected.v1",
            "channel.disconnected.v1",
            "channel.wrapstarted.v1",
            "channel.ended.v1"
        ]
    );
    assert_eq!(kinds(&agents.posted()), ["agent.presencechanged.v1"]);
    let last = posted.last().expect("five");
    assert_eq!(last.line(), "POST /hook");
    assert_eq!(last.header("Content-Type"), Some("application/cloudevents+json"));
    let event = last.json();
    assert_eq!((&event["specversion"], &event["source"]), (&json!("1.0"), &json!("/channel")));
    assert_eq!(event["data"]["reason"], "released");
    assert_eq!(event["id"].as_str().map(str::len), Some(27));
    let claims = claims(last.header("Vonage-Signature").expect("a signature"), &key);
    let hash: String = Sha256::digest(&last.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(claims["payload_hash"], hash);
    let (issued, expiry) = (claims["iat"].as_i64().expect("iat"), claims["exp"].as_i64().expect("exp"));
    assert_eq!(expiry - issued, 300);
    assert!((chrono::Utc::now().timestamp() - issued).abs() < 120, "{issued}");
}

#[tokio::test]
async fn what_is_not_2xx_is_tried_again_and_a_redirect_is_not_followed() {
    let sandbox = start().await;
    let receiver = Receiver::start(|_, number| match number {
        1 => status("500 Internal Server Error"),
        2 => super::receiver::Answer::Bytes(super::receiver::whole("302 Found", "Location: /else\r\n")),
        _ => status("202 Accepted"),
    })
    .await;
    let mut ended = body("Ended", &receiver.url());
    ended["events"] = json!(["channel.ended.v1"]);
    create(&sandbox, &ended).await;
    sandbox.call("inbound-answered").await;
    let after = sandbox.advance(120).await;
    let posted = receiver.posted();
    assert_eq!(posted.iter().map(Posted::line).collect::<Vec<_>>(), ["POST /hook"; 3]);
    assert!(posted.iter().all(|each| each.body == posted[0].body), "the same event each time");
    assert_eq!((&after["deliveriesSucceeded"], &after["deliveriesFailed"]), (&json!(1), &json!(0)));
    assert_eq!(after["services"]["contact-center"]["deliveriesSucceeded"], 1);
}

#[tokio::test]
async fn one_service_alone_may_tell_of_a_call() {
    let sandbox = start().await;
    let receiver = Receiver::answering("200 OK").await;
    create(&sandbox, &body("Channels", &receiver.url())).await;
    let placed = sandbox.turn("call", &json!({"service": "vis"})).await;
    assert_eq!(placed["receivers"], 0);
    sandbox.advance(60).await;
    assert_eq!(receiver.posted().len(), 0);
    let events = sandbox.status().await["events"].clone();
    let placed = sandbox.turn("call", &json!({"service": "contact-center"})).await;
    assert_eq!(placed["receivers"], 1);
    sandbox.advance(60).await;
    assert_eq!(receiver.posted().len(), 5);
    assert_eq!(sandbox.status().await["events"], events, "VIS has heard nothing of it");
    assert_eq!(sandbox.knob("POST", "call", "{\"service\":\"fax\"}").await.status, 422);
}

#[tokio::test]
async fn faults_and_quota_speak_the_services_language() {
    let faults = vec!["2:503".parse().expect("a fault"), "3:401".parse().expect("a fault")];
    let options = Options { empty: true, faults, quota: Some(2), ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    assert_eq!(api(&sandbox, "GET /subscriptions", &Value::Null).await.status, 200);
    let unwell = api(&sandbox, "GET /subscriptions", &Value::Null).await;
    assert_eq!((unwell.status, unwell.json()), (503, json!({"message": "Service Unavailable"})));
    let refused = api(&sandbox, "GET /subscriptions", &Value::Null).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (401, Some("invalid_token")));
    assert_eq!(api(&sandbox, "GET /subscriptions", &Value::Null).await.status, 200);
    let throttled = api(&sandbox, "GET /subscriptions", &Value::Null).await;
    assert_eq!((throttled.status, throttled.header("Retry-After")), (429, None));
    assert!(throttled.json()["message"].is_string());
}

#[tokio::test]
async fn an_older_state_has_no_subscriptions_and_a_reset_brings_the_demo_back() {
    let sandbox = Sandbox::start(Options::default()).await;
    let listed = async || {
        let list = api(&sandbox, "GET /subscriptions", &Value::Null).await.json();
        list["subscriptions"].as_array().expect("an array").len()
    };
    assert_eq!(listed().await, 2);
    sandbox.turn("reset", &json!({"empty": true})).await;
    assert_eq!(listed().await, 0);
    sandbox.turn("reset", &json!({})).await;
    assert_eq!(listed().await, 2);
    let Sandbox { server, directory } = sandbox;
    server.shut_down().await.expect("a stop");
    let path = directory.path().join("sandbox.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&path).expect("a state")).expect("JSON");
    assert!(state.as_object_mut().expect("an object").remove("contactCenter").is_some());
    std::fs::write(&path, state.to_string()).expect("a state");
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = vwh::sandbox::serve(directory.path(), address, Options::default()).await.expect("a sandbox");
    let sandbox = Sandbox { server, directory };
    let list = api(&sandbox, "GET /subscriptions", &Value::Null).await.json();
    assert_eq!(list, json!({"subscriptions": []}));
}
