//! Proof key for code exchange, method S256 (RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Whether `text` can be the S256 challenge of anything: 32 bytes in base64url.
pub(super) fn is_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|digest| digest.len() == 32)
}

/// Whether `text` is a verifier: 43 to 128 unreserved characters.
pub(super) fn is_verifier(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}

/// Whether `verifier` is what `challenge` was made of.
pub(super) fn fits(verifier: &str, challenge: &str) -> bool {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_documented_pair_fits_and_no_other() {
        assert!(fits(VERIFIER, CHALLENGE));
        assert!(!fits(&VERIFIER.replace('d', "e"), CHALLENGE));
        assert!(!fits(CHALLENGE, CHALLENGE), "the method is not `plain`");
    }

    #[test]
    fn both_have_a_form() {
        assert!(is_challenge(CHALLENGE) && is_verifier(VERIFIER));
        assert!(!is_challenge(&CHALLENGE[1..]) && !is_challenge(&format!("{CHALLENGE}=")));
        assert!(
            !is_verifier(&VERIFIER[1..]) && is_verifier(&"~".repeat(128)) && !is_verifier(&"~".repeat(129))
        );
        assert!(!is_verifier(&format!("{VERIFIER}+")));
    }
}
