//! What the services' clients take and give alike: a definition to register, what is to change, a list, who is signed in.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::element;
use crate::http::HttpError;
use crate::secret::Secret;
use crate::webhook::{ServiceKind, Webhook};

/// What `create` registers, and what `restore` registers again. What a service does not have it leaves aside.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name (Contact Center).
    pub name: Option<String>,
    /// Where deliveries go.
    pub url: String,
    /// Event types (VIS, Contact Center).
    pub events: Vec<String>,
    /// The signing key; `None` registers an unsigned webhook, where a service lets that be.
    pub key: Option<Secret>,
    /// `NONE`, `HEADER` or `BODY` (VIS).
    pub metadata_policy: String,
    /// Whether it is to deliver (Contact Center).
    pub is_enabled: bool,
    /// The HTTP method of deliveries (VoIPBIN).
    pub method: Option<String>,
    /// The url of the one whose place it may take, where there is room for one only (VoIPBIN).
    pub replaces: Option<String>,
}

impl Definition {
    /// One that is enabled, replaces nothing, and has neither name nor method.
    #[must_use]
    pub fn new(url: String, events: Vec<String>, key: Option<Secret>, metadata_policy: String) -> Self {
        Self { name: None, url, events, key, metadata_policy, is_enabled: true, method: None, replaces: None }
    }
}

/// What is to be different about a webhook; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Its name (Contact Center).
    pub name: Option<String>,
    /// Where deliveries go.
    pub url: Option<String>,
    /// Event types, in the place of all there are (Contact Center).
    pub events: Option<Vec<String>>,
    /// Whether it is to deliver (Contact Center).
    pub is_enabled: Option<bool>,
    /// The signing key (Contact Center).
    pub key: Option<Secret>,
    /// The HTTP method of deliveries (VoIPBIN).
    pub method: Option<String>,
}

/// A list reply with the service's clock. Its webhooks are read when they are needed: there may be many.
#[derive(Debug)]
pub struct Listing {
    /// Whose it is.
    pub service: ServiceKind,
    /// The objects of the reply, in the service's order.
    pub elements: Vec<Bytes>,
    /// How many elements were no objects, and so no webhooks.
    pub strangers: usize,
    /// Whether the reply speaks of further pages, which nobody has documented.
    pub mentions_pages: bool,
    /// `Date` of the reply.
    pub date: Option<DateTime<Utc>>,
}

impl Listing {
    /// The webhooks, each read when its turn comes.
    pub fn webhooks(&self) -> impl Iterator<Item = Webhook> {
        self.elements.iter().map(|raw| element(self.service, raw))
    }
}

/// What became of a DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// The service removed it.
    Removed,
    /// It was gone already.
    Gone,
}

/// Who is signed in, as far as the service says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub user: Option<String>,
    /// Account id.
    pub account: Option<String>,
}

/// Whether the service says that there is no such webhook: 404, 410, or 400 whose text says not found (vis §6).
#[must_use]
pub fn is_gone(error: &HttpError) -> bool {
    match error {
        HttpError::Absent { .. } => true,
        HttpError::Fault { fault, .. } => {
            matches!(fault.status, 404 | 410) || fault.status == 400 && fault.mentions("not found")
        }
        _ => false,
    }
}
