//! Secrets that come through a named pipe, as they do from `<(…)`: read once, and never waited for without end.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::service::{Service, url};
use crate::support::{Server, Signal, Vwh, json};

/// How long vwh may take to open a pipe before something must be wrong.
const GUARD: Duration = Duration::from_mins(1);

fn pipe_in(vwh: &Vwh, name: &str) -> PathBuf {
    let path = vwh.home().join(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// The writer's end of a pipe, once vwh has opened the other.
fn opened(path: &Path) -> std::fs::File {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    thread::spawn(move || sender.send(std::fs::File::options().write(true).open(path).unwrap()));
    receiver.recv_timeout(GUARD).expect("vwh opens the pipe")
}

/// A home whose token comes through a pipe.
fn with_token_pipe(server: &Server) -> (Vwh, PathBuf) {
    let vwh = Vwh::new();
    let base_url = server.base_url();
    vwh.configure(&format!(
        "default_profile = 'a'\n[profiles.a]\nbase_url = '{base_url}'\ntoken_file = 'pipe'\n"
    ));
    let pipe = pipe_in(&vwh, "pipe");
    (vwh, pipe)
}

fn create_with_key(vwh: &Vwh, flags: &[&str]) -> crate::support::Process {
    let arguments = ["create", "--url", &url("a"), "--signing-key-file", "pipe"].map(str::to_owned);
    vwh.args(arguments.iter().map(String::as_str).chain(flags.iter().copied())).spawn()
}

#[test]
fn a_token_is_read_from_a_pipe() {
    let server = Server::new(|_| json(200, "[]"));
    let (vwh, pipe) = with_token_pipe(&server);
    let process = vwh.args(["list"]).spawn();
    opened(&pipe).write_all(b"piped\n").unwrap();
    assert_eq!(process.wait().exits(0).stderr, "");
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer piped"));
}

#[test]
fn a_refused_token_is_not_asked_for_again() {
    let server = Server::new(|_| json(401, "{}"));
    let (vwh, pipe) = with_token_pipe(&server);
    let process = vwh.args(["list"]).spawn();
    opened(&pipe).write_all(b"piped\n").unwrap();
    let _ = process.wait().exits(3).without_answer().says("401");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_token_that_does_not_come_ends_with_the_time_limit() {
    let server = Server::new(|_| json(200, "[]"));
    let (vwh, _pipe) = with_token_pipe(&server);
    insta::assert_snapshot!(vwh.args(["list", "--timeout", "300ms"]).run().snapshot(), @"
    exit: 5
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot read the token: pipe could not be read in time

    hint: if token_file is a pipe, something has to write the token to it
    ");
    assert_eq!(server.connections(), 0);
}

#[test]
fn waiting_for_a_token_can_be_interrupted() {
    for signal in [Signal::INT, Signal::TERM] {
        for arguments in [&["list"][..], &["renew", "--all"]] {
            let server = Server::new(|_| json(200, "[]"));
            let (vwh, pipe) = with_token_pipe(&server);
            let process = vwh.args(arguments.iter().copied()).spawn();
            let _writer = opened(&pipe);
            process.signal(signal);
            let _ = process.wait().exits(130).without_answer();
            assert_eq!(server.connections(), 0);
        }
    }
}

#[test]
fn a_key_is_read_from_a_pipe() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let pipe = pipe_in(&vwh, "pipe");
    let process = create_with_key(&vwh, &[]);
    opened(&pipe).write_all(b"secret key\n").unwrap();
    assert_eq!(process.wait().exits(0).stderr, "");
    assert_eq!(service.with(|webhooks| webhooks.list[0]["signingKey"].clone()), "secret key");
}

#[test]
fn a_key_that_does_not_come_ends_with_the_time_limit() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    pipe_in(&vwh, "pipe");
    insta::assert_snapshot!(create_with_key(&vwh, &["--timeout", "300ms"]).wait().snapshot(), @"
    exit: 5
    --- stdout
    --- stderr
    error: cannot read the signing key: pipe could not be read in time

    hint: if it is a pipe, something has to write to it; --timeout gives it longer
    ");
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn waiting_for_a_key_can_be_interrupted() {
    for signal in [Signal::INT, Signal::TERM] {
        let service = Service::honest(vec![]);
        let vwh = service.vwh();
        let pipe = pipe_in(&vwh, "pipe");
        let process = create_with_key(&vwh, &[]);
        let _writer = opened(&pipe);
        process.signal(signal);
        let _ = process.wait().exits(130).without_answer();
        assert_eq!(service.server.connections(), 0);
    }
}

#[test]
fn a_file_without_end_is_refused() {
    let service = Service::honest(vec![]);
    let outcome = service.vwh().args(["create", "--url", &url("a"), "--signing-key-file", "/dev/zero"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot read the signing key: /dev/zero is larger than 1 MiB

    hint: --signing-key-file names it: it has to be a text file that you may read
    ");
    assert_eq!(service.server.connections(), 0);
}
