//! `vwh verify` of deliveries of Contact Center and VoIPBIN: every vector of both sheets, and what is said of those that fail.

use serde_json::{Value, json as value};

use crate::signing::{CC1, K1, K2, S1, S4, VB1, VB2};
use crate::support::{Outcome, Vwh};

const CC2: &str = r#"{"specversion":"1.0","type":"channel.held.v1"}"#;
const V1: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3Njc2MDE4MDAsImV4cCI6MTc2NzYwMjEwMCwicGF5bG9hZF9oYXNoIjoiNTE1ZDMxNDMwNGNkZTE0Y2E0MWQyZWNkZTEzOTA4YzA2ZjJlZjQ5MThjZGQ5YTRhYzZiNjhkZGZiM2VlZDM5NSJ9.pBZGn2_3VQls20O06432f31wRVlePf_q_gjUycQHs-Y";
const V1_UNDECODED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3Njc2MDE4MDAsImV4cCI6MTc2NzYwMjEwMCwicGF5bG9hZF9oYXNoIjoiNTE1ZDMxNDMwNGNkZTE0Y2E0MWQyZWNkZTEzOTA4YzA2ZjJlZjQ5MThjZGQ5YTRhYzZiNjhkZGZiM2VlZDM5NSJ9.OWI5ZVV-Z6hoVpbhdVIZr1ooG-JlpsJhZoQIgs6xo5s";
const V2: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3Njc2MDE4MDAsImV4cCI6MTc2NzYwMjEwMCwicGF5bG9hZF9oYXNoIjoiM2YwNzdkYWVmYjZjNTcyNDcyMmI5NzEzZDY0M2MxNDk1ZGI3NGZhM2MzYjUyNDBiYWMwYjU1ODY0ZThmMjhmOCJ9.t3wQNqHQyi8CMdeedvXNEoNSWCJXB0LoMcafPlHkxnA";
const V3: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3Njc2MDIxMDAsInBheWxvYWRfaGFzaCI6IjNGMDc3REFFRkI2QzU3MjQ3MjJCOTcxM0Q2NDNDMTQ5NURCNzRGQTNDM0I1MjQwQkFDMEI1NTg2NEU4RjI4RjgifQ.eLpIwXi9bp7FYWIwEpeOMKWTHTNWQyDHPcV0PNwrqag";
const V4: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3Njc2MDE4MDAsImV4cCI6MTc2NzYwMjEwMCwicGF5bG9hZF9oYXNoIjoiM2YwNzdkYWVmYjZjNTcyNDcyMmI5NzEzZDY0M2MxNDk1ZGI3NGZhM2MzYjUyNDBiYWMwYjU1ODY0ZThmMjhmOCJ9.3ZWYH-KIzyTZiPCQT-CQVdEmjfzrLX7gnHZe5XDP5rI";
const V5: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpYXQiOjE3Njc2MDE4MDAsImV4cCI6MTc2NzYwMjEwMCwicGF5bG9hZF9oYXNoIjoiNTE1ZDMxNDMwNGNkZTE0Y2E0MWQyZWNkZTEzOTA4YzA2ZjJlZjQ5MThjZGQ5YTRhYzZiNjhkZGZiM2VlZDM5NSJ9.";

/// Within the life of the sheet's tokens.
const NOW: &str = "1767601900";

fn verify(key: &str, body: &str, flags: &[&str]) -> Outcome {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", key);
    vwh.args(["verify", "--json"].iter().chain(flags).copied()).stdin(body).run()
}

/// Verdict, error, and causes of a run.
fn told(outcome: &Outcome) -> (String, Value, Value) {
    let answer = outcome.json();
    let verdict = answer["verdict"].as_str().unwrap().to_owned();
    (verdict, answer["error"].clone(), answer["explanation"]["causes"].clone())
}

/// A line as `listen --record` writes it.
fn line(time: &str, headers: &Value, body: &str) -> String {
    let line = value!({"time": time, "verdict": "verified", "duplicate": false, "path": "/webhook",
        "headers": headers, "body": body});
    format!("{line}\n")
}

#[test]
fn the_valid_vectors_of_contact_center_verify() {
    let bearer = format!("Bearer {V1}");
    for (key, body, token) in
        [(S1, CC1, V1), (S1, CC1, bearer.as_str()), (S1, CC2, V2), (S1, CC2, V3), (S4, CC2, V4)]
    {
        let outcome = verify(key, body, &["--signature", token, "--now", NOW]).exits(0);
        let answer = outcome.json();
        assert_eq!(
            (&answer["verdict"], &answer["service"]),
            (&value!("verified"), &value!("contact-center"))
        );
    }
}

#[test]
fn the_vectors_of_contact_center_that_must_fail_do_and_say_why() {
    let ended = format!("{CC2}\n");
    for (key, body, token, now, verdict, error) in [
        (
            S1,
            CC1,
            V1_UNDECODED,
            NOW,
            "forged",
            "the signature was made with the secret's text: decode it from base64 first",
        ),
        // The leeway is 30 s.
        (S1, CC1, V1, "1767602131", "expired", "the signature has expired"),
        (S1, CC1, V1, "2026-01-05T08:36:00Z", "expired", "the signature has expired"),
        (S1, CC2, V1, NOW, "forged", "the body was altered: its hash is another"),
        (S1, &ended, V2, NOW, "forged", "the body was altered: its hash is another"),
        (S1, CC1, V5, NOW, "forged", "the signature's algorithm is not HS256"),
        (S1, CC1, "no token", NOW, "forged", "the signature is no JWT"),
    ] {
        let outcome = verify(key, body, &["--signature", token, "--now", now]).exits(1);
        assert_eq!(told(&outcome), (verdict.to_owned(), value!(error), Value::Null));
    }
    let outcome = verify(S4, CC1, &["--signature", V1, "--now", NOW]).exits(1);
    assert_eq!(told(&outcome), ("forged".to_owned(), Value::Null, Value::Null));
    let outcome = verify(S1, CC1, &["--signature", V1]).exits(1);
    assert_eq!(told(&outcome).0, "expired");
}

#[test]
fn the_vectors_of_voipbin_verify_or_do_not() {
    for (key, body, signature) in [
        (K1, VB1, "sha256=d62d58b507d7f391c4baa6df65b7b621e845e3955bd03728693d72be157dc744"),
        (K2, VB1, "sha256=a866cd1187e64685fc2aea54906b9373580604588294e2fb35db18101c600551"),
        (K1, VB2, "sha256=08455ab1a8c9c13c554a07cd0b531e0f4881b5d4746d51317948ff079a226799"),
    ] {
        let outcome = verify(key, body, &["--signature", signature]).exits(0);
        assert_eq!(outcome.json()["service"], "voipbin");
    }
    for (key, body, signature, cause) in [
        (K1, VB2, "sha256=8f05253529b2ef9c90a318f9b5485142e15f9849d8ef6f4134ee726acdd8198d", "re-serialised"),
        (K2, VB1, "sha256=76975c5ee41e8837e36dfdedb396ab5a857dc7e50d590de24c53981b24f0bbc3", "key-hex"),
        (K1, VB1, "sha256=49a5675961260926fbc9f9a9c39d6fd7bf7dca449772c7ab293e9a628011e7a0", "key-base64"),
        (K1, VB1, "d62d58b507d7f391c4baa6df65b7b621e845e3955bd03728693d72be157dc744", "no-prefix"),
    ] {
        let outcome = verify(key, body, &["--signature", signature, "--explain"]).exits(1);
        assert_eq!(told(&outcome), ("forged".to_owned(), Value::Null, value!([cause])));
    }
    let signature = "sha256=d62d58b507d7f391c4baa6df65b7b621e845e3955bd03728693d72be157dc744";
    let ended = format!("{VB1}\n");
    let outcome = verify(K1, &ended, &["--signature", signature, "--explain"]).exits(1);
    assert_eq!(told(&outcome).2, value!(["line-end"]));
    let outcome = verify("another", VB1, &["--signature", signature, "--explain"]).exits(1);
    assert_eq!(told(&outcome).2, value!([]));
    // Of the other services the empty body of the sheet's fourth vector is no delivery, whatever its signature.
    let outcome = Vwh::new().env("VWH_SIGNING_KEY", "test-secret").args(["verify"]).stdin("").run();
    let _ = outcome.exits(2).says("is empty");
    let empty = "sha256=a41bc6d81d6413576ae0994995e0ad89a416ec97389515c3604f47722122eeeb";
    let outcome = verify("test-secret", "", &["--service", "voipbin", "--signature", empty]).exits(0);
    assert_eq!((&outcome.json()["verdict"], &outcome.json()["state"]), (&value!("verified"), &Value::Null));
    let outcome =
        verify("another", "", &["--service", "voipbin", "--signature", empty, "--explain"]).exits(1);
    assert_eq!(told(&outcome).0, "forged");
    let outcome = verify("test-secret", "", &["--service", "voipbin"]).exits(1);
    assert_eq!(told(&outcome).0, "unsigned");
    let _ = verify("test-secret", "", &["--service", "vis", "--signature", empty]).exits(2).says("is empty");
}

#[test]
fn a_timestamp_before_the_body_is_the_scheme_of_older_documents() {
    let signature = "sha256=b2415a5b4c3a87785e54914f9bd204bc8e356ce56d74280fdcf270ac0a6e165f";
    let headers =
        value!([["x-voipbin-signature", signature], ["x-voipbin-timestamp", "2026-01-05T08:30:00.000Z"]]);
    let outcome = verify(K1, &line("2026-01-05T08:30:01Z", &headers, VB1), &["--explain"]).exits(1);
    assert_eq!(told(&outcome), ("forged".to_owned(), Value::Null, value!(["timestamp"])));
}

#[test]
fn a_line_is_checked_as_of_when_it_was_recorded() {
    let headers = value!([["vonage-signature", V1]]);
    let recorded = line("2026-01-05T08:31:40Z", &headers, CC1);
    let _ = verify(S1, &recorded, &[]).exits(0);
    let outcome = verify(S1, &recorded, &["--now", "2026-01-05T10:35:00Z", "--explain"]).exits(1);
    let answer = outcome.json();
    assert_eq!(answer["explanation"]["causes"], value!(["expired"]));
    assert_eq!(
        answer["explanation"]["message"],
        "it expired at 2026-01-05T08:35:00Z, 2 h ago; until then it verified (--now T checks it as of the moment T)"
    );
}

#[test]
fn what_goes_wrong_with_contact_center_is_explained() {
    let explained = |key: &str, body: &str, token: &str| {
        let outcome = verify(key, body, &["--signature", token, "--now", NOW, "--explain"]);
        told(&outcome).2
    };
    assert_eq!(explained(S1, CC1, V1_UNDECODED), value!(["undecoded-key"]));
    assert_eq!(explained(S1, &format!("{CC2}\n"), V2), value!(["line-end"]));
    assert_eq!(explained(S1, &CC2.replace(':', ": "), V2), value!(["re-serialised"]));
    assert_eq!(explained(S1, CC2, V1), value!(["altered"]));
    assert_eq!(explained(S1, CC1, &format!("Bearer {V1}")), value!(["bearer"]));
    assert_eq!(explained(S1, CC1, V1), Value::Null);
    // Signed as the sheet's §8 warns of: the HMAC of the body instead of its hash, made by hand.
    assert_eq!(explained(S1, CC1, &crate::signing::keyed_token()), value!(["keyed-hash"]));
}

/// A token with these parts, made with the key of S1.
fn token(header: &Value, claims: &Value) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let key = STANDARD.decode(S1).unwrap();
    let mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap().chain_update(&signed).finalize();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
}

/// The SHA-256 of `body` in hexadecimal.
fn hash(body: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is said of `body` with a token of the key at hand.
fn why(body: &str, token: &str) -> Value {
    let outcome = verify(S1, body, &["--signature", token, "--now", NOW, "--explain"]).exits(1);
    outcome.json()["explanation"].clone()
}

#[test]
fn a_flaw_that_is_known_leaves_no_other_cause() {
    let header = value!({"alg": "HS256", "typ": "JWT"});
    let claims = value!({"exp": 1_767_602_100, "payload_hash": hash(CC2)});
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        token(&header, &claims)
    };
    let key = value!("VWH_SIGNING_KEY");
    for (body, token, cause, key) in [
        (CC2, token(&value!({"alg": "HS512", "typ": "JWT"}), &claims), "algorithm", &Value::Null),
        (CC2, without("exp"), "no-expiry", &key),
        (CC2, without("payload_hash"), "no-hash", &key),
        (CC1, token(&header, &claims), "altered", &key),
        (CC2, "a.b".to_owned(), "no-token", &Value::Null),
    ] {
        let why = why(body, &token);
        assert_eq!((&why["causes"], &why["key"]), (&value!([cause]), key), "{why}");
        let message = why["message"].as_str().unwrap();
        assert!(!message.contains("key is another one") && !message.contains("no known cause"), "{message}");
    }
    // The token carries the body's hash, so the body has no part in a signature that fits no key.
    let outcome = verify(S4, CC1, &["--signature", V1, "--now", NOW, "--explain"]).exits(1);
    let message = outcome.json()["explanation"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the body has no part in that"), "{message}");
}

#[test]
fn a_body_that_was_parsed_and_written_anew_is_named() {
    let written = [
        (r#"{"type":"x.y.v1","data":{"n":1.50}}"#, r#"{"type":"x.y.v1","data":{"n":1.5}}"#, "numbers"),
        (r#"{"type":"x","data":{"n":1.0}}"#, r#"{"type":"x","data":{"n":1}}"#, "numbers"),
        (
            r#"{"type":"x","data":{"id":7340013123456789123}}"#,
            r#"{"type":"x","data":{"id":7340013123456790000}}"#,
            "numbers",
        ),
        (
            r#"{"type":"x","data":{"name":"M\u00fcller"}}"#,
            r#"{"type":"x","data":{"name":"Müller"}}"#,
            "escapes",
        ),
        (
            r#"{"type":"x","data":{"name":"Müller"}}"#,
            r#"{"type":"x","data":{"name":"M\u00fcller"}}"#,
            "escapes",
        ),
    ];
    let header = value!({"alg": "HS256", "typ": "JWT"});
    for (signed, received, cause) in written {
        let [event, written] =
            [signed, received].map(|body| body.replacen('{', r#"{"specversion":"1.0","#, 1));
        let token = token(&header, &value!({"exp": 1_767_602_100, "payload_hash": hash(&event)}));
        let causes = why(&written, &token)["causes"].clone();
        assert_eq!(causes, value!([cause]), "Contact Center: {received}");
        let signature = format!("sha256={}", crate::listening::sign(K1, signed));
        let flags = ["--service", "voipbin", "--signature", &signature, "--explain"];
        let outcome = verify(K1, received, &flags).exits(1);
        assert_eq!(told(&outcome).2, value!([cause]), "VoIPBIN: {received}");
    }
    // Both the number and the escapes of Go's encoder.
    let signature =
        format!("sha256={}", crate::listening::sign(K1, r#"{"type":"x","data":{"n":1.0,"t":"\u003c"}}"#));
    let received = r#"{"type":"x","data":{"n":1,"t":"<"}}"#;
    let outcome = verify(K1, received, &["--signature", &signature, "--explain"]).exits(1);
    assert_eq!(told(&outcome).2, value!(["numbers"]));
    // These digits are lost.
    let received = r#"{"type":"x","data":{"id":1.2345678901234568e+22}}"#;
    let outcome = verify(K1, received, &["--signature", &signature, "--explain"]).exits(1);
    let message = outcome.json()["explanation"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("its number 1.2345678901234568e+22 may be one that JavaScript has rounded"),
        "{message}"
    );
}

#[test]
fn of_two_signatures_none_is_chosen() {
    let signature = "sha256=d62d58b507d7f391c4baa6df65b7b621e845e3955bd03728693d72be157dc744";
    for (other, verdict, error) in [
        (signature, "verified", Value::Null),
        ("sha256=00", "malformed", value!("it has two signatures, and they differ")),
    ] {
        let headers = value!([["x-voipbin-signature", signature], ["x-voipbin-signature", other]]);
        let outcome = verify(K1, &line("2026-01-05T08:30:01Z", &headers, VB1), &[]);
        assert_eq!(told(&outcome), (verdict.to_owned(), error, Value::Null));
    }
}

#[test]
fn a_value_that_can_be_no_signature_is_said_to_be_none() {
    for signature in ["sha256=12", "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709", "x"] {
        let outcome =
            verify(K1, VB1, &["--service", "voipbin", "--signature", signature, "--explain"]).exits(1);
        assert_eq!(told(&outcome).2, value!(["signature-malformed"]), "{signature}");
    }
}

#[test]
fn a_key_that_was_not_tried_is_named() {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", K1);
    vwh.write("other.key", K2);
    let signature = "sha256=d62d58b507d7f391c4baa6df65b7b621e845e3955bd03728693d72be157dc744";
    let flags = [
        "verify",
        "--explain",
        "--signing-key-file",
        "other.key",
        "--signature",
        signature,
        "--service",
        "voipbin",
    ];
    let outcome = vwh.args(flags).stdin(VB1).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    forged     call_hangup               3c6f0a5e-0d11-4b7a-9a55-6e2d8b1f7c90
      why: a key fits that was not tried, because --signing-key-file was given (key VWH_SIGNING_KEY)
    --- stderr
    ");
}

#[test]
fn another_service_is_refused_and_a_key_that_can_be_none_of_it_too() {
    let outcome = verify(S1, CC1, &["--signature", V1, "--now", NOW, "--service", "voipbin"]).exits(1);
    assert_eq!(
        told(&outcome),
        ("malformed".to_owned(), value!("it is of Contact Center, and --service wants another"), Value::Null)
    );
    let outcome = Vwh::new()
        .env("VWH_SIGNING_KEY", "no base64!")
        .args(["verify", "--service", "contact-center"])
        .stdin(CC1)
        .run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: the signing key in VWH_SIGNING_KEY is no base64, and a key of Contact Center is nothing else

    hint: put the secret into it as the service shows it
    ");
}
