//! Attempts to deliver, and what is made of their answers (specs/vis.md §7, §8).
//!
//! Posting itself, with its limits in real time, is `crate::delivery`'s; the pauses between attempts are timers.

use std::sync::Arc;

use chrono::TimeDelta;
use url::Url;

use super::lanes::Parcel;
use super::{Engine, Timer, Work};
use crate::delivery::{Answer, Delivery, Next};
use crate::sandbox::registration::{Registration, Statistics};
use crate::sandbox::timestamp::Timestamp;
use crate::services::vis::delivery::statistics::last_error;
use crate::services::vis::delivery::{Parts, Policy, build};

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
            let answer = gates.pass(engine.attempt(&parcel, era)).await;
            engine.attempted(parcel, era, answer.as_ref());
        });
    }

    /// `None` when there was nothing to post it to any more.
    async fn attempt(&self, parcel: &Parcel, era: u64) -> Option<Answer> {
        let (url, delivery) = self.addressed(parcel, era)?;
        Some(self.sender.attempt(&url, &delivery).await)
    }

    /// What is posted, and where to. Deleted registrations get no more attempts, and expired or paused ones neither; one that
    /// failed meanwhile gets those of the deliveries that had begun.
    fn addressed(&self, parcel: &Parcel, era: u64) -> Option<(Url, Delivery)> {
        if *self.stopping.borrow() || self.work().era != era {
            return None;
        }
        let now = self.store.now();
        self.store.read(|account| {
            let webhook = account.find(&parcel.webhook, now).filter(|webhook| webhook.is_live(now))?;
            Some((self.address(webhook)?, delivery(webhook, parcel)))
        })
    }

    /// Decides the delivery, or sets a timer for its next attempt; then it is the turn of the next one in its lane.
    fn attempted(self: &Arc<Self>, parcel: Parcel, era: u64, answer: Option<&Answer>) {
        let mut work = self.work();
        if work.era != era {
            return;
        }
        let next_in_lane = work.lanes.leave(&parcel);
        match answer.map(|answer| (self.sender.rules().next(parcel.attempt, answer), answer)) {
            Some((Next::Retry, _)) => self.try_later(&mut work, parcel),
            Some((Next::Delivered, _)) => {
                work.undecided -= 1;
                work.succeeded += 1;
                self.decide(&parcel, Statistics::succeeded);
            }
            Some((Next::GiveUp, answer)) => {
                work.undecided -= 1;
                work.failed += 1;
                let error = last_error(answer);
                self.decide(&parcel, |statistics, now| statistics.gave_up(now, error));
            }
            None => work.undecided -= 1,
        }
        if let Some(parcel) = next_in_lane {
            self.start(&mut work, parcel);
        }
        self.under_way.send_replace(work.lanes.under_way());
        self.changed.notify_one();
    }

    fn try_later(&self, work: &mut Work, parcel: Parcel) {
        let pause = TimeDelta::from_std(self.sender.rules().pause).unwrap_or(TimeDelta::MAX);
        let attempt = parcel.attempt + 1;
        work.schedule.set(self.store.now().plus(pause), Timer::Retry(Parcel { attempt, ..parcel }));
    }

    /// Counters move now, once for all attempts together.
    fn decide(&self, parcel: &Parcel, count: impl FnOnce(&mut Statistics, Timestamp)) {
        let now = self.store.now();
        self.store.note(|account, _| {
            if let Some(webhook) = account.find(&parcel.webhook, now) {
                count(&mut webhook.statistics, now);
            }
        });
    }
}

fn delivery(webhook: &Registration, parcel: &Parcel) -> Delivery {
    let is_signed = webhook.signing_algo == "HMAC_SHA256";
    build(&Parts {
        event: &parcel.event,
        policy: Policy::named(&webhook.metadata_policy),
        key: webhook.signing_key.as_ref().filter(|_| is_signed),
        webhook_id: &webhook.id,
        delivery_id: &parcel.delivery,
        attempt: parcel.attempt,
    })
}
