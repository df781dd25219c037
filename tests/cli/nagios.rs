//! Reads the line of `vwh check` as the guidelines for monitoring plugins have it. It has no tests.

use regex_lite::Regex;

use crate::support::Outcome;

/// The line, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) state: String,
    /// What a person reads.
    pub(crate) text: String,
    /// Label, value, warning, critical, and what follows them.
    measures: Vec<[String; 5]>,
}

impl Line {
    /// Reads what `outcome` has on stdout; its exit code must say the same, and its stderr nothing.
    #[track_caller]
    pub(crate) fn of(outcome: &Outcome) -> Self {
        assert_eq!(outcome.stderr, "", "{outcome}");
        let line = Self::read(&outcome.stdout).unwrap_or_else(|| panic!("no plugin's line: {outcome}"));
        let states = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
        let code =
            states.iter().position(|state| *state == line.state).map(|code| i32::try_from(code).unwrap());
        assert_eq!(outcome.code, code, "{outcome}");
        line
    }

    fn read(stdout: &str) -> Option<Self> {
        let line = stdout.strip_suffix('\n')?;
        let (text, measures) = line.split_once(" | ").map_or((line, None), |(text, rest)| (text, Some(rest)));
        if line.chars().any(char::is_control) || text.contains('|') {
            return None;
        }
        let (state, text) = text.strip_prefix("VWH ")?.split_once(" - ")?;
        let measures = measures.map_or(Some(Vec::new()), read_measures)?;
        Some(Self { state: state.to_owned(), text: text.to_owned(), measures })
    }

    /// `value;warning;critical` of a measure.
    #[track_caller]
    pub(crate) fn measure(&self, label: &str) -> String {
        let mut measures = self.measures.iter().filter(|measure| measure[0] == label);
        let measure = measures.next().unwrap_or_else(|| panic!("no {label} in {self:?}"));
        assert!(measures.next().is_none(), "{label} twice in {self:?}");
        measure[1..4].join(";")
    }

    /// The labels, in order.
    pub(crate) fn labels(&self) -> Vec<&str> {
        self.measures.iter().map(|measure| measure[0].as_str()).collect()
    }
}

/// `'label'=value[UOM];[warn];[crit];[min];[max]`, one blank between.
fn read_measures(text: &str) -> Option<Vec<[String; 5]>> {
    let range = r"(?:@?(?:~|-?[0-9.]+)?:?(?:-?[0-9.]+)?)?";
    let pattern = format!(r"^'([^'=]+)'=(-?[0-9.]+%?);({range});({range});(-?[0-9.]*(?:;-?[0-9.]*)?)(?: |$)");
    let pattern = Regex::new(&pattern).unwrap();
    let mut measures = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let found = pattern.captures(rest)?;
        measures.push([1, 2, 3, 4, 5].map(|group| found[group].to_owned()));
        rest = &rest[found[0].len()..];
    }
    Some(measures)
}
