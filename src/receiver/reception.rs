//! What is done with one request: the order of the checks, what is answered, and what must have happened before (design
//! §6). Connections are `server`'s business, what a signature is worth is `judgement`'s.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use hyper::body::Incoming;
use hyper::header::{EXPECT, HeaderMap};
use hyper::{Method, Request};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

use super::body::{self, Budget};
use super::connections::Peer;
use super::forward::{Job, Slot, is_taken, own_headers};
use super::hub::{Acceptance, Hub};
use super::judgement::{Judge, Verdict, synthetic};
use super::record::Record;
use super::recorder::Recorder;
use super::reply::{self, HangUp, Reply};
use super::report::{Answered, Delivered, Failure, Forwarded, Reason};
use super::seen::{Entry, Mark, Seen};
use super::server::stopped;
use crate::delivery::Answer;
use crate::services::facts::facts;
use crate::services::incoming::{Flaw, Ids, identity};
use crate::webhook::ServiceKind;

/// Bodies larger than this are judged apart, one at a time: no call event is that large, and none is to wait behind one.
const LARGE: usize = 16 * 1024;

/// A rehearsed silence lasts so much longer than the service waits.
const SILENCE: Duration = Duration::from_secs(1);

/// What deliveries are received with.
pub(super) struct Reception {
    pub(super) path: String,
    pub(super) judge: Arc<Judge>,
    pub(super) failure: Option<Failure>,
    pub(super) recorder: Option<Arc<Recorder>>,
    /// Whether the handler's answer is ours.
    pub(super) is_relayed: bool,
    pub(super) clock: fn() -> DateTime<Utc>,
    pub(super) hub: Arc<Hub>,
    pub(super) seen: Arc<Seen>,
    pub(super) budget: Budget,
    pub(super) large: Arc<Semaphore>,
    pub(super) stopping: watch::Receiver<bool>,
}

/// A delivery that is to be believed.
struct Delivery {
    time: DateTime<Utc>,
    target: String,
    headers: HeaderMap,
    judged: Judged,
    peer: IpAddr,
    /// Of the server.
    thread: usize,
}

/// A body that was judged, in memory of its own.
struct Judged {
    service: ServiceKind,
    body: Bytes,
    event: Bytes,
    ids: Ids,
    verdict: Verdict,
}

impl Reception {
    /// Answers one request of `peer`.
    pub(super) async fn handle(
        self: &Arc<Self>,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> Result<Reply, HangUp> {
        let time = (self.clock)();
        let from = peer.address;
        if request.uri().path() != self.path {
            return Ok(self.refuse(Reason::Path, from));
        }
        if request.method() != Method::POST {
            return Ok(match self.failure {
                // The service follows a redirect with GET, and is to find the next one.
                Some(Failure::Redirect) => reply::redirect(&self.path),
                _ => self.refuse(Reason::Method, from),
            });
        }
        let (head, incoming) = request.into_parts();
        let read = body::read(incoming, head.headers.contains_key(EXPECT), &self.budget).await;
        peer.is_waiting();
        let body = match read {
            Ok(body) => body,
            Err(reason) => return Ok(self.refuse(reason, from)),
        };
        let judged = match self.judge(&head.headers, &body.bytes, time).await {
            Ok(judged) => judged,
            Err(flaw) => return Ok(self.refuse(Reason::Flawed(flaw), from)),
        };
        let target = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let (headers, thread) = (head.headers, peer.thread);
        let delivery = Delivery { time, target, headers, judged, peer: from, thread };
        match self.failure {
            Some(failure) => self.rehearse(&delivery, failure).await,
            None => Ok(self.take(delivery).await),
        }
    }

    /// A second has passed.
    pub(super) fn tick(&self) {
        self.hub.tick();
    }

    /// Refuses a request of `peer`.
    pub(super) fn refuse(&self, reason: Reason, peer: IpAddr) -> Reply {
        self.hub.refuse(reason, peer);
        reply::refused(reason)
    }

    async fn judge(&self, headers: &HeaderMap, body: &Bytes, now: DateTime<Utc>) -> Result<Judged, Flaw> {
        if body.len() <= LARGE {
            return judge_and_own(headers, body, &self.judge, now);
        }
        let _turn = self.large.acquire().await;
        let (headers, body, judge) = (headers.clone(), body.clone(), Arc::clone(&self.judge));
        let judging = tokio::task::spawn_blocking(move || judge_and_own(&headers, &body, &judge, now));
        judging.await.unwrap_or(Err(Flaw::Forged))
    }

    async fn take(self: &Arc<Self>, delivery: Delivery) -> Reply {
        let Judged { service, ids, event, .. } = &delivery.judged;
        let known = identity(*service, ids, event);
        let mark = match known.map(|identity| self.seen.enter(&identity)) {
            None => None,
            Some(Entry::New(mark)) => Some(mark),
            Some(Entry::Duplicate) => return self.accept(delivery, None, None, true).await,
            Some(Entry::UnderWay) => return self.refuse(Reason::UnderWay, delivery.peer),
        };
        let Some(forwarder) = &self.hub.forwarder else {
            return self.accept(delivery, mark, None, false).await;
        };
        let Some(slot) = forwarder.reserve(delivery.judged.body.len()) else {
            return self.refuse(Reason::NoSlot, delivery.peer);
        };
        if !self.is_relayed {
            return self.accept(delivery, mark, Some(slot), false).await;
        }
        // On its own, since the handler has it from here on, even if the service hangs up.
        let (this, peer) = (Arc::clone(self), delivery.peer);
        let relaying = tokio::spawn(async move { this.relay(delivery, mark, slot).await });
        relaying.await.unwrap_or_else(|_| self.refuse(Reason::NoSlot, peer))
    }

    /// Answers 200 once there is nothing that can go wrong any more.
    async fn accept(
        &self,
        delivery: Delivery,
        mark: Option<Mark>,
        slot: Option<Slot>,
        is_duplicate: bool,
    ) -> Reply {
        let report = delivery.report(Answered::Accepted, is_duplicate);
        let (peer, thread) = (delivery.peer, delivery.thread);
        let job = slot.map(|slot| delivery.job(slot, None));
        let acceptance = Acceptance { mark, job, report };
        let Some(recorder) = &self.recorder else {
            self.hub.accept(acceptance);
            return reply::accepted();
        };
        let written = recorder.write(thread, &delivery.into_line(is_duplicate), acceptance);
        match written.await {
            Ok(()) => reply::accepted(),
            Err(_) => self.refuse(Reason::NotRecorded, peer),
        }
    }

    /// Answers what the handler does; accepts only what it accepts.
    async fn relay(&self, delivery: Delivery, mark: Option<Mark>, slot: Slot) -> Reply {
        let (relay, relayed) = oneshot::channel();
        if let Some(forwarder) = &self.hub.forwarder {
            forwarder.send(delivery.job(slot, Some(relay)));
        }
        let service = delivery.judged.service;
        let forwarded = timeout(facts(service).rules.reply, relayed).await.ok().and_then(Result::ok);
        let reply = match forwarded.as_ref().map(|forwarded| &forwarded.answer) {
            Some(Answer::Replied { status, .. }) if is_taken(service, *status) => {
                self.accept(delivery, mark, None, false).await
            }
            answer => {
                let reply = relayed_reply(answer);
                let status = reply.status().as_u16();
                drop(mark);
                self.hub.answered(delivery.report(Answered::Relayed(status), false));
                reply
            }
        };
        // After the delivery that it is about.
        if let Some(forwarded) = forwarded {
            self.hub.forwarded(forwarded);
        }
        reply
    }

    async fn rehearse(&self, delivery: &Delivery, failure: Failure) -> Result<Reply, HangUp> {
        self.hub.answered(delivery.report(Answered::Rehearsed(failure), false));
        match failure {
            Failure::Status(status) => Ok(reply::error(status, "rehearsed with --fail")),
            Failure::Redirect => Ok(reply::redirect(&self.path)),
            Failure::Timeout => {
                let silence = facts(delivery.judged.service).rules.reply + SILENCE;
                let _ = timeout(silence, stopped(self.stopping.clone())).await;
                Err(HangUp)
            }
        }
    }
}

/// What the handler answered, or that it did not. Without any answer it took too long.
fn relayed_reply(answer: Option<&Answer>) -> Reply {
    match answer {
        Some(Answer::Replied { status, body, .. }) => reply::relayed(*status, body.clone()),
        Some(Answer::NoReply(reason)) if !reason.contains("timed out") => {
            reply::error(502, "the handler cannot be reached")
        }
        _ => reply::error(504, "the handler did not answer in time"),
    }
}

/// Judges a body. What is taken is copied: as it arrived it holds on to the whole buffer of its connection.
fn judge_and_own(
    headers: &HeaderMap,
    body: &[u8],
    judge: &Judge,
    now: DateTime<Utc>,
) -> Result<Judged, Flaw> {
    let judged = judge.judge(headers, body, now)?;
    let own = Bytes::copy_from_slice(body);
    let event = if judged.event.len() > body.len() / 2 {
        let start = judged.event.as_ptr().addr() - body.as_ptr().addr();
        own.slice(start..start + judged.event.len())
    } else {
        // Whoever waits with the event is not to hold on to the rest.
        Bytes::copy_from_slice(judged.event.as_bytes())
    };
    Ok(Judged { service: judged.service, body: own, event, ids: judged.ids, verdict: judged.verdict })
}

impl Delivery {
    fn report(&self, answered: Answered, is_duplicate: bool) -> Delivered {
        Delivered {
            time: self.time,
            service: self.judged.service,
            verdict: self.judged.verdict,
            ids: self.judged.ids.clone(),
            event: self.judged.event.clone(),
            synthetic: synthetic(&self.headers),
            is_duplicate,
            answered,
        }
    }

    fn job(&self, slot: Slot, relay: Option<oneshot::Sender<Forwarded>>) -> Job {
        Job {
            slot,
            service: self.judged.service,
            delivery_id: self.judged.ids.delivery.clone(),
            headers: own_headers(&self.headers),
            body: self.judged.body.clone(),
            event: self.judged.event.clone(),
            relay,
        }
    }

    fn into_line(self, is_duplicate: bool) -> String {
        let record = Record {
            time: self.time,
            verdict: self.judged.verdict.name().to_owned(),
            is_duplicate,
            path: self.target,
            headers: self.headers,
            body: self.judged.body,
        };
        record.to_line()
    }
}
