//! One line of a record file: a delivery byte for byte, as JSON, with what was made of it.
//!
//! `listen --record` writes it; `verify` and `trigger --replay` read it back. Writing files is done elsewhere.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::webhook::json::to_line;

/// A delivery that was accepted. Members are never renamed: old records stay readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it had arrived, by this machine's clock.
    pub time: DateTime<Utc>,
    /// `verified` or `unverified`.
    pub verdict: String,
    /// Whether a delivery with the same id was accepted before.
    pub is_duplicate: bool,
    /// Path and query.
    pub path: String,
    /// The headers as received, in order.
    pub headers: HeaderMap,
    /// The body as received.
    pub body: Bytes,
}

/// The line's form. Header values are bytes; each is written as the character of the same number (ISO 8859-1), which keeps
/// all of them. A body that is no UTF-8 is in `bodyBase64` instead of `body`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    time: DateTime<Utc>,
    verdict: Cow<'a, str>,
    #[serde(default)]
    duplicate: bool,
    path: Cow<'a, str>,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl Record {
    /// The line, with its line end.
    #[must_use]
    pub fn to_line(&self) -> String {
        let headers = self.headers.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), text(value)));
        let body = std::str::from_utf8(&self.body).ok().map(Cow::Borrowed);
        let written = Written {
            time: self.time,
            verdict: Cow::Borrowed(&self.verdict),
            duplicate: self.is_duplicate,
            path: Cow::Borrowed(&self.path),
            headers: headers.collect(),
            body_base64: body.is_none().then(|| STANDARD.encode(&self.body)),
            body,
        };
        to_line(&written) + "\n"
    }

    /// Reads a line; `None` if it is no line of a record.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(line).ok()?;
        let body = match (written.body, written.body_base64) {
            (Some(text), None) => Bytes::from(text.into_owned()),
            (None, Some(base64)) => Bytes::from(STANDARD.decode(base64).ok()?),
            _ => return None,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in written.headers {
            let bytes =
                value.chars().map(|character| u8::try_from(character).ok()).collect::<Option<Vec<_>>>()?;
            headers.append(HeaderName::try_from(name.as_ref()).ok()?, HeaderValue::try_from(bytes).ok()?);
        }
        let Written { time, verdict, duplicate, path, .. } = written;
        let (verdict, path) = (verdict.into_owned(), path.into_owned());
        Some(Self { time, verdict, is_duplicate: duplicate, path, headers, body })
    }
}

/// Whether `line` is the start of a line of a record and no more of it, as a recorder leaves it that is killed while it writes.
/// It is of a delivery that was never answered with 200.
#[must_use]
pub fn is_torn(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    // A body that a person has laid out begins with a brace alone.
    let is_start = line.starts_with(START) || (line.len() > 1 && START.starts_with(line));
    is_start && serde_json::from_slice::<IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

/// What every line begins with.
const START: &[u8] = b"{\"time\":\"";

/// A header's value as text, a character for each byte.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(headers: &[(&str, &[u8])], body: &[u8]) -> Record {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        Record {
            time: "2026-03-01T09:30:00.250Z".parse().unwrap(),
            verdict: "verified".to_owned(),
            is_duplicate: false,
            path: "/webhook?x=1".to_owned(),
            headers: map,
            body: Bytes::copy_from_slice(body),
        }
    }

    #[test]
    fn a_line_is_json_that_scripts_can_read() {
        let line = record(&[("X-VON-Attempt", b"1")], b"{\"event\":{}}").to_line();
        assert_eq!(
            line,
            "{\"time\":\"2026-03-01T09:30:00.250Z\",\"verdict\":\"verified\",\"duplicate\":false,\
             \"path\":\"/webhook?x=1\",\"headers\":[[\"x-von-attempt\",\"1\"]],\"body\":\"{\\\"event\\\":{}}\"}\n"
        );
    }

    #[test]
    fn a_line_of_another_kind_is_no_record() {
        for line in ["", "{}", "[]", r#"{"event":{}}"#] {
            assert_eq!(Record::read(line), None, "{line}");
        }
    }

    #[test]
    fn a_torn_line_is_the_start_of_one() {
        let line =
            record(&[("X-VON-Attempt", b"1")], "{\"event\":{\"callerId\":\"Zoë\"}}".as_bytes()).to_line();
        for end in 2..line.len() - 1 {
            assert!(is_torn(&line.as_bytes()[..end]), "{end}");
            assert!(is_torn(&[&line.as_bytes()[..end], b"\n"].concat()), "{end}");
        }
        for other in [
            line.as_str(),
            "",
            "\n",
            "{",
            "{\n",
            "{\"event\":{",
            "[",
            "x",
            "{\"time\":\"\u{1}",
            "{\"time\":1}",
        ] {
            assert!(!is_torn(other.as_bytes()), "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_comes_back(
            body in prop::collection::vec(any::<u8>(), 0..64),
            text in any::<String>(),
            value in prop::collection::vec(0x20_u8..=0xff, 0..16).prop_filter("no DEL", |v| !v.contains(&0x7f)),
        ) {
            for body in [body.as_slice(), text.as_bytes()] {
                let record = record(&[("x-a", &value), ("x-a", b"second"), ("b", b"")], body);
                let line = record.to_line();
                prop_assert_eq!(line.matches('\n').count(), 1);
                prop_assert_eq!(Record::read(line.trim_end()), Some(record));
            }
        }
    }
}
