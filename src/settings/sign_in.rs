//! How a profile signs in, from its keys in config.toml and from the environment. Nothing is read but settings: a password
//! is fetched when it is needed.

use url::Url;

use super::SettingsError;
use super::addresses::Whose;
use super::environment::Environment;
use super::file::Profile;
use super::surroundings::Surroundings;
use crate::auth::sign_in::{SignIn, Way, with_tenant};
use crate::auth::source::SecretSource;
use crate::invocation::Invocation;
use crate::secret::Secret;
use crate::services::facts::{SignInBy, facts};
use crate::webhook::ServiceKind;

/// Variables that hold a secret for a sign-in: `login -p` may take them (design §3).
pub(super) const SIGN_IN_SECRETS: [&str; 2] = ["VWH_PASSWORD", "VWH_CLIENT_SECRET"];

/// Secrets of a sign-in that the environment gives.
#[derive(Default)]
pub(super) struct Given {
    password: Option<Secret>,
    client_secret: Option<Secret>,
}

impl Given {
    pub(super) fn by(environment: &Environment) -> Result<Self, SettingsError> {
        let [password, client_secret] = SIGN_IN_SECRETS;
        Ok(Self {
            password: environment.text(password)?.map(Secret::new),
            client_secret: environment.text(client_secret)?.map(Secret::new),
        })
    }
}

/// The profile's keys, each replaced by its variable where that is set.
pub(super) fn overlay(profile: &mut Profile, environment: &Environment) -> Result<(), SettingsError> {
    profile.token_url = environment.text("VWH_TOKEN_URL")?.or(profile.token_url.take());
    profile.username = environment.text("VWH_USERNAME")?.or(profile.username.take());
    profile.client_id = environment.text("VWH_CLIENT_ID")?.or(profile.client_id.take());
    Ok(())
}

/// Which service tokens are for, and where they come from.
pub(super) struct Place<'a> {
    pub(super) service: ServiceKind,
    pub(super) base: &'a Url,
    pub(super) token_url: String,
}

/// Who signs in to `service`.
#[must_use]
pub const fn way_of(service: ServiceKind) -> Way {
    match facts(service).sign_in_by {
        SignInBy::Person => Way::Person,
        SignInBy::Client(scope) => Way::Client { scope },
        SignInBy::Nobody => Way::Nobody,
    }
}

impl Place<'_> {
    fn way(&self) -> Way {
        way_of(self.service)
    }

    /// What would be sent to the token URL.
    fn secret(&self) -> &'static str {
        if self.way() == Way::Person { "the password" } else { "the client secret" }
    }
}

/// How who owns `profile` signs in at `place`.
pub(super) fn resolve(
    whose: &Whose<'_>,
    profile: &Profile,
    place: &Place<'_>,
    given: Given,
) -> Result<SignIn, SettingsError> {
    let Whose { name, is_named, environment } = *whose;
    let token_url = whose.token_url(place.secret(), &place.token_url)?;
    let source = |given: Option<Secret>, file: &Option<String>, command: &Option<String>| {
        Ok(match (given, file, command) {
            (Some(secret), _, _) => Some(SecretSource::Given(secret)),
            (None, Some(path), _) => Some(SecretSource::File(environment.secret_file(path)?)),
            (None, None, Some(command)) => Some(SecretSource::Command(command.clone())),
            (None, None, None) => None,
        })
    };
    Ok(SignIn {
        profile: name.to_owned(),
        is_named,
        instead: Vec::new(),
        login: Invocation::of_profile(name, is_named).command("login"),
        way: place.way(),
        base_url: place.base.clone(),
        network: Box::new(Surroundings::of(environment).network(&token_url)?),
        token_url,
        username: profile.username.as_deref().map(with_tenant).filter(|_| place.way() == Way::Person),
        client_id: profile.client_id.clone(),
        client_secret: source(
            given.client_secret,
            &profile.client_secret_file,
            &profile.client_secret_command,
        )?,
        password: source(given.password, &profile.password_file, &profile.password_command)?,
        store: environment
            .state_directory()
            .map(|directory| directory.join("credentials").join(format!("{name}.json"))),
    })
}
