//! `kill -9` at any moment of `replace` and `rotate`: one of old and new is always there, and the same command finishes it.

use std::collections::HashSet;

use serde_json::Value;

use crate::service::{Webhooks, healthy, journal_after, many, url};
use crate::support::Vwh;
use crate::watched::{Moment, Watched, shuffled};

/// What signs every other webhook before.
const KEY: &str = "a key of some length";

/// Up to 4 requests are under way at once, so that some of them are caught on their way.
const WEBHOOKS: usize = 12;

/// Where chance begins; the moment that a failure names is all that is needed to see it again.
const SEED: u64 = 20_200_313;

/// Lines that a whole run leaves in the journal but the last: four a webhook.
const LINES: usize = 4 * WEBHOOKS - 1;

/// 50 different moments: of those before the first request and between the phases all, of the many others some by chance.
fn deaths(seed: u64, more: &[Moment]) -> Vec<Moment> {
    use Moment::{Answered, Executed, Journalled, Sent, Unwritten};
    let mut deaths = vec![
        Sent("GET", 1),
        Answered("GET", 2),
        Unwritten("GET", 2),
        Journalled(WEBHOOKS),
        Sent("POST", 1),
        Sent("GET", 3),
        Unwritten("GET", 3),
        Journalled(3 * WEBHOOKS),
        Sent("DELETE", 1),
    ];
    deaths.extend(more);
    let of_requests = ["POST", "DELETE"].into_iter().flat_map(|method| {
        (1..WEBHOOKS).flat_map(move |number| {
            [
                Sent(method, number + 1),
                Executed(method, number),
                Answered(method, number),
                Unwritten(method, number),
            ]
        })
    });
    // Those of the first phase are one write, and those before the third phase too.
    let between = (WEBHOOKS + 1..2 * WEBHOOKS).chain(3 * WEBHOOKS + 1..=LINES).map(Journalled);
    let others = shuffled(of_requests.chain(between).collect(), seed);
    deaths.extend(others.into_iter().take(50 - deaths.len()));
    deaths
}

fn webhooks() -> Vec<Value> {
    let mut list = many(WEBHOOKS, healthy);
    for webhook in list.iter_mut().step_by(2) {
        webhook["signingAlgo"] = "HMAC_SHA256".into();
        webhook["signingKey"] = KEY.into();
        webhook["metadataPolicy"] = "BODY".into();
    }
    list
}

fn names() -> impl Iterator<Item = String> {
    (1..=WEBHOOKS).map(|number| format!("w-{number:03}"))
}

fn moved(name: &str) -> String {
    url(name).replace("hooks.example.test", "moved.example.test")
}

/// Whether events arrive through it now.
fn is_live(webhook: &Value) -> bool {
    let expires: chrono::DateTime<chrono::Utc> = webhook["expireAt"].as_str().unwrap().parse().unwrap();
    webhook["statistics"]["failed"] != true
        && webhook["status"].as_str().is_none_or(|status| status == "ACTIVE")
        && expires > chrono::Utc::now()
}

/// Each webhook has a live registration at its old or its new url, signed as before or, all of them alike, anew.
fn none_is_lost(webhooks: &Webhooks) {
    let is_old_key = |webhook: &Value| webhook["signingKey"] == KEY;
    let keys = webhooks.list.iter().filter(|webhook| !is_old_key(webhook));
    let new_keys: HashSet<&str> = keys.filter_map(|webhook| webhook["signingKey"].as_str()).collect();
    assert!(new_keys.len() <= 1, "a key for all: {new_keys:?}");
    for (name, old) in names().zip(self::webhooks()) {
        let is_as_good = |webhook: &&Value| {
            let url_is = |url: String| webhook["url"] == url.as_str();
            (url_is(url(&name)) || url_is(moved(&name)))
                && is_live(webhook)
                && webhook["metadataPolicy"] == old["metadataPolicy"]
                && (webhook["signingAlgo"] == "HMAC_SHA256") == webhook["signingKey"].is_string()
                && (!is_old_key(&old) || webhook["signingKey"].is_string())
        };
        assert!(
            webhooks.list.iter().any(|webhook| is_as_good(&webhook)),
            "{name} is lost: {:#?}",
            webhooks.list
        );
    }
}

fn text(webhook: &Value, member: &str) -> String {
    webhook[member].as_str().unwrap_or("none").to_owned()
}

#[test]
fn a_killed_replace_is_finished_by_the_same_command() {
    for moment in deaths(SEED, &[]) {
        let watched = Watched::under_a_law(webhooks(), |webhooks| none_is_lost(webhooks));
        let service = &watched.service;
        let vwh = service.vwh();
        let ids: Vec<String> = names().collect();
        let command = ["replace", "--new-host", "moved.example.test", "--yes"];
        let run = || vwh.args(command.into_iter().chain(ids.iter().map(String::as_str)));
        watched.kill_at(&vwh, run(), moment, WEBHOOKS);
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
        assert_eq!(listed, expected, "{moment:?}");
        let posts = service.count("POST");
        let _ = run().run().exits(0);
        assert_eq!(service.count("POST"), posts, "a third run has nothing to do");
        journal_after(1, &vwh);
    }
}

/// Some successors never come to life; theirs is no place to take, before and after the kill.
#[test]
fn a_killed_replace_loses_nothing_to_successors_that_are_dead() {
    let is_dead =
        |webhook: &Value| ["new-3", "new-6", "new-9", "new-12"].iter().any(|id| webhook["id"] == *id);
    let living = WEBHOOKS - 4;
    let comes = |moment: &Moment| match moment {
        Moment::Sent("DELETE", number)
        | Moment::Executed("DELETE", number)
        | Moment::Answered("DELETE", number)
        | Moment::Unwritten("DELETE", number) => *number < living,
        Moment::Journalled(lines) => *lines <= 2 * WEBHOOKS + living,
        _ => true,
    };
    for moment in deaths(SEED + 2, &[]).into_iter().filter(comes).step_by(3) {
        let watched = Watched::under_a_law(webhooks(), move |webhooks| {
            for webhook in &mut webhooks.list {
                if is_dead(webhook) && webhook["renewedAt"].is_null() {
                    webhook["statistics"] = serde_json::json!({"failed": true, "totalAttempts": 1});
                }
            }
            none_is_lost(webhooks);
        });
        let service = &watched.service;
        let vwh = service.vwh();
        let ids: Vec<String> = names().collect();
        let command = ["replace", "--new-host", "moved.example.test", "--yes"];
        let run = || vwh.args(command.into_iter().chain(ids.iter().map(String::as_str)));
        watched.kill_at(&vwh, run(), moment, living);
        let outcome = run().run().exits(1);
        let kept = outcome.stdout.lines().filter(|line| line.starts_with("kept  ")).count();
        assert_eq!((kept, service.ids().len()), (4, WEBHOOKS + 4), "{moment:?}\n{outcome}");
        let _ = vwh.args(["renew", "--failed"]).run().exits(0);
        let _ = run().run().exits(0);
        assert_eq!(service.urls(), names().map(|name| moved(&name)).collect::<Vec<_>>(), "{moment:?}");
    }
}

/// The key in the file is the only one, however many runs it took, and the old one is nowhere on disk.
#[test]
fn a_killed_rotation_is_finished_by_the_same_command() {
    // The key is known, and nothing is registered yet.
    for moment in deaths(SEED + 1, &[Moment::Exists("key")]) {
        let watched = Watched::under_a_law(webhooks(), |webhooks| none_is_lost(webhooks));
        let service = &watched.service;
        let vwh = service.vwh();
        let ids: Vec<String> = names().collect();
        let command = ["rotate", "--signing-key-out", "key", "--yes"];
        let run = || vwh.args(command.into_iter().chain(ids.iter().map(String::as_str)));
        watched.kill_at(&vwh, run(), moment, WEBHOOKS);
        let _ = run().run().exits(0);

        assert_eq!(service.urls(), names().map(|name| url(&name)).collect::<Vec<_>>(), "{moment:?}");
        let key = std::fs::read_to_string(vwh.home().join("key")).unwrap();
        let keys: HashSet<String> = service
            .with(|webhooks| webhooks.list.iter().map(|webhook| text(webhook, "signingKey")).collect());
        assert_eq!(keys, HashSet::from([key.trim_end().to_owned()]), "{moment:?}");
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
