//! What a captured delivery's signature is worth, in a line, and why. Pure.

use anstyle::{AnsiColor, Style};

use super::fold::hanging;
use super::text::{id, inert, state_column};
use super::webhooks::TableStyle;

/// The longest verdict is `malformed`.
const VERDICT: usize = 9;

/// Most types of events are shorter.
const TYPE: usize = 24;

/// One delivery.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// What it is worth.
    pub verdict: &'static str,
    /// Whether it is verified.
    pub is_good: bool,
    /// The state of its event, or its type.
    pub state: Option<&'a str>,
    /// Whether that is a type, which is longer.
    pub is_typed: bool,
    /// What tells it apart from others.
    pub id: Option<&'a str>,
    /// The rest of the line.
    pub detail: Option<String>,
    /// Why it is so.
    pub explanation: Option<String>,
}

/// The line, and the lines below it that say why. The line is not cut to a width: what it is about has to stay whole.
#[must_use]
pub fn lines(row: &Row<'_>, style: TableStyle) -> String {
    let color = match (style.is_colored, row.is_good) {
        (true, true) => Style::new().fg_color(Some(AnsiColor::Green.into())),
        (true, false) => Style::new().fg_color(Some(AnsiColor::Red.into())),
        (false, _) => Style::new(),
    };
    let verdict = row.verdict;
    let padding = VERDICT.saturating_sub(verdict.len());
    let mut line = format!("{color}{verdict}{color:#}{:padding$}", "");
    if row.state.is_some() || row.id.is_some() {
        let column = if row.is_typed { TYPE } else { 0 };
        let state = state_column(row.state.unwrap_or("?"), column);
        line.push_str(&format!("  {state}  {}", id(row.id.unwrap_or("(no id)"))));
    }
    if let Some(detail) = &row.detail {
        line.push_str(&format!("  {}", inert(detail)));
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    if let Some(explanation) = &row.explanation {
        line.push_str(&hanging("  why: ", &inert(explanation), style.width));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: TableStyle = TableStyle::PLAIN;

    fn row() -> Row<'static> {
        Row {
            verdict: "forged",
            is_good: false,
            state: Some("RINGING"),
            is_typed: false,
            id: Some("65f0c0ffee0000000000a001"),
            detail: None,
            explanation: None,
        }
    }

    #[test]
    fn a_line_says_what_it_is_about() {
        assert_eq!(lines(&row(), PLAIN), "forged     RINGING       65f0c0ffee0000000000a001\n");
        let good = Row { verdict: "verified", is_good: true, detail: Some("key a".to_owned()), ..row() };
        assert_eq!(lines(&good, PLAIN), "verified   RINGING       65f0c0ffee0000000000a001  key a\n");
        let unnamed = Row { state: None, id: None, detail: Some("why\n".to_owned()), ..row() };
        assert_eq!(lines(&unnamed, PLAIN), "forged     why\\n\n");
        assert_eq!(lines(&Row { id: None, ..row() }, PLAIN), "forged     RINGING       (no id)\n");
    }

    #[test]
    fn what_a_sender_writes_does_not_fill_the_screen() {
        let (state, id) = ("\u{7}".repeat(500), "9".repeat(500));
        let line = lines(&Row { state: Some(&state), id: Some(&id), ..row() }, PLAIN);
        assert_eq!(line.chars().count(), 9 + 2 + 48 + 2 + 64 + 1, "{line}");
    }

    #[test]
    fn why_stands_below_and_is_wrapped() {
        let row = Row { explanation: Some("because of \u{1b}[2J something".to_owned()), ..row() };
        let narrow = lines(&row, TableStyle { width: Some(28), ..PLAIN });
        assert_eq!(
            narrow,
            "forged     RINGING       65f0c0ffee0000000000a001\n  why: because of \\u{1b}[2J\n       something\n"
        );
        let colored = lines(&row, TableStyle { is_colored: true, ..PLAIN });
        assert!(colored.starts_with("\u{1b}[31mforged\u{1b}[0m     RINGING"), "{colored}");
    }
}
