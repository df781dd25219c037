//! Signing in and out as a person asks for it, whatever was refused before.

use super::Keeper;
use crate::auth::endpoint::{Client, Grant};
use crate::auth::store::{Credentials, StoreError};
use crate::auth::{id_token, reply};
use crate::http::{AuthorizeError, HttpError};

/// A sign-in that a person asked for.
pub struct LogIn<'a> {
    /// How.
    pub grant: &'a Grant<'a>,
    /// For which application.
    pub client: &'a Client,
    /// Whether a refresh has nowhere else to take the client secret from.
    pub keeps_secret: bool,
    /// Whether an unattended sign-in would send the very same password: then a refusal holds for it too.
    pub is_unattended: bool,
}

impl Keeper {
    /// Signs in as a person asked for, whatever was refused before.
    pub async fn log_in(&self, by: &LogIn<'_>) -> Result<Credentials, AuthorizeError> {
        let store = self.store()?;
        let _lock = self.lock(&store).await?;
        // A file that does not make sense is no reason not to replace it; one that others can read is.
        let mut before = match store.read() {
            Err(StoreError::Broken(_) | StoreError::Newer(_)) => None,
            other => other.map_err(|error| self.unreadable(error))?,
        };
        let mut credentials = Credentials::bound_to(&self.sign_in);
        credentials.past = before.as_ref().map(|before| before.past.clone()).unwrap_or_default();
        credentials.client_id = Some(by.client.id.clone());
        credentials.client_secret = by.keeps_secret.then(|| by.client.secret.clone());
        match by.grant {
            Grant::Password { username, .. } => credentials.username = Some((*username).to_owned()),
            // Whoever signed in through a browser need not be the one that the configuration names.
            _ => credentials.expected_user = credentials.username.take(),
        }
        let _vital = self.means.limits.vital().await;
        // Now rather than with tokens in hand that cannot be kept.
        store.write(before.as_ref().unwrap_or(&credentials)).map_err(|error| self.unstored(error))?;
        let outcome = self.request(by.grant, by.client).await;
        let restored =
            |before: Option<&Credentials>| store.restore(before).map_err(|error| self.unstored(error));
        match outcome {
            Ok(granted) => {
                credentials.claimed_user.clone_from(&granted.claimed_user);
                if let Some(other) = other_user(&credentials) {
                    restored(before.as_ref())?;
                    return Err(self.somebody_else(other));
                }
                credentials.take(granted, (self.means.clock)());
                let user = credentials.username.as_ref().or(self.sign_in.username.as_ref());
                credentials.past.forget(user.map(String::as_str), self.sign_in.token_url.as_str());
                store.write(&credentials).map_err(|error| self.unstored(error))?;
                Ok(credentials)
            }
            Err(error) => {
                self.remember(&mut before, by, &credentials, &error);
                restored(before.as_ref())?;
                Err(self.failed("cannot sign in to", error))
            }
        }
    }

    /// What is left of `before` once the sign-in `by` has failed: all of it, but for a client that the service does not
    /// know; and what was refused, if commands would send the same.
    fn remember(
        &self,
        before: &mut Option<Credentials>,
        by: &LogIn<'_>,
        sent: &Credentials,
        error: &HttpError,
    ) {
        let refusal = reply::refusal(error);
        if let Some(before) = before
            && refusal.is_some_and(|fault| fault.mentions("invalid_client"))
            && before.client_id.as_ref() == Some(&by.client.id)
            && before.client_secret.as_ref() == Some(&by.client.secret)
        {
            // Otherwise the next login would not ask for another one.
            before.client_id = None;
            before.client_secret = None;
        }
        let is_quiet = matches!(error, HttpError::Throttled { .. });
        if is_quiet || by.is_unattended && refusal.is_some() {
            let past = sent.past_of(&self.sign_in).after(error, (self.means.clock)());
            before.get_or_insert_with(|| Credentials::of_past(sent.past.clone())).past.put(past);
        }
    }

    /// Removes what is stored, and gives what it was. What was refused stays: the next command would send it again.
    pub async fn log_out(&self) -> Result<Option<Credentials>, AuthorizeError> {
        let store = self.store()?;
        let _lock = self.lock(&store).await?;
        let stored = store.read().ok().flatten();
        if let Some(stored) = stored.as_ref().filter(|stored| !stored.past.is_empty()) {
            let left = Credentials::of_past(stored.past.clone());
            store.write(&left).map_err(|error| self.unstored(error))?;
            return Ok(Some(stored.clone()).filter(|stored| !stored.is_bare()));
        }
        let was_there = store.remove().map_err(|error| self.unstored(error))?;
        Ok(was_there.then(|| stored.unwrap_or_default()))
    }
}

/// Who has signed in, if that is said to be another than the configuration names.
fn other_user(credentials: &Credentials) -> Option<&str> {
    let (claimed, expected) = (credentials.claimed_user.as_deref()?, credentials.expected_user.as_deref()?);
    (!id_token::is_user(claimed, expected)).then_some(claimed)
}
