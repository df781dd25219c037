//! The Contact Center signature: a JWT in `Vonage-Signature` that carries the SHA-256 of the body (cc §6).
//!
//! The algorithm is pinned to HS256. The clock comes in as a value.

pub mod explain;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::hexadecimal;
use crate::secret::Secret;

/// How long a token lives after it was issued (cc §6).
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// How far the clocks of sender and receiver may differ; the sheet allows up to 60 s.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// What the sheet advises as the least length of a key, in bytes.
pub const LEAST_KEY: usize = 32;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not three parts of base64 with JSON in the first two.
    #[error("the signature is no JWT")]
    NoToken,
    /// Another algorithm, or none.
    #[error("the signature's algorithm is not HS256")]
    Algorithm,
    /// It fits no key.
    #[error("the signature fits no key")]
    Forged,
    /// It fits the text of a key, which is to be decoded from base64 first.
    #[error("the signature was made with the secret's text: decode it from base64 first")]
    UndecodedKey,
    /// No `exp`.
    #[error("the signature has no expiry")]
    NoExpiry,
    /// `exp` has passed.
    #[error("the signature has expired")]
    Expired,
    /// No `payload_hash`.
    #[error("the signature has no hash of the body")]
    NoHash,
    /// `payload_hash` is the HMAC of the body, as one page of the vendor's may be read.
    #[error("the signature carries the HMAC of the body instead of its SHA-256")]
    KeyedHash,
    /// `payload_hash` is not the body's.
    #[error("the body was altered: its hash is another")]
    Altered,
}

/// The key that `secret` stands for: base64 in the standard or the URL-safe alphabet, whatever its padding and white space
/// (the example in the vendor's own documents has too much of the former). `None` if it is no base64.
#[must_use]
pub fn key(secret: &Secret) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    let text: String = secret
        .reveal()
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .map(|character| match character {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let key = GeneralPurpose::new(&STANDARD, lenient).decode(text.trim_end_matches('=')).ok()?;
    (!key.is_empty()).then_some(key)
}

/// The token for `body`, issued at `now`.
#[must_use]
pub fn sign(key: &[u8], body: &[u8], now: DateTime<Utc>) -> String {
    let issued = now.timestamp();
    let claims = json!({
        "iat": issued,
        "exp": issued + LIFETIME.num_seconds(),
        "payload_hash": hexadecimal::encode(&Sha256::digest(body)),
    });
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encoded(&json!({"alg": "HS256", "typ": "JWT"})), encoded(&claims));
    let signature = mac(key, signed.as_bytes()).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Which of `secrets` the `token` fits, for `body` as it was received, at `now`. A `Bearer ` before it is let through, as
/// the vendor's older sample code sent it. The clocks may differ by `leeway`.
pub fn verify(
    token: &str,
    body: &[u8],
    secrets: &[Secret],
    now: DateTime<Utc>,
    leeway: TimeDelta,
) -> Result<usize, Flaw> {
    let (signed, signature) = bare(token).rsplit_once('.').ok_or(Flaw::NoToken)?;
    let (header, claims) = signed.split_once('.').ok_or(Flaw::NoToken)?;
    let header: Value = part(header)?;
    let claims: Value = part(claims)?;
    if header["alg"] != "HS256" {
        return Err(Flaw::Algorithm);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Flaw::NoToken)?;
    let fits = |key: &[u8]| mac(key, signed.as_bytes()).verify_slice(&signature).is_ok();
    let keys: Vec<Option<Vec<u8>>> = secrets.iter().map(key).collect();
    let found = keys.iter().position(|key| key.as_deref().is_some_and(fits));
    let Some(found) = found else {
        let is_undecoded = secrets.iter().any(|secret| fits(secret.reveal().as_bytes()));
        return Err(if is_undecoded { Flaw::UndecodedKey } else { Flaw::Forged });
    };
    let expiry = claims["exp"].as_f64().ok_or(Flaw::NoExpiry)?;
    #[expect(clippy::cast_precision_loss, reason = "seconds of a date fit into 52 bits")]
    let earliest = (now - leeway).timestamp_millis() as f64 / 1000.0;
    if expiry <= earliest {
        return Err(Flaw::Expired);
    }
    let hash = claims["payload_hash"].as_str().and_then(hexadecimal::decode::<32>).ok_or(Flaw::NoHash)?;
    if hash == Sha256::digest(body).as_slice() {
        return Ok(found);
    }
    let key = keys[found].as_deref().unwrap_or_default();
    Err(if mac(key, body).verify_slice(&hash).is_ok() { Flaw::KeyedHash } else { Flaw::Altered })
}

/// A token without what may stand before it.
fn bare(token: &str) -> &str {
    let token = token.trim();
    token.strip_prefix("Bearer ").unwrap_or(token).trim()
}

fn part(text: &str) -> Result<Value, Flaw> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Flaw::NoToken)?;
    serde_json::from_slice(&bytes).map_err(|_| Flaw::NoToken)
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length, so the other arm is never reached.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests;
