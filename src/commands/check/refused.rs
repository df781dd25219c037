//! What can be told of a command line that clap refused: whether it was a `check`, and how that was to answer. Pure.
//!
//! A monitoring system takes exit code 2 for CRITICAL, so a mistyped `check` must not end as a mistyped `list` does.

use std::ffi::OsString;

use clap::Command;

/// The name of the command.
const NAME: &str = "check";

/// Whether the command of `args`, program name first, is `check`; `root` knows the global flags and which take a value.
#[must_use]
pub fn is_check(args: &[OsString], root: &Command) -> bool {
    let args: Vec<_> = args.iter().skip(1).map(|arg| arg.to_string_lossy()).collect();
    let mut rest = args.iter().map(AsRef::as_ref).take_while(|arg: &&str| *arg != "--");
    while let Some(arg) = rest.next() {
        if !arg.starts_with('-') || arg == "-" {
            return arg == NAME;
        }
        if takes_next(arg, root) {
            rest.next();
        }
    }
    // With no command left, one may have been taken for the value of a flag that lost its own: `-p $UNSET check`.
    args.iter().any(|arg| arg == NAME)
}

/// Whether the flag `arg` has its value in the next argument.
fn takes_next(arg: &str, root: &Command) -> bool {
    let takes_value = |is_it: &dyn Fn(&clap::Arg) -> bool| {
        root.get_arguments().any(|flag| is_it(flag) && flag.get_action().takes_values())
    };
    if let Some(name) = arg.strip_prefix("--") {
        return takes_value(&|flag| flag.get_long() == Some(name));
    }
    // Short flags may stand together, and what follows one that takes a value is its value.
    let mut letters =
        arg.chars().skip(1).skip_while(|letter| !takes_value(&|flag| flag.get_short() == Some(*letter)));
    letters.next().is_some() && letters.next().is_none()
}

/// Whether the last `--format` of `args` asks for JSON; `None` if there is none.
#[must_use]
pub fn format_is_json(args: &[OsString]) -> Option<bool> {
    let mut formats = Vec::new();
    let mut args = args.iter().map(|arg| arg.to_string_lossy());
    while let Some(arg) = args.next() {
        if arg == "--format" {
            formats.extend(args.next().map(|value| value == "json"));
        } else if let Some(value) = arg.strip_prefix("--format=") {
            formats.push(value == "json");
        }
    }
    formats.pop()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory as _;

    use super::{format_is_json, is_check};
    use crate::cli::Cli;

    fn arguments(line: &str) -> Vec<OsString> {
        std::iter::once("vwh").chain(line.split(' ')).map(OsString::from).collect()
    }

    #[test]
    fn the_command_is_found_behind_flags_with_values() {
        for line in [
            "check --bogus",
            "-p check check --bogus",
            "-pcheck check",
            "-qp office check --min",
            "--profile office --timeout 5s check x",
            "--profile=office -vvojson --color never check x",
            "--bogus check",
            "-p check",
            "--timeout soon check",
        ] {
            assert!(is_check(&arguments(line), &Cli::command()), "{line}");
        }
        for line in
            ["list check", "-p check list --bogus", "--output check status", "sandbox check", "-qv list"]
        {
            assert!(!is_check(&arguments(line), &Cli::command()), "{line}");
        }
    }

    #[test]
    fn the_last_format_counts() {
        assert_eq!(format_is_json(&arguments("check --format json --bogus")), Some(true));
        assert_eq!(format_is_json(&arguments("check --format=json --format nagios")), Some(false));
        assert_eq!(format_is_json(&arguments("check --json")), None);
    }
}
