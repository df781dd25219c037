//! What `create` and `update` share about what a service takes: its refusal as an error, and what is worth a warning.

use super::Context;
use super::account::Account;
use super::destination;
use crate::error::{Error, Kind};
use crate::services::doubt;
use crate::services::rules::{Refusal, Wish};

/// Nothing was sent: the command line asks for what the service has no place for.
#[must_use]
pub fn refused(refusal: Refusal) -> Error {
    Error::new(Kind::Usage, refusal.message).hint(refusal.hint)
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
