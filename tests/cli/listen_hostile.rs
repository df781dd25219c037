//! `vwh listen` against peers that mean no good, or do no better: each is refused or survived, and others are served.

#![cfg(unix)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::listening::{Connection, Listener, Request, V1, delivery, of_kind, recorded};
use crate::support::Vwh;

/// Fails unless somebody else's delivery is accepted.
#[track_caller]
fn serves_others(listener: &Listener) {
    static NUMBERS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NUMBERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(listener.status(&delivery(V1, &format!("other-{number}"), 1)), 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_and_its_sender_learns_why() {
    let listener = Listener::start(&Vwh::new(), &[]);
    let large = Request::post(vec![b' '; 2 << 20]);
    let answer = listener.send(&large);
    assert_eq!((answer.status, answer.body.as_str()), (413, "{\"error\":\"larger than 1 MiB\"}\n"));
    // In pieces, nobody knows beforehand how much will come.
    let mut connection = listener.connect();
    connection.send(b"POST /webhook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let piece = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..20 {
        connection.send(&piece).unwrap();
    }
    connection.send(b"0\r\n\r\n").unwrap();
    assert_eq!(connection.answer().unwrap().status, 413);
    // Whoever asks first is told before it sends anything.
    let mut connection = listener.connect();
    connection
        .send(b"POST /webhook HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
        .unwrap();
    assert_eq!(connection.answer().unwrap().status, 413);
    serves_others(&listener);
}

#[test]
fn the_largest_body_is_taken_whole() {
    let vwh = Vwh::new();
    let record = vwh.home().join("record");
    let listener = Listener::bare(&vwh, &["--unsigned", "--record", record.to_str().unwrap()]);
    let frame = r#"{"event":{"state":"RINGING"},"x":""}"#;
    let body = frame.replace(r#""""#, &format!("\"{}\"", "x".repeat((1 << 20) - frame.len())));
    assert_eq!(body.len(), 1 << 20);
    assert_eq!(listener.status(&Request::post(body.clone())), 200);
    assert_eq!(listener.status(&Request::post(body.clone() + " ")), 413);
    assert_eq!(recorded(&record)[0]["body"], body);
}

#[test]
fn what_is_nested_deep_is_survived_everywhere() {
    let deep = format!(
        r#"{{"event":{{"id":"1","state":"RINGING","x":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let listener = Listener::start(&Vwh::new(), &[]);
    assert_eq!(listener.status(&Request::post(deep.clone()).header("X-VON-Signature", &"0".repeat(64))), 401);
    let objects = deep.replace('[', r#"{"a":"#).replace(r#""x":{"#, r#""x":1,"y":{"#).replace(']', "}");
    let status = listener.status(&Request::post(objects).header("X-VON-Signature", &"0".repeat(64)));
    assert!([400, 401].contains(&status), "{status}");
    serves_others(&listener);

    let vwh = Vwh::new();
    let record = vwh.home().join("record");
    let handler = crate::support::Server::new(|_| crate::support::Reply::new(200, ""));
    let flags = ["--unsigned", "--record", record.to_str().unwrap(), "--forward", &handler.base_url()];
    let listener = Listener::bare(&vwh, &flags);
    assert_eq!(listener.status(&Request::post(deep.clone())), 200);
    handler.wait_for_requests(1);
    listener.process.signal(crate::support::Signal::TERM);
    let outcome = listener.process.wait().exits(0);
    assert_eq!(handler.requests()[0].body, deep.as_bytes());
    assert!(std::fs::read_to_string(&record).unwrap().contains("[[[[") && outcome.stdout.contains("[[[["));
}

#[test]
fn what_is_told_of_a_refusal_is_what_was_answered() {
    let mut listener = Listener::start(&Vwh::new(), &[]);
    let many =
        (0..200).fold(Request::post("{}"), |request, number| request.header(&format!("X-{number}"), "x"));
    let long = Request::post("{}").header("X-Long", &"x".repeat(1 << 20));
    let far = Request::post("{}").path(&format!("/webhook?{}", "x".repeat(70_000)));
    let (head, uri) = ("too many headers, or too long", "the URI is too long");
    for (bytes, status, reason) in [
        (many.bytes(), 431, head),
        (long.bytes(), 431, head),
        (far.bytes(), 414, uri),
        (b"hello\r\n\r\n".to_vec(), 400, "no HTTP/1 that can be read"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), 400, "no HTTP/1 that can be read"),
    ] {
        let mut connection = listener.connect();
        // It may hang up before all of it is sent.
        let _ = connection.send(&bytes);
        assert!(connection.answer().is_none_or(|answer| answer.status == status), "{reason}");
        serves_others(&listener);
        let told = listener.next("refused");
        assert_eq!((&told["status"], &told["reason"]), (&status.into(), &reason.into()));
    }
}

#[test]
fn what_does_not_come_whole_in_time_is_answered_and_told_so() {
    let mut listener = Listener::start(&Vwh::new(), &[]);
    let starts = [
        &b"POST /webhook HTTP/1.1\r\nHost: a\r\nX: "[..],
        b"POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{\"event\"",
        b"POST /webhook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ev",
    ];
    let slow = starts.map(|start| {
        let mut connection = listener.connect();
        connection.send(start).unwrap();
        connection
    });
    for mut connection in slow {
        let answer = connection.answer().unwrap();
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (408, "{\"error\":\"not all of it came in time\"}\n")
        );
        assert_eq!(connection.answer(), None);
    }
    let told = listener.next("refused");
    assert_eq!((&told["status"], &told["reason"]), (&408.into(), &"not all of it came in time".into()));
    serves_others(&listener);
    let (_, lines) = listener.end();
    assert_eq!(lines.last().unwrap()["refused"], 3);
}

#[test]
fn what_is_no_http_is_refused() {
    let listener = Listener::start(&Vwh::new(), &[]);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"hello\r\n\r\n",
        b"POST /webhook HTTP/9.9\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut connection = listener.connect();
        connection.send(bytes).unwrap();
        assert!(connection.answer().is_none_or(|answer| answer.status >= 400), "{bytes:?}");
    }
    serves_others(&listener);
}

#[test]
fn whoever_has_said_everything_is_answered() {
    let listener = Listener::start(&Vwh::new(), &[]);
    let whole = delivery(V1, "d-1", 1).bytes();
    for (bytes, status) in [(&whole[..], 200), (&whole[..whole.len() - 1], 400)] {
        let mut stream = TcpStream::connect(&listener.address).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let (_, lines) = listener.end();
    assert_eq!(
        (&lines.last().unwrap()["accepted"], &lines.last().unwrap()["refused"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn of_two_signatures_none_is_chosen() {
    let listener = Listener::start(&Vwh::new(), &[]);
    let right = delivery(V1, "d-1", 1);
    for other in [&"0".repeat(64), ""] {
        let answer = listener.send(&right.clone().header("X-VON-Signature", other));
        let body = "{\"error\":\"it has two signatures, and they differ\"}\n";
        assert_eq!((answer.status, answer.body.as_str()), (400, body));
    }
    assert_eq!(listener.status(&right.clone().header("X-VON-Signature", V1.signature)), 200);
}

/// Connections that never go on, of each kind; kept open by whoever has them.
fn stuck(address: &str, count: usize) -> Vec<TcpStream> {
    let starts = [
        &b""[..],
        b"POST /webhook HT",
        b"POST /webhook HTTP/1.1\r\nHost: a\r\nX: ",
        b"POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{\"event\"",
        b"POST /webhook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ev",
    ];
    let open = |start: &&[u8]| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(start).unwrap();
        stream
    };
    starts.iter().cycle().take(count).map(open).collect()
}

#[test]
fn connections_that_never_go_on_keep_nobody_out() {
    let listener = Listener::start(&Vwh::new(), &[]);
    let _half_open = stuck(&listener.address, 50);
    serves_others(&listener);
    let (_, lines) = listener.end();
    assert_eq!(of_kind(&lines, "delivery").len(), 1);
}

#[test]
fn more_connections_than_are_held_cost_the_idlest_theirs() {
    let listener = Listener::start(&Vwh::new(), &[]);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.extend(stuck(&listener.address, 200));
        serves_others(&listener);
    }
}

/// A vwh that may not have more than so many open files.
fn with_files(count: usize) -> Vwh {
    let vwh = Vwh::new();
    let script = vwh.write(
        "limited",
        &format!("#!/bin/sh\nulimit -n {count}\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_vwh")),
    );
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    vwh.through(&script)
}

#[test]
fn a_process_without_descriptors_makes_room() {
    let listener = Listener::start(&with_files(48), &[]);
    let _half_open = stuck(&listener.address, 100);
    serves_others(&listener);
    serves_others(&listener);
}

#[test]
fn peers_that_hang_up_are_none_of_our_trouble() {
    let listener = Listener::start(&Vwh::new(), &[]);
    for end in [0, 1, 20, 100, 300, 500] {
        let bytes = delivery(V1, &format!("d-{end}"), 1).bytes();
        let mut connection = Connection::to(&listener.address);
        connection.send(&bytes[..end]).unwrap();
        drop(connection);
    }
    serves_others(&listener);
    let (outcome, lines) = listener.end();
    assert_eq!((of_kind(&lines, "delivery").len(), outcome.stderr.as_str()), (1, ""));
}

#[test]
fn what_a_sender_says_acts_on_no_terminal_and_breaks_no_line() {
    let listener = Listener::bare(&Vwh::new(), &["--unsigned"]);
    let event = "{\"id\":\"\\u001b]0;x\\u0007\",\"state\":\"\\u202eRINGING\\n\",\n\"callerId\":\"\u{9b}2J\"}";
    let request = Request::post(format!("{{\"event\":{event}}}")).header("X-VON-Delivery-Id", "\u{9b}31m");
    assert_eq!(listener.status(&request), 200);
    let (outcome, lines) = listener.end();
    assert!(
        outcome.stdout.chars().all(|character| character == '\n' || !character.is_control()),
        "{outcome}"
    );
    assert_eq!(lines[1]["payload"], serde_json::from_str::<Value>(event).unwrap());
}
