//! `vwh --sandbox` and `vwh sandbox`: what a newcomer tries first, from the first list to a restored account.

use serde_json::{Value, json as value};

use crate::running::Sandbox;
use crate::support::{Outcome, Vwh};

fn sandboxed(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    vwh.args(["--sandbox"].iter().chain(arguments).copied()).run()
}

/// What `jq -r '.[] | select(.statistics.failed) | .id'` gives.
fn failed_ids(list: &Value) -> Vec<String> {
    let failed = list.as_array().unwrap().iter().filter(|webhook| webhook["statistics"]["failed"] == true);
    failed.map(|webhook| webhook["id"].as_str().unwrap().to_owned()).collect()
}

fn ids_and_urls(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let webhooks = list.as_array().unwrap().iter();
    let mut pairs: Vec<_> = webhooks.map(|webhook| (text(&webhook["id"]), text(&webhook["url"]))).collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn the_first_table_shows_the_failed_first_with_their_reason() {
    let outcome = sandboxed(&Vwh::new(), &["list"]).exits(0);
    assert_eq!(outcome.stderr, "");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 9, "{outcome}");
    assert!(
        lines[1].starts_with("failed ") && lines[1].contains("2h ago, 503 SERVICE_UNAVAILABLE"),
        "{outcome}"
    );
    assert!(lines[2].starts_with("failed ") && lines[2].contains("500 INTERNAL_SERVER_ERROR"), "{outcome}");
    assert!(!lines[3..].iter().any(|line| line.starts_with("failed")), "{outcome}");
}

#[test]
fn failed_ones_are_removed_once_and_come_back_once() {
    let vwh = Vwh::new();
    let before = sandboxed(&vwh, &["list", "--json"]).exits(0).json();
    let failed = failed_ids(&before);
    assert_eq!(failed.len(), 2);
    let _ = sandboxed(&vwh, &["list", "--failed", "--exit-code"]).exits(1);

    let pruned = sandboxed(&vwh, &["prune-failed"]).exits(0);
    insta::assert_snapshot!(pruned.snapshot(), @r"
    exit: 0
    --- stdout
    removed  d91f4b68-0c37-4e92-a5d8-6b7c20e3f914  https://support.example.com/hooks/vonage
    removed  e52a7c09-6f41-4d8b-93e7-f0b58c1d2a36  https://billing.example.com/call-events
    --- stderr
    ");
    let after = sandboxed(&vwh, &["list", "--json"]).exits(0).json();
    let kept: Vec<_> = ids_and_urls(&before).into_iter().filter(|(id, _)| !failed.contains(id)).collect();
    assert_eq!(ids_and_urls(&after), kept);
    let again = sandboxed(&vwh, &["prune-failed"]).exits(0);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    let _ = sandboxed(&vwh, &["list", "--failed", "--exit-code"]).exits(0).without_answer();

    let restored = sandboxed(&vwh, &["restore", "--last"]).exits(0);
    insta::assert_snapshot!(restored.hiding_ids().snapshot(), @r"
    exit: 0
    --- stdout
    restored  [UUID] -> [UUID]  https://support.example.com/hooks/vonage
    restored  [UUID] -> [UUID]  https://billing.example.com/call-events
    --- stderr
    ");
    let urls = |list: &Value| ids_and_urls(list).into_iter().map(|(_, url)| url).collect::<Vec<_>>();
    let sorted = |mut urls: Vec<String>| {
        urls.sort_unstable();
        urls
    };
    for _ in 0..3 {
        let whole = sandboxed(&vwh, &["list", "--json"]).exits(0).json();
        assert_eq!(sorted(urls(&whole)), sorted(urls(&before)));
        let again = sandboxed(&vwh, &["restore", "--last"]).exits(0);
        assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    }
}

#[test]
fn the_first_line_says_where_it_is() {
    let mut process = Vwh::new().args(["sandbox", "--bind", "127.0.0.1:0"]).spawn();
    let line = process.wait_for_line(|_| true);
    let port = line.strip_prefix("sandbox at http://127.0.0.1:").unwrap();
    assert!(
        port.strip_suffix("/t/vbc.prod/vis/v1").is_some_and(|port| port.parse::<u16>().is_ok()),
        "{line}"
    );
    let mut process = Vwh::new().args(["sandbox", "--bind", "127.0.0.1:0", "--json"]).spawn();
    let ready: Value = serde_json::from_str(&process.wait_for_line(|_| true)).unwrap();
    let address = ready["address"].as_str().unwrap();
    let expected = value!({
        "event": "ready", "address": address, "baseUrl": format!("http://{address}/t/vbc.prod/vis/v1"),
        "tokenUrl": format!("http://{address}/token"),
    });
    assert_eq!(ready, expected);
    assert!(address.starts_with("127.0.0.1:"), "{ready}");
}

#[cfg(unix)]
#[test]
fn it_ends_well_when_it_is_asked_to() {
    use crate::support::Signal;
    for signal in [Signal::INT, Signal::TERM] {
        let vwh = Vwh::new();
        let sandbox = Sandbox::start(&vwh, &[]);
        let (status, created) =
            sandbox.api("POST", "/self/webhooks", r#"{"url": "https://a.example/", "events": ["CALL"]}"#);
        assert_eq!(status, 201, "{created}");
        sandbox.process.signal(signal);
        let outcome = sandbox.process.wait().exits(0);
        assert_eq!(outcome.stderr, "");
        let list = sandboxed(&vwh, &["list", "--json"]).exits(0).json();
        assert!(ids_and_urls(&list).iter().any(|(id, _)| created["id"] == id.as_str()), "{list}");
    }
}

#[test]
fn its_knobs_are_commands() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &["--speed", "0"]);
    let status = vwh.args(["sandbox", "status"]).run().exits(0);
    insta::assert_snapshot!(status.hiding_times().snapshot(), @r"
    exit: 0
    --- stdout
    sandbox         http://127.0.0.1:[PORT]
    time            [TIME]
    events          47
    calls           0 under way
    VIS             http://127.0.0.1:[PORT]/t/vbc.prod/vis/v1
      token URL     http://127.0.0.1:[PORT]/token
      webhooks      8
      deliveries    0 under way, 0 succeeded, 0 failed
    Contact Center  http://127.0.0.1:[PORT]/webhooks
      token URL     http://127.0.0.1:[PORT]/Auth/connect/token
      webhooks      2
      deliveries    0 under way, 0 succeeded, 0 failed
    VoIPBIN         http://127.0.0.1:[PORT]/v1.0
      login URL     http://127.0.0.1:[PORT]/auth/login
      webhooks      0
      deliveries    0 under way, 0 succeeded, 0 failed
    --- stderr
    ");
    let status = vwh.args(["sandbox", "status", "--json"]).run().exits(0).json();
    assert_eq!(
        (&status["webhooks"], &status["embedded"], &status["speed"]),
        (&value!(8), &value!(false), &value!(0.0))
    );
    assert_eq!(status["address"], sandbox.address.as_str());

    let before = moment(&status["now"]);
    let advanced = vwh.args(["sandbox", "advance", "36h", "--json"]).run().exits(0).json();
    assert_eq!(moment(&advanced["now"]) - before, chrono::TimeDelta::hours(36));
    let silent = vwh.args(["sandbox", "advance", "1s"]).run().exits(0);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));

    assert_eq!(sandbox.api("DELETE", "/self/webhooks/84d2f6b7-1a95-4c0e-a263-c95b3e70d8f1", "").0, 204);
    assert_eq!(vwh.args(["sandbox", "reset", "--json"]).run().exits(0).json()["webhooks"], 8);
    assert_eq!(vwh.args(["sandbox", "reset", "--empty", "--json"]).run().exits(0).json()["webhooks"], 0);
    assert_eq!(sandbox.webhooks(), Vec::<Value>::new());

    let _ = vwh.args(["sandbox", "stop"]).run().exits(0).without_answer();
    let _ = sandbox.process.wait().exits(0);
    let stopped = vwh.args(["sandbox", "stop"]).run().exits(0);
    assert_eq!((stopped.stdout.as_str(), stopped.stderr.as_str()), ("", ""));
}

fn moment(text: &Value) -> chrono::DateTime<chrono::Utc> {
    text.as_str().unwrap().parse().unwrap()
}

#[test]
fn the_second_one_names_the_first() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &[]);
    let second = vwh.args(["sandbox", "--bind", "127.0.0.1:0"]).run().exits(5).without_answer();
    assert!(second.stderr.contains(&sandbox.address), "{second}");
    insta::assert_snapshot!(second.snapshot(), @r"
    exit: 5
    --- stdout
    --- stderr
    error: a sandbox is already running at 127.0.0.1:[PORT]

    hint: stop it with `vwh sandbox stop`
    ");
}

#[test]
fn commands_use_the_one_that_runs() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &["--empty"]);
    let url = "https://hooks.example.test/new";
    let created = sandboxed(&vwh, &["create", "--url", url, "--unsigned"]).exits(0);
    assert_eq!(sandbox.listed("id"), [created.stdout.trim_end()]);
    assert_eq!(sandbox.listed("url"), [url]);
}

#[test]
fn a_quota_is_kept_and_told() {
    let vwh = Vwh::new();
    let _sandbox = Sandbox::start(&vwh, &["--quota", "2"]);
    let list = ["list", "--json", "--timeout", "5s"];
    for _ in 0..2 {
        let _ = sandboxed(&vwh, &list).exits(0);
    }
    let _ = sandboxed(&vwh, &list).exits(5).without_answer().says("throttled by 127.0.0.1");
}

#[test]
fn every_error_shape_is_understood() {
    for shape in ["json", "bare", "xml"] {
        let vwh = Vwh::new();
        let _sandbox = Sandbox::start(&vwh, &["--error-shape", shape, "--fault", "1:403"]);
        let refused = sandboxed(&vwh, &["list", "--json"]).exits(3).without_answer();
        assert_eq!(
            (&refused.error()["kind"], &refused.error()["status"]),
            (&value!("authentication"), &value!(403))
        );
        assert!(!refused.stderr.contains("ams:fault") && !refused.stderr.contains("{\\\""), "{refused}");
    }
}

#[test]
fn latency_is_longer_than_patience() {
    let vwh = Vwh::new();
    let _sandbox = Sandbox::start(&vwh, &["--latency", "10m"]);
    let _ = sandboxed(&vwh, &["list", "--timeout", "200ms"]).exits(5).without_answer().says("time limit");
}

#[test]
fn faults_hit_the_requests_they_name() {
    for fault in ["cut", "html502", "503", "500"] {
        let vwh = Vwh::new();
        let (first, third) = (format!("1:{fault}"), format!("3:{fault}"));
        let _sandbox = Sandbox::start(&vwh, &["--fault", &first, "--fault", &third]);
        let list = sandboxed(&vwh, &["list", "--json"]).exits(0);
        assert_eq!((list.json().as_array().unwrap().len(), list.stderr.as_str()), (8, ""));
        let status = vwh.args(["sandbox", "status", "--json"]).run().exits(0).json();
        assert_eq!(status["requests"], 2, "{fault}: the first and its repeat");
        let _ = sandboxed(&vwh, &["list", "--json"]).exits(0);
        let status = vwh.args(["sandbox", "status", "--json"]).run().exits(0).json();
        assert_eq!(status["requests"], 4, "{fault}: the third and its repeat");
    }
}

#[test]
fn a_fault_that_lasts_is_unavailable() {
    let vwh = Vwh::new();
    let _sandbox = Sandbox::start(&vwh, &["--fault", "1-4:html502"]);
    let outcome = sandboxed(&vwh, &["list"]).exits(5).without_answer();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 5
    --- stdout
    --- stderr
    error: cannot list the webhooks: 127.0.0.1:[PORT] answered 502 Bad Gateway: an HTML page titled “502 Bad Gateway”

    hint: the service is unwell: run the command again later
    ");
}

#[test]
fn time_makes_webhooks_expire_and_vanish() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &["--speed", "0"]);
    let _ = vwh.args(["sandbox", "advance", "11d"]).run().exits(0);
    let list = sandboxed(&vwh, &["list", "--json"]).exits(0).json();
    let healths: Vec<&str> =
        list.as_array().unwrap().iter().map(|webhook| webhook["vwh"]["health"].as_str().unwrap()).collect();
    assert_eq!(
        healths,
        ["failed", "failed", "expired", "expired", "expired", "expired", "expired", "expired"]
    );
    let _ = sandboxed(&vwh, &["renew", "84d2f6b7-1a95-4c0e-a263-c95b3e70d8f1"]).exits(0);
    let _ = vwh.args(["sandbox", "advance", "95d"]).run().exits(0);
    assert_eq!(sandbox.listed("id"), ["84d2f6b7-1a95-4c0e-a263-c95b3e70d8f1"]);
}

#[test]
fn what_cannot_be_served_is_a_usage_error() {
    for flags in [
        &["--bind", "0.0.0.0:0"][..],
        &["--bind", "192.0.2.1:4010"],
        &["--bind", "4010"],
        &["--fault", "3"],
        &["--fault", "0:503"],
        &["--fault", "1:200"],
        &["--error-shape", "yaml"],
        &["--quota", "-1"],
        &["--quota", "many"],
        &["--token-fault", "1"],
        &["--token-lifetime", "soon"],
        &["--refresh-lifetime", "-1h"],
        &["--lock-out", "-1"],
        &["--latency", "soon"],
        &["--speed", "fast"],
        &["--speed", "-1"],
        &["--speed", "NaN"],
        &["--attempts", "0"],
        &["--attempts", "many"],
        &["--propagation", "soon"],
        &["--expire-after", "-1d"],
        &["--purge-after", "soon"],
        &["--calls-per-minute", "-1"],
        &["--calls-per-minute", "100", "--speed", "1000"],
        &["call", "--scenario", "inbound"],
        &["call", "--count", "0"],
        &["advance"],
        &["advance", "tomorrow"],
    ] {
        let vwh = Vwh::new();
        let outcome = vwh.args(["sandbox"].iter().chain(flags).copied()).run().exits(2).without_answer();
        assert!(!outcome.stderr.is_empty(), "{flags:?}");
        assert!(!vwh.state().join("sandbox.json").exists(), "{flags:?} left a state behind");
    }
    let loopback = Vwh::new().args(["sandbox", "--bind", "0.0.0.0:0"]).run().exits(2);
    let _ = loopback.says("the sandbox listens on loopback only");
}

#[test]
fn an_address_that_is_taken_is_a_configuration_error() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let outcome = Vwh::new().args(["sandbox", "--bind", &address]).run().exits(2).without_answer();
    let _ = outcome.says(&format!("cannot listen on {address}")).says("`vwh sandbox --bind 127.0.0.1:0`");
}

/// Literal member names: were they taken from vwh's own types, a wrong name would agree with itself.
#[test]
fn it_speaks_the_documented_interface() {
    let sandbox = Sandbox::start(&Vwh::new(), &["--empty", "--speed", "0"]);
    let body = r#"{"url": "https://hooks.example.test/vis", "events": ["CALL"], "signingAlgo": "HMAC_SHA256",
        "signingKey": "0123456789", "metadataPolicy": "HEADER"}"#;
    let (status, created) = sandbox.api("POST", "/self/webhooks/", body);
    assert_eq!(status, 201, "{created}");
    let id = created["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 36, "{created}");
    let expire_at = moment(&created["createdAt"]) + chrono::TimeDelta::days(10);
    assert_eq!(moment(&created["expireAt"]), expire_at);
    assert_eq!((&created["signingKey"], &created["status"]), (&value!("0123456789"), &value!("ACTIVE")));
    assert_eq!(
        created["statistics"],
        value!({"totalAttempts": 0, "totalSuccesses": 0, "totalFailures": 0, "failed": false})
    );

    sandbox.turn("POST", "advance", &value!({"seconds": 86_400}));
    let (status, renewed) = sandbox.api("PUT", &format!("/self/webhooks/{id}/renew"), "");
    assert_eq!(status, 200, "{renewed}");
    assert_eq!(moment(&renewed["expireAt"]), expire_at + chrono::TimeDelta::days(1));
    assert_eq!(renewed["renewedAt"].as_str().map(|_| &renewed["renewedBy"]), Some(&value!("9001")));
    assert_eq!(sandbox.api("GET", &format!("/self/webhooks/{id}"), ""), (200, renewed));

    assert_eq!(sandbox.api("DELETE", &format!("/self/webhooks/{id}"), "").0, 204);
    let (status, gone) = sandbox.api("DELETE", &format!("/self/webhooks/{id}"), "");
    assert_eq!((status, &gone["errorCode"]), (404, &value!("NOT_FOUND")));
    assert_eq!(sandbox.api("PUT", &format!("/self/webhooks/{id}/renew"), "").0, 404);
    assert_eq!(sandbox.api("GET", "/self/webhooks", ""), (200, value!([])));

    let (status, refused) = sandbox.api("POST", "/self/webhooks/", r#"{"url": "nowhere", "events": []}"#);
    let fields: Vec<&Value> =
        refused["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!((status, fields), (422, vec![&value!("url"), &value!("events")]));
    assert_eq!(sandbox.api_as("another", "GET", "/self/webhooks/"), 401);
    let (status, user) = sandbox.api("GET", "/self", "");
    assert_eq!((status, &user["id"], &user["accountId"]), (200, &value!(9001), &value!(4711)));
}
