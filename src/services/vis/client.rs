//! The thin typed client of the VIS webhooks API: one short method an endpoint (vis §3). Retries, throttling and error
//! bodies are `crate::http`'s.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use url::Url;

use super::super::Dated;
use super::super::registration::{Definition, Deletion, Identity, Listing};
use super::super::room::{Api, deletion, segment, undecodable};
use super::wire::{self, CreateRequest};
use crate::http::{Call, Credential, Http, HttpError, Repeat, Reply, WhenHeld, host_of};
use crate::secret::Secret;
use crate::webhook::{ServiceKind, Webhook};

/// Every webhook of the token's user (vis §3), with the slash at its end.
const COLLECTION: &str = "self/webhooks/";

/// A webhook created longer ago than this, by the service's clock, is not the one that was just asked for.
const JUST_CREATED: TimeDelta = TimeDelta::minutes(5);

/// The client of one connection.
#[derive(Debug)]
pub struct Client {
    api: Api,
}

impl Client {
    /// A client that talks to `base` (for example `https://api.vonage.com/t/vbc.prod/vis/v1`) through `http`.
    #[must_use]
    pub fn new(http: Http, base: Url) -> Self {
        Self { api: Api { http, base, accept: "application/json", credential: Credential::Bearer } }
    }

    /// Where its calls go.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// `GET /self/webhooks/`: every webhook that the token's user can see, in one reply (vis §3: no paging).
    pub async fn list(&self, when_held: WhenHeld) -> Result<Listing, HttpError> {
        let mut call = self.api.call(Method::GET, COLLECTION);
        call.when_held = when_held;
        let reply = self.api.http.send(&call).await?;
        let (elements, strangers) = wire::split(&reply.body)
            .map_err(|error| undecodable(&call, "a list of webhooks", &reply, &error))?;
        Ok(Listing {
            service: ServiceKind::Vis,
            elements,
            strangers,
            mentions_pages: false,
            date: reply.date,
        })
    }

    /// `GET /self/webhooks/{id}`, with the service's clock.
    pub async fn get(&self, id: &str) -> Result<Dated, HttpError> {
        let call = self.api.call(Method::GET, &format!("{COLLECTION}{}", segment(id)));
        let reply = self.api.http.send(&call).await?;
        Ok((webhook(&call, &reply)?, reply.date))
    }

    /// `GET /self`: who the token belongs to. A service that does not know the path, or does not let this token in, leaves
    /// both unknown.
    pub async fn identity(&self) -> Result<Identity, HttpError> {
        let call = self.api.call(Method::GET, "self");
        match self.api.http.send(&call).await {
            Ok(reply) => {
                wire::identity(&reply.body).map_err(|error| undecodable(&call, "a user", &reply, &error))
            }
            Err(HttpError::Fault { fault, .. }) if matches!(fault.status, 403 | 404 | 405 | 410) => {
                Ok(Identity::default())
            }
            Err(error) => Err(error),
        }
    }

    /// `POST /self/webhooks/`. Never repeated once it may have arrived: then the list decides (design §4).
    pub async fn create(&self, definition: &Definition) -> Result<Dated, HttpError> {
        let request = CreateRequest {
            url: &definition.url,
            events: &definition.events,
            signing_algo: definition.key.as_ref().map(|_| "HMAC_SHA256"),
            signing_key: definition.key.as_ref().map(Secret::reveal),
            metadata_policy: &definition.metadata_policy,
        };
        let mut call = self.api.call_with(Method::POST, COLLECTION, &request);
        call.repeat = Repeat::OnlyIfNotSent;
        match self.api.http.send(&call).await {
            Ok(reply) => self.created(&call, definition, reply).await,
            Err(HttpError::Ambiguous { source }) => {
                let found = self.find_created(definition).await.unwrap_or_default();
                found.ok_or(HttpError::Ambiguous { source })
            }
            Err(error) => Err(error),
        }
    }

    async fn created(&self, call: &Call, definition: &Definition, reply: Reply) -> Result<Dated, HttpError> {
        let described = match webhook(call, &reply) {
            Ok(webhook) if !webhook.id.is_empty() => return Ok((webhook, reply.date)),
            other => other,
        };
        // The service said yes, so a webhook is there; only its description is missing.
        if let Ok(Some(found)) = self.find_created(definition).await {
            return Ok(found);
        }
        match described {
            Ok(webhook) if webhook.url == definition.url => Ok((webhook, reply.date)),
            Ok(_) => Err(ambiguous(no_id(call))),
            Err(error) => Err(ambiguous(error)),
        }
    }

    /// Ours is the one with the same url, events and key; without a key, one that is younger than 5 minutes.
    async fn find_created(&self, definition: &Definition) -> Result<Option<Dated>, HttpError> {
        let listing = self.list(WhenHeld::Wait).await?;
        let now = listing.date.unwrap_or_else(Utc::now);
        let ours: Vec<Webhook> =
            listing.webhooks().filter(|webhook| is_ours(webhook, definition, now)).collect();
        // One that differs in nothing but its policy may be there besides: the one that this is to replace.
        let has_policy =
            |webhook: &&Webhook| webhook.policy().eq_ignore_ascii_case(&definition.metadata_policy);
        let found = ours.iter().find(has_policy).or(ours.first()).cloned();
        Ok(found.map(|webhook| (webhook, listing.date)))
    }

    /// `PUT /self/webhooks/{id}/renew`. An empty 200 was seen live (vis §3): then, and if the reply is any
    /// other text, the webhook is read again. With the service's clock.
    pub async fn renew(&self, id: &str, when_held: WhenHeld) -> Result<Dated, HttpError> {
        let mut call = self.api.call(Method::PUT, &format!("{COLLECTION}{}/renew", segment(id)));
        call.when_held = when_held;
        let reply = self.api.http.send(&call).await?;
        match webhook(&call, &reply) {
            Ok(webhook) if webhook.id == id => Ok((webhook, reply.date)),
            // Accepted, and what came with it is not the webhook.
            _ => self.get(id).await,
        }
    }

    /// `DELETE /self/webhooks/{id}`; 404 and 410 mean that it is gone already (vis §13).
    pub async fn delete(&self, id: &str) -> Result<Deletion, HttpError> {
        let mut call = self.api.call(Method::DELETE, &format!("{COLLECTION}{}", segment(id)));
        call.when_held = WhenHeld::Return;
        deletion(self.api.http.send(&call).await)
    }
}

fn is_ours(webhook: &Webhook, definition: &Definition, now: DateTime<Utc>) -> bool {
    let is_recent = || webhook.created_at.is_some_and(|created| created >= now - JUST_CREATED);
    webhook.delivers_as(&definition.url, &definition.events)
        && match &definition.key {
            Some(key) => webhook.signing_key.as_ref() == Some(key),
            None => webhook.signing_key.is_none() && is_recent(),
        }
}

fn webhook(call: &Call, reply: &Reply) -> Result<Webhook, HttpError> {
    wire::webhook(&reply.body).map_err(|error| undecodable(call, "a webhook", reply, &error))
}

fn ambiguous(source: HttpError) -> HttpError {
    HttpError::Ambiguous { source: Box::new(source) }
}

fn no_id(call: &Call) -> HttpError {
    let found = "it has no id".to_owned();
    HttpError::Undecodable { host: host_of(&call.url), expected: "a webhook", found }
}
