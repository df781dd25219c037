//! `vwh listen --record`: every 200 is a line, written before it is answered and raw enough to be read back byte for byte.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json as value};

use crate::listening::{CALL, Listener, Request, V1, V2, delivery, of_kind, recorded};
use crate::support::{Reply, Server, Signal, Vwh};

#[test]
fn a_line_has_everything_as_it_came() {
    let vwh = Vwh::new();
    let record = vwh.home().join("record");
    let listener = Listener::start(&vwh, &["--record", "record"]);
    let request =
        delivery(V2, "d-1", 2).path("/webhook?a=%20b").header("X-Odd", "\u{e9}").header("X-Odd", "two");
    assert_eq!(listener.status(&request), 200);
    // Written when it is answered: nothing is waited for here.
    let mut lines = recorded(&record);
    let time = lines[0]["time"].take();
    assert!(time.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{time}");
    let body = format!("{{\"event\":{}}}", V2.event);
    let length = body.len().to_string();
    assert_eq!(
        lines,
        [value!({"time": null, "verdict": "verified", "duplicate": false, "path": "/webhook?a=%20b",
            "headers": [["host", "receiver"], ["content-type", "application/json"],
                ["x-von-signature", V2.signature], ["x-von-webhook-id", "w-1"], ["x-von-delivery-id", "d-1"],
                ["x-von-attempt", "2"], ["x-odd", "\u{c3}\u{a9}"], ["x-odd", "two"], ["content-length", length]],
            "body": body})]
    );
    let mode = std::fs::metadata(&record).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn it_is_appended_to_and_a_torn_line_is_ended_first() {
    let vwh = Vwh::new();
    let record = vwh.write("record", "{\"an\":\"older line\"}\n{\"torn");
    for id in ["d-1", "d-2"] {
        let listener = Listener::start(&vwh, &["--record", "record"]);
        assert_eq!(listener.status(&delivery(V1, id, 1)), 200);
        let (outcome, _) = listener.end();
        assert_eq!(outcome.stderr, "");
    }
    let text = std::fs::read_to_string(&record).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["{\"an\":\"older line\"}", "{\"torn"]);
    assert_eq!(lines.len(), 4);
    assert!(lines[2..].iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
}

#[test]
fn a_record_that_is_rotated_away_goes_on_under_its_name() {
    let vwh = Vwh::new();
    let record = vwh.home().join("record");
    let listener = Listener::start(&vwh, &["--record", "record"]);
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 200);
    std::fs::rename(&record, vwh.home().join("record.1")).unwrap();
    assert_eq!(listener.status(&delivery(V1, "d-2", 1)), 200);
    assert_eq!((recorded(&record).len(), recorded(&vwh.home().join("record.1")).len()), (1, 1));
    std::fs::remove_file(&record).unwrap();
    assert_eq!(listener.status(&delivery(V1, "d-3", 1)), 200);
    assert_eq!(recorded(&record).len(), 1);
    // Where there is no place for it, nothing is accepted.
    std::fs::remove_file(&record).unwrap();
    std::fs::create_dir(&record).unwrap();
    assert_eq!(listener.status(&delivery(V1, "d-4", 1)), 503);
    std::fs::remove_dir(&record).unwrap();
    assert_eq!(listener.status(&delivery(V1, "d-4", 2)), 200);
    assert_eq!(recorded(&record).len(), 1);
}

#[test]
fn a_record_that_others_can_read_is_warned_about() {
    let vwh = Vwh::new();
    let record = vwh.write("record", "");
    std::fs::set_permissions(&record, std::fs::Permissions::from_mode(0o644)).unwrap();
    let listener = Listener::start(&vwh, &["--record", "record"]);
    let (outcome, _) = listener.end();
    let warning =
        value!({"warning": {"message": "record can be read by others; close it with: chmod 600 record"}});
    assert_eq!(outcome.stderr, format!("{warning}\n"));
}

#[test]
fn two_runs_do_not_write_one_record() {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", "k");
    let _first = Listener::start(&vwh, &["--record", "record"]);
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--record", "record"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 5
    --- stdout
    --- stderr
    error: another vwh records to `record`

    hint: name another file with --record
    ");
}

#[test]
fn a_record_that_cannot_be_opened_is_a_configuration_error() {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", "k");
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--record", "no/such/folder"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot open the record: failed to open file `no/such/folder`: No such file or directory (os error 2)
    ");
    let _ = vwh.args(["listen", "--bind", "127.0.0.1:0", "--record", "."]).run().exits(2).without_answer();
}

/// `/dev/full` opens as any file does, and has no room for anything.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_answered_with_503_and_told_once() {
    let vwh = Vwh::new();
    let handler = Server::new(|_| Reply::new(200, ""));
    let listener = Listener::start(&vwh, &["--record", "/dev/full", "--forward", &handler.base_url()]);
    for attempt in 1..=3 {
        let answer = listener.send(&delivery(V1, "d-1", attempt));
        assert_eq!((answer.status, answer.body.as_str()), (503, "{\"error\":\"it cannot be recorded\"}\n"));
    }
    let (outcome, lines) = listener.end();
    let message = "cannot write the record: failed to write to file `/dev/full`: No space left on device (os error 28); \
                   deliveries are answered with 503 until it can be";
    assert_eq!(outcome.stderr, format!("{}\n", value!({"warning": {"message": message}})));
    assert_eq!((handler.requests().len(), of_kind(&lines, "delivery")), (0, vec![]));
}

/// A file that may not grow beyond some size is a disk that gets full, and gets room again.
#[cfg(target_os = "linux")]
#[test]
fn what_was_half_written_is_cut_off_again() {
    let vwh = Vwh::new();
    let script = vwh.write(
        "limited",
        // In blocks of 512 bytes. Without the signal's default action, the write fails instead.
        &format!("#!/bin/sh\nulimit -f 3\ntrap '' XFSZ\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_vwh")),
    );
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let record = vwh.home().join("record");
    let listener = Listener::start(&vwh.clone().through(&script), &["--record", "record"]);
    let answers: Vec<u16> =
        (0..8).map(|number| listener.status(&delivery(V1, &format!("d-{number}"), 1))).collect();
    let accepted = answers.iter().take_while(|status| **status == 200).count();
    assert!(
        (1..8).contains(&accepted) && answers[accepted..].iter().all(|status| *status == 503),
        "{answers:?}"
    );
    assert_eq!(recorded(&record).len(), accepted);
    // Room again, and what was refused is new: it was never accepted.
    std::fs::write(&record, "").unwrap();
    assert_eq!(listener.status(&delivery(V1, "d-7", 2)), 200);
    let lines = recorded(&record);
    assert_eq!((lines.len(), &lines[0]["duplicate"]), (1, &value!(false)));
}

#[test]
fn nothing_is_recorded_of_what_is_not_accepted() {
    let vwh = Vwh::new();
    let record = vwh.home().join("record");
    let listener = Listener::start(&vwh, &["--record", "record", "--fail", "500"]);
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 500);
    assert_eq!(listener.status(&Request::post("{}")), 400);
    let _ = listener.end();
    assert_eq!(recorded(&record), Vec::<Value>::new());
}

/// Posts distinct deliveries over `connections` until the listener is gone; gives how many were answered with 200.
fn load(address: &str, connections: usize, each: usize, answered: &std::sync::atomic::AtomicUsize) -> usize {
    use std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|connection| {
                scope.spawn(move || {
                    let mut kept = crate::listening::Connection::to(address);
                    let mut accepted = 0;
                    for number in 0..each {
                        let request = delivery(CALL[number % 4], &format!("{connection}-{number}"), 1);
                        match kept.exchange(&request) {
                            Some(answer) if answer.status == 200 => accepted += 1,
                            Some(answer) => panic!("{answer:?}"),
                            None => break,
                        }
                        answered.fetch_add(1, Relaxed);
                    }
                    accepted
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// Ends a listener with `signal` in the middle of a load; gives the answers of 200 and the lines.
fn ended_under_load(signal: Signal) -> (usize, Vec<Value>, Option<i32>) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let vwh = Vwh::new();
    let record = vwh.home().join("record");
    let listener = Listener::start(&vwh, &["--record", "record"]);
    let address = listener.address.clone();
    let answered = AtomicUsize::new(0);
    let accepted = std::thread::scope(|scope| {
        let loading = scope.spawn(|| load(&address, 8, 100_000, &answered));
        while answered.load(Ordering::Relaxed) < 2_000 {
            std::thread::yield_now();
        }
        listener.process.signal(signal);
        loading.join().unwrap()
    });
    let outcome = listener.process.wait();
    let text = std::fs::read_to_string(&record).unwrap();
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    (accepted, lines.collect(), outcome.code)
}

#[test]
fn after_sigterm_there_are_as_many_lines_as_answers() {
    let (accepted, lines, code) = ended_under_load(Signal::TERM);
    assert!(accepted >= 2_000);
    assert_eq!((accepted, code), (lines.len(), Some(0)));
}

#[test]
fn after_sigkill_no_answer_is_without_its_line() {
    let (accepted, lines, _) = ended_under_load(Signal::KILL);
    assert!(accepted >= 2_000);
    assert!(accepted <= lines.len(), "{accepted} answers, {} lines", lines.len());
}
