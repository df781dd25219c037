//! What `vwh list --since-last` remembers of an account, and what has changed since: the service's counters never reset, so
//! only two readings tell what is new. Comparing is pure; the file is private, because urls may hold keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Context;
use super::account::Account;
use super::snapshot::Snapshot;
use crate::error::{Error, Kind};
use crate::files::{self, Lock};
use crate::webhook::{Health, Webhook};

/// The form that is written; another one is no reading to compare with.
const VERSION: u32 = 1;

/// One account as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    version: u32,
    /// Where it was read: another service's webhooks are no change.
    base_url: String,
    /// The service's clock.
    pub read_at: DateTime<Utc>,
    webhooks: BTreeMap<String, Remembered>,
}

/// One webhook of a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Where it delivered to.
    pub url: String,
    pub(super) health: Health,
    successes: Option<i64>,
    failures: Option<i64>,
}

/// What happened to a webhook. The names are in the JSON contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It has failed.
    Failed,
    /// It has expired.
    Expired,
    /// It was paused.
    Paused,
    /// It expires soon.
    Expiring,
    /// More deliveries were given up.
    FailuresIncreased,
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It delivers again.
    Recovered,
}

/// The changes of one webhook, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Worst first.
    pub changes: Vec<Change>,
    /// Deliveries that succeeded since; `None` if the counters do not tell.
    pub new_successes: Option<i64>,
    /// Deliveries that were given up since.
    pub new_failures: Option<i64>,
}

impl Change {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Paused => "paused",
            Self::Expiring => "expiring",
            Self::FailuresIncreased => "failures-increased",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Recovered => "recovered",
        }
    }
}

impl Reading {
    /// What there is to remember of `snapshot` after `before`. Of webhooks whose url is not `wanted`, nothing new: whoever
    /// did not ask for them has not been told.
    #[must_use]
    pub fn of(
        snapshot: &Snapshot,
        account: &Account,
        before: Option<&Self>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Self {
        let remembered = snapshot.webhooks().filter(|webhook| wanted(&webhook.url)).map(|webhook| {
            let remembered = Remembered::of(&webhook, snapshot.now);
            (webhook.id, remembered)
        });
        let kept = before.into_iter().flat_map(|before| &before.webhooks);
        let kept = kept.filter(|(_, remembered)| !wanted(&remembered.url));
        let kept = kept.map(|(id, remembered)| (id.clone(), remembered.clone()));
        let webhooks = kept.chain(remembered).collect();
        Self { version: VERSION, base_url: account.base().to_owned(), read_at: snapshot.now, webhooks }
    }

    /// The webhook `id` as it was.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Remembered> {
        self.webhooks.get(id)
    }

    /// Those that `later` has no more.
    pub fn missing_in<'a>(&'a self, later: &'a Self) -> impl Iterator<Item = (&'a str, &'a Remembered)> {
        let gone = self.webhooks.iter().filter(|(id, _)| !later.webhooks.contains_key(*id));
        gone.map(|(id, remembered)| (id.as_str(), remembered))
    }
}

impl Remembered {
    /// What there is to remember of `webhook`, read at `now`.
    #[must_use]
    pub fn of(webhook: &Webhook, now: DateTime<Utc>) -> Self {
        let statistics = webhook.statistics.as_ref();
        Self {
            url: webhook.url.clone(),
            health: Health::of(webhook, now),
            successes: statistics.and_then(|statistics| statistics.successes),
            failures: statistics.and_then(|statistics| statistics.failures),
        }
    }
}

/// What changed from `before` to `after`; `None` if nothing that an operator must know of.
#[must_use]
pub fn changed(before: &Remembered, after: &Remembered) -> Option<Changed> {
    let mut changes = Vec::new();
    if before.health != after.health {
        changes.extend(trouble(after.health));
        if is_silent(before.health) && !is_silent(after.health) {
            changes.push(Change::Recovered);
        }
    }
    let more = |before: Option<i64>, after: Option<i64>| after?.checked_sub(before?);
    let new_failures = more(before.failures, after.failures);
    if new_failures.is_some_and(|more| more > 0) && !changes.contains(&Change::Failed) {
        changes.push(Change::FailuresIncreased);
        changes.sort_unstable();
    }
    let new_successes = more(before.successes, after.successes);
    (!changes.is_empty()).then_some(Changed { changes, new_successes, new_failures })
}

/// What to say of a webhook that no reading has: that it is new, and what is wrong with it.
#[must_use]
pub fn added(after: &Remembered) -> Changed {
    let mut changes = vec![Change::Added];
    changes.extend(trouble(after.health));
    changes.sort_unstable();
    Changed { changes, new_successes: after.successes, new_failures: after.failures }
}

/// What the first reading of all shows of a webhook: only what is down already.
#[must_use]
pub fn baseline(after: &Remembered) -> Option<Changed> {
    let changes = trouble(after.health).filter(|_| after.health.is_down());
    changes.map(|change| Changed { changes: vec![change], new_successes: None, new_failures: None })
}

fn trouble(health: Health) -> Option<Change> {
    match health {
        Health::Failed => Some(Change::Failed),
        Health::Expired => Some(Change::Expired),
        Health::Paused => Some(Change::Paused),
        Health::Expiring => Some(Change::Expiring),
        _ => None,
    }
}

/// Whether nothing is delivered in this health.
fn is_silent(health: Health) -> bool {
    health <= Health::Paused
}

/// The file of one named reading, locked: of two that ask at once, the second sees what the first left.
pub struct Mark {
    path: PathBuf,
    _lock: Lock,
}

impl Mark {
    /// Takes the mark `name` of `account`, waiting for another run as long as the time limit allows.
    pub async fn take(context: &Context, account: &Account, name: &str) -> Result<Self, Error> {
        let path = account.state_file(context, "readings", &format!("since-{name}.json"))?;
        let lock = files::lock(&path, &context.limits).await?;
        Ok(Self { path, _lock: lock })
    }

    /// The last reading; `None` if there is none of this service.
    pub fn read(&self, account: &Account) -> Result<Option<Reading>, Error> {
        let Some(content) = files::read_private(&self.path)? else { return Ok(None) };
        let broken = |_| {
            Error::new(Kind::Internal, format!("{} is not a reading of this vwh", self.path.display()))
                .hint("remove it to start with a new first reading")
        };
        let reading: Reading = serde_json::from_slice(&content).map_err(broken)?;
        let is_comparable = reading.version == VERSION && reading.base_url == account.base();
        Ok(is_comparable.then_some(reading))
    }

    /// Makes `reading` the last one.
    pub fn set(&self, reading: &Reading) -> Result<(), Error> {
        let content = serde_json::to_vec(reading).unwrap_or_default();
        Ok(files::replace(&self.path, &content)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Change, Changed, Remembered, added, baseline, changed};
    use crate::webhook::Health;

    fn remembered(health: Health, successes: Option<i64>, failures: Option<i64>) -> Remembered {
        Remembered { url: "https://a.example".to_owned(), health, successes, failures }
    }

    fn changes(before: Health, after: Health) -> Vec<Change> {
        let counted = |health| remembered(health, Some(5), Some(3));
        changed(&counted(before), &counted(after)).map(|changed| changed.changes).unwrap_or_default()
    }

    #[test]
    fn transitions_have_names() {
        use Health::{Expired, Expiring, Failed, Idle, Ok, Paused, Unknown, Unproven};
        let cases: [(Health, Health, &[Change]); 14] = [
            (Ok, Failed, &[Change::Failed]),
            (Expired, Failed, &[Change::Failed]),
            (Ok, Expired, &[Change::Expired]),
            (Failed, Expired, &[Change::Expired]),
            (Ok, Paused, &[Change::Paused]),
            (Ok, Expiring, &[Change::Expiring]),
            (Failed, Expiring, &[Change::Expiring, Change::Recovered]),
            (Failed, Unproven, &[Change::Recovered]),
            (Expired, Ok, &[Change::Recovered]),
            (Paused, Unknown, &[Change::Recovered]),
            (Idle, Ok, &[]),
            (Unproven, Ok, &[]),
            (Expiring, Ok, &[]),
            (Ok, Unknown, &[]),
        ];
        for (before, after, expected) in cases {
            assert_eq!(changes(before, after), expected, "{before} to {after}");
        }
    }

    #[test]
    fn more_failures_are_a_change_and_more_successes_are_not() {
        let before = remembered(Health::Ok, Some(5), Some(3));
        assert_eq!(changed(&before, &remembered(Health::Ok, Some(9), Some(3))), None);
        let worse = changed(&before, &remembered(Health::Ok, Some(9), Some(4)));
        let expected = Changed {
            changes: vec![Change::FailuresIncreased],
            new_successes: Some(4),
            new_failures: Some(1),
        };
        assert_eq!(worse, Some(expected));
        let failed =
            changed(&before, &remembered(Health::Failed, Some(5), Some(4))).map(|changed| changed.changes);
        assert_eq!(failed, Some(vec![Change::Failed]));
        assert_eq!(changed(&before, &remembered(Health::Ok, None, None)), None);
        assert_eq!(changed(&before, &remembered(Health::Ok, Some(1), Some(0))), None);
    }

    #[test]
    fn what_is_new_or_seen_first_is_told_by_what_is_wrong_with_it() {
        let changes = |health| added(&remembered(health, None, None)).changes;
        assert_eq!(changes(Health::Ok), [Change::Added]);
        assert_eq!(changes(Health::Failed), [Change::Failed, Change::Added]);
        let first = |health| baseline(&remembered(health, None, None)).map(|changed| changed.changes);
        assert_eq!(first(Health::Failed), Some(vec![Change::Failed]));
        assert_eq!(first(Health::Expired), Some(vec![Change::Expired]));
        assert_eq!(first(Health::Expiring), None);
    }

    fn any_health() -> impl Strategy<Value = Health> {
        prop::sample::select(Health::ALL.to_vec())
    }

    proptest! {
        /// Whatever a service counts, the same twice is no change, and nothing overflows.
        #[test]
        fn the_same_twice_is_no_change(health in any_health(), successes: Option<i64>, failures: Option<i64>) {
            let reading = remembered(health, successes, failures);
            prop_assert_eq!(changed(&reading, &reading), None);
        }

        #[test]
        fn going_down_is_always_told(
            before in any_health(), after in any_health(),
            old: (Option<i64>, Option<i64>), new: (Option<i64>, Option<i64>),
        ) {
            let told = changed(&remembered(before, old.0, old.1), &remembered(after, new.0, new.1));
            if after.is_down() && before != after {
                prop_assert!(told.is_some());
            }
        }
    }
}
