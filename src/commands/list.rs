//! `vwh list`: the table, worst first.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use wildmatch::WildMatch;

use super::Context;
use super::account::Account;
use super::accounts::Accounts;
use super::export;
use super::list_changes::{self, Question};
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus, Kind};
use crate::journal::{Action, Line, history};
use crate::output::detail::key_trouble;
use crate::output::records::{CSV_HEAD, csv_record};
use crate::output::text::inert;
use crate::output::webhooks::{self, Entry, TableStyle};
use crate::output::when;
use crate::services::ability::{Ability, Lack, lack_of};
use crate::settings::Format;
use crate::settings::flags::parse_duration;
use crate::webhook::json::{View, write_webhook};
use crate::webhook::{Health, ServiceKind, Webhook};

/// JSON is handed on in pieces of about this many bytes, so that a long list is not in memory twice.
const PIECE: usize = 256 * 1024;

/// List webhooks, worst first
///
/// Health, worst first: failed, expired, paused, expiring (within 48h), unknown, unproven (renewed, no success since),
/// idle (never attempted), ok. Contact Center and VoIPBIN report no deliveries: their webhooks are paused or unknown.
///
/// --since-last shows newly failed, expired, paused and expiring webhooks, recovered ones, added and removed ones, and those
/// that have given up more deliveries; the first time what is failed or expired. Nothing changed: nothing is written.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Only those that have stopped because deliveries failed (VIS)
    #[arg(long)]
    failed: bool,

    /// Only those of this health; may be given several times
    #[arg(long, value_name = "HEALTH")]
    health: Vec<Health>,

    /// Only those whose url matches; * and ? are wildcards
    #[arg(long, value_name = "GLOB")]
    url: Option<String>,

    /// Only those that expire within this time, the expired included (VIS)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expiring_within: Option<TimeDelta>,

    /// Only those that deliver the same events to the same url as another one
    #[arg(long)]
    duplicates: bool,

    /// Order: health, url, created, expires, last-failure or id [default: health]
    #[arg(
        long,
        value_name = "KEY",
        default_value = "health",
        hide_possible_values = true,
        hide_default_value = true
    )]
    sort: SortKey,

    /// Only what has changed since the last time; NAME keeps marks of different readers apart
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "last",
        value_parser = parse_mark,
        conflicts_with_all = ["failed", "health", "expiring_within", "duplicates", "sort"]
    )]
    since_last: Option<String>,

    /// Write the metrics of -o prometheus to this file, whole or not at all; everybody may read it
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Exit with 1 if any of those listed is failed or expired
    #[arg(long)]
    pub(super) exit_code: bool,
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

/// A webhook that the filters leave: whose list, where it stands in it, and what decides its place in ours.
pub(super) struct Row {
    pub(super) account: usize,
    pub(super) position: usize,
    pub(super) health: Health,
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
pub async fn run(args: &ListArgs, context: &Context, accounts: &Accounts) -> Result<ExitStatus, Error> {
    if context.settings.format == Format::Prometheus {
        if args.since_last.is_some() {
            return Err(Error::new(
                Kind::Usage,
                "metrics are of everything, and --since-last is of what is new",
            )
            .hint("drop one of --since-last and -o prometheus"));
        }
        return export::run(args, context, accounts).await;
    }
    if let Some(mark) = &args.since_last {
        let question = Question { mark, url: args.url.as_deref(), exit_code: args.exit_code };
        return list_changes::run(&question, context, accounts).await;
    }
    if args.failed || args.health.contains(&Health::Failed) {
        say_what_is_not_reported(args, context, accounts)?;
    }
    let gathered = accounts.each(async |account| Snapshot::take(context, account).await).await?;
    let mut rows = filtered(args, &gathered.answers);
    rows.sort_by(|left, right| left.order().cmp(&right.order()));
    let answer = Answer { context, accounts, read: &gathered.answers, rows: &rows };
    match context.settings.format {
        Format::Json => answer.write_json(["[\n", ",\n", "\n]\n"])?,
        Format::Jsonl => answer.write_json(["", "\n", "\n"])?,
        Format::Csv | Format::Table | Format::Wide | Format::Prometheus => answer.write_for_people()?,
    }
    let is_down = args.exit_code && rows.iter().any(|row| row.health.is_down());
    gathered.conclude(context, if is_down { ExitStatus::Failure } else { ExitStatus::Success })
}

/// Of a service that does not report failures the list of the failed is empty whatever has failed, which must not look like
/// good news; least of all to a script that goes by the exit status.
fn say_what_is_not_reported(args: &ListArgs, context: &Context, accounts: &Accounts) -> Result<(), Error> {
    let mut lacks: Vec<Lack> = Vec::new();
    for service in accounts.services().filter(|service| !service.reports_deliveries()) {
        lacks.extend(lack_of(service, Ability::PruneFailed).filter(|lack| !lacks.contains(lack)));
    }
    if let (true, false, [lack, ..]) =
        (args.exit_code, accounts.services().any(ServiceKind::reports_deliveries), lacks.as_slice())
    {
        return Err(Error::new(Kind::Usage, lack.sentence).hint(lack.instead));
    }
    for lack in lacks {
        context.output.warning(&format!("{}, so none can be listed here", lack.sentence));
    }
    Ok(())
}

/// Each account with its list.
pub(super) type Read<'a> = [(&'a Account, Snapshot)];

pub(super) fn filtered(args: &ListArgs, read: &Read<'_>) -> Vec<Row> {
    let glob = args.url.as_deref().map(WildMatch::new);
    let mut rows = Vec::new();
    for (account, (_, snapshot)) in read.iter().enumerate() {
        let duplicates = args.duplicates.then(|| duplicate_counts(snapshot));
        rows.extend(snapshot.webhooks().enumerate().filter_map(|(position, webhook)| {
            let health = Health::of(&webhook, snapshot.now);
            let is_wanted = (!args.failed || webhook.has_failed())
                && (args.health.is_empty() || args.health.contains(&health))
                && glob.as_ref().is_none_or(|glob| glob.matches(&webhook.url))
                && args.expiring_within.is_none_or(|within| webhook.expires_within(within, snapshot.now))
                && duplicates.as_ref().is_none_or(|counts| counts[&delivery_key(&webhook)] > 1);
            let last_failure = webhook.last_failure();
            is_wanted.then(|| Row { account, position, health, last_failure, rank: rank(args.sort, webhook) })
        }));
    }
    rows
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

/// What is to be written, and where.
struct Answer<'a> {
    context: &'a Context,
    accounts: &'a Accounts,
    read: &'a Read<'a>,
    rows: &'a [Row],
}

impl Answer<'_> {
    fn write_for_people(&self) -> Result<(), Error> {
        let output = &self.context.output;
        let webhooks: Vec<Webhook> =
            self.rows.iter().filter_map(|row| self.read[row.account].1.at(row.position)).collect();
        let entry = |(webhook, row): (_, &Row)| {
            let (account, snapshot) = &self.read[row.account];
            Entry { webhook, health: row.health, profile: &account.profile, now: snapshot.now }
        };
        let entries: Vec<Entry<'_>> = webhooks.iter().zip(self.rows).map(entry).collect();
        if self.context.settings.format == Format::Csv {
            let records = entries.iter().map(|entry| csv_record(*entry, output.secrets()));
            return Ok(output.answer_csv(&CSV_HEAD, records)?);
        }
        if !entries.is_empty() {
            let style = TableStyle { shows_profile: self.accounts.is_several, ..output.table_style() };
            output.answer(&webhooks::table(&entries, style))?;
        }
        if output.shows_notices() {
            self.notices(&entries);
        }
        Ok(())
    }

    /// One object a line, between and around them what `frame` says: an array, or JSON lines.
    fn write_json(&self, frame: [&str; 3]) -> Result<(), Error> {
        let [start, between, end] = frame;
        let output = &self.context.output;
        if self.rows.is_empty() {
            return Ok(output.answer(if start.is_empty() { "" } else { "[]\n" })?);
        }
        let mut piece = start.to_owned();
        for (count, row) in self.rows.iter().enumerate() {
            let (account, snapshot) = &self.read[row.account];
            let Some(webhook) = snapshot.label_at(row.position) else { continue };
            if count > 0 {
                piece.push_str(between);
            }
            let view = View::new(&webhook, &account.profile, row.health, output.secrets());
            write_webhook(&mut piece, &webhook, &view, output.secrets());
            if piece.len() > PIECE {
                output.answer(&piece)?;
                piece.clear();
            }
        }
        piece.push_str(end);
        Ok(output.answer(&piece)?)
    }

    fn notices(&self, entries: &[Entry<'_>]) {
        let output = &self.context.output;
        let total = self.read.iter().map(|(_, snapshot)| snapshot.total()).sum();
        let columns = output.notice_columns();
        match webhooks::summary(entries, total, columns, &self.accounts.commands(entries)) {
            Some(summary) => output.notice(&format!("\n{summary}")),
            None if total > 0 => output.notice(&format!("none of {total} webhooks matches")),
            None => {
                let removed =
                    self.read.iter().filter_map(|(account, _)| removed_lately(self.context, account));
                let removed: String = removed.collect();
                output.notice(&format!("0 webhooks{removed}"));
            }
        }
        for (trouble, id, more) in key_troubles(entries) {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            output.notice(&format!("{}{more}: {trouble}", inert(id)));
        }
        if self.accounts.only().is_ok_and(Account::is_sandbox) {
            output.notice("(the sandbox: no real account)");
        }
    }
}

/// Each trouble with keys, with the first webhook that has it, and how many more have it.
fn key_troubles<'a>(entries: &[Entry<'a>]) -> Vec<(&'static str, &'a str, usize)> {
    let mut troubles: Vec<(&str, &str, usize)> = Vec::new();
    for entry in entries {
        let Some(trouble) = key_trouble(entry.webhook) else { continue };
        match troubles.iter_mut().find(|(known, ..)| *known == trouble) {
            Some((_, _, more)) => *more += 1,
            None => troubles.push((trouble, &entry.webhook.id, 0)),
        }
    }
    troubles
}

fn parse_mark(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("a name is made of letters, digits, `-` and `_`".to_owned())
    }
}

/// `; 30 were removed at 03:00Z by prune-failed: vwh restore --last`.
fn removed_lately(context: &Context, account: &Account) -> Option<String> {
    let lines = account.journal(context).ok()?.read().ok()?;
    let is_ours = |line: &&Line| account.removes(&line.owner, &line.profile);
    let last = lines.iter().rev().find(|line| line.action == Action::Removing && is_ours(line))?;
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
