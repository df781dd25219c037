//! Finds out which process serves a state directory: this one may, or another does.
//!
//! Three locks, none of which is ever removed:
//! - `sandbox.lock`, held by the process that serves, from before it starts until after it stopped;
//! - `sandbox.starting.lock`, held by a process only while it looks who serves, and while it starts to serve itself;
//! - `sandbox.clients.lock`, held shared by each process that uses another's sandbox, so that an embedded one stays.
//!
//! Whoever holds the starting lock and finds the serving lock taken knows that its holder is done with starting, so that
//! the address in the state file is that holder's and not one left behind by a process that was killed: nobody else can
//! have started since. A port is never probed.

use std::fs::File;

use super::SandboxError;
use super::directory::Directory;
use super::locks::{self, Hold};
use super::state;

/// Who serves. The starting lock comes along, because the answer is good only while it is held.
#[derive(Debug)]
pub(super) enum Elected {
    /// Nobody did, so we may.
    Ours { serving: File, starting: File },
    /// Another process does.
    Theirs { starting: File },
}

/// Finds out who serves `directory`.
pub(super) async fn settle(directory: &Directory) -> Result<Elected, SandboxError> {
    let starting = locks::wait_for(&directory.starting_lock(), Hold::Exclusive).await?;
    Ok(match locks::take(&directory.serving_lock(), Hold::Exclusive)? {
        Some(serving) => Elected::Ours { serving, starting },
        None => Elected::Theirs { starting },
    })
}

/// The address at which another process serves; called while the starting lock is held.
pub(super) fn address(directory: &Directory) -> Result<Option<String>, SandboxError> {
    Ok(state::read(directory)?.and_then(|state| state.address))
}
