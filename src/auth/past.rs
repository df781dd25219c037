//! How signing in went for each user at each token endpoint: what is not tried again by itself, and until when. Pure.
//!
//! It outlives the tokens beside it: another user, another address and `logout` leave it, because accounts lock whoever
//! knocks.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::http::HttpError;
use crate::http::fault::Fault;

use super::reply;

/// After so many sign-ins in a row that broke off with the password sent, nobody knows how close the account is to its
/// lock.
const MOST_PENDING: u32 = 3;

/// How long such a sign-in counts: well past the lock, so that an outage stops nothing for ever.
const PENDING_LIFE: TimeDelta = TimeDelta::hours(6);

/// How many users and endpoints are remembered; the oldest go first.
const MOST_KEPT: usize = 32;

/// What is known of every user of a profile's file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct History(Vec<Past>);

/// How signing in went for one user at one token endpoint.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Past {
    /// The user, if it is known.
    pub username: Option<String>,
    /// The token endpoint.
    pub token_url: String,
    /// Sign-ins by password whose end is not known.
    pub pending: Option<Pending>,
    /// The password that the service refused.
    pub refused: Option<Refused>,
    /// The endpoint asked for quiet until then.
    pub not_before: Option<DateTime<Utc>>,
}

/// Password sign-ins whose end is not known.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Pending {
    /// When the last of them began.
    pub at: DateTime<Utc>,
    /// How many there were in a row.
    pub attempts: u32,
}

/// A password sign-in that was refused, and is not tried again by itself: accounts lock.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Refused {
    /// When.
    pub at: DateTime<Utc>,
    /// The HTTP status.
    pub status: u16,
    /// The service's code.
    pub code: Option<String>,
    /// What the service said, without secrets.
    pub reason: Option<String>,
}

impl Refused {
    /// The record of `fault`.
    #[must_use]
    pub fn new(at: DateTime<Utc>, fault: &Fault) -> Self {
        Self { at, status: fault.status, code: fault.code.clone(), reason: fault.message.clone() }
    }

    /// What the service said, as it was read then.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault {
            status: self.status,
            code: self.code.clone(),
            message: self.reason.clone(),
            ..Fault::default()
        }
    }
}

impl History {
    /// How it went for `username` at `token_url`.
    #[must_use]
    pub fn of(&self, username: Option<&str>, token_url: &str) -> Past {
        let found = self.0.iter().find(|past| past.is_of(username, token_url));
        found.cloned().unwrap_or_else(|| Past {
            username: username.map(str::to_owned),
            token_url: token_url.to_owned(),
            ..Past::default()
        })
    }

    /// Takes `past` in the place of what was known of its user and endpoint.
    pub fn put(&mut self, past: Past) {
        self.forget(past.username.as_deref(), &past.token_url);
        if past.pending.is_some() || past.refused.is_some() || past.not_before.is_some() {
            self.0.push(past);
        }
        self.0.drain(..self.0.len().saturating_sub(MOST_KEPT));
    }

    /// Forgets what is known of `username` at `token_url`: somebody has signed in.
    pub fn forget(&mut self, username: Option<&str>, token_url: &str) {
        self.0.retain(|past| !past.is_of(username, token_url));
    }

    /// Until when `token_url` asked for quiet, if that is still ahead of `now`.
    #[must_use]
    pub fn quiet_until(&self, token_url: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends =
            self.0.iter().filter(|past| past.token_url == token_url).filter_map(|past| past.not_before);
        ends.filter(|end| *end > now).max()
    }

    /// Whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Past {
    fn is_of(&self, username: Option<&str>, token_url: &str) -> bool {
        self.username.as_deref() == username && self.token_url == token_url
    }

    /// How many sign-ins in a row did not end, as far as they still count at `now`.
    #[must_use]
    pub fn attempts(&self, now: DateTime<Utc>) -> u32 {
        // One from the future says nothing but that a clock was wrong.
        let counts = |pending: &&Pending| pending.at <= now && now < pending.at + PENDING_LIFE;
        self.pending.as_ref().filter(counts).map_or(0, |pending| pending.attempts)
    }

    /// Until when no password is sent by itself, because too many sign-ins did not end.
    #[must_use]
    pub fn held_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let pending = self.pending.as_ref().filter(|_| self.attempts(now) >= MOST_PENDING)?;
        Some(pending.at + PENDING_LIFE)
    }

    /// The same with one more sign-in under way.
    #[must_use]
    pub fn begun(&self, now: DateTime<Utc>) -> Self {
        let attempts = self.attempts(now).saturating_add(1);
        Self { pending: Some(Pending { at: now, attempts }), ..self.clone() }
    }

    /// How it stands once the sign-in that began at `now` failed with `error`. One that broke off with the password sent
    /// stays pending; one that came to an end leaves what there was.
    #[must_use]
    pub fn after(&self, error: &HttpError, now: DateTime<Utc>) -> Self {
        if let Some(fault) = reply::refusal(error) {
            return Self { pending: None, refused: Some(Refused::new(now, fault)), ..self.clone() };
        }
        match error {
            HttpError::Throttled { until, .. } => Self { not_before: Some(*until), ..self.clone() },
            HttpError::Broken { .. } => self.begun(now),
            _ => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{History, MOST_KEPT, Past};
    use crate::http::HttpError;
    use crate::http::exchange::Broken;

    const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

    fn cut() -> HttpError {
        HttpError::Broken { host: "h".to_owned(), source: Broken::Cut("cut".to_owned()) }
    }

    #[test]
    fn three_that_broke_off_hold_for_six_hours() {
        let mut past = Past::default();
        for hour in 0..3 {
            let now = NOW + TimeDelta::hours(hour);
            assert_eq!(past.held_until(now), None);
            past = past.after(&cut(), now);
        }
        let end = NOW + TimeDelta::hours(8);
        assert_eq!(past.held_until(NOW + TimeDelta::hours(2)), Some(end));
        assert_eq!(past.held_until(end - TimeDelta::seconds(1)), Some(end));
        assert_eq!(past.held_until(end), None);
        // Then they count from one again.
        assert_eq!(past.begun(end).attempts(end), 1);
        // A clock that was ahead does not stop it until it has come there.
        assert_eq!(past.held_until(NOW - TimeDelta::hours(1)), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut history = History::default();
        for number in 0..MOST_KEPT + 8 {
            history.put(history.of(Some(&number.to_string()), "t").begun(NOW));
        }
        assert_eq!(history.0.len(), MOST_KEPT);
        let attempts = |number: usize| history.of(Some(&number.to_string()), "t").attempts(NOW);
        assert_eq!((attempts(7), attempts(8)), (0, 1));
    }
}
