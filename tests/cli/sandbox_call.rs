//! `vwh sandbox call`: calls in a sandbox that runs, and in one that each command brings along.

use serde_json::{Value, json as value};

use crate::running::Sandbox;
use crate::support::{Outcome, Reply, Request, Server, Vwh};

fn call(vwh: &Vwh, flags: &[&str]) -> Outcome {
    vwh.args(["sandbox", "call"].iter().chain(flags).copied()).run()
}

fn receiver(status: u16) -> Server {
    Server::new(move |_| Reply::new(status, ""))
}

fn states(requests: &[Request]) -> Vec<String> {
    let state = |request: &Request| request.json()["event"]["state"].as_str().unwrap().to_owned();
    requests.iter().map(state).collect()
}

/// Registers the webhook of `receiver` and gives its id.
fn register(vwh: &Vwh, receiver: &Server) -> String {
    let url = receiver.base_url() + "/hook";
    let created = vwh.args(["--sandbox", "create", "--url", &url, "--unsigned"]).run().exits(0);
    created.stdout.trim_end().to_owned()
}

#[test]
fn a_running_sandbox_takes_its_time() {
    let vwh = Vwh::new();
    let receiver = receiver(200);
    let sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0"]);
    register(&vwh, &receiver);
    let placed = call(&vwh, &[]).exits(0);
    insta::assert_snapshot!(placed.snapshot(), @"
    exit: 0
    --- stdout
    7340013
    --- stderr
    ");
    receiver.wait_for_requests(1);
    assert_eq!(states(&receiver.requests()), ["INITIALIZING"]);
    let _ = vwh.args(["sandbox", "advance", "1m"]).run().exits(0);
    assert_eq!(states(&receiver.requests()), ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]);
    let (status, rows) = sandbox.api("GET", "/self/events/7340013", "");
    assert_eq!((status, rows.as_array().map(Vec::len)), (200, Some(4)));
}

#[test]
fn without_a_running_sandbox_the_whole_call_passes_at_once() {
    let vwh = Vwh::new();
    let receiver = receiver(200);
    let id = register(&vwh, &receiver);
    let placed = call(&vwh, &["--scenario", "held", "-v"]).exits(0);
    let happened =
        ["INITIALIZING", "RINGING", "ACTIVE", "HELD", "ACTIVE", "REMOTE_HELD", "ACTIVE", "ANSWERED"];
    assert_eq!(states(&receiver.requests()), happened);
    assert_eq!(placed.stdout, "7340013\n");
    let last_lines: Vec<&str> = placed.stderr.lines().filter(|line| !line.starts_with("info:")).collect();
    assert_eq!(
        last_lines,
        [
            "no sandbox is running, so the call has passed at once: 8 deliveries succeeded, 0 failed",
            "see what came of it: vwh --sandbox list",
        ]
    );
    let webhook = vwh.args(["--sandbox", "status", &id, "--json"]).run().exits(0).json();
    assert_eq!(webhook["statistics"]["totalSuccesses"], 8);
}

#[test]
fn without_a_running_sandbox_retries_are_over_too() {
    let vwh = Vwh::new();
    let receiver = receiver(500);
    let id = register(&vwh, &receiver);
    let _ = call(&vwh, &["--scenario", "inbound-rejected"]).exits(0);
    assert_eq!(receiver.requests().len(), 18, "three events of six attempts each");
    let webhook = vwh.args(["--sandbox", "status", &id, "--json"]).run().exits(0).json();
    let statistics = &webhook["statistics"];
    assert_eq!((&statistics["totalFailures"], &statistics["failed"]), (&value!(3), &value!(true)));
}

#[test]
fn under_json_it_says_what_will_happen() {
    let vwh = Vwh::new();
    let _sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0"]);
    let placed = call(&vwh, &["--scenario", "inbound-missed", "--json"]).exits(0);
    assert_eq!(placed.stderr, "");
    let placed = placed.json();
    assert_eq!((&placed["id"], &placed["scenario"]), (&value!("7340013"), &value!("inbound-missed")));
    let events = placed["events"].as_array().unwrap();
    let states: Vec<&Value> = events.iter().map(|event| &event["state"]).collect();
    assert_eq!(states, ["INITIALIZING", "RINGING", "MISSED"]);
    let moment = |event: &Value| {
        let moment: chrono::DateTime<chrono::Utc> = event["moment"].as_str().unwrap().parse().unwrap();
        moment
    };
    assert_eq!((moment(&events[2]) - moment(&events[0])).num_seconds(), 26);
    assert_eq!(placed.as_object().map(serde_json::Map::len), Some(3));
}

/// Registers a subscription of Contact Center to channels.
fn subscribe(vwh: &Vwh, receiver: &Server) {
    let url = receiver.base_url() + "/hook";
    let flags = ["--name", "CRM bridge", "--event", "channel.*", "--allow-http", "--generate-signing-key"];
    let arguments = [&["--sandbox", "create", "--url", &url, "--signing-key-out", "key"][..], &flags];
    let _ = vwh.args(arguments.concat()).env("VWH_SERVICE", "contact-center").run().exits(0);
}

#[test]
fn one_event_may_happen_instead_of_a_call() {
    let vwh = Vwh::new();
    let receiver = receiver(200);
    let _sandbox =
        Sandbox::start(&vwh, &["--empty", "--speed", "0", "--allow-http", "--allow-private-targets"]);
    subscribe(&vwh, &receiver);
    let center = ["--service", "contact-center", "--event"];
    let placed = call(&vwh, &[&center[..], &["channel.parked.v1", "--json"]].concat()).exits(0);
    assert_eq!(placed.stderr, "");
    let placed = placed.json();
    assert_eq!((&placed["id"], &placed["event"]), (&value!("7340013"), &value!("channel.parked.v1")));
    receiver.wait_for_requests(1);
    assert_eq!(receiver.requests()[0].json()["type"], "channel.parked.v1");

    let url = receiver.base_url() + "/pbx";
    let create = ["--sandbox", "create", "--url", &url, "--allow-http"];
    let _ = vwh.args(create).env("VWH_SERVICE", "voipbin").run().exits(0);
    let message = ["--service", "voipbin", "--event", "message_created", "--data", r#"{"id":"a1"}"#];
    let _ = call(&vwh, &message).exits(0);
    receiver.wait_for_requests(2);
    assert_eq!(receiver.requests()[1].body, *br#"{"type":"message_created","data":{"id":"a1"}}"#);
}

#[test]
fn what_goes_with_another_service_is_refused_before_a_sandbox_is_looked_for() {
    for (flags, message) in [
        (
            &["--service", "contact-center", "--scenario", "held"][..],
            "Contact Center tells the same of every call",
        ),
        (&["--service", "voipbin", "--scenario", "held"], "VoIPBIN tells the same of every call"),
        (&["--service", "vis", "--event", "channel.held.v1"], "VIS has one event, CALL, in several states"),
        (&["--service", "voipbin", "--event", ""], "the event's type is empty"),
        (&["--event", "call_hangup"], "--service <SERVICE>"),
        (&["--service", "voipbin", "--event", "x", "--scenario", "held"], "cannot be used with"),
        (&["--service", "voipbin", "--event", "x", "--data", "[]"], "write a JSON object"),
        (&["--service", "voipbin", "--data", "{}"], "--event <TYPE>"),
    ] {
        let vwh = Vwh::new();
        let _ = call(&vwh, flags).exits(2).without_answer().says(message);
        assert!(!vwh.state().join("sandbox.json").exists(), "{flags:?} left a state behind");
    }
}

#[cfg(unix)]
#[test]
fn a_terminal_is_told_that_an_event_happens_and_who_hears_of_it() {
    use crate::support::Screen;
    let vwh = Vwh::new();
    let shown = |flags: &[&str]| {
        let run = vwh.args(["sandbox", "call", "--service", "contact-center"].iter().chain(flags).copied());
        run.on_terminal(&Screen::columns(140)).wait().exits(0).screen.unwrap()
    };
    insta::assert_snapshot!(shown(&["--event", "channel.held.v1"]), @"
    7340013
    no sandbox is running, so the event has passed at once: 0 deliveries succeeded, 0 failed
    no webhook is told of it: none that asks for it is both enabled and on this machine
    register one: VWH_SERVICE=contact-center vwh --sandbox create --name NAME --event '*' --allow-http --url http://127.0.0.1:3000/webhook
    ");
    let receiver = receiver(200);
    let _sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0", "--allow-http"]);
    subscribe(&vwh, &receiver);
    insta::assert_snapshot!(shown(&["--event", "channel.held.v1"]), @"
    7340014
    channel.held.v1 happens, about 7340014
    ");
    insta::assert_snapshot!(shown(&["--event", "agent.presencechanged.v1", "--count", "2"]), @"
    7340015
    7340016
    agent.presencechanged.v1 happens 2 times
    no webhook is told of it: none that asks for it is both enabled and on this machine
    register one: VWH_SERVICE=contact-center vwh --sandbox create --name NAME --event '*' --allow-http --url http://127.0.0.1:3000/webhook
    ");
}

#[test]
fn several_calls_are_a_line_each() {
    let vwh = Vwh::new();
    let _sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0"]);
    assert_eq!(call(&vwh, &["--count", "3"]).exits(0).stdout, "7340013\n7340014\n7340015\n");
    let lines = call(&vwh, &["--count", "2", "--json"]).exits(0).stdout;
    let ids: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect();
    assert_eq!(ids, ["7340016", "7340017"]);
    let status = vwh.args(["sandbox", "status", "--json"]).run().exits(0).json();
    assert_eq!((&status["callsUnderWay"], &status["events"]), (&value!(5), &value!(5)));
}

#[cfg(unix)]
#[test]
fn a_terminal_is_told_what_to_expect_and_what_to_type_next() {
    use crate::support::Screen;
    let vwh = Vwh::new();
    let shown = |arguments: &[&str]| {
        let run = vwh.args(arguments.iter().copied());
        run.on_terminal(&Screen::columns(120)).wait().exits(0).hiding_times().screen.unwrap()
    };
    let receiver = receiver(200);
    let _sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0"]);
    insta::assert_snapshot!(shown(&["sandbox", "call"]), @"
    7340013
    call 7340013 begins: INITIALIZING now, RINGING after 1s, ACTIVE after 6s, ANSWERED after 36s
    let a minute pass at once: vwh sandbox advance 1m
    no webhook is told of it: none is both active and on this machine
    register one: vwh --sandbox create --url http://127.0.0.1:3000/webhook
    ");
    register(&vwh, &receiver);
    insta::assert_snapshot!(shown(&["sandbox", "call", "--count", "2", "--scenario", "outbound-cancelled"]), @"
    7340014
    7340015
    2 calls begin: INITIALIZING now, RINGING after 1s, CANCELLED after 9s
    let a minute pass at once: vwh sandbox advance 1m
    ");
    assert_eq!(shown(&["sandbox", "call", "-q"]), "");
}

#[cfg(unix)]
#[test]
fn an_advance_that_is_interrupted_ends_and_the_sandbox_goes_on() {
    use crate::support::Signal;
    let vwh = Vwh::new();
    let receiver = Server::new(|_| Reply::Stall);
    let _sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0"]);
    register(&vwh, &receiver);
    let _ = call(&vwh, &["--count", "100"]).exits(0);
    let mut advancing = vwh.args(["sandbox", "advance", "1m", "-v"]).spawn();
    // It asks again every second while receivers keep it waiting.
    advancing.wait_for_error_line(|line| line.contains("/_sandbox/advance 200"));
    advancing.signal(Signal::INT);
    let _ = advancing.wait().exits(130).without_answer();
    let status = vwh.args(["sandbox", "status", "--json"]).run().exits(0).json();
    assert_eq!(status["callsUnderWay"], 100);
    assert_eq!(vwh.args(["sandbox", "reset", "--json"]).run().exits(0).json()["callsUnderWay"], 0);
    let _ = vwh.args(["sandbox", "stop"]).run().exits(0);
}

#[test]
fn an_advance_may_take_longer_than_one_reply() {
    let vwh = Vwh::new();
    let receiver = Server::new(|_| Reply::Stall);
    let sandbox = Sandbox::start(&vwh, &["--empty", "--speed", "0", "--attempts", "1"]);
    let id = register(&vwh, &receiver);
    let _ = call(&vwh, &["--scenario", "inbound-missed"]).exits(0);
    // The answer does not come for two seconds, and the command asks every second.
    let advanced = vwh.args(["sandbox", "advance", "1m", "--json"]).run().exits(0).json();
    assert_eq!(advanced["deliveriesFailed"], 1);
    assert_eq!(advanced.get("leftMilliseconds"), None);
    let (_, webhook) = sandbox.api("GET", &format!("/self/webhooks/{id}"), "");
    assert_eq!(webhook["statistics"]["lastErrorMessage"], "I/O error on POST request: Read timed out");
}
