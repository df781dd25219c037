//! `vwh replace` where a successor is there already, or the old webhook is not there any more.

use serde_json::{Value, json as value};

use crate::service::{Service, failed, failed_and_signed, healthy, journal, url};
use crate::support::{Outcome, Vwh};

const KEY: &str = "a key of some length";

fn replace(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    let command = ["replace", "--yes", "--concurrency", "1", "--new-host", "moved.example.test"];
    vwh.args(command.iter().chain(arguments).copied()).run()
}

/// The webhook that `webhook` is to become.
fn moved(id: &str, webhook: &Value) -> Value {
    let mut moved = webhook.clone();
    moved["url"] =
        webhook["url"].as_str().unwrap().replace("hooks.example.test", "moved.example.test").into();
    moved["id"] = id.into();
    moved
}

fn signed(id: &str, key: &str) -> Value {
    let mut webhook = failed_and_signed(id, key);
    webhook["statistics"] = healthy(id)["statistics"].clone();
    webhook
}

#[test]
fn an_equal_one_takes_the_place_and_no_twin_is_made() {
    let service = Service::honest(vec![signed("a", KEY), moved("there", &signed("a", KEY))]);
    let vwh = service.vwh();
    let outcome = replace(&vwh, &["a"]).exits(0);
    let urls = format!("{} -> https://moved.example.test/a", url("a"));
    assert_eq!(outcome.stdout, format!("replaced  a -> there  {urls}\n"));
    assert_eq!(service.changes(), ["DELETE /self/webhooks/a"]);
    let gone = replace(&vwh, &["a"]).exits(0);
    assert_eq!(gone.stdout, format!("gone  a -> there  {urls}\n"));
}

/// Another key, another policy, another event: not equal.
#[test]
fn one_that_differs_is_not_taken_for_it() {
    let mut policy = moved("there", &signed("a", KEY));
    policy["metadataPolicy"] = "HEADER".into();
    let mut events = moved("there", &signed("a", KEY));
    events["events"] = value!(["CALL", "OTHER"]);
    for other in [moved("there", &signed("a", "another key")), moved("there", &healthy("a")), policy, events]
    {
        let service = Service::honest(vec![signed("a", KEY), other.clone()]);
        let _ = replace(&service.vwh(), &["a"]).exits(0);
        assert_eq!(service.ids(), ["there", "new-1"], "{other}");
    }
}

/// A webhook that delivers must not go for one that does not.
#[test]
fn an_equal_one_that_has_failed_is_no_successor() {
    let mut there = moved("there", &healthy("a"));
    there["statistics"] = failed("a")["statistics"].clone();
    let service = Service::honest(vec![healthy("a"), there]);
    let vwh = service.vwh();
    insta::assert_snapshot!(replace(&vwh, &["a"]).snapshot(), @r"
    exit: 1
    --- stdout
    error  a  https://hooks.example.test/a  webhook there is to take its place, and is failed itself (hint: bring that back first: vwh renew there)
    --- stderr
    error: 1 of 1 webhooks could not be replaced
    ");
    assert_eq!(service.changes(), Vec::<String>::new());
    let _ = vwh.args(["renew", "there"]).run().exits(0);
    let _ = replace(&vwh, &["a"]).exits(0);
    assert_eq!(service.ids(), ["there"]);
}

/// Two that deliver the same are two, before and after.
#[test]
fn one_successor_stands_for_one_webhook() {
    let mut twin = healthy("b");
    twin["url"] = url("a").into();
    let service = Service::honest(vec![healthy("a"), twin]);
    let vwh = service.vwh();
    let _ = replace(&vwh, &["a", "--keep-old"]).exits(0);
    let outcome = replace(&vwh, &["b", "a"]).exits(0).stdout;
    let urls = format!("{} -> https://moved.example.test/a", url("a"));
    assert_eq!(outcome, format!("replaced  b -> new-2  {urls}\nreplaced  a -> new-1  {urls}\n"));
    assert_eq!(service.ids(), ["new-1", "new-2"]);
}

/// Nobody wrote down which of the two successors is whose.
#[test]
fn two_half_done_twins_get_one_successor_each() {
    let mut twin = healthy("b");
    twin["url"] = url("a").into();
    let service = Service::honest(vec![healthy("a"), twin]);
    let vwh = service.vwh();
    let _ = replace(&vwh, &["a", "b", "--keep-old"]).exits(0);
    let path = vwh.state().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let meant: String =
        text.lines().filter(|line| line.contains("\"replacing\"")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, meant).unwrap();
    let _ = replace(&vwh, &["a", "b"]).exits(0);
    assert_eq!((service.ids().join(" "), service.count("POST")), ("new-1 new-2".to_owned(), 2));
    let successors: Vec<Value> = journal(&vwh)
        .into_iter()
        .filter(|line| line["action"] == "replaced")
        .map(|line| line["new_id"].clone())
        .collect();
    assert_eq!(successors, ["new-1", "new-2"]);
}

#[test]
fn the_chain_of_successors_is_followed() {
    let service = Service::honest(vec![healthy("a")]);
    let vwh = service.vwh();
    let _ = replace(&vwh, &["a"]).exits(0);
    let _ = vwh.args(["replace", "new-1", "--yes", "--metadata-policy", "body"]).run().exits(0);
    let json = replace(&vwh, &["a", "new-1", "--json"]).exits(0).json();
    let moved = "https://moved.example.test/a";
    let expected = value!([
        {"id": "a", "url": url("a"), "outcome": "gone", "error": null, "newId": "new-2", "newUrl": moved},
        {"id": "new-1", "url": moved, "outcome": "gone", "error": null, "newId": "new-2"},
    ]);
    assert_eq!(json["results"], expected);
    drop(service.with(|webhooks| webhooks.delete("new-2")));
    insta::assert_snapshot!(replace(&vwh, &["a"]).snapshot(), @r"
    exit: 1
    --- stdout
    error  a  https://hooks.example.test/a  it is gone, and nothing that took its place is listed (hint: bring it back with: vwh restore a)
    --- stderr
    error: 1 of 1 webhooks could not be replaced
    ");
}

#[test]
fn what_vwh_removed_is_not_replaced() {
    let service = Service::honest(vec![healthy("a"), healthy("b")]);
    let vwh = service.vwh();
    let _ = vwh.args(["delete", "--yes", "a"]).run().exits(0);
    let json = replace(&vwh, &["a", "b", "--json"]).exits(1).json();
    assert_eq!(json["results"][0]["error"]["hint"], "bring it back with: vwh restore a");
    assert_eq!(
        (service.ids(), &json["results"][1]["outcome"]),
        (vec!["new-1".to_owned()], &value!("replaced"))
    );
}

/// Somebody removed the successor to give the change up.
#[test]
fn a_successor_that_is_gone_is_made_anew() {
    let service = Service::honest(vec![healthy("a")]);
    let vwh = service.vwh();
    let _ = replace(&vwh, &["a", "--keep-old"]).exits(0);
    drop(service.with(|webhooks| webhooks.delete("new-1")));
    let _ = replace(&vwh, &["a"]).exits(0);
    assert_eq!(service.ids(), ["new-2"]);
}

/// The journal of another user says nothing about this one's webhooks.
#[test]
fn only_the_own_journal_counts() {
    let service = Service::honest(vec![healthy("a")]);
    let vwh = service.vwh();
    let _ = replace(&vwh, &["a"]).exits(0);
    let path = vwh.state().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"9001\"", "\"9002\"");
    std::fs::write(&path, text).unwrap();
    assert_eq!(journal(&vwh).len(), 4);
    let _ = replace(&vwh, &["a"]).exits(4).without_answer();
}
