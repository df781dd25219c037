//! The form of `sandbox.json`.
//!
//! Nothing here reads or writes files: that is `directory`.

use std::io;
use std::net::SocketAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SandboxError;
use super::account::Account;
use super::contact_center::book::Book;
use super::demo::Demo;
use super::directory::Directory;
use super::events::EventLog;
use super::oauth::ledger::Ledger;
use super::registration::Registration;
use super::timestamp::Timestamp;
use super::voipbin;
use crate::secret::Secret;

/// The form that this program writes; another one is refused rather than guessed at.
const VERSION: u32 = 1;

/// The content of the state file, but who serves: that is a [`Door`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    pub(super) token: Secret,
    /// The sandbox time when this was written; the clock goes on from here at the next start.
    pub(super) now: Timestamp,
    pub(super) webhooks: Vec<Registration>,
    /// What the token endpoint handed out; older files have none of it.
    #[serde(default)]
    pub(super) oauth: Ledger,
    /// What Contact Center keeps; older files have none of it.
    #[serde(default)]
    pub(super) contact_center: Book,
    /// What happened; older files have none of it.
    #[serde(default)]
    pub(super) events: EventLog,
    /// The customer of VoIPBIN; older files have none.
    pub(super) voipbin: Option<voipbin::account::Account>,
}

/// What a guest needs to know of the state, which may be large.
#[derive(Debug, Deserialize)]
pub(super) struct Door {
    /// Who serves; worth something only while a process holds the serving lock.
    pub(super) host: Option<Host>,
    pub(super) token: Secret,
    /// Of VoIPBIN's customer; older files have none.
    pub(super) voipbin: Option<VoipbinDoor>,
}

/// What a guest needs to know of VoIPBIN's customer.
#[derive(Debug, Deserialize)]
pub(super) struct VoipbinDoor {
    pub(super) access_key: Secret,
}

/// The process that serves.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Host {
    /// Where it listens, `IP:PORT`.
    pub(super) address: SocketAddr,
    /// Whether it serves only as long as a command of its own runs.
    pub(super) embedded: bool,
}

/// Read before the rest, which may have any form in another version.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'state> {
    version: u32,
    host: Option<&'state Host>,
    token: &'state str,
    now: Timestamp,
    webhooks: Vec<&'state Registration>,
    oauth: Ledger,
    contact_center: &'state Book,
    events: &'state EventLog,
    voipbin: &'state voipbin::account::Account,
}

/// What is written, apart from the time and the address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'memory> {
    pub(super) account: &'memory Account,
    pub(super) ledger: &'memory Ledger,
    pub(super) book: &'memory Book,
    pub(super) events: &'memory EventLog,
    pub(super) token: &'memory Secret,
    pub(super) voipbin: &'memory voipbin::account::Account,
}

impl State {
    /// The state of a sandbox that never ran before, with a token of its own.
    pub(super) fn first(Demo { webhooks, contact_center, events }: Demo, now: Timestamp) -> Self {
        let token = Secret::new(format!("sandbox-{}", Uuid::new_v4().simple()));
        Self { token, now, webhooks, oauth: Ledger::default(), contact_center, events, voipbin: None }
    }
}

/// The state on disk, or a part of it, if there is one.
pub(super) fn read<T: DeserializeOwned>(directory: &Directory) -> Result<Option<T>, SandboxError> {
    let Some(content) = directory.read_state()? else { return Ok(None) };
    let refuse = |reason| SandboxError::State { path: directory.state(), reason };
    // The parser's own text may quote what it met, and that may be a key.
    let broken = |error: serde_json::Error| {
        refuse(format!("it is broken at line {} column {}", error.line(), error.column()))
    };
    let Version { version } = serde_json::from_slice(&content).map_err(broken)?;
    if version != VERSION {
        return Err(refuse(format!("it has version {version}, not {VERSION}")));
    }
    serde_json::from_slice(&content).map(Some).map_err(broken)
}

/// The state as it is written at `now`.
pub(super) fn to_bytes(kept: Kept<'_>, now: Timestamp, host: Option<&Host>) -> io::Result<Vec<u8>> {
    let written = Written {
        version: VERSION,
        host,
        token: kept.token.reveal(),
        now,
        webhooks: kept.account.kept(now),
        oauth: kept.ledger.kept(now),
        contact_center: kept.book,
        events: kept.events,
        voipbin: kept.voipbin,
    };
    Ok(serde_json::to_vec(&written)?)
}
