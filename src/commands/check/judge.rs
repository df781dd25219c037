//! From the facts of one account to what is wrong with it. Pure.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use wildmatch::WildMatch;

use super::thresholds::{Percent, Thresholds};
use crate::journal::history::Removal;
use crate::output::plugin::{Measure, Problem, State};
use crate::output::webhooks::{Entry, causes_in_words};
use crate::output::when::{relative, short};
use crate::services::element;
use crate::webhook::json::Secrets;
use crate::webhook::{Health, ServiceKind, Webhook};

/// One account at one moment.
pub(super) struct Facts<'a> {
    pub(super) profile: &'a str,
    pub(super) service: ServiceKind,
    pub(super) webhooks: &'a [Webhook],
    /// Listed elements that are no webhooks.
    pub(super) strangers: usize,
    /// The service's clock.
    pub(super) now: DateTime<Utc>,
    /// What vwh removed lately and is still away.
    pub(super) removed: &'a [Removal],
    /// This machine's clock, by which the removals are dated.
    pub(super) clock: DateTime<Utc>,
    pub(super) secrets: Secrets,
}

/// How many webhooks are of each health.
pub(super) fn healths(facts: &Facts<'_>) -> [(Health, usize); 8] {
    Health::ALL.map(|health| (health, with(facts, |_, own| own == health).len()))
}

/// What is wrong, the worst first.
pub(super) fn judge(thresholds: &Thresholds, facts: &Facts<'_>) -> Vec<Problem> {
    let critical = [
        failed(thresholds, facts),
        expired(thresholds, facts),
        too_few(thresholds, facts),
        missing_urls(thresholds, facts),
        unsuccessful(thresholds, facts, State::Critical),
    ];
    let warning = [
        expiring_soon(thresholds, facts),
        removed(facts),
        idle(thresholds, facts),
        paused(facts),
        unreadable(facts),
        unsuccessful(thresholds, facts, State::Warning),
    ];
    critical.into_iter().chain(warning).flatten().collect()
}

/// The numbers behind it.
pub(super) fn measures(thresholds: &Thresholds, facts: &Facts<'_>) -> Vec<Measure> {
    let measure = |label, count: usize, warning: &str, critical: String| Measure {
        label,
        value: count.to_string(),
        warning: warning.to_owned(),
        critical,
        greatest: None,
    };
    let of = |health| with(facts, |_, own| own == health).len();
    let none = String::new;
    let mut measures = vec![
        measure("webhooks", facts.webhooks.len(), "", none()),
        measure("delivering", delivering(facts).len(), "", format!("{}:", thresholds.min)),
        measure("failed", of(Health::Failed), "", thresholds.max_failed.to_string()),
        measure("expired", of(Health::Expired), "", thresholds.max_expired.to_string()),
        measure("paused", of(Health::Paused), "0", none()),
    ];
    if thresholds.expiring_within > TimeDelta::zero() {
        measures.push(measure("expiring", expiring(thresholds, facts).len(), "0", none()));
    }
    if thresholds.idle_after > TimeDelta::zero() {
        measures.push(measure("idle", never_attempted(thresholds, facts).len(), "0", none()));
    }
    measures.push(measure("removed", facts.removed.len(), "0", none()));
    let lowest = facts.webhooks.iter().filter_map(success_rate).min();
    if let (Some(rate), Some(lowest)) = (thresholds.success_rate, lowest) {
        measures.push(Measure {
            label: "lowest_success_rate",
            value: format!("{lowest}%"),
            warning: format!("{}:", rate.warning),
            critical: rate.critical.map(|critical| format!("{critical}:")).unwrap_or_default(),
            greatest: Some(100),
        });
    }
    measures
}

fn with<'a>(facts: &Facts<'a>, is_wanted: impl Fn(&Webhook, Health) -> bool) -> Vec<&'a Webhook> {
    facts.webhooks.iter().filter(|webhook| is_wanted(webhook, Health::of(webhook, facts.now))).collect()
}

/// Those that would get the next event.
fn delivering<'a>(facts: &Facts<'a>) -> Vec<&'a Webhook> {
    with(facts, |_, health| !health.is_down() && health != Health::Paused)
}

fn problem(facts: &Facts<'_>, state: State, what: String, webhooks: &[&Webhook]) -> Problem {
    let name = |webhook: &&Webhook| {
        let url = webhook.shown_url(facts.secrets);
        if url.is_empty() { webhook.id.clone() } else { url }
    };
    Problem {
        state,
        profile: Some(facts.profile.to_owned()),
        what,
        ids: webhooks.iter().map(|webhook| webhook.id.clone()).collect(),
        names: webhooks.iter().map(name).collect(),
    }
}

fn failed(thresholds: &Thresholds, facts: &Facts<'_>) -> Option<Problem> {
    let failed = with(facts, |_, health| health == Health::Failed);
    if failed.len() <= thresholds.max_failed {
        return None;
    }
    let entry = |webhook: &&'_ Webhook| (*webhook).clone();
    let owned: Vec<Webhook> = failed.iter().map(entry).collect();
    let entries: Vec<Entry<'_>> = owned
        .iter()
        .map(|webhook| Entry { webhook, health: Health::Failed, profile: facts.profile, now: facts.now })
        .collect();
    let what = format!("{} of {} failed ({})", failed.len(), facts.webhooks.len(), causes_in_words(&entries));
    Some(problem(facts, State::Critical, what, &failed))
}

fn expired(thresholds: &Thresholds, facts: &Facts<'_>) -> Option<Problem> {
    let expired = with(facts, |_, health| health == Health::Expired);
    let what = format!("{} expired", expired.len());
    (expired.len() > thresholds.max_expired).then(|| problem(facts, State::Critical, what, &expired))
}

fn too_few(thresholds: &Thresholds, facts: &Facts<'_>) -> Option<Problem> {
    let count = delivering(facts).len();
    let what = if facts.webhooks.is_empty() {
        "no webhooks".to_owned()
    } else {
        format!("{count} can deliver, {} should", thresholds.min)
    };
    (count < thresholds.min).then(|| problem(facts, State::Critical, what, &[]))
}

fn missing_urls(thresholds: &Thresholds, facts: &Facts<'_>) -> Option<Problem> {
    let delivering = delivering(facts);
    let is_served = |glob: &str| {
        let pattern = WildMatch::new(glob);
        delivering.iter().any(|webhook| pattern.matches(&webhook.url))
    };
    let missing: Vec<&str> =
        thresholds.expect_url.iter().map(String::as_str).filter(|glob| !is_served(glob)).collect();
    let what = format!("nothing delivers to {}", missing.join(", "));
    (!missing.is_empty()).then(|| problem(facts, State::Critical, what, &[]))
}

/// What cannot be read may be anything, a failed webhook too.
fn unreadable(facts: &Facts<'_>) -> Option<Problem> {
    let what = format!("{} listed elements are no webhooks", facts.strangers);
    (facts.strangers > 0).then(|| problem(facts, State::Warning, what, &[]))
}

fn success_rate(webhook: &Webhook) -> Option<Percent> {
    let statistics = webhook.statistics.as_ref()?;
    let successes = statistics.successes?;
    let counted = statistics.failures.and_then(|failures| successes.checked_add(failures));
    Percent::of(successes, statistics.attempts.or(counted)?)
}

/// Those below the threshold of `state`, and not below a worse one.
fn unsuccessful(thresholds: &Thresholds, facts: &Facts<'_>, state: State) -> Option<Problem> {
    let rate = thresholds.success_rate?;
    let is_critical = |own| rate.critical.is_some_and(|critical| own < critical);
    let (threshold, is_wanted): (_, &dyn Fn(Percent) -> bool) = match state {
        State::Critical => (rate.critical?, &is_critical),
        _ => (rate.warning, &|own| own < rate.warning && !is_critical(own)),
    };
    let webhooks = with(facts, |webhook, _| success_rate(webhook).is_some_and(is_wanted));
    let what = format!("{} below {threshold}% success", webhooks.len());
    (!webhooks.is_empty()).then(|| problem(facts, state, what, &webhooks))
}

fn expiring<'a>(thresholds: &Thresholds, facts: &Facts<'a>) -> Vec<&'a Webhook> {
    let within = thresholds.expiring_within;
    delivering(facts)
        .into_iter()
        .filter(|webhook| within > TimeDelta::zero() && webhook.expires_within(within, facts.now))
        .collect()
}

fn expiring_soon(thresholds: &Thresholds, facts: &Facts<'_>) -> Option<Problem> {
    let webhooks = expiring(thresholds, facts);
    let first = webhooks.iter().filter_map(|webhook| webhook.expire_at).min()?;
    let first = relative(first, facts.now);
    let what = match webhooks.len() {
        1 => format!("1 expires {first}"),
        count => format!("{count} expire, the first {first}"),
    };
    Some(problem(facts, State::Warning, what, &webhooks))
}

fn removed(facts: &Facts<'_>) -> Option<Problem> {
    let first = facts.removed.first()?;
    let since = short(first.time, facts.clock);
    let what = match facts.removed.len() {
        1 => format!("1 removed by {} at {since}", first.command),
        count => format!("{count} removed by vwh since {since}"),
    };
    let webhook = |removal: &Removal| {
        let raw = Bytes::copy_from_slice(removal.definition.get().as_bytes());
        let webhook = element(facts.service, &raw);
        Webhook { id: removal.id.clone(), ..webhook }
    };
    let webhooks: Vec<Webhook> = facts.removed.iter().map(webhook).collect();
    Some(problem(facts, State::Warning, what, &webhooks.iter().collect::<Vec<_>>()))
}

/// One of which nothing is known is not idle: neither without statistics nor without its age.
fn never_attempted<'a>(thresholds: &Thresholds, facts: &Facts<'a>) -> Vec<&'a Webhook> {
    let after = thresholds.idle_after;
    let is_old = |webhook: &&Webhook| webhook.created_at.is_some_and(|created| facts.now - created > after);
    delivering(facts)
        .into_iter()
        .filter(|webhook| webhook.statistics.is_some() && !webhook.was_attempted())
        .filter(|webhook| after > TimeDelta::zero() && is_old(webhook))
        .collect()
}

fn idle(thresholds: &Thresholds, facts: &Facts<'_>) -> Option<Problem> {
    let webhooks = never_attempted(thresholds, facts);
    let what = format!("{} never attempted", webhooks.len());
    (!webhooks.is_empty()).then(|| problem(facts, State::Warning, what, &webhooks))
}

fn paused(facts: &Facts<'_>) -> Option<Problem> {
    let webhooks = with(facts, |_, health| health == Health::Paused);
    let what = format!("{} paused", webhooks.len());
    (!webhooks.is_empty()).then(|| problem(facts, State::Warning, what, &webhooks))
}
