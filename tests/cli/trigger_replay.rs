//! `vwh trigger --replay`: what was recorded goes out again as it came in.

use serde_json::{Value, json as value};

use crate::support::{Outcome, Reply, Server, Vwh};

/// A line as `listen --record` writes it.
fn line(headers: &[(&str, &str)], body: &str) -> String {
    let headers: Vec<[&str; 2]> = headers.iter().map(|(name, value)| [*name, *value]).collect();
    let line = value!({"time": "2026-03-01T09:30:00.250Z", "verdict": "verified", "duplicate": false,
        "path": "/webhook?x=1", "headers": headers, "body": body});
    format!("{line}\n")
}

fn body(state: &str) -> String {
    // Neither sorted nor compact, with a number that no serializer would write.
    format!(r#"{{ "event" : {{"state":"{state}", "id":"1","duration":1e3 , "callerId":"Zoë"}}}}"#)
}

fn receiver() -> Server {
    Server::new(|_| Reply::new(200, ""))
}

fn replay(vwh: &Vwh, server: &Server, flags: &[&str]) -> Outcome {
    vwh.args(["trigger", &server.base_url(), "--replay"].iter().chain(flags).copied()).run()
}

#[test]
fn bodies_and_headers_go_out_byte_for_byte_and_in_order() {
    let server = receiver();
    let vwh = Vwh::new();
    let headers = [
        ("host", "receiver.example"),
        ("content-length", "99999"),
        ("connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("content-type", "application/json;charset=UTF-8"),
        ("user-agent", "Vonage"),
        ("x-von-signature", "ABCDEF"),
        ("x-von-delivery-id", "d-1"),
        ("x-von-attempt", "3"),
        ("x-vwh-synthetic", "repost"),
    ];
    let record = line(&headers, &body("RINGING")) + &line(&[("x-von-delivery-id", "d-2")], &body("ANSWERED"));
    vwh.write("record.jsonl", &record);
    let outcome = replay(&vwh, &server, &["record.jsonl", "-v"]);
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 0
    --- stdout
    RINGING       delivered          200 in [DURATION]
    ANSWERED      delivered          200 in [DURATION]
    --- stderr
    2 delivered
    ");
    let [first, second] = &server.requests()[..] else { panic!("two requests: {:?}", server.lines()) };
    assert_eq!(first.line(), "POST /");
    assert_eq!(
        (first.body.as_slice(), second.body.as_slice()),
        (body("RINGING").as_bytes(), body("ANSWERED").as_bytes())
    );
    for (name, value) in [
        ("content-type", "application/json;charset=UTF-8"),
        ("user-agent", "Vonage"),
        ("x-von-signature", "ABCDEF"),
        ("x-von-delivery-id", "d-1"),
        ("x-von-attempt", "3"),
        ("x-vwh-synthetic", "trigger"),
    ] {
        assert_eq!(first.header(name), Some(value));
    }
    assert_eq!(first.header("host"), Some(server.address().to_string().as_str()));
    assert_eq!(first.header("transfer-encoding"), None);
    assert_eq!((second.header("x-von-delivery-id"), second.header("content-type")), (Some("d-2"), None));
}

#[test]
fn a_body_that_is_no_text_goes_out_as_it_is() {
    let server = receiver();
    let vwh = Vwh::new();
    let record = r#"{"time":"2026-03-01T09:30:00Z","verdict":"unverified","path":"/","headers":[],"bodyBase64":"/wD+"}"#;
    vwh.write("record", record);
    let outcome = replay(&vwh, &server, &["record", "--json"]).exits(0);
    assert_eq!(server.requests()[0].body, b"\xff\x00\xfe");
    assert_eq!(outcome.json()["results"][0]["state"], Value::Null);
}

#[test]
fn a_record_can_come_on_stdin() {
    let server = receiver();
    let record = line(&[], &body("RINGING"));
    let run =
        Vwh::new().args(["trigger", &server.base_url(), "--replay", "-", "--json"]).stdin(&record).run();
    let answer = run.exits(0).json();
    assert_eq!(
        (&answer["results"][0]["state"], &answer["results"][0]["eventId"]),
        (&value!("RINGING"), &value!("1"))
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn after_an_event_that_fails_for_good_nothing_more_is_sent() {
    let server = Server::new(|request| {
        let is_lost = request.number == 2 || request.path == "/loop";
        if is_lost { Reply::new(302, "").header("Location", "/loop") } else { Reply::new(200, "") }
    });
    let vwh = Vwh::new();
    let record: String =
        ["RINGING", "ACTIVE", "ANSWERED"].iter().map(|state| line(&[], &body(state))).collect();
    vwh.write("record", &record);
    let outcome = replay(&vwh, &server, &["record"]);
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 1
    --- stdout
    RINGING       delivered          200 in [DURATION]
    ACTIVE        would mark failed  more than 5 redirects  in [DURATION]
    ANSWERED      not sent
    --- stderr
    ");
}

#[test]
fn what_is_no_record_is_refused_before_anything_is_sent() {
    let server = receiver();
    let vwh = Vwh::new();
    vwh.write("body", &body("RINGING"));
    vwh.write("empty", "");
    insta::assert_snapshot!(replay(&vwh, &server, &["body"]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: body is no record

    hint: vwh listen --record FILE writes one
    ");
    let _ = replay(&vwh, &server, &["empty"]).exits(2).without_answer().says("empty is empty");
    let _ = replay(&vwh, &server, &["missing"]).exits(2).without_answer().says("cannot read missing");
    let _ = replay(&vwh, &server, &["."]).exits(2).without_answer().says("cannot read .");
    vwh.write("record", &line(&[], &body("RINGING")));
    for flags in [
        &["--state", "RINGING"][..],
        &["--scenario", "held"],
        &["--unsigned"],
        &["--metadata-policy", "header"],
        &["--signing-key-file", "body"],
    ] {
        let _ = replay(&vwh, &server, &[&["record"], flags].concat()).exits(2).without_answer();
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_torn_line_is_left_out_and_said() {
    let server = receiver();
    let vwh = Vwh::new();
    let whole = line(&[], &body("RINGING"));
    // As listen --record writes it, and then another run goes on.
    let torn = r#"{"time":"2026-03-01T09:30:00.250Z","verdict":"veri"#;
    vwh.write("record", &format!("{torn}\n{whole}what\n{torn}\n{whole}{torn}"));
    let outcome = replay(&vwh, &server, &["record"]);
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 0
    --- stdout
    RINGING       delivered          200 in [DURATION]
    RINGING       delivered          200 in [DURATION]
    --- stderr
    warning: line 1 of record is cut short, and is left out
    warning: line 3 of record is no line of a record, and is left out
    warning: line 4 of record is cut short, and is left out
    warning: line 6 of record is cut short, and is left out
    ");
    assert_eq!(server.requests().len(), 2);
}
