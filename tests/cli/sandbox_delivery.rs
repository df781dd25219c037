//! The sandbox delivers: a webhook from its first event to its failure, and back to health.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json as value};

use crate::running::Sandbox;
use crate::support::{Reply, Server, Vwh};

/// A receiver that answers with the status of the moment.
fn receiver(status: &Arc<AtomicU16>) -> Server {
    let status = Arc::clone(status);
    Server::new(move |_| Reply::new(status.load(Ordering::SeqCst), ""))
}

fn health(vwh: &Vwh, id: &str) -> Value {
    vwh.args(["--sandbox", "status", id, "--json"]).run().exits(0).json()["vwh"]["health"].clone()
}

#[test]
fn a_webhook_fails_is_renewed_and_recovers() {
    let vwh = Vwh::new();
    let status = Arc::new(AtomicU16::new(200));
    let receiver = receiver(&status);
    let _sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0"]);
    let url = receiver.base_url() + "/vonage";
    let key = vwh.write("key", "vwh-test-key");
    let arguments = ["--sandbox", "create", "--url", &url, "--signing-key-file", key.to_str().unwrap()];
    let id = vwh.args(arguments).run().exits(0).stdout.trim_end().to_owned();
    let minute = || {
        let _ = vwh.args(["sandbox", "call"]).run().exits(0);
        let _ = vwh.args(["sandbox", "advance", "60s"]).run().exits(0);
    };
    assert_eq!(health(&vwh, &id), "idle");

    minute();
    assert_eq!(health(&vwh, &id), "ok");
    let requests = receiver.requests();
    assert_eq!(requests.len(), 4);
    for request in &requests {
        assert_eq!(request.line(), "POST /vonage");
        assert_eq!(request.header("x-von-webhook-id"), Some(id.as_str()));
        assert_eq!(request.header("x-von-signature").map(str::len), Some(64));
    }

    status.store(500, Ordering::SeqCst);
    minute();
    assert_eq!(health(&vwh, &id), "failed");
    let listed = vwh.args(["--sandbox", "list"]).run().exits(0);
    let row = listed.stdout.lines().nth(1).unwrap();
    assert!(row.starts_with("failed ") && row.contains("500 INTERNAL_SERVER_ERROR"), "{listed}");
    let _ = vwh.args(["--sandbox", "list", "--failed", "--exit-code"]).run().exits(1);
    // Three were given up within that minute; the last one began after 36 seconds.
    let webhook = vwh.args(["--sandbox", "status", &id, "--json"]).run().exits(0).json();
    assert_eq!(webhook["statistics"]["totalFailures"], 3);
    assert_eq!(webhook["statistics"]["lastErrorMessage"], "500 : [no body]");
    let _ = vwh.args(["sandbox", "advance", "60s"]).run().exits(0);
    let sent = receiver.requests().len();
    assert_eq!(sent, 4 + 4 * 6);
    minute();
    assert_eq!(receiver.requests().len(), sent, "nothing is sent while it is failed");

    status.store(200, Ordering::SeqCst);
    let _ = vwh.args(["--sandbox", "renew", &id]).run().exits(0);
    assert_eq!(health(&vwh, &id), "unproven");
    minute();
    assert_eq!(health(&vwh, &id), "ok");
    assert_eq!(receiver.requests().len(), sent + 4);
}

#[test]
fn status_tells_how_busy_it_is() {
    let vwh = Vwh::new();
    let status = Arc::new(AtomicU16::new(500));
    let receiver = receiver(&status);
    let sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0", "--attempts", "2"]);
    sandbox.plant(&[value!({"id": "hook", "url": receiver.base_url()})]);
    let _ = vwh.args(["sandbox", "call", "--scenario", "inbound-rejected"]).run().exits(0);
    let _ = vwh.args(["sandbox", "advance", "2s"]).run().exits(0);
    let shown = vwh.args(["sandbox", "status"]).run().exits(0);
    let of_vis = "\n  webhooks      1\n  deliveries    2 under way, 0 succeeded, 0 failed\nContact Center  ";
    assert!(shown.stdout.contains("\nevents          2\ncalls           1 under way\nVIS "), "{shown}");
    assert!(shown.stdout.contains(of_vis), "{shown}");
    status.store(200, Ordering::SeqCst);
    let _ = vwh.args(["sandbox", "advance", "1m"]).run().exits(0);
    let shown = vwh.args(["sandbox", "status", "--json"]).run().exits(0).json();
    let members =
        ["events", "callsUnderWay", "deliveriesUnderWay", "deliveriesSucceeded", "deliveriesFailed"];
    assert_eq!(members.map(|name| shown[name].as_u64().unwrap()), [3, 0, 0, 3, 0]);
}

#[test]
fn calls_come_by_themselves_and_any_2xx_may_do() {
    let vwh = Vwh::new();
    let status = Arc::new(AtomicU16::new(202));
    let receiver = receiver(&status);
    let sandbox =
        Sandbox::start(&vwh, &["--empty", "--speed", "600", "--calls-per-minute", "6", "--any-2xx"]);
    sandbox.plant(&[value!({"id": "hook", "url": receiver.base_url()})]);
    receiver.wait_for_requests(10);
    while sandbox.webhooks()[0]["statistics"]["totalSuccesses"].as_u64() < Some(10) {}
    assert_eq!(sandbox.webhooks()[0]["statistics"]["totalFailures"], 0);
}

#[test]
fn a_stop_does_not_wait_for_pauses() {
    let vwh = Vwh::new();
    let status = Arc::new(AtomicU16::new(500));
    let receiver = receiver(&status);
    let sandbox = Sandbox::start(&vwh, &["--empty"]);
    sandbox.plant(&[value!({"id": "hook", "url": receiver.base_url()})]);
    let _ = vwh.args(["sandbox", "call"]).run().exits(0);
    receiver.wait_for_requests(1);
    let _ = vwh.args(["sandbox", "stop"]).run().exits(0);
    let _ = sandbox.process.wait().exits(0);
    // What was under way is forgotten, and what happened is not.
    let status = vwh.args(["sandbox", "advance", "1h", "--json"]).run().exits(0).json();
    assert_eq!((&status["callsUnderWay"], &status["deliveriesUnderWay"]), (&value!(0), &value!(0)));
    assert!(status["events"].as_u64() >= Some(1), "{status}");
}
