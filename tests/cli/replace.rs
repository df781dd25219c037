//! `vwh replace` against a service that does what it is asked: what changes, what stays, what is said, who is asked.

use std::collections::BTreeMap;

use serde_json::{Value, json as value};

use crate::running::Sandbox;
use crate::service::{Service, failed_and_signed, healthy, journal, many, url};
use crate::support::{Outcome, Vwh};

fn replace(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    vwh.args(["replace", "--yes"].iter().chain(arguments).copied()).run()
}

fn moved(id: &str) -> String {
    url(id).replace("hooks.example.test", "moved.example.test")
}

#[test]
fn thirty_move_to_a_new_host_and_keep_everything_else() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &["--empty"]);
    let seeds: Vec<Value> = (1..=30)
        .map(|number| {
            let url = format!("https://old.example.com:8443/in/{number:02}?user={number}");
            match number % 3 {
                0 => value!({"url": url}),
                1 => value!({"url": url, "signingAlgo": "HMAC_SHA256", "signingKey": format!("key {number}"),
                    "metadataPolicy": "BODY"}),
                _ => value!({"url": url, "metadataPolicy": "HEADER", "statistics": {"failed": true}}),
            }
        })
        .chain([value!({"url": "https://elsewhere.example.com/in/1"})])
        .collect();
    sandbox.plant(&seeds);
    let facts = |new: bool| -> BTreeMap<String, Value> {
        let fact = |webhook: &Value| {
            let url = webhook["url"].as_str().unwrap();
            let url =
                if new { url.to_owned() } else { url.replace("old.example.com:8443", "new.example.com") };
            let members =
                ["events", "signingAlgo", "signingKey", "metadataPolicy"].map(|name| webhook[name].clone());
            (url, Value::from(members.to_vec()))
        };
        sandbox.webhooks().iter().map(fact).collect()
    };
    let (before, old_ids) = (facts(false), sandbox.listed("id"));
    let command = [
        "--sandbox",
        "replace",
        "--url",
        "https://old.example.com*",
        "--new-host",
        "new.example.com",
        "--yes",
    ];
    let outcome = vwh.args(command.into_iter().chain(["--json"])).run().exits(0);
    assert_eq!(outcome.stderr, "");
    let answer = outcome.json();
    assert_eq!(
        answer["summary"],
        value!({"total": 30, "replaced": 30, "updated": 0, "kept": 0, "unchanged": 0, "gone": 0, "error": 0, "skipped": 0})
    );
    assert_eq!((facts(true), before.len()), (before, 31));
    let new_ids = sandbox.listed("id");
    assert_eq!(new_ids.iter().filter(|id| old_ids.contains(id)).count(), 1);
    for result in answer["results"].as_array().unwrap() {
        let [id, new_id, url, new_url] =
            ["id", "newId", "url", "newUrl"].map(|name| result[name].as_str().unwrap());
        assert!(old_ids.contains(&id.to_owned()) && new_ids.contains(&new_id.to_owned()), "{result}");
        assert_eq!(url.replace("old.example.com:8443", "new.example.com"), new_url);
    }
    let again = vwh.args(command).run().exits(0);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
}

#[test]
fn a_key_that_never_travels_is_repaired() {
    let mut webhook = failed_and_signed("a", "a key of some length");
    webhook["metadataPolicy"] = "NONE".into();
    let service = Service::honest(vec![webhook]);
    // The key in the environment is not what was asked for.
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "another key");
    insta::assert_snapshot!(replace(&vwh, &["a", "--metadata-policy", "header"]).snapshot(), @r"
    exit: 0
    --- stdout
    replaced  a -> new-1  https://hooks.example.test/a
    --- stderr
    ");
    let posts = service.server.requests();
    let post = posts.iter().find(|request| request.method == "POST").unwrap().json();
    let expected = value!({"url": url("a"), "events": ["CALL"], "signingAlgo": "HMAC_SHA256",
        "signingKey": "a key of some length", "metadataPolicy": "HEADER"});
    assert_eq!(post, expected);
    // What is as asked is left alone.
    let again = replace(&vwh, &["new-1", "--metadata-policy", "header"]).exits(0);
    assert_eq!(again.stdout, format!("unchanged  new-1  {}\n", url("a")));
    assert_eq!(service.changes(), ["POST /self/webhooks/", "DELETE /self/webhooks/a"]);
}

#[test]
fn the_answer_names_old_and_new() {
    let service = Service::honest(vec![healthy("a"), healthy("b")]);
    let vwh = service.vwh();
    let outcome = replace(&vwh, &["a", "--new-url", "https://moved.example.test/x?token=t0p"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    replaced  a -> new-1  https://hooks.example.test/a -> https://moved.example.test/x?token=***
    --- stderr
    ");
    let outcome = replace(&vwh, &["b", "--new-host", "moved.example.test", "--json"]);
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 0
    --- stdout
    {"dryRun":false,"results":[{"id":"b","url":"https://hooks.example.test/b","outcome":"replaced","error":null,"newId":"new-2","newUrl":"https://moved.example.test/b"}],"summary":{"error":0,"gone":0,"kept":0,"replaced":1,"skipped":0,"total":1,"unchanged":0,"updated":0}}
    --- stderr
    "#);
    let urls = ["https://moved.example.test/b", "https://moved.example.test/x?token=t0p"];
    assert_eq!(service.urls(), urls);
}

#[test]
fn what_is_asked_for_must_make_sense() {
    let service = Service::honest(many(2, healthy));
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "a key");
    insta::assert_snapshot!(replace(&vwh, &["w-001"]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: it is not said what is to be different

    hint: --new-url, --new-host, --metadata-policy, or a key option such as --signing-key-file
    ");
    let new_url = ["--new-url", "https://moved.example.test/"];
    for which in [&["w-001", "w-002"][..], &["--url", "*"]] {
        let _ = replace(&vwh, &[which, &new_url].concat()).exits(2).says("--new-url is for one webhook");
    }
    for arguments in [
        &["w-001", "--new-host", "https://moved.example.test"][..],
        &["w-001", "--new-url", "moved.example.test"],
        &["w-001", "--new-host", "x.example", "--new-url", "https://x.example/"],
        &["w-001", "--url", "*", "--new-host", "x.example"],
        &["--new-host", "x.example"],
    ] {
        let _ = replace(&vwh, arguments).exits(2).without_answer();
    }
    assert_eq!(service.changes(), Vec::<String>::new());
    assert_eq!(journal(&vwh), Vec::<Value>::new());
}

#[test]
fn a_url_without_a_host_cannot_be_moved_and_stops_nobody_else() {
    let mut odd = healthy("odd");
    odd["url"] = "no url at all".into();
    let service = Service::honest(vec![odd, healthy("a")]);
    let outcome = replace(&service.vwh(), &["odd", "a", "--new-host", "moved.example.test"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    error  odd  no url at all  its url has no host that could be replaced (hint: give it another url with --new-url)
    replaced  a -> new-1  https://hooks.example.test/a -> https://moved.example.test/a
    --- stderr
    error: 1 of 2 webhooks could not be replaced
    ");
    assert_eq!(service.ids(), ["odd", "new-1"]);
}

#[test]
fn an_unknown_id_stops_all_of_it() {
    let service = Service::honest(many(2, healthy));
    let vwh = service.vwh();
    let outcome = replace(&vwh, &["w-001", "w-9", "--new-host", "moved.example.test"]).exits(4);
    let _ = outcome.without_answer().says("there is no webhook \"w-9\" for this user");
    assert_eq!((service.changes(), journal(&vwh)), (Vec::new(), Vec::new()));
}

#[test]
fn a_dry_run_changes_nothing_and_needs_no_key() {
    let service = Service::honest(many(2, healthy));
    let vwh = service.vwh();
    let arguments =
        ["--new-host", "moved.example.test", "--generate-signing-key", "--metadata-policy", "body"];
    let command = ["replace", "--url", "*", "--dry-run"].into_iter().chain(arguments);
    insta::assert_snapshot!(vwh.args(command).run().snapshot(), @r"
    exit: 0
    --- stdout
    would replace  w-001  https://hooks.example.test/w-001 -> https://moved.example.test/w-001
    would replace  w-002  https://hooks.example.test/w-002 -> https://moved.example.test/w-002
    --- stderr
    ");
    assert_eq!(service.changes(), Vec::<String>::new());
    assert!(!vwh.state().exists());
}

#[test]
fn off_a_terminal_it_needs_a_yes() {
    let service = Service::honest(many(1, healthy));
    let vwh = service.vwh();
    for command in ["replace", "rotate"] {
        let key = ["--generate-signing-key", "--signing-key-out", "key"];
        let outcome = vwh.args([command, "w-001"].into_iter().chain(key)).run();
        let _ =
            outcome.exits(7).without_answer().says("--yes confirms it; --dry-run shows what would happen");
    }
    assert_eq!((service.changes(), journal(&vwh)), (Vec::new(), Vec::new()));
    assert!(!vwh.home().join("key").exists());
}

#[cfg(unix)]
#[test]
fn the_question_shows_what_is_to_change() {
    use crate::support::Screen;
    let mut signed = failed_and_signed("a-0001", "a key of some length");
    signed["metadataPolicy"] = "NONE".into();
    let service = Service::honest(vec![signed, healthy("b-0001"), healthy("c-0001")]);
    let vwh = service.vwh();
    let arguments = [
        "replace",
        "a-00",
        "--concurrency=1",
        "b-0001",
        "--new-host",
        "moved.example.test",
        "--metadata-policy",
        "header",
    ];
    let mut terminal = vwh.args(arguments).on_terminal(&Screen::columns(200));
    terminal.wait_for("[y/N] ");
    assert_eq!(service.changes(), Vec::<String>::new());
    terminal.type_line("y");
    insta::assert_snapshot!(terminal.wait().snapshot(), @r"
    exit: 0
    --- screen
      a-0001  https://hooks.example.test/a-0001 -> https://moved.example.test/a-0001, metadata policy header
      b-0001  https://hooks.example.test/b-0001 -> https://moved.example.test/b-0001, metadata policy header
    Replace these webhooks of profile default (account 4711, user 9001) at 127.0.0.1:[PORT]? [y/N] y
    replaced  a-0001 -> new-1  https://hooks.example.test/a-0001 -> https://moved.example.test/a-0001
    replaced  b-0001 -> new-2  https://hooks.example.test/b-0001 -> https://moved.example.test/b-0001
    --- stdout
    --- stderr
    ");
    let mut terminal = vwh.args(["rotate", "c-0001"]).on_terminal(&Screen::columns(200));
    terminal.wait_for("[y/N] ");
    terminal.type_line("n");
    let _ = terminal.wait().exits(7);
    assert_eq!(service.ids(), ["c-0001", "new-1", "new-2"]);
}

/// What the list looked like when it was shown may be over when the answer comes.
#[cfg(unix)]
#[test]
fn what_goes_while_a_person_thinks_is_not_brought_back() {
    use crate::support::Screen;
    let service = Service::honest(many(2, healthy));
    let arguments = ["replace", "--url", "*", "--new-host", "moved.example.test", "--json"];
    let screen = Screen::columns(200).without(crate::support::Stream::Stdout);
    let mut terminal = service.vwh().args(arguments).on_terminal(&screen);
    terminal.wait_for("[y/N] ");
    drop(service.with(|webhooks| webhooks.delete("w-001")));
    terminal.type_line("y");
    let results = terminal.wait().exits(1).json()["results"].clone();
    assert_eq!(
        (&results[0]["outcome"], &results[0]["error"]["kind"]),
        (&value!("error"), &value!("not-found"))
    );
    assert_eq!((&results[1]["outcome"], service.urls()), (&value!("replaced"), vec![moved("w-002")]));
}

#[test]
fn both_stay_where_that_is_asked_for() {
    let service = Service::honest(many(1, healthy));
    let vwh = service.vwh();
    let arguments = ["w-001", "--new-host", "moved.example.test", "--keep-old"];
    let outcome = replace(&vwh, &[&arguments[..], &["-v"]].concat()).exits(0);
    assert_eq!(outcome.stdout, format!("kept  w-001 -> new-1  {} -> {}\n", url("w-001"), moved("w-001")));
    let _ = outcome.says("\nevery event arrives twice until: vwh delete w-001\n");
    let json = replace(&vwh, &[&arguments[..], &["--json"]].concat()).exits(0).json();
    let expected = value!([{"id": "w-001", "url": url("w-001"), "outcome": "kept", "error": null, "newId": "new-1",
        "newUrl": moved("w-001")}]);
    assert_eq!((&json["results"], service.count("POST")), (&expected, 1));
    let _ = vwh.args(["delete", "--yes", "w-001"]).run().exits(0);
    assert_eq!(service.ids(), ["new-1"]);
}

/// Whoever repeats a change finds it made; whoever wants another finds out what to name.
#[test]
fn what_was_replaced_is_changed_no_further_by_its_old_id() {
    let service = Service::honest(many(1, healthy));
    let vwh = service.vwh();
    let there = ["w-001", "--new-host", "moved.example.test"];
    let _ = replace(&vwh, &there).exits(0);
    let line = format!("w-001 -> new-1  {} -> {}", url("w-001"), moved("w-001"));
    assert_eq!(replace(&vwh, &there).exits(0).stdout, format!("gone  {line}\n"));
    for other in [["--new-host", "other.example.test"], ["--metadata-policy", "body"]] {
        let outcome = replace(&vwh, &[&["w-001"], &other[..]].concat()).exits(1);
        let why = "new-1 took its place, and is not as asked (hint: name that one instead: new-1)";
        assert_eq!(outcome.stdout, format!("error  {line}  {why}\n"));
    }
    assert_eq!((service.ids(), service.count("POST")), (vec!["new-1".to_owned()], 1));
}

/// Its successor is there, so nothing is undone, and that is no success.
#[test]
fn a_move_is_not_undone_by_restoring_the_last_run() {
    let service = Service::honest(many(1, healthy));
    let vwh = service.vwh();
    let _ = replace(&vwh, &["w-001", "--new-host", "moved.example.test"]).exits(0);
    let outcome = vwh.args(["restore", "--last"]).run().exits(1);
    let expected = format!("error  w-001  {}  new-1 took its place and is there (hint: ", url("w-001"));
    assert!(outcome.stdout.starts_with(&expected), "{outcome}");
    assert_eq!((service.ids(), service.count("POST")), (vec!["new-1".to_owned()], 1));
}

#[test]
fn a_url_that_the_service_cannot_reach_is_said_once() {
    let service = Service::honest(many(3, healthy));
    let vwh = service.vwh();
    let warnings =
        |host: &str| replace(&vwh, &["--url", "*", "--new-host", host, "--dry-run"]).exits(0).stderr;
    assert_eq!(warnings("10.0.0.7"), "warning: the service calls from outside: it cannot reach this host\n");
    assert_eq!(warnings("moved.example.test"), "");
    let plain = replace(&vwh, &["w-001", "--new-url", "http://moved.example.test/", "--dry-run"]).exits(0);
    let _ = plain.says("calls and their numbers will travel unencrypted");
}

#[test]
fn what_was_replaced_can_be_restored_and_is_not_missing() {
    let service = Service::honest(vec![failed_and_signed("a", "a key of some length"), healthy("b")]);
    let vwh = service.vwh();
    let _ = replace(&vwh, &["a", "b", "--new-host", "moved.example.test", "--concurrency", "1"]).exits(0);
    for id in ["new-1", "new-2"] {
        drop(service.with(|webhooks| webhooks.delete(id)));
    }
    let list = vwh.args(["list", "-v"]).run().exits(0);
    assert!(list.stderr.contains("0 webhooks\n"), "{list}");
    let restored = vwh.args(["restore", "a"]).run().exits(0);
    assert_eq!(restored.stdout, format!("restored  a -> new-3  {}\n", url("a")));
    assert_eq!(service.with(|webhooks| webhooks.list[0]["signingKey"].clone()), "a key of some length");
    let last = vwh.args(["restore", "--last"]).run().exits(0);
    assert_eq!(last.stdout, format!("restored  b -> new-4  {}\n", url("b")));
}

/// Two of them would deliver every event twice.
#[test]
fn what_was_replaced_is_not_put_beside_its_successor() {
    let service = Service::honest(vec![failed_and_signed("a", "a key of some length")]);
    let vwh = service.vwh();
    let _ = replace(&vwh, &["a", "--new-host", "moved.example.test"]).exits(0);
    let _ = replace(&vwh, &["new-1", "--new-host", "again.example.test"]).exits(0);
    let outcome = vwh.args(["restore", "a"]).run().exits(1);
    let hint = "see it with: vwh status new-2; once that is removed, this one can come back";
    let expected = format!("error  a  {}  new-2 took its place and is there (hint: {hint})\n", url("a"));
    assert_eq!(outcome.stdout, expected);
    for arguments in [["restore", "--since=1d"], ["restore", "--url=*"]] {
        let outcome = vwh.args(arguments).run().exits(0);
        assert!(outcome.stdout.contains(&format!("exists  a -> new-2  {}\n", url("a"))), "{outcome}");
    }
    assert_eq!(service.ids(), ["new-2"]);
}
