//! `vwh rotate`: a new key for webhooks, one for all of a run, and nothing of the old one left behind.

use std::fs;

use serde_json::{Value, json as value};

use crate::service::{Service, failed_and_signed, healthy, journal, url};
use crate::support::{Outcome, Vwh, json};

const OLD_KEY: &str = "the old and trusted key";

fn signed(id: &str) -> Value {
    let mut webhook = failed_and_signed(id, OLD_KEY);
    webhook["statistics"] = healthy(id)["statistics"].clone();
    webhook
}

fn rotate(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    vwh.args(["rotate", "--yes"].iter().chain(arguments).copied()).run()
}

fn keys(service: &Service) -> Vec<String> {
    let key = |webhook: &Value| webhook["signingKey"].as_str().unwrap_or("none").to_owned();
    service.with(|webhooks| webhooks.list.iter().map(key).collect())
}

fn file(vwh: &Vwh, name: &str) -> String {
    fs::read_to_string(vwh.home().join(name)).unwrap().trim_end().to_owned()
}

fn journal_text(vwh: &Vwh) -> String {
    journal(vwh);
    fs::read_to_string(vwh.state().join("journal.jsonl")).unwrap()
}

#[test]
fn one_new_key_serves_all_and_the_old_one_is_nowhere() {
    let service = Service::honest(vec![signed("a"), signed("b"), signed("c")]);
    let vwh = service.vwh();
    let outcome = rotate(&vwh, &["a", "b", "--signing-key-out", "key", "--concurrency", "1"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    replaced  a -> new-1  https://hooks.example.test/a
    replaced  b -> new-2  https://hooks.example.test/b
    --- stderr
    ");
    let key = file(&vwh, "key");
    assert_eq!(key.len(), 64);
    assert_eq!(keys(&service), [OLD_KEY, key.as_str(), key.as_str()]);
    let text = journal_text(&vwh);
    assert!(!text.contains(OLD_KEY) && !text.contains(&key), "{text}");
    let lines = journal(&vwh);
    let removing = lines.iter().find(|line| line["action"] == "removing").unwrap();
    assert_eq!(removing["definition"]["signingKey"], "***");
    // The start of the SHA-256 of the old key.
    assert_eq!(removing["key_fingerprint"], "3967d7ab628ddd5f");
}

#[test]
fn the_key_is_on_disk_before_the_first_request_that_has_it() {
    let vwh = Vwh::new();
    let path = vwh.home().join("key");
    let service = Service::new(vec![signed("a")], move |request, webhooks| {
        if request.method == "POST" {
            let key = fs::read_to_string(&path).unwrap();
            assert_eq!(request.json()["signingKey"], key.trim_end());
        }
        webhooks.answer(request)
    });
    let vwh = vwh.env("VWH_BASE_URL", service.server.base_url()).env("VWH_TOKEN", crate::support::TOKEN);
    let _ = rotate(&vwh, &["a", "--signing-key-out", "key"]).exits(0);
    assert_eq!(service.count("POST"), 1);
}

#[test]
fn a_key_that_could_be_neither_kept_nor_shown_is_not_made() {
    let service = Service::honest(vec![signed("a")]);
    let vwh = service.vwh();
    let _ = rotate(&vwh, &["a"]).exits(2).without_answer().says("--signing-key-out");
    vwh.write("key", "the key of something else\n");
    let _ = rotate(&vwh, &["a", "--signing-key-out", "key"]).exits(2).says("the file `key` exists already");
    assert_eq!((file(&vwh, "key").as_str(), service.changes()), ("the key of something else", Vec::new()));
    assert!(!vwh.state().join("journal.jsonl").exists());
}

#[test]
fn a_key_of_the_users_own_counts_from_file_and_environment() {
    let service = Service::honest(vec![signed("a"), signed("b")]);
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "from the environment");
    vwh.write("own", "from a file\n");
    let _ = rotate(&vwh, &["a"]).exits(0);
    let _ = rotate(&vwh, &["b", "--signing-key-file", "own"]).exits(0);
    assert_eq!(keys(&service), ["from the environment", "from a file"]);
    // It has this key by now.
    let outcome = rotate(&vwh, &["new-1", "--json"]).exits(0).json();
    assert_eq!(outcome["summary"]["unchanged"], 1);
    assert_eq!(service.count("POST"), 2);
}

#[test]
fn doing_without_a_key_is_no_rotation() {
    let service = Service::honest(vec![signed("a")]);
    insta::assert_snapshot!(rotate(&service.vwh(), &["a", "--unsigned"]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: a rotation gives a new key

    hint: to do without one: vwh replace a --unsigned
    ");
    assert_eq!(service.server.lines(), Vec::<String>::new());
    let _ = service.vwh().args(["replace", "a", "--unsigned", "--yes"]).run().exits(0);
    assert_eq!(service.with(|webhooks| webhooks.list[0]["signingAlgo"].clone()), Value::Null);
}

/// The overlap: receivers learn the new key, then the old webhook goes.
#[test]
fn both_sign_until_the_old_one_is_deleted() {
    let service = Service::honest(vec![signed("a"), signed("b")]);
    let vwh = service.vwh();
    let arguments = ["a", "b", "--signing-key-out", "key", "--keep-old", "-v", "--concurrency", "1"];
    let outcome = rotate(&vwh, &arguments).exits(0).says("every event arrives twice until: vwh delete a b\n");
    let outcome = outcome.says("\nthe signing key is in key\n");
    assert_eq!(outcome.stdout, format!("kept  a -> new-1  {}\nkept  b -> new-2  {}\n", url("a"), url("b")));
    assert_eq!(service.ids(), ["a", "b", "new-1", "new-2"]);
    // Once more changes nothing; without --keep-old the same command ends it, and no key is made for that.
    let again = rotate(&vwh, &arguments).exits(0);
    assert_eq!(again.stdout, outcome.stdout);
    let _ = vwh.args(["delete", "--yes", "a"]).run().exits(0);
    let ended = rotate(&vwh, &["a", "b", "--json"]).exits(0).json();
    assert_eq!(
        ended["results"],
        value!([
            {"id": "a", "url": url("a"), "outcome": "gone", "error": null, "newId": "new-1"},
            {"id": "b", "url": url("b"), "outcome": "replaced", "error": null, "newId": "new-2"},
        ])
    );
    assert_eq!((service.ids().join(" "), service.count("POST")), ("new-1 new-2".to_owned(), 2));
    assert!(!journal_text(&vwh).contains(&file(&vwh, "key")));
}

#[test]
fn what_was_rotated_out_cannot_be_restored() {
    let service = Service::honest(vec![signed("a"), healthy("b")]);
    let vwh = service.vwh();
    let _ = vwh.args(["delete", "--yes", "b"]).run().exits(0);
    let _ = rotate(&vwh, &["a", "--signing-key-out", "key"]).exits(0);
    let outcome = vwh.args(["restore", "a"]).run().exits(1);
    let expected = format!(
        "error  a  {}  new-1 took its place and is there (hint: see it with: vwh status new-1)\n",
        url("a")
    );
    assert_eq!(outcome.stdout, expected);
    let listed = vwh.args(["restore", "--list", "--json"]).run().exits(0).json();
    let state = |id: &str| listed.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone();
    assert_eq!((&state("a")["state"], &state("a")["newId"]), (&value!("replaced"), &value!("new-1")));
    assert_eq!((&state("b")["state"], &state("b")["newId"]), (&value!("removed"), &Value::Null));
    // The last run that removed something was the deletion: what is rotated out stays out.
    let last = vwh.args(["restore", "--last"]).run().exits(0);
    assert_eq!(last.stdout, format!("restored  b -> new-2  {}\n", url("b")));
    assert_eq!(service.ids(), ["new-1", "new-2"]);
    drop(service.with(|webhooks| webhooks.delete("new-1")));
    let outcome = vwh.args(["restore", "a"]).run().exits(1);
    assert!(outcome.stdout.contains("it was signed, and the journal does not have its key"), "{outcome}");
}

#[test]
fn a_key_that_will_never_travel_is_said() {
    let service = Service::honest(vec![healthy("a"), healthy("b")]);
    let vwh = service.vwh();
    let outcome = rotate(&vwh, &["a", "b", "--signing-key-out", "key", "--concurrency", "1"]).exits(0);
    insta::assert_snapshot!(outcome.stderr, @"warning: the new key of new-1 and 1 more is never used, because a signature only travels with policy header or body: vwh replace new-1 new-2 --metadata-policy header");
    let outcome = vwh.args(["replace", "new-1", "--metadata-policy", "header", "--yes"]).run().exits(0);
    assert!(outcome.stdout.starts_with("replaced  new-1 -> new-3  "), "the cure cures\n{outcome}");
    vwh.write("tutorial", "string");
    let outcome = rotate(&vwh, &["new-2", "--signing-key-file", "tutorial"]).exits(0);
    let _ = outcome.says("this key is the one printed in the vendor's tutorial");
}

/// A service that keeps keys to itself.
fn secretive(list: Vec<Value>) -> Service {
    Service::new(list, |request, webhooks| {
        if request.method != "GET" || request.path == "/self" {
            return webhooks.answer(request);
        }
        let mut list = webhooks.list.clone();
        for webhook in &mut list {
            if webhook["signingKey"].is_string() {
                webhook["signingKey"] = "***".into();
            }
        }
        json(200, Value::from(list).to_string())
    })
}

#[test]
fn an_unknown_key_can_be_rotated_and_not_carried_over() {
    let service = secretive(vec![signed("a")]);
    let vwh = service.vwh();
    let outcome = vwh.args(["replace", "a", "--new-host", "moved.example.test", "--yes"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    error  a  https://hooks.example.test/a  it is signed, and the service does not say with which key (hint: give it one: --signing-key-file FILE, --generate-signing-key, or --unsigned for none)
    --- stderr
    error: 1 of 1 webhooks could not be replaced
    ");
    assert_eq!(service.changes(), Vec::<String>::new());
    let _ = rotate(&vwh, &["a", "--signing-key-out", "key"]).exits(0);
    assert_eq!(keys(&service), [file(&vwh, "key")]);
}

/// The run is cut short after its POST was executed; its key was shown, or is in the file.
#[test]
fn a_half_done_rotation_goes_on_with_its_own_key() {
    let service = Service::honest(vec![signed("a"), signed("b")]);
    let vwh = service.vwh();
    let arguments = ["a", "b", "--signing-key-out", "key", "--keep-old", "--concurrency", "1"];
    let _ = rotate(&vwh, &arguments).exits(0);
    // As if the second POST had never arrived, and nobody knew of the first.
    drop(service.with(|webhooks| webhooks.delete("new-2")));
    let path = vwh.state().join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let intents: Vec<&str> = text.lines().filter(|line| line.contains("\"replacing\"")).collect();
    assert_eq!(intents.len(), 2);
    fs::write(&path, intents.join("\n") + "\n").unwrap();
    let key = file(&vwh, "key");
    let outcome = rotate(&vwh, &["a", "b", "--signing-key-out", "copy"]).exits(0);
    assert_eq!(outcome.stdout.lines().count(), 2, "{outcome}");
    assert_eq!((service.ids().join(" "), keys(&service)), ("new-1 new-3".to_owned(), vec![key.clone(); 2]));
    assert_eq!(file(&vwh, "copy"), key);
}

/// Where the service shows no key, what was registered after it was meant is what was meant.
#[test]
fn a_half_done_rotation_is_known_by_its_age_where_keys_are_hidden() {
    let mut older = signed("older");
    older["url"] = url("a").into();
    let service = secretive(vec![signed("a"), older]);
    let vwh = service.vwh();
    let _ = rotate(&vwh, &["a", "--signing-key-out", "key", "--keep-old"]).exits(0);
    let path = vwh.state().join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.lines().next().unwrap().to_owned() + "\n").unwrap();
    let outcome = rotate(&vwh, &["a", "--signing-key-out", "key"]).exits(0);
    assert_eq!(outcome.stdout, format!("replaced  a -> new-1  {}\n", url("a")));
    assert_eq!((service.ids().join(" "), service.count("POST")), ("older new-1".to_owned(), 1));
}

/// Another key than the one that a run which was cut short made is another job.
#[test]
fn a_half_done_rotation_is_named_where_another_key_is_asked_for() {
    let service = Service::honest(vec![signed("a")]);
    let vwh = service.vwh();
    let _ = rotate(&vwh, &["a", "--signing-key-out", "key", "--keep-old"]).exits(0);
    vwh.write("own", "from a file\n");
    let outcome = rotate(&vwh, &["a", "--signing-key-file", "own"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    error  a  https://hooks.example.test/a  both are registered: new-1 was to take its place with another change than this one (hint: to finish that change: vwh delete a; to give it up: vwh delete new-1; then run this again)
    --- stderr
    error: 1 of 1 webhooks could not be rotated
    ");
    assert_eq!((service.ids().join(" "), service.count("POST")), ("a new-1".to_owned(), 1));
    let _ = rotate(&vwh, &["a", "--signing-key-file", "key"]).exits(0);
    assert_eq!(service.ids(), ["new-1"]);
}

#[cfg(unix)]
#[test]
fn a_person_sees_the_new_key_before_it_is_used() {
    use crate::support::{Reply, Screen};
    let service = Service::new(vec![signed("a")], |request, webhooks| match request.method.as_str() {
        "POST" => Reply::Stall,
        _ => webhooks.answer(request),
    });
    let mut terminal = service.vwh().args(["rotate", "a"]).on_terminal(&Screen::columns(120));
    terminal.wait_for("with another key");
    terminal.wait_for("[y/N] ");
    terminal.type_line("y");
    // The list is read again after a question.
    service.server.wait_for_requests(4);
    let posts = service.server.requests();
    let post = posts.iter().find(|request| request.method == "POST").unwrap().json();
    terminal.wait_for(post["signingKey"].as_str().unwrap());
    terminal.signal(crate::support::Signal::INT);
    terminal.signal(crate::support::Signal::TERM);
    let _ = terminal.wait().exits(130);
}
