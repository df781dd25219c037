//! What is registered now, as far as it may be the successor of another webhook: by the journal, or because it is equal.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::super::account::Account;
use super::super::destination::place;
use super::super::snapshot::Snapshot;
use super::change::{Change, NewKey, Target, TargetKey, is_new_key, unknown_key};
use super::doubt::{Doubt, delivers_nothing, down};
use crate::error::{Error, Kind};
use crate::journal::succession::{Succession, Successions};
use crate::output::text::word;
use crate::secret::Secret;
use crate::services::registration::is_gone;
use crate::webhook::{Health, Webhook};

/// Clocks differ; a webhook created this long before its journal line by our clock may still be the one that is meant.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// A successor that is registered already.
#[derive(Clone, Debug)]
pub struct Successor {
    /// Its id.
    pub id: String,
    /// Whether the journal says what was meant.
    pub is_meant: bool,
    /// Whether the journal names it.
    pub is_named: bool,
    /// What the journal knows of its key.
    pub key_fingerprint: Option<String>,
}

/// What is to be done about a webhook.
pub enum Finding {
    /// Nothing: it is as asked.
    Unchanged,
    /// It is to be replaced by this, which may be there already.
    Ready(Target, Option<Successor>),
    /// It stays beside this successor.
    Stays(Target, Successor, Doubt),
}

/// The list and the journal, seen together.
pub struct Present<'a> {
    account: &'a Account,
    successions: &'a Successions,
    now: DateTime<Utc>,
    webhooks: Vec<Webhook>,
    by_id: HashMap<String, usize>,
    by_place: HashMap<String, Vec<usize>>,
    /// By id: successors that are registered although the list does not show them yet.
    unlisted: HashMap<String, Webhook>,
    /// Successors that this run has found: each stands for one webhook.
    taken: RefCell<HashSet<String>>,
    /// By fingerprint: keys that a run which was cut short made for the webhooks of this one.
    earlier_keys: HashMap<String, Secret>,
}

impl<'a> Present<'a> {
    /// What `snapshot` and `successions` say.
    #[must_use]
    pub fn new(account: &'a Account, snapshot: &Snapshot, successions: &'a Successions) -> Self {
        let webhooks: Vec<Webhook> = snapshot.webhooks().collect();
        let mut by_id = HashMap::new();
        let mut by_place: HashMap<String, Vec<usize>> = HashMap::new();
        for (position, webhook) in webhooks.iter().enumerate() {
            by_id.insert(webhook.id.clone(), position);
            by_place.entry(place(&webhook.url)).or_default().push(position);
        }
        Self {
            account,
            successions,
            now: snapshot.now,
            webhooks,
            by_id,
            by_place,
            unlisted: HashMap::new(),
            taken: RefCell::default(),
            earlier_keys: HashMap::new(),
        }
    }

    /// Asks the service for each successor of `olds` that the journal names and the list does not show, `concurrency` at a
    /// time. One that was registered a moment ago must not be registered again because the list is late.
    pub async fn look_for_unlisted<'w>(
        &mut self,
        olds: impl Iterator<Item = &'w Webhook>,
        concurrency: usize,
    ) -> Result<(), Error> {
        let named = olds.filter_map(|old| self.successions.open(&old.id)?.successor.clone());
        let ids: Vec<String> = named.filter(|id| !self.by_id.contains_key(id)).collect();
        for ids in ids.chunks(concurrency.max(1)) {
            for found in join_all(ids.iter().map(|id| self.look_for(id))).await {
                if let Some(webhook) = found? {
                    self.unlisted.insert(webhook.id.clone(), webhook);
                }
            }
        }
        Ok(())
    }

    /// The webhook `id`, asked for by itself; `None` if the service says that it is gone.
    async fn look_for(&self, id: &str) -> Result<Option<Webhook>, Error> {
        match self.account.client.get(id).await {
            Ok((webhook, _)) => Ok(Some(Webhook { id: id.to_owned(), ..webhook })),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => {
                let what = format!("nothing was changed: cannot see whether webhook {id} is registered");
                Err(Error::from(error).while_doing(what))
            }
        }
    }

    /// The fingerprints of the keys that an earlier run was to give to `olds`.
    pub fn earlier_fingerprints<'w>(&self, olds: impl Iterator<Item = &'w Webhook>) -> HashSet<String> {
        let fingerprints = olds.filter_map(|old| {
            let intended = &self.successions.open(&old.id)?.intended;
            intended.key_fingerprint.clone().filter(|_| is_new_key(intended, old))
        });
        fingerprints.collect()
    }

    /// Looks for the keys themselves: on what that run did register, and in the file that was to keep one.
    pub fn look_for_keys(&mut self, fingerprints: &HashSet<String>, kept: Option<&Secret>) {
        let keys = self.webhooks.iter().filter_map(Webhook::known_key).chain(kept);
        let known = keys.map(|key| (key.fingerprint(), key.clone()));
        self.earlier_keys = known.filter(|(fingerprint, _)| fingerprints.contains(fingerprint)).collect();
    }

    /// What is to be done about `old`.
    pub fn examine(&self, old: &Webhook, change: &Change) -> Result<Finding, Error> {
        let mut target = change.target(old)?;
        let succession = self.successions.open(&old.id);
        if matches!(change.key, NewKey::ToMake) {
            let has_it = |key: &Secret| old.known_key() == Some(key);
            if target.is_met_but_for_key(old) && self.earlier_keys.values().any(has_it) {
                return Ok(Finding::Unchanged);
            }
            let meant = succession
                .and_then(|succession| self.earlier_key(succession.intended.key_fingerprint.as_ref()?));
            if let Some(key) = meant {
                target.key = TargetKey::Is(key.clone());
            }
        }
        let keeps_unknown = matches!(target.key, TargetKey::Unknown);
        if target.is_met_by(old) || keeps_unknown && target.is_met_but_for_key(old) {
            return Ok(Finding::Unchanged);
        }
        if let Some(succession) = succession
            && let Some(webhook) = self.meant(&old.id, succession)
        {
            if !target.was_meant_by(&succession.intended, old) {
                return Err(self.other_change(old, webhook));
            }
            let successor = Successor {
                id: webhook.id.clone(),
                is_meant: true,
                is_named: succession.successor.is_some(),
                key_fingerprint: succession.intended.key_fingerprint.clone(),
            };
            let listed = self.by_id.contains_key(&webhook.id).then_some(webhook);
            let fingerprint = successor.key_fingerprint.as_deref();
            let doubt = Doubt::about(listed, &target, fingerprint, self.now);
            self.taken.borrow_mut().insert(webhook.id.clone());
            return Ok(match doubt {
                Some(doubt) => Finding::Stays(target, successor, doubt),
                None => Finding::Ready(target, Some(successor)),
            });
        }
        if keeps_unknown {
            return Err(unknown_key());
        }
        let is_equal = |webhook: &&Webhook| self.is_free(webhook, &old.id) && target.is_met_by(webhook);
        match self.at(&target.url).find(is_equal) {
            Some(webhook) => {
                let health = Health::of(webhook, self.now);
                if delivers_nothing(health) {
                    return Err(down(self.account, &webhook.id, health));
                }
                let id = webhook.id.clone();
                let successor = Successor { id, is_meant: false, is_named: false, key_fingerprint: None };
                self.taken.borrow_mut().insert(webhook.id.clone());
                Ok(Finding::Ready(target, Some(successor)))
            }
            None => Ok(Finding::Ready(target, None)),
        }
    }

    /// The webhook that has taken the place of one that is gone, however many came in between.
    #[must_use]
    pub fn heir(&self, id: &str) -> Option<&Webhook> {
        let (old_id, succession) = self.successions.newest(id)?;
        self.meant(old_id, succession)
    }

    /// The listed webhook that was registered to replace `old_id`.
    fn meant(&self, old_id: &str, succession: &Succession) -> Option<&Webhook> {
        if let Some(id) = &succession.successor {
            let listed = self.by_id.get(id).map(|position| &self.webhooks[*position]);
            return listed.or_else(|| self.unlisted.get(id));
        }
        let mut there = self.at(&succession.intended.url);
        there.find(|webhook| self.is_free(webhook, old_id) && is_meant(webhook, succession))
    }

    fn other_change(&self, old: &Webhook, successor: &Webhook) -> Error {
        let finish = self.account.command(&format!("delete {}", word(&old.id)));
        let abandon = self.account.command(&format!("delete {}", word(&successor.id)));
        let message = format!(
            "both are registered: {} was to take its place with another change than this one",
            successor.id
        );
        Error::new(Kind::Failure, message)
            .hint(format!("to finish that change: {finish}; to give it up: {abandon}; then run this again"))
    }

    fn at<'s>(&'s self, url: &str) -> impl Iterator<Item = &'s Webhook> + use<'s, 'a> {
        let positions = self.by_place.get(&place(url)).into_iter().flatten();
        positions.map(|position| &self.webhooks[*position])
    }

    fn earlier_key(&self, fingerprint: &str) -> Option<&Secret> {
        self.earlier_keys.get(fingerprint)
    }

    /// Whether `webhook` may stand for `old_id`: it is another one, and stands for none else.
    fn is_free(&self, webhook: &Webhook, old_id: &str) -> bool {
        webhook.id != old_id
            && !webhook.id.is_empty()
            && !self.successions.claims(&webhook.id, old_id)
            && !self.taken.borrow().contains(&webhook.id)
    }
}

/// Whether `webhook` is what the journal says was to be registered. Where the service keeps keys to itself, its age decides.
fn is_meant(webhook: &Webhook, succession: &Succession) -> bool {
    let intended = &succession.intended;
    let is_young = || webhook.created_at.is_none_or(|created| created >= succession.time - CLOCK_SKEW);
    let has_key = match (&intended.key_fingerprint, webhook.known_key()) {
        (None, _) => !webhook.is_signed(),
        (Some(fingerprint), Some(key)) => webhook.is_signed() && key.fingerprint() == *fingerprint,
        (Some(_), None) => webhook.is_signed() && is_young(),
    };
    has_key
        && webhook.delivers_as(&webhook.url, &intended.events)
        && webhook.policy().eq_ignore_ascii_case(&intended.metadata_policy)
}
