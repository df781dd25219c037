//! Attempts to deliver, and what follows from their answers.
//!
//! Posting itself, with its limits in real time, is `crate::delivery`'s; the pauses between attempts are timers.

use std::sync::Arc;

use chrono::TimeDelta;

use super::lanes::Parcel;
use super::{Engine, Timer, Work};
use crate::delivery::{Answer, Next, Rules};

impl Engine {
    /// Makes an attempt of `parcel`, once the one before it in its lane is answered.
    pub(super) fn hand_over(self: &Arc<Self>, work: &mut Work, parcel: Parcel) {
        if let Some(parcel) = work.lanes.enter(parcel) {
            self.start(work, parcel);
        }
    }

    fn start(self: &Arc<Self>, work: &mut Work, parcel: Parcel) {
        let (engine, gates, era) = (Arc::clone(self), work.lanes.gates(&parcel), work.era);
        tokio::spawn(async move {
            let rules = parcel.consignment.rules(&engine.scene);
            let answer = gates.pass(engine.attempt(&parcel, rules, era)).await;
            engine.attempted(parcel, rules, era, answer.as_ref());
        });
    }

    /// `None` when there was nothing to post it to any more.
    async fn attempt(&self, parcel: &Parcel, rules: Rules, era: u64) -> Option<Answer> {
        if *self.stopping.borrow() || self.work().era != era {
            return None;
        }
        let (url, delivery) = parcel.consignment.post(&self.scene, parcel.attempt)?;
        let sender = self.sender.under(rules).within(parcel.consignment.reach(&self.scene));
        Some(sender.attempt(&url, &delivery).await)
    }

    /// Decides the delivery, or sets a timer for its next attempt; then it is the turn of the next one in its lane.
    fn attempted(self: &Arc<Self>, parcel: Parcel, rules: Rules, era: u64, answer: Option<&Answer>) {
        let mut work = self.work();
        if work.era != era {
            return;
        }
        let next_in_lane = work.lanes.leave(&parcel);
        let service = parcel.consignment.service();
        match answer.map(|answer| (rules.next(parcel.attempt, answer), answer)) {
            Some((Next::Retry, _)) => self.try_later(&mut work, parcel, rules),
            Some((next, answer)) => {
                let is_delivered = next == Next::Delivered;
                work.deliveries.ends(service, Some(is_delivered));
                parcel.consignment.decided(&self.scene, answer, is_delivered);
            }
            None => work.deliveries.ends(service, None),
        }
        if let Some(parcel) = next_in_lane {
            self.start(&mut work, parcel);
        }
        self.under_way.send_replace(work.lanes.under_way());
        self.changed.notify_one();
    }

    fn try_later(&self, work: &mut Work, parcel: Parcel, rules: Rules) {
        let pause = TimeDelta::from_std(rules.pause).unwrap_or(TimeDelta::MAX);
        let attempt = parcel.attempt + 1;
        work.schedule.set(self.scene.store.now().plus(pause), Timer::Retry(Parcel { attempt, ..parcel }));
    }
}
