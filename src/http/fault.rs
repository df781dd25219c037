//! Reads what a service or its gateway says when it says no, in every shape of vis §11 and §12, into one sentence.
//!
//! Status first, then the body. What follows from a fault (repeat, wait, sign in) is `send`'s decision by [`Meaning`];
//! what a person should do is `crate::error`'s.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::markup::{element, page_title, shortened};
use crate::secret::Secret;

/// An error page may be long; what it has to say stands at its start.
const READ_LIMIT: usize = 64 * 1024;

/// What a reply that is no success says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status; that of the gateway code when the fault came inside a 2xx.
    pub status: u16,
    /// The service's or gateway's code.
    pub code: Option<String>,
    /// What it says.
    pub message: Option<String>,
    /// Which field is wrong and why (422).
    pub fields: Vec<(String, String)>,
    /// When the gateway lets requests in again.
    pub next_access: Option<DateTime<Utc>>,
    /// What brings a token that is accepted, where this one was not.
    pub cure: Option<String>,
}

/// What a fault means for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The token is not accepted.
    TokenRefused,
    /// Too many requests.
    Throttled,
    /// It may go well the next time.
    Transient,
    /// Repeating it unchanged is useless.
    Final,
}

impl Fault {
    /// Reads the reply `body` of `status`; wherever it repeats one of `secrets`, `***` takes its place.
    #[must_use]
    pub fn read(status: u16, body: &[u8], secrets: &[Secret]) -> Self {
        let reader = Reader { secrets };
        let text = String::from_utf8_lossy(&body[..body.len().min(READ_LIMIT)]);
        let text = text.trim_start_matches('\u{feff}').trim();
        let mut fault = if text.starts_with('<') {
            reader.markup(text)
        } else if let Ok(Value::Object(members)) = serde_json::from_str::<Value>(text) {
            reader.json(&members)
        } else {
            Self { message: Some(reader.clean(text)).filter(|text| !text.is_empty()), ..Self::default() }
        };
        fault.status = status;
        fault
    }

    /// A gateway fault inside a 2xx, which then counts as the status of its code (design §4).
    #[must_use]
    pub fn inside_success(body: &[u8], secrets: &[Secret]) -> Option<Self> {
        let start = body.trim_ascii_start();
        // Cheap for the long lists that are the usual case: a fault is one object or one XML element.
        if !start.starts_with(b"{") && !start.starts_with(b"<") || body.len() > READ_LIMIT {
            return None;
        }
        let mut fault = Self::read(200, body, secrets);
        fault.status = fault.code.as_deref().and_then(gateway_status)?;
        Some(fault)
    }

    /// The title of an HTML page, without `secrets`.
    #[must_use]
    pub fn title_of_page(body: &[u8], secrets: &[Secret]) -> Option<String> {
        if !body.trim_ascii_start().starts_with(b"<") {
            return None;
        }
        let start = String::from_utf8_lossy(&body[..body.len().min(READ_LIMIT)]);
        page_title(&Reader { secrets }.scrubbed(&start))
    }

    /// What it means for the sender.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let code_status = self.code.as_deref().and_then(gateway_status);
        match self.status {
            401 => Meaning::TokenRefused,
            429 => Meaning::Throttled,
            408 | 500 | 502 | 503 | 504 => Meaning::Transient,
            // Some builds report backend faults as 400 (vis §11).
            _ if code_status == Some(503) => Meaning::Transient,
            _ => Meaning::Final,
        }
    }

    /// Whether code or text contains `part`, in any case.
    #[must_use]
    pub fn mentions(&self, part: &str) -> bool {
        let texts = [self.code.as_deref(), self.message.as_deref()];
        texts.into_iter().flatten().any(|text| text.to_ascii_lowercase().contains(&part.to_ascii_lowercase()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason =
            reqwest::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        write!(formatter, "answered {}", self.status)?;
        if let Some(reason) = reason {
            write!(formatter, " {reason}")?;
        }
        // Some services repeat the reason phrase as their message.
        if let Some(message) = self.message.as_deref().filter(|message| Some(*message) != reason) {
            write!(formatter, ": {message}")?;
        }
        for (position, (field, message)) in self.fields.iter().enumerate() {
            write!(formatter, "{} {field}: {message}", if position == 0 { " –" } else { ";" })?;
        }
        match &self.code {
            Some(code) if *code != self.status.to_string() => write!(formatter, " ({code})"),
            _ => Ok(()),
        }
    }
}

/// The HTTP status that a gateway code stands for (vis §11); `None` for codes that are not the gateway's.
#[must_use]
pub fn gateway_status(code: &str) -> Option<u16> {
    match code.parse::<u32>().ok()? {
        900_906 | 900_908 | 900_910 => Some(403),
        900_901..=900_999 => Some(401),
        900_801 | 700_700 | 101_500..=101_515 | 303_001 => Some(503),
        900_800..=900_807 => Some(429),
        900_900 => Some(500),
        _ => None,
    }
}

/// Reads bodies without letting a secret through.
struct Reader<'a> {
    secrets: &'a [Secret],
}

impl Reader<'_> {
    /// `text` on one line, cut to what fits a sentence. Secrets go first, since a cut secret is not recognised.
    fn clean(&self, text: &str) -> String {
        shortened(&self.scrubbed(text))
    }

    fn scrubbed(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            // A body that is not read as JSON may still hold the secret as JSON spells it.
            let spelt = serde_json::to_string(secret.reveal()).unwrap_or_default();
            Secret::new(spelt.get(1..spelt.len().saturating_sub(1)).unwrap_or_default())
                .scrub(&secret.scrub(&text))
        })
    }

    fn json(&self, members: &Map<String, Value>) -> Fault {
        if let Some(Value::Object(inner)) = members.get("fault") {
            return self.json(inner);
        }
        // VoIPBIN (vb §8) and siblings of Contact Center (cc §7) put what they say into an object.
        if let Some(Value::Object(inner)) = members.get("error")
            && !members.contains_key("message")
        {
            return if inner.contains_key("code") { self.json(inner) } else { self.envelope(inner) };
        }
        let text = |names: &[&str]| {
            names.iter().find_map(|name| match members.get(*name)? {
                Value::String(text) if !text.trim().is_empty() => Some(self.clean(text)),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        let summary = text(&["errorMessage", "message", "error_message", "error", "title", "msg"]);
        let detail = text(&["description", "error_description", "detail"]);
        let next_access = text(&["nextAccessTime"]).and_then(|text| next_access_time(&text));
        Fault {
            status: 0,
            code: text(&["errorCode", "code"]),
            message: joined(summary, detail),
            fields: self.fields(members),
            next_access,
            cure: None,
        }
    }

    /// `{"error":{"status","reason","message"}}` of VoIPBIN: the reason is what tells one refusal from another (vb §8).
    fn envelope(&self, members: &Map<String, Value>) -> Fault {
        let text = |name: &str| {
            members.get(name)?.as_str().filter(|text| !text.trim().is_empty()).map(|text| self.clean(text))
        };
        let message = text("message").map(|text| text.trim_end_matches('.').to_owned());
        Fault { code: text("reason").or_else(|| text("status")), message, ..Fault::default() }
    }

    /// `errors[]` of VIS and `invalid_parameters[]` of its siblings.
    fn fields(&self, members: &Map<String, Value>) -> Vec<(String, String)> {
        let text = |entry: &Value, names: &[&str]| {
            names.iter().find_map(|name| entry.get(name)?.as_str().map(|text| self.clean(text)))
        };
        ["errors", "invalid_parameters"]
            .into_iter()
            .filter_map(|name| members.get(name)?.as_array())
            .flatten()
            .filter_map(|entry| {
                let whole = || entry.as_str().map(|text| self.clean(text));
                let message = text(entry, &["message", "reason"]).or_else(whole)?;
                Some((text(entry, &["field", "name", "path"]).unwrap_or_else(|| "?".to_owned()), message))
            })
            .collect()
    }

    fn markup(&self, text: &str) -> Fault {
        if let Some(title) = page_title(&self.scrubbed(text)) {
            return Fault { message: Some(format!("an HTML page titled “{title}”")), ..Fault::default() };
        }
        let child = |name: &str| {
            element(text, name).map(|content| self.clean(&content)).filter(|content| !content.is_empty())
        };
        let code = child("code");
        let message = joined(child("message").or_else(|| child("faultstring")), child("description"));
        if code.is_none() && message.is_none() {
            return Fault { message: Some("a page that is not JSON".to_owned()), ..Fault::default() };
        }
        let next_access = child("nextAccessTime").and_then(|text| next_access_time(&text));
        Fault { code, message, next_access, ..Fault::default() }
    }
}

fn joined(summary: Option<String>, detail: Option<String>) -> Option<String> {
    match (summary, detail) {
        (Some(summary), Some(detail)) if summary != detail => Some(format!("{summary}: {detail}")),
        (summary, detail) => summary.or(detail),
    }
}

/// `2024-Mar-01 09:31:00+0000 UTC` (vis §11).
fn next_access_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim().trim_end_matches("UTC").trim();
    DateTime::parse_from_str(text, "%Y-%b-%d %H:%M:%S%z").ok().map(|moment| moment.to_utc())
}

#[cfg(test)]
mod tests {
    use super::{Fault, Meaning};
    use crate::secret::Secret;

    fn shown(status: u16, body: &str) -> String {
        Fault::read(status, body.as_bytes(), &[]).to_string()
    }

    #[test]
    fn every_shape_becomes_one_sentence() {
        let cases = [
            (
                422,
                r#"{"errorCode":"E7","errorMessage":"Invalid","errors":[{"field":"url","message":"not a url"},{"field":"events","message":"empty"}]}"#,
                "answered 422 Unprocessable Entity: Invalid – url: not a url; events: empty (E7)",
            ),
            (
                401,
                r#"{"fault":{"code":900901,"message":"Invalid Credentials","description":"Make sure"}}"#,
                "answered 401 Unauthorized: Invalid Credentials: Make sure (900901)",
            ),
            (
                429,
                r#"{"code":"900803","message":"Message throttled out","description":"You have exceeded your quota"}"#,
                "answered 429 Too Many Requests: Message throttled out: You have exceeded your quota (900803)",
            ),
            (
                401,
                r#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900902</ams:code><ams:message>Missing Credentials</ams:message><ams:description>a &lt;b&gt;</ams:description></ams:fault>"#,
                "answered 401 Unauthorized: Missing Credentials: a <b> (900902)",
            ),
            (
                404,
                r#"{"timestamp":1,"status":404,"error":"Not Found","message":"No message available","path":"/x"}"#,
                "answered 404 Not Found: No message available",
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"17003 locked"}"#,
                "answered 400 Bad Request: invalid_grant: 17003 locked",
            ),
            (
                400,
                r#"{"title":"Bad","status":400,"invalid_parameters":[{"name":"n","reason":"r"}]}"#,
                "answered 400 Bad Request: Bad – n: r",
            ),
            (
                403,
                r#"{"error":{"status":"PERMISSION_DENIED","reason":"ACCOUNT_FROZEN","message":"The account is frozen.","request_id":"r","details":[{"a":1}]}}"#,
                "answered 403 Forbidden: The account is frozen (ACCOUNT_FROZEN)",
            ),
            (404, r#"{"error":{"status":"NOT_FOUND"}}"#, "answered 404 Not Found (NOT_FOUND)"),
            (400, r#"{"error":{}}"#, "answered 400 Bad Request"),
            (400, r#"{"msg":"no","status":400}"#, "answered 400 Bad Request: no"),
            (
                400,
                r#"{"error":{"code":"UnsupportedApiVersion","message":"v2 is not supported"}}"#,
                "answered 400 Bad Request: v2 is not supported (UnsupportedApiVersion)",
            ),
            (
                400,
                r#"{"status":400,"title":"One or more errors","errors":[{"message":"too short","path":"name"}]}"#,
                "answered 400 Bad Request: One or more errors – name: too short",
            ),
            (
                400,
                r#"{"status":400,"title":"Bad","detail":"no events"}"#,
                "answered 400 Bad Request: Bad: no events",
            ),
            (
                400,
                r#"{"statusCode":400,"error":"Bad Request","message":"no"}"#,
                "answered 400 Bad Request: no",
            ),
            (
                401,
                r#"{"error":"invalid_token","error_description":"The access token is invalid or has expired"}"#,
                "answered 401 Unauthorized: invalid_token: The access token is invalid or has expired",
            ),
            (401, r#"{"code":401,"message":"no"}"#, "answered 401 Unauthorized: no"),
            (
                502,
                "<html>\r\n<head><title>502 Bad\n Gateway</title></head><body>x</body></html>",
                "answered 502 Bad Gateway: an HTML page titled “502 Bad Gateway”",
            ),
            (
                500,
                "<soap:Fault><faultstring>broken</faultstring></soap:Fault>",
                "answered 500 Internal Server Error: broken",
            ),
            (500, "<p>hello", "answered 500 Internal Server Error: a page that is not JSON"),
            (500, "", "answered 500 Internal Server Error"),
            (599, "[]", "answered 599: []"),
            (500, "null", "answered 500 Internal Server Error: null"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(shown(status, body), expected, "{body}");
        }
        assert_eq!(
            shown(500, &"x".repeat(10_000)).chars().count(),
            "answered 500 Internal Server Error: ".len() + 201
        );
    }

    #[test]
    fn a_gateway_fault_inside_a_success_counts_as_its_status() {
        let found = |body: &str| {
            Fault::inside_success(body.as_bytes(), &[]).map(|fault| (fault.status, fault.meaning()))
        };
        assert_eq!(found(r#"{"fault":{"code":900901,"message":"m"}}"#), Some((401, Meaning::TokenRefused)));
        assert_eq!(found(r#" {"code":"900908","message":"m"}"#), Some((403, Meaning::Final)));
        assert_eq!(found(r#"{"code":"303001"}"#), Some((503, Meaning::Transient)));
        assert_eq!(found(r#"{"code":"900803"}"#), Some((429, Meaning::Throttled)));
        assert_eq!(found("<am:fault><am:code>101504</am:code></am:fault>"), Some((503, Meaning::Transient)));
        assert_eq!(found(r#"{"id":"900901","url":"x"}"#), None);
        assert_eq!(found("[]"), None);
        assert_eq!(found("<html><title>hello</title></html>"), None);
    }

    #[test]
    fn codes_decide_where_the_status_misleads() {
        assert_eq!(Fault::read(400, br#"{"fault":{"code":101503}}"#, &[]).meaning(), Meaning::Transient);
        assert_eq!(Fault::read(400, br#"{"errorCode":"101"}"#, &[]).meaning(), Meaning::Final);
        assert_eq!(Fault::read(403, br#"{"code":"900805"}"#, &[]).meaning(), Meaning::Final);
    }

    #[test]
    fn next_access_time_is_read() {
        let body = r#"{"fault":{"code":900803,"nextAccessTime":"2024-Mar-01 09:31:00+0000 UTC"}}"#;
        let moment = Fault::read(429, body.as_bytes(), &[]).next_access.expect("a time");
        assert_eq!(moment.to_rfc3339(), "2024-03-01T09:31:00+00:00");
    }

    #[test]
    fn secrets_are_scrubbed_before_a_text_is_cut() {
        let key = Secret::new(format!("\"two  words\" {}", "x".repeat(400)));
        let spelt = serde_json::to_string(key.reveal()).expect("JSON");
        let bodies = [
            format!(r#"{{"errorMessage":{spelt},"errors":[{{"field":"k","message":{spelt}}}]}}"#),
            format!("not JSON: {spelt}"),
            format!("<a><message>{}</message></a>", key.reveal().replace('"', "&quot;")),
            format!("<html><title>{}</title></html>", key.reveal()),
        ];
        for body in bodies {
            let shown = Fault::read(422, body.as_bytes(), std::slice::from_ref(&key)).to_string();
            assert!(shown.contains("***") && !shown.contains("words"), "{shown}");
        }
    }
}
