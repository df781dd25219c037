//! One subscription, as the state file keeps it, and as the service shows it: with its secret once, and never again
//! (specs/contact-center.md §3).

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::wish::Wish;
use crate::secret::Secret;
use crate::services::contact_center::delivery::covers;

/// A subscription. Member names and their order are the service's.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::sandbox) struct Subscription {
    #[serde(rename = "subscriptionId")]
    pub(super) id: String,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) events: Vec<String>,
    pub(super) enabled: bool,
    #[serde(serialize_with = "in_clear")]
    pub(super) secret: Secret,
}

/// The state file has to keep it.
fn in_clear<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    secret.reveal().serialize(serializer)
}

impl Subscription {
    /// As every reply but one shows it.
    pub(super) fn shown(&self) -> Value {
        json!({
            "subscriptionId": self.id, "name": self.name, "url": self.url, "events": self.events,
            "enabled": self.enabled,
        })
    }

    /// As the reply to its creation shows it.
    pub(super) fn shown_once(&self) -> Value {
        let mut shown = self.shown();
        shown["secret"] = json!(self.secret.reveal());
        shown
    }

    /// Takes what `wish` names; the rest stays.
    pub(super) fn take(&mut self, wish: Wish) {
        let Wish { name, url, events, enabled, secret } = wish;
        self.name = name.unwrap_or_else(|| std::mem::take(&mut self.name));
        self.url = url.unwrap_or_else(|| std::mem::take(&mut self.url));
        self.events = events.unwrap_or_else(|| std::mem::take(&mut self.events));
        self.enabled = enabled.unwrap_or(self.enabled);
        if let Some(secret) = secret {
            self.secret = secret;
        }
    }

    /// Whether it is told of events of type `kind`.
    pub(super) fn is_told_of(&self, kind: &str) -> bool {
        self.enabled && self.events.iter().any(|pattern| covers(pattern, kind))
    }
}
