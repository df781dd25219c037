//! Which webhooks are meant, and in which stretches of time each of them missed events: by what it tells of itself, by what
//! was noted before renewals, and by the journal.

use std::rc::Rc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use wildmatch::WildMatch;

use super::super::Context;
use super::super::account::Account;
use super::super::gap::gap_of;
use super::super::snapshot::{Snapshot, no_such_webhook};
use super::MissedArgs;
use super::past::Past;
use super::undated::refusal;
use crate::error::{Error, Kind};
use crate::gaps::window::{self, Window};
use crate::gaps::{Gap, Line, Notes, Repost};
use crate::journal;
use crate::output::text::word;
use crate::secret::Secret;
use crate::services::registration::Identity;
use crate::services::vis::events::Logged;
use crate::settings::flags::Moment;
use crate::webhook::json::to_line;
use crate::webhook::{Health, Webhook};

/// A webhook that vwh removed longer ago than a registration typically lives (vis §6) is only looked at by its id: whoever
/// clears out dead ones does not miss what they miss.
const REMOVED_LATELY: TimeDelta = TimeDelta::days(10);

/// What is known of the beginning of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// The last success, or what the user says.
    Known,
    /// There never was a success; the registration stands for it.
    Registration,
    /// Nothing.
    Unknown,
}

/// What one webhook missed.
pub struct Loss {
    /// The webhook; of one that is gone, what is known of it.
    pub webhook: Webhook,
    /// Its key, if it is known.
    pub key: Option<Secret>,
    /// When it missed events; empty if nothing is known to be missed.
    pub windows: Vec<Window>,
    /// When events came of which some were delivered.
    pub mixed: Vec<Window>,
    /// Whether a part of it was posted again, which is left out as long as the webhook is not named.
    pub is_rest: bool,
    /// What is known of the first of them.
    pub beginning: Beginning,
    /// When deliveries went on, if there had never been a success before.
    pub proven: Option<DateTime<Utc>>,
    /// The changed copy that took its place, and of which nothing is left.
    pub successor: Option<String>,
    /// What it missed, in order.
    pub events: Vec<Rc<Logged>>,
}

/// What is meant in one account.
pub struct Selection {
    /// The service's clock.
    pub now: DateTime<Utc>,
    /// `--since` and `--until` by that clock.
    pub bounds: Bounds,
    /// The webhooks, each with its gaps and without events.
    pub losses: Vec<Loss>,
}

/// From when to when the user asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// `--since`.
    pub since: Option<DateTime<Utc>>,
    /// `--until`.
    pub until: Option<DateTime<Utc>>,
}

/// Finds the webhooks that `args` mean in `account`.
pub async fn select(args: &MissedArgs, context: &Context, account: &Account) -> Result<Selection, Error> {
    let snapshot = Snapshot::take(context, account).await?;
    let notes = account.gaps(context)?.read(account.service().name(), account.base())?;
    let journal = account.journal(context)?.read()?;
    // What took another's place and is listed for this token is this account's, and so was the other.
    let past = Past::of(&journal, &|line| account.may_own(&line.owner));
    let now = snapshot.now;
    let resolved = |moment: Option<Moment>| moment.map(|moment| moment.resolve(now));
    let bounds = Bounds { since: resolved(args.since), until: resolved(args.until) };
    if bounds.since.is_some_and(|since| bounds.until.is_some_and(|until| since >= until)) {
        return Err(Error::new(Kind::Usage, "--until is not later than --since"));
    }
    let mut selecting = Selecting { args, context, account, bounds, snapshot, notes, journal, past };
    let mut losses = if args.ids.is_empty() { selecting.all().await? } else { selecting.named().await? };
    if let Some(glob) = args.url.as_deref().map(WildMatch::new) {
        losses.retain(|loss| glob.matches(&loss.webhook.url));
    }
    if args.posts()
        && let Some(error) = refusal(args, account, bounds, &losses)
    {
        return Err(error);
    }
    for loss in losses.iter_mut().filter(|loss| loss.beginning == Beginning::Unknown) {
        let id = &loss.webhook.id;
        let look = account.command(&format!("missed {} --since TIME", word(id)));
        let what = format!("it is not known since when {id} has missed events; say it with: {look}");
        context.output.warning(&what);
        loss.windows.clear();
    }
    Ok(Selection { now, bounds, losses })
}

struct Selecting<'a> {
    args: &'a MissedArgs,
    context: &'a Context,
    account: &'a Account,
    bounds: Bounds,
    snapshot: Snapshot,
    notes: Notes,
    journal: Vec<journal::Line>,
    past: Past,
}

impl Selecting<'_> {
    /// Those that are failed or expired, or have missed what was not posted again; worst first.
    async fn all(&mut self) -> Result<Vec<Loss>, Error> {
        let mut losses = Vec::new();
        for (_, webhook) in self.snapshot.worst_first() {
            if !self.args.failed || webhook.has_failed() {
                let loss = self.loss(webhook, true);
                losses.extend(Some(loss).filter(|loss| !loss.windows.is_empty()));
            }
        }
        let since = (self.context.clock)() - REMOVED_LATELY;
        let is_noted = |id: &str| !self.notes.gaps(id, None).is_empty();
        if self.args.failed || self.past_of(self.by_profile()).orphans(since, &is_noted).is_empty() {
            return Ok(losses);
        }
        self.own().await?;
        let is_noted = |id: &str| !self.notes.gaps(id, None).is_empty();
        let orphans = self.past.orphans(since, &is_noted);
        let orphans: Vec<Webhook> = orphans.iter().filter_map(|id| self.past.webhook(id).cloned()).collect();
        let orphans = orphans.into_iter().filter(|webhook| self.snapshot.find(&webhook.id).is_none());
        losses.extend(orphans.map(|webhook| self.loss(webhook, false)));
        losses.retain(|loss| !loss.windows.is_empty());
        Ok(losses)
    }

    /// Those that are named.
    async fn named(&mut self) -> Result<Vec<Loss>, Error> {
        let mut losses: Vec<Loss> = Vec::new();
        let mut identity = None;
        for id in &self.args.ids {
            let loss = if let Some(webhook) = self.listed(id)? {
                self.loss(webhook, true)
            } else {
                if identity.is_none() {
                    identity = Some(self.own().await?);
                }
                let gone = self.gone(id, identity.as_ref());
                let gone = gone.ok_or_else(|| no_such_webhook(self.account, &self.snapshot, id))?;
                self.loss(gone, false)
            };
            if losses.iter().all(|other| other.webhook.id != loss.webhook.id) {
                losses.push(loss);
            }
        }
        Ok(losses)
    }

    /// The listed webhook that is meant by `id`, or that took its place.
    fn listed(&self, id: &str) -> Result<Option<Webhook>, Error> {
        if let Some(webhook) = self.snapshot.find(id) {
            return Ok(Some(webhook));
        }
        if let Some(heir) = self.snapshot.find(self.past.newest(id)) {
            return Ok(Some(heir));
        }
        // What is posted must not go by a guess.
        if self.args.posts() && !self.args.dry_run { Ok(None) } else { self.snapshot.find_by_prefix(id) }
    }

    /// What is known of a webhook that is not listed.
    fn gone(&self, id: &str, identity: Option<&Identity>) -> Option<Webhook> {
        self.past.webhook(self.past.last_known(id)).cloned().or_else(|| {
            let note = self.notes.last(id)?;
            let user = identity.and_then(|identity| identity.user.as_ref());
            let is_other = matches!((user, &note.user), (Some(user), Some(noted)) if user != noted);
            (note.profile == self.account.profile && !is_other).then(|| self.noted(note))
        })
    }

    /// A webhook of which nothing is left but a note.
    fn noted(&self, note: &Line) -> Webhook {
        let raw = to_line(&serde_json::json!({ "id": note.id, "url": note.url }));
        let algorithm = if note.is_signed == Some(true) { "HMAC_SHA256" } else { "NONE" };
        Webhook {
            id: note.id.clone(),
            url: note.url.clone().unwrap_or_default(),
            metadata_policy: note.policy.clone(),
            signing_algorithm: Some(algorithm.to_owned()),
            created_at: note.created,
            ..Webhook::unread(self.account.service(), Bytes::from(raw))
        }
    }

    /// Asks whose account it is, and reads the journal for this owner alone: what is not listed could be somebody else's, and
    /// the log has the events of the one who asks.
    async fn own(&mut self) -> Result<Identity, Error> {
        let identity = self.account.client.identity().await?;
        let owner = self.account.owner(identity.clone());
        self.past = self.past_of(|line| line.owner == owner);
        Ok(identity)
    }

    fn past_of(&self, is_ours: impl Fn(&journal::Line) -> bool) -> Past {
        Past::of(&self.journal, &is_ours)
    }

    fn by_profile(&self) -> impl Fn(&journal::Line) -> bool {
        |line| self.account.removes(&line.owner, &line.profile)
    }

    fn loss(&self, webhook: Webhook, is_listed: bool) -> Loss {
        let ids = self.past.line_of(&webhook.id);
        let gaps = self.gaps(&webhook, &ids, is_listed);
        let reposts = self.notes.reposts(&ids);
        let (windows, beginning) = self.windows(&gaps, &reposts);
        let begun: Vec<&Gap> = gaps.iter().filter(|gap| gap.begin().is_none()).collect();
        let is_still_down = begun.iter().any(|gap| gap.to.is_none());
        let proven = begun.iter().filter_map(|gap| gap.to).max().filter(|_| !is_still_down);
        let successor = self.past.successor(&webhook.id).filter(|_| !is_listed).map(str::to_owned);
        let key = webhook.known_key().cloned().or_else(|| self.past.key(&webhook.id));
        let is_rest = self.args.ids.is_empty() && !reposts.is_empty();
        let mixed = gaps.iter().filter_map(Gap::mixed).collect();
        Loss { webhook, key, windows, mixed, is_rest, beginning, proven, successor, events: Vec::new() }
    }

    /// Every gap of `webhook` and of those whose place it took.
    fn gaps(&self, webhook: &Webhook, ids: &[String], is_listed: bool) -> Vec<Gap> {
        let created = |id: &str| self.snapshot.find(id).and_then(|webhook| webhook.created_at);
        let mut gaps = self.notes.gaps(&webhook.id, webhook.renewed_at);
        if !is_listed || self.past.is_changed_in_place(&webhook.id) {
            gaps.extend(self.past.gaps(&webhook.id, &created));
        }
        for id in ids.iter().filter(|id| **id != webhook.id) {
            let renewed = self.past.webhook(id).and_then(|webhook| webhook.renewed_at);
            let end = self.past.succeeded_at(id, &created);
            let noted = self.notes.gaps(id, renewed).into_iter();
            gaps.extend(noted.map(|gap| Gap { to: gap.to.or(end), ..gap }));
            gaps.extend(self.past.gaps(id, &created));
        }
        let is_down = Health::of(webhook, self.snapshot.now).is_down();
        let own = gap_of(webhook, self.snapshot.now).filter(|gap| is_listed && (is_down || gap.to.is_some()));
        gaps.extend(own);
        gaps
    }

    fn windows(&self, gaps: &[Gap], reposts: &[Repost]) -> (Vec<Window>, Beginning) {
        let mut beginning = Beginning::Known;
        let begun = |gap: &Gap| {
            let from = gap.begin().or_else(|| first_repost(gap, reposts));
            let from = from.unwrap_or_else(|| {
                beginning = if gap.created.is_some() { Beginning::Registration } else { Beginning::Unknown };
                gap.created.unwrap_or(DateTime::UNIX_EPOCH)
            });
            Window { from, to: gap.to }
        };
        let windows: Vec<Window> = gaps.iter().map(begun).collect();
        let posted: Vec<Window> = reposts.iter().map(|repost| repost.window).collect();
        let is_named = !self.args.ids.is_empty();
        let mut windows = match self.bounds.since {
            _ if !is_named => window::without(windows, &posted),
            Some(_) => window::merged(windows),
            None => window::merged(unsettled(windows, reposts)),
        };
        if let Some(since) = self.bounds.since {
            let reaches = |window: &Window| window.to.is_none_or(|to| to > since);
            // Who is named needs no gap.
            if is_named || windows.iter().any(reaches) {
                windows = window::since(windows, since);
                beginning = Beginning::Known;
            } else {
                windows.clear();
            }
        }
        if let Some(until) = self.bounds.until {
            windows = window::until(windows, until);
        }
        (windows, beginning)
    }
}

/// Where an earlier run began to post what a webhook missed that never had a success: the user said so then.
fn first_repost(gap: &Gap, reposts: &[Repost]) -> Option<DateTime<Utc>> {
    let whole = Window { from: gap.created.unwrap_or(DateTime::UNIX_EPOCH), to: gap.to };
    let met = reposts.iter().filter(|repost| repost.window.meets(&whole));
    met.map(|repost| repost.window.from).min()
}

/// Those of `windows` that were not wholly posted again; if all were, those that the last run posted.
fn unsettled(windows: Vec<Window>, reposts: &[Repost]) -> Vec<Window> {
    let posted: Vec<Window> = reposts.iter().map(|repost| repost.window).collect();
    let is_open = |window: &&Window| !window::without(vec![**window], &posted).is_empty();
    let open: Vec<Window> = windows.iter().filter(is_open).copied().collect();
    if !open.is_empty() {
        return open;
    }
    let meets = |repost: &&Repost| windows.iter().any(|window| window.meets(&repost.window));
    let Some(last) = reposts.iter().rev().find(meets) else { return Vec::new() };
    let of_last_run =
        |window: &Window| reposts.iter().any(|repost| repost.run == last.run && repost.window.meets(window));
    windows.into_iter().filter(of_last_run).collect()
}

impl Loss {
    /// The ids of the calls that began before the stretch in which they are shown.
    pub fn begun_before(&self) -> impl Iterator<Item = &str> {
        let straddles = |logged: &&Rc<Logged>| {
            let window = self.windows.iter().find(|window| window.contains(logged.moment));
            let begun = logged.event.start;
            window.zip(begun).is_some_and(|(window, begun)| begun <= window.from)
        };
        self.events.iter().filter(straddles).map(|logged| logged.id.as_str())
    }

    /// How many of its events may have been delivered.
    pub fn doubtful(&self) -> usize {
        self.events.iter().filter(|logged| window::contain(&self.mixed, logged.moment)).count()
    }
}
