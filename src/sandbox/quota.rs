//! Counts API requests against a quota per minute and token.
//!
//! The window is real time even when the sandbox clock runs fast, so that a client's waiting is what it would be in life.

use std::time::{Duration, Instant};

use crate::secret::Secret;

/// How long a window lasts: the portal's quotas are per minute (specs/vis.md §3).
const WINDOW: Duration = Duration::from_mins(1);

/// A fixed window for each token, which opens with the first request after the token's last window closed.
#[derive(Debug)]
pub(super) struct Quota {
    limit: u32,
    /// The open ones.
    windows: Vec<Window>,
}

#[derive(Debug)]
struct Window {
    token: Secret,
    opened: Instant,
    used: u32,
}

impl Quota {
    /// At most `limit` requests in a window.
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, windows: Vec::new() }
    }

    /// Counts one request with `token` at `now`; says how long it has to wait when its window is used up.
    pub(super) fn take(&mut self, token: &Secret, now: Instant) -> Result<(), Duration> {
        let age = |window: &Window| now.saturating_duration_since(window.opened);
        self.windows.retain(|window| age(window) < WINDOW);
        let index = self.windows.iter().position(|window| window.token == *token).unwrap_or_else(|| {
            self.windows.push(Window { token: token.clone(), opened: now, used: 0 });
            self.windows.len() - 1
        });
        let window = &mut self.windows[index];
        if window.used < self.limit {
            window.used += 1;
            return Ok(());
        }
        Err(WINDOW.saturating_sub(age(window)))
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
        let mut take = |now| quota.take(&Secret::new("one"), now);
        assert_eq!(take(at(0)), Ok(()));
        assert_eq!(take(at(10)), Ok(()));
        assert_eq!(take(at(15)), Err(Duration::from_secs(45)));
        assert_eq!(take(at(59)), Err(Duration::from_secs(1)));
        assert_eq!(take(at(75)), Ok(()));
        assert_eq!(take(at(134)), Ok(()));
        assert_eq!(take(at(134)), Err(Duration::from_secs(1)));
        assert_eq!(take(at(135)), Ok(()));
    }

    #[test]
    fn each_token_has_its_own_window() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (one, other) = (Secret::new("one"), Secret::new("other"));
        let mut quota = Quota::new(1);
        assert_eq!(quota.take(&one, at(0)), Ok(()));
        assert_eq!(quota.take(&other, at(50)), Ok(()));
        assert_eq!(quota.take(&one, at(59)), Err(Duration::from_secs(1)));
        assert_eq!(quota.take(&one, at(60)), Ok(()));
        assert_eq!(quota.take(&other, at(60)), Err(Duration::from_secs(50)));
        assert_eq!(quota.windows.len(), 2);
    }

    #[test]
    fn a_quota_of_none_lets_nothing_pass() {
        assert_eq!(Quota::new(0).take(&Secret::new("one"), Instant::now()), Err(WINDOW));
    }
}
