//! How VoIPBIN says no: one envelope, and the id of the request in every reply (specs/voipbin.md §8).

use std::io;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::reply::Reply;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id of a client's own that is taken.
const LONGEST_ID: usize = 64;

/// Letters of the ids that the service makes itself.
const BASE_32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const ID_LETTERS: usize = 26;

/// One error, before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Refusal {
    http: StatusCode,
    status: &'static str,
    reason: &'static str,
    message: String,
    details: Option<Value>,
    retry_after: Option<u64>,
}

impl Refusal {
    fn new(http: StatusCode, status: &'static str, reason: &'static str, message: &str) -> Self {
        Self { http, status, reason, message: message.to_owned(), details: None, retry_after: None }
    }

    pub(super) fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "ROUTE_NOT_FOUND",
            "The requested endpoint does not exist.",
        )
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "UNAUTHENTICATED",
            "AUTHENTICATION_REQUIRED",
            "Authentication is required.",
        )
    }

    pub(super) fn bad_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "UNAUTHENTICATED",
            "INVALID_CREDENTIALS",
            "The provided credentials are invalid.",
        )
    }

    pub(super) fn not_json() -> Self {
        Self::invalid("INVALID_JSON_BODY", "The request body is not valid JSON.")
    }

    pub(super) fn invalid(reason: &'static str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", reason, message)
    }

    pub(super) fn needs_agent() -> Self {
        Self::forbidden("AGENT_AUTH_REQUIRED", "This endpoint requires agent authentication.")
    }

    pub(super) fn no_resource() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "RESOURCE_NOT_FOUND",
            "The requested resource does not exist.",
        )
    }

    fn forbidden(reason: &'static str, message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", reason, message)
    }

    /// Too many requests of the customer; the next is welcome after `wait`.
    pub(super) fn throttled(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self {
            details: Some(json!([{"limited_by": "customer"}])),
            retry_after: Some(seconds),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RESOURCE_EXHAUSTED",
                "RATE_LIMIT_EXCEEDED",
                "Too many requests. Please retry later.",
            )
        }
    }

    pub(super) fn unsaved(error: &io::Error) -> Self {
        let message = format!("The sandbox could not save its state: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "INTERNAL", &message)
    }

    /// What a fault that was ordered looks like.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let ordered = "A fault that the sandbox was asked for.";
        match status.as_u16() {
            401 => Self::bad_credentials(),
            403 => {
                Self::forbidden("PERMISSION_DENIED", "You do not have permission to access this resource.")
            }
            404 => Self::no_resource(),
            429 => Self::throttled(Duration::from_secs(1)),
            402 => Self::new(status, "PAYMENT_REQUIRED", "INSUFFICIENT_BALANCE", ordered),
            409 => Self::new(status, "FAILED_PRECONDITION", "STATE_INVALID", ordered),
            503 => Self::new(status, "UNAVAILABLE", "SERVICE_UNAVAILABLE", "The service is unavailable."),
            500..=599 => Self::new(status, "INTERNAL", "INTERNAL", "An internal error occurred."),
            _ => Self::new(status, "INVALID_ARGUMENT", "INVALID_ARGUMENT", ordered),
        }
    }

    /// The reply to the request of `parts`.
    pub(super) fn reply(&self, parts: &Parts) -> Reply {
        let id = request_id(parts);
        let mut error = json!({
            "status": self.status, "reason": self.reason, "message": self.message, "request_id": id,
        });
        if let Some(details) = &self.details {
            error["details"] = details.clone();
        }
        let mut reply = Reply::json(self.http, &json!({"error": error})).with_header(REQUEST_ID, &id);
        if self.reason == "INVALID_JSON_BODY" {
            // The service's framework has sent its own head by then (§4).
            reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        }
        match self.retry_after {
            Some(seconds) => reply.with_header(RETRY_AFTER, &seconds.to_string()),
            None => reply,
        }
    }
}

/// `reply` with the id of the request of `parts`.
pub(super) fn identified(reply: Reply, parts: &Parts) -> Reply {
    reply.with_header(REQUEST_ID, &request_id(parts))
}

/// The client's own id if it is a fit one, else a new one.
fn request_id(parts: &Parts) -> String {
    let given = parts.headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let is_fit = |id: &&str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_letter);
    given.filter(is_fit).map_or_else(new_id, str::to_owned)
}

fn new_id() -> String {
    let random = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    let letters = random.iter().take(ID_LETTERS).map(|byte| char::from(BASE_32[usize::from(byte % 32)]));
    format!("req_{}", letters.collect::<String>())
}
