//! Where a secret of the user's own comes from: the environment, a file, or a command of the user's secret store.

use std::path::PathBuf;

use super::shell::{self, OUTPUT_LIMIT, Printed};
use crate::files::{self, FileError, Named};
use crate::http::{AuthorizeError, NoToken};
use crate::limits::Limits;
use crate::secret::Secret;

/// Where a token, a password or a client secret comes from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// Given as it is (`VWH_…`, the sandbox).
    Given(Secret),
    /// The content of a file.
    File(SecretFile),
    /// What a command prints, run with `sh -c`.
    Command(String),
}

/// A file that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile {
    /// Where it is; of one that has no place here, as the configuration spells it.
    pub path: PathBuf,
    /// Who sees to it that nobody else reads it.
    pub keeping: Keeping,
}

/// Who keeps a file from being read by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Its owner, by its mode.
    Owner,
    /// systemd (`LoadCredential`): its folder is closed, whatever the mode of the file seems to say.
    Unit,
    /// systemd, and this run is not part of the unit: `CREDENTIALS_DIRECTORY` is not set.
    OtherUnit,
}

/// What a secret is called: in sentences, and at the start of its configuration keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `token_file`, `token_command`.
    Token,
    /// `password_file`, `password_command`.
    Password,
    /// `client_secret_file`, `client_secret_command`.
    ClientSecret,
}

impl Role {
    /// As sentences say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Password => "password",
            Self::ClientSecret => "client secret",
        }
    }

    /// The start of its keys in config.toml.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Password => "password",
            Self::ClientSecret => "client_secret",
        }
    }
}

/// What a source gave.
pub struct Fetched {
    /// What it is to be.
    pub role: Role,
    /// The text as it came.
    pub text: String,
    /// Where from, as sentences begin.
    pub origin: String,
    /// What a person must know about the source.
    pub warning: Option<String>,
    /// Whether it can be asked again: a pipe gives its content once.
    pub is_lasting: bool,
}

impl SecretSource {
    /// What the source has to give now, as long as `limits` allow.
    pub async fn fetch(&self, role: Role, limits: &Limits) -> Result<Fetched, AuthorizeError> {
        let name = role.name();
        Ok(match self {
            Self::Given(secret) => Fetched {
                role,
                text: secret.reveal().to_owned(),
                origin: format!("the {name}"),
                warning: None,
                is_lasting: true,
            },
            Self::File(file) if file.keeping == Keeping::OtherUnit => return Err(outside_unit()),
            Self::File(SecretFile { path, keeping }) => {
                let Named { text, warning, is_lasting } =
                    files::read_named(path, limits).await.map_err(|error| unread(role, &error))?;
                Fetched {
                    role,
                    text,
                    origin: format!("the {name} in {}", path.display()),
                    warning: warning.filter(|_| *keeping == Keeping::Owner),
                    is_lasting,
                }
            }
            Self::Command(command) => Fetched {
                role,
                text: run(role, command, limits).await?,
                origin: format!("what {}_command printed", role.key()),
                warning: None,
                is_lasting: true,
            },
        })
    }

    /// Whether it is there for the next command too: a variable may not be.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(self, Self::Given(_))
    }

    /// Whether only another unit of systemd has it.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::File(SecretFile { keeping: Keeping::OtherUnit, .. }))
    }

    /// The configuration key or variable that names it.
    #[must_use]
    pub fn key(&self, role: Role) -> String {
        let key = role.key();
        match self {
            Self::Given(_) => format!("VWH_{}", key.to_ascii_uppercase()),
            Self::File(_) => format!("{key}_file"),
            Self::Command(_) => format!("{key}_command"),
        }
    }
}

impl Fetched {
    /// A token or a client secret: one line of visible ASCII (RFC 6750 §2.1).
    pub fn word(&self) -> Result<Secret, AuthorizeError> {
        let word = self.text.trim();
        if word.is_empty() {
            return Err(configuration(format!("{} is empty", self.origin), None));
        }
        if !is_visible(word) {
            let hint = match self.role {
                Role::Token => "give the bare access token: one line, no quotes, no `Bearer`".to_owned(),
                role => format!("give the bare {}: one line, no quotes", role.name()),
            };
            let what = format!("{} is not one word of visible ASCII", self.origin);
            return Err(configuration(what, Some(hint)));
        }
        Ok(Secret::new(word))
    }

    /// A password: any one line; the newline at its end is not part of it.
    pub fn line(&self) -> Result<Secret, AuthorizeError> {
        password_in(&self.text, &self.origin)
    }

    /// What it is to be: a line or a word.
    pub fn secret(&self) -> Result<Secret, AuthorizeError> {
        if self.role == Role::Password { self.line() } else { self.word() }
    }
}

/// The password in a `text` that came from `origin`: one line without its end.
pub fn password_in(text: &str, origin: &str) -> Result<Secret, AuthorizeError> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(configuration(format!("{origin} is empty"), None));
    }
    if line.contains(['\n', '\r', '\0']) {
        return Err(configuration(format!("{origin} is more than one line"), None));
    }
    Ok(Secret::new(line))
}

fn outside_unit() -> AuthorizeError {
    configuration(
        "CREDENTIALS_DIRECTORY is not set, and the configuration names it".to_owned(),
        Some("run vwh from a systemd unit with LoadCredential=, or name a plain path".to_owned()),
    )
}

/// Whether a text may stand in a header as it is.
#[must_use]
pub fn is_visible(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic())
}

async fn run(role: Role, command: &str, limits: &Limits) -> Result<String, AuthorizeError> {
    let key = format!("{}_command", role.key());
    let hint =
        format!("run the command of `{key}` by hand; it must print the {} and nothing else", role.name());
    let printed = limits.or_interrupted(limits.within(shell::run(command))).await;
    let failed = |what: String| Err(configuration(format!("{key} {what}"), Some(hint.clone())));
    match printed {
        Err(_) => Err(interrupted()),
        Ok(None) => Err(AuthorizeError {
            message: format!("{key} did not end in time"),
            hint: Some(hint),
            reason: NoToken::TimedOut,
            source: None,
        }),
        Ok(Some(Err(error))) => failed(format!("could not be run: {error}")),
        Ok(Some(Ok(Printed::Failed(status)))) => failed(format!("failed ({status})")),
        Ok(Some(Ok(Printed::TooMuch))) => failed(format!("printed more than {} MiB", OUTPUT_LIMIT >> 20)),
        Ok(Some(Ok(Printed::Text(text)))) => match String::from_utf8(text) {
            Ok(text) => Ok(text),
            Err(_) => failed("printed something that is not text".to_owned()),
        },
    }
}

fn unread(role: Role, error: &FileError) -> AuthorizeError {
    let message = format!("cannot read the {}: {error}", role.name());
    match error {
        FileError::Interrupted => interrupted(),
        FileError::TimedOut(_) => {
            let (key, name) = (role.key(), role.name());
            let hint = format!("if {key}_file is a pipe, something has to write the {name} to it");
            AuthorizeError { message, hint: Some(hint), reason: NoToken::TimedOut, source: None }
        }
        _ => {
            let key = role.key();
            configuration(
                message,
                Some(format!("{key}_file names it: it has to be a text file that you may read")),
            )
        }
    }
}

pub(super) fn configuration(message: String, hint: Option<String>) -> AuthorizeError {
    AuthorizeError { message, hint, reason: NoToken::Configuration, source: None }
}

pub(super) fn interrupted() -> AuthorizeError {
    AuthorizeError {
        message: "interrupted".to_owned(),
        hint: None,
        reason: NoToken::Interrupted,
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::Fetched;

    fn fetched(text: &str) -> Fetched {
        Fetched {
            role: super::Role::Token,
            text: text.to_owned(),
            origin: "the token".to_owned(),
            warning: None,
            is_lasting: true,
        }
    }

    #[test]
    fn a_token_is_one_visible_word() {
        assert_eq!(fetched(" abc.def\n").word().expect("usable").reveal(), "abc.def");
        for bad in ["", " \n", "a b", "Bearer abc", "a\u{e9}", "a\nb"] {
            let error = fetched(bad).word().expect_err("refused").to_string();
            assert!(error.starts_with("the token is"), "{error}");
        }
    }

    #[test]
    fn a_password_is_one_line_and_keeps_its_blanks() {
        assert_eq!(fetched(" pass wörd \r\n").line().expect("usable").reveal(), " pass wörd ");
        assert_eq!(fetched("x").line().expect("usable").reveal(), "x");
        for bad in ["", "\n", "a\nb", "a\n\n", "a\0"] {
            assert!(fetched(bad).line().is_err(), "{bad:?}");
        }
    }
}
