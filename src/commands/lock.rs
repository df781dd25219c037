//! `--wait-lock`: what a run does while another one changes the same webhooks.

use clap::Args;

use super::account::Waiting;

/// The option that commands share which remove or restore webhooks.
#[derive(Args, Clone, Copy, Debug)]
pub struct LockArgs {
    /// Wait for another run that changes these webhooks, instead of exiting with 5
    #[arg(long)]
    wait_lock: bool,
}

impl LockArgs {
    /// What to do when another run holds the lock.
    #[must_use]
    pub const fn waiting(self) -> Waiting {
        if self.wait_lock { Waiting::Wait } else { Waiting::Fail }
    }
}
