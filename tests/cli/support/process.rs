//! One running vwh: waiting for its lines, signalling it, and ending it when it hangs.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use shared_child::SharedChild;
use tempfile::TempDir;

use super::capture::{Capture, find_line};
use super::{GUARD, Outcome};

#[cfg(unix)]
pub(crate) use rustix::process::Signal;

/// A vwh that was started and not yet waited for. Dropping it kills it.
pub(crate) struct Process {
    child: SharedChild,
    stdout: Lines,
    stderr: Lines,
    home: Arc<TempDir>,
}

struct Lines {
    capture: Capture,
    /// Where the lines begin that no wait has passed yet.
    position: usize,
}

impl Process {
    /// Starts `command`, and gives up this process's copies of its streams.
    pub(super) fn start(mut command: Command, home: Arc<TempDir>) -> Self {
        let child = SharedChild::spawn(&mut command).expect("the binary starts");
        let stdout = child.take_stdout().map_or_else(Capture::ended, Capture::of);
        let stderr = child.take_stderr().map_or_else(Capture::ended, Capture::of);
        Self { child, stdout: Lines::of(stdout), stderr: Lines::of(stderr), home }
    }

    /// Waits for a whole line of stdout that `is_sought` accepts, after the last one waited for.
    #[track_caller]
    pub(crate) fn wait_for_line(&mut self, is_sought: impl Fn(&str) -> bool) -> String {
        self.stdout.wait_for("the line on stdout", is_sought)
    }

    /// The same on stderr.
    #[track_caller]
    pub(crate) fn wait_for_error_line(&mut self, is_sought: impl Fn(&str) -> bool) -> String {
        self.stderr.wait_for("the line on stderr", is_sought)
    }

    /// Ends it without a chance to clean up, as `kill -9` does.
    pub(crate) fn kill(&self) {
        self.child.kill().expect("a child can be killed");
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: Signal) {
        // A child that has ended but was not waited for keeps its id, so the signal cannot reach anyone else.
        let id = rustix::process::Pid::from_raw(self.child.id().cast_signed()).expect("a child has an id");
        rustix::process::kill_process(id, signal).expect("a child can be signalled");
    }

    /// Waits for its end. One that does not end by itself is killed and fails the test.
    #[track_caller]
    pub(crate) fn wait(self) -> Outcome {
        let status = self.child.wait_timeout(GUARD).expect("a child can be waited for");
        if status.is_none() {
            self.kill();
        }
        let outcome = Outcome {
            code: status.and_then(|status| status.code()),
            stdout: self.stdout.capture.text(),
            stderr: self.stderr.capture.text(),
            screen: None,
            home: self.home().to_owned(),
        };
        assert!(status.is_some(), "vwh did not end in {GUARD:?}\n{outcome}");
        outcome
    }

    fn home(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    fn of(capture: Capture) -> Self {
        Self { capture, position: 0 }
    }

    fn wait_for(&mut self, sought: &str, is_sought: impl Fn(&str) -> bool) -> String {
        let (line, position) =
            self.capture.wait_for(sought, |bytes| find_line(bytes, self.position, &is_sought));
        self.position = position;
        line
    }
}
