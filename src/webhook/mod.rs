//! What every service's webhooks have in common, and the JSON contract that scripts rely on.
//!
//! A `Webhook` keeps the service's own object as it came (`raw`) beside the facts that vwh reasons about. Reading the
//! wire is the service's room (`services`); showing is `output`.

pub mod health;
pub mod json;
pub mod member;
pub mod rewrite;

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use crate::secret::{MASK, Secret, mask_url};
pub use health::Health;
use json::Secrets;

/// From this length on, a key is looked for in every text of its webhook.
const LEAST_KEY: usize = 8;

/// The service that holds a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceKind {
    /// Vonage VIS; whatever says nothing else is about this one.
    #[default]
    Vis,
    /// Vonage Contact Center.
    ContactCenter,
    /// VoIPBIN.
    Voipbin,
}

impl ServiceKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Vis, Self::ContactCenter, Self::Voipbin];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// Whether it reports deliveries: without that, nothing is known about failures.
    #[must_use]
    pub const fn reports_deliveries(self) -> bool {
        matches!(self, Self::Vis)
    }

    /// Whether it makes every key itself, and takes none.
    #[must_use]
    pub const fn makes_keys(self) -> bool {
        matches!(self, Self::Voipbin)
    }

    /// Whether an account has room for one webhook alone, which then always has the same id.
    #[must_use]
    pub const fn holds_one(self) -> bool {
        matches!(self, Self::Voipbin)
    }

    /// Whether its webhooks have a metadata policy; otherwise a signature always travels, in a header.
    #[must_use]
    pub const fn has_policies(self) -> bool {
        matches!(self, Self::Vis)
    }

    /// The method that it delivers by where none is set, if it lets that be chosen (vb §4: Go's default).
    #[must_use]
    pub const fn method_of_none(self) -> Option<&'static str> {
        match self {
            Self::Voipbin => Some("GET"),
            Self::Vis | Self::ContactCenter => None,
        }
    }

    /// Whether it returns the keys of webhooks: without that, nobody can register one again with its old key.
    #[must_use]
    pub const fn returns_keys(self) -> bool {
        !matches!(self, Self::ContactCenter)
    }

    /// The name in configuration and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vis => "vis",
            Self::ContactCenter => "contact-center",
            Self::Voipbin => "voipbin",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Vis => "VIS",
            Self::ContactCenter => "Contact Center",
            Self::Voipbin => "VoIPBIN",
        }
    }
}

/// One registration. Everything that a service may leave out, or send as `null` or as nonsense, is an `Option`.
#[derive(Clone)]
pub struct Webhook {
    /// Who holds it.
    pub service: ServiceKind,
    /// The registration id, opaque; numbers are kept as their text. Empty if the service sent none.
    pub id: String,
    /// Its name, where the service has one.
    pub name: Option<String>,
    /// Where deliveries go; any text.
    pub url: String,
    /// The HTTP method of deliveries, where the service lets it be chosen.
    pub method: Option<String>,
    /// The user whose calls it covers.
    pub user_id: Option<String>,
    /// Event types, `CALL` on VIS.
    pub events: Vec<String>,
    /// Registration status (`ACTIVE`, `PAUSED`); says nothing about failure (vis §7).
    pub status: Option<String>,
    /// `HMAC_SHA256` or `NONE`.
    pub signing_algorithm: Option<String>,
    /// The signing key, if the service returned one.
    pub signing_key: Option<Secret>,
    /// `NONE`, `HEADER` or `BODY`: whether ids and signature travel with a delivery.
    pub metadata_policy: Option<String>,
    /// When it was registered.
    pub created_at: Option<DateTime<Utc>>,
    /// When deliveries end.
    pub expire_at: Option<DateTime<Utc>>,
    /// When it was last renewed.
    pub renewed_at: Option<DateTime<Utc>>,
    /// When the service forgets it for good.
    pub purge_at: Option<DateTime<Utc>>,
    /// Delivery counters; `None` if the service sent none.
    pub statistics: Option<Statistics>,
    /// The service's own JSON object, a slice of the reply.
    pub raw: Bytes,
}

/// Delivery counters (vis §7). Signed, because a service may send anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Deliveries decided, all tries of one delivery together.
    pub attempts: Option<i64>,
    /// Deliveries answered in time with success.
    pub successes: Option<i64>,
    /// Deliveries given up.
    pub failures: Option<i64>,
    /// The failed flag: nothing is sent until a renewal clears it.
    pub failed: Option<bool>,
    /// Last delivery that succeeded.
    pub last_success: Option<DateTime<Utc>>,
    /// Last delivery that was given up.
    pub last_failure: Option<DateTime<Utc>>,
    /// For example `500 INTERNAL_SERVER_ERROR`.
    pub last_error_code: Option<String>,
    /// The start of what the receiver answered, or the I/O error.
    pub last_error_message: Option<String>,
}

impl Webhook {
    /// One of which nothing is known yet but the service's own object.
    #[must_use]
    pub fn unread(service: ServiceKind, raw: Bytes) -> Self {
        Self {
            service,
            id: String::new(),
            name: None,
            url: String::new(),
            method: None,
            user_id: None,
            events: Vec::new(),
            status: None,
            signing_algorithm: None,
            signing_key: None,
            metadata_policy: None,
            created_at: None,
            expire_at: None,
            renewed_at: None,
            purge_at: None,
            statistics: None,
            raw,
        }
    }

    /// The method of its deliveries, where the service lets that be chosen.
    #[must_use]
    pub fn delivery_method(&self) -> Option<&str> {
        self.method.as_deref().or(self.service.method_of_none())
    }

    /// Its url as it is shown: without the passwords, access keys and signing key that may stand in it.
    #[must_use]
    pub fn shown_url(&self, secrets: Secrets) -> String {
        match secrets {
            Secrets::Show => self.url.clone(),
            Secrets::Hide => self.without_key(&mask_url(&self.url)),
        }
    }

    /// `text` without this webhook's own key. A key so short that it may be any word is left to the masking by name.
    #[must_use]
    pub fn without_key(&self, text: &str) -> String {
        match &self.signing_key {
            Some(key) if key.reveal().len() >= LEAST_KEY => key.scrub(text),
            _ => text.to_owned(),
        }
    }

    /// Whether the service says that it has stopped delivering.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.statistics.as_ref().is_some_and(|statistics| statistics.failed == Some(true))
    }

    /// Whether any delivery was ever attempted.
    #[must_use]
    pub fn was_attempted(&self) -> bool {
        self.statistics.as_ref().is_some_and(Statistics::any_attempt)
    }

    /// The last delivery that was given up.
    #[must_use]
    pub fn last_failure(&self) -> Option<DateTime<Utc>> {
        self.statistics.as_ref().and_then(|statistics| statistics.last_failure)
    }

    /// Whether it expires within `within` of `now`, or has expired already.
    #[must_use]
    pub fn expires_within(&self, within: TimeDelta, now: DateTime<Utc>) -> bool {
        let limit = now.checked_add_signed(within).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.expire_at.is_some_and(|expire_at| expire_at <= limit)
    }

    /// Whether a success came after the last renewal.
    #[must_use]
    pub fn succeeded_since_renewal(&self) -> bool {
        let last_success = self.statistics.as_ref().and_then(|statistics| statistics.last_success);
        match (self.renewed_at, last_success) {
            (Some(renewed), Some(success)) => success >= renewed,
            (None, success) => success.is_some(),
            (Some(_), None) => false,
        }
    }

    /// Its key, unless the service keeps that to itself.
    #[must_use]
    pub fn known_key(&self) -> Option<&Secret> {
        self.signing_key.as_ref().filter(|key| key.reveal() != MASK)
    }

    /// Whether deliveries are meant to be signed.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        match self.signing_algorithm.as_deref() {
            Some(algorithm) => !algorithm.eq_ignore_ascii_case("NONE"),
            None => self.signing_key.is_some(),
        }
    }

    /// Its metadata policy, `NONE` if the service names none.
    #[must_use]
    pub fn policy(&self) -> &str {
        self.metadata_policy.as_deref().unwrap_or("NONE")
    }

    /// The same for people: nothing, where the service has none.
    #[must_use]
    pub fn shown_policy(&self) -> Option<&str> {
        self.metadata_policy.as_deref().filter(|_| self.service.has_policies())
    }

    /// Whether a signature would travel with a delivery (vis §9: only with `HEADER` or `BODY`).
    #[must_use]
    pub fn carries_metadata(&self) -> bool {
        self.metadata_policy.as_deref().is_some_and(|policy| !policy.eq_ignore_ascii_case("NONE"))
    }

    /// Whether two registrations would deliver the same events to the same place.
    #[must_use]
    pub fn delivers_as(&self, url: &str, events: &[String]) -> bool {
        self.url == url && same_members(&self.events, events)
    }

    /// The same, whichever way its url is spelled: `https://host` and `https://HOST:443/` are one place.
    #[must_use]
    pub fn delivers_to(&self, url: &Url, events: &[String]) -> bool {
        same_members(&self.events, events) && Url::parse(&self.url).is_ok_and(|own| own == *url)
    }
}

impl Statistics {
    /// Whether any counter or time shows a delivery.
    #[must_use]
    pub fn any_attempt(&self) -> bool {
        let counted =
            [self.attempts, self.successes, self.failures].iter().flatten().any(|count| *count != 0);
        counted || self.last_success.is_some() || self.last_failure.is_some()
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Webhook").field("id", &self.id).finish_non_exhaustive()
    }
}

fn same_members(left: &[String], right: &[String]) -> bool {
    left.len() == right.len() && left.iter().all(|event| right.contains(event))
}
