//! Runs one request an item, several at a time, to the end: each item gets an outcome, whatever happens to the others.
//!
//! What was shown may have changed by the time its turn comes. So the list is read again before the first request after a
//! question, after each throttle hold and every 30 seconds, and only what still qualifies is touched (design §2).

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Context;
use super::account::Account;
use super::report::{Done, Outcome, Report};
use crate::error::{Error, Kind};
use crate::http::{HttpError, WhenHeld};
use crate::services::registration::Listing;
use crate::webhook::Webhook;

/// A long run looks again after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Why an item has no outcome yet.
pub enum Stopped {
    /// The token is throttled: wait, look again, and try again.
    Held,
    /// Interrupted before it was sent.
    Interrupted,
    /// The time ran out while it was under way.
    OutOfTime(Error),
    /// It failed.
    Failed(Error),
}

impl From<HttpError> for Stopped {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Throttled { .. } => Self::Held,
            HttpError::Interrupted => Self::Interrupted,
            error @ HttpError::TimeLimit { .. } => Self::OutOfTime(error.into()),
            error => Self::Failed(error.into()),
        }
    }
}

/// Decides by the newest list which webhooks may still be touched.
pub trait Judge {
    /// For each that is listed, whether it may.
    fn judge(&self, listing: &Listing) -> HashMap<String, bool>;
}

/// By its own object alone.
impl<F: Fn(&Webhook) -> bool> Judge for F {
    fn judge(&self, listing: &Listing) -> HashMap<String, bool> {
        let judged = |webhook: Webhook| {
            let qualifies = self(&webhook);
            (webhook.id, qualifies)
        };
        listing.webhooks().map(judged).collect()
    }
}

/// How a batch is run.
pub struct Plan<'a> {
    /// What to do, in this order.
    pub items: Vec<Webhook>,
    /// Whether a webhook may still be touched, by the newest list; `None` for what is not listed yet.
    pub qualifies: Option<&'a dyn Judge>,
    /// Whether a person was asked, so that the list is old.
    pub is_stale: bool,
}

struct Run<'a, F> {
    context: &'a Context,
    account: &'a Account,
    plan: &'a Plan<'a>,
    act: F,
    queue: RefCell<VecDeque<usize>>,
    results: RefCell<Vec<Option<Done>>>,
    ended: RefCell<Option<Error>>,
    seen: Mutex<Seen>,
}

/// The newest list, as far as it matters here.
struct Seen {
    at: Instant,
    holds: u64,
    is_stale: bool,
    /// By id: whether it qualifies. `None` until the list was read again.
    qualifying: Option<HashMap<String, bool>>,
}

/// Does `act` to every item, `--concurrency` at a time.
pub async fn run<'a, F>(context: &'a Context, account: &'a Account, plan: Plan<'a>, act: F) -> Report
where
    F: AsyncFn(&Webhook) -> Result<Done, Stopped>,
{
    context.limits.progressed();
    account.progress.set((0, plan.items.len()));
    let total = plan.items.len();
    let holds = account.client.http().gate().holds();
    context.progress.grow(total);
    let run = Run {
        context,
        account,
        act,
        queue: RefCell::new((0..total).collect()),
        results: RefCell::new(vec![None; total]),
        ended: RefCell::new(None),
        seen: Mutex::new(Seen { at: Instant::now(), holds, is_stale: plan.is_stale, qualifying: None }),
        plan: &plan,
    };
    let work = join_all((0..context.settings.concurrency.min(total)).map(|_| run.worker()));
    context.finishing(work).await;
    context.progress.clear();
    let results = run.results.into_inner().into_iter().zip(&plan.items);
    let results =
        results.map(|(done, item)| done.unwrap_or_else(|| Done::new(item, Outcome::Skipped))).collect();
    Report { results, ended: run.ended.into_inner() }
}

impl<F> Run<'_, F>
where
    F: AsyncFn(&Webhook) -> Result<Done, Stopped>,
{
    async fn worker(&self) {
        while self.ended.borrow().is_none() {
            if self.context.limits.is_interrupted() {
                return self.end(Error::new(Kind::Interrupted, "interrupted"));
            }
            let next = self.queue.borrow_mut().pop_front();
            let Some(index) = next else { return };
            match self.turn(index).await {
                Ok(done) => self.settle(index, done),
                Err(Stopped::Held) => {
                    self.queue.borrow_mut().push_front(index);
                    self.hold().await;
                }
                Err(Stopped::Interrupted) => self.end(Error::new(Kind::Interrupted, "interrupted")),
                Err(Stopped::OutOfTime(error)) => {
                    self.end(error.clone());
                    self.settle(index, Done::failed(&self.plan.items[index], error));
                }
                Err(Stopped::Failed(error)) => {
                    // A refused token is refused for all of them; asking again only locks accounts.
                    if error.is_about_token() {
                        self.end(error.clone());
                    }
                    self.settle(index, Done::failed(&self.plan.items[index], error));
                }
            }
        }
    }

    async fn turn(&self, index: usize) -> Result<Done, Stopped> {
        let item = &self.plan.items[index];
        if item.id.is_empty() {
            return Err(Stopped::Failed(Error::new(Kind::Internal, "the service sent no id for it")));
        }
        match self.still_qualifies(item).await {
            Ok(Some(true)) => (self.act)(item).await,
            Ok(Some(false)) => Ok(Done::new(item, Outcome::Spared)),
            Ok(None) => Ok(Done::new(item, Outcome::Gone)),
            Err(error) => {
                // Nothing was sent for this one, so it is not the one that failed.
                self.end(error);
                Err(Stopped::Interrupted)
            }
        }
    }

    /// Whether `item` qualifies by a list that is new enough; `None` if it is not listed any more.
    async fn still_qualifies(&self, item: &Webhook) -> Result<Option<bool>, Error> {
        let Some(qualifies) = self.plan.qualifies else { return Ok(Some(true)) };
        let mut seen = self.seen.lock().await;
        let holds = self.account.client.http().gate().holds();
        if seen.is_stale || seen.holds != holds || seen.at.elapsed() > LOOK_AGAIN {
            let listing = self.account.client.list().await;
            let listing =
                listing.map_err(|error| Error::from(error).while_doing("cannot list the webhooks again"))?;
            *seen = Seen {
                at: Instant::now(),
                holds: self.account.client.http().gate().holds(),
                is_stale: false,
                qualifying: Some(qualifies.judge(&listing)),
            };
        }
        Ok(match &seen.qualifying {
            Some(qualifying) => qualifying.get(&item.id).copied(),
            None => Some(true),
        })
    }

    async fn hold(&self) {
        let client = &self.account.client;
        let host = client.base().split('/').nth(2).unwrap_or_default();
        if let Err(error) = client.http().gate().wait(host, WhenHeld::Wait, &self.context.limits).await {
            self.end(error.into());
        }
    }

    fn settle(&self, index: usize, done: Done) {
        if !matches!(done.outcome, Outcome::Error) {
            self.context.limits.progressed();
        }
        self.results.borrow_mut()[index] = Some(done);
        let (count, total) = self.account.progress.get();
        self.account.progress.set((count + 1, total));
        self.context.progress.advance();
    }

    /// The first reason to stop is the one that is told.
    fn end(&self, error: Error) {
        self.ended.borrow_mut().get_or_insert(error);
    }
}
