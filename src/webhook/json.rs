//! The JSON that scripts get: the service's own object on one line with its secrets masked, plus one member `vwh`.
//!
//! The shapes are a contract. Deciding what to print is the commands' work; how text is made inert is `rewrite`'s.

use memchr::{memchr, memmem};
use serde::Serialize;

use super::rewrite::{escape, is_name, is_plain, rewrite, token_length, unquote};
use super::{Health, Webhook};

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
    /// What has changed since the last reading (`list --since-last`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<&'static str>>,
    /// Deliveries that succeeded since then.
    #[serde(skip_serializing_if = "Option::is_none", rename = "newSuccesses")]
    pub new_successes: Option<i64>,
    /// Deliveries that were given up since then.
    #[serde(skip_serializing_if = "Option::is_none", rename = "newFailures")]
    pub new_failures: Option<i64>,
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
        Self {
            profile,
            service,
            id: &webhook.id,
            url,
            health: health.name(),
            outcome: None,
            changes: None,
            new_successes: None,
            new_failures: None,
        }
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Secrets, View, write_webhook};
    use crate::services::vis::wire;
    use crate::webhook::Health;

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
}
