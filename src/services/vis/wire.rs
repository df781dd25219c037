//! The VIS wire: how a webhook and a user are read (vis §4) and what a create request sends (vis §5).
//!
//! Reading is as tolerant as vis §12 and §13 ask for: only JSON that is no object is refused. Talking to the service is
//! `client`.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::registration::Identity;
use crate::secret::Secret;
use crate::webhook::{ServiceKind, Statistics, Webhook, member};

/// Reads one Webhook object. Fails if `raw` is no JSON object.
pub fn webhook(raw: &Bytes) -> Result<Webhook, serde_json::Error> {
    let mut webhook = Webhook::unread(ServiceKind::Vis, raw.clone());
    member::each(text_of(raw)?, |name, value| match name {
        "id" => webhook.id = member::text(value).unwrap_or_default(),
        "userId" => webhook.user_id = member::text(value),
        "url" => webhook.url = member::text(value).unwrap_or_default(),
        "events" => webhook.events = member::texts(value),
        "status" => webhook.status = member::first_text(value).filter(|status| !status.trim().is_empty()),
        "signingAlgo" => webhook.signing_algorithm = member::text(value),
        "signingKey" => {
            webhook.signing_key = member::text(value).filter(|key| !key.is_empty()).map(Secret::new);
        }
        "metadataPolicy" => webhook.metadata_policy = member::text(value),
        "createdAt" => webhook.created_at = member::time(value),
        "expireAt" => webhook.expire_at = member::time(value),
        "renewedAt" => webhook.renewed_at = member::time(value),
        "purgeAt" => webhook.purge_at = member::time(value),
        "statistics" => webhook.statistics = statistics(value),
        _ => {}
    })?;
    Ok(webhook)
}

/// Reads an element of [`split`], which is known to be an object.
#[must_use]
pub fn element(raw: &Bytes) -> Webhook {
    webhook(raw).unwrap_or_else(|_| Webhook::unread(ServiceKind::Vis, raw.clone()))
}

/// Reads of an element of [`split`] what names it, and the key that must not be shown with it: enough to write it out as it
/// came, in a third of the time.
#[must_use]
pub fn label(raw: &Bytes) -> Webhook {
    let mut webhook = Webhook::unread(ServiceKind::Vis, raw.clone());
    let read = text_of(raw).and_then(|text| {
        member::each(text, |name, value| match name {
            "id" => webhook.id = member::text(value).unwrap_or_default(),
            "url" => webhook.url = member::text(value).unwrap_or_default(),
            "signingKey" => webhook.signing_key = member::text(value).map(Secret::new),
            _ => {}
        })
    });
    debug_assert!(read.is_ok(), "an element of a list is an object");
    webhook
}

/// Splits a list reply, a bare array (vis §3), into its objects: slices of `body`, nothing is copied and nothing is read
/// yet. Elements that are no objects are left out and counted; an array of nothing else is no list.
pub fn split(body: &Bytes) -> Result<(Vec<Bytes>, usize), serde_json::Error> {
    let elements: Vec<&RawValue> = serde_json::from_str(text_of(body)?)?;
    let total = elements.len();
    let is_object = |element: &&RawValue| element.get().starts_with('{');
    let slice = |element: &RawValue| body.slice_ref(element.get().as_bytes());
    let objects: Vec<Bytes> = elements.into_iter().filter(is_object).map(slice).collect();
    if objects.is_empty() && total > 0 {
        return Err(serde::de::Error::custom("expected webhook objects"));
    }
    let strangers = total - objects.len();
    Ok((objects, strangers))
}

fn text_of(body: &[u8]) -> Result<&str, serde_json::Error> {
    std::str::from_utf8(body).map_err(serde::de::Error::custom)
}

fn statistics(raw: &RawValue) -> Option<Statistics> {
    let mut statistics = Statistics::default();
    let (mut failed, mut is_failed) = (None, None);
    let read = member::each(raw.get(), |name, value| match name {
        "totalAttempts" => statistics.attempts = member::integer(value),
        "totalSuccesses" => statistics.successes = member::integer(value),
        "totalFailures" => statistics.failures = member::integer(value),
        "failed" => failed = member::flag(value),
        "isFailed" => is_failed = member::flag(value),
        "lastSuccess" => statistics.last_success = member::time(value),
        "lastFailure" => statistics.last_failure = member::time(value),
        "lastHttpErrorCode" => statistics.last_error_code = member::text(value),
        "lastErrorMessage" => statistics.last_error_message = member::text(value),
        _ => {}
    });
    read.ok()?;
    // Both spellings are documented (vis §12 row 4).
    statistics.failed = failed.or(is_failed);
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

/// Reads a User object.
pub fn identity(body: &[u8]) -> Result<Identity, serde_json::Error> {
    let mut identity = Identity::default();
    member::each(text_of(body)?, |name, value| match name {
        "id" => identity.user = member::text(value),
        "accountId" => identity.account = member::text(value),
        _ => {}
    })?;
    Ok(identity)
}
