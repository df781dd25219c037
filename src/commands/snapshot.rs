//! The list of webhooks as it was at one moment of the service's clock: health, order, finding one by id.

use chrono::{DateTime, TimeDelta, Utc};

use super::Context;
use super::account::Account;
use crate::error::{Error, Kind};
use crate::output::webhooks::Entry;
use crate::webhook::{Health, Webhook};

/// The shortest prefix that stands for an id.
const SHORTEST_PREFIX: usize = 4;

/// Every webhook with its health, worst first.
pub struct Snapshot {
    webhooks: Vec<(Health, Webhook)>,
    /// The service's clock when it answered.
    pub now: DateTime<Utc>,
}

impl Snapshot {
    /// Asks the service.
    pub async fn take(context: &Context, account: &Account) -> Result<Self, Error> {
        let listing = account.client.list().await;
        let listing = listing.map_err(|error| Error::from(error).while_doing("cannot list the webhooks"))?;
        Ok(Self::new(listing.webhooks, listing.date.unwrap_or_else(context.clock)))
    }

    /// Of these webhooks at this moment.
    #[must_use]
    pub fn new(webhooks: Vec<Webhook>, now: DateTime<Utc>) -> Self {
        let mut webhooks: Vec<(Health, Webhook)> =
            webhooks.into_iter().map(|webhook| (Health::of(&webhook, now), webhook)).collect();
        // Stable, so the service's own order decides between equals.
        webhooks.sort_by_key(|(health, webhook)| (*health, std::cmp::Reverse(webhook.last_failure())));
        Self { webhooks, now }
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.webhooks.len()
    }

    /// All of them, worst first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry<'_>> {
        self.webhooks.iter().map(|(health, webhook)| Entry { webhook, health: *health }).collect()
    }

    /// The webhooks themselves.
    pub fn webhooks(&self) -> impl Iterator<Item = &Webhook> {
        self.webhooks.iter().map(|(_, webhook)| webhook)
    }

    /// Those that expire within `within`, the expired included.
    pub fn expiring(&self, within: TimeDelta) -> impl Iterator<Item = &Webhook> {
        self.webhooks().filter(move |webhook| webhook.expires_within(within, self.now))
    }

    /// The one with exactly this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Webhook> {
        self.webhooks().find(|webhook| webhook.id == id)
    }

    /// The one whose id starts with `prefix`, if only one does. Digits only never stand for an id, and neither does a
    /// text shorter than 4 characters (design §1).
    pub fn find_by_prefix(&self, prefix: &str) -> Result<Option<&Webhook>, Error> {
        let is_usable =
            prefix.chars().count() >= SHORTEST_PREFIX && !prefix.bytes().all(|byte| byte.is_ascii_digit());
        let mut matches = self.webhooks().filter(|webhook| is_usable && webhook.id.starts_with(prefix));
        match (matches.next(), matches.next()) {
            (Some(first), Some(second)) => {
                let mut ids = vec![first.id.as_str(), second.id.as_str()];
                ids.extend(matches.map(|webhook| webhook.id.as_str()));
                Err(Error::new(Kind::Usage, format!("{prefix:?} stands for {} webhooks", ids.len()))
                    .hint(format!("give more of the id: {}", ids.join(", "))))
            }
            (first, _) => Ok(first),
        }
    }
}

/// The error for an id that nobody knows.
#[must_use]
pub fn no_such_webhook(account: &Account, id: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no webhook {id:?} for this user"))
        .hint(format!("see the ids with: {}", account.command("list")))
}
