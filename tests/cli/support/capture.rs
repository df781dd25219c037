//! Everything a child writes to one stream, collected while it runs, with a way to wait for a piece of it.
//!
//! It waits by being told, never by looking again after a pause.

use std::io::{ErrorKind, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use super::GUARD;

/// A stream of a child, read to its end by a thread of its own.
#[derive(Clone, Default)]
pub(super) struct Capture(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    has_ended: bool,
}

impl Capture {
    /// Collects what `reader` gives.
    pub(super) fn of(mut reader: impl Read + Send + 'static) -> Self {
        let capture = Self::default();
        let collector = capture.clone();
        thread::spawn(move || {
            let mut piece = [0; 8192];
            loop {
                match reader.read(&mut piece) {
                    Ok(count) if count > 0 => {
                        collector.change(|state| state.bytes.extend_from_slice(&piece[..count]));
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // A pseudo-terminal reports its end as an error on some systems and as zero bytes on others.
                    Ok(_) | Err(_) => return collector.change(|state| state.has_ended = true),
                }
            }
        });
        capture
    }

    /// A stream that nothing is written to.
    pub(super) fn ended() -> Self {
        let capture = Self::default();
        capture.change(|state| state.has_ended = true);
        capture
    }

    /// Waits until `find` finds what it looks for in the bytes so far; `sought` names it in the failure.
    pub(super) fn wait_for<T>(&self, sought: &str, find: impl Fn(&[u8]) -> Option<T>) -> T {
        let deadline = Instant::now() + GUARD;
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&state.bytes) {
                return found;
            }
            let so_far = String::from_utf8_lossy(&state.bytes);
            assert!(!state.has_ended, "the stream ended without {sought}; it was:\n{so_far}");
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{sought} did not come in {GUARD:?}; so far:\n{so_far}");
            state = self.0.changed.wait_timeout(state, left).expect("the collector does not panic").0;
        }
    }

    /// Waits for the end of the stream and gives all of it.
    pub(super) fn text(&self) -> String {
        let deadline = Instant::now() + GUARD;
        let mut state = self.lock();
        while !state.has_ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "vwh has ended, but something it started still holds its output");
            state = self.0.changed.wait_timeout(state, left).expect("the collector does not panic").0;
        }
        String::from_utf8_lossy(&state.bytes).into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("the collector does not panic")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.0.changed.notify_all();
    }
}

/// The first whole line at or after `start` that `is_sought` accepts, and where the text after it begins.
pub(super) fn find_line(
    bytes: &[u8],
    start: usize,
    is_sought: impl Fn(&str) -> bool,
) -> Option<(String, usize)> {
    let mut line_start = start;
    while let Some(length) = bytes[line_start..].iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&bytes[line_start..line_start + length]);
        let line = line.trim_end_matches('\r');
        line_start += length + 1;
        if is_sought(line) {
            return Some((line.to_owned(), line_start));
        }
    }
    None
}

/// Where the text after the first `sought` at or after `start` begins.
#[cfg(unix)]
pub(super) fn find_text(bytes: &[u8], start: usize, sought: &str) -> Option<usize> {
    let position = bytes[start..].windows(sought.len()).position(|window| window == sought.as_bytes())?;
    Some(start + position + sought.len())
}
