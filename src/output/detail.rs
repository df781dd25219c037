//! One webhook in full, for `vwh status ID`. Pure.

use chrono::{DateTime, Utc};

use super::fold::hanging;
use super::text::{inert, word};
use super::webhooks::{Entry, TableStyle, delivered, last_error, style_of};
use super::when::{absolute, relative};
use crate::webhook::{Health, Webhook};

/// The width of the labels.
const LABEL: usize = 12;

/// The next step: what to do, and what to type.
#[derive(Clone, Debug, Default)]
pub struct Next {
    /// In words.
    pub words: Option<&'static str>,
    /// As commands, one after the other; never broken in two.
    pub commands: Vec<String>,
}

/// One webhook in full: label and value, two columns, long values wrapped to the width. `missed` says how many events it has
/// missed, if that is known.
#[must_use]
pub fn full(entry: Entry<'_>, style: TableStyle, missed: Option<String>, next: &Next) -> String {
    let Entry { webhook, now, .. } = entry;
    let health = if style.is_colored {
        let color = style_of(entry.health);
        format!("{color}{}{color:#}", entry.health)
    } else {
        entry.health.to_string()
    };
    let url = inert(&webhook.shown_url(style.secrets)).into_owned();
    let mut lines = vec![
        ("health", Some(health)),
        ("why", Some(reason(entry))),
        ("id", Some(inert(&webhook.id).into_owned())),
        ("name", webhook.name.as_deref().map(|name| inert(name).into_owned())),
        ("url", Some(url)),
        ("method", method(webhook)),
        ("last error", last_error(webhook)),
    ];
    if let Some(statistics) = &webhook.statistics {
        lines.extend([
            ("delivered", Some(delivered(statistics)).filter(|text| !text.is_empty())),
            ("last success", both(statistics.last_success, now)),
            ("last failure", both(statistics.last_failure, now)),
        ]);
    }
    lines.extend([
        ("missed", missed),
        ("expires", both(webhook.expire_at, now)),
        ("purged", both(webhook.purge_at, now)),
        ("renewed", both(webhook.renewed_at, now)),
        ("created", both(webhook.created_at, now)),
        ("user", webhook.user_id.as_deref().map(|user| inert(user).into_owned())),
        ("events", Some(inert(&webhook.events.join(", ")).into_owned()).filter(|text| !text.is_empty())),
        ("signed", Some(signing(webhook))),
        ("next", next.words.map(str::to_owned)),
    ]);
    let mut out = String::new();
    for (label, value) in lines {
        if let Some(value) = value {
            out.push_str(&hanging(&format!("{label:<LABEL$}  "), &value, style.width));
        }
    }
    for (position, command) in next.commands.iter().enumerate() {
        let label = if next.words.is_none() && position == 0 { "next" } else { "" };
        out.push_str(&format!("{label:<LABEL$}  {command}\n"));
    }
    out
}

fn method(webhook: &Webhook) -> Option<String> {
    let method = inert(webhook.delivery_method()?).into_owned();
    Some(if webhook.method.is_some() {
        method
    } else {
        format!("{method} (none is set: the service's default)")
    })
}

fn both(moment: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<String> {
    moment.map(|moment| format!("{} ({})", absolute(moment), relative(moment, now)))
}

fn reason(entry: Entry<'_>) -> String {
    match (entry.health, entry.webhook.status.as_deref()) {
        (Health::Paused, Some("PAUSED")) => "it is paused, so nothing is delivered".to_owned(),
        (Health::Paused, Some(status)) => format!("its status is {}, so nothing is delivered", inert(status)),
        (Health::Unknown, _) if !entry.webhook.service.reports_deliveries() => {
            format!("it is registered; {} does not report whether it delivers", entry.webhook.service.title())
        }
        _ => entry.health.reason().to_owned(),
    }
}

/// Whether, and how, deliveries are signed, and what is wrong with that.
fn signing(webhook: &Webhook) -> String {
    let policy = policy(webhook);
    if !webhook.is_signed() {
        return policy.map_or_else(|| "no".to_owned(), |policy| format!("no ({policy})"));
    }
    let algorithm = inert(webhook.signing_algorithm.as_deref().unwrap_or("HMAC_SHA256")).into_owned();
    if webhook.service.makes_keys() {
        return format!("{algorithm}, with a key that the service made");
    }
    let signed = policy.map_or(algorithm.clone(), |policy| format!("{algorithm}, {policy}"));
    match key_trouble(webhook) {
        Some(trouble) => format!("{signed}: {trouble}"),
        None => signed,
    }
}

fn policy(webhook: &Webhook) -> Option<String> {
    webhook
        .service
        .has_policies()
        .then(|| format!("metadata policy {}", inert(webhook.policy()).to_lowercase()))
}

/// The command, without the program's name, that mends a webhook whose key is in trouble.
#[must_use]
pub fn key_cure(webhook: &Webhook) -> String {
    let id = word(&webhook.id);
    if webhook.carries_metadata() {
        format!("rotate {id}")
    } else {
        format!("replace {id} --metadata-policy header")
    }
}

/// What is wrong with a webhook's key, if anything.
#[must_use]
pub fn key_trouble(webhook: &Webhook) -> Option<&'static str> {
    if !webhook.is_signed() {
        None
    } else if webhook.signing_key.as_ref().is_some_and(|key| key.reveal() == "string") {
        Some("its key is the one printed in the vendor's tutorial, so anybody can sign for it")
    } else if webhook.carries_metadata() {
        None
    } else {
        Some("its key is never used, because a signature only travels with policy header or body")
    }
}
