//! The state that each call was last heard of in, in bounded memory: what tells that a state does not follow the one before.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use crate::services::vis::delivery::event::State;

/// A generation is as large as this; there are two.
const GENERATION: usize = 20_000;

/// Longer names of states are not kept: nothing is known of what follows them anyway.
const LONGEST_NAME: usize = 32;

/// The calls that were last heard of.
#[derive(Debug, Default)]
pub(super) struct Calls {
    hashing: RandomState,
    young: HashMap<u64, State>,
    old: HashMap<u64, State>,
}

impl Calls {
    /// Notes that `webhook` was told that `call` is in `state`; gives the state before, if this one does not follow it.
    ///
    /// The first that is heard of a call says nothing: listening may have begun in the middle of it. Each webhook is told of a
    /// call by itself. What `is_again` on its way, a retry or an event that is posted again, may come late (vis §8).
    pub(super) fn note(
        &mut self,
        webhook: Option<&str>,
        call: &str,
        state: &State,
        is_again: bool,
    ) -> Option<State> {
        let number = self.hashing.hash_one((webhook, call));
        let before = self.young.get(&number).or_else(|| self.old.get(&number)).cloned();
        // One that arrives late, such as a retry, does not take the call back.
        let is_late = before.as_ref().is_some_and(|before| state.rank() < before.rank());
        if !is_late {
            if self.young.len() >= GENERATION {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(number, kept(state));
        }
        before.filter(|before| !(is_late && is_again) && !state.may_follow(Some(before)))
    }
}

fn kept(state: &State) -> State {
    match state {
        State::Other(name) if name.len() > LONGEST_NAME => State::Other(String::new()),
        state => state.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(calls: &mut Calls, call: &str, state: &str) -> Option<String> {
        calls.note(Some("w"), call, &State::named(state), false).map(|before| before.to_string())
    }

    #[test]
    fn a_state_that_does_not_follow_is_told_with_the_one_before() {
        let mut calls = Calls::default();
        assert_eq!(noted(&mut calls, "a", "ACTIVE"), None);
        assert_eq!(noted(&mut calls, "b", "INITIALIZING"), None);
        assert_eq!(noted(&mut calls, "a", "HELD"), None);
        assert_eq!(noted(&mut calls, "a", "ANSWERED").as_deref(), Some("HELD"));
        assert_eq!(noted(&mut calls, "b", "RINGING"), None);
    }

    #[test]
    fn what_arrives_late_is_told_and_changes_nothing() {
        let mut calls = Calls::default();
        assert_eq!(noted(&mut calls, "a", "ACTIVE"), None);
        assert_eq!(noted(&mut calls, "a", "RINGING").as_deref(), Some("ACTIVE"));
        assert_eq!(noted(&mut calls, "a", "ANSWERED"), None);
    }

    #[test]
    fn each_webhook_is_told_of_a_call_by_itself() {
        let mut calls = Calls::default();
        for state in ["INITIALIZING", "RINGING"] {
            for webhook in [Some("a"), Some("b"), None] {
                assert_eq!(calls.note(webhook, "1", &State::named(state), false), None, "{webhook:?}");
            }
        }
    }

    #[test]
    fn what_is_posted_again_may_come_late_and_nothing_else() {
        let mut calls = Calls::default();
        assert_eq!(noted(&mut calls, "a", "ANSWERED"), None);
        assert_eq!(calls.note(Some("w"), "a", &State::named("ACTIVE"), true), None);
        assert_eq!(noted(&mut calls, "b", "HELD"), None);
        assert_eq!(calls.note(Some("w"), "b", &State::named("ANSWERED"), true), Some(State::named("HELD")));
    }

    #[test]
    fn memory_is_bounded() {
        let mut calls = Calls::default();
        for call in 0..3 * GENERATION {
            calls.note(None, &call.to_string(), &State::Other("x".repeat(1000)), false);
        }
        assert!(calls.young.len() + calls.old.len() <= 2 * GENERATION);
        assert!(calls.young.values().all(|state| state.name().is_empty()));
    }
}
