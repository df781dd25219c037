//! What the journal's lines add up to: which webhooks of one owner were removed, when, by what, and whether they came back.
//! Pure; the file is `journal`'s, restoring is a command's.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::{Action, Line, Owner};

/// The command whose removals nobody wants back.
const ROTATE: &str = "rotate";

/// One webhook that vwh set out to remove; its last removal counts.
#[derive(Clone, Debug)]
pub struct Removal {
    /// The id it had.
    pub id: String,
    /// When its removal was journalled.
    pub time: DateTime<Utc>,
    /// The run that removed it.
    pub run: String,
    /// That run's command.
    pub command: String,
    /// The service's object, with its key unless that was rotated out.
    pub definition: Box<RawValue>,
    /// Of the key that was rotated out, and is not in the definition.
    pub key_fingerprint: Option<String>,
    /// The webhook that took its place: with one, it is not missing.
    pub successor: Option<String>,
    /// How far it got.
    pub state: State,
}

/// How far a removal, or its undoing, got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Journalled, and the outcome was never written: the run was killed, or the request failed.
    Unsettled,
    /// Removed, or gone when it was to be removed.
    Removed,
    /// Left in place after all.
    Kept,
    /// A restore set out at this time and its outcome was never written.
    Restoring(DateTime<Utc>),
    /// Registered again under this id.
    Restored(String),
}

impl Removal {
    /// The url that it delivered to.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(&self.definition)
    }
}

/// The url in a definition; empty if it has none.
pub(super) fn url_of(definition: &RawValue) -> String {
    #[derive(serde::Deserialize)]
    struct Members {
        url: Option<String>,
    }
    let members: Option<Members> = serde_json::from_str(definition.get()).ok();
    members.and_then(|members| members.url).unwrap_or_default()
}

/// Every removal of `owner`'s webhooks, oldest first.
#[must_use]
pub fn removals(lines: &[Line], owner: &Owner) -> Vec<Removal> {
    let mut removals: Vec<Removal> = Vec::new();
    let mut position_of: HashMap<&str, usize> = HashMap::new();
    let mut successor_of: HashMap<&str, &String> = HashMap::new();
    for line in lines.iter().filter(|line| line.owner == *owner) {
        if let (Action::Replaced, Some(new_id)) = (line.action, &line.new_id) {
            successor_of.insert(&line.id, new_id);
        } else if let (Action::Removing, Some(definition)) = (line.action, &line.definition) {
            let removal = Removal {
                id: line.id.clone(),
                time: line.time,
                run: line.run.clone(),
                command: line.command.clone(),
                definition: definition.clone(),
                key_fingerprint: line.key_fingerprint.clone(),
                successor: successor_of.get(line.id.as_str()).map(|id| (*id).clone()),
                state: State::Unsettled,
            };
            if let Some(position) = position_of.get(line.id.as_str()) {
                removals[*position] = removal;
            } else {
                position_of.insert(&line.id, removals.len());
                removals.push(removal);
            }
        } else if let Some(position) = position_of.get(line.id.as_str()) {
            settle(&mut removals[*position], line);
        }
    }
    removals
}

/// The removals of the last run that removed anything; a webhook that two runs removed belongs to the later. A run of
/// `rotate` does not count: what it removed must not come back.
///
/// `is_listed` says whether a webhook is still there: what is there was not removed, whatever was tried.
#[must_use]
pub fn last_run<'a>(removals: &'a [Removal], is_listed: &dyn Fn(&str) -> bool) -> Vec<&'a Removal> {
    let was_removed = |removal: &&Removal| match removal.state {
        _ if removal.command == ROTATE => false,
        State::Kept => false,
        State::Unsettled => !is_listed(&removal.id),
        State::Removed | State::Restoring(_) | State::Restored(_) => true,
    };
    let Some(last) = removals.iter().filter(was_removed).max_by_key(|removal| removal.time) else {
        return Vec::new();
    };
    removals.iter().filter(|removal| removal.run == last.run).collect()
}

fn settle(removal: &mut Removal, line: &Line) {
    match line.action {
        // Two runs may go for one webhook; what another run settled about it is settled.
        Action::Removed | Action::Gone
            if !matches!(removal.state, State::Restored(_) | State::Restoring(_)) =>
        {
            removal.state = State::Removed;
        }
        Action::Kept if removal.state == State::Unsettled => removal.state = State::Kept,
        Action::Restoring => removal.state = State::Restoring(line.time),
        Action::Restored => removal.state = State::Restored(line.new_id.clone().unwrap_or_default()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::value::RawValue;

    use super::super::{Action, Line, Owner, Run};
    use super::{State, last_run, removals};

    fn owner(user: &str) -> Owner {
        Owner { service: "vis".into(), base_url: "http://x".into(), account: None, user: Some(user.into()) }
    }

    fn line(run: &str, second: i64, action: Action, id: &str) -> Line {
        let run = Run { name: run.into(), command: "prune-failed", profile: "p".into(), owner: owner("1") };
        let mut line = run.line(DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(second), action, id);
        if action == Action::Removing {
            line.definition = RawValue::from_string("{}".into()).ok();
        }
        if action == Action::Restored {
            line.new_id = Some(format!("new-{id}"));
        }
        line
    }

    #[test]
    fn a_removal_is_followed_from_its_intent_to_its_return() {
        let mut lines = vec![
            line("r1", 1, Action::Removing, "a"),
            line("r1", 1, Action::Removing, "b"),
            line("r1", 1, Action::Removing, "c"),
            line("r1", 2, Action::Removed, "a"),
            line("r1", 2, Action::Kept, "b"),
        ];
        lines.push(Line { owner: owner("2"), ..line("r9", 9, Action::Removing, "z") });
        let states = |lines: &[Line]| -> Vec<State> {
            removals(lines, &owner("1")).into_iter().map(|removal| removal.state).collect()
        };
        assert_eq!(states(&lines), [State::Removed, State::Kept, State::Unsettled]);
        lines.push(line("r2", 5, Action::Restoring, "a"));
        assert_eq!(states(&lines)[0], State::Restoring(DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(5)));
        lines.push(line("r2", 6, Action::Restored, "a"));
        lines.push(line("r1", 7, Action::Removed, "a"));
        assert_eq!(states(&lines)[0], State::Restored("new-a".into()));
        lines.push(line("r3", 8, Action::Removing, "a"));
        assert_eq!(states(&lines)[0], State::Unsettled);
    }

    #[test]
    fn what_was_replaced_has_a_successor_and_a_rotation_is_no_last_run() {
        let replaced = |run: &str, second, id: &str| {
            let line = line(run, second, Action::Replaced, id);
            Line { new_id: Some(format!("next-{id}")), ..line }
        };
        let rotated = |line: Line| Line { command: "rotate".into(), ..line };
        let lines = [
            line("r1", 1, Action::Removing, "a"),
            line("r1", 2, Action::Removed, "a"),
            rotated(replaced("r2", 3, "b")),
            rotated(line("r2", 4, Action::Removing, "b")),
            rotated(line("r2", 5, Action::Removed, "b")),
        ];
        let removals = removals(&lines, &owner("1"));
        let successors: Vec<Option<&str>> =
            removals.iter().map(|removal| removal.successor.as_deref()).collect();
        assert_eq!(successors, [None, Some("next-b")]);
        let ids: Vec<&str> =
            last_run(&removals, &|_| false).into_iter().map(|removal| removal.id.as_str()).collect();
        assert_eq!(ids, ["a"]);
    }

    #[test]
    fn the_last_run_is_the_last_that_removed_something() {
        let lines = [
            line("r1", 1, Action::Removing, "a"),
            line("r1", 2, Action::Removed, "a"),
            line("r2", 3, Action::Removing, "b"),
            line("r2", 4, Action::Kept, "b"),
        ];
        let removals = removals(&lines, &owner("1"));
        let ids: Vec<&str> =
            last_run(&removals, &|_| false).into_iter().map(|removal| removal.id.as_str()).collect();
        assert_eq!(ids, ["a"]);
    }
}
