//! Registers the successors, sees them listed, removes the old ones: in that order, each step in the journal before it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::super::Context;
use super::super::account::Account;
use super::super::batch::{self, Judge, Plan, Stopped};
use super::super::create::warn_about_reply;
use super::super::removal::Removal;
use super::super::report::{Done, Outcome, Report};
use super::super::signing_key::Key;
use super::super::snapshot::Snapshot;
use super::Job;
use super::doubt::Doubt;
use crate::error::{Error, Kind};
use crate::files::FileError;
use crate::http::HttpError;
use crate::journal::{Durability, Journal, Line, Run};
use crate::output::text::word;
use crate::services::registration::Listing;
use crate::webhook::Webhook;

/// A run that replaces.
pub(super) struct Work<'a> {
    context: &'a Context,
    account: &'a Account,
    journal: Journal,
    run: Run,
    /// The ids that cannot be new: those listed at the start, and those that this run registered.
    known: RefCell<HashSet<String>>,
    keeps_old: bool,
}

/// An old webhook may go while nothing speaks against it.
struct WhileFit<'a> {
    finishing: &'a Finishing<'a>,
    jobs: &'a [&'a Job],
    /// By the old id: what the newest list says against it.
    doubts: RefCell<HashMap<String, Doubt>>,
}

impl Judge for WhileFit<'_> {
    fn judge(&self, listing: &Listing) -> HashMap<String, bool> {
        let now = listing.date.unwrap_or_else(self.finishing.work.context.clock);
        let listed: HashMap<String, Webhook> =
            listing.webhooks().map(|webhook| (webhook.id.clone(), webhook)).collect();
        let doubts: HashMap<String, Doubt> = self
            .jobs
            .iter()
            .filter_map(|job| {
                let doubt = self.finishing.doubt(job, |id| listed.get(id).cloned(), now)?;
                Some((job.old.id.clone(), doubt))
            })
            .collect();
        let judged = listed.keys().map(|id| (id.clone(), !doubts.contains_key(id))).collect();
        self.doubts.replace(doubts);
        judged
    }
}

impl<'a> Work<'a> {
    pub(super) fn new(
        context: &'a Context,
        account: &'a Account,
        journal: Journal,
        run: Run,
        known: HashSet<String>,
        keeps_old: bool,
    ) -> Self {
        Self { context, account, journal, run, known: RefCell::new(known), keeps_old }
    }

    /// Does every job; the results are in their order. `is_stale` says that the list is old, because a person was asked.
    pub(super) async fn carry_out(&self, jobs: &[&Job], key: &Key, is_stale: bool) -> Result<Report, Error> {
        self.note_intents(jobs).await?;
        if let Some(file) = key.write()? {
            self.context.output.notice(&format!("the signing key is in {}", file.display()));
        }
        key.show_once(self.context);
        let found =
            jobs.iter().filter_map(|job| Some((job.old.id.clone(), job.successor.as_ref()?.id.clone())));
        let mut successor_of: HashMap<String, String> = found.collect();
        let mut results: HashMap<String, Done> = HashMap::new();
        let registered = self.register(jobs, is_stale).await;
        for done in registered.results {
            match (done.outcome, done.new_id.clone()) {
                (Outcome::Replaced, Some(new_id)) => {
                    successor_of.insert(done.id, new_id);
                }
                _ => {
                    results.insert(done.id.clone(), done);
                }
            }
        }
        let doubled: Vec<&Job> =
            jobs.iter().filter(|job| successor_of.contains_key(&job.old.id)).copied().collect();
        let removal = Removal::within(self.run.clone(), self.journal.clone());
        let finishing = Finishing { work: self, removal, successor_of };
        let finished = match registered.ended {
            _ if self.keeps_old => finishing.all_kept(&doubled, registered.ended),
            Some(error) => finishing.none_removed(&doubled, error),
            None => finishing.remove(&doubled).await,
        };
        results.extend(finished.results.into_iter().map(|done| (done.id.clone(), done)));
        let results = jobs.iter().filter_map(|job| results.remove(&job.old.id)).collect();
        Ok(Report { results, ended: finished.ended })
    }

    /// Writes down what is meant, in one synced write, before anything is sent.
    async fn note_intents(&self, jobs: &[&Job]) -> Result<(), Error> {
        let written = match self.intents(jobs) {
            Ok(lines) => self.journal.append(&lines, Durability::Synced, &self.context.limits).await,
            Err(error) => Err(error),
        };
        let path = self.journal.path().display();
        written.map_err(|error| {
            Error::from(error).while_doing(format!("nothing was changed: cannot write {path}"))
        })
    }

    fn intents(&self, jobs: &[&Job]) -> Result<Vec<Line>, FileError> {
        let now = (self.context.clock)();
        let mut lines = Vec::new();
        for Job { old, target, successor } in jobs {
            if !successor.as_ref().is_some_and(|successor| successor.is_meant) {
                lines.push(self.run.replacing(now, old, target.key_of(old), target.intended())?);
            }
            if let Some(successor) = successor.as_ref().filter(|successor| !successor.is_named) {
                lines.push(self.run.replaced(now, &old.id, &successor.id));
            }
        }
        Ok(lines)
    }

    /// Registers the successors that are not there yet.
    async fn register(&self, jobs: &[&Job], is_stale: bool) -> Report {
        let missing: HashMap<&str, &Job> = jobs
            .iter()
            .filter(|job| job.successor.is_none())
            .map(|job| (job.old.id.as_str(), *job))
            .collect();
        let items = jobs.iter().filter(|job| job.successor.is_none()).map(|job| job.old.clone()).collect();
        let plan = Plan { items, qualifies: Some(&|_: &Webhook| true), is_stale };
        let act = async |old: &Webhook| match missing.get(old.id.as_str()) {
            Some(job) => self.create(job).await,
            None => Ok(Done::new(old, Outcome::Skipped)),
        };
        let mut report = batch::run(self.context, self.account, plan, act).await;
        for done in report.results.iter_mut().filter(|done| done.outcome == Outcome::Gone) {
            let create = self.account.command("create --url URL");
            done.outcome = Outcome::Error;
            done.error = Some(
                Error::new(Kind::NotFound, "somebody removed it meanwhile, so nothing took its place")
                    .hint(format!("register it anew with: {create}")),
            );
        }
        report
    }

    async fn create(&self, job: &Job) -> Result<Done, Stopped> {
        let definition = job.target.definition();
        let (created, date) = self.account.client.create(&definition).await.map_err(unregistered)?;
        let now = date.unwrap_or_else(self.context.clock);
        if created.id.is_empty() {
            return Err(Stopped::Failed(in_doubt(Error::new(
                Kind::Unavailable,
                "the service did not say which id its successor has",
            ))));
        }
        let is_same = created.id == job.old.id;
        let is_new = self.known.borrow_mut().insert(created.id.clone());
        let is_update = is_same && job.target.is_met_by(&created);
        if !is_new && !is_update {
            // Its request got lost, and what the list showed instead is an equal webhook.
            return Err(Stopped::Failed(in_doubt(Error::new(
                Kind::Unavailable,
                "it is not known whether the request arrived",
            ))));
        }
        warn_about_reply(self.context, self.account, &definition, &created, now);
        let line = self.run.replaced((self.context.clock)(), &job.old.id, &created.id);
        let noted = self.journal.append(&[line], Durability::Synced, &self.context.limits).await;
        let outcome = if is_same { Outcome::Updated } else { Outcome::Replaced };
        let done = job.done(outcome, Some(created.id));
        match noted {
            Ok(()) => Ok(done),
            Err(error) => {
                // Without its name in the journal the old one must not go.
                let error = both(BOTH, Some(error.into()), self.account, &job.old.id);
                Ok(Done { outcome: Outcome::Kept, error: Some(error), ..done })
            }
        }
    }
}

/// The second half of a run: every successor in `successor_of`, by the old id, is registered.
struct Finishing<'a> {
    work: &'a Work<'a>,
    removal: Removal,
    successor_of: HashMap<String, String>,
}

impl Finishing<'_> {
    fn done(&self, job: &Job, outcome: Outcome) -> Done {
        job.done(outcome, self.successor_of.get(&job.old.id).cloned())
    }

    fn half_done(&self, job: &Job, what: &str, cause: Option<Error>) -> Done {
        let error = both(what, cause, self.work.account, &job.old.id);
        Done { error: Some(error), ..self.done(job, Outcome::Kept) }
    }

    /// What speaks against the removal of the old one, as `find` knows the list at `now`.
    fn doubt(&self, job: &Job, find: impl Fn(&str) -> Option<Webhook>, now: DateTime<Utc>) -> Option<Doubt> {
        let listed = self.successor_of.get(&job.old.id).and_then(|id| find(id));
        let found = job.successor.as_ref();
        let fingerprint = found.and_then(|successor| successor.key_fingerprint.as_deref());
        Doubt::about(listed.as_ref(), &job.target, fingerprint, now)
    }

    fn stays(&self, job: &Job, doubt: &Doubt) -> Done {
        let successor_id = self.successor_of.get(&job.old.id).map_or("", String::as_str);
        job.stays(self.work.account, doubt, successor_id)
    }

    /// Somebody else removed the old one, so the successor is all that is left.
    fn left_alone(&self, job: &Job, doubt: &Doubt) -> Done {
        let done = self.stays(job, doubt);
        let error = done.error.map(|error| {
            let list = self.work.account.command("list");
            let look = format!("see what is left: {list}");
            error.while_doing("somebody removed it meanwhile").hint(look)
        });
        Done { outcome: Outcome::Error, error, ..done }
    }

    fn all_kept(&self, doubled: &[&Job], ended: Option<Error>) -> Report {
        Report { results: doubled.iter().map(|job| self.done(job, Outcome::Kept)).collect(), ended }
    }

    fn none_removed(&self, doubled: &[&Job], ended: Error) -> Report {
        let results = doubled.iter().map(|job| self.half_done(job, BOTH, None));
        Report { results: results.collect(), ended: Some(ended) }
    }

    /// Removes the old ones whose successors the service lists as what was asked for, and as alive.
    async fn remove(&self, doubled: &[&Job]) -> Report {
        if doubled.is_empty() {
            return Report { results: Vec::new(), ended: None };
        }
        let Work { context, account, .. } = self.work;
        let snapshot = match Snapshot::take(context, account).await {
            Ok(snapshot) => snapshot,
            Err(error) => return self.none_removed(doubled, error),
        };
        let (mut ready, mut stay) = (Vec::new(), Vec::new());
        for job in doubled.iter().copied() {
            match self.doubt(job, |id| snapshot.find(id), snapshot.now) {
                None => ready.push(job),
                Some(doubt) => stay.push(self.stays(job, &doubt)),
            }
        }
        let definitions = ready.iter().map(|job| (&job.old, job.target.key_of(&job.old)));
        if let Err(error) = self.removal.journal_each(context, definitions).await {
            return self.none_removed(doubled, error);
        }
        let judge = WhileFit { finishing: self, jobs: &ready, doubts: RefCell::default() };
        let items = ready.iter().map(|job| job.old.clone()).collect();
        let plan = Plan { items, qualifies: Some(&judge), is_stale: false };
        let act = async |old: &Webhook| self.removal.remove(context, account, old).await;
        let removed = batch::run(context, account, plan, act).await;
        self.removal.note_kept(context, &removed).await;
        let doubts = judge.doubts.borrow();
        let results = ready.iter().zip(removed.results).map(|(job, done)| match doubts.get(&job.old.id) {
            Some(doubt) if done.outcome == Outcome::Spared => self.stays(job, doubt),
            Some(doubt) if done.outcome == Outcome::Gone => self.left_alone(job, doubt),
            _ => self.finished(job, done),
        });
        Report { results: results.chain(stay).collect(), ended: removed.ended }
    }

    /// What the removal of the old one means for the whole.
    fn finished(&self, job: &Job, removed: Done) -> Done {
        match removed.outcome {
            Outcome::Removed | Outcome::Gone => self.done(job, Outcome::Replaced),
            _ => {
                // Without an answer it may be gone all the same.
                let was_tried = self.removal.was_tried(&job.old.id);
                let is_there = removed.error.as_ref().map_or(!was_tried, Error::is_refusal);
                self.half_done(job, if is_there { BOTH } else { PERHAPS_BOTH }, removed.error)
            }
        }
    }
}

const BOTH: &str = "both are registered";
const PERHAPS_BOTH: &str = "its successor is registered, and it may be too";

/// The error of a webhook that is still there although its successor is registered.
fn both(what: &str, cause: Option<Error>, account: &Account, id: &str) -> Error {
    let delete = account.command(&format!("delete {}", word(id)));
    let error = match cause {
        Some(cause) => cause.while_doing(what),
        None => Error::new(Kind::Failure, what),
    };
    error.hint(format!("run the same command again, or: {delete}"))
}

/// The error of a webhook whose successor may be registered too.
fn in_doubt(error: Error) -> Error {
    error
        .while_doing("it is still registered, and its successor may be too")
        .hint("run the same command again: it looks before it registers anything")
}

fn unregistered(error: HttpError) -> Stopped {
    let may_exist = error.is_in_doubt();
    let told = |error: Error| {
        if may_exist {
            in_doubt(error)
        } else {
            error.while_doing("it stays: its successor cannot be registered")
        }
    };
    match Stopped::from(error) {
        Stopped::Failed(error) => Stopped::Failed(told(error)),
        Stopped::OutOfTime(error) => Stopped::OutOfTime(told(error)),
        other => other,
    }
}
