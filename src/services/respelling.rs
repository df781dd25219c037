//! Other spellings of the same JSON, for the explanations of the rooms: what tools make of a body that they write anew.

/// The same without white space between its parts.
#[must_use]
pub(super) fn compact(json: &str) -> String {
    let (mut is_text, mut is_escaped) = (false, false);
    let keep = |character: &char| {
        let is_kept = is_text || !matches!(character, ' ' | '\t' | '\r' | '\n');
        match character {
            '"' if !is_escaped => is_text = !is_text,
            _ => {}
        }
        is_escaped = is_text && *character == '\\' && !is_escaped;
        is_kept
    };
    json.chars().filter(keep).collect()
}

/// What Go's encoder writes otherwise, and how.
const ESCAPED: [(&str, &str); 3] = [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")];

/// The same with `<`, `>` and `&` as Go's encoder writes them.
#[must_use]
pub(super) fn escaped(json: &str) -> String {
    ESCAPED.iter().fold(json.to_owned(), |text, (plain, escaped)| text.replace(plain, escaped))
}

/// The same with `<`, `>` and `&` as most others write them.
#[must_use]
pub(super) fn unescaped(json: &str) -> String {
    ESCAPED.iter().fold(json.to_owned(), |text, (plain, escaped)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_in_texts_stays() {
        assert_eq!(compact("{ \"a\\\\\" : [1,\n \"b \\\" c\" ] }\n"), r#"{"a\\":[1,"b \" c"]}"#);
    }

    #[test]
    fn escapes_go_both_ways() {
        assert_eq!(escaped("\"<&>\""), r#""\u003c\u0026\u003e""#);
        assert_eq!(unescaped(&escaped("\"<&>\"")), "\"<&>\"");
    }
}
