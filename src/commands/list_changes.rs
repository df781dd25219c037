//! `vwh list --since-last`: only what has changed since the last time it was asked. It moves its mark once its answer is
//! written, so that a change that nobody could read is told again.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use wildmatch::WildMatch;

use super::Context;
use super::account::Account;
use super::accounts::{self, Accounts, Gathered};
use super::reading::{self, Change, Changed, Mark, Reading, Remembered};
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus};
use crate::output::changes::{ChangedEntry, table};
use crate::output::records::{CSV_HEAD, csv_record};
use crate::output::webhooks::{Entry, TableStyle};
use crate::output::when;
use crate::settings::Format;
use crate::webhook::json::{Secrets, View, to_line, write_webhook};
use crate::webhook::{Health, Webhook};

/// One account with the reading before and the reading now.
struct Compared {
    mark: Mark,
    before: Option<Reading>,
    after: Reading,
    snapshot: Snapshot,
}

/// A webhook that has changed.
struct Row<'a> {
    account: &'a Account,
    webhook: Webhook,
    health: Health,
    changed: Changed,
    now: DateTime<Utc>,
}

/// What is asked for.
pub struct Question<'a> {
    /// The mark's name.
    pub mark: &'a str,
    /// Only webhooks with such a url.
    pub url: Option<&'a str>,
    /// Whether one that is shown and down makes the exit code 1.
    pub exit_code: bool,
}

/// Runs `vwh list --since-last=NAME`.
pub async fn run(
    question: &Question<'_>,
    context: &Context,
    accounts: &Accounts,
) -> Result<ExitStatus, Error> {
    let glob = question.url.map(WildMatch::new);
    let is_wanted = |url: &str| glob.as_ref().is_none_or(|glob| glob.matches(url));
    let compare = async |account| compare(question.mark, &is_wanted, context, account).await;
    let gathered = accounts.each(compare).await?;
    let rows = rows(&gathered, &is_wanted);
    write(context, accounts, &rows)?;
    notices(context, &gathered, &rows);
    // What --quiet has kept back was told to nobody.
    let is_told = rows.is_empty() || !context.settings.is_quiet;
    let mut unset = Vec::new();
    for (account, compared) in gathered.answers.iter().filter(|_| is_told) {
        unset.extend(compared.mark.set(&compared.after).err().map(|error| (account.profile.as_str(), error)));
    }
    let is_down = question.exit_code && rows.iter().any(|row| row.health.is_down());
    let status = if is_down { ExitStatus::Failure } else { ExitStatus::Success };
    match unset.pop() {
        Some((_, error)) if !accounts.is_several => Err(error),
        last => {
            unset.extend(last);
            unset.extend(gathered.failures);
            accounts::conclude(context, unset, status)
        }
    }
}

async fn compare(
    mark: &str,
    is_wanted: &dyn Fn(&str) -> bool,
    context: &Context,
    account: &Account,
) -> Result<Compared, Error> {
    let mark = Mark::take(context, account, mark).await?;
    let before = mark.read(account)?;
    let snapshot = Snapshot::take(context, account).await?;
    let after = Reading::of(&snapshot, account, before.as_ref(), is_wanted);
    Ok(Compared { mark, before, after, snapshot })
}

fn rows<'a>(gathered: &Gathered<'a, Compared>, is_wanted: &dyn Fn(&str) -> bool) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (account, compared) in &gathered.answers {
        let now = compared.snapshot.now;
        let wanted = compared.snapshot.webhooks().filter(|webhook| is_wanted(&webhook.url));
        let listed = wanted.filter_map(|webhook| {
            let after = compared.after.get(&webhook.id)?;
            let changed = match compared.before.as_ref().map(|before| before.get(&webhook.id)) {
                None => reading::baseline(after),
                Some(None) => Some(reading::added(after)),
                Some(Some(before)) => reading::changed(before, after),
            }?;
            Some(Row { account, health: Health::of(&webhook, now), webhook, changed, now })
        });
        rows.extend(listed);
        let gone = compared.before.iter().flat_map(|before| before.missing_in(&compared.after));
        rows.extend(gone.map(|(id, remembered)| removed(account, id, remembered, now)));
    }
    rows.sort_by(|left, right| left.changed.changes.cmp(&right.changed.changes));
    rows
}

/// Of one that is gone only its id, its url and its last health are known.
fn removed<'a>(account: &'a Account, id: &str, remembered: &Remembered, now: DateTime<Utc>) -> Row<'a> {
    let raw = to_line(&serde_json::json!({ "id": id, "url": remembered.url }));
    let mut webhook = Webhook::unread(account.service(), Bytes::from(raw));
    id.clone_into(&mut webhook.id);
    webhook.url.clone_from(&remembered.url);
    let changed = Changed { changes: vec![Change::Removed], new_successes: None, new_failures: None };
    Row { account, webhook, health: remembered.health, changed, now }
}

fn write(context: &Context, accounts: &Accounts, rows: &[Row<'_>]) -> Result<(), Error> {
    let output = &context.output;
    let secrets = output.secrets();
    match context.settings.format {
        Format::Json if rows.is_empty() => output.answer("[]\n")?,
        Format::Json => {
            let lines: Vec<String> = rows.iter().map(|row| row.json(secrets)).collect();
            output.answer(&format!("[\n{}\n]\n", lines.join(",\n")))?;
        }
        Format::Jsonl => {
            output.answer(&rows.iter().map(|row| row.json(secrets) + "\n").collect::<String>())?;
        }
        _ if rows.is_empty() => {}
        Format::Csv => {
            let head: Vec<&str> =
                CSV_HEAD.into_iter().chain(["changes", "new_successes", "new_failures"]).collect();
            output.answer_csv(&head, rows.iter().map(|row| row.csv(secrets)))?;
        }
        Format::Table | Format::Wide | Format::Prometheus => {
            let entries: Vec<ChangedEntry<'_>> = rows.iter().map(Row::entry).collect();
            let style = TableStyle { shows_profile: accounts.is_several, ..output.table_style() };
            output.answer(&table(&entries, style))?;
        }
    }
    Ok(())
}

/// What was compared, for a person: the first reading is not all that there is.
fn notices(context: &Context, gathered: &Gathered<'_, Compared>, rows: &[Row<'_>]) {
    for (account, compared) in &gathered.answers {
        let now = compared.snapshot.now;
        match &compared.before {
            None => context.output.notice(&format!(
                "{}: first reading of {} webhooks; only failed and expired ones are shown",
                account.profile,
                compared.snapshot.total()
            )),
            Some(before) if rows.is_empty() => context.output.notice(&format!(
                "{}: nothing has changed since {}",
                account.profile,
                when::short(before.read_at, now)
            )),
            Some(_) => {}
        }
    }
}

impl Row<'_> {
    fn json(&self, secrets: Secrets) -> String {
        let mut view = View::new(&self.webhook, &self.account.profile, self.health, secrets);
        view.changes = Some(self.changed.changes.iter().map(|change| change.name()).collect());
        view.new_successes = self.changed.new_successes;
        view.new_failures = self.changed.new_failures;
        let mut line = String::new();
        write_webhook(&mut line, &self.webhook, &view, secrets);
        line
    }

    fn csv(&self, secrets: Secrets) -> Vec<String> {
        let (webhook, health) = (&self.webhook, self.health);
        let entry = Entry { webhook, health, profile: &self.account.profile, now: self.now };
        let changes: Vec<&str> = self.changed.changes.iter().map(|change| change.name()).collect();
        let count = |count: Option<i64>| count.map(|count| count.to_string()).unwrap_or_default();
        let (successes, failures) = (count(self.changed.new_successes), count(self.changed.new_failures));
        csv_record(entry, secrets).into_iter().chain([changes.join(" "), successes, failures]).collect()
    }

    fn entry(&self) -> ChangedEntry<'_> {
        ChangedEntry {
            profile: &self.account.profile,
            words: self.words(),
            webhook: &self.webhook,
            new_successes: self.changed.new_successes,
            now: self.now,
        }
    }

    fn words(&self) -> String {
        let word = |change: &Change| match (change, self.changed.new_failures) {
            (Change::FailuresIncreased, Some(more)) => format!("failures +{more}"),
            _ => change.name().to_owned(),
        };
        self.changed.changes.iter().map(word).collect::<Vec<_>>().join(", ")
    }
}
