//! `vwh listen --forward`: the handler gets what was accepted, as it came and in order, and its answers are told.

#![cfg(unix)]

use std::sync::{Mutex, mpsc};

use serde_json::{Value, json as value};

use crate::listening::{CALL, Listener, V1, V2, delivery, of_kind, recorded};
use crate::support::{Reply, Server, Signal, Vwh, refused};

fn ids(server: &Server) -> Vec<String> {
    let requests = server.requests();
    requests.iter().map(|request| request.header("X-VON-Delivery-Id").unwrap().to_owned()).collect()
}

#[test]
fn a_delivery_is_passed_on_as_it_came() {
    let handler = Server::new(|_| Reply::new(200, "thanks"));
    let url = format!("{}/in/here?key=1", handler.base_url());
    let mut listener = Listener::start(&Vwh::new(), &["--forward", &url]);
    let request = delivery(V2, "d-1", 2).path("/webhook?x").header("X-Odd", "a").header("X-Odd", "b");
    assert_eq!(listener.status(&request.header("Connection", "keep-alive, x-odd")), 200);
    let mut line = listener.next("forward");
    assert!(line["ms"].as_u64().unwrap() < 2_000, "{line}");
    line["ms"].take();
    line["time"].take();
    assert_eq!(
        line,
        value!({"event": "forward", "time": null, "deliveryId": "d-1", "status": 200, "error": null, "ms": null,
            "tooSlow": false})
    );
    let [forwarded] = &handler.requests()[..] else { panic!("{:?}", handler.lines()) };
    assert_eq!(forwarded.line(), "POST /in/here?key=1");
    assert_eq!(forwarded.body, format!("{{\"event\":{}}}", V2.event).into_bytes());
    for (name, expected) in [
        ("Content-Type", "application/json"),
        ("X-VON-Signature", V2.signature),
        ("X-VON-Webhook-Id", "w-1"),
        ("X-VON-Attempt", "2"),
    ] {
        assert_eq!(forwarded.header(name), Some(expected), "{name}");
    }
    assert_eq!(forwarded.header("Host"), Some(handler.base_url().trim_start_matches("http://")));
}

#[test]
fn deliveries_of_one_call_arrive_in_order_and_other_calls_do_not_wait() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let handler = Server::new(move |request| {
        if request.header("X-VON-Delivery-Id") == Some("first") {
            let _ = gate.lock().unwrap().recv();
        }
        Reply::new(200, "")
    });
    let listener = Listener::start(&Vwh::new(), &["--forward", &handler.base_url()]);
    assert_eq!(listener.status(&delivery(CALL[0], "first", 1)), 200);
    handler.wait_for_requests(1);
    for (number, signed) in CALL[1..].iter().enumerate() {
        assert_eq!(listener.status(&delivery(*signed, &format!("later-{number}"), 1)), 200);
    }
    assert_eq!(listener.status(&delivery(V2, "another call", 1)), 200);
    handler.wait_for_requests(2);
    assert_eq!(ids(&handler), ["first", "another call"]);
    open.send(()).unwrap();
    handler.wait_for_requests(5);
    assert_eq!(ids(&handler)[2..], ["later-0", "later-1", "later-2"]);
}

#[test]
fn a_handler_that_says_no_or_nothing_is_told_and_the_service_is_not() {
    let down = refused();
    for (url, status, error) in [
        (down.base_url(), Value::Null, value!("Connection refused")),
        (Server::new(|_| Reply::Close).base_url(), Value::Null, value!(null)),
    ] {
        let mut listener = Listener::start(&Vwh::new(), &["--forward", &url]);
        assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 200);
        let line = listener.next("forward");
        assert_eq!(line["status"], status, "{line}");
        assert!(error.is_null() || line["error"] == error, "{line}");
        let (_, lines) = listener.end();
        assert_eq!(lines.last().unwrap()["forwardFailures"], 1);
    }
    // A redirect is an answer: deliveries go to the URL that was given, and nowhere else.
    let elsewhere = Server::new(|_| Reply::new(200, ""));
    let target = elsewhere.base_url();
    for status in [500, 302, 307, 204] {
        let target = target.clone();
        let handler = Server::new(move |_| Reply::new(status, "").header("Location", &target));
        let mut listener = Listener::start(&Vwh::new(), &["--forward", &handler.base_url()]);
        assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 200);
        assert_eq!(listener.next("forward")["status"], status);
    }
    assert_eq!(elsewhere.lines(), Vec::<String>::new());
}

#[test]
fn what_is_under_way_at_the_end_is_passed_on() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let handler = Server::new(move |_| {
        let _ = gate.lock().unwrap().recv();
        Reply::new(200, "")
    });
    let listener = Listener::start(&Vwh::new(), &["--forward", &handler.base_url()]);
    for (number, signed) in CALL.into_iter().enumerate() {
        assert_eq!(listener.status(&delivery(signed, &format!("d-{number}"), 1)), 200);
    }
    handler.wait_for_requests(1);
    listener.process.signal(Signal::TERM);
    for _ in CALL {
        open.send(()).unwrap();
    }
    let outcome = listener.process.wait().exits(0);
    let end: Value = serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&end["accepted"], &end["forwarded"], &end["notForwarded"]),
        (&value!(4), &value!(4), &value!(0))
    );
    assert_eq!(ids(&handler), ["d-0", "d-1", "d-2", "d-3"]);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let handler = Server::new(|_| Reply::Stall);
    let mut listener = Listener::start(&Vwh::new(), &["-v", "--forward", &handler.base_url()]);
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 200);
    handler.wait_for_requests(1);
    listener.process.signal(Signal::INT);
    listener.process.wait_for_error_line(|line| line.contains("Ctrl-C again ends it at once"));
    listener.process.signal(Signal::TERM);
    let outcome = listener.process.wait().exits(130);
    assert!(outcome.stderr.contains("\"interrupted\""), "{outcome}");
}

#[test]
fn where_nothing_more_fits_the_service_is_asked_to_come_again() {
    let handler = Server::new(|_| Reply::Stall);
    let vwh = Vwh::new();
    let record = vwh.home().join("record");
    let listener = Listener::start(&vwh, &["--record", "record", "--forward", &handler.base_url()]);
    let mut connection = listener.connect();
    let mut accepted = 0;
    let answer = loop {
        let answer = connection.exchange(&delivery(V1, &format!("d-{accepted}"), 1)).unwrap();
        if answer.status != 200 {
            break answer;
        }
        accepted += 1;
    };
    assert_eq!((answer.status, accepted), (503, 1024));
    assert_eq!(answer.body, "{\"error\":\"too many deliveries wait to be forwarded\"}\n");
    // A duplicate needs no room.
    assert_eq!(connection.exchange(&delivery(V1, "d-0", 2)).unwrap().status, 200);
    assert_eq!(recorded(&record).len(), 1025);
}

fn relaying(vwh: &Vwh, handler: &Server) -> Listener {
    Listener::start(vwh, &["--record", "record", "--forward", &handler.base_url(), "--answer", "forward"])
}

#[test]
fn the_handlers_answer_can_be_the_services() {
    let handler = Server::new(|request| match request.number {
        1 => Reply::new(500, "not yet"),
        2 => Reply::new(204, ""),
        _ => Reply::new(200, "taken"),
    });
    let vwh = Vwh::new();
    let record = vwh.home().join("record");
    let listener = relaying(&vwh, &handler);
    let answer = listener.send(&delivery(V1, "d-1", 1));
    assert_eq!((answer.status, answer.body.as_str()), (500, "not yet"));
    assert_eq!(listener.status(&delivery(V1, "d-1", 2)), 204);
    assert_eq!(recorded(&record), Vec::<Value>::new());
    assert_eq!(listener.status(&delivery(V1, "d-1", 3)), 200);
    // From now on it is a duplicate, which the handler need not see.
    assert_eq!(listener.status(&delivery(V1, "d-1", 4)), 200);
    assert_eq!(handler.requests().len(), 3);
    let (_, lines) = listener.end();
    let kinds: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    let each = ["delivery", "forward"];
    assert_eq!(kinds, [&["ready"], &each[..], &each, &each, &["delivery", "end"]].concat());
    let told: Vec<_> = of_kind(&lines, "delivery")
        .iter()
        .map(|line| (line["answered"].as_u64().unwrap(), line["duplicate"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [(500, false), (204, false), (200, false), (200, true)]);
    let duplicates: Vec<Value> = recorded(&record).iter().map(|line| line["duplicate"].clone()).collect();
    assert_eq!(duplicates, [value!(false), value!(true)]);
}

#[test]
fn a_handler_that_does_not_answer_in_time_is_504_and_one_that_is_not_there_502() {
    let vwh = Vwh::new();
    let silent = Server::new(|_| Reply::Stall);
    let listener = relaying(&vwh, &silent);
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 504);
    drop(listener);
    let down = refused();
    let flags = ["--record", "record", "--forward", &down.base_url(), "--answer", "forward"];
    let listener = Listener::start(&vwh, &flags);
    let answer = listener.send(&delivery(V1, "d-1", 2));
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (502, "{\"error\":\"the handler cannot be reached\"}\n")
    );
    assert_eq!(recorded(&vwh.home().join("record")), Vec::<Value>::new());
}

#[test]
fn a_delivery_that_is_still_with_the_handler_is_not_taken_twice() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let handler = Server::new(move |_| {
        let _ = gate.lock().unwrap().recv();
        Reply::new(200, "")
    });
    let vwh = Vwh::new();
    let listener = relaying(&vwh, &handler);
    let mut first = listener.connect();
    first.send(&delivery(V1, "d-1", 1).bytes()).unwrap();
    handler.wait_for_requests(1);
    let answer = listener.send(&delivery(V1, "d-1", 2));
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, "{\"error\":\"the same delivery is still being accepted\"}\n");
    open.send(()).unwrap();
    assert_eq!(first.answer().unwrap().status, 200);
    assert_eq!(listener.status(&delivery(V1, "d-1", 3)), 200);
    assert_eq!(handler.requests().len(), 1);
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", "k");
    for (flags, says) in [
        (&["--forward", "http://hooks.example.test/"][..], "unencrypted"),
        (&["--forward", "hooks.example.test"], "URL"),
        (&["--answer", "forward"], "--forward"),
        (&["--forward", "http://127.0.0.1:0/", "--bind", "127.0.0.1:x"], "an address and a port"),
        (&["--path", "webhook"], "a path such as /webhook"),
        (&["--fail", "503"], "500, 404, timeout, redirect"),
        (&["--unsigned", "--signing-key-file", "key"], "cannot be used with"),
        (&["--unsigned", "--register", "https://a.example/"], "cannot be used with"),
    ] {
        let outcome = vwh.args(["listen"].iter().chain(flags).copied()).run().exits(2).without_answer();
        assert!(outcome.stderr.contains(says), "{flags:?}\n{outcome}");
    }
}

#[test]
fn a_listener_does_not_forward_to_itself() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let vwh = Vwh::new().env("VWH_SIGNING_KEY", "k");
    let forward = format!("http://{address}/webhook").replace("127.0.0.1", "localhost");
    let outcome = vwh.args(["listen", "--bind", &address, "--forward", &forward]).run();
    insta::assert_snapshot!(outcome.snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: --forward leads back to this listener

    hint: name the handler's own port, or listen on another with --bind
    ");
    // Nor by way of what leads to it from outside.
    let service = crate::service::Service::honest(vec![]);
    let public = "https://hooks.example.test/in";
    let arguments = ["listen", "--bind", "127.0.0.1:0", "--register", public, "--forward", public];
    let _ = service.vwh().args(arguments).run().exits(2).says("--forward leads back to this listener");
    assert_eq!(service.count("POST"), 0);
}
