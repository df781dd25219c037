//! `vwh trigger`: what a sample call looks like to its receiver, and what is said of each event.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json as value};
use sha2::Sha256;

use crate::support::{Reply, Request, Server, Vwh};

const KEY: &str = "vwh-test-key";

/// A receiver that takes everything.
fn receiver() -> Server {
    Server::new(|_| Reply::new(200, ""))
}

/// A vwh with a key.
fn vwh() -> Vwh {
    Vwh::new().env("VWH_SIGNING_KEY", KEY)
}

/// The requests of a run with these flags, which must succeed.
fn posted(vwh: &Vwh, flags: &[&str]) -> Vec<Request> {
    let server = receiver();
    let url = format!("{}/hook?x=1", server.base_url());
    let outcome = vwh.args(["trigger", &url].iter().chain(flags).copied()).run().exits(0);
    assert_eq!(outcome.stderr, "", "{outcome}");
    server.requests()
}

fn states(requests: &[Request]) -> Vec<String> {
    let state = |request: &Request| request.json()["event"]["state"].as_str().unwrap().to_owned();
    requests.iter().map(state).collect()
}

/// The signature of the event in `request`: of its own bytes, which must be the canonical form.
fn signature(request: &Request, key: &str) -> String {
    let event = request.json()["event"].to_string();
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert!(body.starts_with(&format!("{{\"event\":{event}")), "{body}");
    let digest = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(event).finalize();
    digest.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12]
}

#[test]
fn a_whole_call_is_posted_signed_and_in_order() {
    let requests = posted(&vwh(), &[]);
    assert_eq!(states(&requests), ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]);
    let header = |request: &Request, name: &str| request.header(name).unwrap().to_owned();
    for request in &requests {
        assert_eq!(request.line(), "POST /hook?x=1");
        assert_eq!(header(request, "Content-Type"), "application/json");
        assert_eq!(header(request, "X-VON-Signature"), signature(request, KEY));
        assert_eq!(header(request, "X-VON-Attempt"), "1");
        assert_eq!(header(request, "X-VWH-Synthetic"), "trigger");
        assert_eq!(request.json().as_object().unwrap().len(), 1);
    }
    let all = |name: &str| {
        let mut values: Vec<String> = requests.iter().map(|request| header(request, name)).collect();
        values.sort_unstable();
        values.dedup();
        assert!(values.iter().all(|id| is_uuid(id)), "{values:?}");
        values.len()
    };
    assert_eq!((all("X-VON-Webhook-Id"), all("X-VON-Delivery-Id")), (1, 4));
    let ids = |request: &Request| request.json()["event"]["id"].clone();
    assert!(requests.iter().all(|request| ids(request) == ids(&requests[0])));
}

#[test]
fn its_times_are_spread_as_a_call_takes_them_and_end_now() {
    let before = chrono::Utc::now();
    let requests = posted(&vwh(), &[]);
    let after = chrono::Utc::now();
    let time = |index: usize, name: &str| {
        let event = requests[index].json()["event"].clone();
        let text = event[name].as_str().unwrap_or_else(|| panic!("{name} of {event}")).to_owned();
        chrono::DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.3f%z").unwrap().to_utc()
    };
    let (start, answer, end) = (time(0, "startTime"), time(2, "answerTime"), time(3, "endTime"));
    assert_eq!(((answer - start).num_seconds(), (end - start).num_seconds()), (6, 36));
    let exact = chrono::TimeDelta::milliseconds(1);
    assert!(before - exact <= end && end <= after, "{before} {end} {after}");
    assert_eq!(requests[3].json()["event"]["duration"], 30_000);
}

#[test]
fn no_two_runs_have_an_id_in_common() {
    let [one, other] = [(); 2].map(|()| posted(&vwh(), &["--state", "RINGING"]).remove(0));
    for name in ["X-VON-Webhook-Id", "X-VON-Delivery-Id"] {
        assert_ne!(one.header(name), other.header(name));
    }
    assert_ne!(one.json()["event"]["id"], other.json()["event"]["id"]);
}

#[test]
fn with_policy_body_the_metadata_is_in_the_body() {
    for request in posted(&vwh(), &["--metadata-policy", "body"]) {
        let body = request.json();
        assert_eq!(body["metadata"]["signature"], signature(&request, KEY));
        assert_eq!(body["metadata"]["attempt"], 1);
        assert!(is_uuid(body["metadata"]["deliveryId"].as_str().unwrap()));
        assert!(is_uuid(body["metadata"]["webhookId"].as_str().unwrap()));
        assert_eq!((request.header("X-VON-Signature"), request.header("X-VON-Attempt")), (None, None));
        assert_eq!(request.header("X-VWH-Synthetic"), Some("trigger"));
    }
}

#[test]
fn with_policy_none_nothing_travels_and_no_key_is_needed() {
    for vwh in [Vwh::new(), vwh()] {
        for request in posted(&vwh, &["--metadata-policy", "none"]) {
            assert_eq!(request.json().as_object().unwrap().len(), 1);
            assert_eq!(
                (request.header("X-VON-Signature"), request.header("X-VON-Delivery-Id")),
                (None, None)
            );
        }
    }
}

#[test]
fn a_key_that_is_given_and_not_used_is_worth_a_warning() {
    let server = receiver();
    let vwh = Vwh::new();
    vwh.write("key", KEY);
    let flags = ["--metadata-policy", "none", "--signing-key-file", "key", "--state", "RINGING"];
    let outcome = vwh.args(["trigger", &server.base_url()].iter().chain(&flags).copied()).run();
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 0
    --- stdout
    RINGING       delivered          200 in [DURATION]
    --- stderr
    warning: the key is not used: a signature only travels with --metadata-policy header or body
    ");
}

#[test]
fn unsigned_deliveries_have_ids_all_the_same() {
    for request in posted(&vwh(), &["--unsigned"]) {
        assert_eq!(request.header("X-VON-Signature"), None);
        assert!(is_uuid(request.header("X-VON-Delivery-Id").unwrap()));
    }
}

#[test]
fn a_key_file_goes_before_the_environment() {
    let vwh = vwh();
    vwh.write("other", "another key\n");
    for request in posted(&vwh, &["--signing-key-file", "other"]) {
        assert_eq!(request.header("X-VON-Signature"), Some(signature(&request, "another key").as_str()));
    }
}

#[test]
fn each_scenario_is_a_call_of_its_own() {
    for (scenario, expected) in [
        ("inbound-answered", &["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"][..]),
        ("inbound-missed", &["INITIALIZING", "RINGING", "MISSED"]),
        ("inbound-rejected", &["INITIALIZING", "RINGING", "REJECTED"]),
        ("outbound-answered", &["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]),
        ("outbound-cancelled", &["INITIALIZING", "RINGING", "CANCELLED"]),
        (
            "held",
            &["INITIALIZING", "RINGING", "ACTIVE", "HELD", "ACTIVE", "REMOTE_HELD", "ACTIVE", "ANSWERED"],
        ),
    ] {
        assert_eq!(states(&posted(&vwh(), &["--scenario", scenario])), expected);
    }
}

#[test]
fn one_state_is_one_event_as_its_call_would_have_it() {
    for (state, direction, times) in [
        ("INITIALIZING", "INBOUND", value!([true, false, false])),
        ("ringing", "INBOUND", value!([true, false, false])),
        ("Active", "INBOUND", value!([true, true, false])),
        ("HELD", "INBOUND", value!([true, true, false])),
        ("remote_held", "INBOUND", value!([true, true, false])),
        ("ANSWERED", "INBOUND", value!([true, true, true])),
        ("CANCELLED", "OUTBOUND", value!([true, false, true])),
        ("MISSED", "INBOUND", value!([true, false, true])),
        ("REJECTED", "INBOUND", value!([true, false, true])),
        ("DETACHED", "INBOUND", value!([true, false, false])),
    ] {
        let requests = posted(&vwh(), &["--state", state]);
        assert_eq!(states(&requests), [state.to_uppercase()]);
        let event = requests[0].json()["event"].clone();
        assert_eq!(event["direction"], direction, "{state}");
        let has = |name: &str| event[name].is_string();
        assert_eq!(value!([has("startTime"), has("answerTime"), has("endTime")]), times, "{state}");
    }
}

#[test]
fn what_was_delivered_is_a_line_each() {
    let server = receiver();
    let outcome = vwh().args(["trigger", &server.base_url(), "-v"]).run();
    let outcome = outcome.hiding_durations();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    INITIALIZING  delivered          200 in [DURATION]
    RINGING       delivered          200 in [DURATION]
    ACTIVE        delivered          200 in [DURATION]
    ANSWERED      delivered          200 in [DURATION]
    --- stderr
    4 delivered
    ");
}

/// A receiver that fails at this request.
fn failing_at(number: usize) -> Server {
    Server::new(
        move |request| {
            if request.number == number { Reply::new(500, "out of\norder") } else { Reply::new(200, "") }
        },
    )
}

#[test]
fn with_once_an_event_that_fails_would_be_tried_again_and_the_next_is_posted() {
    let server = failing_at(2);
    let outcome = vwh().args(["trigger", &server.base_url(), "--once"]).run();
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 1
    --- stdout
    INITIALIZING  delivered          200 in [DURATION]
    RINGING       would retry        500 : [out of order]  in [DURATION]
    ACTIVE        delivered          200 in [DURATION]
    ANSWERED      delivered          200 in [DURATION]
    --- stderr
    ");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn under_json_it_is_one_object() {
    let server = failing_at(1);
    let url = format!("{}/?token=swordfish", server.base_url());
    let outcome =
        vwh().args(["trigger", &url, "--once", "--json", "--scenario", "inbound-missed"]).run().exits(1);
    let mut answer = outcome.json();
    for result in answer["results"].as_array_mut().unwrap() {
        assert!(is_uuid(result["deliveryId"].as_str().unwrap()) && result["eventId"].is_string());
        assert!(result["attempts"][0]["ms"].is_u64());
        (result["deliveryId"], result["eventId"], result["attempts"][0]["ms"]) =
            (value!("d"), value!("e"), value!(0));
    }
    let attempt =
        |status: u16, error: Value| value!({"attempt": 1, "status": status, "ms": 0, "error": error});
    let delivered = |state: &str| {
        value!({"state": state, "eventId": "e", "deliveryId": "d", "conclusion": "delivered",
            "attempts": [attempt(200, Value::Null)]})
    };
    let expected = value!({
        "url": format!("{}/?token=***", server.base_url()),
        "results": [
            {"state": "INITIALIZING", "eventId": "e", "deliveryId": "d", "conclusion": "would-retry",
                "attempts": [attempt(500, "500 : [out of order]".into())]},
            delivered("RINGING"),
            delivered("MISSED"),
        ],
        "summary": {"total": 3, "delivered": 2, "would-retry": 1, "would-mark-failed": 0, "undecided": 0,
            "not-sent": 0},
    });
    assert_eq!((answer, outcome.stderr.as_str()), (expected, ""));
    let outcome = vwh().args(["trigger", &url, "-o", "jsonl", "--metadata-policy", "none"]).run().exits(0);
    let lines: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), &lines[3]["state"], &lines[3]["deliveryId"]),
        (4, &value!("ANSWERED"), &Value::Null)
    );
}

#[test]
fn quietly_only_what_failed_is_said() {
    let server = failing_at(2);
    let outcome = vwh().args(["trigger", &server.base_url(), "--once", "-q"]).run().exits(1);
    assert_eq!((outcome.stdout.lines().count(), outcome.stderr.as_str()), (1, ""), "{outcome}");
    assert!(outcome.stdout.starts_with("RINGING "), "{outcome}");
    let outcome = vwh().args(["trigger", &server.base_url(), "-q"]).run().exits(0).without_answer();
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_receiver_that_repeats_the_key_does_not_get_it_shown() {
    let server = Server::new(|_| Reply::new(500, format!("settings: key={KEY}")));
    for flags in [&["--once", "-vv"][..], &["--once", "--json"]] {
        let outcome = vwh().args(["trigger", &server.base_url()].iter().chain(flags).copied()).run().exits(1);
        assert!(outcome.stdout.contains("key=***"), "{outcome}");
        assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY), "{outcome}");
    }
}

#[test]
fn without_a_key_nothing_is_posted() {
    let server = receiver();
    let outcome = Vwh::new().args(["trigger", &server.base_url()]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: there is no key to sign with

    hint: give one with --signing-key-file FILE or VWH_SIGNING_KEY, or post without one: --unsigned
    ");
    let vwh = Vwh::new();
    vwh.write("empty", "\n");
    for flags in [
        &["--signing-key-file", "empty"][..],
        &["--signing-key-file", "missing"],
        &["--signing-key-file", "empty", "--unsigned"],
        &["--scenario", "nonsense", "--unsigned"],
        &["--state", "RINGING", "--scenario", "held", "--unsigned"],
        &["--state", "SENT", "--unsigned"],
        &["--metadata-policy", "footer", "--unsigned"],
    ] {
        let run = vwh.args(["trigger", &server.base_url()].iter().chain(flags).copied()).run();
        let _ = run.exits(2).without_answer();
    }
    for url in ["", "127.0.0.1:80", "/x", "ftp://127.0.0.1/"] {
        let _ = vwh.args(["trigger", url, "--unsigned"]).run().exits(2).without_answer();
    }
    assert_eq!(server.requests().len(), 0);
}
