//! What `vwh trigger` says when it is ended before it has come to its end: what was posted, and what was not.

use serde_json::{Value, json as value};

use crate::support::{Outcome, Reply, Server, Vwh};

fn trigger(server: &Server, flags: &[&str]) -> crate::support::Run {
    let vwh = Vwh::new();
    vwh.args(["trigger", &server.base_url(), "--unsigned", "--json"].iter().chain(flags).copied())
}

fn conclusions(outcome: &Outcome) -> Vec<Value> {
    let results = outcome.json()["results"].as_array().unwrap().clone();
    results.into_iter().map(|result| result["conclusion"].clone()).collect()
}

/// Takes the first event and fails the next.
fn failing() -> Server {
    Server::new(|request| Reply::new(if request.number == 1 { 200 } else { 503 }, ""))
}

#[cfg(unix)]
#[test]
fn an_interrupt_between_two_attempts_ends_it() {
    use crate::support::Signal;
    for signal in [Signal::INT, Signal::TERM] {
        let server = failing();
        let mut process = trigger(&server, &["-v"]).spawn();
        let line = process.wait_for_error_line(|line| line.contains("; again in "));
        assert!(line.starts_with("RINGING: attempt 1 of 6: 503 in "), "{line}");
        assert!(line.ends_with(" ms; again in 10 s"), "{line}");
        process.signal(signal);
        let outcome = process.wait().exits(130);
        assert_eq!(conclusions(&outcome), ["delivered", "would-retry", "not-sent", "not-sent"]);
        assert_eq!(server.requests().len(), 2);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_lets_the_attempt_end_that_is_under_way() {
    use crate::support::Signal;
    let server = Server::new(|_| Reply::Stall);
    let mut process = trigger(&server, &["-v"]).spawn();
    server.wait_for_requests(1);
    process.signal(Signal::INT);
    let _ = process.wait_for_error_line(|line| line.starts_with("finishing what is under way"));
    let outcome = process.wait().exits(130);
    assert_eq!(conclusions(&outcome), ["would-retry", "not-sent", "not-sent", "not-sent"]);
    let attempt = &outcome.json()["results"][0]["attempts"][0];
    assert_eq!(attempt["error"], "Read timed out: no status within 2 s");
}

#[test]
fn a_time_limit_leaves_the_attempt_undecided() {
    let server = Server::new(|_| Reply::Stall);
    let outcome = trigger(&server, &["--timeout", "300ms"]).run().exits(5);
    assert_eq!(conclusions(&outcome), ["undecided", "not-sent", "not-sent", "not-sent"]);
    let attempt = &outcome.json()["results"][0]["attempts"][0];
    assert_eq!(
        (&attempt["status"], &attempt["error"]),
        (&Value::Null, &value!("the time limit came before a reply"))
    );
    assert_eq!(outcome.error()["kind"], "unavailable");
}

#[test]
fn a_pause_that_does_not_fit_in_the_time_limit_is_not_waited_for() {
    let server = failing();
    let outcome = Vwh::new().args(["trigger", &server.base_url(), "--unsigned", "--timeout", "8s"]).run();
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 5
    --- stdout
    INITIALIZING  delivered          200 in [DURATION]
    RINGING       would retry        503 : [no body]  in [DURATION]
    ACTIVE        not sent
    ANSWERED      not sent
    --- stderr
    error: the time limit came before everything was posted

    hint: run it again, with a longer --timeout
    ");
    assert_eq!(server.requests().len(), 2);
}
