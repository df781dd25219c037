//! What the knobs of `vwh sandbox` leave behind: a sandbox that has stopped, and a word about it at a terminal.

use std::fs::{File, TryLockError};

use serde_json::{Value, json as value};

use crate::running::Sandbox;
use crate::support::{Process, Vwh};

/// The lock of this name in the state directory, not taken.
fn lock_file(vwh: &Vwh, name: &str) -> File {
    File::options().read(true).write(true).open(vwh.state().join(name)).unwrap()
}

/// A `vwh --sandbox list` whose request the sandbox has and does not answer yet.
fn held_up(vwh: &Vwh, sandbox: &Sandbox) -> Process {
    let process = vwh.args(["--sandbox", "list", "--json"]).spawn();
    while sandbox.turn("GET", "status", &Value::Null)["requests"] == 0 {}
    process
}

#[test]
fn stop_returns_once_it_has_stopped() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &["--latency", "1s"]);
    let listing = held_up(&vwh, &sandbox);
    let stopped = vwh.args(["sandbox", "stop"]).run().exits(0);
    let lock = lock_file(&vwh, "sandbox.lock");
    lock.try_lock().expect("nobody serves any more");
    drop(lock);
    assert_eq!((stopped.stdout.as_str(), stopped.stderr.as_str()), ("", ""));
    assert_eq!(listing.wait().exits(0).json().as_array().unwrap().len(), 8);
    let _ = sandbox.process.wait().exits(0);
}

#[test]
fn what_follows_a_stop_finds_nobody_serving() {
    let vwh = Vwh::new();
    for _ in 0..3 {
        let sandbox = Sandbox::start(&vwh, &[]);
        let stopped = vwh.args(["sandbox", "stop", "--json"]).run().exits(0);
        assert_eq!(stopped.json()["address"], sandbox.address.as_str());
        assert_eq!(vwh.args(["--sandbox", "list"]).run().exits(0).stderr, "");
        let again = vwh.args(["sandbox", "stop", "-v"]).run().exits(0).without_answer();
        assert_eq!(again.stderr, "no sandbox is running\n");
    }
}

#[test]
fn it_can_be_stopped_twice_at_once() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &["--latency", "1s"]);
    let listing = held_up(&vwh, &sandbox);
    let both = [(); 2].map(|()| vwh.args(["sandbox", "stop"]).spawn());
    for process in both {
        let stopped = process.wait().exits(0);
        assert_eq!((stopped.stdout.as_str(), stopped.stderr.as_str()), ("", ""));
    }
    let _ = listing.wait().exits(0);
    let _ = sandbox.process.wait().exits(0);
}

#[test]
fn a_stop_waits_no_longer_than_it_may() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &["--latency", "10m"]);
    let _listing = held_up(&vwh, &sandbox);
    let outcome = vwh.args(["sandbox", "stop", "--timeout", "2s"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 5
    --- stdout
    --- stderr
    error: the sandbox has not stopped yet

    hint: it answers the requests it has first; run this again, with a longer --timeout if need be
    ");
}

const LOGIN: &str = "grant_type=password&username=demo%40vbc.prod&password=demo-password";

#[test]
fn who_wants_to_sign_in_is_told_everything_once_secrets_may_be_shown() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &[]);
    let status = vwh.args(["sandbox", "status", "--json"]).run().exits(0).json();
    assert_eq!(status["tokenUrl"], format!("http://{}/token", sandbox.address));
    assert_eq!(
        (&status["clientId"], &status["username"]),
        (&value!("sandbox-client"), &value!("demo@vbc.prod"))
    );
    for secret in ["clientSecret", "password", "token"] {
        assert_eq!(status.get(secret), None);
    }
    let status = vwh.args(["sandbox", "status", "--json", "--show-secrets"]).run().exits(0).json();
    assert_eq!(
        (&status["clientSecret"], &status["password"]),
        (&value!("sandbox-secret"), &value!("demo-password"))
    );
    assert_eq!(status["token"].as_str().map(str::len), Some("sandbox-".len() + 32));

    let token = status["token"].as_str().unwrap();
    let key = status["accessKey"].as_str().unwrap();
    let status = vwh.args(["sandbox", "status", "--show-secrets"]).run().exits(0);
    let secrets = format!(
        "token           {token}\n\
         access key      {key}\n\
         client id       sandbox-client\n\
         client secret   sandbox-secret\n\
         username        demo@vbc.prod\n\
         password        demo-password\n"
    );
    assert!(status.stdout.ends_with(&secrets), "{status}");
}

#[test]
fn what_is_not_running_has_no_urls_to_show() {
    let status = Vwh::new().args(["sandbox", "status"]).run().exits(0);
    insta::assert_snapshot!(status.hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    sandbox         not running (each command brings its own)
    time            [TIME]
    events          47
    VIS             8 webhooks
    Contact Center  2 webhooks
    VoIPBIN         0 webhooks
    --- stderr
    ");
    let status = Vwh::new().args(["sandbox", "status", "--show-secrets"]).run().exits(0);
    assert!(status.stdout.contains("client id       sandbox-client\n"), "{status}");
    assert!(!status.stdout.contains("http://"), "{status}");
}

#[test]
fn tokens_are_counted_and_revoked() {
    let vwh = Vwh::new();
    let sandbox =
        Sandbox::start(&vwh, &["--token-lifetime", "10m", "--refresh-lifetime", "20m", "--speed", "0"]);
    let (status, issued) = sandbox.token(LOGIN);
    assert_eq!((status, &issued["expires_in"]), (200, &value!(600)));
    let access = issued["access_token"].as_str().unwrap();
    assert_eq!(sandbox.api_as(access, "GET", "/self"), 200);
    let counts = |status: &Value| (status["tokens"].clone(), status["tokenRequests"].clone());
    let status = vwh.args(["sandbox", "status", "--json"]).run().exits(0).json();
    assert_eq!(counts(&status), (value!(1), value!(1)));
    let revoked = vwh.args(["sandbox", "revoke", "--json"]).run().exits(0).json();
    assert_eq!(counts(&revoked), (value!(0), value!(1)));
    assert_eq!(sandbox.api_as(access, "GET", "/self"), 401);

    let (_, issued) = sandbox.token(LOGIN);
    let refresh = issued["refresh_token"].as_str().unwrap();
    let _ = vwh.args(["sandbox", "advance", "20m"]).run().exits(0);
    let (status, refused) = sandbox.token(&format!("grant_type=refresh_token&refresh_token={refresh}"));
    assert_eq!((status, &refused["error"]), (400, &value!("invalid_grant")));
}

#[test]
fn wrong_passwords_lock_as_soon_as_was_asked_for() {
    let sandbox = Sandbox::start(&Vwh::new(), &["--lock-out", "1", "--token-fault", "1:503"]);
    assert_eq!(sandbox.token(LOGIN).0, 503);
    assert_eq!(sandbox.token(&LOGIN.replace("demo-password", "guess")).0, 400);
    let (status, refused) = sandbox.token(LOGIN);
    assert_eq!(status, 400);
    assert!(refused["error_description"].as_str().unwrap().contains("17003"), "{refused}");
}

/// A state of which the server has taken its address back, and the lock that it holds until it has ended.
fn about_to_stop() -> (Vwh, File) {
    let vwh = Vwh::new();
    let _ = vwh.args(["--sandbox", "list"]).run().exits(0);
    let state = std::fs::read_to_string(vwh.state().join("sandbox.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&state).unwrap()["host"], value!(null));
    let serving = lock_file(&vwh, "sandbox.lock");
    serving.lock().unwrap();
    (vwh, serving)
}

#[test]
fn a_sandbox_about_to_stop_is_waited_for() {
    let (vwh, serving) = about_to_stop();
    let clients = lock_file(&vwh, "sandbox.clients.lock");
    let listing = vwh.args(["--sandbox", "list"]).spawn();
    loop {
        match clients.try_lock() {
            Ok(()) => clients.unlock().unwrap(),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => panic!("{error}"),
        }
    }
    drop(serving);
    assert_eq!(listing.wait().exits(0).stderr, "");
}

#[test]
fn one_that_does_not_get_done_is_no_reason_to_start_over() {
    let (vwh, _serving) = about_to_stop();
    insta::assert_snapshot!(vwh.args(["--sandbox", "list"]).run().snapshot(), @"
    exit: 5
    --- stdout
    --- stderr
    error: gave up waiting for [HOME]/.local/state/vwh/sandbox.lock

    hint: try again; another vwh is starting or stopping the sandbox
    ");
}

#[cfg(unix)]
#[test]
fn a_terminal_is_told_what_a_knob_did() {
    use crate::support::Screen;
    let vwh = Vwh::new();
    let shown = |arguments: &[&str]| {
        let run = vwh.args(["sandbox"].iter().chain(arguments).copied());
        run.on_terminal(&Screen::columns(100)).wait().exits(0).hiding_times().screen.unwrap()
    };
    assert_eq!(shown(&["reset"]), "the sandbox is at [TIME], 8 webhooks\n");
    assert_eq!(shown(&["stop"]), "no sandbox is running\n");
    let sandbox = Sandbox::start(&vwh, &[]);
    assert_eq!(shown(&["advance", "1h"]), "the sandbox is at [TIME], 8 webhooks\n");
    let (status, _) = sandbox.api("DELETE", "/self/webhooks/84d2f6b7-1a95-4c0e-a263-c95b3e70d8f1", "");
    assert_eq!(status, 204);
    assert_eq!(shown(&["advance", "1h", "-q"]), "");
    assert_eq!(shown(&["advance", "1h"]), "the sandbox is at [TIME], 7 webhooks\n");
    assert_eq!(shown(&["reset", "--empty"]), "the sandbox is at [TIME], 0 webhooks\n");
    assert_eq!(shown(&["revoke"]), "every token that was handed out is revoked\n");
    assert_eq!(shown(&["stop"]), "the sandbox has stopped\n");
    for arguments in [&["reset"][..], &["revoke"], &["advance", "1h"], &["stop"]] {
        let silent = vwh.args(["sandbox"].iter().chain(arguments).copied()).run().exits(0);
        assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""), "{arguments:?}");
    }
}
