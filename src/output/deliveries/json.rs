//! Deliveries as JSON lines for scripts. The shapes are a contract: additive changes only. Pure.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{DeliveryRow, ForwardRow, RefusedRow, Totals};
use crate::webhook::json::{Secrets, to_line};
use crate::webhook::rewrite::rewrite;

/// Appends the line of a delivery.
pub fn delivery(row: &DeliveryRow<'_>, out: &mut String) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Line<'a> {
        event: &'static str,
        time: String,
        verdict: &'static str,
        key: Option<&'a str>,
        form: Option<&'static str>,
        delivery_id: Option<&'a str>,
        webhook_id: Option<&'a str>,
        attempt: Option<u64>,
        duplicate: bool,
        after: Option<&'a str>,
        answered: Option<u16>,
        rehearsed: bool,
        synthetic: Option<&'a str>,
        service: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        identity: Option<&'a str>,
    }
    let line = Line {
        event: "delivery",
        time: stamp(row.time),
        verdict: row.verdict,
        key: row.key,
        form: row.form,
        delivery_id: row.delivery_id,
        webhook_id: row.webhook_id,
        attempt: row.attempt,
        duplicate: row.is_duplicate,
        after: row.after,
        answered: row.answered,
        rehearsed: row.is_rehearsed,
        synthetic: row.synthetic,
        service: row.service,
        identity: row.identity,
    };
    out.push_str(&to_line(&line));
    out.pop();
    out.push_str(",\"payload\":");
    rewrite(row.payload, Secrets::Show, out);
    out.push_str("}\n");
}

/// Appends the line of what was refused.
pub fn refused(row: &RefusedRow, out: &mut String) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        time: String,
        status: u16,
        reason: &'a str,
        from: &'a str,
        more: u64,
    }
    let RefusedRow { time, status, reason, from, more } = row;
    let time = stamp(*time);
    line(&Line { event: "refused", time, status: *status, reason, from, more: *more }, out);
}

/// Appends the line of a forward.
pub fn forward(row: &ForwardRow<'_>, out: &mut String) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Line<'a> {
        event: &'static str,
        time: String,
        delivery_id: Option<&'a str>,
        status: Option<u16>,
        error: Option<&'a str>,
        ms: u64,
        too_slow: bool,
    }
    let written = Line {
        event: "forward",
        time: stamp(row.time),
        delivery_id: row.delivery_id,
        status: row.outcome.ok(),
        error: row.outcome.err(),
        ms: u64::try_from(row.took.as_millis()).unwrap_or(u64::MAX),
        too_slow: row.is_too_slow(),
    };
    line(&written, out);
}

/// Appends the line of lines that were not shown.
pub fn missed(count: u64, out: &mut String) {
    #[derive(Serialize)]
    struct Line {
        event: &'static str,
        lines: u64,
    }
    line(&Line { event: "skipped", lines: count }, out);
}

/// The first line, which says that deliveries may come: where, and for which webhook, with its url as it may be shown.
#[must_use]
pub fn ready(address: &str, url: &str, webhook: Option<(&str, &str)>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Line<'a> {
        event: &'static str,
        address: &'a str,
        url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        webhook_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        public_url: Option<&'a str>,
    }
    let (webhook_id, public_url) = webhook.unzip();
    let mut out = String::new();
    line(&Line { event: "ready", address, url, webhook_id, public_url }, &mut out);
    out
}

/// Appends the last line.
pub fn end(totals: &Totals, out: &mut String) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        #[serde(flatten)]
        totals: &'a Totals,
    }
    line(&Line { event: "end", totals }, out);
}

fn line<T: Serialize>(value: &T, out: &mut String) {
    out.push_str(&to_line(value));
    out.push('\n');
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
