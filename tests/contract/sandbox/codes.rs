//! `GET /authorize`, and the exchange of its codes.

use serde_json::json;
use url::Url;

use super::Sandbox;
use crate::raw::{Raw, exchange, request};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// `http://127.0.0.1:8400/callback?a=1`, as it stands in a query.
const CALLBACK: &str = "http%3A%2F%2F127.0.0.1%3A8400%2Fcallback%3Fa%3D1";

async fn authorize(sandbox: &Sandbox, query: &str) -> Raw {
    exchange(&sandbox.address(), &request("GET", &format!("/authorize?{query}"), &[], "")).await
}

/// The parameters that the browser comes back with.
fn landed(reply: &Raw) -> Vec<(String, String)> {
    assert_eq!(reply.status, 302, "{}", reply.text());
    let location = reply.header("location").expect("a place to go to");
    assert!(location.starts_with("http://127.0.0.1:8400/callback?a=1&"), "{location}");
    let url = Url::parse(location).expect("a url");
    url.query_pairs().skip(1).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

async fn code(sandbox: &Sandbox, more: &str) -> String {
    let query =
        format!("response_type=code&client_id=sandbox-client&redirect_uri={CALLBACK}&state=s+1%26{more}");
    let parameters = landed(&authorize(sandbox, &query).await);
    let [(code, value), state] = parameters.as_slice() else { panic!("{parameters:?}") };
    assert_eq!(code, "code");
    assert_eq!(*state, ("state".to_owned(), "s 1&".to_owned()));
    value.clone()
}

async fn redeem(sandbox: &Sandbox, code: &str, more: &str) -> Raw {
    let form = format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}{more}");
    sandbox.token(&form).await
}

fn refused(reply: &Raw) -> String {
    assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_grant")));
    reply.json()["error_description"].as_str().expect("a description").to_owned()
}

#[tokio::test]
async fn a_code_is_good_for_one_pair() {
    let sandbox = Sandbox::empty().await;
    let code = code(&sandbox, "&scope=openid").await;
    let reply = redeem(&sandbox, &code, "").await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    let issued = reply.json();
    assert_eq!((&issued["scope"], issued["id_token"].is_string()), (&json!("openid"), true));
    assert_eq!(sandbox.api_as(&issued["access_token"], "/self").await.status, 200);
    let refresh = issued["refresh_token"].as_str().expect("a refresh token");
    let renewed = sandbox.token(&format!("grant_type=refresh_token&refresh_token={refresh}")).await;
    assert_eq!(renewed.status, 200);
    let again = redeem(&sandbox, &code, "").await;
    assert_eq!(refused(&again), "Inactive authorization code received from token request");
}

#[tokio::test]
async fn the_exchange_repeats_the_redirect_to_the_letter() {
    let sandbox = Sandbox::empty().await;
    let code = code(&sandbox, "").await;
    let other = "http%3A%2F%2F127.0.0.1%3A8400%2Fcallback";
    let form = format!("grant_type=authorization_code&code={code}&redirect_uri={other}");
    assert_eq!(refused(&sandbox.token(&form).await), "Callback url mismatch");
    let inactive = "Inactive authorization code received from token request";
    assert_eq!(refused(&redeem(&sandbox, &code, "").await), inactive, "one try is all there is");
}

#[tokio::test]
async fn a_challenge_needs_its_verifier() {
    let sandbox = Sandbox::empty().await;
    let challenged = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let right = format!("&code_verifier={VERIFIER}");
    let wrong = format!("&code_verifier={CHALLENGE}");
    for (asked, proof) in [(challenged.as_str(), wrong.as_str()), (&challenged, ""), ("", &right)] {
        let code = code(&sandbox, asked).await;
        assert_eq!(
            refused(&redeem(&sandbox, &code, proof).await),
            "PKCE validation failed",
            "{asked} {proof}"
        );
    }
    let code = code(&sandbox, &challenged).await;
    assert_eq!(redeem(&sandbox, &code, &right).await.status, 200);
}

#[tokio::test]
async fn a_code_waits_five_minutes() {
    let sandbox = Sandbox::start(vwh::sandbox::Options { speed: 0.0, ..Default::default() }).await;
    let (early, late) = (code(&sandbox, "").await, code(&sandbox, "").await);
    sandbox.knob("POST", "advance", "{\"seconds\":299}").await;
    assert_eq!(redeem(&sandbox, &early, "").await.status, 200);
    sandbox.knob("POST", "advance", "{\"seconds\":1}").await;
    let expired = "Expired or Revoked authorization code received from token request";
    assert_eq!(refused(&redeem(&sandbox, &late, "").await), expired);
}

#[tokio::test]
async fn what_is_wrong_is_said_where_the_client_listens() {
    let sandbox = Sandbox::empty().await;
    let known = format!("client_id=sandbox-client&redirect_uri={CALLBACK}");
    let cases = [
        ("response_type=token&state=1", "unsupported_response_type", true),
        ("state=1", "invalid_request", true),
        ("response_type=code&code_challenge=x&code_challenge_method=S256", "invalid_request", false),
        ("response_type=code&code_challenge_method=plain&code_challenge=x", "invalid_request", false),
    ];
    for (query, error, has_state) in cases {
        let parameters = landed(&authorize(&sandbox, &format!("{known}&{query}")).await);
        assert_eq!(parameters[0], ("error".to_owned(), error.to_owned()), "{query}");
        assert_eq!(parameters[1].0, "error_description");
        let state = has_state.then(|| ("state".to_owned(), "1".to_owned()));
        assert_eq!(parameters.get(2), state.as_ref(), "{query}");
    }
}

#[tokio::test]
async fn nobody_is_sent_to_a_stranger() {
    let sandbox = Sandbox::empty().await;
    let elsewhere = "https%3A%2F%2Fevil.example%2Fcallback";
    for query in [
        format!("response_type=code&client_id=other&redirect_uri={CALLBACK}"),
        format!("response_type=code&redirect_uri={CALLBACK}"),
        format!("response_type=code&client_id=sandbox-client&redirect_uri={elsewhere}"),
        format!("response_type=code&client_id=sandbox-client&redirect_uri={CALLBACK}%23part"),
        format!(
            "response_type=code&client_id=sandbox-client&redirect_uri={CALLBACK}&redirect_uri={CALLBACK}"
        ),
        "response_type=code&client_id=sandbox-client&redirect_uri=callback".to_owned(),
        "response_type=code&client_id=sandbox-client".to_owned(),
        String::new(),
    ] {
        let reply = authorize(&sandbox, &query).await;
        assert_eq!((reply.status, reply.header("location")), (400, None), "{query}");
        assert_eq!(reply.header("content-type"), Some("text/html; charset=UTF-8"));
        assert!(!reply.text().contains("evil.example"));
    }
    let posted = exchange(&sandbox.address(), &request("POST", "/authorize", &[], "")).await;
    assert_eq!(posted.status, 405);
}
