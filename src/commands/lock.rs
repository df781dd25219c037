//! `--wait-lock`: what a run does while another one changes the same webhooks.

use clap::Args;

use super::Context;
use super::account::{Account, Waiting};
use crate::error::Error;
use crate::files::Lock;

/// The option that commands share which remove or restore webhooks.
#[derive(Args, Clone, Copy, Debug)]
pub struct LockArgs {
    /// Wait for another run that changes these webhooks, instead of exiting with 5
    #[arg(long)]
    wait_lock: bool,
}

impl LockArgs {
    /// The lock of this account's webhooks, held until it is dropped. A dry run changes nothing, and takes none.
    pub async fn take(
        self,
        context: &Context,
        account: &Account,
        is_dry_run: bool,
    ) -> Result<Option<Lock>, Error> {
        if is_dry_run {
            return Ok(None);
        }
        let waiting = if self.wait_lock { Waiting::Wait } else { Waiting::Fail };
        account.lock(context, waiting).await.map(Some)
    }
}
