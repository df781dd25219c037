//! A local server that behaves like the Vonage VIS webhooks API and like those beside it, for trying things out without an account.
//!
//! Built from the emulator sections of specs/*.md alone: it shares no code with the client, so that a mistake in one is not
//! repeated in the other; what a delivery looks like and the sender of deliveries are the exception, because vwh delivers too. It prints
//! nothing and reads no environment. It needs a Tokio runtime with time and I/O; one thread is enough, because nothing in
//! it waits for a file lock by blocking.
//!
//! - who serves, and how others find it: `session`, `election`, `locks`, `server`
//! - what is kept: `store` (memory and disk), `account`, `registration`, `events`, `state`, `directory`, `demo`
//! - time: `clock`, `timestamp`; what waits for it, calls and their deliveries: `engine`
//! - a request's way: `app`, `routes`, `gateway`, `quota`, then `vis` and `create`, or `knobs`, `placing` and `status`
//! - tokens for those who sign in: `oauth`
//! - the other services on the same address: `contact_center`, `voipbin`
//! - trouble to order: `fault`, `misbehaviour`, `options`; a receiver that fails to order: `receiver`

mod account;
mod app;
mod clock;
mod contact_center;
mod create;
mod demo;
mod directory;
mod election;
mod engine;
mod error;
mod events;
mod fault;
mod gateway;
mod knobs;
mod locks;
mod misbehaviour;
mod oauth;
mod options;
mod placing;
mod quota;
mod receiver;
mod registration;
mod reply;
mod routes;
mod server;
mod session;
mod state;
mod status;
mod store;
mod timestamp;
mod vis;
mod voipbin;

pub use error::SandboxError;
pub use fault::{Fault, FaultSyntax};
pub use oauth::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
pub use options::{ErrorShape, ErrorShapeSyntax, Options};
pub use server::{Server, serve};
pub use session::{Session, find_running, join, start_over};
