//! `vwh status`: one webhook in full with the reason and the next step, or the account in one line.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use super::Context;
use super::account::Account;
use super::accounts::{Accounts, Gathered};
use super::gap::gap_of;
use super::missed::view::events;
use super::snapshot::{Snapshot, no_such_webhook};
use crate::error::{Error, ExitStatus, Kind};
use crate::http::HttpError;
use crate::output::detail::{Next, full, key_cure, key_trouble};
use crate::output::fold::{folded, hanging};
use crate::output::records::{CSV_HEAD, csv_record};
use crate::output::text::word;
use crate::output::webhooks::{self, Entry};
use crate::output::when::absolute;
use crate::services::facts::facts;
use crate::services::registration::is_gone;
use crate::services::vis::events::Query;
use crate::settings::Format;
use crate::webhook::json::{View, to_line, write_webhook};
use crate::webhook::{Health, Webhook};

/// How long the log of events may keep the answer waiting.
const BRIEFLY: Duration = Duration::from_secs(3);

/// Show one webhook in full, or the account's summary
///
/// Without ID: how many webhooks are in which health. With ID, or a unique prefix of at least 4 characters: everything
/// that is known about that one, and what to do next.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// The webhook's id, or a unique prefix
    id: Option<String>,

    /// Exit with 1 if it, or any webhook of the account, is failed or expired
    #[arg(long)]
    exit_code: bool,
}

/// The JSON of `vwh status` without ID; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    profile: &'a str,
    service: &'static str,
    as_of: String,
    webhooks: usize,
    health: serde_json::Map<String, serde_json::Value>,
}

/// Runs `vwh status`.
pub async fn run(args: &StatusArgs, context: &Context, accounts: &Accounts) -> Result<ExitStatus, Error> {
    let status_of =
        |is_down| if args.exit_code && is_down { ExitStatus::Failure } else { ExitStatus::Success };
    match &args.id {
        Some(_) if accounts.is_several => Err(accounts.one_for_an_id()),
        Some(id) => Ok(status_of(one(context, accounts.only()?, id).await?)),
        None => {
            let gathered = accounts.each(async |account| Snapshot::take(context, account).await).await?;
            let is_down = summary(context, accounts, &gathered)?;
            gathered.conclude(context, status_of(is_down))
        }
    }
}

/// Asks for the one first: with an exact id that is the only call. A service may answer a prefix as a malformed id.
async fn one(context: &Context, account: &Account, id: &str) -> Result<bool, Error> {
    let refusal = match account.client.get(id).await {
        Ok((webhook, date)) => {
            return show(context, account, &webhook, date.unwrap_or_else(context.clock)).await;
        }
        Err(error) => error,
    };
    let is_malformed =
        matches!(&refusal, HttpError::Fault { fault, .. } if matches!(fault.status, 400 | 422));
    if !is_gone(&refusal) && !is_malformed {
        return Err(Error::from(refusal).while_doing(format!("cannot show webhook {id:?}")));
    }
    let snapshot = Snapshot::take(context, account).await?;
    let found = match snapshot.find(id) {
        Some(webhook) => Some(webhook),
        None => snapshot.find_by_prefix(id)?,
    };
    let webhook = found.ok_or_else(|| no_such_webhook(account, &snapshot, id))?;
    show(context, account, &webhook, snapshot.now).await
}

async fn show(
    context: &Context,
    account: &Account,
    webhook: &Webhook,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let output = &context.output;
    let entry = Entry { webhook, health: Health::of(webhook, now), profile: &account.profile, now };
    match context.settings.format {
        Format::Json | Format::Jsonl => {
            let view = View::new(webhook, &account.profile, entry.health, output.secrets());
            let mut line = String::new();
            write_webhook(&mut line, webhook, &view, output.secrets());
            line.push('\n');
            output.answer(&line)?;
        }
        Format::Csv => {
            output.answer_csv(&CSV_HEAD, [csv_record(entry, output.secrets())])?;
        }
        Format::Table | Format::Wide | Format::Prometheus => {
            let missed = missed(account, entry).await;
            let next = next_step(account, entry, missed.as_ref());
            let missed = missed.as_ref().map(Missed::words);
            output.answer(&full(entry, output.table_style(), missed, &next))?;
        }
    }
    Ok(entry.health.is_down())
}

/// How many events a webhook that is down has missed, as far as one look at the log tells.
struct Missed {
    count: usize,
    /// Whether there may be more.
    is_cut: bool,
    since: DateTime<Utc>,
}

impl Missed {
    /// `7 events since 2026-01-02T00:00:00Z`.
    fn words(&self) -> String {
        let (count, since) = (events(self.count), absolute(self.since));
        match (self.is_cut, self.count) {
            (false, _) => format!("{count} since {since}"),
            (true, 0) => format!("none found since {since} in the newest part of the log"),
            (true, _) => format!("at least {count} since {since}"),
        }
    }
}

/// Looks into the log, briefly. It is nice to know: whatever goes wrong with it is nobody's concern here.
async fn missed(account: &Account, entry: Entry<'_>) -> Option<Missed> {
    let gap = gap_of(entry.webhook, entry.now).filter(|_| entry.health.is_down())?;
    let since = gap.begin().or(gap.created)?;
    let is_missed = |moment| moment > since;
    let reading = account.client.newest_events(Query::new(since, None), &is_missed);
    let log = tokio::time::timeout(BRIEFLY, reading).await.ok()?.ok()?;
    Some(Missed { count: log.events.len(), is_cut: log.is_cut, since })
}

/// What to do about a webhook of this health, which may have missed events.
fn next_step(account: &Account, entry: Entry<'_>, missed: Option<&Missed>) -> Next {
    let id = word(&entry.webhook.id);
    let mut commands = vec![account.command(&format!("renew {id}"))];
    if entry.health.is_down() && missed.is_none_or(|missed| missed.count > 0 || missed.is_cut) {
        commands.push(account.command(&format!("missed {id}")));
    }
    let words = |words| Next { words: Some(words), commands: Vec::new() };
    match entry.health {
        Health::Failed => Next { commands, ..words("repair the receiver, then:") },
        Health::Expired | Health::Expiring => Next { words: None, commands },
        Health::Unproven => words("wait for the next call; it proves the receiver"),
        Health::Idle => words("place a call; if nothing arrives, the user may have no extension"),
        Health::Paused if facts(entry.webhook.service).can_pause => {
            let resume = format!("update {} --resume", word(&entry.webhook.id));
            Next { words: None, commands: vec![account.command(&resume)] }
        }
        Health::Unknown if !entry.webhook.service.reports_deliveries() => Next::default(),
        Health::Paused => words("ask the service's support: nobody documents how it is resumed"),
        Health::Unknown => words("look again later"),
        Health::Ok => {
            let cure = key_trouble(entry.webhook).map(|_| account.command(&key_cure(entry.webhook)));
            Next { words: None, commands: cure.into_iter().collect() }
        }
    }
}

/// Writes how many webhooks are in which health, a line an account. Whether any is failed or expired.
fn summary(context: &Context, accounts: &Accounts, gathered: &Gathered<'_, Snapshot>) -> Result<bool, Error> {
    let format = context.settings.format;
    if format == Format::Csv {
        let list = accounts.command("list -o csv");
        return Err(
            Error::new(Kind::Usage, "a summary has no CSV").hint(format!("all webhooks as CSV: {list}"))
        );
    }
    let width = context.output.table_style().width;
    let profiles =
        gathered.answers.iter().map(|(account, _)| account.profile.chars().count()).max().unwrap_or_default();
    let mut lines = Vec::new();
    let mut is_down = false;
    for (account, snapshot) in &gathered.answers {
        let webhooks = snapshot.worst_first();
        let entries = entries(account, snapshot, &webhooks);
        is_down |= entries.iter().any(|entry| entry.health.is_down());
        lines.push(if format.is_json() {
            to_line(&summary_view(account, snapshot, &entries))
        } else {
            let counted =
                if entries.is_empty() { "0 webhooks".to_owned() } else { webhooks::counts(&entries) };
            let profile = format!("{:<profiles$}  ", account.profile);
            if accounts.is_several {
                hanging(&profile, &counted, width).trim_end().to_owned()
            } else {
                folded(&counted, width)
            }
        });
    }
    let text = match format {
        Format::Json if accounts.is_several => format!("[{}]\n", lines.join(",\n")),
        _ => lines.iter().map(|line| format!("{line}\n")).collect(),
    };
    context.output.answer(&text)?;
    if !format.is_json() {
        notice_what_to_do(context, accounts, gathered);
    }
    Ok(is_down)
}

fn entries<'a>(
    account: &'a Account,
    snapshot: &Snapshot,
    webhooks: &'a [(Health, Webhook)],
) -> Vec<Entry<'a>> {
    let now = snapshot.now;
    let entry = |(health, webhook): &'a (Health, Webhook)| Entry {
        webhook,
        health: *health,
        profile: &account.profile,
        now,
    };
    webhooks.iter().map(entry).collect()
}

fn summary_view<'a>(account: &'a Account, snapshot: &Snapshot, entries: &[Entry<'_>]) -> Summary<'a> {
    let count = |health| entries.iter().filter(|entry| entry.health == health).count();
    let health = Health::ALL.iter().map(|health| (health.name().to_owned(), count(*health).into())).collect();
    Summary {
        profile: &account.profile,
        service: account.service().name(),
        as_of: absolute(snapshot.now),
        webhooks: snapshot.total(),
        health,
    }
}

/// The worst of it, with the next command to type.
fn notice_what_to_do(context: &Context, accounts: &Accounts, gathered: &Gathered<'_, Snapshot>) {
    let read: Vec<_> = gathered.answers.iter().map(|(_, snapshot)| snapshot.worst_first()).collect();
    let entries: Vec<Entry<'_>> = gathered
        .answers
        .iter()
        .zip(&read)
        .flat_map(|((account, snapshot), webhooks)| entries(account, snapshot, webhooks))
        .collect();
    let output = &context.output;
    let columns = output.notice_columns();
    let commands = accounts.commands(&entries);
    if let Some(troubles) = webhooks::troubles(&entries, entries.len(), columns, &commands) {
        output.notice(&troubles);
    }
}
