//! The sandbox's own receiver, at `/receiver/HOW` of its address: takes deliveries, or fails as `HOW` says (specs/vis.md §14),
//! so that a webhook can be seen to fail without a program of one's own. It asks for no token, as no receiver does.

use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{Response, StatusCode};
use tokio::sync::watch;

use super::misbehaviour;
use super::reply::Reply;
use super::timestamp::Timestamp;

/// Where it lives.
pub(super) const BASE: &str = "/receiver";

/// Answers a delivery to `how`, which is what follows the base: `/500` or another status, `/302` and `/307` to where all is
/// well, `/loop` to itself, `/stall` not before any service has given up.
pub(super) async fn answer(how: &str, stopping: watch::Receiver<bool>, now: Timestamp) -> Response<Body> {
    let reply = match how {
        "/302" => to("/receiver/200", StatusCode::FOUND),
        "/307" => to("/receiver/200", StatusCode::TEMPORARY_REDIRECT),
        "/loop" => to("/receiver/loop", StatusCode::TEMPORARY_REDIRECT),
        "/stall" => {
            misbehaviour::stall(&mut stopping.clone()).await;
            Reply::empty(StatusCode::OK)
        }
        status => Reply::empty(named(status).unwrap_or(StatusCode::NOT_FOUND)),
    };
    reply.dated(now).into_response()
}

fn to(location: &str, status: StatusCode) -> Reply {
    Reply::empty(status).with_header(LOCATION, location)
}

/// A status that ends a request.
fn named(status: &str) -> Option<StatusCode> {
    let status: StatusCode = status.strip_prefix('/')?.parse().ok()?;
    (!status.is_informational()).then_some(status)
}
