//! Where a connection's token comes from: the environment, a file, a command of the user's own secret store, or a sign-in.
//!
//! Implements `http::Authorize`. A token is fetched when the first request needs it, and once more when the service refuses
//! it and a newer one can be had. `keeper` keeps a profile signed in, `store` is its file, `past` what that remembers of
//! refusals, `endpoint` asks the token endpoint, and `reply` reads what it says.

pub mod callback;
pub mod code;
mod complaint;
pub mod endpoint;
mod id_token;
pub mod keeper;
pub mod past;
pub mod reply;
mod shell;
pub mod sign_in;
pub mod source;
pub mod standing;
pub mod store;

use std::rc::Rc;

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use crate::http::{Authorize, AuthorizeError, LocalFuture};
use crate::limits::Limits;
use crate::secret::Secret;
use keeper::{Held, Keeper};
use sign_in::{SignIn, Way};
use source::{Role, SecretFile, SecretSource};

/// Where a token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// Given as it is (`VWH_TOKEN`, the sandbox).
    Given(Secret),
    /// The content of a file.
    File(SecretFile),
    /// What a command prints, run with `sh -c`.
    Command(String),
    /// A sign-in that vwh keeps.
    SignIn(Box<SignIn>),
}

/// What it takes to get a token besides its source.
#[derive(Clone)]
pub struct Means {
    /// How long it may take.
    pub limits: Limits,
    /// This machine's clock.
    pub clock: fn() -> DateTime<Utc>,
    /// Numbers from 0 to 1 for the jitter of pauses.
    pub random: fn() -> f64,
    /// Told what a person must know.
    pub warn: Rc<dyn Fn(&str)>,
}

/// Gives a connection's requests their token.
pub struct Tokens {
    origin: Origin,
    way: Way,
    means: Means,
    current: Mutex<Current>,
}

enum Origin {
    Source(SecretSource),
    Kept(Keeper),
}

/// What is known so far.
#[derive(Default)]
struct Current {
    held: Option<Held>,
    /// Whether the source gave all it has: a pipe cannot be read again.
    is_used_up: bool,
}

impl Current {
    fn usable_at(&self, now: DateTime<Utc>) -> Option<&Secret> {
        let held = self.held.as_ref()?;
        held.until.is_none_or(|until| now < until).then_some(&held.token)
    }
}

impl Tokens {
    /// Tokens from `source` for a service that is signed in to in this `way`; a file or a command may take no longer than the limits of `means` allow. What a person must
    /// know about the source is told once.
    #[must_use]
    pub fn new(source: TokenSource, way: Way, means: Means) -> Self {
        let origin = match source {
            TokenSource::Given(token) => Origin::Source(SecretSource::Given(token)),
            TokenSource::File(file) => Origin::Source(SecretSource::File(file)),
            TokenSource::Command(command) => Origin::Source(SecretSource::Command(command)),
            TokenSource::SignIn(sign_in) => Origin::Kept(Keeper::new(sign_in, means.clone())),
        };
        Self { origin, way, means, current: Mutex::default() }
    }

    /// The keeper of the sign-in, if the token comes from one.
    #[must_use]
    pub fn keeper(&self) -> Option<&Keeper> {
        match &self.origin {
            Origin::Source(_) => None,
            Origin::Kept(keeper) => Some(keeper),
        }
    }

    async fn fetch(&self, source: &SecretSource, current: &mut Current) -> Result<Secret, AuthorizeError> {
        let fetched = source.fetch(Role::Token, &self.means.limits).await?;
        // Told once: a second fetch is for a token that was refused.
        if let Some(warning) = fetched.warning.as_ref().filter(|_| current.held.is_none()) {
            (self.means.warn)(warning);
        }
        let token = fetched.word()?;
        current.held = Some(Held { token: token.clone(), until: None });
        current.is_used_up = !fetched.is_lasting;
        Ok(token)
    }
}

impl Authorize for Tokens {
    fn token(&self) -> LocalFuture<'_, Result<Secret, AuthorizeError>> {
        Box::pin(async {
            let mut current = self.current.lock().await;
            if let Some(token) = current.usable_at((self.means.clock)()) {
                return Ok(token.clone());
            }
            match &self.origin {
                Origin::Source(source) => self.fetch(source, &mut current).await,
                Origin::Kept(keeper) => {
                    let held = keeper.token().await?;
                    Ok(current.held.insert(held).token.clone())
                }
            }
        })
    }

    fn refused<'a>(&'a self, token: &'a Secret) -> LocalFuture<'a, Result<bool, AuthorizeError>> {
        Box::pin(async {
            let mut current = self.current.lock().await;
            if current.held.as_ref().is_some_and(|held| held.token != *token) {
                // Another request has fetched a newer one meanwhile.
                return Ok(true);
            }
            match &self.origin {
                Origin::Source(_) if current.is_used_up => Ok(false),
                Origin::Source(source) => Ok(self.fetch(source, &mut current).await? != *token),
                Origin::Kept(keeper) => {
                    let Some(held) = keeper.instead_of(token).await? else { return Ok(false) };
                    let is_newer = held.token != *token;
                    current.held = Some(held);
                    Ok(is_newer)
                }
            }
        })
    }

    fn cure(&self) -> String {
        let token = match self.way {
            Way::Person | Way::Client { .. } => "a current access token",
            Way::Nobody => "a new access key (vb_…) or a new JWT",
        };
        match &self.origin {
            Origin::Source(SecretSource::Given(_)) => {
                let otherwise = match self.way {
                    Way::Person => ", or unset it and sign in with: vwh login",
                    Way::Client { .. } => {
                        ", or unset it: with VWH_CLIENT_ID and VWH_CLIENT_SECRET vwh signs in by itself"
                    }
                    Way::Nobody => "",
                };
                format!("set VWH_TOKEN to {token}{otherwise}")
            }
            Origin::Source(SecretSource::File(file)) => {
                format!("write {token} to {}, which token_file names", file.path.display())
            }
            Origin::Source(SecretSource::Command(_)) => {
                format!("token_command has to print {token}: run it by hand")
            }
            Origin::Kept(keeper) => keeper.cure(),
        }
    }
}
