//! The process environment, read once. Each variable that vwh knows is named here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

use super::SettingsError;
use crate::auth::source::{Keeping, SecretFile};

/// Variables that say as whom to connect, or where to: never mixed with `-p`.
pub(super) const CONNECTION_VARIABLES: [&str; 8] = [
    "VWH_TOKEN",
    "VWH_BASE_URL",
    "VWH_TOKEN_URL",
    "VWH_USERNAME",
    "VWH_PASSWORD",
    "VWH_CLIENT_ID",
    "VWH_CLIENT_SECRET",
    "VWH_SERVICE",
];

/// The variables of one process.
#[derive(Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self { variables: named.collect() }
    }

    /// An empty `VWH_*` value is an error, never a fallback: it is a script whose own variable was empty.
    pub(super) fn refuse_empty(&self) -> Result<(), SettingsError> {
        let empty = self.variables.iter().find(|(name, value)| name.starts_with("VWH_") && value.is_empty());
        match empty {
            Some((name, _)) => Err(SettingsError::new(format!("{name} is empty"))
                .hint(format!("give it a value, or unset {name}"))),
            None => Ok(()),
        }
    }

    /// A variable's text; an error if it is no UTF-8.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, SettingsError> {
        self.variables
            .get(name)
            .map(|value| value.to_str().map(str::to_owned).ok_or_else(|| bad_text(name)))
            .transpose()
    }

    /// A variable's text, where empty means unset.
    pub(super) fn unless_empty(&self, name: &str) -> Option<String> {
        self.variables.get(name)?.to_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Whether `NO_COLOR` asks for none.
    #[must_use]
    pub fn asks_for_no_color(&self) -> bool {
        self.unless_empty("NO_COLOR").is_some()
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Whether a variable is `1` or `true`; `0` and `false` are no.
    pub(super) fn is_on(&self, name: &str) -> Result<bool, SettingsError> {
        match self.text(name)?.as_deref() {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(SettingsError::new(format!("{name} must be 1 or 0"))),
        }
    }

    /// Where the configuration is, and whether the user named it.
    pub(super) fn config_path(&self) -> Option<(PathBuf, bool)> {
        if let Some(path) = self.path("VWH_CONFIG") {
            return Some((path, true));
        }
        let strategy = etcetera::choose_base_strategy().ok()?;
        Some((strategy.config_dir().join("vwh").join("config.toml"), false))
    }

    /// Where the state is kept.
    pub(super) fn state_directory(&self) -> Option<PathBuf> {
        if let Some(path) = self.path("VWH_STATE_DIR") {
            return Some(path);
        }
        let strategy = etcetera::choose_base_strategy().ok()?;
        Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("vwh"))
    }

    /// The file at a path from the configuration, with `~/` or `$CREDENTIALS_DIRECTORY` (systemd's `LoadCredential`) at its
    /// start replaced. That the latter is not set matters when the secret is needed.
    pub(super) fn secret_file(&self, path: &str) -> Result<SecretFile, SettingsError> {
        let credentials = self.path("CREDENTIALS_DIRECTORY");
        let rest = ["$CREDENTIALS_DIRECTORY", "${CREDENTIALS_DIRECTORY}"]
            .into_iter()
            .find_map(|variable| path.strip_prefix(variable));
        let path = match (rest, &credentials) {
            (None, _) => expand(path)?,
            (Some(rest), Some(directory)) => directory.join(rest.trim_start_matches('/')),
            (Some(_), None) => {
                return Ok(SecretFile { path: PathBuf::from(path), keeping: Keeping::OtherUnit });
            }
        };
        let is_of_unit = credentials.is_some_and(|directory| path.starts_with(directory));
        Ok(SecretFile { path, keeping: if is_of_unit { Keeping::Unit } else { Keeping::Owner } })
    }

    /// Network settings of the usual names.
    pub(super) fn https_proxy(&self) -> Option<String> {
        self.unless_empty("HTTPS_PROXY").or_else(|| self.unless_empty("https_proxy"))
    }

    /// Hosts that are reached without the proxy.
    pub(super) fn no_proxy(&self) -> Option<String> {
        self.unless_empty("NO_PROXY").or_else(|| self.unless_empty("no_proxy"))
    }

    /// A file of further root certificates.
    pub(super) fn certificate_file(&self) -> Option<PathBuf> {
        self.path("SSL_CERT_FILE")
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let own = |(name, value): (&str, &str)| (name.to_owned(), OsString::from(value));
        Self { variables: pairs.into_iter().map(own).collect() }
    }
}

/// Replaces `~/` at the start of a path from the configuration.
fn expand(path: &str) -> Result<PathBuf, SettingsError> {
    let Some(rest) = path.strip_prefix("~/") else { return Ok(PathBuf::from(path)) };
    let home = etcetera::home_dir().map_err(|_| {
        SettingsError::new("there is no home directory, and the configuration names it with `~`")
            .hint("set HOME, or name a plain path")
    })?;
    Ok(home.join(rest.trim_start_matches('/')))
}

fn bad_text(name: &str) -> SettingsError {
    SettingsError::new(format!("{name} is not valid UTF-8"))
}
