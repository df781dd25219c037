//! Deliveries that are under way, in lanes: the events of one call reach one webhook in order.
//!
//! In a lane one attempt goes on at a time. A delivery that waits for its next attempt is in none: what comes later may go
//! ahead of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::consignment::Consignment;

/// How many attempts go on at once.
const AT_ONCE: usize = 64;

/// How many of them to one webhook, so that a slow receiver keeps no other waiting.
const AT_ONCE_TO_ONE: usize = 8;

/// One delivery before its next attempt.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) call: u64,
    pub(super) consignment: Arc<dyn Consignment>,
    /// Counted from 1.
    pub(super) attempt: u32,
}

/// The lanes in which something is under way, each with what waits in it.
#[derive(Debug)]
pub(super) struct Lanes {
    busy: HashMap<(u64, Arc<str>), VecDeque<Parcel>>,
    all: Arc<Semaphore>,
    to_one: HashMap<Arc<str>, Arc<Semaphore>>,
}

/// What an attempt has to get through before it is made, in this order.
#[derive(Debug)]
pub(super) struct Gates {
    to_one: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { busy: HashMap::new(), all: Arc::new(Semaphore::new(AT_ONCE)), to_one: HashMap::new() }
    }
}

impl Lanes {
    /// Puts `parcel` into its lane; gives it back when the lane was free, and it is under way from now on.
    pub(super) fn enter(&mut self, parcel: Parcel) -> Option<Parcel> {
        if let Some(waiting) = self.busy.get_mut(&parcel.lane()) {
            waiting.push_back(parcel);
            return None;
        }
        self.busy.insert(parcel.lane(), VecDeque::new());
        Some(parcel)
    }

    /// The attempt of `parcel` is over: the next one of its lane is under way from now on, if there is one.
    pub(super) fn leave(&mut self, parcel: &Parcel) -> Option<Parcel> {
        let lane = parcel.lane();
        let next = self.busy.get_mut(&lane)?.pop_front();
        if next.is_none() {
            self.busy.remove(&lane);
            if self.busy.is_empty() {
                self.to_one.clear();
            }
        }
        next
    }

    /// How many lanes there are: as many attempts are under way.
    pub(super) fn under_way(&self) -> usize {
        self.busy.len()
    }

    /// The gates for an attempt to deliver `parcel`.
    pub(super) fn gates(&mut self, parcel: &Parcel) -> Gates {
        let to_one = self.to_one.entry(parcel.consignment.destination());
        let to_one = to_one.or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_TO_ONE)));
        Gates { to_one: Arc::clone(to_one), all: Arc::clone(&self.all) }
    }
}

impl Gates {
    /// Waits until both are open, does `work`, and lets the next one in.
    pub(super) async fn pass<T>(&self, work: impl Future<Output = T>) -> T {
        // Nobody closes a gate; then nothing is counted, and the work is done all the same.
        let _to_one = self.to_one.acquire().await;
        let _all = self.all.acquire().await;
        work.await
    }
}

impl Parcel {
    fn lane(&self) -> (u64, Arc<str>) {
        (self.call, self.consignment.destination())
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::super::consignment::Scene;
    use super::*;
    use crate::delivery::{Delivery, Rules};
    use crate::services::vis::delivery::RULES;
    use crate::webhook::ServiceKind;

    /// Goes nowhere.
    #[derive(Debug)]
    struct Blank(&'static str);

    impl Consignment for Blank {
        fn service(&self) -> ServiceKind {
            ServiceKind::Vis
        }

        fn destination(&self) -> Arc<str> {
            self.0.into()
        }

        fn rules(&self, _: &Scene) -> Rules {
            RULES
        }

        fn post(&self, _: &Scene, _: u32) -> Option<(Url, Delivery)> {
            None
        }
    }

    /// The attempt tells them apart.
    fn parcel(call: u64, webhook: &'static str, attempt: u32) -> Parcel {
        Parcel { call, consignment: Arc::new(Blank(webhook)), attempt }
    }

    fn name(parcel: Option<Parcel>) -> Option<u32> {
        parcel.map(|parcel| parcel.attempt)
    }

    #[test]
    fn a_lane_is_of_one_call_and_one_webhook_and_is_left_in_order() {
        let mut lanes = Lanes::default();
        let first = parcel(1, "a", 1);
        assert_eq!(name(lanes.enter(first.clone())), Some(1));
        assert_eq!(name(lanes.enter(parcel(1, "a", 2))), None);
        assert_eq!(name(lanes.enter(parcel(1, "a", 3))), None);
        assert!(lanes.enter(parcel(1, "b", 4)).is_some());
        assert!(lanes.enter(parcel(2, "a", 5)).is_some());
        assert_eq!(lanes.under_way(), 3);
        assert_eq!(name(lanes.leave(&first)), Some(2));
        assert_eq!(name(lanes.leave(&first)), Some(3));
        assert_eq!((name(lanes.leave(&first)), lanes.under_way()), (None, 2));
        assert!(lanes.enter(first).is_some());
    }
}
