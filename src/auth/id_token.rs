//! Who an `id_token` says has signed in. Its signature is not checked, so this is only good to compare and to show.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::sign_in::with_tenant;

/// A longer name is none.
const LONGEST: usize = 200;

/// The user name in the claims; `sub` counts where it looks like one. `None` for anything odd.
pub(super) fn user_in(id_token: &str) -> Option<String> {
    let claims = id_token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let name = |claim: &str| claims.get(claim)?.as_str().map(str::trim).filter(|name| is_name(name));
    let name = name("preferred_username").or_else(|| name("sub").filter(|name| name.contains('@')))?;
    Some(name.to_owned())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && !name.contains(|character: char| character.is_control())
}

/// Whether `claimed` can be the user that a profile calls `configured`; it may come without its tenant.
pub(super) fn is_user(claimed: &str, configured: &str) -> bool {
    let same = |one: &str| one.eq_ignore_ascii_case(claimed);
    same(configured)
        || with_tenant(claimed).eq_ignore_ascii_case(configured)
        || configured.split_once('@').is_some_and(|(name, _)| same(name))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::proptest;

    use super::{is_user, user_in};

    fn token(claims: &str) -> String {
        format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_claims_name_the_user() {
        let found = |claims: &str| user_in(&token(claims));
        assert_eq!(found(r#"{"preferred_username":"a","sub":"b@c"}"#).as_deref(), Some("a"));
        assert_eq!(found(r#"{"sub":"b@c"}"#).as_deref(), Some("b@c"));
        for claims in [r#"{"sub":"9001"}"#, r#"{"preferred_username":"a\nb"}"#, "[]", "{}", ""] {
            assert_eq!(found(claims), None, "{claims}");
        }
    }

    #[test]
    fn a_name_without_its_tenant_is_the_same() {
        for claimed in ["u@vbc.prod", "u", "U@VBC.prod"] {
            assert!(is_user(claimed, "u@vbc.prod"), "{claimed}");
        }
        assert!(is_user("u", "u@else.where"));
        for claimed in ["v", "v@vbc.prod", "u@else.where"] {
            assert!(!is_user(claimed, "u@vbc.prod"), "{claimed}");
        }
    }

    proptest! {
        #[test]
        fn whatever_it_holds_it_never_panics(text in ".*", claims in ".*") {
            let _ = (user_in(&text), user_in(&token(&claims)));
        }
    }
}
