//! The sandbox's movable clock: where it started, how fast it runs, how far it was advanced.
//!
//! It never reads the machine's clock; the caller passes the real `Instant` in.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::timestamp::Timestamp;

/// The fastest clock: eleven days a second, beyond which nothing could be watched any more.
pub(super) const MAX_SPEED: f64 = 1_000_000.0;

/// Sandbox time = time at start + real time since then × speed + advances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started_at: Timestamp,
    started: Instant,
    speed: f64,
    advanced: TimeDelta,
}

impl Clock {
    /// A clock that shows `time` at the real moment `started`.
    ///
    /// `speed` is in sandbox seconds per real second, between 0 (stands still) and [`MAX_SPEED`].
    pub(super) fn new(time: Timestamp, started: Instant, speed: f64) -> Self {
        Self { started_at: time, started, speed, advanced: TimeDelta::zero() }
    }

    /// The sandbox time at the real moment `now`.
    pub(super) fn now(&self, now: Instant) -> Timestamp {
        let real = now.saturating_duration_since(self.started);
        let run = Duration::try_from_secs_f64(real.as_secs_f64() * self.speed).unwrap_or(Duration::MAX);
        let run = TimeDelta::from_std(run).unwrap_or(TimeDelta::MAX);
        self.started_at.plus(run).plus(self.advanced)
    }

    /// How long it takes in real time, from `now` on, until the clock shows `due`: no less than a millisecond. `None` when it
    /// never gets there by itself.
    pub(super) fn real_time_until(&self, due: Timestamp, now: Instant) -> Option<Duration> {
        let wait = due.since(self.now(now)).to_std().unwrap_or(Duration::ZERO);
        let real = Duration::try_from_secs_f64(wait.as_secs_f64() / self.speed).ok()?;
        Some(real.max(Duration::from_millis(1)))
    }

    /// Sandbox seconds per real second.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// Moves the clock forward by `span`.
    pub(super) fn advance(&mut self, span: TimeDelta) {
        self.advanced = self.advanced.checked_add(&span).unwrap_or(TimeDelta::MAX);
    }

    /// Makes the clock show `time` at the real moment `now`, at the same speed.
    pub(super) fn set(&mut self, time: Timestamp, now: Instant) {
        *self = Self::new(time, now, self.speed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::timestamp::tests::at;
    use super::*;

    #[test]
    fn runs_at_its_speed_and_jumps_when_advanced() {
        let start = Instant::now();
        let mut clock = Clock::new(at("2024-03-01T09:00:00Z"), start, 60.0);
        assert_eq!(clock.now(start), at("2024-03-01T09:00:00Z"));
        assert_eq!(clock.now(start + Duration::from_secs(2)), at("2024-03-01T09:02:00Z"));
        clock.advance(TimeDelta::days(1));
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(clock.now(start + Duration::from_secs(2)), at("2024-03-02T09:02:01Z"));
    }

    #[test]
    fn stands_still_at_speed_zero_and_never_overflows() {
        let start = Instant::now();
        let mut clock = Clock::new(at("2024-03-01T09:00:00Z"), start, 0.0);
        assert_eq!(clock.now(start + Duration::from_hours(1)), at("2024-03-01T09:00:00Z"));
        clock.advance(TimeDelta::MAX);
        clock.advance(TimeDelta::MAX);
        assert_eq!(clock.now(start), at("9999-12-31T00:00:00Z"));
    }

    #[test]
    fn says_how_long_to_wait() {
        let start = Instant::now();
        let clock = |speed| Clock::new(at("2024-03-01T09:00:00Z"), start, speed);
        let wait = |speed, due| clock(speed).real_time_until(at(due), start);
        assert_eq!(wait(2.0, "2024-03-01T09:00:10Z"), Some(Duration::from_secs(5)));
        assert_eq!(wait(1e6, "2024-03-01T09:00:10Z"), Some(Duration::from_millis(1)));
        assert_eq!(wait(1.0, "2024-03-01T08:00:00Z"), Some(Duration::from_millis(1)));
        for due in ["2024-03-01T09:00:10Z", "2024-03-01T08:00:00Z"] {
            assert_eq!(wait(0.0, due), None);
        }
    }

    #[test]
    fn can_be_set_back() {
        let start = Instant::now();
        let mut clock = Clock::new(at("2024-03-01T09:00:00Z"), start, 1.0);
        clock.advance(TimeDelta::days(30));
        clock.set(at("2024-03-01T10:00:00Z"), start + Duration::from_secs(5));
        assert_eq!(clock.now(start + Duration::from_secs(6)), at("2024-03-01T10:00:01Z"));
    }
}
