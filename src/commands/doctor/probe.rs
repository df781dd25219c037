//! What `vwh doctor` asks: files, names, the service. Each thing is asked once; what it means is `judge`'s and `seen`'s.

use std::path::PathBuf;
use std::time::Instant;

use url::{Host, Url};

use super::super::Context;
use super::super::account::Account;
use super::judge::{self, Listed};
use super::seen::{self, Seen};
use super::{Check, Verdict};
use crate::auth::TokenSource;
use crate::auth::keeper::Keeper;
use crate::auth::source::{Keeping, Role, SecretFile, SecretSource};
use crate::error::Error;
use crate::files::{self, Openness};
use crate::http::exchange::{Arrived, Exchange};
use crate::http::{Authorize as _, HttpError, host_of};
use crate::journal::Journal;
use crate::network::Network;
use crate::settings::{Connection, Place};

/// The checks as far as they go: what is missing at the end could not be made.
pub(super) async fn all(context: &Context, connection: Connection) -> Vec<Check> {
    let mut checks = vec![judge::configuration(context.settings.config_file(), &connection)];
    checks.push(seen::files(&look_at_files(context, &connection)));
    let urls = addresses(&connection);
    let network = match &connection.place {
        Place::Remote { network, .. } => network.clone(),
        Place::Sandbox => Box::default(),
    };
    let is_sandbox = matches!(connection.place, Place::Sandbox);
    checks.push(names(context, &urls, &network).await);
    let account = match Account::connect(context, connection).await {
        Ok(account) => account,
        Err(error) => {
            checks.push(Check::of_error("connection", Verdict::Fail, &error));
            return checks;
        }
    };
    let base = urls.first().cloned().or_else(|| Url::parse(account.client.base()).ok());
    let (connection, clock) = match base {
        Some(base) => connect(context, &base, &network, is_sandbox).await,
        None => (Check::new("connection", Verdict::Skip, "there is no address"), judge::no_clock()),
    };
    let is_connected = connection.verdict != Verdict::Fail;
    let connection = match account.tokens.keeper() {
        Some(keeper) => judge::both(connection, token_endpoint(context, keeper).await),
        None => connection,
    };
    checks.extend([connection, clock]);
    checks.extend(access(context, &account, is_connected).await);
    // An embedded sandbox that does not end well is not what was asked about.
    let _ = account.leave().await;
    checks
}

/// The API's address, then the token endpoint's, if they are known already.
fn addresses(connection: &Connection) -> Vec<Url> {
    match &connection.place {
        Place::Sandbox => Vec::new(),
        Place::Remote { base, token: TokenSource::SignIn(sign_in), .. } => {
            vec![base.clone(), sign_in.token_url.clone()]
        }
        Place::Remote { base, .. } => vec![base.clone()],
    }
}

fn look_at_files(context: &Context, connection: &Connection) -> Vec<Seen> {
    let mut seen = Vec::new();
    match context.settings.state_directory() {
        Err(error) => seen.push(Seen::NoState(error.into())),
        Ok(directory) => {
            if let Err(error) = files::try_writing(directory) {
                seen.push(Seen::NoState(error.into()));
            } else {
                seen.push(Seen::State(directory.to_owned(), files::openness(directory)));
                let credentials = directory.join("credentials").join(format!("{}.json", connection.profile));
                seen.extend([own(credentials), own(Journal::new(directory).path().to_owned())]);
            }
        }
    }
    let named = |SecretFile { path, keeping }: &SecretFile| match keeping {
        Keeping::Owner => Seen::Named(files::openness(path), path.clone()),
        Keeping::Unit => {
            Seen::Named(files::openness(path).map(|found| found.map(|_| Openness::Private)), path.clone())
        }
        Keeping::OtherUnit => Seen::OfOtherUnit(path.clone()),
    };
    if let Place::Remote { token, .. } = &connection.place {
        seen.extend(named_files(token).into_iter().map(named));
    }
    seen
}

fn own(path: PathBuf) -> Seen {
    let found = match files::openness(&path) {
        Ok(Some(_)) if !path.is_file() => Err(std::io::Error::other("it is no regular file")),
        found => found,
    };
    Seen::Own(found, path)
}

/// The files that the configuration names for secrets.
fn named_files(token: &TokenSource) -> Vec<&SecretFile> {
    match token {
        TokenSource::File(file) => vec![file],
        TokenSource::SignIn(sign_in) => [&sign_in.password, &sign_in.client_secret]
            .into_iter()
            .filter_map(|source| match source {
                Some(SecretSource::File(file)) => Some(file),
                _ => None,
            })
            .collect(),
        TokenSource::Given(_) | TokenSource::Command(_) => Vec::new(),
    }
}

async fn names(context: &Context, urls: &[Url], network: &Network) -> Check {
    let mut found = Vec::new();
    for url in urls {
        let host = host_of(url);
        if found.iter().any(|(known, _)| *known == host) {
            continue;
        }
        let resolved = match url.host() {
            Some(Host::Domain(name)) => resolve(context, name, url.port_or_known_default()).await,
            _ => Ok(None),
        };
        found.push((host, resolved));
    }
    judge::names(&found, network.https_proxy.is_some())
}

/// How many addresses a name has, as long as the limits allow.
async fn resolve(context: &Context, name: &str, port: Option<u16>) -> Result<Option<usize>, String> {
    let looked_up = tokio::net::lookup_host((name, port.unwrap_or(443)));
    match context.limits.or_interrupted(context.limits.within(looked_up)).await {
        Err(_) => Err("interrupted".to_owned()),
        Ok(None) => Err("no answer in time".to_owned()),
        Ok(Some(Err(error))) => Err(error.to_string()),
        Ok(Some(Ok(addresses))) => Ok(Some(addresses.count())),
    }
}

/// One request without a token: whether anybody answers, and what time it is there.
async fn connect(context: &Context, base: &Url, network: &Network, is_sandbox: bool) -> (Check, Check) {
    let host = host_of(base);
    let started = Instant::now();
    match probe(context, base, network).await {
        Ok(arrived) => {
            let clock = match arrived.date {
                Some(_) if is_sandbox => {
                    Check::new("clock", Verdict::Pass, "the sandbox has a clock of its own")
                }
                Some(date) => judge::clock(&host, date - (context.clock)()),
                None => judge::no_clock(),
            };
            (judge::connection(&host, base.scheme(), &arrived, started.elapsed()), clock)
        }
        Err(error) => {
            let error = Error::from(error);
            (Check::of_error("connection", Verdict::Fail, &error), judge::unasked("clock"))
        }
    }
}

/// Why the token endpoint cannot be asked, if it cannot. It is asked for nothing: whatever it answers will do.
async fn token_endpoint(context: &Context, keeper: &Keeper) -> Option<Error> {
    let sign_in = keeper.sign_in();
    if host_of(&sign_in.token_url) == host_of(&sign_in.base_url) {
        return None;
    }
    let error = Error::from(probe(context, &sign_in.token_url, &sign_in.network).await.err()?);
    Some(
        error
            .while_doing("the next sign-in will fail")
            .hint("check token_url of the profile, and the network"),
    )
}

/// Why secrets that the next sign-in needs cannot be had. They are fetched and dropped.
async fn lacking(context: &Context, keeper: &Keeper) -> Vec<Error> {
    let sign_in = keeper.sign_in();
    let mut errors = Vec::new();
    for (source, role) in [(&sign_in.client_secret, Role::ClientSecret), (&sign_in.password, Role::Password)]
    {
        // What another unit has cannot be looked at; `files` says so.
        let Some(source) = source.as_ref().filter(|source| !source.is_elsewhere()) else { continue };
        let fetched = source.fetch(role, &context.limits).await;
        errors.extend(fetched.and_then(|fetched| fetched.secret()).err().map(Error::from));
    }
    errors
}

async fn probe(context: &Context, base: &Url, network: &Network) -> Result<Arrived, HttpError> {
    let host = host_of(base);
    let not_connected = |source| HttpError::Connect { host: host.clone(), source };
    let exchange = Exchange::new(network).map_err(not_connected)?;
    let probing = exchange.probe(base, context.limits.remaining());
    match context.limits.or_interrupted(probing).await {
        Err(_) => Err(HttpError::Interrupted),
        Ok(Ok(arrived)) => Ok(arrived),
        Ok(Err(broken)) => Err(HttpError::of_broken(host, broken)),
    }
}

/// Token, subscription, quota and webhooks: one list tells of them all.
async fn access(context: &Context, account: &Account, is_connected: bool) -> Vec<Check> {
    let had = account.tokens.token().await.map_err(Error::from);
    let listed = match (&had, is_connected) {
        (Ok(_), true) => match account.client.list_unless_held().await {
            Ok(listing) => Listed::Had(listing),
            Err(HttpError::Throttled { until, .. }) => Listed::Throttled(until),
            Err(error) => Listed::Failed(error.into()),
        },
        _ => Listed::Unasked,
    };
    let standing = account.tokens.keeper().and_then(|keeper| {
        let stored = keeper.look().ok().flatten()?;
        Some((keeper.sign_in(), stored))
    });
    let lacking = match account.tokens.keeper() {
        Some(keeper) if had.is_ok() => lacking(context, keeper).await,
        _ => Vec::new(),
    };
    let source = account.token_source();
    let now = (context.clock)();
    vec![
        judge::token(
            source,
            had.err(),
            &lacking,
            standing.as_ref().map(|(sign_in, stored)| (*sign_in, stored)),
            &listed,
            now,
        ),
        judge::subscription(&listed),
        judge::quota(&listed),
        judge::webhooks(&listed, |rest| account.command(rest)),
    ]
}
