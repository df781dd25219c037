//! Whom `vwh trigger` posts to without being told twice: this machine, and nobody else.
//!
//! `0.0.0.0` is no loopback address by its name, and leads to this machine all the same: a stranger within reach.

#![cfg(unix)]

use crate::support::{Outcome, Reply, Screen, Server, Vwh};

fn stranger(server: &Server) -> String {
    format!("http://0.0.0.0:{}/hook?token=swordfish", server.address().port())
}

fn receiver() -> Server {
    Server::new(|_| Reply::new(200, ""))
}

fn vwh() -> Vwh {
    Vwh::new().env("VWH_SIGNING_KEY", "vwh-test-key")
}

/// A screen without the codes of its colours, and without ports.
fn plain(outcome: Outcome) -> String {
    let screen = outcome.hiding_durations().snapshot();
    let screen = regex_lite::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(&screen, "").into_owned();
    regex_lite::Regex::new(r"0\.0\.0\.0:\d+").unwrap().replace_all(&screen, "0.0.0.0:[PORT]").into_owned()
}

#[test]
fn off_a_terminal_another_host_needs_a_yes() {
    let server = receiver();
    let outcome = vwh().args(["trigger", &stranger(&server)]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 7
    --- stdout
    --- stderr
    error: it is not confirmed that vwh may post a signed sample call (4 events) to 0.0.0.0, which is not this machine

    hint: --yes confirms it
    ");
    assert_eq!(server.requests().len(), 0);
    let _ = vwh().args(["trigger", &stranger(&server), "--yes"]).run().exits(0);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_person_is_asked_what_goes_where() {
    let server = receiver();
    let url = stranger(&server);
    let screen = Screen::columns(120);
    let mut terminal = vwh().args(["trigger", &url, "--state", "RINGING", "--unsigned"]).on_terminal(&screen);
    terminal.wait_for("[y/N] ");
    assert_eq!(server.requests().len(), 0);
    terminal.type_line("y");
    insta::assert_snapshot!(plain(terminal.wait()), @r"
    exit: 0
    --- screen
    Post an unsigned sample call (1 event) to http://0.0.0.0:[PORT]/hook?token=***? [y/N] y
    RINGING       delivered          200 in [DURATION]
    1 delivered
    --- stdout
    --- stderr
    ");
    assert_eq!(server.requests().len(), 1);
    let mut terminal = vwh().args(["trigger", &url]).on_terminal(&screen);
    terminal.wait_for("[y/N] ");
    terminal.type_line("");
    insta::assert_snapshot!(plain(terminal.wait()), @r"
    exit: 7
    --- screen
    Post a signed sample call (4 events) to http://0.0.0.0:[PORT]/hook?token=***? [y/N] 
    error: declined, nothing was posted
    --- stdout
    --- stderr
    ");
    let _ = vwh().args(["trigger", &url, "--no-input"]).on_terminal(&screen).wait().exits(7);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_redirect_to_another_host_needs_a_yes_too() {
    let target = receiver();
    let location = stranger(&target);
    let server = Server::new(move |_| Reply::new(307, "").header("Location", &location));
    let outcome = vwh().args(["trigger", &server.base_url()]).run();
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 7
    --- stdout
    INITIALIZING  undecided          it redirects to 0.0.0.0, which is not this machine  in [DURATION]
    RINGING       not sent
    ACTIVE        not sent
    ANSWERED      not sent
    --- stderr
    error: 127.0.0.1 redirects to 0.0.0.0, and it is not confirmed that vwh may post there

    hint: --yes follows it
    ");
    assert_eq!((server.requests().len(), target.requests().len()), (1, 0));
    let _ = vwh().args(["trigger", &server.base_url(), "--yes"]).run().exits(0);
    assert_eq!(target.requests().len(), 4);
}
