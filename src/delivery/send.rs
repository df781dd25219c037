//! The one sender of deliveries and forwards: one attempt, with its redirects, under the limits of `Rules`.
//!
//! It neither repeats an attempt nor judges its answer (that is `Rules::next`).

use std::net::SocketAddr;
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

use super::public::{self, Refused};
use super::{Answer, Delivery, Manner, Rules};
use crate::network::{self, Network, innermost, is_loopback};

/// How much of a reply's body is kept: more than any service repeats in its error text.
const KEPT: usize = 4096;

/// How much of a reply's body is read at the most.
const READ: usize = 1 << 20;

/// Which hosts may be posted to, redirects included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This machine's.
    Loopback,
    /// Those all of whose addresses are public (vb §5).
    Public,
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

    /// The same sender under the rules of another service.
    #[must_use]
    pub fn under(&self, rules: Rules) -> Self {
        Self { rules, ..self.clone() }
    }

    /// The same sender to hosts within `reach`.
    #[must_use]
    pub fn within(&self, reach: Reach) -> Self {
        Self { reach, ..self.clone() }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Posts `delivery` to `url` once, and follows redirects in the manner of the rules.
    pub async fn attempt(&self, url: &Url, delivery: &Delivery) -> Answer {
        let mut url = url.clone();
        // `None` once a redirect has made it a GET without a body.
        let mut body = Some(&delivery.body);
        for followed in 0..=self.rules.redirects {
            let host = || url.host_str().unwrap_or_default().to_owned();
            if self.reach == Reach::Loopback && !is_loopback(&url) {
                return Answer::OutOfReach(host());
            }
            let addresses = match self.reach {
                Reach::Public => match public::addresses(&url).await {
                    Ok(addresses) => Some(addresses),
                    Err(Refused::Private) if followed == 0 => return Answer::OutOfReach(host()),
                    Err(Refused::Private) => return Answer::NoReply("redirect refused".to_owned()),
                    Err(Refused::Unknown(why)) => return Answer::NoReply(why),
                },
                Reach::Loopback | Reach::Anywhere => None,
            };
            let reply = match self.exchange(&url, delivery, body, addresses.as_deref()).await {
                Ok(reply) => reply,
                Err(reason) => return Answer::NoReply(reason),
            };
            let Some((target, follow)) = redirected(self.rules.manner, &url, &reply) else {
                return reply.into_answer();
            };
            url = target;
            body = body.filter(|_| follow == Follow::AsItWas);
        }
        Answer::TooManyRedirects
    }

    /// `addresses`: those that the host is known to have, in the place of whatever its name stands for a moment later.
    async fn exchange(
        &self,
        url: &Url,
        delivery: &Delivery,
        body: Option<&Bytes>,
        addresses: Option<&[SocketAddr]>,
    ) -> Result<Reply, String> {
        let connected = Connected::default();
        let client = self.client(url, &connected, addresses).map_err(|error| innermost(&error))?;
        let method = if body.is_some() { delivery.method.clone() } else { Method::GET };
        let mut request = client.request(method, url.clone()).headers(sent(&delivery.headers));
        if let Some(body) = body {
            request = request.body(body.clone());
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
    fn client(
        &self,
        url: &Url,
        connected: &Connected,
        addresses: Option<&[SocketAddr]>,
    ) -> Result<Client, reqwest::Error> {
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
        match (addresses, url.domain()) {
            (Some(addresses), Some(name)) => builder.resolve_to_addrs(name, addresses).build(),
            _ => builder.build(),
        }
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

/// What a redirect is followed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    /// GET, without a body.
    Get,
    /// The same method and body.
    AsItWas,
}

/// Where a redirect leads, and what goes there; `None` if the reply is none that is followed.
fn redirected(manner: Manner, url: &Url, reply: &Reply) -> Option<(Url, Follow)> {
    let follow = match (manner, reply.status) {
        (Manner::Vis, 302) | (Manner::Go, 301..=303) => Follow::Get,
        (Manner::Vis, 307) | (Manner::Go, 307 | 308) => Follow::AsItWas,
        _ => return None,
    };
    let target = url.join(reply.location.as_deref()?).ok()?;
    matches!(target.scheme(), "http" | "https").then_some((target, follow))
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
