//! The journal of removed webhooks: `journal.jsonl`, append-only, one JSON object a line (design §3).
//!
//! A definition is on disk before its DELETE is sent, so whatever is no longer listed can be registered again. This module
//! writes and reads lines; what they add up to is `history` and, for replacements, `succession`.

pub mod history;
pub mod succession;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use crate::files::lines::Durability;
use crate::files::{self, FileError};
use crate::limits::Limits;
use crate::secret::Secret;
use crate::webhook::Webhook;
use crate::webhook::json::Secrets;
use crate::webhook::rewrite::{rewrite, rewrite_without_keys};

/// Whose webhooks a line is about. Lines of another owner are never touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The service's name.
    pub service: String,
    /// The API's base URL.
    pub base_url: String,
    /// The signed-in account; `None` if the service does not say.
    pub account: Option<String>,
    /// The signed-in user; `None` if the service does not say.
    pub user: Option<String>,
    /// The profile, where the service says neither: then nothing else tells two owners apart.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profile: Option<String>,
}

/// What a line records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// About to be removed; carries the definition.
    Removing,
    /// The service removed it.
    Removed,
    /// It was gone already.
    Gone,
    /// It was not removed after all.
    Kept,
    /// About to be registered again.
    Restoring,
    /// Registered again, as `new_id`.
    Restored,
    /// About to be replaced; carries the definition, and what its successor is to be.
    Replacing,
    /// Its successor is registered, as `new_id`.
    Replaced,
}

/// What a successor is to be: enough to know it again, and never its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intended {
    /// Where deliveries go.
    pub url: String,
    /// Event types.
    pub events: Vec<String>,
    /// `NONE`, `HEADER` or `BODY`.
    pub metadata_policy: String,
    /// Of its key; `None` if it is not signed.
    pub key_fingerprint: Option<String>,
}

/// What becomes of the key in a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIn {
    /// It stays, so that the webhook can be registered again.
    Definition,
    /// Another has taken its place, and only its fingerprint stays.
    Fingerprint,
}

/// One line. Members are never renamed: old journals stay readable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When, by this machine's clock.
    pub time: DateTime<Utc>,
    /// The run that wrote it.
    pub run: String,
    /// The command of that run.
    pub command: String,
    /// What happened.
    pub action: Action,
    /// The profile it ran with.
    pub profile: String,
    /// Whose webhook it is.
    pub owner: Owner,
    /// The webhook.
    pub id: String,
    /// The service's whole object, on `removing` and `replacing`, and on `restoring` and `restored` where every webhook has the
    /// same id; with its key unless that is rotated out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub definition: Option<Box<RawValue>>,
    /// Of the key that is masked in `definition`, because another has taken its place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key_fingerprint: Option<String>,
    /// What is to take its place, on `replacing`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub successor: Option<Intended>,
    /// The id it has now, on `restored`; its successor's, on `replaced`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new_id: Option<String>,
}

/// The run that writes lines.
#[derive(Clone, Debug)]
pub struct Run {
    /// A name no other run has.
    pub name: String,
    /// The command.
    pub command: &'static str,
    /// The profile.
    pub profile: String,
    /// Whose webhooks.
    pub owner: Owner,
}

impl Run {
    /// A line of this run about webhook `id`.
    #[must_use]
    pub fn line(&self, time: DateTime<Utc>, action: Action, id: &str) -> Line {
        Line {
            time,
            run: self.name.clone(),
            command: self.command.to_owned(),
            action,
            profile: self.profile.clone(),
            owner: self.owner.clone(),
            id: id.to_owned(),
            definition: None,
            key_fingerprint: None,
            successor: None,
            new_id: None,
        }
    }

    /// The line that keeps the definition of `webhook` before it is removed.
    pub fn removing(&self, time: DateTime<Utc>, webhook: &Webhook, key: KeyIn) -> Result<Line, FileError> {
        self.defining(self.line(time, Action::Removing, &webhook.id), webhook, key)
    }

    /// The line that says, before it is registered, what is to take the place of `webhook`.
    pub fn replacing(
        &self,
        time: DateTime<Utc>,
        webhook: &Webhook,
        key: KeyIn,
        successor: Intended,
    ) -> Result<Line, FileError> {
        let line = self.line(time, Action::Replacing, &webhook.id);
        self.defining(Line { successor: Some(successor), ..line }, webhook, key)
    }

    /// The line that names the successor of webhook `id`.
    #[must_use]
    pub fn replaced(&self, time: DateTime<Utc>, id: &str, new_id: &str) -> Line {
        Line { new_id: Some(new_id.to_owned()), ..self.line(time, Action::Replaced, id) }
    }

    #[expect(clippy::unused_self, reason = "lines are made by a run")]
    fn defining(&self, line: Line, webhook: &Webhook, key: KeyIn) -> Result<Line, FileError> {
        let raw = std::str::from_utf8(&webhook.raw).map_err(std::io::Error::other)?;
        let mut compact = String::new();
        let key_fingerprint = match key {
            KeyIn::Definition => {
                rewrite(raw, Secrets::Show, &mut compact);
                None
            }
            KeyIn::Fingerprint => {
                rewrite_without_keys(raw, &mut compact);
                webhook.known_key().map(Secret::fingerprint)
            }
        };
        let definition = RawValue::from_string(compact).map_err(std::io::Error::other)?;
        Ok(Line { definition: Some(definition), key_fingerprint, ..line })
    }
}

/// The journal file.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The journal in `state_directory`; nothing is created before the first append.
    #[must_use]
    pub fn new(state_directory: &Path) -> Self {
        Self { path: state_directory.join("journal.jsonl") }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends whole lines in one write under the journal's lock. After an error nothing of them is left behind.
    pub async fn append(
        &self,
        lines: &[Line],
        durability: Durability,
        limits: &Limits,
    ) -> Result<(), FileError> {
        files::lines::append(&self.path, lines, durability, limits).await
    }

    /// Every whole line, oldest first. Torn lines and lines of a later format are skipped.
    pub fn read(&self) -> Result<Vec<Line>, FileError> {
        files::lines::read(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, Utc};
    use tokio::sync::watch;

    use super::{Action, Durability, Journal, KeyIn, Owner, Run};
    use crate::limits::Limits;
    use crate::services::vis::wire;

    fn run() -> Run {
        let owner = Owner {
            service: "vis".into(),
            base_url: "http://x".into(),
            account: None,
            user: None,
            profile: None,
        };
        Run { name: "r1".into(), command: "delete", profile: "default".into(), owner }
    }

    fn limits() -> Limits {
        Limits::new(Some(Duration::from_secs(10)), watch::channel(false).1)
    }

    #[tokio::test]
    async fn a_definition_comes_back_whole_and_a_torn_line_costs_only_itself() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::new(&directory.path().join("state"));
        assert!(journal.read().expect("no journal yet").is_empty());
        let raw =
            "{\"id\":\"a\",\n \"url\":\"https://x.example\", \"signingKey\":\"k\\n\u{202e}\",\"n\":1e3}";
        let webhook = wire::webhook(&raw.as_bytes().to_vec().into()).expect("a webhook");
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let removing = run().removing(now, &webhook, KeyIn::Definition).expect("a line");
        journal.append(&[removing], Durability::Synced, &limits()).await.expect("appended");

        let mut torn = std::fs::read(journal.path()).expect("the journal");
        torn.extend_from_slice(b"{\"time\":\"1970-01-01T00:00");
        std::fs::write(journal.path(), torn).expect("a torn line");
        assert_eq!(journal.read().expect("read").len(), 1);

        let outcome = run().line(DateTime::<Utc>::UNIX_EPOCH, Action::Removed, "a");
        journal.append(&[outcome], Durability::Written, &limits()).await.expect("appended");
        let lines = journal.read().expect("read");
        assert_eq!(
            lines.iter().map(|line| line.action).collect::<Vec<_>>(),
            [Action::Removing, Action::Removed]
        );
        let definition = lines[0].definition.as_ref().expect("a definition");
        assert_eq!(
            definition.get(),
            "{\"id\":\"a\",\"url\":\"https://x.example\",\"signingKey\":\"k\\n\\u202e\",\"n\":1e3}"
        );
    }

    #[test]
    fn of_a_key_that_is_rotated_out_a_fingerprint_stays() {
        let raw = r#"{"id":"a","url":"https://x.example/?key=1","signingKey":"abc","old":{"secret":"s"}}"#;
        let webhook = wire::webhook(&raw.as_bytes().to_vec().into()).expect("a webhook");
        let line = run().removing(DateTime::<Utc>::UNIX_EPOCH, &webhook, KeyIn::Fingerprint).expect("a line");
        assert_eq!(line.key_fingerprint.as_deref(), Some("ba7816bf8f01cfea"));
        let definition = line.definition.expect("a definition");
        assert_eq!(
            definition.get(),
            r#"{"id":"a","url":"https://x.example/?key=1","signingKey":"***","old":{"secret":"***"}}"#
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_journal_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::new(directory.path());
        let line = run().line(DateTime::<Utc>::UNIX_EPOCH, Action::Removed, "a");
        journal.append(std::slice::from_ref(&line), Durability::Synced, &limits()).await.expect("appended");
        let mode = std::fs::metadata(journal.path()).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(journal.path(), std::fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(journal.append(&[line], Durability::Synced, &limits()).await.is_err());
        assert!(journal.read().is_err());
    }
}
