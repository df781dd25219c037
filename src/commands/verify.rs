//! `vwh verify`: checks the signature of a captured delivery.

use clap::Args;

use super::Context;
use crate::error::{Error, ExitStatus};

/// Check the signature of a captured delivery
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {}

/// Runs `vwh verify`.
#[expect(clippy::unused_async, clippy::unnecessary_wraps, reason = "its body comes next")]
pub async fn run(_args: &VerifyArgs, _context: &Context) -> Result<ExitStatus, Error> {
    Ok(ExitStatus::Success)
}
