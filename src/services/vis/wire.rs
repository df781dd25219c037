//! The VIS wire: how a webhook and a user are read (vis §4) and what a create request sends (vis §5).
//!
//! Reading is as tolerant as vis §12 and §13 ask for: only JSON that is no object is refused. Talking to the service is
//! `client`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::secret::Secret;
use crate::webhook::{ServiceKind, Statistics, Webhook, member};

/// The members of a Webhook that vwh reasons about, unread.
#[derive(Default)]
struct WebhookMembers<'a> {
    id: Option<&'a RawValue>,
    user_id: Option<&'a RawValue>,
    url: Option<&'a RawValue>,
    events: Option<&'a RawValue>,
    status: Option<&'a RawValue>,
    signing_algo: Option<&'a RawValue>,
    signing_key: Option<&'a RawValue>,
    metadata_policy: Option<&'a RawValue>,
    created_at: Option<&'a RawValue>,
    expire_at: Option<&'a RawValue>,
    renewed_at: Option<&'a RawValue>,
    purge_at: Option<&'a RawValue>,
    statistics: Option<&'a RawValue>,
}

impl<'a> WebhookMembers<'a> {
    fn read(raw: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut members = Self::default();
        member::each(raw, |name, value| {
            let place = match name {
                "id" => &mut members.id,
                "userId" => &mut members.user_id,
                "url" => &mut members.url,
                "events" => &mut members.events,
                "status" => &mut members.status,
                "signingAlgo" => &mut members.signing_algo,
                "signingKey" => &mut members.signing_key,
                "metadataPolicy" => &mut members.metadata_policy,
                "createdAt" => &mut members.created_at,
                "expireAt" => &mut members.expire_at,
                "renewedAt" => &mut members.renewed_at,
                "purgeAt" => &mut members.purge_at,
                "statistics" => &mut members.statistics,
                _ => return,
            };
            *place = Some(value);
        })?;
        Ok(members)
    }
}

#[derive(Default)]
struct StatisticsMembers<'a> {
    total_attempts: Option<&'a RawValue>,
    total_successes: Option<&'a RawValue>,
    total_failures: Option<&'a RawValue>,
    failed: Option<&'a RawValue>,
    is_failed: Option<&'a RawValue>,
    last_success: Option<&'a RawValue>,
    last_failure: Option<&'a RawValue>,
    last_http_error_code: Option<&'a RawValue>,
    last_error_message: Option<&'a RawValue>,
}

impl<'a> StatisticsMembers<'a> {
    fn read(raw: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut members = Self::default();
        member::each(raw, |name, value| {
            let place = match name {
                "totalAttempts" => &mut members.total_attempts,
                "totalSuccesses" => &mut members.total_successes,
                "totalFailures" => &mut members.total_failures,
                "failed" => &mut members.failed,
                "isFailed" => &mut members.is_failed,
                "lastSuccess" => &mut members.last_success,
                "lastFailure" => &mut members.last_failure,
                "lastHttpErrorCode" => &mut members.last_http_error_code,
                "lastErrorMessage" => &mut members.last_error_message,
                _ => return,
            };
            *place = Some(value);
        })?;
        Ok(members)
    }
}

/// Reads one Webhook object.
pub fn webhook(raw: Bytes) -> Result<Webhook, serde_json::Error> {
    let members = WebhookMembers::read(&raw)?;
    let text = |value: Option<&RawValue>| value.and_then(member::text);
    let time = |value: Option<&RawValue>| value.and_then(member::time);
    Ok(Webhook {
        service: ServiceKind::Vis,
        id: text(members.id).unwrap_or_default(),
        url: text(members.url).unwrap_or_default(),
        user_id: text(members.user_id),
        events: members.events.map(member::texts).unwrap_or_default(),
        status: members.status.and_then(member::first_text),
        signing_algorithm: text(members.signing_algo),
        signing_key: text(members.signing_key).filter(|key| !key.is_empty()).map(Secret::new),
        metadata_policy: text(members.metadata_policy),
        created_at: time(members.created_at),
        expire_at: time(members.expire_at),
        renewed_at: time(members.renewed_at),
        purge_at: time(members.purge_at),
        statistics: members.statistics.and_then(statistics),
        raw: raw.clone(),
    })
}

/// Reads a list reply: a bare array of Webhooks (vis §3). Each webhook is a slice of `body`, nothing is copied.
pub fn webhooks(body: &Bytes) -> Result<Vec<Webhook>, serde_json::Error> {
    let elements: Vec<&RawValue> = serde_json::from_slice(body)?;
    elements.into_iter().map(|element| webhook(body.slice_ref(element.get().as_bytes()))).collect()
}

fn statistics(raw: &RawValue) -> Option<Statistics> {
    let members = StatisticsMembers::read(raw.get().as_bytes()).ok()?;
    let integer = |value: Option<&RawValue>| value.and_then(member::integer);
    let statistics = Statistics {
        attempts: integer(members.total_attempts),
        successes: integer(members.total_successes),
        failures: integer(members.total_failures),
        failed: members.failed.and_then(member::flag).or_else(|| members.is_failed.and_then(member::flag)),
        last_success: members.last_success.and_then(member::time),
        last_failure: members.last_failure.and_then(member::time),
        last_error_code: members.last_http_error_code.and_then(member::text),
        last_error_message: members.last_error_message.and_then(member::text),
    };
    (statistics != Statistics::default()).then_some(statistics)
}

/// The body of a create request. `NONE` is never sent as an algorithm: it is not in the create enum (vis §5).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRequest<'a> {
    /// Where deliveries go.
    pub url: &'a str,
    /// Event types.
    pub events: &'a [String],
    /// `HMAC_SHA256`, or left out for an unsigned webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_algo: Option<&'static str>,
    /// The key, or left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<&'a str>,
    /// `NONE`, `HEADER` or `BODY`.
    pub metadata_policy: &'a str,
}

/// The user whose token is used (`GET /self`), as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub user: Option<String>,
    /// Account id.
    pub account: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserMembers<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    account_id: Option<&'a RawValue>,
}

/// Reads a User object.
pub fn identity(body: &[u8]) -> Result<Identity, serde_json::Error> {
    let members: UserMembers<'_> = serde_json::from_slice(body)?;
    Ok(Identity {
        user: members.id.and_then(member::text),
        account: members.account_id.and_then(member::text),
    })
}
