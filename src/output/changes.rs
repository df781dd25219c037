//! What has changed since the last reading, as a table. Pure.

use chrono::{DateTime, Utc};

use super::table::{Column, lay_out};
use super::text::inert;
use super::webhooks::{TableStyle, last_failure};
use crate::webhook::Webhook;

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
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let cells = [
                entry.profile.to_owned(),
                entry.words.clone(),
                inert(&entry.webhook.id).into_owned(),
                inert(&entry.webhook.shown_url(style.secrets)).into_owned(),
                entry.new_successes.map(|count| format!("{count:+}")).unwrap_or_default(),
                last_failure(entry.webhook, entry.now, style.width.is_some()),
            ];
            cells.into_iter().skip(first).collect()
        })
        .collect();
    let lines = lay_out(&COLUMNS[first..], &rows, style.width);
    lines.iter().map(|line| format!("{line}\n")).collect()
}
