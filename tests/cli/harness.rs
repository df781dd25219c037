//! The harness itself, tested against plain sockets and a shell, so that a failure elsewhere is vwh's.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::{Reply, Server, Vwh, json, refused};

fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn a_server_records_requests_and_keeps_the_connection() {
    let server = Server::new(|request| match request.number {
        1 => json(201, "{}").header("X-Id", "7"),
        _ => Reply::Raw(b"bye".to_vec()),
    });
    let reply = exchange(
        server.address(),
        "POST /a?b=c HTTP/1.1\r\nX-One: 1\r\nContent-Length: 7\r\n\r\n{\"n\":1}\
         PUT /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    assert_eq!(
        reply,
        "HTTP/1.1 201 \r\nContent-Type: application/json\r\nX-Id: 7\r\nContent-Length: 2\r\n\r\n{}bye"
    );
    server.wait_for_requests(2);
    assert_eq!(server.lines(), ["POST /a?b=c", "PUT /d"]);
    assert_eq!(server.connections(), 1);
    server.wait_for_hang_up();
    let [first, second] = server.requests().try_into().unwrap();
    assert_eq!((first.header("x-one"), first.json()["n"].as_i64()), (Some("1"), Some(1)));
    assert_eq!(second.body, b"abc");
}

#[test]
fn a_server_cuts_short_and_closes() {
    let server = Server::new(|request| match request.path.as_str() {
        "/half" => Reply::new(200, "12345").cut_in_half(),
        "/empty" => Reply::new(204, ""),
        _ => Reply::Close,
    });
    let half = exchange(server.address(), "GET /half HTTP/1.1\r\n\r\n");
    assert_eq!(half, "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n12");
    assert_eq!(exchange(server.address(), "GET /other HTTP/1.1\r\n\r\n"), "");
    let both = exchange(server.address(), "GET /empty HTTP/1.1\r\n\r\nGET /other HTTP/1.1\r\n\r\n");
    assert_eq!(both, "HTTP/1.1 204 \r\n\r\n");
}

#[test]
fn a_stall_ends_with_the_server() {
    for stall in [Reply::Stall, Reply::RawThenStall(b"HTTP".to_vec())] {
        let sent = stall.clone();
        let server = Server::new(move |_| sent.clone());
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        if matches!(stall, Reply::RawThenStall(_)) {
            stream.read_exact(&mut [0; 4]).unwrap();
        } else {
            server.wait_for_requests(1);
        }
        drop(server);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn a_panic_in_a_closure_fails_the_test() {
    let server = Server::new(|_| panic!("this panic is part of the test"));
    let reply = exchange(server.address(), "GET / HTTP/1.1\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 501"), "{reply}");
    assert!(catch_unwind(AssertUnwindSafe(|| drop(server))).is_err());
}

#[test]
fn a_refused_address_refuses() {
    let refused = refused();
    let address = refused.base_url().replace("http://", "");
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
#[cfg(target_os = "linux")]
fn a_black_hole_answers_nothing() {
    let black_hole = crate::support::black_hole();
    let limit = std::time::Duration::from_millis(200);
    let error = TcpStream::connect_timeout(&black_hole.address(), limit).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(black_hole.base_url().starts_with("http://127.0.0.1:"));
}

#[test]
fn the_binary_runs() {
    let _ = Vwh::new().args(["--version"]).run().exits(0);
}

#[cfg(unix)]
mod with_a_shell {
    use crate::support::{Screen, Signal, Stream, Vwh};

    fn shell() -> Vwh {
        Vwh::in_place_of("/bin/sh")
    }

    #[test]
    fn the_environment_is_only_what_is_named() {
        let vwh = shell().env("VWH_TOKEN", "t");
        let outcome = vwh.args(["-c", "/usr/bin/env | /usr/bin/cut -d= -f1"]).env("COLUMNS", "80").run();
        let mut names: Vec<&str> = outcome
            .stdout
            .lines()
            .filter(|name| !["_", "PWD", "OLDPWD", "SHLVL", "__CF_USER_TEXT_ENCODING"].contains(name))
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["COLUMNS", "HOME", "PATH", "VWH_TOKEN", "XDG_CONFIG_HOME", "XDG_STATE_HOME"]);
    }

    #[test]
    fn files_are_where_the_environment_points() {
        let vwh = shell();
        vwh.configure("a = 1\n");
        vwh.write(".local/state/vwh/journal.jsonl", "{}\n");
        let script = "cat $XDG_CONFIG_HOME/vwh/config.toml $XDG_STATE_HOME/vwh/journal.jsonl";
        let outcome = vwh.args(["-c", script]).run().exits(0);
        assert_eq!(outcome.stdout, "a = 1\n{}\n");
        assert!(vwh.state().join("journal.jsonl").is_file());
        assert!(vwh.state().starts_with(vwh.home()));
    }

    #[test]
    fn stdin_is_null_unless_given() {
        let _ = shell().args(["-c", "cat; exit 4"]).run().exits(4).without_answer();
        let outcome = shell().args(["-c", "cat"]).stdin("typed\n").run().exits(0);
        assert_eq!(outcome.stdout, "typed\n");
    }

    #[test]
    fn a_snapshot_shows_everything_but_the_host() {
        let script = r#"echo "{\"id\":\"5b0c2f6e-1f77-4f0e-9a53-6c0f8c3d2a10\"}"
            echo "http://127.0.0.1:4711 $HOME 2024-03-01T09:00:00.123Z 03:00Z" >&2
            echo '{"error":{"kind":"usage"}}' >&2; exit 2"#;
        let outcome = shell().args(["-c", script]).run().exits(2).says("4711");
        assert_eq!(outcome.json()["id"], "5b0c2f6e-1f77-4f0e-9a53-6c0f8c3d2a10");
        assert_eq!(outcome.error()["kind"], "usage");
        insta::assert_snapshot!(outcome.hiding_ids().hiding_times().snapshot(), @r#"
        exit: 2
        --- stdout
        {"id":"[UUID]"}
        --- stderr
        http://127.0.0.1:[PORT] [HOME] [TIME] [TIME]
        {"error":{"kind":"usage"}}
        "#);
    }

    #[test]
    fn lines_are_waited_for_and_a_killed_run_has_no_code() {
        let script = "mkfifo gate; echo one; echo two; echo three >&2; exec cat gate";
        let mut process = shell().args(["-c", script]).spawn();
        assert_eq!(process.wait_for_line(|line| line.starts_with('t')), "two");
        assert_eq!(process.wait_for_error_line(|_| true), "three");
        process.kill();
        let outcome = process.wait();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (None, "one\ntwo\n"));
    }

    /// Blocks until a signal comes, without a child that would outlive it.
    const UNTIL_TERM: &str =
        "mkfifo gate; cat gate >/dev/null 2>&1 & trap 'kill $!; exit 7' TERM; echo ready; wait";

    #[test]
    fn signals_reach_a_run() {
        let mut process = shell().args(["-c", UNTIL_TERM]).spawn();
        process.wait_for_line(|line| line == "ready");
        process.signal(Signal::TERM);
        let _ = process.wait().exits(7);
    }

    #[test]
    fn a_terminal_is_on_all_streams_and_has_its_width() {
        let script = "test -t 0 && test -t 1 && test -t 2 && stty size; printf 'name? ' >&2; read name
            echo \"hello $name\"; cat; exit 3";
        let mut terminal = shell().args(["-c", script]).on_terminal(&Screen::columns(80));
        terminal.wait_for("name? ");
        terminal.type_line("you");
        terminal.wait_for("hello");
        terminal.type_end();
        insta::assert_snapshot!(terminal.wait().snapshot(), @r"
        exit: 3
        --- screen
        24 80
        name? you
        hello you
        --- stdout
        --- stderr
        ");
    }

    #[test]
    fn a_stream_can_be_off_the_terminal() {
        let script = "test -t 0 || echo no stdin; test -t 2 || echo no stderr; echo aside >&2";
        let screen = Screen::columns(80).without(Stream::Stdin).without(Stream::Stderr);
        let outcome = shell().args(["-c", script]).on_terminal(&screen).wait().exits(0);
        assert_eq!(outcome.screen.as_deref(), Some("no stdin\nno stderr\n"));
        assert_eq!(outcome.stderr, "aside\n");
        let screen = Screen::columns(80).without(Stream::Stdout);
        let outcome = shell().args(["-c", "test -t 1 || echo piped"]).on_terminal(&screen).wait();
        assert_eq!(outcome.stdout, "piped\n");
    }

    #[test]
    fn signals_reach_a_run_on_a_terminal() {
        let mut terminal = shell().args(["-c", UNTIL_TERM]).on_terminal(&Screen::columns(80));
        terminal.wait_for("ready");
        terminal.signal(Signal::TERM);
        let _ = terminal.wait().exits(7);
    }
}
