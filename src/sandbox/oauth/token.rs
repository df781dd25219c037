//! `POST /token`: the four grants (specs/vis.md §2).

use std::time::Instant;

use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use serde::Serialize;

use super::super::app::App;
use super::super::gateway::GatewayError;
use super::super::reply::Reply;
use super::super::timestamp::Timestamp;
use super::form::Form;
use super::id_token::id_token;
use super::ledger::{Issued, Presented, Scope};
use super::lock_out::Attempt;
use super::refusal::Refusal;
use super::{PASSWORD, USERNAME, client, pkce};
use crate::secret::Secret;

/// What a client gets, with the documented names (specs/vis.md §2).
#[derive(Serialize)]
struct Success<'issued> {
    access_token: &'issued str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'issued str>,
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    token_type: &'static str,
    expires_in: i64,
}

/// Answers at `now`. `body` is none when it was too large.
pub(in crate::sandbox) async fn answer(
    app: &App,
    parts: &Parts,
    body: Option<Bytes>,
    now: Timestamp,
) -> Reply {
    if parts.method != Method::POST {
        return GatewayError::no_method().reply(app.options.error_shape);
    }
    let reply = match grant(app, parts, body.as_deref(), now).await {
        Ok(issued) => success(app, &issued, now),
        Err(refusal) => refusal.reply(),
    };
    not_stored(reply)
}

/// Marks a reply that nobody may keep a copy of (RFC 6749 §5.1).
pub(in crate::sandbox) fn not_stored(reply: Reply) -> Reply {
    reply.with_header(CACHE_CONTROL, "no-store").with_header(PRAGMA, "no-cache")
}

async fn grant(app: &App, parts: &Parts, body: Option<&[u8]>, now: Timestamp) -> Result<Issued, Refusal> {
    let form = Form::read(&parts.headers, body)?;
    client::authenticate(&parts.headers, &form)?;
    match form.required("grant_type")? {
        "password" => password(app, &form, now).await,
        "authorization_code" => authorization_code(app, &form, now).await,
        "refresh_token" => refresh_token(app, &form, now).await,
        "client_credentials" => {
            let lifetimes = app.options.lifetimes();
            Ok(app.store.change_ledger(|ledger| ledger.issue_to_client(lifetimes, now)).await?)
        }
        _ => Err(Refusal::unsupported_grant_type()),
    }
}

async fn password(app: &App, form: &Form, now: Timestamp) -> Result<Issued, Refusal> {
    let (username, password) = (form.required("username")?, form.required("password")?);
    let attempt =
        if username == USERNAME { app.attempt(password == PASSWORD, Instant::now()) } else { Attempt::Wrong };
    match attempt {
        Attempt::Accepted => {
            let (scope, lifetimes) = (Scope::of(form.get("scope")), app.options.lifetimes());
            Ok(app.store.change_ledger(|ledger| ledger.issue_to_user(scope, lifetimes, now)).await?)
        }
        Attempt::Wrong => Err(Refusal::invalid_grant(format!("Authentication failed for {username}"))),
        Attempt::Locked => {
            let description = format!("17003 Error when authenticating {username}: the account is locked");
            Err(Refusal::invalid_grant(description))
        }
    }
}

async fn authorization_code(app: &App, form: &Form, now: Timestamp) -> Result<Issued, Refusal> {
    let presented = Presented {
        code: form.required("code")?,
        redirect_uri: form.required("redirect_uri")?,
        verifier: form.get("code_verifier"),
    };
    if presented.verifier.is_some_and(|verifier| !pkce::is_verifier(verifier)) {
        return Err(Refusal::invalid_request("A code_verifier has 43 to 128 unreserved characters"));
    }
    let lifetimes = app.options.lifetimes();
    app.store.change_ledger(|ledger| ledger.redeem(&presented, lifetimes, now)).await?
}

async fn refresh_token(app: &App, form: &Form, now: Timestamp) -> Result<Issued, Refusal> {
    let (token, lifetimes) = (form.required("refresh_token")?, app.options.lifetimes());
    let unknown = Refusal::invalid_grant("Persisted access token data not found");
    app.store.change_ledger(|ledger| ledger.refresh(token, lifetimes, now)).await?.ok_or(unknown)
}

fn success(app: &App, issued: &Issued, now: Timestamp) -> Reply {
    let is_open_id = issued.scope == Scope::OpenId;
    let body = Success {
        access_token: issued.access.reveal(),
        refresh_token: issued.refresh.as_ref().map(Secret::reveal),
        scope: issued.scope.name(),
        id_token: is_open_id.then(|| id_token(&app.token_url(), now, issued.lifetime)),
        token_type: "Bearer",
        expires_in: issued.lifetime.num_seconds(),
    };
    Reply::json(StatusCode::OK, &body)
}
