//! `vwh prune-failed`: removes the webhooks whose receivers have failed. Made for cron: it never asks there, never takes an
//! outage for rubbish, and never loses a definition.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use wildmatch::WildMatch;

use super::Context;
use super::account::Account;
use super::accounts::Accounts;
use super::batch::{self, Plan};
use super::confirm::{Confirmed, Unattended, confirm};
use super::lock::LockArgs;
use super::noting::{self, Noting};
use super::removal::Removal;
use super::renew::renew_one;
use super::report::{Done, Outcome, Report, Vocabulary};
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus, Kind};
use crate::files;
use crate::output::text::word;
use crate::output::when;
use crate::services::ability::{Ability, elsewhere};
use crate::services::registration::Identity;
use crate::settings::flags::parse_duration;
use crate::webhook::Webhook;

/// From this many failed webhooks on, more failed than not looks like an outage (design §1).
const OUTAGE_FROM: usize = 3;

const VOCABULARY: Vocabulary = Vocabulary {
    verb: "prune",
    done: "pruned",
    outcomes: &[
        Outcome::Removed,
        Outcome::Renewed,
        Outcome::Spared,
        Outcome::Gone,
        Outcome::Error,
        Outcome::Skipped,
    ],
};

/// Remove webhooks that have failed (VIS)
///
/// Definitions are written to the journal first; `vwh restore --last` brings them back. Asks at a terminal, and goes ahead
/// without one. When 3 or more webhooks, and more than half of those ever attempted, have failed, that is an outage of the
/// receiver: nothing is removed unless --max is given. Outcomes: removed, renewed, spared, gone, error, skipped.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = elsewhere(Ability::PruneFailed))]
pub struct PruneFailedArgs {
    /// Spare those whose last failure is younger than this
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    failed_for: Option<TimeDelta>,

    /// Only those whose url matches; * and ? are wildcards
    #[arg(long, value_name = "GLOB")]
    url: Option<String>,

    /// Remove nothing if more than this many would go; lifts the outage guard
    #[arg(long, value_name = "N")]
    max: Option<usize>,

    /// Renew instead; remove only those that were renewed before and have had no success since
    #[arg(long)]
    renew_first: bool,

    /// Show what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    lock: LockArgs,
}

/// What is to become of each failed webhook.
struct Verdicts {
    removed: Vec<Webhook>,
    renewed: Vec<Webhook>,
    spared: Vec<Webhook>,
}

/// Runs `vwh prune-failed`.
pub async fn run(
    args: &PruneFailedArgs,
    context: &Context,
    accounts: &Accounts,
) -> Result<ExitStatus, Error> {
    let gathered = accounts.each(async |account| prune(args, context, account).await).await?;
    noting::conclude(context, gathered, &VOCABULARY, args.dry_run, accounts.is_several)
}

async fn prune(
    args: &PruneFailedArgs,
    context: &Context,
    account: &Account,
) -> Result<(Report, Option<String>), Error> {
    let _lock = args.lock.take(context, account, args.dry_run).await?;
    let (snapshot, identity) = Snapshot::take_with_identity(context, account).await?;
    let first_seen = first_seen_failed(args, context, account, &snapshot)?;
    let verdicts = judge(args, &snapshot, &first_seen);
    guard(args, account, &snapshot, verdicts.removed.len())?;
    let (mut report, reminder) = if args.dry_run {
        let removed = verdicts.removed.iter().map(|webhook| Done::new(webhook, Outcome::Removed));
        let renewed = verdicts.renewed.iter().map(|webhook| Done::new(webhook, Outcome::Renewed));
        (Report { results: removed.chain(renewed).collect(), ended: None }, None)
    } else {
        carry_out(args, context, account, &verdicts, identity, snapshot.now).await?
    };
    report.results.extend(verdicts.spared.iter().map(|webhook| Done::new(webhook, Outcome::Spared)));
    if !context.settings.format.is_json() {
        // Nothing is to be done about the spared, so a cron mail about them would be noise.
        report.results.retain(|done| done.outcome != Outcome::Spared || context.output.shows_notices());
    }
    Ok((report, reminder))
}

async fn carry_out(
    args: &PruneFailedArgs,
    context: &Context,
    account: &Account,
    verdicts: &Verdicts,
    identity: Identity,
    now: DateTime<Utc>,
) -> Result<(Report, Option<String>), Error> {
    let removed: Vec<&Webhook> = verdicts.removed.iter().collect();
    let mut confirmed = Confirmed::Unasked;
    if !removed.is_empty() {
        let whose = account.description(&identity);
        confirmed = confirm(context, "remove", &removed, &whose, args.yes, Unattended::Proceeds).await?;
    }
    let removal = Removal::new(context, account, "prune-failed", account.owner(identity))?;
    removal.journal(context, &removed).await?;
    let noting = Noting::new(context, account);
    noting.note(verdicts.renewed.iter(), now).await;
    let items = verdicts.removed.iter().chain(&verdicts.renewed).cloned().collect();
    let plan = Plan { items, qualifies: Some(&Webhook::has_failed), is_stale: confirmed == Confirmed::Asked };
    let to_renew: HashSet<&str> = verdicts.renewed.iter().map(|webhook| webhook.id.as_str()).collect();
    let act = async |webhook: &Webhook| {
        if to_renew.contains(webhook.id.as_str()) {
            renew_one(account, &noting, webhook, now).await
        } else {
            removal.remove(context, account, webhook).await
        }
    };
    let report = batch::run(context, account, plan, act).await;
    removal.note_kept(context, &report).await;
    let reminder = noting.reminder(&report);
    Ok((report, reminder))
}

fn judge(
    args: &PruneFailedArgs,
    snapshot: &Snapshot,
    first_seen: &BTreeMap<String, DateTime<Utc>>,
) -> Verdicts {
    let glob = args.url.as_deref().map(WildMatch::new);
    let mut verdicts = Verdicts { removed: Vec::new(), renewed: Vec::new(), spared: Vec::new() };
    for webhook in snapshot.webhooks().filter(Webhook::has_failed) {
        if glob.as_ref().is_some_and(|glob| !glob.matches(&webhook.url)) {
            continue;
        }
        let since = webhook.last_failure().or_else(|| first_seen.get(&webhook.id).copied());
        let is_young =
            args.failed_for.is_some_and(|least| since.is_none_or(|since| snapshot.now - since < least));
        let verdict = if is_young {
            &mut verdicts.spared
        } else if args.renew_first && (webhook.renewed_at.is_none() || webhook.succeeded_since_renewal()) {
            &mut verdicts.renewed
        } else {
            &mut verdicts.removed
        };
        verdict.push(webhook);
    }
    verdicts
}

/// An outage of the receiver must not cost registrations, and neither must a surprise.
fn guard(args: &PruneFailedArgs, account: &Account, snapshot: &Snapshot, count: usize) -> Result<(), Error> {
    if count == 0 {
        return Ok(());
    }
    if let Some(max) = args.max {
        return if count > max {
            Err(Error::new(
                Kind::Failure,
                format!("nothing was removed: {count} would go, more than --max {max}"),
            )
            .hint(format!("see them with: {}", account.command("list --failed"))))
        } else {
            Ok(())
        };
    }
    let failed: Vec<Webhook> = snapshot.webhooks().filter(Webhook::has_failed).collect();
    let attempted =
        snapshot.webhooks().filter(|webhook| webhook.was_attempted() || webhook.has_failed()).count();
    if failed.len() < OUTAGE_FROM || failed.len() * 2 <= attempted {
        return Ok(());
    }
    let since = outage_since(&failed, attempted);
    let since = since.map(|since| format!(" since {}", when::absolute(since))).unwrap_or_default();
    let message = format!(
        "nothing was removed{}: {} of {attempted} webhooks ever attempted have failed, more than half of them{since}, \
         so the receiver is down",
        if args.renew_first { " or renewed" } else { "" },
        failed.len()
    );
    let renew = account.command("renew --failed");
    let remove = account.command(&again(args, count));
    Err(Error::new(Kind::Failure, message)
        .hint(format!("repair the receiver, then: {renew}; to remove them all the same: {remove}")))
}

/// When more than half of those ever attempted had failed; `None` if the service does not say.
fn outage_since(failed: &[Webhook], attempted: usize) -> Option<DateTime<Utc>> {
    let mut moments: Vec<DateTime<Utc>> = failed.iter().filter_map(Webhook::last_failure).collect();
    moments.sort_unstable();
    moments.get(attempted / 2).copied()
}

/// The same command, with the guard lifted for `count`.
fn again(args: &PruneFailedArgs, count: usize) -> String {
    let mut command = format!("prune-failed --max {count}");
    if let Some(span) = args.failed_for.and_then(|span| span.to_std().ok()) {
        let span = humantime::format_duration(span).to_string().replace(' ', "");
        command.push_str(&format!(" --failed-for {span}"));
    }
    if let Some(glob) = &args.url {
        command.push_str(&format!(" --url {}", word(glob)));
    }
    if args.renew_first {
        command.push_str(" --renew-first");
    }
    command
}

/// Since when vwh has seen those as failed whose `lastFailure` the service does not tell. Kept only while they are failed.
fn first_seen_failed(
    args: &PruneFailedArgs,
    context: &Context,
    account: &Account,
    snapshot: &Snapshot,
) -> Result<BTreeMap<String, DateTime<Utc>>, Error> {
    if args.failed_for.is_none() {
        return Ok(BTreeMap::new());
    }
    let path = account.state_file(context, "readings", "failed.json")?;
    let content = files::read_private(&path)?.unwrap_or_default();
    let known: BTreeMap<String, DateTime<Utc>> = serde_json::from_slice(&content).unwrap_or_default();
    let undated =
        snapshot.webhooks().filter(|webhook| webhook.has_failed() && webhook.last_failure().is_none());
    let seen = undated.map(|webhook| {
        let since = known.get(&webhook.id).copied().unwrap_or(snapshot.now);
        (webhook.id.clone(), since)
    });
    let seen: BTreeMap<String, DateTime<Utc>> = seen.collect();
    if seen != known && !args.dry_run {
        let content = serde_json::to_vec(&seen).unwrap_or_default();
        files::replace(&path, &content)?;
    }
    Ok(seen)
}
