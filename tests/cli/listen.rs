//! `vwh listen`: what a developer of a receiver sees first, and what is accepted, refused and known again.

#![cfg(unix)]

use insta::assert_snapshot;
use serde_json::{Value, json as value};

use crate::listening::{CALL, KEY, Listener, Request, V1, V2, delivery, of_kind, recorded};
use crate::support::{Outcome, Signal, Vwh};

/// What a person sees of `post`, in a home of its own.
fn shown(flags: &[&str], post: impl Fn(&str)) -> Outcome {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY);
    let arguments = ["listen", "--bind", "127.0.0.1:0"].iter().chain(flags).copied();
    let mut process = vwh.args(arguments).spawn();
    let line = process.wait_for_line(|_| true);
    let address = line.strip_prefix("listening on http://").unwrap().split('/').next().unwrap();
    post(address);
    process.signal(Signal::INT);
    process.wait().hiding_times()
}

fn post(address: &str, request: &Request) -> u16 {
    crate::listening::Connection::to(address).exchange(request).unwrap().status
}

#[test]
fn a_call_is_four_lines() {
    let outcome = shown(&["-v"], |address| {
        for (number, signed) in CALL.into_iter().enumerate() {
            assert_eq!(post(address, &delivery(signed, &format!("d-{number}"), 1)), 200);
        }
        assert_eq!(post(address, &delivery(CALL[3], "d-3", 2)), 200);
        assert_eq!(post(address, &delivery(V2, "d-4", 2)), 200);
    });
    assert_snapshot!(outcome.snapshot(), @r#"
    exit: 0
    --- stdout
    listening on http://127.0.0.1:[PORT]/webhook
    [TIME]  INITIALIZING  in   14155550123                   verified
    [TIME]  RINGING       in   14155550123                   verified
    [TIME]  ACTIVE        in   14155550123 Zoë Sample        verified
    [TIME]  ANSWERED      in   14155550123 Zoë Sample        verified  30.0s
    [TIME]  ANSWERED      in   14155550123 Zoë Sample        verified  30.0s  attempt 2  duplicate
    [TIME]  ANSWERED      out  Zoë "Ops" O'Neil              verified  6.5s  attempt 2
    --- stderr
    Ctrl-C ends it; try it with: VWH_SIGNING_KEY=… vwh trigger http://127.0.0.1:[PORT]/webhook
    6 deliveries accepted, 1 of them duplicates
    "#);
}

#[test]
fn the_first_line_says_where_it_is() {
    let listener = Listener::start(&Vwh::new(), &["--path", "/calls/in"]);
    let address = &listener.address;
    assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{address}");
    assert_eq!(
        listener.ready,
        value!({"event": "ready", "address": address, "url": format!("http://{address}/calls/in")})
    );
    assert_eq!(listener.status(&delivery(V1, "d-1", 1).path("/calls/in")), 200);
    assert_eq!(listener.status(&delivery(V1, "d-2", 1).path("/calls/in?x=1")), 200);
    assert_eq!(listener.status(&delivery(V1, "d-3", 1)), 404);
    assert_eq!(listener.status(&delivery(V1, "d-3", 1).path("/calls/in/")), 404);
}

#[test]
fn under_json_a_delivery_is_a_line_with_its_event_as_it_came() {
    let mut listener = Listener::start(&Vwh::new(), &[]);
    let spaced = V2.event.replacen(r#"{"accountId":"#, "{ \"accountId\" :\n", 1);
    let request = Request::post(format!(
        "{{\"metadata\":{{\"signature\":\"{}\",\"deliveryId\":\"d-1\",\"attempt\":3}},\"event\":{spaced}}}",
        V2.signature.to_uppercase()
    ));
    assert_eq!(listener.status(&request.header("X-VWH-Synthetic", "trigger")), 200);
    let mut line = listener.next("delivery");
    let time = line["time"].take();
    assert!(time.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{time}");
    assert_eq!(
        line,
        value!({"event": "delivery", "time": null, "verdict": "verified", "key": "VWH_SIGNING_KEY",
            "form": "canonical", "deliveryId": "d-1", "webhookId": null, "attempt": 3, "duplicate": false,
            "after": null, "answered": 200, "rehearsed": false, "synthetic": "trigger", "service": "vis",
            "payload": serde_json::from_str::<Value>(V2.event).unwrap()})
    );
    let (outcome, lines) = listener.end();
    assert_eq!(outcome.stderr, "");
    assert_eq!(
        lines.last(),
        Some(
            &value!({"event": "end", "accepted": 1, "duplicates": 0, "refused": 0, "rehearsed": 0, "forwarded": 0,
            "forwardFailures": 0, "notForwarded": 0, "notShown": 0})
        )
    );
}

#[test]
fn what_cannot_be_verified_is_refused_and_goes_nowhere() {
    let vwh = Vwh::new();
    let handler = crate::support::Server::new(|_| crate::support::Reply::new(200, ""));
    let record = vwh.home().join("record");
    let listener =
        Listener::start(&vwh, &["--record", record.to_str().unwrap(), "--forward", &handler.base_url()]);
    let mut altered = delivery(V1, "d-1", 1).bytes();
    let byte = altered.iter().rposition(|byte| *byte == b'7').unwrap();
    altered[byte] = b'8';
    let wrong_key = "69febcbc9894f84a425775d0280ae4248d210d945fcd3d5285c360b5d447a7e1";
    let unsigned = |body: &str| Request::post(body);
    let whole_body_signed = "077a45e3890317b59ae7842215eb653616941bea07c4394cf67d4d146025cc19";
    let wrapped = format!("{{\"event\":{}}}", V1.event);
    for (request, status, error) in [
        (unsigned(&wrapped).header("X-VON-Signature", wrong_key), 401, "the signature fits no key"),
        (unsigned(&wrapped).header("X-VON-Signature", whole_body_signed), 401, "the signature fits no key"),
        (unsigned(&wrapped).header("X-VON-Signature", "zz"), 401, "the signature fits no key"),
        (unsigned(&wrapped), 401, "the signature is missing"),
        (unsigned(&wrapped).header("X-VON-Signature", ""), 401, "the signature is missing"),
        (unsigned("{"), 400, "the body is not a JSON object"),
        (unsigned(""), 400, "the body is not a JSON object"),
        (unsigned("{}"), 400, "the body has no event"),
        (unsigned(r#"{"event":{},"event":{}}"#), 400, "the body has a member twice"),
    ] {
        let answer = listener.send(&request);
        let expected = value!({ "error": error }).to_string() + "\n";
        assert_eq!((answer.status, answer.body), (status, expected), "{request:?}");
        assert!(answer.head.contains("content-type: application/json\r\n"), "{}", answer.head);
    }
    let mut connection = listener.connect();
    connection.send(&altered).unwrap();
    assert_eq!(connection.answer().unwrap().status, 401);
    // An id that was refused is not taken for one that was accepted.
    assert_eq!(listener.status(&delivery(V1, "d-1", 2)), 200);
    handler.wait_for_requests(1);
    let (outcome, lines) = listener.end();
    assert_eq!((recorded(&record).len(), handler.requests().len()), (1, 1), "{outcome}");
    assert_eq!(of_kind(&lines, "delivery").len(), 1);
    assert_eq!(lines.last().unwrap()["refused"], 10);
}

#[test]
fn a_refusal_is_a_line_and_many_are_two() {
    let mut listener = Listener::start(&Vwh::new(), &[]);
    for _ in 0..5 {
        assert_eq!(listener.status(&Request::post(r#"{"event":{}}"#)), 401);
    }
    let mut first = listener.next("refused");
    first["time"].take();
    let expected = |more: u64| {
        value!({"event": "refused", "time": null, "status": 401, "reason": "the signature is missing",
            "from": "127.0.0.1", "more": more})
    };
    assert_eq!(first, expected(0));
    // A second may end in between; then the rest of them come in two lines.
    let mut told = 1;
    while told < 5 {
        let line = listener.next("refused");
        told += 1 + line["more"].as_u64().unwrap();
    }
    assert_eq!(told, 5);
}

#[test]
fn other_paths_and_methods_are_told_so() {
    let listener = Listener::start(&Vwh::new(), &[]);
    assert_eq!(listener.status(&delivery(V1, "d", 1).path("/")), 404);
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = listener.send(&delivery(V1, "d", 1).method(method));
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: POST\r\n"), "{}", answer.head);
    }
    assert_eq!(listener.status(&delivery(V1, "d", 1)), 200);
}

#[test]
fn a_repeated_delivery_is_accepted_and_passed_on_once() {
    let vwh = Vwh::new();
    let handler = crate::support::Server::new(|_| crate::support::Reply::new(200, ""));
    let record = vwh.home().join("record");
    let listener =
        Listener::start(&vwh, &["--record", record.to_str().unwrap(), "--forward", &handler.base_url()]);
    for (id, attempt) in [("d-1", 1), ("d-1", 2), ("d-2", 1), ("d-1", 1)] {
        assert_eq!(listener.status(&delivery(V1, id, attempt)), 200);
    }
    handler.wait_for_requests(2);
    let (_, lines) = listener.end();
    let duplicates: Vec<bool> =
        recorded(&record).iter().map(|line| line["duplicate"].as_bool().unwrap()).collect();
    assert_eq!(duplicates, [false, true, false, true]);
    let told: Vec<_> = of_kind(&lines, "delivery")
        .iter()
        .map(|line| (line["deliveryId"].clone(), line["attempt"].clone(), line["duplicate"].clone()))
        .collect();
    let expected = [("d-1", 1, false), ("d-1", 2, true), ("d-2", 1, false), ("d-1", 1, true)];
    assert_eq!(
        told,
        expected.map(|(id, attempt, duplicate)| (value!(id), value!(attempt), value!(duplicate)))
    );
    let ids: Vec<String> = handler
        .requests()
        .iter()
        .map(|request| request.header("X-VON-Delivery-Id").unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["d-1", "d-2"]);
    assert_eq!(lines.last().unwrap()["duplicates"], 2);
}

#[test]
fn without_ids_a_call_its_state_and_its_start_are_known_again() {
    let listener = Listener::bare(&Vwh::new(), &["--unsigned"]);
    for signed in [CALL[0], CALL[1], CALL[1], CALL[0], V2] {
        assert_eq!(listener.status(&Request::post(format!("{{\"event\":{}}}", signed.event))), 200);
    }
    let nothing_to_go_by = Request::post(r#"{"event":{"state":"RINGING"}}"#);
    assert_eq!((listener.status(&nothing_to_go_by), listener.status(&nothing_to_go_by)), (200, 200));
    let (_, lines) = listener.end();
    let deliveries = of_kind(&lines, "delivery");
    let told: Vec<_> = deliveries.iter().map(|line| line["duplicate"].as_bool().unwrap()).collect();
    assert_eq!(told, [false, false, true, true, false, false, false]);
    assert!(deliveries.iter().all(|line| line["verdict"] == "unverified" && line["key"].is_null()));
}

#[test]
fn a_state_that_does_not_follow_is_told_with_the_one_before() {
    let listener = Listener::start(&Vwh::new(), &[]);
    // What comes first says nothing: the call may have begun before.
    for (number, (signed, attempt)) in
        [(CALL[1], 1), (CALL[2], 1), (CALL[1], 1), (CALL[3], 1), (CALL[2], 1), (CALL[2], 2)]
            .into_iter()
            .enumerate()
    {
        assert_eq!(listener.status(&delivery(signed, &format!("d-{number}"), attempt)), 200);
    }
    let (_, lines) = listener.end();
    let after: Vec<Value> = of_kind(&lines, "delivery").iter().map(|line| line["after"].clone()).collect();
    // A retry may come late.
    let none = Value::Null;
    assert_eq!(after, [none.clone(), none.clone(), value!("ACTIVE"), none.clone(), value!("ANSWERED"), none]);
}

#[test]
fn a_call_that_is_held_and_retrieved_goes_as_it_may() {
    let after = |events: &[&str], with_ids: bool| -> Vec<Value> {
        let listener = Listener::bare(&Vwh::new(), &["--unsigned"]);
        for (number, state) in events.iter().enumerate() {
            let body = format!(
                r#"{{"event":{{"id":"1","startTime":"2024-03-01T09:30:00.250+0000","state":"{state}"}}}}"#
            );
            let request = Request::post(body);
            let id = format!("d-{number}");
            let request = if with_ids { request.header("X-VON-Delivery-Id", &id) } else { request };
            assert_eq!(listener.status(&request), 200);
        }
        let (_, lines) = listener.end();
        of_kind(&lines, "delivery").iter().map(|line| line["after"].clone()).collect()
    };
    let held = ["RINGING", "ACTIVE", "HELD", "ACTIVE", "REMOTE_HELD", "ACTIVE", "HELD", "ACTIVE", "ANSWERED"];
    // Without ids, what comes a second time looks like a duplicate, and goes on with the call all the same.
    for with_ids in [true, false] {
        assert_eq!(after(&held, with_ids), vec![Value::Null; held.len()], "{with_ids}");
    }
    let ended = after(&["ACTIVE", "HELD", "ANSWERED"], true);
    assert_eq!(ended, [Value::Null, Value::Null, value!("HELD")]);
}

#[test]
fn while_keys_are_rotated_a_line_says_which_one_fits() {
    let vwh = Vwh::new();
    vwh.write("old.key", "another-key\n");
    vwh.write("new.key", &format!("{KEY}\n"));
    let flags = ["--signing-key-file", "old.key", "--signing-key-file", "new.key"];
    let listener = Listener::bare(&vwh, &flags);
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 200);
    let old = Request::post(format!("{{\"event\":{}}}", V1.event))
        .header("X-VON-Signature", "69febcbc9894f84a425775d0280ae4248d210d945fcd3d5285c360b5d447a7e1");
    assert_eq!(listener.status(&old), 200);
    let (_, lines) = listener.end();
    let keys: Vec<Value> = of_kind(&lines, "delivery").iter().map(|line| line["key"].clone()).collect();
    assert_eq!(keys, ["new.key", "old.key"]);
}
