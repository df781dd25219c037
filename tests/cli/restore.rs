//! `vwh restore`: what vwh removed comes back from the journal, with its key, and never twice.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json as value};

use crate::service::{Service, failed, failed_and_signed, healthy, journal, url};
use crate::support::{Outcome, Reply, Request, Vwh, json};

fn restore(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    vwh.args(["restore"].iter().chain(arguments).copied()).run()
}

fn delete(vwh: &Vwh, ids: &[&str]) {
    let _ = vwh.args(["delete", "--yes"].iter().chain(ids).copied()).run().exits(0);
}

fn results(outcome: &Outcome) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let results = outcome.json()["results"].as_array().unwrap().clone();
    let triple = |result: &Value| [text(&result["id"]), text(&result["outcome"]), text(&result["newId"])];
    results.iter().map(triple).collect()
}

fn result(id: &str, outcome: &str, new_id: &str) -> [String; 3] {
    [id, outcome, new_id].map(str::to_owned)
}

#[test]
fn new_ids_stand_beside_the_old() {
    let service = Service::honest(vec![healthy("a"), healthy("b"), healthy("c")]);
    let vwh = service.vwh();
    delete(&vwh, &["a", "b"]);
    let outcome = restore(&vwh, &["--last", "--concurrency", "1"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    restored  a -> new-1  https://hooks.example.test/a
    restored  b -> new-2  https://hooks.example.test/b
    --- stderr
    ");
    assert_eq!(service.urls(), [url("a"), url("b"), url("c")]);
    let again = restore(&vwh, &["--last"]).exits(0);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    delete(&vwh, &["c"]);
    let outcome = restore(&vwh, &["--last", "--json"]);
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 0
    --- stdout
    {"dryRun":false,"results":[{"id":"c","url":"https://hooks.example.test/c","outcome":"restored","error":null,"newId":"new-3"}],"summary":{"error":0,"exists":0,"restored":1,"skipped":0,"total":1}}
    --- stderr
    "#);
    assert_eq!(service.urls(), [url("a"), url("b"), url("c")]);
}

#[test]
fn last_is_the_last_run_that_removed_something() {
    let service = Service::honest(vec![healthy("a"), healthy("b")]);
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    delete(&vwh, &["b"]);
    // This one finds nothing to remove.
    let _ = vwh.args(["prune-failed"]).run().exits(0);
    let _ = restore(&vwh, &["--last"]).exits(0);
    assert_eq!(service.urls(), [url("b")]);
}

#[test]
fn ids_a_time_and_a_url_choose() {
    let service = Service::honest(["a", "b", "c", "d"].map(healthy).to_vec());
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    delete(&vwh, &["b", "c", "d"]);
    let ids = |arguments: &[&str]| -> Vec<String> {
        let outcome = restore(&vwh, &[arguments, &["--dry-run", "--json"]].concat()).exits(0);
        results(&outcome).into_iter().map(|[id, ..]| id).collect()
    };
    assert_eq!(ids(&["a", "c"]), ["a", "c"]);
    assert_eq!(ids(&["--last"]), ["b", "c", "d"]);
    assert_eq!(ids(&["--last", "--url", "*/c"]), ["c"]);
    assert_eq!(ids(&["--url", "*/?"]), ["a", "b", "c", "d"]);
    assert_eq!(ids(&["--since", "1h"]), ["a", "b", "c", "d"]);
    assert_eq!(ids(&["--since", "2099-01-01T00:00:00Z"]), [""; 0]);
    let second_run = journal(&vwh).iter().find(|line| line["id"] == "b").unwrap()["time"].clone();
    assert_eq!(ids(&["--since", second_run.as_str().unwrap()]), ["b", "c", "d"]);
    assert_eq!(service.count("POST"), 0, "all of it was a dry run");
    let _ = restore(&vwh, &["c"]).exits(0);
    assert_eq!(service.urls(), [url("c")]);
}

#[test]
fn a_dry_run_says_what_it_would_do() {
    let service = Service::honest(vec![healthy("a")]);
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    let lines = journal(&vwh).len();
    insta::assert_snapshot!(restore(&vwh, &["--last", "--dry-run"]).snapshot(), @r"
    exit: 0
    --- stdout
    would restore  a  https://hooks.example.test/a
    --- stderr
    ");
    assert_eq!((service.count("POST"), journal(&vwh).len()), (0, lines));
}

#[test]
fn what_to_restore_must_be_said() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    insta::assert_snapshot!(restore(&vwh, &[]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: say what to restore: ids, --last, --since TIME or --url GLOB

    hint: see what was removed with: vwh restore --list
    ");
    let _ = restore(&vwh, &["--dry-run"]).exits(2).without_answer();
    let _ = restore(&vwh, &["--last", "a"]).exits(2).without_answer();
    let _ = restore(&vwh, &["--since", "yesterday"]).exits(2).without_answer();
    assert_eq!(service.server.requests().len(), 0);
    insta::assert_snapshot!(restore(&vwh, &["a"]).snapshot(), @r#"
    exit: 4
    --- stdout
    --- stderr
    error: the journal has no webhook "a" of this account

    hint: see what it has with: vwh restore --list
    "#);
    let nothing = restore(&vwh, &["--last"]).exits(0);
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", ""));
}

#[test]
fn the_list_shows_what_was_removed_and_what_came_back() {
    let service = Service::honest(["a", "b"].map(healthy).to_vec());
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    delete(&vwh, &["b"]);
    let _ = restore(&vwh, &["a"]).exits(0);
    insta::assert_snapshot!(restore(&vwh, &["--list"]).snapshot(), @r"
    exit: 0
    --- stdout
    STATE     ID  URL                           REMOVED  BY      NEW ID
    removed   b   https://hooks.example.test/b  now      delete
    restored  a   https://hooks.example.test/a  now      delete  new-1
    --- stderr
    ");
    let list = restore(&vwh, &["--list", "--json"]).exits(0);
    let list = list.json();
    let run = list[0]["run"].as_str().unwrap();
    let removed_at = list[0]["removedAt"].as_str().unwrap();
    assert!(removed_at.parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{removed_at}");
    let expected = value!({"id": "b", "url": url("b"), "removedAt": removed_at, "command": "delete", "run": run,
        "state": "removed", "newId": null});
    assert_eq!(list[0], expected);
    assert_eq!((&list[1]["state"], &list[1]["newId"]), (&value!("restored"), &value!("new-1")));
    assert_eq!(list.as_array().unwrap().len(), 2);
    let lines = restore(&vwh, &["--list", "-o", "jsonl"]).exits(0);
    assert_eq!(lines.stdout.lines().count(), 2);
    let empty = restore(&service.vwh(), &["--list", "--json"]).exits(0);
    assert_eq!(empty.json(), value!([]));
}

#[test]
fn a_signed_webhook_comes_back_with_its_key() {
    let key = "k\u{e9}y with \"quotes\" and \\ 0123456789";
    let service = Service::honest(vec![failed_and_signed("a", key)]);
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    let outcome = restore(&vwh, &["--last", "-vv"]).exits(0);
    let posted = service.server.requests().iter().find(|request| request.method == "POST").unwrap().json();
    let expected = value!({"url": url("a"), "events": ["CALL"], "signingAlgo": "HMAC_SHA256", "signingKey": key,
        "metadataPolicy": "BODY"});
    assert_eq!(posted, expected);
    assert!(!outcome.stdout.contains("0123456789") && !outcome.stderr.contains("0123456789"), "{outcome}");
    for listed in [restore(&vwh, &["--list"]), restore(&vwh, &["--list", "--json"])] {
        assert!(!listed.stdout.contains("0123456789"), "{listed}");
    }
}

#[test]
fn an_unsigned_webhook_comes_back_without_a_key() {
    let service = Service::honest(vec![healthy("a")]);
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    let _ = restore(&vwh, &["--last"]).exits(0);
    let posted = service.server.requests().iter().find(|request| request.method == "POST").unwrap().json();
    assert_eq!(posted, value!({"url": url("a"), "events": ["CALL"], "metadataPolicy": "NONE"}));
}

#[test]
fn a_signed_webhook_without_its_key_is_not_made_up() {
    let mut without = failed_and_signed("without", "");
    without.as_object_mut().unwrap().remove("signingKey");
    let masked = failed_and_signed("masked", "***");
    let service = Service::honest(vec![without, masked, healthy("well")]);
    let vwh = service.vwh();
    delete(&vwh, &["without", "masked", "well"]);
    let outcome = restore(&vwh, &["--last"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    error  without  https://hooks.example.test/without  it was signed, and the journal does not have its key (hint: register it with a key of your own: vwh create --url URL --signing-key-file FILE)
    error  masked  https://hooks.example.test/masked  it was signed, and the journal does not have its key (hint: register it with a key of your own: vwh create --url URL --signing-key-file FILE)
    restored  well -> new-1  https://hooks.example.test/well
    --- stderr
    error: 2 of 3 webhooks could not be restored
    ");
    assert_eq!(service.urls(), [url("well")]);
}

/// The journal holds lines of several users, accounts and services side by side.
#[test]
fn only_the_own_account_is_touched() {
    let service = Service::new(vec![healthy("a")], answer_as_named);
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    let other_user = vwh.clone().env("VWH_TOKEN", "user-2");
    let other_account = vwh.clone().env("VWH_TOKEN", "account-2");
    let other_base = vwh.clone().env("VWH_BASE_URL", format!("{}/v2", service.server.base_url()));
    for stranger in [&other_user, &other_account, &other_base] {
        let nothing = restore(stranger, &["--last"]).exits(0);
        assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", ""));
        assert_eq!(restore(stranger, &["--list", "--json"]).exits(0).json(), value!([]));
        let _ = restore(stranger, &["a"]).exits(4);
    }
    assert_eq!(service.count("POST"), 0);
    let _ = restore(&vwh, &["--last"]).exits(0);
    assert_eq!(service.urls(), [url("a")]);
}

/// Answers `/self` by the token, and below `/v2` what it answers above.
fn answer_as_named(request: &Request, webhooks: &mut crate::service::Webhooks) -> Reply {
    let token = request.header("authorization").unwrap().trim_start_matches("Bearer ").to_owned();
    let mut request = request.clone();
    request.path = request.path.trim_start_matches("/v2").to_owned();
    match (request.path.as_str(), token.as_str()) {
        ("/self", "user-2") => json(200, r#"{"id": 9002, "accountId": 4711}"#),
        ("/self", "account-2") => json(200, r#"{"id": 9001, "accountId": 4712}"#),
        _ => webhooks.answer(&request),
    }
}

#[test]
fn what_is_still_there_is_left_alone() {
    let service = Service::new(vec![healthy("a")], |request, webhooks| match request.method.as_str() {
        "DELETE" => json(500, "{}"),
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh();
    let _ = vwh.args(["delete", "--yes", "a"]).run().exits(1);
    let outcome = restore(&vwh, &["--last"]).exits(0);
    assert_eq!((outcome.stdout.as_str(), service.count("POST")), ("", 0));
    assert_eq!(restore(&vwh, &["--list", "--json"]).json()[0]["state"], "listed");
}

#[test]
fn what_somebody_registered_meanwhile_is_not_doubled() {
    let service = Service::honest(vec![healthy("a")]);
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    let mut equal = healthy("by-hand");
    equal["url"] = url("a").into();
    service.with(|webhooks| webhooks.list.push(equal));
    for _ in 0..2 {
        let outcome = restore(&vwh, &["--last", "--json"]).exits(0);
        assert_eq!(results(&outcome), [result("a", "exists", "by-hand")]);
    }
    assert_eq!(service.count("POST"), 0);
}

#[test]
fn another_key_is_another_webhook() {
    let service = Service::honest(vec![failed_and_signed("a", "the first key")]);
    let vwh = service.vwh();
    delete(&vwh, &["a"]);
    let mut other = failed_and_signed("by-hand", "the second key");
    other["url"] = url("a").into();
    service.with(|webhooks| webhooks.list.push(other));
    let outcome = restore(&vwh, &["--last", "--json"]).exits(0);
    assert_eq!(results(&outcome), [result("a", "restored", "new-1")]);
}

#[test]
fn equal_ones_come_back_as_many() {
    let mut second = failed("b");
    second["url"] = url("a").into();
    let service = Service::honest(vec![failed("a"), second, healthy("well")]);
    let vwh = service.vwh();
    delete(&vwh, &["a", "b"]);
    let outcome = restore(&vwh, &["--last", "--json"]).exits(0);
    assert_eq!(outcome.json()["summary"]["restored"], 2);
    for _ in 0..2 {
        assert_eq!(service.urls(), [url("a"), url("a"), url("well")]);
        let again = restore(&vwh, &["--last"]).exits(0);
        assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    }
}

/// What the first of two equal ones came back as is not the second, whose turn ended in an error.
#[test]
fn an_arrival_is_counted_once_across_runs() {
    let mut second = failed("b");
    second["url"] = url("a").into();
    let posts = AtomicUsize::new(0);
    let service = Service::new(vec![failed("a"), second], move |request, webhooks| {
        if request.method == "POST" && posts.fetch_add(1, Ordering::SeqCst) == 1 {
            return json(422, r#"{"errorMessage": "too many at once"}"#);
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    delete(&vwh, &["a", "b"]);
    let outcome = restore(&vwh, &["--last", "--concurrency", "1", "--json"]).exits(1);
    assert_eq!(results(&outcome), [result("a", "restored", "new-1"), result("b", "error", "-")]);
    let outcome = restore(&vwh, &["--last", "--json"]).exits(0);
    assert_eq!(results(&outcome), [result("b", "restored", "new-2")]);
    assert_eq!(service.urls(), [url("a"), url("a")]);
}

/// The second POST is lost; what the list shows for it is what the first one came back as.
#[test]
fn a_lost_request_is_not_taken_for_its_twin() {
    let mut second = failed("b");
    second["url"] = url("a").into();
    let posts = AtomicUsize::new(0);
    let service = Service::new(vec![failed("a"), second], move |request, webhooks| {
        if request.method == "POST" && posts.fetch_add(1, Ordering::SeqCst) == 1 {
            return json(500, "{}");
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    delete(&vwh, &["a", "b"]);
    let outcome = restore(&vwh, &["--last", "--concurrency", "1", "--json"]).exits(1);
    assert_eq!(results(&outcome), [result("a", "restored", "new-1"), result("b", "error", "-")]);
    let _ = restore(&vwh, &["--last"]).exits(0);
    assert_eq!(service.urls(), [url("a"), url("a")]);
}

/// Kills a restore of `ids` once the service has executed `posts` POSTs, before their replies arrive.
fn killed_after(posts: usize, list: Vec<Value>, ids: &[&str]) -> (Service, Vwh) {
    let executed = AtomicUsize::new(0);
    let service = Service::new(list, move |request, webhooks| {
        if request.method != "POST" || executed.load(Ordering::SeqCst) > posts {
            return webhooks.answer(request);
        }
        let number = executed.fetch_add(1, Ordering::SeqCst) + 1;
        if number <= posts {
            drop(webhooks.answer(request));
        }
        Reply::Stall
    });
    let vwh = service.vwh();
    delete(&vwh, ids);
    let before = service.server.requests().len();
    let restoring = vwh.args(["restore", "--last"]).spawn();
    // The list, the user, and a POST for each.
    service.server.wait_for_requests(before + 2 + ids.len());
    restoring.kill();
    let _ = restoring.wait();
    (service, vwh)
}

#[test]
fn a_restore_that_was_killed_is_completed() {
    let (service, vwh) = killed_after(1, vec![healthy("a")], &["a"]);
    assert_eq!(service.urls(), [url("a")]);
    let outcome = restore(&vwh, &["--last", "--json"]).exits(0);
    assert_eq!(results(&outcome), [result("a", "restored", "new-1")]);
    assert_eq!((service.urls(), service.count("POST")), (vec![url("a")], 1));
    let again = restore(&vwh, &["--last"]).exits(0);
    assert_eq!(again.stdout, "");
    assert_eq!(restore(&vwh, &["--list", "--json"]).json()[0]["state"], "restored");
}

#[test]
fn a_restore_that_was_killed_too_early_is_done_again() {
    let (service, vwh) = killed_after(0, vec![healthy("a")], &["a"]);
    assert_eq!(service.urls(), Vec::<String>::new());
    let _ = restore(&vwh, &["--last"]).exits(0);
    assert_eq!(service.urls(), [url("a")]);
}

/// Of two equal ones on their way back one arrived: it completes one of them, and the other is still missing.
#[test]
fn one_arrival_does_not_complete_two() {
    let mut second = failed("b");
    second["url"] = url("a").into();
    let (service, vwh) = killed_after(1, vec![failed("a"), second], &["a", "b"]);
    assert_eq!(service.urls(), [url("a")]);
    let outcome = restore(&vwh, &["--last", "--json"]).exits(0);
    assert_eq!(service.urls(), [url("a"), url("a")], "{outcome}");
    let again = restore(&vwh, &["--last"]).exits(0);
    assert_eq!((again.stdout.as_str(), service.count("POST")), ("", 3));
}
