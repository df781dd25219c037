//! What the journal's lines say about replacements: which webhook was to make way for what, and whether that is registered.
//! Pure; who is still listed is for a command to see.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::history::url_of;
use super::{Action, Intended, Line, Owner};

/// The last replacement of one webhook that vwh set out on.
#[derive(Clone, Debug)]
pub struct Succession {
    /// When it was journalled.
    pub time: DateTime<Utc>,
    /// What was replaced.
    pub definition: Box<RawValue>,
    /// What its successor is to be.
    pub intended: Intended,
    /// The successor's id; `None` if it was never written down, although it may be registered.
    pub successor: Option<String>,
}

impl Succession {
    /// The url that the old webhook delivered to.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(&self.definition)
    }
}

/// The replacements of one owner's webhooks, by the id of the old one.
#[derive(Debug, Default)]
pub struct Successions {
    by_id: HashMap<String, Succession>,
    /// By the id of a successor: what it replaced.
    claimants: HashMap<String, HashSet<String>>,
}

impl Successions {
    /// Reads the lines of `owner`, oldest first.
    #[must_use]
    pub fn of(lines: &[Line], owner: &Owner) -> Self {
        let mut by_id: HashMap<String, Succession> = HashMap::new();
        let mut claimants: HashMap<String, HashSet<String>> = HashMap::new();
        for line in lines.iter().filter(|line| line.owner == *owner) {
            match (line.action, &line.definition, &line.successor, &line.new_id) {
                (Action::Replacing, Some(definition), Some(intended), _) => {
                    let (definition, intended) = (definition.clone(), intended.clone());
                    let succession = Succession { time: line.time, definition, intended, successor: None };
                    by_id.insert(line.id.clone(), succession);
                }
                (Action::Replaced, _, _, Some(new_id)) => {
                    if let Some(succession) = by_id.get_mut(&line.id) {
                        succession.successor = Some(new_id.clone());
                    }
                    if *new_id != line.id {
                        claimants.entry(new_id.clone()).or_default().insert(line.id.clone());
                    }
                }
                _ => {}
            }
        }
        Self { by_id, claimants }
    }

    /// The last replacement of webhook `id`.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Succession> {
        self.by_id.get(id)
    }

    /// The same, unless the service changed the webhook in place, so that nothing is left to be done.
    #[must_use]
    pub fn open(&self, id: &str) -> Option<&Succession> {
        self.find(id).filter(|succession| succession.successor.as_deref() != Some(id))
    }

    /// Whether webhook `id` is written down as the successor of another than `old_id`.
    #[must_use]
    pub fn claims(&self, id: &str, old_id: &str) -> bool {
        self.claimants.get(id).is_some_and(|claimants| claimants.iter().any(|claimant| claimant != old_id))
    }

    /// The last link that is known of the chain of successors that starts at webhook `id`: the id that was replaced last,
    /// and by what.
    #[must_use]
    pub fn newest(&self, id: &str) -> Option<(&str, &Succession)> {
        let mut newest = self.by_id.get_key_value(id)?;
        let mut seen = HashSet::from([newest.0]);
        while let Some(next) = newest.1.successor.as_ref().and_then(|next| self.by_id.get_key_value(next)) {
            if !seen.insert(next.0) {
                break;
            }
            newest = next;
        }
        Some((newest.0, newest.1))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::value::RawValue;

    use super::super::{Action, Intended, Line, Owner, Run};
    use super::Successions;

    fn owner() -> Owner {
        Owner { service: "vis".into(), base_url: "http://x".into(), account: None, user: None, profile: None }
    }

    fn line(second: i64, action: Action, id: &str) -> Line {
        let run = Run { name: "r".into(), command: "replace", profile: "p".into(), owner: owner() };
        run.line(DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(second), action, id)
    }

    fn replacing(second: i64, id: &str, url: &str) -> Line {
        let intended = Intended {
            url: url.into(),
            events: vec!["CALL".into()],
            metadata_policy: "NONE".into(),
            key_fingerprint: None,
        };
        Line {
            definition: RawValue::from_string(format!("{{\"url\":\"u-{id}\"}}")).ok(),
            successor: Some(intended),
            ..line(second, Action::Replacing, id)
        }
    }

    fn replaced(second: i64, id: &str, new_id: &str) -> Line {
        Line { new_id: Some(new_id.into()), ..line(second, Action::Replaced, id) }
    }

    #[test]
    fn the_last_intention_counts_and_a_chain_is_followed_to_its_end() {
        let mut lines = vec![replacing(1, "a", "first"), replaced(2, "a", "b"), replacing(3, "b", "second")];
        let newest = |lines: &[Line], id: &str| {
            let successions = Successions::of(lines, &owner());
            let (id, succession) = successions.newest(id).expect("a succession");
            (id.to_owned(), succession.successor.clone(), succession.intended.url.clone(), succession.url())
        };
        assert_eq!(newest(&lines, "a"), ("b".into(), None, "second".into(), "u-b".into()));
        lines.push(replaced(4, "b", "c"));
        assert_eq!(newest(&lines, "a"), ("b".into(), Some("c".into()), "second".into(), "u-b".into()));
        // Somebody wrote a circle: it is walked once.
        lines.extend([replacing(5, "c", "third"), replaced(6, "c", "a")]);
        assert_eq!(newest(&lines, "a").0, "c");
        // A new job on the same webhook starts without a successor.
        lines.push(replacing(7, "a", "fourth"));
        assert_eq!(newest(&lines, "a"), ("a".into(), None, "fourth".into(), "u-a".into()));
        assert!(Successions::of(&lines, &Owner { user: Some("2".into()), ..owner() }).newest("a").is_none());
    }

    #[test]
    fn a_successor_is_claimed_by_what_it_replaced_and_a_change_in_place_leaves_nothing_open() {
        let lines = [
            replacing(1, "a", "x"),
            replacing(1, "b", "x"),
            replaced(2, "a", "new"),
            replacing(3, "c", "x"),
            replaced(4, "c", "c"),
        ];
        let successions = Successions::of(&lines, &owner());
        assert!(successions.claims("new", "b") && !successions.claims("new", "a"));
        assert!(!successions.claims("c", "b"));
        assert!(successions.open("a").is_some() && successions.open("b").is_some());
        assert!(successions.open("c").is_none() && successions.open("z").is_none());
    }
}
