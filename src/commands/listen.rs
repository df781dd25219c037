//! `vwh listen`: a local receiver that verifies, de-duplicates, prints, records and forwards.

use clap::Args;

use super::Context;
use crate::error::{Error, ExitStatus};

/// Receive deliveries locally
#[derive(Args, Clone, Debug)]
pub struct ListenArgs {}

/// Runs `vwh listen`.
#[expect(clippy::unused_async, clippy::unnecessary_wraps, reason = "its body comes next")]
pub async fn run(_args: &ListenArgs, _context: &Context) -> Result<ExitStatus, Error> {
    Ok(ExitStatus::Success)
}
