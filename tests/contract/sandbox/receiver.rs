//! A receiver of deliveries that keeps them byte for byte, and answers as it is told. It has no tests.

use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::GUARD;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

/// What a receiver does with a request.
#[derive(Clone)]
pub(super) enum Answer {
    /// These bytes.
    Bytes(String),
    /// These bytes, once there is a permit.
    Held(Arc<Semaphore>, String),
    /// Nothing, on an open connection.
    Silence,
}

/// A receiver on a free port of loopback.
pub(super) struct Receiver {
    port: u16,
    log: watch::Receiver<Vec<Posted>>,
}

/// A whole reply.
pub(super) fn status(line: &str) -> Answer {
    Answer::Bytes(whole(line, ""))
}

/// A whole reply with more headers, each with its line end.
pub(super) fn whole(line: &str, headers: &str) -> String {
    format!("HTTP/1.1 {line}\r\n{headers}Content-Length: 0\r\n\r\n")
}

impl Posted {
    /// `POST /path`.
    pub(super) fn line(&self) -> &str {
        let line = self.head.lines().next().expect("a request line");
        line.strip_suffix(" HTTP/1.1").expect("HTTP/1.1")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(super) fn state(&self) -> String {
        self.json()["event"]["state"].as_str().expect("a state").to_owned()
    }

    /// State and attempt, such as `RINGING 2`, of a delivery with its metadata in headers.
    pub(super) fn step(&self) -> String {
        format!("{} {}", self.state(), self.header("X-VON-Attempt").expect("an attempt"))
    }
}

impl Receiver {
    /// Answers what `answer` says to the request with this number, from 1.
    pub(super) async fn start(answer: impl Fn(&Posted, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (posted, log) = watch::channel(Vec::new());
        let (posted, answer) = (Arc::new(posted), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (posted, answer) = (Arc::clone(&posted), Arc::clone(&answer));
                tokio::spawn(serve(stream, posted, answer));
            }
        });
        Self { port, log }
    }

    /// Answers every request alike.
    pub(super) async fn answering(line: &'static str) -> Self {
        Self::start(move |_, _| status(line)).await
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// What came so far.
    pub(super) fn posted(&self) -> Vec<Posted> {
        self.log.borrow().clone()
    }

    /// Waits until `count` requests have come.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<Posted> {
        let mut log = self.log.clone();
        let waiting = log.wait_for(|posted| posted.len() >= count);
        let posted = tokio::time::timeout(GUARD, waiting).await;
        posted.unwrap_or_else(|_| panic!("{count} requests: {:?}", self.steps())).expect("a receiver").clone()
    }

    /// State and attempt of what came so far.
    pub(super) fn steps(&self) -> Vec<String> {
        self.posted().iter().map(Posted::step).collect()
    }

    /// The states of what came so far.
    pub(super) fn states(&self) -> Vec<String> {
        self.posted().iter().map(Posted::state).collect()
    }
}

async fn serve<F>(mut stream: TcpStream, posted: Arc<watch::Sender<Vec<Posted>>>, answer: Arc<F>)
where
    F: Fn(&Posted, usize) -> Answer,
{
    let Some(request) = read(&mut stream).await else { return };
    let mut number = 0;
    posted.send_modify(|posted| {
        posted.push(request.clone());
        number = posted.len();
    });
    let bytes = match answer(&request, number) {
        Answer::Bytes(bytes) => bytes,
        Answer::Held(gate, bytes) => {
            gate.acquire().await.expect("a gate").forget();
            bytes
        }
        Answer::Silence => {
            let _ = stream.read_u8().await;
            return;
        }
    };
    // The sandbox may be gone by now.
    let _ = stream.write_all(bytes.as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Posted> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("a head in UTF-8").trim_end().to_owned();
    let mut posted = Posted { head, body: Vec::new() };
    let length = posted.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    posted.body = vec![0; length];
    stream.read_exact(&mut posted.body).await.ok()?;
    Some(posted)
}
