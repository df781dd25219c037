//! The `id_token` that comes with `scope=openid`: a JWT that says who the user is, and is not signed (`alg: none`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::timestamp::Timestamp;
use super::{CLIENT_ID, USERNAME};

/// The token of the one user for the one client, as long as an access token of `lifetime` lives.
pub(super) fn id_token(issuer: &str, now: Timestamp, lifetime: TimeDelta) -> String {
    let claims = json!({
        "iss": issuer,
        "sub": USERNAME,
        "aud": [CLIENT_ID],
        "iat": now.unix_seconds(),
        "exp": now.plus(lifetime).unix_seconds(),
    });
    format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::super::timestamp::tests::at;
    use super::*;

    #[test]
    fn says_who_and_for_how_long() {
        let token = id_token("http://127.0.0.1:1/token", at("2024-03-01T09:00:00Z"), TimeDelta::hours(1));
        let parts: Vec<&str> = token.split('.').collect();
        let read =
            |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
        assert_eq!(read(parts[0]), json!({"alg": "none", "typ": "JWT"}));
        let claims = json!({"iss": "http://127.0.0.1:1/token", "sub": "demo@vbc.prod", "aud": ["sandbox-client"],
            "iat": 1_709_283_600, "exp": 1_709_287_200});
        assert_eq!((read(parts[1]), parts[2], parts.len()), (claims, "", 3));
    }
}
