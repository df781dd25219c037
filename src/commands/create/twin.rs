//! `vwh create --if-absent`: what is there already, and what is to be done about it.

use url::Url;

use super::super::Context;
use super::super::account::Account;
use super::super::noting::Noting;
use super::super::renew::check_renewal;
use super::super::signing_key::Key;
use super::super::snapshot::Snapshot;
use crate::error::{Error, Kind};
use crate::http::WhenHeld;
use crate::journal::{Line, history};
use crate::output::text::word;
use crate::services::registration::Definition;
use crate::webhook::{Health, Webhook};

/// What `--if-absent` found.
pub(super) enum Twin {
    Unchanged(Webhook),
    Renewed(Webhook),
}

/// What is wished for, and where it is looked for.
pub(super) struct Looking<'a> {
    pub(super) context: &'a Context,
    pub(super) account: &'a Account,
    pub(super) snapshot: &'a Snapshot,
    pub(super) url: &'a Url,
    pub(super) definition: &'a Definition,
    pub(super) key: &'a Key,
}

impl Looking<'_> {
    /// Looks for the same url and events: none, one that is well or can be renewed, or a difference that a person must settle.
    pub(super) async fn twin(&self) -> Result<Option<Twin>, Error> {
        let Self { context, account, snapshot, definition, key, .. } = *self;
        let same: Vec<Webhook> =
            snapshot.webhooks().filter(|webhook| webhook.delivers_to(self.url, &definition.events)).collect();
        let webhook = match same.as_slice() {
            [] => {
                hint_at_journal(context, account, definition);
                return Ok(None);
            }
            [webhook] => webhook,
            several => {
                let ids: Vec<_> = several.iter().map(|webhook| word(&webhook.id)).collect();
                let message = format!("{} webhooks have this url and events already", several.len());
                return Err(Error::new(Kind::Failure, message).hint(format!(
                    "keep one: {}",
                    account.command(&format!("delete {}", ids[1..].join(" ")))
                )));
            }
        };
        let is_ours_to_choose = !account.service().makes_keys();
        if let Some(difference) = difference(webhook, definition, key).filter(|_| is_ours_to_choose) {
            let delete = account.command(&format!("delete {}", word(&webhook.id)));
            return Err(Error::new(
                Kind::Failure,
                format!("webhook {} has this url and events already, but {difference}", webhook.id),
            )
            .hint(format!("accept it, or remove it first: {delete}")));
        }
        let health = Health::of(webhook, snapshot.now);
        if !matches!(health, Health::Failed | Health::Expired | Health::Expiring) {
            return Ok(Some(Twin::Unchanged(webhook.clone())));
        }
        let noting = Noting::new(context, account);
        noting.note(std::iter::once(webhook), snapshot.now).await;
        let renewed = account.client.renew(&webhook.id, WhenHeld::Wait).await;
        let failed = |error: Error| error.while_doing(format!("cannot renew {}", webhook.id));
        let (renewed, date) = renewed.map_err(|error| failed(error.into()))?;
        check_renewal(account, &renewed, snapshot.now).map_err(failed)?;
        noting.ended(webhook, &renewed, date).await;
        Ok(Some(Twin::Renewed(renewed)))
    }
}

/// What is different about a webhook that is there already. A generated key is never meant to equal another.
fn difference(webhook: &Webhook, definition: &Definition, key: &Key) -> Option<&'static str> {
    let policy = webhook.policy();
    match key {
        Key::Unsigned if webhook.is_signed() => Some("it is signed"),
        Key::Given(_) | Key::Generated { .. } | Key::ToGenerate { .. } if !webhook.is_signed() => {
            Some("it is not signed")
        }
        Key::Given(key) if webhook.signing_key.as_ref().is_some_and(|its| its != key) => {
            Some("its key is another")
        }
        _ if !policy.eq_ignore_ascii_case(&definition.metadata_policy) => {
            Some("its metadata policy is another")
        }
        _ => None,
    }
}

/// The same webhook may have been removed by vwh; then restoring it brings its key back.
fn hint_at_journal(context: &Context, account: &Account, definition: &Definition) {
    let Ok(lines) = account.journal(context).and_then(|journal| Ok(journal.read()?)) else { return };
    let is_ours = |line: &&Line| account.removes(&line.owner, &line.profile);
    let Some(owner) = lines.iter().rev().find(is_ours).map(|line| &line.owner) else { return };
    let removal = history::removals(&lines, owner).into_iter().rev().find(|removal| {
        // Without its key it cannot be restored.
        let has_key = removal.key_fingerprint.is_none();
        has_key && removal.state == history::State::Removed && removal.url() == definition.url
    });
    if let Some(removal) = removal {
        let restore = account.command(&format!("restore {}", word(&removal.id)));
        context
            .output
            .notice(&format!("vwh removed one like it; with its old key it comes back by: {restore}"));
    }
}
