//! Several vwh at the same time: nothing is lost, nothing is doubled, and no file is torn.

use std::collections::HashSet;
use std::sync::mpsc;

use serde_json::Value;

use crate::running::Sandbox;
use crate::service::{Service, failed, healthy, journal, journalled, many, url};
use crate::support::{Outcome, Request, Vwh};

fn all_urls(count: usize) -> Vec<String> {
    (1..=count).map(|number| url(&format!("w-{number:03}"))).collect()
}

/// Starts each, then waits for each.
fn at_once(vwh: &Vwh, commands: &[&[&str]]) -> Vec<Outcome> {
    let start = |command: &&[&str]| vwh.args(command.iter().copied()).spawn();
    let running: Vec<_> = commands.iter().map(start).collect();
    running.into_iter().map(crate::support::Process::wait).collect()
}

/// A service whose DELETEs wait for the gate.
fn gated(list: Vec<Value>) -> (Service, mpsc::Sender<()>) {
    let (open, gate) = mpsc::channel();
    let gate = std::sync::Mutex::new(gate);
    let wait = move |request: &Request| {
        if request.method == "DELETE" {
            let _ = gate.lock().unwrap().recv();
        }
    };
    (Service::waiting(list, wait), open)
}

#[test]
fn a_second_removing_run_is_sent_away() {
    let (service, open) = gated([many(2, failed), vec![healthy("x"), healthy("y")]].concat());
    let vwh = service.vwh();
    let first = vwh.args(["prune-failed", "--concurrency", "1"]).spawn();
    service.server.wait_for_requests(3);
    for command in [&["prune-failed"][..], &["delete", "--yes", "x"], &["restore", "--last"]] {
        let outcome = vwh.args(command.iter().copied()).run();
        insta::allow_duplicates! {
            insta::assert_snapshot!(outcome.snapshot(), @r"
            exit: 5
            --- stdout
            --- stderr
            error: another vwh is changing the webhooks of profile default

            hint: wait until it has finished, then run this again; --wait-lock does both
            ");
        }
    }
    // Whoever only looks is not in the way.
    for command in
        [&["prune-failed", "--dry-run"][..], &["restore", "--list"], &["restore", "--last", "--dry-run"]]
    {
        let _ = vwh.args(command.iter().copied()).run().exits(0);
    }
    drop(open);
    let _ = first.wait().exits(0);
    assert_eq!(service.ids(), ["x", "y"]);
    let _ = vwh.args(["prune-failed"]).run().exits(0).without_answer();
}

/// A lock does not outlive its holder, however that ended.
#[test]
fn a_killed_run_holds_no_lock() {
    let (service, open) = gated([many(2, failed), vec![healthy("x"), healthy("y")]].concat());
    let vwh = service.vwh();
    let first = vwh.args(["prune-failed"]).spawn();
    service.server.wait_for_requests(3);
    first.kill();
    let _ = first.wait();
    drop(open);
    // What it had sent is done by the service all the same.
    service.server.wait_for_hang_up();
    let _ = vwh.args(["restore", "--last"]).run().exits(0);
    assert_eq!(service.urls(), [url("w-001"), url("w-002"), url("x"), url("y")]);
}

/// Two homes know nothing of each other's locks: both go for the same webhooks, as two machines would.
#[test]
fn two_prunes_from_two_machines_lose_nothing() {
    let service = Service::honest(many(40, failed));
    let machines = [service.vwh(), service.vwh()];
    let command = ["prune-failed", "--max", "40"];
    let running: Vec<_> = machines.iter().map(|vwh| vwh.args(command).spawn()).collect();
    for process in running {
        let _ = process.wait().exits(0);
    }
    assert_eq!(service.ids(), Vec::<String>::new());
    let kept: HashSet<String> = machines.iter().flat_map(journalled).collect();
    assert_eq!(kept.len(), 40);
    for vwh in &machines {
        let _ = vwh.args(["restore", "--last"]).run();
    }
    assert_eq!(service.urls(), all_urls(40));
}

#[test]
fn two_prunes_at_once_remove_each_once() {
    for _ in 0..5 {
        let service = Service::honest(many(40, failed));
        let vwh = service.vwh();
        let command: &[&str] = &["prune-failed", "--max", "40"];
        let codes: Vec<Option<i32>> =
            at_once(&vwh, &[command, command]).iter().map(|outcome| outcome.code).collect();
        assert!(
            codes.contains(&Some(0)) && codes.iter().all(|code| matches!(code, Some(0 | 5))),
            "{codes:?}"
        );
        assert_eq!((service.ids(), service.count("DELETE")), (Vec::new(), 40));
        assert_eq!(journalled(&vwh).len(), 40);
    }
}

#[test]
fn a_prune_and_a_restore_at_once_lose_nothing() {
    for _ in 0..5 {
        let service = Service::honest([many(40, failed), many(60, |id| healthy(&format!("h{id}")))].concat());
        let vwh = service.vwh();
        let _ = vwh.args(["prune-failed", "--url", "*/w-00?"]).run().exits(0);
        let commands: [&[&str]; 2] = [&["prune-failed", "--max", "40"], &["restore", "--url", "*/w-*"]];
        for outcome in at_once(&vwh, &commands) {
            assert!(matches!(outcome.code, Some(0 | 5)), "{outcome}");
        }
        let listed: HashSet<String> = service.urls().into_iter().collect();
        let kept: HashSet<String> = journalled(&vwh).iter().map(|id| url(id)).collect();
        assert!(all_urls(40).iter().all(|url| listed.contains(url) || kept.contains(url)));
        let _ = vwh.args(["restore", "--url", "*/w-*"]).run().exits(0);
        let mut urls = service.urls();
        urls.retain(|url| !url.contains("/hw-"));
        assert_eq!(urls, all_urls(40));
    }
}

/// Nobody serves, so one of them brings the sandbox and the others use it; each adds one webhook.
#[test]
fn ten_commands_share_one_embedded_sandbox() {
    let vwh = Vwh::new();
    let _ = vwh.args(["sandbox", "reset", "--empty"]).run().exits(0);
    for round in 1..=3 {
        let urls: Vec<String> = (0..10).map(|number| url(&format!("{round}-{number}"))).collect();
        let commands: Vec<[&str; 5]> =
            urls.iter().map(|url| ["--sandbox", "create", "--unsigned", "--url", url.as_str()]).collect();
        let commands: Vec<&[&str]> = commands.iter().map(<[&str; 5]>::as_slice).collect();
        let ids: HashSet<String> =
            at_once(&vwh, &commands).into_iter().map(|outcome| outcome.exits(0).stdout).collect();
        assert_eq!(ids.len(), 10);
        let state = std::fs::read_to_string(vwh.state().join("sandbox.json")).unwrap();
        let state: Value = serde_json::from_str(&state).unwrap();
        assert_eq!(state["webhooks"].as_array().unwrap().len(), round * 10);
    }
    let list = vwh.args(["--sandbox", "list", "--json"]).run().exits(0).json();
    let urls: HashSet<&str> =
        list.as_array().unwrap().iter().map(|webhook| webhook["url"].as_str().unwrap()).collect();
    assert_eq!(urls.len(), 30);
}

#[test]
fn of_two_sandboxes_at_once_one_serves() {
    let vwh = Vwh::new();
    let (sender, ended) = mpsc::channel();
    for _ in 0..2 {
        let process = vwh.args(["sandbox", "--bind", "127.0.0.1:0"]).spawn();
        let sender = sender.clone();
        std::thread::spawn(move || sender.send(process.wait()));
    }
    drop(sender);
    let sent_away = ended.recv().unwrap().exits(5).without_answer();
    let _ = vwh.args(["sandbox", "stop"]).run().exits(0);
    let served = ended.recv().unwrap().exits(0);
    let address = served.stdout.strip_prefix("sandbox at http://").unwrap().split('/').next().unwrap();
    let _ = sent_away.says(&format!("a sandbox is already running at {address}"));
}

/// The sandbox changes hands under commands that are running: one that is stopped, the next that is started.
#[test]
fn commands_go_on_while_the_sandbox_restarts() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &["--empty"]);
    let _ = vwh.args(["--sandbox", "create", "--unsigned", "--url", &url("a")]).run().exits(0);
    let _ = vwh.args(["sandbox", "stop"]).run().exits(0);
    let _ = sandbox.process.wait().exits(0);
    let _ = vwh.args(["--sandbox", "create", "--unsigned", "--url", &url("b")]).run().exits(0);
    let sandbox = Sandbox::start(&vwh, &[]);
    assert_eq!(sandbox.listed("url"), [url("a"), url("b")]);
    assert_eq!(journal(&vwh), Vec::<Value>::new());
}
