//! The list of webhooks as it was at one moment of the service's clock: finding one by id, and the order by health.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Context;
use super::account::Account;
use crate::error::{Error, Kind};
use crate::http::HttpError;
use crate::output::text::word;
use crate::services::facts::facts;
use crate::services::registration::{Identity, Listing};
use crate::services::{element, label};
use crate::webhook::{Health, Webhook};

/// The shortest prefix that stands for an id.
const SHORTEST_PREFIX: usize = 4;

/// The list as the service sent it; webhooks are read when they are needed.
pub struct Snapshot {
    listing: Listing,
    /// Where each id stands; made when the first is looked for.
    positions: OnceCell<HashMap<String, usize>>,
    /// The service's clock when it answered.
    pub now: DateTime<Utc>,
}

impl Snapshot {
    /// Asks the service.
    pub async fn take(context: &Context, account: &Account) -> Result<Self, Error> {
        let listing = account.client.list().await;
        let listing = listing.map_err(failed_listing)?;
        if listing.strangers > 0 {
            let count = listing.strangers;
            context
                .output
                .warning(&format!("{count} of the elements that the service listed are no webhooks"));
        }
        if listing.mentions_pages {
            context.output.warning(
                "the service speaks of further pages, which vwh does not know: some webhooks may be missing",
            );
        }
        let now = listing.date.unwrap_or_else(context.clock);
        Ok(Self { listing, positions: OnceCell::new(), now })
    }

    /// Asks the service, and who is asking, both at once.
    pub async fn take_with_identity(context: &Context, account: &Account) -> Result<(Self, Identity), Error> {
        let (snapshot, identity) = tokio::join!(Self::take(context, account), account.client.identity());
        Ok((snapshot?, identity?))
    }

    /// How many elements of the list are no webhooks.
    #[must_use]
    pub fn strangers(&self) -> usize {
        self.listing.strangers
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.listing.elements.len()
    }

    /// All of them, in the service's order.
    pub fn webhooks(&self) -> impl Iterator<Item = Webhook> {
        self.listing.webhooks()
    }

    /// The webhook at `position` of the service's order.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<Webhook> {
        self.listing.elements.get(position).map(|raw| element(self.listing.service, raw))
    }

    /// The webhook at `position` without its facts: id, url, key and the object itself.
    #[must_use]
    pub fn label_at(&self, position: usize) -> Option<Webhook> {
        self.listing.elements.get(position).map(|raw| label(self.listing.service, raw))
    }

    /// All of them with their health, worst first; those that failed last come first among the failed.
    #[must_use]
    pub fn worst_first(&self) -> Vec<(Health, Webhook)> {
        let mut webhooks: Vec<(Health, Webhook)> =
            self.webhooks().map(|webhook| (Health::of(&webhook, self.now), webhook)).collect();
        webhooks.sort_by_key(|(health, webhook)| (*health, Reverse(webhook.last_failure())));
        webhooks
    }

    /// The one with exactly this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Webhook> {
        let positions = self.positions.get_or_init(|| {
            self.webhooks().enumerate().map(|(position, webhook)| (webhook.id, position)).collect()
        });
        self.at(*positions.get(id)?)
    }

    /// The one whose id starts with `prefix`, if only one does. Digits only never stand for an id, and neither does a
    /// text shorter than 4 characters (design §1).
    pub fn find_by_prefix(&self, prefix: &str) -> Result<Option<Webhook>, Error> {
        if prefix.chars().count() < SHORTEST_PREFIX || prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        let mut matches: Vec<Webhook> =
            self.webhooks().filter(|webhook| webhook.id.starts_with(prefix)).collect();
        if matches.len() > 1 {
            let ids: Vec<&str> = matches.iter().map(|webhook| webhook.id.as_str()).collect();
            return Err(Error::new(Kind::Usage, format!("{prefix:?} stands for {} webhooks", ids.len()))
                .hint(format!("give more of the id: {}", ids.join(", "))));
        }
        Ok(matches.pop())
    }
}

/// Why there is no list. Where the whole collection is not found, no id is to blame.
fn failed_listing(error: HttpError) -> Error {
    let error = Error::from(error).while_doing("cannot list the webhooks");
    if error.kind == Kind::NotFound { error.hint("check the base URL: there is no such API") } else { error }
}

/// The error for an id that nobody knows.
#[must_use]
pub fn no_such_webhook(account: &Account, snapshot: &Snapshot, id: &str) -> Error {
    let whose = if facts(account.service()).covers_one_user { "for this user" } else { "in this account" };
    let error = Error::new(Kind::NotFound, format!("there is no webhook {id:?} {whose}"));
    match snapshot.find_by_prefix(id) {
        Ok(Some(webhook)) => error.hint(format!("give the whole id: {}", word(&webhook.id))),
        _ => error.hint(format!("see the ids with: {}", account.command("list"))),
    }
}
