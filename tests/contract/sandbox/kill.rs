//! A process that serves is killed in the middle of its work.
//!
//! The victim is this test program, started again with only the ignored test below.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use vwh::sandbox::{Options, join, serve};

use super::BASE;
use crate::raw::{exchange, open, request};

/// Names the state directory to the victim.
const DIRECTORY: &str = "SANDBOX_TEST_DIRECTORY";
/// What the victim writes before its address.
const READY: &str = "ready ";

#[tokio::test]
#[ignore = "the victim of the test below, not a test"]
async fn serves_until_killed() {
    let directory = std::env::var(DIRECTORY).expect("started by the test below");
    let bind = "127.0.0.1:0".parse().expect("an address");
    let mut server = serve(Path::new(&directory), bind, Options::default()).await.expect("a sandbox");
    // Straight to the stream: the test harness captures `println!`.
    writeln!(std::io::stderr(), "\n{READY}{}", server.address()).expect("a reader");
    server.stopped().await;
}

struct Victim {
    process: Child,
    address: String,
}

impl Victim {
    fn start(directory: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "sandbox::kill::serves_until_killed", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("another one of this program");
        let lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let ready = lines.map_while(Result::ok).find_map(|line| line.strip_prefix(READY).map(str::to_owned));
        Self { process, address: ready.expect("an address") }
    }

    fn kill(mut self) {
        self.process.kill().expect("a process to kill");
        self.process.wait().expect("its end");
    }
}

fn state(directory: &Path) -> Value {
    let content = fs_err::read(directory.join("sandbox.json")).expect("a state");
    serde_json::from_slice(&content).expect("a whole state")
}

/// Deletes everything, four at a time, and kills the sandbox after `survivals` answers; says what was acknowledged.
async fn delete_until_killed(
    victim: Victim,
    authorization: &str,
    ids: &[String],
    survivals: usize,
) -> Vec<String> {
    let headers = [("Authorization", authorization)];
    let mut acknowledged = Vec::new();
    for four in ids.chunks(4) {
        let requests = four.iter().map(async |id| {
            let request = request("DELETE", &format!("{BASE}/self/webhooks/{id}"), &headers, "");
            (id.clone(), open(&victim.address, &request).await)
        });
        let mut open = join_all(requests).await;
        if acknowledged.len() >= survivals {
            victim.kill();
            // What was answered before the end still arrives, and counts.
            for (id, stream) in &mut open {
                let mut bytes = Vec::new();
                let _ = stream.read_to_end(&mut bytes).await;
                acknowledged.extend(bytes.starts_with(b"HTTP/1.1 204").then(|| id.clone()));
            }
            return acknowledged;
        }
        for (id, stream) in &mut open {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.expect("an answer");
            assert!(bytes.starts_with(b"HTTP/1.1 204"));
            acknowledged.push(id.clone());
        }
    }
    panic!("killed too late");
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_on_disk_after_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let ids: Vec<String> = (0..200).map(|number| format!("hook-{number}")).collect();
    let seeds: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    for survivals in (0..80).step_by(8) {
        let victim = Victim::start(directory.path());
        let authorization = format!("Bearer {}", state(directory.path())["token"].as_str().expect("a token"));
        let headers = [("Authorization", authorization.as_str())];
        let seeding = request("POST", "/_sandbox/webhooks", &headers, &json!(seeds).to_string());
        assert_eq!(exchange(&victim.address, &seeding).await.status, 200);
        let acknowledged = delete_until_killed(victim, &authorization, &ids, survivals).await;
        let state = state(directory.path());
        let left: Vec<&str> = state["webhooks"]
            .as_array()
            .expect("webhooks")
            .iter()
            .filter_map(|one| one["id"].as_str())
            .collect();
        assert!(acknowledged.iter().all(|id| !left.contains(&id.as_str())), "acknowledged, and there again");
        assert!(left.len() + acknowledged.len() >= 196, "only what was in flight may differ");
    }
    let session = join(directory.path()).await.expect("nobody serves any more");
    assert!(session.is_embedded());
    session.leave().await.expect("a clean end");
}
