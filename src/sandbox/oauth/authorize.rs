//! `GET /authorize`: sends the browser straight back with a code (specs/vis.md §2, RFC 6749 §4.1.2).
//!
//! A request that cannot be trusted to come from the client goes nowhere: it gets a page.

use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use url::{Host, Url};

use super::super::app::App;
use super::super::gateway::GatewayError;
use super::super::reply::Reply;
use super::super::timestamp::Timestamp;
use super::form::Form;
use super::ledger::Scope;
use super::refusal::Refusal;
use super::token::not_stored;
use super::{CLIENT_ID, pkce};

/// What the code is for.
struct Wish {
    scope: Scope,
    challenge: Option<String>,
}

/// Answers at `now`.
pub(in crate::sandbox) async fn answer(app: &App, parts: &Parts, now: Timestamp) -> Reply {
    if parts.method != Method::GET {
        return GatewayError::no_method().reply(app.options.error_shape);
    }
    let query = parts.uri.query().unwrap_or_default();
    let reply = match asked(query) {
        Ok((form, target)) => redirect(app, &form, target, now).await,
        Err(reason) => page(reason),
    };
    not_stored(reply)
}

/// The request, and where its answer goes, once both are known to be the client's.
fn asked(query: &str) -> Result<(Form, Url), &'static str> {
    let form = Form::parse(query.as_bytes()).map_err(|_| "A parameter is given twice")?;
    if form.get("client_id") != Some(CLIENT_ID) {
        return Err("A valid OAuth client could not be found for the client_id");
    }
    let target = form.get("redirect_uri").ok_or("The redirect_uri is missing")?;
    let target = Url::parse(target).map_err(|_| "The redirect_uri is no URL")?;
    if is_loopback(&target) && target.fragment().is_none() {
        Ok((form, target))
    } else {
        Err("The redirect_uri is not at a loopback address, or has a fragment")
    }
}

async fn redirect(app: &App, form: &Form, mut target: Url, now: Timestamp) -> Reply {
    let outcome = match wish(form) {
        Ok(wish) => {
            // As it was sent: the exchange has to repeat it to the letter.
            let redirect_uri = form.get("redirect_uri").unwrap_or_default().to_owned();
            let issued = app
                .store
                .change_ledger(|ledger| ledger.issue_code(redirect_uri, wish.challenge, wish.scope, now));
            issued.await.map_err(Refusal::from)
        }
        Err(refusal) => Err(refusal),
    };
    {
        let mut query = target.query_pairs_mut();
        match outcome {
            Ok(code) => query.append_pair("code", code.reveal()),
            Err(refusal) => query
                .append_pair("error", refusal.error)
                .append_pair("error_description", &refusal.description),
        };
        query.extend_pairs(form.get("state").map(|state| ("state", state)));
    }
    Reply::empty(StatusCode::FOUND).with_header(LOCATION, target.as_str())
}

fn wish(form: &Form) -> Result<Wish, Refusal> {
    if form.required("response_type")? != "code" {
        return Err(Refusal::unsupported_response_type());
    }
    let challenge = form.get("code_challenge");
    match (challenge, form.get("code_challenge_method")) {
        (None, None) | (Some(_), Some("S256")) => {}
        _ => {
            let description = "A code_challenge needs code_challenge_method=S256, and the other way round";
            return Err(Refusal::invalid_request(description));
        }
    }
    if challenge.is_some_and(|challenge| !pkce::is_challenge(challenge)) {
        return Err(Refusal::invalid_request("The code_challenge is no SHA-256 in base64url"));
    }
    Ok(Wish { scope: Scope::of(form.get("scope")), challenge: challenge.map(str::to_owned) })
}

/// A code is for a program on this machine: nobody else's server has any business with it.
fn is_loopback(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    is_here && matches!(url.scheme(), "http" | "https")
}

fn page(reason: &str) -> Reply {
    let html = format!(
        "<!doctype html>\n<title>400 Bad Request</title>\n<h1>400 Bad Request</h1>\n<p>{reason}</p>\n"
    );
    Reply::text(StatusCode::BAD_REQUEST, "text/html; charset=UTF-8", html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_to_this_machine_only() {
        let here = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in
            ["http://127.0.0.1:8400/callback", "http://127.9.9.9/", "http://[::1]:1/", "https://LOCALHOST/x"]
        {
            assert!(here(url), "{url}");
        }
        for url in [
            "http://127.0.0.1@evil.example/",
            "http://localhost.evil.example/",
            "http://0.0.0.0/",
            "http://[::]/",
            "ftp://127.0.0.1/",
            "vwh://localhost/",
            "urn:ietf:wg:oauth:2.0:oob",
        ] {
            assert!(!here(url), "{url}");
        }
    }

    #[test]
    fn a_challenge_and_its_method_come_together() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let judge = |query: &str| {
            let form = Form::parse(format!("response_type=code&{query}").as_bytes()).ok().unwrap();
            wish(&form).map(|wish| wish.challenge).map_err(|refusal| refusal.error)
        };
        let with_method =
            |method: &str| judge(&format!("code_challenge={challenge}&code_challenge_method={method}"));
        assert_eq!(judge("scope=openid"), Ok(None));
        assert_eq!(with_method("S256"), Ok(Some(challenge.to_owned())));
        assert_eq!(with_method("plain"), Err("invalid_request"));
        assert_eq!(with_method(""), Err("invalid_request"));
        assert_eq!(judge("code_challenge_method=S256"), Err("invalid_request"));
        assert_eq!(judge("code_challenge=short&code_challenge_method=S256"), Err("invalid_request"));
    }
}
