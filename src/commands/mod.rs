//! The commands: one file each, its `Args` above and its `run` below. What several of them share is in `account`,
//! `snapshot`, `confirm`, `lock`, `destination`, `signing_key`, `removal`, `replacement`,
//! `batch` and `report`.
//!
//! A command decides; it does not print by itself (`output`), does not speak HTTP (`services`) and never sees an exit code.

pub mod account;
pub mod batch;
pub mod completions;
pub mod confirm;
pub mod create;
pub mod delete;
pub mod destination;
pub mod list;
pub mod lock;
pub mod man;
pub mod prune_failed;
pub mod removal;
pub mod renew;
pub mod replace;
pub mod replacement;
pub mod report;
pub mod restore;
pub mod restore_list;
pub mod rotate;
pub mod sandbox;
pub mod signing_key;
pub mod snapshot;
pub mod status;

use chrono::{DateTime, Utc};

use crate::files::FileError;
use crate::limits::Limits;
use crate::output::Output;
use crate::settings::Settings;

/// What every command is handed.
pub struct Context {
    /// Flags, environment and configuration, merged.
    pub settings: Settings,
    /// The streams.
    pub output: Output,
    /// Time limit and interrupt.
    pub limits: Limits,
    /// This machine's clock.
    pub clock: fn() -> DateTime<Utc>,
    /// Bytes that nobody can guess.
    pub random_bytes: fn(&mut [u8]) -> std::io::Result<()>,
}

impl Context {
    /// A short name that no other run has.
    pub fn run_name(&self) -> Result<String, FileError> {
        let mut bytes = [0; 8];
        (self.random_bytes)(&mut bytes)?;
        Ok(hex(&bytes))
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
