//! The thin typed client of VoIPBIN: the customer, and the one webhook in it (vb §3, §4).
//!
//! A PUT erases what it leaves out. So every change reads the customer, writes all seven members, and reads again whether
//! they are what they should be; killed anywhere in between, the profile is what it was.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::Method;
use url::Url;

use super::super::Dated;
use super::super::registration::{Definition, Deletion, Identity, Listing, Update};
use super::super::room::{Api, undecodable};
use super::wire::{self, Customer};
use crate::http::{ATTEMPTS, Call, Credential, Http, HttpError, Repeat, Reply, WhenHeld, host_of};
use crate::secret::{Secret, mask_url};
use crate::webhook::{ServiceKind, Webhook};

const CUSTOMER: &str = "customer";

/// What deliveries use unless told otherwise; without a method the service would send GET (vb §4).
const USUAL_METHOD: &str = "POST";

/// The client of one connection.
#[derive(Debug)]
pub struct Client {
    api: Api,
}

/// What is to be in the slot; nothing, if both are empty.
#[derive(Debug, Default)]
struct Slot {
    method: String,
    url: String,
}

/// A customer as it was read.
struct Reading {
    customer: Customer,
    raw: Bytes,
    date: Option<DateTime<Utc>>,
}

impl Client {
    /// A client that talks to `base` (for example `https://api.voipbin.net/v1.0`) through `http`.
    #[must_use]
    pub fn new(http: Http, base: Url) -> Self {
        Self {
            api: Api { http, base, accept: "application/json", credential: Credential::AccessKeyOrBearer },
        }
    }

    /// Where its calls go.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The webhook in the customer, or none.
    pub async fn list(&self, when_held: WhenHeld) -> Result<Listing, HttpError> {
        let Reading { customer, raw, date } = self.read(when_held).await?;
        let elements = if customer.has_webhook() { vec![raw] } else { Vec::new() };
        Ok(Listing { service: ServiceKind::Voipbin, elements, strangers: 0, mentions_pages: false, date })
    }

    /// The webhook, if `id` is its customer's.
    pub async fn get(&self, id: &str) -> Result<Dated, HttpError> {
        let reading = self.read(WhenHeld::Wait).await?;
        if reading.customer.id == id && reading.customer.has_webhook() {
            Ok((reading.webhook(), reading.date))
        } else {
            Err(self.no_such_webhook())
        }
    }

    /// The customer stands for account and user: an access key belongs to no user.
    pub async fn identity(&self) -> Result<Identity, HttpError> {
        let reading = self.read(WhenHeld::Wait).await?;
        let account = Some(reading.customer.id).filter(|id| !id.is_empty());
        Ok(Identity { user: None, account })
    }

    /// The key that the service signs with, if it shows one.
    pub async fn key(&self) -> Result<Option<Secret>, HttpError> {
        Ok(self.read(WhenHeld::Wait).await?.customer.secret)
    }

    /// Puts a webhook into the slot. Refused while another one is in it, unless it may be replaced.
    pub async fn create(&self, definition: &Definition) -> Result<Dated, HttpError> {
        let decide = |before: &Customer| {
            // Only what was journalled may make way: another one may have come meanwhile.
            if before.has_webhook() && definition.replaces.as_ref() != Some(&before.url) {
                let url = mask_url(&before.url).into_owned();
                let id = before.id.clone();
                return Err(HttpError::Taken { host: host_of(&self.api.base), id, url });
            }
            let method = definition.method.as_deref().unwrap_or(USUAL_METHOD);
            Ok(Some(Slot { method: method.to_owned(), url: definition.url.clone() }))
        };
        let after = self.change(WhenHeld::Wait, decide).await?;
        after.map(|after| (after.webhook(), after.date)).ok_or_else(|| self.no_such_webhook())
    }

    /// Changes url or method of the webhook `id`.
    pub async fn update(&self, id: &str, update: &Update) -> Result<Webhook, HttpError> {
        let decide = |before: &Customer| {
            if before.id != id || !before.has_webhook() {
                return Err(self.no_such_webhook());
            }
            let url = update.url.as_ref().unwrap_or(&before.url).clone();
            // Without a method the service sends GET, and somebody may mean that.
            let method = update.method.as_ref().unwrap_or(&before.method).clone();
            Ok(Some(Slot { method, url }))
        };
        let after = self.change(WhenHeld::Wait, decide).await?;
        after.map(|after| after.webhook()).ok_or_else(|| self.no_such_webhook())
    }

    /// Empties the slot, if `webhook` is in it: another one has the same id, and nobody has asked for its removal.
    pub async fn delete(&self, webhook: &Webhook) -> Result<Deletion, HttpError> {
        let decide = |Customer { id, url, .. }: &Customer| {
            Ok((*id == webhook.id && *url == webhook.url).then(Slot::default))
        };
        let after = self.change(WhenHeld::Return, decide).await?;
        Ok(if after.is_some() { Deletion::Removed } else { Deletion::Gone })
    }

    async fn read(&self, when_held: WhenHeld) -> Result<Reading, HttpError> {
        let mut call = self.api.call(Method::GET, CUSTOMER);
        call.when_held = when_held;
        let reply = self.send(&call).await?;
        let customer =
            Customer::read(&reply.body).map_err(|error| undecodable(&call, "a customer", &reply, &error))?;
        Ok(Reading { customer, raw: reply.body, date: reply.date })
    }

    /// Puts into the slot what `decide` makes of the customer; `None` if that is nothing. Whatever keeps the request waiting (the
    /// service lets nobody in for a while, cannot be connected to, or wants a new token), the customer is read again
    /// afterwards: somebody may have changed the profile meanwhile.
    async fn change(
        &self,
        when_held: WhenHeld,
        decide: impl Fn(&Customer) -> Result<Option<Slot>, HttpError>,
    ) -> Result<Option<Reading>, HttpError> {
        let mut attempts = 1;
        loop {
            let before = self.read(when_held).await?;
            let Some(slot) = decide(&before.customer)? else { return Ok(None) };
            match self.write(&before.customer, &slot).await {
                Err(HttpError::Throttled { .. }) if when_held == WhenHeld::Wait => {}
                Err(HttpError::Connect { .. } | HttpError::Renewed) if attempts < ATTEMPTS => attempts += 1,
                written => return written.map(Some),
            }
        }
    }

    /// Writes all seven members of `before` with the slot as it is to be, and reads whether they are so. The request is not
    /// repeated by itself: somebody may have changed the profile meanwhile. What was read afterwards decides.
    async fn write(&self, before: &Customer, Slot { method, url }: &Slot) -> Result<Reading, HttpError> {
        let call = Call {
            repeat: Repeat::Never,
            when_held: WhenHeld::Return,
            ..self.api.call_with(Method::PUT, CUSTOMER, &before.put(method, url))
        };
        let doubt = match self.send(&call).await {
            Ok(_) => None,
            Err(HttpError::Ambiguous { source }) => Some(source),
            Err(error) => return Err(error),
        };
        let after = match self.read(WhenHeld::Wait).await {
            Ok(after) => after,
            // It was sent, and whether it took effect is what nobody knows.
            Err(error) => {
                return Err(HttpError::Ambiguous { source: doubt.unwrap_or_else(|| Box::new(error)) });
            }
        };
        match (differences(before, method, url, &after.customer), doubt) {
            (None, _) => Ok(after),
            (Some(members), Some(source)) => Err(HttpError::Undone { seen: seen(&after, &members), source }),
            (Some(members), None) => Err(HttpError::Differs { host: host_of(&self.api.base), members }),
        }
    }

    async fn send(&self, call: &Call) -> Result<Reply, HttpError> {
        let mut outcome = self.api.http.send(call).await;
        if let Err(HttpError::Fault { fault, .. }) = &mut outcome
            && let Some(cure) = fault.code.as_deref().and_then(cure)
        {
            fault.cure = Some(cure.to_owned());
        }
        outcome
    }

    fn no_such_webhook(&self) -> HttpError {
        HttpError::Absent { host: host_of(&self.api.base) }
    }
}

impl Reading {
    fn webhook(&self) -> Webhook {
        wire::of_customer(&self.customer, &self.raw)
    }
}

/// What is there after a change without an answer, of which `members` are not what was written.
fn seen(after: &Reading, members: &str) -> String {
    let slot = if after.customer.has_webhook() {
        format!("the webhook to {} was there", mask_url(&after.customer.url))
    } else {
        "there was no webhook".to_owned()
    };
    let others: Vec<&str> = members.split(", ").filter(|member| !member.starts_with("webhook_")).collect();
    if others.is_empty() { slot } else { format!("{slot}, and somebody had changed {}", others.join(", ")) }
}

/// The members that are not what was written; `None` if all are.
fn differences(before: &Customer, method: &str, url: &str, after: &Customer) -> Option<String> {
    let (old, new) = (&before.profile, &after.profile);
    let members = [
        ("name", old.name == new.name),
        ("detail", old.detail == new.detail),
        ("email", old.email == new.email),
        ("phone_number", old.phone_number == new.phone_number),
        ("address", old.address == new.address),
        ("webhook_method", after.method == method),
        ("webhook_uri", after.url == url),
    ];
    let names: Vec<&str> = members.iter().filter(|(_, is_same)| !is_same).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What helps against the reasons that the service gives (vb §8).
fn cure(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "AUTHENTICATION_REQUIRED" => {
            "the credential did not arrive: something in between may have dropped it"
        }
        "ACCOUNT_FROZEN" => "the account is to be deleted: recover it at VoIPBIN first",
        "PERMISSION_DENIED" => {
            "bring an access key, or the JWT of an agent who is the customer's administrator"
        }
        "DIRECT_ACCESS_NOT_SUPPORTED" => {
            "this JWT is of /auth/boot: bring an access key, or the JWT of a sign-in of an agent"
        }
        "ROUTE_NOT_FOUND" => "check the base URL: it ends in /v1.0",
        _ => return None,
    })
}
