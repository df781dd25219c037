//! Webhooks for spreadsheets: CSV records. Pure.

use chrono::{DateTime, Utc};

use super::text::inert;
use super::webhooks::{Entry, last_error};
use super::when::absolute;
use crate::webhook::Statistics;
use crate::webhook::json::Secrets;

/// The head of the CSV.
pub const CSV_HEAD: [&str; 18] = [
    "profile",
    "service",
    "id",
    "url",
    "health",
    "status",
    "attempts",
    "successes",
    "failures",
    "last_success",
    "last_failure",
    "last_error",
    "expires",
    "renewed",
    "created",
    "metadata_policy",
    "signed",
    // New ones come last: scripts may count columns.
    "name",
];

/// The record of one webhook in the order of [`CSV_HEAD`]; times in RFC 3339 UTC.
#[must_use]
pub fn csv_record(entry: Entry<'_>, secrets: Secrets) -> [String; 18] {
    let webhook = entry.webhook;
    let none = Statistics::default();
    let statistics = webhook.statistics.as_ref().unwrap_or(&none);
    let time = |moment: Option<DateTime<Utc>>| moment.map(absolute).unwrap_or_default();
    let count = |count: Option<i64>| count.map(|count| count.to_string()).unwrap_or_default();
    let text = |text: Option<&str>| text.map(|text| inert(text).into_owned()).unwrap_or_default();
    [
        entry.profile.to_owned(),
        webhook.service.name().to_owned(),
        inert(&webhook.id).into_owned(),
        inert(&webhook.shown_url(secrets)).into_owned(),
        entry.health.name().to_owned(),
        text(webhook.status.as_deref()),
        count(statistics.attempts),
        count(statistics.successes),
        count(statistics.failures),
        time(statistics.last_success),
        time(statistics.last_failure),
        last_error(webhook).unwrap_or_default(),
        time(webhook.expire_at),
        time(webhook.renewed_at),
        time(webhook.created_at),
        text(webhook.shown_policy()),
        webhook.is_signed().to_string(),
        text(webhook.name.as_deref()),
    ]
}
