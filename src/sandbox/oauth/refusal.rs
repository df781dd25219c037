//! What the token endpoint answers when it hands out nothing (specs/vis.md §11, RFC 6749 §5.2).

use std::borrow::Cow;
use std::io;

use axum::http::StatusCode;
use serde_json::json;

use super::super::reply::Reply;

/// One error, as `{"error","error_description"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Refusal {
    status: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: Cow<'static, str>,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { status, error, description: description.into() }
    }

    /// The request is not what the endpoint takes.
    pub(super) fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// The request is larger than it may be.
    pub(super) fn too_large() -> Self {
        let description = "The request body is larger than 1 MiB";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", description)
    }

    /// What was to be exchanged for a token is not worth one.
    pub(super) fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_grant", description)
    }

    /// The client is unknown, or did not prove itself.
    pub(super) fn invalid_client(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", description)
    }

    /// There is no such grant.
    pub(super) fn unsupported_grant_type() -> Self {
        let description = "Unsupported grant_type value";
        Self::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", description)
    }

    /// The authorise request asked for something other than a code.
    pub(super) fn unsupported_response_type() -> Self {
        let description = "Only response_type=code is supported";
        Self::new(StatusCode::BAD_REQUEST, "unsupported_response_type", description)
    }

    /// The reply.
    pub(in crate::sandbox) fn reply(&self) -> Reply {
        let body = json!({"error": self.error, "error_description": self.description});
        Reply::json(self.status, &body)
    }
}

/// What was handed out could not be written down, so it is not handed out.
impl From<io::Error> for Refusal {
    fn from(failure: io::Error) -> Self {
        let description = format!("The sandbox could not save its state: {failure}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", description)
    }
}
