//! How many deliveries are under way, and what became of the others, service by service.

use crate::webhook::ServiceKind;

/// The deliveries of one service, or of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sandbox) struct Count {
    /// Begun and not decided.
    pub(in crate::sandbox) undecided: usize,
    /// Arrived, since the start or the last reset.
    pub(in crate::sandbox) succeeded: u64,
    /// Given up, since then.
    pub(in crate::sandbox) failed: u64,
}

/// A count for each service.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sandbox) struct Counts {
    vis: Count,
    contact_center: Count,
    voipbin: Count,
}

impl Counts {
    /// The count of one service.
    pub(in crate::sandbox) const fn of(&self, service: ServiceKind) -> Count {
        match service {
            ServiceKind::Vis => self.vis,
            ServiceKind::ContactCenter => self.contact_center,
            ServiceKind::Voipbin => self.voipbin,
        }
    }

    /// The count of all of them together.
    pub(in crate::sandbox) fn of_all(&self) -> Count {
        ServiceKind::ALL.into_iter().map(|service| self.of(service)).fold(Count::default(), |all, one| {
            Count {
                undecided: all.undecided + one.undecided,
                succeeded: all.succeeded + one.succeeded,
                failed: all.failed + one.failed,
            }
        })
    }

    /// A delivery of `service` begins.
    pub(super) fn begins(&mut self, service: ServiceKind) {
        self.of_mut(service).undecided += 1;
    }

    /// A delivery of `service` is over; `arrived` says how, and is `None` where nobody was there to get it any more.
    pub(super) fn ends(&mut self, service: ServiceKind, arrived: Option<bool>) {
        let count = self.of_mut(service);
        count.undecided -= 1;
        match arrived {
            Some(true) => count.succeeded += 1,
            Some(false) => count.failed += 1,
            None => {}
        }
    }

    /// What was under way is dropped.
    pub(super) fn drop_undecided(&mut self) {
        for service in ServiceKind::ALL {
            self.of_mut(service).undecided = 0;
        }
    }

    fn of_mut(&mut self, service: ServiceKind) -> &mut Count {
        match service {
            ServiceKind::Vis => &mut self.vis,
            ServiceKind::ContactCenter => &mut self.contact_center,
            ServiceKind::Voipbin => &mut self.voipbin,
        }
    }
}
