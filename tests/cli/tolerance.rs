//! Documents the service may send, documented or not, all of which list cleanly and come out with nothing lost.

use serde_json::{Value, json as value};

use crate::support::{Outcome, Server, Vwh, fixture, json};

fn list(document: &str, arguments: &[&str]) -> Outcome {
    let body = document.to_owned();
    let server = Server::new(move |_| json(200, body.clone()));
    let arguments = ["list"].iter().chain(arguments).copied();
    Vwh::connected_to(&server.base_url()).args(arguments).run().exits(0)
}

/// An id as the text that `vwh.id` holds.
fn id_text(webhook: &Value) -> String {
    webhook["id"].as_str().map_or_else(|| webhook["id"].to_string(), str::to_owned)
}

/// Lists `document` as JSON and checks that each webhook is as it was sent, but for its key and the `vwh` member.
/// The order is vwh's own. Gives the `vwh` members by id.
fn listed_unchanged(document: &str) -> serde_json::Map<String, Value> {
    let outcome = list(document, &["--json"]);
    assert_eq!(outcome.stderr, "");
    let mut shown: Vec<Value> = outcome.json().as_array().unwrap().clone();
    let mut sent: Vec<Value> = serde_json::from_str(document).unwrap();
    let mut added = serde_json::Map::new();
    for webhook in &mut shown {
        let id = id_text(webhook);
        let own = webhook.as_object_mut().unwrap().remove("vwh").unwrap();
        assert_eq!(own["id"], id.as_str());
        assert!(own["url"].is_string() && own["health"].is_string(), "{own}");
        assert_eq!(own["service"], "vis");
        added.insert(id, own);
    }
    for webhook in &mut sent {
        if webhook["signingKey"].is_string() {
            webhook["signingKey"] = value!("***");
        }
    }
    shown.sort_by_key(id_text);
    sent.sort_by_key(id_text);
    assert_eq!(shown, sent);
    added
}

#[test]
fn the_documented_example() {
    let added = listed_unchanged(&fixture("vis-list-example.json"));
    let own = &added["5b0c2f6e-1f77-4f0e-9a53-6c0f8c3d2a10"];
    assert_eq!(
        (&own["health"], &own["url"]),
        (&value!("expired"), &value!("https://hooks.example.test/vis"))
    );
}

#[test]
fn the_tutorial_with_its_error_page() {
    let document = fixture("vis-list-tutorial-failed.json");
    assert_eq!(listed_unchanged(&document)["{}"]["health"], "failed");
    let table = list(&document, &[]);
    assert!(table.stdout.contains("500 INTERNAL_SERVER_ERROR"), "{table}");
    assert_eq!(table.stdout.lines().count(), 2, "{table}");
}

#[test]
fn the_form_of_2019() {
    let added = listed_unchanged(&fixture("vis-list-2019.json"));
    assert_eq!((&added["184094"]["id"], &added["184094"]["health"]), (&value!("184094"), &value!("expired")));
}

#[test]
fn the_older_name_of_the_failed_flag() {
    let document = fixture("vis-list-2019.json").replace("\"isFailed\": false", "\"isFailed\": true");
    assert_eq!(listed_unchanged(&document)["184094"]["health"], "failed");
}

#[test]
fn nulls_numbers_arrays_and_unknown_members() {
    let document = fixture("vis-list-odd.json");
    let added = listed_unchanged(&document);
    assert_eq!(added["nulls"]["health"], "unknown");
    assert_eq!(added["bare"]["health"], "unknown");
    assert_eq!(added["12345678901234567890"]["health"], "failed");
    let table = list(&document, &[]);
    for id in added.keys() {
        assert!(table.stdout.contains(id), "{id} is missing\n{table}");
    }
}

#[test]
fn an_empty_list_is_an_empty_array() {
    let outcome = list("[]", &["--json"]);
    assert_eq!((outcome.stdout.trim_end(), outcome.stderr.as_str()), ("[]", ""));
}

#[test]
fn an_empty_status_is_none() {
    let statistics = r#""statistics":{"totalAttempts":1,"totalSuccesses":1}"#;
    for status in [r#""""#, r#"" ""#, "null", r#""ACTIVE""#] {
        let added =
            listed_unchanged(&format!(r#"[{{"id":"w-1","url":"u","status":{status},{statistics}}}]"#));
        assert_eq!(added["w-1"]["health"], "ok", "{status}");
    }
    let added = listed_unchanged(&format!(r#"[{{"id":"w-1","url":"u","status":"PAUSED",{statistics}}}]"#));
    assert_eq!(added["w-1"]["health"], "paused");
}
