//! The five endpoints, `/self` and `/self/account`.

use serde_json::{Value, json};
use vwh::sandbox::Options;

use super::Sandbox;

const DAY: u64 = 24 * 60 * 60;

fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn milliseconds(text: &Value) -> i64 {
    let text = text.as_str().expect("a time");
    assert_eq!(text.len(), "2024-03-01T09:00:00.123Z".len());
    chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_millis()
}

#[tokio::test]
async fn ids_are_numbers_where_that_is_asked_for() {
    let sandbox = Sandbox::start(Options { numeric_ids: true, ..Options::default() }).await;
    let created = sandbox.create("https://a.example/").await;
    let id = created["id"].as_u64().expect("a number");
    assert_eq!(id.to_string().len(), 9, "{id}");
    assert_eq!((&created["userId"], &created["accountId"]), (&json!(9001), &json!(4711)));
    let got = sandbox.api("GET", &format!("/self/webhooks/{id}"), "").await.json();
    assert_eq!(got, created);
    let renewed = sandbox.api("PUT", &format!("/self/webhooks/{id}/renew"), "").await.json();
    assert_eq!(renewed["id"], id);
    let list = sandbox.list().await;
    assert_eq!(list.last().map(|webhook| &webhook["id"]), Some(&json!(id)));
    assert!(list[0]["id"].is_string(), "a UUID stays what it is");
    sandbox.plant(&[json!({"id": "007"}), json!({"id": "184094"})]).await;
    let ids: Vec<_> = sandbox.list().await.iter().map(|webhook| webhook["id"].clone()).collect();
    assert_eq!(ids, [json!("007"), json!(184_094)]);
    assert_eq!(sandbox.api("DELETE", "/self/webhooks/184094", "").await.status, 204);
}

#[tokio::test]
async fn how_long_a_webhook_lives_can_be_told() {
    let day = std::time::Duration::from_hours(24);
    let options =
        Options { empty: true, speed: 0.0, expire_after: 2 * day, purge_after: day, ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    let created = sandbox.create("https://a.example/").await;
    let id = created["id"].as_str().expect("an id").to_owned();
    let time = |webhook: &Value, name: &str| {
        chrono::DateTime::parse_from_rfc3339(webhook[name].as_str().expect("a time")).expect("a time")
    };
    let days = |webhook: &Value, from: &str, to: &str| (time(webhook, to) - time(webhook, from)).num_days();
    assert_eq!((days(&created, "createdAt", "expireAt"), days(&created, "expireAt", "purgeAt")), (2, 1));
    sandbox.advance(60 * 60).await;
    let renewed = sandbox.api("PUT", &format!("/self/webhooks/{id}/renew"), "").await.json();
    assert_eq!((days(&renewed, "renewedAt", "expireAt"), days(&renewed, "expireAt", "purgeAt")), (2, 1));
    sandbox.advance(3 * 24 * 60 * 60 - 1).await;
    assert_eq!(sandbox.list().await.len(), 1);
    sandbox.advance(1).await;
    assert_eq!(sandbox.list().await.len(), 0);
}

#[tokio::test]
async fn create_echoes_the_request_and_dates_it() {
    let sandbox = Sandbox::empty().await;
    let body = r#"{"url":"https://hooks.example.test/vis","events":["CALL"],"signingAlgo":"HMAC_SHA256",
        "signingKey":"s3cr3t","metadataPolicy":"BODY"}"#;
    let reply = sandbox.api("POST", "/self/webhooks/", body).await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let webhook = reply.json();
    assert_eq!(
        names(&webhook),
        [
            "accountId",
            "createdAt",
            "events",
            "expireAt",
            "id",
            "metadataPolicy",
            "purgeAt",
            "signingAlgo",
            "signingKey",
            "statistics",
            "status",
            "url",
            "userId"
        ]
    );
    assert_eq!(webhook["url"], "https://hooks.example.test/vis");
    assert_eq!(webhook["status"], "ACTIVE");
    assert_eq!(webhook["events"], json!(["CALL"]));
    assert_eq!(webhook["signingAlgo"], "HMAC_SHA256");
    assert_eq!(webhook["signingKey"], "s3cr3t");
    assert_eq!(webhook["metadataPolicy"], "BODY");
    assert_eq!(webhook["id"].as_str().map(str::len), Some(36));
    let zeros = json!({"totalAttempts": 0, "totalSuccesses": 0, "totalFailures": 0, "failed": false});
    assert_eq!(webhook["statistics"], zeros);
    let created = milliseconds(&webhook["createdAt"]);
    assert_eq!(milliseconds(&webhook["expireAt"]) - created, 10 * 86_400_000);
    assert_eq!(milliseconds(&webhook["purgeAt"]) - created, 100 * 86_400_000);
    assert_eq!(sandbox.list().await, [webhook]);
}

#[tokio::test]
async fn an_unsigned_webhook_says_none_and_has_no_key() {
    let sandbox = Sandbox::empty().await;
    let webhook = sandbox.create("http://localhost:3000/webhook").await;
    assert_eq!(webhook["signingAlgo"], "NONE");
    assert_eq!(webhook["metadataPolicy"], "NONE");
    assert_eq!(webhook.get("signingKey"), None);
}

#[tokio::test]
async fn the_same_url_twice_makes_two() {
    let sandbox = Sandbox::empty().await;
    let first = sandbox.create("https://a.example/").await;
    let second = sandbox.create("https://a.example/").await;
    assert_ne!(first["id"], second["id"]);
    assert_eq!(sandbox.list().await, [first, second]);
}

#[tokio::test]
async fn invalid_requests_name_their_fields_but_no_key() {
    let sandbox = Sandbox::empty().await;
    let body = r#"{"url":"hooks.example.test","events":[],"signingKey":"hunter2"}"#;
    let reply = sandbox.api("POST", "/self/webhooks", body).await;
    assert_eq!(reply.status, 422);
    assert!(!reply.text().contains("hunter2"));
    let error = reply.json();
    assert_eq!(names(&error), ["errorCode", "errorMessage", "errors"]);
    let fields: Vec<&Value> =
        error["errors"].as_array().expect("errors").iter().map(|one| &one["field"]).collect();
    assert_eq!(fields, ["url", "events", "signingKey"]);
    assert_eq!(names(&error["errors"][0]), ["field", "message"]);

    let reply = sandbox.api("POST", "/self/webhooks", r#"{"signingKey":"hunter2""#).await;
    assert_eq!(reply.status, 400);
    assert_eq!(names(&reply.json()), ["errorCode", "errorMessage"]);
    assert!(!reply.text().contains("hunter2"));
    assert!(sandbox.list().await.is_empty());
}

#[tokio::test]
async fn one_mebibyte_is_the_largest_body() {
    let sandbox = Sandbox::empty().await;
    let padded = |length: usize| {
        let body = r#"{"url":"https://a.example/","events":["CALL"]}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    assert_eq!(sandbox.api("POST", "/self/webhooks", &padded(1_048_576)).await.status, 201);
    let reply = sandbox.api("POST", "/self/webhooks", &padded(1_048_577)).await;
    assert_eq!((reply.status, reply.json()["errorCode"].as_str()), (413, Some("PAYLOAD_TOO_LARGE")));
    assert_eq!(sandbox.list().await.len(), 1);
}

#[tokio::test]
async fn each_path_works_with_and_without_the_last_slash() {
    let sandbox = Sandbox::empty().await;
    for slash in ["", "/"] {
        let webhook = sandbox.create("https://a.example/").await;
        let one = format!("/self/webhooks/{}{slash}", webhook["id"].as_str().expect("an id"));
        let renew = format!("{}/renew{slash}", one.trim_end_matches('/'));
        assert_eq!(sandbox.api("GET", &format!("/self/webhooks{slash}"), "").await.json(), json!([webhook]));
        assert_eq!(sandbox.api("GET", &one, "").await.json(), webhook);
        assert_eq!(sandbox.api("PUT", &renew, "").await.status, 200);
        assert_eq!(sandbox.api("DELETE", &one, "").await.status, 204);
        assert_eq!(sandbox.api("GET", &format!("/self{slash}"), "").await.status, 200);
        assert_eq!(sandbox.api("GET", &format!("/self/account{slash}"), "").await.status, 200);
    }
}

#[tokio::test]
async fn deleting_is_final_and_empty() {
    let sandbox = Sandbox::empty().await;
    let webhook = sandbox.create("https://a.example/").await;
    let path = format!("/self/webhooks/{}", webhook["id"].as_str().expect("an id"));
    let reply = sandbox.api("DELETE", &path, "").await;
    assert_eq!((reply.status, reply.body.as_slice()), (204, &b""[..]));
    for (method, path) in [("DELETE", path.clone()), ("GET", path.clone()), ("PUT", format!("{path}/renew"))]
    {
        let reply = sandbox.api(method, &path, "").await;
        assert_eq!(reply.status, 404, "{method} {path}");
        assert_eq!(names(&reply.json()), ["errorCode", "errorMessage"]);
    }
}

#[tokio::test]
async fn renewing_gives_a_new_life_on_the_sandbox_clock() {
    let sandbox = Sandbox::empty().await;
    let failed = json!([{"id": "lost", "statistics": {"totalAttempts": 8, "totalSuccesses": 5, "totalFailures": 3,
        "failed": true, "lastFailure": "2024-02-02T00:00:00.000Z", "lastHttpErrorCode": "404 NOT_FOUND"}}]);
    assert_eq!(sandbox.knob("POST", "webhooks", &failed.to_string()).await.status, 200);
    let before = sandbox.list().await.remove(0);
    sandbox.knob("POST", "advance", &json!({"seconds": 3 * DAY}).to_string()).await;
    let after = sandbox.api("PUT", "/self/webhooks/lost/renew", "{\"any\":1}").await.json();
    assert_eq!(after["statistics"]["failed"], false);
    assert_eq!(after["statistics"]["totalFailures"], 3);
    assert_eq!(after["statistics"]["lastHttpErrorCode"], "404 NOT_FOUND");
    assert_eq!(after["statistics"]["lastFailure"], "2024-02-02T00:00:00.000Z");
    assert_eq!(after["createdAt"], before["createdAt"]);
    assert_eq!(after["renewedBy"], "9001");
    let renewed = milliseconds(&after["renewedAt"]);
    assert!(renewed - milliseconds(&before["createdAt"]) >= 3 * 86_400_000);
    assert_eq!(milliseconds(&after["expireAt"]) - renewed, 10 * 86_400_000);
    assert_eq!(milliseconds(&after["purgeAt"]) - renewed, 100 * 86_400_000);
}

#[tokio::test]
async fn the_expired_stay_until_they_are_purged() {
    let sandbox = Sandbox::empty().await;
    let webhook = sandbox.create("https://a.example/").await;
    let advance = async |days: u64| {
        let reply = sandbox.knob("POST", "advance", &json!({"seconds": days * DAY}).to_string()).await;
        reply.json()["webhooks"].clone()
    };
    assert_eq!(advance(11).await, 1);
    assert_eq!(sandbox.list().await, [webhook]);
    assert_eq!(advance(88).await, 1);
    assert_eq!(advance(1).await, 0);
    assert!(sandbox.list().await.is_empty());
}

#[tokio::test]
async fn says_who_the_user_is() {
    let sandbox = Sandbox::empty().await;
    let user = sandbox.api("GET", "/self", "").await.json();
    let members = ["accountId", "acountLabel", "emailAddress", "firstName", "id", "lastName", "status"];
    assert_eq!(names(&user), members);
    assert_eq!((&user["id"], &user["accountId"]), (&json!(9001), &json!(4711)));
    let account = sandbox.api("GET", "/self/account", "").await.json();
    assert_eq!(names(&account), ["id", "name", "org", "status"]);
    assert_eq!(account["id"], 4711);
}
