//! Removing webhooks so that nothing is lost: every definition is on disk before the first DELETE is sent.

use std::cell::RefCell;
use std::collections::HashSet;

use super::Context;
use super::account::Account;
use super::batch::{self, Plan, Stopped};
use super::report::{Done, Outcome, Report};
use crate::error::Error;
use crate::journal::{Action, Durability, Journal, KeyIn, Owner, Run};
use crate::services::registration::Deletion;
use crate::webhook::Webhook;

/// A removing run: who, in which journal.
pub struct Removal {
    journal: Journal,
    run: Run,
    /// The ids whose DELETE was set out: one that got no answer may have arrived all the same.
    tried: RefCell<HashSet<String>>,
}

impl Removal {
    /// A run of `command` over the webhooks of `owner`.
    pub fn new(
        context: &Context,
        account: &Account,
        command: &'static str,
        owner: Owner,
    ) -> Result<Self, Error> {
        let name = context.run_name()?;
        let profile = account.profile.clone();
        let run = Run { name, command, profile, owner };
        Ok(Self { journal: account.journal(context)?, run, tried: RefCell::default() })
    }

    /// The same as a part of `run`, which has written other lines to `journal`.
    #[must_use]
    pub fn within(run: Run, journal: Journal) -> Self {
        Self { journal, run, tried: RefCell::default() }
    }

    /// Writes every definition down, in one synced write. Nothing may be sent if this fails.
    pub async fn journal(&self, context: &Context, webhooks: &[&Webhook]) -> Result<(), Error> {
        self.journal_each(context, webhooks.iter().map(|webhook| (*webhook, KeyIn::Definition))).await
    }

    /// The same where some keys have been rotated out.
    pub async fn journal_each(
        &self,
        context: &Context,
        webhooks: impl Iterator<Item = (&Webhook, KeyIn)>,
    ) -> Result<(), Error> {
        let now = (context.clock)();
        let lines = webhooks.map(|(webhook, key)| self.run.removing(now, webhook, key));
        let written = match lines.collect::<Result<Vec<_>, _>>() {
            Ok(lines) => self.journal.append(&lines, Durability::Synced, &context.limits).await,
            Err(error) => Err(error),
        };
        let path = self.journal.path().display();
        written.map_err(|error| {
            Error::from(error).while_doing(format!("nothing was removed: cannot write {path}"))
        })
    }

    /// Whether a DELETE of this webhook was set out: without an answer it may have arrived all the same.
    #[must_use]
    pub fn was_tried(&self, id: &str) -> bool {
        self.tried.borrow().contains(id)
    }

    /// Sends the DELETE of one journalled webhook and notes what became of it.
    pub async fn remove(
        &self,
        context: &Context,
        account: &Account,
        webhook: &Webhook,
    ) -> Result<Done, Stopped> {
        self.tried.borrow_mut().insert(webhook.id.clone());
        let deleted = account.client.delete(webhook).await?;
        let (outcome, action) = match deleted {
            Deletion::Removed => (Outcome::Removed, Action::Removed),
            Deletion::Gone => (Outcome::Gone, Action::Gone),
        };
        self.note(context, action, &webhook.id).await;
        Ok(Done::new(webhook, outcome))
    }

    /// Notes for each webhook that was journalled and then left in place that it was.
    pub async fn note_kept(&self, context: &Context, report: &Report) {
        for done in &report.results {
            match done.outcome {
                // Its outcome stays open, so that a restore asks the list what became of it.
                Outcome::Skipped if self.was_tried(&done.id) => {}
                Outcome::Spared | Outcome::Skipped => self.note(context, Action::Kept, &done.id).await,
                // Refused outright, so it is still there.
                Outcome::Error if done.error.as_ref().is_some_and(Error::is_refusal) => {
                    self.note(context, Action::Kept, &done.id).await;
                }
                // By the newest list it is gone, although no DELETE was sent.
                Outcome::Gone => self.note(context, Action::Gone, &done.id).await,
                _ => {}
            }
        }
    }

    /// The definition is safe already, so an outcome that cannot be written is only worth a warning.
    async fn note(&self, context: &Context, action: Action, id: &str) {
        let line = self.run.line((context.clock)(), action, id);
        if let Err(error) = self.journal.append(&[line], Durability::Written, &context.limits).await {
            context.output.warning(&format!("the journal misses what became of {id}: {error}"));
        }
    }
}

/// Journals `items` and removes them, as long as they still qualify.
pub async fn remove_all(
    context: &Context,
    account: &Account,
    removal: &Removal,
    plan: Plan<'_>,
) -> Result<Report, Error> {
    let webhooks: Vec<&Webhook> = plan.items.iter().collect();
    removal.journal(context, &webhooks).await?;
    let act = async |webhook: &Webhook| removal.remove(context, account, webhook).await;
    let report = batch::run(context, account, plan, act).await;
    removal.note_kept(context, &report).await;
    Ok(report)
}
