//! The throttle gate of one token: closed by a 429 until the time that the service named, and from then on open for one
//! request at a time (design §4). It never paces ahead of a 429.

use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex as Turns, MutexGuard as Turn};
use tokio::time::Instant;

use super::{HttpError, WhenHeld};
use crate::limits::Limits;

/// The first hold after a 429 that names no time; it doubles up to [`LONGEST_UNSTATED`].
const FIRST_UNSTATED: Duration = Duration::from_secs(1);

/// The first hold after a 429 that asks for none at all: obeyed, but not so that it becomes a flood. It doubles too.
const FIRST_EMPTY: Duration = Duration::from_millis(50);

/// Quota windows are a minute long (vis §3), so waiting longer at once gains nothing.
const LONGEST_UNSTATED: Duration = Duration::from_mins(1);

/// A hold that someone should hear of: until when.
pub type Announce = Rc<dyn Fn(DateTime<Utc>)>;

/// The gate. Requests enter it; a 429 closes it.
pub struct Gate {
    state: Mutex<State>,
    turns: Turns<()>,
    announce: Announce,
}

#[derive(Default)]
struct State {
    closed_until: Option<Instant>,
    holds: u64,
    unstated: u32,
    announced: bool,
}

impl Gate {
    /// An open gate; `announce` is called once for each hold that somebody waits for.
    #[must_use]
    pub fn new(announce: Announce) -> Self {
        Self { state: Mutex::default(), turns: Turns::new(()), announce }
    }

    /// How often the gate was closed so far.
    #[must_use]
    pub fn holds(&self) -> u64 {
        self.with(|state| state.holds)
    }

    /// Closes the gate for `asked`, or for a growing while if the service named no time. Never opens it earlier than an
    /// earlier call said.
    pub fn close(&self, asked: Option<Duration>) {
        self.with(|state| {
            let mut grown = |first: Duration| {
                let grown = first.saturating_mul(1 << state.unstated.min(16));
                state.unstated += 1;
                grown.min(LONGEST_UNSTATED)
            };
            let hold = match asked {
                Some(Duration::ZERO) => grown(FIRST_EMPTY),
                Some(hold) => hold,
                None => grown(FIRST_UNSTATED),
            };
            let now = Instant::now();
            // A hold too long for the clock is longer than any patience: a century stands for it.
            let until = now.checked_add(hold).unwrap_or(now + Duration::from_hours(876_000));
            if state.closed_until.is_none_or(|closed| closed <= now) {
                state.announced = false;
            }
            state.holds += 1;
            state.closed_until = state.closed_until.max(Some(until));
        });
    }

    /// A request got through, so unstated holds start small again.
    pub fn succeeded(&self) {
        self.with(|state| state.unstated = 0);
    }

    /// Waits until a request may be sent. The returned turn is held while it is under way.
    pub async fn enter(
        &self,
        host: &str,
        when_held: WhenHeld,
        limits: &Limits,
    ) -> Result<Option<Turn<'_, ()>>, HttpError> {
        loop {
            if limits.is_interrupted() {
                return Err(HttpError::Interrupted);
            }
            self.wait(host, when_held, limits).await?;
            if self.holds() == 0 {
                return Ok(None);
            }
            let turn = limits.or_interrupted(self.turns.lock()).await.map_err(|_| HttpError::Interrupted)?;
            // Whoever had the turn before may have closed the gate again.
            if self.left().is_none() {
                return Ok(Some(turn));
            }
        }
    }

    /// Waits until the gate is open; fails at once when that is later than there is time.
    pub async fn wait(&self, host: &str, when_held: WhenHeld, limits: &Limits) -> Result<(), HttpError> {
        while let Some(left) = self.left() {
            let until = ceil_to_second(Utc::now() + left);
            let fits = limits.remaining().is_none_or(|remaining| left < remaining);
            if when_held == WhenHeld::Return || !fits {
                return Err(HttpError::Throttled { host: host.to_owned(), until });
            }
            if !self.with(|state| std::mem::replace(&mut state.announced, true)) {
                (self.announce)(until);
            }
            limits.sleep(left).await.map_err(|_| HttpError::Interrupted)?;
        }
        Ok(())
    }

    /// How long the gate stays closed; `None` if it is open.
    fn left(&self) -> Option<Duration> {
        let until = self.with(|state| state.closed_until)?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    fn with<T>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        use_state(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The hold that a 429 asks for: the longer of `Retry-After` (seconds, or a date against the reply's own `Date`) and the
/// gateway's `nextAccessTime`.
#[must_use]
pub fn asked_hold(
    retry_after: Option<&str>,
    next_access: Option<DateTime<Utc>>,
    date: Option<DateTime<Utc>>,
) -> Option<Duration> {
    let now = date.unwrap_or_else(Utc::now);
    let until = |moment: DateTime<Utc>| (moment - now).to_std().unwrap_or_default();
    let stated = retry_after.map(str::trim).and_then(|text| match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => Some(Duration::MAX),
        Err(_) => httpdate::parse_http_date(text).ok().map(|moment| until(moment.into())),
    });
    stated.max(next_access.map(until))
}

fn ceil_to_second(moment: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(moment.timestamp() + i64::from(moment.timestamp_subsec_nanos() > 0), 0)
        .unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, Utc};

    use super::asked_hold;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a literal time")
    }

    #[test]
    fn both_forms_of_retry_after_are_read_and_the_longer_wish_wins() {
        let date = Some(at("2024-03-01T09:30:00Z"));
        assert_eq!(asked_hold(Some("7"), None, date), Some(Duration::from_secs(7)));
        assert_eq!(
            asked_hold(Some("Fri, 01 Mar 2024 09:31:00 GMT"), None, date),
            Some(Duration::from_mins(1))
        );
        assert_eq!(
            asked_hold(Some("7"), Some(at("2024-03-01T09:31:00Z")), date),
            Some(Duration::from_mins(1))
        );
        assert_eq!(
            asked_hold(Some("90"), Some(at("2024-03-01T09:31:00Z")), date),
            Some(Duration::from_secs(90))
        );
        assert_eq!(asked_hold(Some("Fri, 01 Mar 2024 09:00:00 GMT"), None, date), Some(Duration::ZERO));
        assert_eq!(asked_hold(Some("99999999999999999999999"), None, date), Some(Duration::MAX));
        assert_eq!(asked_hold(Some("soon"), None, date), None);
        assert_eq!(asked_hold(None, None, date), None);
    }
}
