//! Every known cause with a signature that was made that way, and what must not be taken for one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::super::sign;
use super::*;

const KEY: &str = "vwh-test-key";

/// An event in its canonical form, with a number, a name beyond ASCII, a slash and an `&`.
const EVENT: &str = r#"{"callerId":"Zoë & Co","duration":6500,"endTime":"2024-03-01T09:30:10.500+0000","externalId":"a/b","internal":false,"state":"ANSWERED","userId":"9001"}"#;

fn hmac(key: &[u8], text: &str) -> String {
    crate::hexadecimal::encode(&super::super::digest(key, text.as_bytes()).finalize().into_bytes())
}

fn diagnosed(event: &str, signature: &str, keys: &[&str]) -> Option<(String, Option<usize>)> {
    let keys: Vec<Secret> = keys.iter().map(|key| Secret::new(*key)).collect();
    let body = format!("{{ \"event\" : {event} }}\n");
    let finding = explain(&Case { body: &body, event, signature, keys: &keys })?;
    let names: Vec<&str> = finding.causes.iter().map(|cause| cause.name).collect();
    Some((names.join("+"), finding.key))
}

/// What is found where `received` came with a signature of `signed`.
fn of_text(received: &str, signed: &str) -> String {
    assert!(super::super::verify(received, &hmac(KEY.as_bytes(), signed), &[Secret::new(KEY)]).is_none());
    let found = diagnosed(received, &hmac(KEY.as_bytes(), signed), &["another", KEY]);
    let (names, key) = found.unwrap_or_else(|| panic!("nothing fits {signed}"));
    assert_eq!(key, Some(1), "{names}");
    names
}

/// What is found where the event came with a signature by `used`.
fn of_key(used: &[u8], at_hand: &str) -> Option<(String, Option<usize>)> {
    diagnosed(EVENT, &hmac(used, EVENT), &[at_hand])
}

#[test]
fn another_text_than_the_event_was_signed() {
    let cases = [
        ("whole-body", format!("{{ \"event\" : {EVENT} }}\n")),
        ("whole-body", format!("{{ \"event\" : {EVENT} }}")),
        ("whole-body", format!("{{\"event\":{EVENT}}}")),
        ("line-end", format!("{EVENT}\n")),
        ("line-end", format!("{EVENT}\r\n")),
    ];
    for (name, signed) in cases {
        assert_eq!(of_text(EVENT, &signed), name, "{signed}");
    }
}

#[test]
fn the_event_was_signed_in_its_envelope() {
    // The body has more than the event, so the envelope is not the whole of it.
    let signature = hmac(KEY.as_bytes(), &format!("{{\"event\":{EVENT}}}"));
    let body = format!(r#"{{"event":{EVENT},"metadata":{{"deliveryId":"d"}}}}"#);
    let keys = [Secret::new(KEY)];
    let finding = explain(&Case { body: &body, event: EVENT, signature: &signature, keys: &keys }).unwrap();
    assert_eq!((finding.causes[0].name, finding.key), ("envelope", Some(0)));
}

#[test]
fn the_event_was_written_in_another_style() {
    let unsorted = r#"{"state":"RINGING","id":"1","a":[1,{"c":1,"b":2}]}"#;
    let sorted = r#"{"a":[1,{"b":2,"c":1}],"id":"1","state":"RINGING"}"#;
    let cases = [
        (unsorted.replace(',', ", "), unsorted.to_owned(), "order"),
        (sorted.to_owned(), sorted.replace(',', ", ").replace(':', ": "), "white-space"),
        (sorted.to_owned(), sorted.replace(':', ": "), "white-space"),
        (unsorted.to_owned(), unsorted.replace(',', ", ").replace(':', ": "), "white-space"),
        (
            r#"{"a":{"b":[]},"c":[1,2]}"#.to_owned(),
            "{\n  \"a\": {\n    \"b\": []\n  },\n  \"c\": [\n    1,\n    2\n  ]\n}".to_owned(),
            "white-space",
        ),
        (r#"{"a":1,"b":2}"#.to_owned(), "{\n\t\"a\": 1,\n\t\"b\": 2\n}".to_owned(), "white-space"),
        (EVENT.to_owned(), EVENT.replace('ë', "\\u00EB"), "escapes"),
        (EVENT.to_owned(), EVENT.replace('/', "\\/"), "slashes"),
        (EVENT.to_owned(), EVENT.replace('/', "\\/").replace('ë', "\\u00eb"), "slashes"),
        (EVENT.to_owned(), EVENT.replace('&', "\\u0026"), "html-escapes"),
    ];
    for (received, signed, name) in cases {
        assert_eq!(of_text(&received, &signed), name, "{signed}");
    }
}

#[test]
fn the_event_was_parsed_and_written_anew() {
    let number = |text: &str| format!(r#"{{"a":7,"n":{text}}}"#);
    for (received, signed) in [
        ("1000.0", "1e3"),
        ("1000", "1e3"),
        ("1000", "1E3"),
        ("1000", "1.0E3"),
        ("6500.0", "6500"),
        ("6500", "6500.0"),
        ("1", "1.0"),
        ("1.0", "1"),
        ("6500", "6.5e3"),
        ("6500", "6.5E+03"),
        ("0.1", "0.10"),
    ] {
        assert_eq!(of_text(&number(received), &number(signed)), "numbers", "{received} {signed}");
    }
    assert_eq!(of_text(r#"{"a":1000.0,"b":2.0}"#, r#"{"a":1000,"b":2}"#), "numbers");
    for (received, signed) in [
        (EVENT.to_owned(), EVENT.replace("6500", "\"6500\"")),
        (EVENT.replace("6500", "\"6500\""), EVENT.to_owned()),
        (EVENT.to_owned(), EVENT.replace("\"9001\"", "9001")),
        (EVENT.to_owned(), EVENT.replace("false", "\"false\"").replace("6500", "\"6500\"")),
    ] {
        assert_eq!(of_text(&received, &signed), "types", "{signed}");
    }
    let time = "2024-03-01T09:30:10.500+0000";
    for other in ["2024-03-01T09:30:10.500Z", "2024-03-01T09:30:10.5+00:00", "2024-03-01T10:30:10.500+01:00"]
    {
        assert_eq!(of_text(&EVENT.replace(time, other), EVENT), "times", "{other}");
    }
    assert_eq!(of_text(EVENT, &EVENT.replace(time, "2024-03-01T09:30:10.500Z")), "times");
    for garbled in ["ZoÃ«", "ZoÃ\u{ab}"] {
        assert_eq!(of_text(&EVENT.replace("Zoë", garbled), EVENT), "mojibake", "{garbled}");
    }
    assert_eq!(of_text(EVENT, &EVENT.replace("Zoë", "ZoÃ«")), "mojibake");
    assert_eq!(of_text(&EVENT.replace("Zoë", "â‚¬"), &EVENT.replace("Zoë", "€")), "mojibake");
}

#[test]
fn javascript_has_parsed_it_and_written_it_anew() {
    let number = |text: &str| format!(r#"{{"a":7,"n":{text},"o":1.5}}"#);
    for (was, is) in [
        ("1.50", "1.5"),
        ("1.500", "1.5"),
        ("1.0", "1"),
        ("1.00", "1"),
        ("7340013123456789123", "7340013123456790000"),
        ("-7340013123456789123", "-7340013123456790000"),
    ] {
        assert_eq!(of_text(&number(is), &number(was)), "numbers", "{was} {is}");
        assert_eq!(of_text(&number(was), &number(is)), "numbers", "{was} {is}");
    }
    // Of these the digits are lost, but not where they are at hand.
    assert_eq!(of_text(&number("12345678901234567890123"), &number("1.2345678901234568e+22")), "numbers");
    let two = r#"{"a":7340013123456789123,"b":1.50}"#;
    assert_eq!(of_text(two, r#"{"a":7340013123456790000,"b":1.5}"#), "numbers");
}

#[test]
fn only_the_escapes_differ() {
    for (plain, escaped) in [
        (r#"{"b": "Zoë", "a": 1}"#, r#"{"b": "Zo\u00eb", "a": 1}"#),
        (r#"{"b":"Zoë","a":1}"#, r#"{"b":"Zo\u00eb","a":1}"#),
        (r#"{"a":"Zoë","b":" "}"#, r#"{"a":"Zo\u00EB","b":" "}"#),
    ] {
        assert_eq!(of_text(plain, escaped), "escapes", "{escaped}");
    }
    for (received, signed) in [
        (r#"{"b": "Zo\u00eb", "a": 1}"#, r#"{"b": "Zoë", "a": 1}"#),
        (r#"{"b":"Zo\u00eb","a":1}"#, r#"{"b":"Zoë","a":1}"#),
    ] {
        assert_eq!(of_text(received, signed), "escapes", "{signed}");
    }
    assert_eq!(of_text(r#"{"b": "Zo\u00eb", "a": 1}"#, r#"{"b":"Zo\u00eb","a":1}"#), "order");
}

#[test]
fn members_came_or_went() {
    let null = |name: &str| EVENT.replacen('{', &format!("{{\"{name}\":null,"), 1);
    assert_eq!(of_text(&null("answerTime"), EVENT), "nulls");
    assert_eq!(of_text(EVENT, &null("answerTime")), "nulls");
    assert_eq!(
        of_text(
            EVENT,
            &EVENT
                .replacen('{', r#"{"answerTime":null,"#, 1)
                .replace(",\"state\"", ",\"smsData\":null,\"state\"")
        ),
        "nulls"
    );
    assert_eq!(of_text(r#"{"a":"","b":1}"#, r#"{"a":null,"b":1}"#), "nulls");
    assert_eq!(of_text(r#"{"a":"","b":1}"#, r#"{"b":1}"#), "nulls");
    let added = EVENT.replacen('{', r#"{"aReceivedAt":"now","#, 1);
    let keys = [Secret::new(KEY)];
    let signature = sign(&keys[0], EVENT.as_bytes());
    let finding = explain(&Case { body: "", event: &added, signature: &signature, keys: &keys }).unwrap();
    assert_eq!(finding.causes[0].name, "member-added");
    assert!(finding.causes[0].sentence.contains("\"aReceivedAt\""), "{finding:?}");
}

#[test]
fn another_key_was_used() {
    let hex = "00ff17";
    for (used, at_hand, name) in [
        (&b"vwh-test-key\n"[..], KEY, "key-line-end"),
        (b"vwh-test-key\r\n", KEY, "key-line-end"),
        (b"vwh-test-key", "vwh-test-key\n", "key-blanks"),
        (b"vwh-test-key", " vwh-test-key ", "key-blanks"),
        (b" vwh-test-key", KEY, "key-blanks"),
        (b"vwh-test-key", "\"vwh-test-key\"", "key-quotes"),
        (b"\"vwh-test-key\"", KEY, "key-quotes"),
        (b"vwh-test-key", "\u{feff}vwh-test-key", "key-byte-order-mark"),
        (b"\x00\xff\x17", hex, "key-hex"),
        (b"\xfb\xef\xff", "++//", "key-base64"),
        (b"\xfb\xef\xff", "--__", "key-base64"),
        (b"dndoLXRlc3Qta2V5", KEY, "key-encoded"),
        (b"7677682d746573742d6b6579", KEY, "key-encoded"),
        (b"00FF17", hex, "key-case"),
    ] {
        assert_eq!(of_key(used, at_hand), Some((name.to_owned(), Some(0))), "{used:?}");
    }
    for (used, name) in [(&b"string"[..], "key-public"), (b"mysecretkey", "key-public"), (b"", "key-empty")] {
        assert_eq!(of_key(used, KEY), Some((name.to_owned(), None)), "{used:?}");
    }
}

#[test]
fn the_signature_is_spelled_in_another_way() {
    let right = hmac(KEY.as_bytes(), EVENT);
    let bytes = crate::hexadecimal::decode::<32>(&right).unwrap();
    for (signature, name) in [
        (format!("{right}."), "signature-decorated"),
        (format!("sha256={right}"), "signature-decorated"),
        (format!("\"{}\"", right.to_uppercase()), "signature-decorated"),
        (STANDARD.encode(bytes), "signature-base64"),
        (STANDARD.encode(&right), "signature-base64"),
        (right[..63].to_owned(), "signature-truncated"),
        (format!("{}…", &right[..20]), "signature-truncated"),
    ] {
        assert_eq!(diagnosed(EVENT, &signature, &[KEY]), Some((name.to_owned(), Some(0))), "{signature}");
    }
    let finding = explain(&Case {
        body: "",
        event: EVENT,
        signature: &format!("sha256={right}."),
        keys: &[Secret::new(KEY)],
    });
    assert!(finding.unwrap().causes[0].sentence.ends_with(": sha256=…."));
    for signature in ["", "e", &right[..15], "sha256=", "🙂"] {
        assert_eq!(diagnosed(EVENT, signature, &[KEY]), None, "{signature}");
    }
}

#[test]
fn the_signature_was_made_in_another_way() {
    let hex = |bytes: &[u8]| crate::hexadecimal::encode(bytes);
    let (key, text) = (KEY.as_bytes(), EVENT.as_bytes());
    let sha384 = Hmac::<Sha384>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes();
    let sha512 = Hmac::<Sha512>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes();
    for (signature, name, index) in [
        (hex(&Sha256::digest(text)), "no-key", None),
        (hex(&Sha256::digest([key, text].concat())), "no-hmac", Some(0)),
        (hex(&Sha256::digest([text, key].concat())), "no-hmac", Some(0)),
        (hmac(text, KEY), "roles-swapped", Some(0)),
        (hex(&sha384), "another-hash", Some(0)),
        (hex(&sha512), "another-hash", Some(0)),
    ] {
        assert_eq!(diagnosed(EVENT, &signature, &[KEY]), Some((name.to_owned(), index)), "{signature}");
    }
}

#[test]
fn two_causes_come_together() {
    let both = format!("sha256={}", hmac(b"vwh-test-key\n", EVENT));
    assert_eq!(
        diagnosed(EVENT, &both, &[KEY]),
        Some(("key-line-end+signature-decorated".to_owned(), Some(0)))
    );
    let body = hmac(b"vwh-test-key\n", &format!("{{\"event\":{EVENT}}}"));
    assert_eq!(diagnosed(EVENT, &body, &[KEY]), Some(("whole-body+key-line-end".to_owned(), Some(0))));
}

#[test]
fn one_cause_is_named_before_two() {
    // A key with a line end is also one of other blanks with something else.
    let found = diagnosed(EVENT, &hmac(b"vwh-test-key\n\n", EVENT), &["vwh-test-key\n"]);
    assert_eq!(found, Some(("key-line-end".to_owned(), Some(0))));
}

#[test]
fn what_was_altered_has_no_known_cause() {
    let altered = EVENT.replace("ANSWERED", "MISSED");
    assert_eq!(diagnosed(&altered, &hmac(KEY.as_bytes(), EVENT), &[KEY]), None);
    assert_eq!(diagnosed(EVENT, &hmac(b"a key of somebody else", EVENT), &[KEY]), None);
    assert_eq!(diagnosed(EVENT, &hmac(KEY.as_bytes(), EVENT), &[]), None);
}

#[test]
fn what_verifies_needs_no_cause() {
    assert_eq!(diagnosed(EVENT, &hmac(KEY.as_bytes(), EVENT), &[KEY]), None);
}

#[test]
fn an_event_that_is_huge_is_not_taken_apart() {
    let event = format!(r#"{{"a":"{}"}}"#, "x".repeat(LARGE));
    assert_eq!(of_text(&event, &format!("{event}\n")), "line-end");
    let both = hmac(b"vwh-test-key\n", &format!("{event}\n"));
    assert_eq!(diagnosed(&event, &both, &[KEY]), None);
}

#[test]
fn a_body_in_another_encoding_is_read() {
    let text = "{\"event\":{\"callerId\":\"Zoë\"}}";
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|character| u8::try_from(character).unwrap()).collect();
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for body in [utf16, latin, marked] {
        let (cause, decoded) = decoded(&body).unwrap();
        assert_eq!((cause.name, decoded.as_str()), ("encoding", text));
    }
    assert_eq!(decoded(text.as_bytes()), None);
    assert_eq!(decoded(b"\xff\xfe\x00\xd8"), None);
}

proptest! {
    #[test]
    fn anything_is_survived_and_nothing_is_found(event in any::<String>(), signature in any::<String>()) {
        let keys = [Secret::new(KEY)];
        let case = Case { body: &event, event: &event, signature: &signature, keys: &keys };
        prop_assert_eq!(explain(&case), None);
    }

    /// What is tried is written as what is accepted is.
    #[test]
    fn the_canonical_style_is_the_canonical_form(event in super::super::tests::event()) {
        let written = super::json::Node::read(&event).unwrap().write(super::json::CANONICAL);
        prop_assert_eq!(written, canonical(&event, Spelling::Utf8).unwrap());
    }
}

proptest! {
    // Every cause is tried with every other.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_event_is_taken_apart_and_nothing_is_found(event in super::super::tests::event(), other in any::<String>()) {
        let signature = hmac(other.as_bytes(), &other);
        prop_assert_eq!(diagnosed(&event, &signature, &[KEY]), None);
    }

    #[test]
    fn a_line_end_behind_the_key_is_found_for_any_event(event in super::super::tests::event(), key in ".{1,20}") {
        let signature = hmac(format!("{key}\n").as_bytes(), &event);
        let keys = [Secret::new(key)];
        let finding = explain(&Case { body: &event, event: &event, signature: &signature, keys: &keys });
        prop_assert_eq!(finding.map(|finding| finding.causes[0].name), Some("key-line-end"));
    }
}
