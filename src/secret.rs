//! A value that must not be shown: tokens, signing keys, passwords.
//!
//! `Secret` has no `Display` and no `Serialize`, so a leak has to be written on purpose (`reveal`). This module is not a
//! vault: it keeps a value out of text, not out of memory.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

/// What stands in the place of a secret in everything that vwh prints.
pub const MASK: &str = "***";

/// How many bytes of a key's SHA-256 tell it apart from every other key that one account ever had.
const FINGERPRINT_BYTES: usize = 8;

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

    /// The start of its SHA-256 in hexadecimal: tells keys apart where no key may stand.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        digest.iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
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

/// Query parameters whose value opens a door, as their names read in small letters and digits alone.
const KEY_PARAMETERS: [&str; 11] = [
    "auth",
    "authcode",
    "authorization",
    "code",
    "credential",
    "credentials",
    "jwt",
    "pass",
    "passphrase",
    "passwd",
    "pwd",
];

/// Parts of such names: `client_secret`, `authToken`, `X-Amz-Signature`.
const KEY_PARTS: [&str; 4] = ["password", "secret", "signature", "token"];

/// A url with its password (or its user, where no password follows: that is a token) and the values of its key parameters
/// replaced by `***`; borrowed if it has none.
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
        Some((user, password)) if !password.is_empty() => format!("{scheme}://{user}:{MASK}@{host}{path}"),
        _ if user_info.is_empty() => url.to_owned(),
        _ => format!("{scheme}://{MASK}@{host}{path}"),
    }
}

fn mask_query(url: &str) -> String {
    let Some((head, query)) = url.split_once('?') else { return url.to_owned() };
    let masked: Vec<Cow<'_, str>> = query.split('&').map(mask_parameter).collect();
    format!("{head}?{}", masked.join("&"))
}

fn mask_parameter(pair: &str) -> Cow<'_, str> {
    match pair.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_key_parameter(name) => {
            Cow::Owned(format!("{name}={MASK}"))
        }
        _ => Cow::Borrowed(pair),
    }
}

fn is_key_parameter(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    KEY_PARAMETERS.contains(&name.as_str())
        || KEY_PARTS.iter().any(|part| name.contains(part))
        || name.starts_with("sig")
        || name.ends_with("key")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Secret, mask_url};

    #[test]
    fn keys_in_urls_are_masked_and_nothing_else() {
        let cases = [
            ("https://a.example/x?y=1", "https://a.example/x?y=1"),
            ("https://u:p@w:q@a.example/x@y", "https://u:***@a.example/x@y"),
            ("https://u:p@a.example/?Token=abc&z=&key=", "https://u:***@a.example/?Token=***&z=&key="),
            ("https://hunter2@a.example/x", "https://***@a.example/x"),
            ("https://hunter2:@a.example/x", "https://***@a.example/x"),
            ("https://:hunter2@a.example/x", "https://:***@a.example/x"),
            ("https://@a.example/x@y?to=me@b.example", "https://@a.example/x@y?to=me@b.example"),
            ("no url ? token=abc", "no url ? token=***"),
            ("mailto:a@b?token=abc", "mailto:a@b?token=***"),
        ];
        for (url, expected) in cases {
            assert_eq!(mask_url(url), expected);
            assert_eq!(matches!(mask_url(url), Cow::Borrowed(_)), url == expected, "{url}");
        }
    }

    #[test]
    fn a_parameter_is_a_key_by_its_name() {
        let keys = "token auth_token authToken access-token id_token secret client_secret clientSecret auth code \
                    auth_code Authorization api_key x-api-key apikey key accesskey signing_key password passwd pwd \
                    pass sig sign sig_v1 Signature X-Amz-Signature X-Amz-Security-Token jwt";
        for name in keys.split_whitespace() {
            assert_eq!(
                mask_url(&format!("https://a.example/?{name}=hunter2")).split_once('='),
                Some((format!("https://a.example/?{name}").as_str(), "***"))
            );
        }
        for name in ["author", "country_code", "id", "keyboard", "passenger", "user", "queue", "tok"] {
            let url = format!("https://a.example/?{name}=value");
            assert!(matches!(mask_url(&url), Cow::Borrowed(_)), "{url}");
        }
    }

    #[test]
    fn debug_and_scrub_hide_the_value() {
        let key = Secret::new("hunter2");
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(key.scrub("key 'hunter2' is too short"), "key '***' is too short");
        assert_eq!(Secret::new("").scrub("nothing"), "nothing");
        // FIPS 180-2, appendix B.1.
        assert_eq!(Secret::new("abc").fingerprint(), "ba7816bf8f01cfea");
    }
}
