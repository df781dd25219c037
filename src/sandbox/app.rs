//! What a running sandbox is, and the way of every request through it: gateway first, then the service.
//!
//! The endpoints themselves are in `vis`, tokens in `oauth`, the sandbox's own routes in `knobs`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::watch;

use super::engine::Engine;
use super::fault::{Effect, Fault};
use super::gateway::GatewayError;
use super::misbehaviour;
use super::oauth::ledger::Bearer;
use super::oauth::lock_out::{Attempt, LockOut};
use super::oauth::{self, AUTHORIZE_PATH, TOKEN_PATH};
use super::options::Options;
use super::quota::Quota;
use super::reply::Reply;
use super::store::Store;
use super::timestamp::Timestamp;
use super::{contact_center, knobs, receiver, routes, server, vis, voipbin};
use crate::secret::Secret;

/// Where the API lives, as on `api.vonage.com` (specs/vis.md §1).
pub(super) const API_BASE: &str = "/t/vbc.prod/vis/v1";
/// Where the sandbox's own routes live, outside the API's space.
const KNOBS_BASE: &str = "/_sandbox";

/// The largest request body that the API takes, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;
/// The largest that a knob takes, for seeds of many webhooks; also how much of a body that is too large for the API is
/// read and thrown away, so that its sender gets to see the reply.
const KNOB_BODY_LIMIT: usize = 64 * 1024 * 1024;

/// A running sandbox.
#[derive(Debug)]
pub(super) struct App {
    pub(super) store: Arc<Store>,
    pub(super) engine: Arc<Engine>,
    pub(super) options: Options,
    pub(super) address: SocketAddr,
    pub(super) is_embedded: bool,
    /// API requests so far.
    requests: AtomicU64,
    /// Requests to the token endpoint so far.
    token_requests: AtomicU64,
    quota: Option<Mutex<Quota>>,
    lock_out: Mutex<LockOut>,
    /// Set by the stop knob.
    pub(super) stop_asked: watch::Sender<bool>,
    /// True once the server stops taking requests.
    stopping: watch::Receiver<bool>,
}

impl App {
    /// A sandbox over `store`, served at `address`; `stopping` turns true when it begins to stop.
    pub(super) fn new(
        store: Arc<Store>,
        options: Options,
        address: SocketAddr,
        is_embedded: bool,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            engine: Arc::new(Engine::new(Arc::clone(&store), &options, stopping.clone())),
            store,
            quota: options.quota.map(|limit| Mutex::new(Quota::new(limit))),
            lock_out: Mutex::new(LockOut::new(options.lock_out)),
            options,
            address,
            is_embedded,
            requests: AtomicU64::new(0),
            token_requests: AtomicU64::new(0),
            stop_asked: watch::Sender::new(false),
            stopping,
        }
    }

    /// API requests so far, the faulty and the refused ones included.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests to the token endpoint so far, the faulty and the refused ones included.
    pub(super) fn token_requests(&self) -> u64 {
        self.token_requests.load(Ordering::Relaxed)
    }

    /// Where tokens are handed out.
    pub(super) fn token_url(&self) -> String {
        server::token_url(self.address)
    }

    /// The routes, for the server.
    pub(super) fn into_router(self: Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(self)
    }

    /// Judges an attempt to sign in at `now`.
    pub(super) fn attempt(&self, is_right: bool, now: Instant) -> Attempt {
        self.lock_out.lock().unwrap_or_else(PoisonError::into_inner).attempt(is_right, now)
    }

    /// Forgets wrong passwords.
    pub(super) fn unlock(&self) {
        self.lock_out.lock().unwrap_or_else(PoisonError::into_inner).unlock();
    }

    /// Whether the request carries the sandbox's own token.
    pub(super) fn is_owner(&self, headers: &HeaderMap) -> bool {
        bearer(headers) == Some(self.store.token().reveal())
    }

    /// Who the API's caller is, once token and quota allow it to call.
    fn admit(&self, headers: &HeaderMap, now: Timestamp) -> Result<Bearer, GatewayError> {
        let token = bearer(headers).ok_or_else(GatewayError::missing_credentials)?;
        let issued = || self.store.read_ledger(|ledger| ledger.bearer(token, now));
        let bearer = if self.is_owner(headers) { Some(Bearer::User) } else { issued() };
        let bearer = bearer.ok_or_else(GatewayError::invalid_credentials)?;
        self.check_quota(token, now).map(|()| bearer)
    }

    fn check_quota(&self, token: &str, now: Timestamp) -> Result<(), GatewayError> {
        self.take_quota(token).map_err(|wait| GatewayError::throttled(wait, now))
    }

    /// Counts a request with `token`; says how long it has to wait when its quota is used up.
    pub(super) fn take_quota(&self, token: &str) -> Result<(), Duration> {
        let Some(quota) = &self.quota else { return Ok(()) };
        let mut quota = quota.lock().unwrap_or_else(PoisonError::into_inner);
        quota.take(&Secret::new(token), Instant::now())
    }
}

async fn answer(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if let Some(path) = below(&path, API_BASE) {
        return api(&app, &parts, Api::Vis(path), body).await;
    }
    if voipbin::owns(&path) {
        return api(&app, &parts, Api::Voipbin, body).await;
    }
    if let Some(path) = below(&path, contact_center::API_BASE) {
        return api(&app, &parts, Api::ContactCenter(path), body).await;
    }
    if path == TOKEN_PATH || path == contact_center::TOKEN_PATH {
        return token(&app, &parts, &path, body).await;
    }
    if let Some(how) = below(&path, receiver::BASE) {
        // Whoever posts to it is to see that it was read.
        let _ = read(body, BODY_LIMIT).await;
        return receiver::answer(how, app.stopping.clone(), app.store.now()).await;
    }
    let reply = match below(&path, KNOBS_BASE) {
        Some(path) => knobs::answer(&app, &parts, path, read(body, KNOB_BODY_LIMIT).await).await,
        None if path == AUTHORIZE_PATH => oauth::authorize::answer(&app, &parts, app.store.now()).await,
        None => GatewayError::no_api().reply(app.options.error_shape),
    };
    reply.dated(app.store.now()).into_response()
}

/// The rest of `path` when it is `base` or below.
fn below<'path>(path: &'path str, base: &str) -> Option<&'path str> {
    path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whose API a request is to, and what follows that API's base in its path.
#[derive(Clone, Copy, Debug)]
enum Api<'path> {
    Vis(&'path str),
    ContactCenter(&'path str),
    Voipbin,
}

impl Api<'_> {
    /// The reply that `status` comes with where a request is not executed.
    fn refusal(self, app: &App, parts: &Parts, status: StatusCode, now: Timestamp) -> Reply {
        match self {
            Self::Vis(_) => GatewayError::of_status(status, now).reply(app.options.error_shape),
            Self::ContactCenter(_) => contact_center::refusal_of(status),
            Self::Voipbin => voipbin::of_status(status, parts),
        }
    }
}

/// Counts the request, waits as long as latency asks, and does to it what its fault asks.
async fn api(app: &App, parts: &Parts, api: Api<'_>, body: Body) -> Response<Body> {
    let effect = effect(&app.options.faults, &app.requests);
    let body = read(body, BODY_LIMIT).await;
    tokio::time::sleep(app.options.latency).await;
    let now = app.store.now();
    let work = async {
        match api {
            Api::Vis(path) => execute(app, parts, path, body, now).await,
            Api::Voipbin => voipbin::answer(app, parts, body, now).await,
            Api::ContactCenter(path) => contact_center::answer(app, parts, path, body, now).await,
        }
    };
    spoiled(app, api, parts, effect, now, work).await
}

/// The same for a token request, which has its own count and faults, and no latency.
async fn token(app: &App, parts: &Parts, path: &str, body: Body) -> Response<Body> {
    let effect = effect(&app.options.token_faults, &app.token_requests);
    let body = read(body, BODY_LIMIT).await;
    let now = app.store.now();
    if path == contact_center::TOKEN_PATH {
        let work = contact_center::hand_out(&app.store, parts, body, now);
        return spoiled(app, Api::ContactCenter(path), parts, effect, now, work).await;
    }
    spoiled(app, Api::Vis(path), parts, effect, now, oauth::token::answer(app, parts, body, now)).await
}

/// Counts a request, and finds what its fault does to it.
fn effect(faults: &[Fault], requests: &AtomicU64) -> Option<Effect> {
    let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
    faults.iter().find_map(|fault| fault.on(number))
}

/// The reply of `work`, or what `effect` makes of it.
async fn spoiled(
    app: &App,
    api: Api<'_>,
    parts: &Parts,
    effect: Option<Effect>,
    now: Timestamp,
    work: impl Future<Output = Reply>,
) -> Response<Body> {
    let reply = match effect {
        Some(Effect::Status(status)) => api.refusal(app, parts, status, now),
        Some(Effect::Html502) => misbehaviour::html_502(),
        Some(Effect::Stall) => {
            misbehaviour::stall(&mut app.stopping.clone()).await;
            api.refusal(app, parts, StatusCode::GATEWAY_TIMEOUT, now)
        }
        Some(Effect::Cut) => return misbehaviour::cut(work.await.dated(now)),
        Some(Effect::Slow) => return misbehaviour::slow(work.await.dated(now), app.stopping.clone()),
        None => work.await,
    };
    reply.dated(now).into_response()
}

/// Gateway, then service. `body` is none when it was too large.
async fn execute(app: &App, parts: &Parts, path: &str, body: Option<Bytes>, now: Timestamp) -> Reply {
    let admitted = app.admit(&parts.headers, now);
    let admitted = admitted.and_then(|bearer| Ok((bearer, routes::operation(&parts.method, path)?)));
    match admitted {
        Ok((Bearer::User, operation)) => {
            let query = parts.uri.query().unwrap_or_default();
            vis::execute(app, operation, query, body, now).await
        }
        Ok((Bearer::Client, _)) => vis::no_claims(),
        Err(error) => error.reply(app.options.error_shape),
    }
}

/// The token that a request carries.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The whole body, or none when it is larger than `limit` bytes or its sender went away.
async fn read(body: Body, limit: usize) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    let mut length = 0;
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.ok()?;
        length += piece.len();
        if length <= limit {
            whole.extend_from_slice(&piece);
        } else if length > KNOB_BODY_LIMIT {
            return None;
        }
    }
    (length <= limit).then(|| whole.freeze())
}
