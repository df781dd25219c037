//! What a run of vwh left behind: exit code and streams, and one text of all of it for snapshots.

use std::fmt;
use std::path::PathBuf;

use regex_lite::Regex;
use serde_json::Value;

/// The outcome of one run. A test that looks at none of it proves nothing, hence `must_use`.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Outcome {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// What the terminal showed, when there was one.
    pub(crate) screen: Option<String>,
    pub(super) home: PathBuf,
}

impl Outcome {
    /// Fails unless the run ended with `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}", self.snapshot());
        self
    }

    /// Fails unless stderr contains `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr lacks {text:?}\n{}", self.snapshot());
        self
    }

    /// Fails unless stdout is empty.
    #[track_caller]
    pub(crate) fn without_answer(self) -> Self {
        assert_eq!(self.stdout, "", "\n{}", self.snapshot());
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{}", self.snapshot()))
    }

    /// The `error` object of `--json`: the one line of stderr that is a JSON object.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let objects: Vec<Value> =
            self.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let [object] = objects.as_slice() else { panic!("no single error object\n{}", self.snapshot()) };
        object["error"].clone()
    }

    /// Exit code and streams in one text, with ports and the temporary folder replaced.
    pub(crate) fn snapshot(&self) -> String {
        let code = self.code.map_or_else(|| "by signal".to_owned(), |code| code.to_string());
        let screen = self.screen.as_ref().map_or_else(String::new, |screen| format!("--- screen\n{screen}"));
        let text = format!("exit: {code}\n{screen}--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr);
        let home = self.home.display().to_string();
        // In JSON a Windows path has its backslashes doubled.
        let text = text.replace(&home.replace('\\', r"\\"), "[HOME]").replace(&home, "[HOME]");
        // clap names the program as it was started.
        let text = text.replace("vwh.exe", "vwh");
        replaced(&text, r"(127\.0\.0\.1|localhost):\d+", "$1:[PORT]")
    }

    /// The same with `[UUID]` for every UUID.
    pub(crate) fn hiding_ids(self) -> Self {
        self.mapped(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[UUID]")
    }

    /// The same with `[TIME]` for every RFC 3339 time, and for its short form such as `03:00Z`.
    pub(crate) fn hiding_times(self) -> Self {
        self.mapped(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)|\b\d\d:\d\d(:\d\d)?Z", "[TIME]")
    }

    /// The same with `[DURATION]` for every length of time in milliseconds.
    pub(crate) fn hiding_durations(self) -> Self {
        self.mapped(r"\b\d+ ms\b", "[DURATION]")
    }

    /// The same with `␛` for every escape character, so that a snapshot shows colours as text.
    pub(crate) fn showing_escapes(self) -> Self {
        self.mapped("\u{1b}", "␛")
    }

    fn mapped(mut self, pattern: &str, replacement: &str) -> Self {
        self.stdout = replaced(&self.stdout, pattern, replacement);
        self.stderr = replaced(&self.stderr, pattern, replacement);
        self.screen = self.screen.map(|screen| replaced(&screen, pattern, replacement));
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.snapshot())
    }
}

fn replaced(text: &str, pattern: &str, replacement: &str) -> String {
    Regex::new(pattern).expect("a valid pattern").replace_all(text, replacement).into_owned()
}
