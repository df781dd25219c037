//! Why a token is not believed: what is known to go wrong (cc §6, §8). A diagnosis only: whatever fits here is not verified
//! by it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hmac::Mac as _;
use serde_json::Value;

use super::super::super::incoming::Cause;
use super::super::super::respelling::{of_body, of_numbers};
use super::{Flaw, LEEWAY, bare, key, mac, part, verify};
use crate::secret::Secret;

/// What `token` is refused for, of `body` at `now`; `None` if nothing known fits.
#[must_use]
pub fn explain(token: &str, body: &str, keys: &[Secret], now: DateTime<Utc>) -> Option<Cause> {
    // What a token says of itself counts for nothing unless its key is known.
    let signer = signer(token, keys);
    let of_signer = |name, sentence: &str| Some(Cause::new(name, sentence, signer));
    match verify(token, body.as_bytes(), keys, now, LEEWAY) {
        Ok(_) => token.trim().starts_with("Bearer ").then(|| {
            Cause::new(
                "bearer",
                "`Bearer ` stands before its token, as the vendor's older samples have it",
                None,
            )
        }),
        Err(Flaw::UndecodedKey) => Some(Cause::new(
            "undecoded-key",
            "it was signed with the text of the secret: the key is what that is in base64, decoded",
            None,
        )),
        Err(Flaw::KeyedHash) => of_signer("keyed-hash", KEYED_HASH),
        Err(Flaw::Expired) => Some(expired(token, body, keys, now)),
        Err(Flaw::Altered) => altered(token, body, keys, now).or_else(|| of_signer("altered", ALTERED)),
        Err(Flaw::NoToken) => Some(Cause::new("no-token", NO_TOKEN, None)),
        Err(Flaw::Algorithm) => Some(Cause::new("algorithm", ALGORITHM, None)),
        Err(Flaw::NoExpiry) => of_signer("no-expiry", NO_EXPIRY),
        Err(Flaw::NoHash) => of_signer("no-hash", NO_HASH),
        Err(Flaw::Forged) => None,
    }
}

const ALTERED: &str = "the key is right, and the body is another one than was signed: compare it with its bytes as they arrive \
                       (vwh listen --record FILE keeps them)";
const KEYED_HASH: &str = "its payload_hash is the HMAC of the body, as one page of the vendor's may be read; it is the plain \
                          SHA-256";
const NO_TOKEN: &str = "a token has three parts with points between them: take the header Vonage-Signature as it arrives, and all of it";
const ALGORITHM: &str = "the service signs with HS256 alone: whoever made this token is not the service, or means to get past \
                         the key";
const NO_EXPIRY: &str = "the key is right, but its token has no `exp`, so it would count for ever: the service gives each 5 minutes, \
                         and somebody else who has the key made this one";
const NO_HASH: &str = "the key is right, but its token has no SHA-256 in `payload_hash`, so it says nothing of the body: somebody \
                       else who has the key made this one";

/// Which of `keys` made the `token`, whatever it says.
fn signer(token: &str, keys: &[Secret]) -> Option<usize> {
    let (signed, signature) = bare(token).rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let fits = |key: Vec<u8>| mac(&key, signed.as_bytes()).verify_slice(&signature).is_ok();
    keys.iter().position(|secret| key(secret).is_some_and(fits))
}

fn expired(token: &str, body: &str, keys: &[Secret], now: DateTime<Utc>) -> Cause {
    let Some(expiry) = expiry(token) else {
        return Cause::new("expired", "its expiry is no date", None);
    };
    // At its last moment: whether anything else is wrong.
    let then = verify(token, body.as_bytes(), keys, expiry - TimeDelta::seconds(1), LEEWAY);
    let moment = expiry.to_rfc3339_opts(SecondsFormat::Secs, true);
    let ago = (now - expiry).num_seconds();
    let end = match then {
        Ok(_) => "until then it verified (--now T checks it as of the moment T)".to_owned(),
        Err(flaw) => format!("and even before, {flaw}"),
    };
    Cause::new("expired", format!("it expired at {moment}, {} ago; {end}", spoken(ago)), then.ok())
}

fn expiry(token: &str) -> Option<DateTime<Utc>> {
    let claims: Value = part(token.split('.').nth(1)?).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and then it is no date")]
    DateTime::from_timestamp(claims["exp"].as_f64()? as i64, 0)
}

/// The body may have been changed in a way that people's tools change bodies.
fn altered(token: &str, body: &str, keys: &[Secret], now: DateTime<Utc>) -> Option<Cause> {
    let fits = |text: &str| verify(token, text.as_bytes(), keys, now, LEEWAY).ok();
    of_body(body).chain(of_numbers(body)).find_map(|(name, sentence, text)| {
        let key = fits(&text)?;
        Some(Cause::new(name, sentence, Some(key)))
    })
}

/// `90 s`, `12 min`, `5 h`, `3 days`.
fn spoken(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
