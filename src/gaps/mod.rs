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
    /// When the first of the events may have come, if that is before the last success: deliveries go on side by side, and one
    /// may succeed while another is being tried.
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
        let is_over = from >= renewed.or(failure);
        if !is_down && is_over {
            return None;
        }
        let before =
            |moment: DateTime<Utc>, span| moment.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC);
        // The first that is given up marks the webhook failed, after `longest` at the most. What is under way then is decided
        // after as long again, and the last of it is what the service tells of.
        let has_failed = webhook.has_failed() || !is_over;
        let failing = failure.or(from).filter(|_| has_failed).map(|last| before(last, longest * 2));
        let expiring = webhook.expire_at.filter(|end| *end <= now).map(|end| before(end, longest));
        let earliest = [failing, expiring].into_iter().flatten().min();
        Some(Self {
            from,
            earliest: earliest.filter(|earliest| Some(*earliest) < from),
            created: webhook.created_at,
            to: renewed.filter(|_| !is_down),
        })
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
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Action, Gap, Line, Notes};
    use crate::services::vis::wire;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn line(time: i64, action: Action, from: Option<i64>, to: Option<i64>) -> Line {
        Line {
            time: at(time),
            action,
            service: "vis".into(),
            base_url: "http://x".into(),
            profile: "p".into(),
            user: None,
            id: "a".into(),
            url: None,
            policy: None,
            is_signed: None,
            from: from.map(at),
            earliest: None,
            created: None,
            to: to.map(at),
            run: None,
        }
    }

    fn bounds(lines: &[Line], renewed: Option<i64>) -> Vec<(Option<i64>, Option<i64>)> {
        let seconds = |moment: Option<DateTime<Utc>>| moment.map(|moment| moment.timestamp());
        let gaps = Notes::new(lines.iter().cloned()).gaps("a", renewed.map(at));
        gaps.iter().map(|gap| (seconds(gap.from), seconds(gap.to))).collect()
    }

    fn gap(json: &str) -> Option<(Option<i64>, Option<i64>)> {
        let webhook = wire::webhook(&json.as_bytes().to_vec().into()).expect("a webhook");
        let gap = Gap::of(&webhook, at(1_000), TimeDelta::seconds(80))?;
        Some((gap.from.map(|from| from.timestamp()), gap.to.map(|to| to.timestamp())))
    }

    #[test]
    fn a_webhook_tells_of_its_own_gap() {
        let cases = [
            (r#""statistics":{"lastSuccess":5000,"failed":false}"#, None),
            (r#""statistics":{"lastSuccess":5000,"lastFailure":4000}"#, None),
            (r#""statistics":{"lastSuccess":5000,"lastFailure":6000,"failed":true}"#, Some((Some(5), None))),
            (r#""statistics":{"failed":true}"#, Some((None, None))),
            (
                r#""renewedAt":7000,"statistics":{"lastSuccess":5000,"lastFailure":6000}"#,
                Some((Some(5), Some(7))),
            ),
            // Renewed, and failed again.
            (
                r#""renewedAt":7000,"statistics":{"lastSuccess":5000,"lastFailure":8000,"failed":true}"#,
                Some((Some(5), None)),
            ),
            (
                r#""renewedAt":4000,"statistics":{"lastSuccess":5000,"lastFailure":6000}"#,
                Some((Some(5), None)),
            ),
            (r#""renewedAt":7000,"statistics":{"lastFailure":6000}"#, Some((None, Some(7)))),
            (r#""expireAt":1000000,"statistics":{"lastSuccess":5000}"#, Some((Some(5), None))),
            (r#""expireAt":1000001,"statistics":{"lastSuccess":5000}"#, None),
            (r#""statistics":null"#, None),
            // What was under way when it failed has succeeded, and nothing since the renewal.
            (
                r#""renewedAt":9000,"statistics":{"lastSuccess":7000,"lastFailure":6000}"#,
                Some((Some(7), Some(9))),
            ),
            (r#""renewedAt":7000,"statistics":{"lastSuccess":7000,"lastFailure":6000}"#, None),
        ];
        for (members, expected) in cases {
            assert_eq!(gap(&format!("{{\"id\":1,{members}}}")), expected, "{members}");
        }
    }

    /// A delivery of VIS is under way for 80 s until it is given up (vis §8), and others with it.
    #[test]
    fn a_gap_begins_before_a_success_that_came_while_others_were_tried() {
        let cases = [
            (r#""statistics":{"lastSuccess":500000,"lastFailure":661000,"failed":true}"#, None),
            (r#""statistics":{"lastSuccess":500000,"lastFailure":659000,"failed":true}"#, Some(499)),
            (r#""statistics":{"lastSuccess":700000,"lastFailure":660000,"failed":true}"#, Some(500)),
            (r#""renewedAt":900000,"statistics":{"lastSuccess":600000,"lastFailure":660000}"#, Some(500)),
            // It does not say when it failed.
            (r#""statistics":{"lastSuccess":700000,"failed":true}"#, Some(540)),
            (r#""expireAt":900000,"statistics":{"lastSuccess":820000}"#, None),
            (r#""expireAt":900000,"statistics":{"lastSuccess":820001}"#, Some(820)),
            // A failure that is long over has nothing to do with the expiry.
            (
                r#""expireAt":900000,"renewedAt":200000,"statistics":{"lastSuccess":910000,"lastFailure":100000}"#,
                Some(820),
            ),
            (r#""statistics":{"lastFailure":660000,"failed":true}"#, None),
        ];
        for (members, earliest) in cases {
            let json = format!("{{\"id\":1,{members}}}");
            let webhook = wire::webhook(&json.into_bytes().into()).expect("a webhook");
            let gap = Gap::of(&webhook, at(1_000), TimeDelta::seconds(80)).expect("a gap");
            assert_eq!(gap.earliest, earliest.map(at), "{members}");
            assert_eq!(gap.begin(), gap.earliest.or(gap.from), "{members}");
            let mixed = gap.mixed().map(|mixed| (mixed.from, mixed.to));
            assert_eq!(mixed, gap.earliest.map(|earliest| (earliest, gap.from)), "{members}");
        }
    }

    #[test]
    fn the_earliest_beginning_that_was_noted_counts() {
        let noted = |time, earliest: Option<i64>| Line {
            earliest: earliest.map(at),
            ..line(time, Action::Noted, Some(9), None)
        };
        for (first, second) in [(Some(3), None), (None, Some(3)), (Some(3), Some(5)), (Some(5), Some(3))] {
            let gaps = Notes::new([noted(10, first), noted(20, second)]).gaps("a", None);
            assert_eq!(gaps.iter().map(|gap| gap.earliest).collect::<Vec<_>>(), [Some(at(3))]);
        }
    }

    #[test]
    fn a_gap_ends_with_its_renewal_and_the_next_is_another() {
        let mut lines = vec![line(10, Action::Noted, Some(1), None)];
        assert_eq!(bounds(&lines, None), [(Some(1), None)]);
        // The run was cut short: only a renewal after the note counts.
        assert_eq!(bounds(&lines, Some(10)), [(Some(1), None)]);
        assert_eq!(bounds(&lines, Some(11)), [(Some(1), Some(11))]);
        lines.push(line(10, Action::Ended, Some(1), Some(12)));
        assert_eq!(bounds(&lines, Some(99)), [(Some(1), Some(12))]);
        // It failed again without a success in between.
        lines.push(line(20, Action::Noted, Some(1), None));
        assert_eq!(bounds(&lines, None), [(Some(1), None)]);
        lines.push(line(20, Action::Ended, Some(1), Some(22)));
        lines.push(line(30, Action::Noted, Some(25), None));
        assert_eq!(bounds(&lines, Some(31)), [(Some(1), Some(22)), (Some(25), Some(31))]);
        lines.push(line(30, Action::Ended, None, Some(32)));
        lines.push(line(40, Action::Reposted, Some(1), Some(22)));
        assert_eq!(bounds(&lines, None), [(Some(1), Some(22)), (Some(25), None)]);
    }

    #[test]
    fn a_line_without_what_was_added_later_is_read() {
        let old = r#"{"time":"1970-01-01T00:00:10Z","action":"noted","service":"vis","base_url":"http://x",
            "profile":"p","id":"a","from":null}"#;
        let line: Line = serde_json::from_str(old).expect("a line");
        assert_eq!((line.action, line.from, line.to), (Action::Noted, None, None));
    }
}
