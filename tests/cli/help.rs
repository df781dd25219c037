//! What is generated from the command tree: help, completions, manual pages.

use std::fs;

use crate::support::Vwh;

/// The commands, with those below them.
const COMMANDS: [&[&str]; 29] = [
    &["list"],
    &["status"],
    &["create"],
    &["update"],
    &["renew"],
    &["prune-failed"],
    &["delete"],
    &["restore"],
    &["replace"],
    &["rotate"],
    &["missed"],
    &["event-types"],
    &["check"],
    &["listen"],
    &["trigger"],
    &["verify"],
    &["login"],
    &["logout"],
    &["whoami"],
    &["profiles"],
    &["doctor"],
    &["sandbox"],
    &["sandbox", "advance"],
    &["sandbox", "status"],
    &["sandbox", "reset"],
    &["sandbox", "revoke"],
    &["sandbox", "stop"],
    &["completions"],
    &["man"],
];

/// The widest a line of help is, whatever the terminal.
const WIDEST: usize = 100;

#[test]
fn help_is_an_answer_of_readable_width() {
    for command in COMMANDS.iter().copied().chain([&[][..]]) {
        for flag in ["--help", "-h"] {
            for columns in ["80", "300"] {
                let arguments = command.iter().copied().chain([flag]);
                let outcome = Vwh::new().args(arguments).env("COLUMNS", columns).run().exits(0);
                assert_eq!(outcome.stderr, "", "{command:?}");
                assert!(outcome.stdout.contains("Usage: vwh"), "{outcome}");
                assert!(!outcome.stdout.contains('\u{1b}'), "{outcome}");
                let widest = outcome.stdout.lines().max_by_key(|line| line.chars().count()).unwrap();
                assert!(widest.chars().count() <= WIDEST, "{command:?} {flag}: {widest}");
            }
        }
    }
}

#[test]
fn help_names_every_command_and_every_exit_code() {
    let outcome = Vwh::new().args(["--help"]).run().exits(0);
    let names: Vec<&str> = outcome
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let commands = COMMANDS.iter().filter(|command| command.len() == 1).map(|command| command[0]);
    assert_eq!(names, commands.chain(["help"]).collect::<Vec<_>>());
    let codes: Vec<&str> = outcome
        .stdout
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "6", "7", "70", "130"], "{outcome}");
}

#[test]
fn no_command_is_help_and_a_usage_error() {
    let outcome = Vwh::new().args([]).run().exits(2).without_answer();
    assert!(outcome.stderr.contains("Usage: vwh"), "{outcome}");
}

#[test]
fn the_version_is_one_line() {
    let outcome = Vwh::new().args(["--version"]).run().exits(0);
    assert_eq!(outcome.stdout, concat!("vwh ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(outcome.stderr, "");
}

#[test]
#[cfg(unix)]
fn help_on_a_terminal_is_styled_unless_no_color_is_set() {
    use crate::support::Screen;

    for arguments in [["list", "--help"], ["list", "--no-such-flag"]] {
        let screen = |run: crate::support::Run| run.on_terminal(&Screen::columns(100)).wait().screen.unwrap();
        let styled = screen(Vwh::new().args(arguments));
        let plain = screen(Vwh::new().args(arguments).env("NO_COLOR", "1"));
        assert!(styled.contains('\u{1b}') && !plain.contains('\u{1b}'), "{plain}");
        let pattern = regex_lite::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
        assert_eq!(pattern.replace_all(&styled, ""), plain);
    }
}

#[test]
fn a_command_is_helped_with_by_its_name_too() {
    for command in [&[][..], &["list"], &["sandbox", "advance"]] {
        let by_flag = Vwh::new().args(command.iter().copied().chain(["--help"])).run().exits(0).stdout;
        let by_name = Vwh::new().args(["help"].iter().chain(command).copied()).run().exits(0).stdout;
        assert_eq!(by_name, by_flag);
    }
    let _ = Vwh::new().args(["help", "lst"]).run().exits(2).without_answer().says("unrecognized subcommand");
}

#[test]
fn colour_is_as_the_flag_says_it() {
    for (arguments, code) in [(["list", "--help"], 0), (["list", "--no-such-flag"], 2)] {
        let said = |when: &[&'static str]| {
            let outcome =
                Vwh::new().args(arguments.into_iter().chain(when.iter().copied())).run().exits(code);
            outcome.stdout + &outcome.stderr
        };
        assert!(said(&["--color", "always"]).contains('\u{1b}'));
        assert!(!said(&["--color=never"]).contains('\u{1b}'));
    }
}

#[test]
#[cfg(unix)]
fn no_colour_is_shown_on_a_terminal_either_where_the_flag_says_so() {
    use crate::support::Screen;

    for arguments in [["list", "--help"], ["list", "--no-such-flag"]] {
        let run = Vwh::new().args(["--color", "never"].into_iter().chain(arguments));
        let screen = run.on_terminal(&Screen::columns(100)).wait().screen.unwrap();
        assert!(!screen.contains('\u{1b}'), "{screen}");
    }
}

#[test]
fn a_command_to_type_is_on_one_line() {
    let help = |command: &str| Vwh::new().args(["help", command]).env("COLUMNS", "80").run().exits(0).stdout;
    let root = Vwh::new().args(["--help"]).env("COLUMNS", "80").run().exits(0).stdout;
    assert!(root.lines().any(|line| line.ends_with(": vwh --sandbox list")), "{root}");
    for (command, line) in [
        ("replace", "To repair a key that never travels: vwh replace ID --metadata-policy header"),
        ("rotate", "    vwh update ID --generate-signing-key --signing-key-out FILE"),
        ("update", "    vwh replace ID --new-url URL puts a changed copy in its place"),
    ] {
        assert!(help(command).lines().any(|own| own == line), "{}", help(command));
    }
}

#[test]
fn what_stands_between_ticks_is_not_broken_in_two() {
    for command in COMMANDS.iter().copied().chain([&[][..], &["sandbox", "call"]]) {
        for columns in ["80", "100"] {
            let arguments = command.iter().copied().chain(["--help"]);
            let help = Vwh::new().args(arguments).env("COLUMNS", columns).run().exits(0).stdout;
            let broken = help.lines().find(|line| line.matches('`').count() % 2 == 1);
            assert_eq!(broken, None, "{command:?}");
        }
    }
}

#[test]
fn whatever_asks_takes_a_yes_in_the_same_way() {
    let commands = ["create", "delete", "missed", "prune-failed", "replace", "rotate", "trigger"];
    for command in commands {
        let help = Vwh::new().args([command, "-h"]).env("COLUMNS", "100").run().exits(0).stdout;
        let line = help.lines().find(|line| line.contains("--yes")).unwrap();
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            ["-y,", "--yes", "Do", "not", "ask"],
            "{help}"
        );
    }
}

#[test]
fn the_key_of_the_environment_is_named_where_it_is_used() {
    for (command, is_used) in [("create", true), ("rotate", true), ("update", false), ("replace", false)] {
        let help = Vwh::new().args([command, "--help"]).env("COLUMNS", "300").run().exits(0).stdout;
        let about: Vec<&str> = help.lines().filter(|line| line.contains("VWH_SIGNING_KEY")).collect();
        assert_eq!(about.len(), 1, "{help}");
        assert_eq!(about[0].contains("`VWH_SIGNING_KEY` is not used here"), !is_used, "{help}");
    }
}

#[test]
fn each_shell_completes_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let outcome = Vwh::new().args(["completions", shell]).run().exits(0);
        assert_eq!(outcome.stderr, "");
        for command in COMMANDS {
            let name = command.last().unwrap();
            assert!(outcome.stdout.contains(name), "{shell} lacks {name}");
        }
        assert!(outcome.stdout.contains("expiring-within"), "{shell} lacks a flag");
    }
    let _ = Vwh::new().args(["completions", "cmd"]).run().exits(2).without_answer().says("possible values");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let vwh = Vwh::new();
    let page = vwh.args(["man"]).run().exits(0);
    assert!(page.stdout.contains(".TH vwh 1") && !page.stdout.contains("vwh\\-help"), "{page}");
    for command in COMMANDS.iter().filter(|command| command.len() == 1) {
        assert!(page.stdout.contains(&command[0].replace('-', r"\-")), "{command:?}");
    }
    let folder = vwh.home().join("man1");
    fs::create_dir(&folder).unwrap();
    let outcome = vwh.args(["man", "man1"]).run().exits(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    for command in COMMANDS.iter().copied().chain([&[][..]]) {
        let name = [&["vwh"], command].concat().join("-") + ".1";
        let text = fs::read_to_string(folder.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(".SH SYNOPSIS"), "{name}");
    }
}

#[test]
fn a_manual_that_cannot_be_written_is_said() {
    let vwh = Vwh::new();
    let outcome = vwh.args(["man", "no/such/folder"]).run().exits(2).without_answer();
    let outcome = outcome.says("error: cannot write the manual into no/such/folder: ");
    let _ = outcome.says("hint: name an existing directory that you may write to");
    vwh.write("file", "");
    let _ = vwh.args(["man", "file"]).run().exits(2).without_answer().says("the manual into file");
}
