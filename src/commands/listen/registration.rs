//! The webhook that `listen --register` has for as long as it runs: registered with its key, deleted at the end, and deleted
//! by the next run if this one dies.

use std::time::Duration;

use tokio::sync::watch;
use url::Url;

use super::super::Context;
use super::super::account::Account;
use super::super::create::warn_about_reply;
use super::super::destination;
use super::keys::Keys;
use super::leftover::Leftover;
use crate::error::Error;
use crate::http::HttpError;
use crate::limits::Limits;
use crate::output::text::word;
use crate::secret::mask_url;
use crate::services::vis::client::{Definition, Deletion};

/// How long deleting may take at the end.
const FAREWELL: Duration = Duration::from_secs(20);

/// A webhook that is registered.
pub(super) struct Registration {
    id: String,
    leftover: Leftover,
}

impl Registration {
    /// Deletes what earlier runs left behind, then registers `url`.
    pub(super) async fn make(
        context: &Context,
        account: &Account,
        url: &Url,
        keys: &Keys,
    ) -> Result<Self, Error> {
        clean_up(context, account).await?;
        destination::warn(context, account, url);
        let definition = Definition {
            url: url.as_str().to_owned(),
            events: vec!["CALL".to_owned()],
            key: keys.first().cloned(),
            metadata_policy: "HEADER".to_owned(),
        };
        let mut leftover = Leftover::write(context, account, &definition, keys.is_new)?;
        match account.client.create(&definition).await {
            Ok((webhook, date)) => {
                let now = date.unwrap_or_else(context.clock);
                warn_about_reply(context, account, &definition, &webhook, now);
                leftover.is_called(&webhook.id);
                Ok(Self { id: webhook.id, leftover })
            }
            Err(error) => {
                let shown = mask_url(url.as_str()).into_owned();
                let may_exist = matches!(error, HttpError::Ambiguous { .. });
                let error = Error::from(error);
                if may_exist {
                    return Err(error
                        .while_doing(format!("{shown} may or may not be registered"))
                        .hint("the next `vwh listen --register` deletes it if it is"));
                }
                leftover.forget();
                Err(error.while_doing(format!("cannot register {shown}")))
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

    /// Deletes it, although the command was interrupted.
    pub(super) async fn end(self, context: &Context, account: &Account) -> Result<(), Error> {
        let (_never, uninterrupted) = watch::channel(false);
        let limits = Limits::new(Some(FAREWELL), uninterrupted);
        let account = account.again(context, &limits).await?;
        let deleted = delete(&account, &self.leftover).await;
        let command = account.command(&format!("delete {}", word(&self.id)));
        account.leave().await?;
        match deleted {
            Ok(_) => {
                self.leftover.forget();
                Ok(())
            }
            Err(error) => Err(Error::from(error)
                .while_doing(format!("webhook {} is still registered", self.id))
                .hint(format!("delete it with: {command}; the next `vwh listen --register` does too"))),
        }
    }
}

/// Deletes the webhooks of runs that died. What cannot be deleted now is left to the next run.
async fn clean_up(context: &Context, account: &Account) -> Result<(), Error> {
    for leftover in Leftover::of_dead_runs(context, account)? {
        let shown = mask_url(&leftover.note.url).into_owned();
        match delete(account, &leftover).await {
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
async fn delete(account: &Account, leftover: &Leftover) -> Result<Vec<String>, HttpError> {
    let ids = if let Some(id) = &leftover.note.id {
        vec![id.clone()]
    } else {
        // It was never learned.
        let listing = account.client.list().await?;
        let ours = listing.webhooks().filter(|webhook| leftover.note.is_about(webhook));
        ours.map(|webhook| webhook.id).filter(|id| !id.is_empty()).collect()
    };
    let mut deleted = Vec::new();
    for id in ids {
        if account.client.delete(&id).await? == Deletion::Removed {
            deleted.push(id);
        }
    }
    Ok(deleted)
}
