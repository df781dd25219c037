//! How long a command may take and whether it was interrupted: the end of `--timeout`, a batch's patience, Ctrl-C.
//!
//! One value is shared by everything that waits. It decides nothing; whoever waits asks it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};
use tokio::time::Instant;

/// The limits of one run. Clones share their state.
#[derive(Clone, Debug)]
pub struct Limits {
    times: Arc<Mutex<Times>>,
    interrupt: watch::Receiver<bool>,
    vital: Arc<RwLock<()>>,
}

#[derive(Debug)]
struct Times {
    ends: Option<Instant>,
    patience: Option<Duration>,
    progressed: Instant,
}

/// Ctrl-C, SIGTERM or SIGHUP came while waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl Limits {
    /// Limits that end the command after `timeout` (`None`: never), with `interrupt` turning true at Ctrl-C.
    #[must_use]
    pub fn new(timeout: Option<Duration>, interrupt: watch::Receiver<bool>) -> Self {
        let progressed = Instant::now();
        let ends = timeout.and_then(|timeout| progressed.checked_add(timeout));
        let times = Arc::new(Mutex::new(Times { ends, patience: None, progressed }));
        Self { times, interrupt, vital: Arc::default() }
    }

    /// From now on also ends when nothing succeeded for `patience` (batches, design §1).
    pub fn set_patience(&self, patience: Duration) {
        self.with(|times| {
            times.patience = Some(patience);
            times.progressed = Instant::now();
        });
    }

    /// Something succeeded.
    pub fn progressed(&self) {
        self.with(|times| times.progressed = Instant::now());
    }

    /// Waiting for a person does not count.
    pub fn extend(&self, waited: Duration) {
        self.with(|times| {
            times.ends = times.ends.and_then(|ends| ends.checked_add(waited));
            times.progressed = Instant::now();
        });
    }

    /// How much time is left; `None` without a limit.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.with(|times| {
            let patience = times.patience.and_then(|patience| times.progressed.checked_add(patience));
            let earliest = [times.ends, patience].into_iter().flatten().min()?;
            Some(earliest.saturating_duration_since(Instant::now()))
        })
    }

    /// Whether Ctrl-C, SIGTERM or SIGHUP has come.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        *self.interrupt.borrow()
    }

    /// Sleeps, unless interrupted first.
    pub async fn sleep(&self, duration: Duration) -> Result<(), Interrupted> {
        self.or_interrupted(tokio::time::sleep(duration)).await
    }

    /// Waits for `future`, unless interrupted first.
    pub async fn or_interrupted<T>(&self, future: impl Future<Output = T>) -> Result<T, Interrupted> {
        let mut interrupt = self.interrupt.clone();
        tokio::select! {
            biased;
            // The sender lives as long as the run; if it is gone, nobody will interrupt any more.
            Ok(_) = interrupt.wait_for(|interrupted| *interrupted) => Err(Interrupted),
            value = future => Ok(value),
        }
    }

    /// Waits for `future` as long as there is time; `None` if there is not enough.
    pub async fn within<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        match self.remaining() {
            Some(left) => tokio::time::timeout(left, future).await.ok(),
            None => Some(future.await),
        }
    }

    /// Waits for Ctrl-C, SIGTERM or SIGHUP.
    pub async fn interrupted(&self) {
        let never = std::future::pending::<std::convert::Infallible>();
        // The future never ends by itself, so only an interrupt does.
        let _ = self.or_interrupted(never).await;
    }

    /// Until this is dropped, the first Ctrl-C does not end the command: what was begun would be lost half-way.
    pub async fn vital(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.vital).read_owned().await
    }

    /// Waits until nothing vital is under way.
    pub async fn nothing_vital(&self) {
        drop(self.vital.write().await);
    }

    fn with<T>(&self, use_times: impl FnOnce(&mut Times) -> T) -> T {
        use_times(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
