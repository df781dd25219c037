//! The three services side by side: one sandbox, one table, one listener, one call that all of them tell of.

#![cfg(unix)]

use serde_json::Value;

use crate::running::Sandbox;
use crate::support::{Outcome, Process, Signal, Vwh};

const CENTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

struct Trio {
    vwh: Vwh,
    _sandbox: Sandbox,
}

impl Trio {
    /// Three profiles, and a sandbox that each of them is connected to.
    fn start() -> Self {
        let vwh = Vwh::new();
        let flags = ["--empty", "--speed", "0", "--allow-http", "--allow-private-targets"];
        let sandbox = Sandbox::start(&vwh, &flags);
        let shown = vwh.args(["sandbox", "status", "--json", "--show-secrets"]).run().exits(0).json();
        let secret = |name: &str| shown[name].as_str().unwrap().to_owned();
        vwh.write("vis.token", &secret("token"));
        vwh.write("pbx.token", &secret("accessKey"));
        vwh.write("desk.secret", "sandbox-secret\n");
        let address = &sandbox.address;
        vwh.configure(&format!(
            "[profiles.desk]\nservice = \"contact-center\"\nbase_url = \"http://{address}/webhooks\"\n\
             token_url = \"http://{address}/Auth/connect/token\"\nclient_id = \"sandbox-client\"\n\
             client_secret_file = \"desk.secret\"\n\n\
             [profiles.office]\nbase_url = \"http://{address}/t/vbc.prod/vis/v1\"\ntoken_file = \"vis.token\"\n\n\
             [profiles.pbx]\nservice = \"voipbin\"\nbase_url = \"http://{address}/v1.0\"\ntoken_file = \"pbx.token\"\n"
        ));
        Self { vwh, _sandbox: sandbox }
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.vwh.args(arguments.iter().copied()).run()
    }

    /// Registers `url` with each service.
    fn register(&self, url: &str) {
        let _ =
            self.run(&["-p", "office", "create", "--url", url, "--signing-key-file", "office.key"]).exits(0);
        let desk = ["-p", "desk", "create", "--name", "CRM bridge", "--event", "channel.*", "--allow-http"];
        let _ = self.run(&[&desk[..], &["--url", url, "--signing-key-file", "desk.key"]].concat()).exits(0);
        let _ = self.run(&["-p", "pbx", "create", "--url", url, "--allow-http"]).exits(0);
    }

    /// Writes each service's key into a file of its profile's name.
    fn keys(&self) {
        self.vwh.write("office.key", "key-of-the-office-0123456789");
        self.vwh.write("desk.key", CENTER_KEY);
        let customer =
            self.run(&["-p", "pbx", "create", "--url", "https://a.example.com/", "--json", "--show-secrets"]);
        let customer = customer.exits(0).json();
        self.vwh.write("pbx.key", customer["webhook_secret"].as_str().unwrap());
        let id = customer["vwh"]["id"].as_str().unwrap();
        let _ = self.run(&["-p", "pbx", "delete", id, "--yes"]).exits(0);
    }

    fn listen(&self) -> (Process, String) {
        let keys = ["office.key", "desk.key", "pbx.key"].map(|key| ["--signing-key-file", key]);
        let arguments =
            ["listen", "--json", "--bind", "127.0.0.1:0"].into_iter().chain(keys.into_iter().flatten());
        let mut listener = self.vwh.args(arguments).spawn();
        let ready: Value = serde_json::from_str(&listener.wait_for_line(|_| true)).unwrap();
        (listener, ready["url"].as_str().unwrap().to_owned())
    }
}

#[test]
fn one_call_reaches_one_listener_from_all_three_and_each_is_verified_by_its_key() {
    let trio = Trio::start();
    trio.keys();
    let (listener, url) = trio.listen();
    trio.register(&url);
    let _ = trio.run(&["sandbox", "call"]).exits(0);
    let _ = trio.run(&["sandbox", "advance", "1m"]).exits(0);
    listener.signal(Signal::TERM);
    let lines = listener.wait().exits(0).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |key: &str| {
        let is_its = |line: &&Value| line["event"] == "delivery" && line["key"] == key;
        lines.iter().filter(is_its).map(|line| line["verdict"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("office.key"), ["verified"; 4], "{lines:?}");
    assert_eq!(of("desk.key"), ["verified"; 5], "{lines:?}");
    assert_eq!(of("pbx.key"), ["verified"; 4], "{lines:?}");
    let end = lines.last().unwrap();
    assert_eq!((&end["accepted"], &end["refused"], &end["duplicates"]), (&13.into(), &0.into(), &0.into()));
}

#[test]
fn one_view_shows_all_three_and_what_a_service_lacks_is_skipped() {
    let trio = Trio::start();
    trio.keys();
    trio.register("http://127.0.0.1:9/hook");
    let table = trio.vwh.args(["list", "--all-profiles"]).env("COLUMNS", "100").run().exits(0);
    let rows: Vec<Vec<&str>> = table
        .stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect();
    let heads: Vec<(&str, &str)> = rows.iter().map(|row| (row[0], row[1])).collect();
    assert_eq!(heads, [("PROFILE", "HEALTH"), ("desk", "unknown"), ("pbx", "unknown"), ("office", "idle")]);
    let listed = trio.run(&["list", "--all-profiles", "--json"]).exits(0).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(3));
    for webhook in listed.as_array().unwrap() {
        let mut members: Vec<&String> = webhook["vwh"].as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["health", "id", "profile", "service", "url"], "{webhook}");
        assert_eq!(webhook["vwh"]["url"], "http://127.0.0.1:9/hook");
    }
    let renewed = trio.run(&["renew", "--all-profiles", "--all", "-v"]).exits(0);
    for (profile, lack) in [
        ("desk", "profile desk is skipped: Contact Center webhooks do not expire"),
        ("pbx", "profile pbx is skipped: a VoIPBIN webhook does not expire"),
    ] {
        assert!(renewed.stderr.contains(lack), "{profile}\n{renewed}");
    }
    assert!(renewed.stdout.starts_with("renewed") || renewed.stdout.contains("office"), "{renewed}");
}

#[test]
fn a_summary_of_several_profiles_is_one_table() {
    let trio = Trio::start();
    insta::assert_snapshot!(trio.run(&["--all-profiles", "status"]).snapshot(), @"
    exit: 0
    --- stdout
    desk    0 webhooks
    office  0 webhooks
    pbx     0 webhooks
    --- stderr
    ");
}

/// An empty list of the failed says nothing where failures are not reported.
#[test]
fn what_is_not_reported_is_said_where_the_failed_are_asked_for() {
    let trio = Trio::start();
    let warning = "warning: Contact Center does not report failed deliveries, so none can be listed here\n";
    for filter in [["--failed", "--json"], ["--health=failed", "--json"]] {
        let outcome = trio.run(&[&["-p", "desk", "list"], &filter[..]].concat()).exits(0);
        let told = r#"{"warning":{"message":"Contact Center does not report failed deliveries, so none can be listed here"}}"#;
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.trim_end()), ("[]\n", told));
    }
    assert_eq!(trio.run(&["-p", "desk", "list", "--failed"]).exits(0).stderr, warning);
    assert_eq!(trio.run(&["-p", "desk", "list"]).exits(0).stderr, "");
    assert_eq!(trio.run(&["-p", "office", "list", "--failed"]).exits(0).stderr, "");
    let all = trio.run(&["--all-profiles", "list", "--failed", "--exit-code"]).exits(0).stderr;
    assert_eq!(all.lines().count(), 2, "{all}");
    assert!(all.starts_with(warning) && all.contains("VoIPBIN does not report"), "{all}");
}

/// A script that goes by the exit status must not take it for good news.
#[test]
fn where_nothing_is_reported_an_exit_code_has_no_answer() {
    let trio = Trio::start();
    let outcome = trio.run(&["-p", "pbx", "list", "--failed", "--exit-code"]).exits(2).without_answer();
    insta::assert_snapshot!(outcome.stderr, @"
    error: VoIPBIN does not report failed deliveries

    hint: vwh -p pbx list shows the webhook; vwh -p pbx delete ID removes it
    ");
    let _ = trio.run(&["-p", "desk,pbx", "list", "--failed", "--exit-code"]).exits(2).without_answer();
}

/// Only VIS has webhooks of a user.
#[test]
fn an_id_that_nobody_knows_is_missing_from_what_the_service_lists() {
    let trio = Trio::start();
    for (profile, place) in [("desk", "in this account"), ("office", "for this user")] {
        let outcome = trio.run(&["-p", profile, "status", "nobody"]).exits(4).without_answer();
        let _ = outcome.says(&format!("error: there is no webhook \"nobody\" {place}"));
    }
}
