//! Who is asked before something is taken away, what the question shows, and what happens where nobody can answer.

#![cfg(unix)]

use crate::service::{Service, failed, healthy, journalled};
use crate::support::{Outcome, Run, Screen, Signal, Stream, Terminal, Vwh};

fn service() -> Service {
    Service::honest(vec![failed("f-0001"), failed("f-0002"), healthy("well-1"), healthy("well-2")])
}

fn prune(vwh: &Vwh) -> Run {
    vwh.args(["prune-failed"])
}

/// The moment at which vwh waits for an answer.
fn asked(run: Run) -> Terminal {
    let mut terminal = run.on_terminal(&Screen::columns(100));
    terminal.wait_for("[y/N] ");
    terminal
}

fn nothing_went(service: &Service, vwh: &Vwh) {
    assert_eq!(service.changes(), Vec::<String>::new());
    assert_eq!(journalled(vwh), Vec::<String>::new());
}

/// A screen without the codes of its colours.
fn plain(outcome: &Outcome) -> String {
    let screen = outcome.snapshot();
    regex_lite::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(&screen, "").into_owned()
}

/// What is on the screen in the end when `answer` keeps prune-failed from removing anything.
#[track_caller]
fn unpruned(answer: impl FnOnce(&mut Terminal), code: i32) -> String {
    let service = service();
    let vwh = service.vwh();
    let mut terminal = asked(prune(&vwh));
    answer(&mut terminal);
    let screen = plain(&terminal.wait().exits(code));
    nothing_went(&service, &vwh);
    screen
}

#[test]
fn yes_at_the_prompt_removes_what_was_shown() {
    let service = service();
    let vwh = service.vwh();
    let mut terminal = asked(prune(&vwh));
    nothing_went(&service, &vwh);
    terminal.type_line("y");
    insta::assert_snapshot!(plain(&terminal.wait()), @r"
    exit: 0
    --- screen
      f-0001  https://hooks.example.test/f-0001
      f-0002  https://hooks.example.test/f-0002
    Remove these webhooks of profile default (account 4711, user 9001) at 127.0.0.1:[PORT]? [y/N] y
    removed  f-0001  https://hooks.example.test/f-0001
    removed  f-0002  https://hooks.example.test/f-0002
    --- stdout
    --- stderr
    ");
    assert_eq!(service.ids(), ["well-1", "well-2"]);
}

#[test]
fn every_other_answer_removes_nothing() {
    for answer in ["n", "", "no", "yep", "2"] {
        let screen = unpruned(|terminal| terminal.type_line(answer), 7);
        assert!(screen.contains("error: declined, nothing was changed"), "{screen}");
    }
}

#[test]
fn yes_in_full_is_yes() {
    let service = service();
    let mut terminal = asked(prune(&service.vwh()));
    terminal.type_line("YES");
    let _ = terminal.wait().exits(0);
    assert_eq!(service.count("DELETE"), 2);
}

#[test]
fn the_end_of_input_is_no() {
    let screen = unpruned(Terminal::type_end, 7);
    assert!(screen.contains("[y/N] \nerror: declined, nothing was changed\n"), "{screen}");
}

#[test]
fn an_interrupt_at_the_prompt_removes_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let screen = unpruned(|terminal| terminal.signal(signal), 130);
        assert!(screen.contains("[y/N] \nerror: interrupted\n"), "{screen}");
    }
}

#[test]
fn one_terminal_is_not_enough_to_ask() {
    for absent in [Stream::Stdin, Stream::Stderr] {
        for command in [&["prune-failed"][..], &["delete", "f-0001"]] {
            let service = service();
            let vwh = service.vwh();
            let screen = Screen::columns(100).without(absent);
            let outcome = vwh.args(command.iter().copied()).on_terminal(&screen).wait().exits(7);
            let said = plain(&outcome);
            assert!(said.contains("--yes") && said.contains("--dry-run"), "{outcome}");
            nothing_went(&service, &vwh);
        }
    }
}

#[test]
fn no_input_at_a_terminal_is_no() {
    for command in [&["prune-failed", "--no-input"][..], &["delete", "f-0001", "--no-input"]] {
        let service = service();
        let vwh = service.vwh();
        let outcome = vwh.args(command.iter().copied()).on_terminal(&Screen::columns(100)).wait().exits(7);
        let said = plain(&outcome);
        assert!(said.contains("--yes") && said.contains("--dry-run"), "{outcome}");
        nothing_went(&service, &vwh);
    }
}

#[test]
fn without_any_terminal_prune_goes_ahead() {
    for flags in [&["prune-failed"][..], &["prune-failed", "--no-input"]] {
        let service = service();
        let outcome = service.vwh().args(flags.iter().copied()).run().exits(0);
        assert_eq!(outcome.stderr, "");
        assert_eq!(service.count("DELETE"), 2);
    }
}

#[test]
fn without_any_terminal_delete_needs_yes() {
    let service = service();
    let vwh = service.vwh();
    let outcome = vwh.args(["delete", "f-0001"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 7
    --- stdout
    --- stderr
    error: it is not confirmed that vwh may remove 1 webhook of profile default (account 4711, user 9001) at 127.0.0.1:[PORT]

    hint: --yes confirms it; --dry-run shows what would happen
    ");
    nothing_went(&service, &vwh);
    let _ = vwh.args(["delete", "f-0001", "--yes"]).run().exits(0);
    assert_eq!(service.changes(), ["DELETE /self/webhooks/f-0001"]);
}

#[test]
fn without_any_terminal_replace_says_how_many_and_whose_it_would_be() {
    let service = service();
    let vwh = service.vwh();
    let command = ["replace", "--url", "*", "--new-host", "moved.example.test"];
    let outcome = vwh.args(command).run().exits(7);
    let count = service.ids().len();
    let _ =
        outcome.says(&format!("may replace {count} webhooks of profile default (account 4711, user 9001)"));
    nothing_went(&service, &vwh);
}

/// What is piped into vwh is nobody's consent.
#[test]
fn an_answer_in_a_pipe_is_none() {
    let service = service();
    let vwh = service.vwh();
    let _ = vwh.args(["delete", "f-0001"]).stdin("y\n").run().exits(7);
    nothing_went(&service, &vwh);
}

#[test]
fn yes_on_the_command_line_asks_nothing() {
    let service = service();
    let vwh = service.vwh();
    let terminal = vwh.args(["prune-failed", "-y"]).on_terminal(&Screen::columns(100));
    let outcome = terminal.wait().exits(0);
    assert!(!outcome.snapshot().contains("[y/N]"), "{outcome}");
    assert_eq!(service.count("DELETE"), 2);
}

#[test]
fn nothing_to_do_is_no_question() {
    let service = Service::honest(vec![healthy("well-1")]);
    let terminal = prune(&service.vwh()).on_terminal(&Screen::columns(100));
    let outcome = terminal.wait().exits(0);
    assert!(!outcome.snapshot().contains("[y/N]"), "{outcome}");
    let service = self::service();
    let terminal = service.vwh().args(["prune-failed", "--dry-run"]).on_terminal(&Screen::columns(100));
    let outcome = terminal.wait().exits(0);
    assert!(!outcome.snapshot().contains("[y/N]"), "{outcome}");
}

#[test]
fn the_question_names_profile_account_and_user() {
    let service = service();
    let vwh = Vwh::new();
    vwh.write("token", crate::support::TOKEN);
    let base_url = service.server.base_url();
    let home = vwh.home().display();
    vwh.configure(&format!("[profiles.prod]\nbase_url = '{base_url}'\ntoken_file = '{home}/token'\n"));
    let mut terminal = asked(vwh.args(["-p", "prod", "delete", "f-0001", "well-2"]));
    terminal.type_line("n");
    insta::assert_snapshot!(plain(&terminal.wait()), @r"
    exit: 7
    --- screen
      f-0001  https://hooks.example.test/f-0001
      well-2  https://hooks.example.test/well-2
    Remove these webhooks of profile prod (account 4711, user 9001) at 127.0.0.1:[PORT]? [y/N] n
    error: declined, nothing was changed
    --- stdout
    --- stderr
    ");
}

/// Escape sequences in an id or a url must not rewrite the question.
#[test]
fn the_question_cannot_be_forged() {
    let mut hostile = failed("x\u{1b}[2K\rwell-known");
    hostile["url"] = "https://hooks.example.test/\u{202e}tset\n  fine  https://fine.example".into();
    let service = Service::honest(vec![hostile]);
    let mut terminal = asked(prune(&service.vwh()));
    terminal.type_line("n");
    insta::assert_snapshot!(plain(&terminal.wait()), @r"
    exit: 7
    --- screen
      x\u{1b}[2K\rwell-known  https://hooks.example.test/\u{202e}tset\n  fine  https://fine.example
    Remove this webhook of profile default (account 4711, user 9001) at 127.0.0.1:[PORT]? [y/N] n
    error: declined, nothing was changed
    --- stdout
    --- stderr
    ");
}

#[test]
fn what_recovered_while_the_question_was_open_is_spared() {
    let service = service();
    let vwh = service.vwh();
    let mut terminal = asked(prune(&vwh));
    service.with(|webhooks| {
        webhooks.find("f-0001").unwrap()["statistics"]["failed"] = false.into();
        // Failed since, but nobody was asked about it.
        webhooks.find("well-1").unwrap()["statistics"]["failed"] = true.into();
    });
    terminal.type_line("y");
    let _ = terminal.wait().exits(0);
    assert_eq!(service.changes(), ["DELETE /self/webhooks/f-0002"]);
    // Spared, so it is nothing to restore even when somebody removes it later.
    service.with(|webhooks| webhooks.list.retain(|webhook| webhook["id"] != "f-0001"));
    let restored = vwh.args(["restore", "--last"]).run().exits(0);
    assert!(restored.stdout.contains("f-0002") && !restored.stdout.contains("f-0001"), "{restored}");
}

#[test]
fn the_start_of_an_id_is_enough_at_the_prompt_and_where_nothing_is_changed() {
    let service = service();
    let vwh = service.vwh();
    let mut terminal = vwh.args(["delete", "well-2", "f-0002"]).on_terminal(&Screen::columns(100));
    terminal.wait_for("[y/N] ");
    terminal.type_line("n");
    let _ = terminal.wait().exits(7);
    let mut unique = healthy("0123abcd-long");
    unique["url"] = "https://hooks.example.test/unique".into();
    service.with(|webhooks| webhooks.list.push(unique));
    let sure = vwh.args(["delete", "0123abcd", "--yes"]).on_terminal(&Screen::columns(100)).wait().exits(4);
    assert!(plain(&sure).contains("give the whole id: 0123abcd-long"), "{sure}");
    let commands = [&["delete"][..], &["rotate"], &["replace", "--new-host", "new.example.test"]];
    for command in commands {
        let arguments = command.iter().chain(&["0123abcd", "--dry-run"]).copied();
        let outcome = vwh.args(arguments).run().exits(0);
        assert!(outcome.stdout.contains("0123abcd-long  https://hooks.example.test/unique"), "{outcome}");
    }
    nothing_went(&service, &vwh);
    let mut terminal = asked(vwh.args(["delete", "0123abcd"]));
    terminal.type_line("y");
    let outcome = terminal.wait().exits(0);
    assert!(plain(&outcome).contains("0123abcd-long  https://hooks.example.test/unique"), "{outcome}");
    assert_eq!(service.changes(), ["DELETE /self/webhooks/0123abcd-long"]);
}

#[test]
fn an_ambiguous_or_short_start_is_refused_without_a_question() {
    let service = service();
    let vwh = service.vwh();
    for (start, code) in [("f-00", 2), ("f-0", 4), ("well", 2)] {
        let terminal = vwh.args(["delete", start]).on_terminal(&Screen::columns(100));
        let outcome = terminal.wait().exits(code);
        assert!(!outcome.snapshot().contains("[y/N]"), "{outcome}");
    }
    service.with(|webhooks| webhooks.list.push(healthy("184094")));
    let _ = vwh.args(["delete", "1840"]).on_terminal(&Screen::columns(100)).wait().exits(4);
    nothing_went(&service, &vwh);
}
