//! Replacing webhooks by changed copies, since the service cannot change one: `replace` and `rotate` share all of this.
//!
//! `request` says what is asked for, `change` what a successor is to be, `present` what is there already, `doubt` why an
//! old one stays; `work` registers and removes. Nothing is lost wherever a run ends: an old webhook goes only while its successor is listed as what was asked for,
//! and delivers, and the journal knows what was meant.

pub mod change;
pub mod doubt;
pub mod present;
pub mod request;
mod work;

use std::collections::{BTreeSet, HashSet};

use url::Url;
use wildmatch::WildMatch;

use super::Context;
use super::account::Account;
use super::confirm::{self, Confirmed, Unattended, confirm_shown};
use super::destination;
use super::report::{self, Done, Outcome, Report};
use super::signing_key::{self, Key};
use super::snapshot::{Snapshot, no_such_webhook};
use crate::error::{Error, ExitStatus, Kind};
use crate::journal::Run;
use crate::journal::history::{self, Removal};
use crate::journal::succession::Successions;
use crate::output::text::word;
use crate::secret::{Secret, mask_url};
use crate::webhook::json::Secrets;
use crate::webhook::{ServiceKind, Webhook};
use change::{NewKey, NewUrl, Target, TargetKey};
use doubt::Doubt;
use present::{Finding, Present, Successor};
use request::Request;
use work::Work;

/// What is to be done about one webhook.
pub struct Job {
    /// The webhook.
    pub old: Webhook,
    /// What is to take its place.
    pub target: Target,
    /// That, if it is there already.
    pub successor: Option<Successor>,
}

/// One of the webhooks that are meant.
enum Case {
    /// Nothing is to be done about it any more, or nothing can be.
    Settled(Done),
    /// Something is.
    Open(Box<Job>),
}

impl Job {
    /// It with an outcome, as its successor is known by this id.
    fn done(&self, outcome: Outcome, new_id: Option<String>) -> Done {
        let shown = Webhook { url: self.target.url.clone(), ..self.old.clone() };
        let new_url = (self.target.url != self.old.url).then(|| shown.shown_url(Secrets::Hide));
        Done { new_id, new_url, ..Done::new(&self.old, outcome) }
    }

    /// It stays beside its successor, which is known by this id.
    fn stays(&self, account: &Account, doubt: &Doubt, successor_id: &str) -> Done {
        let error = Some(doubt.error(account, &self.old.id, successor_id));
        let done = Done { error, ..self.done(Outcome::Kept, Some(successor_id.to_owned())) };
        match doubt {
            Doubt::Differs { url, .. } => {
                let new_url = Some(url.clone()).filter(|url| *url != done.url);
                Done { new_url, ..done }
            }
            Doubt::Unlisted | Doubt::Down(_) => done,
        }
    }

    /// What is about to happen to it, for a question.
    fn description(&self) -> String {
        let done = self.done(Outcome::Replaced, None);
        let mut text = format!("{}  {}", done.id, done.url);
        if let Some(new_url) = done.new_url {
            text.push_str(&format!(" -> {new_url}"));
        }
        if !self.target.policy.eq_ignore_ascii_case(self.old.policy()) {
            text.push_str(&format!(", metadata policy {}", self.target.policy.to_lowercase()));
        }
        match &self.target.key {
            TargetKey::None if self.old.is_signed() => text.push_str(", without its key"),
            TargetKey::Is(key) if self.old.known_key() == Some(key) => {}
            TargetKey::Is(_) | TargetKey::ToMake => text.push_str(", with another key"),
            TargetKey::None | TargetKey::Unknown => {}
        }
        if let Some(successor) = &self.successor {
            text.push_str(&format!(" (registered already: {})", successor.id));
        }
        text
    }
}

/// Runs `replace` or `rotate`.
pub async fn run(request: &Request<'_>, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let _lock = request.how.lock.take(context, account, request.how.dry_run).await?;
    let (snapshot, identity) = Snapshot::take_with_identity(context, account).await?;
    let owner = account.owner(identity.clone());
    let journal = account.journal(context)?;
    let lines = journal.read()?;
    let successions = Successions::of(&lines, &owner);
    let mut present = Present::new(account, &snapshot, &successions);
    let removals = history::removals(&lines, &owner);
    let gone = |id: &str| gone(request, account, &present, &successions, &removals, id);
    let meant = meant(request, context, account, &snapshot, &gone)?;
    let listed = meant.iter().filter_map(|meant| meant.as_ref().ok());
    present.look_for_unlisted(listed, context.settings.concurrency).await?;
    let kept = find_keys(request, context, &mut present, &meant).await;
    let mut cases = examined(request, account, &present, meant);
    warn(request, context, account, &cases);
    let silent = silent(request, &cases);
    let report = if request.how.dry_run {
        let results = cases.iter().map(|case| foreseen(request, case)).collect();
        Report { results, ended: None }
    } else {
        let key = key_of_run(request, context, &mut cases, kept.as_ref())?;
        let confirmed = confirmed(request, context, &cases, &account.description(&identity)).await?;
        let run = Run {
            name: context.run_name()?,
            command: request.command,
            profile: account.profile.clone(),
            owner,
        };
        let known = snapshot.webhooks().map(|webhook| webhook.id).collect();
        let work = Work::new(context, account, journal, run, known, request.how.keep_old);
        let jobs: Vec<&Job> = cases.iter().filter_map(Case::job).collect();
        let done = work.carry_out(&jobs, &key, confirmed == Confirmed::Asked).await?;
        in_order(cases, done)
    };
    warn_of_silent(context, account, &silent, &report);
    if request.how.keep_old && !request.how.dry_run {
        remind(context, account, &report);
    }
    report::conclude(context, &report, request.vocabulary, request.how.dry_run)
}

impl Case {
    fn job(&self) -> Option<&Job> {
        match self {
            Self::Open(job) => Some(job),
            Self::Settled(_) => None,
        }
    }
}

/// The webhooks that are meant; those that are gone with what became of them. An id that nobody knows ends the command
/// before anything is sent.
fn meant(
    request: &Request<'_>,
    context: &Context,
    account: &Account,
    snapshot: &Snapshot,
    gone: &dyn Fn(&str) -> Option<Done>,
) -> Result<Vec<Result<Webhook, Done>>, Error> {
    let mut meant: Vec<Result<Webhook, Done>> = Vec::new();
    if let Some(glob) = request.url.map(WildMatch::new) {
        meant.extend(snapshot.webhooks().filter(|webhook| glob.matches(&webhook.url)).map(Ok));
    }
    let mut seen = HashSet::new();
    let takes_prefixes = request.how.dry_run || confirm::can_ask(context, request.how.yes);
    for id in request.ids {
        let by_prefix = || if takes_prefixes { snapshot.find_by_prefix(id) } else { Ok(None) };
        match snapshot.find(id).map_or_else(by_prefix, |webhook| Ok(Some(webhook)))? {
            Some(webhook) => {
                if seen.insert(webhook.id.clone()) {
                    meant.push(Ok(webhook));
                }
            }
            None if !seen.insert(id.clone()) => {}
            None => match gone(id) {
                Some(done) => meant.push(Err(done)),
                None => return Err(no_such_webhook(account, snapshot, id)),
            },
        }
    }
    if matches!(request.change.url, NewUrl::Whole(_)) && meant.len() > 1 {
        let message = format!("--new-url is for one webhook, and these are {}", meant.len());
        return Err(Error::new(Kind::Usage, message).hint("--new-host moves several, each with its path"));
    }
    Ok(meant)
}

/// What became of a webhook that is not listed, if the journal knows it.
fn gone(
    request: &Request<'_>,
    account: &Account,
    present: &Present<'_>,
    successions: &Successions,
    removals: &[Removal],
    id: &str,
) -> Option<Done> {
    let removal = removals.iter().find(|removal| removal.id == id);
    let succession = successions.find(id);
    let url = removal.map(Removal::url).or_else(|| Some(succession?.url()))?;
    let url = mask_url(&url).into_owned();
    let done =
        Done { id: id.to_owned(), url, outcome: Outcome::Gone, error: None, new_id: None, new_url: None };
    if let Some(heir) = present.heir(id) {
        let new_url = Some(heir.shown_url(Secrets::Hide)).filter(|url| *url != done.url);
        let done = Done { new_id: Some(heir.id.clone()), new_url, ..done };
        // It is what another change has made of it.
        let is_as_asked = request.change.target(heir).is_ok_and(|target| target.is_met_but_for_key(heir));
        let error = (!is_as_asked).then(|| {
            Error::new(Kind::Failure, format!("{} took its place, and is not as asked", heir.id))
                .hint(format!("name that one instead: {}", word(&heir.id)))
        });
        let outcome = if is_as_asked { Outcome::Gone } else { Outcome::Error };
        return Some(Done { outcome, error, ..done });
    }
    let error = Error::new(Kind::NotFound, "it is gone, and nothing that took its place is listed");
    let back = match removal {
        Some(_) => account.command(&format!("restore {}", word(id))),
        None => account.command("create --url URL"),
    };
    let error = error.hint(format!("bring it back with: {back}"));
    Some(Done { outcome: Outcome::Error, error: Some(error), ..done })
}

/// Finds the keys that an earlier run made for what is meant. One may be in the file that is to keep a new key, which is given
/// back.
async fn find_keys(
    request: &Request<'_>,
    context: &Context,
    present: &mut Present<'_>,
    meant: &[Result<Webhook, Done>],
) -> Option<Secret> {
    let fingerprints = present.earlier_fingerprints(meant.iter().filter_map(|meant| meant.as_ref().ok()));
    if !matches!(request.change.key, NewKey::ToMake) || fingerprints.is_empty() {
        return None;
    }
    let kept = match &request.key_file {
        // A file that cannot be read has no such key; that it cannot be written either is said later.
        Some(file) if file.exists() => signing_key::key_from_file(context, file).await.ok(),
        _ => None,
    };
    present.look_for_keys(&fingerprints, kept.as_ref());
    kept
}

fn examined(
    request: &Request<'_>,
    account: &Account,
    present: &Present<'_>,
    meant: Vec<Result<Webhook, Done>>,
) -> Vec<Case> {
    let examine = |old: Webhook| match present.examine(&old, &request.change) {
        _ if old.id.is_empty() => {
            Case::Settled(Done::failed(&old, Error::new(Kind::Internal, "the service sent no id for it")))
        }
        Ok(Finding::Unchanged) => Case::Settled(Done::new(&old, Outcome::Unchanged)),
        Ok(Finding::Ready(target, successor)) => Case::Open(Box::new(Job { old, target, successor })),
        Ok(Finding::Stays(target, successor, doubt)) => {
            let id = successor.id.clone();
            let job = Job { old, target, successor: Some(successor) };
            Case::Settled(job.stays(account, &doubt, &id))
        }
        Err(error) => Case::Settled(Done::failed(&old, error)),
    };
    meant.into_iter().map(|meant| meant.map_or_else(Case::Settled, examine)).collect()
}

fn warn(request: &Request<'_>, context: &Context, account: &Account, cases: &[Case]) {
    let jobs = || cases.iter().filter_map(Case::job).filter(|job| job.successor.is_none());
    let moved = jobs().filter(|job| job.target.url != job.old.url);
    let urls = moved.filter_map(|job| Url::parse(&job.target.url).ok());
    let doubts: BTreeSet<&str> = urls.filter_map(|url| destination::doubt(account, &url)).collect();
    for doubt in doubts {
        context.output.warning(doubt);
    }
    if let NewKey::Given(key) = &request.change.key {
        Key::Given(key.clone()).warn(context);
    }
}

/// The ids of those that get a new key which their policy lets nobody see.
fn silent(request: &Request<'_>, cases: &[Case]) -> HashSet<String> {
    let gets_key = matches!(request.change.key, NewKey::Given(_) | NewKey::ToMake);
    let jobs = cases.iter().filter_map(Case::job).filter(|job| gets_key && job.successor.is_none());
    let silent = jobs.filter(|job| job.target.policy.eq_ignore_ascii_case("NONE"));
    silent.map(|job| job.old.id.clone()).collect()
}

/// Names the cure by the ids that the webhooks have by then.
fn warn_of_silent(context: &Context, account: &Account, silent: &HashSet<String>, report: &Report) {
    let silent = report.results.iter().filter(|done| done.error.is_none() && silent.contains(&done.id));
    let ids: Vec<&str> = silent.map(|done| done.new_id.as_deref().unwrap_or(&done.id)).collect();
    let Some(first) = ids.first() else { return };
    let words: Vec<_> = ids.iter().map(|id| word(id)).collect();
    let repair = account.command(&format!("replace {} --metadata-policy header", words.join(" ")));
    let others = ids.len() - 1;
    let others = if others > 0 { format!(" and {others} more") } else { String::new() };
    context.output.warning(&format!(
        "the new key of {first}{others} is never used, because a signature only travels with policy header or body: {repair}"
    ));
}

fn foreseen(request: &Request<'_>, case: &Case) -> Done {
    match case {
        Case::Settled(done) => done.clone(),
        Case::Open(job) => {
            let outcome = if request.how.keep_old { Outcome::Kept } else { Outcome::Replaced };
            job.done(outcome, job.successor.as_ref().map(|successor| successor.id.clone()))
        }
    }
}

/// The key that this run makes, put where it is wanted; one that an earlier run made for the same is used again.
fn key_of_run(
    request: &Request<'_>,
    context: &Context,
    cases: &mut [Case],
    kept: Option<&Secret>,
) -> Result<Key, Error> {
    if !matches!(request.change.key, NewKey::ToMake) {
        return Ok(Key::Unsigned);
    }
    let mut earlier = None;
    let mut wanting = Vec::new();
    for case in cases {
        let Case::Open(job) = case else { continue };
        match &job.target.key {
            TargetKey::ToMake if job.successor.is_none() => wanting.push(job),
            TargetKey::Is(key) => earlier = Some(key.clone()),
            _ => {}
        }
    }
    if !wanting.is_empty() {
        let key = Key::ToGenerate { file: request.key_file.clone() }.made(context, ServiceKind::default())?;
        for job in wanting {
            job.target.key = key.secret().cloned().map_or(TargetKey::ToMake, TargetKey::Is);
        }
        return Ok(key);
    }
    let Some(key) = earlier else { return Ok(Key::Unsigned) };
    context.output.notice("going on with the key that an earlier run made for this");
    match (&request.key_file, kept) {
        (Some(_), Some(kept)) if *kept == key => Ok(Key::Given(key)),
        (Some(file), _) if file.exists() => Err(signing_key::exists_already(file)),
        (Some(file), _) => Ok(Key::Generated { key, file: Some(file.clone()) }),
        (None, _) => Ok(Key::Given(key)),
    }
}

async fn confirmed(
    request: &Request<'_>,
    context: &Context,
    cases: &[Case],
    whose: &str,
) -> Result<Confirmed, Error> {
    let jobs = cases.iter().filter_map(Case::job);
    let changing = jobs.filter(|job| !request.how.keep_old || job.successor.is_none());
    let shown: Vec<String> = changing.map(Job::description).collect();
    if shown.is_empty() {
        return Ok(Confirmed::Unasked);
    }
    let verb = request.vocabulary.verb;
    confirm_shown(context, verb, &shown, whose, request.how.yes, Unattended::NeedsYes).await
}

/// Every case with what became of it, in the order in which they were named.
fn in_order(cases: Vec<Case>, mut done: Report) -> Report {
    let mut results = done.results.drain(..);
    let settled = cases.into_iter().filter_map(|case| match case {
        Case::Settled(done) => Some(done),
        Case::Open(_) => results.next(),
    });
    Report { results: settled.collect(), ended: done.ended.clone() }
}

/// Says how an overlap ends.
fn remind(context: &Context, account: &Account, report: &Report) {
    let kept = report.results.iter().filter(|done| done.outcome == Outcome::Kept && done.error.is_none());
    let ids: Vec<_> = kept.map(|done| word(&done.id)).collect();
    if !ids.is_empty() {
        let delete = account.command(&format!("delete {}", ids.join(" ")));
        context.output.notice(&format!("every event arrives twice until: {delete}"));
    }
}
