//! `vwh create --check`: what is registered has shown first that it takes deliveries.

use serde_json::Value;

use crate::service::{Service, failed};
use crate::support::{Outcome, Reply, Request, Server, Vwh, json, refused};

const KEY: &str = "vwh-test-key";

fn create(vwh: &Vwh, url: &str, flags: &[&str]) -> Outcome {
    vwh.args(["create", "--check", "--url", url].iter().chain(flags).copied()).run()
}

fn receiver() -> Server {
    Server::new(|_| Reply::new(200, ""))
}

fn states(requests: &[Request]) -> Vec<Value> {
    requests.iter().map(|request| request.json()["event"]["state"].clone()).collect()
}

fn url(server: &Server) -> String {
    format!("{}/hook", server.base_url())
}

#[test]
fn a_receiver_that_takes_a_call_is_registered() {
    let (service, receiver) = (Service::honest(vec![]), receiver());
    let vwh = service.vwh().env("VWH_SIGNING_KEY", KEY);
    let outcome = create(&vwh, &url(&receiver), &["-v"]);
    let said: Vec<&str> = outcome.stderr.lines().filter(|line| !line.contains("127.0.0.1")).collect();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "new-1\n"), "{outcome}");
    assert!(said.contains(&"the receiver has answered all 3 events of a sample call with 200"), "{outcome}");
    assert_eq!(states(&receiver.requests()), ["INITIALIZING", "RINGING", "MISSED"]);
    for request in receiver.requests() {
        assert_eq!(request.header("X-VWH-Synthetic"), Some("trigger"));
        assert!(request.header("X-VON-Signature").is_some());
    }
}

/// What arrives verifies with the very key that is registered, in the way that is registered.
#[test]
fn the_check_is_signed_as_the_deliveries_will_be() {
    for (flags, policy) in [
        (&["--signing-key-out", "key"][..], "HEADER"),
        (&["--signing-key-out", "key", "--metadata-policy", "body"], "BODY"),
        (&["--unsigned"], "NONE"),
        (&["--unsigned", "--metadata-policy", "header"], "HEADER"),
    ] {
        let (service, receiver) = (Service::honest(vec![]), receiver());
        let vwh = service.vwh();
        let _ = create(&vwh, &url(&receiver), flags).exits(0);
        let registered = service.with(|webhooks| webhooks.list[0].clone());
        assert_eq!(registered["metadataPolicy"], policy);
        let request = receiver.requests().remove(1);
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert_eq!(request.header("X-VON-Delivery-Id").is_some(), policy == "HEADER");
        let Some(key) = registered["signingKey"].as_str() else {
            assert!(request.header("X-VON-Signature").is_none() && !body.contains("signature"), "{body}");
            continue;
        };
        let signature = request.header("X-VON-Signature");
        let flags = signature.map_or_else(Vec::new, |signature| vec!["--signature", signature]);
        let run = vwh.args(["verify"].into_iter().chain(flags)).env("VWH_SIGNING_KEY", key).stdin(&body);
        let _ = run.run().exits(0);
        assert_eq!(std::fs::read_to_string(vwh.home().join("key")).unwrap().trim_end(), key);
    }
}

/// A receiver on this machine may read the key's file for every request: it is there in time.
#[test]
fn a_generated_key_is_in_its_file_before_the_check() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let file = vwh.home().join("key");
    let receiver = Server::new(move |_| Reply::new(if file.exists() { 200 } else { 401 }, ""));
    let _ = create(&vwh, &url(&receiver), &["--signing-key-out", "key"]).exits(0);
    assert!(vwh.home().join("key").exists());
}

#[test]
fn a_receiver_that_fails_is_not_registered() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    vwh.write("key", KEY);
    let receiver = Server::new(|request| match request.number {
        1 => Reply::new(200, ""),
        _ => Reply::new(500, "no database"),
    });
    let outcome = create(&vwh, &url(&receiver), &["--signing-key-file", "key"]);
    insta::assert_snapshot!(without_warning(outcome).snapshot(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: nothing was registered, because the receiver fails the check: RINGING: 500 : [no database]

    hint: try the receiver alone until it answers 200: vwh trigger http://127.0.0.1:[PORT]/hook --once --signing-key-file key
    ");
    assert_eq!((service.server.requests().len(), receiver.requests().len()), (0, 2));
    for reply in [Reply::new(204, ""), Reply::new(301, ""), Reply::Close] {
        let receiver = Server::new(move |_| reply.clone());
        let outcome = create(&vwh, &url(&receiver), &["--unsigned", "--metadata-policy", "body"]).exits(1);
        let _ = outcome.without_answer().says("/hook --once --metadata-policy body --unsigned");
        assert_eq!(receiver.requests().len(), 1);
    }
    let nobody = refused();
    let outcome = create(&vwh, &nobody.base_url(), &["--unsigned"]).exits(1).without_answer();
    let _ = outcome.says("INITIALIZING: Connection refused").says("--once --metadata-policy none");
    assert_eq!(service.server.requests().len(), 0);
}

/// The same without what is said of every url on this machine.
fn without_warning(mut outcome: Outcome) -> Outcome {
    let is_other = |line: &&str| !line.starts_with("warning: the service calls from outside");
    outcome.stderr = outcome.stderr.lines().filter(is_other).map(|line| format!("{line}\n")).collect();
    outcome
}

#[test]
fn a_key_that_the_receiver_cannot_know_is_said_to_be_the_reason() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let receiver = Server::new(|_| Reply::new(401, "signature"));
    let outcome = create(&vwh, &url(&receiver), &["--signing-key-out", "key"]);
    insta::assert_snapshot!(without_warning(outcome).snapshot(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: nothing was registered, because the receiver fails the check: INITIALIZING: 401 : [signature]

    hint: a receiver that verifies cannot know a key that was just made: make one, give it to the receiver, and register it with --signing-key-file FILE
    ");
    assert!(!vwh.home().join("key").exists(), "a key that no webhook has is of no use");
    assert_eq!(service.server.requests().len(), 0);
    // Whatever else is wrong, the key is not there any more to try it with.
    let broken = Server::new(|_| Reply::new(500, "no database"));
    let outcome = create(&vwh, &url(&broken), &["--signing-key-out", "key"]).exits(1);
    let hint = outcome.stderr.lines().last().unwrap();
    let typed = hint.strip_prefix("hint: try the receiver alone until it answers 200: vwh ").unwrap();
    assert!(typed.ends_with("/hook --once --unsigned"), "{typed}");
    let tried = vwh.args(typed.split(' ')).run().exits(1);
    assert!(tried.stdout.contains("500 : [no database]"), "{tried}");
    // With a key of one's own it is another matter.
    vwh.write("mine", KEY);
    let outcome = create(&vwh, &url(&receiver), &["--signing-key-file", "mine"]).exits(1);
    let _ = outcome.says("hint: try the receiver alone");
}

#[test]
fn only_what_would_be_registered_is_checked() {
    let receiver = receiver();
    let mut webhook = failed("f-1");
    webhook["url"] = url(&receiver).into();
    let service = Service::honest(vec![webhook]);
    let _ = create(&service.vwh(), &url(&receiver), &["--if-absent", "--unsigned"]).exits(0);
    assert_eq!(
        (receiver.requests().len(), service.changes()),
        (0, vec!["PUT /self/webhooks/f-1/renew".to_owned()])
    );
    let other = format!("{}/other", receiver.base_url());
    let _ = create(&service.vwh(), &other, &["--if-absent", "--unsigned"]).exits(0);
    assert_eq!((receiver.requests().len(), service.count("POST")), (3, 1));
}

#[test]
fn a_rejection_after_the_check_takes_the_key_file_away_too() {
    let service = Service::new(vec![], |request, webhooks| match request.method.as_str() {
        "POST" => json(422, r#"{"errorCode": "VALIDATION_FAILED"}"#),
        _ => webhooks.answer(request),
    });
    let (vwh, receiver) = (service.vwh(), receiver());
    let _ = create(&vwh, &url(&receiver), &["--signing-key-out", "key"]).exits(6).without_answer();
    assert!(!vwh.home().join("key").exists());
    assert_eq!(receiver.requests().len(), 3);
}

#[cfg(unix)]
#[test]
fn another_host_needs_a_yes() {
    let (service, receiver) = (Service::honest(vec![]), receiver());
    let stranger = format!("http://0.0.0.0:{}/", receiver.address().port());
    let vwh = service.vwh();
    let outcome = create(&vwh, &stranger, &["--signing-key-out", "key"]).exits(7).without_answer();
    let _ = outcome.says("may post a sample call (3 events) to 0.0.0.0").says("hint: --yes confirms it");
    assert!(!vwh.home().join("key").exists());
    assert_eq!((receiver.requests().len(), service.server.requests().len()), (0, 0));
    let _ = create(&vwh, &stranger, &["--signing-key-out", "key", "--yes"]).exits(0);
    assert_eq!(receiver.requests().len(), 3);
    let _ = vwh.args(["create", "--url", &stranger, "--unsigned", "--yes"]).run().exits(2).without_answer();
}

#[cfg(unix)]
#[test]
fn an_interrupt_during_the_check_registers_nothing() {
    use crate::support::Signal;
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let receiver =
        Server::new(|request| if request.number == 1 { Reply::Stall } else { Reply::new(200, "") });
    let url = url(&receiver);
    let run = vwh.args(["create", "--check", "--url", &url, "--signing-key-out", "key"]);
    let process = run.spawn();
    receiver.wait_for_requests(1);
    process.signal(Signal::INT);
    let outcome = process.wait().exits(130).without_answer();
    let _ = outcome.says("error: nothing was registered: interrupted");
    assert_eq!((receiver.requests().len(), service.server.requests().len()), (1, 0));
    assert!(!vwh.home().join("key").exists());
}
