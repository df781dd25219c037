//! The VoIPBIN wire: the customer, whose two `webhook_…` members are the account's only webhook (vb §3, §4), and the request
//! that writes it.
//!
//! A PUT replaces all seven members, and one that is left out is erased, so a request is only ever made of a customer that
//! was read just before. Talking to the service is `client`.

use bytes::Bytes;
use serde::Serialize;

use crate::secret::Secret;
use crate::webhook::{ServiceKind, Webhook, member};

/// The longest url that the service can keep, in characters (vb §10).
pub const LONGEST_URL: usize = 1023;

/// A customer: the profile that must not be lost, and the slot of its one webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// Always there; the webhook's id as well.
    pub id: String,
    /// The five members that a PUT erases when they are left out.
    pub profile: Profile,
    /// `POST`, `GET`, `PUT`, `DELETE`, or empty.
    pub method: String,
    /// Where deliveries go; empty when there is no webhook.
    pub url: String,
    /// The service's own signing key; not every reply has it.
    pub secret: Option<Secret>,
}

/// What a customer's profile says. The service leaves out what is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Name.
    pub name: String,
    /// Detail.
    pub detail: String,
    /// E-mail address.
    pub email: String,
    /// Telephone number.
    pub phone_number: String,
    /// Address.
    pub address: String,
}

/// The body of `PUT /customer`: all seven members, always.
#[derive(Debug, Serialize)]
pub struct PutRequest<'a> {
    name: &'a str,
    detail: &'a str,
    email: &'a str,
    phone_number: &'a str,
    address: &'a str,
    webhook_method: &'a str,
    webhook_uri: &'a str,
}

impl Customer {
    /// Reads a Customer object. Fails if `body` is no JSON object, or a member of the profile is no text: what cannot be read
    /// could not be written back.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let mut customer = Self::default();
        let mut is_whole = true;
        let text = std::str::from_utf8(body).map_err(serde::de::Error::custom)?;
        member::each(text, |name, value| {
            let mut keep = |place: &mut String| match (value.get(), serde_json::from_str(value.get())) {
                ("null", _) => place.clear(),
                (_, Ok(text)) => *place = text,
                (_, Err(_)) => is_whole = false,
            };
            match name {
                "id" => customer.id = member::text(value).unwrap_or_default(),
                "name" => keep(&mut customer.profile.name),
                "detail" => keep(&mut customer.profile.detail),
                "email" => keep(&mut customer.profile.email),
                "phone_number" => keep(&mut customer.profile.phone_number),
                "address" => keep(&mut customer.profile.address),
                "webhook_method" => keep(&mut customer.method),
                "webhook_uri" => keep(&mut customer.url),
                "webhook_secret" => {
                    customer.secret = member::text(value).filter(|key| !key.is_empty()).map(Secret::new);
                }
                _ => {}
            }
        })?;
        if is_whole { Ok(customer) } else { Err(serde::de::Error::custom("a member is no text")) }
    }

    /// Whether the slot is in use.
    #[must_use]
    pub fn has_webhook(&self) -> bool {
        !self.url.is_empty()
    }

    /// The request that sets method and url and leaves the profile as it is.
    #[must_use]
    pub fn put<'a>(&'a self, method: &'a str, url: &'a str) -> PutRequest<'a> {
        let Profile { name, detail, email, phone_number, address } = &self.profile;
        PutRequest { name, detail, email, phone_number, address, webhook_method: method, webhook_uri: url }
    }
}

/// The customer `raw` as a webhook, whose url is empty if its slot is. Fails as [`Customer::read`] does.
pub fn slot(raw: &Bytes) -> Result<Webhook, serde_json::Error> {
    Ok(of_customer(&Customer::read(raw)?, raw))
}

/// The customer as a webhook, its slot empty or not.
#[must_use]
pub fn of_customer(customer: &Customer, raw: &Bytes) -> Webhook {
    let mut webhook = Webhook::unread(ServiceKind::Voipbin, raw.clone());
    webhook.id.clone_from(&customer.id);
    webhook.url.clone_from(&customer.url);
    webhook.method = Some(customer.method.clone()).filter(|method| !method.is_empty());
    webhook.signing_key.clone_from(&customer.secret);
    // Signed whenever there is a secret, and the signature always travels in a header (vb §5).
    webhook.signing_algorithm = customer.secret.as_ref().map(|_| "HMAC_SHA256".to_owned());
    webhook.metadata_policy = Some("HEADER".to_owned());
    webhook
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// As vb §4 has it.
    const CUSTOMER: &str = r#"{"id":"91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc","name":"Harbour Dental","email":"ops@harbour.example","webhook_method":"POST","webhook_uri":"https://hooks.harbour.example/vb","billing_account_id":"2f0a","metadata":{"rtp_debug":false},"email_verified":true,"status":"active","identity_verification_status":"none","tm_deletion_scheduled":null,"tm_create":"2026-02-01T09:00:00.123456Z","tm_update":"2026-02-03T10:11:12.5Z","tm_delete":null,"webhook_secret":"Zm9vYmFyLXZ3aC1zZWNyZXQtMDEyMzQ1"}"#;

    #[test]
    fn a_customer_is_read_and_written_back_with_all_seven_members() {
        let customer = Customer::read(CUSTOMER.as_bytes()).unwrap();
        assert!(customer.has_webhook() && customer.secret.is_some());
        assert_eq!(
            serde_json::to_value(customer.put("", "")).unwrap(),
            json!({"name": "Harbour Dental", "detail": "", "email": "ops@harbour.example", "phone_number": "",
                "address": "", "webhook_method": "", "webhook_uri": ""})
        );
        let same: Value = serde_json::to_value(customer.put(&customer.method, &customer.url)).unwrap();
        assert_eq!(same["webhook_uri"], "https://hooks.harbour.example/vb");
    }

    #[test]
    fn a_webhook_is_the_slot_in_use() {
        let webhook = slot(&Bytes::from_static(CUSTOMER.as_bytes())).unwrap();
        assert_eq!(webhook.id, "91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc");
        assert_eq!(
            (webhook.url.as_str(), webhook.method.as_deref()),
            ("https://hooks.harbour.example/vb", Some("POST"))
        );
        assert_eq!(slot(&Bytes::from_static(br#"{"id":"x","name":"n"}"#)).unwrap().url, "");
    }

    #[test]
    fn a_profile_that_cannot_be_written_back_is_refused() {
        for wrong in ["[]", "", r#"{"id":"x","name":7}"#, r#"{"id":"x","email":{}}"#] {
            assert!(Customer::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let customer = Customer::read(br#"{"id":"x","detail":null,"webhook_uri":null}"#).unwrap();
        assert!(!customer.has_webhook());
        assert_eq!(customer.profile, Profile::default());
    }
}
