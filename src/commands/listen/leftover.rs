//! What is written down of a webhook that `listen` registers, before it is registered: so that whatever becomes of this run,
//! a later one can delete it. Such webhooks are nobody's to restore, so the journal knows nothing of them.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::super::Context;
use super::super::account::Account;
use crate::error::Error;
use crate::files::{self, FileError, Lock};
use crate::secret::Secret;
use crate::services::vis::client::Definition;
use crate::webhook::Webhook;

/// The service's clock and ours may differ by so much.
const CLOCKS: TimeDelta = TimeDelta::minutes(5);

/// What is known of a webhook. Members are never renamed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    time: DateTime<Utc>,
    profile: String,
    base_url: String,
    /// Where it delivers to.
    pub(super) url: String,
    key_fingerprint: String,
    /// Whether the key was made for it, so that no other webhook can have it.
    is_key_new: bool,
    /// Once it is known.
    pub(super) id: Option<String>,
}

/// A note on disk, and the lock that says that its run lives.
pub(super) struct Leftover {
    pub(super) note: Note,
    path: PathBuf,
    lock: Lock,
}

impl Leftover {
    /// Writes down what is about to be registered.
    pub(super) fn write(
        context: &Context,
        account: &Account,
        definition: &Definition,
        is_key_new: bool,
    ) -> Result<Self, Error> {
        let directory = directory(context)?;
        files::create_directory(&directory)?;
        let path = directory.join(format!("{}.json", context.run_name()?));
        // Before the note is there: one without its lock held is taken for that of a dead run.
        let lock = files::try_lock(&path)?;
        let note = Note {
            time: (context.clock)(),
            profile: account.profile.clone(),
            base_url: account.base().to_owned(),
            url: definition.url.clone(),
            key_fingerprint: definition.key.as_ref().map(Secret::fingerprint).unwrap_or_default(),
            is_key_new,
            id: None,
        };
        let leftover = Self { note, path, lock };
        leftover.save()?;
        Ok(leftover)
    }

    /// Adds the id, if the service said one.
    pub(super) fn is_called(&mut self, id: &str) {
        if !id.is_empty() {
            self.note.id = Some(id.to_owned());
            // It is found by its key as well: a full disk is no reason to end.
            let _ = self.save();
        }
    }

    fn save(&self) -> Result<(), FileError> {
        files::replace(&self.path, &serde_json::to_vec(&self.note).map_err(std::io::Error::other)?)
    }

    /// The webhook is not there any more, so neither need the note be. The name of its lock was its own.
    pub(super) fn forget(self) {
        let mut lock_path = self.path.clone().into_os_string();
        lock_path.push(".lock");
        // What stays is looked at again by the next run, which finds no webhook.
        let _ = files::remove(&self.path);
        drop(self.lock);
        let _ = files::remove(Path::new(&lock_path));
    }

    /// The notes of runs on this account that have died.
    pub(super) fn of_dead_runs(context: &Context, account: &Account) -> Result<Vec<Self>, Error> {
        let directory = directory(context)?;
        let Ok(entries) = fs_err::read_dir(&directory) else { return Ok(Vec::new()) };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut dead = Vec::new();
        for path in paths {
            let Ok(lock) = files::try_lock(&path) else { continue };
            // Only now: whoever held the lock may have taken the note with it.
            let content = files::read_private(&path)?;
            let note = content.and_then(|content| serde_json::from_slice::<Note>(&content).ok());
            match note {
                Some(note) if note.profile == account.profile && note.base_url == account.base() => {
                    dead.push(Self { note, path, lock });
                }
                _ => {}
            }
        }
        Ok(dead)
    }
}

impl Note {
    /// Whether `webhook` is the one that was registered.
    pub(super) fn is_about(&self, webhook: &Webhook) -> bool {
        let is_recent = || webhook.created_at.is_some_and(|created| created >= self.time - CLOCKS);
        webhook.url == self.url
            && webhook.known_key().is_some_and(|key| key.fingerprint() == self.key_fingerprint)
            && (self.is_key_new || is_recent())
    }
}

fn directory(context: &Context) -> Result<PathBuf, Error> {
    Ok(context.settings.state_directory()?.join("listening"))
}
