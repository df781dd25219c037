//! What the journal's lines add up to: which webhooks of one owner were removed, when, by what, and whether they came back.
//! Pure; the file is `journal`'s, restoring is a command's.

use std::collections::{HashMap, HashSet};

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
    /// The profile that it ran with.
    pub profile: String,
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
        #[serde(alias = "webhook_uri")]
        url: Option<String>,
    }
    let members: Option<Members> = serde_json::from_str(definition.get()).ok();
    members.and_then(|members| members.url).unwrap_or_default()
}

/// Every removal of `owner`'s webhooks, oldest first.
#[must_use]
pub fn removals(lines: &[Line], owner: &Owner) -> Vec<Removal> {
    // What was removed again stands where it was removed last.
    let mut removals: Vec<Option<Removal>> = Vec::new();
    // By id the newest; by id and url each, for where there is room for one webhook every one has the same id.
    let mut position_of: HashMap<&str, usize> = HashMap::new();
    let mut position_at: HashMap<(&str, String), usize> = HashMap::new();
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
                profile: line.profile.clone(),
                definition: definition.clone(),
                key_fingerprint: line.key_fingerprint.clone(),
                successor: successor_of.get(line.id.as_str()).map(|id| (*id).clone()),
                state: State::Unsettled,
            };
            if let Some(older) = position_at.insert((&line.id, url_of(definition)), removals.len()) {
                removals[older] = None;
            }
            position_of.insert(&line.id, removals.len());
            removals.push(Some(removal));
        } else {
            let named = line.definition.as_ref().map(|definition| (line.id.as_str(), url_of(definition)));
            let position = named.and_then(|key| position_at.get(&key)).or(position_of.get(line.id.as_str()));
            if let Some(removal) = position.and_then(|position| removals[*position].as_mut()) {
                settle(removal, line);
            }
        }
    }
    removals.into_iter().flatten().collect()
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

/// What was removed at `since` or later, did not come back and was not replaced, oldest first.
///
/// `is_ours` says of an owner and a profile whether a removal counts; `is_listed` whether a webhook is still there.
#[must_use]
pub fn missing(
    lines: &[Line],
    is_ours: &dyn Fn(&Owner, &str) -> bool,
    since: DateTime<Utc>,
    is_listed: &dyn Fn(&str) -> bool,
) -> Vec<Removal> {
    let mut owners: Vec<&Owner> = Vec::new();
    for line in lines.iter().filter(|line| line.action == Action::Removing && line.time >= since) {
        if is_ours(&line.owner, &line.profile) && !owners.contains(&&line.owner) {
            owners.push(&line.owner);
        }
    }
    let is_missing = |removal: &Removal| {
        let is_away = match removal.state {
            // A restore that was cut short may have registered it; until one says so, it counts as away.
            State::Unsettled | State::Removed | State::Restoring(_) => true,
            State::Kept | State::Restored(_) => false,
        };
        is_away && removal.successor.is_none() && removal.time >= since && !is_listed(&removal.id)
    };
    let mut missing = Vec::new();
    for owner in owners {
        let removals = removals(lines, owner).into_iter();
        missing.extend(
            removals.filter(|removal| is_ours(owner, &removal.profile)).filter(|one| is_missing(one)),
        );
    }
    missing.sort_by_key(|removal| removal.time);
    missing
}

/// How many webhooks were ever removed, restored later or not, of those that `is_ours` takes; one that made way for its
/// successor does not count. It never shrinks: a line that settles a removal is never taken back, and one that is not
/// settled does not count yet.
#[must_use]
pub fn removed_total(lines: &[Line], is_ours: &dyn Fn(&Owner, &str) -> bool) -> usize {
    let key = |line: &Line| (line.owner.account.clone(), line.owner.user.clone(), line.id.clone());
    let mut ours = HashSet::new();
    let mut removed = HashSet::new();
    let mut replaced = HashSet::new();
    for line in lines {
        match line.action {
            Action::Replaced => drop(replaced.insert(key(line))),
            Action::Removing if replaced.contains(&key(line)) => {}
            Action::Removing if is_ours(&line.owner, &line.profile) => drop(ours.insert(key(line))),
            Action::Removed | Action::Gone | Action::Restoring | Action::Restored => {
                removed.insert(key(line));
            }
            Action::Removing | Action::Kept | Action::Replacing => {}
        }
    }
    ours.intersection(&removed).count()
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
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert, proptest};
    use serde_json::value::RawValue;

    use super::super::{Action, Line, Owner, Run};
    use super::{State, last_run, missing, removals, removed_total};

    fn owner(user: &str) -> Owner {
        Owner {
            service: "vis".into(),
            base_url: "http://x".into(),
            account: None,
            user: Some(user.into()),
            profile: None,
        }
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
        // It was removed last.
        assert_eq!(states(&lines), [State::Kept, State::Unsettled, State::Unsettled]);
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

    #[test]
    fn what_came_back_is_not_missing_and_stays_counted() {
        let epoch = DateTime::<Utc>::UNIX_EPOCH;
        let mut lines = vec![
            line("r1", 1, Action::Removing, "old"),
            line("r1", 1, Action::Removed, "old"),
            line("r2", 5, Action::Removing, "a"),
            line("r2", 5, Action::Removing, "b"),
            line("r2", 5, Action::Removing, "c"),
            line("r2", 6, Action::Removed, "a"),
            line("r2", 6, Action::Kept, "b"),
        ];
        lines.push(Line { owner: owner("2"), ..line("r3", 6, Action::Removing, "z") });
        lines.push(Line { profile: "q".into(), ..line("r4", 6, Action::Removing, "y") });
        let is_ours = |owner: &Owner, profile: &str| *owner == self::owner("1") && profile == "p";
        let since = epoch + TimeDelta::seconds(5);
        let away = |lines: &[Line]| -> Vec<String> {
            let missing = missing(lines, &is_ours, since, &|id| id == "listed");
            missing.into_iter().map(|removal| removal.id).collect()
        };
        // Nobody knows what became of `c`, but it is not there.
        assert_eq!(away(&lines), ["a", "c"]);
        assert_eq!(removed_total(&lines, &is_ours), 2);
        lines.push(line("r5", 7, Action::Removing, "listed"));
        lines.push(line("r6", 8, Action::Restoring, "a"));
        assert_eq!(away(&lines), ["a", "c"]);
        // Whoever brings it back, it is back.
        lines.push(Line { profile: "q".into(), ..line("r6", 9, Action::Restored, "a") });
        assert_eq!(away(&lines), ["c"]);
        assert_eq!(removed_total(&lines, &is_ours), 2);
    }

    #[test]
    fn what_made_way_for_its_successor_is_neither_missing_nor_counted() {
        let lines = [
            line("r1", 1, Action::Replacing, "a"),
            Line { new_id: Some("b".into()), ..line("r1", 2, Action::Replaced, "a") },
            line("r1", 3, Action::Removing, "a"),
            line("r1", 4, Action::Removed, "a"),
        ];
        let all = |_: &Owner, _: &str| true;
        assert!(missing(&lines, &all, DateTime::<Utc>::UNIX_EPOCH, &|_| false).is_empty());
        assert_eq!(removed_total(&lines, &all), 0);
    }

    proptest! {
        #[test]
        fn the_total_never_shrinks(steps in vec((0_usize..8, 0_usize..4), 0..40)) {
            let actions = [
                Action::Removing, Action::Removed, Action::Gone, Action::Kept, Action::Restoring, Action::Restored,
                Action::Replacing, Action::Replaced,
            ];
            let ids = ["a", "b", "c", "d"];
            let mut lines = Vec::new();
            let mut before = 0;
            for (action, id) in steps {
                lines.push(line("r", 1, actions[action], ids[id]));
                let total = removed_total(&lines, &|_, _| true);
                prop_assert!(total >= before);
                before = total;
            }
        }
    }
}
