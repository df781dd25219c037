//! Several profiles that each have something to ask: one question at a time, and an interrupt ends them all.

#![cfg(unix)]

use crate::service::{Service, failed, healthy};
use crate::several::{configured, holding, two};
use crate::support::{Screen, Signal};

/// Of two accounts one asks at a time, and an answer is for the account that asked.
#[test]
fn questions_come_one_after_the_other() {
    let a = holding(vec![healthy("w-1"), failed("w-2")]);
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let b = Service::waiting(vec![failed("w-3")], move |_| {
        let _ = gate.lock().unwrap().recv();
    });
    let vwh = configured(&[&a, &b]);
    let run = vwh.args(["--all-profiles", "prune-failed", "-v"]);
    let mut terminal = run.on_terminal(&Screen::columns(100));
    terminal.wait_for("[y/N] ");
    // The second account is ready to ask while the first one waits for its answer.
    drop(release);
    terminal.wait_for(" 200 in ");
    terminal.wait_for(" 200 in ");
    terminal.type_line("y");
    terminal.wait_for("[y/N] ");
    terminal.type_line("n");
    let outcome = terminal.wait().exits(1);
    assert_eq!((a.count("DELETE"), b.count("DELETE")), (1, 0), "{outcome}");
    let screen = outcome.snapshot();
    let asked = |profile: &str| screen.find(&format!("of profile eu-{profile} ")).unwrap();
    let answered = screen.find("\ny\n").unwrap();
    assert!(asked("a") < answered && answered < asked("b"), "{screen}");
    assert!(screen.contains("declined, nothing was changed"), "{screen}");
}

#[test]
fn an_interrupt_at_one_question_asks_no_other() {
    let (a, b) = two();
    let vwh = configured(&[&a, &b]);
    let mut terminal = vwh.args(["--all-profiles", "prune-failed"]).on_terminal(&Screen::columns(100));
    terminal.wait_for("[y/N] ");
    terminal.signal(Signal::INT);
    let outcome = terminal.wait().exits(130);
    assert_eq!(outcome.snapshot().matches("[y/N] ").count(), 1, "{outcome}");
    assert_eq!((a.count("DELETE"), b.count("DELETE")), (0, 0));
}
