//! Deliveries of Contact Center and VoIPBIN as their services post them, put together by hand from the sheets. It has no tests.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::listening::Request;

/// The secret S1 of the sheet of Contact Center, and its over-padded one.
pub(crate) const S1: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const S4: &str =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+=";

/// The keys K1 and K2 of the sheet of VoIPBIN.
pub(crate) const K1: &str = "Zm9vYmFyLXZ3aC1zZWNyZXQtMDEyMzQ1";
pub(crate) const K2: &str = "93368bc3eccbed85ec288c570801fcd9cf82afd47018eb88a6038f1754e0bb0c";

/// Its bodies B1 and B2.
pub(crate) const VB1: &str = r#"{"type":"call_hangup","data":{"id":"3c6f0a5e-0d11-4b7a-9a55-6e2d8b1f7c90","customer_id":"91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc","status":"hangup","hangup_by":"remote","hangup_reason":"normal"}}"#;
pub(crate) const VB2: &str = r#"{"type":"message_created","data":{"id":"a1","text":"1 \u003c 2 \u0026 3"}}"#;

/// Contact Center's body V1.
pub(crate) const CC1: &str = r#"{"specversion":"1.0","type":"agent.presencechanged.v1","id":"2ZabCdEfGhIjKlMnOpQrStUvWxY","source":"/agent","subject":"4021","time":"2026-01-05T08:30:00.1234567Z","datacontenttype":"application/json","data":{"timestamp":"2026-01-05T08:29:59.9876543Z","presence":{"presenceId":"0b6f8a52-6f5d-4c1e-9d53-2f6f1f0f9a01","category":{"type":"ready","description":"Ready","subcategory":"readyOutbound"},"description":"Ready (Outbound)"},"user":{"agentId":"4021","userId":"7e0f3c1a-55d2-4f5b-8a7e-0c9b1d2e3f40"}}}"#;

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The token for `body` that expires `seconds` from now, made with a base64 secret.
pub(crate) fn token(secret: &str, body: &str, seconds: i64) -> String {
    let expiry = chrono::Utc::now().timestamp() + seconds;
    let hash = hex(&Sha256::digest(body));
    let claims = format!(r#"{{"iat":{},"exp":{expiry},"payload_hash":"{hash}"}}"#, expiry - 300);
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = mac(&STANDARD.decode(secret).unwrap(), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A notification as Contact Center posts it.
pub(crate) fn notification(secret: &str, body: &str) -> Request {
    Request::typed("application/cloudevents+json", body).header("Vonage-Signature", &token(secret, body, 300))
}

/// A delivery as VoIPBIN posts it.
pub(crate) fn voipbin(key: &str, body: &str) -> Request {
    let signature = format!("sha256={}", hex(&mac(key.as_bytes(), body.as_bytes())));
    Request::post(body).header("X-VoIPBIN-Signature", &signature)
}

/// A token for [`CC1`] whose hash is keyed, within the life of the sheet's tokens.
pub(crate) fn keyed_token() -> String {
    let key = STANDARD.decode(S1).unwrap();
    let hash = hex(&mac(&key, CC1.as_bytes()));
    assert_eq!(hash, "a1f90b01a11bb167a430e331f7cc831c656add1e9d335695330c2ad0c65f792d");
    let claims = format!(r#"{{"exp":1767602100,"payload_hash":"{hash}"}}"#);
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac(&key, signed.as_bytes())))
}
