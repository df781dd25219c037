//! The whole loop of a receiver's developer, with nothing but the shipped binary: sandbox, listen, create, call; the receiver
//! breaks, the webhook fails, is renewed, delivers again, and what was missed is fetched and posted again.

#![cfg(unix)]

use serde_json::Value;

use crate::running::Sandbox;
use crate::support::{Process, Signal, Vwh};

const KEY: &str = "crm.key";

/// A home with a key, and a sandbox without webhooks whose clock moves by `advance` alone.
struct Loop {
    vwh: Vwh,
    _sandbox: Sandbox,
}

/// A `vwh listen`, and where it listens.
struct Listener {
    process: Process,
    address: String,
}

impl Loop {
    fn new() -> Self {
        let vwh = Vwh::new();
        vwh.write(KEY, "key-of-the-offline-loop-0123456789\n");
        let sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0"]);
        Self { vwh, _sandbox: sandbox }
    }

    fn listen(&self, address: &str, flags: &[&str]) -> Listener {
        let arguments = ["listen", "--json", "--bind", address, "--signing-key-file", KEY];
        let mut process = self.vwh.args(arguments.into_iter().chain(flags.iter().copied())).spawn();
        let ready = json(&process.wait_for_line(|_| true));
        assert_eq!(ready["event"], "ready");
        Listener { process, address: ready["address"].as_str().unwrap().to_owned() }
    }

    /// Registers the webhook of whoever listens at `address` and gives its id.
    fn create(&self, address: &str) -> String {
        let url = format!("http://{address}/webhook");
        let arguments = ["--sandbox", "create", "--url", &url, "--signing-key-file", KEY];
        self.vwh.args(arguments).run().exits(0).stdout.trim_end().to_owned()
    }

    /// Places a call and lets all of it pass, retries included.
    fn call(&self, scenario: &str) -> String {
        let placed = self.vwh.args(["sandbox", "call", "--scenario", scenario]).run().exits(0);
        let _ = self.vwh.args(["sandbox", "advance", "3m"]).run().exits(0);
        placed.stdout.trim_end().to_owned()
    }

    fn health(&self, id: &str) -> String {
        self.webhook(id)["vwh"]["health"].as_str().unwrap().to_owned()
    }

    fn webhook(&self, id: &str) -> Value {
        self.vwh.args(["--sandbox", "status", id, "--json"]).run().exits(0).json()
    }

    /// Call and state of what webhook `id` missed, in the order of the answer.
    fn missed(&self, id: &str) -> Vec<(String, String)> {
        let events = self.vwh.args(["--sandbox", "missed", id, "--json"]).run().exits(0).json();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        events.as_array().unwrap().iter().map(|event| (text(&event["id"]), text(&event["state"]))).collect()
    }
}

impl Listener {
    /// The next `count` deliveries: state, verdict and whether each is a duplicate.
    fn deliveries(&mut self, count: usize) -> Vec<(String, String, bool)> {
        let next = |_| {
            let line = json(&self.process.wait_for_line(|line| json(line)["event"] == "delivery"));
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&line["payload"]["state"]), text(&line["verdict"]), line["duplicate"] == true)
        };
        (0..count).map(next).collect()
    }

    /// Ctrl-C, and the summary that its last line is.
    fn stop(self) -> Value {
        self.process.signal(Signal::INT);
        let outcome = self.process.wait().exits(0);
        json(outcome.stdout.lines().last().unwrap())
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn verified(states: &[&str], is_duplicate: bool) -> Vec<(String, String, bool)> {
    states.iter().map(|state| ((*state).to_owned(), "verified".to_owned(), is_duplicate)).collect()
}

fn of_call(call: &str, states: &[&str]) -> Vec<(String, String)> {
    states.iter().map(|state| (call.to_owned(), (*state).to_owned())).collect()
}

const ANSWERED: [&str; 4] = ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"];
const MISSED: [&str; 3] = ["INITIALIZING", "RINGING", "MISSED"];

#[test]
fn a_broken_receiver_is_repaired_and_gets_what_it_missed() {
    let offline = Loop::new();
    let mut listener = offline.listen("127.0.0.1:0", &[]);
    let address = listener.address.clone();
    let id = offline.create(&address);
    offline.call("inbound-answered");
    assert_eq!(listener.deliveries(4), verified(&ANSWERED, false));
    assert_eq!(offline.health(&id), "ok");
    listener.stop();

    // The receiver breaks: every event of the next call is tried six times, and the webhook fails.
    let broken = offline.listen(&address, &["--fail", "500"]);
    let first = offline.call("inbound-answered");
    let rehearsed = broken.stop();
    assert_eq!((&rehearsed["accepted"], &rehearsed["rehearsed"]), (&Value::from(0), &Value::from(24)));
    let webhook = offline.webhook(&id);
    assert_eq!(webhook["vwh"]["health"], "failed");
    let statistics = &webhook["statistics"];
    assert_eq!(statistics["lastHttpErrorCode"], "500 INTERNAL_SERVER_ERROR");
    let message = statistics["lastErrorMessage"].as_str().unwrap();
    assert!(message.starts_with("500 Internal Server Error: ["), "{message}");
    assert_eq!((&statistics["totalAttempts"], &statistics["totalFailures"]), (&8.into(), &4.into()));
    let listed = offline.vwh.args(["--sandbox", "list", "--failed", "--exit-code"]).run().exits(1);
    assert!(listed.stdout.contains("failed") && listed.stdout.contains("500"), "{listed}");

    // While it is failed, nothing is even tried.
    let second = offline.call("inbound-missed");
    let gap: Vec<_> = [of_call(&first, &ANSWERED), of_call(&second, &MISSED)].concat();
    assert_eq!(offline.missed(&id), gap);

    // Repaired: renew, and deliveries resume.
    let mut listener = offline.listen(&address, &[]);
    let _ = offline.vwh.args(["--sandbox", "renew", "--failed"]).run().exits(0);
    assert_eq!(offline.health(&id), "unproven");
    // The clock stands: without this the next call would begin at the very moment of the renewal.
    let _ = offline.vwh.args(["sandbox", "advance", "1s"]).run().exits(0);
    let third = offline.call("inbound-rejected");
    let rejected = ["INITIALIZING", "RINGING", "REJECTED"];
    assert_eq!(listener.deliveries(3), verified(&rejected, false));
    assert_eq!(offline.health(&id), "ok");

    // What was missed is known after the renewal too, without what was delivered since.
    assert!(!gap.iter().any(|(call, _)| *call == third));
    assert_eq!(offline.missed(&id), gap);
    let all: Vec<&str> = ANSWERED.into_iter().chain(MISSED).collect();
    let repost = ["--sandbox", "missed", &id, "--repost"];
    let _ = offline.vwh.args(repost).run().exits(0);
    assert_eq!(listener.deliveries(7), verified(&all, false));
    let _ = offline.vwh.args(repost).run().exits(0);
    assert_eq!(listener.deliveries(7), verified(&all, true));
    let end = listener.stop();
    assert_eq!((&end["accepted"], &end["duplicates"]), (&Value::from(17), &Value::from(7)));
}
