//! One request and its reply: connecting, sending, reading the whole body within bounds. No repeats, no judgement.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, redirect};
use url::Url;

use super::{Call, Credential, host_of};
use crate::network::{self, Network, innermost};
use crate::secret::{Secret, mask_url};

/// Connecting takes no longer than this (design §4).
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// One whole reply takes no longer than this (design §4).
const REPLY_LIMIT: Duration = Duration::from_secs(30);

/// A reply body is no larger than this (design §4).
const BODY_LIMIT: usize = 256 * 1024 * 1024;

/// Sends single requests.
pub struct Exchange {
    client: Client,
    proxy: Option<ProxyInUse>,
}

/// A form for a token endpoint.
#[derive(Debug)]
pub struct Form {
    /// Where to.
    pub url: Url,
    /// `name=value&…`, percent-encoded.
    pub body: Secret,
    /// User and password for HTTP Basic.
    pub basic: Option<(String, Secret)>,
}

/// The proxy, as errors name it, and the client's own rules for when it is used.
struct ProxyInUse {
    host: String,
    rules: Matcher,
}

/// A reply whose body arrived whole.
pub struct Arrived {
    /// Status code.
    pub status: u16,
    /// The body.
    pub body: Bytes,
    /// `Date`.
    pub date: Option<DateTime<Utc>>,
    /// `Retry-After` as sent.
    pub retry_after: Option<String>,
    /// `Location` without its query.
    pub location: Option<String>,
    /// The service's id for the request, for its support.
    pub request_id: Option<String>,
}

/// Why there was no complete reply.
#[derive(Debug)]
pub enum Broken {
    /// No connection: nothing was sent.
    NotConnected(String),
    /// The other side's certificate is not trusted: nothing was sent, and a second later it is no better.
    Untrusted(String),
    /// No connection within 5 seconds: nothing was sent.
    ConnectTimeout,
    /// The reply did not end within 30 seconds.
    ReplyTimeout,
    /// The connection ended early.
    Cut(String),
    /// The body is over the limit.
    TooLarge,
    /// The time for the whole command ran out.
    TimeLimit,
    /// The client could not be built.
    Setup(String),
}

impl Broken {
    /// Whether the request may have reached the service.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        !matches!(self, Self::NotConnected(_) | Self::Untrusted(_) | Self::ConnectTimeout | Self::Setup(_))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(why) | Self::Untrusted(why) | Self::Cut(why) | Self::Setup(why) => {
                formatter.write_str(why)
            }
            Self::ConnectTimeout => write!(formatter, "no connection within {} s", CONNECT_LIMIT.as_secs()),
            Self::ReplyTimeout => write!(formatter, "the reply took longer than {} s", REPLY_LIMIT.as_secs()),
            Self::TooLarge => write!(formatter, "the reply is larger than {} MiB", BODY_LIMIT >> 20),
            Self::TimeLimit => formatter.write_str("the time limit of the command ran out"),
        }
    }
}

impl std::error::Error for Broken {}

impl Exchange {
    /// A client for `network`.
    pub fn new(network: &Network) -> Result<Self, Broken> {
        let setup = |error: reqwest::Error| Broken::Setup(innermost(&error));
        let builder = Client::builder()
            .user_agent(concat!("vwh/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_LIMIT);
        let builder = if network.uses_tls {
            network::tls(builder.https_only(true), network).map_err(setup)?
        } else {
            network::plain(builder)
        };
        let proxy = network.https_proxy.as_ref().filter(|_| network.uses_tls).map(|url| {
            let exceptions = network.no_proxy.clone().unwrap_or_default();
            let rules = Matcher::builder().https(url.as_str()).no(exceptions).build();
            ProxyInUse { host: host_of(url), rules }
        });
        let client = builder.build();
        Ok(Self { client: client.map_err(setup)?, proxy })
    }

    /// Sends `call` with `token` and reads the whole reply, all within `limit`.
    pub async fn run(&self, call: &Call, token: &Secret, limit: Option<Duration>) -> Result<Arrived, Broken> {
        within(limit, self.exchange(call, token)).await
    }

    /// Posts `form` and reads the whole reply, all within `limit`.
    pub async fn post_form(&self, form: &Form, limit: Option<Duration>) -> Result<Arrived, Broken> {
        let mut request = self
            .client
            .post(form.url.clone())
            .timeout(REPLY_LIMIT)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.body.reveal().to_owned());
        if let Some((user, password)) = &form.basic {
            request = request.basic_auth(user, Some(password.reveal()));
        }
        within(limit, self.whole_reply(request, &form.url)).await
    }

    /// Asks for `url` without a token and reads the whole reply, all within `limit`.
    pub async fn probe(&self, url: &Url, limit: Option<Duration>) -> Result<Arrived, Broken> {
        let request = self.client.get(url.clone()).timeout(REPLY_LIMIT).header(ACCEPT, "application/json");
        within(limit, self.whole_reply(request, url)).await
    }

    async fn exchange(&self, call: &Call, token: &Secret) -> Result<Arrived, Broken> {
        let body = call.body.as_ref().map_or_else(String::new, |body| body.reveal().to_owned());
        let is_access_key =
            call.credential == Credential::AccessKeyOrBearer && token.reveal().starts_with(ACCESS_KEY_PREFIX);
        let mut url = call.url.clone();
        if is_access_key {
            url.query_pairs_mut().append_pair("accesskey", token.reveal());
        }
        let mut request =
            self.client.request(call.method.clone(), url).timeout(REPLY_LIMIT).header(ACCEPT, call.accept);
        if !is_access_key {
            request = request.header(AUTHORIZATION, bearer(token)?);
        }
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if call.method != reqwest::Method::GET {
            request = request.body(body);
        }
        self.whole_reply(request, &call.url).await
    }

    async fn whole_reply(&self, request: reqwest::RequestBuilder, url: &Url) -> Result<Arrived, Broken> {
        let mut response = request.send().await.map_err(|error| self.naming_proxy(classify(&error), url))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        tracing::debug!("reply headers: {}", shown_headers(&headers));
        let body = read_body(&mut response).await?;
        Ok(Arrived {
            status,
            body,
            date: text(&headers, &DATE)
                .and_then(|date| httpdate::parse_http_date(&date).ok())
                .map(DateTime::from),
            retry_after: text(&headers, &RETRY_AFTER),
            location: text(&headers, &LOCATION).map(|location| without_query(&location)),
            request_id: REQUEST_ID_HEADERS
                .into_iter()
                .find_map(|name| text(&headers, &HeaderName::from_static(name))),
        })
    }

    /// A connection that was not made may be the proxy's fault, so that is named too; never with its user and password.
    fn naming_proxy(&self, broken: Broken, url: &Url) -> Broken {
        let is_used = |proxy: &&ProxyInUse| {
            url.as_str().parse().is_ok_and(|target| proxy.rules.intercept(&target).is_some())
        };
        match (broken, self.proxy.as_ref().filter(is_used)) {
            (broken @ (Broken::NotConnected(_) | Broken::ConnectTimeout), Some(proxy)) => {
                Broken::NotConnected(format!("through the proxy {}: {broken}", proxy.host))
            }
            (broken, _) => broken,
        }
    }
}

async fn within(
    limit: Option<Duration>,
    exchange: impl Future<Output = Result<Arrived, Broken>>,
) -> Result<Arrived, Broken> {
    match limit {
        // A timer rounds up to the next millisecond, in which a service on this machine may well answer.
        Some(Duration::ZERO) => Err(Broken::TimeLimit),
        Some(limit) => tokio::time::timeout(limit, exchange).await.unwrap_or(Err(Broken::TimeLimit)),
        None => exchange.await,
    }
}

/// What the access keys of VoIPBIN begin with (vb §2).
pub(super) const ACCESS_KEY_PREFIX: &str = "vb_";

fn bearer(token: &Secret) -> Result<HeaderValue, Broken> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
        .map_err(|_| Broken::Setup("the token holds a character that cannot be sent".to_owned()))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// Headers that carry a request's id, in the order of preference.
const REQUEST_ID_HEADERS: [&str; 4] = ["x-request-id", "x-correlation-id", "activityid", "x-trace-id"];

/// Headers whose values are shown at `-vv`; any other may carry a secret.
const HARMLESS_HEADERS: [&str; 7] =
    ["content-length", "content-type", "date", "retry-after", "server", "transfer-encoding", "via"];

fn shown_headers(headers: &HeaderMap) -> String {
    let shown = headers.iter().map(|(name, value)| match value.to_str() {
        Ok(value) if HARMLESS_HEADERS.contains(&name.as_str()) => format!("{name}: {value}"),
        _ => name.to_string(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

async fn read_body(response: &mut reqwest::Response) -> Result<Bytes, Broken> {
    let announced = response.content_length().unwrap_or(0);
    if announced > BODY_LIMIT as u64 {
        return Err(Broken::TooLarge);
    }
    // What a header announces is believed for as much as costs nothing if it is a lie.
    let mut body = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0).min(1 << 20));
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(Broken::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn classify(error: &reqwest::Error) -> Broken {
    if error.is_connect() {
        let why = innermost(error);
        if error.is_timeout() {
            Broken::ConnectTimeout
        } else if why.contains("certificate") {
            Broken::Untrusted(why)
        } else {
            Broken::NotConnected(why)
        }
    } else if error.is_timeout() {
        Broken::ReplyTimeout
    } else if error.is_builder() {
        Broken::Setup(innermost(error))
    } else {
        Broken::Cut(innermost(error))
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn without_query(location: &str) -> String {
    let end = location.find(['?', '#']).unwrap_or(location.len());
    mask_url(&location[..end]).into_owned()
}

/// A URL as logs show it: a query may hold a key.
#[must_use]
pub fn shown_url(url: &Url) -> String {
    mask_url(url.as_str()).into_owned()
}

/// The secret members of a request body, which an error reply may repeat.
#[must_use]
pub fn secrets_in(body: &Secret) -> Vec<Secret> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(body.reveal()) else {
        return Vec::new();
    };
    let secret = |name: &str| members.get(name).and_then(serde_json::Value::as_str).map(Secret::new);
    ["signingKey", "secret"].into_iter().filter_map(secret).collect()
}

#[cfg(test)]
mod tests {
    use super::{Broken, Exchange};
    use crate::network::Network;

    #[test]
    fn a_proxy_is_named_where_it_is_used() {
        let network = Network {
            uses_tls: true,
            https_proxy: Some("http://me:hunter2@proxy.example:3128".parse().expect("a URL")),
            no_proxy: Some("direct.example,10.0.0.0/8".to_owned()),
            extra_roots: None,
        };
        let exchange = Exchange::new(&network).expect("a client");
        let named =
            |broken, url: &str| exchange.naming_proxy(broken, &url.parse().expect("a URL")).to_string();
        assert_eq!(
            named(Broken::NotConnected("refused".to_owned()), "https://api.example/vis?a=b"),
            "through the proxy proxy.example:3128: refused"
        );
        assert_eq!(
            named(Broken::ConnectTimeout, "https://api.example/"),
            "through the proxy proxy.example:3128: no connection within 5 s"
        );
        for direct in ["https://direct.example/", "https://a.direct.example:8443/", "https://10.1.2.3/"] {
            assert_eq!(named(Broken::NotConnected("refused".to_owned()), direct), "refused", "{direct}");
        }
        assert_eq!(named(Broken::Cut("cut".to_owned()), "https://api.example/"), "cut");
    }
}
