//! HTTP/1.1 requests as the test servers received them, and the replies they send, right or wrong.
//!
//! Written by hand on purpose: a proper HTTP library refuses to send what these tests are about.

use std::io::{BufRead, Read};

use serde_json::Value;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its place among all requests of this server, from 1.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// The target as sent: percent-encoded, with the query.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of the header `name`, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(&header.1)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the request's body is JSON")
    }

    /// Method and path, as in `GET /self/webhooks/`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Reads the next request of a connection; `None` when the client is done or gone.
    pub(super) fn read(reader: &mut impl BufRead) -> Option<Self> {
        let start = read_line(reader)?;
        let mut words = start.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let line = read_line(reader)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut request = Self { number: 0, method, path, headers, body: Vec::new() };
        request.body = if request.header("transfer-encoding").is_some() {
            read_chunks(reader)?
        } else {
            let length = request.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
            read_bytes(reader, length)?
        };
        Some(request)
    }
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

fn read_bytes(reader: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn read_chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(reader)?, 16).ok()?;
        body.extend(read_bytes(reader, length)?);
        read_line(reader)?;
        if length == 0 {
            return Some(body);
        }
    }
}

/// What a server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A whole reply; the connection stays open for the next request.
    Full { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// Exactly these bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// Exactly these bytes, then silence on an open connection.
    RawThenStall(Vec<u8>),
    /// Silence on an open connection.
    Stall,
    /// The end of the connection without a byte.
    Close,
}

/// A whole reply with a JSON body.
pub(crate) fn json(status: u16, body: impl Into<String>) -> Reply {
    Reply::new(status, body).header("Content-Type", "application/json")
}

impl Reply {
    /// A whole reply without a content type.
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self::Full { status, headers: Vec::new(), body: body.into().into_bytes() }
    }

    /// A whole reply with an HTML page.
    pub(crate) fn html(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, body).header("Content-Type", "text/html")
    }

    /// A whole reply with an XML document.
    pub(crate) fn xml(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, body).header("Content-Type", "application/xml; charset=UTF-8")
    }

    /// The same whole reply with one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let Self::Full { headers, .. } = &mut self else { panic!("only a whole reply has headers") };
        headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same reply, cut short after half of its body: the length it announces is never reached.
    pub(crate) fn cut_in_half(self) -> Self {
        let Self::Full { body, .. } = &self else { panic!("only a whole reply has a body") };
        let missing = body.len().div_ceil(2);
        let mut bytes = self.bytes();
        bytes.truncate(bytes.len() - missing);
        Self::Raw(bytes)
    }

    /// What goes over the wire before the connection stays open, stalls or ends.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Full { status, headers, body } => {
                let mut lines = vec![format!("HTTP/1.1 {status} ")];
                lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
                // RFC 9110 section 8.6: a 204 carries neither a body nor its length.
                if *status != 204 {
                    lines.push(format!("Content-Length: {}", body.len()));
                }
                lines.extend([String::new(), String::new()]);
                [lines.join("\r\n").as_bytes(), body].concat()
            }
            Self::Raw(bytes) | Self::RawThenStall(bytes) => bytes.clone(),
            Self::Stall | Self::Close => Vec::new(),
        }
    }
}
