//! Writes the record: one line for each delivery that is answered with 200, and before it is (design §6).
//!
//! One thread writes everything that came while it was writing, in one go. What a line says is `record`'s business.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::hub::{Acceptance, Hub};
use crate::files::{self, FileError, Openness};

/// A record that can be written to.
#[derive(Debug)]
pub struct RecordFile {
    file: fs_err::File,
    /// Whether what is written last has no line end.
    is_torn: bool,
    /// Where it can be cut off again; a pipe or a device cannot.
    is_regular: bool,
    /// Others can read it.
    pub openness: Openness,
}

/// Hands lines to the thread that writes.
pub(super) struct Recorder {
    shared: Arc<Shared>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

#[derive(Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

/// What is to be written next.
#[derive(Default)]
struct Pending {
    text: Vec<u8>,
    entries: Vec<Entry>,
    is_closed: bool,
    is_writing: bool,
}

struct Entry {
    acceptance: Acceptance,
    written: oneshot::Sender<()>,
}

impl RecordFile {
    /// Opens the record at `path`, or makes it for the user alone. A line that an earlier crash tore is ended first.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = files::open_named(path)?;
        let is_regular = file.metadata()?.is_file();
        if is_regular {
            files::hold(&file, path)?;
        }
        let openness = files::openness(path)?.filter(|_| is_regular).unwrap_or(Openness::Private);
        let mut record = Self { file, is_torn: false, is_regular, openness };
        record.is_torn = record.is_regular && !record.ends_a_line()?;
        Ok(record)
    }

    fn ends_a_line(&mut self) -> io::Result<bool> {
        let end = self.file.seek(SeekFrom::End(0))?;
        if end == 0 {
            return Ok(true);
        }
        let mut last = [0];
        self.file.seek(SeekFrom::Start(end - 1))?;
        self.file.read_exact(&mut last)?;
        Ok(last == [b'\n'])
    }

    /// Writes whole lines, or none of them as far as that is in our hands.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
        }
        let end = if self.is_regular { Some(self.file.seek(SeekFrom::End(0))?) } else { None };
        let written = self.file.write_all(lines);
        if written.is_err() {
            let is_cut_off = end.is_some_and(|end| self.file.set_len(end).is_ok());
            self.is_torn = !is_cut_off;
        }
        written
    }
}

impl Recorder {
    /// Starts the thread.
    pub(super) fn start(file: RecordFile, hub: Arc<Hub>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        let (end, ended) = oneshot::channel();
        thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            writer.write_all_that_comes(file, &hub);
            let _ = end.send(());
        })?;
        Ok(Self { shared, ended: Mutex::new(Some(ended)) })
    }

    /// Has `line` written, and then `acceptance` accepted, whoever still waits for it. The receiver ends with an error if it
    /// cannot be written.
    pub(super) fn write(&self, line: &str, acceptance: Acceptance) -> oneshot::Receiver<()> {
        let (written, waiting) = oneshot::channel();
        let mut pending = self.shared.lock();
        pending.text.extend_from_slice(line.as_bytes());
        pending.entries.push(Entry { acceptance, written });
        let is_writing = pending.is_writing;
        drop(pending);
        if !is_writing {
            self.shared.changed.notify_one();
        }
        waiting
    }

    /// Writes what is there; no more comes.
    pub(super) async fn close(&self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_one();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            let _ = ended.await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all_that_comes(&self, mut file: RecordFile, hub: &Hub) {
        let (mut text, mut entries) = (Vec::new(), Vec::new());
        loop {
            let mut pending = self.lock();
            pending.is_writing = false;
            while pending.entries.is_empty() {
                if pending.is_closed {
                    return;
                }
                pending = self.changed.wait(pending).unwrap_or_else(PoisonError::into_inner);
            }
            pending.is_writing = true;
            std::mem::swap(&mut pending.text, &mut text);
            std::mem::swap(&mut pending.entries, &mut entries);
            drop(pending);
            match file.write(&text) {
                Ok(()) => {
                    hub.record_works();
                    for Entry { acceptance, written } in entries.drain(..) {
                        hub.accept(acceptance);
                        let _ = written.send(());
                    }
                }
                Err(error) => {
                    hub.record_broke(&error);
                    entries.clear();
                }
            }
            text.clear();
            text.shrink_to(KEPT);
        }
    }
}

/// How much room for lines is kept from one write to the next.
const KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_torn_is_ended_before_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        for (before, after) in [("", "a\n"), ("x\n", "x\na\n"), ("x\nto", "x\nto\na\n")] {
            std::fs::write(&path, before).unwrap();
            RecordFile::open(&path).unwrap().write(b"a\n").unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after, "{before:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_record_is_one_runs_and_the_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        let record = RecordFile::open(&path).unwrap();
        assert_eq!(record.openness, Openness::Private);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(RecordFile::open(&path), Err(FileError::Locked(_))));
        drop(record);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(RecordFile::open(&path).unwrap().openness, Openness::Exposed);
    }
}
