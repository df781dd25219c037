//! Counts API requests against a quota per minute.
//!
//! The window is real time even when the sandbox clock runs fast, so that a client's waiting is what it would be in life.

use std::time::{Duration, Instant};

/// How long a window lasts: the portal's quotas are per minute (specs/vis.md §3).
const WINDOW: Duration = Duration::from_mins(1);

/// A fixed window that opens with the first request after the last window closed. The sandbox knows one token, so one
/// window is all there is.
#[derive(Debug)]
pub(super) struct Quota {
    limit: u32,
    opened: Option<Instant>,
    used: u32,
}

impl Quota {
    /// At most `limit` requests in a window.
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, opened: None, used: 0 }
    }

    /// Counts one request at `now`; says how long it has to wait when the window is used up.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let opened = match self.opened {
            Some(opened) if now.saturating_duration_since(opened) < WINDOW => opened,
            _ => {
                self.used = 0;
                now
            }
        };
        self.opened = Some(opened);
        if self.used < self.limit {
            self.used += 1;
            return Ok(());
        }
        Err(WINDOW.saturating_sub(now.saturating_duration_since(opened)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_with_its_first_request() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut quota = Quota::new(2);
        assert_eq!(quota.take(at(0)), Ok(()));
        assert_eq!(quota.take(at(10)), Ok(()));
        assert_eq!(quota.take(at(15)), Err(Duration::from_secs(45)));
        assert_eq!(quota.take(at(59)), Err(Duration::from_secs(1)));
        assert_eq!(quota.take(at(75)), Ok(()));
        assert_eq!(quota.take(at(134)), Ok(()));
        assert_eq!(quota.take(at(134)), Err(Duration::from_secs(1)));
        assert_eq!(quota.take(at(135)), Ok(()));
    }

    #[test]
    fn a_quota_of_none_lets_nothing_pass() {
        assert_eq!(Quota::new(0).take(Instant::now()), Err(WINDOW));
    }
}
