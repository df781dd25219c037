//! How a sign-in stands: until when it lasts, and whether it goes on without a person. Pure.

use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::sign_in::{SignIn, Way};
use super::source::Role;
use super::store::Credentials;

/// Whether commands go on without a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unattended {
    /// vwh signs in again by itself.
    ByPassword {
        /// The key or variable that brings the password.
        key: String,
    },
    /// The application asks for a token whenever it needs one.
    ByClient,
    /// vwh refreshes the sign-in, if it runs often enough.
    ByRefresh {
        /// How often, at least.
        every: TimeDelta,
        /// When the next run is due.
        until: DateTime<Utc>,
        /// The variable that brings a password besides, as long as it is set.
        variable: Option<String>,
    },
    /// A person has to sign in.
    No {
        /// From then on.
        after: Option<DateTime<Utc>>,
        /// What to configure.
        cure: &'static str,
        /// The variable that puts this off, as long as it is set.
        variable: Option<String>,
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
        match sign_in.way {
            Way::Client { .. } if knows_client => return Self::ByClient,
            Way::Client { .. } => {
                let cure = "client_id, and client_secret_file or client_secret_command, of the profile let vwh sign in";
                return Self::No { after: stored.expires_at, cure, variable: None };
            }
            Way::Person | Way::Nobody => {}
        }
        let knows_user = sign_in.username.is_some() || stored.username.is_some();
        let end = stored.refresh_token.as_ref().and(stored.refresh_expires_at).filter(|end| *end > now);
        let refreshes = knows_client && end.is_some();
        if let Some(refused) = stored.past_of(sign_in).refused
            // That a password was refused is nothing to who does not use one.
            && (sign_in.password.is_some() || !refreshes)
        {
            return Self::Refused { at: refused.at, login: sign_in.login.clone() };
        }
        let variable = match &sign_in.password {
            Some(source) if !source.is_lasting() => {
                // A variable that `login -p` alone may take is gone for the next command.
                let counts = knows_client && knows_user && !sign_in.is_named;
                counts.then(|| source.key(Role::Password))
            }
            Some(source) if knows_client && knows_user => {
                return Self::ByPassword { key: source.key(Role::Password) };
            }
            _ => None,
        };
        match (end, stored.issued_at) {
            (Some(until), Some(issued)) if knows_client => {
                Self::ByRefresh { every: until - issued, until, variable }
            }
            (Some(_), _) => Self::No {
                after: stored.expires_at,
                cure: "client_secret_command or client_secret_file of the profile lets vwh refresh it",
                variable,
            },
            (None, _) => Self::No {
                after: stored.expires_at,
                cure: "username, client_id, client_secret_command and password_command of a profile let vwh sign in \
                       by itself",
                variable,
            },
        }
    }

    /// Whether they do.
    #[must_use]
    pub fn is_so(&self) -> bool {
        matches!(self, Self::ByClient | Self::ByPassword { .. } | Self::ByRefresh { .. })
    }

    /// Until when, if that has an end. What a variable puts off does not count: the next run may not have it.
    #[must_use]
    pub fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::ByRefresh { until, .. } => Some(*until),
            Self::No { after, .. } => *after,
            Self::ByClient | Self::ByPassword { .. } | Self::Refused { .. } => None,
        }
    }
}

impl fmt::Display for Unattended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByClient => formatter.write_str("yes: vwh signs in with the client secret"),
            Self::ByPassword { key } => write!(formatter, "yes: vwh signs in again with {key}"),
            Self::ByRefresh { every, until, variable } => {
                write!(
                    formatter,
                    "yes, as long as vwh runs at least once every {} (next before {})",
                    span(*every),
                    shown(*until)
                )?;
                let besides = variable.as_ref().map(|name| format!(", or as long as {name} is set"));
                formatter.write_str(&besides.unwrap_or_default())
            }
            Self::No { after, cure, variable } => {
                match variable {
                    Some(name) => write!(formatter, "only as long as {name} is set: without it, ")?,
                    None => formatter.write_str("no: ")?,
                }
                match after {
                    Some(after) => {
                        write!(formatter, "after {} somebody has to log in again; {cure}", shown(*after))
                    }
                    None => write!(formatter, "somebody has to log in; {cure}"),
                }
            }
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
