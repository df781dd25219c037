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
use std::time::{Duration, Instant};

use super::SandboxError;
use super::directory::Directory;
use super::locks::{self, Hold, POLL};
use super::state::{self, Door};

/// How long a sandbox to be started in the foreground waits for another to end: most commands are done by then.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// What to say when another process serves and may not; called while the starting lock is held.
pub(super) fn taken(directory: &Directory) -> SandboxError {
    // That it runs is sure even where the file cannot be read.
    let host = state::read(directory).ok().flatten().and_then(|door: Door| door.host);
    SandboxError::Running {
        address: host.as_ref().map(|host| host.address),
        embedded: host.is_some_and(|host| host.embedded),
    }
}

/// Takes the serving lock. A sandbox embedded in a command that runs is given a moment to end with it, and so is one that
/// has taken its address back because it stops.
pub(super) async fn win(directory: &Directory) -> Result<(File, File), SandboxError> {
    let start = Instant::now();
    loop {
        let error = match settle(directory).await? {
            Elected::Ours { serving, starting } => return Ok((serving, starting)),
            Elected::Theirs { starting: _starting } => taken(directory),
        };
        let may_end = matches!(
            error,
            SandboxError::Running { embedded: true, .. } | SandboxError::Running { address: None, .. }
        );
        if !may_end || start.elapsed() > PATIENCE {
            return Err(error);
        }
        tokio::time::sleep(POLL).await;
    }
}
