//! The connection: which service, at which address, as whom. It comes whole from one place (design §3): the sandbox, one
//! named profile, or the default profile overlaid by the environment.

use url::{Host, Url};

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

pub(super) fn resolve(
    flags: &Flags,
    environment: &Environment,
    config: &ConfigFile,
) -> Result<Connection, SettingsError> {
    let wants_sandbox = environment.is_on("VWH_SANDBOX")?;
    match &flags.profile {
        _ if flags.sandbox => Ok(sandbox()),
        Some(name) if name == "sandbox" => Ok(sandbox()),
        Some(name) if wants_sandbox => {
            Err(SettingsError::new(format!("-p {name} and VWH_SANDBOX are both given"))
                .hint("a connection comes from one place: unset VWH_SANDBOX, or drop -p"))
        }
        Some(name) => named(name, environment, config),
        None if wants_sandbox => Ok(sandbox()),
        None => overlaid(environment, config),
    }
}

fn sandbox() -> Connection {
    Connection {
        profile: "sandbox".to_owned(),
        is_named: false,
        service: ServiceKind::Vis,
        place: Place::Sandbox,
    }
}

/// `-p NAME`: from the file only.
fn named(name: &str, environment: &Environment, config: &ConfigFile) -> Result<Connection, SettingsError> {
    for variable in CONNECTION_VARIABLES {
        if environment.text(variable)?.is_some() {
            return Err(SettingsError::new(format!("-p {name} and {variable} are both given")).hint(
                format!(
                    "a profile never runs with somebody else's credentials: unset {variable}, or drop -p"
                ),
            ));
        }
    }
    let profile = config.profiles.get(name).ok_or_else(|| config.no_such_profile(name))?;
    connect(name, true, profile, environment, token_of(profile, environment)?)
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
