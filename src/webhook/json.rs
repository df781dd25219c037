//! The JSON that scripts get: the service's own object on one line with its secrets masked, plus one member `vwh`.
//!
//! Works on the text of the reply, in one pass and without recursion, so that unknown members, number text and deep nesting
//! come through unharmed and 100,000 webhooks cost no tree in memory. Deciding what to print is the commands' work.

use std::borrow::Cow;
use std::fmt::Write as _;

use memchr::{memchr, memchr2, memmem};
use serde::Serialize;

use super::{Health, Webhook};
use crate::secret::{MASK, mask_url};

/// Members whose value is a secret, in any service's object.
const SECRET_MEMBERS: [&str; 3] = ["signingKey", "secret", "webhook_secret"];

/// Members whose value is a URL that may carry an access key.
const URL_MEMBERS: [&str; 2] = ["url", "webhook_uri"];

/// The member that vwh adds to each object. Its shape is a contract: additive changes only.
#[derive(Clone, Debug, Serialize)]
pub struct View<'a> {
    /// The profile it was read with.
    pub profile: &'a str,
    /// The service that holds it.
    pub service: &'static str,
    /// The id, always a string.
    pub id: &'a str,
    /// The url, always a string.
    pub url: String,
    /// One of the eight words of [`Health`].
    pub health: &'static str,
    /// What a command did (`create`, `update`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
}

/// Whether secrets are printed as they are (`--show-secrets`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    #[default]
    /// `***` in their place.
    Hide,
    /// As the service sent them.
    Show,
}

impl<'a> View<'a> {
    /// The view of `webhook`, read with `profile`.
    #[must_use]
    pub fn new(webhook: &'a Webhook, profile: &'a str, health: Health, secrets: Secrets) -> Self {
        let url = webhook.shown_url(secrets);
        let service = webhook.service.name();
        Self { profile, service, id: &webhook.id, url, health: health.name(), outcome: None }
    }
}

/// Appends the object of `webhook` with its `vwh` member to `out`, on one line.
pub fn write_webhook(out: &mut String, webhook: &Webhook, view: &View<'_>, secrets: Secrets) {
    let raw = std::str::from_utf8(&webhook.raw).unwrap_or("{}");
    let start = out.len();
    rewrite(raw, secrets, out);
    if secrets == Secrets::Hide {
        scrub_key(webhook, start, out);
    }
    if out.ends_with('}') {
        out.pop();
    }
    if out.len() > start + 1 {
        out.push(',');
    }
    out.push_str("\"vwh\":");
    out.push_str(&to_line(view));
    out.push('}');
}

/// A receiver's error page may repeat the key, and the service keeps the page. Looked for in texts only, so that a key that
/// reads like a number or a member's name takes nothing else with it.
fn scrub_key(webhook: &Webhook, start: usize, out: &mut String) {
    let Some(key) = &webhook.signing_key else { return };
    // An escape may hide the key; without one it stands there as it is.
    let bytes = &out.as_bytes()[start..];
    if memmem::find(bytes, key.reveal().as_bytes()).is_none() && memchr(b'\\', bytes).is_none() {
        return;
    }
    let text = out.split_off(start);
    let mut rest = text.as_str();
    while let Some(first) = rest.bytes().next() {
        let (token, tail) = rest.split_at(token_length(rest, first));
        rest = tail;
        if first != b'"' || is_name(rest) {
            out.push_str(token);
            continue;
        }
        let plain = unquote(token);
        let scrubbed = webhook.without_key(&plain);
        if scrubbed == plain {
            out.push_str(token);
        } else {
            escape(&serde_json::to_string(&scrubbed).unwrap_or_default(), out);
        }
    }
}

/// A value of vwh's own as JSON on one line, with control and bidirectional characters escaped.
#[must_use]
pub fn to_line<T: Serialize>(value: &T) -> String {
    // Only maps with keys that are not strings and failing `Serialize` impls can fail here, and vwh has neither.
    let plain = serde_json::to_string(value).unwrap_or_default();
    if is_plain(&plain) {
        return plain;
    }
    let mut line = String::with_capacity(plain.len());
    rewrite(&plain, Secrets::Show, &mut line);
    line
}

/// Appends valid JSON `raw` to `out` without white space between tokens, C0, C1 and bidirectional characters escaped, and
/// secret members masked unless `secrets` shows them.
pub fn rewrite(raw: &str, secrets: Secrets, out: &mut String) {
    // Most of it stays as it is, so it is copied in runs: `copied` is where the run that is not yet copied starts.
    let mut copied = 0;
    let mut position = 0;
    let mut member = Member::Plain;
    while let Some(&first) = raw.as_bytes().get(position) {
        let start = position;
        position += token_length(&raw[start..], first);
        let token = &raw[start..position];
        let is_string = first == b'"';
        if is_string && is_name(&raw[position..]) {
            member = Member::named(token, secrets);
            if is_plain(token) {
                continue;
            }
        } else {
            match first {
                b':' => continue,
                b' ' | b'\t' | b'\n' | b'\r' => {
                    out.push_str(&raw[copied..start]);
                    copied = position;
                    continue;
                }
                _ => {}
            }
            let value = std::mem::replace(&mut member, Member::Plain);
            match value {
                Member::Secret if token != "null" => {
                    position = raw.len() - after_value(first, &raw[position..]).len();
                    out.push_str(&raw[copied..start]);
                    let _ = write!(out, "\"{MASK}\"");
                    copied = position;
                    continue;
                }
                Member::Url if is_string => {
                    if let Cow::Owned(masked) = mask_url(&unquote(token)) {
                        out.push_str(&raw[copied..start]);
                        escape(&serde_json::to_string(&masked).unwrap_or_default(), out);
                        copied = position;
                        continue;
                    }
                }
                _ => {}
            }
        }
        if is_string && !is_plain(token) {
            out.push_str(&raw[copied..start]);
            escape(token, out);
            copied = position;
        }
    }
    out.push_str(&raw[copied..]);
}

/// What the member is whose value comes next.
#[derive(Clone, Copy)]
enum Member {
    Plain,
    Secret,
    Url,
}

impl Member {
    fn named(token: &str, secrets: Secrets) -> Self {
        if secrets == Secrets::Show {
            return Self::Plain;
        }
        let name = unquote(token);
        if SECRET_MEMBERS.contains(&name.as_ref()) {
            Self::Secret
        } else if URL_MEMBERS.contains(&name.as_ref()) {
            Self::Url
        } else {
            Self::Plain
        }
    }
}

/// The length of the token that starts `text`: a whole string, a run of white space, a number or word, or one character.
fn token_length(text: &str, first: u8) -> usize {
    let bytes = text.as_bytes();
    match first {
        b'"' => string_length(bytes),
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
        b' ' | b'\t' | b'\n' | b'\r' => {
            bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len())
        }
        _ => bytes.iter().position(|byte| b",]} \t\r\n".contains(byte)).unwrap_or(bytes.len()),
    }
}

fn string_length(bytes: &[u8]) -> usize {
    let mut index = 1;
    while let Some(found) = bytes.get(index..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        index += found;
        if bytes[index] == b'"' {
            return index + 1;
        }
        index += 2;
    }
    bytes.len()
}

/// A string is a member's name exactly where a colon follows it.
fn is_name(rest: &str) -> bool {
    rest.starts_with(':') || rest.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(':')
}

/// What follows a value whose first token, beginning with `first`, was already taken.
fn after_value(first: u8, mut rest: &str) -> &str {
    let mut depth = usize::from(matches!(first, b'{' | b'['));
    while depth > 0 {
        let Some(next) = rest.bytes().next() else { return rest };
        match next {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        rest = &rest[token_length(rest, next)..];
    }
    rest
}

fn unquote(token: &str) -> Cow<'_, str> {
    let inner = &token[1..token.len() - 1];
    if inner.contains('\\') {
        serde_json::from_str(token).map_or(Cow::Borrowed(inner), Cow::Owned)
    } else {
        Cow::Borrowed(inner)
    }
}

/// Whether a string of valid JSON, which has no C0 characters, can be shown as it stands.
fn is_plain(token: &str) -> bool {
    token.is_ascii() && memchr(0x7f, token.as_bytes()).is_none()
}

fn escape(token: &str, out: &mut String) {
    for character in token.chars() {
        if is_unsafe(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
}

/// Whether a character can change how the text around it is shown: controls, line separators, bidirectional and other
/// invisible formatting (Unicode category Cf as far as terminals and editors act on it).
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
    use serde_json::{Value, json};

    use super::{Secrets, View, rewrite, write_webhook};
    use crate::services::vis::wire;
    use crate::webhook::Health;

    fn rewritten(raw: &str) -> String {
        let mut out = String::new();
        rewrite(raw, Secrets::Hide, &mut out);
        out
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand_and_however_they_are_spelt() {
        assert_eq!(
            rewritten(
                r#"{ "signingKey" : "k\"}ey", "a": [ {"secret": {"x":["]", 1]}}, 1 ],"webhook_secret":7 }"#
            ),
            r#"{"signingKey":"***","a":[{"secret":"***"},1],"webhook_secret":"***"}"#
        );
        assert_eq!(rewritten(r#"{"signing\u004bey":"hunter2"}"#), r#"{"signing\u004bey":"***"}"#);
        assert_eq!(
            rewritten(r#"{"signingKey":null,"secret":"","b":1}"#),
            r#"{"signingKey":null,"secret":"***","b":1}"#
        );
        assert_eq!(rewritten(r#"["signingKey","hunter2"]"#), r#"["signingKey","hunter2"]"#);
    }

    #[test]
    fn access_keys_in_urls_are_masked() {
        assert_eq!(
            rewritten(r#"{"url":"https://me:hunter2@a.example/?token=t0p&x=1"}"#),
            r#"{"url":"https://me:***@a.example/?token=***&x=1"}"#
        );
        assert_eq!(rewritten(r#"{"url":"not a url"}"#), r#"{"url":"not a url"}"#);
    }

    #[test]
    fn shown_secrets_are_as_they_came() {
        let mut out = String::new();
        rewrite(r#"{"signingKey":"hunter2"}"#, Secrets::Show, &mut out);
        assert_eq!(out, r#"{"signingKey":"hunter2"}"#);
    }

    #[test]
    fn numbers_keep_their_text_and_controls_are_escaped() {
        assert_eq!(
            rewritten("{\"n\":1e3, \"m\":12345678901234567890.10}"),
            r#"{"n":1e3,"m":12345678901234567890.10}"#
        );
        assert_eq!(rewritten("\"a\u{9b}\u{202e}\u{7f}ë\u{e0041}\""), r#""a\u009b\u202e\u007fë\udb40\udc41""#);
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(rewritten(&deep), deep);
        assert_eq!(rewritten(&format!("{{\"secret\":{deep}}}")), r#"{"secret":"***"}"#);
    }

    fn written(raw: &'static str) -> String {
        let webhook = wire::webhook(&Bytes::from_static(raw.as_bytes())).expect("a webhook");
        let view = View::new(&webhook, "p", Health::Ok, Secrets::Hide);
        let mut out = String::new();
        write_webhook(&mut out, &webhook, &view, Secrets::Hide);
        out.split_once(r#","vwh":"#).map_or(out.clone(), |(own, _)| own.to_owned())
    }

    #[test]
    fn a_key_is_taken_out_of_every_text_and_out_of_nothing_else() {
        assert_eq!(
            written(r#"{"signingKey":"s3cr3t-key","m":"500: [s3cr3t-key]","n":["\u00733cr3t-key\n"]}"#),
            r#"{"signingKey":"***","m":"500: [***]","n":["***\n"]"#
        );
        assert_eq!(
            written(r#"{"signingKey":"quo\"te\\key","m":"500: [quo\"te\\key]"}"#),
            r#"{"signingKey":"***","m":"500: [***]""#
        );
        assert_eq!(
            written(r#"{"signingKey":"17123456","createdAt":1712345678000}"#),
            r#"{"signingKey":"***","createdAt":1712345678000"#
        );
        assert_eq!(written(r#"{"signingKey":"signingKey"}"#), r#"{"signingKey":"***""#);
        assert_eq!(written(r#"{"signingKey":",\"url\":\"","url":"u"}"#), r#"{"signingKey":"***","url":"u""#);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(|value| json!(value)),
            any::<i64>().prop_map(|value| json!(value)),
            any::<String>().prop_map(|value| json!(value)),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn rewriting_keeps_the_value_and_leaves_nothing_that_acts(value in any_json()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).expect("JSON")] {
                let mut out = String::new();
                rewrite(&text, Secrets::Show, &mut out);
                assert_eq!(serde_json::from_str::<Value>(&out).expect("still JSON"), value);
                assert!(!out.chars().any(super::is_unsafe), "{out}");
            }
        }
    }
}
