//! The attempts of one delivery: how many, with which pauses, and what ends them. How one is made is handed in.

use std::time::Duration;

use tokio::time::Instant;

use super::{Attempt, Conclusion, Posted, report};
use crate::delivery::Rules;
use crate::error::{Error, Kind};
use crate::limits::Limits;

/// What follows an attempt.
pub(super) enum Step {
    /// The service is done with it.
    Conclude(Conclusion),
    /// It would make another.
    Again,
    /// Nothing more can be posted.
    End(Error),
}

/// Makes up to `most` attempts, with the pause of the rules between two of them.
pub(super) async fn make(
    limits: &Limits,
    rules: &Rules,
    most: u32,
    tell: impl Fn(&str),
    attempt: impl AsyncFn(u32) -> (Attempt, Step),
) -> Posted {
    let began = Instant::now();
    let mut posted = Posted::not_sent();
    for number in 1..=most {
        if let Err(error) = turn(limits, rules.pause, number).await {
            posted.ended = Some(error);
            return posted;
        }
        let (attempt, step) = attempt(number).await;
        posted.took = began.elapsed();
        let told = told(rules, number, &attempt);
        posted.attempts.push(attempt);
        match step {
            Step::Conclude(conclusion) => {
                posted.conclusion = conclusion;
                return posted;
            }
            Step::End(error) => {
                posted.conclusion = Conclusion::Undecided;
                posted.ended = Some(error);
                return posted;
            }
            Step::Again => posted.conclusion = Conclusion::WouldRetry,
        }
        if number < most && !limits.is_interrupted() {
            tell(&format!("{told}; again in {}", report::span(rules.pause)));
        }
    }
    posted
}

/// Waits until attempt `number` may be made.
async fn turn(limits: &Limits, pause: Duration, number: u32) -> Result<(), Error> {
    if number > 1 {
        if limits.remaining().is_some_and(|left| left < pause) {
            return Err(out_of_time());
        }
        limits.sleep(pause).await.map_err(|_| interrupted())?;
    }
    if limits.is_interrupted() { Err(interrupted()) } else { Ok(()) }
}

/// An attempt in a notice.
fn told(rules: &Rules, number: u32, attempt: &Attempt) -> String {
    let outcome = attempt.status.map_or_else(
        || attempt.trouble.clone().unwrap_or_default(),
        |status| format!("{status} in {}", report::span(attempt.took)),
    );
    format!("attempt {number} of {}: {outcome}", rules.attempts)
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "interrupted")
}

pub(super) fn out_of_time() -> Error {
    Error::new(Kind::Unavailable, "the time limit came before everything was posted")
        .hint("run it again, with a longer --timeout")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use bytes::Bytes;
    use tokio::sync::watch;

    use super::*;
    use crate::delivery::{Answer, Next};
    use crate::services::vis::delivery::RULES;

    /// Limits that end after `timeout`, and what interrupts them.
    fn limits(timeout: Option<Duration>) -> (Limits, watch::Sender<bool>) {
        let (interrupt, interrupted) = watch::channel(false);
        (Limits::new(timeout, interrupted), interrupt)
    }

    /// An attempt that ends with `status`.
    fn made(number: u32, status: u16) -> (Attempt, Step) {
        let step = match RULES
            .next(number, &Answer::Replied { status, reason: String::new(), body: Bytes::new(), length: 0 })
        {
            Next::Delivered => Step::Conclude(Conclusion::Delivered),
            Next::Retry => Step::Again,
            Next::GiveUp => Step::Conclude(Conclusion::WouldMarkFailed),
        };
        (Attempt { status: Some(status), took: Duration::from_millis(3), trouble: None }, step)
    }

    #[tokio::test(start_paused = true)]
    async fn six_attempts_ten_seconds_apart_mark_it_failed() {
        let (limits, _interrupt) = limits(None);
        let (told, began) = (RefCell::new(Vec::new()), Instant::now());
        let moments = RefCell::new(Vec::new());
        let tell = |text: &str| told.borrow_mut().push(text.to_owned());
        let posted = make(&limits, &RULES, RULES.attempts, tell, async |number| {
            moments.borrow_mut().push((number, began.elapsed().as_secs()));
            made(number, 500)
        })
        .await;
        assert_eq!(posted.conclusion, Conclusion::WouldMarkFailed);
        assert!(posted.is_end() && posted.ended.is_none());
        assert_eq!((posted.attempts.len(), posted.took.as_secs()), (6, 50));
        assert_eq!(moments.into_inner(), [(1, 0), (2, 10), (3, 20), (4, 30), (5, 40), (6, 50)]);
        let told = told.into_inner();
        assert_eq!((told.len(), told[1].as_str()), (5, "attempt 2 of 6: 500 in 3 ms; again in 10 s"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_that_succeeds_is_a_delivery() {
        let (limits, _interrupt) = limits(None);
        let posted = make(
            &limits,
            &RULES,
            RULES.attempts,
            |_| {},
            async |number| made(number, if number < 3 { 503 } else { 200 }),
        )
        .await;
        assert_eq!((posted.conclusion, posted.attempts.len()), (Conclusion::Delivered, 3));
        assert!(!posted.is_end());
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_attempt_that_fails_leaves_the_others_to_the_service() {
        let (limits, _interrupt) = limits(None);
        let tell = |text: &str| panic!("{text}");
        let posted = make(&limits, &RULES, 1, tell, async |number| made(number, 500)).await;
        assert_eq!((posted.conclusion, posted.took), (Conclusion::WouldRetry, Duration::ZERO));
        assert!(!posted.is_end());
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupt_lets_the_attempt_end_and_makes_no_other() {
        let (limits, interrupt) = limits(None);
        let tell = |text: &str| panic!("{text}");
        let posted = make(&limits, &RULES, RULES.attempts, tell, async |number| {
            interrupt.send_replace(true);
            made(number, 500)
        })
        .await;
        assert_eq!((posted.conclusion, posted.attempts.len()), (Conclusion::WouldRetry, 1));
        assert_eq!(posted.ended.map(|error| error.kind), Some(Kind::Interrupted));
        let posted = make(&limits, &RULES, RULES.attempts, tell, async |number| made(number, 200)).await;
        assert_eq!((posted.conclusion, posted.attempts.len()), (Conclusion::NotSent, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_does_not_fit_is_not_waited_for() {
        let (limits, _interrupt) = limits(Some(Duration::from_secs(25)));
        let began = Instant::now();
        let posted = make(&limits, &RULES, RULES.attempts, |_| {}, async |number| made(number, 500)).await;
        assert_eq!((posted.conclusion, posted.attempts.len()), (Conclusion::WouldRetry, 3));
        assert_eq!((began.elapsed().as_secs(), posted.took.as_secs()), (20, 20));
        assert_eq!(posted.ended.map(|error| error.kind), Some(Kind::Unavailable));
    }
}
