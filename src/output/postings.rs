//! What became of a delivery that vwh posted, in a line. Pure.

use anstyle::{AnsiColor, Style};

use super::text::{elided, state_column, width};
use super::webhooks::TableStyle;

/// The longest conclusion is `would mark failed`.
const CONCLUSION: usize = 17;

/// Less than this of an outcome says nothing; then the line is longer than the terminal is wide.
const LEAST_OUTCOME: usize = 20;

/// How good the news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As wanted.
    Good,
    /// Not settled.
    Doubtful,
    /// As bad as it gets.
    Bad,
    /// No news.
    Idle,
}

/// One delivery.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The state of its event, or its type.
    pub state: &'a str,
    /// The width of the widest.
    pub width: usize,
    /// What the service would have concluded.
    pub conclusion: &'static str,
    /// How good that is.
    pub tone: Tone,
    /// What the receiver answered last, inert.
    pub outcome: Option<String>,
    /// How many attempts there were, and how long they took.
    pub time: Option<String>,
}

/// The line, with its line end. Where there is a width, the outcome is cut to fit it.
#[must_use]
pub fn line(row: &Row<'_>, style: TableStyle) -> String {
    let color = if style.is_colored { color(row.tone) } else { Style::new() };
    let head = format!("{}  ", state_column(row.state, row.width));
    let conclusion = row.conclusion;
    let after = row.time.as_ref().map(|time| format!("  {time}")).unwrap_or_default();
    let taken = width(&head) + CONCLUSION + 2 + width(&after);
    let room = style.width.map_or(usize::MAX, |width| width.saturating_sub(taken).max(LEAST_OUTCOME));
    let outcome = row.outcome.as_deref().map(|outcome| elided(outcome, room)).unwrap_or_default();
    let padding = CONCLUSION - conclusion.len().min(CONCLUSION);
    let line = format!("{head}{color}{conclusion}{color:#}{:padding$}  {outcome}{after}", "");
    format!("{}\n", line.trim_end())
}

fn color(tone: Tone) -> Style {
    let color = match tone {
        Tone::Good => AnsiColor::Green,
        Tone::Doubtful => AnsiColor::Yellow,
        Tone::Bad => AnsiColor::Red,
        Tone::Idle => return Style::new().dimmed(),
    };
    Style::new().fg_color(Some(color.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: TableStyle = TableStyle::PLAIN;

    fn row(conclusion: &'static str, outcome: Option<&str>, time: Option<&str>) -> Row<'static> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Row {
            state: "RINGING",
            width: 0,
            conclusion,
            tone: Tone::Bad,
            outcome: own(outcome),
            time: own(time),
        }
    }

    #[test]
    fn columns_stand_under_each_other() {
        let lines = [
            row("delivered", Some("200 in 12 ms"), None),
            row("would mark failed", Some("500 : [no body]"), Some("6 attempts in 50 s")),
            row("not sent", None, None),
        ];
        assert_eq!(
            lines.map(|row| line(&row, PLAIN)),
            [
                "RINGING       delivered          200 in 12 ms\n",
                "RINGING       would mark failed  500 : [no body]  6 attempts in 50 s\n",
                "RINGING       not sent\n"
            ]
        );
    }

    #[test]
    fn only_the_outcome_yields_to_a_narrow_terminal() {
        let row = row("would mark failed", Some(&"long ".repeat(40)), Some("6 attempts in 50 s"));
        let narrow = |width| line(&row, TableStyle { width: Some(width), ..PLAIN });
        assert_eq!(width(narrow(80).trim_end()), 80);
        assert!(narrow(80).ends_with("…  6 attempts in 50 s\n"), "{}", narrow(80));
        assert!(narrow(10).starts_with("RINGING       would mark failed  long long long long…  6"));
    }

    #[test]
    fn a_state_that_acts_is_written_out() {
        let row = Row { state: "R\u{1b}[2J\n", ..row("not sent", None, None) };
        assert_eq!(line(&row, PLAIN), "R\\u{1b}[2J\\n  not sent\n");
        let colored = line(&row, TableStyle { is_colored: true, ..PLAIN });
        assert!(colored.contains("\u{1b}[31mnot sent\u{1b}[0m"), "{colored}");
    }
}
