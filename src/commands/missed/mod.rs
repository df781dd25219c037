//! `vwh missed`: the events that webhooks did not get, and posting them again.
//!
//! `select` says which webhooks are meant and when they missed events, with `past` for what the journal knows; `view` shows
//! the events of the service's log that fell into those times; `post` posts them, `undated` refuses that where nobody knows
//! since when, and `report` tells what came of it.

pub mod past;
pub mod post;
pub mod report;
pub mod select;
pub mod undated;
pub mod view;

use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;
use url::Url;

use super::Context;
use super::account::Account;
use super::accounts::{Accounts, Gathered};
use super::destination::parse_url;
use super::signing_key::key_from_file;
use crate::error::{Error, ExitStatus, Kind};
use crate::gaps::window;
use crate::network::is_loopback;
use crate::output::text::word;
use crate::secret::mask_url;
use crate::services::ability::{Ability, elsewhere};
use crate::services::vis::events::{Logged, Query};
use crate::settings::flags::{Moment, parse_moment};
use select::{Loss, Selection, select};

/// Show the events that webhooks did not get, and post them again (VIS)
///
/// Nothing is queued while a webhook is failed or expired; the events are in the service's log. Without ID: those of every
/// webhook that is failed or expired, or was when vwh renewed, replaced or restored it, unless they were posted again. What
/// vwh removed and did not restore is shown for 10 days, and later by its id. With ID (to look, a unique prefix of at least 4
/// characters will do): those of that one, or of the one that took its place.
///
/// An event counts as of the moment that its call began, was answered or ended, whichever it tells last: of a call that
/// began before a webhook's gap, the states before that are not shown, and --since shows them.
///
/// --repost and --post-to send each event once, signed with the webhook's own key, in order, with a delivery id that is the
/// same every time, and stop at the first that is not answered with 200. Outcomes: posted, error, skipped (its turn never
/// came).
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("which").multiple(false))]
#[command(group = clap::ArgGroup::new("post").multiple(false))]
#[command(after_long_help = elsewhere(Ability::Missed))]
pub struct MissedArgs {
    /// The webhooks' ids, also those that they had
    #[arg(group = "which", value_name = "ID")]
    ids: Vec<String>,

    /// Only those that have failed
    #[arg(long, group = "which")]
    failed: bool,

    /// Only those whose url matches; * and ? are wildcards
    #[arg(long, value_name = "GLOB")]
    url: Option<String>,

    /// From here on instead of from the last success: a time, or a duration ago
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    since: Option<Moment>,

    /// Up to here: a time, or a duration ago
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    until: Option<Moment>,

    /// Only what comes after this event, written as the call's id or ID:STATE
    #[arg(long, value_name = "EVENT")]
    after: Option<String>,

    /// Post them to each webhook's own url
    #[arg(long, group = "post")]
    repost: bool,

    /// Post them to this url
    #[arg(long, group = "post", value_name = "URL", value_parser = parse_url)]
    post_to: Option<Url>,

    /// Sign with the key in this file instead of the webhook's own
    #[arg(long, value_name = "FILE", requires = "post")]
    signing_key_file: Option<PathBuf>,

    /// Show what would be posted, and post nothing
    #[arg(long, requires = "post")]
    dry_run: bool,

    /// Do not ask
    #[arg(short, long, requires = "post")]
    yes: bool,
}

impl MissedArgs {
    /// Whether anything is to be posted.
    fn posts(&self) -> bool {
        self.repost || self.post_to.is_some()
    }
}

/// What was found in one account.
pub struct Found {
    /// The webhooks with what they missed.
    pub selection: Selection,
    /// Whether the log goes on where it was not read any more.
    pub is_cut: bool,
}

/// Runs `vwh missed`.
pub async fn run(args: &MissedArgs, context: &Context, accounts: &Accounts) -> Result<ExitStatus, Error> {
    if accounts.is_several && !args.ids.is_empty() {
        return Err(accounts.one_for_an_id());
    }
    refuse_open_post(args)?;
    let key = match &args.signing_key_file {
        Some(file) => Some(key_from_file(context, file).await?),
        None => None,
    };
    let mut gathered = accounts.each(async |account| gather(args, context, account).await).await?;
    if let Some(event) = &args.after {
        skip(event, accounts, &mut gathered)?;
    }
    if args.posts() {
        post::run(args, key.as_ref(), context, accounts, gathered).await
    } else {
        view::show(args, context, accounts, &gathered)?;
        gathered.conclude(context, ExitStatus::Success)
    }
}

/// A webhook's own url is where the service itself posts, whatever it is; any other has to be closed to others' eyes.
fn refuse_open_post(args: &MissedArgs) -> Result<(), Error> {
    match &args.post_to {
        Some(url) if url.scheme() == "http" && !is_loopback(url) => {
            let shown = mask_url(url.as_str());
            let what = format!("calls and their numbers would travel to {shown} unencrypted");
            Err(Error::new(Kind::Usage, what).hint("use https; http is for loopback hosts only"))
        }
        _ => Ok(()),
    }
}

/// Finds what the webhooks of one account have missed: one reading of the log serves them all.
async fn gather(args: &MissedArgs, context: &Context, account: &Account) -> Result<Found, Error> {
    let mut selection = select(args, context, account).await?;
    let all: Vec<_> = selection.losses.iter().flat_map(|loss| loss.windows.iter().copied()).collect();
    let all = window::merged(all);
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return Ok(Found { selection, is_cut: false });
    };
    let query = Query::new(first.from, last.to);
    let is_wanted = |moment| window::contain(&all, moment);
    let log = account.client.events(query, &is_wanted, &|| context.limits.progressed()).await;
    let log = log.map_err(|error| Error::from(error).while_doing("cannot read the log of events"))?;
    if log.strangers > 0 {
        let count = log.strangers;
        context.output.warning(&format!("{count} of the rows of the service's log are no events"));
    }
    if log.is_cut {
        context.output.warning(
            "the service's log did not come to an end: not everything that was missed is here; \
             --since and --until ask for less of it",
        );
    }
    let events: Vec<Rc<Logged>> = log.events.into_iter().map(Rc::new).collect();
    for loss in &mut selection.losses {
        let missed = events.iter().filter(|event| window::contain(&loss.windows, event.moment));
        loss.events = missed.cloned().collect();
    }
    Ok(Found { selection, is_cut: log.is_cut })
}

/// Leaves out `event` and everything before it.
fn skip(event: &str, accounts: &Accounts, gathered: &mut Gathered<'_, Found>) -> Result<(), Error> {
    let losses = gathered.answers.iter_mut().flat_map(|(_, found)| &mut found.selection.losses);
    let mut losses: Vec<&mut Loss> = losses.collect();
    let [loss] = losses.as_mut_slice() else {
        let message = format!("--after goes on with one webhook, and these are {}", losses.len());
        let name = accounts.command_for_one(&format!("missed ID --after {}", word(event)));
        return Err(Error::new(Kind::Usage, message).hint(format!("name it: {name}")));
    };
    let is_meant = |logged: &Rc<Logged>| logged.id == event || logged.name() == event;
    let Some(position) = loss.events.iter().rposition(is_meant) else {
        let id = &loss.webhook.id;
        let look = accounts.command_for_one(&format!("missed {}", word(id)));
        let message = format!("webhook {id} has missed no event {event:?}");
        return Err(Error::new(Kind::Usage, message).hint(format!("see what it missed with: {look}")));
    };
    loss.events.drain(..=position);
    Ok(())
}
