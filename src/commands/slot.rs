//! A service with room for one webhook: what is in the way is journalled before another takes its place.

use super::Context;
use super::account::Account;
use super::removal::Removal;
use super::report::{Done, Outcome, Report};
use super::snapshot::Snapshot;
use crate::error::Error;
use crate::output::text::word;
use crate::webhook::Webhook;
use crate::webhook::json::Secrets;

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

    /// Notes that it is gone, and says so.
    pub async fn note(&self, context: &Context, account: &Account) {
        let url = self.webhook.shown_url(Secrets::Hide);
        let delete = account.command(&format!("delete {}", word(&self.webhook.id)));
        let restore = account.command(&format!("restore --url {}", word(&url)));
        context.output.notice(&format!(
            "it took the place of the webhook to {url}; to have that back: {delete}, then {restore}"
        ));
        let done = Done::new(&self.webhook, Outcome::Gone);
        self.removal.note_kept(context, &Report { results: vec![done], ended: None }).await;
    }
}
