//! What gives requests their token, as `send` sees it: who that is, is not its business.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use super::HttpError;
use crate::files::FileError;
use crate::secret::Secret;

/// Why no token could be had. The text names the cure; it never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AuthorizeError {
    /// What is wrong.
    pub message: String,
    /// What to type next.
    pub hint: Option<String>,
    /// What kind of trouble it is.
    pub reason: NoToken,
    /// What it comes from, if something else failed.
    pub source: Option<NoTokenCause>,
}

/// What kept a token from being had.
#[derive(Debug, thiserror::Error)]
pub enum NoTokenCause {
    /// The token endpoint said no, or nothing.
    #[error(transparent)]
    Service(Box<HttpError>),
    /// A file of vwh's own cannot be used.
    #[error(transparent)]
    File(FileError),
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoToken {
    /// What the configuration names cannot be used.
    Configuration,
    /// Nobody is signed in.
    NotSignedIn,
    /// The application is not let in, and there is no person to sign in.
    ClientRefused,
    /// Whoever should give it did not answer in time.
    TimedOut,
    /// Ctrl-C while waiting for it.
    Interrupted,
    /// As its cause says.
    Failed,
}

/// A future that is not sent between threads.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Gives requests their token. Told of a 401, it answers whether to repeat.
pub trait Authorize {
    /// The token to send.
    fn token(&self) -> LocalFuture<'_, Result<Secret, AuthorizeError>>;
    /// The service refused `token`: `true` if there is a newer one to try.
    fn refused<'a>(&'a self, token: &'a Secret) -> LocalFuture<'a, Result<bool, AuthorizeError>>;
    /// What to type where none is accepted.
    fn cure(&self) -> String;
}

impl<T: Authorize + ?Sized> Authorize for Rc<T> {
    fn token(&self) -> LocalFuture<'_, Result<Secret, AuthorizeError>> {
        (**self).token()
    }

    fn refused<'a>(&'a self, token: &'a Secret) -> LocalFuture<'a, Result<bool, AuthorizeError>> {
        (**self).refused(token)
    }

    fn cure(&self) -> String {
        (**self).cure()
    }
}
