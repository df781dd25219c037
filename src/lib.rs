//! `vwh` keeps call webhooks alive.

pub mod auth;
pub mod error;
pub mod files;
pub mod http;
pub mod journal;
pub mod markup;
pub mod output;
pub mod sandbox;
pub mod secret;
pub mod services;
pub mod settings;
pub mod webhook;
