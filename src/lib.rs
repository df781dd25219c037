//! `vwh` keeps call webhooks alive.

pub mod secret;
