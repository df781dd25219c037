//! The commands: one file each, its `Args` above and its `run` below. What several of them share is in `account`,
//! `accounts`, `snapshot`, `standing`, `browser`, `confirm`, `lock`, `destination`, `signing_key`, `removal`,
//! `replacement`, `noting`, `batch`, `watch`, `report`, `posting`, `endpoint` and `lines`.
//!
//! A command decides; it does not print by itself (`output`), does not speak HTTP (`services`) and never sees an exit code.

pub mod account;
pub mod accounts;
pub mod batch;
pub mod browser;
pub mod check;
pub mod completions;
pub mod confirm;
pub mod create;
pub mod delete;
pub mod destination;
pub mod doctor;
pub mod endpoint;
pub mod event_types;
pub mod export;
pub mod gap;
pub mod lines;
pub mod list;
pub mod list_changes;
pub mod listen;
pub mod lock;
pub mod login;
pub mod logout;
pub mod man;
pub mod missed;
pub mod noting;
pub mod posting;
pub mod profiles;
pub mod prune_failed;
pub mod reading;
pub mod registering;
pub mod removal;
pub mod renew;
pub mod replace;
pub mod replacement;
pub mod report;
pub mod restore;
pub mod rotate;
pub mod sandbox;
pub mod service;
pub mod signing_key;
pub mod slot;
pub mod snapshot;
pub mod standing;
pub mod status;
pub mod trigger;
pub mod update;
pub mod verify;
pub mod watch;
pub mod whoami;

use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::files::FileError;
use crate::hexadecimal;
use crate::limits::Limits;
use crate::output::Output;
use crate::output::progress::Progress;
use crate::settings::Settings;

/// What every command is handed.
pub struct Context {
    /// Flags, environment and configuration, merged.
    pub settings: Settings,
    /// The streams.
    pub output: Output,
    /// Time limit and interrupt.
    pub limits: Limits,
    /// The bar of its batches.
    pub progress: Rc<Progress>,
    /// Held while a person is asked, so that of several profiles one asks at a time.
    pub asking: tokio::sync::Mutex<()>,
    /// This machine's clock.
    pub clock: fn() -> DateTime<Utc>,
    /// Bytes that nobody can guess.
    pub random_bytes: fn(&mut [u8]) -> std::io::Result<()>,
}

impl Context {
    /// Waits for `work`, which a first Ctrl-C lets end: it says so.
    pub async fn finishing<T>(&self, work: impl Future<Output = T>) -> T {
        let reassurance = async {
            self.limits.interrupted().await;
            let _hidden = self.progress.hide();
            self.output.notice("finishing what is under way; Ctrl-C again ends it at once");
            std::future::pending::<std::convert::Infallible>().await
        };
        tokio::select! {
            value = work => value,
            never = reassurance => match never {},
        }
    }

    /// A short name that no other run has.
    pub fn run_name(&self) -> Result<String, FileError> {
        let mut bytes = [0; 8];
        (self.random_bytes)(&mut bytes)?;
        Ok(hexadecimal::encode(&bytes))
    }
}
