//! The vectors of cc §6, valid ones and those that must fail.

use super::*;

const S1: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The padding is one character too long, as in the vendor's documents.
const S4: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+=";

const B1: &str = r#"{"specversion":"1.0","type":"agent.presencechanged.v1","id":"2ZabCdEfGhIjKlMnOpQrStUvWxY","source":"/agent","subject":"4021","time":"2026-01-05T08:30:00.1234567Z","datacontenttype":"application/json","data":{"timestamp":"2026-01-05T08:29:59.9876543Z","presence":{"presenceId":"0b6f8a52-6f5d-4c1e-9d53-2f6f1f0f9a01","category":{"type":"ready","description":"Ready","subcategory":"readyOutbound"},"description":"Ready (Outbound)"},"user":{"agentId":"4021","userId":"7e0f3c1a-55d2-4f5b-8a7e-0c9b1d2e3f40"}}}"#;
const B2: &str = r#"{"specversion":"1.0","type":"channel.held.v1"}"#;

const V1: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3Njc2MDE4MDAsImV4cCI6MTc2NzYwMjEwMCwicGF5bG9hZF9oYXNoIjoiNTE1ZDMxNDMwNGNkZTE0Y2E0MWQyZWNkZTEzOTA4YzA2ZjJlZjQ5MThjZGQ5YTRhYzZiNjhkZGZiM2VlZDM5NSJ9.pBZGn2_3VQls20O06432f31wRVlePf_q_gjUycQHs-Y";
const V2_SIGNED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3Njc2MDE4MDAsImV4cCI6MTc2NzYwMjEwMCwicGF5bG9hZF9oYXNoIjoiM2YwNzdkYWVmYjZjNTcyNDcyMmI5NzEzZDY0M2MxNDk1ZGI3NGZhM2MzYjUyNDBiYWMwYjU1ODY0ZThmMjhmOCJ9";
const V2_SEGMENT: &str = "t3wQNqHQyi8CMdeedvXNEoNSWCJXB0LoMcafPlHkxnA";
const V3: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3Njc2MDIxMDAsInBheWxvYWRfaGFzaCI6IjNGMDc3REFFRkI2QzU3MjQ3MjJCOTcxM0Q2NDNDMTQ5NURCNzRGQTNDM0I1MjQwQkFDMEI1NTg2NEU4RjI4RjgifQ.eLpIwXi9bp7FYWIwEpeOMKWTHTNWQyDHPcV0PNwrqag";
const V4_SEGMENT: &str = "3ZWYH-KIzyTZiPCQT-CQVdEmjfzrLX7gnHZe5XDP5rI";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn judge(token: &str, body: &str, secret: &str, seconds: i64) -> Result<usize, Flaw> {
    verify(token, body.as_bytes(), &[Secret::new(secret)], at(seconds), TimeDelta::zero())
}

const NOW: i64 = 1_767_601_900;

#[test]
fn the_valid_vectors_verify() {
    assert_eq!(B1.len(), 504);
    let digest = hexadecimal::encode(&Sha256::digest(B1));
    assert_eq!(digest, "515d314304cde14ca41d2ecde13908c06f2ef4918cdd9a4ac6b68ddfb3eed395");
    assert_eq!(judge(V1, B1, S1, NOW), Ok(0));
    assert_eq!(judge(&format!("Bearer {V1}"), B1, S1, NOW), Ok(0));
    assert_eq!(judge(&format!("{V2_SIGNED}.{V2_SEGMENT}"), B2, S1, NOW), Ok(0));
    assert_eq!(judge(V3, B2, S1, NOW), Ok(0));
    assert_eq!(judge(&format!("{V2_SIGNED}.{V4_SEGMENT}"), B2, S4, NOW), Ok(0));
}

#[test]
fn what_vwh_signs_is_the_vector() {
    let key = key(&Secret::new(S1)).unwrap();
    assert_eq!(key, (0..32).collect::<Vec<u8>>());
    assert_eq!(sign(&key, B1.as_bytes(), at(1_767_601_800)), claims_in_order(V1));
}

/// The order of claims is the sender's own business; ours is the alphabet's.
fn claims_in_order(token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let claims: Value = part(claims).unwrap();
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = key(&Secret::new(S1)).unwrap();
    let signature = mac(&key, signed.as_bytes()).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn the_vectors_that_must_fail_do() {
    let (signed, _) = V1.rsplit_once('.').unwrap();
    let with_text = format!("{signed}.OWI5ZVV-Z6hoVpbhdVIZr1ooG-JlpsJhZoQIgs6xo5s");
    assert_eq!(judge(&with_text, B1, S1, NOW), Err(Flaw::UndecodedKey));
    assert_eq!(judge(V1, B1, S1, 1_767_602_101), Err(Flaw::Expired));
    assert_eq!(judge(V1, B2, S1, NOW), Err(Flaw::Altered));
    let v2 = format!("{V2_SIGNED}.{V2_SEGMENT}");
    assert_eq!(judge(&v2, &format!("{B2}\n"), S1, NOW), Err(Flaw::Altered));
    let (_, claims) = signed.split_once('.').unwrap();
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    assert_eq!(judge(&none, B1, S1, NOW), Err(Flaw::Algorithm));
    assert_eq!(judge(V1, B1, S4, NOW), Err(Flaw::Forged));
}

#[test]
fn the_hash_is_of_the_body_alone_and_not_keyed() {
    let key = key(&Secret::new(S1)).unwrap();
    let keyed = hexadecimal::encode(&mac(&key, B1.as_bytes()).finalize().into_bytes());
    assert_eq!(keyed, "a1f90b01a11bb167a430e331f7cc831c656add1e9d335695330c2ad0c65f792d");
    let token = token(&json!({"exp": NOW + 60, "payload_hash": keyed}), "HS256");
    assert_eq!(judge(&token, B1, S1, NOW), Err(Flaw::KeyedHash));
}

fn token(claims: &Value, algorithm: &str) -> String {
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encoded(&json!({"alg": algorithm})), encoded(claims));
    let key = key(&Secret::new(S1)).unwrap();
    let signature = mac(&key, signed.as_bytes()).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn claims_that_are_missing_or_of_another_kind_are_refused() {
    let hash = hexadecimal::encode(&Sha256::digest(B2));
    let judged = |claims: Value| judge(&token(&claims, "HS256"), B2, S1, NOW);
    assert_eq!(judged(json!({"exp": NOW + 1, "payload_hash": hash, "iss": 7})), Ok(0));
    assert_eq!(judged(json!({"payload_hash": hash})), Err(Flaw::NoExpiry));
    assert_eq!(judged(json!({"exp": "2099", "payload_hash": hash})), Err(Flaw::NoExpiry));
    assert_eq!(judged(json!({"exp": NOW, "payload_hash": hash})), Err(Flaw::Expired));
    assert_eq!(judged(json!({"exp": NOW + 1})), Err(Flaw::NoHash));
    assert_eq!(judged(json!({"exp": NOW + 1, "payload_hash": &hash[2..]})), Err(Flaw::NoHash));
    for algorithm in ["HS384", "HS512", "RS256", "none", "hs256"] {
        let token = token(&json!({"exp": NOW + 1, "payload_hash": hash}), algorithm);
        assert_eq!(judge(&token, B2, S1, NOW), Err(Flaw::Algorithm), "{algorithm}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    for text in ["", "a", "a.b", "a.b.c", "..", "Bearer ", &V1[..40], "e30.e30.!"] {
        let flaw = judge(text, B1, S1, NOW).unwrap_err();
        assert!(matches!(flaw, Flaw::NoToken | Flaw::Algorithm), "{text}: {flaw:?}");
    }
}

#[test]
fn clocks_may_differ_by_the_leeway() {
    let judged = |seconds| verify(V1, B1.as_bytes(), &[Secret::new(S1)], at(seconds), LEEWAY);
    assert_eq!(judged(1_767_602_129), Ok(0));
    assert_eq!(judged(1_767_602_130), Err(Flaw::Expired));
}

#[test]
fn any_of_several_keys_may_fit_and_keys_are_read_leniently() {
    let keys = ["no base64!", "AAEC\nAwQF BgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"].map(Secret::new);
    assert_eq!(verify(V1, B1.as_bytes(), &keys, at(NOW), TimeDelta::zero()), Ok(1));
    assert_eq!(key(&Secret::new("-_-_")), key(&Secret::new("+/+/")));
    assert_eq!(key(&Secret::new(S4)).map(|key| key.len()), Some(63));
    for wrong in ["", "=", "A", "é"] {
        assert_eq!(key(&Secret::new(wrong)), None, "{wrong}");
    }
}
