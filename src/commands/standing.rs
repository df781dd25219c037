//! Who is signed in, by what, and for how long: what `login` and `whoami` tell alike.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Context;
use super::account::Account;
use crate::auth::TokenSource;
use crate::auth::standing::Unattended;
use crate::auth::store::Credentials;
use crate::error::Error;
use crate::output::fold::hanging;
use crate::output::text::inert;
use crate::output::when::{absolute, relative};
use crate::services::facts::{SignInBy, facts};
use crate::services::registration::Identity;
use crate::webhook::json::to_line;

/// An account as its token sees it.
pub struct Person {
    /// The profile.
    pub profile: String,
    /// The service's name.
    pub service: &'static str,
    /// The API's address.
    pub address: String,
    /// Where the token comes from.
    pub source: &'static str,
    /// Who the service says it is.
    pub identity: Identity,
    /// Who signed in.
    pub username: Option<String>,
    /// When the access token ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the refresh token ends.
    pub refresh_expires_at: Option<DateTime<Utc>>,
    /// Whether it goes on without a person; `None` where vwh does not keep the sign-in.
    pub unattended: Option<Unattended>,
    now: DateTime<Utc>,
}

/// The JSON of `login` and `whoami`; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    profile: &'a str,
    service: &'a str,
    address: &'a str,
    user: Option<&'a str>,
    account: Option<&'a str>,
    username: Option<&'a str>,
    token_source: &'a str,
    expires_at: Option<String>,
    refresh_expires_at: Option<String>,
    unattended: Option<bool>,
    unattended_until: Option<String>,
}

impl Person {
    /// Who `account` is, as its sign-in stands at `now`.
    pub fn of(account: &Account, identity: Identity, now: DateTime<Utc>) -> Result<Self, Error> {
        let stored = match account.tokens.keeper() {
            Some(keeper) => {
                let stored = keeper.look()?;
                // An application that has no token yet is as good as one that has: it asks for one.
                let is_person = facts(account.service()).sign_in_by == SignInBy::Person;
                let stored =
                    if is_person { stored } else { Some(Credentials::for_sign_in(stored, keeper.sign_in())) };
                stored.map(|stored| (keeper.sign_in(), stored))
            }
            None => None,
        };
        let credentials = stored.as_ref().map(|(_, stored)| stored);
        Ok(Self {
            profile: account.profile.clone(),
            service: account.service().name(),
            address: account.client.base().to_owned(),
            source: account.token_source(),
            identity,
            username: credentials.and_then(|stored| stored.user().map(str::to_owned)),
            expires_at: credentials.and_then(|stored| stored.expires_at),
            refresh_expires_at: credentials.and_then(|stored| stored.refresh_expires_at),
            unattended: stored.as_ref().map(|(sign_in, stored)| Unattended::of(sign_in, stored, now)),
            now,
        })
    }

    /// One line of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        to_line(&View {
            profile: &self.profile,
            service: self.service,
            address: &self.address,
            user: self.identity.user.as_deref(),
            account: self.identity.account.as_deref(),
            username: self.username.as_deref(),
            token_source: self.source,
            expires_at: self.expires_at.map(absolute),
            refresh_expires_at: self.refresh_expires_at.map(absolute),
            unattended: self.unattended.as_ref().map(Unattended::is_so),
            unattended_until: self.unattended.as_ref().and_then(Unattended::until).map(absolute),
        })
    }

    /// `u@vbc.prod (user 9001, account 4711)`, as far as it is known.
    fn who(&self) -> String {
        let named = [("user", &self.identity.user), ("account", &self.identity.account)];
        let known = named.iter().filter_map(|(what, id)| Some(format!("{what} {}", inert(id.as_deref()?))));
        let known = known.collect::<Vec<_>>().join(", ");
        match &self.username {
            Some(username) if known.is_empty() => inert(username).into_owned(),
            Some(username) => format!("{} ({known})", inert(username)),
            None if known.is_empty() => "somebody that the service does not name".to_owned(),
            None => known,
        }
    }

    /// Where its token comes from.
    fn token(&self) -> String {
        match (&self.unattended, self.expires_at) {
            (Some(Unattended::ByClient), None) => "none yet: fetched when needed, with client id and secret",
            (Some(Unattended::ByClient), Some(_)) => "fetched when needed, with client id and secret",
            _ => self.source,
        }
        .to_owned()
    }

    /// Label and value, a line each, wrapped to `width`.
    #[must_use]
    pub fn lines(&self, width: Option<usize>) -> String {
        let both = |moment: DateTime<Utc>| format!("{} ({})", absolute(moment), relative(moment, self.now));
        let lines = [
            ("profile", Some(self.profile.clone())),
            ("service", Some(format!("{} at {}", self.service, self.address))),
            ("username", self.username.as_deref().map(|name| inert(name).into_owned())),
            ("user", self.identity.user.as_deref().map(|id| inert(id).into_owned())),
            ("account", self.identity.account.as_deref().map(|id| inert(id).into_owned())),
            ("token", Some(self.token())),
            ("expires", self.expires_at.map(both)),
            ("refresh until", self.refresh_expires_at.map(both)),
            ("unattended", self.unattended.as_ref().map(ToString::to_string)),
        ];
        let shown = lines
            .into_iter()
            .filter_map(|(label, value)| Some(hanging(&format!("{label:<14} "), &value?, width)));
        shown.collect()
    }
}

/// What `login` answers; the last line says how long it lasts.
#[must_use]
pub fn signed_in(context: &Context, person: &Person) -> String {
    if context.settings.format.is_json() {
        return format!("{}\n", person.json());
    }
    let unattended = person.unattended.as_ref().map(|unattended| format!("unattended: {unattended}\n"));
    let until = person.expires_at.map(|end| format!(", token until {}", absolute(end))).unwrap_or_default();
    format!("signed in as {}{until}\n{}", person.who(), unattended.unwrap_or_default())
}

/// What brings the token where vwh does not sign in.
#[must_use]
pub fn foreign_source(source: &TokenSource) -> Option<&'static str> {
    match source {
        TokenSource::Given(_) => Some("VWH_TOKEN"),
        TokenSource::File(_) => Some("token_file"),
        TokenSource::Command(_) => Some("token_command"),
        TokenSource::SignIn(_) => None,
    }
}

/// How long a token that cannot be revoked goes on: `until … (in 9h)`.
#[must_use]
pub fn remaining(end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<String> {
    let end = end.filter(|end| *end - now > TimeDelta::zero())?;
    Some(format!("until {} ({})", absolute(end), relative(end, now)))
}
