//! Contact Center end to end: what is registered, shown, changed, removed and brought back, in a sandbox.

use std::fs;

use serde_json::{Value, json as value};

use crate::center::{Center, KEY};
use crate::support::{Outcome, Reply, Server};

const URL: &str = "https://hooks.example.net/vcc";

fn hiding(outcome: &Outcome, id: &str) -> String {
    outcome.snapshot().replace(id, "[ID]")
}

#[test]
fn the_demo_account_is_listed() {
    let center = Center::start(&[]);
    insta::assert_snapshot!(center.run(&["list"]).snapshot(), @"
    exit: 0
    --- stdout
    HEALTH   ID                           NAME        URL                                           DELIVERED  LAST FAILURE  EXPIRES
    paused   2ZbR5kWq9TfU3xMcZ7gJiL0oVrE  Wallboard   https://wallboard.example.com/vcc
    unknown  2ZaQ7mXc0LrT4vNbY8eHkJ1pWsD  CRM bridge  https://crm.example.com/hooks/contact-center
    --- stderr
    ");
    insta::assert_snapshot!(center.run(&["list", "-o", "csv"]).snapshot(), @"
    exit: 0
    --- stdout
    profile,service,id,url,health,status,attempts,successes,failures,last_success,last_failure,last_error,expires,renewed,created,metadata_policy,signed,name
    office,contact-center,2ZbR5kWq9TfU3xMcZ7gJiL0oVrE,https://wallboard.example.com/vcc,paused,PAUSED,,,,,,,,,,,true,Wallboard
    office,contact-center,2ZaQ7mXc0LrT4vNbY8eHkJ1pWsD,https://crm.example.com/hooks/contact-center,unknown,ACTIVE,,,,,,,,,,,true,CRM bridge
    --- stderr
    ");
    insta::assert_snapshot!(center.run(&["list", "-o", "wide"]).snapshot(), @"
    exit: 0
    --- stdout
    HEALTH   ID                           NAME        URL                                           DELIVERED  LAST FAILURE  EXPIRES  LAST SUCCESS  ATTEMPTS  POLICY  SIGNED  CREATED  EVENTS
    paused   2ZbR5kWq9TfU3xMcZ7gJiL0oVrE  Wallboard   https://wallboard.example.com/vcc                                                                               yes              agent.*
    unknown  2ZaQ7mXc0LrT4vNbY8eHkJ1pWsD  CRM bridge  https://crm.example.com/hooks/contact-center                                                                    yes              agent.presencechanged.v1,channel.*.v1
    --- stderr
    ");
    let list = center.list();
    assert_eq!(
        list[1],
        value!({
            "subscriptionId": "2ZaQ7mXc0LrT4vNbY8eHkJ1pWsD", "name": "CRM bridge",
            "url": "https://crm.example.com/hooks/contact-center",
            "events": ["agent.presencechanged.v1", "channel.*.v1"], "enabled": true,
            "vwh": {"profile": "office", "service": "contact-center", "id": "2ZaQ7mXc0LrT4vNbY8eHkJ1pWsD",
                "url": "https://crm.example.com/hooks/contact-center", "health": "unknown"},
        })
    );
}

#[test]
fn a_webhook_goes_from_creation_to_its_end_and_back() {
    let center = Center::empty();
    let key = center.key();
    let key = key.to_str().unwrap();
    let created = center.run(&[
        "create",
        "--name",
        "CRM bridge",
        "--event",
        "agent.*",
        "--event",
        "channel.ended.v1",
        "--url",
        URL,
        "--signing-key-file",
        key,
        "-v",
    ]);
    let id = created.stdout.trim_end().to_owned();
    let created = created.exits(0).says("it may take up to 30 s until it takes effect");
    assert!(!created.stderr.contains(KEY), "{created}");
    insta::assert_snapshot!(hiding(&center.run(&["status", &id]), &id), @"
    exit: 0
    --- stdout
    health        unknown
    why           it is registered; Contact Center does not report whether it delivers
    id            [ID]
    name          CRM bridge
    url           https://hooks.example.net/vcc
    events        agent.*, channel.ended.v1
    signed        HS256
    --- stderr
    ");
    let paused = center.run(&[
        "update",
        &id,
        "--pause",
        "--name",
        "CRM",
        "--event",
        "*",
        "--url",
        "https://b.example/",
        "-v",
    ]);
    let paused = paused.exits(0).says("it may take up to 30 s until it takes effect");
    assert_eq!(paused.stdout.trim_end(), id);
    let listed = center.list();
    assert_eq!(
        (&listed[0]["vwh"]["health"], &listed[0]["name"], &listed[0]["events"], &listed[0]["url"]),
        (&value!("paused"), &value!("CRM"), &value!(["*"]), &value!("https://b.example/"))
    );
    let resumed = center.run(&["update", &id, "--resume", "--json"]).exits(0).json();
    assert_eq!((&resumed["enabled"], &resumed["vwh"]["health"]), (&value!(true), &value!("unknown")));
    insta::assert_snapshot!(hiding(&center.run(&["delete", &id, "--yes"]), &id), @"
    exit: 0
    --- stdout
    removed  [ID]  https://b.example/
    --- stderr
    ");
    assert_eq!(center.list(), Vec::<Value>::new());
    let restored = center.run(&["restore", &id]);
    let new_id = center.list()[0]["subscriptionId"].as_str().unwrap().to_owned();
    assert_ne!(new_id, id);
    insta::assert_snapshot!(hiding(&restored, &id).replace(&new_id, "[NEW ID]"), @"
    exit: 0
    --- stdout
    restored  [ID] -> [NEW ID]  https://b.example/
    --- stderr
    warning: [NEW ID] has a new signing key: the service never shows the old one
    warning: nobody has seen the new one: set one that you keep with: vwh update [NEW ID] --generate-signing-key --signing-key-out FILE
    ");
    let listed = center.list();
    assert_eq!(
        (listed.len(), &listed[0]["name"], &listed[0]["events"], &listed[0]["url"], &listed[0]["enabled"]),
        (1, &value!("CRM"), &value!(["*"]), &value!("https://b.example/"), &value!(true))
    );
}

#[test]
fn a_paused_one_comes_back_paused() {
    let center = Center::empty();
    let id = center.create("Wallboard", &["--url", URL]);
    let _ = center.run(&["update", &id, "--pause"]).exits(0);
    let _ = center.run(&["delete", &id, "--yes"]).exits(0);
    let _ = center.run(&["restore", "--last"]).exits(0);
    assert_eq!(center.list()[0]["enabled"], false);
}

#[test]
fn a_generated_key_is_base64_of_32_bytes_and_in_its_file() {
    use base64::Engine as _;
    let center = Center::empty();
    let created = center.run(&[
        "create",
        "--name",
        "Generated",
        "--event",
        "*",
        "--url",
        URL,
        "--generate-signing-key",
        "--signing-key-out",
        "new-key",
        "--json",
    ]);
    let created = created.exits(0);
    let key = fs::read_to_string(center.vwh.home().join("new-key")).unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(key.trim_end()).unwrap();
    assert_eq!(bytes.len(), 32);
    assert!(!created.snapshot().contains(key.trim_end()), "{created}");
    let id = created.json()["subscriptionId"].as_str().unwrap().to_owned();
    let changed = center.run(&["update", &id, "--generate-signing-key", "--signing-key-out", "newer-key"]);
    let changed = changed.exits(0);
    let newer = fs::read_to_string(center.vwh.home().join("newer-key")).unwrap();
    assert_ne!(newer, key);
    assert!(!changed.snapshot().contains(newer.trim_end()), "{changed}");
    let state = fs::read_to_string(center.vwh.state().join("sandbox.json")).unwrap();
    assert!(state.contains(newer.trim_end()) && !state.contains(key.trim_end()));
}

#[test]
fn nothing_is_sent_of_what_the_service_would_not_take() {
    let center = Center::empty();
    let short = center.vwh.write("bad-key", "not base64!");
    let (long, key) = ("x".repeat(129), center.key());
    let (short, key) = (short.to_str().unwrap(), key.to_str().unwrap());
    let create = |flags: &[&str]| center.run(&[&["create", "--signing-key-file", key], flags].concat());
    let named = |flags: &[&str]| create(&[&["--name", "CRM", "--event", "*"], flags].concat());
    let refusals = [
        create(&["--url", URL]),
        create(&["--url", URL, "--name", "CRM"]),
        create(&["--url", URL, "--name", "ab", "--event", "*"]),
        create(&["--url", URL, "--name", &long, "--event", "*"]),
        create(&["--url", URL, "--name", "CRM", "--event", ""]),
        named(&["--url", "http://hooks.example.net/"]),
        named(&["--url", "http://127.0.0.1:3000/"]),
        named(&["--url", "http://hooks.example.net/", "--allow-http"]),
        named(&["--url", URL, "--metadata-policy", "body"]),
        named(&["--url", URL, "--replace"]),
        center.run(&["create", "--url", URL, "--name", "CRM", "--event", "*", "--unsigned"]),
        center.run(&["create", "--url", URL, "--name", "CRM", "--event", "*", "--signing-key-file", short]),
        center.run(&["create", "--url", URL, "--name", "CRM", "--event", "*"]),
        center.run(&["update", "some-id"]),
        center.run(&["update", "some-id", "--name", "ab"]),
        center.run(&["update", "some-id", "--url", "http://hooks.example.net/"]),
        center.run(&["update", "some-id", "--pause", "--resume"]),
        center.run(&["update", "some-id", "--signing-key-file", short]),
    ];
    let mut texts = Vec::new();
    for refusal in refusals {
        let refusal = refusal.exits(2).without_answer();
        texts.push(refusal.stderr.lines().next().unwrap_or_default().to_owned());
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    error: a Contact Center webhook needs a name
    error: a Contact Center webhook needs at least one event
    error: the name is 2 characters long
    error: the name is 129 characters long
    error: an event is empty
    error: Contact Center delivers to https only
    error: Contact Center delivers to https only
    error: Contact Center delivers to https only
    error: Contact Center has no metadata policy: its signature always travels in a header
    error: Contact Center has room for any number of webhooks, and none is in the way
    error: Contact Center signs every notification
    error: the signing key is no base64, and Contact Center takes nothing else
    error: a generated key would be lost: there is no terminal to show it on
    error: nothing is to be changed
    error: the name is 2 characters long
    error: Contact Center delivers to https only
    error: the argument '--pause' cannot be used with '--resume'
    error: the signing key is no base64, and Contact Center takes nothing else
    ");
    assert_eq!(center.requests(), (0, 0));
}

#[test]
fn what_the_service_has_no_place_for_is_said_before_anything_is_sent() {
    let center = Center::empty();
    let commands: [&[&str]; 8] = [
        &["renew", "--failed"],
        &["renew", "some-id"],
        &["prune-failed"],
        &["prune-failed", "--dry-run"],
        &["replace", "some-id", "--new-url", URL],
        &["rotate", "some-id", "--yes"],
        &["missed", "some-id"],
        &["missed"],
    ];
    let mut texts = Vec::new();
    for command in commands {
        let refusal = center.run(command).exits(2).without_answer();
        texts.push(format!("{}: {}", command[0], refusal.stderr.replace("\n\n", "\n").trim_end()));
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    renew: error: Contact Center webhooks do not expire
    hint: vwh update ID --resume brings a paused one back
    renew: error: Contact Center webhooks do not expire
    hint: vwh update some-id --resume brings a paused one back
    prune-failed: error: Contact Center does not report failed deliveries
    hint: vwh list shows what is registered; vwh delete ID removes one
    prune-failed: error: Contact Center does not report failed deliveries
    hint: vwh list shows what is registered; vwh delete ID removes one
    replace: error: Contact Center changes a webhook in place
    hint: vwh update some-id --url URL keeps its id
    rotate: error: Contact Center changes a key in place
    hint: vwh update some-id --generate-signing-key --signing-key-out FILE
    missed: error: Contact Center keeps no list of events
    hint: it tries each notification for up to 24 hours by itself
    missed: error: Contact Center keeps no list of events
    hint: it tries each notification for up to 24 hours by itself
    ");
    assert_eq!(center.requests(), (0, 0));
}

#[test]
fn a_key_that_is_short_is_warned_of() {
    let center = Center::empty();
    let key = center.vwh.write("short-key", "QUJD");
    let created = center.run(&[
        "create",
        "--name",
        "Short",
        "--event",
        "*",
        "--url",
        URL,
        "--signing-key-file",
        key.to_str().unwrap(),
    ]);
    let _ = created.exits(0).says("warning: the signing key has 3 bytes; 32 are advised");
}

#[test]
fn an_id_that_nobody_knows_is_not_found() {
    let center = Center::empty();
    insta::assert_snapshot!(center.run(&["update", "unknown-id", "--pause"]).snapshot(), @r#"
    exit: 4
    --- stdout
    --- stderr
    error: cannot update webhook "unknown-id": 127.0.0.1:[PORT] answered 404 Not Found: There is no such subscription

    hint: see the ids with: vwh list
    "#);
    let _ = center.run(&["status", "unknown-id"]).exits(4);
    let _ = center.run(&["delete", "unknown-id", "--yes"]).exits(4);
}

#[test]
fn a_name_that_is_taken_is_rejected_and_leaves_no_key_behind() {
    let center = Center::empty();
    center.create("CRM bridge", &["--url", URL]);
    let again = center.run(&[
        "create",
        "--name",
        "CRM bridge",
        "--event",
        "*",
        "--url",
        URL,
        "--signing-key-out",
        "lost-key",
    ]);
    insta::assert_snapshot!(again.snapshot(), @"
    exit: 6
    --- stdout
    --- stderr
    error: cannot register https://hooks.example.net/vcc: 127.0.0.1:[PORT] answered 409 Conflict: There is a subscription of this name already

    hint: something of the same name is there already: see it with: vwh list
    ");
    assert!(!center.vwh.home().join("lost-key").exists());
}

#[test]
fn event_types_are_listed_with_their_schema_on_request() {
    let center = Center::empty();
    let table = center.run(&["event-types", "channel.held.v1"]);
    insta::assert_snapshot!(table.snapshot(), @"
    exit: 0
    --- stdout
    EVENT            DESCRIPTION       STATUS
    channel.held.v1  A hold has begun  General Availability
    --- stderr
    ");
    assert_eq!(center.run(&["event-types"]).exits(0).stdout.lines().count(), 14);
    let schema = center.run(&["event-types", "channel.held.v1", "--schema"]).exits(0).json();
    assert_eq!(schema["jsonSchema"]["title"], "channel.held.v1");
    let all = center.run(&["event-types", "--json"]).exits(0).json();
    assert_eq!(all.as_array().map(Vec::len), Some(13));
    insta::assert_snapshot!(center.run(&["event-types", "channel.hold"]).snapshot(), @r#"
    exit: 4
    --- stdout
    --- stderr
    error: there is no event type "channel.hold"

    hint: see all of them with: vwh event-types
    "#);
}

#[test]
fn a_check_takes_no_webhook_for_idle_or_failed() {
    let center = Center::empty();
    center.create("CRM bridge", &["--url", URL]);
    insta::assert_snapshot!(center.run(&["check"]).snapshot(), @"
    exit: 0
    --- stdout
    VWH OK - 1 webhook: 1 unknown | 'webhooks'=1;;;0 'delivering'=1;;1:;0 'failed'=0;;0;0 'expired'=0;;0;0 'paused'=0;0;;0 'expiring'=0;0;;0 'idle'=0;0;;0 'removed'=0;0;;0
    --- stderr
    ");
}

#[test]
fn a_call_is_delivered_to_a_webhook_of_this_machine() {
    let center = Center::empty();
    let receiver = Server::new(|_| Reply::new(204, ""));
    let url = receiver.base_url() + "/vcc";
    let id = center.create("Local", &["--url", &url, "--allow-http"]);
    let placed = center.run(&["sandbox", "call", "--service", "contact-center", "-v"]).exits(0);
    let _ = placed
        .says("channel.alerted.v1 now, channel.connected.v1 after 5s, channel.disconnected.v1 after 35s");
    let _ = center.run(&["sandbox", "advance", "1m"]).exits(0);
    receiver.wait_for_requests(5);
    assert!(receiver.requests().iter().all(|request| request.header("vonage-signature").is_some()));
    let _ = center.run(&["update", &id, "--pause"]).exits(0);
    let _ = center.run(&["sandbox", "call"]).exits(0);
    let _ = center.run(&["sandbox", "advance", "1m"]).exits(0);
    assert_eq!(receiver.requests().len(), 5, "who is paused hears nothing");
}

#[test]
fn the_sandbox_of_a_command_has_it_too() {
    let vwh = crate::support::Vwh::new().env("VWH_SERVICE", "contact-center");
    let listed = vwh.args(["--sandbox", "list", "--json"]).run().exits(0).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!(listed[0]["vwh"]["profile"], "sandbox");
}
