//! A connected account: its client, what to call it, and what to type for it.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use url::Url;

use super::Context;
use super::standing::foreign_source;
use crate::auth::{Means, TokenSource, Tokens};
use crate::error::{Error, Kind};
use crate::files::{self, FileError, Lock};
use crate::gaps::Store;
use crate::http::Http;
use crate::http::exchange::Exchange;
use crate::http::gate::Gate;
use crate::invocation::Invocation;
use crate::journal::{Journal, Owner};
use crate::limits::Limits;
use crate::network::{Network, is_loopback};
use crate::sandbox::{self, Session};
use crate::services::Service;
use crate::services::facts::facts;
use crate::services::registration::Identity;
use crate::settings::{Connection, Place, way_of};
use crate::webhook::ServiceKind;

/// Stands for the sandbox's address in the journal: it listens on another port each time.
const SANDBOX_BASE: &str = "sandbox:";

/// One account at one service, ready for requests.
pub struct Account {
    /// The profile's name.
    pub profile: String,
    /// The client.
    pub client: Service,
    /// Where its token comes from.
    pub tokens: Rc<Tokens>,
    /// How much of a batch is done, of how many; a hold says so.
    pub progress: Rc<Cell<(usize, usize)>>,
    is_named: bool,
    invocation: Invocation,
    token_source: &'static str,
    session: Option<Session>,
    way: Way,
}

/// What it takes to make a client.
struct Way {
    service: ServiceKind,
    base: Url,
    token: TokenSource,
    network: Box<Network>,
    label: String,
}

impl Way {
    fn client(
        &self,
        context: &Context,
        limits: &Limits,
        progress: &Rc<Cell<(usize, usize)>>,
    ) -> Result<(Service, Rc<Tokens>), Error> {
        let means = Means { limits: limits.clone(), ..means(context) };
        let tokens = Rc::new(Tokens::new(self.token.clone(), way_of(self.service), means));
        let http = http_within(context, limits, &tokens, &self.network, &self.label, progress)?;
        Ok((Service::new(self.service, http, self.base.clone()), tokens))
    }
}

impl Account {
    /// Connects as the settings say. Nothing is sent yet, but the sandbox is joined.
    pub async fn connect(context: &Context, connection: Connection) -> Result<Self, Error> {
        let Connection { profile, is_named, invocation, service, place } = connection;
        let (base, token, network, session) = match place {
            Place::Remote { base, token, network } => (base, token, network, None),
            Place::Sandbox => {
                let session = sandbox::join(context.settings.state_directory()?).await?;
                let token = TokenSource::Given(session.token().clone());
                let mut base = parse_base(session.base_url())?;
                base.set_path(facts(service).sandbox_path);
                (base, token, Box::default(), Some(session))
            }
        };
        let progress = Rc::new(Cell::new((0, 0)));
        let label = if is_named { format!("profile {profile} is ") } else { String::new() };
        let token_source = match (&session, foreign_source(&token)) {
            (Some(_), _) => "sandbox",
            (None, source) => source.unwrap_or("sign-in"),
        };
        let way = Way { service, base, token, network, label };
        let (client, tokens) = way.client(context, &context.limits, &progress)?;
        Ok(Self { profile, client, tokens, progress, is_named, invocation, token_source, session, way })
    }

    /// Another client of it, under limits of its own: for what is to be done after an interrupt.
    ///
    /// The sandbox is not joined once more for it. If it has gone meanwhile, requests fail; this process would serve it
    /// otherwise, and wait without end for the first session of its own to leave.
    pub fn client_within(&self, context: &Context, limits: &Limits) -> Result<Service, Error> {
        let (client, _) = self.way.client(context, limits, &self.progress)?;
        Ok(client)
    }

    /// The service that holds its webhooks.
    #[must_use]
    pub fn service(&self) -> ServiceKind {
        self.way.service
    }

    /// Where its token comes from: `VWH_TOKEN`, `token_file`, `token_command`, `sign-in` or `sandbox`.
    #[must_use]
    pub fn token_source(&self) -> &'static str {
        self.token_source
    }

    /// Whether this is the sandbox and no real account.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.session.is_some()
    }

    /// Whether the service is on this machine, whatever it is, so that it can reach what is on this machine too.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        is_loopback(&self.way.base)
    }

    /// `profile office: ` where the profile was named, so that a notice says whose it is.
    #[must_use]
    pub fn label(&self) -> String {
        if self.is_named { format!("profile {}: ", self.profile) } else { String::new() }
    }

    /// What to type to run `rest` against this account.
    #[must_use]
    pub fn command(&self, rest: &str) -> String {
        self.invocation.command(rest)
    }

    /// `error` with its commands as they reach this account.
    #[must_use]
    pub fn retyped(&self, error: Error) -> Error {
        error.retyped(&self.invocation)
    }

    /// Whose webhooks these are, for the journal.
    #[must_use]
    pub fn owner(&self, identity: Identity) -> Owner {
        let is_unknown = identity.account.is_none() && identity.user.is_none();
        Owner {
            service: self.service().name().to_owned(),
            base_url: self.base().to_owned(),
            profile: is_unknown.then(|| self.profile.clone()),
            account: identity.account,
            user: identity.user,
        }
    }

    /// Whether a journal line may be about this account, as far as that is known without asking the service.
    #[must_use]
    pub fn may_own(&self, owner: &Owner) -> bool {
        owner.service == self.service().name() && owner.base_url == self.base()
    }

    /// The API's base URL; the sandbox is one place, whichever port it listens on.
    #[must_use]
    pub fn base(&self) -> &str {
        if self.is_sandbox() { SANDBOX_BASE } else { self.client.base() }
    }

    /// Whether a removal that `profile` ran on a webhook of `owner` was one of this account's: of two profiles at one
    /// service nothing else tells them apart without asking it.
    #[must_use]
    pub fn removes(&self, owner: &Owner, profile: &str) -> bool {
        self.profile == profile && self.may_own(owner)
    }

    /// `profile prod (account 4711, user 9001) at api.vonage.com`, for questions.
    #[must_use]
    pub fn description(&self, identity: &Identity) -> String {
        if self.is_sandbox() {
            return "the sandbox (no real account)".to_owned();
        }
        let named = [("account", &identity.account), ("user", &identity.user)];
        let known = named.iter().filter_map(|(what, id)| Some(format!("{what} {}", id.as_deref()?)));
        let known = known.collect::<Vec<_>>().join(", ");
        let who = if known.is_empty() { "account unknown".to_owned() } else { known };
        let host = self.client.base().split('/').nth(2).unwrap_or_default();
        format!("profile {} ({who}) at {host}", self.profile)
    }

    /// The lock that keeps two runs apart that remove or restore webhooks of this profile.
    pub async fn lock(&self, context: &Context, waiting: Waiting) -> Result<Lock, Error> {
        let path = self.state_file(context, "locks", "removing")?;
        let lock = match waiting {
            Waiting::Fail => files::try_lock(&path),
            Waiting::Wait => files::lock(&path, &context.limits).await,
        };
        lock.map_err(|error| match error {
            FileError::Locked(_) => {
                let profile = &self.profile;
                Error::new(
                    Kind::Unavailable,
                    format!("another vwh is changing the webhooks of profile {profile}"),
                )
                .hint(match waiting {
                    Waiting::Fail => "wait until it has finished, then run this again; --wait-lock does both",
                    Waiting::Wait => "wait until it has finished, then run this again",
                })
            }
            error => error.into(),
        })
    }

    /// A file of this profile in the state directory.
    pub fn state_file(&self, context: &Context, directory: &str, kind: &str) -> Result<PathBuf, Error> {
        Ok(context.settings.state_directory()?.join(directory).join(format!("{}.{kind}", self.profile)))
    }

    /// The journal.
    pub fn journal(&self, context: &Context) -> Result<Journal, Error> {
        Ok(Journal::new(context.settings.state_directory()?))
    }

    /// What is noted about gaps.
    pub fn gaps(&self, context: &Context) -> Result<Store, Error> {
        Ok(Store::new(context.settings.state_directory()?))
    }

    /// Ends the connection: an embedded sandbox serves on until no other process needs it.
    pub async fn leave(self) -> Result<(), Error> {
        match self.session {
            Some(session) => Ok(session.leave().await?),
            None => Ok(()),
        }
    }
}

/// What to do when another run holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Say so at once.
    Fail,
    /// Wait within the time limit.
    Wait,
}

/// What it takes to get a token in this run.
#[must_use]
pub fn means(context: &Context) -> Means {
    let output = context.output;
    Means {
        limits: context.limits.clone(),
        clock: context.clock,
        random: jitter,
        warn: Rc::new(move |text: &str| output.warning(text)),
    }
}

/// The sender of API requests for this run.
///
/// `label` comes first where a hold is announced; `progress` is how much of a batch is done, of how many.
pub fn http(
    context: &Context,
    tokens: &Rc<Tokens>,
    network: &Network,
    label: &str,
    progress: &Rc<Cell<(usize, usize)>>,
) -> Result<Http, Error> {
    http_within(context, &context.limits, tokens, network, label, progress)
}

fn http_within(
    context: &Context,
    limits: &Limits,
    tokens: &Rc<Tokens>,
    network: &Network,
    label: &str,
    progress: &Rc<Cell<(usize, usize)>>,
) -> Result<Http, Error> {
    let exchange = Exchange::new(network).map_err(|error| {
        Error::new(Kind::Configuration, "cannot set up the connection").because(error.to_string())
    })?;
    let output = context.output;
    let (progress, bar) = (Rc::clone(progress), Rc::clone(&context.progress));
    let label = label.to_owned();
    let announce = Rc::new(move |until: DateTime<Utc>| {
        let so_far = match progress.get() {
            (_, 0) => String::new(),
            (done, total) => format!(", {done} of {total} done"),
        };
        let until = until.format("%H:%M:%SZ");
        bar.clear();
        output.notice(&format!("{label}throttled: waiting until {until}{so_far}"));
    });
    let authorize = Box::new(Rc::clone(tokens));
    Ok(Http::new(exchange, authorize, Gate::new(announce), limits.clone(), jitter))
}

/// A number from 0 to 1 for the length of pauses; nothing secret hangs on it.
fn jitter() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

/// Reads the base URL that the sandbox gave out.
pub fn parse_base(text: &str) -> Result<Url, Error> {
    Url::parse(text)
        .map_err(|error| Error::new(Kind::Internal, format!("the sandbox's address is no URL: {error}")))
}
