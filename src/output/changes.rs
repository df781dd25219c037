//! What has changed since the last reading, as a table. Pure.

use chrono::{DateTime, Utc};

use super::table::{Column, lay_out};
use super::text::{inert, width};
use super::webhooks::{TableStyle, last_failure, shown_url};
use crate::webhook::Webhook;
use crate::webhook::json::Secrets;

/// A webhook that has changed, as it is shown.
#[derive(Clone)]
pub struct ChangedEntry<'a> {
    /// The profile it was read with.
    pub profile: &'a str,
    /// What happened to it: `failed`, `failures +3`.
    pub words: String,
    /// The webhook; of one that is gone only id and url.
    pub webhook: &'a Webhook,
    /// Deliveries that succeeded since.
    pub new_successes: Option<i64>,
    /// The service's clock.
    pub now: DateTime<Utc>,
}

const COLUMNS: [Column; 6] = [
    Column { head: "PROFILE", drop_rank: 0, shrinks_to: None },
    Column { head: "CHANGE", drop_rank: 0, shrinks_to: None },
    Column { head: "ID", drop_rank: 0, shrinks_to: None },
    Column { head: "URL", drop_rank: 1, shrinks_to: Some(18) },
    Column { head: "SUCCESSES", drop_rank: 3, shrinks_to: None },
    Column { head: "LAST FAILURE", drop_rank: 2, shrinks_to: Some(12) },
];

/// The table, one line a webhook.
#[must_use]
pub fn table(entries: &[ChangedEntry<'_>], style: TableStyle) -> String {
    let first = usize::from(!style.shows_profile);
    let rows = |is_short| -> Vec<Vec<String>> {
        let cells = entries.iter().map(|entry| cells(entry, style.secrets, is_short));
        cells.map(|cells| cells.into_iter().skip(first).collect()).collect()
    };
    let mut lines = lay_out(&COLUMNS[first..], &rows(false), None);
    if let Some(limit) = style.width
        && lines.iter().any(|line| width(line) > limit)
    {
        lines = lay_out(&COLUMNS[first..], &rows(true), style.width);
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn cells(entry: &ChangedEntry<'_>, secrets: Secrets, is_short: bool) -> [String; 6] {
    [
        entry.profile.to_owned(),
        entry.words.clone(),
        inert(&entry.webhook.id).into_owned(),
        inert(&shown_url(entry.webhook, secrets, is_short)).into_owned(),
        entry.new_successes.map(|count| format!("{count:+}")).unwrap_or_default(),
        last_failure(entry.webhook, entry.now, is_short),
    ]
}
