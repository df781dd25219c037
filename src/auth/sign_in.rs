//! How a profile signs in: where, as whom, and what it has to do so by itself. Settings fill it in; nothing happens here.

use std::path::PathBuf;

use url::Url;

use super::source::SecretSource;
use crate::network::Network;

/// What the service appends to a user's name: its tenant (vis §2).
const TENANT: &str = "@vbc.prod";

/// Who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A person, or their password.
    Person,
    /// The application, which asks for a token of this scope whenever it needs one.
    Client {
        /// What the token is to be good for.
        scope: &'static str,
    },
    /// Nobody: this service's tokens are brought.
    Nobody,
}

/// A sign-in as the settings describe it.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The profile's name.
    pub profile: String,
    /// Whether it was named with `-p`, so that only config.toml says how it signs in.
    pub is_named: bool,
    /// Who signs in.
    pub way: Way,
    /// What to type to sign in by hand: `vwh -p work login`.
    pub login: String,
    /// The profiles that are configured, where none of them was asked for.
    pub instead: Vec<String>,
    /// The API that the tokens are for.
    pub base_url: Url,
    /// The token endpoint.
    pub token_url: Url,
    /// Proxy and certificates for the token endpoint.
    pub network: Box<Network>,
    /// User name, with its tenant.
    pub username: Option<String>,
    /// Consumer key of the application.
    pub client_id: Option<String>,
    /// Consumer secret.
    pub client_secret: Option<SecretSource>,
    /// The user's password.
    pub password: Option<SecretSource>,
    /// Where the credentials are kept; `None` if there is no home directory.
    pub store: Option<PathBuf>,
}

impl SignIn {
    /// The API's address, without a slash at its end.
    #[must_use]
    pub fn base(&self) -> String {
        self.base_url.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether nothing at all says how to sign in.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.username.is_none()
            && self.client_id.is_none()
            && self.client_secret.is_none()
            && self.password.is_none()
    }
}

/// A user name as the service wants it: with its tenant.
#[must_use]
pub fn with_tenant(username: &str) -> String {
    if username.contains('@') { username.to_owned() } else { format!("{username}{TENANT}") }
}
