//! `vwh delete`: removes webhooks by id, journalled first.

use clap::Args;

use super::Context;
use super::account::Account;
use super::batch::Plan;
use super::confirm::{self, Confirmed, Unattended, confirm};
use super::lock::LockArgs;
use super::removal::{Removal, remove_all};
use super::report::{self, Done, Outcome, Report, Vocabulary};
use super::snapshot::{Snapshot, no_such_webhook};
use crate::error::{Error, ExitStatus};
use crate::journal::{Owner, history};
use crate::secret::mask_url;
use crate::webhook::Webhook;

const VOCABULARY: Vocabulary = Vocabulary {
    verb: "remove",
    done: "removed",
    outcomes: &[Outcome::Removed, Outcome::Gone, Outcome::Error, Outcome::Skipped],
};

/// Remove webhooks by id
///
/// What is removed is written to the journal first; `vwh restore` brings it back. Asks at a terminal and needs --yes
/// elsewhere. Outcomes: removed, gone (it was gone already), error, skipped (its turn never came).
#[derive(Args, Clone, Debug)]
pub struct DeleteArgs {
    /// Ids; at a terminal, or with --dry-run, a unique prefix of at least 4 characters will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Show what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    lock: LockArgs,
}

/// Runs `vwh delete`.
pub async fn run(args: &DeleteArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let _lock = args.lock.take(context, account, args.dry_run).await?;
    let (snapshot, identity) = Snapshot::take_with_identity(context, account).await?;
    let owner = account.owner(identity.clone());
    let (items, gone) = resolve(args, context, account, &snapshot, &owner)?;
    let mut report = if args.dry_run || items.is_empty() {
        let results = items.iter().map(|webhook| Done::new(webhook, Outcome::Removed)).collect();
        Report { results, ended: None }
    } else {
        let whose = account.description(&identity);
        let confirmed = confirm(
            context,
            "remove",
            &items.iter().collect::<Vec<_>>(),
            &whose,
            args.yes,
            Unattended::NeedsYes,
        )
        .await?;
        let removal = Removal::new(context, account, "delete", owner)?;
        let shown: Vec<(String, String)> =
            items.iter().map(|item| (item.id.clone(), item.url.clone())).collect();
        // Where there is room for one, another one has the same id.
        let is_shown = |webhook: &Webhook| {
            !webhook.service.holds_one() || shown.contains(&(webhook.id.clone(), webhook.url.clone()))
        };
        let plan = Plan { items, qualifies: Some(&is_shown), is_stale: confirmed == Confirmed::Asked };
        remove_all(context, account, &removal, plan).await?
    };
    if !args.dry_run {
        report.tell_settling(context, account.service());
    }
    report.results.extend(gone);
    report::conclude(context, &report, &VOCABULARY, args.dry_run)
}

/// The webhooks that are meant, and those that the journal says are gone; an id that neither knows ends the command before
/// anything is sent.
fn resolve(
    args: &DeleteArgs,
    context: &Context,
    account: &Account,
    snapshot: &Snapshot,
    owner: &Owner,
) -> Result<(Vec<Webhook>, Vec<Done>), Error> {
    let mut items: Vec<Webhook> = Vec::new();
    let mut gone: Vec<Done> = Vec::new();
    let takes_prefixes = args.dry_run || confirm::can_ask(context, args.yes);
    for id in &args.ids {
        let by_prefix = || if takes_prefixes { snapshot.find_by_prefix(id) } else { Ok(None) };
        let found = snapshot.find(id).map_or_else(by_prefix, |webhook| Ok(Some(webhook)))?;
        match found {
            Some(webhook) if items.iter().any(|item| item.id == webhook.id) => {}
            Some(webhook) => items.push(webhook),
            None => match journalled(context, account, owner, id)? {
                Some(url) => gone.push(Done {
                    id: id.clone(),
                    url: mask_url(&url).into_owned(),
                    outcome: Outcome::Gone,
                    error: None,
                    new_id: None,
                    new_url: None,
                }),
                None => return Err(no_such_webhook(account, snapshot, id)),
            },
        }
    }
    Ok((items, gone))
}

/// The url of the last webhook of this id that vwh removed earlier.
fn journalled(
    context: &Context,
    account: &Account,
    owner: &Owner,
    id: &str,
) -> Result<Option<String>, Error> {
    let lines = account.journal(context)?.read()?;
    let removal = history::removals(&lines, owner).into_iter().rev().find(|removal| removal.id == id);
    Ok(removal.map(|removal| removal.url()))
}
