//! Acts out the faults of `fault` on replies.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;

use super::reply::{Reply, respond};

/// How long a stalled request is held: longer than any client should wait for one reply.
const STALL: Duration = Duration::from_mins(2);

/// The pause between two bytes of a slow body.
const SLOW: Duration = Duration::from_secs(1);

/// What a cut reply promises when it had no body to cut.
const PROMISED: usize = 64;

/// The page of a proxy that cannot reach the gateway.
const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// A proxy's error page, which is not JSON and not the gateway's.
pub(super) fn html_502() -> Reply {
    Reply::text(StatusCode::BAD_GATEWAY, "text/html", BAD_GATEWAY)
}

/// Waits two minutes, or until the sandbox stops; then the request may be answered.
pub(super) async fn stall(stopping: &mut watch::Receiver<bool>) {
    let _ = tokio::time::timeout(STALL, stopping.wait_for(|is_stopping| *is_stopping)).await;
}

/// Sends half of the body and closes the connection. A reply without a body becomes one whose body never comes.
pub(super) fn cut(reply: Reply) -> Response<Body> {
    let half = reply.body.slice(..reply.body.len() / 2);
    let (status, length) =
        if reply.body.is_empty() { (StatusCode::OK, PROMISED) } else { (reply.status, reply.body.len()) };
    let broken = async {
        // Lets the server send what it has: it drops unsent bytes when a body fails.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let body = stream::iter([Ok(half)]).chain(stream::once(broken));
    respond(status, with_length(reply.headers, length), Body::from_stream(body))
}

/// Sends the body a byte a second. When the sandbox stops, the rest goes out at once.
pub(super) fn slow(reply: Reply, stopping: watch::Receiver<bool>) -> Response<Body> {
    let length = reply.body.len();
    if length == 0 {
        return reply.into_response();
    }
    let body =
        stream::unfold((reply.body, stopping, false), |(mut rest, mut stopping, is_late)| async move {
            if rest.is_empty() {
                return None;
            }
            let is_stopping = is_late && pause(&mut stopping).await;
            let next: Bytes = if is_stopping { rest.split_to(rest.len()) } else { rest.split_to(1) };
            Some((Ok::<_, Infallible>(next), (rest, stopping, true)))
        });
    respond(reply.status, with_length(reply.headers, length), Body::from_stream(body))
}

/// Waits for the next byte's turn; true when the sandbox stops instead.
async fn pause(stopping: &mut watch::Receiver<bool>) -> bool {
    tokio::time::timeout(SLOW, stopping.wait_for(|is_stopping| *is_stopping)).await.is_ok()
}

fn with_length(mut headers: HeaderMap, length: usize) -> HeaderMap {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers
}
