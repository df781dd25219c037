//! Posts what was missed: signed as the service would have, one after the other, and no further than the first that is not
//! answered with 200.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use chrono::{DateTime, Utc};
use url::Url;

use super::super::Context;
use super::super::account::Account;
use super::super::accounts::{Accounts, Gathered};
use super::super::confirm::{Asked, Unattended, consent};
use super::report::{Outcome, Posted, Reposting};
use super::select::{Bounds, Loss};
use super::view::{again, doubtful, events, posting};
use super::{Found, MissedArgs};
use crate::delivery::{Answer, Delivery, Next, Reach, Sender};
use crate::error::{Error, ExitStatus, Kind};
use crate::files::lines::Durability;
use crate::gaps::{Action, Line};
use crate::network::is_loopback;
use crate::output::text::{error_message, inert, word};
use crate::secret::{Secret, mask_url};
use crate::services::vis::delivery::event::State;
use crate::services::vis::delivery::statistics::last_error;
use crate::services::vis::delivery::{Parts, Policy, REPOSTED, RULES, SYNTHETIC, build};
use crate::services::vis::events::Logged;
use crate::webhook::json::Secrets;

/// What one webhook missed, and how it is posted.
struct Course<'a> {
    account: &'a Account,
    found: &'a Found,
    loss: &'a Loss,
    url: Url,
    /// The url as it is shown.
    shown: String,
    policy: Policy,
    key: Option<Secret>,
    sender: Sender,
}

/// Posts everything that `gathered` has.
pub async fn run(
    args: &MissedArgs,
    key: Option<&Secret>,
    context: &Context,
    accounts: &Accounts,
    gathered: Gathered<'_, Found>,
) -> Result<ExitStatus, Error> {
    let mut courses = Vec::new();
    for (account, found) in &gathered.answers {
        for loss in found.selection.losses.iter().filter(|loss| !loss.windows.is_empty()) {
            courses.push(Course::new(args, key, context, account, found, loss)?);
        }
    }
    if let Some(doubtful) = doubtful(courses.iter().map(|course| course.loss)) {
        context.output.notice(&doubtful);
    }
    let mut reposting =
        Reposting { is_dry_run: args.dry_run, results: Vec::new(), ended: None, go_on: Vec::new() };
    if args.dry_run {
        let would = |course: &Course<'_>| {
            let posted = course.loss.events.iter().map(|event| course.done(event, Outcome::Posted, None));
            posted.collect::<Vec<_>>()
        };
        reposting.results = courses.iter().flat_map(would).collect();
    } else {
        agree(args, context, &courses).await?;
        let mut work = Work { args, context, run: context.run_name()?, stopped: HashSet::new(), reposting };
        context.finishing(work.all(&courses)).await;
        context.progress.clear();
        reposting = work.reposting;
    }
    reposting.conclude(context, accounts.is_several, gathered.failures)
}

/// Posting to a host that is not this machine needs a yes (design §6).
async fn agree(args: &MissedArgs, context: &Context, courses: &[Course<'_>]) -> Result<(), Error> {
    let mut by_host: BTreeMap<&str, usize> = BTreeMap::new();
    for course in courses.iter().filter(|course| !is_loopback(&course.url)) {
        *by_host.entry(course.url.host_str().unwrap_or_default()).or_default() += course.loss.events.len();
    }
    by_host.retain(|_, count| *count > 0);
    if by_host.is_empty() {
        return Ok(());
    }
    let hosts = by_host.iter().map(|(host, count)| format!("{} to {host}", events(*count)));
    let what = hosts.collect::<Vec<_>>().join(", ");
    let webhooks = courses.iter().filter(|course| !course.loss.events.is_empty()).map(|course| {
        let (id, count) = (inert(&course.loss.webhook.id), events(course.loss.events.len()));
        format!("  {id}  {}  {count}\n", inert(&course.shown))
    });
    let asked = Asked {
        question: format!("{}Post {}?", webhooks.collect::<String>(), inert(&what)),
        declined: "declined, nothing was posted",
        refusal: Error::new(Kind::Confirmation, format!("it is not confirmed that vwh may post {what}"))
            .hint("--yes confirms it; --dry-run shows what would be posted"),
    };
    consent(context, asked, args.yes, Unattended::NeedsYes).await.map(drop)
}

impl<'a> Course<'a> {
    fn new(
        args: &MissedArgs,
        key: Option<&Secret>,
        context: &Context,
        account: &'a Account,
        found: &'a Found,
        loss: &'a Loss,
    ) -> Result<Self, Error> {
        let webhook = &loss.webhook;
        let id = word(&webhook.id);
        let (url, shown) = match &args.post_to {
            Some(url) => (url.clone(), mask_url(url.as_str()).into_owned()),
            None => (own_url(account, loss)?, webhook.shown_url(Secrets::Hide)),
        };
        let registered = Policy::named(webhook.policy());
        let (policy, key) = match key {
            // A signature only travels with a policy.
            Some(key) if registered == Policy::None => (Policy::Header, Some(key.clone())),
            Some(key) => (registered, Some(key.clone())),
            None if !webhook.is_signed() || registered == Policy::None => (registered, None),
            None => (
                registered,
                Some(loss.key.clone().ok_or_else(|| {
                    let what = format!("webhook {} is signed, and its key is not known", webhook.id);
                    let with_key = account.command(&format!("missed {id} --signing-key-file FILE"));
                    Error::new(Kind::Configuration, what).hint(format!("give it: {with_key}"))
                })?),
            ),
        };
        // Who agreed to this machine alone did not agree to where it redirects.
        let reach = if is_loopback(&url) && !args.yes { Reach::Loopback } else { Reach::Anywhere };
        let sender = Sender::new(context.settings.network(&url)?, reach, RULES);
        Ok(Self { account, found, loss, url, shown, policy, key, sender })
    }

    fn delivery(&self, event: &Logged) -> Delivery {
        let webhook_id = &self.loss.webhook.id;
        let mut delivery = build(&Parts {
            event: &event.payload,
            policy: self.policy,
            key: self.key.as_ref(),
            webhook_id,
            delivery_id: &event.delivery_id(webhook_id),
            attempt: 1,
        });
        delivery.headers.insert(SYNTHETIC, REPOSTED);
        delivery
    }

    fn done(&self, event: &Logged, outcome: Outcome, error: Option<Error>) -> Posted {
        Posted {
            profile: self.account.profile.clone(),
            webhook_id: self.loss.webhook.id.clone(),
            url: self.shown.clone(),
            event_id: event.id.clone(),
            state: event.state(),
            outcome,
            error,
        }
    }

    /// What to type to post what comes after `last`.
    fn go_on(&self, args: &MissedArgs, last: Option<&Logged>) -> String {
        let bounds: Bounds = self.found.selection.bounds;
        let after = last.map(Logged::name).or_else(|| args.after.clone());
        let command = again(args, bounds, &word(&self.loss.webhook.id));
        self.account.command(&format!("{command}{}", posting(args, after.as_deref())))
    }

    /// What answered, in words, if it was no success.
    fn trouble(&self, answer: &Answer) -> Option<Error> {
        let message = match (answer, RULES.next(1, answer)) {
            (_, Next::Delivered) => return None,
            (Answer::Replied { .. }, _) => error_message(&last_error(&named(answer)).1),
            (Answer::NoReply(reason), _) => format!("no reply: {}", inert(reason)),
            (Answer::TooManyRedirects, _) => "it redirects too many times".to_owned(),
            (Answer::OutOfReach(host), _) => {
                format!("it redirects to {}, which is not this machine", inert(host))
            }
        };
        let message = self.key.as_ref().map_or_else(|| message.clone(), |key| key.scrub(&message));
        let error = Error { status: answer.status(), ..Error::new(Kind::Failure, message) };
        Some(match answer {
            Answer::OutOfReach(_) => error.hint("--yes follows it"),
            _ => error,
        })
    }
}

/// The same with the usual phrase for its status where the receiver sent none.
fn named(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    if let Answer::Replied { status, reason, .. } = &mut answer
        && reason.is_empty()
    {
        let known = reqwest::StatusCode::from_u16(*status).ok();
        known.and_then(|status| status.canonical_reason()).unwrap_or_default().clone_into(reason);
    }
    answer
}

/// Where the service posts: whatever is registered, as long as it can be posted to.
fn own_url(account: &Account, loss: &Loss) -> Result<Url, Error> {
    if let Some(successor) = &loss.successor {
        let id = &loss.webhook.id;
        let what = format!("webhook {id} was replaced by {successor}, which is not there any more");
        let elsewhere = account.command(&format!("missed {} --post-to URL", word(id)));
        return Err(Error::new(Kind::Usage, what).hint(format!("say where its events go: {elsewhere}")));
    }
    let url = Url::parse(&loss.webhook.url).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()).ok_or_else(|| {
        let id = word(&loss.webhook.id);
        let what = format!("the url of webhook {} is none that can be posted to", loss.webhook.id);
        let elsewhere = account.command(&format!("missed {id} --post-to URL"));
        Error::new(Kind::Usage, what).hint(format!("post it elsewhere: {elsewhere}"))
    })
}

/// The last moment of which everything is in the log that has `events`: a call that goes on may get another state, which tells
/// no later time than the ones before.
fn settled(events: &[Rc<Logged>]) -> Option<DateTime<Utc>> {
    let is_final = |event: &Rc<Logged>| event.event.state.as_ref().is_some_and(State::is_final);
    let over: HashSet<&str> =
        events.iter().filter(|event| is_final(event)).map(|event| event.id.as_str()).collect();
    let mut going_on: HashMap<&str, DateTime<Utc>> = HashMap::new();
    // In order, so that the last moment of each call stays.
    for event in events.iter().filter(|event| !over.contains(event.id.as_str())) {
        going_on.insert(&event.id, event.moment);
    }
    let limit = going_on.into_values().min();
    events.iter().map(|event| event.moment).filter(|moment| limit.is_none_or(|limit| *moment < limit)).max()
}

/// A run that posts.
struct Work<'a> {
    args: &'a MissedArgs,
    context: &'a Context,
    run: String,
    /// Urls that have failed: nothing more goes there.
    stopped: HashSet<Url>,
    reposting: Reposting,
}

impl Work<'_> {
    async fn all(&mut self, courses: &[Course<'_>]) {
        self.context.limits.progressed();
        self.context.progress.grow(courses.iter().map(|course| course.loss.events.len()).sum());
        for course in courses {
            self.course(course).await;
        }
    }

    async fn course(&mut self, course: &Course<'_>) {
        let mut last: Option<&Rc<Logged>> = None;
        let mut is_whole = true;
        for event in &course.loss.events {
            let (outcome, error) = self.one(course, event).await;
            if outcome == Outcome::Posted {
                last = Some(event);
            } else {
                is_whole = false;
            }
            self.reposting.results.push(course.done(event, outcome, error));
            self.context.progress.advance();
        }
        if is_whole {
            self.mark(course).await;
        } else {
            let go_on = course.go_on(self.args, last.map(Rc::as_ref));
            self.reposting.go_on.push(go_on);
        }
    }

    async fn one(&mut self, course: &Course<'_>, event: &Logged) -> (Outcome, Option<Error>) {
        let limits = &self.context.limits;
        if limits.is_interrupted() {
            self.end(Error::new(Kind::Interrupted, "interrupted"));
        }
        if self.reposting.ended.is_some() || self.stopped.contains(&course.url) {
            return (Outcome::Skipped, None);
        }
        let delivery = course.delivery(event);
        let Some(answer) = limits.within(course.sender.attempt(&course.url, &delivery)).await else {
            let error = Error::new(Kind::Unavailable, "the time limit came before a reply")
                .hint("it may have arrived: posted again, it is seen as a duplicate");
            self.end(Error::new(Kind::Unavailable, "the time limit came"));
            return (Outcome::Error, Some(error));
        };
        match course.trouble(&answer) {
            None => {
                limits.progressed();
                (Outcome::Posted, None)
            }
            Some(error) => {
                self.stopped.insert(course.url.clone());
                (Outcome::Error, Some(error))
            }
        }
    }

    /// The first reason to stop is the one that is told.
    fn end(&mut self, error: Error) {
        self.reposting.ended.get_or_insert(error);
    }

    /// Notes that everything was posted; what is not certain to be everything is not noted.
    async fn mark(&self, course: &Course<'_>) {
        let (Course { account, found, loss, .. }, context) = (course, self.context);
        if found.is_cut {
            return;
        }
        let settled = settled(&loss.events);
        let line = |window: &crate::gaps::window::Window| {
            // Where there is no end, more may come after what the log has now.
            let to = window.to.or(settled.filter(|settled| *settled > window.from))?;
            let is_marked =
                loss.events.iter().any(|event| window.contains(event.moment)) || self.args.after.is_some();
            is_marked.then(|| Line {
                time: found.selection.now,
                action: Action::Reposted,
                service: account.service().name().to_owned(),
                base_url: account.base().to_owned(),
                profile: account.profile.clone(),
                user: loss.webhook.user_id.clone(),
                id: loss.webhook.id.clone(),
                url: None,
                policy: None,
                is_signed: None,
                from: Some(window.from),
                earliest: None,
                created: None,
                to: Some(to),
                run: Some(self.run.clone()),
            })
        };
        let lines: Vec<Line> = loss.windows.iter().filter_map(line).collect();
        let appended = match account.gaps(context) {
            Ok(store) => store.append(&lines, Durability::Synced, &context.limits).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = appended {
            let what = format!("it is not noted that what {} missed was posted", loss.webhook.id);
            context.output.warning(&format!("{what}: {}", error.sentence()));
        }
    }
}
