//! What `vwh listen` writes when nobody reads, or nobody wants to: it never costs a delivery.

#![cfg(unix)]

use std::io::Read as _;

use serde_json::{Value, json as value};

use crate::listening::{CALL, Connection, KEY, Listener, V1, delivery, recorded};
use crate::support::{Process, Run, Screen, Signal, Stream, Vwh};

fn listen(vwh: &Vwh, flags: &[&str]) -> Run {
    let arguments = ["listen", "--bind", "127.0.0.1:0"].iter().chain(flags).copied();
    vwh.clone().env("VWH_SIGNING_KEY", KEY).args(arguments)
}

/// The address in the first line of a pipe.
fn address(reader: &mut impl std::io::Read) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    let line = String::from_utf8(line).unwrap();
    line.strip_prefix("listening on http://").unwrap().split('/').next().unwrap().to_owned()
}

/// More deliveries than a pipe and the queue hold lines of.
const MANY: usize = 10_000;

fn post_many(address: &str, count: usize) {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let mut connection = Connection::to(address);
                for number in 0..count / 8 {
                    let request = delivery(CALL[number % 4], &format!("d-{thread}-{number}"), 1);
                    assert_eq!(connection.exchange(&request).unwrap().status, 200, "{number}");
                }
            });
        }
    });
}

/// Ends a vwh that cannot write, and gives how many lines it has recorded.
fn ended(process: Process, vwh: &Vwh) -> usize {
    process.signal(Signal::TERM);
    let _ = process.wait().exits(0);
    recorded(&vwh.home().join("record")).len()
}

#[test]
fn a_pipe_that_nobody_reads_costs_lines_and_no_delivery() {
    let vwh = Vwh::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let process = listen(&vwh, &["--record", "record"]).stdout(writer).spawn();
    post_many(&address(&mut reader), MANY);
    // When it is read again, it says how many are missing, and goes on.
    let mut text = String::new();
    let mut piece = [0; 8192];
    while !text.contains("not shown") {
        let count = reader.read(&mut piece).unwrap();
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    assert_eq!(ended(process, &vwh), MANY);
    let missing: usize = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("… ")?.strip_suffix(" lines were not shown")?.parse::<usize>().ok()
        })
        .sum();
    reader.read_to_string(&mut text).unwrap();
    let shown = text.lines().filter(|line| line.contains("  verified")).count();
    assert_eq!(shown + missing, MANY);
}

#[test]
fn a_terminal_that_is_stopped_costs_no_delivery() {
    let vwh = Vwh::new();
    let (mut person, device) = crate::support::unread_terminal();
    let process = listen(&vwh, &["--record", "record"]).stdout(device).spawn();
    let address = address(&mut Unreturned(&mut person));
    // A terminal holds a few kilobytes.
    post_many(&address, 1_000);
    assert_eq!(ended(process, &vwh), 1_000);
}

/// Ctrl-C would start the terminal again by itself; a SIGTERM does not.
#[test]
fn a_terminal_that_is_stopped_shows_the_last_lines_at_the_end() {
    let vwh = Vwh::new();
    let mut terminal = listen(&vwh, &["--color", "never"]).on_terminal(&Screen::columns(80));
    terminal.wait_for("try it with");
    let address = terminal.shown_address();
    terminal.type_stop();
    for number in 0..8 {
        let request = delivery(V1, &format!("d-{number}"), 1);
        assert_eq!(Connection::to(&address).exchange(&request).unwrap().status, 200);
    }
    terminal.signal(Signal::TERM);
    let shown = terminal.wait().exits(0).screen.unwrap();
    assert_eq!(shown.matches("  verified").count(), 8, "{shown}");
    assert!(shown.ends_with("  after RINGING?\n8 deliveries accepted\n"), "{shown}");
}

/// What a terminal sends has a return before each line end.
struct Unreturned<'a>(&'a mut std::fs::File);

impl std::io::Read for Unreturned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let count = self.0.read(buffer)?;
            if buffer[..count] != *b"\r" {
                return Ok(count);
            }
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let vwh = Vwh::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let process = listen(&vwh, &[]).stdout(writer).spawn();
    let address = address(&mut reader);
    drop(reader);
    assert_eq!(Connection::to(&address).exchange(&delivery(V1, "d-1", 1)).unwrap().status, 200);
    assert_eq!(process.wait().exits(0).stderr, "");
}

#[test]
fn what_is_recorded_goes_on_being_recorded_without_a_reader() {
    let vwh = Vwh::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut process = listen(&vwh, &["--record", "record"]).stdout(writer).spawn();
    let address = address(&mut reader);
    drop(reader);
    assert_eq!(Connection::to(&address).exchange(&delivery(V1, "d-1", 1)).unwrap().status, 200);
    process.wait_for_error_line(|line| {
        line == "warning: nobody reads what is received any more; it is still received"
    });
    assert_eq!(Connection::to(&address).exchange(&delivery(V1, "d-2", 1)).unwrap().status, 200);
    assert_eq!(ended(process, &vwh), 2);
}

#[test]
fn what_is_passed_on_goes_on_being_passed_on_though_nobody_ever_read() {
    let handler = crate::support::Server::new(|_| crate::support::Reply::new(200, ""));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY);
    let arguments = ["listen", "--bind", &address, "--forward", &handler.base_url()];
    let mut process = vwh.args(arguments).stdout(writer).spawn();
    process.wait_for_error_line(|line| line.starts_with("warning: nobody reads"));
    assert_eq!(Connection::to(&address).exchange(&delivery(V1, "d-1", 1)).unwrap().status, 200);
    handler.wait_for_requests(1);
    process.signal(Signal::TERM);
    let _ = process.wait().exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_on_a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let outcome = listen(&Vwh::new(), &[]).stdout(full).run();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 70
    --- stdout
    --- stderr
    error: cannot write the output: No space left on device (os error 28)
    ");
}

#[test]
fn quiet_means_the_first_line_alone() {
    let vwh = Vwh::new();
    let listener = Listener::start(&vwh, &["-q"]);
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 200);
    listener.process.signal(Signal::TERM);
    let outcome = listener.process.wait().exits(0);
    assert_eq!((outcome.stdout.lines().count(), outcome.stderr.as_str()), (1, ""));
}

#[test]
fn a_terminal_of_80_columns_has_a_line_for_each() {
    let vwh = Vwh::new();
    let screen = Screen::columns(80).without(Stream::Stdin);
    let mut terminal = listen(&vwh, &["--color", "never"]).on_terminal(&screen);
    terminal.wait_for("listening on http://127.0.0.1:");
    terminal.wait_for("/webhook");
    let address = terminal.shown_address();
    for (number, signed) in CALL.into_iter().enumerate() {
        let mut connection = Connection::to(&address);
        let attempt = if number == 3 { 2 } else { 1 };
        assert_eq!(
            connection.exchange(&delivery(signed, &format!("d-{number}"), attempt)).unwrap().status,
            200
        );
    }
    let mut connection = Connection::to(&address);
    assert_eq!(connection.exchange(&delivery(CALL[3], "d-3", 3)).unwrap().status, 200);
    assert_eq!(connection.exchange(&delivery(CALL[0], "d-9", 1)).unwrap().status, 200);
    terminal.wait_for("after ANSWERED?");
    terminal.signal(Signal::INT);
    let outcome = terminal.wait().hiding_times();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 0
    --- screen
    listening on http://127.0.0.1:[PORT]/webhook
    Ctrl-C ends it; try it with:
      VWH_SIGNING_KEY=… vwh trigger http://127.0.0.1:[PORT]/webhook
    [TIME]  INITIALIZING  in   14155550123                   verified
    [TIME]  RINGING       in   14155550123                   verified
    [TIME]  ACTIVE        in   14155550123 Zoë Sample        verified
    [TIME]  ANSWERED      in   14155550123 Zoë Sample  verified  30.0s  attempt 2
    [TIME]  ANSWERED      in   14155550123  verified  30.0s  attempt 3  duplicate
    [TIME]  INITIALIZING  in   14155550123              verified  after ANSWERED?
    6 deliveries accepted, 1 of them duplicates
    --- stdout
    --- stderr
    ");
}

#[test]
fn without_a_key_it_does_not_begin() {
    let outcome = Vwh::new().args(["listen", "--bind", "127.0.0.1:0"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no signing key to verify deliveries with

    hint: give it with --signing-key-file FILE or VWH_SIGNING_KEY; --unsigned believes whoever can connect
    ");
    let vwh = Vwh::new();
    vwh.write("empty.key", "\n");
    for file in ["empty.key", "missing.key"] {
        let arguments = ["listen", "--bind", "127.0.0.1:0", "--signing-key-file", file];
        let _ = vwh.args(arguments).run().exits(2).without_answer();
    }
}

#[test]
fn an_address_that_is_taken_is_a_configuration_error() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY);
    insta::assert_snapshot!(vwh.args(["listen", "--bind", &address]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot listen on 127.0.0.1:[PORT]: Address already in use (os error 98)

    hint: another program does: name another address with --bind, such as 127.0.0.1:[PORT]
    ");
}

#[test]
fn an_address_that_anybody_can_reach_is_warned_about() {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", KEY);
    let mut process = vwh.args(["listen", "--bind", "0.0.0.0:0", "--json"]).spawn();
    let ready: Value = serde_json::from_str(&process.wait_for_line(|_| true)).unwrap();
    let (address, url) = (ready["address"].as_str().unwrap(), ready["url"].as_str().unwrap());
    assert_eq!(url, format!("http://{}/webhook", address.replace("0.0.0.0", "127.0.0.1")));
    process.signal(Signal::TERM);
    let outcome = process.wait().exits(0);
    let message = "whoever can reach 0.0.0.0:0 can post to it, not only this machine";
    assert_eq!(outcome.stderr, format!("{}\n", value!({"warning": {"message": message}})));
}
