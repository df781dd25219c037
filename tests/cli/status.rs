//! `vwh status`: one webhook by id or prefix, the account in one line, and ids that try to be something else.

use insta::assert_snapshot;

use crate::account::{NOW, connected, holding, in_each_health};
use crate::support::{Outcome, Server, json};

/// An id of the account with one webhook in each health.
fn id(digits: &str) -> String {
    format!("5b0c{digits}-1f77-4f0e-9a53-6c0f8c3d2a10")
}

fn status(arguments: &[&str]) -> Outcome {
    connected(&in_each_health()).args(["status"].iter().chain(arguments).copied()).run()
}

#[test]
fn a_failed_one_says_why_and_what_to_do() {
    assert_snapshot!(status(&[&id("3333")]).snapshot(), @"
    exit: 0
    --- stdout
    health        failed
    why           the receiver failed and the service has stopped delivering until it is renewed
    id            5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10
    url           https://hooks.example.test/billing
    last error    500 INTERNAL SERVER ERROR: an HTML page titled “Application error”
    delivered     5/8 62%
    last success  2024-03-04T16:00:00Z (20h ago)
    last failure  2024-03-05T10:00:00Z (2h ago)
    expires       2024-03-11T10:00:00Z (in 5d)
    created       2024-03-01T10:00:00Z (4d ago)
    user          9001
    events        CALL
    signed        HMAC_SHA256, metadata policy header
    next          repair the receiver, then:
                  vwh renew 5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10
                  vwh missed 5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10
    --- stderr
    ");
}

#[test]
fn each_health_has_its_reason_and_next_step() {
    let reason = |digits| {
        let outcome = status(&[&id(digits)]).exits(0);
        let lines = outcome.stdout.lines();
        lines.filter(|line| ["why", "next"].contains(&line.split(' ').next().unwrap())).fold(
            String::new(),
            |mut text, line| {
                text.push_str(line);
                text.push('\n');
                text
            },
        )
    };
    assert_snapshot!(reason("2222"), @"
    why           the registration has expired and nothing is delivered until it is renewed
    next          vwh renew 5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10
    ");
    assert_snapshot!(reason("7777"), @r"
    why           it is paused, so nothing is delivered
    next          ask the service's support: nobody documents how it is resumed
    ");
    assert_snapshot!(reason("5555"), @"
    why           the registration expires within 48 hours
    next          vwh renew 5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10
    ");
    assert_snapshot!(reason("8888"), @r"
    why           the service sent no statistics for it
    next          look again later
    ");
    assert_snapshot!(reason("9999"), @"
    why           it was renewed and no delivery has succeeded since
    next          wait for the next call; it proves the receiver
    ");
    assert_snapshot!(reason("4444"), @"
    why           no delivery was ever attempted: has this user had a call?
    next          place a call; if nothing arrives, the user may have no extension
    ");
    assert_snapshot!(reason("1111"), @"why           it delivers");
}

#[test]
fn a_key_that_never_travels_or_that_everybody_knows_is_pointed_out() {
    let signed = |digits| {
        let outcome = status(&[&id(digits)]).exits(0);
        outcome.stdout.lines().find(|line| line.starts_with("signed")).unwrap().to_owned()
    };
    assert_snapshot!(signed("5555"), @"signed        HMAC_SHA256, metadata policy none: its key is never used, because a signature only travels with policy header or body");
    assert_snapshot!(signed("7777"), @"signed        HMAC_SHA256, metadata policy header: its key is the one printed in the vendor's tutorial, so anybody can sign for it");
    assert_snapshot!(signed("1111"), @"signed        HMAC_SHA256, metadata policy header");
    assert_snapshot!(signed("4444"), @"signed        no (metadata policy none)");
}

#[test]
fn json_is_the_object_that_list_shows() {
    let server = in_each_health();
    let vwh = connected(&server);
    let list = vwh.args(["list", "--failed", "-o", "jsonl", "--sort", "id"]).run().exits(0).stdout;
    let one = vwh.args(["status", &id("3333"), "--json"]).run().exits(0);
    assert_eq!(Some(one.json()), list.lines().next().map(|line| serde_json::from_str(line).unwrap()));
    assert_eq!((one.stdout.lines().count(), one.stderr.as_str()), (1, ""));
    assert_eq!(vwh.args(["status", &id("3333"), "-o", "jsonl"]).run().exits(0).stdout, one.stdout);
}

#[test]
fn csv_has_the_head_of_the_list() {
    let outcome = status(&[&id("4444"), "-o", "csv"]).exits(0);
    let list = connected(&in_each_health()).args(["list", "-o", "csv", "--health", "idle"]).run().exits(0);
    assert_eq!(outcome.stdout, list.stdout);
}

#[test]
fn a_whole_id_takes_one_request() {
    let server = in_each_health();
    let _ = connected(&server).args(["status", &id("1111")]).run().exits(0);
    assert_eq!(server.lines(), [format!("GET /self/webhooks/{}", id("1111"))]);
}

#[test]
fn a_unique_prefix_is_looked_up_in_the_list() {
    let server = in_each_health();
    let outcome = connected(&server).args(["status", "5b0c4", "--json"]).run().exits(0);
    assert_eq!(outcome.json()["id"], id("4444").as_str());
    assert_eq!(server.lines(), ["GET /self/webhooks/5b0c4", "GET /self/webhooks/"]);
}

#[test]
fn a_service_that_calls_a_prefix_malformed_is_asked_for_the_list() {
    for status in [400, 422] {
        let server = Server::new(move |request| match request.path.as_str() {
            "/self/webhooks/" => json(200, r#"[{"id":"abcdef"},{"id":"abxyz"}]"#),
            _ => json(status, r#"{"errorMessage":"id must be a UUID"}"#),
        });
        let outcome = connected(&server).args(["status", "abcd", "--json"]).run().exits(0);
        assert_eq!(outcome.json()["id"], "abcdef");
    }
}

#[test]
fn an_ambiguous_prefix_names_the_ids() {
    let server =
        holding(r#"[{"id":"call-center-1"},{"id":"call-center-2"},{"id":"callback"},{"id":"other"}]"#);
    let vwh = connected(&server);
    assert_snapshot!(vwh.args(["status", "call-"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: "call-" stands for 2 webhooks

    hint: give more of the id: call-center-1, call-center-2
    "#);
    assert_snapshot!(vwh.args(["status", "call", "--json"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    {"error":{"kind":"usage","message":"\"call\" stands for 3 webhooks","hint":"give more of the id: call-center-1, call-center-2, callback","status":null,"causes":[]}}
    "#);
}

#[test]
fn an_exact_id_wins_over_longer_ones() {
    let server = Server::new(|request| match request.path.as_str() {
        "/self/webhooks/" => json(200, r#"[{"id":"call-2"},{"id":"call"}]"#),
        _ => json(404, "{}"),
    });
    let outcome = connected(&server).args(["status", "call", "--json"]).run().exits(0);
    assert_eq!(outcome.json()["id"], "call");
}

#[test]
fn digits_and_short_texts_never_stand_for_an_id() {
    let server = holding(r#"[{"id":"184094"},{"id":"abcdef"}]"#);
    for prefix in ["1840", "18409", "abc", "a"] {
        let _ = connected(&server).args(["status", prefix]).run().exits(4).without_answer();
    }
    let _ = connected(&server).args(["status", "184094"]).run().exits(0);
    let _ = connected(&server).args(["status", "abcd"]).run().exits(0);
}

#[test]
fn an_unknown_id() {
    assert_snapshot!(status(&["no-such-id"]).snapshot(), @r#"
    exit: 4
    --- stdout
    --- stderr
    error: there is no webhook "no-such-id" for this user

    hint: see the ids with: vwh list
    "#);
    assert_snapshot!(status(&["no-such-id", "--json"]).snapshot(), @r#"
    exit: 4
    --- stdout
    --- stderr
    {"error":{"kind":"not-found","message":"there is no webhook \"no-such-id\" for this user","hint":"see the ids with: vwh list","status":null,"causes":[]}}
    "#);
}

#[test]
fn a_refusal_is_not_taken_for_an_unknown_id() {
    for (status, code) in [(401, 3), (403, 3), (409, 6)] {
        let server = Server::new(move |_| json(status, r#"{"errorMessage":"no"}"#));
        let _ = connected(&server).args(["status", "some-id"]).run().exits(code).without_answer();
        assert_eq!(server.lines(), ["GET /self/webhooks/some-id"]);
    }
}

#[test]
fn a_prefix_whose_list_fails_ends_as_the_list_does() {
    let server = Server::new(|request| match request.path.as_str() {
        "/self/webhooks/" => json(403, "{}"),
        _ => json(404, "{}"),
    });
    let _ = connected(&server).args(["status", "some-id"]).run().exits(3).without_answer();
}

#[test]
fn without_an_id_the_account_is_counted() {
    assert_snapshot!(status(&[]).snapshot(), @"
    exit: 0
    --- stdout
    9 webhooks: 2 failed, 1 expired, 1 paused, 1 expiring, 1 unknown, 1 unproven, 1 idle, 1 ok
    --- stderr
    ");
    assert_snapshot!(status(&["--json"]).snapshot(), @r#"
    exit: 0
    --- stdout
    {"profile":"default","service":"vis","asOf":"2024-03-05T12:00:00Z","webhooks":9,"health":{"expired":1,"expiring":1,"failed":2,"idle":1,"ok":1,"paused":1,"unknown":1,"unproven":1}}
    --- stderr
    "#);
    let empty = holding("[]");
    assert_snapshot!(connected(&empty).args(["status"]).run().snapshot(), @"
    exit: 0
    --- stdout
    0 webhooks
    --- stderr
    ");
    assert_snapshot!(connected(&empty).args(["status", "--json"]).run().snapshot(), @r#"
    exit: 0
    --- stdout
    {"profile":"default","service":"vis","asOf":"2024-03-05T12:00:00Z","webhooks":0,"health":{"expired":0,"expiring":0,"failed":0,"idle":0,"ok":0,"paused":0,"unknown":0,"unproven":0}}
    --- stderr
    "#);
}

#[test]
fn the_exit_code_says_whether_something_is_down() {
    for (digits, code) in [("3333", 1), ("2222", 1), ("7777", 0), ("5555", 0), ("1111", 0)] {
        let _ = status(&[&id(digits), "--exit-code"]).exits(code);
        let _ = status(&[&id(digits)]).exits(0);
    }
    assert_eq!(status(&["--exit-code"]).exits(1).stdout, status(&[]).exits(0).stdout);
    let _ = connected(&holding(r#"[{"id":"fine"}]"#)).args(["status", "--exit-code"]).run().exits(0);
}

#[test]
fn quiet_leaves_only_the_exit_code() {
    for arguments in [&["-q", "--exit-code"][..], &["-q", "--exit-code", "5b0c3"]] {
        let outcome = status(arguments).exits(1);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    }
}

#[test]
#[cfg(unix)]
fn a_terminal_shows_the_health_in_colour() {
    let server = in_each_health();
    let vwh = connected(&server);
    let screen = crate::support::Screen::columns(80);
    let one = vwh.args(["status", &id("6666")]).on_terminal(&screen).wait().showing_escapes();
    assert_snapshot!(one.snapshot(), @"
    exit: 0
    --- screen
    health        ␛[31mfailed␛[0m
    why           the receiver failed and the service has stopped delivering until
                  it is renewed
    id            5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10
    url           https://warehouse.example.test/webhooks/inbound/vonage/call-events
    last error    I/O error on POST request: Connection refused
    delivered     0/3 0%
    last failure  2024-03-05T02:21:00Z (9h ago)
    expires       2024-03-11T11:00:00Z (in 5d)
    created       2024-03-01T11:00:00Z (4d ago)
    user          9001
    events        CALL
    signed        HMAC_SHA256, metadata policy header
    next          repair the receiver, then:
                  vwh renew 5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10
                  vwh missed 5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10
    --- stdout
    --- stderr
    ");
    let summary = vwh.args(["status"]).on_terminal(&screen).wait().showing_escapes();
    assert_snapshot!(summary.snapshot(), @"
    exit: 0
    --- screen
    9 webhooks: 2 failed, 1 expired, 1 paused, 1 expiring, 1 unknown, 1 unproven,
      1 idle, 1 ok
    2 of 9 failed, 1 × 500 since 10:00Z, 1 × no answer since 02:21Z:
      vwh status ID, then vwh renew --failed
    1 expired, 1 expiring: vwh renew --expiring-within 3d
    --- stdout
    --- stderr
    ");
}

/// What is asked for first when somebody types this id.
#[track_caller]
fn asked_for(id: &str) -> String {
    let server = Server::new(|_| json(404, "{}").header("Date", NOW));
    let _ = connected(&server).args(["status", "--", id]).run().exits(4).without_answer();
    server.lines().remove(0)
}

#[test]
fn an_id_stays_in_its_own_place_of_the_path() {
    let cases = [
        ("a/b", "a%2Fb"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("50% off", "50%25%20off"),
        ("%2e%2e", "%252e%252e"),
        ("{}", "%7B%7D"),
        (r"..\..", "..%5C.."),
        ("line\nend\ttab", "line%0Aend%09tab"),
        (".\t.", ".%09."),
        ("Zoë", "Zo%C3%AB"),
        ("a.b-c_d~e", "a.b-c_d~e"),
        ("-v", "-v"),
        // What a client or a proxy would take out of the path: escaped twice, and nobody's id.
        ("", "%2520"),
        (".", "%252E"),
        ("..", "%252E%252E"),
    ];
    for (id, path) in cases {
        assert_eq!(asked_for(id), format!("GET /self/webhooks/{path}"), "{id:?}");
    }
}

#[test]
fn an_id_is_found_however_strange_it_is() {
    for id in ["a/b c%d", "{}", "..", ".", "ü?#"] {
        let server = holding(serde_json::json!([{ "id": id }, { "id": "other" }]).to_string());
        let outcome = connected(&server).args(["status", "--json", "--", id]).run().exits(0);
        assert_eq!(outcome.json()["vwh"]["id"], id);
    }
}
