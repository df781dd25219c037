//! File locks, waited for without blocking the runtime.
//!
//! The system releases them when their process dies, however it dies; that is why they, and not a port or a process id,
//! say who serves. `session` explains which lock means what.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::SandboxError;
use super::directory::open_lock;

/// How often a lock that is taken is tried again. Blocking calls would stop the server that shares the thread.
pub(super) const POLL: Duration = Duration::from_millis(10);

/// How long another process may take to start or stop a sandbox before something must be wrong with it.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Who else may hold the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Shared,
    Exclusive,
}

/// Takes the lock if it is free now. It is released when the file is dropped.
pub(super) fn take(path: &Path, hold: Hold) -> io::Result<Option<File>> {
    let file = open_lock(path)?;
    let attempt = match hold {
        Hold::Shared => file.try_lock_shared(),
        Hold::Exclusive => file.try_lock(),
    };
    match attempt {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(io::Error::new(error.kind(), format!("cannot lock {}: {error}", path.display())))
        }
    }
}

/// Takes the lock as soon as it is free, or gives up after [`PATIENCE`].
pub(super) async fn wait_for(path: &Path, hold: Hold) -> Result<File, SandboxError> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(file) = take(path, hold)? {
            return Ok(file);
        }
        tokio::time::sleep(POLL).await;
    }
    Err(SandboxError::Busy { path: path.to_owned() })
}

/// Takes the lock as soon as it is free, however long that takes.
pub(super) async fn wait_without_end(path: &Path, hold: Hold) -> Result<File, SandboxError> {
    loop {
        match wait_for(path, hold).await {
            Err(SandboxError::Busy { .. }) => {}
            decided => return decided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_holds_go_together_and_exclusive_ones_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.lock");
        let first = take(&path, Hold::Shared).unwrap().unwrap();
        let second = take(&path, Hold::Shared).unwrap().unwrap();
        assert!(take(&path, Hold::Exclusive).unwrap().is_none());
        drop((first, second));
        let only = take(&path, Hold::Exclusive).unwrap().unwrap();
        assert!(take(&path, Hold::Shared).unwrap().is_none());
        drop(only);
        assert!(path.exists(), "a lock file is never removed");
    }
}
