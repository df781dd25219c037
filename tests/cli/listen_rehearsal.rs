//! `vwh listen --fail`: what is verified is answered with the failure that was asked for, and with nothing else.

#![cfg(unix)]

use serde_json::{Value, json as value};

use crate::listening::{Answer, Listener, Request, V1, delivery, of_kind, recorded};
use crate::support::{Reply, Server, Vwh};

/// What came of one delivery and what was told of it, after a forged one that no failure is rehearsed with.
fn rehearsed(how: &str) -> (Option<Answer>, Value) {
    let vwh = Vwh::new();
    let handler = Server::new(|_| Reply::new(200, ""));
    let flags = ["--fail", how, "--record", "record", "--forward", &handler.base_url()];
    let listener = Listener::start(&vwh, &flags);
    assert_eq!(listener.status(&Request::post(r#"{"event":{}}"#)), 401);
    let answer = listener.connect().exchange(&delivery(V1, "d-1", 1));
    let again = listener.connect().exchange(&delivery(V1, "d-1", 1));
    assert_eq!(
        answer.as_ref().map(|answer| answer.status),
        again.map(|answer| answer.status),
        "it is no duplicate"
    );
    let (_, lines) = listener.end();
    let record = recorded(&vwh.home().join("record"));
    assert_eq!((record, handler.lines()), (vec![], vec![]));
    assert_eq!(
        (&lines.last().unwrap()["rehearsed"], &lines.last().unwrap()["accepted"]),
        (&value!(2), &value!(0))
    );
    let told = of_kind(&lines, "delivery");
    assert_eq!(told[0], told[1]);
    let told = told[0].clone();
    assert_eq!((&told["rehearsed"], &told["duplicate"]), (&value!(true), &value!(false)));
    (answer, told["answered"].clone())
}

#[test]
fn a_status_is_answered() {
    for (how, status) in [("500", 500), ("404", 404)] {
        let (answer, told) = rehearsed(how);
        let answer = answer.unwrap();
        assert_eq!((answer.status, told), (status, value!(status)));
        assert_eq!(answer.body, "{\"error\":\"rehearsed with --fail\"}\n");
    }
}

#[test]
fn a_redirect_leads_back_to_where_it_came_from_by_any_method() {
    let (answer, told) = rehearsed("redirect");
    let answer = answer.unwrap();
    assert_eq!((answer.status, told), (302, value!(302)));
    assert!(answer.head.contains("location: /webhook\r\n"), "{}", answer.head);
    let listener = Listener::start(&Vwh::new(), &["--fail", "redirect"]);
    for method in ["GET", "PUT"] {
        let answer = listener.send(&Request::post("").method(method));
        assert_eq!(answer.status, 302, "{method}");
        assert!(answer.head.contains("location: /webhook\r\n"), "{}", answer.head);
    }
    assert_eq!(listener.status(&Request::post("").method("GET").path("/")), 404);
}

#[test]
fn no_answer_comes_for_longer_than_the_service_waits() {
    let listener = Listener::start(&Vwh::new(), &["--fail", "timeout"]);
    let started = std::time::Instant::now();
    assert_eq!(listener.connect().exchange(&delivery(V1, "d-1", 1)), None);
    assert!(started.elapsed() > std::time::Duration::from_secs(2));
    // At the end nothing is waited for.
    let mut waiting = listener.connect();
    waiting.send(&delivery(V1, "d-2", 1).bytes()).unwrap();
    let mut listener = listener;
    listener.next("delivery");
    listener.next("delivery");
    let (_, lines) = listener.end();
    assert_eq!(waiting.answer(), None);
    let answered: Vec<Value> =
        of_kind(&lines, "delivery").iter().map(|line| line["answered"].clone()).collect();
    assert_eq!(answered, [Value::Null, Value::Null]);
}
