//! Files of lines that only ever grow: a whole line is there or not, however the run that wrote it ended.
//!
//! What the lines say is their owners' business.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{FileError, create_directory, lock, open_private, read_private};
use crate::limits::Limits;

/// Whether an append has to survive a power failure before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Synced to the disk.
    Synced,
    /// Handed to the operating system: survives the death of this process.
    Written,
}

/// Appends `lines` as JSON to `path` in one write under its lock. After an error nothing of them is left behind.
pub async fn append<T: Serialize>(
    path: &Path,
    lines: &[T],
    durability: Durability,
    limits: &Limits,
) -> Result<(), FileError> {
    if lines.is_empty() {
        return Ok(());
    }
    create_directory(path.parent().unwrap_or(Path::new(".")))?;
    let _lock = lock(path, limits).await?;
    let mut file = open_private(path)?;
    let end = file.seek(SeekFrom::End(0))?;
    let mut text = String::new();
    if end > 0 && !ends_with_newline(&mut file, end)? {
        // A run was killed while writing; its torn line must not swallow ours.
        text.push('\n');
    }
    for line in lines {
        text.push_str(&serde_json::to_string(line).map_err(io::Error::other)?);
        text.push('\n');
    }
    let written = file.write_all(text.as_bytes()).and_then(|()| match durability {
        // A new file's name in the directory was synced when it was made.
        Durability::Synced => file.sync_all(),
        Durability::Written => Ok(()),
    });
    if written.is_err() {
        // Best effort: what stays is a torn line, which readers skip.
        let _ = file.set_len(end);
    }
    Ok(written?)
}

/// Every whole line of `path`, oldest first; none if there is no such file. Torn lines and lines of a later format are
/// skipped.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, FileError> {
    let content = read_private(path)?.unwrap_or_default();
    Ok(content.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

fn ends_with_newline(file: &mut fs_err::File, end: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(end - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
