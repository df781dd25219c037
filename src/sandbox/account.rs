//! The webhooks of the sandbox's one account, and what may be done to them.
//!
//! Memory only, with the time passed in; `store` keeps it on disk.

use super::registration::Registration;
use super::timestamp::Timestamp;

/// All registrations, oldest first. Every function first removes what is past its `purgeAt`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Account {
    webhooks: Vec<Registration>,
}

impl Account {
    /// An account that holds `webhooks`.
    pub(super) fn new(webhooks: Vec<Registration>) -> Self {
        Self { webhooks }
    }

    /// Every registration, live, failed or expired.
    pub(super) fn webhooks(&mut self, now: Timestamp) -> &[Registration] {
        self.purge(now);
        &self.webhooks
    }

    /// What would be left at `now`, for the state file.
    pub(super) fn kept(&self, now: Timestamp) -> Vec<&Registration> {
        self.webhooks.iter().filter(|webhook| webhook.purge_at > now).collect()
    }

    /// The registration with this id, compared exactly.
    pub(super) fn find(&mut self, id: &str, now: Timestamp) -> Option<&mut Registration> {
        self.purge(now);
        self.webhooks.iter_mut().find(|webhook| webhook.id == id)
    }

    /// Adds a registration. One with an equal url makes a second row (specs/vis.md §12 row 2).
    pub(super) fn add(&mut self, webhook: Registration) {
        self.webhooks.push(webhook);
    }

    /// Removes the registration with this id, for good; false when there is none.
    pub(super) fn remove(&mut self, id: &str, now: Timestamp) -> bool {
        self.purge(now);
        let before = self.webhooks.len();
        self.webhooks.retain(|webhook| webhook.id != id);
        self.webhooks.len() < before
    }

    fn purge(&mut self, now: Timestamp) {
        self.webhooks.retain(|webhook| webhook.purge_at > now);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::registration::Life;
    use super::super::timestamp::tests::at;
    use super::*;

    fn usual() -> Life {
        crate::sandbox::Options::default().life()
    }

    fn account(now: Timestamp) -> Account {
        let url = "https://a.example/".to_owned();
        let webhook = |id: &str| Registration::new(id.to_owned(), url.clone(), now, usual());
        let mut account = Account::default();
        account.add(webhook("one"));
        account.add(webhook("two"));
        account
    }

    #[test]
    fn removes_once_and_exactly() {
        let now = at("2024-03-01T09:00:00Z");
        let mut account = account(now);
        assert!(!account.remove("ONE", now));
        assert!(account.remove("one", now));
        assert!(!account.remove("one", now));
        assert_eq!(account.webhooks(now).len(), 1);
    }

    #[test]
    fn keeps_what_expired_until_it_is_purged() {
        let now = at("2024-03-01T09:00:00Z");
        let mut account = account(now);
        let purge = account.find("one", now).unwrap().purge_at;
        assert!(account.find("one", purge.plus(TimeDelta::milliseconds(-1))).is_some());
        account.find("two", now).unwrap().renew(now.plus(TimeDelta::days(1)), usual());
        assert!(account.find("one", purge).is_none());
        assert_eq!(account.webhooks(purge).len(), 1, "the renewed one lives a day longer");
    }
}
