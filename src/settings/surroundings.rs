//! Proxy and certificates as the environment names them: for connections to hosts that only a command's arguments name,
//! such as a receiver. Nothing is looked into before there is an https URL.

use std::path::PathBuf;

use url::Url;

use super::SettingsError;
use super::environment::Environment;
use crate::network::{Network, is_loopback};
use crate::secret::Secret;

/// What the environment says about connections.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// A proxy's URL may hold a password.
    https_proxy: Option<Secret>,
    no_proxy: Option<String>,
    certificate_file: Option<PathBuf>,
}

impl Surroundings {
    pub(super) fn of(environment: &Environment) -> Self {
        Self {
            https_proxy: environment.https_proxy().map(Secret::new),
            no_proxy: environment.no_proxy(),
            certificate_file: environment.certificate_file(),
        }
    }

    /// What a connection to `url` needs. For plain http that is nothing.
    pub(super) fn network(&self, url: &Url) -> Result<Network, SettingsError> {
        if url.scheme() != "https" {
            return Ok(Network::default());
        }
        let https_proxy = match self.https_proxy.as_ref().filter(|_| !is_loopback(url)) {
            Some(text) => {
                // It is not repeated, because of the password.
                let url = Url::parse(text.reveal())
                    .map_err(|error| SettingsError::new(format!("HTTPS_PROXY is not a URL: {error}")))?;
                Some(url)
            }
            None => None,
        };
        let read = |path: &PathBuf| {
            fs_err::read(path).map_err(|error| SettingsError::new(format!("SSL_CERT_FILE: {error}")))
        };
        let extra_roots = self.certificate_file.as_ref().map(read).transpose()?;
        Ok(Network { uses_tls: true, https_proxy, no_proxy: self.no_proxy.clone(), extra_roots })
    }
}
