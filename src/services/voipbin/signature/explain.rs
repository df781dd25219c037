//! Why a VoIPBIN signature does not fit: what is known to go wrong (vb §6, §9). A diagnosis only: whatever fits here is not
//! verified by it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::Mac as _;
use reqwest::header::HeaderMap;

use super::super::super::incoming::Cause;
use super::super::super::respelling::{ESCAPES, compact, escaped, in_ascii, of_body, of_numbers, unescaped};
use super::{PREFIX, keyed, verify};
use crate::hexadecimal;
use crate::secret::Secret;

/// The header of the scheme that older documents describe.
const TIMESTAMP: &str = "x-voipbin-timestamp";

/// What makes `signature` fit `body`; `None` if nothing known does.
#[must_use]
pub fn explain(signature: &str, body: &str, headers: &HeaderMap, keys: &[Secret]) -> Option<Cause> {
    let signature = signature.trim();
    let Some(expected) = signature.strip_prefix(PREFIX).and_then(hexadecimal::decode::<32>) else {
        return Some(of_no_signature(signature, body, keys));
    };
    texts(body, headers)
        .find_map(|(name, sentence, text)| {
            let key = verify(signature, text.as_bytes(), keys)?;
            Some(Cause::new(name, sentence, Some(key)))
        })
        .or_else(|| keys.iter().enumerate().find_map(|(index, key)| of_decoded(key, index, body, &expected)))
}

/// Whatever the body and the key are, it can fit none.
fn of_no_signature(signature: &str, body: &str, keys: &[Secret]) -> Cause {
    if let Some(key) = verify(&format!("{PREFIX}{signature}"), body.as_bytes(), keys) {
        let sentence = "the value has no `sha256=` before its digits: keep the header as it arrives";
        return Cause::new("no-prefix", sentence, Some(key));
    }
    let sentence = "the value is not `sha256=` and 64 hexadecimal digits: take the header X-VoIPBIN-Signature as it arrives, and \
                    all of it";
    Cause::new("signature-malformed", sentence, None)
}

/// What may have been signed instead of the body.
fn texts<'a>(
    body: &'a str,
    headers: &HeaderMap,
) -> impl Iterator<Item = (&'static str, &'static str, String)> + use<'a> {
    const ANEW: &str = "the body was written anew: check the bytes as they arrive, where `<`, `>` and `&` are \\u003c, \\u003e and \\u0026";
    const OLD: &str =
        "a timestamp was signed before the body, as older documents say: the service signs the body alone";
    let timestamp = headers.get(TIMESTAMP).and_then(|value| value.to_str().ok());
    let timestamped = timestamp.map(|timestamp| ("timestamp", OLD, format!("{timestamp}.{body}")));
    let anew = [
        ("re-serialised", ANEW, escaped(body)),
        ("re-serialised", ANEW, compact(&escaped(body))),
        ("re-serialised", ANEW, unescaped(body)),
        ("escapes", ESCAPES, in_ascii(&escaped(body))),
    ];
    // Whoever wrote the numbers anew has written these anew as well.
    let numbers = of_numbers(body).flat_map(|(name, sentence, text)| {
        let other = Some(escaped(&text)).filter(|other| *other != text).map(|other| (name, sentence, other));
        std::iter::once((name, sentence, text)).chain(other)
    });
    of_body(body).chain(anew).chain(timestamped).chain(numbers)
}

fn of_decoded(key: &Secret, index: usize, body: &str, expected: &[u8]) -> Option<Cause> {
    let fits = |key: &[u8]| keyed(key, body.as_bytes()).verify_slice(expected).is_ok();
    let text = key.reveal();
    if bytes_of_hex(text).is_some_and(|key| fits(&key)) {
        let sentence = "the key was read as hexadecimal; its characters themselves are the key";
        return Some(Cause::new("key-hex", sentence, Some(index)));
    }
    let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    if engines.iter().any(|engine| engine.decode(text).is_ok_and(|key| fits(&key))) {
        let sentence = "the key was read as base64; its characters themselves are the key";
        return Some(Cause::new("key-base64", sentence, Some(index)));
    }
    None
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    (!text.is_empty()).then(|| pairs.collect())?
}
