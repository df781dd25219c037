//! What the receiver answers: a status, and a word on what is wrong.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};

use super::report::Reason;
use crate::webhook::json::to_line;

/// A whole reply.
pub(super) type Reply = Response<Full<Bytes>>;

/// The connection is to end without a reply.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends here")]
pub(super) struct HangUp;

/// It is accepted.
pub(super) fn accepted() -> Reply {
    Reply::default()
}

/// `status`, with the start of what a handler answered.
pub(super) fn relayed(status: u16, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    reply
}

fn body(why: &str) -> String {
    to_line(&serde_json::json!({ "error": why })) + "\n"
}

/// `status`, and why.
pub(super) fn error(status: u16, why: &str) -> Reply {
    let mut reply = relayed(status, Bytes::from(body(why)));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// It is refused.
pub(super) fn refused(reason: Reason) -> Reply {
    let mut reply = error(reason.status(), &reason.to_string());
    match reason {
        Reason::Method => {
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        Reason::TooLarge => {
            reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    reply
}

/// The same as it goes over a connection on which there is no request to answer.
pub(super) fn last(reason: Reason) -> String {
    let status = StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = body(&reason.to_string());
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// A redirect to `path`.
pub(super) fn redirect(path: &str) -> Reply {
    let mut reply = error(302, "rehearsed with --fail redirect");
    if let Ok(path) = HeaderValue::from_str(path) {
        reply.headers_mut().insert(LOCATION, path);
    }
    reply
}
