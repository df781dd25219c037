//! Breaks lines for a terminal between words, and never in a command that a person may copy. Pure.

use super::text;

/// On a terminal too narrow for this, wrapping would make it worse.
const LEAST_VALUE: usize = 20;

/// What goes on in the next line stands so much further in.
const FURTHER: usize = 2;

/// `text` in lines of at most `columns`, broken between words; a longer word, or a longer command, has a line of its own.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for unit in units(text) {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(unit);
        } else if width(line) + 1 + width(unit) <= columns {
            line.push(' ');
            line.push_str(unit);
        } else {
            line.truncate(line.trim_end().len());
            lines.push(unit.to_owned());
        }
    }
    lines
}

/// `text` behind `head`, wrapped to `columns` under its own start, with a line end.
#[must_use]
pub fn hanging(head: &str, text: &str, columns: Option<usize>) -> String {
    let indent = width(head);
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(indent).max(LEAST_VALUE));
    let lines = wrapped(text, room).join(&format!("\n{:indent$}", ""));
    format!("{head}{lines}\n")
}

/// Columns that `text` takes on a terminal, which its colours do not.
fn width(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().map_or(0, text::width);
    first + parts.map(|part| part.split_once('m').map_or(0, |(_, rest)| text::width(rest))).sum::<usize>()
}

/// Each line of `text` wrapped to `columns`, and what goes on of it a little further in.
#[must_use]
pub fn folded(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let fold = |line: &str| {
        if width(line) <= columns {
            return line.to_owned();
        }
        let start = line.trim_start_matches(' ');
        let indent = line.len() - start.len();
        let further = indent + FURTHER;
        let lines = wrapped(start, columns.saturating_sub(further).max(LEAST_VALUE));
        format!("{:indent$}{}", "", lines.join(&format!("\n{:further$}", "")))
    };
    text.split('\n').map(fold).collect::<Vec<_>>().join("\n")
}

/// What must stand in one line each, in their order: words, and commands with all of their arguments.
fn units(text: &str) -> Vec<&str> {
    let mut units = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let tied = tied_length(text);
        let end = command_end(text).or_else(|| Some(tied + text[tied..].find(' ')?)).unwrap_or(text.len());
        units.push(&text[..end]);
        rest = text[end..].strip_prefix(' ');
    }
    units
}

/// How much of `text` does not go without the word behind it: an arrow, and a number, which counts what follows.
fn tied_length(text: &str) -> usize {
    let Some((word, _)) = text.split_once(' ') else { return 0 };
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || word == "->" { word.len() + 1 } else { 0 }
}

/// Marks of the prose around a command.
const MARKS: [char; 6] = [',', ';', ':', '.', ')', '`'];

/// Where the command ends that `text` begins with, if it begins with one. In prose a command goes on up to a mark, or to a
/// word that is no argument: a plain one that is neither the command's name nor beside a flag.
fn command_end(text: &str) -> Option<usize> {
    let mut ends = text.match_indices(' ').map(|(end, _)| end).chain([text.len()]);
    let mut end = ends.next()?;
    while text[..end].rsplit(' ').next().is_some_and(is_setting) {
        end = ends.next()?;
    }
    let program = text[..end].rsplit(' ').next()?;
    if !["vwh", "chmod"].contains(&program.trim_start_matches(['`', '('])) {
        return None;
    }
    let (mut name, mut is_value, mut is_quoted) = (None, false, false);
    for next in ends {
        let word = &text[end + 1..next];
        if is_plain(word) && !is_value && !is_quoted {
            let has_flag = text[next..].starts_with(" -");
            if name.is_some_and(|name| name != "sandbox") && !has_flag {
                break;
            }
            name = Some(word);
        }
        end = next;
        is_quoted ^= word.matches('\'').count() % 2 == 1;
        if !is_quoted && word.ends_with(MARKS) {
            break;
        }
        is_value = word.starts_with('-') && !word.contains('=');
    }
    Some(end)
}

/// A variable that is set for a command.
fn is_setting(word: &str) -> bool {
    word.starts_with("VWH_") && word.contains('=')
}

/// A word such as prose is made of, and the names of commands.
fn is_plain(word: &str) -> bool {
    let word = word.trim_end_matches(MARKS);
    word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::{folded, hanging, units, wrapped};

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("incomprehensible", 4), ["incomprehensible"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped("one  two  three", 8), ["one  two", "three"]);
        assert_eq!(wrapped("\u{1b}[31mone\u{1b}[0m two", 7), ["\u{1b}[31mone\u{1b}[0m two"]);
    }

    #[test]
    fn what_goes_on_stands_under_the_text_or_further_in() {
        let text = "there is no token to sign in with";
        assert_eq!(hanging("error: ", text, Some(32)), "error: there is no token to sign\n       in with\n");
        assert_eq!(hanging("error: ", text, None), format!("error: {text}\n"));
        let text = "\n1 of 2 failed, 503 since 02:21Z:\n  vwh list, then vwh renew --failed";
        let folds = "\n1 of 2 failed, 503 since\n  02:21Z:\n  vwh list, then\n    vwh renew --failed";
        assert_eq!(folded(text, Some(26)), folds);
        assert_eq!(folded(text, None), text);
    }

    #[test]
    fn a_command_is_one_unit_and_the_prose_around_it_is_not() {
        let cases: [(&str, &[&str]); 14] = [
            ("sign in with: vwh login, or not", &["sign", "in", "with:", "vwh login,", "or", "not"]),
            (
                "vwh status ID, then vwh -p a renew --failed",
                &["vwh status ID,", "then", "vwh -p a renew --failed"],
            ),
            ("vwh replace ID registers one", &["vwh replace ID", "registers", "one"]),
            ("vwh replace x --metadata-policy header", &["vwh replace x --metadata-policy header"]),
            (
                "the next `vwh listen --register` deletes",
                &["the", "next", "`vwh listen --register`", "deletes"],
            ),
            ("vwh list --url 'a b, c' lists them", &["vwh list --url 'a b, c'", "lists", "them"]),
            ("at once: vwh sandbox advance 1m", &["at", "once:", "vwh sandbox advance 1m"]),
            ("VWH_SERVICE=vis vwh list; more", &["VWH_SERVICE=vis vwh list;", "more"]),
            ("that vwh may post it", &["that", "vwh may", "post", "it"]),
            ("close it with: chmod 600 /a/b", &["close", "it", "with:", "chmod 600 /a/b"]),
            ("a -> b  c", &["a", "-> b", "", "c"]),
            ("1 paused, 12 ok", &["1 paused,", "12 ok"]),
            ("VWH_TOKEN=", &["VWH_TOKEN="]),
            ("", &[""]),
        ];
        for (text, expected) in cases {
            assert_eq!(units(text), expected, "{text}");
            assert_eq!(units(text).join(" "), text);
        }
    }
}
