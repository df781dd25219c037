//! The sandbox's state in memory and, before any change is acknowledged, on disk.
//!
//! One write goes on at a time and carries every change made before it began, so a burst of changes costs a few writes.
//! What nobody waits for (`note`) is written a moment later, with whatever else there is by then.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};

use super::SandboxError;
use super::account::Account;
use super::clock::Clock;
use super::contact_center::book::Book;
use super::demo::Demo;
use super::directory::Directory;
use super::events::EventLog;
use super::oauth::ledger::Ledger;
use super::state::{self, Host, Kept, State};
use super::timestamp::Timestamp;
use super::voipbin;
use crate::secret::Secret;

/// How long a noted change waits for others, so that a stream of them costs a few writes a second at most.
const LATER: Duration = Duration::from_millis(250);

/// The state, held by whoever serves.
#[derive(Debug)]
pub(super) struct Store {
    directory: Directory,
    memory: Mutex<Memory>,
    /// The last revision that is on disk. Whoever holds this lock may write the state file.
    written: Arc<tokio::sync::Mutex<u64>>,
    /// `sandbox.lock`: released in `close`, or when nothing that could serve is left.
    serving: File,
}

#[derive(Debug)]
struct Memory {
    account: Account,
    ledger: Ledger,
    book: Book,
    events: EventLog,
    voipbin: voipbin::account::Account,
    clock: Clock,
    token: Secret,
    host: Option<Host>,
    /// Counts changes.
    revision: u64,
    /// Whether a write of what was noted is to come.
    is_noted: bool,
    is_closed: bool,
}

/// How a start changes what the state file says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Sandbox seconds per real second.
    pub(super) speed: f64,
    /// Without webhooks, whatever the state holds.
    pub(super) empty: bool,
}

impl Store {
    /// Reads the state, or makes the first one, and writes it with the `host` that will serve it.
    ///
    /// `serving` is the lock file that gives the right to do this.
    pub(super) fn open(
        directory: Directory,
        serving: File,
        host: Host,
        start: Start,
    ) -> Result<Self, SandboxError> {
        let state = state::read::<State>(&directory)?.unwrap_or_else(|| {
            let now = machine_time();
            State::first(Demo::new(false, now), now)
        });
        let (webhooks, book, events) = if start.empty {
            (Vec::new(), Book::default(), EventLog::default().in_place_of(&state.events))
        } else {
            (state.webhooks, state.contact_center, state.events)
        };
        let mut voipbin = state.voipbin.unwrap_or_else(|| voipbin::account::Account::demo(state.now));
        if start.empty {
            voipbin.empty_slot();
        }
        let memory = Memory {
            account: Account::new(webhooks),
            ledger: state.oauth,
            book,
            events,
            voipbin,
            clock: Clock::new(state.now, Instant::now(), start.speed),
            token: state.token,
            host: Some(host),
            revision: 0,
            is_noted: false,
            is_closed: false,
        };
        directory.write_state(&memory.to_bytes()?)?;
        let written = Arc::new(tokio::sync::Mutex::new(0));
        Ok(Self { directory, memory: Mutex::new(memory), written, serving })
    }

    /// The sandbox time.
    pub(super) fn now(&self) -> Timestamp {
        self.memory().clock.now(Instant::now())
    }

    /// How long it takes in real time until the clock shows `due`; `None` when it never gets there by itself.
    pub(super) fn real_time_until(&self, due: Timestamp) -> Option<Duration> {
        self.memory().clock.real_time_until(due, Instant::now())
    }

    /// Sandbox seconds per real second.
    pub(super) fn speed(&self) -> f64 {
        self.memory().clock.speed()
    }

    /// The token that opens the API and the knobs.
    pub(super) fn token(&self) -> Secret {
        self.memory().token.clone()
    }

    /// Looks at the account.
    pub(super) fn read<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        look(&mut self.memory().account)
    }

    /// Looks at what happened.
    pub(super) fn read_events<T>(&self, look: impl FnOnce(&EventLog) -> T) -> T {
        look(&self.memory().events)
    }

    /// Looks at what the token endpoint handed out.
    pub(super) fn read_ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.memory().ledger)
    }

    /// Looks at what Contact Center keeps.
    pub(super) fn read_book<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        look(&mut self.memory().book)
    }

    /// Changes the account; returns once the change is on disk. A `change` that gives `None` changed nothing.
    ///
    /// On an error the change is in memory only, and goes to disk with the next one.
    pub(super) async fn change<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Account) -> Option<T>,
    ) -> io::Result<Option<T>> {
        self.try_edit(|memory| change(&mut memory.account)).await
    }

    /// The same with what Contact Center keeps.
    pub(super) async fn change_book<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Book) -> Option<T>,
    ) -> io::Result<Option<T>> {
        self.try_edit(|memory| change(&mut memory.book)).await
    }

    async fn try_edit<T>(
        self: &Arc<Self>,
        edit: impl FnOnce(&mut Memory) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let (result, revision) = {
            let mut memory = self.memory();
            let result = edit(&mut memory);
            if result.is_some() {
                memory.revision += 1;
            }
            (result, memory.revision)
        };
        if result.is_some() {
            self.save(revision).await?;
        }
        Ok(result)
    }

    /// Looks at the customer of VoIPBIN.
    pub(super) fn read_voipbin<T>(&self, look: impl FnOnce(&voipbin::account::Account) -> T) -> T {
        look(&self.memory().voipbin)
    }

    /// Changes the customer of VoIPBIN, as `change` does the account.
    pub(super) async fn change_voipbin<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut voipbin::account::Account) -> Option<T>,
    ) -> io::Result<Option<T>> {
        self.try_edit(|memory| change(&mut memory.voipbin)).await
    }

    /// Changes what the token endpoint handed out; returns once that is on disk. On an error as `change` does.
    pub(super) async fn change_ledger<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Ledger) -> T,
    ) -> io::Result<T> {
        self.edit(|memory| change(&mut memory.ledger)).await
    }

    /// Changes the account or what happened, in memory; it goes to disk within a moment, or with the next change.
    pub(super) fn note<T>(self: &Arc<Self>, note: impl FnOnce(&mut Account, &mut EventLog) -> T) -> T {
        let (result, is_first) = {
            let mut memory = self.memory();
            let memory = &mut *memory;
            let result = note(&mut memory.account, &mut memory.events);
            memory.revision += 1;
            (result, !std::mem::replace(&mut memory.is_noted, true))
        };
        if is_first {
            let store = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(LATER).await;
                store.memory().is_noted = false;
                // A disk that takes nothing says so to the next who waits for it.
                let _ = store.flush().await;
            });
        }
        result
    }

    /// Moves the clock forward, in memory.
    pub(super) fn advance(&self, span: TimeDelta) {
        let mut memory = self.memory();
        memory.clock.advance(span);
        memory.revision += 1;
    }

    /// Sets the clock to the machine's time, brings the demo account back, or an empty one, and forgets what was handed
    /// out; all of it in memory.
    pub(super) fn reset(&self, empty: bool) {
        let mut memory = self.memory();
        let now = machine_time();
        let Demo { webhooks, contact_center, events } = Demo::new(empty, now);
        memory.clock.set(now, Instant::now());
        memory.account = Account::new(webhooks);
        memory.events = events.in_place_of(&memory.events);
        memory.ledger = Ledger::default();
        memory.voipbin.start_over(now);
        memory.book = contact_center;
        memory.revision += 1;
    }

    /// Returns once everything that is in memory is on disk.
    pub(super) async fn flush(self: &Arc<Self>) -> io::Result<()> {
        let revision = self.memory().revision;
        self.save(revision).await
    }

    /// Takes the address back: nobody else is to come here.
    pub(super) async fn withdraw(self: &Arc<Self>) -> io::Result<()> {
        self.edit(|memory| memory.host = None).await
    }

    async fn edit<T>(self: &Arc<Self>, edit: impl FnOnce(&mut Memory) -> T) -> io::Result<T> {
        let (result, revision) = {
            let mut memory = self.memory();
            let result = edit(&mut memory);
            memory.revision += 1;
            (result, memory.revision)
        };
        self.save(revision).await?;
        Ok(result)
    }

    /// Writes the last state, with the time at which the clock stops, and gives the serving lock back.
    pub(super) async fn close(self: &Arc<Self>) -> io::Result<()> {
        let written = Arc::clone(&self.written).lock_owned().await;
        let content = {
            let mut memory = self.memory();
            memory.is_closed = true;
            memory.host = None;
            memory.to_bytes()
        };
        let result = content.and_then(|content| self.directory.write_state(&content));
        drop(written);
        self.serving.unlock().and(result)
    }

    /// Returns once `revision`, or a later one, is on disk.
    async fn save(self: &Arc<Self>, revision: u64) -> io::Result<()> {
        let store = Arc::clone(self);
        // A task of its own: when a client hangs up, its request is dropped, and its change must reach the disk all the same.
        let saving = tokio::spawn(async move {
            let written = Arc::clone(&store.written).lock_owned().await;
            if *written >= revision {
                return Ok(());
            }
            // The lock goes along, so that nobody else writes before this write is over.
            tokio::task::spawn_blocking(move || store.write(written)).await?
        });
        saving.await?
    }

    fn write(&self, mut written: tokio::sync::OwnedMutexGuard<u64>) -> io::Result<()> {
        let (revision, content) = {
            let memory = self.memory();
            if memory.is_closed {
                return Err(io::Error::other("the sandbox has stopped"));
            }
            (memory.revision, memory.to_bytes()?)
        };
        self.directory.write_state(&content)?;
        *written = revision;
        Ok(())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // A panic while the lock was held cannot leave half a change that matters: each is one assignment or one push, or
        // hands out a token that then nobody got.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let now = self.clock.now(Instant::now());
        let Self { account, ledger, book, events, token, voipbin, .. } = self;
        let kept = Kept { account, ledger, book, events, token, voipbin };
        state::to_bytes(kept, now, self.host.as_ref())
    }
}

/// Replaces the state by a new account at the machine's time, without reading the old one, which may be unreadable.
///
/// The caller holds the serving lock.
pub(super) fn start_over(directory: &Directory, empty: bool) -> Result<(), SandboxError> {
    let now = machine_time();
    let first = State::first(Demo::new(empty, now), now);
    // The token outlives a reset where it can, because a running shell may have it, and so do the ids of calls.
    let (token, events, kept) = match state::read::<State>(directory).ok().flatten() {
        Some(old) => (old.token, first.events.in_place_of(&old.events), old.voipbin),
        None => (first.token, first.events, None),
    };
    let mut voipbin = kept.unwrap_or_else(|| voipbin::account::Account::demo(now));
    voipbin.start_over(now);
    let account = Account::new(first.webhooks);
    let kept = Kept {
        account: &account,
        ledger: &first.oauth,
        book: &first.contact_center,
        events: &events,
        token: &token,
        voipbin: &voipbin,
    };
    let content = state::to_bytes(kept, now, None)?;
    Ok(directory.write_state(&content)?)
}

fn machine_time() -> Timestamp {
    Timestamp::new(Utc::now())
}
