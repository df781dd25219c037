//! Watching renewed webhooks until each has delivered or failed again: a renewal that was accepted proves nothing about the
//! receiver. Changes nothing.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use super::account::Account;
use super::report::{Outcome, Report};
use super::snapshot::Snapshot;
use crate::error::{Error, Kind};
use crate::output::text::word;
use crate::webhook::Webhook;

/// One list for all of them this often: calls are scarce (vis §3).
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Successes that each webhook had before it was renewed, by id: the service may not say when the last one was.
pub type Before = HashMap<String, i64>;

/// Looks at the renewed webhooks of `report` for as long as `wait`, and writes down what became of them.
pub async fn watch(
    context: &Context,
    account: &Account,
    report: &mut Report,
    before: &Before,
    wait: Duration,
) {
    let deadline = Instant::now().checked_add(wait);
    let mut open = count_open(report);
    if open > 0 {
        let span = humantime::format_duration(wait);
        let whose = account.label();
        context.output.notice(&format!("{whose}waiting up to {span} for deliveries to {}", webhooks(open)));
    }
    while open > 0 {
        let left = deadline.map_or(LOOK_EVERY, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return report.end(still_waiting(account, report, open, wait));
        }
        let pause = context.limits.remaining().unwrap_or(left).min(left).min(LOOK_EVERY);
        // It waits for calls, not for the service, so the patience with the service starts anew.
        context.limits.progressed();
        if context.limits.sleep(pause).await.is_err() {
            return report.end(Error::new(Kind::Interrupted, "interrupted"));
        }
        match Snapshot::take(context, account).await {
            Ok(snapshot) => look(&snapshot, account, report, before),
            // Unwell for a moment; the next look may do better. Once there is no time left, nothing will.
            Err(error) if error.kind == Kind::Unavailable && !is_out_of_time(context) => {
                context.output.notice(&error.sentence());
            }
            Err(error) => return report.end(error.while_doing(undelivered(report, open, wait))),
        }
        open = count_open(report);
    }
}

fn is_out_of_time(context: &Context) -> bool {
    context.limits.remaining().is_some_and(|left| left.is_zero())
}

fn count_open(report: &Report) -> usize {
    report.results.iter().filter(|done| done.outcome == Outcome::Renewed).count()
}

fn look(snapshot: &Snapshot, account: &Account, report: &mut Report, before: &Before) {
    for done in report.results.iter_mut().filter(|done| done.outcome == Outcome::Renewed) {
        match snapshot.find(&done.id) {
            None => done.outcome = Outcome::Gone,
            Some(webhook) if webhook.has_failed() => {
                done.outcome = Outcome::Error;
                done.error = Some(failed_again(account, &webhook));
            }
            Some(webhook) if has_delivered(&webhook, before.get(&done.id).copied()) => {
                done.outcome = Outcome::Delivered;
            }
            Some(_) => {}
        }
    }
}

fn has_delivered(webhook: &Webhook, before: Option<i64>) -> bool {
    let successes = webhook.statistics.as_ref().and_then(|statistics| statistics.successes);
    let has_more = matches!((successes, before), (Some(now), Some(before)) if now > before);
    has_more || webhook.renewed_at.is_some() && webhook.succeeded_since_renewal()
}

fn failed_again(account: &Account, webhook: &Webhook) -> Error {
    let statistics = webhook.statistics.as_ref();
    let code = statistics.and_then(|statistics| statistics.last_error_code.as_deref());
    let code = code.map(|code| format!(": {}", webhook.without_key(code))).unwrap_or_default();
    let look = account.command(&format!("status {}", word(&webhook.id)));
    Error::new(Kind::Failure, format!("it was renewed and has failed again{code}"))
        .hint(format!("repair the receiver; what it answered is in: {look}"))
}

fn still_waiting(account: &Account, report: &Report, open: usize, wait: Duration) -> Error {
    let span = humantime::format_duration(wait);
    let is_renewed = if open == 1 { "it is renewed" } else { "they are renewed" };
    let what = format!("{open} of {} had no delivery within {span}", webhooks(report.results.len()));
    Error::new(Kind::Unavailable, what).hint(format!(
        "{is_renewed}; a call proves the receiver, then look with: {}",
        account.command("list")
    ))
}

fn undelivered(report: &Report, open: usize, wait: Duration) -> String {
    let span = humantime::format_duration(wait);
    format!("{open} of {} had no delivery within {span}", webhooks(report.results.len()))
}

fn webhooks(count: usize) -> String {
    if count == 1 { "1 webhook".to_owned() } else { format!("{count} webhooks") }
}
