//! Deliveries, whichever service they are of: what is posted (`Delivery`), the rules it is posted under (`Rules`), and the
//! one sender (`send`).
//!
//! What a delivery says, and how it is signed, is the business of each service's own room. Nothing here waits between
//! attempts: whoever delivers does, on the clock that it goes by.

pub mod send;

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;

pub use send::{Reach, Sender};

/// One request as it is posted.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Headers, without those that the connection makes by itself (`Host`, `Content-Length`).
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
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
    /// How many redirects are followed in one attempt. Where none is, a redirect is an answer like any other.
    pub redirects: usize,
    /// The statuses that count as delivered.
    pub successes: Successes,
}

/// The statuses that count as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successes {
    /// This one alone.
    Only(u16),
    /// Any 2xx.
    AnyTwoHundred,
}

impl Successes {
    /// Whether `status` is one of them.
    #[must_use]
    pub const fn contain(self, status: u16) -> bool {
        match self {
            Self::Only(only) => status == only,
            Self::AnyTwoHundred => status >= 200 && status < 300,
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
    /// What the service does after `answer` to the attempt `number`, counted from 1.
    #[must_use]
    pub fn next(&self, number: u32, answer: &Answer) -> Next {
        match answer {
            Answer::Replied { status, .. } if self.successes.contain(*status) => Next::Delivered,
            // The service marks the webhook failed at once (vis §8).
            Answer::TooManyRedirects => Next::GiveUp,
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
        redirects: 5,
        successes: Successes::Only(200),
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

    #[test]
    fn too_many_redirects_are_given_up_at_once() {
        assert_eq!(RULES.next(1, &Answer::TooManyRedirects), Next::GiveUp);
    }
}
