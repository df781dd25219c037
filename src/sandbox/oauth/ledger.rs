//! Everything the token endpoint handed out, and until when it is worth something.
//!
//! Memory only, with the time passed in; `store` keeps it on disk. Each change first forgets what has expired.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::super::timestamp::Timestamp;
use super::pkce;
use super::refusal::Refusal;
use crate::secret::Secret;

/// How long a code waits for its exchange: RFC 6749 §4.1.2 wants it short.
const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// How many tokens, and how many codes, are kept at most; then the oldest goes. On a clock that stands still nothing
/// expires, and the state file has to stay small all the same.
const MOST: usize = 1000;

/// Tokens and codes, oldest first.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::sandbox) struct Ledger {
    tokens: Vec<Token>,
    codes: Vec<Code>,
}

/// How long what is handed out lives, in sandbox time.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox) struct Lifetimes {
    pub(in crate::sandbox) access: TimeDelta,
    pub(in crate::sandbox) refresh: TimeDelta,
}

/// Who an access token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Bearer {
    /// The user, whose webhooks there are.
    User,
    /// The client alone: the service finds no claims in such a token (specs/vis.md §2).
    Client,
}

/// What a token was asked for with; the service takes either (specs/vis.md §2).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    OpenId,
    Default,
}

/// What comes of a grant.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) scope: Scope,
    pub(super) lifetime: TimeDelta,
}

/// A code that comes back to be exchanged.
pub(super) struct Presented<'request> {
    pub(super) code: &'request str,
    pub(super) redirect_uri: &'request str,
    pub(super) verifier: Option<&'request str>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    #[serde(serialize_with = "in_clear")]
    value: Secret,
    kind: Kind,
    scope: Scope,
    expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    UserAccess,
    ClientAccess,
    Refresh,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Code {
    #[serde(serialize_with = "in_clear")]
    value: Secret,
    redirect_uri: String,
    /// S256, when the authorise request had one.
    challenge: Option<String>,
    scope: Scope,
    /// Kept until it expires, so that a second use is told from an invented code.
    is_used: bool,
    expires_at: Timestamp,
}

fn in_clear<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    secret.reveal().serialize(serializer)
}

impl Scope {
    /// The scope that comes of the one asked for, a list with blanks between.
    pub(super) fn of(wish: Option<&str>) -> Self {
        let is_open_id = wish.unwrap_or_default().split(' ').any(|scope| scope == "openid");
        if is_open_id { Self::OpenId } else { Self::Default }
    }

    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Default => "default",
        }
    }
}

impl Ledger {
    /// An access token and a refresh token for the user.
    pub(super) fn issue_to_user(&mut self, scope: Scope, lifetimes: Lifetimes, now: Timestamp) -> Issued {
        self.prune(now);
        let access = self.hand_out(Kind::UserAccess, scope, now.plus(lifetimes.access));
        let refresh = self.hand_out(Kind::Refresh, scope, now.plus(lifetimes.refresh));
        Issued { access, refresh: Some(refresh), scope, lifetime: lifetimes.access }
    }

    /// An access token for the client, which cannot be refreshed (RFC 6749 §4.4.3).
    pub(super) fn issue_to_client(&mut self, lifetimes: Lifetimes, now: Timestamp) -> Issued {
        self.prune(now);
        let scope = Scope::Default;
        let access = self.hand_out(Kind::ClientAccess, scope, now.plus(lifetimes.access));
        Issued { access, refresh: None, scope, lifetime: lifetimes.access }
    }

    /// A new pair for a refresh token, which is worth nothing from then on; none when it is unknown, used or expired.
    ///
    /// The access token of the old pair lives on: what the service does with it is not known (specs/vis.md §2).
    pub(super) fn refresh(&mut self, token: &str, lifetimes: Lifetimes, now: Timestamp) -> Option<Issued> {
        self.prune(now);
        let is_meant = |held: &Token| held.kind == Kind::Refresh && held.value.reveal() == token;
        let old = self.tokens.iter().position(is_meant)?;
        let scope = self.tokens.remove(old).scope;
        Some(self.issue_to_user(scope, lifetimes, now))
    }

    /// A code that the user comes back with, to `redirect_uri`.
    pub(super) fn issue_code(
        &mut self,
        redirect_uri: String,
        challenge: Option<String>,
        scope: Scope,
        now: Timestamp,
    ) -> Secret {
        self.prune(now);
        let code = fresh();
        let expires_at = now.plus(CODE_LIFETIME);
        self.codes.push(Code {
            value: code.clone(),
            redirect_uri,
            challenge,
            scope,
            is_used: false,
            expires_at,
        });
        drop_oldest(&mut self.codes);
        code
    }

    /// A pair for a code. Whatever comes of it, the code is used then.
    pub(super) fn redeem(
        &mut self,
        presented: &Presented<'_>,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<Issued, Refusal> {
        let refuse = |what: &str| {
            Err(Refusal::invalid_grant(format!("{what} authorization code received from token request")))
        };
        let Some(held) = self.codes.iter_mut().find(|held| held.value.reveal() == presented.code) else {
            return refuse("Invalid");
        };
        if held.expires_at <= now {
            return refuse("Expired or Revoked");
        }
        if std::mem::replace(&mut held.is_used, true) {
            return refuse("Inactive");
        }
        held.judge(presented)?;
        let scope = held.scope;
        Ok(self.issue_to_user(scope, lifetimes, now))
    }

    /// Who the live access token `token` speaks for.
    pub(in crate::sandbox) fn bearer(&self, token: &str, now: Timestamp) -> Option<Bearer> {
        let held = self.tokens.iter().find(|held| held.value.reveal() == token && held.expires_at > now)?;
        match held.kind {
            Kind::UserAccess => Some(Bearer::User),
            Kind::ClientAccess => Some(Bearer::Client),
            Kind::Refresh => None,
        }
    }

    /// How many access tokens are live.
    pub(in crate::sandbox) fn live(&self, now: Timestamp) -> usize {
        self.tokens.iter().filter(|held| held.kind != Kind::Refresh && held.expires_at > now).count()
    }

    /// Makes every token worthless, of either kind.
    pub(in crate::sandbox) fn revoke(&mut self) {
        self.tokens.clear();
    }

    /// What would be left at `now`, for the state file.
    pub(in crate::sandbox) fn kept(&self, now: Timestamp) -> Self {
        let mut kept = self.clone();
        kept.prune(now);
        kept
    }

    fn hand_out(&mut self, kind: Kind, scope: Scope, expires_at: Timestamp) -> Secret {
        let token = fresh();
        self.tokens.push(Token { value: token.clone(), kind, scope, expires_at });
        drop_oldest(&mut self.tokens);
        token
    }

    fn prune(&mut self, now: Timestamp) {
        self.tokens.retain(|held| held.expires_at > now);
        self.codes.retain(|held| held.expires_at > now);
    }
}

impl Code {
    /// Whether it came back from where it was sent, with the proof that was promised.
    fn judge(&self, presented: &Presented<'_>) -> Result<(), Refusal> {
        if self.redirect_uri != presented.redirect_uri {
            return Err(Refusal::invalid_grant("Callback url mismatch"));
        }
        let is_proven = match (&self.challenge, presented.verifier) {
            (None, None) => true,
            (Some(challenge), Some(verifier)) => pkce::fits(verifier, challenge),
            // A proof of nothing was meant for another authorise request (RFC 9700 §4.8.2).
            _ => false,
        };
        if is_proven { Ok(()) } else { Err(Refusal::invalid_grant("PKCE validation failed")) }
    }
}

fn drop_oldest<T>(list: &mut Vec<T>) {
    if list.len() > MOST {
        list.remove(0);
    }
}

/// A token as the service gave them before 2024 (specs/vis.md §2).
fn fresh() -> Secret {
    Secret::new(Uuid::new_v4().to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::timestamp::tests::at;
    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes { access: TimeDelta::hours(24), refresh: TimeDelta::days(7) };

    fn start() -> Timestamp {
        at("2024-03-01T09:00:00Z")
    }

    fn refresh_of(issued: &Issued) -> String {
        issued.refresh.as_ref().unwrap().reveal().to_owned()
    }

    #[test]
    fn an_access_token_lives_until_its_last_millisecond() {
        let mut ledger = Ledger::default();
        let user = ledger.issue_to_user(Scope::Default, LIFETIMES, start());
        let client = ledger.issue_to_client(LIFETIMES, start());
        let end = start().plus(LIFETIMES.access);
        let last = end.plus(TimeDelta::milliseconds(-1));
        assert_eq!(ledger.bearer(user.access.reveal(), last), Some(Bearer::User));
        assert_eq!(ledger.bearer(client.access.reveal(), last), Some(Bearer::Client));
        assert_eq!(
            (ledger.bearer(user.access.reveal(), end), ledger.live(last), ledger.live(end)),
            (None, 2, 0)
        );
        assert_eq!(ledger.bearer(&refresh_of(&user), start()), None, "a refresh token opens nothing");
    }

    #[test]
    fn a_refresh_token_is_good_once_and_keeps_the_scope() {
        let mut ledger = Ledger::default();
        let first = ledger.issue_to_user(Scope::OpenId, LIFETIMES, start());
        assert!(
            ledger.refresh(first.access.reveal(), LIFETIMES, start()).is_none(),
            "it is no refresh token"
        );
        let second = ledger.refresh(&refresh_of(&first), LIFETIMES, start()).unwrap();
        assert_eq!(second.scope, Scope::OpenId);
        assert!(ledger.refresh(&refresh_of(&first), LIFETIMES, start()).is_none());
        assert_eq!(ledger.live(start()), 2, "the old access token lives on");
        let late = start().plus(LIFETIMES.refresh);
        assert!(ledger.refresh(&refresh_of(&second), LIFETIMES, late).is_none());
    }

    #[test]
    fn a_code_lives_five_minutes() {
        let mut ledger = Ledger::default();
        let code = ledger.issue_code("http://localhost/".to_owned(), None, Scope::Default, start());
        let presented = Presented { code: code.reveal(), redirect_uri: "http://localhost/", verifier: None };
        let late = ledger.redeem(&presented, LIFETIMES, start().plus(CODE_LIFETIME)).unwrap_err();
        assert_eq!(late.description, "Expired or Revoked authorization code received from token request");
        assert!(ledger.redeem(&presented, LIFETIMES, start().plus(TimeDelta::seconds(299))).is_ok());
    }

    #[test]
    fn the_state_file_stays_small() {
        let mut ledger = Ledger::default();
        let first = ledger.issue_to_user(Scope::Default, LIFETIMES, start());
        for _ in 0..MOST {
            ledger.issue_to_client(LIFETIMES, start());
            ledger.issue_code(String::new(), None, Scope::Default, start());
        }
        assert_eq!((ledger.tokens.len(), ledger.codes.len()), (MOST, MOST));
        assert_eq!(ledger.bearer(first.access.reveal(), start()), None);
        let kept = ledger.kept(start().plus(LIFETIMES.access));
        assert_eq!((kept.tokens.len(), kept.codes.len()), (0, 0));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut ledger = Ledger::default();
        let issued = ledger.issue_to_user(Scope::OpenId, LIFETIMES, start());
        ledger.issue_code("http://localhost/".to_owned(), Some("x".to_owned()), Scope::Default, start());
        let written = serde_json::to_string(&ledger).unwrap();
        assert!(
            written
                .contains(r#""kind":"userAccess","scope":"openid","expiresAt":"2024-03-02T09:00:00.000Z""#)
        );
        let mut read: Ledger = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert!(read.refresh(&refresh_of(&issued), LIFETIMES, start()).is_some());
        assert!(!format!("{ledger:?}").contains(issued.access.reveal()));
    }

    proptest! {
        /// Whoever refreshes in whatever order with whatever old tokens: one refresh token works, the last.
        #[test]
        fn one_refresh_token_of_a_login_is_good_at_any_time(choices in prop::collection::vec(any::<prop::sample::Index>(), 1..30)) {
            let mut ledger = Ledger::default();
            let mut seen = vec![refresh_of(&ledger.issue_to_user(Scope::Default, LIFETIMES, start()))];
            for choice in choices {
                let index = choice.index(seen.len());
                let next = ledger.refresh(&seen[index], LIFETIMES, start());
                prop_assert_eq!(next.is_some(), index == seen.len() - 1);
                seen.extend(next.iter().map(refresh_of));
            }
        }
    }
}
