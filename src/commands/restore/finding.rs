//! What the current list says about a webhook that may be restored: gone, still there, equalled by another, or back already
//! from a restore that was cut short. Pure.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::super::gap::CLOCK_SKEW;
use super::super::snapshot::Snapshot;
use crate::journal::history::{Removal, State};
use crate::webhook::Webhook;
use crate::webhook::json::Secrets;

/// A removal that may be undone, with the webhook as it was.
pub(super) struct Candidate {
    /// What the journal says.
    pub(super) removal: Removal,
    /// What it was.
    pub(super) webhook: Webhook,
}

/// What the current list says about a candidate.
pub(super) enum Finding {
    /// Still there, or restored before: nothing to say.
    Settled,
    /// A restore that was cut short did register it, under this id.
    Completed(String),
    /// Somebody registered an equal one.
    Exists(String),
    /// What took its place when it was replaced is there, under this id.
    Succeeded(String),
    /// Another one is in the place where there is room for one.
    Blocked(String),
    /// Gone.
    Missing,
}

/// What is registered now, as far as it may stand for something that was removed.
pub(super) struct Present<'a> {
    snapshot: &'a Snapshot,
    by_url: HashMap<String, Vec<Webhook>>,
    /// What other removals were restored as: it stands for those.
    claimed: HashSet<String>,
    /// By id: what took its place.
    heirs: HashMap<String, String>,
}

impl<'a> Present<'a> {
    /// What `snapshot` has, less what `removals` were restored as.
    pub(super) fn new(snapshot: &'a Snapshot, removals: &[Removal]) -> Self {
        let mut by_url: HashMap<String, Vec<Webhook>> = HashMap::new();
        for webhook in snapshot.webhooks() {
            by_url.entry(webhook.url.clone()).or_default().push(webhook);
        }
        let claimed = removals.iter().filter_map(|removal| match &removal.state {
            State::Restored(new_id) => Some(new_id.clone()),
            _ => None,
        });
        let heir = |removal: &Removal| match (&removal.successor, &removal.state) {
            (Some(successor), _) => Some((removal.id.clone(), successor.clone())),
            (None, State::Restored(new_id)) => Some((removal.id.clone(), new_id.clone())),
            (None, _) => None,
        };
        let heirs = removals.iter().filter_map(heir).filter(|(id, heir)| id != heir).collect();
        Self { snapshot, by_url, claimed: claimed.collect(), heirs }
    }

    /// Webhook `id` stands for one removal from now on: one arrival completes one, and an equal one is still missing.
    pub(super) fn claim(&mut self, id: String) {
        self.claimed.insert(id);
    }

    /// The id of what was put in the place of `lost` when it was replaced, or of what took the place of that, if it is listed.
    fn successor_of<'b>(&'b self, lost: &'b Removal) -> Option<&'b str> {
        let (mut current, mut seen) = (lost.successor.as_deref()?, HashSet::new());
        while self.snapshot.find(current).is_none() {
            current = self.heirs.get(current).filter(|_| seen.insert(current))?;
        }
        Some(current)
    }

    /// A webhook that delivers what `lost` did, with its key.
    fn twin_of(&self, lost: &Webhook) -> Option<&Webhook> {
        self.by_url.get(&lost.url)?.iter().find(|webhook| {
            !self.claimed.contains(&webhook.id)
                && webhook.delivers_as(&lost.url, &lost.events)
                && (webhook.signing_key == lost.signing_key || lost.signing_key.is_none())
        })
    }
}

/// What became of `candidate`.
///
/// `is_named` says that the user asked for this very webhook: then it comes back even if it was not vwh that removed it in
/// the end.
pub(super) fn examine(candidate: &Candidate, present: &Present<'_>, is_named: bool) -> Finding {
    let is_settled = match candidate.removal.state {
        State::Restored(_) => true,
        State::Kept => !is_named,
        _ => false,
    };
    if is_settled {
        return Finding::Settled;
    }
    if let Some(listed) = present.snapshot.find(&candidate.webhook.id) {
        return in_place_of(candidate, &listed);
    }
    if let Some(successor) = present.successor_of(&candidate.removal) {
        return Finding::Succeeded(successor.to_owned());
    }
    let Some(twin) = present.twin_of(&candidate.webhook) else { return Finding::Missing };
    match candidate.removal.state {
        State::Restoring(since) if created_after(twin, since - CLOCK_SKEW) => {
            Finding::Completed(twin.id.clone())
        }
        _ => Finding::Exists(twin.id.clone()),
    }
}

/// What `listed`, which has the same id, says. Where there is room for one webhook, every webhook has that id.
fn in_place_of(candidate: &Candidate, listed: &Webhook) -> Finding {
    let lost = &candidate.webhook;
    if !lost.service.holds_one() {
        return Finding::Settled;
    }
    let is_same = listed.url == lost.url && listed.method == lost.method;
    match candidate.removal.state {
        State::Restoring(_) if is_same => Finding::Completed(listed.id.clone()),
        _ if is_same => Finding::Settled,
        _ => Finding::Blocked(listed.shown_url(Secrets::Hide)),
    }
}

fn created_after(webhook: &Webhook, moment: DateTime<Utc>) -> bool {
    webhook.created_at.is_none_or(|created| created >= moment)
}
