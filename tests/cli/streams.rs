//! Where things go and how a run ends: pipes that close, disks that are full, signals, and each exit code.

use std::io::Read;

use insta::assert_snapshot;

use crate::account::{connected, holding, in_each_health};
use crate::support::{Outcome, Reply, Server, Vwh, json};

/// Every format of a list.
const FORMATS: [&str; 5] = ["table", "wide", "json", "jsonl", "csv"];

/// More than any pipe holds.
fn big_list() -> Server {
    let webhooks: Vec<String> = (0..20_000)
        .map(|number| format!(r#"{{"id":"webhook-{number}","url":"https://a.example.test/"}}"#))
        .collect();
    holding(format!("[{}]", webhooks.join(",")))
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let server = big_list();
    for format in FORMATS {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let process = connected(&server).args(["list", "-o", format]).stdout(writer).spawn();
        reader.read_exact(&mut [0; 64]).unwrap();
        drop(reader);
        let outcome = process.wait();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn a_reader_that_never_was_ends_it_quietly() {
    let server = in_each_health();
    for arguments in [
        &["list"][..],
        &["list", "--json", "--exit-code"],
        &["status"],
        &["--help"],
        &["--version"],
        &["completions", "bash"],
        &["man"],
        &["--sandbox", "list"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let outcome = connected(&server).args(arguments.iter().copied()).stdout(writer).run();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said() {
    let server = in_each_health();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_snapshot!(connected(&server).args(["list"]).stdout(full()).run().snapshot(), @"
    exit: 70
    --- stdout
    --- stderr
    error: cannot write the output: No space left on device (os error 28)
    ");
    assert_snapshot!(connected(&server).args(["list", "--json"]).stdout(full()).run().snapshot(), @r#"
    exit: 70
    --- stdout
    --- stderr
    {"error":{"kind":"internal","message":"cannot write the output","hint":null,"status":null,"causes":["No space left on device (os error 28)"]}}
    "#);
    for arguments in [
        &["list", "-o", "csv"][..],
        &["status"],
        &["--help"],
        &["list", "--help"],
        &["--version"],
        &["completions", "zsh"],
        &["man"],
        &["sandbox", "status"],
    ] {
        let outcome = connected(&server).args(arguments.iter().copied()).stdout(full()).run().exits(70);
        let _ = outcome.says("cannot write the output: No space left on device");
    }
}

/// A reply of `status` to every request.
fn always(status: u16) -> Server {
    Server::new(move |_| json(status, "{}"))
}

#[test]
fn each_exit_code_that_reading_can_have() {
    let code = |server: &Server, arguments: &[&str]| {
        connected(server).args(arguments.iter().copied()).run().code.unwrap()
    };
    let healths = in_each_health();
    assert_eq!(code(&healths, &["list"]), 0);
    assert_eq!(code(&healths, &["list", "--exit-code"]), 1);
    assert_eq!(code(&healths, &["list", "--no-such-flag"]), 2);
    assert_eq!(code(&always(401), &["list"]), 3);
    assert_eq!(code(&always(403), &["status"]), 3);
    assert_eq!(Vwh::new().args(["status"]).run().code, Some(3));
    assert_eq!(code(&healths, &["status", "unknown-id"]), 4);
    assert_eq!(code(&always(410), &["list"]), 4);
    assert_eq!(code(&always(503), &["list", "--timeout", "300ms"]), 5);
    assert_eq!(code(&Server::new(|_| Reply::Stall), &["status", "--timeout", "300ms"]), 5);
    for status in [302, 400, 409, 422, 451] {
        assert_eq!(code(&always(status), &["list"]), 6, "{status}");
    }
    assert_eq!(code(&Server::new(|_| json(200, "{\"id\":1}")), &["list"]), 70);
    assert_eq!(code(&Server::new(|_| json(200, "[]")), &["status", "x"]), 70);
}

#[test]
#[cfg(unix)]
fn signals_end_a_read_at_once() {
    use crate::support::Signal;

    let stalled = |arguments: &[&str], signal| {
        let server = Server::new(|_| Reply::Stall);
        let process = connected(&server).args(arguments.iter().copied()).spawn();
        server.wait_for_requests(1);
        process.signal(signal);
        process.wait()
    };
    assert_snapshot!(stalled(&["list"], Signal::INT).snapshot(), @"
    exit: 130
    --- stdout
    --- stderr
    error: interrupted
    ");
    assert_snapshot!(stalled(&["list"], Signal::TERM).snapshot(), @"
    exit: 130
    --- stdout
    --- stderr
    error: interrupted
    ");
    for signal in [Signal::INT, Signal::TERM] {
        let outcome = stalled(&["list", "--json"], signal).exits(130).without_answer();
        assert_eq!(outcome.error()["kind"], "interrupted");
        let _ = stalled(&["status", "some-id", "-q"], signal).exits(130).without_answer();
    }
}

#[test]
#[cfg(unix)]
fn signals_end_a_hold() {
    use crate::support::Signal;

    let server = Server::new(|_| json(429, "{}").header("Retry-After", "50"));
    for signal in [Signal::INT, Signal::TERM] {
        let mut process = connected(&server).args(["list", "-v"]).spawn();
        process.wait_for_error_line(|line| line.starts_with("throttled: waiting until "));
        process.signal(signal);
        let _ = process.wait().exits(130).without_answer();
    }
}

#[test]
fn usage_errors() {
    assert_snapshot!(Vwh::new().args(["list", "--no-such-flag"]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: unexpected argument '--no-such-flag' found

    Usage: vwh list [OPTIONS]

    For more information, try '--help'.
    ");
    assert_snapshot!(Vwh::new().args(["lsit"]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: unrecognized subcommand 'lsit'

      tip: some similar subcommands exist: 'listen', 'ls', 'list'

    Usage: vwh [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(Vwh::new().args(["list", "--timeout", "soon"]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'soon' for '--timeout <DURATION>': write a duration such as 30s, 90m or 3d

    For more information, try '--help'.
    ");
    assert_snapshot!(Vwh::new().args(["delete"]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: the following required arguments were not provided:
      <ID>...

    Usage: vwh delete <ID>...

    For more information, try '--help'.
    ");
}

#[test]
fn usage_errors_are_json_where_json_was_asked_for() {
    assert_snapshot!(Vwh::new().args(["list", "--json", "--no-such-flag"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    {"error":{"kind":"usage","message":"unexpected argument '--no-such-flag' found","hint":"vwh --help","status":null,"causes":[]}}
    "#);
    for arguments in [
        &["-o", "json", "lsit"][..],
        &["lsit", "-o", "jsonl"],
        &["lsit", "-ojson"],
        &["lsit", "-o=json"],
        &["lsit", "-qojson"],
        &["lsit", "--output=jsonl"],
        &["lsit", "--output", "json"],
    ] {
        let outcome = Vwh::new().args(arguments.iter().copied()).run().exits(2).without_answer();
        assert_eq!(outcome.error()["kind"], "usage", "{arguments:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome}");
    }
    for arguments in [&["lsit", "--", "--json"][..], &["lsit", "--url", "x"], &["lsit", "-o", "csv"]] {
        let outcome = Vwh::new().args(arguments.iter().copied()).run().exits(2).without_answer();
        assert!(outcome.stderr.starts_with("error: "), "{outcome}");
    }
}

#[test]
fn quiet_still_says_what_failed() {
    let outcome = connected(&always(403)).args(["list", "-q"]).run().exits(3).without_answer();
    assert!(outcome.stderr.starts_with("error: "), "{outcome}");
}

fn told(arguments: &[&str]) -> Outcome {
    let server = Server::new(|request| match request.number {
        1 => json(503, r#"{"errorMessage":"restarting"}"#).header("X-Request-Id", "request-1"),
        _ => json(200, "[]").header("X-Request-Id", "request-2").header("Set-Cookie", "session=hunter2"),
    });
    connected(&server).args(arguments.iter().copied()).run().exits(0).hiding_durations()
}

#[test]
fn verbose_tells_of_each_request() {
    assert_snapshot!(told(&["list", "--json"]).snapshot(), @"
    exit: 0
    --- stdout
    []
    --- stderr
    ");
    assert_snapshot!(told(&["list", "--json", "-v"]).snapshot(), @"
    exit: 0
    --- stdout
    []
    --- stderr
    info: GET http://127.0.0.1:[PORT]/self/webhooks/ 503 in [DURATION], request id request-1
    info: GET http://127.0.0.1:[PORT]/self/webhooks/ 200 in [DURATION], request id request-2
    ");
    assert_snapshot!(told(&["list", "--json", "-vv"]).snapshot(), @"
    exit: 0
    --- stdout
    []
    --- stderr
    debug: reply headers: content-type: application/json, x-request-id, content-length: 29
    info: GET http://127.0.0.1:[PORT]/self/webhooks/ 503 in [DURATION], request id request-1
    debug: attempt 1 of 4 failed, again in [DURATION]: 127.0.0.1:[PORT] answered 503 Service Unavailable: restarting
    debug: reply headers: content-type: application/json, x-request-id, set-cookie, content-length: 2
    info: GET http://127.0.0.1:[PORT]/self/webhooks/ 200 in [DURATION], request id request-2
    ");
    let twice = told(&["list", "--json", "-v", "--verbose"]).snapshot();
    assert_eq!(twice, told(&["-vv", "list", "--json"]).snapshot());
}
