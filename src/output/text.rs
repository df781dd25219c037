//! Makes text that came from a service inert before it reaches a terminal or a table. Pure.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::markup::{page_title, shortened};
use crate::quoting::quoted;
use crate::webhook::rewrite::is_unsafe;

/// `text` with every character that could act on a terminal written as an escape such as `\u{1b}`.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_unsafe(character) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// `text` as one word of a command that a person may paste into a shell: inert, and quoted where a shell would act on it.
#[must_use]
pub fn word(text: &str) -> Cow<'_, str> {
    match inert(text) {
        Cow::Borrowed(text) => quoted(text),
        Cow::Owned(text) => Cow::Owned(quoted(&text).into_owned()),
    }
}

/// Columns that `text` takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Marks that combine with a character take no room; more of them than this for each column is no writing.
const MARKS: usize = 4;

/// The start of `text` that fits into `columns`, with `…` where something was left out.
#[must_use]
pub fn elided(text: &str, columns: usize) -> Cow<'_, str> {
    let longest = columns.saturating_mul(1 + MARKS);
    let is_short = text.len() <= columns || text.chars().nth(longest).is_none();
    if is_short && width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut taken = 0;
    let fits = |character: &char| {
        taken += character.width().unwrap_or(0);
        taken < columns
    };
    let start: String = text.chars().take(longest).take_while(fits).collect();
    Cow::Owned(format!("{start}…"))
}

/// An id of a service has 36 characters at most; a sender may write any.
const LONGEST_ID: usize = 64;

/// An id in a line for people.
#[must_use]
pub fn id(text: &str) -> String {
    elided(&inert(text), LONGEST_ID).into_owned()
}

/// The longest documented state is `INITIALIZING`; types of events are longer, and a sender may write any.
const STATE: usize = 12;
const LONGEST_STATE: usize = 48;

/// The state of an event, or its type, in a line for people.
#[must_use]
pub fn state(text: &str) -> String {
    elided(&inert(text), LONGEST_STATE).into_owned()
}

/// The same as a column that is at least `columns` wide.
#[must_use]
pub fn state_column(text: &str, columns: usize) -> String {
    let state = state(text);
    let padding = columns.max(STATE).saturating_sub(width(&state));
    format!("{state}{:padding$}", "")
}

/// What a receiver answered, as the service keeps it (vis §4), in one inert line: an HTML page is reduced to its title.
#[must_use]
pub fn error_message(message: &str) -> String {
    let line = match (message.split_once(": ["), page_title(message)) {
        (Some((status, _)), Some(title)) => format!("{status}: an HTML page titled “{title}”"),
        (None, Some(title)) => format!("an HTML page titled “{title}”"),
        (_, None) => shortened(message),
    };
    inert(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{LONGEST_STATE, elided, error_message, id, inert, state_column, width, word};
    use crate::webhook::rewrite::is_unsafe;

    #[test]
    fn what_acts_is_written_out() {
        assert_eq!(inert("a\u{1b}[31m\u{9b}2J\u{202e}b\n\u{7}"), "a\\u{1b}[31m\\u{9b}2J\\u{202e}b\\n\\u{7}");
        assert_eq!(inert("Zoë ok"), "Zoë ok");
    }

    #[test]
    fn a_word_is_nothing_more_to_a_shell() {
        assert_eq!(word("5b0c3333-1f77"), "5b0c3333-1f77");
        assert_eq!(word("x; rm -rf ~ `id` $(id)"), "'x; rm -rf ~ `id` $(id)'");
        assert_eq!(word("it's\u{1b}"), r"'it'\''s\u{1b}'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn wide_characters_are_counted_as_two() {
        assert_eq!(width("日本"), 4);
        assert_eq!(elided("日本語", 5), "日本…");
        assert_eq!(elided("abc", 3), "abc");
        assert_eq!(elided("abcd", 3), "ab…");
    }

    #[test]
    fn a_state_keeps_its_column() {
        assert_eq!(state_column("HELD", 0), "HELD        ");
        assert_eq!(state_column("HELD", 14), "HELD          ");
        let long = state_column(&"\u{1b}\n".repeat(1_000), 0);
        assert!(width(&long) <= LONGEST_STATE && long.ends_with('…'), "{long}");
        assert_eq!(id("65f0c0ffee0000000000a001"), "65f0c0ffee0000000000a001");
        assert_eq!(width(&id(&"x".repeat(65))), 64);
    }

    #[test]
    fn an_html_page_is_its_title() {
        let message = "500 INTERNAL SERVER ERROR: [<!DOCTYPE HTML>\n<html><title>Name\u{1b}Error</title>... (19777 bytes)]";
        assert_eq!(
            error_message(message),
            "500 INTERNAL SERVER ERROR: an HTML page titled “Name\\u{1b}Error”"
        );
        assert_eq!(error_message("503 : [no body]"), "503 : [no body]");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_gets_through(text in ".*", columns in 1_usize..40) {
            let safe = inert(&text);
            assert!(!safe.chars().any(is_unsafe));
            assert!(width(&elided(&safe, columns)) <= columns);
        }
    }
}
