//! How VIS words the last failure in a webhook's statistics (vis §4): the formats of the Spring Framework.

use crate::delivery::Answer;

/// A body of this many bytes and more is cut.
const WHOLE: usize = 400;

/// How many characters of it stay.
const START: usize = 200;

/// `lastHttpErrorCode` and `lastErrorMessage` for an answer that was no success. Without a reply there is no code.
#[must_use]
pub fn last_error(answer: &Answer) -> (Option<String>, String) {
    match answer {
        Answer::Replied { status, reason, body, length } => {
            let code = format!("{status} {}", enum_name(*status));
            let text = String::from_utf8_lossy(body);
            let body = match *length {
                0 => "[no body]".to_owned(),
                length if length < WHOLE => format!("[{text}]"),
                length => {
                    format!("[{}... ({length} bytes)]", text.chars().take(START).collect::<String>())
                }
            };
            (Some(code.trim_end().to_owned()), format!("{status} {reason}: {body}"))
        }
        Answer::NoReply(text) => (None, format!("I/O error on POST request: {text}")),
        Answer::TooManyRedirects => {
            (None, "I/O error on POST request: Maximum redirects exceeded".to_owned())
        }
        Answer::OutOfReach(host) => (None, format!("I/O error on POST request: {host} is not allowed")),
    }
}

/// The name of the framework's constant for a status; empty for a status that it does not know.
fn enum_name(status: u16) -> String {
    let name = match status {
        203 => "NON_AUTHORITATIVE_INFORMATION",
        207 => "MULTI_STATUS",
        414 => "URI_TOO_LONG",
        416 => "REQUESTED_RANGE_NOT_SATISFIABLE",
        418 => "I_AM_A_TEAPOT",
        509 => "BANDWIDTH_LIMIT_EXCEEDED",
        _ => {
            let known = reqwest::StatusCode::from_u16(status).ok();
            let reason = known.and_then(|status| status.canonical_reason()).unwrap_or_default();
            return reason.to_uppercase().replace([' ', '-'], "_");
        }
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn replied(status: u16, reason: &str, body: &str) -> (Option<String>, String) {
        let (reason, length) = (reason.to_owned(), body.len());
        let body = Bytes::copy_from_slice(body.as_bytes());
        last_error(&Answer::Replied { status, reason, body, length })
    }

    #[test]
    fn the_code_is_the_status_with_its_constant() {
        for (status, code) in [
            (500, "500 INTERNAL_SERVER_ERROR"),
            (503, "503 SERVICE_UNAVAILABLE"),
            (404, "404 NOT_FOUND"),
            (418, "418 I_AM_A_TEAPOT"),
            (204, "204 NO_CONTENT"),
            (203, "203 NON_AUTHORITATIVE_INFORMATION"),
            (599, "599"),
        ] {
            assert_eq!(replied(status, "", "").0.as_deref(), Some(code));
        }
    }

    #[test]
    fn the_message_has_the_reason_as_sent_and_the_start_of_the_body() {
        assert_eq!(replied(500, "Internal Server Error", "").1, "500 Internal Server Error: [no body]");
        assert_eq!(replied(500, "INTERNAL SERVER ERROR", "x").1, "500 INTERNAL SERVER ERROR: [x]");
        assert_eq!(replied(502, "", "oops").1, "502 : [oops]");
        let whole = "a".repeat(399);
        assert_eq!(replied(500, "E", &whole).1, format!("500 E: [{whole}]"));
        let start = "a".repeat(200);
        assert_eq!(replied(500, "E", &"a".repeat(400)).1, format!("500 E: [{start}... (400 bytes)]"));
    }

    #[test]
    fn without_a_reply_there_is_no_code() {
        let (code, message) = last_error(&Answer::NoReply("Connection refused".to_owned()));
        assert_eq!((code, message.as_str()), (None, "I/O error on POST request: Connection refused"));
    }
}
