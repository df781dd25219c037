//! `vwh missed`: the events that a webhook did not get, and posting them again.

use clap::Args;

use super::Context;
use super::accounts::Accounts;
use crate::error::{Error, ExitStatus};

/// Show the events that webhooks did not get
#[derive(Args, Clone, Debug)]
pub struct MissedArgs {}

/// Runs `vwh missed`.
#[expect(clippy::unused_async, clippy::unnecessary_wraps, reason = "its body comes next")]
pub async fn run(_args: &MissedArgs, _context: &Context, _accounts: &Accounts) -> Result<ExitStatus, Error> {
    Ok(ExitStatus::Success)
}
