//! Metrics for Prometheus, in the text exposition format 0.0.4. Pure.
//!
//! `vwh_webhook_health` is a state-set: each webhook has a sample for every health, 1 for its own and 0 for the others. A
//! single sample that carries the health as a label would end one series and begin another at each change, and a rule such
//! as `vwh_webhook_health{health="failed"} == 1` could neither see the 0 before it nor average over time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use chrono::{DateTime, Utc};

use super::webhooks::Entry;
use crate::webhook::json::Secrets;
use crate::webhook::{Health, Statistics, Webhook};

/// One profile: what was read of it, or that it could not be read.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The profile's name; empty if not even the settings could be read.
    pub profile: &'a str,
    /// The service's name; empty if it is not known.
    pub service: &'a str,
    /// The whole account, whatever the filters leave of it; `None` if it could not be read.
    pub reading: Option<Reading>,
}

/// An account at one moment.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The service's clock.
    pub now: DateTime<Utc>,
    /// How many webhooks are of each health.
    pub healths: [(Health, usize); 8],
    /// Listed elements that are no webhooks.
    pub strangers: usize,
    /// How many vwh has ever removed; `None` if the journal could not be read.
    pub removed: Option<usize>,
}

/// A sample of a family: its labels, and its value.
type Sample = (String, String);

type Counter = (&'static str, &'static str, fn(&Statistics) -> Option<i64>);

/// Counters of the service, which a service that counts backwards sends as nonsense.
const COUNTERS: [Counter; 3] = [
    ("vwh_webhook_attempts_total", "Deliveries that were decided.", |statistics| statistics.attempts),
    ("vwh_webhook_successes_total", "Deliveries that succeeded.", |statistics| statistics.successes),
    ("vwh_webhook_failures_total", "Deliveries that were given up.", |statistics| statistics.failures),
];

type Moment = (&'static str, &'static str, fn(&Webhook) -> Option<DateTime<Utc>>);

const MOMENTS: [Moment; 3] = [
    ("vwh_webhook_last_success_timestamp_seconds", "The last delivery that succeeded.", |webhook| {
        webhook.statistics.as_ref().and_then(|statistics| statistics.last_success)
    }),
    (
        "vwh_webhook_last_failure_timestamp_seconds",
        "The last delivery that was given up.",
        Webhook::last_failure,
    ),
    ("vwh_webhook_expiry_timestamp_seconds", "When deliveries end unless it is renewed.", |webhook| {
        webhook.expire_at
    }),
];

/// All metrics of `targets`, and of the webhooks that the filters leave.
#[must_use]
pub fn metrics(targets: &[Target<'_>], entries: &[Entry<'_>], secrets: Secrets) -> String {
    let mut out = String::new();
    let accounts: Vec<(String, &Target<'_>)> =
        targets.iter().map(|target| (account_labels(target.profile, target.service), target)).collect();
    of_accounts(&mut out, &accounts);
    of_webhooks(&mut out, &distinct(entries, secrets));
    out
}

fn of_accounts(out: &mut String, accounts: &[(String, &Target<'_>)]) {
    let up = accounts
        .iter()
        .map(|(labels, target)| (labels.clone(), u8::from(target.reading.is_some()).to_string()));
    family(out, "vwh_up", "gauge", "Whether the webhooks of the profile could be listed.", up);
    let read: Vec<(&String, &Reading)> =
        accounts.iter().filter_map(|(labels, target)| Some((labels, target.reading.as_ref()?))).collect();
    let counts = read.iter().flat_map(|(labels, reading)| {
        let sample =
            |(health, count)| (with(labels, "health", Health::name(health)), usize::to_string(&count));
        reading.healths.into_iter().map(sample)
    });
    family(out, "vwh_webhooks", "gauge", "Webhooks of the profile by health.", counts);
    let strangers = read.iter().map(|(labels, reading)| ((*labels).clone(), reading.strangers.to_string()));
    family(out, "vwh_unreadable_elements", "gauge", "Listed elements that are no webhooks.", strangers);
    let removed =
        read.iter().filter_map(|(labels, reading)| Some(((*labels).clone(), reading.removed?.to_string())));
    let help = "Webhooks that vwh removed, by its journal on this machine.";
    family(out, "vwh_removed_total", "counter", help, removed);
    let times = read.iter().map(|(labels, reading)| ((*labels).clone(), seconds(reading.now)));
    let help = "The service's clock when it listed the webhooks.";
    family(out, "vwh_reading_timestamp_seconds", "gauge", help, times);
}

fn of_webhooks(out: &mut String, webhooks: &[(String, Entry<'_>)]) {
    let healths = webhooks.iter().flat_map(|(labels, entry)| {
        let sample = |health: Health| {
            (with(labels, "health", health.name()), u8::from(health == entry.health).to_string())
        };
        Health::ALL.into_iter().map(sample)
    });
    let help = "1 for the health that the webhook has, 0 for the others.";
    family(out, "vwh_webhook_health", "gauge", help, healths);
    for (name, help, count) in COUNTERS {
        let samples = webhooks.iter().filter_map(|(labels, entry)| {
            let count = entry.webhook.statistics.as_ref().and_then(count).filter(|count| *count >= 0)?;
            Some((labels.clone(), count.to_string()))
        });
        family(out, name, "counter", help, samples);
    }
    for (name, help, moment) in MOMENTS {
        let samples = webhooks
            .iter()
            .filter_map(|(labels, entry)| Some((labels.clone(), seconds(moment(entry.webhook)?))));
        family(out, name, "gauge", help, samples);
    }
}

/// Each webhook with its labels, once: of two that would make the same series the worse.
fn distinct<'a>(entries: &[Entry<'a>], secrets: Secrets) -> Vec<(String, Entry<'a>)> {
    let mut webhooks: Vec<(String, Entry<'a>)> = Vec::with_capacity(entries.len());
    let mut positions: HashMap<String, usize> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let labels = account_labels(entry.profile, entry.webhook.service.name());
        let labels = with(&labels, "id", &entry.webhook.id);
        let labels = with(&labels, "url", &entry.webhook.shown_url(secrets));
        match positions.entry(labels) {
            Slot::Vacant(slot) => {
                let labels = slot.key().clone();
                slot.insert(webhooks.len());
                webhooks.push((labels, *entry));
            }
            Slot::Occupied(slot) => {
                let (_, known) = &mut webhooks[*slot.get()];
                if entry.health < known.health {
                    *known = *entry;
                }
            }
        }
    }
    webhooks
}

/// A family without samples is left out: nothing is known of it.
fn family(out: &mut String, name: &str, kind: &str, help: &str, samples: impl Iterator<Item = Sample>) {
    let mut is_first = true;
    for (labels, value) in samples {
        if is_first {
            out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
            is_first = false;
        }
        for piece in [name, "{", &labels, "} ", &value, "\n"] {
            out.push_str(piece);
        }
    }
}

fn account_labels(profile: &str, service: &str) -> String {
    with(&format!("profile=\"{}\"", escaped(profile)), "service", service)
}

fn with(labels: &str, name: &str, value: &str) -> String {
    format!("{labels},{name}=\"{}\"", escaped(value))
}

/// A label's value as the format writes it: backslash, quote and line feed are escaped, everything else stands for itself.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '"', '\n']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n"))
}

/// Seconds since 1970, to the millisecond where the service is that exact.
fn seconds(moment: DateTime<Utc>) -> String {
    let milliseconds = moment.timestamp_millis();
    let sign = if milliseconds < 0 { "-" } else { "" };
    let (whole, rest) = (milliseconds.unsigned_abs() / 1000, milliseconds.unsigned_abs() % 1000);
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:03}") }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Target, escaped, metrics, seconds};
    use crate::webhook::json::Secrets;

    #[test]
    fn a_profile_that_could_not_be_read_is_down_and_nothing_else() {
        let target = Target { profile: "", service: "", reading: None };
        let expected = "# HELP vwh_up Whether the webhooks of the profile could be listed.\n\
                        # TYPE vwh_up gauge\nvwh_up{profile=\"\",service=\"\"} 0\n";
        assert_eq!(metrics(&[target], &[], Secrets::Hide), expected);
    }

    #[test]
    fn moments_are_seconds() {
        let at = |milliseconds| seconds(DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds));
        assert_eq!([at(0), at(1_500), at(-1_001), at(2_000)], ["0", "1.500", "-1.001", "2"]);
    }

    /// Reads an escaped value back, as the format says.
    fn unescaped(text: &str) -> Option<String> {
        let mut out = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            out.push(match character {
                '\\' => match characters.next()? {
                    'n' => '\n',
                    other @ ('\\' | '"') => other,
                    _ => return None,
                },
                '"' | '\n' => return None,
                other => other,
            });
        }
        Some(out)
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in r#"([\\"\n\r\t n]|\PC|.)*"#) {
            let written = escaped(&text);
            prop_assert!(!written.contains('\n'));
            prop_assert_eq!(unescaped(&written), Some(text));
        }
    }
}
