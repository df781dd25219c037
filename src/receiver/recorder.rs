//! Writes the record: one line for each delivery that is answered with 200, and before it is (design §6).
//!
//! What comes to one thread of the server at about the same time is written in one go. What a line says is `record`'s
//! business.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::hub::{Acceptance, Hub};
use crate::files::{self, FileError, Openness};

/// A record that can be written to.
#[derive(Debug)]
pub struct RecordFile {
    file: fs_err::File,
    path: PathBuf,
    /// Whether what is written last has no line end.
    is_torn: bool,
    /// Where it can be cut off again; a pipe or a device cannot.
    is_regular: bool,
    /// Others can read it.
    pub openness: Openness,
}

/// Writes lines, and has their deliveries accepted.
pub(super) struct Recorder {
    file: Mutex<RecordFile>,
    /// What is to be written next, for each thread of the server: whoever is woken by its own thread is woken for nothing.
    pending: Vec<Mutex<Pending>>,
    hub: Arc<Hub>,
}

#[derive(Default)]
struct Pending {
    text: Vec<u8>,
    entries: Vec<Entry>,
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
        let path = path.to_owned();
        let mut record = Self { file, path, is_torn: false, is_regular, openness };
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
        Ok(last == *b"\n")
    }

    /// Opens the record anew where it was moved away or removed, as whoever rotates logs does: what is answered with 200 is
    /// to be found under its name.
    fn follow(&mut self) -> io::Result<()> {
        if self.is_regular && !self.is_in_its_place()? {
            let path = self.path.clone();
            *self = Self::open(&path).map_err(|error| io::Error::other(error.to_string()))?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn is_in_its_place(&self) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt as _;
        let ours = self.file.metadata()?;
        // Without any, opening tells what is wrong.
        let there = fs_err::metadata(&self.path).ok();
        Ok(there.is_some_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())))
    }

    /// There an open file is neither moved nor removed.
    #[cfg(not(unix))]
    fn is_in_its_place(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Writes whole lines, or none of them as far as that is in our hands.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.follow()?;
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
    /// A recorder for so many threads.
    pub(super) fn new(file: RecordFile, threads: usize, hub: Arc<Hub>) -> Self {
        let pending = (0..threads).map(|_| Mutex::default()).collect();
        Self { file: Mutex::new(file), pending, hub }
    }

    /// Has `line` written on this `thread`, and then `acceptance` accepted, whoever still waits for it. The receiver ends
    /// with an error if it cannot be written.
    pub(super) fn write(
        self: &Arc<Self>,
        thread: usize,
        line: &str,
        acceptance: Acceptance,
    ) -> oneshot::Receiver<()> {
        let (written, waiting) = oneshot::channel();
        let Some(pending) = self.pending.get(thread) else { return waiting };
        let mut pending = lock(pending);
        pending.text.extend_from_slice(line.as_bytes());
        pending.entries.push(Entry { acceptance, written });
        if pending.entries.len() == 1 {
            // It runs when everything else on this thread that can run has, and takes along what that has brought. On its
            // own, since whoever waits here may hang up.
            let this = Arc::clone(self);
            tokio::spawn(async move { this.flush(thread) });
        }
        waiting
    }

    fn flush(&self, thread: usize) {
        let Some(pending) = self.pending.get(thread) else { return };
        let Pending { text, entries } = std::mem::take(&mut *lock(pending));
        // A write to the page cache takes less time than passing it to another thread; and where it takes long, there is
        // nothing else to do anyway.
        let written = lock(&self.file).write(&text);
        match written {
            Ok(()) => {
                self.hub.record_works();
                for Entry { acceptance, written } in entries {
                    self.hub.accept(acceptance);
                    let _ = written.send(());
                }
            }
            Err(error) => self.hub.record_broke(&error),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    fn a_record_that_was_moved_or_removed_is_begun_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        let mut record = RecordFile::open(&path).unwrap();
        record.write(b"a\n").unwrap();
        std::fs::rename(&path, directory.path().join("record.1")).unwrap();
        record.write(b"b\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "b\n");
        std::fs::remove_file(&path).unwrap();
        record.write(b"c\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c\n");
        // Another one that was put there, and may end in the middle of a line.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "to").unwrap();
        record.write(b"d\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "to\nd\n");
        assert!(matches!(RecordFile::open(&path), Err(FileError::Locked(_))));
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
