//! Where a connection's token comes from: the environment, a file or a command of the user's own secret store.
//!
//! Implements `http::Authorize`. A token is fetched when the first request needs it, and once more when the service refuses
//! it and a newer one can be had.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::sync::Mutex;

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
    current: Mutex<Option<Secret>>,
}

impl Tokens {
    /// Tokens from `source`; a command may take no longer than `limits` allow.
    #[must_use]
    pub fn new(source: TokenSource, limits: Limits) -> Self {
        Self { source, limits, current: Mutex::new(None) }
    }

    async fn fetch(&self) -> Result<Secret, AuthorizeError> {
        let (text, origin) = match &self.source {
            TokenSource::Given(token) => (token.reveal().to_owned(), "the token".to_owned()),
            TokenSource::File(path) => {
                let text = fs_err::read_to_string(path)
                    .map_err(|error| configuration(format!("cannot read the token: {error}"), None))?;
                (text, format!("the token in {}", path.display()))
            }
            TokenSource::Command(command) => {
                (run(command, &self.limits).await?, "what token_command printed".to_owned())
            }
            TokenSource::Missing { hint } => {
                return Err(AuthorizeError {
                    message: "there is no token to sign in with".to_owned(),
                    hint: Some(hint.clone()),
                    reason: NoToken::NotSignedIn,
                });
            }
        };
        usable(&text, &origin)
    }
}

impl Authorize for Tokens {
    fn token(&self) -> LocalFuture<'_, Result<Secret, AuthorizeError>> {
        Box::pin(async {
            let mut current = self.current.lock().await;
            if let Some(token) = &*current {
                return Ok(token.clone());
            }
            let token = self.fetch().await?;
            *current = Some(token.clone());
            Ok(token)
        })
    }

    fn refused<'a>(&'a self, token: &'a Secret) -> LocalFuture<'a, Result<bool, AuthorizeError>> {
        Box::pin(async {
            let mut current = self.current.lock().await;
            if current.as_ref() != Some(token) {
                // Another request has fetched a newer one meanwhile.
                return Ok(true);
            }
            let newer = self.fetch().await?;
            let is_newer = newer != *token;
            *current = Some(newer);
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

async fn within<T>(limits: &Limits, future: impl Future<Output = T>) -> Option<T> {
    match limits.remaining() {
        Some(left) => tokio::time::timeout(left, future).await.ok(),
        None => Some(future.await),
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
