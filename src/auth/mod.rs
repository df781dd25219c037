//! Where a connection's token comes from: the environment, a file or a command of the user's own secret store.
//!
//! Implements `http::Authorize`. A token is fetched when the first request needs it, and once more when the service refuses
//! it and a newer one can be had.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::sync::Mutex;

use crate::files::{self, FileError, Named};
use crate::http::{Authorize, AuthorizeError, LocalFuture, NoToken};
use crate::limits::Limits;
use crate::secret::Secret;

/// Where a token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// Given as it is (`VWH_TOKEN`, the sandbox).
    Given(Secret),
    /// The content of a file.
    File(PathBuf),
    /// What a command prints, run with `sh -c`.
    Command(String),
    /// Nobody said; the text is what to type.
    Missing {
        /// The cure.
        hint: String,
    },
}

/// Gives a connection's requests their token.
pub struct Tokens {
    source: TokenSource,
    limits: Limits,
    warn: Box<dyn Fn(&str)>,
    current: Mutex<Current>,
}

/// What is known so far.
#[derive(Default)]
struct Current {
    token: Option<Secret>,
    /// Whether the source gave all it has: a pipe cannot be read again.
    is_used_up: bool,
}

/// What a source gave, which is not yet known to be a token.
struct Fetched {
    text: String,
    origin: String,
    warning: Option<String>,
    is_lasting: bool,
}

impl Fetched {
    fn of(text: String, origin: impl Into<String>) -> Self {
        Self { text, origin: origin.into(), warning: None, is_lasting: true }
    }
}

impl Tokens {
    /// Tokens from `source`; a file or a command may take no longer than `limits` allow. What a person must know about the
    /// source goes to `warn`, once.
    #[must_use]
    pub fn new(source: TokenSource, limits: Limits, warn: Box<dyn Fn(&str)>) -> Self {
        Self { source, limits, warn, current: Mutex::default() }
    }

    async fn fetch(&self) -> Result<Fetched, AuthorizeError> {
        Ok(match &self.source {
            TokenSource::Given(token) => Fetched::of(token.reveal().to_owned(), "the token"),
            TokenSource::File(path) => {
                let Named { text, warning, is_lasting } =
                    files::read_named(path, &self.limits).await.map_err(|error| unread(&error))?;
                Fetched { text, origin: format!("the token in {}", path.display()), warning, is_lasting }
            }
            TokenSource::Command(command) => {
                Fetched::of(run(command, &self.limits).await?, "what token_command printed")
            }
            TokenSource::Missing { hint } => {
                return Err(AuthorizeError {
                    message: "there is no token to sign in with".to_owned(),
                    hint: Some(hint.clone()),
                    reason: NoToken::NotSignedIn,
                });
            }
        })
    }
}

impl Authorize for Tokens {
    fn token(&self) -> LocalFuture<'_, Result<Secret, AuthorizeError>> {
        Box::pin(async {
            let mut current = self.current.lock().await;
            if let Some(token) = &current.token {
                return Ok(token.clone());
            }
            let fetched = self.fetch().await?;
            if let Some(warning) = &fetched.warning {
                (self.warn)(warning);
            }
            let token = usable(&fetched.text, &fetched.origin)?;
            *current = Current { token: Some(token.clone()), is_used_up: !fetched.is_lasting };
            Ok(token)
        })
    }

    fn refused<'a>(&'a self, token: &'a Secret) -> LocalFuture<'a, Result<bool, AuthorizeError>> {
        Box::pin(async {
            let mut current = self.current.lock().await;
            if current.token.as_ref() != Some(token) {
                // Another request has fetched a newer one meanwhile.
                return Ok(true);
            }
            if current.is_used_up {
                return Ok(false);
            }
            let fetched = self.fetch().await?;
            let newer = usable(&fetched.text, &fetched.origin)?;
            let is_newer = newer != *token;
            current.token = Some(newer);
            Ok(is_newer)
        })
    }
}

/// A token is one line of visible ASCII (RFC 6750 §2.1).
fn usable(text: &str, origin: &str) -> Result<Secret, AuthorizeError> {
    let token = text.trim();
    if token.is_empty() {
        return Err(configuration(format!("{origin} is empty"), None));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let hint = "give the bare access token: one line, no quotes, no `Bearer`";
        return Err(configuration(format!("{origin} is not one word of visible ASCII"), Some(hint)));
    }
    Ok(Secret::new(token))
}

async fn run(command: &str, limits: &Limits) -> Result<String, AuthorizeError> {
    let mut shell = tokio::process::Command::new("sh");
    // The user's secret store may have to ask for its own password, so it keeps the terminal.
    shell.arg("-c").arg(command).stdout(Stdio::piped()).kill_on_drop(true);
    // Not `output()`, which would swallow what it says on stderr.
    let output = async { shell.spawn()?.wait_with_output().await };
    let output = limits.or_interrupted(within(limits, output)).await;
    let failed = |what: String| Err(configuration(format!("token_command {what}"), Some(COMMAND_HINT)));
    match output {
        Err(_) => Err(AuthorizeError {
            message: "interrupted".to_owned(),
            hint: None,
            reason: NoToken::Interrupted,
        }),
        Ok(None) => Err(AuthorizeError {
            message: "token_command did not end in time".to_owned(),
            hint: Some(COMMAND_HINT.to_owned()),
            reason: NoToken::TimedOut,
        }),
        Ok(Some(Err(error))) => failed(format!("could not be started: {error}")),
        Ok(Some(Ok(output))) if !output.status.success() => failed(format!("failed ({})", output.status)),
        Ok(Some(Ok(output))) => match String::from_utf8(output.stdout) {
            Ok(text) => Ok(text),
            Err(_) => failed("printed something that is not text".to_owned()),
        },
    }
}

const COMMAND_HINT: &str =
    "run the command of `token_command` by hand; it must print the token and nothing else";

const PIPE_HINT: &str = "if token_file is a pipe, something has to write the token to it";

async fn within<T>(limits: &Limits, future: impl Future<Output = T>) -> Option<T> {
    match limits.remaining() {
        Some(left) => tokio::time::timeout(left, future).await.ok(),
        None => Some(future.await),
    }
}

fn unread(error: &FileError) -> AuthorizeError {
    let message = format!("cannot read the token: {error}");
    match error {
        FileError::Interrupted => {
            AuthorizeError { message: error.to_string(), hint: None, reason: NoToken::Interrupted }
        }
        FileError::TimedOut(_) => {
            AuthorizeError { message, hint: Some(PIPE_HINT.to_owned()), reason: NoToken::TimedOut }
        }
        _ => configuration(message, None),
    }
}

fn configuration(message: String, hint: Option<&str>) -> AuthorizeError {
    AuthorizeError { message, hint: hint.map(str::to_owned), reason: NoToken::Configuration }
}

#[cfg(test)]
mod tests {
    use super::usable;

    #[test]
    fn a_token_is_one_visible_word() {
        assert_eq!(usable(" abc.def\n", "t").expect("usable").reveal(), "abc.def");
        for bad in ["", " \n", "a b", "Bearer abc", "a\u{e9}", "a\nb"] {
            let error = usable(bad, "the token").expect_err("refused").to_string();
            assert!(error.starts_with("the token is"), "{error}");
        }
    }
}
