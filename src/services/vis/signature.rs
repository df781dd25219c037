//! The VIS signature: HMAC-SHA256 over the value of `event`, keys sorted, no white space, in hexadecimal (vis §9).
//!
//! Where the signature and the event stand in a delivery is `delivery`'s business.

pub mod explain;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sha2::Sha256;

use crate::hexadecimal;
use crate::secret::Secret;

/// Events are flat; what is nested deeper than this is no event, and would use up the stack.
const DEPTH: usize = 32;

/// Why there is no canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Not JSON, or a text in it stands for no characters.
    #[error("it is not JSON")]
    Syntax,
    /// Nested too deep.
    #[error("it is nested deeper than {DEPTH} levels")]
    Depth,
    /// A member stands there twice: two readers may then see two different events.
    #[error("a member stands in it twice")]
    Twice,
}

/// How characters beyond ASCII are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As they are.
    Utf8,
    /// As `\uXXXX`, in lower case.
    Escaped,
}

/// Which text of the event the signature is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The bytes as received.
    AsReceived,
    /// Its canonical form.
    Canonical,
    /// Its canonical form in ASCII.
    CanonicalEscaped,
}

impl Form {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsReceived => "as-received",
            Self::Canonical => "canonical",
            Self::CanonicalEscaped => "canonical-escaped",
        }
    }
}

/// What a signature fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which of the keys, counted from 0.
    pub key: usize,
    /// Which text.
    pub form: Form,
}

/// The canonical form of the JSON value `json`: members sorted by the bytes of their names at every level, no white space,
/// the text of numbers and `null` members kept.
pub fn canonical(json: &str, spelling: Spelling) -> Result<String, CanonicalError> {
    // Each level is read once more by the one above it, and whoever sends it need not have a key.
    if is_deep(json) {
        return Err(CanonicalError::Depth);
    }
    let value: &RawValue = serde_json::from_str(json).map_err(|_| CanonicalError::Syntax)?;
    let mut out = String::with_capacity(json.len());
    write_value(value.get(), spelling, &mut out)?;
    Ok(out)
}

/// Whether `json` is nested deeper than an event may be. One pass over its bytes, whether or not they are JSON.
fn is_deep(json: &str) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

fn write_value(json: &str, spelling: Spelling, out: &mut String) -> Result<(), CanonicalError> {
    match json.as_bytes().first() {
        Some(b'{') => write_object(json, spelling, out),
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| CanonicalError::Syntax)?;
            out.push('[');
            for (index, element) in elements.into_iter().enumerate() {
                separate(index, out);
                write_value(element.get(), spelling, out)?;
            }
            out.push(']');
            Ok(())
        }
        Some(b'"') => {
            let text: Cow<'_, str> = serde_json::from_str(json).map_err(|_| CanonicalError::Syntax)?;
            write_text(&text, spelling, out)
        }
        _ => {
            out.push_str(json);
            Ok(())
        }
    }
}

fn write_object(json: &str, spelling: Spelling, out: &mut String) -> Result<(), CanonicalError> {
    let Members(members) = serde_json::from_str(json).map_err(|_| CanonicalError::Syntax)?;
    let members = members.ok_or(CanonicalError::Twice)?;
    out.push('{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        separate(index, out);
        write_text(&name, spelling, out)?;
        out.push(':');
        write_value(value.get(), spelling, out)?;
    }
    out.push('}');
    Ok(())
}

/// The members of an object by their names, which have to be texts; `None` where a name comes twice.
struct Members<'a>(Option<BTreeMap<String, &'a RawValue>>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut source: M) -> Result<Self::Value, M::Error> {
        let (mut members, mut is_twice) = (BTreeMap::new(), false);
        while let Some((name, value)) = source.next_entry::<String, &RawValue>()? {
            is_twice |= members.insert(name, value).is_some();
        }
        Ok(Members((!is_twice).then_some(members)))
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

fn write_text(text: &str, spelling: Spelling, out: &mut String) -> Result<(), CanonicalError> {
    let json = serde_json::to_string(text).map_err(|_| CanonicalError::Syntax)?;
    if spelling == Spelling::Utf8 || json.is_ascii() {
        out.push_str(&json);
        return Ok(());
    }
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    Ok(())
}

/// The signature of `message`, 64 digits in lower case.
#[must_use]
pub fn sign(key: &Secret, message: &[u8]) -> String {
    hexadecimal::encode(&digest(key.reveal().as_bytes(), message).finalize().into_bytes())
}

/// What `signature` fits, of the value of `event` as it was received: first its bytes, then its canonical form, then that
/// in ASCII (vis §9), each with every key. Compared in constant time.
#[must_use]
pub fn verify(event: &str, signature: &str, keys: &[Secret]) -> Option<Match> {
    let expected = hexadecimal::decode::<32>(signature.trim())?;
    let fitting = |message: &[u8]| {
        keys.iter().position(|key| digest(key.reveal().as_bytes(), message).verify_slice(&expected).is_ok())
    };
    if let Some(key) = fitting(event.as_bytes()) {
        return Some(Match { key, form: Form::AsReceived });
    }
    let plain = canonical(event, Spelling::Utf8).ok()?;
    if plain != event
        && let Some(key) = fitting(plain.as_bytes())
    {
        return Some(Match { key, form: Form::Canonical });
    }
    if plain.is_ascii() {
        // There is nothing to escape.
        return None;
    }
    let escaped = canonical(event, Spelling::Escaped).ok().filter(|text| text != event)?;
    let key = fitting(escaped.as_bytes())?;
    Some(Match { key, form: Form::CanonicalEscaped })
}

fn digest(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length, so the other arm is never reached.
    let mut digest = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
    digest.update(message);
    digest
}

#[cfg(test)]
mod tests;
