//! The thin typed client of the Contact Center Webhooks API: one short method an endpoint (cc §2).

use reqwest::Method;
use url::Url;

use super::super::Dated;
use super::super::registration::{Definition, Deletion, Identity, Listing, Update};
use super::super::room::{Api, deletion, segment, undecodable};
use super::wire::{self, CreateRequest, EventType, UpdateRequest};
use crate::http::{Call, Credential, Http, HttpError, Repeat, Reply, WhenHeld};
use crate::secret::Secret;
use crate::webhook::{ServiceKind, Webhook};

/// The version of the API that is asked for, on every call (cc §1).
const ACCEPT: &str = "application/vnd.newvoicemedia.v1+json";

const COLLECTION: &str = "subscriptions";

/// What a token that lacks a scope gets, word for word: any other 401 is about the token itself (cc §7).
const WITHOUT_SCOPE: &str = "Unauthorized";

/// The client of one connection.
#[derive(Debug)]
pub struct Client {
    api: Api,
}

impl Client {
    /// A client that talks to `base` (for example `https://emea.api.newvoicemedia.com/webhooks`) through `http`.
    #[must_use]
    pub fn new(http: Http, base: Url) -> Self {
        Self { api: Api { http, base, accept: ACCEPT, credential: Credential::Bearer } }
    }

    /// Where its calls go.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// `GET /subscriptions`: all of them, in one reply, without their keys.
    pub async fn list(&self, when_held: WhenHeld) -> Result<Listing, HttpError> {
        let mut call = self.api.call(Method::GET, COLLECTION);
        call.when_held = when_held;
        let reply = self.send(&call).await?;
        let list = wire::split(&reply.body)
            .map_err(|error| undecodable(&call, "a list of subscriptions", &reply, &error))?;
        Ok(Listing {
            service: ServiceKind::ContactCenter,
            elements: list.elements,
            strangers: list.strangers,
            mentions_pages: list.mentions_pages,
            date: reply.date,
        })
    }

    /// `GET /subscriptions/{id}`, with the service's clock.
    pub async fn get(&self, id: &str) -> Result<Dated, HttpError> {
        let call = self.api.call(Method::GET, &format!("{COLLECTION}/{}", segment(id)));
        let reply = self.send(&call).await?;
        Ok((subscription(&call, &reply)?, reply.date))
    }

    /// Nothing says who a token belongs to.
    pub fn identity(&self) -> Identity {
        Identity::default()
    }

    /// `POST /subscriptions`. Never repeated once it may have arrived: names are unique, so the list decides by name.
    pub async fn create(&self, definition: &Definition) -> Result<Dated, HttpError> {
        let name = definition.name.as_deref().unwrap_or_default();
        let request = CreateRequest {
            name,
            url: &definition.url,
            events: &definition.events,
            enabled: definition.is_enabled,
            secret: definition.key.as_ref().map(Secret::reveal),
        };
        let mut call = self.api.call_with(Method::POST, COLLECTION, &request);
        call.repeat = Repeat::OnlyIfNotSent;
        match self.send(&call).await {
            Ok(reply) => match subscription(&call, &reply) {
                Ok(webhook) if !webhook.id.is_empty() => Ok((webhook, reply.date)),
                // The service said yes, so it is there; only its description is missing.
                described => match self.named(name, &definition.url).await {
                    Ok(Some(found)) => Ok(found),
                    _ => described.map(|webhook| (webhook, reply.date)),
                },
            },
            Err(HttpError::Ambiguous { source }) => {
                // Of another one that had this name before, the events tell.
                let found = self.named(name, &definition.url).await.unwrap_or_default();
                let is_ours = |(webhook, _): &Dated| webhook.delivers_as(&definition.url, &definition.events);
                found.filter(is_ours).ok_or(HttpError::Ambiguous { source })
            }
            Err(error) => Err(error),
        }
    }

    async fn named(&self, name: &str, url: &str) -> Result<Option<Dated>, HttpError> {
        let listing = self.list(WhenHeld::Wait).await?;
        let is_ours = |webhook: &Webhook| webhook.name.as_deref() == Some(name) && webhook.url == url;
        let found = listing.webhooks().find(is_ours);
        Ok(found.map(|webhook| (webhook, listing.date)))
    }

    /// `PATCH /subscriptions/{id}`: what is not named stays as it is, so repeating it does no harm.
    pub async fn update(&self, id: &str, update: &Update) -> Result<Webhook, HttpError> {
        let request = UpdateRequest {
            name: update.name.as_deref(),
            url: update.url.as_deref(),
            events: update.events.as_deref(),
            enabled: update.is_enabled,
            secret: update.key.as_ref().map(Secret::reveal),
        };
        let call = self.api.call_with(Method::PATCH, &format!("{COLLECTION}/{}", segment(id)), &request);
        let reply = self.send(&call).await?;
        match subscription(&call, &reply) {
            Ok(webhook) if webhook.id == id => Ok(webhook),
            // Accepted, and what came with it is not the subscription.
            _ => self.get(id).await.map(|(webhook, _)| webhook),
        }
    }

    /// `DELETE /subscriptions/{id}`: any 2xx is done, 404 and 410 mean that it is gone already (cc §9).
    pub async fn delete(&self, id: &str) -> Result<Deletion, HttpError> {
        let mut call = self.api.call(Method::DELETE, &format!("{COLLECTION}/{}", segment(id)));
        call.when_held = WhenHeld::Return;
        deletion(self.send(&call).await)
    }

    /// `GET /event-types`, in the service's order.
    pub async fn event_types(&self) -> Result<Vec<EventType>, HttpError> {
        let call = self.api.call(Method::GET, "event-types");
        let reply = self.send(&call).await?;
        wire::event_types(&reply.body)
            .map_err(|error| undecodable(&call, "a list of event types", &reply, &error))
    }

    async fn send(&self, call: &Call) -> Result<Reply, HttpError> {
        let mut outcome = self.api.http.send(call).await;
        if let Err(HttpError::Fault { fault, .. }) = &mut outcome
            && fault.status == 401
            && fault.message.as_deref() == Some(WITHOUT_SCOPE)
        {
            let scope = if call.method == Method::GET { "admin:read" } else { "admin:write" };
            fault.cure =
                Some(format!("the token lacks the scope {scope}: the API credentials have to be allowed it"));
        }
        outcome
    }
}

fn subscription(call: &Call, reply: &Reply) -> Result<Webhook, HttpError> {
    wire::subscription(&reply.body).map_err(|error| undecodable(call, "a subscription", reply, &error))
}
