//! `POST /Auth/connect/token`: client credentials, in the form or by HTTP Basic (specs/contact-center.md §1).

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use serde_json::json;

use super::book::LIFETIME;
use super::wish::Scopes;
use crate::sandbox::oauth::client::credentials;
use crate::sandbox::oauth::form::Form;
use crate::sandbox::oauth::token::not_stored;
use crate::sandbox::oauth::{CLIENT_ID, CLIENT_SECRET};
use crate::sandbox::reply::Reply;
use crate::sandbox::store::Store;
use crate::sandbox::timestamp::Timestamp;

/// Answers at `now`. `body` is none when it was too large.
pub(in crate::sandbox) async fn answer(
    store: &Arc<Store>,
    parts: &Parts,
    body: Option<Bytes>,
    now: Timestamp,
) -> Reply {
    if parts.method != Method::POST {
        return error(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "The method must be POST");
    }
    let scopes = match judge(parts, body.as_deref()) {
        Ok(scopes) => scopes,
        Err(refusal) => return not_stored(*refusal),
    };
    let reply = match store.change_book(|book| Some(book.issue(scopes, now))).await {
        Ok(token) => {
            let token = token.as_ref().map(crate::secret::Secret::reveal);
            let lifetime = LIFETIME.num_seconds();
            let body = json!({"access_token": token, "expires_in": lifetime, "token_type": "Bearer"});
            Reply::json(StatusCode::OK, &body)
        }
        Err(_) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal Server Error",
            "An internal server error occurred",
        ),
    };
    not_stored(reply)
}

/// What the token is to be good for. The client is judged first, then the grant, then the scope: which comes first in the
/// service is not documented.
fn judge(parts: &Parts, body: Option<&[u8]>) -> Result<Scopes, Box<Reply>> {
    let bad = |name, description: &str| Box::new(error(StatusCode::BAD_REQUEST, name, description));
    let form = Form::read(&parts.headers, body).map_err(|refusal| Box::new(refusal.reply()))?;
    let is_known = credentials(&parts.headers, &form).is_ok_and(|(id, secret)| {
        id.as_deref() == Some(CLIENT_ID) && secret.as_deref() == Some(CLIENT_SECRET)
    });
    if !is_known {
        // What a wrong secret gets is not documented; RFC 6749 §5.2 has this.
        return Err(Box::new(Reply::json(StatusCode::BAD_REQUEST, &json!({"error": "invalid_client"}))));
    }
    if form.get("grant_type") != Some("client_credentials") {
        return Err(bad("unsupported_grant_type", "Invalid grant_type"));
    }
    let scope = form.get("scope").filter(|scope| !scope.trim().is_empty());
    let scope = scope.ok_or_else(|| bad("invalid_scope", "You must specify a scope"))?;
    Scopes::read_list(scope)
        .map_err(|unknown| bad("invalid_scope", &format!("\"{unknown}\" is an invalid scope")))
}

fn error(status: StatusCode, name: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": name, "error_description": description}))
}
