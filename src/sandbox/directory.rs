//! The sandbox's files: where they are, who may read them, and how they are replaced.
//!
//! What is in the state file is `store`'s business.

use std::fs::Metadata;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::SandboxError;

/// The directory that holds the sandbox's state and locks.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The directory at `path`, made for this user alone when it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, SandboxError> {
        create_private_directory(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// The state file.
    pub(super) fn state(&self) -> PathBuf {
        self.path.join("sandbox.json")
    }

    /// Held by the one process that serves, as long as it serves.
    pub(super) fn serving_lock(&self) -> PathBuf {
        self.path.join("sandbox.lock")
    }

    /// Held, shared, by every process that uses another's sandbox.
    pub(super) fn clients_lock(&self) -> PathBuf {
        self.path.join("sandbox.clients.lock")
    }

    /// Held while a process finds out who serves, and while it starts to serve.
    pub(super) fn starting_lock(&self) -> PathBuf {
        self.path.join("sandbox.starting.lock")
    }

    /// The content of the state file, if there is one; it must be closed to other users.
    pub(super) fn read_state(&self) -> Result<Option<Vec<u8>>, SandboxError> {
        let path = self.state();
        match fs::read(&path) {
            Ok(content) if is_private(&fs::metadata(&path)?) => Ok(Some(content)),
            Ok(_) => Err(SandboxError::Exposed { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces the state file: a reader, or a process started after a kill, finds the old content or the new, whole.
    ///
    /// Only the process that holds the serving lock may call this, one call at a time: the file beside has a fixed name,
    /// so that a kill leaves one stray file at most, which the next write takes over.
    pub(super) fn write_state(&self, content: &[u8]) -> io::Result<()> {
        let beside = self.path.join("sandbox.json.new");
        remove_if_there(&beside)?;
        let mut file = private_file().write(true).create_new(true).open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, self.state())?;
        self.sync()
    }

    /// Makes sure that a rename outlives a power cut.
    #[cfg(unix)]
    fn sync(&self) -> io::Result<()> {
        match fs::File::open(&self.path)?.sync_all() {
            // Some file systems have nothing to sync there, and say so.
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
            _ => Ok(()),
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "directories cannot be opened there")]
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a lock file, making it when it is not there. Nobody ever removes or renames one.
pub(super) fn open_lock(path: &Path) -> io::Result<std::fs::File> {
    let file = private_file().read(true).write(true).create(true).truncate(false).open(path)?;
    Ok(file.into_parts().0)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn create_private_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot make {}: {error}", path.display())))
}

#[cfg(not(unix))]
fn create_private_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn private_file() -> fs::OpenOptions {
    use fs_err::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private_file() -> fs::OpenOptions {
    fs::OpenOptions::new()
}

#[cfg(unix)]
fn is_private(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let for_others = metadata.permissions().mode() & 0o077;
    for_others == 0
}

/// Elsewhere the user's own directories are closed to others by what they inherit.
#[cfg(not(unix))]
fn is_private(_metadata: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_file_beside_never_becomes_the_state() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::open(temporary.path()).unwrap();
        assert_eq!(directory.read_state().unwrap(), None);
        directory.write_state(b"first").unwrap();
        fs::write(temporary.path().join("sandbox.json.new"), b"sec").unwrap();
        assert_eq!(directory.read_state().unwrap().unwrap(), b"first");
        directory.write_state(b"third").unwrap();
        assert_eq!(directory.read_state().unwrap().unwrap(), b"third");
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn everything_is_made_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::open(&temporary.path().join("deep/state")).unwrap();
        directory.write_state(b"{}").unwrap();
        open_lock(&directory.serving_lock()).unwrap();
        assert_eq!(mode(&temporary.path().join("deep/state")), 0o700);
        assert_eq!(mode(&directory.state()), 0o600);
        assert_eq!(mode(&directory.serving_lock()), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_state_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::open(temporary.path()).unwrap();
        directory.write_state(b"{}").unwrap();
        fs::set_permissions(directory.state(), PermissionsExt::from_mode(0o640)).unwrap();
        let error = directory.read_state().unwrap_err();
        assert!(matches!(error, SandboxError::Exposed { .. }));
        assert!(error.hint().unwrap().starts_with("close it: chmod 600 '"));
    }
}
