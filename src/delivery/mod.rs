//! Deliveries, whichever service they are of: what is posted (`Delivery`), the rules it is posted under (`Rules`), and the
//! one sender (`send`).
//!
//! What a delivery says, and how it is signed, is the business of each service's own room. Nothing here waits between
//! attempts: whoever delivers does, on the clock that it goes by.

mod public;
pub mod send;

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderMap;

pub use send::{Reach, Sender};

/// One request as it is posted.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Almost always POST; VoIPBIN's customers choose it.
    pub method: Method,
    /// Headers, without those that the connection makes by itself (`Host`, `Content-Length`).
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { method: Method::POST, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

/// Under which rules a service delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Connecting takes no longer, name look-up included.
    pub connect: Duration,
    /// From the connection to the status of the reply it takes no longer.
    pub reply: Duration,
    /// Attempts in all.
    pub attempts: u32,
    /// The wait between two attempts.
    pub pause: Duration,
    /// How redirects are followed.
    pub manner: Manner,
    /// How many of them are followed in one attempt.
    pub redirects: usize,
    /// The statuses that count as delivered.
    pub successes: Successes,
    /// What becomes of a delivery whose attempts are used up.
    pub exhausted: Exhausted,
}

/// What becomes of a delivery whose attempts are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Its webhook is marked failed.
    MarksFailed,
    /// It is tried on for so many hours, by a schedule that nobody has published.
    GoesOn {
        /// At the most.
        hours: u32,
    },
    /// It is dropped.
    Dropped,
}

/// How a service's sender follows redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Not at all: a redirect is an answer like any other.
    Unfollowed,
    /// 302 with GET and without a body, 307 as it was; any other 3xx is an answer, and too many of them are the end of the
    /// delivery (vis §8).
    Vis,
    /// As Go's HTTP client does: 301, 302 and 303 with GET and without a body, 307 and 308 as it was; too many of them are a
    /// failure like any other (vb §5).
    Go,
}

/// The statuses that count as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successes {
    /// This one alone.
    Only(u16),
    /// Any 2xx.
    AnyTwoHundred,
    /// Any below this one.
    Below(u16),
}

impl Successes {
    /// Whether `status` is one of them.
    #[must_use]
    pub const fn contain(self, status: u16) -> bool {
        match self {
            Self::Only(only) => status == only,
            Self::AnyTwoHundred => status >= 200 && status < 300,
            Self::Below(bound) => status < bound,
        }
    }
}

/// What came of one attempt, after the redirects that it followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A reply in time.
    Replied {
        /// The status.
        status: u16,
        /// The reason phrase as sent.
        reason: String,
        /// The start of its body.
        body: Bytes,
        /// The length of the whole body in bytes, as far as it was read.
        length: usize,
    },
    /// No reply, in the words of the service's own error texts, such as `Connection refused`.
    NoReply(String),
    /// More redirects than the rules follow.
    TooManyRedirects,
    /// Not sent: the host is none that may be posted to.
    OutOfReach(String),
}

/// What the service would do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is delivered.
    Delivered,
    /// Post it again after the pause.
    Retry,
    /// Give it up.
    GiveUp,
}

impl Rules {
    /// How long a delivery may be under way until it is given up: no attempt is answered, and each takes as long as it may.
    #[must_use]
    pub fn longest(&self) -> Duration {
        (self.connect + self.reply) * self.attempts + self.pause * self.attempts.saturating_sub(1)
    }

    /// What the service does after `answer` to the attempt `number`, counted from 1.
    #[must_use]
    pub fn next(&self, number: u32, answer: &Answer) -> Next {
        match answer {
            Answer::Replied { status, .. } if self.successes.contain(*status) => Next::Delivered,
            // A url that VoIPBIN's guard refuses is never tried again (vb §5).
            Answer::OutOfReach(_) if self.manner == Manner::Go => Next::GiveUp,
            // The service marks the webhook failed at once (vis §8).
            Answer::TooManyRedirects if self.manner == Manner::Vis => Next::GiveUp,
            _ if number < self.attempts => Next::Retry,
            _ => Next::GiveUp,
        }
    }
}

impl Answer {
    /// The status, if there was a reply.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Replied { status, .. } => Some(*status),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        connect: Duration::from_secs(3),
        reply: Duration::from_secs(2),
        attempts: 6,
        pause: Duration::from_secs(10),
        manner: Manner::Vis,
        redirects: 5,
        successes: Successes::Only(200),
        exhausted: Exhausted::MarksFailed,
    };

    fn replied(status: u16) -> Answer {
        Answer::Replied { status, reason: String::new(), body: Bytes::new(), length: 0 }
    }

    #[test]
    fn only_the_success_status_is_delivered_and_the_rest_is_tried_until_the_attempts_are_used_up() {
        assert_eq!(RULES.next(6, &replied(200)), Next::Delivered);
        for answer in [replied(204), replied(201), replied(301), replied(500), Answer::NoReply(String::new())]
        {
            assert_eq!(RULES.next(5, &answer), Next::Retry, "{answer:?}");
            assert_eq!(RULES.next(6, &answer), Next::GiveUp, "{answer:?}");
        }
        let lenient = Rules { successes: Successes::AnyTwoHundred, ..RULES };
        assert_eq!(lenient.next(1, &replied(204)), Next::Delivered);
        assert_eq!(lenient.next(1, &replied(300)), Next::Retry);
    }

    /// As vis §8 works it out: 6 x 5 + 5 x 10 seconds.
    #[test]
    fn a_delivery_is_under_way_for_all_attempts_and_the_pauses_between_them() {
        assert_eq!(RULES.longest(), Duration::from_secs(80));
        assert_eq!(Rules { attempts: 1, ..RULES }.longest(), Duration::from_secs(5));
    }

    #[test]
    fn too_many_redirects_are_given_up_at_once_by_vis() {
        assert_eq!(RULES.next(1, &Answer::TooManyRedirects), Next::GiveUp);
        let go = Rules { manner: Manner::Go, ..RULES };
        assert_eq!(go.next(1, &Answer::OutOfReach("localhost".into())), Next::GiveUp);
        assert_eq!(go.next(1, &Answer::TooManyRedirects), Next::Retry);
        assert_eq!(go.next(6, &Answer::TooManyRedirects), Next::GiveUp);
    }
}
