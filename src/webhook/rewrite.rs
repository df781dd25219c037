//! Rewrites valid JSON text as it is printed: on one line, secrets masked, nothing left that acts on a terminal.
//!
//! One pass over the text, without recursion and without a tree, so that unknown members, number text and deep nesting come
//! through unharmed. Whether the text is valid JSON has been seen by whoever received it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use memchr::{memchr, memchr2};

use super::json::Secrets;
use crate::secret::mask_url;

/// Members whose value is a secret, in any service's object.
const SECRET_MEMBERS: [&str; 3] = ["signingKey", "secret", "webhook_secret"];

/// Members whose value is a URL that may carry an access key.
const URL_MEMBERS: [&str; 2] = ["url", "webhook_uri"];

/// Appends valid JSON `raw` to `out` without white space between tokens, C0, C1 and bidirectional characters escaped, and
/// secret members masked unless `secrets` shows them.
pub fn rewrite(raw: &str, secrets: Secrets, out: &mut String) {
    let masking = match secrets {
        Secrets::Show => Masking::Nothing,
        Secrets::Hide => Masking::KeysAndUrls,
    };
    rewrite_masking(raw, masking, out);
}

/// The same with its keys masked and its urls as they are: what can be registered again with another key.
pub fn rewrite_without_keys(raw: &str, out: &mut String) {
    rewrite_masking(raw, Masking::Keys, out);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Masking {
    Nothing,
    Keys,
    KeysAndUrls,
}

fn rewrite_masking(raw: &str, masking: Masking, out: &mut String) {
    let mut copy = Copy { raw, out, copied: 0 };
    let mut position = 0;
    let mut member = Member::Plain;
    while let Some(&first) = raw.as_bytes().get(position) {
        let start = position;
        position += token_length(&raw[start..], first);
        let token = &raw[start..position];
        match first {
            b':' => {}
            b' ' | b'\t' | b'\n' | b'\r' => copy.replace(start..position, ""),
            b'"' if is_name(&raw[position..]) => {
                member = Member::named(token, masking);
                copy.string(start..position);
            }
            _ => match std::mem::replace(&mut member, Member::Plain) {
                Member::Secret if token != "null" => {
                    position = raw.len() - after_value(first, &raw[position..]).len();
                    copy.replace(start..position, MASKED);
                }
                Member::Url if first == b'"' => copy.url(start..position),
                _ if first == b'"' => copy.string(start..position),
                _ => {}
            },
        }
    }
    copy.replace(raw.len()..raw.len(), "");
}

/// What stands in the place of a secret value.
const MASKED: &str = "\"***\"";

/// Copies `raw` in runs, since most of it stays as it is: `copied` is where the run begins that is not copied yet.
struct Copy<'a> {
    raw: &'a str,
    out: &'a mut String,
    copied: usize,
}

impl Copy<'_> {
    fn replace(&mut self, range: Range<usize>, replacement: &str) {
        self.out.push_str(&self.raw[self.copied..range.start]);
        self.out.push_str(replacement);
        self.copied = range.end;
    }

    fn string(&mut self, range: Range<usize>) {
        let token = &self.raw[range.clone()];
        if !is_plain(token) {
            self.replace(range, "");
            escape(token, self.out);
        }
    }

    fn url(&mut self, range: Range<usize>) {
        match mask_url(&unquote(&self.raw[range.clone()])) {
            Cow::Borrowed(_) => self.string(range),
            Cow::Owned(masked) => {
                self.replace(range, "");
                escape(&serde_json::to_string(&masked).unwrap_or_default(), self.out);
            }
        }
    }
}

/// What the member is whose value comes next.
#[derive(Clone, Copy)]
enum Member {
    Plain,
    Secret,
    Url,
}

impl Member {
    fn named(token: &str, masking: Masking) -> Self {
        if masking == Masking::Nothing {
            return Self::Plain;
        }
        let name = unquote(token);
        if SECRET_MEMBERS.contains(&name.as_ref()) {
            Self::Secret
        } else if masking == Masking::KeysAndUrls && URL_MEMBERS.contains(&name.as_ref()) {
            Self::Url
        } else {
            Self::Plain
        }
    }
}

/// The length of the token that starts `text`: a whole string, a run of white space, a number or word, or one character.
pub(super) fn token_length(text: &str, first: u8) -> usize {
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
pub(super) fn is_name(rest: &str) -> bool {
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

/// The text of a string token; as it is spelt if it is no text.
pub(super) fn unquote(token: &str) -> Cow<'_, str> {
    let inner = &token[1..token.len() - 1];
    if inner.contains('\\') {
        serde_json::from_str(token).map_or(Cow::Borrowed(inner), Cow::Owned)
    } else {
        Cow::Borrowed(inner)
    }
}

/// Whether a string of valid JSON, which has no C0 characters, can be shown as it stands.
pub(super) fn is_plain(token: &str) -> bool {
    token.is_ascii() && memchr(0x7f, token.as_bytes()).is_none()
}

/// Appends a string token with every unsafe character as `\uXXXX`.
pub(super) fn escape(token: &str, out: &mut String) {
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
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
    use serde_json::{Value, json};

    use super::{is_unsafe, rewrite};
    use crate::webhook::json::Secrets;

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
                assert!(!out.chars().any(is_unsafe), "{out}");
            }
        }
    }
}
