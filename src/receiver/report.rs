//! What the receiver tells of what happened: facts, for whoever shows them. Nothing here is shown or decided.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::judgement::Verdict;
use crate::delivery::Answer;
use crate::services::incoming::{Flaw, Ids};
use crate::webhook::ServiceKind;

/// Takes the reports. It must not block: answers wait for it.
pub type Tell = Arc<dyn Fn(Report) + Send + Sync>;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Report {
    /// A delivery was answered with 200, or with what a rehearsal or the handler said.
    Delivery(Delivered),
    /// Requests were refused.
    Refused(Refused),
    /// A delivery was forwarded, or could not be.
    Forwarded(Forwarded),
    /// The record cannot be written any more; the reason.
    RecordBroken(String),
    /// The record can be written again.
    RecordMended,
}

/// A delivery and how it was answered.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// When it had arrived, by this machine's clock.
    pub time: DateTime<Utc>,
    /// Whose it is.
    pub service: ServiceKind,
    /// What its signature is worth.
    pub verdict: Verdict,
    /// What it goes by.
    pub ids: Ids,
    /// Its event as received.
    pub event: Bytes,
    /// What vwh itself says of what it posts: `trigger` or `repost`.
    pub synthetic: Option<String>,
    /// Whether a delivery with the same id was accepted before.
    pub is_duplicate: bool,
    /// How it was answered.
    pub answered: Answered,
}

/// How a delivery was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is accepted: 200.
    Accepted,
    /// With the handler's own status.
    Relayed(u16),
    /// As a failure that was asked for.
    Rehearsed(Failure),
}

/// A failure to rehearse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This status.
    Status(u16),
    /// No answer for longer than the service waits.
    Timeout,
    /// A redirect to itself.
    Redirect,
}

/// Requests that were refused for one reason. Of many in a short time one is told, with the number of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When the last of them came.
    pub time: DateTime<Utc>,
    /// Why.
    pub reason: Reason,
    /// Where the last of them came from.
    pub peer: IpAddr,
    /// How many more there were since the last report.
    pub more: u64,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What was received is no HTTP/1.
    NotHttp,
    /// It has more headers than anybody needs.
    LongHead,
    /// It has a longer URI than anybody needs.
    LongUri,
    /// It did not arrive in time.
    Slow,
    /// Another path.
    Path,
    /// Another method.
    Method,
    /// More than the limit.
    TooLarge,
    /// It ended before it was whole.
    CutShort,
    /// It is no delivery, or its signature is not worth anything.
    Flawed(Flaw),
    /// A delivery of the same id is still on its way to being accepted.
    UnderWay,
    /// Too many deliveries wait to be forwarded.
    NoSlot,
    /// Too many large bodies at once.
    NoRoom,
    /// It cannot be recorded.
    NotRecorded,
}

impl Reason {
    /// How many there are.
    pub(super) const COUNT: usize = Self::OWN.len() + Flaw::ALL.len();

    const OWN: [Self; 12] = [
        Self::NotHttp,
        Self::LongHead,
        Self::LongUri,
        Self::Slow,
        Self::Path,
        Self::Method,
        Self::TooLarge,
        Self::CutShort,
        Self::UnderWay,
        Self::NoSlot,
        Self::NoRoom,
        Self::NotRecorded,
    ];

    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Self::OWN.into_iter().chain(Flaw::ALL.map(Self::Flawed))
    }

    /// The status that it is answered with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NotHttp | Self::CutShort | Self::Flawed(Flaw::Malformed(_) | Flaw::Stranger(_)) => 400,
            Self::LongHead => 431,
            Self::LongUri => 414,
            Self::Slow => 408,
            Self::Path => 404,
            Self::Method => 405,
            Self::TooLarge => 413,
            Self::Flawed(Flaw::Unsigned | Flaw::Forged | Flaw::Token(_)) => 401,
            Self::UnderWay | Self::NoSlot | Self::NoRoom | Self::NotRecorded => 503,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotHttp => "no HTTP/1 that can be read",
            Self::LongHead => "too many headers, or too long",
            Self::LongUri => "the URI is too long",
            Self::Slow => "not all of it came in time",
            Self::Path => "another path",
            Self::Method => "another method than POST",
            Self::TooLarge => "larger than 1 MiB",
            Self::Flawed(flaw) => return flaw.fmt(formatter),
            Self::CutShort => "it was cut short",
            Self::UnderWay => "the same delivery is still being accepted",
            Self::NoSlot => "too many deliveries wait to be forwarded",
            Self::NoRoom => "too much at once",
            Self::NotRecorded => "it cannot be recorded",
        })
    }
}

/// What came of forwarding a delivery.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// When it ended, by this machine's clock.
    pub time: DateTime<Utc>,
    /// Whose it is.
    pub service: ServiceKind,
    /// The delivery's id.
    pub delivery_id: Option<String>,
    /// Its event as received.
    pub event: Bytes,
    /// What the handler answered.
    pub answer: Answer,
    /// How long that took.
    pub took: Duration,
}

/// How much of everything there was so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) rehearsed: AtomicU64,
    pub(super) forwarded: AtomicU64,
    pub(super) forward_failures: AtomicU64,
}

/// How much of everything there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries answered with 200.
    pub accepted: u64,
    /// Those of them that had been accepted before.
    pub duplicates: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Deliveries that were answered with a failure that was asked for.
    pub rehearsed: u64,
    /// Deliveries that the handler answered with 200.
    pub forwarded: u64,
    /// Deliveries that it answered otherwise, or not at all.
    pub forward_failures: u64,
    /// Deliveries that were accepted and not forwarded, because the receiver ended first.
    pub not_forwarded: u64,
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn read(&self) -> Counts {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: value(&self.accepted),
            duplicates: value(&self.duplicates),
            refused: value(&self.refused),
            rehearsed: value(&self.rehearsed),
            forwarded: value(&self.forwarded),
            forward_failures: value(&self.forward_failures),
            not_forwarded: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn every_reason_is_listed_once_and_says_something_of_its_own() {
        let texts: std::collections::BTreeSet<String> =
            Reason::all().map(|reason| reason.to_string()).collect();
        assert_eq!(texts.len(), Reason::COUNT);
    }
}
