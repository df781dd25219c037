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

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
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
    for result in left {
        result.expect("a clean end");
    }
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

#[test]
fn coming_and_going_never_meets_a_closed_door() {
    let directory = tempfile::tempdir().expect("a directory");
    let visit = async || {
        let session = join(directory.path()).await.expect("a session");
        assert_eq!(webhooks(&session).await, 8);
        session.leave().await.expect("a clean end");
    };
    // Threads of their own, so that one can look while another is half-way through its start.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..15).for_each(|_| runtime().block_on(visit())));
        }
    });
}

#[tokio::test]
async fn one_that_is_still_starting_is_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    start_over(directory.path(), true).await.expect("a state");
    let held = |name: &str| {
        let file = fs_err::File::open(directory.path().join(name)).expect("a lock file").into_parts().0;
        file.lock().expect("a free lock");
        file
    };
    let (starting, serving) = (held("sandbox.starting.lock"), held("sandbox.lock"));
    let joining = Box::pin(join(directory.path()));
    // On a clock that jumps to the next timer, a second of waiting takes no time.
    tokio::time::pause();
    let second = Box::pin(tokio::time::sleep(std::time::Duration::from_secs(1)));
    let Either::Right(((), joining)) = select(joining, second).await else {
        panic!("believed an unfinished start")
    };
    tokio::time::resume();
    drop((serving, starting));
    let session = joining.await.expect("a session");
    assert!(session.is_embedded(), "the other one died before it served");
    session.leave().await.expect("a clean end");
}

#[test]
fn what_a_killed_one_left_behind_is_not_believed() {
    let directory = tempfile::tempdir().expect("a directory");
    // A kill gives neither the lock back nor the state a last write; nor does a runtime that is dropped.
    let killed = runtime();
    let server = killed.block_on(serve_at(directory.path())).expect("a sandbox");
    let (abandoned, token) = (server.address(), server.token());
    drop(server);
    drop(killed);
    let state = fs_err::read_to_string(directory.path().join("sandbox.json")).expect("a state");
    assert!(state.contains(&abandoned.to_string()), "the address is left behind");
    runtime().block_on(async {
        // Something else has the port by now (this, or whoever was faster); it must not be talked to.
        let _squatter = std::net::TcpListener::bind(abandoned);
        assert!(find_running(directory.path()).await.expect("an answer").is_none());
        let (first, second) = tokio::join!(join(directory.path()), join(directory.path()));
        let (first, second) = (first.expect("a session"), second.expect("a session"));
        assert_eq!(first.base_url(), second.base_url());
        assert!(!first.base_url().contains(&abandoned.to_string()));
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
