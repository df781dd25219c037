//! Tokens of a Contact Center profile: fetched without a person, shared, renewed, and what is said where none is had.

use std::thread;

use crate::center::{Center, profile};
use crate::support::{Reply, Server, Vwh, json};

#[test]
fn one_token_does_for_several_processes() {
    let center = Center::start(&[]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| center.run(&["list"]).exits(0));
        }
    });
    let _ = center.run(&["list"]).exits(0);
    assert_eq!(center.requests(), (5, 1));
}

#[test]
fn a_token_that_was_revoked_or_has_expired_is_replaced() {
    let center = Center::start(&["--speed", "0"]);
    let _ = center.run(&["list"]).exits(0);
    let _ = center.run(&["sandbox", "revoke"]).exits(0);
    let _ = center.run(&["list"]).exits(0);
    assert_eq!(center.requests(), (3, 2));
    let _ = center.run(&["sandbox", "advance", "2h"]).exits(0);
    let _ = center.run(&["list"]).exits(0);
    assert_eq!(center.requests(), (5, 3));
}

#[test]
fn a_wrong_secret_is_said_to_be_one() {
    let center = Center::start(&[]);
    center.vwh.write("secret", "wrong-secret-0123456789");
    let refused = center.run(&["list", "-vv"]);
    assert!(!refused.snapshot().contains("wrong-secret-0123456789"), "{refused}");
    insta::assert_snapshot!(center.run(&["list"]).snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot sign in to profile office: 127.0.0.1:[PORT] answered 400 Bad Request: invalid_client

    hint: check client_id and client secret, and that they may read and change webhooks
    ");
    // Nothing locks, so the right one is tried at once.
    center.vwh.write("secret", "sandbox-secret");
    let _ = center.run(&["list"]).exits(0);
}

#[test]
fn without_client_or_secret_nothing_is_sent() {
    let center = Center::start(&[]);
    let without = |key: &str| {
        let text = profile(&center.sandbox.address);
        let lines = text.lines().filter(|line| !line.starts_with(key));
        center.vwh.configure(&lines.map(|line| format!("{line}\n")).collect::<String>());
        center.run(&["list"])
    };
    insta::assert_snapshot!(without("client_id").snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: profile office cannot sign in: it needs client_id and a client secret

    hint: set VWH_CLIENT_ID and VWH_CLIENT_SECRET, or give a profile client_id and client_secret_file
    ");
    let _ = without("client_secret_file").exits(3).says("it needs client_id and a client secret");
    insta::assert_snapshot!(center.run(&["profiles"]).snapshot(), @"
    exit: 0
    --- stdout
    NAME      SERVICE         ADDRESS                          TOKEN
    office *  contact-center  http://127.0.0.1:[PORT]/webhooks  not signed in
    --- stderr
    ");
    assert_eq!(center.requests(), (0, 0));
}

#[test]
fn the_environment_may_bring_client_and_addresses() {
    let center = Center::start(&[]);
    let address = &center.sandbox.address;
    let vwh = Vwh::new()
        .env("VWH_SERVICE", "contact-center")
        .env("VWH_BASE_URL", format!("http://{address}/webhooks"))
        .env("VWH_TOKEN_URL", format!("http://{address}/Auth/connect/token"))
        .env("VWH_CLIENT_ID", "sandbox-client")
        .env("VWH_CLIENT_SECRET", "sandbox-secret");
    let listed = vwh.args(["list", "--json"]).run().exits(0).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
}

/// What the API at this address says to `arguments` with a token of its own.
fn with_token(server: &Server, arguments: &[&str]) -> crate::support::Outcome {
    Vwh::connected_to(&server.base_url())
        .env("VWH_SERVICE", "contact-center")
        .args(arguments.iter().copied())
        .run()
}

#[test]
fn the_three_refusals_are_told_apart() {
    let bodies = [
        r#"{"error":"invalid_request","error_description":"The access token is missing"}"#,
        r#"{"error":"invalid_token","error_description":"The access token is invalid or has expired"}"#,
        r#"{"message":"Unauthorized"}"#,
    ];
    let mut texts = Vec::new();
    for body in bodies {
        let server = Server::new(move |_| json(401, body));
        // The token of a test must not be a part of what the service says.
        let refused = with_token(&server, &["list"]).exits(3).without_answer();
        texts.push(refused.snapshot());
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: 127.0.0.1:[PORT] answered 401 Unauthorized: invalid_request: The access token is missing

    hint: set VWH_TOKEN to a current access token, or unset it: with VWH_CLIENT_ID and VWH_CLIENT_SECRET vwh signs in by itself

    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: 127.0.0.1:[PORT] answered 401 Unauthorized: invalid_token: The access token is invalid or has expired

    hint: set VWH_TOKEN to a current access token, or unset it: with VWH_CLIENT_ID and VWH_CLIENT_SECRET vwh signs in by itself

    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: 127.0.0.1:[PORT] answered 401 Unauthorized

    hint: the token lacks the scope admin:read: the API credentials have to be allowed it
    ");
    let server = Server::new(|request| {
        if request.method == "GET" {
            return json(
                200,
                r#"{"subscriptions":[{"subscriptionId":"an-id-of-27","url":"https://a.example/"}]}"#,
            );
        }
        json(401, r#"{"message":"Unauthorized"}"#)
    });
    let _ = with_token(&server, &["update", "an-id-of-27", "--name", "Other"]).exits(3).says("admin:write");
}

#[test]
fn sign_in_commands_make_sense() {
    let center = Center::start(&[]);
    insta::assert_snapshot!(center.run(&["whoami"]).snapshot(), @"
    exit: 0
    --- stdout
    profile        office
    service        contact-center at http://127.0.0.1:[PORT]/webhooks
    token          none yet: fetched when needed, with client id and secret
    unattended     yes: vwh signs in with the client secret
    --- stderr
    ");
    assert_eq!(center.run(&["whoami", "--json"]).json()["unattended"], true);
    insta::assert_snapshot!(center.run(&["logout"]).snapshot(), @"
    exit: 0
    --- stdout
    --- stderr
    ");
    insta::assert_snapshot!(center.run(&["login"]).hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    profile office signs in by itself with its client secret: nothing needs to be typed; its token lasts until [TIME]
    --- stderr
    ");
    let _ = center.run(&["login", "--username", "me"]).exits(2).says("signs in as an application");
    insta::assert_snapshot!(center.run(&["whoami"]).hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    profile        office
    service        contact-center at http://127.0.0.1:[PORT]/webhooks
    token          fetched when needed, with client id and secret
    expires        [TIME] (in 1h)
    unattended     yes: vwh signs in with the client secret
    --- stderr
    ");
    insta::assert_snapshot!(center.run(&["profiles"]).snapshot(), @"
    exit: 0
    --- stdout
    NAME      SERVICE         ADDRESS                          TOKEN
    office *  contact-center  http://127.0.0.1:[PORT]/webhooks  signs in with the client secret
    --- stderr
    ");
    let doctor = center.run(&["doctor"]).exits(0);
    assert!(doctor.stdout.lines().all(|line| line.starts_with("pass") || line.starts_with(' ')), "{doctor}");
    assert_eq!(center.requests().1, 1, "one token does for all of them");
    let _ = center.run(&["logout"]).exits(0);
    center.vwh.write("secret", "wrong");
    let _ = center.run(&["login"]).exits(3).says("invalid_client");
}

#[test]
fn a_region_names_the_addresses() {
    let vwh = Vwh::new();
    vwh.configure(
        "[profiles.europe]\nservice = \"contact-center\"\nregion = \"emea\"\n\n\
         [profiles.mars]\nservice = \"contact-center\"\nregion = \"mars\"\n\n\
         [profiles.nowhere]\nservice = \"contact-center\"\n",
    );
    let known = vwh.args(["profiles", "--json"]).run().exits(0).json();
    let europe = known.as_array().unwrap().iter().find(|profile| profile["name"] == "europe").unwrap();
    assert_eq!(europe["baseUrl"], "https://emea.api.newvoicemedia.com/webhooks");
    insta::assert_snapshot!(vwh.args(["-p", "mars", "list"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: region "mars" is not known; known: emea, nam, apac

    hint: give the profile mars a region, or base_url and token_url
    "#);
    insta::assert_snapshot!(vwh.args(["-p", "nowhere", "list"]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: Contact Center needs a region: emea, nam, apac

    hint: give the profile nowhere a region, or base_url and token_url
    ");
}

#[test]
fn no_secret_is_in_what_is_shown_or_kept_where_others_look() {
    let center = Center::empty();
    let key = center.key();
    let created = center.run(&[
        "create",
        "--name",
        "Secret",
        "--event",
        "*",
        "--url",
        "https://a.example/",
        "--signing-key-file",
        key.to_str().unwrap(),
        "-vv",
    ]);
    let created = created.exits(0);
    let id = created.stdout.trim_end().to_owned();
    let token = std::fs::read_to_string(center.vwh.state().join("credentials/office.json")).unwrap();
    let token: serde_json::Value = serde_json::from_str(&token).unwrap();
    let token = token["accessToken"].as_str().or_else(|| token["access_token"].as_str()).unwrap().to_owned();
    let shown = [
        created.snapshot(),
        center.run(&["status", &id, "-vv", "--json"]).exits(0).snapshot(),
        center.run(&["update", &id, "--signing-key-file", key.to_str().unwrap(), "-vv"]).exits(0).snapshot(),
        center.run(&["delete", &id, "--yes", "-vv"]).exits(0).snapshot(),
        center.run(&["restore", &id, "-vv"]).exits(0).snapshot(),
        center.run(&["doctor", "-vv"]).exits(0).snapshot(),
    ];
    for text in shown {
        for secret in [crate::center::KEY, "sandbox-secret", &token] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn a_token_endpoint_that_is_throttled_is_left_alone() {
    let server = Server::new(|_| Reply::new(429, "").header("Retry-After", "60"));
    let vwh = Vwh::new();
    vwh.write("secret", "sandbox-secret");
    vwh.configure(&profile(&server.address().to_string()));
    for _ in 0..2 {
        let _ = vwh.args(["list"]).run().exits(5);
    }
    assert_eq!(server.lines(), ["POST /Auth/connect/token"]);
}
