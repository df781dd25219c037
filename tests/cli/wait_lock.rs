//! `--wait-lock`: a run that finds another one at work waits for it.

use std::sync::{Mutex, mpsc};

use crate::service::{Service, failed, healthy, many};
use crate::support::Request;

#[test]
fn each_command_that_takes_the_lock_can_wait_for_it() {
    for command in [
        &["prune-failed", "--max", "9"][..],
        &["delete", "--yes", "x"],
        &["restore", "--last"],
        &["replace", "x", "--yes", "--metadata-policy", "body"],
        &["rotate", "x", "--yes", "--signing-key-out", "key"],
    ] {
        let (open, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let wait = move |request: &Request| {
            if request.line() == "DELETE /self/webhooks/w-001" {
                let _ = gate.lock().unwrap().recv();
            }
        };
        let service = Service::waiting([many(1, failed), vec![healthy("x")]].concat(), wait);
        let vwh = service.vwh();
        let first = vwh.args(["delete", "--yes", "w-001"]).spawn();
        service.server.wait_for_requests(3);
        let _ = vwh.args(command.iter().copied()).run().exits(5).without_answer().says("--wait-lock");
        let arguments = command.iter().copied().chain(["--wait-lock", "-vv"]);
        let second = vwh.args(arguments).spawn();
        // It sends nothing before it has the lock.
        assert_eq!(service.server.requests().len(), 3, "{command:?}");
        drop(open);
        let _ = (first.wait().exits(0), second.wait().exits(0));
        assert!(service.server.requests().len() > 3, "{command:?}");
    }
}

#[test]
fn its_time_limit_ends_the_waiting() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let wait = move |request: &Request| {
        if request.method == "DELETE" {
            let _ = gate.lock().unwrap().recv();
        }
    };
    let service = Service::waiting(vec![healthy("x"), healthy("y")], wait);
    let vwh = service.vwh();
    let first = vwh.args(["delete", "--yes", "x"]).spawn();
    service.server.wait_for_requests(3);
    let command = ["delete", "--yes", "y", "--wait-lock", "--timeout", "100ms"];
    let _ = vwh.args(command).run().exits(5).without_answer().says("another vwh is changing the webhooks");
    drop(open);
    let _ = first.wait().exits(0);
    assert_eq!(service.ids(), ["y"]);
}
