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

#[test]
fn what_opens_a_door_in_a_url_is_masked() {
    for (sent, shown) in [
        ("https://hunter2@a.example/x", "https://***@a.example/x"),
        ("https://a.example/?client_secret=hunter2&x=1", "https://a.example/?client_secret=***&x=1"),
        ("https://a.example/?auth=hunter2", "https://a.example/?auth=***"),
        ("https://a.example/?code=hunter2&country_code=de", "https://a.example/?code=***&country_code=de"),
        ("https://a.example/?auth_token=hunter2", "https://a.example/?auth_token=***"),
        ("https://a.example/?X-Amz-Signature=hunter2", "https://a.example/?X-Amz-Signature=***"),
        ("https://a.example/?sig_v2=hunter2", "https://a.example/?sig_v2=***"),
    ] {
        let body = serde_json::json!([{"id": "w-1", "url": sent}]).to_string();
        let server = Server::new(move |_| json(200, body.clone()));
        let vwh = Vwh::connected_to(&server.base_url());
        assert_eq!(vwh.args(["list", "--json"]).run().exits(0).json()[0]["url"], shown);
        for format in ["wide", "jsonl", "csv"] {
            let outcome = vwh.args(["list", "-vv", "-o", format]).run().exits(0);
            assert!(outcome.stdout.contains(shown) && !outcome.stdout.contains("hunter2"), "{outcome}");
        }
        assert_eq!(vwh.args(["list", "--json", "--show-secrets"]).run().exits(0).json()[0]["url"], sent);
    }
}
