//! `vwh trigger --service`: what a receiver of Contact Center and of VoIPBIN gets, and what is said of its answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::listening::{KEY, Listener};
use crate::signing::{K1, S1};
use crate::support::{Outcome, Reply, Request, Server, Vwh, refused};

fn trigger(server: &str, key: &str, flags: &[&str]) -> Outcome {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", key);
    vwh.args(["trigger", server].iter().chain(flags).copied()).run()
}

/// The requests of a run that succeeds.
fn posted(key: &str, flags: &[&str]) -> Vec<Request> {
    let server = Server::new(|_| Reply::new(204, ""));
    let _ = trigger(&server.base_url(), key, flags).exits(0);
    server.requests()
}

fn kinds(requests: &[Request]) -> Vec<String> {
    requests.iter().map(|request| request.json()["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_interaction_of_contact_center_is_signed_cloud_events() {
    let requests = posted(S1, &["--service", "contact-center"]);
    assert_eq!(
        kinds(&requests),
        [
            "channel.alerted.v1",
            "channel.connected.v1",
            "channel.disconnected.v1",
            "channel.wrapstarted.v1",
            "channel.ended.v1"
        ]
    );
    let mut ids = Vec::new();
    for request in &requests {
        assert_eq!(request.header("Content-Type"), Some("application/cloudevents+json"));
        assert_eq!(request.header("X-VWH-Synthetic"), Some("trigger"));
        let body = request.json();
        assert_eq!((&body["specversion"], &body["source"]), (&"1.0".into(), &"/channel".into()));
        assert_eq!(body["subject"], requests[0].json()["subject"]);
        let id = body["id"].as_str().unwrap().to_owned();
        assert!(id.len() == 27 && id.chars().all(|character| character.is_ascii_alphanumeric()), "{id}");
        ids.push(id);
        let token = request.header("Vonage-Signature").unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn a_call_of_voipbin_is_signed_bodies() {
    let requests = posted(K1, &["--service", "voipbin"]);
    assert_eq!(kinds(&requests), ["call_created", "call_ringing", "call_progressing", "call_hangup"]);
    for request in &requests {
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert!(body.starts_with(r#"{"type":"call_"#), "{body}");
        let signature = format!("sha256={}", crate::listening::sign(K1, &body));
        assert_eq!(request.header("X-VoIPBIN-Signature"), Some(signature.as_str()));
    }
    let unsigned = posted(K1, &["--service", "voipbin", "--unsigned", "--event", "queuecall_waiting"]);
    assert_eq!(kinds(&unsigned), ["queuecall_waiting"]);
    assert_eq!(unsigned[0].header("X-VoIPBIN-Signature"), None);
    assert_eq!(unsigned[0].json()["data"]["status"], "waiting");
}

#[test]
fn voipbin_tries_three_times_a_second_apart_and_goes_on_with_the_next() {
    let nobody = refused();
    let outcome =
        trigger(&nobody.base_url(), K1, &["--service", "voipbin", "--event", "call_hangup"]).exits(1);
    let line = "call_hangup   would drop         Connection refused  3 attempts in 2.";
    assert!(outcome.stdout.starts_with(line), "{outcome}");
    let server = Server::new(|request| Reply::new(if request.number == 1 { 500 } else { 404 }, ""));
    let outcome = trigger(&server.base_url(), K1, &["--service", "voipbin", "--once", "--json"]).exits(1);
    let conclusions: Vec<Value> = outcome.json()["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["conclusion"].clone())
        .collect();
    // A status below 500 is a success to VoIPBIN.
    assert_eq!(conclusions, ["would-retry", "delivered", "delivered", "delivered"]);
}

#[test]
fn contact_center_takes_any_2xx_and_tries_again_for_a_day() {
    let server = Server::new(|_| Reply::new(302, "").header("Location", "/next"));
    let flags = ["--service", "contact-center", "--once", "--event", "agent.presencechanged.v1"];
    let outcome = trigger(&server.base_url(), S1, &flags);
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 1
    --- stdout
    agent.presencechanged.v1  would retry        302: not followed  in [DURATION], then for up to 24 h
    --- stderr
    ");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_a_service_does_not_have_is_refused_before_anything_is_posted() {
    let server = Server::new(|_| Reply::new(200, ""));
    for (key, flags, message) in [
        (S1, &["--service", "contact-center", "--unsigned"][..], "Contact Center signs every notification"),
        (S1, &["--service", "contact-center", "--state", "ringing"], "Contact Center has neither states"),
        (K1, &["--service", "voipbin", "--scenario", "held"], "VoIPBIN has neither states"),
        (K1, &["--service", "voipbin", "--metadata-policy", "body"], "VoIPBIN has neither states"),
        (K1, &["--event", "call_hangup"], "VIS has one event, CALL"),
        (K1, &["--service", "voipbin", "--event", ""], "the event's type is empty"),
        ("no base64!", &["--service", "contact-center"], "is no base64"),
    ] {
        let _ = trigger(&server.base_url(), key, flags).exits(2).says(message);
    }
    let outcome = Vwh::new().args(["trigger", &server.base_url(), "--service", "contact-center"]).run();
    let _ = outcome.exits(2).says("there is no key to sign with");
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn each_service_goes_from_trigger_to_listen_and_back_from_the_record() {
    let vwh = Vwh::new();
    for (name, key) in [("vis.key", KEY), ("cc.key", S1), ("vb.key", K1)] {
        vwh.write(name, key);
    }
    let files =
        ["--signing-key-file", "vis.key", "--signing-key-file", "cc.key", "--signing-key-file", "vb.key"];
    let record = |flags: &[&'static str]| {
        let flags: Vec<&str> = files.iter().chain(flags).copied().collect();
        Listener::bare(&vwh, &flags)
    };
    let listener = record(&["--record", "first.jsonl"]);
    let url = format!("http://{}/webhook", listener.address);
    let services = [("vis", "vis.key"), ("contact-center", "cc.key"), ("voipbin", "vb.key")];
    for (service, key) in services {
        let _ = vwh.args(["trigger", &url, "--service", service, "--signing-key-file", key]).run().exits(0);
    }
    let (_, lines) = listener.end();
    let keys: Vec<&Value> =
        lines.iter().filter(|line| line["event"] == "delivery").map(|line| &line["key"]).collect();
    assert_eq!(keys.len(), 13);
    assert!(keys[..4].iter().all(|key| **key == "vis.key"), "{keys:?}");
    assert!(keys[4..9].iter().all(|key| **key == "cc.key"), "{keys:?}");
    assert!(keys[9..].iter().all(|key| **key == "vb.key"), "{keys:?}");

    let outcome = vwh.args(["verify", "first.jsonl"].iter().chain(&files).copied()).run().exits(0);
    assert_eq!(outcome.stdout.lines().count(), 13);
    let listener = record(&[]);
    let url = format!("http://{}/webhook", listener.address);
    let _ = vwh.args(["trigger", &url, "--replay", "first.jsonl"]).run().exits(0);
    let (_, lines) = listener.end();
    assert_eq!(lines.last().unwrap()["accepted"], 13);
}
