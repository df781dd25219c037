//! Flags, environment and configuration file, resolved once into typed settings. The only reader of the environment and of
//! `config.toml`; it neither prints nor connects.
//!
//! Precedence is flag, environment, file, default. A connection comes whole from one place (`connection`), because a
//! command must never run as somebody else.

mod addresses;
pub mod connection;
pub mod environment;
pub mod file;
pub mod flags;
mod sign_in;
mod surroundings;

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::invocation::Invocation;
use crate::network::Network;
use crate::secret::Secret;
pub use connection::{Chosen, Connection, Listed, Place, invocation};
use environment::Environment;
use file::ConfigFile;
pub use flags::{ColorChoice, Flags, Format};
pub use sign_in::way_of;
use surroundings::Surroundings;

/// Requests of a batch that are under way at once, unless told otherwise.
const DEFAULT_CONCURRENCY: usize = 4;

/// What is wrong with flags, environment or configuration, and what to type.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SettingsError {
    /// What is wrong, where.
    pub message: String,
    /// The cure.
    pub hint: Option<String>,
}

impl SettingsError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// With the variable or key that is wrong in front.
    fn about(self, name: &str) -> Self {
        Self { message: format!("{name}: {}", self.message), ..self }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// What the settings are for, as far as that decides what may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `login`: a secret of the environment may go with a profile that is named.
    SigningIn,
    /// `profiles`: all of them are looked at.
    Listing,
    /// Anything else.
    Other,
}

/// Everything that a command needs to know besides its own arguments.
#[derive(Debug)]
pub struct Settings {
    /// How the answer is written.
    pub format: Format,
    /// The same as far as a flag says so, for what must look the same whatever a user's file prefers.
    pub format_flag: Option<Format>,
    /// Colour.
    pub color: ColorChoice,
    /// Whether `NO_COLOR` asks for none.
    pub no_color: bool,
    /// `COLUMNS`.
    pub columns: Option<usize>,
    /// Nothing unless something failed.
    pub is_quiet: bool,
    /// How much is told on stderr: 0, 1 (requests) or 2 (decisions and headers).
    pub verbosity: u8,
    /// Bounds the whole command; `None` leaves it to the command.
    pub timeout: Option<Duration>,
    /// Requests of a batch under way at once.
    pub concurrency: usize,
    /// Never ask.
    pub no_input: bool,
    /// Print secrets as they are.
    pub show_secrets: bool,
    /// Where the state is kept, or why there is no such place.
    state_directory: Option<PathBuf>,
    /// What to type to connect in the same way again.
    invocation: Invocation,
    /// Which services, as whom; or what is wrong with that, which only commands that connect need to know.
    chosen: Result<Chosen, SettingsError>,
    /// The configuration file, if there is one.
    config_file: Option<PathBuf>,
    /// Every profile, for a command that lists them.
    profiles: Vec<Listed>,
    /// `VWH_SIGNING_KEY`.
    signing_key: Option<Secret>,
    /// Proxy and certificates.
    surroundings: Surroundings,
}

impl Settings {
    /// Merges `flags`, `environment` and the configuration file that they name.
    pub fn resolve(
        flags: &Flags,
        purpose: Purpose,
        environment: &Environment,
    ) -> Result<Self, SettingsError> {
        environment.refuse_empty()?;
        let config = ConfigFile::load(environment)?;
        let defaults = &config.defaults;
        Ok(Self {
            format: flags.format().or(defaults.output).unwrap_or_default(),
            format_flag: flags.format(),
            color: flags.color.or(defaults.color).unwrap_or_default(),
            no_color: environment.asks_for_no_color(),
            columns: environment
                .unless_empty("COLUMNS")
                .and_then(|text| text.parse().ok())
                .filter(|columns| *columns > 0),
            is_quiet: flags.quiet,
            verbosity: flags.verbose,
            timeout: flags.timeout.or(defaults.timeout),
            concurrency: flags.concurrency.or(defaults.concurrency).unwrap_or(DEFAULT_CONCURRENCY),
            no_input: flags.no_input,
            show_secrets: flags.show_secrets,
            state_directory: environment.state_directory(),
            config_file: Some(config.path.clone()).filter(|_| config.is_there),
            profiles: match purpose {
                Purpose::Listing => connection::listed(flags, purpose, environment, &config)?,
                Purpose::SigningIn | Purpose::Other => Vec::new(),
            },
            invocation: invocation(flags, environment),
            chosen: connection::resolve(flags, purpose, environment, &config),
            signing_key: environment.text("VWH_SIGNING_KEY")?.map(Secret::new),
            surroundings: Surroundings::of(environment),
        })
    }

    /// Which services, as whom.
    pub fn chosen(&self) -> Result<&Chosen, SettingsError> {
        self.chosen.as_ref().map_err(SettingsError::clone)
    }

    /// What to type to reach what was chosen again: the connection of `profile` alone, or all of it.
    #[must_use]
    pub fn invocation_of(&self, profile: Option<&str>) -> &Invocation {
        let connection = profile.and_then(|name| self.chosen.as_ref().ok()?.connection_of(name));
        connection.map_or(&self.invocation, |connection| &connection.invocation)
    }

    /// The configuration file, if there is one.
    #[must_use]
    pub fn config_file(&self) -> Option<&Path> {
        self.config_file.as_deref()
    }

    /// Every profile, where the settings were resolved to list them.
    #[must_use]
    pub fn profiles(&self) -> &[Listed] {
        &self.profiles
    }

    /// Where vwh keeps credentials, journal and sandbox.
    pub fn state_directory(&self) -> Result<&Path, SettingsError> {
        self.state_directory.as_deref().ok_or_else(|| {
            SettingsError::new("there is no home directory to keep the state in")
                .hint("set VWH_STATE_DIR to a directory of your own")
        })
    }

    /// `VWH_SIGNING_KEY`.
    #[must_use]
    pub fn signing_key(&self) -> Option<&Secret> {
        self.signing_key.as_ref()
    }

    /// What a connection to a host that no connection names needs, such as a delivery to `url`: proxy and certificates of the
    /// environment, which are only looked into for https.
    pub fn network(&self, url: &Url) -> Result<Network, SettingsError> {
        self.surroundings.network(url)
    }

    /// The same for deliveries to urls that are not known yet.
    pub fn network_anywhere(&self) -> Result<Network, SettingsError> {
        self.surroundings.anywhere()
    }
}
