//! The Contact Center wire: how subscriptions and event types are read (cc §2 to §4) and what create and update send.
//!
//! Reading is tolerant (cc §9): only JSON that is no object is refused. Talking to the service is `client`.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::secret::Secret;
use crate::webhook::{ServiceKind, Webhook, member};

/// Reads one Subscription object. Fails if `raw` is no JSON object.
pub fn subscription(raw: &Bytes) -> Result<Webhook, serde_json::Error> {
    let mut webhook = Webhook::unread(ServiceKind::ContactCenter, raw.clone());
    // Every notification is signed, and the signature always travels (cc §5).
    webhook.signing_algorithm = Some("HS256".to_owned());
    webhook.metadata_policy = Some("HEADER".to_owned());
    member::each(text_of(raw)?, |name, value| match name {
        "subscriptionId" => webhook.id = member::text(value).unwrap_or_default(),
        "name" => webhook.name = member::text(value),
        "url" => webhook.url = member::text(value).unwrap_or_default(),
        "events" => webhook.events = member::texts(value),
        // There is no status; what is not enabled is paused, in the words of the other services.
        "enabled" => webhook.status = member::flag(value).map(|is_enabled| status(is_enabled).to_owned()),
        "secret" => webhook.signing_key = member::text(value).filter(|key| !key.is_empty()).map(Secret::new),
        _ => {}
    })?;
    Ok(webhook)
}

const fn status(is_enabled: bool) -> &'static str {
    if is_enabled { "ACTIVE" } else { "PAUSED" }
}

/// What a list reply holds.
#[derive(Debug)]
pub struct Subscriptions {
    /// The objects, slices of the reply.
    pub elements: Vec<Bytes>,
    /// How many elements were no objects.
    pub strangers: usize,
    /// Whether the reply has a member that speaks of further pages, which nobody has documented.
    pub mentions_pages: bool,
}

/// Splits a list reply, `{"subscriptions":[…]}` (cc §2). A bare array is read too.
pub fn split(body: &Bytes) -> Result<Subscriptions, serde_json::Error> {
    let text = text_of(body)?;
    let mut found = None;
    let mut mentions_pages = false;
    let list = if text.trim_start().starts_with('[') {
        text
    } else {
        member::each(text, |name, value| match name {
            "subscriptions" => found = Some(value.get()),
            "meta" | "nextContinuationToken" | "links" => mentions_pages = true,
            _ => {}
        })?;
        found.ok_or_else(|| serde::de::Error::missing_field("subscriptions"))?
    };
    let all: Vec<&RawValue> = serde_json::from_str(list)?;
    let total = all.len();
    let is_object = |element: &&RawValue| element.get().starts_with('{');
    let slice = |element: &RawValue| body.slice_ref(element.get().as_bytes());
    let elements: Vec<Bytes> = all.into_iter().filter(is_object).map(slice).collect();
    Ok(Subscriptions { strangers: total - elements.len(), elements, mentions_pages })
}

fn text_of(body: &[u8]) -> Result<&str, serde_json::Error> {
    std::str::from_utf8(body).map_err(serde::de::Error::custom)
}

/// The body of a create request (cc §2).
#[derive(Serialize)]
pub struct CreateRequest<'a> {
    /// 3 to 128 characters, unique in the account.
    pub name: &'a str,
    /// Where notifications go.
    pub url: &'a str,
    /// Event types, or wildcards.
    pub events: &'a [String],
    /// Whether it is to deliver.
    pub enabled: bool,
    /// The key in base64. Without it the service makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<&'a str>,
}

/// The body of an update; what is left out stays as it is.
#[derive(Debug, Default, Serialize)]
pub struct UpdateRequest<'a> {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// A new url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<&'a str>,
    /// New events, in the place of all there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<&'a [String]>,
    /// Whether it is to deliver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// A new key in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<&'a str>,
}

/// A kind of event that may be subscribed to (cc §3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventType {
    /// `<entity>.<action>.v<N>`.
    pub name: String,
    /// In words.
    pub description: Option<String>,
    /// `Beta`, `General Availability`, `Deprecated`, or any other text.
    pub release_status: Option<String>,
    /// The whole object as the service sent it, its JSON Schema included.
    pub raw: String,
}

/// Reads `{"eventTypes":[…]}`, in the service's order. Elements without a name are left out.
pub fn event_types(body: &[u8]) -> Result<Vec<EventType>, serde_json::Error> {
    let mut found: Option<&RawValue> = None;
    member::each(text_of(body)?, |name, value| {
        if name == "eventTypes" {
            found = Some(value);
        }
    })?;
    let list = found.ok_or_else(|| serde::de::Error::missing_field("eventTypes"))?;
    let elements: Vec<&RawValue> = serde_json::from_str(list.get())?;
    Ok(elements.into_iter().map(event_type).filter(|kind| !kind.name.is_empty()).collect())
}

fn event_type(raw: &RawValue) -> EventType {
    let mut kind = EventType { raw: raw.get().to_owned(), ..EventType::default() };
    let read = member::each(raw.get(), |name, value| match name {
        "name" => kind.name = member::text(value).unwrap_or_default(),
        "description" => kind.description = member::text(value),
        "releaseStatus" => kind.release_status = member::text(value),
        _ => {}
    });
    if read.is_ok() { kind } else { EventType::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::webhook::Health;

    /// As cc §2 has it.
    const SUBSCRIPTION: &str = r#"{"subscriptionId":"2ZaQ7mXc0LrT4vNbY8eHkJ1pWsD","name":"CRM bridge","url":"https://hooks.example.net/vcc","events":["agent.presencechanged.v1"],"enabled":true,"secret":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}"#;

    fn read(text: &str) -> Webhook {
        subscription(&Bytes::from(text.to_owned())).unwrap()
    }

    #[test]
    fn a_subscription_is_read() {
        let webhook = read(SUBSCRIPTION);
        assert_eq!(webhook.id, "2ZaQ7mXc0LrT4vNbY8eHkJ1pWsD");
        assert_eq!(webhook.name.as_deref(), Some("CRM bridge"));
        assert_eq!(webhook.url, "https://hooks.example.net/vcc");
        assert_eq!(webhook.events, ["agent.presencechanged.v1"]);
        assert!(webhook.signing_key.is_some());
        assert_eq!(Health::of(&webhook, "2026-01-05T08:30:00Z".parse().unwrap()), Health::Unknown);
    }

    #[test]
    fn what_is_not_enabled_is_paused_and_anything_may_be_missing() {
        let paused = read(r#"{"subscriptionId":7,"enabled":false,"later":{}}"#);
        assert_eq!((paused.id.as_str(), paused.name.as_deref(), paused.url.as_str()), ("7", None, ""));
        assert_eq!(Health::of(&paused, "2026-01-05T08:30:00Z".parse().unwrap()), Health::Paused);
        assert!(subscription(&Bytes::from_static(b"[]")).is_err());
    }

    #[test]
    fn a_list_is_split() {
        let body = Bytes::from(format!("{{\"subscriptions\":[{SUBSCRIPTION},7]}}"));
        let list = split(&body).unwrap();
        assert_eq!((list.elements.as_slice(), list.strangers), (&[Bytes::from(SUBSCRIPTION)][..], 1));
        assert!(!list.mentions_pages);
        let paged = Bytes::from_static(br#"{"subscriptions":[],"meta":{"page":1}}"#);
        assert!(split(&paged).unwrap().mentions_pages);
        assert_eq!(split(&Bytes::from_static(b"[{}]")).unwrap().elements.len(), 1);
        for wrong in ["{}", "", "{\"subscriptions\":null}"] {
            assert!(split(&Bytes::from_static(wrong.as_bytes())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn requests_hold_what_is_asked_and_nothing_else() {
        let events = ["agent.*".to_owned()];
        let create = CreateRequest {
            name: "CRM",
            url: "https://a.example/",
            events: &events,
            enabled: true,
            secret: None,
        };
        assert_eq!(
            serde_json::to_value(&create).unwrap(),
            json!({"name": "CRM", "url": "https://a.example/", "events": ["agent.*"], "enabled": true})
        );
        let update = UpdateRequest { enabled: Some(false), ..UpdateRequest::default() };
        assert_eq!(serde_json::to_value(&update).unwrap(), json!({"enabled": false}));
    }

    #[test]
    fn event_types_are_read_whatever_else_they_say() {
        let body = br#"{"eventTypes":[{"name":"agent.presencechanged.v1","description":"d","jsonSchema":{"type":"object"}},
            {"name":"x.v0","releaseStatus":"Retired"},7,{"description":"nameless"}]}"#;
        let kinds = event_types(body).unwrap();
        assert_eq!(
            kinds.iter().map(|kind| kind.name.as_str()).collect::<Vec<_>>(),
            ["agent.presencechanged.v1", "x.v0"]
        );
        assert!(kinds[0].raw.contains("jsonSchema"));
        assert_eq!(kinds[1].release_status.as_deref(), Some("Retired"));
        assert!(event_types(b"{}").is_err());
    }
}
