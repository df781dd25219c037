//! The account that a newcomer finds: eight webhooks, one for each thing that can be the matter with a webhook, and the
//! calls of the last days, of which the failed ones missed some.
//!
//! Ids and urls are fixed, so that documentation can show them; times are relative to the moment the account is made.

use chrono::TimeDelta;

use super::contact_center::book::Book;
use super::events::EventLog;
use super::options::Options;
use super::registration::{ACCOUNT_ID, Life, Registration, Statistics, USER_ID};
use super::timestamp::Timestamp;
use crate::secret::Secret;
use crate::services::vis::delivery::scenario::{Call, Scenario};

/// An upstream's HTML error page as the service keeps it: the first 200 characters, then the size (specs/vis.md §4).
const HTML_ERROR: &str = "500 INTERNAL SERVER ERROR: [<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n\
    <html>\n  <head>\n    <title>KeyError: 'answerTime' // Billing Debugger</title>\n    \
    <link rel=\"stylesheet\" href=\"/static/debug/style.css\" type=\"te... (19777 bytes)]";

/// What a proxy without a living backend says.
const UPSTREAM_ERROR: &str = "503 Service Unavailable: [upstream connect error or disconnect/reset before headers. reset reason: connection failure]";

/// What a sandbox starts with.
#[derive(Debug, Default)]
pub(super) struct Demo {
    pub(super) webhooks: Vec<Registration>,
    pub(super) contact_center: Book,
    pub(super) events: EventLog,
}

impl Demo {
    /// The demo account as made at `now`, or an empty one.
    pub(super) fn new(is_empty: bool, now: Timestamp) -> Self {
        if is_empty {
            return Self::default();
        }
        Self { webhooks: webhooks(now), contact_center: Book::demo(), events: events(now) }
    }
}

/// How the calls went, and how many seconds ago each began. Where a webhook was delivered to for the last time, the end of
/// a call is that old; where one failed, the first attempt was 50 seconds before.
const CALLS: [(Scenario, i64); 12] = [
    // The expired one got the end of this.
    (Scenario::InboundAnswered, 49 * HOUR + ANSWERED),
    (Scenario::InboundMissed, 33 * HOUR),
    // The broken one got the end of this, and gave up at the beginning of the next.
    (Scenario::InboundAnswered, 31 * HOUR + ANSWERED),
    (Scenario::OutboundAnswered, 26 * HOUR + EXHAUSTED),
    (Scenario::Held, 22 * HOUR),
    (Scenario::InboundRejected, 9 * HOUR),
    (Scenario::OutboundCancelled, 6 * HOUR),
    (Scenario::InboundMissed, 3 * HOUR),
    // The unavailable one got the end of this, and gave up at the beginning of the next.
    (Scenario::InboundAnswered, 152 * MINUTE + ANSWERED),
    (Scenario::InboundMissed, 125 * MINUTE + EXHAUSTED),
    (Scenario::OutboundAnswered, 58 * MINUTE),
    // The well ones got the end of this.
    (Scenario::InboundAnswered, 4 * MINUTE + ANSWERED),
];

const HOUR: i64 = 60 * MINUTE;
const MINUTE: i64 = 60;
/// How long an answered call lasts.
const ANSWERED: i64 = 36;
/// How long it takes to give up on who refuses at once.
const EXHAUSTED: i64 = 50;

/// The calls of the demo account as made at `now`.
fn events(now: Timestamp) -> EventLog {
    let mut log = EventLog::default();
    for (scenario, ago) in CALLS {
        let call = Call {
            scenario,
            id: log.take_call_id(),
            account_id: ACCOUNT_ID.to_string(),
            user_id: USER_ID.to_string(),
            start: now.plus(TimeDelta::seconds(-ago)).utc(),
        };
        for (_, event) in call.events() {
            log.record(&event);
        }
    }
    log
}

/// The webhooks of the demo account as made at `now`: two failed, one expired, one expiring, one idle, three well.
fn webhooks(now: Timestamp) -> Vec<Registration> {
    let demo = Webhooks { now };
    vec![
        demo.signed_in_header(),
        demo.signed_in_body(),
        demo.key_that_never_travels(),
        demo.unavailable(),
        demo.broken(),
        demo.expiring(),
        demo.expired(),
        demo.idle(),
    ]
}

/// The demo account is the same whatever the sandbox was asked for.
fn usual() -> Life {
    Options::default().life()
}

struct Webhooks {
    now: Timestamp,
}

impl Webhooks {
    fn ago(&self, span: TimeDelta) -> Timestamp {
        self.now.plus(-span)
    }

    fn made(&self, id: &str, url: &str, age: TimeDelta) -> Registration {
        Registration::new(id.to_owned(), url.to_owned(), self.ago(age), usual())
    }

    fn delivered(&self, count: i64, last: TimeDelta) -> Statistics {
        let last_success = Some(self.ago(last));
        Statistics { total_attempts: count, total_successes: count, last_success, ..Statistics::default() }
    }

    fn signed_in_header(&self) -> Registration {
        let mut webhook = self.made(
            "3f6c1a52-8d0e-4b7a-9c31-5e2f7a90b1c4",
            "https://crm.example.com/vonage/calls",
            TimeDelta::days(19),
        );
        webhook.renew(self.ago(TimeDelta::days(2)), usual());
        webhook.statistics = self.delivered(1284, TimeDelta::minutes(4));
        sign(webhook, "9b1f0c6d7e2a4835b6c1d09e8f7a6b5c4d3e2f10a9b8c7d6e5f4a3b2c1d0e9f8", "HEADER")
    }

    fn signed_in_body(&self) -> Registration {
        let mut webhook = self.made(
            "a47e90d3-2b6f-4c18-8e55-1d3b9f06c7e2",
            "https://warehouse.example.com/ingest/calls",
            TimeDelta::days(4),
        );
        webhook.statistics = self.delivered(337, TimeDelta::minutes(4));
        sign(webhook, "e3d2c1b0a9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a3f2e1d0c9b8", "BODY")
    }

    /// The mistake of every tutorial: a key with policy `NONE` signs nothing (specs/vis.md §5).
    fn key_that_never_travels(&self) -> Registration {
        let mut webhook = self.made(
            "c08b5e17-94a2-4f3d-b7c6-82e41a5d90f3",
            "https://wallboard.example.com/events",
            TimeDelta::days(5),
        );
        webhook.statistics = self.delivered(512, TimeDelta::minutes(11));
        sign(webhook, "5c8e1f7a2b9d4063c7a1e5f8b2d6094e3a7c1f5b8d2e6094a3c7e1f5b8d2a609", "NONE")
    }

    fn unavailable(&self) -> Registration {
        let mut webhook = self.made(
            "d91f4b68-0c37-4e92-a5d8-6b7c20e3f914",
            "https://support.example.com/hooks/vonage",
            TimeDelta::days(3),
        );
        let last_success = TimeDelta::minutes(152);
        webhook.statistics = Statistics {
            total_attempts: 96,
            total_failures: 1,
            total_successes: 95,
            failed: true,
            last_failure: Some(self.ago(TimeDelta::minutes(125))),
            last_http_error_code: Some("503 SERVICE_UNAVAILABLE".to_owned()),
            last_error_message: Some(UPSTREAM_ERROR.to_owned()),
            ..self.delivered(95, last_success)
        };
        webhook
    }

    fn broken(&self) -> Registration {
        let mut webhook = self.made(
            "e52a7c09-6f41-4d8b-93e7-f0b58c1d2a36",
            "https://billing.example.com/call-events",
            TimeDelta::days(6),
        );
        webhook.statistics = Statistics {
            total_attempts: 8,
            total_failures: 3,
            total_successes: 5,
            failed: true,
            last_failure: Some(self.ago(TimeDelta::hours(26))),
            last_http_error_code: Some("500 INTERNAL_SERVER_ERROR".to_owned()),
            last_error_message: Some(HTML_ERROR.to_owned()),
            ..self.delivered(5, TimeDelta::hours(31))
        };
        webhook
    }

    fn expiring(&self) -> Registration {
        let age = TimeDelta::days(10) - TimeDelta::hours(31);
        let mut webhook =
            self.made("6b30d8f5-e14c-47a9-8f02-9ac7516e4bd0", "https://reports.example.com/vis", age);
        webhook.statistics = self.delivered(208, TimeDelta::minutes(38));
        webhook
    }

    fn expired(&self) -> Registration {
        let mut webhook = self.made(
            "7e19c4a0-53bd-4681-bd2f-04e8a7f6915c",
            "https://dialer.example.com/callbacks/vonage",
            TimeDelta::days(12),
        );
        webhook.statistics = self.delivered(641, TimeDelta::hours(49));
        webhook
    }

    fn idle(&self) -> Registration {
        self.made(
            "84d2f6b7-1a95-4c0e-a263-c95b3e70d8f1",
            "https://staging.example.com/vonage",
            TimeDelta::hours(20),
        )
    }
}

fn sign(mut webhook: Registration, key: &str, policy: &str) -> Registration {
    "HMAC_SHA256".clone_into(&mut webhook.signing_algo);
    webhook.signing_key = Some(Secret::new(key));
    policy.clone_into(&mut webhook.metadata_policy);
    webhook
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::timestamp::EventTime;
    use super::super::timestamp::tests::at;
    use super::*;

    #[test]
    fn shows_each_trouble_as_often_as_promised() {
        let now = at("2024-03-01T09:00:00Z");
        let soon = now.plus(TimeDelta::hours(48));
        let demo = webhooks(now);
        let count = |is: &dyn Fn(&Registration) -> bool| demo.iter().filter(|webhook| is(webhook)).count();
        let is_well = |webhook: &Registration| !webhook.statistics.failed && webhook.expire_at > soon;
        assert_eq!(demo.len(), 8);
        assert_eq!(count(&|webhook| webhook.statistics.failed), 2);
        assert_eq!(count(&|webhook| webhook.expire_at <= now), 1);
        assert_eq!(count(&|webhook| webhook.expire_at > now && webhook.expire_at <= soon), 1);
        assert_eq!(count(&|webhook| is_well(webhook) && webhook.statistics.total_attempts == 0), 1);
        assert_eq!(count(&|webhook| is_well(webhook) && webhook.statistics.total_attempts > 0), 3);
    }

    #[test]
    fn is_a_believable_account() {
        let now = at("2024-03-01T09:00:00Z");
        let demo = webhooks(now);
        let ids: HashSet<&str> = demo.iter().map(|webhook| &webhook.id[..4]).collect();
        assert_eq!(ids.len(), 8, "a prefix of four characters names one");
        for webhook in &demo {
            let statistics = &webhook.statistics;
            assert_eq!(statistics.total_attempts, statistics.total_successes + statistics.total_failures);
            assert!(webhook.created_at < now && webhook.purge_at > now);
            let last = statistics.last_success.max(statistics.last_failure);
            assert!(
                last.is_none_or(|last| last < now.min(webhook.expire_at) && last > webhook.created_at),
                "{}",
                webhook.url
            );
            assert!(
                webhook.renewed_at < last || webhook.renewed_at.is_none(),
                "renewed, but not seen to work since"
            );
        }
    }

    #[test]
    fn the_failed_ones_missed_some_of_what_happened() {
        let now = at("2024-03-01T09:00:00Z");
        let (webhooks, log) = (webhooks(now), events(now));
        assert_eq!(log.rows().len(), 47);
        let rows = serde_json::to_value(log.rows()).unwrap();
        let moment = |row: &serde_json::Value| {
            let last =
                ["endTime", "answerTime", "startTime"].iter().find_map(|name| row[name].as_str()).unwrap();
            EventTime::try_from(last.to_owned()).unwrap().0
        };
        let missed_by = |url: &str| {
            let webhook = webhooks.iter().find(|webhook| webhook.url.contains(url)).unwrap();
            let since = webhook.statistics.last_success.unwrap();
            rows.as_array().unwrap().iter().filter(|row| moment(row) > since).count()
        };
        assert_eq!((missed_by("support"), missed_by("billing"), missed_by("crm")), (11, 36, 0));
        assert!(rows.as_array().unwrap().iter().all(|row| moment(row) < now));
    }

    #[test]
    fn keeps_two_hundred_characters_of_an_error_page() {
        let page = HTML_ERROR.strip_prefix("500 INTERNAL SERVER ERROR: [").unwrap();
        assert_eq!(page.strip_suffix("... (19777 bytes)]").unwrap().chars().count(), 200);
    }
}
