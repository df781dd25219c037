//! `kill -9` at any moment of `replace` and `rotate`: one of old and new is always there, and the same command finishes it.

use std::collections::HashSet;

use serde_json::Value;

use crate::service::{Webhooks, failed_and_signed, healthy, journal_after, many, url};
use crate::support::Vwh;
use crate::watched::{Watched, moments};

/// What signs every other webhook before.
const KEY: &str = "a key of some length";

/// Up to 4 requests are under way at once, so that some of them are caught on their way.
const WEBHOOKS: usize = 12;

/// After this many POSTs, or this many DELETEs, and never so late that the run could end first.
fn steps() -> impl Iterator<Item = (&'static str, usize)> {
    moments(50, 2 * WEBHOOKS - 1).map(|moment| match moment.checked_sub(WEBHOOKS) {
        None | Some(0) => ("POST", moment),
        Some(count) => ("DELETE", count),
    })
}

fn webhooks() -> Vec<Value> {
    let mut list = many(WEBHOOKS, healthy);
    for webhook in list.iter_mut().step_by(2) {
        *webhook = failed_and_signed(webhook["id"].as_str().unwrap(), KEY);
    }
    list
}

fn names() -> impl Iterator<Item = String> {
    (1..=WEBHOOKS).map(|number| format!("w-{number:03}"))
}

fn moved(name: &str) -> String {
    url(name).replace("hooks.example.test", "moved.example.test")
}

/// Each webhook delivers to its old or to its new url.
fn none_is_lost(webhooks: &Webhooks) {
    let urls: HashSet<&str> = webhooks.list.iter().filter_map(|webhook| webhook["url"].as_str()).collect();
    for name in names() {
        let is_there = urls.contains(url(&name).as_str()) || urls.contains(moved(&name).as_str());
        assert!(is_there, "{name} is lost: {urls:?}");
    }
}

fn text(webhook: &Value, member: &str) -> String {
    webhook[member].as_str().unwrap_or("none").to_owned()
}

#[test]
fn a_killed_replace_is_finished_by_the_same_command() {
    for (method, count) in steps() {
        let watched = Watched::under_a_law(webhooks(), none_is_lost);
        let service = &watched.service;
        let vwh = service.vwh();
        let ids: Vec<String> = names().collect();
        let command = ["replace", "--new-host", "moved.example.test", "--yes"];
        let run = || vwh.args(command.into_iter().chain(ids.iter().map(String::as_str)));
        watched.kill(run(), method, count);
        let _ = run().run().exits(0);

        let mut expected: Vec<[String; 3]> = webhooks()
            .iter()
            .map(|old| {
                let signing = [text(old, "signingKey"), text(old, "metadataPolicy")];
                let [key, policy] = signing;
                [moved(&text(old, "id")), key, policy]
            })
            .collect();
        expected.sort_unstable();
        let mut listed: Vec<[String; 3]> = service.with(|webhooks| {
            let members =
                |webhook: &Value| ["url", "signingKey", "metadataPolicy"].map(|name| text(webhook, name));
            webhooks.list.iter().map(members).collect()
        });
        listed.sort_unstable();
        assert_eq!(listed, expected, "after {count} {method}");
        let posts = service.count("POST");
        let _ = run().run().exits(0);
        assert_eq!(service.count("POST"), posts, "a third run has nothing to do");
        journal_after(1, &vwh);
    }
}

/// The key in the file is the only one, however many runs it took, and the old one is nowhere on disk.
#[test]
fn a_killed_rotation_is_finished_by_the_same_command() {
    for (method, count) in steps() {
        let watched = Watched::under_a_law(webhooks(), none_is_lost);
        let service = &watched.service;
        let vwh = service.vwh();
        let ids: Vec<String> = names().collect();
        let command = ["rotate", "--signing-key-out", "key", "--yes"];
        let run = || vwh.args(command.into_iter().chain(ids.iter().map(String::as_str)));
        watched.kill(run(), method, count);
        let _ = run().run().exits(0);

        assert_eq!(
            service.urls(),
            names().map(|name| url(&name)).collect::<Vec<_>>(),
            "after {count} {method}"
        );
        let key = std::fs::read_to_string(vwh.home().join("key")).unwrap();
        let keys: HashSet<String> = service
            .with(|webhooks| webhooks.list.iter().map(|webhook| text(webhook, "signingKey")).collect());
        assert_eq!(keys, HashSet::from([key.trim_end().to_owned()]), "after {count} {method}");
        none_of_it_is_kept(&vwh, &[KEY, key.trim_end()]);
    }
}

fn none_of_it_is_kept(vwh: &Vwh, keys: &[&str]) {
    journal_after(1, vwh);
    let text = std::fs::read_to_string(vwh.state().join("journal.jsonl")).unwrap();
    for key in keys {
        assert!(!text.contains(key), "{key} is in the journal");
    }
}
