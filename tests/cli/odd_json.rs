//! Documents that are valid JSON and still full of traps: surrogates, members that come twice, huge numbers, deep nesting,
//! keys that read like JSON.

use serde_json::json as value;

use crate::account::{connected, holding};
use crate::support::{Outcome, Server, json};

/// Lists one document as JSON and as a table.
#[track_caller]
fn listed(document: &str) -> Outcome {
    let server = holding(document);
    let _ = connected(&server).args(["list"]).run().exits(0);
    connected(&server).args(["list", "--json"]).run().exits(0)
}

#[test]
fn lone_surrogates_stay_escaped() {
    let outcome =
        listed(r#"[{"id":"a","url":"x\ud800y","\udfff":1,"statistics":{"failed":true,"\ud800":"\udc00"}}]"#);
    assert!(outcome.stdout.contains(r#""url":"x\ud800y","\udfff":1"#), "{outcome}");
    assert!(outcome.stdout.contains(r#""health":"failed""#), "{outcome}");
}

#[test]
fn members_may_come_twice() {
    let outcome = listed(
        r#"[{"id":"first","id":"last","url":"u","url":"v","statistics":{"failed":false,"failed":true}},{"id":"b"}]"#,
    );
    assert!(outcome.stdout.contains(r#"{"id":"first","id":"last","url":"u","url":"v","#), "{outcome}");
    let document = outcome.json();
    assert_eq!(document[0]["id"], document[0]["vwh"]["id"], "what a reader of JSON takes");
    assert_eq!(document[0]["vwh"]["health"], "failed");
}

#[test]
fn every_key_is_masked_however_often_it_comes() {
    let outcome = listed(
        r#"[{"id":"a","signingKey":"first-secret","signing\u004bey":"second-secret","x":{"signingKey":["third-secret"]}}]"#,
    );
    assert!(!outcome.stdout.contains("-secret"), "{outcome}");
}

#[test]
fn numbers_keep_their_digits() {
    let document = r#"[{"id":123456789012345678901234567890,"url":1e400,"big":-0.10e-999,"statistics":{"totalAttempts":1e308,"totalSuccesses":-99999999999999999999,"failed":false}}]"#;
    let outcome = listed(document);
    assert!(outcome.stdout.contains(document.trim_matches(['[', ']', '}'])), "{outcome}");
    assert!(outcome.stdout.contains(r#""id":"123456789012345678901234567890""#), "{outcome}");
}

#[test]
fn nesting_costs_no_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let document = format!(r#"[{{"id":"deep","url":{deep},"signingKey":{deep},"x":{deep}}}]"#);
    let outcome = listed(&document);
    assert_eq!(outcome.stdout.matches(&deep).count(), 2, "the key is masked, the others are whole");
    let server = Server::new(move |_| json(500, document.clone()));
    let _ = connected(&server).args(["list", "--timeout", "1s"]).run().exits(5);
}

#[test]
fn a_key_that_reads_like_json_breaks_nothing() {
    for key in ["17123456", "signingKey", "\",\"url\":\"", "https://", "}],[{\"id\":", "\\\\\\\\\\\\\\\\"] {
        let document = value!([{ "id": "a", "url": "https://a.example.test/", "signingKey": key, "createdAt": 1_712_345_678_000_u64,
                "statistics": { "lastErrorMessage": format!("500: [{key}]") } }]);
        let outcome = listed(&document.to_string());
        let shown = &outcome.json()[0];
        assert_eq!((&shown["id"], &shown["signingKey"]), (&value!("a"), &value!("***")), "{key}");
        assert_eq!(shown["createdAt"], 1_712_345_678_000_u64);
        assert_eq!(shown["statistics"]["lastErrorMessage"], "500: [***]", "{key}");
    }
}

#[test]
fn what_is_no_list_is_named_for_what_it_is() {
    let refused = |body: &str| connected(&holding(body)).args(["list"]).run().exits(70).without_answer();
    for (body, what) in [
        (r#"{"id":"a","url":"htt"#, "the JSON ends early"),
        (r#"[{"id":"a","url":"htt"#, "the JSON ends early"),
        (r#"[{"id":"a"},"#, "the JSON ends early"),
        (r#"{"id":"a"}"#, "it is other JSON"),
        ("12", "it is other JSON"),
        (r#"[{"id":"a"}] x"#, "it is not JSON"),
        ("", "it is empty"),
    ] {
        let _ = refused(body).says(&format!("a reply that is not a list of webhooks: {what}\n"));
    }
    let _ = refused("12").says("-vv shows the headers of what the service sent");
}
