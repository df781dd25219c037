//! Which deliveries were accepted before, in bounded memory: the last 100,000 at least, 200,000 at most.
//!
//! A delivery is marked while it is on its way to being accepted, so that a second one of the same id is neither accepted
//! twice nor taken for a duplicate of what then fails.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A generation is as large as this; there are two.
const GENERATION: usize = 100_000;

/// The deliveries that were accepted, each as a number that nobody outside can predict.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hashing: RandomState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    young: HashSet<u64>,
    old: HashSet<u64>,
    under_way: HashSet<u64>,
}

/// What is known of a delivery.
#[derive(Debug)]
pub(super) enum Entry {
    /// It is new, and is under way from now on.
    New(Mark),
    /// It was accepted before.
    Duplicate,
    /// Another one of the same id is under way.
    UnderWay,
}

/// A delivery that is under way. Dropped without being accepted, it never was.
#[derive(Debug)]
pub(super) struct Mark {
    seen: Arc<Seen>,
    number: u64,
    is_accepted: bool,
}

impl Seen {
    /// Looks `identity` up, and marks it if it is new.
    pub(super) fn enter(self: &Arc<Self>, identity: &impl Hash) -> Entry {
        let number = self.hashing.hash_one(identity);
        let mut state = self.lock();
        if state.young.contains(&number) || state.old.contains(&number) {
            Entry::Duplicate
        } else if state.under_way.insert(number) {
            Entry::New(Mark { seen: Arc::clone(self), number, is_accepted: false })
        } else {
            Entry::UnderWay
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mark {
    /// From now on the delivery was accepted before.
    pub(super) fn accept(mut self) {
        self.is_accepted = true;
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut state = self.seen.lock();
        state.under_way.remove(&self.number);
        if !self.is_accepted {
            return;
        }
        if state.young.len() >= GENERATION {
            state.old = std::mem::take(&mut state.young);
        }
        state.young.insert(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(seen: &Arc<Seen>, id: usize) {
        match seen.enter(&id) {
            Entry::New(mark) => mark.accept(),
            other => panic!("{id}: {other:?}"),
        }
    }

    #[test]
    fn one_that_is_under_way_is_neither_new_nor_a_duplicate() {
        let seen = Arc::new(Seen::default());
        let Entry::New(mark) = seen.enter(&"a") else { panic!("it is new") };
        assert!(matches!(seen.enter(&"a"), Entry::UnderWay));
        assert!(matches!(seen.enter(&"b"), Entry::New(_)));
        drop(mark);
        let Entry::New(mark) = seen.enter(&"a") else { panic!("it was never accepted") };
        mark.accept();
        assert!(matches!(seen.enter(&"a"), Entry::Duplicate));
    }

    #[test]
    fn the_last_ones_are_known_and_memory_is_bounded() {
        let seen = Arc::new(Seen::default());
        let all = 5 * GENERATION / 2;
        for id in 0..all {
            accept(&seen, id);
        }
        let state = seen.lock();
        assert!(state.young.len() + state.old.len() <= 2 * GENERATION);
        assert!(state.under_way.is_empty());
        drop(state);
        for id in all - GENERATION..all {
            assert!(matches!(seen.enter(&id), Entry::Duplicate), "{id}");
        }
        assert!(matches!(seen.enter(&0), Entry::New(_)));
    }
}
