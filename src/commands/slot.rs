//! A service with room for one webhook: what is in the way is journalled before another takes its place.

use super::Context;
use super::account::Account;
use super::removal::Removal;
use super::report::{Done, Outcome, Report};
use super::snapshot::Snapshot;
use crate::error::Error;
use crate::webhook::Webhook;

/// A webhook that is about to make way, and is on disk.
pub struct Replaced {
    removal: Removal,
    webhook: Webhook,
}

/// Journals what is in the slot of `account`; `None` if it is empty.
pub async fn journal(context: &Context, account: &Account) -> Result<Option<Replaced>, Error> {
    let (snapshot, identity) = Snapshot::take_with_identity(context, account).await?;
    let Some(webhook) = snapshot.webhooks().next() else { return Ok(None) };
    let removal = Removal::new(context, account, "create", account.owner(identity))?;
    removal.journal(context, &[&webhook]).await?;
    Ok(Some(Replaced { removal, webhook }))
}

impl Replaced {
    /// Where it delivers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.webhook.url
    }

    /// Notes that it is gone.
    pub async fn note(&self, context: &Context) {
        let done = Done::new(&self.webhook, Outcome::Gone);
        self.removal.note_kept(context, &Report { results: vec![done], ended: None }).await;
    }
}
