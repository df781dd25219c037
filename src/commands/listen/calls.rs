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
        // A call is held and retrieved several times: which of two such states is the later one, nothing tells.
        let may_be_late = is_again
            && before.as_ref().is_some_and(|before| state.rank() == before.rank() && !before.is_final());
        let now = if may_be_late && before.as_ref() != Some(state) { unknown() } else { kept(state) };
        if !is_late {
            if self.young.len() >= GENERATION {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(number, now);
        }
        let is_excused = may_be_late || (is_late && is_again);
        if is_excused { None } else { before.filter(|before| !state.may_follow(Some(before))) }
    }
}

/// One of which nothing is known, so that any may follow it.
const fn unknown() -> State {
    State::Other(String::new())
}

fn kept(state: &State) -> State {
    match state {
        State::Other(name) if name.len() > LONGEST_NAME => unknown(),
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
    fn a_call_may_be_held_again_and_again() {
        let mut calls = Calls::default();
        for state in
            ["RINGING", "ACTIVE", "HELD", "ACTIVE", "REMOTE_HELD", "ACTIVE", "HELD", "ACTIVE", "ANSWERED"]
        {
            assert_eq!(noted(&mut calls, "a", state), None, "{state}");
        }
        assert_eq!(noted(&mut calls, "b", "HELD"), None);
        assert_eq!(noted(&mut calls, "b", "REMOTE_HELD").as_deref(), Some("HELD"));
    }

    #[test]
    fn which_of_two_holds_a_retry_is_of_is_not_known() {
        let again = |calls: &mut Calls, state: &str| calls.note(Some("w"), "a", &State::named(state), true);
        let mut calls = Calls::default();
        // The first hold, which was not taken at first, comes after the call was retrieved.
        assert_eq!(noted(&mut calls, "a", "ACTIVE"), None);
        assert_eq!(again(&mut calls, "HELD"), None);
        assert_eq!(noted(&mut calls, "a", "ANSWERED"), None);
        let mut calls = Calls::default();
        assert_eq!(noted(&mut calls, "a", "ACTIVE"), None);
        assert_eq!(again(&mut calls, "ACTIVE"), None);
        assert_eq!(noted(&mut calls, "a", "RINGING").as_deref(), Some("ACTIVE"));
        // What ends a call ends it once.
        assert_eq!(noted(&mut calls, "a", "ANSWERED"), None);
        assert_eq!(again(&mut calls, "MISSED"), Some(State::named("ANSWERED")));
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
