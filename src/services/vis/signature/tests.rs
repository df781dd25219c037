//! The vectors of vis §9, and the laws that hold for any event.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;

/// The vendor's own event (Vonage/vbc-developer, webhooks.md at f6d7a65), which its printed digest fits.
const VENDOR: &str = r#"{"accountId":"376","answerTime":"2018-02-15T18:59:03.496+0000","direction":"OUTBOUND","duration":2950,"endTime":"2018-02-15T18:59:06.446+0000","externalId":"callhalf-60227142553:0","id":"5a85d86f253bcd10897f3189","startTime":"2018-02-15T18:58:56.194+0000","state":"ANSWERED","type":"CALL","userId":"24785"}"#;
const VENDOR_DIGEST: &str = "95aafd08cb72b1f9216ccd002b8917b04e41ecb19276ae759241fdc0cbb53fb5";
const V1: &str = r#"{"accountId":"4711","direction":"INBOUND","duration":0,"externalId":"ext-0001:0","id":"65f0c0ffee0000000000a001","internal":false,"phoneNumber":"14155550123","startTime":"2024-03-01T09:30:00.250+0000","state":"RINGING","type":"CALL","ucpType":"VBS","userId":"9001"}"#;
const V1_DIGEST: &str = "e7fc0518e8d14f9a080d16ca6b4bd032545a0fda7b7a1ab35e56e3bfc37754a9";
const V2: &str = r#"{"accountId":"4711","answerTime":"2024-03-01T09:30:04.000+0000","callerId":"Zoë \"Ops\" O'Neil","direction":"OUTBOUND","duration":6500,"endTime":"2024-03-01T09:30:10.500+0000","id":"65f0c0ffee0000000000a002","startTime":"2024-03-01T09:30:00.250+0000","state":"ANSWERED","type":"CALL","userId":"9001"}"#;
const V2_DIGEST: &str = "dbb486aa4b78208038dd10c67d2226b88fdca3d4b6510a0386025445cc39a38b";
const V2_ESCAPED_DIGEST: &str = "49e36fa287733bc191feff4a9660cd7be27b7268cadf53191555ed42164975b2";
const V3: &str = r#"{"A":1,"a":2,"n":{"a":2,"b":1}}"#;
const V3_DIGEST: &str = "b3b2385d6c9bbd85e69c3e0f77b72b1662984c024dca876d29758de9a6edcf73";

fn key(text: &str) -> Vec<Secret> {
    vec![Secret::new(text)]
}

fn form(event: &str, signature: &str, with: &str) -> Option<Form> {
    verify(event, signature, &key(with)).map(|found| found.form)
}

#[test]
fn the_vendors_vector_verifies() {
    assert_eq!(VENDOR.len(), 306);
    assert_eq!(sign(&Secret::new("mysecretkey"), VENDOR.as_bytes()), VENDOR_DIGEST);
    assert_eq!(form(VENDOR, VENDOR_DIGEST, "mysecretkey"), Some(Form::AsReceived));
}

/// What the current page of the vendor prints does not fit its own event, and must not.
#[test]
fn the_vendors_current_sample_does_not_verify() {
    let spaced = VENDOR.replace(':', ": ").replace("5a85d86f253bcd10897f3189", "abc1234");
    assert_eq!(form(&spaced, VENDOR_DIGEST, "mysecretkey"), None);
}

#[test]
fn the_computed_vectors_verify() {
    for (event, length, digest) in [(V1, 265, V1_DIGEST), (V2, 301, V2_DIGEST), (V3, V3.len(), V3_DIGEST)] {
        assert_eq!(event.len(), length);
        assert_eq!(sign(&Secret::new("vwh-test-key"), event.as_bytes()), digest);
        assert_eq!(form(event, digest, "vwh-test-key"), Some(Form::AsReceived));
        assert_eq!(canonical(event, Spelling::Utf8).as_deref(), Ok(event));
    }
}

#[test]
fn escaped_characters_are_one_more_form() {
    let escaped = canonical(V2, Spelling::Escaped).unwrap();
    assert_eq!(escaped.len(), 305);
    assert_eq!(sign(&Secret::new("vwh-test-key"), escaped.as_bytes()), V2_ESCAPED_DIGEST);
    assert_eq!(form(V2, V2_ESCAPED_DIGEST, "vwh-test-key"), Some(Form::CanonicalEscaped));
    assert_eq!(form(&escaped, V2_ESCAPED_DIGEST, "vwh-test-key"), Some(Form::AsReceived));
    assert_eq!(form(&escaped, V2_DIGEST, "vwh-test-key"), Some(Form::Canonical));
}

#[test]
fn the_signed_text_is_the_event_and_not_its_envelope() {
    let wrapped = format!("{{\"event\":{V1}}}");
    let of_envelope = "077a45e3890317b59ae7842215eb653616941bea07c4394cf67d4d146025cc19";
    assert_eq!(sign(&Secret::new("vwh-test-key"), wrapped.as_bytes()), of_envelope);
    assert_eq!(form(V1, of_envelope, "vwh-test-key"), None);
}

#[test]
fn order_and_white_space_of_what_was_received_do_not_matter() {
    let shuffled = "{ \"n\" : {\"b\":1,\n\"a\":2}, \"a\":2 ,\"A\":1 }";
    assert_eq!(form(shuffled, V3_DIGEST, "vwh-test-key"), Some(Form::Canonical));
}

#[test]
fn a_signature_may_be_in_capitals_and_is_64_digits() {
    assert_eq!(form(V1, &V1_DIGEST.to_uppercase(), "vwh-test-key"), Some(Form::AsReceived));
    for wrong in ["", "e7", &V1_DIGEST[1..], &format!("{V1_DIGEST}00"), &V1_DIGEST.replace('e', "g"), "é"] {
        assert_eq!(form(V1, wrong, "vwh-test-key"), None, "{wrong}");
    }
}

#[test]
fn any_of_several_keys_may_fit() {
    let keys = [Secret::new("old"), Secret::new("vwh-test-key")];
    assert_eq!(verify(V1, V1_DIGEST, &keys), Some(Match { key: 1, form: Form::AsReceived }));
    assert_eq!(verify(V1, V1_DIGEST, &keys[..1]), None);
    assert_eq!(verify(V1, V1_DIGEST, &[]), None);
}

#[test]
fn numbers_nulls_and_texts_keep_their_spelling() {
    let same = |json: &str| canonical(json, Spelling::Utf8).unwrap();
    assert_eq!(same(r#"{"b":1e3,"a":1.0}"#), r#"{"a":1.0,"b":1e3}"#);
    assert_eq!(same("[12345678901234567890123,-0,0.10]"), "[12345678901234567890123,-0,0.10]");
    assert_eq!(same(r#"{"z":null,"a":true}"#), r#"{"a":true,"z":null}"#);
    assert_eq!(same(r#""\u0041\/\u001f\n""#), r#""A/\u001f\n""#);
    assert_eq!(canonical("\"😀\"", Spelling::Escaped).unwrap(), r#""\ud83d\ude00""#);
}

#[test]
fn a_member_that_stands_there_twice_has_no_canonical_form() {
    // Else somebody could put a second state before the signed one, for a reader that takes the first.
    let signed = canonical(r#"{"state":"RINGING"}"#, Spelling::Utf8).unwrap();
    let signature = sign(&Secret::new("k"), signed.as_bytes());
    assert_eq!(form(r#"{"state":"MISSED","state":"RINGING"}"#, &signature, "k"), None);
    assert_eq!(canonical(r#"{"a":{"b":1,"b":1}}"#, Spelling::Utf8), Err(CanonicalError::Twice));
    assert_eq!(canonical(r#"{"a":1,"\u0061":1}"#, Spelling::Utf8), Err(CanonicalError::Twice));
}

#[test]
fn what_is_no_event_has_no_canonical_form() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(canonical(&deep, Spelling::Utf8), Err(CanonicalError::Depth));
    let deep = "{\"a\":".repeat(5_000) + "1" + &"}".repeat(5_000);
    assert_eq!(canonical(&deep, Spelling::Utf8), Err(CanonicalError::Depth));
    for wrong in ["", "{", "{} {}", "nul", r#"{"a":"\ud800"}"#, r#"{"\ud800":1}"#] {
        assert_eq!(canonical(wrong, Spelling::Utf8), Err(CanonicalError::Syntax), "{wrong}");
    }
}

#[test]
fn depth_is_counted_before_anything_is_read() {
    let nested = |depth: usize| "[{\"a\":".repeat(depth / 2) + "1" + &"}]".repeat(depth / 2);
    assert!(!is_deep(&nested(DEPTH)));
    assert!(is_deep(&nested(DEPTH + 2)));
    // Side by side is not below, and in a text nothing counts.
    assert!(!is_deep(&format!("[{}1]", "[],{},".repeat(10_000))));
    assert!(!is_deep(&format!("[\"{}\"]", r#"\"[{\\"#.repeat(100))));
    assert!(is_deep(&format!(r#"["\\",{}"#, "[".repeat(DEPTH))));
    // It need not be JSON: what stands behind the first levels is not looked at.
    assert!(is_deep(&"{".repeat(1 << 20)));
    assert!(!is_deep(&"}".repeat(1 << 20)));
}

#[test]
fn a_large_body_is_no_work_that_nesting_multiplies() {
    let deep = "[".repeat(100_000) + &"1".repeat(800_000) + &"]".repeat(100_000);
    assert_eq!(canonical(&deep, Spelling::Utf8), Err(CanonicalError::Depth));
    assert_eq!(form(&deep, V1_DIGEST, "vwh-test-key"), None);
    let wide = "[".repeat(29) + "0" + &",0".repeat(500_000) + &"]".repeat(29);
    assert_eq!(canonical(&wide, Spelling::Utf8).as_deref(), Ok(wide.as_str()));
    assert_eq!(form(&wide, V1_DIGEST, "vwh-test-key"), None);
}

/// Any JSON value without numbers that differ in nothing but their spelling.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(object),
        ]
    })
}

fn object(members: std::collections::BTreeMap<String, Value>) -> Value {
    Value::Object(members.into_iter().collect::<Map<_, _>>())
}

/// Any event.
pub(super) fn event() -> impl Strategy<Value = String> {
    prop::collection::btree_map(any::<String>(), json(), 0..6).prop_map(|members| object(members).to_string())
}

proptest! {
    #[test]
    fn what_is_signed_verifies_in_every_form(event in event(), secret in ".{1,40}") {
        let secret = Secret::new(secret);
        let keys = [secret.clone()];
        for text in [
            event.clone(),
            canonical(&event, Spelling::Utf8).unwrap(),
            canonical(&event, Spelling::Escaped).unwrap(),
        ] {
            prop_assert!(verify(&event, &sign(&secret, text.as_bytes()), &keys).is_some());
        }
    }

    #[test]
    fn a_canonical_form_is_its_own_and_says_the_same(event in event()) {
        let value: Value = serde_json::from_str(&event).unwrap();
        for spelling in [Spelling::Utf8, Spelling::Escaped] {
            let text = canonical(&event, spelling).unwrap();
            prop_assert_eq!(&canonical(&text, spelling).unwrap(), &text);
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &value);
        }
    }

    /// One byte can change without changing what is said: the case of a digit in `\u001F`. Nothing else verifies.
    #[test]
    fn any_changed_byte_fails(event in event(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let event = canonical(&event, Spelling::Utf8).unwrap();
        let secret = Secret::new("vwh-test-key");
        let signature = sign(&secret, event.as_bytes());
        let mut changed = event.clone().into_bytes();
        let at = at.index(changed.len());
        prop_assume!(changed[at] != to);
        changed[at] = to;
        if let Ok(text) = String::from_utf8(changed) && verify(&text, &signature, &[secret]).is_some() {
            let is_case_of_escape = text.eq_ignore_ascii_case(&event) && text[..at].contains("\\u00");
            prop_assert!(is_case_of_escape, "{text}");
            prop_assert_eq!(
                serde_json::from_str::<Value>(&text).unwrap(),
                serde_json::from_str::<Value>(&event).unwrap()
            );
        }
    }

    #[test]
    fn any_changed_digit_of_the_signature_fails(at in 0_usize..64, to in "[0-9a-f]") {
        let mut signature = V1_DIGEST.to_owned();
        prop_assume!(signature[at..=at] != to);
        signature.replace_range(at..=at, &to);
        prop_assert_eq!(form(V1, &signature, "vwh-test-key"), None);
    }
}
