//! `vwh listen --register`: a webhook that is there as long as the listener is, however that ends.

#![cfg(unix)]

use std::sync::{Arc, Mutex, mpsc};

use serde_json::{Value, json as value};

use crate::listening::{Connection, KEY, Listener, Request, V1, delivery, of_kind, sign};
use crate::running::Sandbox;
use crate::service::{Service, healthy};
use crate::support::{Outcome, Reply, Signal, Vwh, json};

const PUBLIC: &str = "https://hooks.example.test/in/here";

/// The notes about webhooks that may be left.
fn notes(vwh: &Vwh) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(vwh.state().join("listening")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn register(vwh: &Vwh) -> Listener {
    Listener::bare(vwh, &["--register", PUBLIC])
}

#[test]
fn in_the_sandbox_it_is_there_until_the_end() {
    let vwh = Vwh::new();
    let sandboxed = vwh.clone().env("VWH_SANDBOX", "1");
    let listener = Listener::bare(&sandboxed, &["--register", "http://127.0.0.1:0/in/here"]);
    let (address, id) = (listener.address.clone(), listener.ready["webhookId"].clone());
    let url = format!("http://{address}/in/here");
    assert_eq!((&listener.ready["url"], &listener.ready["publicUrl"]), (&value!(url), &value!(url)));

    let list = sandboxed.args(["list", "--json", "--show-secrets"]).run().exits(0).json();
    let webhooks = list.as_array().unwrap();
    let webhook = webhooks.iter().find(|webhook| webhook["id"] == id).unwrap();
    assert_eq!((&webhook["url"], &webhook["metadataPolicy"]), (&value!(url), &value!("HEADER")));
    assert_eq!((&webhook["signingAlgo"], &webhook["events"]), (&value!("HMAC_SHA256"), &value!(["CALL"])));
    let key = webhook["signingKey"].as_str().unwrap();
    assert_eq!(key.len(), 64, "{key}");

    let body = format!("{{\"event\":{}}}", V1.event);
    let signed = Request::post(body.clone()).header("X-VON-Signature", &sign(key, V1.event)).path("/in/here");
    assert_eq!(listener.status(&signed), 200);
    assert_eq!(listener.status(&delivery(V1, "d-1", 1).path("/in/here")), 401);
    let (outcome, lines) = listener.end();
    assert_eq!(of_kind(&lines, "delivery")[0]["key"], "new key");
    assert!(!outcome.to_string().contains(key), "{outcome}");
    assert_eq!(outcome.stderr, "");

    let list = sandboxed.args(["list", "--json"]).run().exits(0).json();
    assert!(list.as_array().unwrap().iter().all(|webhook| webhook["id"] != id));
    assert_eq!(notes(&vwh), Vec::<String>::new());
    // It is nobody's to restore.
    let restored = sandboxed.args(["restore", "--list"]).run().exits(0);
    assert!(!restored.to_string().contains(id.as_str().unwrap()), "{restored}");
    assert!(!vwh.state().join("journal.jsonl").exists());
}

#[test]
fn a_record_that_nobody_will_be_able_to_verify_is_said_to_be_one() {
    let told = |flags: &[&str]| {
        let service = Service::honest(vec![]);
        let vwh = service.vwh();
        vwh.write("own.key", "a key of some length");
        let flags = [&["--register", PUBLIC, "-v"], flags].concat();
        let (outcome, _) = Listener::bare(&vwh, &flags).end();
        outcome.stderr.contains("the new key is kept nowhere: record cannot be verified once this has ended")
    };
    assert!(told(&["--record", "record"]));
    assert!(!told(&[]));
    assert!(!told(&["--record", "record", "--signing-key-file", "own.key"]));
}

#[test]
fn a_person_is_told_its_id() {
    let service = Service::honest(vec![]);
    let arguments =
        ["listen", "--bind", "127.0.0.1:0", "--register", "https://u:secret@hooks.example.test/in"];
    let mut process = service.vwh().args(arguments).spawn();
    process.wait_for_line(|line| line.starts_with("webhook"));
    process.signal(Signal::INT);
    insta::assert_snapshot!(process.wait().snapshot(), @"
    exit: 0
    --- stdout
    listening on http://127.0.0.1:[PORT]/in
    webhook new-1 delivers https://u:***@hooks.example.test/in here until this ends
    --- stderr
    ");
    assert_eq!(service.changes(), ["POST /self/webhooks/", "DELETE /self/webhooks/new-1"]);
}

#[test]
fn a_key_of_ones_own_is_registered_with_it() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    vwh.write("the.key", KEY);
    let listener =
        Listener::bare(&vwh, &["--register", PUBLIC, "--signing-key-file", "the.key", "--path", "/tunnel"]);
    assert_eq!(
        service.with(|webhooks| webhooks.list[0]["signingKey"].clone()),
        KEY,
        "{:?}",
        service.server.lines()
    );
    assert_eq!(listener.status(&delivery(V1, "d-1", 1).path("/tunnel")), 200);
    let _ = listener.end();
    assert_eq!(service.ids(), Vec::<String>::new());
}

#[test]
fn while_it_is_being_deleted_deliveries_are_still_taken() {
    let receiver: Arc<Mutex<Option<String>>> = Arc::default();
    let address = Arc::clone(&receiver);
    let service = Service::waiting(vec![], move |request| {
        if request.method == "DELETE" {
            let address = address.lock().unwrap().clone().unwrap();
            let request = delivery(V1, "d-1", 1).path("/in/here");
            assert_eq!(Connection::to(&address).exchange(&request).unwrap().status, 200);
        }
    });
    let listener = Listener::start(&service.vwh(), &["--register", PUBLIC]);
    *receiver.lock().unwrap() = Some(listener.address.clone());
    let (_, lines) = listener.end();
    assert_eq!(lines.last().unwrap()["accepted"], 1);
}

#[test]
fn a_service_that_refuses_leaves_nothing_behind() {
    let service = Service::new(vec![], |request, webhooks| match request.method.as_str() {
        "POST" => json(422, r#"{"errors": [{"field": "url", "message": "must be public"}]}"#),
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh();
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).run();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 6
    --- stdout
    --- stderr
    error: cannot register https://hooks.example.test/in/here: 127.0.0.1:[PORT] answered 422 Unprocessable Entity – url: must be public

    hint: change the request: the same one would be rejected again
    ");
    assert_eq!(notes(&vwh), Vec::<String>::new());
}

#[test]
fn a_sandbox_that_died_with_it_is_cleaned_up_too() {
    let vwh = Vwh::new().env("VWH_SANDBOX", "1");
    let before = vwh.args(["list", "--json"]).run().exits(0).json();
    let flags = ["--register", "http://127.0.0.1:0/in/here"];
    let listener = Listener::bare(&vwh, &flags);
    let id = listener.ready["webhookId"].as_str().unwrap().to_owned();
    listener.process.kill();
    let _ = listener.process.wait();
    let (outcome, _) = Listener::bare(&vwh, &flags).end();
    assert!(outcome.stderr.contains(&format!("left webhook {id}")), "{outcome}");
    let after = vwh.args(["list", "--json"]).run().exits(0).json();
    assert_eq!(after.as_array().unwrap().len(), before.as_array().unwrap().len());
}

#[test]
fn it_ends_although_the_sandbox_that_it_is_a_guest_of_has_gone() {
    let vwh = Vwh::new().env("VWH_SANDBOX", "1");
    let before = vwh.args(["list", "--json"]).run().exits(0).json();
    let flags = ["--register", "http://127.0.0.1:0/in/here"];
    for is_killed in [false, true] {
        let sandbox = Sandbox::start(&vwh, &[]);
        let listener = Listener::bare(&vwh, &flags);
        let id = listener.ready["webhookId"].as_str().unwrap().to_owned();
        if is_killed {
            sandbox.process.kill();
        } else {
            let _ = vwh.args(["sandbox", "stop"]).run().exits(0);
        }
        let _ = sandbox.process.wait();
        listener.process.signal(Signal::TERM);
        let outcome = listener.process.wait().exits(5);
        let error = outcome.error();
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("webhook {id} is still registered")), "{message}");
        let hint =
            format!("delete it with: vwh --sandbox delete {id}; the next `listen --register` does too");
        assert_eq!(error["hint"], hint);
        assert!(!notes(&vwh).is_empty());

        let (outcome, _) = Listener::bare(&vwh, &flags).end();
        assert!(outcome.stderr.contains(&format!("left webhook {id}")), "{outcome}");
        assert_eq!(notes(&vwh), Vec::<String>::new());
    }
    let after = vwh.args(["list", "--json"]).run().exits(0).json();
    assert_eq!(after.as_array().unwrap().len(), before.as_array().unwrap().len());
}

/// Registers, and is killed.
fn crashed(vwh: &Vwh) -> Outcome {
    let listener = register(vwh);
    listener.process.kill();
    listener.process.wait()
}

#[test]
fn what_a_crash_left_behind_is_deleted_by_the_next_run() {
    let service = Service::honest(vec![healthy("mine")]);
    let vwh = service.vwh();
    let running = register(&vwh);
    let _ = crashed(&vwh);
    assert_eq!(service.ids(), ["mine", "new-1", "new-2"]);
    let (outcome, _) = register(&vwh).end();
    let message =
        format!("an earlier `vwh listen` left webhook new-2 for {PUBLIC} behind: it is deleted now");
    assert_eq!(outcome.stderr, format!("{}\n", value!({"warning": {"message": message}})));
    // One that is still running keeps its own.
    assert_eq!(service.ids(), ["mine", "new-1"]);
    let _ = running.end();
    assert_eq!((service.ids(), notes(&vwh)), (vec!["mine".to_owned()], vec![]));
}

#[test]
fn what_was_registered_and_never_learned_is_found_by_its_key() {
    let mut own = healthy("mine");
    own["url"] = PUBLIC.into();
    own["signingKey"] = "another key".into();
    let (registered, is_registered) = mpsc::channel();
    let first = Mutex::new(Some(registered));
    let service = Service::new(vec![own], move |request, webhooks| {
        let reply = webhooks.answer(request);
        match first.lock().unwrap().take_if(|_| request.method == "POST") {
            Some(registered) => {
                registered.send(()).unwrap();
                Reply::Stall
            }
            None => reply,
        }
    });
    let vwh = service.vwh();
    let process = vwh.args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).spawn();
    is_registered.recv().unwrap();
    process.kill();
    let _ = process.wait();
    assert_eq!(service.ids(), ["mine", "new-1"]);
    let (outcome, _) = register(&vwh).end();
    assert!(outcome.stderr.contains("left webhook new-1"), "{outcome}");
    assert_eq!((service.ids(), notes(&vwh)), (vec!["mine".to_owned()], vec![]));
}

#[test]
fn one_that_cannot_be_deleted_is_told_and_left_to_the_next_run() {
    let is_closed = Arc::new(Mutex::new(true));
    let closed = Arc::clone(&is_closed);
    let service = Service::new(vec![], move |request, webhooks| match request.method.as_str() {
        "DELETE" if *closed.lock().unwrap() => json(403, r#"{"errorMessage": "not now"}"#),
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh();
    let listener = register(&vwh);
    listener.process.signal(Signal::TERM);
    let outcome = listener.process.wait().exits(3);
    let error = outcome.error();
    assert_eq!(error["message"], "webhook new-1 is still registered");
    assert_eq!(error["hint"], "delete it with: vwh delete new-1; the next `listen --register` does too");
    assert!(outcome.stdout.lines().last().unwrap().contains("\"end\""), "{outcome}");

    let second = register(&vwh);
    assert_eq!(service.ids(), ["new-1", "new-2"]);
    *is_closed.lock().unwrap() = false;
    let (outcome, _) = second.end();
    let warning: Value = serde_json::from_str(outcome.stderr.trim()).unwrap();
    let message = warning["warning"]["message"].as_str().unwrap();
    assert!(message.contains("left a webhook") && message.contains("cannot be deleted now"), "{message}");
    let _ = register(&vwh).end();
    assert_eq!((service.ids(), notes(&vwh)), (vec![], vec![]));
}

#[test]
fn one_that_is_gone_already_is_no_trouble() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let listener = register(&vwh);
    service.with(|webhooks| webhooks.list.clear());
    let (outcome, _) = listener.end();
    assert_eq!((outcome.stderr.as_str(), notes(&vwh)), ("", vec![]));
    let _ = crashed(&vwh);
    service.with(|webhooks| webhooks.list.clear());
    let (outcome, _) = register(&vwh).end();
    assert_eq!((outcome.stderr.as_str(), notes(&vwh)), ("", vec![]));
}

#[test]
fn without_an_account_it_does_not_begin() {
    let outcome = Vwh::new().args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).run();
    let _ = outcome.exits(3).without_answer();
    let service = Service::honest(vec![]);
    let outcome =
        service.vwh().args(["listen", "--bind", "127.0.0.1:0", "--register", "hooks.example.test"]).run();
    let _ = outcome.exits(2).without_answer();
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn a_url_that_the_service_cannot_reach_is_warned_about() {
    let warns = |url: &str| {
        let service = Service::honest(vec![]);
        let (outcome, _) = Listener::bare(&service.vwh(), &["--register", url]).end();
        outcome.stderr.contains("it cannot reach this host")
    };
    assert!(warns("https://10.0.0.7/in"));
    // This service is on this machine itself.
    assert!(!warns("http://127.0.0.1:0/in"));
}
