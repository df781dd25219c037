//! The connection: which service, at which address, as whom. It comes whole from one place (design §3): the sandbox, one
//! named profile, or the default profile overlaid by the environment.

use std::collections::BTreeSet;

use url::{Host, Url};
use wildmatch::WildMatch;

use super::SettingsError;
use super::environment::{CONNECTION_VARIABLES, Environment};
use super::file::{ConfigFile, Profile};
use super::flags::Flags;
use crate::auth::TokenSource;
use crate::http::exchange::Network;
use crate::secret::{Secret, mask_url};
use crate::webhook::ServiceKind;

/// The VIS API (vis §1).
const VIS_BASE: &str = "https://api.vonage.com/t/vbc.prod/vis/v1";

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
    /// Whether the profile was named with `-p`, so that hints repeat it.
    pub is_named: bool,
    /// The service.
    pub service: ServiceKind,
    /// Where.
    pub place: Place,
}

/// What was chosen to connect to.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// How it was chosen, to be typed again (`-p office`, `--all-profiles`); `None` if nothing was.
    pub selector: Option<String>,
    /// Whether several profiles were asked for, however many there are.
    pub is_several: bool,
    /// The profiles in order of their names, each with its connection or what is wrong with it.
    pub connections: Vec<(String, Result<Connection, SettingsError>)>,
}

impl Chosen {
    fn one(connection: Connection) -> Self {
        let connections = vec![(connection.profile.clone(), Ok(connection))];
        Self { selector: None, is_several: false, connections }
    }
}

pub(super) fn resolve(
    flags: &Flags,
    environment: &Environment,
    config: &ConfigFile,
) -> Result<Chosen, SettingsError> {
    let wants_sandbox = environment.is_on("VWH_SANDBOX")?;
    let selector = selector(flags);
    match (&selector, flags.profile.as_slice()) {
        _ if flags.sandbox => Ok(Chosen::one(sandbox())),
        (_, [name]) if name == "sandbox" => Ok(Chosen::one(sandbox())),
        (Some(selector), _) if wants_sandbox => {
            Err(SettingsError::new(format!("{selector} and VWH_SANDBOX are both given")).hint(format!(
                "a connection comes from one place: unset VWH_SANDBOX, or drop {}",
                flag_of(selector)
            )))
        }
        (Some(selector), _) => named(selector, flags, environment, config),
        (None, _) if wants_sandbox => Ok(Chosen::one(sandbox())),
        (None, _) => overlaid(environment, config).map(Chosen::one),
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

fn sandbox() -> Connection {
    Connection {
        profile: "sandbox".to_owned(),
        is_named: false,
        service: ServiceKind::Vis,
        place: Place::Sandbox,
    }
}

/// `-p` and `--all-profiles`: from the file only.
fn named(
    selector: &str,
    flags: &Flags,
    environment: &Environment,
    config: &ConfigFile,
) -> Result<Chosen, SettingsError> {
    for variable in CONNECTION_VARIABLES {
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
        connect(name, true, profile, environment, token_of(profile, environment)?)
    };
    let connections = matching(flags, config)?.into_iter().map(|name| {
        let connection = connection(&name);
        (name, connection)
    });
    Ok(Chosen { selector: Some(selector.to_owned()), is_several, connections: connections.collect() })
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
    let chosen = environment.text("VWH_PROFILE")?.or_else(|| config.default_profile.clone());
    let (name, mut profile) = match chosen {
        Some(name) if name == "sandbox" => return Ok(sandbox()),
        Some(name) if name != "default" => {
            let profile = config.profiles.get(&name).cloned().ok_or_else(|| config.no_such_profile(&name))?;
            (name, profile)
        }
        _ => ("default".to_owned(), Profile::default()),
    };
    profile.service = environment.text("VWH_SERVICE")?.or(profile.service);
    profile.base_url = environment.text("VWH_BASE_URL")?.or(profile.base_url);
    let token = match environment.text("VWH_TOKEN")? {
        Some(token) => TokenSource::Given(Secret::new(token)),
        None => token_of(&profile, environment)?,
    };
    connect(&name, false, &profile, environment, token)
}

fn token_of(profile: &Profile, environment: &Environment) -> Result<TokenSource, SettingsError> {
    match (&profile.token_file, &profile.token_command) {
        (Some(path), _) => Ok(TokenSource::File(environment.expand(path)?)),
        (None, Some(command)) => Ok(TokenSource::Command(command.clone())),
        (None, None) => Ok(TokenSource::Missing {
            hint: "set VWH_TOKEN to an access token, or give the profile a token_file or token_command; \
                   without an account, try: vwh --sandbox list"
                .to_owned(),
        }),
    }
}

fn connect(
    name: &str,
    is_named: bool,
    profile: &Profile,
    environment: &Environment,
    token: TokenSource,
) -> Result<Connection, SettingsError> {
    let service = match profile.service.as_deref() {
        None | Some("vis") => ServiceKind::Vis,
        Some(other) => {
            return Err(SettingsError::new(format!("service {other:?} is not known")).hint("known: vis"));
        }
    };
    let base = base_url(profile.base_url.as_deref().unwrap_or(VIS_BASE))?;
    let network = network(&base, environment)?;
    Ok(Connection {
        profile: name.to_owned(),
        is_named,
        service,
        place: Place::Remote { base, token, network },
    })
}

/// A base URL that a token may be sent to: https, or http on this machine.
fn base_url(text: &str) -> Result<Url, SettingsError> {
    let shown = mask_url(text);
    let wrong = |what: &str| SettingsError::new(format!("the base URL {shown:?} {what}"));
    let url = Url::parse(text).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(wrong("must be plain: no user, query or fragment"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => {
            Err(wrong("would send the token unencrypted").hint("use https; http is for loopback hosts only"))
        }
        _ => Err(wrong("is neither https nor http")),
    }
}

/// Whether a URL's host is this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn network(base: &Url, environment: &Environment) -> Result<Box<Network>, SettingsError> {
    if base.scheme() != "https" {
        return Ok(Box::default());
    }
    let https_proxy = match environment.https_proxy().filter(|_| !is_loopback(base)) {
        Some(text) => {
            // A proxy's URL may hold a password, so it is not repeated.
            let url = Url::parse(&text)
                .map_err(|error| SettingsError::new(format!("HTTPS_PROXY is not a URL: {error}")))?;
            Some(url)
        }
        None => None,
    };
    let extra_roots = environment
        .certificate_file()
        .map(|path| fs_err::read(path).map_err(|error| SettingsError::new(format!("SSL_CERT_FILE: {error}"))))
        .transpose()?;
    Ok(Box::new(Network { uses_tls: true, https_proxy, no_proxy: environment.no_proxy(), extra_roots }))
}
