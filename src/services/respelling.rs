//! Other spellings of the same JSON, for the explanations of the rooms: what tools make of a body that they write anew.

pub(super) mod javascript;

use std::fmt::Write as _;

/// What is said where characters alone are spelled otherwise.
pub(super) const ESCAPES: &str = "characters beyond ASCII were escaped in the body (as \\u00eb), or the other way round: check the \
                                  bytes as they arrive, before they are parsed";

/// What a body as a whole was signed as, if it was altered in a way that people's tools alter bodies: the name of each cause, a
/// sentence, and the text.
pub(super) fn of_body(body: &str) -> impl Iterator<Item = (&'static str, &'static str, String)> {
    const LINE_END: &str = "a line end was added to the body or taken off: keep its bytes as they arrive";
    const BLANKS: &str = "the body was written anew with other white space: check the bytes as they arrive, before they are parsed";
    [
        ("line-end", LINE_END, body.trim_end_matches(['\r', '\n']).to_owned()),
        ("line-end", LINE_END, format!("{body}\n")),
        ("line-end", LINE_END, format!("{body}\r\n")),
        ("re-serialised", BLANKS, compact(body)),
        ("escapes", ESCAPES, in_characters(body)),
        ("escapes", ESCAPES, in_ascii(body)),
    ]
    .into_iter()
}

/// The same for its numbers alone.
pub(super) fn of_numbers(body: &str) -> impl Iterator<Item = (&'static str, &'static str, String)> {
    const NUMBERS: &str = "its numbers were written anew as JavaScript does (1.50 as 1.5, 7340013123456789123 as \
                           7340013123456790000): check the bytes as they arrive, before they are parsed";
    let before = javascript::before(body);
    std::iter::once(javascript::javascript(body)).chain(before).map(|text| ("numbers", NUMBERS, text))
}

/// The same without white space between its parts.
#[must_use]
pub(super) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    each_part(json, |part| {
        if !part.starts_with([' ', '\t', '\r', '\n']) {
            out.push_str(part);
        }
    });
    out
}

/// Hands over the parts of `json` in order: a text with its quotes, a number or word, white space, or one character.
fn each_part<'a>(json: &'a str, mut take: impl FnMut(&'a str)) {
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => text_length(rest),
            ' ' | '\t' | '\r' | '\n' => run(rest, |character| matches!(character, ' ' | '\t' | '\r' | '\n')),
            _ if is_of_word(first) => run(rest, is_of_word),
            other => other.len_utf8(),
        };
        let (part, after) = rest.split_at(length);
        take(part);
        rest = after;
    }
}

fn run(text: &str, is_of_it: fn(char) -> bool) -> usize {
    text.find(|character| !is_of_it(character)).unwrap_or(text.len())
}

const fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.')
}

/// How long the text is that `json` begins with.
fn text_length(json: &str) -> usize {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |end| end + 2)
}

fn is_number(part: &str) -> bool {
    part.starts_with(|character: char| character == '-' || character.is_ascii_digit())
}

/// The same with every character beyond ASCII as `\u00eb`.
#[must_use]
pub(super) fn in_ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// The same with every escape that stands for a character beyond ASCII as that character.
#[must_use]
pub(super) fn in_characters(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('\\') {
        let (before, escape) = rest.split_at(start);
        out.push_str(before);
        let (length, character) = beyond_ascii(escape).unwrap_or((0, '\0'));
        if length > 0 {
            out.push(character);
            rest = &escape[length..];
        } else {
            // A backslash may be what is escaped.
            let length = 1 + escape.chars().nth(1).map_or(0, char::len_utf8);
            out.push_str(&escape[..length]);
            rest = &escape[length..];
        }
    }
    out.push_str(rest);
    out
}

/// The character beyond ASCII that an escape or two stand for, and how long they are.
fn beyond_ascii(escape: &str) -> Option<(usize, char)> {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let units = [unit(0)?].into_iter().chain(unit(6));
    let character = char::decode_utf16(units).next()?.ok().filter(|character| !character.is_ascii())?;
    Some((6 * character.len_utf16(), character))
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_in_texts_stays() {
        assert_eq!(compact("{ \"a\\\\\" : [1,\n \"b \\\" c\" ] }\n"), r#"{"a\\":[1,"b \" c"]}"#);
    }

    #[test]
    fn characters_go_both_ways() {
        for (plain, ascii) in [("\"Zoë\"", r#""Zo\u00eb""#), ("\"😀\u{e9}a\"", r#""\ud83d\ude00\u00e9a""#)]
        {
            assert_eq!((in_ascii(plain).as_str(), in_characters(ascii).as_str()), (ascii, plain));
        }
        assert_eq!(in_characters(r#""\u00EB \\u00eb \\\u00eb\n""#), r#""ë \\u00eb \\ë\n""#);
        for same in
            [r#""\u0041\u003c""#, r#""\ud83d""#, r#""\ud83d\n""#, r#""\ude00""#, r#""\u00""#, "\\", "\\é\\"]
        {
            assert_eq!(in_characters(same), same);
        }
    }

    proptest! {
        #[test]
        fn what_is_in_ascii_stands_for_the_same(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert!(in_ascii(&json).is_ascii());
            prop_assert_eq!(in_characters(&in_ascii(&json)), json);
            let _ = (in_characters(&text), compact(&text));
        }
    }

    #[test]
    fn escapes_go_both_ways() {
        assert_eq!(escaped("\"<&>\""), r#""\u003c\u0026\u003e""#);
        assert_eq!(unescaped(&escaped("\"<&>\"")), "\"<&>\"");
    }
}
