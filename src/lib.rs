//! `vwh` keeps call webhooks alive.

pub mod files;
pub mod http;
pub mod journal;
pub mod markup;
pub mod secret;
pub mod services;
pub mod webhook;
