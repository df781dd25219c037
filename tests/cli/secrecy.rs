//! No token and no signing key comes out of vwh, however much it is asked to tell and whatever the service repeats.

use crate::support::{Outcome, Reply, Server, TOKEN, Vwh, json};

/// The key of the one webhook these servers have.
const KEY: &str = "s3cr3t-key-9f8e7d6c";

fn webhook() -> String {
    format!(
        r#"{{"id":"w-1","url":"https://hooks.example.test/a","signingAlgo":"HMAC_SHA256","signingKey":"{KEY}"}}"#
    )
}

#[track_caller]
fn assert_kept(outcome: &Outcome) {
    let everything = format!("{}{}", outcome.stdout, outcome.stderr);
    for secret in [TOKEN, KEY] {
        assert!(!everything.contains(secret), "{secret} came out\n{outcome}");
    }
}

#[test]
fn no_format_shows_a_key() {
    let server = Server::new(|_| json(200, format!("[{}]", webhook())));
    let vwh = Vwh::connected_to(&server.base_url());
    for format in ["table", "wide", "json", "jsonl", "csv"] {
        let outcome = vwh.args(["list", "-vv", "-o", format]).run().exits(0);
        assert!(outcome.stdout.contains("w-1"), "{outcome}");
        assert_kept(&outcome);
    }
}

#[test]
fn a_key_is_shown_on_request_only() {
    let server = Server::new(|_| json(200, format!("[{}]", webhook())));
    let vwh = Vwh::connected_to(&server.base_url());
    let outcome = vwh.args(["list", "--json", "--show-secrets"]).run().exits(0);
    assert_eq!(outcome.json()[0]["signingKey"], KEY);
    assert!(!outcome.stderr.contains(KEY), "{outcome}");
}

#[test]
fn a_service_that_repeats_the_token_is_not_repeated() {
    for status in [200, 302, 400, 401, 403, 404, 422, 501] {
        let server = Server::new(move |request| {
            let authorization = request.header("authorization").unwrap();
            let body = serde_json::json!({
                "errorMessage": format!("bad header '{authorization}' near {}", webhook()),
                "errors": [{"field": TOKEN, "message": authorization}],
            });
            json(status, body.to_string())
                .header("X-Request-Id", authorization)
                .header("Location", authorization)
        });
        let vwh = Vwh::connected_to(&server.base_url());
        for arguments in [["list", "--json", "-vv"], ["list", "-v", "-v"]] {
            let outcome = vwh.args(arguments).run();
            assert_ne!(outcome.code, Some(0), "{status}\n{outcome}");
            assert!(!outcome.stderr.is_empty(), "{status}");
            assert_token_kept(&outcome);
        }
    }
}

/// A key that stands in an error's free text cannot be told from other words; vwh never had it. The token it has.
#[track_caller]
fn assert_token_kept(outcome: &Outcome) {
    assert!(
        !outcome.stdout.contains(TOKEN) && !outcome.stderr.contains(TOKEN),
        "the token came out\n{outcome}"
    );
}

#[test]
fn a_page_that_repeats_the_token_is_not_repeated() {
    for status in [200, 502] {
        let server = Server::new(move |request| {
            Reply::html(status, format!("<title>{}</title>", request.header("authorization").unwrap()))
        });
        let outcome = Vwh::connected_to(&server.base_url()).args(["list", "-vv"]).run();
        assert_ne!(outcome.code, Some(0), "{outcome}");
        assert_token_kept(&outcome);
    }
}

#[test]
fn a_list_that_cannot_be_read_is_not_quoted() {
    for body in [format!("{{\"items\": [{}]}}", webhook()), webhook() + "]"] {
        let server = Server::new(move |_| json(200, body.clone()));
        let outcome = Vwh::connected_to(&server.base_url()).args(["list", "--json", "-vv"]).run().exits(70);
        assert_kept(&outcome);
    }
}
