//! `vwh verify --explain`: the cause of a mismatch is named. Each cause is tried beside the code that knows it; here are
//! those that people meet, as they meet them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json as value};
use sha2::Sha256;

use crate::support::{Outcome, Vwh};

const KEY: &str = "vwh-test-key";
const EVENT: &str =
    r#"{"callerId":"Zoë","duration":6500,"id":"65f0c0ffee0000000000a002","state":"ANSWERED","url":"a/b"}"#;

fn sign(key: &str, text: &str) -> String {
    let digest = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(text).finalize();
    digest.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn explain(event: &str, signature: &str, flags: &[&str]) -> Outcome {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY);
    let body = format!("{{\"event\":{event}}}");
    let arguments = ["verify", "--explain", "--signature", signature];
    vwh.args(arguments.iter().chain(flags).copied()).stdin(&body).run()
}

/// The causes that are named where `received` came with `signature`.
fn causes(received: &str, signature: &str) -> Value {
    explain(received, signature, &["--json"]).exits(1).json()["explanation"]["causes"].clone()
}

#[test]
fn a_prefix_of_the_signature_is_the_cause() {
    let signed = crate::listening::V1;
    let signature = format!("sha256={}", signed.signature);
    let body = format!("{{\"event\":{}}}", signed.event);
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", crate::listening::KEY);
    let run = vwh.args(["verify", "--explain", "--json", "--signature", &signature]).stdin(&body);
    let answer = run.run().exits(1).json();
    assert_eq!(answer["explanation"]["causes"][0], "signature-decorated", "{answer}");
    assert_eq!(answer["explanation"]["key"], "VWH_SIGNING_KEY");
}

#[test]
fn a_key_with_a_line_end_is_named() {
    let outcome = explain(EVENT, &sign(&format!("{KEY}\n"), EVENT), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     ANSWERED      65f0c0ffee0000000000a002
      why: the key that signed it has a line end behind it, and the one at hand has none: take it off where the key is read or registered (key VWH_SIGNING_KEY)
    --- stderr
    ");
    assert_eq!(causes(EVENT, &sign(&format!("{KEY}\r\n"), EVENT)), value!(["key-line-end"]));
}

#[test]
fn a_signature_of_the_whole_body_is_named() {
    let outcome = explain(EVENT, &sign(KEY, &format!("{{\"event\":{EVENT}}}")), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     ANSWERED      65f0c0ffee0000000000a002
      why: it is a signature of the whole body; the service signs the value of `event` alone (key VWH_SIGNING_KEY)
    --- stderr
    ");
}

#[test]
fn numbers_that_were_written_anew_are_named() {
    let signed = EVENT.replace("6500", "1e3");
    let received = EVENT.replace("6500", "1000.0");
    let outcome = explain(&received, &sign(KEY, &signed), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     ANSWERED      65f0c0ffee0000000000a002
      why: its numbers were written anew (1e3 as 1000.0, 1.0 as 1): keep the body as it came instead of parsing it and writing it again (key VWH_SIGNING_KEY)
    --- stderr
    ");
    for (received, signed) in [("6500.0", "6500"), ("6500", "6500.0")] {
        let [received, signed] = [received, signed].map(|number| EVENT.replace("6500", number));
        assert_eq!(causes(&received, &sign(KEY, &signed)), value!(["numbers"]));
    }
    assert_eq!(causes(&EVENT.replace("6500", "\"6500\""), &sign(KEY, EVENT)), value!(["types"]));
}

#[test]
fn a_number_that_javascript_has_rounded_is_named() {
    let signed = EVENT.replace("6500", "7340013123456789123");
    let outcome = explain(&EVENT.replace("6500", "7340013123456790000"), &sign(KEY, &signed), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     ANSWERED      65f0c0ffee0000000000a002
      why: its numbers were written anew as JavaScript does (1.50 as 1.5, 7340013123456789123 as 7340013123456790000): keep the body as it came instead of parsing it and writing it again (key VWH_SIGNING_KEY)
    --- stderr
    ");
    // Of this one too many others have the value to try them all.
    let signed = sign(KEY, &EVENT.replace("6500", "12345678901234567890123"));
    let outcome = explain(&EVENT.replace("6500", "1.2345678901234568e+22"), &signed, &[]).exits(1);
    let said = "why: its number 1.2345678901234568e+22 may be one that JavaScript has rounded, and its digits are lost then; no";
    assert!(outcome.stdout.contains(said), "{outcome}");
}

#[test]
fn characters_that_were_spelled_anew_are_named() {
    // One spelling verifies, and is told; the others do not.
    let outcome = explain(EVENT, &sign(KEY, &EVENT.replace('ë', "\\u00eb")), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    verified   ANSWERED      65f0c0ffee0000000000a002  key VWH_SIGNING_KEY  (canonical form, escaped)
      why: its characters beyond ASCII were written as \uXXXX when it was signed; it says the same
    --- stderr
    ");
    // The other way round, as where a proxy escapes what it passes on.
    let outcome = explain(&EVENT.replace('ë', "\\u00eb"), &sign(KEY, EVENT), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    verified   ANSWERED      65f0c0ffee0000000000a002  key VWH_SIGNING_KEY  (canonical form)
      why: when it was signed, its characters were not escaped where they are now; it says the same
    --- stderr
    ");
    assert_eq!(causes(EVENT, &sign(KEY, &EVENT.replace('ë', "\\u00EB"))), value!(["escapes"]));
    assert_eq!(causes(EVENT, &sign(KEY, &EVENT.replace('/', "\\/"))), value!(["slashes"]));
    assert_eq!(causes(&EVENT.replace('ë', "Ã«"), &sign(KEY, EVENT)), value!(["mojibake"]));
    assert_eq!(
        causes(EVENT, &sign(KEY, &EVENT.replace(',', ", ").replace("\":", "\": "))),
        value!(["white-space"])
    );
}

#[test]
fn a_signature_that_was_copied_amiss_is_named() {
    let right = sign(KEY, EVENT);
    let outcome = explain(EVENT, &format!("sha256={right}"), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     ANSWERED      65f0c0ffee0000000000a002
      why: something stands around the 64 hexadecimal digits of the signature: sha256=… (key VWH_SIGNING_KEY)
    --- stderr
    ");
    assert_eq!(causes(EVENT, &format!("{right}.")), value!(["signature-decorated"]));
    assert_eq!(causes(EVENT, &right[..40]), value!(["signature-truncated"]));
}

#[test]
fn a_public_key_is_named() {
    let outcome = explain(EVENT, &sign("string", EVENT), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     ANSWERED      65f0c0ffee0000000000a002
      why: it was signed with `string`, the key printed in the vendor's tutorial: anybody can sign with it, so rotate it
    --- stderr
    ");
}

#[test]
fn another_key_of_the_user_is_named() {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY);
    vwh.write("old.key", "another key");
    let signature = sign(KEY, EVENT);
    let arguments = ["verify", "--explain", "--signing-key-file", "old.key", "--signature", &signature];
    let outcome = vwh.args(arguments).stdin(&format!("{{\"event\":{EVENT}}}")).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     ANSWERED      65f0c0ffee0000000000a002
      why: a key fits that was not tried, because --signing-key-file was given (key VWH_SIGNING_KEY)
    --- stderr
    ");
}

#[test]
fn the_signature_that_does_fit_is_named() {
    let right = sign(KEY, EVENT);
    let body = format!(r#"{{"event":{EVENT},"metadata":{{"signature":"{right}"}}}}"#);
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY);
    let outcome = vwh.args(["verify", "--explain", "--signature", &sign("x", "y")]).stdin(&body).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     ANSWERED      65f0c0ffee0000000000a002
      why: the signature in the body's metadata fits; the one in --signature counts, and does not (key VWH_SIGNING_KEY)
    --- stderr
    ");
    let wrong = format!(r#"{{"event":{EVENT},"metadata":{{"signature":"{}"}}}}"#, sign("x", "y"));
    let line = value!({"time": "2026-03-01T09:30:00Z", "verdict": "verified", "path": "/",
        "headers": [["x-von-signature", right]], "body": wrong});
    let outcome = vwh.args(["verify", "--explain", "--json"]).stdin(&format!("{line}\n")).run().exits(1);
    let explanation = outcome.json()["explanation"].clone();
    assert_eq!(explanation["causes"], value!(["another-signature"]));
    assert_eq!(
        explanation["message"],
        "the signature in the header X-VON-Signature fits; the one in the body's metadata counts, and does not"
    );
}

#[test]
fn a_capture_that_is_not_the_body_is_named() {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY);
    let signature = sign(KEY, EVENT);
    let arguments = ["verify", "--explain", "--signature", &signature];
    let outcome = vwh.args(arguments).stdin(&format!("{EVENT}\n")).run();
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 1
    --- stdout
    malformed  the body has no event
      why: this is the value of `event` alone; the body has it in {"event":…}; otherwise it verifies (key VWH_SIGNING_KEY)
    --- stderr
    "#);
    let outcome = vwh.args(arguments).stdin(&format!("\u{feff}{{\"event\":{EVENT}}}")).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    malformed  the body is not a JSON object
      why: a byte order mark was put before it: keep the body as bytes; otherwise it verifies (key VWH_SIGNING_KEY)
    --- stderr
    ");
}

#[test]
fn what_was_altered_is_said_to_be_altered() {
    let outcome = explain(&EVENT.replace("ANSWERED", "MISSED"), &sign(KEY, EVENT), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     MISSED        65f0c0ffee0000000000a002
      why: no known cause fits: the body was altered after it was signed, or the key is another one. Compare the key with that of the webhook (vwh list --json --show-secrets), and the body with its bytes as they arrive (vwh listen --record FILE keeps them)
    --- stderr
    ");
    let outcome = explain(EVENT, &sign("a key of somebody else", EVENT), &["--json"]).exits(1).json();
    assert_eq!(
        (&outcome["explanation"]["causes"], &outcome["explanation"]["key"]),
        (&value!([]), &Value::Null)
    );
    let outcome = explain(EVENT, "da39a3ee5e6b4b0d3255bfef95601890afd80709", &[]).exits(1);
    assert!(outcome.stdout.contains("has the length of a SHA-1"), "{outcome}");
}

#[test]
fn what_is_unsigned_needs_a_signature_from_somewhere() {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY).env("COLUMNS", "80");
    let outcome = vwh.args(["verify", "--explain"]).stdin(&format!("{{\"event\":{EVENT}}}")).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    unsigned   ANSWERED      65f0c0ffee0000000000a002
      why: it has neither the header X-VON-Signature nor a signature in its
           metadata: a body alone needs --signature, and the service signs only for
           a webhook with a key and the metadata policy header or body
    --- stderr
    ");
}

#[test]
fn a_key_is_never_shown() {
    for signature in [sign(&format!("{KEY}\n"), EVENT), sign(KEY, EVENT), "x".to_owned()] {
        for flags in [&["-vv"][..], &["--json"]] {
            let outcome = explain(EVENT, &signature, flags);
            assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY), "{outcome}");
        }
    }
}
