//! Why a webhook must not go for its successor: that one is not listed, is not what was asked for, or does not deliver. Pure.

use chrono::{DateTime, Utc};

use super::super::account::Account;
use super::change::Target;
use crate::error::{Error, Kind};
use crate::output::text::word;
use crate::webhook::json::Secrets;
use crate::webhook::{Health, Webhook};

/// What speaks against the removal of an old webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The list does not show its successor.
    Unlisted,
    /// Its successor delivers nothing.
    Down(Health),
    /// Its successor is registered otherwise than asked.
    Differs {
        /// In these respects.
        how: Vec<String>,
        /// Where it delivers to, as it is shown.
        url: String,
    },
}

impl Doubt {
    /// What speaks against the removal at `now` if its successor is listed as `listed`. What is not known of the key in
    /// `target` is known by `fingerprint`, if at all.
    #[must_use]
    pub fn about(
        listed: Option<&Webhook>,
        target: &Target,
        fingerprint: Option<&str>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let Some(successor) = listed else { return Some(Self::Unlisted) };
        let how = target.differences(successor, fingerprint);
        if !how.is_empty() {
            return Some(Self::Differs { how, url: successor.shown_url(Secrets::Hide) });
        }
        let health = Health::of(successor, now);
        delivers_nothing(health).then_some(Self::Down(health))
    }

    /// What to say about the webhook `old_id`, which stays beside `successor_id`.
    #[must_use]
    pub fn error(&self, account: &Account, old_id: &str, successor_id: &str) -> Error {
        match self {
            Self::Unlisted => {
                Error::new(Kind::Failure, "the service does not list its successor, so it stays")
                    .hint("run the same command again once the successor is listed")
            }
            Self::Down(health) => down(account, successor_id, *health),
            Self::Differs { how, .. } => {
                let abandon = account.command(&format!("delete {}", word(successor_id)));
                let accept = account.command(&format!("delete {}", word(old_id)));
                let how = how.join(", ");
                let message = format!(
                    "webhook {successor_id} is to take the place of {old_id}, and is registered otherwise than asked: {how}"
                );
                Error::new(Kind::Failure, message).hint(format!(
                    "to try once more: {abandon}, then run this again; to take it as it is: {accept}"
                ))
            }
        }
    }
}

/// Whether a webhook of this health receives no event.
#[must_use]
pub fn delivers_nothing(health: Health) -> bool {
    health.is_down() || health == Health::Paused
}

/// The error for a webhook that cannot go because `successor_id` delivers nothing.
#[must_use]
pub fn down(account: &Account, successor_id: &str, health: Health) -> Error {
    let hint = if health == Health::Paused {
        format!("see what is known of it: {}", account.command(&format!("status {}", word(successor_id))))
    } else {
        format!("bring that back first: {}", account.command(&format!("renew {}", word(successor_id))))
    };
    Error::new(Kind::Failure, format!("webhook {successor_id} is to take its place, and is {health} itself"))
        .hint(hint)
}
