//! The one sender of deliveries and forwards: one attempt, with its redirects, under the limits of `Rules`.
//!
//! It neither repeats an attempt nor judges its answer (that is `Rules::next`).

use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::ext::ReasonPhrase;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Method, redirect};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tower_layer::Layer;
use tower_service::Service;
use url::Url;

use super::{Answer, Delivery, Rules};
use crate::network::{self, Network, is_loopback};

/// How much of a reply's body is kept: more than any service repeats in its error text.
const KEPT: usize = 4096;

/// How much of a reply's body is read at the most.
const READ: usize = 1 << 20;

/// Which hosts may be posted to, redirects included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This machine's.
    Loopback,
    /// Any.
    Anywhere,
}

/// Posts deliveries. Every attempt has a connection of its own, so that the limit for connecting applies to each.
#[derive(Clone, Debug)]
pub struct Sender {
    network: Network,
    reach: Reach,
    rules: Rules,
}

impl Sender {
    /// A sender under `rules` to hosts within `reach`.
    #[must_use]
    pub fn new(network: Network, reach: Reach, rules: Rules) -> Self {
        Self { network, reach, rules }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Posts `delivery` to `url` once. Unless the rules follow no redirect, 302 is followed with GET and without a
    /// body, 307 with POST and the same body; any other 3xx is an answer (vis §8).
    pub async fn attempt(&self, url: &Url, delivery: &Delivery) -> Answer {
        let mut url = url.clone();
        let mut method = Method::POST;
        for _ in 0..=self.rules.redirects {
            if self.reach == Reach::Loopback && !is_loopback(&url) {
                return Answer::OutOfReach(url.host_str().unwrap_or_default().to_owned());
            }
            let reply = match self.exchange(&url, &method, delivery).await {
                Ok(reply) => reply,
                Err(reason) => return Answer::NoReply(reason),
            };
            let redirect = redirected(&url, &method, &reply).filter(|_| self.rules.redirects > 0);
            let Some((target, next)) = redirect else { return reply.into_answer() };
            (url, method) = (target, next);
        }
        Answer::TooManyRedirects
    }

    async fn exchange(&self, url: &Url, method: &Method, delivery: &Delivery) -> Result<Reply, String> {
        let connected = Connected::default();
        let client = self.client(url, &connected).map_err(|error| innermost(&error))?;
        let mut request = client.request(method.clone(), url.clone()).headers(sent(&delivery.headers));
        if *method == Method::POST {
            request = request.body(delivery.body.clone());
        }
        let sending = request.send();
        tokio::pin!(sending);
        // The time for the reply begins when the connection stands. Where there is none, `sending` ends by itself.
        let outcome = tokio::select! {
            biased;
            outcome = &mut sending => Some(outcome),
            () = connected.0.notified() => None,
        };
        let deadline = Instant::now() + self.rules.reply;
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => timeout_at(deadline, sending).await.map_err(|_| "Read timed out".to_owned())?,
        };
        Ok(Reply::read(outcome.map_err(|error| in_vendor_words(&error))?, deadline).await)
    }

    /// A client for one connection. It tells `connected` when that stands.
    fn client(&self, url: &Url, connected: &Connected) -> Result<Client, reqwest::Error> {
        let builder = Client::builder()
            .user_agent(concat!("vwh/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(self.rules.connect)
            .pool_max_idle_per_host(0)
            .connector_layer(connected.clone());
        let builder = if url.scheme() == "https" {
            let https_proxy = self.network.https_proxy.clone().filter(|_| !is_loopback(url));
            network::tls(builder, &Network { https_proxy, ..self.network.clone() })?
        } else {
            network::plain(builder)
        };
        builder.build()
    }
}

/// A reply whose head arrived in time, with as much of its body as did.
struct Reply {
    status: u16,
    reason: String,
    location: Option<String>,
    body: Bytes,
    length: usize,
}

impl Reply {
    async fn read(mut response: reqwest::Response, deadline: Instant) -> Self {
        let status = response.status();
        let reason = match response.extensions().get::<ReasonPhrase>() {
            Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok()).map(str::to_owned);
        let mut kept = BytesMut::new();
        let mut length = 0;
        while let Ok(Ok(Some(piece))) = timeout_at(deadline, response.chunk()).await {
            length += piece.len();
            kept.extend_from_slice(&piece[..piece.len().min(KEPT - kept.len())]);
            if length >= READ {
                break;
            }
        }
        Self { status: status.as_u16(), reason, location, body: kept.freeze(), length }
    }

    fn into_answer(self) -> Answer {
        let Self { status, reason, body, length, .. } = self;
        Answer::Replied { status, reason, body, length }
    }
}

/// Where a redirect leads, and with which method; `None` if the reply is none that is followed.
fn redirected(url: &Url, method: &Method, reply: &Reply) -> Option<(Url, Method)> {
    let method = match reply.status {
        302 => Method::GET,
        307 => method.clone(),
        _ => return None,
    };
    let target = url.join(reply.location.as_deref()?).ok()?;
    matches!(target.scheme(), "http" | "https").then_some((target, method))
}

/// Headers that belong to one connection, and not to what is sent over it.
const OF_A_CONNECTION: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn sent(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in OF_A_CONNECTION {
        headers.remove(name);
    }
    headers
}

/// As a Java service says it (vis §4: for a connection or read failure the message is the I/O error's text).
fn in_vendor_words(error: &reqwest::Error) -> String {
    let cause = innermost(error);
    if error.is_connect() && error.is_timeout() {
        "connect timed out".to_owned()
    } else if cause.starts_with("Connection refused") {
        "Connection refused".to_owned()
    } else {
        cause
    }
}

/// The last cause of an error, which is the one that says what happened. `reqwest` puts the URL into the first.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = None;
    while let Some(current) = cause {
        text = Some(current.to_string());
        cause = current.source();
    }
    text.unwrap_or_else(|| "the request could not be made".to_owned())
}

/// Told by a client's connector that the connection stands.
#[derive(Clone, Debug, Default)]
struct Connected(Arc<Notify>);

impl<S> Layer<S> for Connected {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched { inner, connected: self.clone() }
    }
}

/// A connector that tells when it has connected.
#[derive(Clone, Debug)]
struct Watched<S> {
    inner: S,
    connected: Connected,
}

impl<S, R> Service<R> for Watched<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.inner.call(request);
        let connected = self.connected.clone();
        Box::pin(async move {
            let connection = connecting.await?;
            connected.0.notify_one();
            Ok(connection)
        })
    }
}
