//! Files that vwh keeps for itself: private to the user, replaced whole, locked through a sibling `NAME.lock` that is never
//! renamed or removed (design §3). What the files say is their owners' business.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::limits::Limits;

/// How often a lock that another process holds is tried again.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Why a file of vwh's own cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading or writing failed; the text names the file.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Others can read a file that holds secrets.
    #[error("{} can be read by others", .0.display())]
    Exposed(PathBuf),
    /// Another process holds the lock.
    #[error("{} is locked by another run", .0.display())]
    Locked(PathBuf),
    /// Ctrl-C while waiting for a lock.
    #[error("interrupted")]
    Interrupted,
}

/// A lock that is released when it is dropped, or when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Creates `directory` and its parents, for the user alone.
pub fn create_directory(directory: &Path) -> Result<(), FileError> {
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        // Of the parents too: a folder inside the state directory may be the first that is needed.
        builder.mode(0o700);
    }
    let created = builder.create(directory);
    created.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot make {}: {error}", directory.display())).into()
    })
}

/// Opens `path` for appending and reading; creates it for the user alone.
pub fn open_private(path: &Path) -> Result<fs_err::File, FileError> {
    let mut options = fs_err::OpenOptions::new();
    options.append(true).read(true).create(true);
    private_mode(&mut options);
    let file = options.open(path)?;
    refuse_exposed(path, file.file())?;
    Ok(file)
}

/// Creates `path` with `content` for the user alone; fails if it exists.
pub fn create_new_private(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create_new(true);
    private_mode(&mut options);
    let mut file = options.open(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a key is worse than none.
        let _ = fs_err::remove_file(path);
    }
    Ok(written?)
}

/// Replaces `path` by `content`: written beside, synced, renamed.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    create_directory(directory)?;
    // `tempfile` creates with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The content of a file that vwh wrote; `None` if there is none.
pub fn read_private(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let mut file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    refuse_exposed(path, file.file())?;
    let mut content = Vec::new();
    io::Read::read_to_end(&mut file, &mut content)?;
    Ok(Some(content))
}

/// Takes the lock of `path`, or says at once that another process has it.
pub fn try_lock(path: &Path) -> Result<Lock, FileError> {
    let lock_path = lock_path(path);
    create_directory(lock_path.parent().unwrap_or(Path::new(".")))?;
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private_mode(&mut options);
    let file = options.open(&lock_path)?.into_file();
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(FileError::Locked(lock_path)),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Takes the lock of `path`, waiting as long as `limits` allow.
pub async fn lock(path: &Path, limits: &Limits) -> Result<Lock, FileError> {
    loop {
        match try_lock(path) {
            Err(FileError::Locked(_)) if limits.remaining().is_none_or(|left| left > LOCK_POLL) => {
                limits.sleep(LOCK_POLL).await.map_err(|_| FileError::Interrupted)?;
            }
            other => return other,
        }
    }
}

/// Whether others can read the file; always `false` where files have no such modes.
#[must_use]
pub fn is_exposed(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

fn refuse_exposed(path: &Path, file: &File) -> Result<(), FileError> {
    if is_exposed(file) { Err(FileError::Exposed(path.to_owned())) } else { Ok(()) }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "files have no modes there"))]
fn private_mode(options: &mut fs_err::OpenOptions) {
    #[cfg(unix)]
    {
        use fs_err::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
}
