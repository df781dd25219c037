//! What a webhook tells of the events that it has missed, by the rules that its service delivers under.

use chrono::{DateTime, TimeDelta, Utc};

use crate::gaps::Gap;
use crate::services::facts::facts;
use crate::webhook::Webhook;

/// Clocks differ: what happened at a time of the service's may have happened this long before or after that time of ours.
pub const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// How long a delivery to `webhook` may be under way until it is given up.
#[must_use]
pub fn longest_delivery(webhook: &Webhook) -> TimeDelta {
    TimeDelta::from_std(facts(webhook.service).rules.longest()).unwrap_or_default()
}

/// The gap that `webhook` tells of at `now`, the service's clock.
#[must_use]
pub fn gap_of(webhook: &Webhook, now: DateTime<Utc>) -> Option<Gap> {
    Gap::of(webhook, now, longest_delivery(webhook))
}
