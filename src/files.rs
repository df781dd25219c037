//! Files that vwh keeps for itself: private to the user, replaced whole, locked through a sibling `NAME.lock` that is never
//! renamed or removed (design §3); and small ones that the user names, such as a token's. What the files say is their
//! owners' business.

pub mod lines;

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::limits::Limits;
use crate::quoting::quoted;

/// How often a lock that another process holds is tried again.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// A file that the user names for one secret is no larger than this.
const NAMED_LIMIT: u64 = 1 << 20;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading or writing failed; the text names the file.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A directory of vwh's own cannot be made.
    #[error("cannot make {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read a file that holds secrets.
    #[error("{} can be read by others", .0.display())]
    Exposed(PathBuf),
    /// Another process holds the lock.
    #[error("{} is locked by another run", .0.display())]
    Locked(PathBuf),
    /// The time limit ran out while a file was read, such as a pipe that nobody writes to.
    #[error("{} could not be read in time", .0.display())]
    TimedOut(PathBuf),
    /// Ctrl-C while waiting for a lock, or for a file's content.
    #[error("interrupted")]
    Interrupted,
}

/// The content of a file that the user named.
pub struct Named {
    /// All of it.
    pub text: String,
    /// What to tell the user when others can read it.
    pub warning: Option<String>,
    /// Whether it can be read again: a pipe gives its content once.
    pub is_lasting: bool,
}

/// Whether others can look into something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// Its owner alone.
    Private,
    /// Others can.
    Exposed,
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
    created.map_err(|source| FileError::Directory { path: directory.to_owned(), source })
}

/// Opens `path` for appending and reading; creates it for the user alone.
pub fn open_private(path: &Path) -> Result<fs_err::File, FileError> {
    let mut options = fs_err::OpenOptions::new();
    options.append(true).read(true).create(true);
    private_mode(&mut options);
    let is_new = !path.exists();
    let file = options.open(path)?;
    refuse_exposed(path, file.file())?;
    if is_new {
        sync_directory_of(path)?;
    }
    Ok(file)
}

/// Opens a file that the user named for appending, and for reading its end; creates it for the user alone.
pub fn open_named(path: &Path) -> Result<fs_err::File, FileError> {
    let mut options = fs_err::OpenOptions::new();
    options.append(true).read(true).create(true);
    private_mode(&mut options);
    Ok(options.open(path)?)
}

/// Keeps other runs from the open `file` itself, which is at `path`, until it is closed: for files that the user named, beside
/// which vwh puts nothing.
pub fn hold(file: &fs_err::File, path: &Path) -> Result<(), FileError> {
    // On Windows nobody could read it meanwhile.
    if cfg!(windows) {
        return Ok(());
    }
    match file.file().try_lock() {
        Err(TryLockError::WouldBlock) => Err(FileError::Locked(path.to_owned())),
        // Not every file system has locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Creates `path` with `content` for the user alone; fails if it exists. It is there whole or not at all, wherever this ends.
pub fn create_new_private(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let write = || {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        // `tempfile` creates with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        sync_directory_of(path)
    };
    write().map_err(|error| {
        let what = format!("failed to create file `{}`: {error}", path.display());
        io::Error::new(error.kind(), what).into()
    })
}

/// Replaces `path` by `content`: written beside, synced, renamed, and the renaming synced.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    create_directory(directory)?;
    // `tempfile` creates with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(sync_directory_of(path)?)
}

/// Replaces `path`, which the user named, by `content` that everybody may read: written beside, synced, renamed.
///
/// A symlink goes on pointing where it did. What is neither missing nor a regular file is refused: renaming over a device
/// would put a file in its place.
pub fn publish(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let path = &fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.exists() && !path.is_file() {
        return Err(not_regular(path).into());
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(|error| {
        // It also names the file, of which nobody has heard.
        let text = error.to_string();
        let reason = text.split(" at path ").next().unwrap_or(&text);
        io::Error::new(error.kind(), format!("{}: {reason}", directory.display()))
    })?;
    file.write_all(content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Not by the umask: whoever collects the file is another user.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(sync_directory_of(path)?)
}

/// Reads a file that the user names, as long as `limits` allow. It may be a pipe, and is opened once only.
pub async fn read_named(path: &Path, limits: &Limits) -> Result<Named, FileError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let named = path.to_owned();
    // A thread of its own: opening a pipe that nobody writes to must not keep the program from ending.
    std::thread::spawn(move || {
        let _ = sender.send(read_whole(&named));
    });
    match limits.or_interrupted(limits.within(receiver)).await {
        Err(_) => Err(FileError::Interrupted),
        Ok(None) => Err(FileError::TimedOut(path.to_owned())),
        Ok(Some(read)) => read.map_err(io::Error::other)?,
    }
}

/// What to say of a file of the user's that is not private.
#[must_use]
pub fn readable_by_others(path: &Path) -> String {
    let shown = path.display().to_string();
    format!("{shown} can be read by others; close it with: chmod 600 {}", quoted(&shown))
}

fn read_whole(path: &Path) -> Result<Named, FileError> {
    let file = fs_err::File::open(path)?;
    let shown = path.display();
    let is_lasting = file.metadata()?.is_file();
    let warning = is_exposed(file.file()).then(|| readable_by_others(path));
    let unusable = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{shown} {what}"));
    let mut content = Vec::new();
    file.take(NAMED_LIMIT + 1).read_to_end(&mut content)?;
    if content.len() as u64 > NAMED_LIMIT {
        return Err(unusable(&format!("is larger than {} MiB", NAMED_LIMIT >> 20)).into());
    }
    let text = String::from_utf8(content).map_err(|_| unusable("is not text"))?;
    Ok(Named { text, warning, is_lasting })
}

/// The content of a file that vwh wrote; `None` if there is none.
///
/// What is no regular file is none that vwh wrote, and is not even opened: a pipe may never open, a device never end.
pub fn read_private(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match fs_err::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(not_regular(path).into()),
        Ok(_) => {}
        Err(error) if missing(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if missing(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    refuse_exposed(path, file.file())?;
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(Some(content))
}

fn not_regular(path: &Path) -> io::Error {
    let text = format!("{} is no regular file", path.display());
    io::Error::new(io::ErrorKind::AlreadyExists, text)
}

/// Removes a file that vwh wrote; `false` if there is none.
pub fn remove(path: &Path) -> Result<bool, FileError> {
    match fs_err::remove_file(path) {
        Ok(()) => {
            sync_directory_of(path)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
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

/// Makes sure that what was made or renamed in the directory of `path` is still there after a power cut.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        // One that may be written to and not read cannot be synced; nor can a directory on some file systems.
        let Ok(directory) = fs_err::File::open(parent.unwrap_or(Path::new("."))) else { return Ok(()) };
        match directory.sync_all() {
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => return Err(error),
            _ => {}
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Whether others can read the file; always `false` where files have no such modes.
fn is_exposed(file: &File) -> bool {
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

/// Whether others can look into a file or folder; `None` if there is none.
pub fn openness(path: &Path) -> io::Result<Option<Openness>> {
    let metadata = match fs_err::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let is_open = metadata.permissions().mode() & 0o077 != 0;
        Ok(Some(if is_open { Openness::Exposed } else { Openness::Private }))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Ok(Some(Openness::Private))
    }
}

/// Makes `directory` if need be, and sees whether a file can be made in it.
pub fn try_writing(directory: &Path) -> Result<(), FileError> {
    create_directory(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(b"vwh")?;
    Ok(file.close()?)
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
