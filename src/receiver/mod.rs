//! The receiving side: what `vwh listen` does with a request, and the record that it keeps.
//!
//! A connection is served by `server` within the bounds of `connections` and `body`; `reception` decides what a request is
//! answered, asking `judgement` what its signature is worth and `seen` whether it came before; `recorder` writes it down,
//! `forward` passes it on, and `hub` counts and tells. Nothing here prints, and nothing here is a client of a service.

mod body;
mod connections;
mod forward;
mod hub;
mod judgement;
mod reception;
pub mod record;
mod recorder;
mod reply;
mod report;
mod seen;
mod server;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;
use url::Url;

use crate::delivery::{Exhausted, Manner, Reach, Rules, Sender, Successes};
use crate::network::Network;
use crate::webhook::ServiceKind;
use forward::Forwarder;
pub use forward::is_taken;
use hub::Hub;
use judgement::Judge;
pub use judgement::{Trust, Verdict};
use reception::Reception;
pub use recorder::RecordFile;
use recorder::Recorder;
pub use report::{Answered, Counts, Delivered, Failure, Forwarded, Reason, Refused, Report, Tell};
use server::Server;

/// How long the handler's connection may take. It is near.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the handler may take where nobody waits for its answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long forwards that are under way may take once the receiver ends.
const DRAIN: Duration = Duration::from_secs(5);

/// What to receive, and what to do with it.
pub struct Options {
    /// Where deliveries are posted to.
    pub path: String,
    /// What they are held against.
    pub trust: Trust,
    /// The service that they have to be of.
    pub only: Option<ServiceKind>,
    /// Answer with a failure instead of accepting them.
    pub failure: Option<Failure>,
    /// Where they are passed on to.
    pub forward: Option<Forwarding>,
    /// Where they are recorded.
    pub record: Option<RecordFile>,
    /// This machine's clock.
    pub clock: fn() -> DateTime<Utc>,
    /// Takes the reports.
    pub tell: Tell,
}

/// Where deliveries are passed on to.
pub struct Forwarding {
    /// The handler, and nobody else.
    pub url: Url,
    /// How it is reached.
    pub network: Network,
    /// Whether its answer is ours.
    pub is_relayed: bool,
}

/// An address that is taken, and not served yet.
pub struct Bound(std::net::TcpListener);

/// A receiver that is running.
pub struct Receiver {
    server: Server,
    reception: Arc<Reception>,
    forwarding: Option<(oneshot::Sender<()>, JoinHandle<u64>)>,
}

impl Bound {
    /// Takes `address`; port 0 is any free one.
    pub fn to(address: SocketAddr) -> io::Result<Self> {
        server::bind(address).map(Self)
    }

    /// The address, with its real port.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Receives from now on.
    pub fn receive(self, options: Options) -> io::Result<Receiver> {
        let Options { path, trust, only, failure, forward, record, clock, tell } = options;
        let is_relayed = forward.as_ref().is_some_and(|forward| forward.is_relayed);
        let (forwarder, queue) = forward.map(|forward| forward.into_queue(clock)).unzip();
        let hub = Arc::new(Hub::new(tell, forwarder, clock));
        let threads = server::threads_to_serve();
        let recorder = record.map(|file| Arc::new(Recorder::new(file, threads, Arc::clone(&hub))));
        let (stopping, is_stopping) = watch::channel(false);
        let reception = Arc::new(Reception {
            path,
            judge: Arc::new(Judge { trust, only }),
            failure,
            recorder,
            is_relayed,
            clock,
            hub: Arc::clone(&hub),
            seen: Arc::default(),
            budget: body::Budget::default(),
            large: Arc::new(Semaphore::new(1)),
            stopping: is_stopping,
        });
        let server = Server::start(self.0, threads, Arc::clone(&reception), stopping)?;
        let forwarding = queue.map(|queue| {
            let (close, closing) = oneshot::channel();
            (close, tokio::spawn(queue.run(hub, closing, DRAIN)))
        });
        Ok(Receiver { server, reception, forwarding })
    }
}

impl Forwarding {
    fn into_queue(self, clock: fn() -> DateTime<Utc>) -> (Forwarder, forward::Queue) {
        let rules = Rules {
            connect: CONNECT,
            reply: PATIENCE,
            attempts: 1,
            pause: Duration::ZERO,
            manner: Manner::Unfollowed,
            redirects: 0,
            successes: Successes::Only(200),
            exhausted: Exhausted::Dropped,
        };
        Forwarder::new(self.url, Sender::new(self.network, Reach::Anywhere, rules), clock)
    }
}

impl Receiver {
    /// Accepts no more, answers what is under way, and forwards what is to be.
    pub async fn stop(self) -> Counts {
        self.server.stop().await;
        // What was refused last is told too.
        self.reception.tick();
        let not_forwarded = match self.forwarding {
            Some((close, queue)) => {
                let _ = close.send(());
                queue.await.unwrap_or_default()
            }
            None => 0,
        };
        Counts { not_forwarded, ..self.reception.hub.counters.read() }
    }
}
