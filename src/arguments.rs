//! What the command line says as it was typed, for what clap cannot tell: lines that it refuses, and flags that it forgets.

use std::ffi::OsString;

/// Whether errors are to be JSON.
pub(crate) fn ask_for_json(args: &[OsString]) -> bool {
    let mut args = args.iter().filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        let format = match format_in(arg) {
            Some("") => args.next(),
            format => format,
        };
        if matches!(format, Some("json" | "jsonl")) {
            return true;
        }
    }
    false
}

/// Whether colour is on or off, as far as that is said.
pub(crate) fn color(args: &[OsString]) -> Option<bool> {
    let mut args = args.iter().filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    let mut color = None;
    while let Some(arg) = args.next() {
        let when = if arg == "--color" { args.next() } else { arg.strip_prefix("--color=") };
        color = match when {
            Some("always") => Some(true),
            Some("never") => Some(false),
            _ => color,
        };
    }
    color
}

/// The format that an argument asks for; an empty one if it is the next argument.
fn format_in(arg: &str) -> Option<&str> {
    match arg {
        "--json" => Some("json"),
        "--output" => Some(""),
        _ if arg.starts_with("--") => arg.strip_prefix("--output="),
        // Short flags may stand together: `-qojson`.
        _ => {
            let value = arg.strip_prefix('-')?.trim_start_matches(['q', 'v']).strip_prefix('o')?;
            Some(value.strip_prefix('=').unwrap_or(value))
        }
    }
}

/// How many times a profile is named.
pub(crate) fn profiles(args: &[OsString]) -> usize {
    let args = args.iter().filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    let names_profile = |arg: &&str| match arg.strip_prefix("--") {
        Some(long) => long == "profile" || long.starts_with("profile="),
        // Short flags may stand together: `-qp office`.
        None => arg
            .strip_prefix('-')
            .is_some_and(|short| short.trim_start_matches(['q', 'v', 'y']).starts_with('p')),
    };
    args.filter(names_profile).count()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{ask_for_json, color, profiles};

    fn typed(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn each_way_to_name_a_profile_counts() {
        for (line, count) in [
            ("vwh list", 0),
            ("vwh -p a list", 1),
            ("vwh -pa list --profile b", 2),
            ("vwh -qp a list --profile=b -vp=c", 3),
            ("vwh list -y -o prometheus --url p", 0),
            ("vwh delete -p a -- -p b", 1),
        ] {
            assert_eq!(profiles(&typed(line)), count, "{line}");
        }
    }

    #[test]
    fn colour_is_on_or_off_or_left_to_the_stream() {
        for (line, expected) in [
            ("vwh list --color never --help", Some(false)),
            ("vwh --color=always list", Some(true)),
            ("vwh list --color auto", None),
            ("vwh list --color", None),
            ("vwh list -- --color never", None),
        ] {
            assert_eq!(color(&typed(line)), expected, "{line}");
        }
    }

    #[test]
    fn json_is_asked_for_in_many_ways() {
        for line in ["vwh list --json", "vwh -o json list", "vwh list -qojsonl", "vwh --output=json x"] {
            assert!(ask_for_json(&typed(line)), "{line}");
        }
        assert!(!ask_for_json(&typed("vwh list -- --json")));
    }
}
