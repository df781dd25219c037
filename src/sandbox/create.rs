//! Judges the body of a create request (specs/vis.md §5).
//!
//! Nobody has published the service's validation texts: the fields and the status are the contract, the words are ours.

use serde_json::{Map, Value};
use url::Url;

use super::registration::{Life, Registration};
use super::timestamp::Timestamp;
use crate::secret::Secret;

/// The only signing algorithm that a request may name.
const ALGORITHM: &str = "HMAC_SHA256";

/// Why a body was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not a JSON object: status 400.
    Malformed,
    /// Members that do not fit: status 422.
    Invalid(Vec<FieldError>),
}

/// One entry of `errors` in the reply. It never repeats a value: that could be a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) field: &'static str,
    pub(super) message: &'static str,
}

/// The registration that `body` asks for, made at `now` under `id`. Unknown members are ignored and `null` counts as missing.
pub(super) fn create(body: &[u8], id: String, now: Timestamp, life: Life) -> Result<Registration, Refusal> {
    let members: Map<String, Value> = serde_json::from_slice(body).map_err(|_| Refusal::Malformed)?;
    let mut errors = Vec::new();
    let mut report = |result: Result<(), FieldError>| errors.extend(result.err());
    let mut webhook = Registration::new(id, String::new(), now, life);
    report(url(&members).map(|url| webhook.url = url));
    report(events(&members).map(|events| webhook.events = events));
    report(policy(&members).map(|policy| webhook.metadata_policy = policy));
    report(algorithm(&members).map(|algorithm| webhook.signing_algo = algorithm));
    report(key(&members).map(|key| webhook.signing_key = key));
    if errors.is_empty() { Ok(webhook) } else { Err(Refusal::Invalid(errors)) }
}

fn member<'body>(members: &'body Map<String, Value>, name: &str) -> Option<&'body Value> {
    members.get(name).filter(|value| !value.is_null())
}

fn wrong<T>(field: &'static str, message: &'static str) -> Result<T, FieldError> {
    Err(FieldError { field, message })
}

fn url(members: &Map<String, Value>) -> Result<String, FieldError> {
    match member(members, "url") {
        None => wrong("url", "must not be null"),
        Some(Value::String(text)) if is_destination(text) => Ok(text.clone()),
        Some(_) => wrong("url", "must be an absolute http or https URL with a host"),
    }
}

fn is_destination(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn events(members: &Map<String, Value>) -> Result<Vec<String>, FieldError> {
    let Some(events) = member(members, "events") else { return wrong("events", "must not be empty") };
    match events.as_array().map(Vec::as_slice) {
        Some([]) => wrong("events", "must not be empty"),
        Some(events) if events.iter().all(|event| event == "CALL") => {
            Ok(vec!["CALL".to_owned(); events.len()])
        }
        _ => wrong("events", "must be an array of CALL"),
    }
}

fn policy(members: &Map<String, Value>) -> Result<String, FieldError> {
    match member(members, "metadataPolicy") {
        None => Ok("NONE".to_owned()),
        Some(Value::String(policy)) if matches!(policy.as_str(), "NONE" | "HEADER" | "BODY") => {
            Ok(policy.clone())
        }
        Some(_) => wrong("metadataPolicy", "must be one of NONE, HEADER, BODY"),
    }
}

fn algorithm(members: &Map<String, Value>) -> Result<String, FieldError> {
    match member(members, "signingAlgo") {
        // `NONE` is what replies say, but the request's enumeration does not have it.
        None => Ok("NONE".to_owned()),
        Some(name) if name == ALGORITHM => Ok(ALGORITHM.to_owned()),
        Some(_) => wrong("signingAlgo", "must be HMAC_SHA256"),
    }
}

fn key(members: &Map<String, Value>) -> Result<Option<Secret>, FieldError> {
    let is_signed = member(members, "signingAlgo").is_some();
    match member(members, "signingKey") {
        Some(Value::String(key)) if !key.is_empty() && is_signed => Ok(Some(Secret::new(key))),
        None if !is_signed => Ok(None),
        None => wrong("signingKey", "must not be empty when signingAlgo is given"),
        Some(Value::String(_)) if is_signed => {
            wrong("signingKey", "must not be empty when signingAlgo is given")
        }
        Some(Value::String(_)) => wrong("signingKey", "needs signingAlgo"),
        Some(_) => wrong("signingKey", "must be a string"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::timestamp::tests::at;
    use super::*;

    fn usual() -> Life {
        crate::sandbox::Options::default().life()
    }

    fn attempt(body: &Value) -> Result<Registration, Refusal> {
        create(body.to_string().as_bytes(), "an-id".to_owned(), at("2024-03-01T09:00:00Z"), usual())
    }

    fn refused_fields(body: &Value) -> Vec<&'static str> {
        match attempt(body) {
            Err(Refusal::Invalid(errors)) => errors.iter().map(|error| error.field).collect(),
            other => panic!("{body}: {other:?}"),
        }
    }

    fn with(name: &str, value: Value) -> Value {
        let mut body = json!({"url": "https://a.example/", "events": ["CALL"]});
        body[name] = value;
        body
    }

    #[test]
    fn takes_the_documented_request() {
        let webhook = attempt(&json!({"url": "https://hooks.example.test/vis", "events": ["CALL"],
            "signingAlgo": "HMAC_SHA256", "signingKey": "s3cr3t", "metadataPolicy": "BODY"}))
        .unwrap();
        assert_eq!(webhook.url, "https://hooks.example.test/vis");
        assert_eq!(webhook.signing_algo, "HMAC_SHA256");
        assert_eq!(webhook.signing_key, Some(Secret::new("s3cr3t")));
        assert_eq!(webhook.metadata_policy, "BODY");
    }

    #[test]
    fn has_defaults_for_what_may_be_missing() {
        let webhook = attempt(&with("metadataPolicy", Value::Null)).unwrap();
        assert_eq!((webhook.signing_algo.as_str(), webhook.metadata_policy.as_str()), ("NONE", "NONE"));
        assert_eq!(webhook.signing_key, None);
    }

    #[test]
    fn names_every_field_that_does_not_fit() {
        assert_eq!(refused_fields(&json!({})), ["url", "events"]);
        for url in [
            json!(7),
            json!(""),
            json!("/path"),
            json!("ftp://a.example/"),
            json!("https://"),
            json!("mailto:a@b"),
        ] {
            assert_eq!(refused_fields(&with("url", url)), ["url"]);
        }
        for events in [json!([]), json!("CALL"), json!(["CALL", "SMS"]), json!([null])] {
            assert_eq!(refused_fields(&with("events", events)), ["events"]);
        }
        assert_eq!(refused_fields(&with("metadataPolicy", json!("header"))), ["metadataPolicy"]);
        assert_eq!(refused_fields(&with("signingKey", json!("k"))), ["signingKey"]);
        assert_eq!(refused_fields(&with("signingAlgo", json!("HMAC_SHA256"))), ["signingKey"]);
        assert_eq!(refused_fields(&with("signingAlgo", json!("NONE"))), ["signingAlgo", "signingKey"]);
    }

    #[test]
    fn an_empty_key_is_no_key() {
        let mut body = with("signingAlgo", json!("HMAC_SHA256"));
        body["signingKey"] = json!("");
        assert_eq!(refused_fields(&body), ["signingKey"]);
    }

    #[test]
    fn only_an_object_is_well_formed() {
        for body in [&b""[..], b"{", b"[]", b"\"text\"", b"\xff"] {
            let outcome = create(body, String::new(), at("2024-03-01T09:00:00Z"), usual());
            assert_eq!(outcome, Err(Refusal::Malformed));
        }
    }
}
