//! The sandbox's one customer of VoIPBIN: its profile, the slot of its webhook, its access keys and who is signed in.
//!
//! Memory only, with the time passed in; `store` keeps it on disk.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::timestamp::Timestamp;

/// Fixed, so that documentation can show it.
const CUSTOMER_ID: &str = "91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc";
const BILLING_ID: &str = "2f0a6c1e-7b3d-4f58-9a24-c0d1e2f3a4b5";
/// The one agent, who is the customer's administrator.
pub(super) const AGENT_ID: &str = "6b1e4c70-2d9a-4f86-b3c5-0a1d2e3f4b5c";

/// How many letters a secret and the rest of an access key have (specs/voipbin.md §2, §6).
const RANDOM_LETTERS: usize = 32;

/// How much of an access key is shown later.
const PREFIX_LETTERS: usize = 11;

/// How many access keys, and how many sign-ins, are kept at most; then the oldest goes.
const MOST_KEPT: usize = 1000;

/// What is kept of the service.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::sandbox) struct Account {
    customer: Customer,
    /// The access key that the sandbox has from its first start on, in clear: whoever can read this may use it.
    access_key: String,
    #[serde(default)]
    keys: Vec<AccessKey>,
    #[serde(default)]
    sessions: Vec<Session>,
}

/// The customer as kept and as sent: what is empty is left out (§4).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::sandbox) struct Customer {
    pub(in crate::sandbox) id: String,
    #[serde(flatten)]
    pub(super) written: Written,
    pub(super) billing_account_id: String,
    pub(super) metadata: Metadata,
    pub(super) email_verified: bool,
    pub(super) status: String,
    pub(super) identity_verification_status: String,
    pub(super) tm_deletion_scheduled: Option<String>,
    pub(super) tm_create: Option<String>,
    pub(super) tm_update: Option<String>,
    pub(super) tm_delete: Option<String>,
    /// Shown by GET alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::sandbox) webhook_secret: String,
}

/// The seven members that a PUT writes, all of them every time.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub(in crate::sandbox) struct Written {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) phone_number: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::sandbox) webhook_method: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::sandbox) webhook_uri: String,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Metadata {
    rtp_debug: bool,
}

/// An access key without its token: of that only a digest is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct AccessKey {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) detail: String,
    pub(super) token_prefix: String,
    digest: String,
    expires_at: Timestamp,
    created_at: Timestamp,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Session {
    digest: String,
    expires_at: Timestamp,
}

impl Account {
    /// The demo customer, with a profile that a careless PUT would erase and an empty slot.
    pub(in crate::sandbox) fn demo(now: Timestamp) -> Self {
        let time = Some(micros(now));
        let customer = Customer {
            id: CUSTOMER_ID.to_owned(),
            written: Written {
                name: "Harbour Dental".to_owned(),
                detail: "Main practice, opening hours 8–18".to_owned(),
                email: "ops@harbour.example".to_owned(),
                phone_number: "+12125550142".to_owned(),
                address: "1 Quay Street, Harbour Town".to_owned(),
                ..Written::default()
            },
            billing_account_id: BILLING_ID.to_owned(),
            metadata: Metadata::default(),
            email_verified: true,
            status: "active".to_owned(),
            identity_verification_status: "none".to_owned(),
            tm_deletion_scheduled: None,
            tm_create: time.clone(),
            tm_update: time,
            tm_delete: None,
            webhook_secret: random_letters(),
        };
        Self { customer, access_key: new_token(), keys: Vec::new(), sessions: Vec::new() }
    }

    /// The demo customer again, with the access key and the secret that shells and receivers may know.
    pub(in crate::sandbox) fn start_over(&mut self, now: Timestamp) {
        let fresh = Self::demo(now);
        let webhook_secret = std::mem::take(&mut self.customer.webhook_secret);
        self.customer = Customer { webhook_secret, ..fresh.customer };
        self.keys.clear();
        self.sessions.clear();
    }

    /// Empties the slot, and leaves the profile as it is.
    pub(in crate::sandbox) fn empty_slot(&mut self) {
        let written = &mut self.customer.written;
        written.webhook_method.clear();
        written.webhook_uri.clear();
    }

    /// How many webhooks there are: one or none.
    pub(in crate::sandbox) fn webhooks(&self) -> usize {
        usize::from(!self.customer.written.webhook_uri.is_empty())
    }

    pub(in crate::sandbox) fn customer(&self) -> &Customer {
        &self.customer
    }

    /// The access key that is always good.
    pub(in crate::sandbox) fn access_key(&self) -> &str {
        &self.access_key
    }

    /// Replaces all seven members by `written`, at `now`.
    pub(super) fn write(&mut self, written: Written, now: Timestamp) {
        self.customer.written = written;
        self.customer.tm_update = Some(micros(now));
    }

    /// Ends every sign-in. Access keys live on, as they do at the service.
    pub(in crate::sandbox) fn revoke(&mut self) {
        self.sessions.clear();
    }

    /// Notes that the JWT `token` was handed out.
    pub(super) fn sign_in(&mut self, token: &str, expires_at: Timestamp, now: Timestamp) {
        self.sessions.retain(|session| session.expires_at > now);
        keep(&mut self.sessions, Session { digest: digest(token), expires_at });
    }

    /// Whether the JWT `token` was handed out and is good.
    pub(super) fn is_signed_in(&self, token: &str, now: Timestamp) -> bool {
        let digest = digest(token);
        self.sessions.iter().any(|session| session.digest == digest && session.expires_at > now)
    }

    /// Whether `token` is an access key that is good.
    pub(super) fn is_key(&self, token: &str, now: Timestamp) -> bool {
        let sought = digest(token);
        token == self.access_key || self.keys.iter().any(|key| key.digest == sought && key.expires_at > now)
    }

    /// Makes an access key; gives its token, which nobody can see again.
    pub(super) fn make_key(
        &mut self,
        name: String,
        detail: String,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> (&AccessKey, String) {
        let token = new_token();
        let key = AccessKey {
            id: Uuid::new_v4().to_string(),
            name,
            detail,
            token_prefix: token.chars().take(PREFIX_LETTERS).collect(),
            digest: digest(&token),
            expires_at,
            created_at: now,
        };
        (keep(&mut self.keys, key), token)
    }

    pub(super) fn keys(&self) -> &[AccessKey] {
        &self.keys
    }

    pub(super) fn take_key(&mut self, id: &str) -> Option<AccessKey> {
        let position = self.keys.iter().position(|key| key.id == id)?;
        Some(self.keys.remove(position))
    }
}

impl AccessKey {
    pub(super) fn expires(&self) -> String {
        micros(self.expires_at)
    }

    pub(super) fn created(&self) -> String {
        micros(self.created_at)
    }

    /// How far the list has been read when this was its last.
    pub(super) fn page_token(&self) -> String {
        self.created()
    }
}

/// Adds `one` and gives it back; the oldest goes where there are too many.
fn keep<T>(list: &mut Vec<T>, one: T) -> &T {
    if list.len() == MOST_KEPT {
        list.remove(0);
    }
    list.push(one);
    &list[list.len() - 1]
}

/// A time as the service writes it.
pub(super) fn micros(time: Timestamp) -> String {
    time.utc().to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn new_token() -> String {
    format!("vb_{}", random_letters())
}

/// 32 random bytes in URL-safe base64, cut to 32 letters, as the service makes its secrets (§6).
fn random_letters() -> String {
    let bytes = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    let mut letters = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
    letters.truncate(RANDOM_LETTERS);
    letters
}

fn digest(token: &str) -> String {
    crate::hexadecimal::encode(&Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::super::timestamp::tests::at;
    use super::*;

    #[test]
    fn keys_and_sign_ins_are_good_until_they_end() {
        let now = at("2026-03-01T09:00:00Z");
        let later = |seconds| now.plus(TimeDelta::seconds(seconds));
        let mut account = Account::demo(now);
        assert!(account.access_key().starts_with("vb_") && account.access_key().len() == 35);
        assert!(account.is_key(account.access_key(), later(1_000_000)));
        let (key, token) = account.make_key("n".into(), String::new(), later(60), now);
        assert_eq!(key.token_prefix, token[..11]);
        assert!(account.is_key(&token, later(59)) && !account.is_key(&token, later(60)));
        account.sign_in("jwt", later(60), now);
        assert!(account.is_signed_in("jwt", later(59)) && !account.is_signed_in("jwt", later(60)));
        assert!(!account.is_signed_in(&token, now) && !account.is_key("jwt", now));
    }

    #[test]
    fn starting_over_keeps_what_others_may_know() {
        let now = at("2026-03-01T09:00:00Z");
        let mut account = Account::demo(now);
        let (key, secret) = (account.access_key.clone(), account.customer.webhook_secret.clone());
        account.write(Written { webhook_uri: "x".into(), ..Written::default() }, now);
        account.start_over(now);
        assert_eq!((account.access_key(), &account.customer.webhook_secret), (key.as_str(), &secret));
        assert_eq!(account.customer.written.name, "Harbour Dental");
        assert_eq!(account.customer.written.webhook_uri, "");
    }
}
