//! The files and folders that `vwh doctor` looked at, and what it means if others can read them or they are not there. Pure.

use std::path::{Path, PathBuf};

use super::{Check, Verdict};
use crate::error::Error;
use crate::files::Openness;
use crate::output::text::word;

/// A file or folder that matters.
pub(super) enum Seen {
    /// The state directory, which can be written to.
    State(PathBuf, Found),
    /// There is none, or it cannot be written to.
    NoState(Error),
    /// A file that vwh wrote.
    Own(Found, PathBuf),
    /// A file that the configuration names for a secret.
    Named(Found, PathBuf),
    /// One that only a unit of systemd has, as the configuration spells it.
    OfOtherUnit(PathBuf),
}

/// What others may do with a file, if it is there.
pub(super) type Found = std::io::Result<Option<Openness>>;

/// The worst of what was seen, and everything that is wrong.
pub(super) fn files(seen: &[Seen]) -> Check {
    let judged: Vec<Check> = seen.iter().filter_map(file).collect();
    let verdict = judged.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Skip);
    let told = judged.iter().filter(|check| check.verdict == verdict || check.verdict > Verdict::Pass);
    let (details, cures): (Vec<&str>, Vec<Option<&str>>) =
        told.map(|check| (check.detail.as_str(), check.cure.as_deref())).unzip();
    let cures: Vec<&str> = cures.into_iter().flatten().collect();
    let check = Check::new("files", verdict, details.join("; "));
    if cures.is_empty() { check } else { check.cure(cures.join("; ")) }
}

fn file(seen: &Seen) -> Option<Check> {
    let check = |verdict, detail: String| Some(Check::new("files", verdict, detail));
    let close = |mode: &str, path: &Path| format!("chmod {mode} {}", word(&path.display().to_string()));
    match seen {
        Seen::NoState(error) => Some(Check::of_error("files", Verdict::Fail, error)),
        Seen::State(path, Ok(Some(Openness::Exposed))) => {
            check(Verdict::Warn, format!("others can look into {}", path.display()))
                .map(|check| check.cure(close("700", path)))
        }
        Seen::State(path, _) => check(Verdict::Pass, format!("state in {}", path.display())),
        Seen::Own(Ok(Some(Openness::Exposed)), path) => {
            check(Verdict::Fail, format!("{} can be read by others", path.display()))
                .map(|check| check.cure(close("600", path)))
        }
        Seen::Named(Ok(Some(Openness::Exposed)), path) => {
            check(Verdict::Warn, format!("{} can be read by others", path.display()))
                .map(|check| check.cure(close("600", path)))
        }
        Seen::Named(Ok(None), path) => check(Verdict::Fail, format!("{} is not there", path.display()))
            .map(|check| check.cure("write the secret to that file, or name another in config.toml")),
        Seen::OfOtherUnit(path) => {
            check(Verdict::Warn, format!("{} cannot be looked at outside its systemd unit", path.display()))
                .map(|check| check.cure("run vwh doctor in the unit that has LoadCredential="))
        }
        Seen::Own(Err(error), path) | Seen::Named(Err(error), path) => {
            check(Verdict::Fail, format!("cannot look at {}: {error}", path.display()))
        }
        Seen::Own(..) | Seen::Named(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::Verdict;
    use super::{Openness, Seen};
    use crate::error::{Error, Kind};

    #[test]
    fn the_worst_file_decides_and_all_that_is_wrong_is_told() {
        let path = |name: &str| PathBuf::from(name);
        let state = || Seen::State(path("state"), Ok(Some(Openness::Private)));
        let judged = |seen: &[Seen]| {
            let check = super::files(seen);
            (check.verdict, check.detail, check.cure.unwrap_or_default())
        };
        assert_eq!(judged(&[state()]), (Verdict::Pass, "state in state".to_owned(), String::new()));
        assert_eq!(
            judged(&[
                state(),
                Seen::Own(Ok(Some(Openness::Exposed)), path("own")),
                Seen::Named(Ok(Some(Openness::Exposed)), path("my token")),
                Seen::Own(Ok(None), path("not yet")),
            ]),
            (
                Verdict::Fail,
                "own can be read by others; my token can be read by others".to_owned(),
                "chmod 600 own; chmod 600 'my token'".to_owned()
            )
        );
        assert_eq!(judged(&[state(), Seen::Named(Ok(None), path("gone"))]).0, Verdict::Fail);
        assert_eq!(judged(&[Seen::NoState(Error::new(Kind::Configuration, "no"))]).0, Verdict::Fail);
    }
}
