//! Contact Center where its documents are silent: replies that an honest sandbox never sends (cc §7, §9).

use serde_json::json as value;

use crate::center::KEY;
use crate::support::{Outcome, Reply, Request, Server, Vwh, json};

const ONE: &str = r#"{"subscriptionId":"an-id-of-27","name":"CRM","url":"https://a.example/","events":["*"],"enabled":true}"#;

fn list(elements: &str) -> Reply {
    json(200, format!("{{\"subscriptions\":[{elements}]}}"))
}

fn vwh(server: &Server) -> Vwh {
    Vwh::connected_to(&server.base_url()).env("VWH_SERVICE", "contact-center")
}

fn run(server: &Server, arguments: &[&str]) -> Outcome {
    vwh(server).args(arguments.iter().copied()).run()
}

fn create(server: &Server) -> Outcome {
    let vwh = vwh(server);
    let key = vwh.write("key", KEY);
    let key = key.to_str().unwrap();
    vwh.args([
        "create",
        "--name",
        "CRM",
        "--event",
        "agent.*",
        "--event",
        "*.v9",
        "--url",
        "https://a.example/",
        "--signing-key-file",
        key,
        "--timeout",
        "20s",
    ])
    .run()
}

#[test]
fn every_request_asks_for_the_version_and_says_what_it_is() {
    let server = Server::new(|request| match request.method.as_str() {
        "GET" => list(ONE),
        "DELETE" => Reply::new(204, ""),
        _ => json(200, ONE),
    });
    let _ = create(&server).exits(0);
    let _ = run(&server, &["update", "an-id-of-27", "--pause"]).exits(0);
    let _ = run(&server, &["delete", "an-id-of-27", "--yes"]).exits(0);
    assert_eq!(
        server.lines(),
        [
            "POST /subscriptions",
            "PATCH /subscriptions/an-id-of-27",
            "GET /subscriptions",
            "DELETE /subscriptions/an-id-of-27"
        ]
    );
    for request in server.requests() {
        assert_eq!(request.header("accept"), Some("application/vnd.newvoicemedia.v1+json"), "{request:?}");
        let has_body = matches!(request.method.as_str(), "POST" | "PATCH");
        assert_eq!(request.header("content-type").is_some(), has_body, "{request:?}");
    }
    assert_eq!(
        server.requests()[0].json(),
        value!({"name": "CRM", "url": "https://a.example/", "events": ["agent.*", "*.v9"], "enabled": true,
            "secret": KEY})
    );
    assert_eq!(server.requests()[1].json(), value!({"enabled": false}));
}

#[test]
fn an_empty_reply_to_a_creation_is_completed_by_name() {
    let server = Server::new(|request| match request.method.as_str() {
        "GET" => list(ONE),
        _ => Reply::new(201, ""),
    });
    assert_eq!(create(&server).exits(0).stdout, "an-id-of-27\n");
    assert_eq!(server.lines(), ["POST /subscriptions", "GET /subscriptions"]);
}

#[test]
fn a_creation_that_is_cut_off_is_looked_for_by_name_and_never_repeated() {
    let ours = ONE.replace(r#"["*"]"#, r#"["*.v9","agent.*"]"#);
    for reply in [Reply::Close, Reply::new(503, ""), Reply::new(500, "")] {
        let ours = ours.clone();
        let server = Server::new(move |request| match request.method.as_str() {
            "GET" => list(&ours),
            _ => reply.clone(),
        });
        let created = create(&server).exits(0);
        assert_eq!(created.stdout, "an-id-of-27\n");
        // One like it may have been there before, with another key.
        let update = "make sure with: vwh update an-id-of-27 --signing-key-file FILE";
        let _ = created.says("the service did not say that it has this key").says(update);
        assert_eq!(server.lines(), ["POST /subscriptions", "GET /subscriptions"]);
    }
    // One of the same name that is for other events was there before.
    for other in [r#"{"subscriptionId":"other","name":"Other","url":"https://a.example/"}"#, ONE] {
        let server = Server::new(move |request| match request.method.as_str() {
            "GET" => list(other),
            _ => Reply::Close,
        });
        let _ = create(&server).exits(5).without_answer();
        assert_eq!(server.lines(), ["POST /subscriptions", "GET /subscriptions"]);
    }
}

#[test]
fn any_2xx_to_a_deletion_is_done_and_404_is_gone_already() {
    for status in [200, 202, 204, 404, 410] {
        let server = Server::new(move |request| match request.method.as_str() {
            "GET" => list(ONE),
            _ => Reply::new(status, ""),
        });
        let deleted = run(&server, &["delete", "an-id-of-27", "--yes"]).exits(0);
        assert_eq!(deleted.stdout.contains("removed"), status < 300, "{deleted}");
    }
}

#[test]
fn an_update_without_a_description_is_read_again() {
    let server = Server::new(|request| match request.method.as_str() {
        "GET" => json(200, ONE),
        _ => Reply::new(204, ""),
    });
    let updated = run(&server, &["update", "an-id-of-27", "--name", "CRM", "--json"]).exits(0).json();
    assert_eq!(updated["vwh"]["id"], "an-id-of-27");
    assert_eq!(server.lines(), ["PATCH /subscriptions/an-id-of-27", "GET /subscriptions/an-id-of-27"]);
}

#[test]
fn a_list_that_speaks_of_pages_is_warned_of() {
    let server = Server::new(|_| json(200, format!("{{\"subscriptions\":[{ONE}],\"meta\":{{\"page\":1}}}}")));
    let listed = run(&server, &["list", "--json"]).exits(0);
    assert_eq!(listed.json().as_array().map(Vec::len), Some(1));
    let _ = listed.says("the service speaks of further pages");
}

#[test]
fn odd_members_are_no_trouble() {
    let server = Server::new(|_| {
        list(&format!(
            "{ONE},7,{{\"subscriptionId\":8,\"enabled\":\"perhaps\",\"events\":\"*\",\"url\":null}}"
        ))
    });
    let listed = run(&server, &["list", "--json"]).exits(0).says("1 of the elements");
    let ids: Vec<String> =
        listed.json().as_array().unwrap().iter().map(|webhook| webhook["vwh"]["id"].to_string()).collect();
    assert_eq!(ids, ["\"an-id-of-27\"", "\"8\""]);
}

#[test]
fn a_secret_in_a_list_is_not_shown() {
    let with_secret = ONE.replace("\"enabled\"", &format!("\"secret\":\"{KEY}\",\"enabled\""));
    let server = Server::new(move |_| list(&with_secret));
    for flags in [&["list"][..], &["list", "--json"], &["list", "-o", "wide"], &["list", "-o", "csv"]] {
        let listed = run(&server, flags).exits(0);
        assert!(!listed.snapshot().contains(KEY), "{listed}");
    }
}

#[test]
fn throttling_is_waited_for_with_and_without_a_date() {
    for header in [Some("1"), None] {
        let server = Server::new(move |request: &Request| match (request.number, header) {
            (1, Some(seconds)) => json(429, "{\"message\":\"slow\"}").header("Retry-After", seconds),
            (1, None) => json(429, "{\"message\":\"slow\"}"),
            _ => list(ONE),
        });
        let _ = run(&server, &["list"]).exits(0);
        assert_eq!(server.requests().len(), 2, "{header:?}");
    }
}

#[test]
fn every_shape_of_error_becomes_a_sentence() {
    let bodies = [
        r#"{"message":"The name is too long"}"#,
        r#"{"error":{"code":"ApiVersionUnspecified","message":"An API version is required"}}"#,
        r#"{"status":400,"title":"Bad Request","detail":"No such event"}"#,
        r#"{"status":400,"title":"Invalid","errors":[{"message":"too short","path":"name"},{"message":"empty"}]}"#,
        r#"{"statusCode":400,"error":"Bad Request","message":"No"}"#,
        "plain text",
    ];
    let mut texts = Vec::new();
    for body in bodies {
        let server = Server::new(move |_| json(400, body));
        let refused = create(&server).exits(6).without_answer();
        texts.push(refused.snapshot().lines().find(|line| line.starts_with("error")).unwrap().to_owned());
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    error: cannot register https://a.example/: 127.0.0.1:[PORT] answered 400 Bad Request: The name is too long
    error: cannot register https://a.example/: 127.0.0.1:[PORT] answered 400 Bad Request: An API version is required (ApiVersionUnspecified)
    error: cannot register https://a.example/: 127.0.0.1:[PORT] answered 400 Bad Request: Bad Request: No such event
    error: cannot register https://a.example/: 127.0.0.1:[PORT] answered 400 Bad Request: Invalid – name: too short; ?: empty
    error: cannot register https://a.example/: 127.0.0.1:[PORT] answered 400 Bad Request: No
    error: cannot register https://a.example/: 127.0.0.1:[PORT] answered 400 Bad Request: plain text
    ");
}

#[test]
fn who_may_not_is_told_whom_to_ask() {
    let server = Server::new(|_| json(403, r#"{"message":"Forbidden"}"#));
    insta::assert_snapshot!(run(&server, &["list"]).snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: 127.0.0.1:[PORT] answered 403 Forbidden

    hint: ask the account's administrator whether this user may use the API
    ");
}
