//! Asking the token endpoint (vis §2): one form, one exchange. What comes back is read in `reply`.
//!
//! It is not repeated once it may have arrived, and does not go through the gate of API requests.

use std::time::{Duration, Instant};

use url::Url;
use url::form_urlencoded::Serializer;

use super::Means;
use super::reply::{self, Granted};
use crate::http::exchange::{Broken, Exchange, Form, shown_url};
use crate::http::{ATTEMPTS, HttpError, host_of, pause_after};
use crate::network::Network;
use crate::secret::Secret;

/// With less time left nothing is begun that could not be repeated.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Debug)]
pub enum Grant<'a> {
    /// With a user's password.
    Password {
        /// User name, with its tenant.
        username: &'a str,
        /// Password.
        password: &'a Secret,
    },
    /// With a refresh token, which this uses up.
    Refresh {
        /// The refresh token.
        token: &'a Secret,
    },
    /// As the application itself (cc §1).
    Client {
        /// What the token is to be good for.
        scope: &'static str,
    },
    /// With the code that the browser brought back.
    Code {
        /// The code.
        code: &'a Secret,
        /// The redirect URI as it was sent before.
        redirect_uri: &'a str,
        /// What the challenge was made of.
        verifier: &'a Secret,
    },
}

/// The application that asks.
#[derive(Clone, Debug)]
pub struct Client {
    /// Consumer key.
    pub id: String,
    /// Consumer secret.
    pub secret: Secret,
}

impl Grant<'_> {
    fn form(&self, url: &Url, client: &Client) -> Form {
        let mut form = Serializer::new(String::new());
        let mut basic = None;
        match self {
            Self::Password { username, password } => {
                form.append_pair("grant_type", "password")
                    .append_pair("username", username)
                    .append_pair("password", password.reveal())
                    .append_pair("scope", "openid");
            }
            Self::Refresh { token } => {
                form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.reveal());
            }
            Self::Client { scope } => {
                form.append_pair("grant_type", "client_credentials").append_pair("scope", scope);
            }
            Self::Code { code, redirect_uri, verifier } => {
                form.append_pair("grant_type", "authorization_code")
                    .append_pair("code", code.reveal())
                    .append_pair("redirect_uri", redirect_uri)
                    .append_pair("code_verifier", verifier.reveal());
                basic = Some((client.id.clone(), client.secret.clone()));
            }
        }
        if basic.is_none() {
            form.append_pair("client_id", &client.id).append_pair("client_secret", client.secret.reveal());
        }
        Form { url: url.clone(), body: Secret::new(form.finish()), basic }
    }

    /// How long the exchange may take, if not as long as one reply; an error if it must not be begun.
    ///
    /// What a refresh token or a code is good for is used up once it is sent: a reply that nobody waits for is a sign-in
    /// that is lost.
    fn limit(&self, remaining: Option<Duration>) -> Result<Option<Duration>, Broken> {
        match (self, remaining) {
            (Self::Password { .. } | Self::Client { .. }, Some(left)) if left.is_zero() => {
                Err(Broken::TimeLimit)
            }
            (Self::Password { .. } | Self::Client { .. }, left) => Ok(left),
            (_, Some(left)) if left < LEAST_TIME => Err(Broken::TimeLimit),
            _ => Ok(None),
        }
    }

    /// What a reply may repeat and nobody may see, also as the form spells it.
    fn secrets(&self, client: &Client) -> Vec<Secret> {
        let own = match self {
            Self::Password { password, .. } => vec![*password],
            Self::Refresh { token } => vec![*token],
            Self::Client { .. } => Vec::new(),
            Self::Code { code, verifier, .. } => vec![*code, *verifier],
        };
        let spelt = |secret: &Secret| {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.reveal().as_bytes()).collect();
            [secret.clone(), Secret::new(encoded)]
        };
        own.into_iter().chain([&client.secret]).flat_map(spelt).collect()
    }
}

/// Asks for a token at `url`. [`HttpError::TimeLimit`]: nothing was sent.
pub async fn request(
    url: &Url,
    network: &Network,
    grant: &Grant<'_>,
    client: &Client,
    means: &Means,
) -> Result<Granted, HttpError> {
    let host = host_of(url);
    let not_connected = |source| HttpError::Connect { host: host.clone(), source };
    let exchange = Exchange::new(network).map_err(not_connected)?;
    let form = grant.form(url, client);
    let secrets = grant.secrets(client);
    let mut attempts = 0;
    loop {
        let limit = grant.limit(means.limits.remaining());
        let limit = limit.map_err(|broken| HttpError::of_broken(host.clone(), broken))?;
        let started = Instant::now();
        let outcome = exchange.post_form(&form, limit).await;
        let (elapsed, shown) = (started.elapsed().as_millis(), shown_url(url));
        match outcome {
            Ok(arrived) => {
                tracing::info!("POST {shown} {} in {elapsed} ms", arrived.status);
                return reply::read(&host, arrived, &secrets);
            }
            Err(broken) => {
                tracing::info!("POST {shown} failed after {elapsed} ms: {broken}");
                attempts += 1;
                let is_worth_it = matches!(broken, Broken::NotConnected(_) | Broken::ConnectTimeout);
                let error = match broken {
                    source @ Broken::TimeLimit => HttpError::Broken { host: host.clone(), source },
                    broken => HttpError::of_broken(host.clone(), broken),
                };
                let pause = pause_after(attempts, means.random);
                let has_time = means.limits.remaining().is_none_or(|left| left > pause);
                if !is_worth_it || attempts == ATTEMPTS || !has_time {
                    return Err(error);
                }
                means.limits.sleep(pause).await.map_err(|_| HttpError::Interrupted)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, Grant};
    use crate::secret::Secret;

    #[test]
    fn debug_hides_every_secret() {
        let (secret, client) =
            (Secret::new("hunter2"), Client { id: "key".to_owned(), secret: Secret::new("hunter3") });
        let grants = [
            Grant::Password { username: "u", password: &secret },
            Grant::Refresh { token: &secret },
            Grant::Code { code: &secret, redirect_uri: "http://127.0.0.1/", verifier: &secret },
        ];
        for grant in grants {
            let url = "https://token.example/token".parse().expect("a URL");
            let shown = format!("{grant:?} {client:?} {:?}", grant.form(&url, &client));
            assert!(!shown.contains("hunter"), "{shown}");
        }
    }
}
