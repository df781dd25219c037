//! Putting deliveries together and taking them apart, under each policy.

use serde_json::{Value, json};

use super::super::signature::Form;
use super::*;

const EVENT: &str = r#"{"id":"1","state":"RINGING"}"#;

fn parts(policy: Policy, key: Option<&Secret>) -> Parts<'_> {
    Parts { event: EVENT, policy, key, webhook_id: "w-1", delivery_id: "d-1", attempt: 2 }
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a str> {
    delivery.headers.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn with_policy_none_nothing_travels_but_the_event() {
    let delivery = build(&parts(Policy::None, Some(&Secret::new("k"))));
    assert_eq!(delivery.body, format!("{{\"event\":{EVENT}}}"));
    assert_eq!(delivery.headers.len(), 1);
    assert_eq!(header(&delivery, "content-type"), Some("application/json"));
    let received = read(&delivery.headers, &delivery.body).unwrap();
    assert_eq!((received.event, &received.signature, &received.delivery_id), (EVENT, &None, &None));
    assert_eq!(received.judge(&[Secret::new("k")]), Err(Flaw::Unsigned));
}

#[test]
fn with_policy_header_the_metadata_is_in_headers() {
    let key = Secret::new("k");
    let delivery = build(&parts(Policy::Header, Some(&key)));
    assert_eq!(delivery.body, format!("{{\"event\":{EVENT}}}"));
    assert_eq!(header(&delivery, "X-VON-Webhook-Id"), Some("w-1"));
    assert_eq!(header(&delivery, "X-VON-Delivery-Id"), Some("d-1"));
    assert_eq!(header(&delivery, "X-VON-Attempt"), Some("2"));
    let signature = signature::sign(&key, EVENT.as_bytes());
    assert_eq!(header(&delivery, "X-VON-Signature"), Some(signature.as_str()));
    let received = read(&delivery.headers, &delivery.body).unwrap();
    assert_eq!((received.webhook_id.as_deref(), received.attempt), (Some("w-1"), Some(2)));
    assert_eq!(received.judge(&[key]), Ok(Match { key: 0, form: Form::AsReceived }));
    assert_eq!(received.judge(&[Secret::new("other")]), Err(Flaw::Forged));
}

#[test]
fn with_policy_body_the_metadata_is_beside_the_event() {
    let key = Secret::new("k");
    let delivery = build(&parts(Policy::Body, Some(&key)));
    assert_eq!(delivery.headers.len(), 1);
    let body: Value = serde_json::from_slice(&delivery.body).unwrap();
    let signature = signature::sign(&key, EVENT.as_bytes());
    assert_eq!(
        body,
        json!({"event": {"id": "1", "state": "RINGING"},
            "metadata": {"signature": signature, "webhookId": "w-1", "deliveryId": "d-1", "attempt": 2}})
    );
    let received = read(&delivery.headers, &delivery.body).unwrap();
    assert_eq!((received.delivery_id.as_deref(), received.attempt), (Some("d-1"), Some(2)));
    assert!(received.judge(&[key]).is_ok());
}

#[test]
fn ids_travel_without_a_key_and_an_empty_key_signs_nothing() {
    for key in [None, Some(&Secret::new(""))] {
        let delivery = build(&parts(Policy::Header, key));
        assert_eq!(header(&delivery, "X-VON-Signature"), None);
        assert_eq!(header(&delivery, "X-VON-Delivery-Id"), Some("d-1"));
        let delivery = build(&parts(Policy::Body, key));
        assert!(!String::from_utf8_lossy(&delivery.body).contains("signature"));
    }
}

#[test]
fn the_first_spelling_of_metadata_is_read_too() {
    let body = br#"{"event":{"id":1},"metdata":{"signature":"ab","attempt":"3"}}"#;
    let received = read(&HeaderMap::new(), body).unwrap();
    assert_eq!((received.signature.as_deref(), received.attempt), (Some("ab"), Some(3)));
    let both = br#"{"metdata":{"signature":"ab"},"event":{},"metadata":{"signature":"cd"}}"#;
    assert_eq!(read(&HeaderMap::new(), both).unwrap().signature.as_deref(), Some("cd"));
}

#[test]
fn what_is_no_delivery_is_refused() {
    let refused = |body: &[u8]| read(&HeaderMap::new(), body).unwrap_err();
    for body in [&b""[..], b"[]", b"{", b"{\"event\":{}} x", b"\xff{}", b"null"] {
        assert_eq!(refused(body), Malformed::NotJson, "{body:?}");
    }
    for body in [&b"{}"[..], br#"{"event":null}"#, br#"{"event":"x"}"#, br#"{"event":[]}"#] {
        assert_eq!(refused(body), Malformed::NoEvent, "{body:?}");
    }
    for body in [&br#"{"event":{},"event":{}}"#[..], br#"{"event":{},"metadata":{},"metadata":{}}"#] {
        assert_eq!(refused(body), Malformed::Twice, "{body:?}");
    }
}

#[test]
fn metadata_of_any_form_is_survived() {
    for metadata in ["null", "7", "[]", r#"{"signature":null,"attempt":-1,"deliveryId":{}}"#] {
        let body = format!("{{\"event\":{{}},\"metadata\":{metadata}}}");
        let received = read(&HeaderMap::new(), body.as_bytes()).unwrap();
        assert_eq!((received.signature, received.attempt, received.delivery_id), (None, None, None));
    }
}
