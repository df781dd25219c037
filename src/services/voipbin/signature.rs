//! The VoIPBIN signature: `X-VoIPBIN-Signature: sha256=` and the HMAC-SHA-256 of the body in hexadecimal (vb §6).

pub mod explain;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::hexadecimal;
use crate::secret::Secret;

/// What stands before the digits.
const PREFIX: &str = "sha256=";

/// The value of the header for `body`. The key is the secret's text as it is shown, decoded from nothing.
#[must_use]
pub fn sign(key: &Secret, body: &[u8]) -> String {
    format!("{PREFIX}{}", hexadecimal::encode(&mac(key, body).finalize().into_bytes()))
}

/// Which of `keys` the header's value fits, for `body` byte for byte. Compared in constant time.
#[must_use]
pub fn verify(signature: &str, body: &[u8], keys: &[Secret]) -> Option<usize> {
    let expected = hexadecimal::decode::<32>(signature.trim().strip_prefix(PREFIX)?)?;
    keys.iter().position(|key| mac(key, body).verify_slice(&expected).is_ok())
}

fn mac(key: &Secret, message: &[u8]) -> Hmac<Sha256> {
    keyed(key.reveal().as_bytes(), message)
}

fn keyed(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length, so the other arm is never reached.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const K1: &str = "Zm9vYmFyLXZ3aC1zZWNyZXQtMDEyMzQ1";
    const K2: &str = "93368bc3eccbed85ec288c570801fcd9cf82afd47018eb88a6038f1754e0bb0c";
    const B1: &str = r#"{"type":"call_hangup","data":{"id":"3c6f0a5e-0d11-4b7a-9a55-6e2d8b1f7c90","customer_id":"91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc","status":"hangup","hangup_by":"remote","hangup_reason":"normal"}}"#;
    const B2: &str = r#"{"type":"message_created","data":{"id":"a1","text":"1 \u003c 2 \u0026 3"}}"#;

    const VALID: [(&str, &str, &str); 4] = [
        (K1, B1, "sha256=d62d58b507d7f391c4baa6df65b7b621e845e3955bd03728693d72be157dc744"),
        (K2, B1, "sha256=a866cd1187e64685fc2aea54906b9373580604588294e2fb35db18101c600551"),
        (K1, B2, "sha256=08455ab1a8c9c13c554a07cd0b531e0f4881b5d4746d51317948ff079a226799"),
        ("test-secret", "", "sha256=a41bc6d81d6413576ae0994995e0ad89a416ec97389515c3604f47722122eeeb"),
    ];

    fn fits(key: &str, body: &str, signature: &str) -> bool {
        verify(signature, body.as_bytes(), &[Secret::new(key)]).is_some()
    }

    #[test]
    fn the_valid_vectors_verify_and_are_what_vwh_signs() {
        assert_eq!(B1.len(), 192);
        for (key, body, signature) in VALID {
            assert!(fits(key, body, signature), "{signature}");
            assert_eq!(sign(&Secret::new(key), body.as_bytes()), signature);
        }
    }

    #[test]
    fn the_vectors_that_must_fail_do() {
        for (body, signature) in [
            // Re-serialised; the key decoded from hexadecimal; from base64; a timestamp before the body.
            (B2, "sha256=8f05253529b2ef9c90a318f9b5485142e15f9849d8ef6f4134ee726acdd8198d"),
            (B1, "sha256=76975c5ee41e8837e36dfdedb396ab5a857dc7e50d590de24c53981b24f0bbc3"),
            (B1, "sha256=49a5675961260926fbc9f9a9c39d6fd7bf7dca449772c7ab293e9a628011e7a0"),
            (B1, "sha256=b2415a5b4c3a87785e54914f9bd204bc8e356ce56d74280fdcf270ac0a6e165f"),
        ] {
            assert!(!fits(K1, body, signature) && !fits(K2, body, signature), "{signature}");
        }
    }

    #[test]
    fn the_prefix_is_required_and_the_digits_may_be_capitals() {
        let (key, body, signature) = VALID[0];
        let digits = signature.strip_prefix(PREFIX).unwrap();
        assert!(fits(key, body, &format!("sha256={}", digits.to_uppercase())));
        for wrong in ["", digits, "sha256=", &signature[..70], &format!("sha1={digits}")] {
            assert!(!fits(key, body, wrong), "{wrong}");
        }
    }
}
