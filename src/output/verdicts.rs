//! What a captured delivery's signature is worth, in a line, and why. Pure.

use anstyle::{AnsiColor, Style};

use super::fold::{folded, hanging};
use super::text::{id, inert, state_column, width};
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
    /// The rest of the line, and what there may be instead of it where there is less and less room.
    pub details: Vec<String>,
    /// Why it is so.
    pub explanation: Option<String>,
}

/// The line, and the lines below it that say why. The line is never cut: what it is about has to stay whole.
#[must_use]
pub fn lines(row: &Row<'_>, style: TableStyle) -> String {
    let color = match (style.is_colored, row.is_good) {
        (true, true) => Style::new().fg_color(Some(AnsiColor::Green.into())),
        (true, false) => Style::new().fg_color(Some(AnsiColor::Red.into())),
        (false, _) => Style::new(),
    };
    let verdict = row.verdict;
    let padding = VERDICT.saturating_sub(verdict.len());
    let mut line = format!("{verdict}{:padding$}", "");
    if row.state.is_some() || row.id.is_some() {
        let column = if row.is_typed { TYPE } else { 0 };
        let state = state_column(row.state.unwrap_or("?"), column);
        line.push_str(&format!("  {state}  {}", id(row.id.unwrap_or("(no id)"))));
    }
    let with = |detail: &String| format!("{line}  {}", inert(detail)).trim_end().to_owned();
    let fits = |line: &String| style.width.is_none_or(|columns| width(line) <= columns);
    let shown = row.details.iter().map(with).find(fits);
    let shown = shown.or_else(|| row.details.last().map(with)).unwrap_or(line);
    let shown = folded(shown.trim_end(), style.width);
    let mut line = format!("{color}{verdict}{color:#}{}\n", &shown[verdict.len()..]);
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
            details: Vec::new(),
            explanation: None,
        }
    }

    #[test]
    fn a_line_says_what_it_is_about() {
        assert_eq!(lines(&row(), PLAIN), "forged     RINGING       65f0c0ffee0000000000a001\n");
        let good = Row { verdict: "verified", is_good: true, details: vec!["key a".to_owned()], ..row() };
        assert_eq!(lines(&good, PLAIN), "verified   RINGING       65f0c0ffee0000000000a001  key a\n");
        let unnamed = Row { state: None, id: None, details: vec!["why\n".to_owned()], ..row() };
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
    fn what_has_no_room_is_said_shorter_or_below() {
        let details = ["key a.key  (as received)", "key a.key"].map(str::to_owned).to_vec();
        let row = Row { verdict: "verified", is_good: true, details, ..row() };
        let at = |columns| lines(&row, TableStyle { width: Some(columns), ..PLAIN });
        let start = "verified   RINGING       65f0c0ffee0000000000a001";
        assert_eq!(at(80), format!("{start}  key a.key  (as received)\n"));
        assert_eq!(at(60), format!("{start}  key a.key\n"));
        assert_eq!(at(54), format!("{start}\n  key a.key\n"));
    }

    #[test]
    fn why_stands_below_and_is_wrapped() {
        let row = Row { explanation: Some("because of \u{1b}[2J something".to_owned()), ..row() };
        let narrow = lines(&row, TableStyle { width: Some(28), ..PLAIN });
        assert_eq!(
            narrow,
            "forged     RINGING\n  65f0c0ffee0000000000a001\n  why: because of \\u{1b}[2J\n       something\n"
        );
        let colored = lines(&row, TableStyle { is_colored: true, ..PLAIN });
        assert!(colored.starts_with("\u{1b}[31mforged\u{1b}[0m     RINGING"), "{colored}");
    }
}
