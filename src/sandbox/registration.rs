//! One webhook registration, as the service sends it and as the state file keeps it (specs/vis.md §4).
//!
//! The sandbox has its own wire types on purpose: were they shared with the client, a wrong member name would agree with
//! itself.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::timestamp::Timestamp;
use crate::secret::Secret;

/// The user who owns everything in the sandbox.
pub(super) const USER_ID: u32 = 9001;
/// The account of that user.
pub(super) const ACCOUNT_ID: u32 = 4711;

/// How long a registration lives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// How long it delivers after it was made or renewed.
    pub(super) expire_after: TimeDelta,
    /// How long it is kept after that.
    pub(super) purge_after: TimeDelta,
}

/// A webhook. Member names and their order are the service's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Registration {
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) account_id: String,
    pub(super) url: String,
    pub(super) status: String,
    pub(super) events: Vec<String>,
    pub(super) signing_algo: String,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "in_clear")]
    pub(super) signing_key: Option<Secret>,
    pub(super) metadata_policy: String,
    pub(super) created_at: Timestamp,
    pub(super) expire_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) renewed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) renewed_by: Option<String>,
    pub(super) purge_at: Timestamp,
    pub(super) statistics: Statistics,
}

/// What became of the deliveries to a webhook (specs/vis.md §7). Signed, so that a test can seed a nonsensical account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Statistics {
    pub(super) total_attempts: i64,
    pub(super) total_successes: i64,
    pub(super) total_failures: i64,
    pub(super) failed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_success: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_failure: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_http_error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_error_message: Option<String>,
}

impl Statistics {
    /// A delivery was decided at `now`: it arrived. What failed stays failed until it is renewed (specs/vis.md §7).
    pub(super) fn succeeded(&mut self, now: Timestamp) {
        self.total_attempts = self.total_attempts.saturating_add(1);
        self.total_successes = self.total_successes.saturating_add(1);
        self.last_success = Some(now);
    }

    /// A delivery was decided at `now`: it was given up, the last attempt with this error. Without a status there is no code,
    /// and an older one would be about another failure.
    pub(super) fn gave_up(&mut self, now: Timestamp, (code, message): (Option<String>, String)) {
        self.total_attempts = self.total_attempts.saturating_add(1);
        self.total_failures = self.total_failures.saturating_add(1);
        self.failed = true;
        self.last_failure = Some(now);
        self.last_http_error_code = code;
        self.last_error_message = Some(message);
    }
}

/// The service echoes the key, and the state file has to keep it: the two places where it is written out.
#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn in_clear<S: Serializer>(key: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(Secret::reveal).serialize(serializer)
}

impl Registration {
    /// A registration just made at `now`: unsigned, never attempted.
    pub(super) fn new(id: String, url: String, now: Timestamp, life: Life) -> Self {
        let expire_at = now.plus(life.expire_after);
        Self {
            id,
            user_id: USER_ID.to_string(),
            account_id: ACCOUNT_ID.to_string(),
            url,
            status: "ACTIVE".to_owned(),
            events: vec!["CALL".to_owned()],
            signing_algo: "NONE".to_owned(),
            signing_key: None,
            metadata_policy: "NONE".to_owned(),
            created_at: now,
            expire_at,
            renewed_at: None,
            renewed_by: None,
            purge_at: expire_at.plus(life.purge_after),
            statistics: Statistics::default(),
        }
    }

    /// Renews at `now`: a new life, and only the failed flag is cleared (specs/vis.md §6).
    pub(super) fn renew(&mut self, now: Timestamp, life: Life) {
        self.renewed_at = Some(now);
        self.renewed_by = Some(USER_ID.to_string());
        self.expire_at = now.plus(life.expire_after);
        self.purge_at = self.expire_at.plus(life.purge_after);
        self.statistics.failed = false;
    }

    /// Whether anything is delivered to it at `now`, as far as that does not depend on what became of earlier deliveries
    /// (specs/vis.md §8).
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.status == "ACTIVE" && now < self.expire_at
    }

    /// Reads a seed: a registration of which every member may be missing.
    ///
    /// What is missing is as for a registration made at `createdAt`, or at `now`, under `id`. The error says what does not
    /// fit, without the value, which may be a key.
    pub(super) fn from_seed(
        seed: &Map<String, Value>,
        id: String,
        now: Timestamp,
        life: Life,
    ) -> Result<Self, String> {
        let created = seed.get("createdAt").and_then(|text| serde_json::from_value(text.clone()).ok());
        let url = "https://seed.example.com/calls".to_owned();
        let template = Self::new(id, url, created.unwrap_or(now), life);
        let Ok(Value::Object(mut whole)) = serde_json::to_value(&template) else {
            return Err("no template".to_owned());
        };
        overlay(&mut whole, seed);
        serde_json::from_value(Value::Object(whole)).map_err(|error| describe(&error, seed))
    }
}

fn overlay(whole: &mut Map<String, Value>, seed: &Map<String, Value>) {
    for (name, value) in seed {
        match (whole.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(seed)) => overlay(inner, seed),
            _ => {
                whole.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The parser's error may quote a value, so the key is taken out of it.
fn describe(error: &serde_json::Error, seed: &Map<String, Value>) -> String {
    let text = error.to_string();
    match seed.get("signingKey").map(Value::to_string) {
        Some(key) => Secret::new(key).scrub(&text),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::timestamp::tests::at;
    use super::*;

    fn usual() -> Life {
        crate::sandbox::Options::default().life()
    }

    fn seed(value: &Value) -> Result<Registration, String> {
        Registration::from_seed(
            value.as_object().unwrap(),
            "fresh".to_owned(),
            at("2024-03-01T09:00:00.123Z"),
            usual(),
        )
    }

    #[test]
    fn a_new_registration_has_exactly_the_documented_members() {
        let now = at("2024-03-01T09:00:00.123Z");
        let fresh = Registration::new("an-id".into(), "https://a.example/".into(), now, usual());
        assert_eq!(
            serde_json::to_value(&fresh).unwrap(),
            json!({
                "id": "an-id", "userId": "9001", "accountId": "4711", "url": "https://a.example/", "status": "ACTIVE",
                "events": ["CALL"], "signingAlgo": "NONE", "metadataPolicy": "NONE",
                "createdAt": "2024-03-01T09:00:00.123Z", "expireAt": "2024-03-11T09:00:00.123Z",
                "purgeAt": "2024-06-09T09:00:00.123Z",
                "statistics": {"totalAttempts": 0, "totalSuccesses": 0, "totalFailures": 0, "failed": false},
            })
        );
    }

    #[test]
    fn renewing_clears_the_failed_flag_and_nothing_else() {
        let before = json!({"statistics": {"totalAttempts": 8, "totalSuccesses": 5, "totalFailures": 3, "failed": true,
            "lastSuccess": "2024-02-01T00:00:00.000Z", "lastFailure": "2024-02-02T00:00:00.000Z",
            "lastHttpErrorCode": "500 INTERNAL_SERVER_ERROR", "lastErrorMessage": "500 : [no body]"}});
        let mut webhook = seed(&before).unwrap();
        webhook.renew(at("2024-03-05T00:00:00Z"), usual());
        let after = serde_json::to_value(&webhook).unwrap();
        assert_eq!(after["renewedAt"], "2024-03-05T00:00:00.000Z");
        assert_eq!(after["renewedBy"], "9001");
        assert_eq!(after["expireAt"], "2024-03-15T00:00:00.000Z");
        assert_eq!(after["purgeAt"], "2024-06-13T00:00:00.000Z");
        assert_eq!(after["createdAt"], "2024-03-01T09:00:00.123Z");
        let mut statistics = before["statistics"].clone();
        statistics["failed"] = json!(false);
        assert_eq!(after["statistics"], statistics);
    }

    #[test]
    fn a_seed_needs_nothing_and_may_say_everything() {
        assert_eq!(seed(&json!({})).unwrap().id, "fresh");
        let odd = seed(
            &json!({"id": "1", "url": "\u{1b}[31m", "status": "ASLEEP", "createdAt": "2024-01-01T00:00:00Z",
            "statistics": {"totalAttempts": -1}}),
        )
        .unwrap();
        assert_eq!((odd.id.as_str(), odd.url.as_str(), odd.status.as_str()), ("1", "\u{1b}[31m", "ASLEEP"));
        assert_eq!(odd.expire_at, at("2024-01-11T00:00:00Z"));
        assert_eq!(odd.statistics.total_attempts, -1);
    }

    #[test]
    fn a_wrong_seed_is_refused_without_its_key() {
        let error = seed(&json!({"ulr": "https://a.example/"})).unwrap_err();
        assert!(error.contains("ulr"), "{error}");
        let error = seed(&json!({"signingKey": 12_345})).unwrap_err();
        assert!(!error.contains("12345"), "{error}");
    }

    #[test]
    fn debug_hides_the_key() {
        let webhook = seed(&json!({"signingKey": "hunter2"})).unwrap();
        assert!(!format!("{webhook:?}").contains("hunter2"));
        assert_eq!(serde_json::to_value(&webhook).unwrap()["signingKey"], "hunter2");
    }
}
