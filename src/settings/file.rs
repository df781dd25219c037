//! `config.toml`: its shape, and loading it. Unknown keys are an error that names the line, so that a misspelt key is not a
//! silent default.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::SettingsError;
use super::environment::Environment;
use super::flags::{ColorChoice, Format, deserialize_concurrency, deserialize_timeout};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    /// The profile that is used when none is named.
    #[serde(default, deserialize_with = "filled")]
    pub(super) default_profile: Option<String>,
    #[serde(default)]
    pub(super) defaults: Defaults,
    #[serde(default)]
    pub(super) profiles: BTreeMap<String, Profile>,
    /// Where it is, or would be; empty if there is no home directory.
    #[serde(skip)]
    pub(super) path: PathBuf,
    /// Whether there is such a file.
    #[serde(skip)]
    pub(super) is_there: bool,
}

/// What flags fall back to.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    pub(super) output: Option<Format>,
    pub(super) color: Option<ColorChoice>,
    #[serde(default, deserialize_with = "deserialize_timeout")]
    pub(super) timeout: Option<Duration>,
    #[serde(default, deserialize_with = "deserialize_concurrency")]
    pub(super) concurrency: Option<usize>,
}

/// One account at one service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    #[serde(default, deserialize_with = "filled")]
    pub(super) service: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) region: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) base_url: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) token_file: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) token_command: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) token_url: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) username: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) client_id: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) password_file: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) password_command: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) client_secret_file: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    pub(super) client_secret_command: Option<String>,
}

/// An empty value is an error, never a fallback, like an empty variable.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Err(D::Error::custom("the value is empty: give one, or leave the key out"));
    }
    Ok(Some(text))
}

impl Profile {
    /// Which two keys do not go together, if any.
    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let given = |pairs: [(&'static str, &Option<String>); 2]| {
            pairs.into_iter().find(|(_, value)| value.is_some()).map(|(key, _)| key)
        };
        let token = [("token_file", &self.token_file), ("token_command", &self.token_command)];
        let password = [("password_file", &self.password_file), ("password_command", &self.password_command)];
        let secret = [
            ("client_secret_file", &self.client_secret_file),
            ("client_secret_command", &self.client_secret_command),
        ];
        let both =
            [token, password, secret].into_iter().find(|pair| pair.iter().all(|(_, value)| value.is_some()));
        match both {
            Some([(one, _), (other, _)]) => Some((one, other)),
            // Who brings tokens of their own does not sign in, and who signs in brings none.
            None => given(token).zip(given(password)),
        }
    }
}

impl ConfigFile {
    /// Reads the file that the environment names, or the usual one; a missing usual one is an empty one.
    pub(super) fn load(environment: &Environment) -> Result<Self, SettingsError> {
        let Some((path, is_named)) = environment.config_path() else { return Ok(Self::default()) };
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => {
                return Ok(Self { path, ..Self::default() });
            }
            Err(error) => {
                let error = SettingsError::new(format!("cannot read the configuration: {error}"));
                return Err(error.hint(if is_named {
                    "VWH_CONFIG names this file: correct it, or unset VWH_CONFIG"
                } else {
                    "give yourself access to the file, or name another with VWH_CONFIG"
                }));
            }
        };
        let mut config: Self = toml::from_str(&text).map_err(|error| broken(&path, &text, &error))?;
        (config.path, config.is_there) = (path, true);
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), SettingsError> {
        if self.defaults.output == Some(Format::Prometheus) {
            let path = self.path.display();
            return Err(SettingsError::new(format!("{path}: prometheus cannot be the default output"))
                .hint("only list writes metrics: vwh list -o prometheus"));
        }
        for (name, profile) in &self.profiles {
            let wrong = |what: &str| {
                Err(SettingsError::new(format!("profile {name:?} in {}: {what}", self.path.display())))
            };
            if matches!(name.as_str(), "default" | "sandbox") {
                return wrong("this name is reserved");
            }
            if name.is_empty()
                || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            {
                return wrong("a name is made of letters, digits, `-`, `_` and `.`");
            }
            if name.starts_with('.') {
                return wrong("a name does not start with a dot");
            }
            if let Some((one, other)) = profile.contradiction() {
                return wrong(&format!("give {one} or {other}, not both"));
            }
        }
        Ok(())
    }

    /// The profile that `default_profile` names. That it is not there is no matter for a command that names another.
    pub(super) fn usable_default(&self) -> Result<Option<&String>, SettingsError> {
        match &self.default_profile {
            Some(name) if !self.profiles.contains_key(name) => {
                Err(self.no_such_profile(name).about("default_profile"))
            }
            default => Ok(default.as_ref()),
        }
    }

    /// The error for a profile that is not there.
    pub(super) fn no_such_profile(&self, name: &str) -> SettingsError {
        let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
        let hint = match (self.is_there, names.as_slice()) {
            (false, _) => "there is no such file: see `Configuration` in the README".to_owned(),
            (true, []) => "no profile is configured there: see `Configuration` in the README".to_owned(),
            (true, names) => format!("configured: {}", names.join(", ")),
        };
        let what = if name.contains(['*', '?']) { "no profile matches" } else { "there is no profile" };
        SettingsError::new(format!("{what} {name:?} in {}", self.path.display())).hint(hint)
    }
}

/// One line that says where; the text itself is not repeated, since somebody may have put a token there.
fn broken(path: &std::path::Path, text: &str, error: &toml::de::Error) -> SettingsError {
    let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
    let what = without_value(error.message().lines().next().unwrap_or("not valid TOML"));
    let error = SettingsError::new(format!("{}, line {line}: {what}", path.display()));
    for (key, name) in [("token", "token"), ("password", "password"), ("client_secret", "client secret")] {
        if what.contains(&format!("unknown field `{key}`")) {
            return error.hint(format!(
                "secrets do not stand in config.toml: put the {name} in a file and name it with {key}_file"
            ));
        }
    }
    error
}

/// Of `invalid type: string "…", expected …` only what is expected, in the words of the file.
fn without_value(message: &str) -> Cow<'_, str> {
    match message.rsplit_once(", expected ") {
        Some((start, "struct Profile" | "struct Defaults" | "a map")) if start.starts_with("invalid ") => {
            Cow::Borrowed("expected a table here")
        }
        Some((start, expected)) if start.starts_with("invalid ") => {
            Cow::Owned(format!("expected {expected} here"))
        }
        _ => Cow::Borrowed(message),
    }
}
