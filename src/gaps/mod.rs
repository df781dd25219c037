//! Gaps: the times in which a webhook got no events. The service only tells of the last success, and a renewal lets the
//! next one move that on; so what it says is noted in `gaps.jsonl` before a webhook is renewed (design §5).
//!
//! A webhook that is removed or replaced leaves its definition in the journal, which says the same: it is not noted twice.
//! Which events a gap swallowed is the service's knowledge.

pub mod window;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::files::FileError;
use crate::files::lines::{self, Durability};
use crate::limits::Limits;
use crate::webhook::{Health, Webhook};
use window::Window;

/// A time without events, as a webhook or a note tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last success before it; `None` if there never was one.
    pub from: Option<DateTime<Utc>>,
    /// When the first of the events may have come, if the last success came after the end: deliveries go on side by side, and
    /// one may succeed when another has been given up.
    pub earliest: Option<DateTime<Utc>>,
    /// When the webhook was registered.
    pub created: Option<DateTime<Utc>>,
    /// When deliveries went on; `None` if they did not, as far as is known.
    pub to: Option<DateTime<Utc>>,
}

impl Gap {
    /// What `webhook` tells of itself at `now`, the service's clock: it is failed or expired, or has had no success since it
    /// failed. A delivery may be under way for `longest` until it is given up.
    #[must_use]
    pub fn of(webhook: &Webhook, now: DateTime<Utc>, longest: TimeDelta) -> Option<Self> {
        let statistics = webhook.statistics.as_ref();
        let from = statistics.and_then(|statistics| statistics.last_success);
        let failure = statistics.and_then(|statistics| statistics.last_failure);
        let is_down = Health::of(webhook, now).is_down();
        // Failed, and renewed since: then it went on at that time.
        let renewed = webhook.renewed_at.filter(|renewed| failure.is_some_and(|failure| *renewed >= failure));
        // Nothing is sent while it is failed: a success that no delivery of then can have had came after a renewal (vis §7).
        let is_proven = failure.zip(from).is_some_and(|(failure, from)| from - failure > longest);
        let is_over = is_proven || from >= renewed.or(failure);
        if !is_down && is_over {
            return None;
        }
        // A success after the end says nothing of when the gap began. The first that is given up marks the webhook failed,
        // after `longest` at the most; what is under way then is decided after as long again, and the last of it is what the
        // service tells of.
        let has_failed = webhook.has_failed() || !is_over;
        let failing =
            failure.filter(|last| has_failed && from > Some(*last)).map(|last| before(last, longest * 2));
        let expiring = webhook.expire_at.filter(|end| *end <= now && from > Some(*end));
        let earliest = [failing, expiring.map(|end| before(end, longest))].into_iter().flatten().min();
        Some(Self { from, earliest, created: webhook.created_at, to: renewed.filter(|_| !is_down) })
    }

    /// After which moment its events came, unless there never was a success.
    #[must_use]
    pub fn begin(&self) -> Option<DateTime<Utc>> {
        self.earliest.or(self.from)
    }

    /// From when to when events came of which some were delivered.
    #[must_use]
    pub fn mixed(&self) -> Option<Window> {
        Some(Window { from: self.earliest?, to: Some(self.from?) })
    }
}

fn before(moment: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    moment.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// There is a gap, and the webhook is about to be renewed.
    Noted,
    /// The renewal ended the gap.
    Ended,
    /// Everything between `from` and `to` was posted again.
    Reposted,
}

/// One line. Members are never renamed: old files stay readable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When, by the service's clock.
    pub time: DateTime<Utc>,
    /// What happened.
    pub action: Action,
    /// The service's name.
    pub service: String,
    /// The API's base URL.
    pub base_url: String,
    /// The profile it ran with.
    pub profile: String,
    /// The webhook's user, if the service says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// The webhook.
    pub id: String,
    /// Where it delivers to, on `noted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// Its metadata policy, on `noted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<String>,
    /// Whether it signs, on `noted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub is_signed: Option<bool>,
    /// After this moment; `None` if there never was a success.
    pub from: Option<DateTime<Utc>>,
    /// When the first of its events may have come, if that is earlier, on `noted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub earliest: Option<DateTime<Utc>>,
    /// When it was registered, on `noted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created: Option<DateTime<Utc>>,
    /// Up to this moment; `None` if that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<DateTime<Utc>>,
    /// The run that posted again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
}

/// The file of the notes.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

/// A time whose events one run has posted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repost {
    /// The run.
    pub run: String,
    /// Where it stands among all of them: later ones have higher numbers.
    pub number: usize,
    /// The time.
    pub window: Window,
}

/// What is noted about the webhooks of one service at one base URL.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// By id, each line with its place among all of them.
    lines: HashMap<String, Vec<(usize, Line)>>,
}

impl Store {
    /// The file in `state_directory`; nothing is created before the first append.
    #[must_use]
    pub fn new(state_directory: &Path) -> Self {
        Self { path: state_directory.join("gaps.jsonl") }
    }

    /// Appends whole lines. After an error nothing of them is left behind.
    pub async fn append(
        &self,
        lines: &[Line],
        durability: Durability,
        limits: &Limits,
    ) -> Result<(), FileError> {
        lines::append(&self.path, lines, durability, limits).await
    }

    /// What is noted about the webhooks of `service` at `base_url`.
    pub fn read(&self, service: &str, base_url: &str) -> Result<Notes, FileError> {
        let lines: Vec<Line> = lines::read(&self.path)?;
        let is_asked = |line: &Line| line.service == service && line.base_url == base_url;
        Ok(Notes::new(lines.into_iter().filter(is_asked)))
    }
}

impl Notes {
    /// These lines, oldest first.
    #[must_use]
    pub fn new(lines: impl IntoIterator<Item = Line>) -> Self {
        let mut notes = Self::default();
        for (number, line) in lines.into_iter().enumerate() {
            notes.lines.entry(line.id.clone()).or_default().push((number, line));
        }
        notes
    }

    fn about(&self, id: &str) -> impl DoubleEndedIterator<Item = &(usize, Line)> {
        self.lines.get(id).into_iter().flatten()
    }

    /// The gaps of webhook `id`, oldest first. Where a run was cut short before it could say when a gap ended, the webhook's
    /// own `renewed_at` says it, if that is later than the note.
    #[must_use]
    pub fn gaps(&self, id: &str, renewed_at: Option<DateTime<Utc>>) -> Vec<Gap> {
        let mut gaps: Vec<(DateTime<Utc>, Gap)> = Vec::new();
        for (_, line) in self.about(id) {
            let gap = Gap { from: line.from, earliest: line.earliest, created: line.created, to: line.to };
            // Without a success in between it is the same gap, which goes on.
            let known = gaps.iter_mut().find(|(_, known)| known.from == line.from);
            match (line.action, known) {
                (Action::Noted, Some(known)) => {
                    let earliest = [known.1.earliest, gap.earliest].into_iter().flatten().min();
                    *known = (line.time, Gap { earliest, ..gap });
                }
                (Action::Noted, None) => gaps.push((line.time, gap)),
                (Action::Ended, Some((_, known))) => known.to = line.to,
                (Action::Ended, None) | (Action::Reposted, _) => {}
            }
        }
        let ended = gaps.into_iter().map(|(noted, gap)| {
            let renewed = renewed_at.filter(|renewed| *renewed > noted);
            Gap { to: gap.to.or(renewed), ..gap }
        });
        ended.collect()
    }

    /// The last note about webhook `id`, for one that the service does not list any more.
    #[must_use]
    pub fn last(&self, id: &str) -> Option<&Line> {
        self.about(id).rev().map(|(_, line)| line).find(|line| line.action == Action::Noted)
    }

    /// What was posted again of what the webhooks `ids` missed, oldest first.
    #[must_use]
    pub fn reposts(&self, ids: &[String]) -> Vec<Repost> {
        let lines = ids.iter().flat_map(|id| self.about(id));
        let repost = |(number, line): &(usize, Line)| {
            let window = Window { from: line.from?, to: line.to };
            let run = line.run.clone().unwrap_or_default();
            (line.action == Action::Reposted).then_some(Repost { run, number: *number, window })
        };
        let mut reposts: Vec<Repost> = lines.filter_map(repost).collect();
        reposts.sort_by_key(|repost| repost.number);
        reposts
    }
}

#[cfg(test)]
mod tests;
