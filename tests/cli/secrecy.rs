//! No token and no signing key comes out of vwh, however much it is asked to tell and whatever the service repeats.

use crate::support::{Outcome, Reply, Server, TOKEN, Vwh, json};
use crate::token_service::{CLIENT_SECRET, PASSWORD, TokenService, moment, store, stored};

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

/// What comes out of a sign-in, a refresh and a list at their most talkative, whatever brings the secrets.
#[test]
fn no_secret_of_a_sign_in_comes_out() {
    let service = TokenService::generous();
    let vwh = service.home("");
    let mut outcomes = vec![
        vwh.args(["login", "--password-stdin", "-vv"]).stdin(PASSWORD).run().exits(0),
        vwh.args(["login", "-vv", "--json"]).env("VWH_PASSWORD", PASSWORD).run().exits(0),
    ];
    let mut credentials = stored(&vwh);
    credentials["expiresAt"] = moment(-1).into();
    store(&vwh, &credentials);
    for arguments in
        [["list", "-vv"], ["whoami", "-vv"], ["doctor", "-vv"], ["profiles", "-vv"], ["logout", "-vv"]]
    {
        outcomes.push(vwh.args(arguments).run().exits(0));
    }
    assert_eq!(service.asked(), ["password", "password", "refresh_token"]);
    for outcome in outcomes {
        let everything = format!("{}{}", outcome.stdout, outcome.stderr);
        for secret in [PASSWORD, CLIENT_SECRET, "access-", "refresh-", "id-token"] {
            assert!(!everything.contains(secret), "{secret} came out\n{outcome}");
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            assert!(!everything.contains(&encoded), "{encoded} came out\n{outcome}");
        }
    }
}

/// Everybody on a machine sees the arguments of all that runs there: vwh's own, and those of what it starts.
#[cfg(target_os = "linux")]
#[test]
fn no_argument_and_no_variable_of_a_command_is_a_secret_that_vwh_had() {
    let service = TokenService::generous();
    // Its own arguments, those of vwh, and its environment.
    let look = "cat /proc/$$/cmdline /proc/$PPID/cmdline /proc/$$/environ > seen; cat password";
    let vwh = service.home(&format!("password_command = '{look}'"));
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.forms()[0]["password"], PASSWORD);
    let seen = String::from_utf8_lossy(&std::fs::read(vwh.home().join("seen")).unwrap()).into_owned();
    assert!(seen.contains("password_command") || seen.contains("cat password"), "{seen}");
    for secret in [PASSWORD, CLIENT_SECRET] {
        assert!(!seen.contains(secret), "{secret} can be seen\n{seen}");
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
