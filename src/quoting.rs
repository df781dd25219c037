//! A text as one word of a command that a person may paste into a shell.

use std::borrow::Cow;

/// `text`, quoted where a shell would act on it.
#[must_use]
pub fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._~:/@%+=,".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}
