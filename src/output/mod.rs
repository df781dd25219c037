//! Everything that vwh writes, and the questions it asks. The only writer to stdout and stderr.
//!
//! stdout is the answer, stderr is the conversation (design §2). What things look like is decided by the pure renderers in
//! this folder; where they go, and whether, is decided here.

pub mod changes;
pub mod deliveries;
pub mod detail;
pub mod events;
pub mod feed;
pub mod fold;
pub mod plugin;
pub mod postings;
pub mod progress;
pub mod prometheus;
pub mod prompt;
pub mod records;
mod stopped;
pub mod table;
pub mod text;
pub mod trace;
pub mod verdicts;
pub mod webhooks;
pub mod when;

use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::webhook::json::{Secrets, to_line};
use deliveries::text::LineStyle;
use fold::{folded, hanging};
use text::inert;
use webhooks::TableStyle;

/// Why something could not be written, or asked.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever read our output has gone.
    #[error("broken pipe")]
    BrokenPipe,
    /// Ctrl-C at a question.
    #[error("interrupted")]
    Interrupted,
    /// Anything else, such as a full disk.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::BrokenPipe } else { Self::Io(error) }
    }
}

/// Which streams are terminals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

impl Terminals {
    /// The streams of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }
}

/// What was asked for, as far as output is concerned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Answers and errors are JSON.
    pub is_json: bool,
    /// Every column.
    pub is_wide: bool,
    /// Colour on (`Some(true)`), off, or by the stream.
    pub color: Option<bool>,
    /// `COLUMNS`.
    pub columns: Option<usize>,
    /// Nothing unless something failed.
    pub is_quiet: bool,
    /// `-v`.
    pub is_verbose: bool,
    /// A monitoring system runs the command and reads stdout alone: stderr stays empty unless `-v`.
    pub is_plugin: bool,
    /// Secrets as they are.
    pub secrets: Secrets,
}

/// The three streams and how to use them. Decided once.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    wishes: Wishes,
    terminals: Terminals,
    width: Option<usize>,
}

/// What a person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// Anything else, the end of input included.
    No,
}

/// An error as it is shown; the shape under `--json` is a contract.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorView<'a> {
    /// The kind's name.
    pub kind: &'a str,
    /// What failed, on what.
    pub message: &'a str,
    /// What to type next.
    pub hint: Option<&'a str>,
    /// The HTTP status, if a service answered.
    pub status: Option<u16>,
    /// Why, outermost first.
    pub causes: &'a [String],
    /// The profile it is about, where several were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<&'a str>,
}

impl Output {
    /// Output for these wishes on these streams.
    #[must_use]
    pub fn new(wishes: Wishes, terminals: Terminals) -> Self {
        let measured =
            || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        let width = wishes.columns.or_else(|| if terminals.stdout { measured() } else { None });
        Self { wishes, terminals, width }
    }

    /// Which streams are terminals.
    #[must_use]
    pub fn terminals(&self) -> Terminals {
        self.terminals
    }

    /// Whether secrets are shown.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        self.wishes.secrets
    }

    /// Whether stdout is coloured.
    #[must_use]
    pub fn colors_stdout(&self) -> bool {
        self.wishes.color.unwrap_or(self.terminals.stdout)
    }

    /// Whether stderr is coloured.
    #[must_use]
    pub fn colors_stderr(&self) -> bool {
        self.wishes.color.unwrap_or(self.terminals.stderr)
    }

    /// Columns of the terminal that notices go to; `None` if they go to none.
    #[must_use]
    pub fn notice_columns(&self) -> Option<usize> {
        let measured =
            || terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0));
        if self.terminals.stderr { self.wishes.columns.or_else(measured) } else { None }
    }

    /// How tables are drawn.
    #[must_use]
    pub fn table_style(&self) -> TableStyle {
        TableStyle {
            width: self.width,
            is_colored: self.colors_stdout(),
            is_wide: self.wishes.is_wide,
            shows_profile: false,
            secrets: self.wishes.secrets,
        }
    }

    /// How lines are drawn that come one by one.
    #[must_use]
    pub fn line_style(&self) -> LineStyle {
        LineStyle { width: self.width, is_colored: self.colors_stdout() }
    }

    /// Writes the answer to stdout, unless `--quiet`.
    pub fn answer(&self, text: &str) -> Result<(), OutputError> {
        if self.wishes.is_quiet { Ok(()) } else { self.answer_anyway(text) }
    }

    /// Writes the answer even under `--quiet`: something failed.
    pub fn answer_anyway(&self, text: &str) -> Result<(), OutputError> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// Writes CSV to stdout.
    pub fn answer_csv<R, F>(&self, head: &[&str], records: R) -> Result<(), OutputError>
    where
        R: IntoIterator<Item = F>,
        F: AsRef<[String]>,
    {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let wrapped = |error: csv::Error| OutputError::Io(io::Error::other(error));
        writer.write_record(head).map_err(wrapped)?;
        for record in records {
            writer.write_record(record.as_ref()).map_err(wrapped)?;
        }
        let bytes = writer.into_inner().map_err(|error| OutputError::Io(error.into_error()))?;
        self.answer(&String::from_utf8_lossy(&bytes))
    }

    /// Whether notices are shown: on a terminal or with `-v`, and not under `--quiet`.
    #[must_use]
    pub fn shows_notices(&self) -> bool {
        let is_watched = self.terminals.stderr && !self.wishes.is_plugin;
        (is_watched || self.wishes.is_verbose) && !self.wishes.is_quiet
    }

    /// Something nice to know. A stderr that cannot be written to is no reason to stop.
    pub fn notice(&self, text: &str) {
        if self.shows_notices() {
            self.say(&folded(&inert_lines(text), self.notice_columns()));
        }
    }

    /// Something that a person must know although the command goes on.
    pub fn warning(&self, text: &str) {
        if self.wishes.is_json {
            return self.say(&to_line(&serde_json::json!({ "warning": { "message": text } })));
        }
        self.say_part(&self.headed("warning", AnsiColor::Yellow, &inert_lines(text)));
    }

    /// An address that a person has to open for the command to go on.
    pub fn address(&self, what_to_do: &str, url: &str) {
        if self.wishes.is_json {
            return self
                .say(&to_line(&serde_json::json!({ "address": { "message": what_to_do, "url": url } })));
        }
        self.say(&format!("{what_to_do}:\n\n  {}\n", inert(url)));
    }

    /// Why the command failed, and what to type.
    pub fn error(&self, error: &ErrorView<'_>) {
        if self.wishes.is_json {
            #[derive(Serialize)]
            struct Wrapped<'a> {
                error: &'a ErrorView<'a>,
            }
            return self.say(&to_line(&Wrapped { error }));
        }
        let sentence = std::iter::once(error.message).chain(error.causes.iter().map(String::as_str));
        let sentence = sentence.map(inert).collect::<Vec<_>>().join(": ");
        let profile = error.profile.map(|profile| format!("profile {profile}: ")).unwrap_or_default();
        self.say_part(&self.headed("error", AnsiColor::Red, &format!("{profile}{sentence}")));
        if let Some(hint) = error.hint {
            self.say_part(&format!("\n{}", hanging("hint: ", &inert(hint), self.notice_columns())));
        }
    }

    /// `text` behind a coloured word, wrapped where it goes to a terminal, with a line end.
    fn headed(&self, word: &str, color: AnsiColor, text: &str) -> String {
        let style = if self.colors_stderr() {
            Style::new().bold().fg_color(Some(color.into()))
        } else {
            Style::new()
        };
        let head = format!("{word}:");
        let lines = hanging(&format!("{head} "), text, self.notice_columns());
        format!("{style}{head}{style:#}{}", &lines[head.len()..])
    }

    /// Parts an error from the next one, for people.
    pub fn part_errors(&self) {
        if !self.wishes.is_json {
            self.say("");
        }
    }

    /// What is wrong with the command line, in clap's own words.
    pub fn usage(&self, text: &str) {
        self.say_part(&folded(text, self.notice_columns()));
    }

    /// Writes a secret that was made in this run, once, to a terminal. It has a line of its own, where a double-click takes
    /// all of it and nothing else.
    pub fn show_once(&self, label: &str, secret: &str) {
        if self.terminals.stderr {
            self.say(&format!("{label}:\n{secret}"));
        }
    }

    fn say(&self, text: &str) {
        self.say_part(&format!("{text}\n"));
    }

    fn say_part(&self, text: &str) {
        if self.wishes.is_plugin && !self.wishes.is_verbose {
            return;
        }
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// `text` inert but for its line ends. Callers make cells and ids inert themselves, since only they know which line ends
/// are the service's; this is what keeps one that was forgotten from acting.
fn inert_lines(text: &str) -> String {
    text.split('\n').map(inert).collect::<Vec<_>>().join("\n")
}
