//! A value that must not be shown: tokens, signing keys, passwords.
//!
//! `Secret` has no `Display` and no `Serialize`, so a leak has to be written on purpose (`reveal`). This module is not a
//! vault: it keeps a value out of text, not out of memory.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer};

/// What stands in the place of a secret in everything that vwh prints.
pub const MASK: &str = "***";

/// A secret text. `Debug` prints `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value`.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for the one place that has to send or store it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Replaces every occurrence of this secret in `text` by `***`.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, MASK) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// Query parameters whose value opens a door.
const KEY_PARAMETERS: [&str; 12] = [
    "access_key",
    "access_token",
    "accesskey",
    "api_key",
    "apikey",
    "key",
    "pass",
    "password",
    "secret",
    "sig",
    "signature",
    "token",
];

/// A url with its password and the values of its key parameters replaced by `***`; borrowed if it has none.
///
/// Works on any text, since a service may hold a url that is none.
#[must_use]
pub fn mask_url(url: &str) -> Cow<'_, str> {
    if !url.contains(['@', '=']) {
        return Cow::Borrowed(url);
    }
    let masked = mask_query(&mask_password(url));
    if masked == url { Cow::Borrowed(url) } else { Cow::Owned(masked) }
}

fn mask_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let Some((user_info, host)) = authority.rsplit_once('@') else { return url.to_owned() };
    match user_info.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MASK}@{host}{path}"),
        None => url.to_owned(),
    }
}

fn mask_query(url: &str) -> String {
    let Some((head, query)) = url.split_once('?') else { return url.to_owned() };
    let masked: Vec<Cow<'_, str>> = query.split('&').map(mask_parameter).collect();
    format!("{head}?{}", masked.join("&"))
}

fn mask_parameter(pair: &str) -> Cow<'_, str> {
    match pair.split_once('=') {
        Some((name, value))
            if !value.is_empty() && KEY_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) =>
        {
            Cow::Owned(format!("{name}={MASK}"))
        }
        _ => Cow::Borrowed(pair),
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, mask_url};

    #[test]
    fn keys_in_urls_are_masked_and_nothing_else() {
        let cases = [
            ("https://a.example/x?y=1", "https://a.example/x?y=1"),
            ("https://u:p@w:q@a.example/x@y", "https://u:***@a.example/x@y"),
            ("https://u@a.example/?Token=abc&z=&key=", "https://u@a.example/?Token=***&z=&key="),
            ("no url ? token=abc", "no url ? token=abc"),
            ("mailto:a@b?token=abc", "mailto:a@b?token=***"),
        ];
        for (url, expected) in cases {
            assert_eq!(mask_url(url), expected);
        }
    }

    #[test]
    fn debug_and_scrub_hide_the_value() {
        let key = Secret::new("hunter2");
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(key.scrub("key 'hunter2' is too short"), "key '***' is too short");
        assert_eq!(Secret::new("").scrub("nothing"), "nothing");
    }
}
