//! What a keeper complains of: why a profile is not signed in, each time with the next step. Pure.

use chrono::{DateTime, Utc};

use super::keeper::Keeper;
use super::past::Refused;
use super::reply;
use super::sign_in::{SignIn, Way};
use super::source::configuration;
use super::standing::shown;
use super::store::{Credentials, StoreError};
use crate::files::FileError;
use crate::http::{AuthorizeError, HttpError, NoToken, NoTokenCause, host_of};

impl Keeper {
    pub(super) fn unreadable(&self, error: StoreError) -> AuthorizeError {
        match error {
            StoreError::File(error) => AuthorizeError {
                message: format!("cannot read the sign-in of profile {}", self.sign_in.profile),
                hint: None,
                reason: NoToken::Failed,
                source: Some(NoTokenCause::File(error)),
            },
            other => configuration(
                format!("cannot read the sign-in of profile {}: {other}", self.sign_in.profile),
                Some(format!("sign in again with: {}", self.sign_in.login)),
            ),
        }
    }

    pub(super) fn unstored(&self, error: FileError) -> AuthorizeError {
        AuthorizeError {
            message: format!("cannot store the sign-in of profile {}", self.sign_in.profile),
            hint: None,
            reason: NoToken::Failed,
            source: Some(NoTokenCause::File(error)),
        }
    }

    pub(super) fn failed(&self, what: &str, error: HttpError) -> AuthorizeError {
        let refused = reply::refusal(&error).is_some();
        let hint = match &error {
            HttpError::Redirect { .. } | HttpError::Undecodable { .. } => {
                let variable = if self.sign_in.is_named { "" } else { ", or VWH_TOKEN_URL" };
                Some(format!("check the token URL: token_url of the profile{variable}"))
            }
            HttpError::Throttled { .. } => Some("run it again after that".to_owned()),
            HttpError::Fault { .. } if refused => Some(self.again()),
            _ => None,
        };
        AuthorizeError {
            message: format!("{what} profile {}", self.sign_in.profile),
            hint,
            reason: match self.sign_in.way {
                _ if !refused => NoToken::Failed,
                Way::Client { .. } => NoToken::ClientRefused,
                Way::Person | Way::Nobody => NoToken::NotSignedIn,
            },
            source: Some(NoTokenCause::Service(Box::new(error))),
        }
    }

    pub(super) fn refused_before(&self, refused: &Refused) -> AuthorizeError {
        let error =
            HttpError::Fault { host: host_of(&self.sign_in.token_url), fault: Box::new(refused.fault()) };
        let (profile, at) = (&self.sign_in.profile, shown(refused.at));
        AuthorizeError {
            message: format!(
                "the sign-in of profile {profile} was refused at {at} and is not tried again by itself"
            ),
            hint: Some(self.again()),
            reason: NoToken::NotSignedIn,
            source: Some(NoTokenCause::Service(Box::new(error))),
        }
    }

    /// Nobody knows whether the service refused these, and refusals lock accounts.
    pub(super) fn unknown_before(&self, attempts: u32, until: DateTime<Utc>) -> AuthorizeError {
        let (profile, until) = (&self.sign_in.profile, shown(until));
        self.needs_a_person(format!(
            "{attempts} sign-ins of profile {profile} in a row broke off once the password was sent, so it is not sent \
             again by itself before {until}"
        ))
    }

    /// Somebody has signed in through the browser, and it was not the profile's own user.
    pub(super) fn somebody_else(&self, claimed: &str) -> AuthorizeError {
        let SignIn { profile, username, .. } = self.sign_in();
        let named = username.as_deref().unwrap_or_default();
        configuration(
            format!("profile {profile} is for {named}, and {claimed} signed in: nothing was stored"),
            Some(format!("sign out in the browser, then sign in as {named} with: {}", self.sign_in.login)),
        )
    }

    pub(super) fn needs_a_person(&self, message: String) -> AuthorizeError {
        AuthorizeError { message, hint: Some(self.again()), reason: NoToken::NotSignedIn, source: None }
    }

    pub(super) fn not_signed_in(&self, credentials: &Credentials, ended: Option<String>) -> AuthorizeError {
        let profile = &self.sign_in.profile;
        match ended {
            Some(why) => self.needs_a_person(format!("the sign-in of profile {profile} has ended: {why}")),
            None if credentials.issued_at.is_some() => {
                let end =
                    credentials.expires_at.map(|end| format!(": its token lasted until {}", shown(end)));
                let end = end.unwrap_or_default();
                self.needs_a_person(format!("the sign-in of profile {profile} has ended{end}"))
            }
            None if self.sign_in.is_bare() => AuthorizeError {
                message: "there is no token to sign in with".to_owned(),
                hint: Some(self.first_steps()),
                reason: NoToken::NotSignedIn,
                source: None,
            },
            None => self.needs_a_person(format!("profile {profile} is not signed in")),
        }
    }

    pub(super) fn incomplete(&self) -> AuthorizeError {
        self.needs_a_person(format!(
            "profile {} cannot sign in by itself: it needs username, client_id and a client secret beside its password",
            self.sign_in.profile
        ))
    }

    /// The application signs in by itself, and nobody has said as which.
    pub(super) fn needs_client(&self) -> AuthorizeError {
        AuthorizeError {
            message: format!(
                "profile {} cannot sign in: it needs client_id and a client secret",
                self.sign_in.profile
            ),
            hint: Some(if self.sign_in.is_named {
                "give the profile client_id, and client_secret_file or client_secret_command".to_owned()
            } else {
                "set VWH_CLIENT_ID and VWH_CLIENT_SECRET, or give a profile client_id and client_secret_file"
                    .to_owned()
            }),
            reason: NoToken::NotSignedIn,
            source: None,
        }
    }

    /// The service's tokens are brought, and none was.
    pub(super) fn needs_token(&self) -> AuthorizeError {
        AuthorizeError {
            message: format!("profile {} has no token", self.sign_in.profile),
            hint: Some(self.first_steps()),
            reason: NoToken::NotSignedIn,
            source: None,
        }
    }

    /// What brings a first token: a profile that is named takes none from the environment.
    fn first_steps(&self) -> String {
        if let Some(first) = self.sign_in.instead.first() {
            let all = self.sign_in.instead.join(", ");
            return format!(
                "no default_profile is set, so name one: vwh -p {first} list (configured: {all}); or bring a token in VWH_TOKEN"
            );
        }
        if self.sign_in.way == Way::Nobody {
            let variable = if self.sign_in.is_named { "" } else { "VWH_TOKEN, or " };
            return format!(
                "bring an access key or a JWT in {variable}token_file or token_command of the profile"
            );
        }
        let token = if self.sign_in.is_named { "" } else { ", or bring a token in VWH_TOKEN" };
        format!("{}{token}; without an account, try: vwh --sandbox list", self.again())
    }

    /// What brings a token that the API accepts, where it refused the one that was just granted.
    pub(super) fn cure(&self) -> String {
        match self.sign_in.way {
            Way::Client { .. } => {
                "the token was granted, and the API refuses it: check that base_url and token_url belong \
                 together, and that an admin user made the credentials"
                    .to_owned()
            }
            Way::Person | Way::Nobody => self.again(),
        }
    }

    pub(super) fn again(&self) -> String {
        match self.sign_in.way {
            Way::Client { .. } => {
                return "check client_id and client secret, and that they may read and change webhooks"
                    .to_owned();
            }
            Way::Nobody => return self.first_steps(),
            Way::Person => {}
        }
        format!("sign in with: {}", self.sign_in.login)
    }
}
