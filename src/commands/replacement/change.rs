//! What is to be different about a webhook, and what its successor is to be therefore. Pure.

use url::Url;

use super::super::destination::{MetadataPolicy, NewHost, place};
use crate::error::{Error, Kind};
use crate::journal::{Intended, KeyIn};
use crate::secret::Secret;
use crate::services::registration::Definition;
use crate::webhook::Webhook;
use crate::webhook::json::Secrets;

/// What is to become of the url.
#[derive(Clone, Debug)]
pub enum NewUrl {
    /// It stays.
    Same,
    /// This one takes its place.
    Whole(Url),
    /// Only its host is another.
    Host(NewHost),
}

/// What is to become of the key.
#[derive(Clone, Debug)]
pub enum NewKey {
    /// It stays.
    Same,
    /// There is to be none.
    None,
    /// This one takes its place.
    Given(Secret),
    /// One that vwh makes takes its place.
    ToMake,
}

/// What is to be different.
#[derive(Clone, Debug)]
pub struct Change {
    /// The url.
    pub url: NewUrl,
    /// The metadata policy; `None` keeps it.
    pub policy: Option<MetadataPolicy>,
    /// The key.
    pub key: NewKey,
}

/// The key of a successor.
#[derive(Clone, Debug)]
pub enum TargetKey {
    /// It is not signed.
    None,
    /// This one.
    Is(Secret),
    /// The old one's, which the service keeps to itself.
    Unknown,
    /// A new one, which is not made yet.
    ToMake,
}

/// What a successor is to be.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where deliveries go.
    pub url: String,
    /// Event types.
    pub events: Vec<String>,
    /// `NONE`, `HEADER` or `BODY`.
    pub policy: String,
    /// The key.
    pub key: TargetKey,
}

impl Change {
    /// What the successor of `old` is to be. Fails if its url has no host that could be replaced.
    pub fn target(&self, old: &Webhook) -> Result<Target, Error> {
        let url = match &self.url {
            NewUrl::Same => old.url.clone(),
            NewUrl::Whole(url) => url.as_str().to_owned(),
            NewUrl::Host(host) => host.in_url(&old.url).ok_or_else(|| {
                Error::new(Kind::Failure, "its url has no host that could be replaced")
                    .hint("give it another url with --new-url")
            })?,
        };
        let policy =
            self.policy.map_or_else(|| old.policy().to_owned(), |policy| policy.wire_name().to_owned());
        let key = match &self.key {
            NewKey::Same if !old.is_signed() => TargetKey::None,
            NewKey::Same => old.known_key().cloned().map_or(TargetKey::Unknown, TargetKey::Is),
            NewKey::None => TargetKey::None,
            NewKey::Given(key) => TargetKey::Is(key.clone()),
            NewKey::ToMake => TargetKey::ToMake,
        };
        Ok(Target { url, events: old.events.clone(), policy, key })
    }
}

impl Target {
    /// Whether `webhook` delivers what is asked for to where it is asked for, its key aside.
    #[must_use]
    pub fn is_met_but_for_key(&self, webhook: &Webhook) -> bool {
        place(&webhook.url) == place(&self.url)
            && webhook.delivers_as(&webhook.url, &self.events)
            && webhook.policy().eq_ignore_ascii_case(&self.policy)
    }

    /// Whether `webhook` is all that is asked for.
    #[must_use]
    pub fn is_met_by(&self, webhook: &Webhook) -> bool {
        self.is_met_but_for_key(webhook)
            && match &self.key {
                TargetKey::None => !webhook.is_signed(),
                TargetKey::Is(key) => webhook.is_signed() && webhook.known_key() == Some(key),
                TargetKey::Unknown | TargetKey::ToMake => false,
            }
    }

    /// In what respects the registered `webhook` is not what is asked for, as far as the service shows it. A key that is not
    /// known itself may be known by `fingerprint`.
    #[must_use]
    pub fn differences(&self, webhook: &Webhook, fingerprint: Option<&str>) -> Vec<String> {
        let mut differences = Vec::new();
        if place(&webhook.url) != place(&self.url) {
            differences.push(format!("it delivers to {}", webhook.shown_url(Secrets::Hide)));
        }
        if !webhook.delivers_as(&webhook.url, &self.events) {
            differences.push(format!("its events are {:?}", webhook.events.join(" ")));
        }
        if !webhook.policy().eq_ignore_ascii_case(&self.policy) {
            differences.push(format!("its metadata policy is {}", webhook.policy().to_lowercase()));
        }
        differences.extend(self.key_difference(webhook, fingerprint).map(str::to_owned));
        differences
    }

    fn key_difference(&self, webhook: &Webhook, fingerprint: Option<&str>) -> Option<&'static str> {
        let is_other = |key: &Secret| match &self.key {
            TargetKey::None => true,
            TargetKey::Is(own) => own != key,
            TargetKey::Unknown | TargetKey::ToMake => fingerprint.is_some_and(|own| own != key.fingerprint()),
        };
        match (&self.key, webhook.is_signed()) {
            (TargetKey::None, true) => Some("it is signed"),
            (TargetKey::None, false) => None,
            (_, false) => Some("it is not signed"),
            (_, true) => webhook.known_key().is_some_and(is_other).then_some("its key is another"),
        }
    }

    /// Whether an earlier run meant the same for `old`.
    #[must_use]
    pub fn was_meant_by(&self, intended: &Intended, old: &Webhook) -> bool {
        let fingerprint = intended.key_fingerprint.as_ref();
        let is_key_meant = match &self.key {
            TargetKey::None => fingerprint.is_none(),
            TargetKey::Is(key) => fingerprint == Some(&key.fingerprint()),
            TargetKey::Unknown => fingerprint.is_some(),
            TargetKey::ToMake => is_new_key(intended, old),
        };
        is_key_meant
            && place(&intended.url) == place(&self.url)
            && intended.metadata_policy.eq_ignore_ascii_case(&self.policy)
    }

    /// What the journal keeps of it.
    #[must_use]
    pub fn intended(&self) -> Intended {
        Intended {
            url: self.url.clone(),
            events: self.events.clone(),
            metadata_policy: self.policy.clone(),
            key_fingerprint: self.secret().map(Secret::fingerprint),
        }
    }

    /// What to register.
    #[must_use]
    pub fn definition(&self) -> Definition {
        Definition::new(self.url.clone(), self.events.clone(), self.secret().cloned(), self.policy.clone())
    }

    /// What the journal may keep of the key of `old`: nothing that opens a door once another key has taken its place.
    #[must_use]
    pub fn key_of(&self, old: &Webhook) -> KeyIn {
        match (&self.key, old.known_key()) {
            (TargetKey::Is(new), Some(old)) if new == old => KeyIn::Definition,
            (TargetKey::Is(_) | TargetKey::ToMake, _) => KeyIn::Fingerprint,
            (TargetKey::None | TargetKey::Unknown, _) => KeyIn::Definition,
        }
    }

    fn secret(&self) -> Option<&Secret> {
        match &self.key {
            TargetKey::Is(key) => Some(key),
            TargetKey::None | TargetKey::Unknown | TargetKey::ToMake => None,
        }
    }
}

/// Whether an earlier run was to give `old` another key.
#[must_use]
pub fn is_new_key(intended: &Intended, old: &Webhook) -> bool {
    let old = old.known_key().map(Secret::fingerprint);
    intended.key_fingerprint.is_some() && intended.key_fingerprint != old
}

/// The error for a signed webhook whose key is to stay and is not known.
#[must_use]
pub fn unknown_key() -> Error {
    Error::new(Kind::Failure, "it is signed, and the service does not say with which key")
        .hint("give it one: --signing-key-file FILE, --generate-signing-key, or --unsigned for none")
}
