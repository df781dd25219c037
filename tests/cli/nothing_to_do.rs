//! Commands that find nothing to do: a person is told so on stderr, a script's log is not.

#![cfg(unix)]

use crate::service::{Service, healthy};
use crate::support::{Screen, Stream};

const COMMANDS: [(&[&str], &str); 4] = [
    (&["restore", "--last"], "nothing to restore"),
    (&["renew", "--failed"], "nothing to renew"),
    (&["prune-failed"], "nothing to prune"),
    (&["prune-failed", "--dry-run"], "nothing to prune"),
];

#[test]
fn a_person_is_told() {
    for (command, words) in COMMANDS {
        let service = Service::honest(vec![healthy("a")]);
        let screen = Screen::columns(100).without(Stream::Stdout);
        let outcome = service.vwh().args(command.iter().copied()).on_terminal(&screen).wait().exits(0);
        let shown = outcome.screen.as_ref().unwrap();
        assert_eq!((shown.matches(words).count(), shown.lines().count()), (1, 1), "{command:?}\n{outcome}");
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn a_log_is_not() {
    for (command, _) in COMMANDS {
        let service = Service::honest(vec![healthy("a")]);
        let screen = Screen::columns(100).without(Stream::Stderr);
        let outcome = service.vwh().args(command.iter().copied()).on_terminal(&screen).wait().exits(0);
        assert_eq!((outcome.screen.as_deref(), outcome.stderr.as_str()), (Some(""), ""), "{command:?}");
        let outcome = service.vwh().args(command.iter().copied()).run().exits(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{command:?}");
    }
}

#[test]
fn quiet_is_quiet() {
    for (command, _) in COMMANDS {
        let service = Service::honest(vec![healthy("a")]);
        let arguments = command.iter().copied().chain(["-q"]);
        let outcome = service.vwh().args(arguments).on_terminal(&Screen::columns(100)).wait().exits(0);
        assert_eq!(outcome.screen.as_deref(), Some(""), "{command:?}");
    }
}
