//! A value that must not be shown: tokens, signing keys, passwords.
//!
//! `Secret` has no `Display` and no `Serialize`, so a leak has to be written on purpose (`reveal`). This module is not a
//! vault: it keeps a value out of text, not out of memory.

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

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_and_scrub_hide_the_value() {
        let key = Secret::new("hunter2");
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(key.scrub("key 'hunter2' is too short"), "key '***' is too short");
        assert_eq!(Secret::new("").scrub("nothing"), "nothing");
    }
}
