//! How a signature may have been made otherwise than by HMAC-SHA256 with the key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::spelling::Reading;
use super::{Cause, Finding};
use crate::secret::Secret;

/// One way to make it: its name, what to say of it, and the digest that it makes of a key and a text.
struct Known {
    name: &'static str,
    sentence: &'static str,
    digest: fn(&[u8], &[u8]) -> Vec<u8>,
    /// Whether the key matters.
    is_keyed: bool,
}

const KNOWN: &[Known] = &[
    Known {
        name: "no-key",
        sentence: "it is a plain SHA-256 of the event, without the key: anybody can make it",
        digest: |_, text| Sha256::digest(text).to_vec(),
        is_keyed: false,
    },
    Known {
        name: "no-hmac",
        sentence: "it is a SHA-256 of the key followed by the event, and no HMAC-SHA256",
        digest: |key, text| Sha256::digest([key, text].concat()).to_vec(),
        is_keyed: true,
    },
    Known {
        name: "no-hmac",
        sentence: "it is a SHA-256 of the event followed by the key, and no HMAC-SHA256",
        digest: |key, text| Sha256::digest([text, key].concat()).to_vec(),
        is_keyed: true,
    },
    Known {
        name: "roles-swapped",
        sentence: "key and event changed places: the event was used as the key of the HMAC",
        digest: |key, text| super::super::digest(text, key).finalize().into_bytes().to_vec(),
        is_keyed: true,
    },
    Known {
        name: "another-hash",
        sentence: "it is an HMAC-SHA384; the service signs with HMAC-SHA256",
        digest: |key, text| match Hmac::<Sha384>::new_from_slice(key) {
            Ok(digest) => digest.chain_update(text).finalize().into_bytes().to_vec(),
            Err(_) => Vec::new(),
        },
        is_keyed: true,
    },
    Known {
        name: "another-hash",
        sentence: "it is an HMAC-SHA512; the service signs with HMAC-SHA256",
        digest: |key, text| match Hmac::<Sha512>::new_from_slice(key) {
            Ok(digest) => digest.chain_update(text).finalize().into_bytes().to_vec(),
            Err(_) => Vec::new(),
        },
        is_keyed: true,
    },
];

/// The way in which one of the `readings` was made of one of the `texts`.
pub(super) fn explain(texts: &[String], keys: &[Secret], readings: &[Reading]) -> Option<Finding> {
    for known in KNOWN {
        for text in texts {
            for (index, key) in keys.iter().enumerate() {
                let digest = (known.digest)(key.reveal().as_bytes(), text.as_bytes());
                if readings.iter().any(|reading| reading.is_whole(digest.len()) && reading.fits(&digest)) {
                    let causes = vec![Cause::new(known.name, known.sentence)];
                    return Some(Finding { causes, key: known.is_keyed.then_some(index) });
                }
            }
        }
    }
    None
}
