//! What arrives, told apart by its service, judged, and known again.

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| (name.parse().unwrap(), value.parse().unwrap());
    pairs.iter().map(pair).collect()
}

fn identified(headers: &HeaderMap, body: &str) -> Option<String> {
    let received = read(headers, body.as_bytes(), None).unwrap();
    let (service, payload) = (received.service(), received.payload());
    let ids = received.into_ids();
    identity(service, &ids, payload.as_bytes()).map(|identity| format!("{identity:?}"))
}

#[test]
fn without_an_id_the_call_its_state_and_its_start_make_a_delivery() {
    let event =
        r#"{"event":{"externalId":"c","state":"RINGING","startTime":"2024-03-01T09:30:00.250+0000"}}"#;
    assert_eq!(
        identified(&HeaderMap::new(), event).as_deref(),
        Some(r#"Event("c", "RINGING", Some(2024-03-01T09:30:00.250Z))"#)
    );
    assert_eq!(identified(&HeaderMap::new(), r#"{"event":{"state":"RINGING"}}"#), None);
    assert_eq!(identified(&HeaderMap::new(), r#"{"event":{"id":"1"}}"#), None);
    let named = headers(&[("x-von-delivery-id", "d-1")]);
    assert_eq!(identified(&named, event).as_deref(), Some(r#"Delivery("d-1")"#));
    let empty = headers(&[("x-von-delivery-id", "")]);
    assert!(identified(&empty, event).is_some_and(|identity| identity.starts_with("Event")));
}

#[test]
fn the_other_services_have_identities_of_their_own() {
    let event = r#"{"specversion":"1.0","type":"a.b.v1","id":"1","source":"/agent"}"#;
    assert_eq!(identified(&HeaderMap::new(), event).as_deref(), Some(r#"Of("contact-center", "/agent\n1")"#));
    let event = r#"{"type":"call_hangup","data":{"id":"1","status":"hangup","tm_update":"t"}}"#;
    assert_eq!(
        identified(&HeaderMap::new(), event).as_deref(),
        Some(r#"Of("voipbin", "call_hangup\n1\nt\nhangup")"#)
    );
}

#[test]
fn a_signature_counts_more_than_a_shape() {
    let of = |pairs: &[(&'static str, &'static str)], body: &str| {
        recognise(&headers(pairs), body.as_bytes()).map(ServiceKind::name)
    };
    for (name, service) in [
        ("x-von-signature", "vis"),
        ("vonage-signature", "contact-center"),
        ("x-voipbin-signature", "voipbin"),
    ] {
        for body in ["", "{\"event\":{}}", "{\"specversion\":1}", "{\"type\":1,\"data\":1}"] {
            assert_eq!(of(&[(name, "x")], body), Some(service));
        }
    }
    assert_eq!(of(&[("content-type", "application/CloudEvents+json")], ""), Some("contact-center"));
    assert_eq!(of(&[], r#"{"specversion":"1.0","type":"a","data":{}}"#), Some("contact-center"));
    assert_eq!(of(&[], r#"{"event":{},"type":"a","data":{}}"#), Some("vis"));
    assert_eq!(of(&[], r#"{"event_type":"a","data":{}}"#), Some("voipbin"));
    for body in ["", "[]", "{}", r#"{"type":"a"}"#] {
        assert_eq!(of(&[("content-type", "application/json")], body), None, "{body}");
    }
}

#[test]
fn of_another_service_is_refused_and_what_is_of_none_is_read_as_asked() {
    let body = br#"{"event":{}}"#;
    let refused = read(&HeaderMap::new(), body, Some(ServiceKind::Voipbin)).unwrap_err();
    assert_eq!(refused, Flaw::Stranger(ServiceKind::Vis));
    let refused = |only| read(&HeaderMap::new(), b"{}", only).unwrap_err();
    assert_eq!(refused(None), Flaw::Malformed(Malformed::NoEvent));
    assert_eq!(refused(Some(ServiceKind::Voipbin)), Flaw::Malformed(Malformed::NoType));
    assert_eq!(refused(Some(ServiceKind::ContactCenter)), Flaw::Malformed(Malformed::NoCloudEvent));
}
