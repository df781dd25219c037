//! The services whose webhooks vwh manages: one room each, and the one enum by which commands speak to any of them.
//!
//! A room speaks HTTP through `crate::http` and answers in the types of `crate::webhook`; it never prints and never decides
//! what a command does. What a service cannot do is said in `ability`.

pub mod ability;
pub mod contact_center;
pub mod facts;
mod flaw;
pub mod incoming;
pub mod knobs;
pub mod outgoing;
pub mod registration;
mod respelling;
mod room;
pub mod rules;
mod summary;
pub mod vis;
pub mod voipbin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use url::Url;

use crate::hexadecimal;
use crate::http::{Http, HttpError, WhenHeld};
use crate::secret::Secret;
use crate::webhook::{ServiceKind, Webhook};
use contact_center::wire::EventType;
use registration::{Definition, Deletion, Identity, Listing, Update};
use rules::{Refusal, Wish};
use vis::events::{Log, Query};

/// The client of one connection, whichever service it is to.
#[derive(Debug)]
pub enum Service {
    /// Vonage VIS.
    Vis(vis::client::Client),
    /// Vonage Contact Center.
    ContactCenter(contact_center::client::Client),
    /// VoIPBIN.
    Voipbin(voipbin::client::Client),
}

/// Where a service is, unless a profile says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The API's base URL.
    pub base: String,
    /// Where tokens come from.
    pub token: String,
}

/// The documented addresses of `service`; an error says what is missing.
pub fn addresses(service: ServiceKind, region: Option<&str>) -> Result<Addresses, String> {
    match (service, region) {
        (ServiceKind::ContactCenter, Some(region)) if contact_center::REGIONS.contains(&region) => {
            Ok(contact_center::addresses(region))
        }
        (ServiceKind::ContactCenter, region) => {
            let known = contact_center::REGIONS.join(", ");
            Err(match region {
                Some(other) => format!("region {other:?} is not known; known: {known}"),
                None => format!("Contact Center needs a region: {known}"),
            })
        }
        (_, Some(_)) => Err(format!("{} has no regions", service.title())),
        (ServiceKind::Vis, None) => Ok(vis::addresses()),
        (ServiceKind::Voipbin, None) => Ok(voipbin::addresses()),
    }
}

/// A webhook, and the service's clock when it was read.
pub type Dated = (Webhook, Option<DateTime<Utc>>);

impl Service {
    /// A client of `kind` that talks to `base` through `http`.
    #[must_use]
    pub fn new(kind: ServiceKind, http: Http, base: Url) -> Self {
        match kind {
            ServiceKind::Vis => Self::Vis(vis::client::Client::new(http, base)),
            ServiceKind::ContactCenter => {
                Self::ContactCenter(contact_center::client::Client::new(http, base))
            }
            ServiceKind::Voipbin => Self::Voipbin(voipbin::client::Client::new(http, base)),
        }
    }

    /// Which one it is.
    #[must_use]
    pub const fn kind(&self) -> ServiceKind {
        match self {
            Self::Vis(_) => ServiceKind::Vis,
            Self::ContactCenter(_) => ServiceKind::ContactCenter,
            Self::Voipbin(_) => ServiceKind::Voipbin,
        }
    }

    fn api(&self) -> &room::Api {
        match self {
            Self::Vis(client) => client.api(),
            Self::ContactCenter(client) => client.api(),
            Self::Voipbin(client) => client.api(),
        }
    }

    /// The base URL, without a slash at its end: part of what a journal line belongs to.
    #[must_use]
    pub fn base(&self) -> &str {
        self.api().base().as_str().trim_end_matches('/')
    }

    /// The sender, for its gate.
    #[must_use]
    pub fn http(&self) -> &Http {
        self.api().http()
    }

    /// Every webhook that the token can see.
    pub async fn list(&self) -> Result<Listing, HttpError> {
        self.listing(WhenHeld::Wait).await
    }

    /// The same, but a throttled request is not waited for.
    pub async fn list_unless_held(&self) -> Result<Listing, HttpError> {
        self.listing(WhenHeld::Return).await
    }

    async fn listing(&self, when_held: WhenHeld) -> Result<Listing, HttpError> {
        match self {
            Self::Vis(client) => client.list(when_held).await,
            Self::ContactCenter(client) => client.list(when_held).await,
            Self::Voipbin(client) => client.list(when_held).await,
        }
    }

    /// The webhook `id`.
    pub async fn get(&self, id: &str) -> Result<Dated, HttpError> {
        match self {
            Self::Vis(client) => client.get(id).await,
            Self::ContactCenter(client) => client.get(id).await,
            Self::Voipbin(client) => client.get(id).await,
        }
    }

    /// Who the token belongs to, as far as the service says so.
    pub async fn identity(&self) -> Result<Identity, HttpError> {
        match self {
            Self::Vis(client) => client.identity().await,
            Self::ContactCenter(client) => Ok(client.identity()),
            Self::Voipbin(client) => client.identity().await,
        }
    }

    /// The key that the service has made before there is a webhook, if it makes keys and shows them.
    pub async fn own_key(&self) -> Result<Option<Secret>, HttpError> {
        match self {
            Self::Vis(_) | Self::ContactCenter(_) => Ok(None),
            Self::Voipbin(client) => client.key().await,
        }
    }

    /// Registers a webhook, and never a second one by accident.
    pub async fn create(&self, definition: &Definition) -> Result<Dated, HttpError> {
        match self {
            Self::Vis(client) => client.create(definition).await,
            Self::ContactCenter(client) => client.create(definition).await,
            Self::Voipbin(client) => client.create(definition).await,
        }
    }

    /// Changes the webhook `id` in place.
    pub async fn update(&self, id: &str, update: &Update) -> Result<Webhook, HttpError> {
        match self {
            Self::Vis(_) => Err(self.unsupported()),
            Self::ContactCenter(client) => client.update(id, update).await,
            Self::Voipbin(client) => client.update(id, update).await,
        }
    }

    /// Clears the failed flag of the webhook `id` and moves its expiry on.
    pub async fn renew(&self, id: &str, when_held: WhenHeld) -> Result<Dated, HttpError> {
        match self {
            Self::Vis(client) => client.renew(id, when_held).await,
            Self::ContactCenter(_) | Self::Voipbin(_) => Err(self.unsupported()),
        }
    }

    /// Removes `webhook`.
    pub async fn delete(&self, webhook: &Webhook) -> Result<Deletion, HttpError> {
        match self {
            Self::Vis(client) => client.delete(&webhook.id).await,
            Self::ContactCenter(client) => client.delete(&webhook.id).await,
            Self::Voipbin(client) => client.delete(webhook).await,
        }
    }

    /// The events that may be subscribed to.
    pub async fn event_types(&self) -> Result<Vec<EventType>, HttpError> {
        match self {
            Self::ContactCenter(client) => client.event_types().await,
            Self::Vis(_) | Self::Voipbin(_) => Err(self.unsupported()),
        }
    }

    /// Every event of the service's log that `query` asks for and `is_wanted` takes by its moment.
    pub async fn events(
        &self,
        query: Query,
        is_wanted: &dyn Fn(DateTime<Utc>) -> bool,
        progressed: &dyn Fn(),
    ) -> Result<Log, HttpError> {
        match self {
            Self::Vis(client) => client.events(query, is_wanted, progressed).await,
            Self::ContactCenter(_) | Self::Voipbin(_) => Err(self.unsupported()),
        }
    }

    /// The same of the newest two pages at the most, without waiting or trying again.
    pub async fn newest_events(
        &self,
        query: Query,
        is_wanted: &dyn Fn(DateTime<Utc>) -> bool,
    ) -> Result<Log, HttpError> {
        match self {
            Self::Vis(client) => client.newest_events(query, is_wanted).await,
            Self::ContactCenter(_) | Self::Voipbin(_) => Err(self.unsupported()),
        }
    }

    fn unsupported(&self) -> HttpError {
        HttpError::Unsupported { service: self.kind().title() }
    }
}

/// Reads an element of a list, which is known to be an object.
#[must_use]
pub fn element(service: ServiceKind, raw: &Bytes) -> Webhook {
    let read = match service {
        ServiceKind::Vis => vis::wire::webhook(raw),
        ServiceKind::ContactCenter => contact_center::wire::subscription(raw),
        ServiceKind::Voipbin => voipbin::wire::slot(raw),
    };
    read.unwrap_or_else(|_| Webhook::unread(service, raw.clone()))
}

/// Reads of an element of a list what names it, and the key that must not be shown with it.
#[must_use]
pub fn label(service: ServiceKind, raw: &Bytes) -> Webhook {
    match service {
        // A list of VIS may be long, and this takes a third of the time.
        ServiceKind::Vis => vis::wire::label(raw),
        ServiceKind::ContactCenter | ServiceKind::Voipbin => element(service, raw),
    }
}

/// Refuses a registration that `service` has no place for.
pub fn check_create(service: ServiceKind, wish: &Wish<'_>) -> Result<(), Refusal> {
    match service {
        ServiceKind::Vis => vis::rules::check(wish),
        ServiceKind::ContactCenter => contact_center::rules::check_create(wish),
        ServiceKind::Voipbin => voipbin::rules::check(wish),
    }
}

/// Refuses a change that `service` has no place for.
pub fn check_update(service: ServiceKind, wish: &Wish<'_>) -> Result<(), Refusal> {
    match service {
        ServiceKind::Vis => vis::rules::check(wish),
        ServiceKind::ContactCenter => contact_center::rules::check_update(wish),
        ServiceKind::Voipbin => voipbin::rules::check(wish),
    }
}

/// What a person must know about a wish that `service` takes.
#[must_use]
pub fn doubt(service: ServiceKind, wish: &Wish<'_>) -> Option<String> {
    match service {
        ServiceKind::ContactCenter => contact_center::rules::key_doubt(wish),
        ServiceKind::Vis | ServiceKind::Voipbin => None,
    }
}

/// A new key of these bytes, in the spelling that `service` takes.
#[must_use]
pub fn new_key(service: ServiceKind, bytes: &[u8]) -> Secret {
    Secret::new(match service {
        ServiceKind::ContactCenter => STANDARD.encode(bytes),
        ServiceKind::Vis | ServiceKind::Voipbin => hexadecimal::encode(bytes),
    })
}
