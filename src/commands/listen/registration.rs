//! The webhook that `listen --register` has for as long as it runs: registered with its key, deleted at the end, and deleted
//! by the next run if this one dies.

use bytes::Bytes;
use std::time::Duration;

use tokio::sync::watch;
use url::Url;

use super::super::Context;
use super::super::account::Account;
use super::super::create::warn_about_reply;
use super::super::destination;
use super::super::registering::refused;
use super::ListenArgs;
use super::keys::Keys;
use super::leftover::Leftover;
use crate::error::{Error, Kind};
use crate::http::HttpError;
use crate::limits::Limits;
use crate::output::text::word;
use crate::secret::{Secret, mask_url};
use crate::services::facts::{Facts, facts};
use crate::services::registration::{Definition, Deletion};
use crate::services::rules::{KeyWish, Wish};
use crate::services::{Service, check_create};
use crate::webhook::Webhook;

/// How long deleting may take at the end.
const FAREWELL: Duration = Duration::from_secs(20);

/// A webhook that is registered.
pub(super) struct Registration {
    id: String,
    /// The key that the service says it has.
    pub(super) key: Option<Secret>,
    leftover: Leftover,
}

impl Registration {
    /// Deletes what earlier runs left behind, then registers `url`.
    pub(super) async fn make(
        context: &Context,
        account: &Account,
        args: &ListenArgs,
        url: &Url,
        keys: &Keys,
    ) -> Result<Self, Error> {
        let definition = definition(context, account, args, url, keys)?;
        clean_up(context, account).await?;
        destination::warn(context, account, url, args.allow_http);
        let mut leftover = Leftover::write(context, account, &definition, keys.is_new)?;
        match account.client.create(&definition).await {
            Ok((webhook, date)) => {
                let now = date.unwrap_or_else(context.clock);
                warn_about_reply(context, account, &definition, &webhook, now);
                leftover.is_called(&webhook.id);
                if let Some(settling) = facts(account.service()).settling {
                    context.output.notice(settling);
                }
                Ok(Self { key: webhook.known_key().cloned(), id: webhook.id, leftover })
            }
            Err(error) => {
                let shown = mask_url(url.as_str()).into_owned();
                let may_exist = error.is_in_doubt();
                let taken = match &error {
                    HttpError::Taken { id, .. } => Some(id.clone()),
                    _ => None,
                };
                let error = Error::from(error);
                if may_exist {
                    return Err(error
                        .while_doing(format!("{shown} may or may not be registered"))
                        .hint("the next `listen --register` deletes it if it is"));
                }
                leftover.forget();
                let error = error.while_doing(format!("cannot register {shown}"));
                let Some(id) = taken else { return Err(error) };
                let delete = account.command(&format!("delete {} --yes", word(&id)));
                let restore = account.command("restore --last");
                Err(error.hint(format!(
                    "make room first with {delete}, and bring it back afterwards with {restore}"
                )))
            }
        }
    }

    /// The webhook's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Where it delivers to.
    pub(super) fn url(&self) -> &str {
        &self.leftover.note.url
    }

    /// Deletes it, although the command was interrupted, and within a limit of its own.
    pub(super) async fn end(self, context: &Context, account: &Account) -> Result<(), Error> {
        let (_never, uninterrupted) = watch::channel(false);
        let limits = Limits::new(Some(FAREWELL), uninterrupted);
        let client = account.client_within(context, &limits)?;
        let deleted = match limits.within(Box::pin(delete(&client, &self.leftover))).await {
            Some(deleted) => deleted.map_err(Error::from),
            None => Err(Error::new(Kind::Unavailable, "the service takes too long")),
        };
        match deleted {
            Ok(_) => {
                self.leftover.forget();
                Ok(())
            }
            Err(error) => {
                let command = account.command(&format!("delete {}", word(&self.id)));
                Err(error
                    .while_doing(format!("webhook {} is still registered", self.id))
                    .hint(format!("delete it with: {command}; the next `listen --register` does too")))
            }
        }
    }
}

/// What is registered. Fails if the service has no place for it.
fn definition(
    context: &Context,
    account: &Account,
    args: &ListenArgs,
    url: &Url,
    keys: &Keys,
) -> Result<Definition, Error> {
    let service = account.service();
    let Facts { needs_name, all_events, .. } = facts(service);
    let name = if *needs_name { Some(format!("vwh listen {}", context.run_name()?)) } else { None };
    let events = match args.event.as_slice() {
        [] => all_events.iter().map(|event| (*event).to_owned()).collect(),
        events => events.to_vec(),
    };
    let wish = Wish {
        name: name.as_deref(),
        url: Some(url),
        events: &events,
        names_policy: false,
        pauses: false,
        key: keys.first().map_or(KeyWish::Unsaid, KeyWish::Given),
        allows_http: args.allow_http,
        replaces: false,
    };
    check_create(service, &wish).map_err(refused)?;
    let key = keys.first().cloned();
    Ok(Definition { name, ..Definition::new(url.as_str().to_owned(), events, key, "HEADER".to_owned()) })
}

/// Deletes the webhooks of runs that died. What cannot be deleted now is left to the next run.
async fn clean_up(context: &Context, account: &Account) -> Result<(), Error> {
    for leftover in Leftover::of_dead_runs(context, account)? {
        let shown = mask_url(&leftover.note.url).into_owned();
        match delete(&account.client, &leftover).await {
            Ok(deleted) => {
                for id in deleted {
                    context.output.warning(&format!(
                        "an earlier `vwh listen` left webhook {id} for {shown} behind: it is deleted now"
                    ));
                }
                leftover.forget();
            }
            Err(HttpError::Interrupted) => return Err(HttpError::Interrupted.into()),
            Err(error) => context.output.warning(&format!(
                "an earlier `vwh listen` left a webhook for {shown} behind, and it cannot be deleted now: {}",
                Error::from(error).sentence()
            )),
        }
    }
    Ok(())
}

/// Deletes what was registered; gives the ids that were still there.
async fn delete(client: &Service, leftover: &Leftover) -> Result<Vec<String>, HttpError> {
    let ids = if let Some(id) = &leftover.note.id {
        vec![id.clone()]
    } else {
        // It was never learned.
        let listing = client.list().await?;
        let ours = listing.webhooks().filter(|webhook| leftover.note.is_about(webhook));
        ours.map(|webhook| webhook.id).filter(|id| !id.is_empty()).collect()
    };
    let mut deleted = Vec::new();
    for id in ids {
        let url = leftover.note.url.clone();
        let ours = Webhook { id, url, ..Webhook::unread(client.kind(), Bytes::new()) };
        if client.delete(&ours).await? == Deletion::Removed {
            deleted.push(ours.id);
        }
    }
    Ok(deleted)
}
