//! `vwh list`: the table, worst first.

use std::collections::HashMap;

use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use wildmatch::WildMatch;

use super::Context;
use super::account::Account;
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus};
use crate::journal::{Action, history};
use crate::output::webhooks::{self, Entry, csv_record};
use crate::output::when;
use crate::settings::Format;
use crate::settings::flags::parse_duration;
use crate::webhook::Health;
use crate::webhook::json::{View, write_webhook};

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

/// Runs `vwh list`.
pub async fn run(args: &ListArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let snapshot = Snapshot::take(context, account).await?;
    let mut entries = filtered(args, &snapshot);
    sort(&mut entries, args.sort);
    write(context, account, &snapshot, &entries)?;
    if context.output.shows_notices() && !context.settings.format.is_json() {
        notices(context, account, &snapshot, &entries);
    }
    let is_down = args.exit_code && entries.iter().any(|entry| entry.health.is_down());
    Ok(if is_down { ExitStatus::Failure } else { ExitStatus::Success })
}

fn filtered<'a>(args: &ListArgs, snapshot: &'a Snapshot) -> Vec<Entry<'a>> {
    let glob = args.url.as_deref().map(WildMatch::new);
    let duplicates = args.duplicates.then(|| duplicate_counts(snapshot));
    let mut entries = snapshot.entries();
    entries.retain(|entry| {
        (!args.failed || entry.webhook.has_failed())
            && (args.health.is_empty() || args.health.contains(&entry.health))
            && glob.as_ref().is_none_or(|glob| glob.matches(&entry.webhook.url))
            && args.expiring_within.is_none_or(|within| entry.webhook.expires_within(within, snapshot.now))
            && duplicates.as_ref().is_none_or(|counts| counts[&delivery_key(*entry)] > 1)
    });
    entries
}

fn duplicate_counts(snapshot: &Snapshot) -> HashMap<(&str, Vec<&str>), usize> {
    let mut counts = HashMap::new();
    for entry in snapshot.entries() {
        *counts.entry(delivery_key(entry)).or_insert(0) += 1;
    }
    counts
}

/// What makes two webhooks deliver the same: the url, and the events in any order.
fn delivery_key(entry: Entry<'_>) -> (&str, Vec<&str>) {
    let mut events: Vec<&str> = entry.webhook.events.iter().map(String::as_str).collect();
    events.sort_unstable();
    (&entry.webhook.url, events)
}

fn sort(entries: &mut [Entry<'_>], key: SortKey) {
    match key {
        SortKey::Health => {}
        SortKey::Url => entries.sort_by_key(|entry| entry.webhook.url.as_str()),
        SortKey::Id => entries.sort_by_key(|entry| entry.webhook.id.as_str()),
        SortKey::Created => entries.sort_by_key(|entry| std::cmp::Reverse(entry.webhook.created_at)),
        // What has no date comes last.
        SortKey::Expires => {
            entries.sort_by_key(|entry| (entry.webhook.expire_at.is_none(), entry.webhook.expire_at));
        }
        SortKey::LastFailure => entries.sort_by_key(|entry| std::cmp::Reverse(entry.webhook.last_failure())),
    }
}

fn write(
    context: &Context,
    account: &Account,
    snapshot: &Snapshot,
    entries: &[Entry<'_>],
) -> Result<(), Error> {
    let output = &context.output;
    match context.settings.format {
        Format::Json => write_json(context, account, entries, ["[\n", ",\n", "\n]\n"])?,
        Format::Jsonl => write_json(context, account, entries, ["", "\n", "\n"])?,
        Format::Csv => {
            let records = entries.iter().map(|entry| csv_record(*entry, &account.profile, output.secrets()));
            output.answer_csv(&webhooks::CSV_HEAD, records)?;
        }
        Format::Table | Format::Wide if entries.is_empty() => {}
        Format::Table | Format::Wide => {
            output.answer(&webhooks::table(entries, snapshot.now, output.table_style()))?;
        }
    }
    Ok(())
}

/// One object a line, between and around them what `frame` says: an array, or JSON lines.
fn write_json(
    context: &Context,
    account: &Account,
    entries: &[Entry<'_>],
    frame: [&str; 3],
) -> Result<(), Error> {
    let [start, between, end] = frame;
    let secrets = context.output.secrets();
    if entries.is_empty() {
        return Ok(context.output.answer(if start.is_empty() { "" } else { "[]\n" })?);
    }
    let mut piece = start.to_owned();
    for (position, entry) in entries.iter().enumerate() {
        if position > 0 {
            piece.push_str(between);
        }
        let view = View::new(entry.webhook, &account.profile, entry.health, secrets);
        write_webhook(&mut piece, entry.webhook, &view, secrets);
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
    match webhooks::summary(entries, snapshot.total(), snapshot.now, &command) {
        Some(summary) => output.notice(&format!("\n{summary}")),
        None if snapshot.total() > 0 => {
            output.notice(&format!("none of {} webhooks matches", snapshot.total()));
        }
        None => output.notice(&format!("0 webhooks{}", removed_lately(context, account).unwrap_or_default())),
    }
    for (id, trouble) in
        entries.iter().filter_map(|entry| Some((&entry.webhook.id, webhooks::key_trouble(entry.webhook)?)))
    {
        output.notice(&crate::output::text::inert(&format!("{id}: {trouble}")));
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
    let run: Vec<_> = history::last_run(&removals)
        .into_iter()
        .filter(|removal| !matches!(removal.state, history::State::Restored(_) | history::State::Kept))
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
