//! Posts deliveries to a receiver under the service's rules, in real time: what `trigger`, `create --check` and posting
//! again share. Attempts that fail are told while it waits, and what the service would conclude is the result.
//!
//! What is posted, and what a conclusion means for the command, is the commands' business.

mod attempts;
pub mod report;
pub mod sample;

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use self::attempts::{Step, out_of_time};
use super::Context;
use super::confirm::{Asked, Unattended, consent};
use crate::delivery::{Answer, Delivery, Exhausted, Next, Reach, Rules, Sender, Successes};
use crate::error::{Error, Kind};
use crate::network::is_loopback;
use crate::output::text::{error_message, inert};
use crate::secret::{Secret, mask_url};
use crate::services::facts::facts;
use crate::services::vis::delivery::statistics::last_error;
use crate::webhook::ServiceKind;

/// What the service would have concluded. The names are in the JSON contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Answered with 200 in time.
    Delivered,
    /// It failed, and there are attempts left that were not made.
    WouldRetry,
    /// It failed for good: the service marks the webhook failed.
    WouldMarkFailed,
    /// It failed for good: the service drops it, and goes on with the next one.
    WouldDrop,
    /// Something of ours ended it before the service could have told.
    Undecided,
    /// Its turn never came.
    NotSent,
}

impl Conclusion {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Delivered,
        Self::WouldRetry,
        Self::WouldMarkFailed,
        Self::WouldDrop,
        Self::Undecided,
        Self::NotSent,
    ];

    /// What a service concludes when its attempts are used up, or as many of them as vwh makes.
    const fn of_failure(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::MarksFailed => Self::WouldMarkFailed,
            Exhausted::GoesOn { .. } => Self::WouldRetry,
            Exhausted::Dropped => Self::WouldDrop,
        }
    }

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::WouldRetry => "would-retry",
            Self::WouldMarkFailed => "would-mark-failed",
            Self::WouldDrop => "would-drop",
            Self::Undecided => "undecided",
            Self::NotSent => "not-sent",
        }
    }
}

/// One attempt that was made.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The status of the reply, if there was one.
    pub status: Option<u16>,
    /// Until the reply, or until it was given up.
    pub took: Duration,
    /// Why it was no success.
    pub trouble: Option<String>,
}

/// What became of one delivery.
#[derive(Clone, Debug)]
pub struct Posted {
    /// What the service would have concluded.
    pub conclusion: Conclusion,
    /// The attempts, the first first.
    pub attempts: Vec<Attempt>,
    /// From the first attempt to the end of the last.
    pub took: Duration,
    /// Why nothing more can be posted, if it is that.
    pub ended: Option<Error>,
}

impl Posted {
    /// One whose turn never came.
    #[must_use]
    pub const fn not_sent() -> Self {
        Self { conclusion: Conclusion::NotSent, attempts: Vec::new(), took: Duration::ZERO, ended: None }
    }

    /// Whether the service would post nothing more: it has marked the webhook failed, or something ended this run.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        matches!(self.conclusion, Conclusion::WouldMarkFailed) || self.ended.is_some()
    }
}

/// Posts to one URL.
pub struct Posting<'a> {
    context: &'a Context,
    url: Url,
    sender: Sender,
    is_once: bool,
    key: Option<Secret>,
}

impl<'a> Posting<'a> {
    /// Gets ready to post `what` to `url`. A host that is not this machine needs a yes (design §6).
    pub async fn begin(context: &'a Context, url: &Url, what: &str, is_yes: bool) -> Result<Self, Error> {
        if !is_loopback(url) {
            consent(context, question(url, what), is_yes, Unattended::NeedsYes).await?;
        }
        // Who agreed to this machine alone did not agree to where it redirects.
        let reach = if is_loopback(url) && !is_yes { Reach::Loopback } else { Reach::Anywhere };
        // Each delivery goes under the rules of its own service.
        let rules = *facts(ServiceKind::default()).rules;
        let sender = Sender::new(context.settings.network(url)?, reach, rules);
        Ok(Self { context, url: url.clone(), sender, is_once: false, key: None })
    }

    /// The same with a single attempt a delivery.
    #[must_use]
    pub fn once(self) -> Self {
        Self { is_once: true, ..self }
    }

    /// The same with `key` taken out of everything that a receiver answers.
    #[must_use]
    pub fn hiding(self, key: Option<&Secret>) -> Self {
        Self { key: key.cloned(), ..self }
    }

    /// Posts what `delivery` makes for each attempt, counted from 1, until `service` would be done with it. `name` is what
    /// notices call it.
    pub async fn post(&self, service: ServiceKind, name: &str, delivery: impl Fn(u32) -> Delivery) -> Posted {
        let Context { limits, output, .. } = self.context;
        let tell = |told: &str| output.notice(&format!("{}: {told}", inert(name)));
        let rules = facts(service).rules;
        let sender = self.sender.under(*rules);
        let most = if self.is_once { 1 } else { rules.attempts };
        let attempt = async |number| self.attempt(&sender, number, &delivery(number)).await;
        attempts::make(limits, rules, most, tell, attempt).await
    }

    async fn attempt(&self, sender: &Sender, number: u32, delivery: &Delivery) -> (Attempt, Step) {
        let rules = sender.rules();
        let limits = &self.context.limits;
        let started = Instant::now();
        let answering = limits.within(sender.attempt(&self.url, delivery));
        let answer = self.context.finishing(answering).await;
        let took = started.elapsed();
        let Some(answer) = answer else {
            let trouble = Some("the time limit came before a reply".to_owned());
            return (Attempt { status: None, took, trouble }, Step::End(out_of_time()));
        };
        let step = match (&answer, rules.next(number, &answer)) {
            (Answer::OutOfReach(host), _) => Step::End(out_of_reach(&self.url, host)),
            (_, Next::Delivered) => {
                limits.progressed();
                Step::Conclude(Conclusion::Delivered)
            }
            (_, Next::Retry) => Step::Again,
            (_, Next::GiveUp) => Step::Conclude(Conclusion::of_failure(rules.exhausted)),
        };
        let trouble = trouble(rules, &answer).map(|trouble| match &self.key {
            Some(key) => key.scrub(&trouble),
            None => trouble,
        });
        (Attempt { status: answer.status(), took, trouble }, step)
    }
}

fn question(url: &Url, what: &str) -> Asked {
    let host = inert(url.host_str().unwrap_or_default()).into_owned();
    Asked {
        question: format!("Post {} to {}?", inert(what), inert(&mask_url(url.as_str()))),
        declined: "declined, nothing was posted",
        refusal: Error::new(
            Kind::Confirmation,
            format!("it is not confirmed that vwh may post {what} to {host}, which is not this machine"),
        )
        .hint("--yes confirms it"),
    }
}

fn out_of_reach(url: &Url, host: &str) -> Error {
    let from = url.host_str().unwrap_or_default();
    Error::new(
        Kind::Confirmation,
        format!("{from} redirects to {host}, and it is not confirmed that vwh may post there"),
    )
    .hint("--yes follows it")
}

/// Why `answer` is no success, in one inert line; `None` if it is one.
fn trouble(rules: &Rules, answer: &Answer) -> Option<String> {
    let seconds = |limit: Duration| limit.as_secs();
    let text = match answer {
        Answer::Replied { status, .. } if rules.successes.contain(*status) => return None,
        Answer::Replied { status, reason, .. } => {
            let head = format!("{status} {reason}");
            match status {
                200..300 if rules.successes == Successes::Only(200) => {
                    format!("{}: only 200 counts", head.trim_end())
                }
                302 | 307 if rules.redirects > 0 => format!("{}: no Location to follow", head.trim_end()),
                300..400 => format!("{}: not followed", head.trim_end()),
                _ => last_error(answer).1,
            }
        }
        Answer::NoReply(cause) if cause == "Read timed out" => {
            format!("{cause}: no status within {} s", seconds(rules.reply))
        }
        Answer::NoReply(cause) if cause == "connect timed out" => {
            format!("{cause}: it took over {} s", seconds(rules.connect))
        }
        Answer::NoReply(cause) => cause.clone(),
        Answer::TooManyRedirects => format!("more than {} redirects", rules.redirects),
        Answer::OutOfReach(host) => format!("it redirects to {host}, which is not this machine"),
    };
    Some(error_message(&text))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn replied(status: u16, reason: &str, body: &str) -> Option<String> {
        let (reason, length) = (reason.to_owned(), body.len());
        trouble(
            facts(ServiceKind::Vis).rules,
            &Answer::Replied { status, reason, body: Bytes::copy_from_slice(body.as_bytes()), length },
        )
    }

    #[test]
    fn what_went_wrong_is_said_with_the_rule_that_it_breaks() {
        assert_eq!(replied(200, "OK", "whatever"), None);
        assert_eq!(replied(204, "", "").unwrap(), "204: only 200 counts");
        assert_eq!(replied(302, "Found", "").unwrap(), "302 Found: no Location to follow");
        assert_eq!(replied(308, "Permanent Redirect", "").unwrap(), "308 Permanent Redirect: not followed");
        assert_eq!(replied(500, "E", "a\u{1b}[2J\nb").unwrap(), "500 E: [a\\u{1b}[2J b]");
        assert_eq!(
            replied(502, "Bad Gateway", "<html><title>nginx</title>").unwrap(),
            "502 Bad Gateway: an HTML page titled “nginx”"
        );
        let no_reply =
            |cause: &str| trouble(facts(ServiceKind::Vis).rules, &Answer::NoReply(cause.to_owned())).unwrap();
        assert_eq!(no_reply("Read timed out"), "Read timed out: no status within 2 s");
        assert_eq!(no_reply("connect timed out"), "connect timed out: it took over 3 s");
        assert_eq!(no_reply("Connection refused"), "Connection refused");
    }
}
