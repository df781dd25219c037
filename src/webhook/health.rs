//! Health: the one word that says whether a webhook will deliver the next event, and the sentence that explains it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Webhook;

/// A webhook that expires within this time is `expiring`: long enough for a person to see it on a working day.
pub const EXPIRING_WITHIN: TimeDelta = TimeDelta::hours(48);

/// Health, worst first; the first that applies wins (design §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// The failed flag is set: nothing is delivered until it is renewed.
    Failed,
    /// `expireAt` has passed.
    Expired,
    /// Its status is not `ACTIVE`.
    Paused,
    /// It expires within 48 hours.
    Expiring,
    /// The service sent no statistics.
    Unknown,
    /// Renewed, and no success since.
    Unproven,
    /// No delivery was ever attempted.
    Idle,
    /// Delivering.
    Ok,
}

impl Health {
    /// Every health, worst first.
    pub const ALL: [Self; 8] = [
        Self::Failed,
        Self::Expired,
        Self::Paused,
        Self::Expiring,
        Self::Unknown,
        Self::Unproven,
        Self::Idle,
        Self::Ok,
    ];

    /// The health of `webhook` at `now`, the service's clock.
    #[must_use]
    pub fn of(webhook: &Webhook, now: DateTime<Utc>) -> Self {
        let expires_within = |within| webhook.expires_within(within, now);
        if webhook.has_failed() {
            Self::Failed
        } else if expires_within(TimeDelta::zero()) {
            Self::Expired
        } else if webhook.status.as_deref().is_some_and(|status| !status.eq_ignore_ascii_case("ACTIVE")) {
            Self::Paused
        } else if expires_within(EXPIRING_WITHIN) {
            Self::Expiring
        } else if webhook.statistics.is_none() {
            Self::Unknown
        } else if webhook.renewed_at.is_some() && !webhook.succeeded_since_renewal() {
            Self::Unproven
        } else if webhook.was_attempted() {
            Self::Ok
        } else {
            Self::Idle
        }
    }

    /// The word in tables, flags and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Paused => "paused",
            Self::Expiring => "expiring",
            Self::Unknown => "unknown",
            Self::Unproven => "unproven",
            Self::Idle => "idle",
            Self::Ok => "ok",
        }
    }

    /// Whether events are being lost right now.
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Failed | Self::Expired)
    }

    /// Why, in one sentence without a full stop.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Failed => "the receiver failed and the service has stopped delivering until it is renewed",
            Self::Expired => "the registration has expired and nothing is delivered until it is renewed",
            Self::Paused => "its status is not ACTIVE, so nothing is delivered",
            Self::Expiring => "the registration expires within 48 hours",
            Self::Unknown => "the service sent no statistics for it",
            Self::Unproven => "it was renewed and no delivery has succeeded since",
            Self::Idle => "no delivery was ever attempted: has this user had a call?",
            Self::Ok => "it delivers",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Health {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|health| health.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("expected one of {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::Health;
    use crate::services::vis::wire;

    fn now() -> DateTime<Utc> {
        "2024-03-05T00:00:00Z".parse().expect("a literal time")
    }

    fn health(json: &str) -> Health {
        Health::of(&wire::webhook(&json.as_bytes().to_vec().into()).expect("a webhook"), now())
    }

    #[test]
    fn the_first_match_wins() {
        let statistics =
            r#""statistics":{"totalAttempts":2,"totalSuccesses":2,"lastSuccess":"2024-03-02T00:00:00Z""#;
        let cases = [
            (
                format!(r#"{{"id":1,"expireAt":"2024-03-01T00:00:00Z",{statistics},"failed":true}}}}"#),
                Health::Failed,
            ),
            (
                format!(r#"{{"id":1,"expireAt":"2024-03-05T00:00:00Z","status":"PAUSED",{statistics}}}}}"#),
                Health::Expired,
            ),
            (
                format!(
                    r#"{{"id":1,"expireAt":"2024-03-06T00:00:00Z","status":"SUSPENDED",{statistics}}}}}"#
                ),
                Health::Paused,
            ),
            (format!(r#"{{"id":1,"status":["PAUSED"],{statistics}}}}}"#), Health::Paused),
            (format!(r#"{{"id":1,"status":"",{statistics}}}}}"#), Health::Ok),
            (r#"{"id":1,"expireAt":"2024-03-06T23:59:59Z"}"#.to_owned(), Health::Expiring),
            (r#"{"id":1,"expireAt":"2024-03-07T00:00:01Z"}"#.to_owned(), Health::Unknown),
            (r#"{"id":1,"statistics":null}"#.to_owned(), Health::Unknown),
            (format!(r#"{{"id":1,"renewedAt":"2024-03-03T00:00:00Z",{statistics}}}}}"#), Health::Unproven),
            (r#"{"id":1,"statistics":{"totalAttempts":0,"failed":false}}"#.to_owned(), Health::Idle),
            (format!(r#"{{"id":1,"renewedAt":"2024-03-01T00:00:00Z",{statistics}}}}}"#), Health::Ok),
            (r#"{"id":1,"statistics":{"isFailed":true}}"#.to_owned(), Health::Failed),
        ];
        for (json, expected) in cases {
            assert_eq!(health(&json), expected, "{json}");
        }
    }

    #[test]
    fn a_moment_decides_between_expiring_and_expired() {
        let json = r#"{"id":1,"expireAt":"2024-03-05T00:00:00Z","statistics":{"totalAttempts":1}}"#;
        let webhook = wire::webhook(&json.as_bytes().to_vec().into()).expect("a webhook");
        assert_eq!(Health::of(&webhook, now() - TimeDelta::milliseconds(1)), Health::Expiring);
        assert_eq!(Health::of(&webhook, now()), Health::Expired);
        assert_eq!(Health::of(&webhook, now() - TimeDelta::hours(48)), Health::Expiring);
        assert_eq!(Health::of(&webhook, now() - TimeDelta::hours(49)), Health::Ok);
    }
}
