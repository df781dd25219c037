//! `vwh restore`: registers again what vwh removed, from the journal. Can be repeated, and killed, without doubling anything.
//!
//! `finding` says what the current list makes of what was removed, and `list` shows it.

mod finding;
mod list;

use bytes::Bytes;
use std::cell::RefCell;
use std::collections::HashSet;

use clap::Args;
use wildmatch::WildMatch;

use super::Context;
use super::account::Account;
use super::accounts::Accounts;
use super::batch::{self, Plan, Stopped};
use super::lock::LockArgs;
use super::report::{self, Done, Outcome, Report, Vocabulary};
use super::signing_key;
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus, Kind};
use crate::journal::history::{self, Removal, State};
use crate::journal::{Action, Durability, Journal, KeyIn, Line, Run};
use crate::output::text::word;
use crate::secret::{MASK, Secret};
use crate::services::element;
use crate::services::registration::Definition;
use crate::settings::flags::{Moment, parse_moment};
use crate::webhook::Webhook;
use crate::webhook::json::Secrets;
use finding::{Candidate, Finding, Present, examine};

const VOCABULARY: Vocabulary = Vocabulary {
    verb: "restore",
    done: "restored",
    outcomes: &[Outcome::Restored, Outcome::Exists, Outcome::Error, Outcome::Skipped],
};

/// Register again what vwh removed
///
/// VIS and Contact Center give each a new id, shown behind the old one. What is still there or was restored before is left
/// alone, so a second run does nothing.
///
/// Contact Center never shows a key again: there each gets a new one, which is shown once at a terminal. Where there is none,
/// set one that you keep with:
///
/// vwh update ID --generate-signing-key --signing-key-out FILE
///
/// Outcomes: restored, exists (an equal webhook, or the one that replaced it, is there), error, skipped (its turn never came).
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("which").multiple(false))]
pub struct RestoreArgs {
    /// The ids that they had
    #[arg(group = "which", value_name = "ID")]
    ids: Vec<String>,

    /// What the last removing run removed
    #[arg(long, group = "which")]
    last: bool,

    /// What was removed since: a time, or a duration ago
    #[arg(long, group = "which", value_name = "TIME", value_parser = parse_moment)]
    since: Option<Moment>,

    /// Only those whose url matches; * and ? are wildcards
    #[arg(long, value_name = "GLOB")]
    url: Option<String>,

    /// Show what was removed, and change nothing
    #[arg(long)]
    list: bool,

    /// Show what would be restored, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    lock: LockArgs,
}

/// Runs `vwh restore`.
pub async fn run(args: &RestoreArgs, context: &Context, accounts: &Accounts) -> Result<ExitStatus, Error> {
    let is_bare =
        args.ids.is_empty() && !args.last && args.since.is_none() && args.url.is_none() && !args.list;
    if is_bare {
        let hint = format!("see what was removed with: {}", accounts.command("restore --list"));
        let message = "say what to restore: ids, --last, --since TIME or --url GLOB";
        return Err(Error::new(Kind::Usage, message).hint(hint));
    }
    if accounts.is_several && !args.ids.is_empty() {
        return Err(accounts.one_for_an_id());
    }
    if args.list {
        let gathered = accounts.each(async |account| look(args, context, account).await).await?;
        return list::list(context, gathered, accounts.is_several);
    }
    let gathered = accounts.each(async |account| restore(args, context, account).await).await?;
    report::conclude_all(context, gathered, &VOCABULARY, args.dry_run, accounts.is_several)
}

/// What was removed, and the list that says what became of it.
async fn look(
    args: &RestoreArgs,
    context: &Context,
    account: &Account,
) -> Result<(Vec<Candidate>, Snapshot), Error> {
    let (snapshot, identity) = Snapshot::take_with_identity(context, account).await?;
    let removals = history::removals(&account.journal(context)?.read()?, &account.owner(identity));
    let candidates = chosen(args, context, account, &removals, &snapshot)?;
    Ok((candidates, snapshot))
}

async fn restore(args: &RestoreArgs, context: &Context, account: &Account) -> Result<Report, Error> {
    let _lock = args.lock.take(context, account, args.dry_run).await?;
    let (snapshot, identity) = Snapshot::take_with_identity(context, account).await?;
    let owner = account.owner(identity);
    let journal = account.journal(context)?;
    let removals = history::removals(&journal.read()?, &owner);
    let candidates = chosen(args, context, account, &removals, &snapshot)?;
    let name = context.run_name()?;
    let run = Run { name, command: "restore", profile: account.profile.clone(), owner };
    let known = RefCell::new(snapshot.webhooks().map(|webhook| webhook.id).collect());
    let is_named = !args.ids.is_empty();
    let is_asked = is_named || args.last;
    let restoring =
        Restoring { context, account, journal, run, known, is_named, is_asked, is_dry: args.dry_run };
    let report = restoring.all(candidates, Present::new(&snapshot, &removals)).await?;
    if !args.dry_run {
        report.tell_settling(context, account.service());
    }
    Ok(report)
}

fn chosen(
    args: &RestoreArgs,
    context: &Context,
    account: &Account,
    removals: &[Removal],
    snapshot: &Snapshot,
) -> Result<Vec<Candidate>, Error> {
    let mut chosen: Vec<&Removal> = if args.last {
        history::last_run(removals, &|id| snapshot.find(id).is_some())
    } else if let Some(since) = args.since {
        let since = since.resolve((context.clock)());
        removals.iter().filter(|removal| removal.time >= since).collect()
    } else if args.ids.is_empty() {
        removals.iter().collect()
    } else {
        let mut named = Vec::new();
        for id in &args.ids {
            // Where there is room for one, every removal has the same id: the newest is meant.
            let removal = removals.iter().rev().find(|removal| removal.id == *id);
            named.push(removal.ok_or_else(|| never_removed(account, id))?);
        }
        named
    };
    if let Some(glob) = args.url.as_deref().map(WildMatch::new) {
        chosen.retain(|removal| glob.matches(&removal.url()));
    }
    let candidates = chosen.into_iter().map(|removal| {
        let raw = Bytes::copy_from_slice(removal.definition.get().as_bytes());
        Candidate { removal: removal.clone(), webhook: element(account.service(), &raw) }
    });
    Ok(candidates.collect())
}

fn never_removed(account: &Account, id: &str) -> Error {
    Error::new(Kind::NotFound, format!("the journal has no webhook {id:?} of this account"))
        .hint(format!("see what it has with: {}", account.command("restore --list")))
}

struct Restoring<'a> {
    context: &'a Context,
    account: &'a Account,
    journal: Journal,
    run: Run,
    /// The ids that cannot be new: those listed at the start, and those that this run registered.
    known: RefCell<HashSet<String>>,
    is_named: bool,
    /// Whether it was asked for these very ones: what is not restored then is an error.
    is_asked: bool,
    is_dry: bool,
}

impl Restoring<'_> {
    async fn all(&self, mut candidates: Vec<Candidate>, mut present: Present<'_>) -> Result<Report, Error> {
        // What arrived from a restore that was cut short is one of these, not a stranger that happens to be equal.
        candidates.sort_by_key(|candidate| !matches!(candidate.removal.state, State::Restoring(_)));
        let mut settled = Vec::new();
        let mut items = Vec::new();
        for candidate in candidates {
            match examine(&candidate, &present, self.is_named) {
                Finding::Settled => {}
                Finding::Completed(new_id) => {
                    if !self.is_dry {
                        self.note(Action::Restored, &candidate.webhook, Some(&new_id), Durability::Synced)
                            .await?;
                    }
                    present.claim(new_id.clone());
                    settled.push(with_id(&candidate.webhook, Outcome::Restored, new_id));
                }
                Finding::Succeeded(id) if self.is_asked => {
                    let error = self.succeeded(&candidate, &id);
                    settled.push(Done::failed(&candidate.webhook, error));
                }
                Finding::Exists(id) | Finding::Succeeded(id) => {
                    settled.push(with_id(&candidate.webhook, Outcome::Exists, id));
                }
                Finding::Blocked(url) => {
                    let error = self.blocked(&candidate.webhook, &url);
                    settled.push(Done::failed(&candidate.webhook, error));
                }
                Finding::Missing => items.push(candidate),
            }
        }
        if self.account.service().holds_one() {
            settled.extend(self.keep_last(&mut items));
        }
        let items: Vec<Webhook> = items.into_iter().map(|candidate| candidate.webhook).collect();
        let mut report = if self.is_dry {
            let results = items.iter().map(|webhook| Done::new(webhook, Outcome::Restored)).collect();
            Report { results, ended: None }
        } else {
            let plan = Plan { items, qualifies: None, is_stale: false };
            let act = async |webhook: &Webhook| self.create(webhook).await;
            batch::run(self.context, self.account, plan, act).await
        };
        report.results.extend(settled);
        Ok(report)
    }

    /// Where there is room for one, the one that was removed last comes back; why the others do not.
    fn keep_last(&self, items: &mut Vec<Candidate>) -> Vec<Done> {
        items.sort_by_key(|candidate| candidate.removal.time);
        let Some(last) = items.pop() else { return Vec::new() };
        let url = last.webhook.shown_url(Secrets::Hide);
        let left = std::mem::replace(items, vec![last]);
        let outdated = |candidate: Candidate| {
            let message = format!("there is room for one webhook, and the one to {url} was removed later");
            let error = self.with_update(Error::new(Kind::Failure, message), &candidate.webhook);
            Done::failed(&candidate.webhook, error)
        };
        left.into_iter().map(outdated).collect()
    }

    /// Both would deliver every event; what replaced it is there on purpose.
    fn succeeded(&self, candidate: &Candidate, successor: &str) -> Error {
        let look = self.account.command(&format!("status {}", word(successor)));
        let error = Error::new(Kind::Failure, format!("{successor} took its place and is there"));
        match candidate.removal.key_fingerprint {
            Some(_) => error.hint(format!("see it with: {look}")),
            None => error.hint(format!("see it with: {look}; once that is removed, this one can come back")),
        }
    }

    /// Nobody has said that what is there now may go.
    fn blocked(&self, webhook: &Webhook, url: &str) -> Error {
        let error = Error::new(Kind::Failure, format!("the webhook to {url} is in its place"));
        self.with_update(error, webhook)
    }

    fn with_update(&self, error: Error, webhook: &Webhook) -> Error {
        let update = format!("update {} --url URL", word(&webhook.id));
        error.hint(format!("change that one's url: {}", self.account.command(&update)))
    }

    async fn create(&self, webhook: &Webhook) -> Result<Done, Stopped> {
        let key = self.new_key().map_err(Stopped::Failed)?;
        let definition = definition(webhook, key.as_ref()).map_err(Stopped::Failed)?;
        // If this process dies after the service said yes, the next restore knows where to look.
        self.note(Action::Restoring, webhook, None, Durability::Written).await.map_err(Stopped::Failed)?;
        let (created, _) = self.account.client.create(&definition).await?;
        if !created.id.is_empty() && !self.known.borrow_mut().insert(created.id.clone()) {
            // Its request got lost, and what the list showed instead is an equal webhook's. Its state stays open.
            return Err(Stopped::Failed(
                Error::new(Kind::Unavailable, "it is not known whether the request arrived")
                    .hint("the next restore looks for it before it registers it"),
            ));
        }
        let noted = self.note(Action::Restored, webhook, Some(&created.id), Durability::Synced).await;
        noted.map_err(Stopped::Failed)?;
        if let Some(key) = &key {
            self.tell_key(&created.id, key);
        }
        Ok(with_id(webhook, Outcome::Restored, created.id))
    }

    /// A key for a webhook whose old one nobody has, because the service never shows it.
    fn new_key(&self) -> Result<Option<Secret>, Error> {
        let service = self.account.service();
        if service.returns_keys() {
            return Ok(None);
        }
        signing_key::new_key(self.context, service).map(Some)
    }

    /// Its receiver verifies with the old key, so whoever runs this has to know.
    fn tell_key(&self, id: &str, key: &Secret) {
        let id = word(id);
        let output = &self.context.output;
        output.warning(&format!("{id} has a new signing key: the service never shows the old one"));
        if output.terminals().stderr && !self.context.settings.format.is_json() {
            output.show_once(&format!("signing key of {id} (shown only now)"), key.reveal());
        } else {
            let update = format!("update {id} --generate-signing-key --signing-key-out FILE");
            output.warning(&format!(
                "nobody has seen the new one: set one that you keep with: {}",
                self.account.command(&update)
            ));
        }
    }

    async fn note(
        &self,
        action: Action,
        webhook: &Webhook,
        new_id: Option<&str>,
        durability: Durability,
    ) -> Result<(), Error> {
        let now = (self.context.clock)();
        // Where there is room for one, the id alone does not say which removal this is about.
        let line = if webhook.service.holds_one() {
            Line { action, ..self.run.removing(now, webhook, KeyIn::Definition)? }
        } else {
            self.run.line(now, action, &webhook.id)
        };
        let line = Line { new_id: new_id.map(str::to_owned), ..line };
        Ok(self.journal.append(&[line], durability, &self.context.limits).await?)
    }
}

fn with_id(webhook: &Webhook, outcome: Outcome, id: String) -> Done {
    Done { new_id: Some(id), ..Done::new(webhook, outcome) }
}

/// What to register. A signed webhook without its key would deliver what its receiver refuses.
fn definition(webhook: &Webhook, new_key: Option<&Secret>) -> Result<Definition, Error> {
    let old_key = webhook.signing_key.clone().filter(|key| key.reveal() != MASK);
    let key = new_key.cloned().or(old_key);
    if webhook.is_signed() && key.is_none() {
        return Err(Error::new(Kind::Failure, "it was signed, and the journal does not have its key")
            .hint("register it with a key of your own: vwh create --url URL --signing-key-file FILE"));
    }
    Ok(Definition {
        name: webhook.name.clone(),
        // None at all is not the usual one: the service then sends GET, and somebody may mean that.
        method: webhook.service.holds_one().then(|| webhook.method.clone().unwrap_or_default()),
        is_enabled: webhook.status.as_deref() != Some("PAUSED"),
        ..Definition::new(
            webhook.url.clone(),
            webhook.events.clone(),
            key.filter(|_| webhook.is_signed()),
            webhook.metadata_policy.clone().unwrap_or_else(|| "NONE".to_owned()),
        )
    })
}
