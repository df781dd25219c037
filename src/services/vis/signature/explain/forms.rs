//! In what the form that a signature fits differs from what was received, where both say the same.

use super::super::{Spelling, canonical};
use super::json::{COMPACT, Escapes, Node, Style};
use crate::services::respelling::compact;

/// What was otherwise when `event` was signed in its canonical form; it says the same.
#[must_use]
pub fn canonically(event: &str) -> String {
    let as_written = Style { is_sorted: false, escapes: Escapes::default(), layout: COMPACT };
    let unsorted = Node::read(event).map(|node| node.write(as_written)).unwrap_or_default();
    let without_blanks = compact(event);
    let is_sorted = canonical(event, Spelling::Utf8).is_ok_and(|canonical| canonical == unsorted);
    let differences = [
        (!is_sorted, "its members were in another order"),
        (without_blanks != event, "it was without the white space"),
        (without_blanks != unsorted, "its characters were not escaped where they are now"),
    ];
    let found: Vec<&str> =
        differences.into_iter().filter_map(|(is_it, what)| is_it.then_some(what)).collect();
    format!("when it was signed, {}; it says the same", found.join(", and "))
}

#[cfg(test)]
mod tests {
    use super::canonically;

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        for (event, told) in [
            (r#"{"b":1,"a":2}"#, "its members were in another order"),
            (r#"{"a": 2}"#, "it was without the white space"),
            (r#"{"a":"\u00fc"}"#, "its characters were not escaped where they are now"),
            (r#"{"a":"\/"}"#, "its characters were not escaped where they are now"),
            (r#"{"b":{"d":1,"c":"ü"},"e":1}"#, "its members were in another order"),
            (
                r#"{"b": "\u00fc", "a": 1}"#,
                "its members were in another order, and it was without the white space, and its characters were not \
                 escaped where they are now",
            ),
        ] {
            assert_eq!(
                canonically(event),
                format!("when it was signed, {told}; it says the same"),
                "{event}"
            );
        }
    }
}
