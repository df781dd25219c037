//! What Contact Center keeps: the account's subscriptions, and the tokens that were handed out.
//!
//! Memory only, with the time passed in; `store` keeps it on disk.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::subscription::Subscription;
use super::wish::Scopes;
use crate::sandbox::timestamp::Timestamp;
use crate::secret::Secret;

/// How long a token is worth something: always this long (specs/contact-center.md §1).
pub(super) const LIFETIME: TimeDelta = TimeDelta::seconds(7200);

/// How many tokens are kept at most; then the oldest goes. On a clock that stands still none expires.
const MOST: usize = 1000;

/// Subscriptions and tokens, oldest first.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::sandbox) struct Book {
    pub(super) subscriptions: Vec<Subscription>,
    tokens: Vec<Token>,
    /// What deliveries go by for a while yet, although it has been changed since; of one subscription the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    former: Vec<Former>,
}

/// What a subscription was before a change.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Former {
    id: String,
    /// None: it was not there.
    was: Option<Subscription>,
    until: Timestamp,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    #[serde(serialize_with = "in_clear")]
    value: Secret,
    scopes: Scopes,
    expires_at: Timestamp,
}

fn in_clear<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    secret.reveal().serialize(serializer)
}

impl Book {
    /// What a newcomer finds: one that delivers, and one that is paused. Nothing of the sandbox reaches their hosts.
    pub(in crate::sandbox) fn demo() -> Self {
        let demo = |id: &str, name: &str, url: &str, events: &[&str], enabled| Subscription {
            id: id.to_owned(),
            name: name.to_owned(),
            url: url.to_owned(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            enabled,
            secret: Secret::new("dndoLXNhbmRib3gtZGVtby1rZXktMzItYnl0ZXMtLS0="),
        };
        let subscriptions = vec![
            demo(
                "2ZaQ7mXc0LrT4vNbY8eHkJ1pWsD",
                "CRM bridge",
                "https://crm.example.com/hooks/contact-center",
                &["agent.presencechanged.v1", "channel.*.v1"],
                true,
            ),
            demo(
                "2ZbR5kWq9TfU3xMcZ7gJiL0oVrE",
                "Wallboard",
                "https://wallboard.example.com/vcc",
                &["agent.*"],
                false,
            ),
        ];
        Self { subscriptions, ..Self::default() }
    }

    /// A new token that is good for `scopes`.
    pub(super) fn issue(&mut self, scopes: Scopes, now: Timestamp) -> Secret {
        self.tokens.retain(|token| token.expires_at > now);
        let surplus = (self.tokens.len() + 1).saturating_sub(MOST);
        self.tokens.drain(..surplus);
        let value = Secret::new(Uuid::new_v4().simple().to_string());
        self.tokens.push(Token { value: value.clone(), scopes, expires_at: now.plus(LIFETIME) });
        value
    }

    /// What `token` is good for; none when it was never handed out, or has expired.
    pub(super) fn scopes(&self, token: &str, now: Timestamp) -> Option<Scopes> {
        let is_meant = |held: &&Token| held.expires_at > now && held.value.reveal() == token;
        self.tokens.iter().find(is_meant).map(|token| token.scopes)
    }

    /// Forgets every token.
    pub(in crate::sandbox) fn revoke(&mut self) {
        self.tokens.clear();
    }

    /// How many tokens are worth something.
    pub(in crate::sandbox) fn live(&self, now: Timestamp) -> usize {
        self.tokens.iter().filter(|token| token.expires_at > now).count()
    }

    /// How many subscriptions there are.
    pub(in crate::sandbox) fn count(&self) -> usize {
        self.subscriptions.len()
    }

    /// The subscription with this id, compared exactly.
    pub(super) fn find(&mut self, id: &str) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|subscription| subscription.id == id)
    }

    /// Whether another subscription than `id` has this name.
    pub(super) fn is_taken(&self, name: &str, id: &str) -> bool {
        self.subscriptions.iter().any(|other| other.name == name && other.id != id)
    }

    /// Removes the subscription with this id, and gives it.
    pub(super) fn remove(&mut self, id: &str) -> Option<Subscription> {
        let position = self.subscriptions.iter().position(|subscription| subscription.id == id)?;
        Some(self.subscriptions.remove(position))
    }

    /// The subscription `id` has been changed `now`: until `until` deliveries go by what it `was`, none for a new one.
    pub(super) fn changed(&mut self, id: &str, was: Option<Subscription>, now: Timestamp, until: Timestamp) {
        self.former.retain(|former| former.until > now);
        if until > now {
            self.former.push(Former { id: id.to_owned(), was, until });
        }
    }

    /// The subscriptions as deliveries go by them.
    pub(super) fn in_effect(&self, now: Timestamp) -> Vec<&Subscription> {
        let mut former: Vec<&Former> = Vec::new();
        for one in self.former.iter().filter(|one| one.until > now) {
            if former.iter().all(|other| other.id != one.id) {
                former.push(one);
            }
        }
        let is_as_it_is =
            |subscription: &&Subscription| former.iter().all(|other| other.id != subscription.id);
        let current = self.subscriptions.iter().filter(is_as_it_is);
        current.chain(former.iter().filter_map(|former| former.was.as_ref())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::timestamp::tests::at;

    #[test]
    fn a_token_lasts_two_hours_and_not_longer() {
        let now = at("2026-01-05T08:30:00Z");
        let mut book = Book::default();
        let token = book.issue(Scopes { read: true, write: false }, now);
        let last = now.plus(LIFETIME).plus(TimeDelta::milliseconds(-1));
        assert_eq!(book.scopes(token.reveal(), last), Some(Scopes { read: true, write: false }));
        assert_eq!(book.scopes(token.reveal(), now.plus(LIFETIME)), None);
        assert_eq!((book.live(last), book.live(now.plus(LIFETIME))), (1, 0));
        book.revoke();
        assert_eq!(book.scopes(token.reveal(), now), None);
    }

    #[test]
    fn the_oldest_tokens_go_where_none_expires() {
        let now = at("2026-01-05T08:30:00Z");
        let mut book = Book::default();
        let first = book.issue(Scopes::default(), now);
        for _ in 0..MOST {
            book.issue(Scopes::default(), now);
        }
        assert_eq!((book.tokens.len(), book.scopes(first.reveal(), now)), (MOST, None));
    }
}
