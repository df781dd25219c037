//! `vwh` keeps call webhooks alive.

pub mod sandbox;
pub mod secret;
