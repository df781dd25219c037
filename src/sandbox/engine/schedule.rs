//! What is to happen, and when on the sandbox clock: a queue of timers.
//!
//! It reads no clock and does nothing by itself; whoever has the time takes out what is due.

use std::collections::BTreeMap;

use super::super::timestamp::Timestamp;

/// Timers, in the order in which they are due; those due together in the order in which they were set.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    timers: BTreeMap<(Timestamp, u64), T>,
    /// How many were ever set.
    set: u64,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self { timers: BTreeMap::new(), set: 0 }
    }
}

impl<T> Schedule<T> {
    /// Sets a timer.
    pub(super) fn set(&mut self, due: Timestamp, what: T) {
        self.timers.insert((due, self.set), what);
        self.set += 1;
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.timers.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes the next one that is due at `now`.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<T> {
        let is_due = self.next().is_some_and(|due| due <= now);
        is_due.then(|| self.timers.pop_first()).flatten().map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::timestamp::tests::at;
    use super::*;

    #[test]
    fn gives_what_is_due_in_order_and_nothing_else() {
        let (early, late) = (at("2024-03-01T09:00:00Z"), at("2024-03-01T09:00:10Z"));
        let mut schedule = Schedule::default();
        for (due, what) in [(late, "third"), (early, "first"), (late, "fourth"), (early, "second")] {
            schedule.set(due, what);
        }
        assert_eq!(schedule.next(), Some(early));
        assert_eq!(schedule.take(at("2024-03-01T08:59:59.999Z")), None);
        assert_eq!(
            [schedule.take(early), schedule.take(early), schedule.take(early)],
            [Some("first"), Some("second"), None]
        );
        assert_eq!(schedule.next(), Some(late));
        assert_eq!([schedule.take(late), schedule.take(late)], [Some("third"), Some("fourth")]);
        assert_eq!((schedule.next(), schedule.take(late)), (None, None));
    }
}
