//! A `vwh listen` that runs beside a test, and deliveries that are posted to it by hand. It has no tests.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::support::{GUARD, Outcome, Process, Vwh};

/// What signs the deliveries here.
pub(crate) const KEY: &str = "vwh-test-key";

/// An event and its signature with [`KEY`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed {
    pub(crate) event: &'static str,
    pub(crate) signature: &'static str,
}

/// The vectors V1 and V2 of the sheet, as they stand there.
pub(crate) const V1: Signed = CALL[1];
pub(crate) const V2: Signed = Signed {
    event: r#"{"accountId":"4711","answerTime":"2024-03-01T09:30:04.000+0000","callerId":"Zoë \"Ops\" O'Neil","direction":"OUTBOUND","duration":6500,"endTime":"2024-03-01T09:30:10.500+0000","id":"65f0c0ffee0000000000a002","startTime":"2024-03-01T09:30:00.250+0000","state":"ANSWERED","type":"CALL","userId":"9001"}"#,
    signature: "dbb486aa4b78208038dd10c67d2226b88fdca3d4b6510a0386025445cc39a38b",
};

/// The four events of an answered call. The second is the sheet's V1; the other signatures are Python's.
pub(crate) const CALL: [Signed; 4] = [
    Signed {
        event: r#"{"accountId":"4711","direction":"INBOUND","duration":0,"externalId":"ext-0001:0","id":"65f0c0ffee0000000000a001","internal":false,"phoneNumber":"14155550123","startTime":"2024-03-01T09:30:00.250+0000","state":"INITIALIZING","type":"CALL","ucpType":"VBS","userId":"9001"}"#,
        signature: "06bee73e9f20785cc66b2185bb36291176c25f9db15a4a9dc1d116b38f5fa6c1",
    },
    Signed {
        event: r#"{"accountId":"4711","direction":"INBOUND","duration":0,"externalId":"ext-0001:0","id":"65f0c0ffee0000000000a001","internal":false,"phoneNumber":"14155550123","startTime":"2024-03-01T09:30:00.250+0000","state":"RINGING","type":"CALL","ucpType":"VBS","userId":"9001"}"#,
        signature: "e7fc0518e8d14f9a080d16ca6b4bd032545a0fda7b7a1ab35e56e3bfc37754a9",
    },
    Signed {
        event: r#"{"accountId":"4711","answerTime":"2024-03-01T09:30:04.000+0000","callerId":"Zoë Sample","direction":"INBOUND","duration":0,"externalId":"ext-0001:0","id":"65f0c0ffee0000000000a001","internal":false,"phoneNumber":"14155550123","startTime":"2024-03-01T09:30:00.250+0000","state":"ACTIVE","type":"CALL","ucpType":"VBS","userId":"9001"}"#,
        signature: "5b40a05c26aecae736a1a09d65a603e5042b3e1fc792e66fb420dd269dcc35b1",
    },
    Signed {
        event: r#"{"accountId":"4711","answerTime":"2024-03-01T09:30:04.000+0000","callerId":"Zoë Sample","direction":"INBOUND","duration":30000,"endTime":"2024-03-01T09:30:34.000+0000","externalId":"ext-0001:0","id":"65f0c0ffee0000000000a001","internal":false,"phoneNumber":"14155550123","startTime":"2024-03-01T09:30:00.250+0000","state":"ANSWERED","type":"CALL","ucpType":"VBS","userId":"9001"}"#,
        signature: "2abf5f09f8be43b488e8be940ec058934487c2956eee58c073fedaffb3d24dd8",
    },
];

/// A delivery of `signed` under policy HEADER, as the service posts it.
pub(crate) fn delivery(signed: Signed, id: &str, attempt: u32) -> Request {
    Request::post(format!("{{\"event\":{}}}", signed.event))
        .header("X-VON-Signature", signed.signature)
        .header("X-VON-Webhook-Id", "w-1")
        .header("X-VON-Delivery-Id", id)
        .header("X-VON-Attempt", &attempt.to_string())
}

/// The signature of `event` with a key that nobody knew beforehand.
pub(crate) fn sign(key: &str, event: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut digest = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    digest.update(event.as_bytes());
    digest.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request that is about to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn post(body: impl Into<Vec<u8>>) -> Self {
        Self::typed("application/json", body)
    }

    /// One with another content type.
    pub(crate) fn typed(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { method: "POST".to_owned(), path: "/webhook".to_owned(), headers, body: body.into() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: receiver\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// One connection that is kept.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn to(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(GUARD)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends bytes as they are. A server that has hung up takes none.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads one answer; `None` if the connection ends first.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            self.0.read_line(&mut head).ok().filter(|count| *count > 0)?;
        }
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).ok()?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer { status, head, body: String::from_utf8(body).unwrap() })
    }

    pub(crate) fn exchange(&mut self, request: &Request) -> Option<Answer> {
        self.send(&request.bytes()).ok()?;
        self.answer()
    }
}

/// A listener in a process of its own, that tells everything as JSON.
pub(crate) struct Listener {
    pub(crate) process: Process,
    pub(crate) ready: Value,
    /// `IP:PORT`.
    pub(crate) address: String,
}

impl Listener {
    /// Starts one that knows [`KEY`].
    pub(crate) fn start(vwh: &Vwh, flags: &[&str]) -> Self {
        Self::bare(&vwh.clone().env("VWH_SIGNING_KEY", KEY), flags)
    }

    /// Starts one with nothing but what `vwh` and `flags` say, and waits until it is ready.
    pub(crate) fn bare(vwh: &Vwh, flags: &[&str]) -> Self {
        let arguments = ["listen", "--bind", "127.0.0.1:0", "--json"].iter().chain(flags).copied();
        let mut process = vwh.args(arguments).spawn();
        let ready: Value = serde_json::from_str(&process.wait_for_line(|_| true)).unwrap();
        assert_eq!(ready["event"], "ready", "{ready}");
        let address = ready["address"].as_str().unwrap().to_owned();
        Self { process, ready, address }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::to(&self.address)
    }

    /// Sends one request over a connection of its own.
    pub(crate) fn send(&self, request: &Request) -> Answer {
        self.connect().exchange(request).expect("an answer")
    }

    /// The same, where the status is all that matters.
    pub(crate) fn status(&self, request: &Request) -> u16 {
        self.send(request).status
    }

    /// The next line of this kind.
    #[track_caller]
    pub(crate) fn next(&mut self, kind: &str) -> Value {
        let line = self.process.wait_for_line(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            value["event"] == kind
        });
        serde_json::from_str(&line).unwrap()
    }

    /// Ends it, and gives every line that it wrote.
    pub(crate) fn end(self) -> (Outcome, Vec<Value>) {
        self.process.signal(crate::support::Signal::TERM);
        let outcome = self.process.wait().exits(0);
        let lines = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (outcome, lines)
    }
}

/// The lines of these kinds without what differs from run to run.
pub(crate) fn of_kind(lines: &[Value], kind: &str) -> Vec<Value> {
    let mut found: Vec<Value> = lines.iter().filter(|line| line["event"] == kind).cloned().collect();
    for line in &mut found {
        let members = line.as_object_mut().unwrap();
        members.remove("event");
        members.remove("time");
        members.remove("payload");
    }
    found
}

/// The lines of a record, each of which must be whole.
pub(crate) fn recorded(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "a torn line: {text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
