//! Locks the user after too many wrong passwords, for half an hour of real time (specs/vis.md §2).
//!
//! Real time, even when the sandbox clock runs fast: a client that has to wait would have to in life. Kept in memory only.

use std::time::{Duration, Instant};

/// How long the lock holds, counted from the last attempt, whether that was right or wrong.
const LOCKED: Duration = Duration::from_mins(30);

/// Counts wrong passwords of the one user.
#[derive(Debug)]
pub(in crate::sandbox) struct LockOut {
    limit: u32,
    failures: u32,
    last: Option<Instant>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Attempt {
    Accepted,
    Wrong,
    Locked,
}

impl LockOut {
    /// Locks after `limit` wrong passwords in a row; never when that is 0.
    pub(in crate::sandbox) fn new(limit: u32) -> Self {
        Self { limit, failures: 0, last: None }
    }

    /// Judges an attempt at `now` with the right password, or a wrong one.
    pub(in crate::sandbox) fn attempt(&mut self, is_right: bool, now: Instant) -> Attempt {
        let is_exhausted = self.limit > 0 && self.failures >= self.limit;
        let is_recent = self.last.is_some_and(|last| now.saturating_duration_since(last) < LOCKED);
        if is_exhausted && is_recent {
            self.last = Some(now);
            return Attempt::Locked;
        }
        if is_exhausted || is_right {
            self.unlock();
        }
        if is_right {
            return Attempt::Accepted;
        }
        self.failures += 1;
        self.last = Some(now);
        Attempt::Wrong
    }

    /// Forgets all attempts.
    pub(in crate::sandbox) fn unlock(&mut self) {
        (self.failures, self.last) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::Attempt::{Accepted, Locked, Wrong};
    use super::*;

    #[test]
    fn locks_for_half_an_hour_after_the_last_attempt() {
        let start = Instant::now();
        let at = |minutes| start + Duration::from_mins(minutes);
        let mut lock_out = LockOut::new(2);
        assert_eq!(lock_out.attempt(false, at(0)), Wrong);
        assert_eq!(lock_out.attempt(false, at(1)), Wrong);
        assert_eq!(lock_out.attempt(true, at(30)), Locked);
        assert_eq!(lock_out.attempt(false, at(59)), Locked, "the attempt before was no 30 minutes ago");
        assert_eq!(lock_out.attempt(true, at(89)), Accepted);
    }

    #[test]
    fn a_lock_that_ended_leaves_a_clean_slate() {
        let start = Instant::now();
        let mut lock_out = LockOut::new(2);
        assert_eq!([(); 2].map(|()| lock_out.attempt(false, start)), [Wrong; 2]);
        let later = start + LOCKED;
        assert_eq!([(); 3].map(|()| lock_out.attempt(false, later)), [Wrong, Wrong, Locked]);
    }

    #[test]
    fn a_right_password_sets_the_count_back() {
        let now = Instant::now();
        let mut lock_out = LockOut::new(2);
        for _ in 0..3 {
            assert_eq!([lock_out.attempt(false, now), lock_out.attempt(true, now)], [Wrong, Accepted]);
        }
        assert_eq!([(); 3].map(|()| lock_out.attempt(false, now)), [Wrong, Wrong, Locked]);
        lock_out.unlock();
        assert_eq!(lock_out.attempt(true, now), Accepted);
    }

    #[test]
    fn a_limit_of_none_never_locks() {
        let now = Instant::now();
        let mut lock_out = LockOut::new(0);
        assert!((0..100).all(|_| lock_out.attempt(false, now) == Wrong));
    }
}
