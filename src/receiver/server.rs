//! The HTTP server under the receiver: accepts connections, spreads them over threads, bounds what they may cost, and ends
//! them well. What is answered is `reception`'s business.
//!
//! Each thread has a runtime of its own: handling a delivery takes less time than passing it to another thread would.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{self, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::connections::{Connections, Peer, Watched};
use super::reception::Reception;
use super::reply;
use super::report::Reason;

/// What a request's head may take.
const HEAD: usize = 64 * 1024;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// More threads than this never help: the rest of the machine is the handler's.
const MOST_THREADS: usize = 4;

/// How long to wait when the system has no more descriptors, and how many connections end for it.
const EXHAUSTED: Duration = Duration::from_millis(50);
const ROOM: usize = 16;

/// How long requests that have arrived may take once the server stops; others may arrive for as long as `LAST_CALL`.
const GRACE: Duration = Duration::from_secs(4);
const LAST_CALL: Duration = Duration::from_millis(500);

/// How long it may take to say why a connection ends.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A server that listens.
pub(super) struct Server {
    stopping: watch::Sender<bool>,
    /// Ends when every thread has.
    threads: mpsc::Receiver<()>,
}

/// A connection on its way to the thread that serves it.
type Accepted = (std::net::TcpStream, SocketAddr);

/// What every thread needs.
#[derive(Clone)]
struct Shared {
    reception: Arc<Reception>,
    connections: Arc<Connections>,
    numbers: Arc<AtomicU64>,
    stopping: watch::Receiver<bool>,
}

/// Binds `address` for [`Server::start`].
pub(super) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // Elsewhere it would let another program take the port over.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

impl Server {
    /// Serves what connects to `listener` on so many threads.
    pub(super) fn start(
        listener: std::net::TcpListener,
        threads: usize,
        reception: Arc<Reception>,
        stopping: watch::Sender<bool>,
    ) -> io::Result<Self> {
        let stopped = stopping.subscribe();
        let connections = Arc::default();
        let shared = Shared { reception, connections, numbers: Arc::default(), stopping: stopped };
        let (running, ended) = mpsc::channel(1);
        let mut workers = Vec::new();
        for number in 0..threads {
            let (sender, connections) = mpsc::unbounded_channel();
            workers.push(sender);
            let (shared, running) = (shared.clone(), running.clone());
            spawn(async move {
                shared.work(number, connections).await;
                drop(running);
            })?;
        }
        spawn(async move { shared.accept(listener, workers).await })?;
        Ok(Self { stopping, threads: ended })
    }

    /// Accepts no more, and answers what is under way.
    pub(super) async fn stop(mut self) {
        self.stopping.send_replace(true);
        // Nothing is ever sent: this ends when the last thread does, unless a disk that hangs keeps one from it.
        let _ = timeout(2 * GRACE, self.threads.recv()).await;
    }
}

/// How many threads serve.
pub(super) fn threads_to_serve() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS)
}

/// Runs `future` on a thread and a runtime of its own.
fn spawn(future: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("receiver".to_owned()).spawn(move || {
        runtime.block_on(future);
        runtime.shutdown_background();
    })?;
    Ok(())
}

impl Shared {
    async fn accept(self, listener: std::net::TcpListener, workers: Vec<mpsc::UnboundedSender<Accepted>>) {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let mut workers = workers.iter().cycle();
        let mut stopped = pin!(stopped(self.stopping.clone()));
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => return,
                _ = seconds.tick() => self.tick(),
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        if !self.connections.have_room() {
                            self.connections.end_idlest(1);
                        }
                        if let (Ok(stream), Some(worker)) = (stream.into_std(), workers.next()) {
                            let _ = worker.send((stream, address));
                        }
                    }
                    Err(error) if is_about_one(&error) => {}
                    Err(_) => {
                        self.connections.end_idlest(ROOM);
                        sleep(EXHAUSTED).await;
                    }
                },
            }
        }
    }

    fn tick(&self) {
        self.connections.tick();
        self.reception.tick();
    }

    /// Serves the connections that are sent to this thread, until there are no more to come.
    async fn work(self, thread: usize, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
        let (running, mut ended) = mpsc::channel::<()>(1);
        while let Some((stream, address)) = accepted.recv().await {
            let Ok(stream) = TcpStream::from_std(stream) else { continue };
            // An answer is one small packet: nothing is gained by waiting for more.
            let _ = stream.set_nodelay(true);
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let peer = Arc::new(Peer::new(number, address.ip(), thread, &self.connections));
            let serving = self.clone().serve(stream, Arc::clone(&peer), running.clone());
            // Its task begins after this one pauses, so it cannot leave before it has entered.
            let task = tokio::spawn(serving);
            self.connections.enter(&peer, task.abort_handle());
        }
        drop(running);
        if timeout(LAST_CALL, ended.recv()).await.is_err() {
            self.connections.end_idlest(usize::MAX);
            let _ = timeout(GRACE, ended.recv()).await;
        }
    }

    async fn serve(self, stream: TcpStream, peer: Arc<Peer>, _running: mpsc::Sender<()>) {
        let _entered = Entered { connections: Arc::clone(&self.connections), peer: Arc::clone(&peer) };
        let io = TokioIo::new(Watched::new(stream, Arc::clone(&peer), Arc::clone(&self.connections)));
        let service = service_fn(|request| {
            let (reception, connections, peer) = (&self.reception, &self.connections, &peer);
            Box::pin(async move {
                let answer = reception.handle(request, peer).await;
                peer.is_answered(connections);
                answer
            })
        });
        let mut http = http1::Builder::new();
        // More than 100 headers it refuses by itself.
        http.max_buf_size(HEAD);
        // Whoever has sent all of its request may close that half of the connection, and still reads the answer.
        http.half_close(true);
        let mut connection = http.serve_connection(io, service);
        let ended = tokio::select! {
            biased;
            ended = &mut connection => ended,
            () = stopped(self.stopping.clone()) => {
                pin::Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
            () = peer.is_late(&self.connections) => {
                self.reception.refuse(Reason::Slow, peer.address);
                return say_last(connection.into_parts().io.into_inner(), Reason::Slow).await;
            }
        };
        let Some((reason, is_answered)) = ended.err().and_then(|error| unreadable(&error)) else { return };
        self.reception.refuse(reason, peer.address);
        if !is_answered {
            say_last(connection.into_parts().io.into_inner(), reason).await;
        }
    }
}

/// Why hyper could not read a request, and whether it has answered that by itself. Which of its answers it has given it
/// tells in words only.
fn unreadable(error: &hyper::Error) -> Option<(Reason, bool)> {
    let said = error.to_string();
    if !error.is_parse() {
        None
    } else if !error.is_parse_too_large() {
        Some((Reason::NotHttp, !said.contains("HTTP2 preface")))
    } else if said.contains("URI too long") {
        Some((Reason::LongUri, true))
    } else {
        Some((Reason::LongHead, true))
    }
}

/// Answers what never became a request.
async fn say_last(mut stream: Watched, reason: Reason) {
    let answer = reply::last(reason);
    let said = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    // Whoever takes too long to read it as well learns nothing.
    let _ = timeout(LAST_WORD, said).await;
}

/// Ends when the server stops.
pub(super) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // The server outlives whatever waits here.
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}

/// Leaves when it is dropped, which an end from outside does too.
struct Entered {
    connections: Arc<Connections>,
    peer: Arc<Peer>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connections.leave(&self.peer);
    }
}

/// Whether accepting failed for one connection only, which is gone already.
fn is_about_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
