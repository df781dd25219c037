//! What a sign-in left behind: one private file a profile, `credentials/PROFILE.json` in the state directory.
//!
//! It is bound to the addresses, the client and the user that it was made for, and holds no password. Deciding what to do
//! with it is `keeper`'s.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, Serializer};

use super::id_token;
use super::past::{History, Past};
use super::reply::Granted;
use super::sign_in::SignIn;
use crate::files::{self, FileError, Lock};
use crate::limits::Limits;
use crate::secret::Secret;

/// The shape that this version writes, and the newest it reads.
const VERSION: u32 = 1;

/// A token that ends sooner than this may end on its way.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// How long a refresh token lasts that nobody uses, where the service does not say (vis §2).
const REFRESH_LIFE: TimeDelta = TimeDelta::days(7);

/// The file of one profile.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// It does not hold what vwh writes.
    #[error("{} is not what vwh wrote there", .0.display())]
    Broken(PathBuf),
    /// It is of a later version.
    #[error("{} was written by a newer vwh", .0.display())]
    Newer(PathBuf),
}

/// The file's content.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Credentials {
    version: u32,
    /// Where the access token may be sent.
    pub base_url: String,
    /// Where the refresh token may be sent.
    pub token_url: String,
    /// The application.
    pub client_id: Option<String>,
    /// Who signed in with a password.
    pub username: Option<String>,
    /// Who the service's `id_token` says signed in through a browser: to compare and to show, and for nothing else.
    pub claimed_user: Option<String>,
    /// Whom the configuration named when somebody signed in through a browser. It stands for the user where the service
    /// does not say who that was.
    pub expected_user: Option<String>,
    /// The access token.
    #[serde(serialize_with = "revealed")]
    pub access_token: Option<Secret>,
    /// When it came, by this machine's clock.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it ends, by this machine's clock.
    pub expires_at: Option<DateTime<Utc>>,
    /// The refresh token: good for one use.
    #[serde(serialize_with = "revealed")]
    pub refresh_token: Option<Secret>,
    /// When it ends if nobody uses it, by this machine's clock.
    pub refresh_expires_at: Option<DateTime<Utc>>,
    /// The client secret, where login was told it and the configuration does not name it.
    #[serde(serialize_with = "revealed")]
    pub client_secret: Option<Secret>,
    /// How signing in went before, also for other users and addresses.
    pub past: History,
}

impl Credentials {
    /// Nothing yet, bound to what `sign_in` names.
    #[must_use]
    pub fn bound_to(sign_in: &SignIn) -> Self {
        Self {
            version: VERSION,
            base_url: sign_in.base(),
            token_url: sign_in.token_url.to_string(),
            client_id: sign_in.client_id.clone(),
            username: sign_in.username.clone(),
            ..Self::default()
        }
    }

    /// Nothing but how signing in went.
    #[must_use]
    pub fn of_past(past: History) -> Self {
        Self { version: VERSION, past, ..Self::default() }
    }

    /// What of `stored` is for `sign_in`; how signing in went is for everybody.
    #[must_use]
    pub fn for_sign_in(stored: Option<Self>, sign_in: &SignIn) -> Self {
        match stored {
            Some(stored) if !stored.is_bare() && stored.strangeness(sign_in).is_none() => stored,
            stored => Self { past: stored.unwrap_or_default().past, ..Self::bound_to(sign_in) },
        }
    }

    /// Whether it holds no sign-in: `logout` leaves such a one.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.base_url.is_empty()
    }

    /// Who signed in, as far as anybody says.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.username.as_deref().or(self.claimed_user.as_deref())
    }

    /// How signing in to `sign_in` with a password went.
    #[must_use]
    pub fn past_of(&self, sign_in: &SignIn) -> Past {
        let username = sign_in.username.as_deref().or(self.username.as_deref());
        self.past.of(username, sign_in.token_url.as_str())
    }

    /// What of the binding is not what `sign_in` names, as a sentence goes on; `None` if nothing.
    #[must_use]
    pub fn strangeness(&self, sign_in: &SignIn) -> Option<String> {
        let differs = |named: Option<&str>, bound: Option<&str>| named.is_some() && named != bound;
        // Somebody whom nobody names may be the one that the configuration has come to name since.
        let user = self.user().or(self.expected_user.as_deref());
        if self.is_bare() {
            None
        } else if self.base_url != sign_in.base() {
            Some(format!("for {}", self.base_url))
        } else if self.token_url != sign_in.token_url.as_str() {
            Some(format!("at {}", self.token_url))
        } else if differs(sign_in.client_id.as_deref(), self.client_id.as_deref()) {
            Some("with another client id".to_owned())
        } else if let (Some(named), Some(user)) = (sign_in.username.as_deref(), user)
            && named != user
            && !(self.username.is_none() && id_token::is_user(user, named))
        {
            Some(format!("as {user}"))
        } else {
            None
        }
    }

    /// The access token, if it lasts long enough to be sent at `now`.
    #[must_use]
    pub fn usable_at(&self, now: DateTime<Utc>) -> Option<&Secret> {
        self.access_token.as_ref().filter(|_| self.stays_usable_until().is_some_and(|until| now < until))
    }

    /// Until when the access token is sent: a minute before its end, or later where its whole life is short.
    #[must_use]
    pub fn stays_usable_until(&self) -> Option<DateTime<Utc>> {
        let (issued, expires) = (self.issued_at?, self.expires_at?);
        Some(expires - LEEWAY.min((expires - issued) / 2).max(TimeDelta::zero()))
    }

    /// Takes in what was granted at `now`.
    pub fn take(&mut self, granted: Granted, now: DateTime<Utc>) {
        let after = |life: TimeDelta| now.checked_add_signed(life);
        self.access_token = Some(granted.access_token);
        self.issued_at = Some(now);
        self.expires_at = after(granted.expires_in);
        if let Some(token) = granted.refresh_token {
            self.refresh_token = Some(token);
            self.refresh_expires_at = after(granted.refresh_expires_in.unwrap_or(REFRESH_LIFE));
        }
    }

    /// Forgets the refresh token, so that it is not sent again, and the access token, which had ended or was refused before
    /// it was needed.
    pub fn drop_tokens(&mut self) {
        self.access_token = None;
        self.expires_at = None;
        self.refresh_token = None;
        self.refresh_expires_at = None;
    }
}

impl Store {
    /// The store in `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// What is stored; `None` if nothing.
    pub fn read(&self) -> Result<Option<Credentials>, StoreError> {
        let Some(content) = files::read_private(&self.path)? else { return Ok(None) };
        let broken = || StoreError::Broken(self.path.clone());
        let credentials: Credentials = serde_json::from_slice(&content).map_err(|_| broken())?;
        match credentials.version {
            VERSION => Ok(Some(credentials)),
            0 => Err(broken()),
            _ => Err(StoreError::Newer(self.path.clone())),
        }
    }

    /// Stores `credentials`: synced when this returns.
    pub fn write(&self, credentials: &Credentials) -> Result<(), FileError> {
        let text = serde_json::to_string_pretty(credentials).map_err(std::io::Error::other)?;
        files::replace(&self.path, format!("{text}\n").as_bytes())
    }

    /// Puts back what was there.
    pub fn restore(&self, before: Option<&Credentials>) -> Result<(), FileError> {
        match before {
            Some(credentials) => self.write(credentials),
            None => self.remove().map(drop),
        }
    }

    /// Removes it all; `false` if there was nothing.
    pub fn remove(&self) -> Result<bool, FileError> {
        files::remove(&self.path)
    }

    /// The lock that whoever changes it holds.
    pub async fn lock(&self, limits: &Limits) -> Result<Lock, FileError> {
        files::lock(&self.path, limits).await
    }
}

#[expect(clippy::ref_option, reason = "serde hands members over like this")]
fn revealed<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::reveal).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

    use super::{Credentials, Granted};
    use crate::secret::Secret;

    fn granted(seconds: i64, refresh_token: Option<&str>) -> Granted {
        Granted {
            access_token: Secret::new("hunter2"),
            expires_in: TimeDelta::seconds(seconds),
            refresh_token: refresh_token.map(Secret::new),
            refresh_expires_in: None,
            claimed_user: None,
        }
    }

    fn life() -> impl Strategy<Value = i64> {
        prop_oneof![Just(1), Just(60), Just(61), Just(86_400), 1_i64..100_000]
    }

    proptest! {
        #[test]
        fn a_new_token_is_usable_and_never_at_its_end(seconds in life(), later in 0_i64..100_000) {
            let mut credentials = Credentials::default();
            let now = DateTime::<Utc>::UNIX_EPOCH;
            credentials.take(granted(seconds, None), now);
            assert!(credentials.usable_at(now).is_some());
            if later >= seconds {
                assert!(credentials.usable_at(now + TimeDelta::seconds(later)).is_none());
            }
        }
    }

    #[test]
    fn a_token_is_sent_until_a_minute_before_its_end() {
        let mut credentials = Credentials::default();
        let now = DateTime::<Utc>::UNIX_EPOCH;
        credentials.take(granted(3_600, Some("first")), now);
        assert!(credentials.usable_at(now + TimeDelta::seconds(3_539)).is_some());
        assert!(credentials.usable_at(now + TimeDelta::seconds(3_540)).is_none());
        // A reply without a refresh token keeps the old one, and its end (RFC 6749 section 6).
        credentials.take(granted(3_600, None), now + TimeDelta::days(1));
        assert_eq!(credentials.refresh_token, Some(Secret::new("first")));
        assert_eq!(credentials.refresh_expires_at, Some(now + TimeDelta::days(7)));
        let shown = format!("{credentials:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("first"), "{shown}");
    }
}
