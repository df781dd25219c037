//! A real HTTP server on a free loopback port whose behaviour is a closure, for what an honest server never does.
//!
//! It is no stand-in for the service: `vwh sandbox` is.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use super::{GUARD, Reply, Request};

/// A running server. Dropping it ends every connection, and fails the test when the closure had panicked.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    handler: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    requests: Vec<Request>,
    connections: Vec<TcpStream>,
    /// How many of them have ended.
    ended: usize,
    has_stopped: bool,
    has_panicked: bool,
}

impl Server {
    /// Answers every request with what `handler` returns for it.
    pub(crate) fn new(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared =
            Arc::new(Shared { handler: Box::new(handler), log: Mutex::default(), changed: Condvar::new() });
        let acceptor = Arc::clone(&shared);
        thread::spawn(move || acceptor.accept(&listener));
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// Method and path of the requests so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.shared.lock().requests.iter().map(Request::line).collect()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Waits until `count` requests have arrived (their replies may still be under way).
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait_until(&format!("{count} requests"), |log| log.requests.len() >= count);
    }

    /// Waits until every client has hung up and what they had sent is dealt with.
    pub(crate) fn wait_for_hang_up(&self) {
        // Connections are accepted in order: with this one, all that are older have been.
        let newest = TcpStream::connect(self.address).expect("the server listens");
        let address = newest.local_addr().expect("a connected socket has an address");
        let is_newest = |other: &TcpStream| other.peer_addr().is_ok_and(|peer| peer == address);
        self.wait_until("the newest connection", |log| log.connections.iter().any(is_newest));
        drop(newest);
        self.wait_until("the end of every connection", |log| log.ended == log.connections.len());
    }

    fn wait_until(&self, sought: &str, is_so: impl Fn(&Log) -> bool) {
        let deadline = Instant::now() + GUARD;
        let mut log = self.shared.lock();
        while !is_so(&log) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{sought} did not come in {GUARD:?}: {:?}", log.requests);
            log = self.shared.changed.wait_timeout(log, left).expect("the log's holders do not panic").0;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut log = self.shared.lock();
        log.has_stopped = true;
        for connection in &log.connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        let has_panicked = log.has_panicked;
        drop(log);
        // The acceptor looks at `has_stopped` when a connection comes.
        let _ = TcpStream::connect(self.address);
        assert!(!has_panicked || thread::panicking(), "the server's closure panicked; see above");
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("the log's holders do not panic")
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((connection, _)) = listener.accept() {
            let mut log = self.lock();
            if log.has_stopped {
                return;
            }
            log.connections.push(connection.try_clone().expect("a socket can be cloned"));
            drop(log);
            self.changed.notify_all();
            let shared = Arc::clone(self);
            thread::spawn(move || shared.serve(&connection));
        }
    }

    fn serve(&self, connection: &TcpStream) {
        let mut reader = BufReader::new(connection);
        let mut writer = connection;
        while let Some(request) = Request::read(&mut reader) {
            let reply = self.answer(request);
            // The client may be gone: that is its right, and often the test's subject.
            let is_sent = writer.write_all(&reply.bytes()).is_ok();
            match reply {
                Reply::Full { .. } if is_sent => {}
                // Ends when the client hangs up or the server is dropped.
                Reply::Stall | Reply::RawThenStall(_) => drop(reader.read(&mut [0])),
                Reply::Full { .. } | Reply::Raw(_) | Reply::Close => break,
            }
        }
        let _ = connection.shutdown(Shutdown::Both);
        self.lock().ended += 1;
        self.changed.notify_all();
    }

    fn answer(&self, mut request: Request) -> Reply {
        let mut log = self.lock();
        request.number = log.requests.len() + 1;
        log.requests.push(request.clone());
        drop(log);
        self.changed.notify_all();
        catch_unwind(AssertUnwindSafe(|| (self.handler)(&request))).unwrap_or_else(|_| {
            self.lock().has_panicked = true;
            // A status that no client repeats, so that the test ends at once.
            Reply::new(501, "the test's closure panicked")
        })
    }
}
