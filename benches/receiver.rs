//! `vwh listen` against a bare axum handler that reads the body and answers 200, under the same load in the same run. Run it
//! on an idle machine with `cargo bench --bench receiver`; it prints requests a second, their ratio beside its budget, the
//! 99th percentile, the memory and the processor time, and asserts nothing. `-- SECONDS ROUNDS` make it longer.
//!
//! `cargo bench --bench receiver -- load 60` is the load test: so many seconds with `--record`, ended with SIGTERM, and again,
//! killed; the answers are counted against the lines.
//!
//! Each server is a process of its own, started afresh for each round, with its output on /dev/null. The load comes from this
//! process: two threads with 16 connections each, which are kept, each with one request under way that was built beforehand
//! but for its delivery id. Load and server share the machine, so what a server needs more is seen in full. Records go to a
//! temporary folder.

#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends when it cannot measure"
)]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Threads that post, and the connections of each.
const THREADS: usize = 2;
const CONNECTIONS: usize = 16;

/// An event, its key, and its signature with it.
const EVENT: &str = r#"{"accountId":"4711","direction":"INBOUND","duration":0,"externalId":"ext-0001:0","id":"65f0c0ffee0000000000a001","internal":false,"phoneNumber":"14155550123","startTime":"2024-03-01T09:30:00.250+0000","state":"RINGING","type":"CALL","ucpType":"VBS","userId":"9001"}"#;
const KEY: &str = "vwh-test-key";
const SIGNATURE: &str = "e7fc0518e8d14f9a080d16ca6b4bd032545a0fda7b7a1ab35e56e3bfc37754a9";

/// Where the delivery id is in a request, in place of this.
const ID: &str = "00000000-0000-4000-8000-000000000000";

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |index: usize, otherwise: u64| {
        arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    match arguments.first().map(String::as_str) {
        Some("bare") => bare(&arguments[1]),
        Some("load") => load_test(Duration::from_secs(number(1, 60))),
        _ => compare(Duration::from_secs(number(0, 5)), number(1, 3)),
    }
}

/// The handler that `listen` is measured against, as anybody would write it.
fn bare(address: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        use axum::serve::ListenerExt as _;
        let listener = tokio::net::TcpListener::bind(address).await.expect("a port");
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket"));
        let router = axum::Router::new().route("/webhook", axum::routing::post(async |_: bytes::Bytes| ()));
        axum::serve(listener, router).await.expect("it serves");
    });
}

/// A server under measurement.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts it on a port that was free a moment ago, with its output thrown away, and waits until it listens.
    fn start(command: impl FnOnce(SocketAddr) -> Command) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let child = command(address).stdout(Stdio::null()).spawn().expect("it starts");
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { child, address }
    }

    fn bare() -> Self {
        Self::start(|address| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["bare", &address.to_string()]);
            command
        })
    }

    fn listen(record: Option<&Path>) -> Self {
        Self::start(|address| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_vwh"));
            command.args(["listen", "--bind", &address.to_string()]).env("VWH_SIGNING_KEY", KEY);
            if let Some(record) = record {
                command.arg("--record").arg(record);
            }
            command
        })
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
        line.trim().trim_end_matches(" kB").parse().map_or(0.0, |kibibytes: f64| kibibytes / 1024.0)
    }

    /// Processor time so far, in ticks of 10 ms: its own, and the system's for it.
    fn ticks(&self) -> [u64; 2] {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        [11, 12].map(|index| fields.get(index).and_then(|field| field.parse().ok()).unwrap_or_default())
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came of a load.
struct Measured {
    accepted: u64,
    rate: f64,
    p99: Duration,
    worst: Duration,
}

/// Posts to `address` over all connections for as long as `is_on`, or until the server is gone.
fn load(address: SocketAddr, is_on: &Arc<AtomicBool>) -> Measured {
    let ids = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (is_on, ids) = (Arc::clone(is_on), Arc::clone(&ids));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(post_all(address, is_on, ids))
            })
        })
        .collect();
    let mut times: Vec<u32> =
        threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect();
    let elapsed = started.elapsed();
    times.sort_unstable();
    let at = |index: usize| Duration::from_micros(times.get(index).copied().unwrap_or_default().into());
    Measured {
        accepted: times.len() as u64,
        rate: times.len() as f64 / elapsed.as_secs_f64(),
        p99: at(times.len() * 99 / 100),
        worst: at(times.len().saturating_sub(1)),
    }
}

async fn post_all(address: SocketAddr, is_on: Arc<AtomicBool>, ids: Arc<AtomicU64>) -> Vec<u32> {
    let tasks: Vec<_> =
        (0..CONNECTIONS).map(|_| tokio::spawn(post(address, Arc::clone(&is_on), Arc::clone(&ids)))).collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("no connection panics"));
    }
    times
}

/// Posts over one connection; gives the microseconds that each 200 took. Ends when the server does.
async fn post(address: SocketAddr, is_on: Arc<AtomicBool>, ids: Arc<AtomicU64>) -> Vec<u32> {
    let body = format!("{{\"event\":{EVENT}}}");
    let mut request = format!(
        "POST /webhook HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         X-VON-Signature: {SIGNATURE}\r\nX-VON-Webhook-Id: 5b0c2f6e-1f77-4f0e-9a53-6c0f8c3d2a10\r\n\
         X-VON-Attempt: 1\r\nX-VON-Delivery-Id: {ID}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes();
    let id = request.windows(ID.len()).position(|window| window == ID.as_bytes()).expect("an id");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    let mut times = Vec::with_capacity(1 << 20);
    let mut reply = [0; 1024];
    while is_on.load(Ordering::Relaxed) {
        let number = format!("{:012x}", ids.fetch_add(1, Ordering::Relaxed));
        request[id + ID.len() - 12..id + ID.len()].copy_from_slice(number.as_bytes());
        let started = Instant::now();
        if stream.write_all(&request).await.is_err() {
            break;
        }
        let mut length = 0;
        while !reply[..length].ends_with(b"\r\n\r\n") {
            match stream.read(&mut reply[length..]).await {
                Ok(read) if read > 0 => length += read,
                _ => return times,
            }
        }
        assert!(reply.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&reply[..length]));
        times.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    times
}

fn compare(time: Duration, rounds: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("record");
    let kinds: [(&str, f64); 3] = [("axum", 1.0), ("listen", 0.85), ("listen --record", 0.6)];
    let mut rates = [const { Vec::new() }; 3];
    println!(
        "{:<16} {:>10} {:>6} {:>9} {:>9} {:>16} {:>9} {:>20}",
        "server", "requests/s", "ratio", "p99", "worst", "memory in MiB", "requests", "own + system µs each"
    );
    for _ in 0..rounds {
        for (index, (name, _)) in kinds.iter().enumerate() {
            let _ = std::fs::remove_file(&record);
            let server = match index {
                0 => Server::bare(),
                1 => Server::listen(None),
                _ => Server::listen(Some(&record)),
            };
            let reference = if index == 0 { None } else { rates[0].last().copied() };
            let rate = measure(name, &server, time, reference);
            rates[index].push(rate);
        }
    }
    let medians = rates.map(median);
    for ((name, budget), rate) in kinds.iter().zip(medians) {
        let ratio = rate / medians[0];
        println!("median: {name:<16} {rate:>9.0} requests/s, ratio {ratio:.3}, budget {budget:.2}");
    }
}

/// Measures one server, prints what it was like, and gives the requests a second.
fn measure(name: &str, server: &Server, time: Duration, reference: Option<f64>) -> f64 {
    // What a process takes once, it takes here.
    load_for(server, Duration::from_millis(500));
    let (memory, [own, system]) = (server.memory(), server.ticks());
    let measured = load_for(server, time);
    let [own_after, system_after] = server.ticks();
    let each = |before: u64, after: u64| (after - before) as f64 * 1e4 / measured.accepted as f64;
    println!(
        "{name:<16} {:>10.0} {:>6.3} {:>9.2?} {:>9.2?} {memory:>6.1} -> {:>6.1} {:>9} {:>11.1} + {:>6.1}",
        measured.rate,
        measured.rate / reference.unwrap_or(measured.rate),
        measured.p99,
        measured.worst,
        server.memory(),
        measured.accepted,
        each(own, own_after),
        each(system, system_after),
    );
    measured.rate
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn load_for(server: &Server, time: Duration) -> Measured {
    let is_on = Arc::new(AtomicBool::new(true));
    let off = Arc::clone(&is_on);
    std::thread::spawn(move || {
        std::thread::sleep(time);
        off.store(false, Ordering::Relaxed);
    });
    load(server.address, &is_on)
}

fn load_test(time: Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in ["TERM", "KILL"] {
        let record = folder.path().join(signal);
        let mut server = Server::listen(Some(&record));
        let (address, start) = (server.address, server.memory());
        let is_on = Arc::new(AtomicBool::new(true));
        let loading = std::thread::spawn(move || load(address, &is_on));
        std::thread::sleep(time / 10);
        let early = server.memory();
        std::thread::sleep(time / 10 * 9);
        let late = server.memory();
        server.signal(signal);
        // The load ends when the server does.
        let Measured { accepted, rate, p99, worst } = loading.join().expect("the load does not panic");
        let status = server.child.wait().expect("it ends");
        let lines = whole_lines(&record);
        let verdict = match lines.cmp(&accepted) {
            std::cmp::Ordering::Less => "LOST",
            std::cmp::Ordering::Equal => "as many",
            std::cmp::Ordering::Greater => "more",
        };
        println!(
            "SIG{signal} after {time:?}: {accepted} answers of 200, {lines} whole lines ({verdict}); {rate:.0} requests/s, \
             p99 {p99:.2?}, worst {worst:.2?}; {start:.1} MiB, after a tenth {early:.1}, at the end {late:.1}; {status}"
        );
    }
}

/// The lines that are whole JSON.
fn whole_lines(record: &Path) -> u64 {
    let reader = BufReader::new(std::fs::File::open(record).expect("the record"));
    let is_whole = |line: &Vec<u8>| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    let lines = reader.split(b'\n').map(|line| line.expect("the record can be read"));
    lines.filter(is_whole).count() as u64
}
