//! The whole program against what people would use instead: `curl` and `jq`. Run it on an idle machine with
//! `cargo bench --bench whole_program`; it prints medians and their ratio beside the budget of each, and asserts nothing.
//!
//! The server is a thread of this process that sends the same bytes to everybody.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends when it cannot measure"
)]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    let small = serve(&list_of(5));
    let large = serve(&list_of(100_000));
    let middle = serve(&list_of(10_000));
    println!("{:<44} {:>10} {:>10} {:>7} {:>7}", "what", "vwh", "other", "ratio", "budget");
    let curl = |server| shell(&format!("curl -s http://{server}/self/webhooks/"));
    compare("list --json, 5 webhooks / curl", 40, &vwh(small, &["list", "--json"]), &curl(small), 0.35);
    compare("--version / jq --version", 40, &vwh(small, &["--version"]), &shell("jq --version"), 3.0);
    let piped = shell(&format!("curl -s http://{large}/self/webhooks/ | jq ."));
    compare("list --json, 100,000 / curl | jq .", 5, &vwh(large, &["list", "--json"]), &piped, 0.06);
    let json = vwh(middle, &["list", "--json"]);
    compare("list, 10,000 / list --json", 9, &vwh(middle, &["list"]), &json, 3.0);
}

/// A program and its arguments.
type Line = (Vec<String>, Option<SocketAddr>);

fn vwh(server: SocketAddr, arguments: &[&str]) -> Line {
    let program = env!("CARGO_BIN_EXE_vwh");
    let line = std::iter::once(program).chain(arguments.iter().copied()).map(str::to_owned);
    (line.collect(), Some(server))
}

fn shell(script: &str) -> Line {
    (["sh", "-c", script].map(str::to_owned).to_vec(), None)
}

fn compare(what: &str, rounds: usize, ours: &Line, other: &Line, budget: f64) {
    // Taken in turns, so that a busy moment of the machine is everybody's.
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        left.push(time(ours));
        right.push(time(other));
    }
    let (left, right) = (median(left), median(right));
    let ratio = left.as_secs_f64() / right.as_secs_f64();
    println!("{what:<44} {left:>10.2?} {right:>10.2?} {ratio:>7.3} {budget:>7.2}");
}

fn time((line, server): &Line) -> Duration {
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).stdout(Stdio::null());
    if let Some(server) = server {
        command.env("VWH_BASE_URL", format!("http://{server}")).env("VWH_TOKEN", "bench");
    }
    let started = Instant::now();
    let status = command.status().expect("the program runs");
    let elapsed = started.elapsed();
    assert!(status.success(), "{line:?} failed, so its time means nothing");
    elapsed
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Sends `body` as the answer to every request, until this process ends.
fn serve(body: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let reply = Arc::new(head + body);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reply = Arc::clone(&reply);
            std::thread::spawn(move || answer(stream, &reply));
        }
    });
    address
}

/// Answers until the client goes away; a request of these clients arrives in one piece.
fn answer(mut stream: TcpStream, reply: &str) {
    let mut request = [0; 4096];
    while matches!(stream.read(&mut request), Ok(read) if read > 0) {
        if stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// A list of about 670 bytes a webhook.
fn list_of(count: usize) -> String {
    let mut list = String::from("[");
    for index in 0..count {
        let failed = index % 7 == 0;
        let separator = if index == 0 { "" } else { "," };
        let _ = write!(
            list,
            r#"{separator}{{"id":"5b0c2f6e-1f77-4f0e-9a53-{index:012}","userId":"9001","accountId":"4711",
"url":"https://hooks.example.test/{index}/vis","status":"ACTIVE","events":["CALL"],"signingAlgo":"HMAC_SHA256",
"signingKey":"key-of-{index:032}","metadataPolicy":"BODY","createdAt":"2026-03-01T09:00:00.123Z",
"expireAt":"2036-03-11T09:00:00.123Z","purgeAt":"2036-06-09T09:00:00.123Z","statistics":{{"totalAttempts":8,
"totalSuccesses":5,"totalFailures":3,"failed":{failed},"lastSuccess":"2026-03-01T10:00:00.123Z",
"lastFailure":"2026-03-01T11:00:00.123Z","lastHttpErrorCode":"500 INTERNAL_SERVER_ERROR",
"lastErrorMessage":"500 Internal Server Error: [no body]"}}}}"#
        );
    }
    list + "]\n"
}
