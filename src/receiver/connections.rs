//! The connections of the server: how many there are, what each is doing, and which of them has to go. What is said over
//! them is `reception`'s business.
//!
//! Time is counted in ticks of a second, so that a request costs no look at a clock.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// More connections than this are not held: with what else is open that is less than the usual limit for a process (1024).
const MOST: usize = 512;

/// A request has to arrive in so many ticks, head and body.
const ARRIVAL: u64 = 10;

/// A connection may stay silent for so many ticks between two requests.
const SILENCE: u64 = 60;

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    tick: AtomicU64,
    open: Mutex<HashMap<u64, (Arc<Peer>, AbortHandle)>>,
}

/// The other side of one connection, and what it is doing.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// Which thread of the server has it.
    pub(super) thread: usize,
    number: u64,
    /// The phase in the lowest two bits, above them the tick at which it began.
    phase: AtomicU64,
    /// Told when its request should have been whole.
    late: Notify,
}

/// Nothing of the next request has arrived.
const SILENT: u64 = 0;
/// A part of a request has arrived, or nothing ever did.
const ARRIVING: u64 = 1;
/// A request is being dealt with.
const BUSY: u64 = 2;

impl Peer {
    pub(super) fn new(number: u64, address: IpAddr, thread: usize, connections: &Connections) -> Self {
        let phase = AtomicU64::new(connections.now() << 2 | ARRIVING);
        Self { address, thread, number, phase, late: Notify::new() }
    }

    /// Its request is whole: from now on it is us that it waits for.
    pub(super) fn is_waiting(&self) {
        self.phase.store(BUSY, Ordering::Relaxed);
    }

    /// Its request is answered.
    pub(super) fn is_answered(&self, connections: &Connections) {
        self.phase.store(connections.now() << 2 | SILENT, Ordering::Relaxed);
    }

    /// Waits until a request of it should have been whole long ago.
    pub(super) async fn is_late(&self, connections: &Connections) {
        loop {
            self.late.notified().await;
            // It may have come whole since.
            if self.is_overdue(connections.now()) == Some(Overdue::Arriving) {
                return;
            }
        }
    }

    fn is_sending(&self, connections: &Connections) {
        if self.phase.load(Ordering::Relaxed) & 3 == SILENT {
            self.phase.store(connections.now() << 2 | ARRIVING, Ordering::Relaxed);
        }
    }

    /// The tick since which nothing comes of it; `None` while it waits for us.
    fn idle_since(&self) -> Option<u64> {
        let phase = self.phase.load(Ordering::Relaxed);
        (phase & 3 != BUSY).then_some(phase >> 2)
    }

    fn is_overdue(&self, now: u64) -> Option<Overdue> {
        let phase = self.phase.load(Ordering::Relaxed);
        let ticks = now.saturating_sub(phase >> 2);
        match phase & 3 {
            SILENT if ticks > SILENCE => Some(Overdue::Silent),
            ARRIVING if ticks > ARRIVAL => Some(Overdue::Arriving),
            _ => None,
        }
    }
}

/// What a connection took too long for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overdue {
    Silent,
    Arriving,
}

impl Connections {
    /// The tick of now.
    pub(super) fn now(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    /// A second has passed: ends the connections that were silent for too long. Where a request never came whole, whoever
    /// serves the connection is told so, and answers that.
    pub(super) fn tick(&self) {
        let now = self.tick.fetch_add(1, Ordering::Relaxed) + 1;
        for (peer, handle) in self.lock().values() {
            match peer.is_overdue(now) {
                None => {}
                Some(Overdue::Silent) => handle.abort(),
                Some(Overdue::Arriving) => peer.late.notify_one(),
            }
        }
    }

    /// Keeps the connection of `peer`, which the task of `handle` serves.
    pub(super) fn enter(&self, peer: &Arc<Peer>, handle: AbortHandle) {
        self.lock().insert(peer.number, (Arc::clone(peer), handle));
    }

    /// The connection of `peer` has ended.
    pub(super) fn leave(&self, peer: &Peer) {
        self.lock().remove(&peer.number);
    }

    /// Whether one more can be held.
    pub(super) fn have_room(&self) -> bool {
        self.lock().len() < MOST
    }

    /// Ends so many connections: those of which nothing has come for the longest time. Those that wait for us are left.
    pub(super) fn end_idlest(&self, most: usize) {
        let open = self.lock();
        let idle = open.values().filter_map(|(peer, handle)| Some((peer.idle_since()?, peer.number, handle)));
        let mut idle: Vec<_> = idle.collect();
        idle.sort_unstable_by_key(|(since, number, _)| (*since, *number));
        for (_, _, handle) in idle.into_iter().take(most) {
            handle.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, (Arc<Peer>, AbortHandle)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that tells when something of its peer arrives.
pub(super) struct Watched {
    stream: TcpStream,
    peer: Arc<Peer>,
    connections: Arc<Connections>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, peer: Arc<Peer>, connections: Arc<Connections>) -> Self {
        Self { stream, peer, connections }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.peer.is_sending(&self.connections);
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(connections: &Connections, number: u8) -> (Arc<Peer>, tokio::task::JoinHandle<()>) {
        let peer = Arc::new(Peer::new(number.into(), IpAddr::from([127, 0, 0, number]), 0, connections));
        let task = tokio::spawn(std::future::pending());
        connections.enter(&peer, task.abort_handle());
        (peer, task)
    }

    async fn is_ended(task: tokio::task::JoinHandle<()>) -> bool {
        tokio::task::yield_now().await;
        task.is_finished()
    }

    async fn is_late(peer: &Peer, connections: &Connections) -> bool {
        tokio::time::timeout(std::time::Duration::ZERO, peer.is_late(connections)).await.is_ok()
    }

    #[tokio::test]
    async fn what_does_not_arrive_in_time_is_told_and_what_waits_for_us_is_not() {
        let connections = Connections::default();
        let (half, half_open) = peer(&connections, 1);
        let (busy, waiting) = peer(&connections, 2);
        busy.is_waiting();
        let (answered, silent) = peer(&connections, 3);
        answered.is_answered(&connections);
        for _ in 0..ARRIVAL {
            connections.tick();
            assert!(!is_late(&half, &connections).await);
        }
        connections.tick();
        assert!(is_late(&half, &connections).await && !is_late(&half, &connections).await);
        answered.is_sending(&connections);
        for _ in 0..ARRIVAL {
            connections.tick();
            assert!(!is_late(&answered, &connections).await);
        }
        connections.tick();
        assert!(is_late(&answered, &connections).await && !is_late(&busy, &connections).await);
        // They are answered first.
        assert!(!half_open.is_finished() && !is_ended(silent).await && !is_ended(waiting).await);
    }

    #[tokio::test]
    async fn what_came_whole_at_the_last_moment_is_not_late() {
        let connections = Connections::default();
        let (peer, _task) = peer(&connections, 1);
        for _ in 0..=ARRIVAL {
            connections.tick();
        }
        peer.is_waiting();
        assert!(!is_late(&peer, &connections).await);
        peer.is_answered(&connections);
        peer.is_sending(&connections);
        assert!(!is_late(&peer, &connections).await);
    }

    #[tokio::test]
    async fn silence_between_two_requests_is_no_fault_of_the_peer() {
        let connections = Connections::default();
        let (peer, task) = peer(&connections, 1);
        peer.is_answered(&connections);
        for _ in 0..=SILENCE {
            connections.tick();
            assert!(!is_late(&peer, &connections).await);
        }
        assert!(is_ended(task).await);
    }

    #[tokio::test]
    async fn the_one_that_has_been_idle_longest_goes_first() {
        let connections = Connections::default();
        let (first, task_of_first) = peer(&connections, 1);
        let (busy, task_of_busy) = peer(&connections, 2);
        busy.is_waiting();
        connections.tick();
        let (_, task_of_third) = peer(&connections, 3);
        first.is_answered(&connections);
        connections.tick();
        let (_, task_of_fourth) = peer(&connections, 4);
        connections.end_idlest(1);
        assert!(is_ended(task_of_first).await && !task_of_third.is_finished());
        connections.leave(&first);
        connections.end_idlest(1);
        assert!(is_ended(task_of_third).await && !task_of_fourth.is_finished());
        connections.end_idlest(usize::MAX);
        assert!(is_ended(task_of_fourth).await && !is_ended(task_of_busy).await);
    }
}
