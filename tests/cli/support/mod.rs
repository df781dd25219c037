//! What the black-box tests stand on: a hermetic way to run vwh, servers that misbehave, a terminal.
//!
//! It knows no command and no document of vwh: what those should be is for the tests to say.

#![cfg_attr(
    not(unix),
    allow(dead_code, reason = "the tests of signals and of this harness need a Unix shell")
)]

mod capture;
mod fixture;
mod message;
mod network;
mod outcome;
mod process;
mod server;
#[cfg(unix)]
mod terminal;
mod vwh;

use std::time::Duration;

pub(crate) use fixture::fixture;
pub(crate) use message::{Reply, Request, json};
#[cfg(target_os = "linux")]
pub(crate) use network::black_hole;
pub(crate) use network::refused;
pub(crate) use outcome::Outcome;
pub(crate) use process::Process;
#[cfg(unix)]
pub(crate) use process::Signal;
pub(crate) use server::Server;
#[cfg(unix)]
pub(crate) use terminal::{Screen, Stream, Terminal, unread_terminal};
pub(crate) use vwh::{Run, TOKEN, Vwh};

/// How long any wait may last before the test fails. It only ends what hangs; no test measures time with it.
pub(crate) const GUARD: Duration = Duration::from_mins(2);
