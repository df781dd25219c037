//! The connection: which service, at which address, as whom. It comes whole from one place (design §3): the sandbox, one
//! named profile, or the default profile overlaid by the environment.

use std::collections::BTreeSet;

use url::Url;
use wildmatch::WildMatch;

use super::addresses::Whose;
use super::environment::{CONNECTION_VARIABLES, Environment};
use super::file::{ConfigFile, Profile};
use super::flags::Flags;
use super::sign_in::{self, Given, SIGN_IN_SECRETS};
use super::surroundings::Surroundings;
use super::{Purpose, SettingsError};
use crate::auth::TokenSource;
use crate::invocation::Invocation;
use crate::network::Network;
use crate::secret::Secret;
use crate::webhook::ServiceKind;

/// Where the webhooks are.
#[derive(Clone, Debug)]
pub enum Place {
    /// The local sandbox.
    Sandbox,
    /// A service.
    Remote {
        /// The API's base URL.
        base: Url,
        /// Where the token comes from.
        token: TokenSource,
        /// Proxy and certificates.
        network: Box<Network>,
    },
}

/// A connection that is ready to be made.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The profile's name; `default` if none is configured, `sandbox` for the sandbox.
    pub profile: String,
    /// Whether the profile was named with `-p`.
    pub is_named: bool,
    /// What to type to reach it again.
    pub invocation: Invocation,
    /// The service.
    pub service: ServiceKind,
    /// Where.
    pub place: Place,
}

/// What was chosen to connect to.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Whether several profiles were asked for, however many there are.
    pub is_several: bool,
    /// The profiles in order of their names, each with its connection or what is wrong with it.
    pub connections: Vec<(String, Result<Connection, SettingsError>)>,
}

impl Chosen {
    fn one(connection: Connection) -> Self {
        let connections = vec![(connection.profile.clone(), Ok(connection))];
        Self { is_several: false, connections }
    }

    /// The connection of the profile `name`, if it is one of those chosen and nothing is wrong with it.
    #[must_use]
    pub fn connection_of(&self, name: &str) -> Option<&Connection> {
        let (_, connection) = self.connections.iter().find(|(known, _)| known == name)?;
        connection.as_ref().ok()
    }
}

/// One of all profiles.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Whether it is used where none is named.
    pub is_default: bool,
    /// Its connection, or what is wrong with it.
    pub connection: Result<Connection, SettingsError>,
}

/// What `flags` choose; without a choice every profile in order of the names, the default one as the environment overlays it.
pub(super) fn listed(
    flags: &Flags,
    purpose: Purpose,
    environment: &Environment,
    config: &ConfigFile,
) -> Result<Vec<Listed>, SettingsError> {
    let default = environment.text("VWH_PROFILE")?.or_else(|| config.default_profile.clone());
    let default = default.unwrap_or_else(|| "default".to_owned());
    let wants_sandbox = flags.sandbox || environment.is_on("VWH_SANDBOX")?;
    if wants_sandbox || selector(flags).is_some() {
        let chosen = resolve(flags, purpose, environment, config)?.connections.into_iter();
        let listed = chosen.map(|(name, connection)| {
            let is_default = name == default;
            Listed { name, is_default, connection }
        });
        return Ok(listed.collect());
    }
    let mut names: BTreeSet<&String> = config.profiles.keys().collect();
    names.insert(&default);
    let listed = names.into_iter().map(|name| {
        let is_default = *name == default;
        let connection = match config.profiles.get(name) {
            Some(profile) if !is_default => connect(name, true, profile, environment, None, Given::default()),
            _ => overlaid(environment, config),
        };
        Listed { name: name.clone(), is_default, connection }
    });
    Ok(listed.collect())
}

pub(super) fn resolve(
    flags: &Flags,
    purpose: Purpose,
    environment: &Environment,
    config: &ConfigFile,
) -> Result<Chosen, SettingsError> {
    let wants_sandbox = environment.is_on("VWH_SANDBOX")?;
    let selector = selector(flags);
    match (&selector, flags.profile.as_slice()) {
        _ if flags.sandbox => sandbox(environment).map(Chosen::one),
        (_, [name]) if name == "sandbox" => sandbox(environment).map(Chosen::one),
        (Some(selector), _) if wants_sandbox => {
            Err(SettingsError::new(format!("{selector} and VWH_SANDBOX are both given")).hint(format!(
                "a connection comes from one place: unset VWH_SANDBOX, or drop {}",
                flag_of(selector)
            )))
        }
        (Some(selector), _) => named(selector, flags, purpose, environment, config),
        (None, _) if wants_sandbox => sandbox(environment).map(Chosen::one),
        (None, _) => overlaid(environment, config).map(Chosen::one),
    }
}

/// What to type to choose the same connections again, whether or not there are such.
#[must_use]
pub fn invocation(flags: &Flags, environment: &Environment) -> Invocation {
    let text = |name| environment.text(name).ok().flatten();
    let names_sandbox = flags.sandbox || flags.profile == ["sandbox"];
    let selector = selector(flags).filter(|_| !names_sandbox);
    let is_usually_sandbox = || {
        environment.is_on("VWH_SANDBOX").unwrap_or(false) || text("VWH_PROFILE").as_deref() == Some("sandbox")
    };
    match selector {
        Some(selector) => Invocation::with(&selector),
        None if names_sandbox || is_usually_sandbox() => Invocation::sandbox(text("VWH_SERVICE").as_deref()),
        None => Invocation::default(),
    }
}

/// The flags that name profiles, as they are typed.
fn selector(flags: &Flags) -> Option<String> {
    if flags.all_profiles {
        return Some("--all-profiles".to_owned());
    }
    let typed = |name: &String| {
        if is_glob(name) { format!("-p '{name}'") } else { format!("-p {name}") }
    };
    Some(flags.profile.iter().map(typed).collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}

fn flag_of(selector: &str) -> &str {
    selector.split(' ').next().unwrap_or(selector)
}

fn is_glob(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// The sandbox emulates every service; `VWH_SERVICE` says which one is meant.
fn sandbox(environment: &Environment) -> Result<Connection, SettingsError> {
    let service = environment.text("VWH_SERVICE")?;
    Ok(Connection {
        profile: "sandbox".to_owned(),
        is_named: false,
        invocation: Invocation::sandbox(service.as_deref()),
        service: Whose { name: "sandbox", is_named: false, environment }.service(service.as_deref())?,
        place: Place::Sandbox,
    })
}

/// `-p` and `--all-profiles`: from the file only.
fn named(
    selector: &str,
    flags: &Flags,
    purpose: Purpose,
    environment: &Environment,
    config: &ConfigFile,
) -> Result<Chosen, SettingsError> {
    let signs_in = purpose == Purpose::SigningIn;
    for variable in CONNECTION_VARIABLES {
        if signs_in && SIGN_IN_SECRETS.contains(&variable) {
            continue;
        }
        if environment.text(variable)?.is_some() {
            let flag = flag_of(selector);
            return Err(SettingsError::new(format!("{selector} and {variable} are both given")).hint(
                format!(
                    "a profile never runs with somebody else's credentials: unset {variable}, or drop {flag}"
                ),
            ));
        }
    }
    let is_several =
        flags.all_profiles || flags.profile.len() > 1 || flags.profile.iter().any(|name| is_glob(name));
    let connection = |name: &String| {
        let profile = config.profiles.get(name).ok_or_else(|| config.no_such_profile(name))?;
        let given = if signs_in { Given::by(environment)? } else { Given::default() };
        connect(name, true, profile, environment, None, given)
    };
    let connections = matching(flags, config)?.into_iter().map(|name| {
        let connection = connection(&name);
        (name, connection)
    });
    Ok(Chosen { is_several, connections: connections.collect() })
}

/// The names that the flags stand for, each once. A name or a glob that stands for nothing is an error.
fn matching(flags: &Flags, config: &ConfigFile) -> Result<BTreeSet<String>, SettingsError> {
    let everything = ["*".to_owned()];
    let patterns = if flags.all_profiles { &everything } else { flags.profile.as_slice() };
    let mut names = BTreeSet::new();
    for pattern in patterns {
        let glob = WildMatch::new(pattern);
        let matching =
            config.profiles.keys().filter(|name| *name == pattern || is_glob(pattern) && glob.matches(name));
        let matching: Vec<&String> = matching.collect();
        if matching.is_empty() {
            return Err(config.no_such_profile(pattern));
        }
        names.extend(matching.into_iter().cloned());
    }
    Ok(names)
}

/// The default profile, each part of which the environment may replace.
fn overlaid(environment: &Environment, config: &ConfigFile) -> Result<Connection, SettingsError> {
    let chosen = match environment.text("VWH_PROFILE")? {
        None => config.usable_default()?.cloned(),
        chosen => chosen,
    };
    let (name, mut profile) = match chosen {
        Some(name) if name == "sandbox" => return sandbox(environment),
        Some(name) if name != "default" => {
            let profile = config.profiles.get(&name).cloned();
            let profile = profile.ok_or_else(|| config.no_such_profile(&name).about("VWH_PROFILE"))?;
            refuse_other_service(&name, &profile, environment)?;
            (name, profile)
        }
        _ => ("default".to_owned(), Profile::default()),
    };
    profile.service = environment.text("VWH_SERVICE")?.or(profile.service);
    profile.base_url = environment.text("VWH_BASE_URL")?.or(profile.base_url);
    sign_in::overlay(&mut profile, environment)?;
    let token = environment.text("VWH_TOKEN")?.map(Secret::new);
    let mut connection = connect(&name, false, &profile, environment, token, Given::by(environment)?)?;
    if let Place::Remote { token: TokenSource::SignIn(sign_in), .. } = &mut connection.place
        && name == "default"
    {
        sign_in.instead = config.profiles.keys().cloned().collect();
    }
    Ok(connection)
}

/// Secrets of a profile are for its own service. The environment may name another if it says as well where to go.
fn refuse_other_service(
    name: &str,
    profile: &Profile,
    environment: &Environment,
) -> Result<(), SettingsError> {
    let Some(service) = environment.text("VWH_SERVICE")? else { return Ok(()) };
    let own = profile.service.as_deref().unwrap_or(ServiceKind::default().name());
    let is_given = |variable| Ok::<_, SettingsError>(environment.text(variable)?.is_some());
    let goes_elsewhere = is_given("VWH_BASE_URL")? && (is_given("VWH_TOKEN")? || is_given("VWH_TOKEN_URL")?);
    if service == own || goes_elsewhere {
        return Ok(());
    }
    let what = format!("VWH_SERVICE says {service}, and the default profile {name} is for {own}");
    Err(SettingsError::new(what).hint(format!(
        "what it has for {own} is sent to no other service: unset VWH_SERVICE, name a profile with -p, or set \
         VWH_BASE_URL too, with VWH_TOKEN or VWH_TOKEN_URL"
    )))
}

fn connect(
    name: &str,
    is_named: bool,
    profile: &Profile,
    environment: &Environment,
    token: Option<Secret>,
    given: Given,
) -> Result<Connection, SettingsError> {
    let whose = Whose { name, is_named, environment };
    let service = whose.service(profile.service.as_deref())?;
    let brings_token = token.is_some() || profile.token_file.is_some() || profile.token_command.is_some();
    let (base_url, token_url) = whose.addresses(profile, service, brings_token)?;
    let base = whose.base_url(&base_url)?;
    let network = Box::new(Surroundings::of(environment).network(&base)?);
    let token = match (token, &profile.token_file, &profile.token_command) {
        (Some(token), _, _) => TokenSource::Given(token),
        (None, Some(path), _) => TokenSource::File(environment.secret_file(path)?),
        (None, None, Some(command)) => TokenSource::Command(command.clone()),
        (None, None, None) => {
            let place = sign_in::Place { service, base: &base, token_url };
            let sign_in = sign_in::resolve(&whose, profile, &place, given)?;
            TokenSource::SignIn(Box::new(sign_in))
        }
    };
    Ok(Connection {
        profile: name.to_owned(),
        is_named,
        invocation: Invocation::of_profile(name, is_named),
        service,
        place: Place::Remote { base, token, network },
    })
}
