//! What `vwh check` tells a monitoring system: one line as its plugins write it, or one JSON object. Pure.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::text::{elided, inert};
use crate::webhook::Health;
use crate::webhook::json::to_line;

/// Names of webhooks that the line repeats; JSON has all ids.
const NAMES: usize = 3;

/// Columns of a name, so that one long url does not push the rest out of a monitoring system's window.
const NAME_WIDTH: usize = 80;

/// How it stands, the worst last: a known fault outweighs what could not be found out, and that outweighs a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing to do.
    Ok,
    /// To be looked at.
    Warning,
    /// It could not be found out.
    Unknown,
    /// Events are being lost.
    Critical,
}

impl State {
    /// The word in the line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Unknown => "UNKNOWN",
            Self::Critical => "CRITICAL",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub state: State,
    /// Whose; `None` for what concerns all of them.
    pub profile: Option<String>,
    /// What, in a few words.
    pub what: String,
    /// The webhooks it is about.
    pub ids: Vec<String>,
    /// The same as a person knows them: their urls as they are shown.
    pub names: Vec<String>,
}

/// A number for the graphs of a monitoring system, never below zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// Letters and underscores.
    pub label: &'static str,
    /// A decimal number, with its unit if it has one.
    pub value: String,
    /// The range outside of which it is a warning, or nothing.
    pub warning: String,
    /// The range outside of which it is critical, or nothing.
    pub critical: String,
    /// The most it can be.
    #[serde(skip)]
    pub greatest: Option<u32>,
}

/// One profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its service's name, as far as it is known.
    pub service: Option<&'static str>,
    /// How many webhooks are of each health; `None` if it could not be read.
    pub healths: Option<[(Health, usize); 8]>,
    /// Why it could not be read, as errors look in JSON.
    pub error: Option<Value>,
    /// The numbers.
    pub measures: Vec<Measure>,
}

/// All that was found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whether several profiles were asked for.
    pub is_several: bool,
    /// Worst first.
    pub problems: Vec<Problem>,
    /// In order of their names.
    pub profiles: Vec<Profile>,
}

/// The JSON of `vwh check`; a contract.
#[derive(Serialize)]
struct VerdictView<'a> {
    state: &'static str,
    code: u8,
    message: String,
    problems: Vec<ProblemView<'a>>,
    profiles: Vec<ProfileView<'a>>,
}

#[derive(Serialize)]
struct ProblemView<'a> {
    severity: &'static str,
    profile: Option<&'a str>,
    what: &'a str,
    ids: &'a [String],
}

#[derive(Serialize)]
struct ProfileView<'a> {
    profile: &'a str,
    service: Option<&'static str>,
    webhooks: Option<usize>,
    health: Option<Map<String, Value>>,
    error: Option<&'a Value>,
    measures: &'a [Measure],
}

impl Verdict {
    /// The worst of it.
    #[must_use]
    pub fn state(&self) -> State {
        self.problems.iter().map(|problem| problem.state).max().unwrap_or(State::Ok)
    }

    /// `VWH CRITICAL - 2 of 8 failed (503 since 02:21Z) | 'webhooks'=8;;;0`, with its line end.
    ///
    /// What stands before the bar holds no other bar, no line end and no control character.
    #[must_use]
    pub fn line(&self) -> String {
        let text = inert(&self.message()).replace('|', r"\u{7c}");
        let mut line = format!("VWH {} - {text}", self.state().name());
        let measures = self.profiles.iter().flat_map(|profile| {
            profile.measures.iter().map(|measure| measure.text(self.is_several.then_some(&profile.name)))
        });
        let measures: Vec<String> = measures.collect();
        if !measures.is_empty() {
            line.push_str(" | ");
            line.push_str(&measures.join(" "));
        }
        line.push('\n');
        line
    }

    /// One JSON object with its line end; `code` is the exit code.
    #[must_use]
    pub fn json(&self, code: u8) -> String {
        let problem = |problem| {
            let Problem { state, profile, what, ids, .. }: &Problem = problem;
            ProblemView { severity: state.name(), profile: profile.as_deref(), what, ids }
        };
        let profile = |profile| {
            let Profile { name, service, healths, error, measures }: &Profile = profile;
            ProfileView {
                profile: name,
                service: *service,
                webhooks: healths.map(|healths| total(&healths)),
                health: healths.map(|healths| {
                    healths
                        .iter()
                        .map(|(health, count)| (health.name().to_owned(), (*count).into()))
                        .collect()
                }),
                error: error.as_ref(),
                measures,
            }
        };
        let view = VerdictView {
            state: self.state().name(),
            code,
            message: self.message(),
            problems: self.problems.iter().map(problem).collect(),
            profiles: self.profiles.iter().map(profile).collect(),
        };
        to_line(&view) + "\n"
    }

    /// What is the matter, the worst first and with the names of whom it concerns; or how many are well.
    fn message(&self) -> String {
        let mut groups: Vec<(&Problem, Vec<&Problem>)> = Vec::new();
        for problem in &self.problems {
            let is_alike =
                |first: &Problem| (first.state, &first.profile) == (problem.state, &problem.profile);
            match groups.iter_mut().find(|(first, _)| is_alike(first)) {
                Some((_, group)) => group.push(problem),
                None => groups.push((problem, vec![problem])),
            }
        }
        if groups.is_empty() {
            return self.well();
        }
        let mut left = NAMES;
        let group = |(first, mut group): (&Problem, Vec<&Problem>)| {
            // The names stand behind what they are about.
            group.sort_by_key(|problem| !problem.names.is_empty());
            let whats = group.iter().map(|problem| problem.what.as_str()).collect::<Vec<_>>().join(", ");
            let profile = first.profile.as_ref().filter(|_| self.is_several);
            let prefix = profile.map(|profile| format!("{profile}: ")).unwrap_or_default();
            let names = if first.state == self.state() { names(&group, &mut left) } else { String::new() };
            format!("{prefix}{whats}{names}")
        };
        groups.into_iter().map(group).collect::<Vec<_>>().join("; ")
    }

    /// `8 webhooks: 7 ok, 1 idle`.
    fn well(&self) -> String {
        let mut healths = Health::ALL.map(|health| (health, 0));
        for (position, (_, count)) in healths.iter_mut().enumerate() {
            *count = self.profiles.iter().filter_map(|profile| Some(profile.healths?[position].1)).sum();
        }
        let noun = if total(&healths) == 1 { "webhook" } else { "webhooks" };
        let profiles =
            if self.is_several { format!(" in {} profiles", self.profiles.len()) } else { String::new() };
        let words = healths.iter().filter(|(_, count)| *count > 0);
        let words = words.map(|(health, count)| format!("{count} {health}")).collect::<Vec<_>>().join(", ");
        let colon = if words.is_empty() { "" } else { ": " };
        format!("{} {noun}{profiles}{colon}{words}", total(&healths))
    }
}

/// `: https://a, https://b and 2 more`, with no more than `left` of them, which are then fewer.
fn names(problems: &[&Problem], left: &mut usize) -> String {
    let mut seen = HashSet::new();
    let names = problems.iter().flat_map(|problem| &problem.names).map(String::as_str);
    let names: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
    let shown: Vec<_> = names.iter().take(*left).map(|name| elided(name, NAME_WIDTH)).collect();
    *left -= shown.len();
    match names.len() - shown.len() {
        _ if shown.is_empty() => String::new(),
        0 => format!(": {}", shown.join(", ")),
        more => format!(": {} and {more} more", shown.join(", ")),
    }
}

impl Measure {
    /// `'webhooks'=8;;;0`; of several profiles `'office webhooks'=8;;;0`.
    fn text(&self, profile: Option<&String>) -> String {
        let prefix = profile.map(|profile| format!("{profile} ")).unwrap_or_default();
        let Self { label, value, warning, critical, greatest } = self;
        let mut text = format!("'{prefix}{label}'={value};{warning};{critical};0");
        if let Some(greatest) = greatest {
            let _ = write!(text, ";{greatest}");
        }
        text
    }
}

fn total(healths: &[(Health, usize)]) -> usize {
    healths.iter().map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Measure, Problem, Profile, State, Verdict};
    use crate::webhook::rewrite::is_unsafe;

    fn problem(state: State, what: &str, names: &[&str]) -> Problem {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Problem { state, profile: Some("p".into()), what: what.into(), ids: names.clone(), names }
    }

    fn verdict(is_several: bool, problems: Vec<Problem>) -> Verdict {
        let measure = Measure {
            label: "failed",
            value: "2".into(),
            warning: String::new(),
            critical: "0".into(),
            greatest: None,
        };
        let profile = Profile {
            name: "p".into(),
            service: Some("vis"),
            healths: None,
            error: None,
            measures: vec![measure],
        };
        Verdict { is_several, problems, profiles: vec![profile] }
    }

    #[test]
    fn three_are_named_and_the_rest_counted() {
        let problems = vec![
            problem(State::Critical, "2 failed", &["a", "b"]),
            problem(State::Critical, "4 expired", &["b", "c", "d", "e"]),
            problem(State::Warning, "1 idle", &["z"]),
        ];
        let line = verdict(false, problems.clone()).line();
        assert_eq!(
            line,
            "VWH CRITICAL - 2 failed, 4 expired: a, b, c and 2 more; 1 idle | 'failed'=2;;0;0\n"
        );
        let line = verdict(true, problems).line();
        assert_eq!(
            line,
            "VWH CRITICAL - p: 2 failed, 4 expired: a, b, c and 2 more; p: 1 idle | 'p failed'=2;;0;0\n"
        );
    }

    #[test]
    fn not_knowing_outweighs_a_warning_and_a_fault_outweighs_both() {
        let states = [State::Ok, State::Warning, State::Unknown, State::Critical];
        assert!(states.is_sorted());
    }

    proptest! {
        #[test]
        fn it_is_one_line_with_one_bar(what in r"(\PC|.|\n|\|)*", name in r"(\PC|.|\n|\|)*") {
            let line = verdict(false, vec![problem(State::Critical, &what, &[&name])]).line();
            let body = line.strip_suffix('\n').unwrap_or_default();
            prop_assert!(!body.chars().any(is_unsafe));
            prop_assert_eq!(body.matches('|').count(), 1);
        }
    }
}
