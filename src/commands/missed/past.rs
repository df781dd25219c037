//! What the journal says about the past of webhooks, as far as it explains what was missed: which one took whose place and
//! when, and what the old one was. Pure.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::super::gap::{CLOCK_SKEW, gap_of};
use crate::gaps::Gap;
use crate::journal::{Action, Line};
use crate::secret::Secret;
use crate::services::vis::wire;
use crate::webhook::Webhook;

/// The past of one owner's webhooks.
#[derive(Default)]
pub struct Past {
    departures: HashMap<String, Departure>,
    /// By the id of a webhook: those whose place it took.
    parents: HashMap<String, Vec<String>>,
}

/// A webhook that was removed or replaced, as it was before.
struct Departure {
    webhook: Webhook,
    /// When it was written down, by this machine's clock.
    time: DateTime<Utc>,
    /// Whether it was set out to be removed, and was not kept after all.
    is_removed: bool,
    /// Of the key that its successor was to have.
    intended_key: Option<String>,
    heir: Option<Heir>,
}

/// What took a webhook's place.
#[derive(Clone)]
struct Heir {
    id: String,
    /// When it was written down, by this machine's clock.
    time: DateTime<Utc>,
    is_restored: bool,
}

impl Past {
    /// Adds up those of `lines` that are `ours`, oldest first.
    #[must_use]
    pub fn of(lines: &[Line], is_ours: &dyn Fn(&Line) -> bool) -> Self {
        let mut past = Self::default();
        for line in lines.iter().filter(|line| is_ours(line)) {
            past.add(line);
        }
        past
    }

    fn add(&mut self, line: &Line) {
        if let (Action::Removing | Action::Replacing, Some(definition)) = (line.action, &line.definition) {
            let raw = Bytes::copy_from_slice(definition.get().as_bytes());
            let Ok(webhook) = wire::webhook(&raw) else { return };
            let before = self.departures.remove(&line.id);
            let intended = line.successor.as_ref().and_then(|successor| successor.key_fingerprint.clone());
            let departure = Departure {
                webhook: Webhook { id: line.id.clone(), ..webhook },
                time: line.time,
                is_removed: line.action == Action::Removing,
                intended_key: intended
                    .or_else(|| before.as_ref().and_then(|before| before.intended_key.clone())),
                // What is removed because its successor is there keeps it; what was changed in place has none any more.
                heir: before
                    .and_then(|before| before.heir)
                    .filter(|heir| line.action == Action::Removing && heir.id != line.id),
            };
            self.departures.insert(line.id.clone(), departure);
            return;
        }
        let Some(departure) = self.departures.get_mut(&line.id) else { return };
        match (line.action, &line.new_id) {
            (Action::Kept, _) => departure.is_removed = false,
            (Action::Restored | Action::Replaced, Some(new_id)) if !new_id.is_empty() => {
                let is_restored = line.action == Action::Restored;
                departure.heir = Some(Heir { id: new_id.clone(), time: line.time, is_restored });
                if *new_id != line.id {
                    self.parents.entry(new_id.clone()).or_default().push(line.id.clone());
                }
            }
            _ => {}
        }
    }

    /// The webhook `id` as it was.
    #[must_use]
    pub fn webhook(&self, id: &str) -> Option<&Webhook> {
        self.departures.get(id).map(|departure| &departure.webhook)
    }

    /// The id of the last of those that took the place of `id`, one after the other; `id` itself if none did.
    #[must_use]
    pub fn newest<'a>(&'a self, id: &'a str) -> &'a str {
        let (mut newest, mut seen) = (id, HashSet::from([id]));
        while let Some(heir) = self.heir_of(newest) {
            if !seen.insert(&heir.id) {
                break;
            }
            newest = &heir.id;
        }
        newest
    }

    /// The last of them that the journal has a definition of; `id` itself if none took its place.
    #[must_use]
    pub fn last_known<'a>(&'a self, id: &'a str) -> &'a str {
        let (mut known, mut seen) = (id, HashSet::from([id]));
        while let Some(heir) = self.heir_of(known).filter(|heir| self.departures.contains_key(&heir.id)) {
            if !seen.insert(&heir.id) {
                break;
            }
            known = &heir.id;
        }
        known
    }

    fn heir_of(&self, id: &str) -> Option<&Heir> {
        self.departures.get(id)?.heir.as_ref()
    }

    /// The id of the changed copy that took the place of `id`; a restored one is no other.
    #[must_use]
    pub fn successor(&self, id: &str) -> Option<&str> {
        self.heir_of(id).filter(|heir| !heir.is_restored && heir.id != id).map(|heir| heir.id.as_str())
    }

    /// `id`, and every webhook whose place it took in the end.
    #[must_use]
    pub fn line_of(&self, id: &str) -> Vec<String> {
        let mut line = vec![id.to_owned()];
        let mut position = 0;
        while let Some(id) = line.get(position) {
            let heir_of = |parent: &str| Some(&self.departures.get(parent)?.heir.as_ref()?.id);
            let parents = self.parents.get(id).into_iter().flatten();
            // One that another took the place of later on is that one's parent.
            let parents = parents.filter(|parent| heir_of(parent) == Some(id) && !line.contains(parent));
            let parents: Vec<String> = parents.cloned().collect();
            line.extend(parents);
            position += 1;
        }
        line
    }

    /// Whether the service changed webhook `id` in place when it was to be replaced.
    #[must_use]
    pub fn is_changed_in_place(&self, id: &str) -> bool {
        self.departures
            .get(id)
            .and_then(|departure| departure.heir.as_ref())
            .is_some_and(|heir| heir.id == id)
    }

    /// When the webhook was registered that took the place of `id`. `created` tells it of those that are listed.
    #[must_use]
    pub fn succeeded_at(
        &self,
        id: &str,
        created: &dyn Fn(&str) -> Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let heir = self.departures.get(id)?.heir.as_ref()?;
        if heir.id == id {
            return Some(heir.time);
        }
        let journalled = || self.webhook(&heir.id).and_then(|webhook| webhook.created_at);
        Some(created(&heir.id).or_else(journalled).unwrap_or(heir.time))
    }

    /// The gaps that webhook `id` left behind when it was removed, replaced or changed in place, and that the one which took
    /// its place ended.
    #[must_use]
    pub fn gaps(&self, id: &str, created: &dyn Fn(&str) -> Option<DateTime<Utc>>) -> Vec<Gap> {
        let Some(departure) = self.departures.get(id) else { return Vec::new() };
        let own = gap_of(&departure.webhook, departure.time);
        let Some(registered) = self.succeeded_at(id, created) else { return own.into_iter().collect() };
        let mut gaps = Vec::new();
        match own {
            Some(gap) if gap.to.is_none() => {
                gaps.push(Gap { to: Some(registered), ..gap });
                return gaps;
            }
            own => gaps.extend(own),
        }
        // It delivered until it was removed, and nothing did until it was registered again.
        if departure.heir.as_ref().is_some_and(|heir| heir.is_restored) {
            let statistics = departure.webhook.statistics.as_ref();
            let success = statistics.and_then(|statistics| statistics.last_success);
            // By the service's clock, if it says; whatever came between that success and the removal arrived as well.
            let earliest = match success {
                Some(_) => None,
                None => departure.time.checked_sub_signed(CLOCK_SKEW),
            };
            let from = Some(success.unwrap_or(departure.time));
            gaps.push(Gap { from, earliest, created: departure.webhook.created_at, to: Some(registered) });
        }
        gaps
    }

    /// Webhooks that were removed after `moment`, have no successor and had missed events: by what they told of themselves, or
    /// by what `is_noted`.
    #[must_use]
    pub fn orphans(&self, moment: DateTime<Utc>, is_noted: &dyn Fn(&str) -> bool) -> Vec<String> {
        let is_orphan = |id: &str, departure: &Departure| {
            let is_late = departure.is_removed && departure.heir.is_none() && departure.time > moment;
            is_late && (is_noted(id) || gap_of(&departure.webhook, departure.time).is_some())
        };
        let mut orphans: Vec<(DateTime<Utc>, String)> = self
            .departures
            .iter()
            .filter(|(id, departure)| is_orphan(id, departure))
            .map(|(id, departure)| (departure.time, id.clone()))
            .collect();
        orphans.sort_unstable();
        orphans.into_iter().map(|(_, id)| id).collect()
    }

    /// The key of webhook `id`, if the service keeps it to itself and the journal knows it: its own, or the one that it took
    /// over from the webhook before it.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<Secret> {
        self.line_of(id).iter().find_map(|ancestor| {
            let key = self.webhook(ancestor)?.known_key()?;
            self.keeps_key(ancestor, id, key).then(|| key.clone())
        })
    }

    /// Whether every webhook from `old` to `id` has `key`.
    fn keeps_key(&self, old: &str, id: &str, key: &Secret) -> bool {
        let (mut current, mut seen) = (old, HashSet::new());
        while current != id {
            let Some(departure) = self.departures.get(current) else { return false };
            let Some(heir) = &departure.heir else { return false };
            let is_kept = heir.is_restored || departure.intended_key.as_ref() == Some(&key.fingerprint());
            if !is_kept || !seen.insert(current) {
                return false;
            }
            current = &heir.id;
        }
        true
    }
}

#[cfg(test)]
mod tests;
