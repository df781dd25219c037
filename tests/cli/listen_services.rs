//! `vwh listen` with deliveries of all three services on one address.

#![cfg(unix)]

use serde_json::{Value, json as value};

use crate::listening::{KEY, Listener, Request, V1, delivery, of_kind, recorded};
use crate::signing::{CC1, K1, K2, S1, VB1, VB2, notification, token, voipbin};
use crate::support::{Reply, Server, Signal, Vwh};

/// A vwh with a key file for each service.
fn vwh() -> Vwh {
    let vwh = Vwh::new();
    for (name, key) in [("vis.key", KEY), ("cc.key", S1), ("vb.key", K1)] {
        vwh.write(name, key);
    }
    vwh
}

const KEYS: [&str; 6] =
    ["--signing-key-file", "vis.key", "--signing-key-file", "cc.key", "--signing-key-file", "vb.key"];

fn listen(vwh: &Vwh, flags: &[&str]) -> Listener {
    let flags: Vec<&str> = KEYS.iter().chain(flags).copied().collect();
    Listener::bare(vwh, &flags)
}

#[test]
fn all_three_services_are_taken_on_one_address_each_with_its_own_key() {
    let vwh = vwh();
    let listener = listen(&vwh, &["--record", "record.jsonl"]);
    for request in [delivery(V1, "d-1", 1), notification(S1, CC1), voipbin(K1, VB1)] {
        assert_eq!(listener.status(&request), 200);
    }
    let (_, lines) = listener.end();
    let told = of_kind(&lines, "delivery");
    let facts: Vec<Value> = told
        .iter()
        .map(|line| value!([line["service"], line["key"], line["verdict"], line["form"], line["deliveryId"]]))
        .collect();
    assert_eq!(
        facts,
        [
            value!(["vis", "vis.key", "verified", "as-received", "d-1"]),
            value!(["contact-center", "cc.key", "verified", "as-received", "2ZabCdEfGhIjKlMnOpQrStUvWxY"]),
            value!(["voipbin", "vb.key", "verified", "as-received", null]),
        ]
    );
    assert_eq!(lines[2]["payload"], serde_json::from_str::<Value>(CC1).unwrap());
    let bodies: Vec<Value> =
        recorded(&vwh.home().join("record.jsonl")).iter().map(|line| line["body"].clone()).collect();
    assert_eq!(&bodies[1..], [CC1, VB1]);
}

#[test]
fn what_is_not_believed_is_neither_recorded_nor_forwarded() {
    let handler = Server::new(|_| Reply::new(200, ""));
    let vwh = vwh();
    let listener = listen(&vwh, &["--record", "record.jsonl", "--forward", &handler.base_url()]);
    let cloud =
        |token: &str| Request::typed("application/cloudevents+json", CC1).header("Vonage-Signature", token);
    let undecoded = {
        let valid = token(S1, CC1, 300);
        let (signed, _) = valid.rsplit_once('.').unwrap();
        let none =
            signed.replacen("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", 1);
        format!("{none}.")
    };
    for (request, reason) in [
        (notification(&S1.replace("AAEC", "BBEC"), CC1), "the signature fits no key"),
        (cloud(&token(S1, CC1, -31)), "the signature has expired"),
        (cloud(&token(S1, &CC1.replace("4021", "4022"), 300)), "the body was altered: its hash is another"),
        (cloud(&undecoded), "the signature's algorithm is not HS256"),
        (Request::typed("application/cloudevents+json", CC1), "the signature is missing"),
        (Request::post(CC1), "the signature is missing"),
        (voipbin(K2, VB1), "the signature fits no key"),
        (Request::post(VB1), "the signature is missing"),
        (
            Request::post(VB1).header("X-VoIPBIN-Signature", &crate::listening::sign(K1, VB1)),
            "the signature fits no key",
        ),
    ] {
        let answer = listener.send(&request);
        assert_eq!((answer.status, answer.body), (401, format!("{}\n", value!({"error": reason}))));
    }
    // Within the leeway.
    assert_eq!(listener.status(&cloud(&token(S1, CC1, -20))), 200);
    let (_, lines) = listener.end();
    assert_eq!(lines.last().unwrap()["accepted"], 1);
    assert_eq!((handler.requests().len(), recorded(&vwh.home().join("record.jsonl")).len()), (1, 1));
}

#[test]
fn a_delivery_is_known_again_by_what_its_service_goes_by() {
    let listener = listen(&vwh(), &[]);
    let updated =
        VB1.replace(r#""status":"hangup""#, r#""status":"hangup","tm_update":"2026-01-05T08:30:00Z""#);
    let sent = [
        (notification(S1, CC1), false),
        (notification(S1, CC1), true),
        (notification(S1, &CC1.replace("\"/agent\"", "\"/channel\"")), false),
        (notification(S1, &CC1.replace("2Zab", "2Zac")), false),
        (voipbin(K1, VB1), false),
        (voipbin(K1, VB1), true),
        (voipbin(K1, &updated), false),
        (voipbin(K1, VB2), false),
        (delivery(V1, "2ZabCdEfGhIjKlMnOpQrStUvWxY", 1), false),
        (delivery(V1, "2ZabCdEfGhIjKlMnOpQrStUvWxY", 2), true),
    ];
    for (request, _) in &sent {
        assert_eq!(listener.status(request), 200);
    }
    let (_, lines) = listener.end();
    let duplicates: Vec<bool> =
        of_kind(&lines, "delivery").iter().map(|line| line["duplicate"].as_bool().unwrap()).collect();
    assert_eq!(duplicates, sent.map(|(_, is_duplicate)| is_duplicate));
}

#[test]
fn where_a_delivery_has_no_id_it_is_told_what_it_is_known_by() {
    let listener = listen(&vwh(), &[]);
    let event = r#"{"id":"1","startTime":"2024-03-01T09:30:00.250+0000","state":"RINGING"}"#;
    let without_id = Request::post(format!("{{\"event\":{event}}}"))
        .header("X-VON-Signature", &crate::listening::sign(KEY, event));
    let sent = [voipbin(K1, VB1), without_id, notification(S1, CC1), delivery(V1, "d-1", 1), voipbin(K1, "")];
    for request in sent {
        assert_eq!(listener.status(&request), 200);
    }
    let (_, lines) = listener.end();
    let told: Vec<Value> = of_kind(&lines, "delivery").iter().map(|line| line["identity"].clone()).collect();
    assert_eq!(
        told,
        [
            value!("call_hangup 3c6f0a5e-0d11-4b7a-9a55-6e2d8b1f7c90 hangup"),
            value!("1 RINGING 2024-03-01T09:30:00.250Z"),
            // The id of a delivery says it already.
            Value::Null,
            Value::Null,
            Value::Null,
        ]
    );
    assert_eq!((&lines[5]["service"], &lines[5]["payload"]), (&value!("voipbin"), &Value::Null));
}

#[test]
fn only_the_service_that_is_asked_for_is_taken() {
    let listener = Listener::bare(&vwh(), &["--service", "voipbin", "--signing-key-file", "vb.key"]);
    assert_eq!(listener.status(&voipbin(K1, VB1)), 200);
    let answer = listener.send(&notification(S1, CC1));
    assert_eq!(
        (answer.status, answer.body.trim()),
        (400, r#"{"error":"it is of Contact Center, and --service wants another"}"#)
    );
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 400);
    let (_, lines) = listener.end();
    assert_eq!(lines.last().unwrap()["accepted"], 1);
    let refused = Vwh::new()
        .env("VWH_SIGNING_KEY", "no base64!")
        .args(["listen", "--bind", "127.0.0.1:0", "--service", "contact-center"])
        .run();
    let _ = refused.exits(2).says("is no base64");
    // Without a service, such a key only never fits there.
    let listener = Listener::bare(&Vwh::new().env("VWH_SIGNING_KEY", "no base64!"), &[]);
    assert_eq!(listener.status(&notification(S1, CC1)), 401);
    assert_eq!(listener.status(&voipbin("no base64!", VB1)), 200);
    let _ = listener.end();
}

#[test]
fn a_person_reads_what_happened() {
    let vwh = vwh();
    let arguments = ["listen", "--bind", "127.0.0.1:0"].iter().chain(&KEYS).copied();
    let mut process = vwh.args(arguments).env("COLUMNS", "80").spawn();
    let ready = process.wait_for_line(|line| line.starts_with("listening"));
    let address =
        ready.trim().trim_start_matches("listening on http://").trim_end_matches("/webhook").to_owned();
    let call = VB1.replace(
        r#""status":"hangup""#,
        r#""status":"hangup","direction":"incoming","source":{"type":"tel","target":"+14155550123"}"#,
    );
    for request in [notification(S1, CC1), voipbin(K1, &call), voipbin(K1, VB2)] {
        assert_eq!(crate::listening::Connection::to(&address).exchange(&request).unwrap().status, 200);
    }
    process.wait_for_line(|line| line.contains("message_created"));
    process.signal(Signal::INT);
    let outcome = process.wait();
    let lines: Vec<&str> = outcome.stdout.lines().skip(1).map(|line| &line[9..]).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
      agent.presencechanged.v1   4021          verified by cc.key  of 2026-01-05
      call_hangup           in   +14155550123            verified by vb.key
      message_created                                    verified by vb.key
    ");
}

#[test]
fn a_relayed_answer_is_a_success_as_its_service_sees_it() {
    let handler = Server::new(|_| Reply::new(204, ""));
    let listener = listen(&vwh(), &["--forward", &handler.base_url(), "--answer", "forward"]);
    assert_eq!(listener.status(&notification(S1, CC1)), 200);
    assert_eq!(listener.status(&voipbin(K1, VB1)), 200);
    // Of a 2xx VIS takes 200 alone.
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 204);
    let (_, lines) = listener.end();
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["accepted"], &end["forwarded"], &end["forwardFailures"]),
        (&value!(2), &value!(2), &value!(1))
    );
}
