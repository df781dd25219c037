//! `vwh renew`: clears the failed flag and moves the expiry; the first thing to try when a receiver is well again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;

use super::Context;
use super::account::Account;
use super::accounts::Accounts;
use super::batch::{self, Plan, Stopped};
use super::noting::{self, Noting};
use super::report::{Done, Outcome, Report, Vocabulary};
use super::snapshot::{Snapshot, no_such_webhook};
use super::watch::{Before, watch};
use crate::error::{Error, ExitStatus, Kind};
use crate::http::WhenHeld;
use crate::output::text::word;
use crate::services::ability::{Ability, elsewhere};
use crate::services::registration::is_gone;
use crate::settings::flags::{parse_duration, parse_span};
use crate::webhook::{Health, Webhook};

const VOCABULARY: Vocabulary = Vocabulary {
    verb: "renew",
    done: "renewed",
    outcomes: &[
        Outcome::Renewed,
        Outcome::Delivered,
        Outcome::Spared,
        Outcome::Gone,
        Outcome::Error,
        Outcome::Skipped,
    ],
};

/// Renew webhooks: clear the failed flag, move the expiry (VIS)
///
/// Renewing keeps id, key and counters. With --wait the list is read every 30 s until each has delivered or failed again;
/// when the time is over first, the exit code is 5. Outcomes: renewed, delivered (--wait: and has delivered since), spared
/// (renewed by somebody else meanwhile), gone (not there any more: create it again), error, skipped (its turn never came).
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(false))]
#[command(after_long_help = elsewhere(Ability::Renew))]
pub struct RenewArgs {
    /// Whole ids
    #[arg(group = "which", value_name = "ID")]
    ids: Vec<String>,

    /// All that have failed
    #[arg(long, group = "which")]
    failed: bool,

    /// All that expire within this time, the expired included
    #[arg(long, group = "which", value_name = "DURATION", value_parser = parse_duration)]
    expiring_within: Option<TimeDelta>,

    /// All of them
    #[arg(long, group = "which")]
    all: bool,

    /// Watch for this long, until each has delivered or failed again
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    wait: Option<Duration>,

    /// Show what would be renewed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl RenewArgs {
    /// The ids that it names.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }
}

/// Runs `vwh renew`.
pub async fn run(args: &RenewArgs, context: &Context, accounts: &Accounts) -> Result<ExitStatus, Error> {
    if accounts.is_several && !args.ids.is_empty() {
        return Err(accounts.one_for_an_id());
    }
    let gathered = accounts.each(async |account| renew(args, context, account).await).await?;
    noting::conclude(context, gathered, &VOCABULARY, args.dry_run, accounts.is_several)
}

async fn renew(
    args: &RenewArgs,
    context: &Context,
    account: &Account,
) -> Result<(Report, Option<String>), Error> {
    let snapshot = Snapshot::take(context, account).await?;
    let items = chosen(args, account, &snapshot)?;
    let now = snapshot.now;
    if args.dry_run {
        let results = items.iter().map(|webhook| Done::new(webhook, Outcome::Renewed)).collect();
        return Ok((Report { results, ended: None }, None));
    }
    let qualifies = |webhook: &Webhook| {
        !args.failed && args.expiring_within.is_none()
            || args.failed && webhook.has_failed()
            || args.expiring_within.is_some_and(|within| webhook.expires_within(within, now))
    };
    let successes = |webhook: &Webhook| Some((webhook.id.clone(), webhook.statistics.as_ref()?.successes?));
    let before: Before = items.iter().filter_map(successes).collect();
    let noting = Noting::new(context, account);
    noting.note(items.iter(), now).await;
    let plan = Plan { items, qualifies: Some(&qualifies), is_stale: false };
    let act = async |webhook: &Webhook| renew_one(account, &noting, webhook, now).await;
    let mut report = batch::run(context, account, plan, act).await;
    if let (Some(wait), None) = (args.wait, &report.ended) {
        watch(context, account, &mut report, &before, wait).await;
    }
    let reminder = noting.reminder(&report);
    for done in report.results.iter_mut().filter(|done| done.outcome == Outcome::Gone) {
        let create = account.command("create --url URL");
        done.error = Some(
            Error::new(Kind::NotFound, "it is not registered any more")
                .hint(format!("create it again: {create}")),
        );
    }
    Ok((report, reminder))
}

/// Renews one, whose gap is noted already.
pub async fn renew_one(
    account: &Account,
    noting: &Noting<'_>,
    webhook: &Webhook,
    now: DateTime<Utc>,
) -> Result<Done, Stopped> {
    match account.client.renew(&webhook.id, WhenHeld::Return).await {
        Ok((renewed, date)) => match check_renewal(account, &renewed, now) {
            Ok(()) => {
                noting.ended(webhook, &renewed, date).await;
                Ok(Done::new(webhook, Outcome::Renewed))
            }
            Err(error) => Err(Stopped::Failed(error)),
        },
        Err(error) if is_gone(&error) => Ok(Done::new(webhook, Outcome::Gone)),
        Err(error) => Err(error.into()),
    }
}

/// A renewal that was accepted and leaves the webhook failed or expired is none. `now` is when the list was read.
pub fn check_renewal(account: &Account, renewed: &Webhook, now: DateTime<Utc>) -> Result<(), Error> {
    let health = Health::of(renewed, now);
    if !health.is_down() {
        return Ok(());
    }
    let look = account.command(&format!("status {}", word(&renewed.id)));
    let message = format!("the service accepted the renewal, and it is still {health}");
    Err(Error::new(Kind::Rejected, message).hint(format!("look again with: {look}")))
}

fn chosen(args: &RenewArgs, account: &Account, snapshot: &Snapshot) -> Result<Vec<Webhook>, Error> {
    if args.failed {
        return Ok(snapshot.webhooks().filter(Webhook::has_failed).collect());
    }
    if let Some(within) = args.expiring_within {
        let expires = |webhook: &Webhook| webhook.expires_within(within, snapshot.now);
        return Ok(snapshot.webhooks().filter(expires).collect());
    }
    if args.all {
        return Ok(snapshot.webhooks().collect());
    }
    let mut items: Vec<Webhook> = Vec::new();
    for id in &args.ids {
        let webhook = snapshot.find(id).ok_or_else(|| no_such_webhook(account, snapshot, id))?;
        if items.iter().all(|item| item.id != webhook.id) {
            items.push(webhook);
        }
    }
    Ok(items)
}
