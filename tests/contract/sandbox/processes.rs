//! Several users of one state directory. File locks belong to open files, so one process can play them all.

use std::path::Path;

use futures_util::future::{Either, join_all, select};
use serde_json::Value;
use vwh::sandbox::{Options, SandboxError, Session, find_running, join, serve, start_over};

use super::BASE;
use crate::raw::{exchange, request};

async fn call(session: &Session, method: &str, path: &str) -> Value {
    let address =
        session.base_url().strip_prefix("http://").and_then(|url| url.strip_suffix(BASE)).expect("a url");
    let authorization = format!("Bearer {}", session.token().reveal());
    let request = request(method, path, &[("Authorization", &authorization)], "");
    exchange(address, &request).await.json()
}

async fn webhooks(session: &Session) -> usize {
    call(session, "GET", &format!("{BASE}/self/webhooks")).await.as_array().expect("a list").len()
}

async fn status(session: &Session) -> Value {
    call(session, "GET", "/_sandbox/status").await
}

async fn serve_at(directory: &Path) -> Result<vwh::sandbox::Server, SandboxError> {
    serve(directory, "127.0.0.1:0".parse().expect("an address"), Options::default()).await
}

#[tokio::test]
async fn of_many_that_come_at_once_one_serves_and_all_are_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let sessions = join_all((0..12).map(|_| join(directory.path()))).await;
    let sessions: Vec<Session> = sessions.into_iter().map(|session| session.expect("a session")).collect();
    assert_eq!(sessions.iter().filter(|session| session.is_embedded()).count(), 1);
    for session in &sessions {
        assert_eq!(session.base_url(), sessions[0].base_url());
        assert_eq!(webhooks(session).await, 8);
    }
    let left = join_all(sessions.into_iter().map(Session::leave)).await;
    left.into_iter().for_each(|left| left.expect("a clean end"));
    assert!(find_running(directory.path()).await.expect("an answer").is_none());
}

#[tokio::test]
async fn whoever_serves_stays_until_the_others_are_done() {
    let directory = tempfile::tempdir().expect("a directory");
    let holder = join(directory.path()).await.expect("a session");
    let guest = join(directory.path()).await.expect("a session");
    assert!(holder.is_embedded() && !guest.is_embedded());
    let leaving = Box::pin(holder.leave());
    let working = Box::pin(async {
        let mut last = 0;
        for _ in 0..20 {
            last = webhooks(&guest).await;
        }
        last
    });
    let Either::Right((last, leaving)) = select(leaving, working).await else {
        panic!("left while it was in use")
    };
    assert_eq!(last, 8);
    guest.leave().await.expect("a clean end");
    leaving.await.expect("a clean end");
    let next = join(directory.path()).await.expect("a session");
    assert!(next.is_embedded());
    next.leave().await.expect("a clean end");
}

#[tokio::test]
async fn coming_and_going_never_meets_a_closed_door() {
    let directory = tempfile::tempdir().expect("a directory");
    let visits = (0..8).map(async |_| {
        for _ in 0..5 {
            let session = join(directory.path()).await.expect("a session");
            assert_eq!(webhooks(&session).await, 8);
            session.leave().await.expect("a clean end");
        }
    });
    join_all(visits).await;
}

#[test]
fn what_a_killed_one_left_behind_is_not_believed() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // A kill gives neither the lock back nor the state a last write; nor does a runtime that is dropped.
    let killed = runtime();
    let server = killed.block_on(serve_at(directory.path())).expect("a sandbox");
    let (stale, token) = (server.address(), server.token());
    drop(server);
    drop(killed);
    let state = fs_err::read_to_string(directory.path().join("sandbox.json")).expect("a state");
    assert!(state.contains(&stale.to_string()), "the address is left behind");
    runtime().block_on(async {
        // Something else has the port by now; it must not be talked to.
        let _squatter = std::net::TcpListener::bind(stale).expect("the port");
        assert!(find_running(directory.path()).await.expect("an answer").is_none());
        let (first, second) = tokio::join!(join(directory.path()), join(directory.path()));
        let (first, second) = (first.expect("a session"), second.expect("a session"));
        assert_eq!(first.base_url(), second.base_url());
        assert!(!first.base_url().contains(&stale.to_string()));
        assert_eq!(first.token(), &token);
        assert_eq!(webhooks(&second).await, 8);
    });
}

#[tokio::test]
async fn only_one_serves_in_the_foreground() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = serve_at(directory.path()).await.expect("a sandbox");
    let error = serve_at(directory.path()).await.expect_err("a second sandbox");
    assert_eq!(error.to_string(), format!("a sandbox is already running at {}", server.address()));
    let guest = join(directory.path()).await.expect("a session");
    assert!(!guest.is_embedded());
    assert_eq!(status(&guest).await["embedded"], false);
    server.shut_down().await.expect("a stop that does not wait for guests");
    guest.leave().await.expect("a clean end");
}

#[tokio::test]
async fn an_embedded_one_is_not_stopped_but_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let holder = join(directory.path()).await.expect("a session");
    assert_eq!(status(&holder).await["embedded"], true);
    assert!(call(&holder, "POST", "/_sandbox/stop").await["error"].is_string());
    let (server, left) = tokio::join!(serve_at(directory.path()), holder.leave());
    left.expect("a clean end");
    server.expect("a sandbox").shut_down().await.expect("a clean stop");
}

#[tokio::test]
async fn the_running_one_is_found_and_a_missing_one_is_not_started() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(find_running(directory.path()).await.expect("an answer").is_none());
    assert!(!directory.path().join("sandbox.json").exists());
    start_over(directory.path(), true).await.expect("a state");
    let server = serve_at(directory.path()).await.expect("a sandbox");
    let session = find_running(directory.path()).await.expect("an answer").expect("the running one");
    assert_eq!(session.base_url(), server.base_url());
    assert_eq!(status(&session).await["webhooks"], 0);
    server.shut_down().await.expect("a clean stop");
}
