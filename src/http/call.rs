//! A request as it is to be sent: what it asks for, how the token travels, and whether it may wait or be repeated.

use reqwest::Method;
use url::Url;

use crate::secret::Secret;

/// Whether a request may be repeated (design §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It may: GET, DELETE, renew.
    Safe,
    /// Not once it may have arrived: create.
    OnlyIfNotSent,
    /// Not by itself, whatever happened: it was made of what was read just before.
    Never,
}

/// What to do when the gate of the token is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenHeld {
    /// Wait until it opens.
    Wait,
    /// Return [`Throttled`](super::HttpError::Throttled), so that a batch can look again before it goes on.
    Return,
}

/// How a token travels with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// In `Authorization`, as a bearer token.
    Bearer,
    /// An access key in the query, where the service reads it and nowhere else; what does not look like one is a bearer token
    /// (vb §2).
    AccessKeyOrBearer,
}

impl Credential {
    /// What helps where `token` was refused because it cannot be what it should be.
    #[must_use]
    pub fn misfit(self, token: &Secret) -> Option<&'static str> {
        let token = token.reveal();
        let fits = self == Self::Bearer
            || token.starts_with(super::exchange::ACCESS_KEY_PREFIX)
            || token.matches('.').count() == 2;
        (!fits).then_some("the token is neither an access key (vb_…) nor a JWT: bring one of the two")
    }
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// A JSON body; `None` sends `Content-Length: 0`.
    pub body: Option<Secret>,
    /// The media type that is asked for.
    pub accept: &'static str,
    /// How the token travels.
    pub credential: Credential,
    /// Whether it may be repeated.
    pub repeat: Repeat,
    /// What to do when throttled.
    pub when_held: WhenHeld,
}
