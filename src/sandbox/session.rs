//! Lets a command use the sandbox: another process's when one serves, else one embedded in this process.
//!
//! `election` says how the two are told apart.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::directory::Directory;
use super::election::{self, Elected};
use super::locks::{self, Hold};
use super::options::Options;
use super::server::{Server, base_url};
use super::{SandboxError, state, store};
use crate::secret::Secret;

/// A sandbox that can be called over HTTP for as long as this lives.
#[derive(Debug)]
pub struct Session {
    base_url: String,
    token: Secret,
    host: Host,
}

#[derive(Debug)]
enum Host {
    /// This process serves.
    Embedded { server: Server, directory: Directory },
    /// Another process serves; the lock keeps it from leaving.
    Guest { _clients: File },
}

/// Connects to the process that serves `state_dir`, or serves it from this one.
pub async fn join(state_dir: &Path) -> Result<Session, SandboxError> {
    let directory = Directory::open(state_dir)?;
    let clients = locks::wait_for(&directory.clients_lock(), Hold::Shared).await?;
    match election::settle(&directory).await? {
        Elected::Theirs { starting } => Session::guest(&directory, clients, &starting),
        Elected::Ours { serving, starting } => {
            drop(clients);
            let session = Session::embedded(directory, serving).await;
            drop(starting);
            session
        }
    }
}

/// Connects to the process that serves `state_dir`; none when no process does.
pub async fn find_running(state_dir: &Path) -> Result<Option<Session>, SandboxError> {
    let directory = Directory::open(state_dir)?;
    let clients = locks::wait_for(&directory.clients_lock(), Hold::Shared).await?;
    match election::settle(&directory).await? {
        Elected::Theirs { starting } => Session::guest(&directory, clients, &starting).map(Some),
        Elected::Ours { .. } => Ok(None),
    }
}

/// Replaces the state of `state_dir` by the demo account, or by an empty one, even when it cannot be read.
///
/// For when nothing serves: `SandboxError::Running` when something does, which `POST /_sandbox/reset` then resets.
pub async fn start_over(state_dir: &Path, empty: bool) -> Result<(), SandboxError> {
    let directory = Directory::open(state_dir)?;
    let _locks = election::win(&directory).await?;
    store::start_over(&directory, empty)
}

impl Session {
    /// A session with the process that serves. `_starting` is the proof that the address is its own.
    fn guest(directory: &Directory, clients: File, _starting: &File) -> Result<Self, SandboxError> {
        let missing = || SandboxError::State {
            path: directory.state(),
            reason: "a sandbox runs, but its address is not in it".to_owned(),
        };
        let state = state::read(directory)?.ok_or_else(missing)?;
        let base_url = base_url(state.host.ok_or_else(missing)?.address);
        Ok(Self { base_url, token: state.token, host: Host::Guest { _clients: clients } })
    }

    async fn embedded(directory: Directory, serving: File) -> Result<Self, SandboxError> {
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(directory.clone(), serving, bind, Options::default(), true).await?;
        let (base_url, token) = (server.base_url().to_owned(), server.token());
        Ok(Self { base_url, token, host: Host::Embedded { server, directory } })
    }

    /// The API's base, such as `http://127.0.0.1:40123/t/vbc.prod/vis/v1`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The token that opens the API and the knobs.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// Whether this process serves.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.host, Host::Embedded { .. })
    }

    /// Ends the session. An embedded sandbox serves on until nobody else uses it, then stops with its state on disk.
    ///
    /// A process that comes meanwhile waits, finds nobody serving, and serves.
    pub async fn leave(self) -> Result<(), SandboxError> {
        match self.host {
            Host::Guest { .. } => Ok(()),
            Host::Embedded { server, directory } => {
                let _clients = locks::wait_without_end(&directory.clients_lock(), Hold::Exclusive).await?;
                server.shut_down().await
            }
        }
    }
}
