//! Webhooks for people: the table and the summary below it. Pure.

use std::collections::HashMap;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Utc};

use super::table::{Column, lay_out};
use super::text::{error_message, inert, width};
use super::when::{relative, short};
use crate::webhook::json::Secrets;
use crate::webhook::{Health, Statistics, Webhook};

/// A webhook as it is shown.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// The webhook.
    pub webhook: &'a Webhook,
    /// Its health.
    pub health: Health,
    /// The profile it was read with.
    pub profile: &'a str,
    /// The service's clock when it was read.
    pub now: DateTime<Utc>,
}

/// What to type next, as the connection asks for it.
#[derive(Clone, Debug)]
pub struct Commands {
    /// `vwh status` with the id of the webhook that it is about: the only one that failed, or `ID`.
    pub status: String,
    /// `vwh renew --failed`.
    pub renew_failed: String,
    /// `vwh renew --expiring-within 3d`.
    pub renew_expiring: String,
    /// `vwh update ID --resume`, where a service can do that.
    pub resume: Option<String>,
}

/// How a table is drawn.
#[derive(Clone, Copy, Debug)]
pub struct TableStyle {
    /// Columns of the terminal; `None` cuts nothing.
    pub width: Option<usize>,
    /// Whether to colour.
    pub is_colored: bool,
    /// Every column.
    pub is_wide: bool,
    /// Whether the profile comes first.
    pub shows_profile: bool,
    /// Whether keys in URLs are shown.
    pub secrets: Secrets,
}

#[cfg(test)]
impl TableStyle {
    /// What the tests of lines and tables start from.
    pub(super) const PLAIN: Self =
        Self { width: None, is_colored: false, is_wide: false, shows_profile: false, secrets: Secrets::Hide };
}

/// Columns, the profile among them, that are not only for wide tables.
const NARROW: usize = 8;

/// Where the name stands in `COLUMNS`.
const NAME: usize = 3;

const COLUMNS: [Column; 14] = [
    Column { head: "PROFILE", drop_rank: 0, shrinks_to: None },
    Column { head: "HEALTH", drop_rank: 0, shrinks_to: None },
    Column { head: "ID", drop_rank: 0, shrinks_to: None },
    Column { head: "NAME", drop_rank: 3, shrinks_to: Some(12) },
    // Enough to tell hosts apart; less would be noise.
    Column { head: "URL", drop_rank: 1, shrinks_to: Some(18) },
    Column { head: "DELIVERED", drop_rank: 5, shrinks_to: None },
    // Enough for `26h ago, 503`.
    Column { head: "LAST FAILURE", drop_rank: 2, shrinks_to: Some(12) },
    Column { head: "EXPIRES", drop_rank: 4, shrinks_to: None },
    Column { head: "LAST SUCCESS", drop_rank: 6, shrinks_to: None },
    Column { head: "ATTEMPTS", drop_rank: 7, shrinks_to: None },
    Column { head: "POLICY", drop_rank: 8, shrinks_to: None },
    Column { head: "SIGNED", drop_rank: 9, shrinks_to: None },
    Column { head: "CREATED", drop_rank: 10, shrinks_to: None },
    Column { head: "EVENTS", drop_rank: 11, shrinks_to: None },
];

/// The table, one line a webhook.
#[must_use]
pub fn table(entries: &[Entry<'_>], style: TableStyle) -> String {
    let first = usize::from(!style.shows_profile);
    let end = if style.is_wide { COLUMNS.len() } else { NARROW };
    // Where no service has names, scripts find the columns where they always were.
    let has_names = entries.iter().any(|entry| entry.webhook.name.is_some());
    let kept: Vec<usize> = (first..end).filter(|index| *index != NAME || has_names).collect();
    let rows = |is_short| -> Vec<Vec<String>> {
        let cells = entries.iter().map(|entry| cells(*entry, style.secrets, is_short));
        cells.map(|cells| kept.iter().map(|index| cells[*index].clone()).collect()).collect()
    };
    let columns: Vec<Column> = kept.iter().map(|index| COLUMNS[*index]).collect();
    let mut lines = lay_out(&columns, &rows(false), None);
    if let Some(limit) = style.width {
        // Where they fit too, columns without anything in them say nothing.
        let is_short = lines.iter().any(|line| width(line) > limit);
        lines = lay_out(&columns, &rows(is_short), style.width);
    }
    let mut out = String::new();
    for (position, line) in lines.iter().enumerate() {
        match position.checked_sub(1).and_then(|index| entries.get(index)) {
            Some(entry) if style.is_colored => out.push_str(&colored(line, *entry, style.shows_profile)),
            None if style.is_colored => {
                let bold = Style::new().bold();
                out.push_str(&format!("{bold}{line}{bold:#}"));
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// A line with its first column, or the one after the profile, coloured: the word of `health`.
fn colored(line: &str, entry: Entry<'_>, shows_profile: bool) -> String {
    let health = entry.health;
    let style = style_of(health);
    let start = if shows_profile { entry.profile.len() } else { 0 };
    let (before, rest) = line.split_at(line[start..].find(health.name()).map_or(0, |found| start + found));
    let rest = rest.strip_prefix(health.name()).unwrap_or_default();
    format!("{before}{style}{health}{style:#}{rest}")
}

pub(super) fn style_of(health: Health) -> Style {
    let color = match health {
        Health::Failed | Health::Expired => AnsiColor::Red,
        Health::Paused | Health::Expiring | Health::Unknown | Health::Unproven => AnsiColor::Yellow,
        Health::Idle => return Style::new().dimmed(),
        Health::Ok => AnsiColor::Green,
    };
    Style::new().fg_color(Some(color.into()))
}

/// The cells of one row. In short, what a narrow terminal can do without is left out: a status's name, `https://`.
fn cells(entry: Entry<'_>, secrets: Secrets, is_short: bool) -> [String; 14] {
    let Entry { webhook, now, .. } = entry;
    let url = shown_url(webhook, secrets, is_short);
    let statistics = webhook.statistics.as_ref();
    let ago = |moment: Option<DateTime<Utc>>| moment.map(|moment| relative(moment, now)).unwrap_or_default();
    [
        entry.profile.to_owned(),
        entry.health.name().to_owned(),
        inert(&webhook.id).into_owned(),
        inert(webhook.name.as_deref().unwrap_or_default()).into_owned(),
        inert(&url).into_owned(),
        statistics.map(delivered).unwrap_or_default(),
        last_failure(webhook, now, is_short),
        ago(webhook.expire_at),
        ago(statistics.and_then(|statistics| statistics.last_success)),
        statistics
            .and_then(|statistics| statistics.attempts)
            .map(|count| count.to_string())
            .unwrap_or_default(),
        inert(webhook.shown_policy().unwrap_or_default()).to_lowercase(),
        if webhook.is_signed() { "yes".to_owned() } else { "no".to_owned() },
        ago(webhook.created_at),
        inert(&webhook.events.join(",")).into_owned(),
    ]
}

/// A webhook's url; in short without `https://`.
pub(super) fn shown_url(webhook: &Webhook, secrets: Secrets, is_short: bool) -> String {
    let url = webhook.shown_url(secrets);
    match url.strip_prefix("https://") {
        Some(rest) if is_short => rest.to_owned(),
        _ => url,
    }
}

/// `5/8 62%`, rounded down; without the share where the counters make no sense.
#[must_use]
pub fn delivered(statistics: &Statistics) -> String {
    let Some(successes) = statistics.successes else { return String::new() };
    let counted = statistics.failures.and_then(|failures| successes.checked_add(failures));
    let Some(attempts) = statistics.attempts.or(counted) else { return String::new() };
    if attempts > 0 && (0..=attempts).contains(&successes) {
        let share = i128::from(successes) * 100 / i128::from(attempts);
        format!("{successes}/{attempts} {share}%")
    } else {
        format!("{successes}/{attempts}")
    }
}

/// `2h ago, 503 SERVICE_UNAVAILABLE`; in short `2h ago, 503`.
pub(super) fn last_failure(webhook: &Webhook, now: DateTime<Utc>, is_short: bool) -> String {
    let Some(statistics) = &webhook.statistics else { return String::new() };
    let age = statistics.last_failure.map(|moment| relative(moment, now));
    let code = statistics.last_error_code.as_deref().map(|code| {
        let shown = if is_short { code.split_whitespace().next().unwrap_or(code) } else { code };
        inert(shown).into_owned()
    });
    let what = code.or_else(|| last_error(webhook));
    [age, what].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// One line that says what is broken, since when, and what to type; `None` for an empty list.
///
/// A line that is longer than `columns` is broken before the command.
#[must_use]
pub fn summary(
    entries: &[Entry<'_>],
    total: usize,
    columns: Option<usize>,
    commands: &Commands,
) -> Option<String> {
    if entries.is_empty() {
        return None;
    }
    Some(troubles(entries, total, columns, commands).unwrap_or_else(|| counts(entries)))
}

/// The same where something can be done about it; `None` elsewhere.
#[must_use]
pub fn troubles(
    entries: &[Entry<'_>],
    total: usize,
    columns: Option<usize>,
    commands: &Commands,
) -> Option<String> {
    let with = |health| entries.iter().filter(|entry| entry.health == health).copied().collect::<Vec<_>>();
    let failed = with(Health::Failed);
    let mut parts = Vec::new();
    if !failed.is_empty() {
        let next = format!("{}, then {}", commands.status, commands.renew_failed);
        let what = format!("{} of {total} failed, {}", failed.len(), causes(&failed));
        parts.push(with_next(&what, &next, columns));
    }
    let (expired, expiring) = (with(Health::Expired).len(), with(Health::Expiring).len());
    if expired + expiring > 0 {
        let counts = [(expired, "expired"), (expiring, "expiring")];
        let words =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        let words = words.collect::<Vec<_>>().join(", ");
        parts.push(with_next(&words, &commands.renew_expiring, columns));
    }
    let paused = with(Health::Paused).len();
    if let Some(resume) = commands.resume.as_deref().filter(|_| paused > 0) {
        parts.push(with_next(&format!("{paused} paused"), resume, columns));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// What is the matter and what to type, on one line if it fits: a command that is broken in two cannot be copied.
#[must_use]
pub fn with_next(what: &str, next: &str, columns: Option<usize>) -> String {
    let line = format!("{what}: {next}");
    match columns {
        Some(columns) if width(&line) > columns => format!("{what}:\n  {next}"),
        _ => line,
    }
}

/// `12 webhooks: 10 ok, 2 idle`, worst first.
#[must_use]
pub fn counts(entries: &[Entry<'_>]) -> String {
    let count = |health| entries.iter().filter(|entry| entry.health == health).count();
    let counted =
        Health::ALL.into_iter().map(|health| (count(health), health)).filter(|(count, _)| *count > 0);
    let unknown = entries.iter().filter(|entry| entry.health == Health::Unknown);
    let is_silent = unknown.clone().all(|entry| !entry.webhook.service.reports_deliveries());
    let worded = |(count, health)| match health {
        Health::Unknown if is_silent => format!("{count} {health} (deliveries are not reported)"),
        health => format!("{count} {health}"),
    };
    let words = counted.map(worded).collect::<Vec<_>>().join(", ");
    let noun = if entries.len() == 1 { "webhook" } else { "webhooks" };
    format!("{} {noun}: {words}", entries.len())
}

/// Causes that one line names.
const MOST_CAUSES: usize = 4;

/// A cause of failures, how many have it, and since when.
type Cause = (String, usize, Option<DateTime<Utc>>);

/// Equal causes together, the most frequent first.
fn grouped_causes(failed: &[Entry<'_>]) -> Vec<Cause> {
    let mut groups: Vec<Cause> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for statistics in failed.iter().filter_map(|entry| entry.webhook.statistics.as_ref()) {
        let code = statistics.last_error_code.as_deref().and_then(|code| code.split_whitespace().next());
        let cause = code.map_or_else(|| "no answer".to_owned(), |code| inert(code).into_owned());
        let since = statistics.last_failure;
        if let Some(position) = positions.get(&cause) {
            let group = &mut groups[*position];
            group.1 += 1;
            group.2 = [group.2, since].into_iter().flatten().min();
        } else {
            positions.insert(cause.clone(), groups.len());
            groups.push((cause, 1, since));
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.1));
    groups
}

/// `both 503 since 02:21Z`, or each cause with its count.
fn causes(failed: &[Entry<'_>]) -> String {
    let words = causes_in_words(failed);
    // `both no answer` is no English.
    let shared = words.strip_prefix("no answer").map(|rest| format!("without an answer{rest}"));
    let shared = shared.unwrap_or_else(|| words.clone());
    match grouped_causes(failed).as_slice() {
        [(_, 2, _)] => format!("both {shared}"),
        [(_, 3.., _)] => format!("all {shared}"),
        _ => words,
    }
}

/// `503 since 02:21Z`, or each cause with its count.
#[must_use]
pub fn causes_in_words(failed: &[Entry<'_>]) -> String {
    let now = failed.iter().map(|entry| entry.now).max().unwrap_or_default();
    let since = |moment: Option<DateTime<Utc>>| {
        moment.map(|moment| format!(" since {}", short(moment, now))).unwrap_or_default()
    };
    match grouped_causes(failed).as_slice() {
        [(cause, _, moment)] => format!("{cause}{}", since(*moment)),
        groups => {
            let words =
                groups.iter().map(|(cause, count, moment)| format!("{count} × {cause}{}", since(*moment)));
            let more = groups.len().saturating_sub(MOST_CAUSES);
            let more = (more > 0).then(|| format!("and {more} more"));
            words.take(MOST_CAUSES).chain(more).collect::<Vec<_>>().join(", ")
        }
    }
}

/// The last error in one inert line: what the receiver answered, else its code.
pub(super) fn last_error(webhook: &Webhook) -> Option<String> {
    let statistics = webhook.statistics.as_ref()?;
    let message = statistics.last_error_message.as_deref();
    let message = message.map(|message| error_message(&webhook.without_key(message)));
    message.or_else(|| statistics.last_error_code.as_deref().map(|code| inert(code).into_owned()))
}
