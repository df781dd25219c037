//! The address that a browser comes back to after a sign-in: listens for one code, and tells the person to close the page.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

use super::code::{Attempt, Unusable};
use crate::secret::Secret;

/// How long the page may take to get to the browser once the code is here.
const LAST_PAGE: Duration = Duration::from_secs(1);

/// A listener at the redirect URI.
pub struct Callback {
    listener: TcpListener,
    redirect_uri: Url,
}

struct Waiting {
    attempt: Attempt,
    path: String,
    outcome: Mutex<Option<oneshot::Sender<Result<Secret, Unusable>>>>,
}

impl Callback {
    /// Listens at `redirect_uri`, whose host is this machine. Port 0 is any free port.
    pub async fn bind(redirect_uri: &Url) -> io::Result<Self> {
        let host = redirect_uri.host_str().unwrap_or("127.0.0.1").trim_matches(['[', ']']);
        let port = redirect_uri.port_or_known_default().unwrap_or(80);
        let listener = TcpListener::bind((host, port)).await?;
        let mut redirect_uri = redirect_uri.clone();
        if port == 0 {
            let _ = redirect_uri.set_port(Some(listener.local_addr()?.port()));
        }
        Ok(Self { listener, redirect_uri })
    }

    /// The redirect URI with the port that is listened on.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Waits for the browser; whatever does not belong to `attempt` is refused, and the waiting goes on.
    pub async fn code(self, attempt: Attempt) -> Result<Secret, Unusable> {
        let (sender, receiver) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let path = self.redirect_uri.path().to_owned();
        let waiting = Arc::new(Waiting { attempt, path, outcome: Mutex::new(Some(sender)) });
        let router = Router::new().fallback(answer).with_state(waiting);
        let stopped = async { drop(stopped.await) };
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(stopped);
        let mut serving = std::pin::pin!(serving.into_future());
        let outcome = tokio::select! {
            outcome = receiver => outcome,
            _ = &mut serving => return Err(Unusable::NoCode),
        };
        drop(stop);
        let _ = tokio::time::timeout(LAST_PAGE, serving).await;
        outcome.unwrap_or(Err(Unusable::NoCode))
    }
}

async fn answer(State(waiting): State<Arc<Waiting>>, method: Method, uri: Uri) -> Response {
    if uri.path() != waiting.path {
        return page(StatusCode::NOT_FOUND, "There is nothing here.");
    }
    if method != Method::GET {
        return page(StatusCode::METHOD_NOT_ALLOWED, "This address is for a browser that comes back.");
    }
    let (outcome, reply) = match waiting.attempt.code_in(uri.query().unwrap_or_default()) {
        Ok(code) => (Ok(code), page(StatusCode::OK, "vwh has what it waited for. Close this page.")),
        Err(refused @ Unusable::Refused(_)) => {
            (Err(refused), page(StatusCode::BAD_REQUEST, "The sign-in was refused. vwh says why."))
        }
        Err(Unusable::OtherState | Unusable::NoCode) => {
            return page(StatusCode::BAD_REQUEST, "This is not the sign-in that vwh waits for.");
        }
    };
    let sender = waiting.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(sender) = sender {
        let _ = sender.send(outcome);
    }
    reply
}

/// Nothing of the request is repeated on it.
fn page(status: StatusCode, text: &'static str) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONNECTION, "close"),
    ];
    let body = Html(format!("<!doctype html><html lang=en><title>vwh</title><p>{text}\n"));
    (status, headers, body).into_response()
}
