//! What is typed after `vwh listen`, and what of it makes no sense.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use url::Url;

use super::super::destination::parse_url;
use super::super::service;
use crate::network::is_loopback;
use crate::receiver::Failure;
use crate::webhook::ServiceKind;

/// Receive deliveries locally
///
/// Verifies each delivery, answers it with 200 and prints a line for it. What a receiver has to do, this one does: answer
/// with 200 in time (VIS waits for 2 s, Contact Center for 10, VoIPBIN for 15), know a delivery again by its id, and read
/// ANSWERED as the end of a call that was picked up.
///
/// Deliveries of all three services are taken, each known by the header of its signature, and verified with every key.
#[derive(Args, Clone, Debug)]
pub struct ListenArgs {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = parse_bind)]
    pub(super) bind: SocketAddr,

    /// Path that deliveries come to [default: that of --register, else /webhook]
    #[arg(long, value_parser = parse_path)]
    pub(super) path: Option<String>,

    /// Verify with the key in this file (else `VWH_SIGNING_KEY`); several while a key is rotated
    #[arg(long, value_name = "FILE")]
    pub(super) signing_key_file: Vec<PathBuf>,

    /// Take deliveries of this service only
    #[arg(long, value_name = "SERVICE", value_parser = service::parser())]
    pub(super) service: Option<ServiceKind>,

    /// Verify nothing: believe whoever can connect
    #[arg(long, conflicts_with_all = ["signing_key_file", "register"])]
    pub(super) unsigned: bool,

    /// Pass each delivery on to this URL as it came, once
    #[arg(long, value_name = "URL", value_parser = parse_forward)]
    pub(super) forward: Option<Url>,

    /// What the service is answered: 200 before a delivery is forwarded, or what --forward answers while it waits
    #[arg(long, value_name = "WHAT", default_value = "first", requires_if("forward", "forward"))]
    pub(super) answer: Answer,

    /// Append a line to this file for each delivery, before it is answered with 200
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,

    /// Register a webhook for this URL, which leads here, and delete it at the end; port 0 in it is the port of --bind
    #[arg(long, value_name = "PUBLIC_URL", value_parser = parse_url)]
    pub(super) register: Option<Url>,

    /// Register it for this event; may be given several times [default: every event] (Contact Center)
    #[arg(long, value_name = "EVENT", requires = "register", conflicts_with = "unsigned")]
    pub(super) event: Vec<String>,

    /// Register an http url of this machine, for local work (Contact Center, VoIPBIN)
    #[arg(long, requires = "register", conflicts_with = "unsigned")]
    pub(super) allow_http: bool,

    /// Rehearse a failure: answer what is verified like this, and neither record nor forward it
    #[arg(long, value_name = "HOW")]
    pub(super) fail: Option<Fail>,
}

impl ListenArgs {
    /// Whether a webhook is to be registered.
    #[must_use]
    pub const fn registers(&self) -> bool {
        self.register.is_some()
    }
}

/// Who answers the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Answer {
    /// `listen` does, with 200, before it forwards
    First,
    /// The handler does, as long as the service waits
    Forward,
}

/// A failure to rehearse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Fail {
    /// An error of the receiver
    #[value(name = "500")]
    InternalServerError,
    /// A path that is not there
    #[value(name = "404")]
    NotFound,
    /// No answer for longer than the service waits
    Timeout,
    /// Redirects without end
    Redirect,
}

impl Fail {
    /// What the receiver is to do.
    pub(super) const fn failure(self) -> Failure {
        match self {
            Self::InternalServerError => Failure::Status(500),
            Self::NotFound => Failure::Status(404),
            Self::Timeout => Failure::Timeout,
            Self::Redirect => Failure::Redirect,
        }
    }
}

fn parse_bind(text: &str) -> Result<SocketAddr, String> {
    // What a machine calls itself may have several addresses; this is the one that deliveries are told to come to.
    let port = text.strip_prefix("localhost:");
    let text = port.map_or_else(|| text.to_owned(), |port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
    text.parse().map_err(|_| "write an address and a port such as 127.0.0.1:3000".to_owned())
}

fn parse_path(text: &str) -> Result<String, String> {
    // As a request has it: whatever a browser would escape is escaped.
    let is_path = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_path && !text.contains(['?', '#']) {
        Ok(text.to_owned())
    } else {
        Err("write a path such as /webhook".to_owned())
    }
}

fn parse_forward(text: &str) -> Result<Url, String> {
    let url = parse_url(text)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("calls and their numbers would travel unencrypted: use https, or a host on this machine"
            .to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_binds_to_an_address_or_to_localhost() {
        for (text, address) in [
            ("127.0.0.1:3000", "127.0.0.1:3000"),
            ("localhost:3000", "127.0.0.1:3000"),
            ("localhost:0", "127.0.0.1:0"),
            ("[::1]:3000", "[::1]:3000"),
        ] {
            assert_eq!(parse_bind(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in
            ["localhost", "localhost:", "localhost:x", "localhost:70000", "example.test:1", "3000", ""]
        {
            assert!(parse_bind(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_a_path() {
        for path in ["/", "/webhook", "/a/b%20c"] {
            assert_eq!(parse_path(path).as_deref(), Ok(path));
        }
        for text in ["", "webhook", "/a?b", "/a#b", "/a b", "/\u{e9}", "http://a.example/"] {
            assert!(parse_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deliveries_are_passed_on_to_this_machine_or_encrypted() {
        for url in ["http://127.0.0.1:9/x", "http://localhost/", "http://[::1]:9/", "https://a.example/x?y"] {
            assert!(parse_forward(url).is_ok(), "{url}");
        }
        for url in ["http://a.example/", "http://192.168.0.1/", "ftp://localhost/", "localhost:9", ""] {
            assert!(parse_forward(url).is_err(), "{url}");
        }
    }
}
