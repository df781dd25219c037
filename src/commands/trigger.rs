//! `vwh trigger`: posts a sample call to a receiver under the service's own rules.

use clap::Args;

use super::Context;
use crate::error::{Error, ExitStatus};

/// Post a signed sample call to a receiver
#[derive(Args, Clone, Debug)]
pub struct TriggerArgs {}

/// Runs `vwh trigger`.
#[expect(clippy::unused_async, clippy::unnecessary_wraps, reason = "its body comes next")]
pub async fn run(_args: &TriggerArgs, _context: &Context) -> Result<ExitStatus, Error> {
    Ok(ExitStatus::Success)
}
