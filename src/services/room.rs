//! What the clients of all rooms need to build a path and to say what a reply is instead.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::{Call, HttpError, Reply, host_of};

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id as one segment of a path. It must never turn into another endpoint or another webhook's id: an empty one, `.` and
/// `..` would vanish from the path, so what takes their place is escaped twice and names no webhook; `url` would drop tabs
/// and line ends that are not escaped already.
pub(super) fn segment(id: &str) -> String {
    match id {
        "" => "%2520".to_owned(),
        "." => "%252E".to_owned(),
        ".." => "%252E%252E".to_owned(),
        _ => utf8_percent_encode(id, RESERVED).to_string(),
    }
}

/// Says what the reply is instead, without repeating any of it: it may hold keys.
pub(super) fn undecodable(
    call: &Call,
    expected: &'static str,
    reply: &Reply,
    error: &serde_json::Error,
) -> HttpError {
    let found = if reply.body.trim_ascii().is_empty() {
        "it is empty".to_owned()
    } else if std::str::from_utf8(&reply.body).is_err() {
        "it is not UTF-8".to_owned()
    } else if let Some(title) = &reply.page_title {
        format!("it is an HTML page titled “{title}”")
    } else if error.is_eof() {
        "the JSON ends early".to_owned()
    } else if error.is_syntax() {
        "it is not JSON".to_owned()
    } else {
        "it is other JSON".to_owned()
    };
    HttpError::Undecodable { host: host_of(&call.url), expected, found }
}
