//! Lets a command use the sandbox: another process's when one serves, else one embedded in this process.
//!
//! `election` says how the two are told apart.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use super::directory::Directory;
use super::election::{self, Elected};
use super::locks::{self, Hold, POLL};
use super::options::Options;
use super::server::{Server, base_url};
use super::state::{self, Door};
use super::{SandboxError, store};
use crate::secret::Secret;

/// How long a process that serves no more may take to be done with it.
const STOPPING_PATIENCE: Duration = Duration::from_secs(5);

/// A sandbox that can be called over HTTP for as long as this lives.
#[derive(Debug)]
pub struct Session {
    base_url: String,
    token: Secret,
    access_key: Option<Secret>,
    host: Host,
}

#[derive(Debug)]
enum Host {
    /// This process serves.
    Embedded { server: Server, directory: Directory },
    /// Another process serves; the lock keeps it from leaving.
    Guest { directory: Directory, address: SocketAddr, _clients: File },
}

/// Who serves, once that is clear.
enum Settled {
    Ours { serving: File, starting: File },
    Theirs { address: SocketAddr, door: Door },
}

/// Connects to the process that serves `state_dir`, or serves it from this one.
pub async fn join(state_dir: &Path) -> Result<Session, SandboxError> {
    let directory = Directory::open(state_dir)?;
    let clients = locks::wait_for(&directory.clients_lock(), Hold::Shared).await?;
    match settle(&directory).await? {
        Settled::Theirs { address, door } => Ok(Session::guest(directory, clients, address, door)),
        Settled::Ours { serving, starting } => {
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
    match settle(&directory).await? {
        Settled::Theirs { address, door } => Ok(Some(Session::guest(directory, clients, address, door))),
        Settled::Ours { .. } => Ok(None),
    }
}

/// Finds out who serves, and where. One that is about to stop has taken its address back and is given a moment.
async fn settle(directory: &Directory) -> Result<Settled, SandboxError> {
    let start = Instant::now();
    loop {
        // The address is its own only while the starting lock is held.
        let starting = match election::settle(directory).await? {
            Elected::Ours { serving, starting } => return Ok(Settled::Ours { serving, starting }),
            Elected::Theirs { starting } => starting,
        };
        let door: Option<Door> = state::read(directory)?;
        if let Some((address, door)) = door.and_then(|door| Some((door.host.as_ref()?.address, door))) {
            return Ok(Settled::Theirs { address, door });
        }
        if start.elapsed() > STOPPING_PATIENCE {
            return Err(SandboxError::Busy { path: directory.serving_lock() });
        }
        drop(starting);
        tokio::time::sleep(POLL).await;
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
    /// A session with the process that serves at `address`.
    fn guest(directory: Directory, clients: File, address: SocketAddr, door: Door) -> Self {
        let host = Host::Guest { directory, address, _clients: clients };
        let access_key = door.voipbin.map(|voipbin| voipbin.access_key);
        Self { base_url: base_url(address), token: door.token, access_key, host }
    }

    async fn embedded(directory: Directory, serving: File) -> Result<Self, SandboxError> {
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // Whoever uses this one is on this machine, and so is all that it delivers to.
        let options = Options { allow_http: true, ..Options::default() };
        let server = Server::start(directory.clone(), serving, bind, options, true).await?;
        let (base_url, token) = (server.base_url().to_owned(), server.token());
        let access_key = Some(server.access_key());
        Ok(Self { base_url, token, access_key, host: Host::Embedded { server, directory } })
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

    /// The access key that opens VoIPBIN's API; an older program that serves has none.
    #[must_use]
    pub fn access_key(&self) -> Option<&Secret> {
        self.access_key.as_ref()
    }

    /// Whether this process serves.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.host, Host::Embedded { .. })
    }

    /// Ends the session once the sandbox has stopped and its state is on disk, which somebody has to ask it for. An embedded
    /// one stops by being left.
    pub async fn wait_until_stopped(self) -> Result<(), SandboxError> {
        let Host::Guest { directory, address, .. } = &self.host else { return self.leave().await };
        loop {
            match election::settle(directory).await? {
                Elected::Ours { .. } => return Ok(()),
                Elected::Theirs { starting: _starting } => {
                    let host = state::read(directory).ok().flatten().and_then(|door: Door| door.host);
                    if host.is_some_and(|host| host.address != *address) {
                        // Another one serves by now.
                        return Ok(());
                    }
                }
            }
            tokio::time::sleep(POLL).await;
        }
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
