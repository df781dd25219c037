//! Where a connection goes: its service, its base URL and its token URL, as the profile or the environment says, else as
//! documented, which may hang on a region.

use url::Url;

use super::SettingsError;
use super::environment::Environment;
use super::file::Profile;
use crate::network::is_loopback;
use crate::secret::mask_url;
use crate::services;
use crate::services::facts::{SignInBy, facts};
use crate::webhook::ServiceKind;

/// Whose settings they are, so that an error can say where a value stands.
pub(super) struct Whose<'a> {
    /// The profile's name; `default` if there is none.
    pub(super) name: &'a str,
    /// Whether it was named, so that the environment says nothing.
    pub(super) is_named: bool,
    /// The environment that overlays it otherwise.
    pub(super) environment: &'a Environment,
}

impl Whose<'_> {
    /// ` in VWH_BASE_URL` or ` of profile work`, behind what is wrong; nothing for a profile that was just named.
    fn place(&self, variable: &str) -> String {
        match self.environment.text(variable) {
            _ if self.is_named => String::new(),
            Ok(None) => format!(" of profile {}", self.name),
            _ => format!(" in {variable}"),
        }
    }

    /// The service of this name, or the usual one.
    pub(super) fn service(&self, name: Option<&str>) -> Result<ServiceKind, SettingsError> {
        let Some(name) = name else { return Ok(ServiceKind::default()) };
        ServiceKind::named(name).ok_or_else(|| {
            let known = ServiceKind::ALL.map(ServiceKind::name).join(", ");
            let place = self.place("VWH_SERVICE");
            SettingsError::new(format!("service {name:?}{place} is not known"))
                .hint(format!("known: {known}"))
        })
    }

    /// The base URL, which the token is sent to.
    pub(super) fn base_url(&self, text: &str) -> Result<Url, SettingsError> {
        sendable("base URL", &self.place("VWH_BASE_URL"), "the token", text)
    }

    /// The token URL, which `secret` is sent to.
    pub(super) fn token_url(&self, secret: &str, text: &str) -> Result<Url, SettingsError> {
        sendable("token URL", &self.place("VWH_TOKEN_URL"), secret, text)
    }

    /// Base and token URL: the profile's own, else the documented ones.
    pub(super) fn addresses(
        &self,
        profile: &Profile,
        service: ServiceKind,
        brings_token: bool,
    ) -> Result<(String, String), SettingsError> {
        let documented = services::addresses(service, profile.region.as_deref());
        // Nothing is ever sent to a token URL where nobody signs in.
        let has_token_url = facts(service).sign_in_by != SignInBy::Nobody;
        match (&profile.base_url, &profile.token_url, documented) {
            (Some(base), Some(token), _) => Ok((base.clone(), token.clone())),
            (Some(base), None, Ok(_)) if !has_token_url => Ok((base.clone(), base.clone())),
            (base, token, Ok(documented)) => {
                Ok((base.clone().unwrap_or(documented.base), token.clone().unwrap_or(documented.token)))
            }
            // A token that is brought needs no token URL.
            (Some(base), None, Err(_)) if brings_token => Ok((base.clone(), base.clone())),
            (_, _, Err(what)) => {
                Err(SettingsError::new(what).hint(self.where_to(profile, service, brings_token)))
            }
        }
    }

    /// What says where the service is. A region is a key of profiles alone.
    fn where_to(&self, profile: &Profile, service: ServiceKind, brings_token: bool) -> String {
        let name = self.name;
        let first = facts(service).regions.first();
        let documented = first.and_then(|region| services::addresses(service, Some(region)).ok());
        match (first.zip(documented), name) {
            (None, _) => format!("remove `region` from profile {name:?}"),
            (Some((region, documented)), "default") => {
                let variables = [
                    ("VWH_BASE_URL", &profile.base_url, documented.base),
                    ("VWH_TOKEN_URL", &profile.token_url, documented.token),
                ];
                let missing = variables.into_iter().filter(|(variable, given, _)| {
                    given.is_none() && !(brings_token && *variable == "VWH_TOKEN_URL")
                });
                let missing: Vec<String> =
                    missing.map(|(variable, _, url)| format!("{variable}={url}")).collect();
                format!("a region is a key of profiles; without one, set for {region}: {}", missing.join(" "))
            }
            (Some(_), _) => format!("give the profile {name} a region, or base_url and token_url"),
        }
    }
}

/// A URL, called `name`, that `secret` may be sent to: https, or http on this machine.
fn sendable(name: &str, place: &str, secret: &str, text: &str) -> Result<Url, SettingsError> {
    let shown = mask_url(text);
    let wrong = |what: &str| SettingsError::new(format!("the {name} {shown:?}{place} {what}"));
    let url = Url::parse(text).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(wrong("must be plain: no user, query or fragment"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => {
            let what = format!("would send {secret} unencrypted");
            Err(wrong(&what).hint("use https; http is for loopback hosts only"))
        }
        _ => Err(wrong("is neither https nor http")),
    }
}
