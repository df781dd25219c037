//! Why a token is not believed: what is known to go wrong (cc §6, §8). A diagnosis only: whatever fits here is not verified
//! by it.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use super::super::super::incoming::Cause;
use super::super::super::respelling::compact;
use super::{Flaw, LEEWAY, part, verify};
use crate::secret::Secret;

/// What `token` is refused for, of `body` at `now`; `None` if nothing known fits.
#[must_use]
pub fn explain(token: &str, body: &str, keys: &[Secret], now: DateTime<Utc>) -> Option<Cause> {
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
        Err(Flaw::KeyedHash) => Some(Cause::new(
            "keyed-hash",
            "its payload_hash is the HMAC of the body, as one page of the vendor's may be read; it is the plain SHA-256",
            None,
        )),
        Err(Flaw::Expired) => Some(expired(token, body, keys, now)),
        Err(Flaw::Altered) => altered(token, body, keys, now),
        Err(_) => None,
    }
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
    let ends = [body.trim_end_matches(['\r', '\n']).to_owned(), format!("{body}\n"), format!("{body}\r\n")];
    if let Some(key) = ends.iter().find_map(|text| fits(text)) {
        return Some(Cause::new(
            "line-end",
            "a line end was added to the body or taken off: keep its bytes as they arrive",
            Some(key),
        ));
    }
    let key = fits(&compact(body))?;
    Some(Cause::new(
        "re-serialised",
        "the body was written anew with other white space: check the bytes as they arrive, before they are parsed",
        Some(key),
    ))
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
