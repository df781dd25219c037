//! How a sign-in stands: until when it lasts, and whether it goes on without a person. Pure.

use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::sign_in::SignIn;
use super::source::{Role, SecretSource};
use super::store::Credentials;

/// Whether commands go on without a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unattended {
    /// vwh signs in again by itself.
    ByPassword {
        /// The key or variable that brings the password.
        key: String,
    },
    /// vwh refreshes the sign-in, if it runs often enough.
    ByRefresh {
        /// How often, at least.
        every: TimeDelta,
        /// When the next run is due.
        until: DateTime<Utc>,
    },
    /// A person has to sign in.
    No {
        /// From then on.
        after: Option<DateTime<Utc>>,
        /// What to configure.
        cure: &'static str,
    },
    /// The service refused the password, so nothing is tried by itself.
    Refused {
        /// When.
        at: DateTime<Utc>,
        /// What to type.
        login: String,
    },
}

impl Unattended {
    /// How `stored` stands, seen from `now`.
    #[must_use]
    pub fn of(sign_in: &SignIn, stored: &Credentials, now: DateTime<Utc>) -> Self {
        let knows_client = (sign_in.client_id.is_some() || stored.client_id.is_some())
            && (sign_in.client_secret.is_some() || stored.client_secret.is_some());
        let knows_user = sign_in.username.is_some() || stored.username.is_some();
        if let Some(refused) = &stored.refused {
            return Self::Refused { at: refused.at, login: sign_in.login.clone() };
        }
        match &sign_in.password {
            // A variable that `login -p` alone may take is gone for the next command.
            Some(SecretSource::Given(_)) if sign_in.is_named => {}
            Some(source) if knows_client && knows_user => {
                return Self::ByPassword { key: source.key(Role::Password) };
            }
            _ => {}
        }
        let end = stored.refresh_token.as_ref().and(stored.refresh_expires_at).filter(|end| *end > now);
        match (end, stored.issued_at) {
            (Some(until), Some(issued)) if knows_client => Self::ByRefresh { every: until - issued, until },
            (Some(_), _) => Self::No {
                after: stored.expires_at,
                cure: "client_secret_command or client_secret_file of the profile lets vwh refresh it",
            },
            (None, _) => Self::No {
                after: stored.expires_at,
                cure: "username, client_id, client_secret_command and password_command of a profile let vwh sign in \
                       by itself",
            },
        }
    }

    /// Whether they do.
    #[must_use]
    pub fn is_so(&self) -> bool {
        matches!(self, Self::ByPassword { .. } | Self::ByRefresh { .. })
    }

    /// Until when, if that has an end.
    #[must_use]
    pub fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::ByRefresh { until, .. } => Some(*until),
            Self::No { after, .. } => *after,
            Self::ByPassword { .. } | Self::Refused { .. } => None,
        }
    }
}

impl fmt::Display for Unattended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPassword { key } => write!(formatter, "yes: vwh signs in again with {key}"),
            Self::ByRefresh { every, until } => write!(
                formatter,
                "yes, as long as vwh runs at least once every {} (next before {})",
                span(*every),
                shown(*until)
            ),
            Self::No { after: Some(after), cure } => {
                write!(formatter, "no: after {} somebody has to log in again; {cure}", shown(*after))
            }
            Self::No { after: None, cure } => write!(formatter, "no: somebody has to log in; {cure}"),
            Self::Refused { at, login } => {
                write!(formatter, "no: the password was refused at {}; sign in with: {login}", shown(*at))
            }
        }
    }
}

/// The largest unit that is told in full.
fn span(length: TimeDelta) -> String {
    let (count, unit) = match length.num_seconds() {
        seconds @ 172_800.. => (seconds / 86_400, "days"),
        seconds @ 7_200.. => (seconds / 3_600, "hours"),
        seconds @ 120.. => (seconds / 60, "minutes"),
        seconds => (seconds, "seconds"),
    };
    format!("{count} {unit}")
}

/// A moment in a sentence.
pub(super) fn shown(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
