//! `vwh verify`: which captured deliveries are verified, with which key, and what is said of the others.

use std::fmt::Write as _;

use serde_json::{Value, json as value};

use crate::support::{Outcome, Vwh};

/// The vendor's own event, which the digest in its documents fits (vis §9).
const VENDOR: &str = r#"{"accountId":"376","answerTime":"2018-02-15T18:59:03.496+0000","direction":"OUTBOUND","duration":2950,"endTime":"2018-02-15T18:59:06.446+0000","externalId":"callhalf-60227142553:0","id":"5a85d86f253bcd10897f3189","startTime":"2018-02-15T18:58:56.194+0000","state":"ANSWERED","type":"CALL","userId":"24785"}"#;
const VENDOR_SIGNATURE: &str = "95aafd08cb72b1f9216ccd002b8917b04e41ecb19276ae759241fdc0cbb53fb5";

/// The vectors of vis §9 that are signed with [`KEY`].
const KEY: &str = "vwh-test-key";
const V1: &str = r#"{"accountId":"4711","direction":"INBOUND","duration":0,"externalId":"ext-0001:0","id":"65f0c0ffee0000000000a001","internal":false,"phoneNumber":"14155550123","startTime":"2024-03-01T09:30:00.250+0000","state":"RINGING","type":"CALL","ucpType":"VBS","userId":"9001"}"#;
const V1_SIGNATURE: &str = "e7fc0518e8d14f9a080d16ca6b4bd032545a0fda7b7a1ab35e56e3bfc37754a9";
const V2: &str = r#"{"accountId":"4711","answerTime":"2024-03-01T09:30:04.000+0000","callerId":"Zoë \"Ops\" O'Neil","direction":"OUTBOUND","duration":6500,"endTime":"2024-03-01T09:30:10.500+0000","id":"65f0c0ffee0000000000a002","startTime":"2024-03-01T09:30:00.250+0000","state":"ANSWERED","type":"CALL","userId":"9001"}"#;
const V2_SIGNATURE: &str = "dbb486aa4b78208038dd10c67d2226b88fdca3d4b6510a0386025445cc39a38b";
const V2_ESCAPED_SIGNATURE: &str = "49e36fa287733bc191feff4a9660cd7be27b7268cadf53191555ed42164975b2";
const V3: &str = r#"{"A":1,"a":2,"n":{"a":2,"b":1}}"#;
const V3_SIGNATURE: &str = "b3b2385d6c9bbd85e69c3e0f77b72b1662984c024dca876d29758de9a6edcf73";

fn body(event: &str) -> String {
    format!("{{\"event\":{event}}}")
}

/// A vwh with a key.
fn vwh(key: &str) -> Vwh {
    Vwh::new().env("VWH_SIGNING_KEY", key)
}

fn verify(vwh: &Vwh, body: &str, flags: &[&str]) -> Outcome {
    vwh.args(["verify"].iter().chain(flags).copied()).stdin(body).run()
}

/// A line as `listen --record` writes it.
fn line(headers: &Value, body: &str) -> String {
    let line = value!({"time": "2026-03-01T09:30:00.250Z", "verdict": "verified", "duplicate": false,
        "path": "/webhook", "headers": headers, "body": body});
    format!("{line}\n")
}

/// A line of a delivery with policy header.
fn signed(event: &str, signature: &str, id: &str) -> String {
    line(&value!([["x-von-signature", signature], ["x-von-delivery-id", id]]), &body(event))
}

#[test]
fn every_vector_verifies() {
    let spaced = V1.replace(',', " ,\n ").replace("\":", "\" : ");
    let escaped = V2.replace('ë', "\\u00eb");
    for (key, event, signature, form) in [
        ("mysecretkey", VENDOR, VENDOR_SIGNATURE, "as-received"),
        (KEY, V1, V1_SIGNATURE, "as-received"),
        (KEY, &spaced, V1_SIGNATURE, "canonical"),
        (KEY, V1, &V1_SIGNATURE.to_uppercase(), "as-received"),
        (KEY, V2, V2_SIGNATURE, "as-received"),
        (KEY, V2, V2_ESCAPED_SIGNATURE, "canonical-escaped"),
        (KEY, &escaped, V2_ESCAPED_SIGNATURE, "as-received"),
        (KEY, &escaped, V2_SIGNATURE, "canonical"),
        (KEY, V3, V3_SIGNATURE, "as-received"),
        (KEY, r#"{"n":{"b":1,"a":2},"a":2,"A":1}"#, V3_SIGNATURE, "canonical"),
    ] {
        let outcome = verify(&vwh(key), &body(event), &["--signature", signature, "--json"]).exits(0);
        let answer = outcome.json();
        assert_eq!((&answer["verdict"], &answer["form"]), (&value!("verified"), &value!(form)), "{event}");
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn what_no_vector_fits_is_forged() {
    // The negative one, the vendor's page of today, another key, one letter.
    let current = VENDOR.replace("\":", "\": ").replace("5a85d86f253bcd10897f3189", "abc1234");
    for (key, event, signature) in [
        (KEY, V1, "077a45e3890317b59ae7842215eb653616941bea07c4394cf67d4d146025cc19"),
        ("mysecretkey", &current, VENDOR_SIGNATURE),
        ("another", V1, V1_SIGNATURE),
        (KEY, &V1.replace("RINGING", "RINGINg"), V1_SIGNATURE),
        (KEY, V1, &V1_SIGNATURE[..63]),
        (KEY, V1, "no signature"),
    ] {
        let outcome = verify(&vwh(key), &body(event), &["--signature", signature, "--json"]).exits(1);
        assert_eq!(outcome.json()["verdict"], "forged", "{event}");
    }
}

#[test]
fn the_answer_is_a_line_for_a_person() {
    let vwh = Vwh::new();
    vwh.write("keys/crm.key", &format!("{KEY}\n"));
    vwh.write("body.json", &body(V1));
    let flags = ["body.json", "--signing-key-file", "keys/crm.key", "--signature"];
    let outcome = vwh.args(["verify"].iter().chain(&flags).copied().chain([V1_SIGNATURE])).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    verified   RINGING       65f0c0ffee0000000000a001  key crm.key  (bytes as received)
    --- stderr
    ");
    let outcome = vwh.args(["verify"].iter().chain(&flags).copied().chain(["0000"])).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     RINGING       65f0c0ffee0000000000a001
    --- stderr
    ");
    let outcome = vwh.args(["verify", "--signing-key-file", "keys/crm.key", "body.json"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    unsigned   RINGING       65f0c0ffee0000000000a001
    --- stderr
    ");
}

#[test]
fn the_answer_is_an_object_under_json() {
    let outcome = verify(&vwh(KEY), &body(V1), &["--signature", V1_SIGNATURE, "--json"]).exits(0);
    assert_eq!(
        outcome.json(),
        value!({"verdict": "verified", "key": "VWH_SIGNING_KEY", "form": "as-received", "service": "vis", "state": "RINGING",
            "eventId": "65f0c0ffee0000000000a001", "deliveryId": null, "error": null})
    );
    let outcome = verify(&vwh(KEY), "[]", &["--json", "--explain"]).exits(1);
    assert_eq!(
        outcome.json(),
        value!({"verdict": "malformed", "key": null, "form": null, "service": null, "state": null, "eventId": null,
            "deliveryId": null, "error": "the body is not a JSON object"})
    );
}

#[test]
fn the_signature_may_be_in_the_body() {
    for name in ["metadata", "metdata"] {
        let body =
            format!(r#"{{"event":{V1},"{name}":{{"signature":"{V1_SIGNATURE}","deliveryId":"d-1"}}}}"#);
        let outcome = verify(&vwh(KEY), &body, &[]).exits(0);
        assert_eq!(
            outcome.stdout,
            "verified   RINGING       d-1  key VWH_SIGNING_KEY  (bytes as received)\n"
        );
        // What is given counts more.
        let _ = verify(&vwh(KEY), &body, &["--signature", V2_SIGNATURE]).exits(1);
    }
    let without = format!(r#"{{"event":{V1},"metadata":{{"deliveryId":"d-1"}}}}"#);
    let outcome = verify(&vwh(KEY), &without, &[]).exits(1);
    assert_eq!(outcome.stdout, "unsigned   RINGING       d-1\n");
    let _ = verify(&vwh(KEY), &without, &["--signature", V1_SIGNATURE]).exits(0);
}

#[test]
fn a_body_may_stand_on_several_lines() {
    let pretty =
        serde_json::to_string_pretty(&value!({"event": serde_json::from_str::<Value>(V1).unwrap()})).unwrap();
    for body in [pretty.clone(), pretty.replace('\n', "\r\n") + "\r\n"] {
        let outcome = verify(&vwh(KEY), &body, &["-", "--signature", V1_SIGNATURE, "--json"]).exits(0);
        assert_eq!(outcome.json()["form"], "canonical");
    }
}

#[test]
fn any_of_several_keys_may_fit_and_is_named() {
    let vwh = Vwh::new();
    vwh.write("old/crm.key", "another key");
    vwh.write("new/crm.key", KEY);
    vwh.write("third.key", "a third key");
    let keys = ["--signing-key-file", "old/crm.key", "--signing-key-file", "third.key", "--signing-key-file"];
    let flags = [&keys[..], &["new/crm.key", "--json", "--signature", V1_SIGNATURE]].concat();
    assert_eq!(verify(&vwh, &body(V1), &flags).exits(0).json()["key"], "new/crm.key");
    let other = [&keys[..4], &["--json", "--signature", V1_SIGNATURE]].concat();
    assert_eq!(verify(&vwh, &body(V1), &other).exits(1).json()["key"], Value::Null);
}

#[test]
fn a_record_is_checked_line_by_line() {
    let vwh = vwh(KEY);
    let body_policy = format!(r#"{{"event":{V2},"metadata":{{"signature":"{V2_ESCAPED_SIGNATURE}"}}}}"#);
    let record = signed(V1, V1_SIGNATURE, "d-1")
        + &line(&value!([]), &body_policy)
        + &signed(V1, V2_SIGNATURE, "d-3")
        + &line(&value!([["x-von-delivery-id", "d-4"]]), &body(V1))
        + &line(&value!([]), "nothing")
        + "garbage\n"
        + &signed(V3, V3_SIGNATURE, "d-7");
    vwh.write("record.jsonl", &record);
    let outcome = vwh.args(["verify", "record.jsonl", "-v"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    verified   RINGING       d-1  key VWH_SIGNING_KEY  (bytes as received)
    verified   ANSWERED      65f0c0ffee0000000000a002  key VWH_SIGNING_KEY  (canonical form, escaped)
    forged     RINGING       d-3
    unsigned   RINGING       d-4
    malformed  line 5: the body is not a JSON object
    malformed  line 6: no line of a record
    verified   ?             d-7  key VWH_SIGNING_KEY  (bytes as received)
    --- stderr
    3 verified, 1 forged, 1 unsigned, 2 malformed
    see why with: vwh verify --explain record.jsonl
    ");
    let outcome = vwh.args(["verify", "record.jsonl", "--json"]).run().exits(1);
    let lines: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<&Value> = lines.iter().map(|line| &line["line"]).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    let quiet = vwh.args(["verify", "record.jsonl", "-q"]).run().exits(1);
    assert_eq!((quiet.stdout.lines().count(), quiet.stderr.as_str()), (4, ""), "{quiet}");
}

#[test]
fn a_record_of_which_every_line_verifies_is_success() {
    let record: String = (1..=3).fold(String::new(), |mut record, number| {
        let _ = write!(record, "{}", signed(V1, V1_SIGNATURE, &format!("d-{number}")));
        record
    });
    let outcome = verify(&vwh(KEY), &record, &["-q"]).exits(0).without_answer();
    assert_eq!(outcome.stderr, "");
    // A recorder that was killed leaves half a line, of a delivery that it never answered.
    let torn = format!("{record}{}", &record[..100]);
    let outcome = verify(&vwh(KEY), &torn, &["-"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    verified   RINGING       d-1  key VWH_SIGNING_KEY  (bytes as received)
    verified   RINGING       d-2  key VWH_SIGNING_KEY  (bytes as received)
    verified   RINGING       d-3  key VWH_SIGNING_KEY  (bytes as received)
    --- stderr
    warning: the last line of stdin is cut short, and is left out
    ");
    let _ = verify(&vwh(KEY), &record, &["--signature", V1_SIGNATURE]).exits(2).without_answer();
}

#[test]
fn a_line_that_was_torn_by_an_earlier_run_is_left_out() {
    let whole = |id: &str| signed(V1, V1_SIGNATURE, id);
    let torn = "{\"time\":\"2026-03-01T09:30:00.250Z\",\"verdict\":\"verified\",\"dup\n".to_owned();
    let record = torn.clone() + &whole("d-1") + &torn + "what\n" + &whole("d-2");
    let outcome = verify(&vwh(KEY), &record, &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    verified   RINGING       d-1  key VWH_SIGNING_KEY  (bytes as received)
    malformed  line 4: no line of a record
    verified   RINGING       d-2  key VWH_SIGNING_KEY  (bytes as received)
    --- stderr
    warning: line 1 of stdin is cut short, and is left out
    warning: line 3 of stdin is cut short, and is left out
    ");
    let _ = verify(&vwh(KEY), &(torn.clone() + &whole("d-1")), &["-q"]).exits(0).without_answer();
    // Of nothing whole nothing can be said.
    insta::assert_snapshot!(verify(&vwh(KEY), &torn, &[]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    warning: line 1 of stdin is cut short, and is left out
    error: stdin has no whole line

    hint: nothing in it was answered with 200: there is nothing to verify
    ");
}

#[test]
fn a_member_that_stands_there_twice_is_nothing_to_rely_on() {
    let twice = format!(r#"{{"event":{V1},"event":{V1}}}"#);
    let outcome = verify(&vwh(KEY), &twice, &["--signature", V1_SIGNATURE]).exits(1);
    assert_eq!(outcome.stdout, "malformed  the body has a member twice\n");
    let inside = V1.replacen('{', r#"{"state":"MISSED","#, 1);
    let outcome = verify(&vwh(KEY), &body(&inside), &["--signature", V1_SIGNATURE]).exits(1);
    assert!(outcome.stdout.starts_with("forged "), "{outcome}");
}

#[test]
fn hostile_input_is_survived_and_inert() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for event in [format!(r#"{{"a":{deep}}}"#), r#"{"a":"\ud800"}"#.to_owned()] {
        let _ = verify(&vwh(KEY), &body(&event), &["--signature", V1_SIGNATURE, "--explain"]).exits(1);
    }
    for body in ["", "{", "null", "{\"event\":7}", "\u{0}", "{\"event\":{}} trailing"] {
        let code = if body.is_empty() { 2 } else { 1 };
        let _ = verify(&vwh(KEY), body, &["--signature", V1_SIGNATURE]).exits(code);
    }
    let acting = r#"{"event":{"state":"\u001b[2J","id":"\u202e\n"}}"#;
    let outcome = verify(&vwh(KEY), acting, &[]).exits(1);
    assert_eq!(outcome.stdout, "unsigned   \\u{1b}[2J     \\u{202e}\\n\n");
    let outcome = verify(&vwh(KEY), acting, &["--json"]).exits(1);
    assert!(outcome.stdout.contains(r#""state":"\u001b[2J","eventId":"\u202e\n""#), "{outcome}");
}

#[test]
fn what_is_too_large_is_refused() {
    let large = body(&format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20)));
    let outcome = verify(&vwh(KEY), &large, &["--signature", V1_SIGNATURE]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: stdin is larger than 1 MiB

    hint: a body has one delivery; a record has one in each line
    ");
    let endless = "x".repeat(9 << 20);
    let _ = verify(&vwh(KEY), &endless, &[]).exits(2).without_answer().says("longer than 8 MiB");
}

#[test]
fn without_a_key_or_a_file_nothing_is_checked() {
    let outcome = verify(&Vwh::new(), &body(V1), &["--signature", V1_SIGNATURE]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: there is no key to verify with

    hint: give one with --signing-key-file FILE or VWH_SIGNING_KEY
    ");
    let vwh = vwh(KEY);
    vwh.write("empty", "\n");
    let _ = vwh.args(["verify", "missing"]).run().exits(2).without_answer().says("cannot read missing");
    let _ = vwh.args(["verify", "."]).run().exits(2).without_answer().says("cannot read .");
    for key in ["missing", "empty"] {
        let run = vwh.args(["verify", "--signing-key-file", key]).stdin(&body(V1)).run();
        let _ = run.exits(2).without_answer().says(key);
    }
}

#[cfg(unix)]
#[test]
fn at_a_terminal_it_does_not_wait_for_somebody_to_type() {
    use crate::support::Screen;
    let outcome = vwh(KEY).args(["verify"]).on_terminal(&Screen::columns(100)).wait().exits(2);
    let screen = outcome.screen.unwrap();
    assert!(
        screen.contains("there is nothing to verify") && screen.contains("hint: vwh verify FILE"),
        "{screen}"
    );
}

/// A record may have thousands of deliveries that one thing is wrong with.
#[test]
fn an_explanation_is_given_once() {
    let vwh = vwh("another key");
    let record: String = ["d-1", "d-2", "d-3"].map(|id| signed(V1, V1_SIGNATURE, id)).concat();
    let outcome = verify(&vwh, &record, &["--explain"]).exits(1);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{outcome}");
    assert!(lines[1].starts_with("  why: no known cause fits"), "{outcome}");
    assert_eq!(lines[2..4], ["forged     RINGING       d-2", "  why: as for d-1"]);
    assert_eq!(lines[5], "  why: as for d-1");
}

#[cfg(unix)]
#[test]
fn a_terminal_of_80_columns_has_no_longer_line_and_names_the_next_step() {
    use crate::support::Screen;
    let vwh = Vwh::new();
    let id = "72089516-fd82-44df-82ae-71255ff87db6";
    for (name, key) in [("crm.key", KEY), ("other.key", "another key")] {
        let key = vwh.write(name, key);
        let record = vwh.write("record", &signed(V1, V1_SIGNATURE, id));
        let (key, record) = (key.to_str().unwrap(), record.to_str().unwrap());
        let arguments = ["--color", "never", "verify", "--signing-key-file", key, record];
        let outcome = vwh.args(arguments).on_terminal(&Screen::columns(80)).wait();
        let shown = outcome.screen.unwrap();
        let line = if name == "crm.key" { "verified   RINGING       " } else { "forged     RINGING       " };
        let detail = if name == "crm.key" { "  key crm.key" } else { "" };
        let next = format!("see why with:\n  vwh verify --explain --signing-key-file {key} {record}\n");
        let next = if name == "crm.key" { String::new() } else { next };
        assert_eq!(shown, format!("{line}{id}{detail}\n{next}"));
    }
}

/// A gate in a pipeline goes by the exit code, whoever reads the lines.
#[test]
fn a_reader_that_left_does_not_make_it_verified() {
    let good = line(&value!([["x-von-signature", V1_SIGNATURE]]), &body(V1));
    let bad = line(&value!([["x-von-signature", V3_SIGNATURE]]), &body(V1));
    for (record, code) in [(good.repeat(2), 0), (good + &bad, 1)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let outcome = vwh(KEY).args(["verify"]).stdin(&record).stdout(writer).run();
        assert_eq!(outcome.code, Some(code), "{outcome}");
    }
}
