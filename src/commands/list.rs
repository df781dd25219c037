//! `vwh list`: the table, worst first.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use wildmatch::WildMatch;

use super::Context;
use super::account::Account;
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus};
use crate::journal::{Action, history};
use crate::output::detail::key_trouble;
use crate::output::records::{CSV_HEAD, csv_record};
use crate::output::text::{inert, wrapped};
use crate::output::webhooks::{self, Entry};
use crate::output::when;
use crate::settings::Format;
use crate::settings::flags::parse_duration;
use crate::webhook::json::{View, write_webhook};
use crate::webhook::{Health, Webhook};

/// JSON is handed on in pieces of about this many bytes, so that a long list is not in memory twice.
const PIECE: usize = 256 * 1024;

/// List webhooks, worst first
///
/// Health, worst first: failed, expired, paused, expiring (within 48h), unknown, unproven (renewed, no success since),
/// idle (never attempted), ok.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Only those that have stopped because deliveries failed
    #[arg(long)]
    failed: bool,

    /// Only those of this health; may be given several times
    #[arg(long, value_name = "HEALTH")]
    health: Vec<Health>,

    /// Only those whose url matches; * and ? are wildcards
    #[arg(long, value_name = "GLOB")]
    url: Option<String>,

    /// Only those that expire within this time, the expired included
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expiring_within: Option<TimeDelta>,

    /// Only those that deliver the same events to the same url as another one
    #[arg(long)]
    duplicates: bool,

    /// Order: health, url, created, expires, last-failure or id
    #[arg(
        long,
        value_name = "KEY",
        default_value = "health",
        hide_possible_values = true,
        hide_default_value = true
    )]
    sort: SortKey,

    /// Exit with 1 if any of those listed is failed or expired
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortKey {
    Health,
    Url,
    Created,
    Expires,
    LastFailure,
    Id,
}

/// A webhook that the filters leave: where it stands in the service's list, and what decides its place in ours.
struct Row {
    position: usize,
    health: Health,
    last_failure: Option<DateTime<Utc>>,
    rank: Rank,
}

/// What `--sort` asks for. Among equals the worst comes first, and among those the one that failed last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Health,
    Text(String),
    Newest(Reverse<Option<DateTime<Utc>>>),
    /// What has no date comes last.
    Soonest(bool, Option<DateTime<Utc>>),
}

impl Row {
    fn order(&self) -> (&Rank, Health, Reverse<Option<DateTime<Utc>>>) {
        (&self.rank, self.health, Reverse(self.last_failure))
    }
}

/// Runs `vwh list`.
pub async fn run(args: &ListArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let snapshot = Snapshot::take(context, account).await?;
    let mut rows = filtered(args, &snapshot);
    rows.sort_by(|left, right| left.order().cmp(&right.order()));
    match context.settings.format {
        Format::Json => write_json(context, account, &snapshot, &rows, ["[\n", ",\n", "\n]\n"])?,
        Format::Jsonl => write_json(context, account, &snapshot, &rows, ["", "\n", "\n"])?,
        Format::Csv | Format::Table | Format::Wide => write_for_people(context, account, &snapshot, &rows)?,
    }
    let is_down = args.exit_code && rows.iter().any(|row| row.health.is_down());
    Ok(if is_down { ExitStatus::Failure } else { ExitStatus::Success })
}

fn filtered(args: &ListArgs, snapshot: &Snapshot) -> Vec<Row> {
    let glob = args.url.as_deref().map(WildMatch::new);
    let duplicates = args.duplicates.then(|| duplicate_counts(snapshot));
    let row = |(position, webhook): (usize, Webhook)| {
        let health = Health::of(&webhook, snapshot.now);
        let is_wanted = (!args.failed || webhook.has_failed())
            && (args.health.is_empty() || args.health.contains(&health))
            && glob.as_ref().is_none_or(|glob| glob.matches(&webhook.url))
            && args.expiring_within.is_none_or(|within| webhook.expires_within(within, snapshot.now))
            && duplicates.as_ref().is_none_or(|counts| counts[&delivery_key(&webhook)] > 1);
        let last_failure = webhook.last_failure();
        is_wanted.then(|| Row { position, health, last_failure, rank: rank(args.sort, webhook) })
    };
    snapshot.webhooks().enumerate().filter_map(row).collect()
}

fn duplicate_counts(snapshot: &Snapshot) -> HashMap<(String, Vec<String>), usize> {
    let mut counts = HashMap::new();
    for webhook in snapshot.webhooks() {
        *counts.entry(delivery_key(&webhook)).or_insert(0) += 1;
    }
    counts
}

/// What makes two webhooks deliver the same: the url, and the events in any order.
fn delivery_key(webhook: &Webhook) -> (String, Vec<String>) {
    let mut events = webhook.events.clone();
    events.sort_unstable();
    (webhook.url.clone(), events)
}

fn rank(key: SortKey, webhook: Webhook) -> Rank {
    match key {
        SortKey::Health => Rank::Health,
        SortKey::Url => Rank::Text(webhook.url),
        SortKey::Id => Rank::Text(webhook.id),
        SortKey::Created => Rank::Newest(Reverse(webhook.created_at)),
        SortKey::LastFailure => Rank::Newest(Reverse(webhook.last_failure())),
        SortKey::Expires => Rank::Soonest(webhook.expire_at.is_none(), webhook.expire_at),
    }
}

fn write_for_people(
    context: &Context,
    account: &Account,
    snapshot: &Snapshot,
    rows: &[Row],
) -> Result<(), Error> {
    let output = &context.output;
    let webhooks: Vec<(Health, Webhook)> =
        rows.iter().filter_map(|row| Some((row.health, snapshot.at(row.position)?))).collect();
    let entries: Vec<Entry<'_>> =
        webhooks.iter().map(|(health, webhook)| Entry { webhook, health: *health }).collect();
    if context.settings.format == Format::Csv {
        let records = entries.iter().map(|entry| csv_record(*entry, &account.profile, output.secrets()));
        return Ok(output.answer_csv(&CSV_HEAD, records)?);
    }
    if !entries.is_empty() {
        output.answer(&webhooks::table(&entries, snapshot.now, output.table_style()))?;
    }
    if output.shows_notices() {
        notices(context, account, snapshot, &entries);
    }
    Ok(())
}

/// One object a line, between and around them what `frame` says: an array, or JSON lines.
fn write_json(
    context: &Context,
    account: &Account,
    snapshot: &Snapshot,
    rows: &[Row],
    frame: [&str; 3],
) -> Result<(), Error> {
    let [start, between, end] = frame;
    let secrets = context.output.secrets();
    if rows.is_empty() {
        return Ok(context.output.answer(if start.is_empty() { "" } else { "[]\n" })?);
    }
    let mut piece = start.to_owned();
    for (count, row) in rows.iter().enumerate() {
        let Some(webhook) = snapshot.label_at(row.position) else { continue };
        if count > 0 {
            piece.push_str(between);
        }
        let view = View::new(&webhook, &account.profile, row.health, secrets);
        write_webhook(&mut piece, &webhook, &view, secrets);
        if piece.len() > PIECE {
            context.output.answer(&piece)?;
            piece.clear();
        }
    }
    piece.push_str(end);
    Ok(context.output.answer(&piece)?)
}

fn notices(context: &Context, account: &Account, snapshot: &Snapshot, entries: &[Entry<'_>]) {
    let output = &context.output;
    let command = |rest: &str| account.command(rest);
    match webhooks::summary(entries, snapshot.total(), snapshot.now, output.notice_columns(), &command) {
        Some(summary) => output.notice(&format!("\n{summary}")),
        None if snapshot.total() > 0 => {
            output.notice(&format!("none of {} webhooks matches", snapshot.total()));
        }
        None => output.notice(&format!("0 webhooks{}", removed_lately(context, account).unwrap_or_default())),
    }
    for entry in entries {
        if let Some(trouble) = key_trouble(entry.webhook) {
            let text = format!("{}: {trouble}", inert(&entry.webhook.id));
            let columns = output.notice_columns().map_or(usize::MAX, |columns| columns.saturating_sub(2));
            output.notice(&wrapped(&text, columns).join("\n  "));
        }
    }
    if account.is_sandbox() {
        output.notice("(the sandbox: no real account)");
    }
}

/// `; 30 were removed at 03:00Z by prune-failed: vwh restore --last`.
fn removed_lately(context: &Context, account: &Account) -> Option<String> {
    let lines = account.journal(context).ok()?.read().ok()?;
    let last =
        lines.iter().rev().find(|line| line.action == Action::Removing && account.may_own(&line.owner))?;
    let removals = history::removals(&lines, &last.owner);
    let run: Vec<_> = history::last_run(&removals, &|_| false)
        .into_iter()
        .filter(|removal| !matches!(removal.state, history::State::Restored(_) | history::State::Kept))
        .filter(|removal| removal.successor.is_none())
        .collect();
    let first = run.first()?;
    let verb = if run.len() == 1 { "was" } else { "were" };
    Some(format!(
        "; {} {verb} removed at {} by {}: {}",
        run.len(),
        when::short(first.time, (context.clock)()),
        first.command,
        account.command("restore --last")
    ))
}
