//! A Contact Center notification: a CloudEvent in structured mode, how one is put together and signed, how one is taken apart
//! and judged, the rules that it is posted under, and sample ones (cc §4 to §6).

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::super::flaw::{Flaw, Malformed};
use super::super::summary::Summary;
use super::signature;
use crate::delivery::{Delivery, Exhausted, Manner, Rules, Successes};
use crate::secret::Secret;
use crate::webhook::member;

/// The documented limit of 10 s for a reply and success at any 2xx. Notifications are retried for up to 24 hours by a schedule
/// that nobody has published: three attempts, ten seconds apart, stand for it. Redirects are not documented, so none is
/// followed.
pub const RULES: Rules = Rules {
    connect: Duration::from_secs(10),
    reply: Duration::from_secs(10),
    attempts: 3,
    pause: Duration::from_secs(10),
    manner: Manner::Unfollowed,
    redirects: 0,
    successes: Successes::AnyTwoHundred,
    exhausted: Exhausted::GoesOn { hours: 24 },
};

/// The header of the signature; its presence tells that a delivery is of Contact Center.
pub const SIGNATURE: HeaderName = HeaderName::from_static("vonage-signature");

const CLOUD_EVENT: HeaderValue = HeaderValue::from_static("application/cloudevents+json");

/// One event, ready to be posted.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// `<entity>.<action>.v<N>`.
    pub kind: String,
    /// Its id, a KSUID; with `source` what tells it apart.
    pub id: String,
    /// `/agent` or `/channel`.
    pub source: String,
    /// The agent, or the channel.
    pub subject: String,
    /// When the event was made.
    pub time: DateTime<Utc>,
    /// What happened; its `timestamp` says when.
    pub data: Value,
}

/// Puts a delivery together. Without a key it is not signed, which the service never does.
#[must_use]
pub fn build(notification: &Notification, key: Option<&[u8]>, now: DateTime<Utc>) -> Delivery {
    let Notification { kind, id, source, subject, time, data } = notification;
    let body = json!({
        "specversion": "1.0", "type": kind, "id": id, "source": source, "subject": subject,
        "time": stamp(*time), "datacontenttype": "application/json", "data": data,
    });
    let body = Bytes::from(body.to_string());
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, CLOUD_EVENT)]);
    let token = key.and_then(|key| HeaderValue::from_str(&signature::sign(key, &body, now)).ok());
    if let Some(token) = token {
        headers.insert(SIGNATURE, token);
    }
    Delivery { headers, body, ..Delivery::default() }
}

/// A notification taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The event's type.
    pub kind: String,
    /// Its id.
    pub id: Option<String>,
    /// What it comes from.
    pub source: Option<String>,
    /// What it is about.
    pub subject: Option<String>,
    /// When it happened: `data.timestamp`, else `time`.
    pub moment: Option<DateTime<Utc>>,
    /// The token as received.
    pub signature: Option<String>,
}

/// Takes a notification apart.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Received, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotJson)?;
    let mut received = Received::default();
    let mut seen = [0; 3];
    member::each(text, |name, value| match name {
        "type" => {
            seen[0] += 1;
            received.kind = member::text(value).unwrap_or_default();
        }
        "id" => {
            seen[1] += 1;
            received.id = member::text(value);
        }
        "source" => {
            seen[2] += 1;
            received.source = member::text(value);
        }
        "subject" => received.subject = member::text(value),
        "time" => received.moment = received.moment.or(member::time(value)),
        "data" => {
            let mut happened = None;
            let read = member::each(value.get(), |name, value| {
                if name == "timestamp" {
                    happened = member::time(value);
                }
            });
            received.moment = read.ok().and(happened).or(received.moment);
        }
        _ => {}
    })
    .map_err(|_| Malformed::NotJson)?;
    if seen.iter().any(|count| *count > 1) {
        return Err(Malformed::Twice);
    }
    if received.kind.is_empty() {
        return Err(Malformed::NoCloudEvent);
    }
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    received.signature = signature.filter(|token| !token.is_empty()).map(str::to_owned);
    Ok(received)
}

impl Received {
    /// What tells the event apart, for de-duplication (cc §5).
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        Some(format!("{}\n{}", self.source.as_deref().unwrap_or_default(), self.id.as_deref()?))
    }

    /// Judges the signature of `body` with `keys` at `now`.
    pub fn judge(
        &self,
        body: &[u8],
        keys: &[Secret],
        now: DateTime<Utc>,
        leeway: TimeDelta,
    ) -> Result<usize, Flaw> {
        let token = self.signature.as_ref().ok_or(Flaw::Unsigned)?;
        Ok(signature::verify(token, body, keys, now, leeway)?)
    }

    /// What is worth a line of it.
    #[must_use]
    pub fn summary(self) -> Summary {
        Summary {
            call: self
                .subject
                .as_ref()
                .map(|subject| format!("{}\n{subject}", self.source.as_deref().unwrap_or_default())),
            state: Some(Cow::Owned(self.kind)),
            number: self.subject,
            moment: self.moment,
            id: self.id,
            ..Summary::default()
        }
    }
}

/// The types of the catalogue of cc §4, with what each means.
pub const EVENT_TYPES: [(&str, &str); 13] = [
    ("agent.presencechanged.v1", "An agent's presence changed"),
    ("channel.alerted.v1", "A channel's alerting phase has started"),
    ("channel.connected.v1", "Alerting has ended and the connected phase has started"),
    ("channel.connectionfailed.v1", "Alerting has ended without a connection"),
    ("channel.disconnected.v1", "The connected phase has ended"),
    ("channel.wrapstarted.v1", "An agent's channel has entered wrap"),
    ("channel.ended.v1", "A channel is over"),
    ("channel.held.v1", "A hold has begun"),
    ("channel.retrieved.v1", "A hold has ended"),
    ("channel.parked.v1", "A channel was parked"),
    ("channel.unparked.v1", "A channel was unparked"),
    ("channel.interrupted.v1", "A channel was displaced by a more urgent interaction"),
    ("channel.resumed.v1", "A channel goes on after an interruption"),
];

/// What one interaction of an agent looks like: its types in order, each with the seconds since it began.
pub const INTERACTION: [(i64, &str); 5] = [
    (0, "channel.alerted.v1"),
    (5, "channel.connected.v1"),
    (35, "channel.disconnected.v1"),
    (35, "channel.wrapstarted.v1"),
    (45, "channel.ended.v1"),
];

/// A sample event of type `kind` about the invented channel or agent `which`, that happened at `happened`. `id` is to be
/// another each time.
#[must_use]
pub fn sample(kind: &str, which: u64, id: String, happened: DateTime<Utc>) -> Notification {
    let user = json!({"agentId": "4021", "userId": "7e0f3c1a-55d2-4f5b-8a7e-0c9b1d2e3f40"});
    let is_agent = kind.starts_with("agent.");
    let channel = format!("5b0d4b9e-8a3c-4f5e-9b7a-{which:012x}");
    let data = if is_agent {
        json!({
            "timestamp": stamp(happened),
            "presence": {"presenceId": "0b6f8a52-6f5d-4c1e-9d53-2f6f1f0f9a01", "description": "Ready (Outbound)",
                "category": {"type": "ready", "description": "Ready", "subcategory": "readyOutbound"}},
            "user": user,
        })
    } else {
        let mut party = user;
        party["role"] = json!("agent");
        let mut data = json!({
            "timestamp": stamp(happened),
            "channel": {"conversationId": format!("c1f0a7d2-0b3e-4c58-9a41-{which:012x}"),
                "interactionId": format!("d2e1b8c3-1c4f-4d69-8b52-{which:012x}"), "channelId": channel, "party": party},
        });
        if matches!(kind, "channel.ended.v1" | "channel.connectionfailed.v1") {
            data["reason"] = json!("released");
        }
        data
    };
    let (source, subject) = if is_agent { ("/agent", "4021".to_owned()) } else { ("/channel", channel) };
    Notification { kind: kind.to_owned(), id, source: source.to_owned(), subject, time: happened, data }
}

/// Whether a subscription to `pattern` gets events of type `kind`. How wildcards work is not documented (cc §4); the policy
/// here: `*` stands for any text within a segment, a last segment `*` for all that follow, and `*` alone for everything.
#[must_use]
pub fn covers(pattern: &str, kind: &str) -> bool {
    let (mut patterns, mut segments) = (pattern.split('.').peekable(), kind.split('.'));
    while let Some(pattern) = patterns.next() {
        if pattern == "*" && patterns.peek().is_none() {
            return segments.next().is_some();
        }
        match segments.next() {
            Some(segment) if wildmatch::WildMatch::new(pattern).matches(segment) => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// A time as notifications spell it: up to seven digits of a second.
fn stamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-01-05T08:31:07.101Z".parse().unwrap()
    }

    fn ended() -> Notification {
        sample("channel.ended.v1", 7, "2ZbR5kWq9TfU3xMcZ7gJiL0oVrE".to_owned(), now())
    }

    #[test]
    fn a_notification_is_a_signed_cloud_event() {
        let secret = Secret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let delivery = build(&ended(), signature::key(&secret).as_deref(), now());
        assert_eq!(delivery.headers["content-type"], "application/cloudevents+json");
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        assert_eq!((&body["specversion"], &body["type"]), (&json!("1.0"), &json!("channel.ended.v1")));
        assert_eq!((&body["source"], &body["data"]["reason"]), (&json!("/channel"), &json!("released")));
        assert_eq!(body["subject"], body["data"]["channel"]["channelId"]);
        let received = read(&delivery.headers, &delivery.body).unwrap();
        assert_eq!(received.identity().as_deref(), Some("/channel\n2ZbR5kWq9TfU3xMcZ7gJiL0oVrE"));
        assert_eq!(received.moment, Some(now()));
        let judged = |keys: &[Secret]| received.judge(&delivery.body, keys, now(), TimeDelta::zero());
        assert_eq!(judged(&[Secret::new("QUJD"), secret]), Ok(1));
        assert_eq!(judged(&[Secret::new("QUJD")]), Err(Flaw::Forged));
    }

    #[test]
    fn without_a_key_or_a_header_it_is_unsigned() {
        let delivery = build(&ended(), None, now());
        assert!(!delivery.headers.contains_key("vonage-signature"));
        let received = read(&delivery.headers, &delivery.body).unwrap();
        assert_eq!(received.judge(&delivery.body, &[], now(), TimeDelta::zero()), Err(Flaw::Unsigned));
    }

    #[test]
    fn what_is_no_cloud_event_is_refused() {
        let refused = |body: &[u8]| read(&HeaderMap::new(), body).unwrap_err();
        assert_eq!(refused(b"[]"), Malformed::NotJson);
        assert_eq!(refused(b"\xff"), Malformed::NotJson);
        assert_eq!(refused(b"{}"), Malformed::NoCloudEvent);
        assert_eq!(refused(br#"{"type":"a","type":"b"}"#), Malformed::Twice);
        assert_eq!(refused(br#"{"type":"a","id":"1","id":"2"}"#), Malformed::Twice);
    }

    #[test]
    fn times_have_up_to_seven_digits_and_data_says_when_it_happened() {
        let body = br#"{"type":"a.b.v1","data":{"timestamp":"2026-01-05T08:29:59.9876543Z"},"time":"2026-01-05T08:30:00Z"}"#;
        let received = read(&HeaderMap::new(), body).unwrap();
        assert_eq!(received.moment, Some("2026-01-05T08:29:59.9876543Z".parse().unwrap()));
        let without =
            read(&HeaderMap::new(), br#"{"type":"a","time":"2026-01-05T08:30:00Z","data":7}"#).unwrap();
        assert!(without.moment.is_some() && without.identity().is_none());
    }

    #[test]
    fn wildcards_cover_what_the_policy_says() {
        for (pattern, kind) in [
            ("agent.presencechanged.v1", "agent.presencechanged.v1"),
            ("agent.*", "agent.presencechanged.v1"),
            ("channel.*.v1", "channel.held.v1"),
            ("*.presencechanged.v1", "agent.presencechanged.v1"),
            ("*", "channel.held.v1"),
            ("channel.un*.v1", "channel.unparked.v1"),
        ] {
            assert!(covers(pattern, kind), "{pattern} {kind}");
        }
        for (pattern, kind) in [
            ("agent.*", "channel.held.v1"),
            ("channel.*.v0", "channel.held.v1"),
            ("channel", "channel.held.v1"),
            ("channel.held", "channel.held.v1"),
            ("channel.held.v1.x", "channel.held.v1"),
            ("agent.*", "agent"),
        ] {
            assert!(!covers(pattern, kind), "{pattern} {kind}");
        }
    }
}
