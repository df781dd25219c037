//! What the clients of all rooms need to build a path and to say what a reply is instead.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use reqwest::Method;
use serde::Serialize;
use serde::de::IgnoredAny;
use url::Url;

use super::registration::{Deletion, is_gone};
use crate::http::{Call, Credential, Http, HttpError, Repeat, Reply, WhenHeld, host_of};
use crate::secret::Secret;

/// Where a room's client sends its calls, and what is the same in all of them.
#[derive(Debug)]
pub struct Api {
    pub(super) http: Http,
    pub(super) base: Url,
    pub(super) accept: &'static str,
    pub(super) credential: Credential,
}

impl Api {
    /// The base URL.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The sender.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// A call of `path` below the base. Ids in it went through [`segment`].
    pub(super) fn call(&self, method: Method, path: &str) -> Call {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        Call {
            method,
            url,
            body: None,
            accept: self.accept,
            credential: self.credential,
            repeat: Repeat::Safe,
            when_held: WhenHeld::Wait,
        }
    }

    /// The same with `body`.
    pub(super) fn call_with(&self, method: Method, path: &str, body: &impl Serialize) -> Call {
        // What rooms write are texts, lists of texts and flags: they can always be written.
        let body = Secret::new(serde_json::to_string(body).unwrap_or_default());
        Call { body: Some(body), ..self.call(method, path) }
    }
}

/// What a reply to DELETE says: any 2xx is done, 404 and 410 mean that it is gone already (vis §13, cc §9).
pub(super) fn deletion(outcome: Result<Reply, HttpError>) -> Result<Deletion, HttpError> {
    match outcome {
        Ok(_) => Ok(Deletion::Removed),
        Err(error) if is_gone(&error) => Ok(Deletion::Gone),
        Err(error) => Err(error),
    }
}

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
    // What is of another kind than expected may be cut short all the same.
    let is_cut = serde_json::from_slice::<IgnoredAny>(&reply.body).is_err_and(|error| error.is_eof());
    let found = if reply.body.trim_ascii().is_empty() {
        "it is empty".to_owned()
    } else if std::str::from_utf8(&reply.body).is_err() {
        "it is not UTF-8".to_owned()
    } else if let Some(title) = &reply.page_title {
        format!("it is an HTML page titled “{title}”")
    } else if is_cut {
        "the JSON ends early".to_owned()
    } else if error.is_syntax() {
        "it is not JSON".to_owned()
    } else {
        "it is other JSON".to_owned()
    };
    HttpError::Undecodable { host: host_of(&call.url), expected, found }
}
