//! Contact Center beside VIS: its token endpoint, its Webhooks API and its notifications (specs/contact-center.md §10).
//!
//! It has its own wire types, for the reason that `registration` gives. Where the vendor's documents are silent, what is
//! chosen here is said where it is chosen.
//!
//! - what is kept: `book` (subscriptions and tokens), `subscription`
//! - a request's way: `token`, or `api` and then `wish`, which judges bodies; `event_types` is the catalogue
//! - what happens in a call, and who is told: `notifications`

mod api;
pub(super) mod book;
mod event_types;
mod ksuid;
pub(super) mod notifications;
mod subscription;
mod token;
mod wish;

pub(super) use api::{answer, refusal_of};
pub(super) use token::answer as hand_out;

/// Where tokens are handed out, as on `*.cc.vonage.com` (specs/contact-center.md §1).
pub(super) const TOKEN_PATH: &str = "/Auth/connect/token";

/// Where the API lives, as on `*.api.newvoicemedia.com`.
pub(super) const API_BASE: &str = "/webhooks";
