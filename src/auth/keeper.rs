//! Keeps a profile signed in: uses the stored token, refreshes it, or signs in with the password that the profile names.
//!
//! What changes the store does so under its lock, and a new pair of tokens is on disk before it is used: a refresh token is
//! good for one use, so a pair that is lost is a sign-in that is lost.
//! What a person asks for is in `person`.

mod person;

use chrono::{DateTime, Utc};

use super::Means;
use super::endpoint::{self, Client, Grant};
use super::past::Past;
use super::reply::{self, Granted};
use super::sign_in::{SignIn, Way};
use super::source::{Role, SecretSource, configuration};
use super::standing::shown;
use super::store::{Credentials, Store};
use crate::files::{FileError, Lock};
use crate::http::{AuthorizeError, HttpError, NoToken, host_of};
use crate::secret::Secret;
pub use person::LogIn;

/// Keeps one profile signed in.
pub struct Keeper {
    pub(super) sign_in: Box<SignIn>,
    means: Means,
}

/// A token and until when it is sent.
#[derive(Clone, Debug)]
pub struct Held {
    /// The access token.
    pub token: Secret,
    /// From then on a newer one is needed.
    pub until: Option<DateTime<Utc>>,
}

impl Keeper {
    /// A keeper of `sign_in`.
    #[must_use]
    pub fn new(sign_in: Box<SignIn>, means: Means) -> Self {
        Self { sign_in, means }
    }

    /// How the profile signs in.
    #[must_use]
    pub fn sign_in(&self) -> &SignIn {
        &self.sign_in
    }

    /// A token to send: the stored one without any lock, else a new one.
    pub async fn token(&self) -> Result<Held, AuthorizeError> {
        let store = self.store()?;
        if let Some(held) = self.held(self.stored(&store)?.as_ref()) {
            return Ok(held);
        }
        let _lock = self.lock(&store).await?;
        // Whoever held the lock may have done the work.
        let stored = self.stored(&store)?;
        match self.held(stored.as_ref()) {
            Some(held) => Ok(held),
            None => self.renew(&store, stored).await,
        }
    }

    /// A token in the place of `refused`; `None` if there is no way to get one without a person.
    pub async fn instead_of(&self, refused: &Secret) -> Result<Option<Held>, AuthorizeError> {
        let store = self.store()?;
        let _lock = self.lock(&store).await?;
        let stored = self.stored(&store)?;
        match self.held(stored.as_ref()) {
            Some(held) if held.token != *refused => return Ok(Some(held)),
            _ => {}
        }
        let could_refresh = stored.as_ref().is_some_and(|stored| stored.refresh_token.is_some());
        match self.renew(&store, stored).await {
            Ok(held) => Ok(Some(held)),
            // With nothing to try, what the service said to the token is the better answer.
            Err(error)
                if error.reason == NoToken::NotSignedIn && error.source.is_none() && !could_refresh =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What is stored, whatever it is bound to; for those who only look.
    pub fn look(&self) -> Result<Option<Credentials>, AuthorizeError> {
        self.stored(&self.store()?)
    }

    async fn renew(&self, store: &Store, stored: Option<Credentials>) -> Result<Held, AuthorizeError> {
        let strangeness = stored.as_ref().and_then(|stored| stored.strangeness(&self.sign_in));
        let mut credentials = Credentials::for_sign_in(stored, &self.sign_in);
        let mut ended = strangeness.map(|what| format!("it was made {what}"));
        if let Some(token) = credentials.refresh_token.clone() {
            match self.refresh(store, &mut credentials, &token).await? {
                Ok(held) => return Ok(held),
                Err(why) => ended = Some(why),
            }
        }
        match self.sign_in.way {
            Way::Client { scope } => return self.by_client(store, credentials, scope).await,
            Way::Nobody => return Err(self.needs_token()),
            Way::Person => {}
        }
        match &self.sign_in.password {
            Some(password) => self.by_password(store, credentials, password).await,
            None => Err(self.not_signed_in(&credentials, ended)),
        }
    }

    /// The inner error says why the refresh token is of no use any more.
    async fn refresh(
        &self,
        store: &Store,
        credentials: &mut Credentials,
        token: &Secret,
    ) -> Result<Result<Held, String>, AuthorizeError> {
        let Some(client) = self.client(credentials).await? else {
            return Ok(Err("there is no client secret to refresh it with".to_owned()));
        };
        self.respect_quiet(credentials, "cannot refresh the sign-in of")?;
        let _vital = self.means.limits.vital().await;
        // A pair that cannot be kept must not be asked for: the old refresh token would be gone too.
        store.write(credentials).map_err(|error| self.unstored(error))?;
        match self.request(&Grant::Refresh { token }, &client).await {
            Ok(granted) => {
                credentials.take(granted, (self.means.clock)());
                self.keep(store, credentials).map(Ok)
            }
            Err(error) if reply::refusal(&error).is_some_and(|fault| fault.mentions("invalid_grant")) => {
                let unused = credentials.refresh_expires_at.filter(|end| *end < (self.means.clock)());
                credentials.drop_tokens();
                store.write(credentials).map_err(|error| self.unstored(error))?;
                Ok(Err(match unused {
                    Some(end) => format!("nothing had used it by {}", shown(end)),
                    None => error.to_string(),
                }))
            }
            Err(error) => {
                self.note_quiet(store, credentials, &error)?;
                Err(self.failed("cannot refresh the sign-in of", error))
            }
        }
    }

    /// A token for the application itself. Nothing locks when it is refused, so it is asked for whenever one is needed.
    async fn by_client(
        &self,
        store: &Store,
        mut credentials: Credentials,
        scope: &'static str,
    ) -> Result<Held, AuthorizeError> {
        let Some(client) = self.client(&credentials).await? else { return Err(self.needs_client()) };
        self.respect_quiet(&credentials, "cannot sign in to")?;
        credentials.client_id = Some(client.id.clone());
        let _vital = self.means.limits.vital().await;
        match self.request(&Grant::Client { scope }, &client).await {
            Ok(granted) => {
                credentials.take(granted, (self.means.clock)());
                self.keep(store, &credentials)
            }
            Err(error) => {
                self.note_quiet(store, &mut credentials, &error)?;
                Err(self.failed("cannot sign in to", error))
            }
        }
    }

    async fn by_password(
        &self,
        store: &Store,
        mut credentials: Credentials,
        source: &SecretSource,
    ) -> Result<Held, AuthorizeError> {
        let past = credentials.past_of(&self.sign_in);
        self.respect_past(&past)?;
        self.respect_quiet(&credentials, "cannot sign in to")?;
        let username = self.sign_in.username.clone().or_else(|| credentials.username.clone());
        let (Some(username), Some(client)) = (username, self.client(&credentials).await?) else {
            return Err(self.incomplete());
        };
        let password = self.read(source, Role::Password).await?;
        let _vital = self.means.limits.vital().await;
        let mut before = credentials.clone();
        let now = (self.means.clock)();
        // Before anything is sent: what cannot be written down would be sent again and again, until the account locks.
        credentials.past.put(past.begun(now));
        credentials.username = Some(username.clone());
        credentials.claimed_user = None;
        credentials.expected_user = None;
        credentials.client_id = Some(client.id.clone());
        store.write(&credentials).map_err(|error| self.unstored(error))?;
        let grant = Grant::Password { username: &username, password: &password };
        match self.request(&grant, &client).await {
            Ok(granted) => {
                credentials.take(granted, (self.means.clock)());
                credentials.past.forget(Some(&username), self.sign_in.token_url.as_str());
                self.keep(store, &credentials)
            }
            Err(error) => {
                before.past.put(past.after(&error, now));
                store.write(&before).map_err(|error| self.unstored(error))?;
                Err(self.failed("cannot sign in to", error))
            }
        }
    }

    /// Nothing is sent by itself once it was refused, or while nobody knows what became of it.
    fn respect_past(&self, past: &Past) -> Result<(), AuthorizeError> {
        if let Some(refused) = &past.refused {
            return Err(self.refused_before(refused));
        }
        let now = (self.means.clock)();
        past.held_until(now).map_or(Ok(()), |until| Err(self.unknown_before(past.attempts(now), until)))
    }

    /// Nothing is sent by itself while the token endpoint wants quiet.
    fn respect_quiet(&self, credentials: &Credentials, what: &str) -> Result<(), AuthorizeError> {
        let url = &self.sign_in.token_url;
        match credentials.past.quiet_until(url.as_str(), (self.means.clock)()) {
            Some(until) => Err(self.failed(what, HttpError::Throttled { host: host_of(url), until })),
            None => Ok(()),
        }
    }

    /// Writes down how long the token endpoint wants quiet, if that is what `error` says.
    fn note_quiet(
        &self,
        store: &Store,
        credentials: &mut Credentials,
        error: &HttpError,
    ) -> Result<(), AuthorizeError> {
        if let HttpError::Throttled { .. } = error {
            let past = credentials.past_of(&self.sign_in).after(error, (self.means.clock)());
            credentials.past.put(past);
            store.write(credentials).map_err(|error| self.unstored(error))?;
        }
        Ok(())
    }

    fn keep(&self, store: &Store, credentials: &Credentials) -> Result<Held, AuthorizeError> {
        store.write(credentials).map_err(|error| self.unstored(error))?;
        self.held(Some(credentials)).ok_or_else(|| self.incomplete())
    }

    async fn request(&self, grant: &Grant<'_>, client: &Client) -> Result<Granted, HttpError> {
        let SignIn { token_url, network, .. } = self.sign_in.as_ref();
        endpoint::request(token_url, network, grant, client, &self.means).await
    }

    /// The application, as far as configuration and store know it.
    async fn client(&self, credentials: &Credentials) -> Result<Option<Client>, AuthorizeError> {
        let id = self.sign_in.client_id.clone().or_else(|| credentials.client_id.clone());
        let secret = match &self.sign_in.client_secret {
            Some(source) => Some(self.read(source, Role::ClientSecret).await?),
            None => credentials.client_secret.clone(),
        };
        Ok(id.zip(secret).map(|(id, secret)| Client { id, secret }))
    }

    /// What `source` holds, with its warning told.
    pub async fn read(&self, source: &SecretSource, role: Role) -> Result<Secret, AuthorizeError> {
        let fetched = source.fetch(role, &self.means.limits).await?;
        if let Some(warning) = &fetched.warning {
            (self.means.warn)(warning);
        }
        fetched.secret()
    }

    /// The stored token, if it is for this connection and lasts.
    fn held(&self, stored: Option<&Credentials>) -> Option<Held> {
        let stored = stored.filter(|stored| stored.strangeness(&self.sign_in).is_none())?;
        let token = stored.usable_at((self.means.clock)())?.clone();
        Some(Held { token, until: stored.stays_usable_until() })
    }

    fn store(&self) -> Result<Store, AuthorizeError> {
        let path = self.sign_in.store.as_deref().ok_or_else(|| {
            configuration(
                "there is no home directory to keep the sign-in in".to_owned(),
                Some("set VWH_STATE_DIR to a directory of your own".to_owned()),
            )
        })?;
        Ok(Store::new(path))
    }

    fn stored(&self, store: &Store) -> Result<Option<Credentials>, AuthorizeError> {
        store.read().map_err(|error| self.unreadable(error))
    }

    async fn lock(&self, store: &Store) -> Result<Lock, AuthorizeError> {
        store.lock(&self.means.limits).await.map_err(|error| match error {
            FileError::Locked(_) => AuthorizeError {
                message: format!("another vwh is signing in to profile {}", self.sign_in.profile),
                hint: Some("wait until it has finished, then run this again".to_owned()),
                reason: NoToken::TimedOut,
                source: None,
            },
            error => self.unstored(error),
        })
    }
}
