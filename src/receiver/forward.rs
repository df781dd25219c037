//! Passes deliveries on to the handler: in order of arrival for each call, several calls at once, within bounds.
//!
//! The attempt itself is `crate::delivery`'s.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use hyper::header::{HeaderMap, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use url::Url;

use super::hub::Hub;
use super::report::Forwarded;
use crate::delivery::{Delivery, Rules, Sender};
use crate::services::facts::facts;
use crate::services::incoming::call_of;
use crate::webhook::ServiceKind;

/// Deliveries that may wait to be forwarded.
const SLOTS: usize = 1024;

/// What they may take together, in KiB.
const ROOM: usize = 64 * 1024;

/// Deliveries that are posted to the handler at once.
const AT_ONCE: usize = 8;

/// The receiver's end: reserves slots and hands deliveries over.
#[derive(Clone)]
pub(super) struct Forwarder {
    slots: Arc<Semaphore>,
    room: Arc<Semaphore>,
    jobs: mpsc::UnboundedSender<Job>,
}

/// The right to forward one delivery.
#[derive(Debug)]
pub(super) struct Slot {
    _slot: OwnedSemaphorePermit,
    _room: OwnedSemaphorePermit,
}

/// A delivery to forward.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) slot: Slot,
    pub(super) service: ServiceKind,
    pub(super) delivery_id: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) event: Bytes,
    /// Who waits for the answer; a job that nobody waits for any more is not begun.
    pub(super) relay: Option<oneshot::Sender<Forwarded>>,
}

/// The handler's end: what waits, and what is under way.
pub(super) struct Queue {
    jobs: mpsc::UnboundedReceiver<Job>,
    url: Url,
    sender: Sender,
    clock: fn() -> DateTime<Utc>,
}

impl Forwarder {
    /// A forwarder to `url`, and the queue that has to be run for it.
    pub(super) fn new(url: Url, sender: Sender, clock: fn() -> DateTime<Utc>) -> (Self, Queue) {
        let (jobs, received) = mpsc::unbounded_channel();
        let forwarder =
            Self { slots: Arc::new(Semaphore::new(SLOTS)), room: Arc::new(Semaphore::new(ROOM)), jobs };
        (forwarder, Queue { jobs: received, url, sender, clock })
    }

    /// Reserves a slot for a body of `length` bytes; `None` if too much is waiting.
    pub(super) fn reserve(&self, length: usize) -> Option<Slot> {
        let kibibytes = u32::try_from(length.div_ceil(1024) + 1).ok()?;
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(kibibytes).ok()?;
        Some(Slot { _slot: slot, _room: room })
    }

    /// Hands a delivery over. One that comes after the end is dropped.
    pub(super) fn send(&self, job: Job) {
        let _ = self.jobs.send(job);
    }
}

/// Whether the handler has taken a delivery: it succeeded in the service's eyes, and in its own. VoIPBIN alone takes an error
/// of the receiver's for a success.
#[must_use]
pub fn is_taken(service: ServiceKind, status: u16) -> bool {
    facts(service).rules.successes.contain(status) && status < 300
}

/// The sender that waits no longer than `reply`.
fn within(sender: &Sender, reply: Duration) -> Sender {
    let rules = *sender.rules();
    sender.under(Rules { connect: rules.connect.min(reply), reply, ..rules })
}

/// The same headers in memory of their own: as they arrive they hold on to all that was read with them.
pub(super) fn own_headers(headers: &HeaderMap) -> HeaderMap {
    let mut own = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            own.append(name, value);
        }
    }
    own
}

/// Waits for a moment that may not be known yet.
async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// What makes deliveries wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Call(&'static str, String),
    /// A delivery that is of no call waits for none.
    Own(u64),
}

/// Deliveries by call. A call of which one is under way has its others waiting behind it.
#[derive(Default)]
struct Lanes {
    behind: HashMap<Lane, VecDeque<Job>>,
    ready: VecDeque<(Lane, Job)>,
    count: u64,
}

impl Lanes {
    fn add(&mut self, job: Job) {
        self.count += 1;
        let lane = call_of(job.service, &job.event)
            .map_or(Lane::Own(self.count), |call| Lane::Call(job.service.name(), call));
        if let Some(behind) = self.behind.get_mut(&lane) {
            behind.push_back(job);
        } else {
            self.behind.insert(lane.clone(), VecDeque::new());
            self.ready.push_back((lane, job));
        }
    }

    fn ended(&mut self, lane: Lane) {
        match self.behind.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some(job) => self.ready.push_back((lane, job)),
            None => drop(self.behind.remove(&lane)),
        }
    }

    fn waiting(&self) -> usize {
        self.ready.len() + self.behind.values().map(VecDeque::len).sum::<usize>()
    }
}

impl Queue {
    /// Forwards what comes. Once `closing` ends nothing more comes, and what is not done after `patience` is given up; gives
    /// how many these are.
    pub(super) async fn run(
        mut self,
        hub: Arc<Hub>,
        closing: oneshot::Receiver<()>,
        patience: Duration,
    ) -> u64 {
        let mut lanes = Lanes::default();
        let mut under_way = JoinSet::new();
        let mut closing = pin!(async {
            let _ = closing.await;
        });
        let mut deadline = None;
        loop {
            while under_way.len() < AT_ONCE
                && let Some((lane, job)) = lanes.ready.pop_front()
            {
                under_way.spawn(self.attempt(lane, job, Arc::clone(&hub)));
            }
            let has_work = !under_way.is_empty();
            if deadline.is_some() && self.jobs.is_empty() && !has_work {
                return 0;
            }
            tokio::select! {
                Some(job) = self.jobs.recv() => lanes.add(job),
                Some(ended) = under_way.join_next(), if has_work => {
                    if let Ok(lane) = ended {
                        lanes.ended(lane);
                    }
                }
                () = &mut closing, if deadline.is_none() => {
                    self.jobs.close();
                    deadline = Some(tokio::time::Instant::now() + patience);
                }
                () = until(deadline) => return (lanes.waiting() + under_way.len()) as u64,
            }
        }
    }

    fn attempt(&self, lane: Lane, job: Job, hub: Arc<Hub>) -> impl Future<Output = Lane> + use<> {
        let (url, sender, clock) = (self.url.clone(), self.sender.clone(), self.clock);
        async move {
            let Job { slot, service, delivery_id, headers, body, event, relay } = job;
            if relay.as_ref().is_some_and(oneshot::Sender::is_closed) {
                return lane;
            }
            let sender = if relay.is_some() { within(&sender, facts(service).rules.reply) } else { sender };
            let started = Instant::now();
            let answer = sender.attempt(&url, &Delivery { headers, body, ..Delivery::default() }).await;
            let took = started.elapsed();
            drop(slot);
            let forwarded = Forwarded { time: clock(), service, delivery_id, event, answer, took };
            let untold = match relay {
                Some(relay) => relay.send(forwarded).err(),
                None => Some(forwarded),
            };
            if let Some(forwarded) = untold {
                hub.forwarded(forwarded);
            }
            lane
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarder() -> Forwarder {
        let url = "http://127.0.0.1:1/".parse().unwrap();
        let rules = crate::services::vis::delivery::RULES;
        let sender = Sender::new(crate::network::Network::default(), crate::delivery::Reach::Loopback, rules);
        Forwarder::new(url, sender, Utc::now).0
    }

    fn job(call: &str, id: &str) -> Job {
        Job {
            slot: forwarder().reserve(0).unwrap(),
            service: ServiceKind::Vis,
            delivery_id: Some(id.to_owned()),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            event: Bytes::from(call.to_owned()),
            relay: None,
        }
    }

    fn ready(lanes: &mut Lanes) -> Vec<(Lane, String)> {
        lanes.ready.drain(..).map(|(lane, job)| (lane, job.delivery_id.unwrap())).collect()
    }

    #[test]
    fn deliveries_of_one_call_wait_for_each_other_and_for_no_others() {
        let mut lanes = Lanes::default();
        for (call, id) in [("1", "a"), ("1", "b"), ("2", "c"), ("", "d"), ("", "e"), ("1", "f")] {
            let event = if call.is_empty() { "{}".to_owned() } else { format!("{{\"id\":{call}}}") };
            lanes.add(job(&event, id));
        }
        assert_eq!(lanes.waiting(), 6);
        let begun = ready(&mut lanes);
        assert_eq!(begun.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["a", "c", "d", "e"]);
        for (lane, _) in begun {
            lanes.ended(lane);
        }
        for id in ["b", "f"] {
            let begun = ready(&mut lanes);
            assert_eq!(begun, [(Lane::Call("vis", "1".to_owned()), id.to_owned())]);
            lanes.ended(Lane::Call("vis", "1".to_owned()));
        }
        assert!(lanes.behind.is_empty() && lanes.waiting() == 0);
    }

    #[test]
    fn slots_are_bounded_by_number_and_by_size() {
        let forwarder = forwarder();
        let slots: Vec<_> = std::iter::from_fn(|| forwarder.reserve(100)).collect();
        assert_eq!(slots.len(), SLOTS);
        drop(slots);
        let slots: Vec<_> = std::iter::from_fn(|| forwarder.reserve(1 << 20)).collect();
        assert_eq!(slots.len(), ROOM / 1025);
    }
}
