//! What every connection of this machine goes by, API request or delivery: proxy, root certificates, what is loopback,
//! and what it says when it fails.
//!
//! All of it comes from settings; nothing is read from the environment here, and nothing is sent.

use std::error::Error as _;

use reqwest::{ClientBuilder, NoProxy, Proxy};
use url::{Host, Url};

/// What a connection needs besides its URL.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Whether the base URL is https; for plain http no root certificates are loaded, which saves more time than the rest
    /// of the start takes.
    pub uses_tls: bool,
    /// A proxy for https.
    pub https_proxy: Option<Url>,
    /// Hosts that are reached without it.
    pub no_proxy: Option<String>,
    /// Further root certificates in PEM form.
    pub extra_roots: Option<Vec<u8>>,
}

/// `builder` for plain http: no proxy, and no root certificates, because loading them takes longer than the rest of the
/// start.
pub fn plain(builder: ClientBuilder) -> ClientBuilder {
    install_provider();
    builder.no_proxy().tls_certs_only([])
}

/// `builder` for https under the rules of `network`.
pub fn tls(builder: ClientBuilder, network: &Network) -> Result<ClientBuilder, reqwest::Error> {
    install_provider();
    let mut builder = builder.no_proxy();
    if let Some(pem) = &network.extra_roots {
        let extra = reqwest::Certificate::from_pem_bundle(pem)?;
        builder = builder.tls_certs_merge(public_roots().chain(extra));
    }
    if let Some(url) = &network.https_proxy {
        let no_proxy = network.no_proxy.as_deref().and_then(NoProxy::from_string);
        builder = builder.proxy(Proxy::https(url.clone())?.no_proxy(no_proxy));
    }
    Ok(builder)
}

/// Whether the host of `url` is this machine, as far as its name tells.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The last cause of an error, which is the one that says what happened. `reqwest` puts the URL into the first.
#[must_use]
pub fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = None;
    while let Some(current) = cause {
        text = Some(current.to_string());
        cause = current.source();
    }
    text.unwrap_or_else(|| "the request could not be made".to_owned())
}

/// Fails only if a provider is installed already, which is then the same one.
fn install_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Mozilla's roots, so that adding a private root does not take away the public ones.
fn public_roots() -> impl Iterator<Item = reqwest::Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|root| reqwest::Certificate::from_der(root).ok())
}
