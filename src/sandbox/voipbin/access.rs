//! Who asks: the credentials that VoIPBIN looks for, in its order, and its sign-in (specs/voipbin.md §2).

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::app::App;
use super::super::reply::Reply;
use super::super::store::Store;
use super::super::timestamp::Timestamp;
use super::account::{AGENT_ID, Account};
use super::json_reply;
use super::refusal::Refusal;

/// User and password of the vendor's own sandbox (§2).
const USERNAME: &str = "admin@localhost";
const PASSWORD: &str = "admin@localhost";

/// How long a sign-in lasts.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// What a caller showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A JWT, of the one agent.
    Agent,
    /// An access key, of no agent.
    Key,
}

/// Who asks. A token that is found hides the access key, good or not.
pub(super) fn caller(app: &App, parts: &Parts, now: Timestamp) -> Result<Caller, Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    let token = cookie(&parts.headers, "token")
        .map(Cow::Borrowed)
        .or_else(|| parameter(query, "token"))
        .or_else(|| bearer(&parts.headers).map(Cow::Borrowed));
    if let Some(token) = token {
        let is_good = app.store.token().reveal() == token
            || app.store.read_voipbin(|account| account.is_signed_in(&token, now));
        return if is_good { Ok(Caller::Agent) } else { Err(Refusal::bad_credentials()) };
    }
    let key =
        cookie(&parts.headers, "accesskey").map(Cow::Borrowed).or_else(|| parameter(query, "accesskey"));
    let Some(key) = key else { return Err(Refusal::unauthenticated()) };
    let is_good = app.store.read_voipbin(|account| account.is_key(&key, now));
    if is_good { Ok(Caller::Key) } else { Err(Refusal::bad_credentials()) }
}

/// `Bearer ` is matched as it is written.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    Some(token).filter(|token| !token.is_empty())
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
}

/// A parameter of the query, if it says anything.
pub(super) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
}

/// `POST /auth/login`. Whatever is wrong, the answer is a bare 400.
pub(super) async fn log_in(store: &Arc<Store>, body: &[u8], now: Timestamp) -> io::Result<Reply> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if body["username"] != USERNAME || body["password"] != PASSWORD {
        return Ok(Reply::empty(StatusCode::BAD_REQUEST));
    }
    let expires_at = now.plus(LIFETIME);
    let token = jwt(expires_at);
    let sign_in = |account: &mut Account| {
        account.sign_in(&token, expires_at, now);
        Some(())
    };
    store.change_voipbin(sign_in).await?;
    let seconds = LIFETIME.num_seconds();
    let cookie = format!("token={token}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict");
    Ok(json_reply(&json!({"username": USERNAME, "token": token})).with_header(SET_COOKIE, &cookie))
}

/// A token in the form of a JWT. Its signature is of a key that nobody has: it is known by its digest alone.
fn jwt(expires_at: Timestamp) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({"alg": "HS256", "typ": "JWT"}));
    let claims = json!({"agent": {"id": AGENT_ID, "username": USERNAME}, "exp": expires_at.unix_seconds()});
    let key = Uuid::new_v4();
    format!("{head}.{}.{}", part(&claims), URL_SAFE_NO_PAD.encode(Sha256::digest(key)))
}

/// `GET /me`, which agents alone may ask.
pub(super) fn me(account: &Account, caller: Caller) -> Result<Reply, Refusal> {
    if caller == Caller::Key {
        return Err(Refusal::needs_agent());
    }
    let customer = account.customer();
    Ok(json_reply(&json!({
        "id": AGENT_ID, "customer_id": customer.id, "username": USERNAME, "name": "Sandbox agent", "detail": "",
        "permission": 64, "status": "available", "tm_create": customer.tm_create, "tm_update": null, "tm_delete": null,
    })))
}

/// The rest of the life of an access key that is to live `seconds`.
pub(super) fn end_of(seconds: i64, now: Timestamp) -> Timestamp {
    now.plus(TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_and_headers_are_read_as_they_are_written() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("a=b; token=t; accesskey="));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("bearer x"));
        assert_eq!((cookie(&headers, "token"), cookie(&headers, "accesskey")), (Some("t"), None));
        assert_eq!(bearer(&headers), None);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert_eq!(bearer(&headers), Some("x"));
        assert_eq!(parameter("a=1&accesskey=vb_%41&b", "accesskey").as_deref(), Some("vb_A"));
    }
}
