//! The README's transcript of the offline loop, run line by line: what it claims beside its lines is what happens.

#![cfg(unix)]

use std::path::Path;

use serde_json::Value;

use crate::support::{Outcome, Process, Signal, Vwh};

/// Where `vwh listen` listens unless it is told otherwise, as the README has it.
const USUAL: &str = "127.0.0.1:3000";

/// A shell that knows just what the transcript needs.
struct Shell {
    vwh: Vwh,
    sandbox: Option<Process>,
    listener: Option<Process>,
    /// Where the listener is, once there was one.
    address: String,
    outcomes: Vec<Outcome>,
    /// The listeners that have ended.
    ended: Vec<Outcome>,
}

impl Shell {
    fn run(&mut self, line: &str) {
        let line = line.split('#').next().unwrap().trim();
        for command in line.split("&&").map(str::trim) {
            let words: Vec<String> =
                command.split_whitespace().map(|word| word.replace(USUAL, &self.address)).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["umask", "077;", "head", .., ">", file] => {
                    self.vwh.write(file, "bmV2ZXItdXNlZC1vdXRzaWRlLXRoaXMtdGVzdA==\n");
                }
                ["kill", "%2"] => {
                    let listener = self.listener.take().unwrap();
                    listener.signal(Signal::TERM);
                    self.ended.push(listener.wait().exits(0));
                }
                ["vwh", "sandbox", flags @ .., "&", "sleep", "1"] => {
                    let arguments = ["sandbox", "--bind", "127.0.0.1:0"].iter().chain(flags).copied();
                    let mut sandbox = self.vwh.args(arguments).spawn();
                    sandbox.wait_for_line(|line| line.starts_with("sandbox at http://"));
                    self.sandbox = Some(sandbox);
                }
                // A person waits for a second, and this test for the first line.
                ["vwh", "listen", flags @ .., "&", "sleep", "1"] => self.listen(flags),
                ["vwh", arguments @ ..] => {
                    self.outcomes.push(self.vwh.args(arguments.iter().copied()).run().exits(0));
                }
                other => panic!("the transcript has a command that this test does not know: {other:?}"),
            }
        }
    }

    fn listen(&mut self, flags: &[&str]) {
        // The first takes any port, and the next one the same again.
        let bind = if self.address == USUAL { "127.0.0.1:0" } else { &self.address };
        let arguments = ["listen", "--json", "--bind", bind].into_iter().chain(flags.iter().copied());
        let mut listener = self.vwh.args(arguments).spawn();
        let ready: Value = serde_json::from_str(&listener.wait_for_line(|_| true)).unwrap();
        ready["address"].as_str().unwrap().clone_into(&mut self.address);
        self.listener = Some(listener);
    }
}

fn transcript() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let block = readme.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().map(|line| line.strip_prefix("$ ").unwrap().to_owned()).collect()
}

/// State, verdict and whether it is a duplicate, of each delivery that a listener has printed.
fn deliveries(listener: &Outcome) -> Vec<(String, String, bool)> {
    let lines = listener.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    lines
        .filter(|line| line["event"] == "delivery")
        .map(|line| (text(&line["payload"]["state"]), text(&line["verdict"]), line["duplicate"] == true))
        .collect()
}

#[test]
fn the_ten_lines_of_the_readme_do_what_they_say() {
    let lines = transcript();
    assert_eq!(lines.len(), 10);
    let mut shell = Shell {
        vwh: Vwh::new(),
        sandbox: None,
        listener: None,
        address: USUAL.to_owned(),
        outcomes: Vec::new(),
        ended: Vec::new(),
    };
    for line in &lines {
        shell.run(line);
    }
    shell.run("kill %2");
    let call: Vec<_> = ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]
        .map(|state| (state.to_owned(), "verified".to_owned(), false))
        .into();
    let [before, after] = shell.ended.as_slice() else { panic!("two listeners") };
    assert_eq!((deliveries(before), deliveries(after)), (call.clone(), call));
    let list = shell.outcomes.iter().find(|outcome| outcome.stdout.starts_with("HEALTH")).unwrap();
    let row = list.stdout.lines().nth(1).unwrap();
    assert!(row.starts_with("failed ") && row.contains(" 4/8 50%"), "{list}");
    let reposted = &shell.outcomes.last().unwrap().stdout;
    assert_eq!(reposted.lines().filter(|line| line.contains("posted")).count(), 4, "{reposted}");
}
