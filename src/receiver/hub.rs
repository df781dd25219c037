//! Where what happened comes together: it is counted and told, and an accepted delivery goes on its way from here.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::forward::{Forwarder, Job};
use super::report::{Answered, Counters, Delivered, Forwarded, Reason, Refused, Report, Tell, count};
use super::seen::Mark;

/// Counts and tells.
pub(super) struct Hub {
    pub(super) tell: Tell,
    pub(super) counters: Counters,
    pub(super) forwarder: Option<Forwarder>,
    pub(super) clock: fn() -> DateTime<Utc>,
    refusals: Mutex<[Refusals; Reason::COUNT]>,
    is_record_broken: AtomicBool,
}

/// The refusals for one reason that are not told yet.
#[derive(Clone, Copy, Debug, Default)]
struct Refusals {
    /// Whether one was told since the last tick.
    is_told: bool,
    last: Option<IpAddr>,
    untold: u64,
}

/// A delivery that is about to be accepted. Dropped instead, it never was.
#[derive(Debug)]
pub(super) struct Acceptance {
    pub(super) mark: Option<Mark>,
    pub(super) job: Option<Job>,
    pub(super) report: Delivered,
}

impl Hub {
    pub(super) fn new(tell: Tell, forwarder: Option<Forwarder>, clock: fn() -> DateTime<Utc>) -> Self {
        Self {
            tell,
            counters: Counters::default(),
            forwarder,
            clock,
            refusals: Mutex::default(),
            is_record_broken: AtomicBool::new(false),
        }
    }

    /// A delivery is accepted, and recorded if it is to be: nothing can go wrong with it any more.
    pub(super) fn accept(&self, acceptance: Acceptance) {
        let Acceptance { mark, job, report } = acceptance;
        if let Some(mark) = mark {
            mark.accept();
        }
        count(&self.counters.accepted);
        if report.is_duplicate {
            count(&self.counters.duplicates);
        }
        (self.tell)(Report::Delivery(report));
        if let (Some(job), Some(forwarder)) = (job, &self.forwarder) {
            forwarder.send(job);
        }
    }

    /// The handler has had a delivery, or could not be given it.
    pub(super) fn forwarded(&self, forwarded: Forwarded) {
        let is_taken = forwarded.answer.status() == Some(200);
        count(if is_taken { &self.counters.forwarded } else { &self.counters.forward_failures });
        (self.tell)(Report::Forwarded(forwarded));
    }

    /// A delivery is not accepted: it was answered as it was asked for.
    pub(super) fn answered(&self, report: Delivered) {
        if matches!(report.answered, Answered::Rehearsed(_)) {
            count(&self.counters.rehearsed);
        }
        (self.tell)(Report::Delivery(report));
    }

    /// A request of `peer` is refused. Of many for one reason in one tick, one is told now and the rest in one at its end:
    /// whoever sends nonsense does not get to fill the screen.
    pub(super) fn refuse(&self, reason: Reason, peer: IpAddr) {
        count(&self.counters.refused);
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let index = Reason::ALL.iter().position(|other| *other == reason);
        let Some(entry) = index.and_then(|index| refusals.get_mut(index)) else { return };
        if std::mem::replace(&mut entry.is_told, true) {
            entry.last = Some(peer);
            entry.untold += 1;
            return;
        }
        drop(refusals);
        (self.tell)(Report::Refused(Refused { time: (self.clock)(), reason, peer, more: 0 }));
    }

    /// A second has passed.
    pub(super) fn tick(&self) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = std::mem::take(&mut *refusals);
        drop(refusals);
        for (reason, entry) in Reason::ALL.into_iter().zip(passed) {
            if let Some(peer) = entry.last {
                let more = entry.untold - 1;
                (self.tell)(Report::Refused(Refused { time: (self.clock)(), reason, peer, more }));
            }
        }
    }

    /// The record could not be written. It is told once, until it can be.
    pub(super) fn record_broke(&self, reason: &std::io::Error) {
        if !self.is_record_broken.swap(true, Ordering::Relaxed) {
            (self.tell)(Report::RecordBroken(reason.to_string()));
        }
    }

    /// The record was written.
    pub(super) fn record_works(&self) {
        if self.is_record_broken.load(Ordering::Relaxed)
            && self.is_record_broken.swap(false, Ordering::Relaxed)
        {
            (self.tell)(Report::RecordMended);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::receiver::judgement::Flaw;

    fn hub() -> (Hub, mpsc::Receiver<Report>) {
        let (sender, reports) = mpsc::channel();
        let tell: Tell = Arc::new(move |report| sender.send(report).unwrap());
        (Hub::new(tell, None, Utc::now), reports)
    }

    fn told(reports: &mpsc::Receiver<Report>) -> Vec<(Reason, IpAddr, u64)> {
        let refused = reports.try_iter().map(|report| match report {
            Report::Refused(refused) => (refused.reason, refused.peer, refused.more),
            other => panic!("{other:?}"),
        });
        refused.collect()
    }

    #[test]
    fn of_many_refusals_two_are_told_in_a_second() {
        let (hub, reports) = hub();
        let peer = |last| IpAddr::from([127, 0, 0, last]);
        let forged = Reason::Flawed(Flaw::Forged);
        for last in 1..=9 {
            hub.refuse(forged, peer(last));
        }
        hub.refuse(Reason::Path, peer(1));
        assert_eq!(told(&reports), [(forged, peer(1), 0), (Reason::Path, peer(1), 0)]);
        hub.tick();
        assert_eq!(told(&reports), [(forged, peer(9), 7)]);
        hub.tick();
        assert_eq!(told(&reports), []);
        hub.refuse(forged, peer(2));
        assert_eq!(told(&reports), [(forged, peer(2), 0)]);
        assert_eq!(hub.counters.read().refused, 11);
    }

    #[test]
    fn a_broken_record_is_told_until_it_is_mended() {
        let (hub, reports) = hub();
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        hub.record_works();
        hub.record_broke(&full);
        hub.record_broke(&full);
        hub.record_works();
        hub.record_works();
        hub.record_broke(&full);
        let told: Vec<_> =
            reports.try_iter().map(|report| matches!(report, Report::RecordBroken(_))).collect();
        assert_eq!(told, [true, false, true]);
    }
}
