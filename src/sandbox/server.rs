//! Starts and stops the HTTP server of a sandbox.
//!
//! `session` decides who may start one.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::SandboxError;
use super::app::{API_BASE, App};
use super::directory::Directory;
use super::election;
use super::oauth::TOKEN_PATH;
use super::options::Options;
use super::state::Host;
use super::store::{Start, Store};

/// How long requests and deliveries in flight may take once the server stops. Latency comes on top; stalls and slow bodies
/// end at once.
const DRAIN: Duration = Duration::from_secs(5);

/// A sandbox that this process serves.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    base_url: String,
    stopping: watch::Sender<bool>,
    stop_asked: watch::Receiver<bool>,
    serving: JoinHandle<io::Result<()>>,
}

/// Serves the sandbox of `state_dir` at `bind` until `shut_down`.
///
/// Only one process at a time serves a directory: `SandboxError::Running` when another does.
pub async fn serve(state_dir: &Path, bind: SocketAddr, options: Options) -> Result<Server, SandboxError> {
    let directory = Directory::open(state_dir)?;
    let (serving, starting) = election::win(&directory).await?;
    let server = Server::start(directory, serving, bind, options, false).await;
    drop(starting);
    server
}

impl Server {
    /// Binds, opens the state with the address in it, and starts to serve. `serving` is the right to do so.
    pub(super) async fn start(
        directory: Directory,
        serving: File,
        bind: SocketAddr,
        options: Options,
        is_embedded: bool,
    ) -> Result<Self, SandboxError> {
        options.check()?;
        let failed = |source| SandboxError::Bind { address: bind, source };
        let listener = TcpListener::bind(bind).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let start = Start { speed: options.speed, empty: options.empty };
        let store =
            Arc::new(Store::open(directory, serving, Host { address, embedded: is_embedded }, start)?);
        let (stopping, is_stopping) = watch::channel(false);
        let app = Arc::new(App::new(store, options, address, is_embedded, is_stopping.clone()));
        let stop_asked = app.stop_asked.subscribe();
        let serving = tokio::spawn(listen(listener, Arc::clone(&app), is_stopping));
        tokio::spawn(Arc::clone(&app.engine).run());
        Ok(Self { app, base_url: base_url(address), stopping, stop_asked, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.app.address
    }

    /// The API's base, such as `http://127.0.0.1:40123/t/vbc.prod/vis/v1`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where tokens are handed out, such as `http://127.0.0.1:40123/token`.
    #[must_use]
    pub fn token_url(&self) -> String {
        self.app.token_url()
    }

    /// The token that opens the API and the knobs.
    #[must_use]
    pub fn token(&self) -> crate::secret::Secret {
        self.app.store.token()
    }

    /// The access key that opens VoIPBIN's API.
    #[must_use]
    pub fn access_key(&self) -> crate::secret::Secret {
        self.app.store.read_voipbin(|account| crate::secret::Secret::new(account.access_key()))
    }

    /// Resolves once somebody asked for a stop, by `POST /_sandbox/stop`. The caller then shuts down.
    pub async fn stopped(&mut self) {
        // The sender lives in `app`, so this cannot end early.
        let _ = self.stop_asked.wait_for(|is_asked| *is_asked).await;
    }

    /// Takes no more requests and begins no more deliveries, awaits what is in flight, saves the state and lets the next
    /// process serve.
    pub async fn shut_down(mut self) -> Result<(), SandboxError> {
        // Before the first connection is refused: who comes now waits for the end instead.
        // An embedded one stops when nobody can come.
        let withdrawn = if self.app.is_embedded { Ok(()) } else { self.app.store.withdraw().await };
        self.stopping.send_replace(true);
        let limit = self.app.options.latency + DRAIN;
        let in_flight = async { tokio::join!(&mut self.serving, self.app.engine.stop()) };
        if tokio::time::timeout(limit, in_flight).await.is_err() {
            self.serving.abort();
        }
        self.app.store.close().await?;
        Ok(withdrawn?)
    }
}

async fn listen(listener: TcpListener, app: Arc<App>, mut stopping: watch::Receiver<bool>) -> io::Result<()> {
    // Replies are written head first: without this, a body would wait for the other side's acknowledgement.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app.into_router())
        .with_graceful_shutdown(async move {
            let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
        })
        .await
}

/// The API's base.
pub(super) fn base_url(address: SocketAddr) -> String {
    root(address) + API_BASE
}

/// Where tokens are handed out.
pub(super) fn token_url(address: SocketAddr) -> String {
    root(address) + TOKEN_PATH
}

/// The root for a client on this machine: an unspecified address is reached by way of loopback.
pub(super) fn root(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_url_is_one_that_can_be_called() {
        let url = |address: &str| base_url(address.parse().unwrap());
        assert_eq!(url("127.0.0.1:80"), "http://127.0.0.1:80/t/vbc.prod/vis/v1");
        assert_eq!(url("0.0.0.0:8080"), "http://127.0.0.1:8080/t/vbc.prod/vis/v1");
        assert_eq!(url("[::]:8080"), "http://[::1]:8080/t/vbc.prod/vis/v1");
    }
}
