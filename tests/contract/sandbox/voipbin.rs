//! VoIPBIN's customer, keys and sign-in, with literal members and statuses (specs/voipbin.md §11).

use serde_json::{Value, json};
use vwh::sandbox::{Options, serve};

use super::Sandbox;
use crate::raw::{Raw, exchange, request};

const CUSTOMER: &str = "/v1.0/customer";

impl Sandbox {
    async fn plain(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Raw {
        exchange(&self.address(), &request(method, path, headers, body)).await
    }

    /// As the one who has the access key.
    async fn keyed(&self, method: &str, path: &str, body: &str) -> Raw {
        let mark = if path.contains('?') { '&' } else { '?' };
        let key = self.server.access_key();
        self.plain(method, &format!("{path}{mark}accesskey={}", key.reveal()), &[], body).await
    }

    async fn customer(&self) -> Value {
        let reply = self.keyed("GET", CUSTOMER, "").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }
}

/// Status, `status` and `reason` of a refusal, whose envelope has nothing that is not documented.
fn refusal(reply: &Raw) -> (u16, String, String) {
    let body = reply.json();
    let error = &body["error"];
    assert_eq!(body.as_object().expect("an object").len(), 1);
    assert_eq!(error["request_id"].as_str(), reply.header("x-request-id"));
    assert!(error["message"].is_string(), "{error}");
    let text = |name: &str| error[name].as_str().expect(name).to_owned();
    (reply.status, text("status"), text("reason"))
}

fn is(reply: &Raw, status: u16, name: &str, reason: &str) {
    assert_eq!(refusal(reply), (status, name.to_owned(), reason.to_owned()), "{}", reply.text());
}

#[tokio::test]
async fn the_demo_customer_has_a_profile_and_an_empty_slot() {
    let sandbox = Sandbox::start(Options::default()).await;
    let customer = sandbox.customer().await;
    let mut names: Vec<&String> = customer.as_object().expect("an object").keys().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "address",
            "billing_account_id",
            "detail",
            "email",
            "email_verified",
            "id",
            "identity_verification_status",
            "metadata",
            "name",
            "phone_number",
            "status",
            "tm_create",
            "tm_delete",
            "tm_deletion_scheduled",
            "tm_update",
            "webhook_secret",
        ]
    );
    assert_eq!(customer["metadata"], json!({"rtp_debug": false}));
    assert_eq!((&customer["tm_delete"], &customer["status"]), (&Value::Null, &json!("active")));
    let secret = customer["webhook_secret"].as_str().expect("a secret");
    assert!(
        secret.len() == 32
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
}

#[tokio::test]
async fn a_put_writes_all_seven_members_and_erases_those_it_leaves_out() {
    let sandbox = Sandbox::start(Options::default()).await;
    let before = sandbox.customer().await;
    sandbox.advance(60).await;
    let body = r#"{"webhook_uri":"test.com","webhook_method":"PATCH","unknown":[1]}"#;
    let reply = sandbox.keyed("PUT", CUSTOMER, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let written = reply.json();
    assert_eq!(written["webhook_secret"], Value::Null, "the secret is in GET alone");
    let after = sandbox.customer().await;
    assert_eq!((&after["webhook_uri"], &after["webhook_method"]), (&json!("test.com"), &json!("PATCH")));
    for name in ["name", "detail", "email", "phone_number", "address"] {
        assert!(before[name].is_string(), "{name}");
        assert!(after.get(name).is_none() && written.get(name).is_none(), "{name} is wiped");
    }
    for name in ["id", "webhook_secret", "billing_account_id", "metadata", "tm_create", "status"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert!(after["tm_update"].as_str() > before["tm_update"].as_str());
    let all = json!({"name": "n", "detail": "d", "email": "e", "phone_number": "p", "address": "a",
        "webhook_method": "", "webhook_uri": ""});
    let reply = sandbox.keyed("PUT", CUSTOMER, &all.to_string()).await.json();
    assert_eq!((&reply["name"], &reply["address"]), (&json!("n"), &json!("a")));
    assert!(reply.get("webhook_uri").is_none() && reply.get("webhook_method").is_none());
}

#[tokio::test]
async fn a_body_that_is_no_json_object_of_texts_changes_nothing() {
    let sandbox = Sandbox::start(Options::default()).await;
    let before = sandbox.customer().await;
    for body in ["", "{", "[]", "7", r#"{"name":7}"#, r#"{"webhook_uri":{}}"#] {
        let reply = sandbox.keyed("PUT", CUSTOMER, body).await;
        is(&reply, 400, "INVALID_ARGUMENT", "INVALID_JSON_BODY");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(reply.json()["error"]["message"], "The request body is not valid JSON.");
    }
    assert_eq!(sandbox.customer().await, before);
}

#[tokio::test]
async fn a_token_that_is_found_hides_the_access_key() {
    let sandbox = Sandbox::start(Options::default()).await;
    let (own, key) =
        (sandbox.server.token().reveal().to_owned(), sandbox.server.access_key().reveal().to_owned());
    let good = [
        (CUSTOMER.to_owned(), vec![("Cookie", format!("token={own}"))]),
        (format!("{CUSTOMER}?token={own}"), vec![]),
        (CUSTOMER.to_owned(), vec![("Authorization", format!("Bearer {own}"))]),
        (CUSTOMER.to_owned(), vec![("Cookie", format!("a=b; accesskey={key}"))]),
        (format!("{CUSTOMER}?x=1&accesskey={key}"), vec![]),
        // What comes first counts.
        (format!("{CUSTOMER}?token=no"), vec![("Cookie", format!("token={own}"))]),
        (format!("{CUSTOMER}?token={own}"), vec![("Authorization", "Bearer no".to_owned())]),
        (format!("{CUSTOMER}?accesskey=no"), vec![("Cookie", format!("accesskey={key}"))]),
        // Matched as it is written, so this is no token.
        (format!("{CUSTOMER}?accesskey={key}"), vec![("Authorization", "bearer no".to_owned())]),
    ];
    for (path, headers) in good {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(sandbox.plain("GET", &path, &headers, "").await.status, 200, "{path} {headers:?}");
    }
    let bad = [
        (format!("{CUSTOMER}?accesskey={key}"), vec![("Authorization", "Bearer no".to_owned())]),
        (format!("{CUSTOMER}?accesskey={key}&token=no"), vec![]),
        (format!("{CUSTOMER}?accesskey={key}"), vec![("Cookie", "token=no".to_owned())]),
        (CUSTOMER.to_owned(), vec![("Authorization", format!("Bearer {key}"))]),
        (format!("{CUSTOMER}?token={key}"), vec![]),
        (format!("{CUSTOMER}?accesskey=vb_no"), vec![]),
        (format!("{CUSTOMER}?accesskey={own}"), vec![]),
    ];
    for (path, headers) in bad {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = sandbox.plain("GET", &path, &headers, "").await;
        is(&reply, 401, "UNAUTHENTICATED", "INVALID_CREDENTIALS");
        assert_eq!(reply.json()["error"]["message"], "The provided credentials are invalid.");
    }
    for headers in [vec![], vec![("Authorization", "Basic abc")], vec![("X-API-Key", key.as_str())]] {
        let reply = sandbox.plain("GET", CUSTOMER, &headers, "").await;
        is(&reply, 401, "UNAUTHENTICATED", "AUTHENTICATION_REQUIRED");
        assert_eq!(reply.json()["error"]["message"], "Authentication is required.");
    }
}

#[tokio::test]
async fn a_sign_in_gives_a_token_for_seven_days_and_every_failure_a_bare_400() {
    let sandbox = Sandbox::frozen().await;
    let good = r#"{"username":"admin@localhost","password":"admin@localhost"}"#;
    let reply = sandbox.plain("POST", "/auth/login", &[], good).await;
    assert_eq!((reply.status, reply.json()["username"].as_str()), (200, Some("admin@localhost")));
    let token = reply.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(token.split('.').count(), 3);
    let cookie = reply.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with(&format!("token={token};")), "{cookie}");
    for part in ["HttpOnly", "Secure", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let bearer = format!("Bearer {token}");
    let me = async || sandbox.plain("GET", "/v1.0/me", &[("Authorization", &bearer)], "").await;
    let agent = me().await;
    assert_eq!((agent.status, agent.json()["username"].as_str()), (200, Some("admin@localhost")));
    sandbox.advance(7 * 24 * 3600 - 1).await;
    assert_eq!(me().await.status, 200);
    sandbox.advance(1).await;
    is(&me().await, 401, "UNAUTHENTICATED", "INVALID_CREDENTIALS");
    for body in ["", "{}", "[", r#"{"username":"admin@localhost","password":"no"}"#] {
        let reply = sandbox.plain("POST", "/auth/login", &[], body).await;
        assert_eq!((reply.status, reply.text().as_str()), (400, ""), "{body}");
    }
    is(&sandbox.keyed("GET", "/v1.0/me", "").await, 403, "PERMISSION_DENIED", "AGENT_AUTH_REQUIRED");
}

#[tokio::test]
async fn revoked_sign_ins_end_and_access_keys_do_not() {
    let sandbox = Sandbox::empty().await;
    let body = r#"{"username":"admin@localhost","password":"admin@localhost"}"#;
    let token = sandbox.plain("POST", "/auth/login", &[], body).await.json()["token"].clone();
    let path = format!("{CUSTOMER}?token={}", token.as_str().expect("a token"));
    assert_eq!(sandbox.plain("GET", &path, &[], "").await.status, 200);
    sandbox.knob("POST", "revoke", "").await;
    assert_eq!(sandbox.plain("GET", &path, &[], "").await.status, 401);
    sandbox.customer().await;
}

#[tokio::test]
async fn there_is_no_webhooks_whoever_asks() {
    let sandbox = Sandbox::empty().await;
    for (method, path) in [
        ("GET", "/v1.0/webhooks"),
        ("POST", "/v1.0/webhooks"),
        ("DELETE", "/v1.0/webhooks/1"),
        ("POST", "/v1.0/customer"),
        ("GET", "/v1.0/auth/login"),
        ("GET", "/auth/login"),
        ("GET", "/v1.0"),
    ] {
        let reply = sandbox.plain(method, path, &[], "").await;
        is(&reply, 404, "NOT_FOUND", "ROUTE_NOT_FOUND");
        assert_eq!(reply.json()["error"]["message"], "The requested endpoint does not exist.");
        is(&sandbox.keyed(method, path, "").await, 404, "NOT_FOUND", "ROUTE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_if_it_is_a_fit_one() {
    let sandbox = Sandbox::empty().await;
    let of = async |id: &str| {
        let key = sandbox.server.access_key();
        let path = format!("{CUSTOMER}?accesskey={}", key.reveal());
        let reply = sandbox.plain("GET", &path, &[("X-Request-Id", id)], "").await;
        reply.header("x-request-id").expect("an id").to_owned()
    };
    assert_eq!(of("my-id_1").await, "my-id_1");
    assert_eq!(of(&"x".repeat(64)).await, "x".repeat(64));
    for unfit in ["a b", "a/b", &"x".repeat(65)] {
        let made = of(unfit).await;
        assert!(made.len() == 30 && made.starts_with("req_"), "{made}");
        assert_ne!(made, of(unfit).await);
    }
    let refused = sandbox.plain("GET", "/v1.0/no", &[("X-Request-Id", "mine")], "").await;
    assert_eq!(refused.json()["error"]["request_id"], "mine");
}

#[tokio::test]
async fn an_access_key_is_shown_once_and_good_until_it_ends_or_is_deleted() {
    let sandbox = Sandbox::frozen().await;
    let body = r#"{"name":"ci","detail":"d","expire":3600}"#;
    let made = sandbox.keyed("POST", "/v1.0/accesskeys", body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let made = made.json();
    let token = made["token"].as_str().expect("a token");
    assert!(token.starts_with("vb_") && token.len() == 35, "{token}");
    assert_eq!(made["token_prefix"], token[..11]);
    let path = format!("/v1.0/accesskeys/{}", made["id"].as_str().expect("an id"));
    let mut kept = made.clone();
    kept.as_object_mut().expect("an object").remove("token");
    assert_eq!(sandbox.keyed("GET", &path, "").await.json(), kept);
    let list = sandbox.keyed("GET", "/v1.0/accesskeys?page_size=10", "").await.json();
    assert_eq!(list["result"], json!([kept]));
    assert!(list["next_page_token"].is_string());

    let with_it = format!("{CUSTOMER}?accesskey={token}");
    assert_eq!(sandbox.plain("GET", &with_it, &[], "").await.status, 200);
    sandbox.advance(3600).await;
    is(&sandbox.plain("GET", &with_it, &[], "").await, 401, "UNAUTHENTICATED", "INVALID_CREDENTIALS");

    let gone = sandbox.keyed("DELETE", &path, "").await;
    assert_eq!((gone.status, gone.json()["tm_delete"].is_string()), (200, true));
    is(&sandbox.keyed("GET", &path, "").await, 404, "NOT_FOUND", "RESOURCE_NOT_FOUND");
    is(&sandbox.keyed("DELETE", &path, "").await, 404, "NOT_FOUND", "RESOURCE_NOT_FOUND");
    let state = fs_err::read_to_string(sandbox.directory.path().join("sandbox.json")).expect("a state");
    assert!(!state.contains(token), "only its digest is kept");
}

#[tokio::test]
async fn an_activeflow_is_checked_where_the_customer_is_not() {
    let sandbox = Sandbox::empty().await;
    let start = async |body: Value| sandbox.keyed("POST", "/v1.0/activeflows", &body.to_string()).await;
    let good = start(json!({"webhook_uri": "HTTPS://a.example/x", "webhook_method": "PUT"})).await;
    assert_eq!((good.status, good.json()["webhook_method"].as_str()), (200, Some("PUT")));
    assert_eq!(start(json!({})).await.status, 200);
    for uri in ["test.com", "ftp://a.example/", "https://", "/x"] {
        is(&start(json!({"webhook_uri": uri})).await, 400, "INVALID_ARGUMENT", "INVALID_WEBHOOK_URI");
    }
    for method in ["PATCH", "post"] {
        let reply = start(json!({"webhook_method": method})).await;
        is(&reply, 400, "INVALID_ARGUMENT", "INVALID_WEBHOOK_METHOD");
    }
    is(&start(json!({"webhook_uri": 7})).await, 400, "INVALID_ARGUMENT", "INVALID_JSON_BODY");
}

#[tokio::test]
async fn the_quota_is_the_customers_whichever_credential_comes() {
    let sandbox = Sandbox::start(Options { quota: Some(2), ..Options::default() }).await;
    sandbox.plain("GET", CUSTOMER, &[], "").await;
    sandbox.plain("GET", "/v1.0/webhooks", &[], "").await;
    sandbox.customer().await;
    let own = format!("{CUSTOMER}?token={}", sandbox.server.token().reveal());
    assert_eq!(sandbox.plain("GET", &own, &[], "").await.status, 200);
    let reply = sandbox.keyed("GET", CUSTOMER, "").await;
    is(&reply, 429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED");
    let wait: u64 = reply.header("retry-after").expect("a wait").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(reply.json()["error"]["details"][0]["limited_by"], "customer");
}

#[tokio::test]
async fn ordered_trouble_comes_in_the_services_own_shape() {
    let faults = ["1:503", "2:403", "3:429", "4:html502"].map(|fault| fault.parse().expect("a fault"));
    let sandbox = Sandbox::start(Options { faults: faults.to_vec(), ..Options::default() }).await;
    is(&sandbox.keyed("PUT", CUSTOMER, "{}").await, 503, "UNAVAILABLE", "SERVICE_UNAVAILABLE");
    is(&sandbox.keyed("GET", CUSTOMER, "").await, 403, "PERMISSION_DENIED", "PERMISSION_DENIED");
    is(&sandbox.keyed("GET", CUSTOMER, "").await, 429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED");
    assert!(sandbox.keyed("GET", CUSTOMER, "").await.text().contains("502 Bad Gateway"));
    assert_eq!(sandbox.customer().await["name"], "Harbour Dental", "the faulty PUT was not executed");
}

#[tokio::test]
async fn an_empty_start_empties_the_slot_and_a_reset_brings_the_demo_profile_back() {
    let sandbox = Sandbox::start(Options::default()).await;
    let key = sandbox.server.access_key();
    let secret = sandbox.customer().await["webhook_secret"].clone();
    let body = json!({"name": "mine", "webhook_uri": "https://a.example/", "webhook_method": "POST"});
    sandbox.keyed("PUT", CUSTOMER, &body.to_string()).await;
    let directory = sandbox.directory;
    sandbox.server.shut_down().await.expect("a clean stop");

    let again = async |options| {
        serve(directory.path(), "127.0.0.1:0".parse().expect("an address"), options).await.expect("a sandbox")
    };
    let server = again(Options { empty: true, ..Options::default() }).await;
    assert_eq!(server.access_key(), key);
    let address = server.address().to_string();
    let look = async || {
        let path = format!("{CUSTOMER}?accesskey={}", key.reveal());
        exchange(&address, &request("GET", &path, &[], "")).await.json()
    };
    let customer = look().await;
    assert_eq!((&customer["name"], customer.get("webhook_uri")), (&json!("mine"), None));
    let authorization = format!("Bearer {}", server.token().reveal());
    let reset = request("POST", "/_sandbox/reset", &[("Authorization", &authorization)], "");
    assert_eq!(exchange(&address, &reset).await.status, 200);
    let customer = look().await;
    assert_eq!((&customer["name"], &customer["webhook_secret"]), (&json!("Harbour Dental"), &secret));
}

#[tokio::test]
async fn a_state_from_before_gets_a_customer() {
    let sandbox = Sandbox::empty().await;
    let directory = sandbox.directory;
    sandbox.server.shut_down().await.expect("a clean stop");
    let path = directory.path().join("sandbox.json");
    let mut state: Value = serde_json::from_slice(&fs_err::read(&path).expect("a state")).expect("JSON");
    state.as_object_mut().expect("an object").remove("voipbin").expect("a customer");
    fs_err::write(&path, state.to_string()).expect("an older state");
    let bind = "127.0.0.1:0".parse().expect("an address");
    let server = serve(directory.path(), bind, Options::default()).await.expect("a sandbox");
    let sandbox = Sandbox { server, directory };
    assert_eq!(sandbox.customer().await["name"], "Harbour Dental");
}
