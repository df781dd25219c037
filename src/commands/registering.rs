//! What `create` and `update` share about what a service takes: its refusal as an error, and what is worth a warning.

use std::time::Duration;

use super::Context;
use super::account::Account;
use super::destination;
use crate::error::{Error, Kind};
use crate::services::ability::{Ability, lack_of};
use crate::services::doubt;
use crate::services::rules::{Refusal, Wish};

/// How long the list of events is waited for once everything is done but a warning.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nothing was sent: the command line asks for what the service has no place for.
#[must_use]
pub fn refused(refusal: Refusal) -> Error {
    Error::new(Kind::Usage, refusal.message).hint(refusal.hint)
}

/// With what helps where a sandbox is as strict as its service with a `url` of this machine, the only ones that it delivers to.
#[must_use]
pub fn rejected(error: Error, account: &Account, url: &str) -> Error {
    if account.is_sandbox() && error.status == Some(400) && url.starts_with("http:") {
        return error.hint(
            "a sandbox takes http urls of this machine when it is started by: vwh sandbox --allow-http",
        );
    }
    error
}

/// What a person must know about a wish that the service takes.
pub fn warn(context: &Context, account: &Account, wish: &Wish<'_>) {
    if let Some(doubt) = doubt(account.service(), wish) {
        context.output.warning(&doubt);
    }
    if let Some(url) = wish.url {
        destination::warn(context, account, url, wish.allows_http);
    }
}

/// Warns of `events` that the service does not list, once it has taken them: a misspelt one would never be delivered, and
/// nobody would hear why. What a wildcard means is the service's business, and without the list there is nothing to say
/// (cc §4).
pub async fn warn_of_unlisted(context: &Context, account: &Account, events: &[String]) {
    let named: Vec<&String> = events.iter().filter(|event| !event.contains('*')).collect();
    if named.is_empty() || lack_of(account.service(), Ability::EventTypes).is_some() {
        return;
    }
    let listed = tokio::time::timeout(PATIENCE, account.client.event_types()).await;
    let Ok(Ok(listed)) = listed else { return };
    for event in named.into_iter().filter(|event| listed.iter().all(|kind| kind.name != **event)) {
        let see = account.command("event-types");
        context
            .output
            .warning(&format!("the service lists no event {event:?}: see what there is with: {see}"));
    }
}
