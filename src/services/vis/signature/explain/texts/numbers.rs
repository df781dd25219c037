//! Numbers as other programs would have written them, and values that changed their type.

use super::super::json::Node;

/// Of more numbers than this each is not tried alone.
const MANY: usize = 8;

/// Another spelling of the same number, if it has that one.
type Respell = fn(&str) -> Option<String>;

const SPELLINGS: [Respell; 13] = [
    // 1.0 and 1e0 as 1.
    |text| whole(text).filter(|_| !is_whole(text)),
    // 1 as 1.0.
    |text| whole(text).map(|digits| format!("{digits}.0")),
    |text| scientific(text, "e", ""),
    |text| scientific(text, "E", ""),
    |text| scientific(text, "e+", ""),
    |text| scientific(text, "E+", ""),
    |text| scientific(text, "e", ".0"),
    |text| scientific(text, "E", ".0"),
    |text| scientific(text, "e+0", ""),
    |text| scientific(text, "E+0", ""),
    |text| zeros_counted(text, "e"),
    |text| zeros_counted(text, "E"),
    // 1.5 as 1.50.
    |text| (text.contains('.') && !text.contains(['e', 'E'])).then(|| format!("{text}0")),
];

/// The event with its numbers in another spelling: all of them, and each alone.
pub(super) fn respelled(event: &Node) -> Vec<Node> {
    let change = |respell: Respell, only: Option<usize>| {
        let mut count = 0;
        event.changed(&mut |_, leaf| {
            let Node::Number(text) = leaf else { return None };
            let number = count;
            count += 1;
            only.is_none_or(|only| only == number).then(|| respell(text).map(Node::Number))?
        })
    };
    let numbers = count(event, |leaf| matches!(leaf, Node::Number(_)));
    let alone = (0..numbers).map(Some).filter(|_| (2..=MANY).contains(&numbers));
    let which: Vec<Option<usize>> = std::iter::once(None).chain(alone).collect();
    let ways = which.into_iter().flat_map(|only| SPELLINGS.map(|respell| (respell, only)));
    ways.filter_map(|(respell, only)| change(respell, only)).collect()
}

/// The event with numbers and truth values as texts, or texts as numbers.
pub(super) fn retyped(event: &Node) -> Vec<Node> {
    let changes: [fn(&Node) -> Option<Node>; 4] = [quoted, all_quoted, unquoted, worded];
    let all = changes.into_iter().filter_map(|change| event.changed(&mut |_, leaf| change(leaf)));
    // Some ids are numbers in one form of an event and texts in another (vis §10).
    let leaves = count(event, |_| true);
    let alone = (0..leaves).filter(|_| leaves <= 8 * MANY).filter_map(|only| {
        event.changed(&mut |index, leaf| (index == only).then(|| unquoted(leaf).or_else(|| quoted(leaf)))?)
    });
    all.chain(alone).collect()
}

fn quoted(leaf: &Node) -> Option<Node> {
    match leaf {
        Node::Number(text) => Some(Node::Text(text.clone())),
        _ => None,
    }
}

fn all_quoted(leaf: &Node) -> Option<Node> {
    match leaf {
        Node::Word(word) if word != "null" => Some(Node::Text(word.clone())),
        other => quoted(other),
    }
}

fn unquoted(leaf: &Node) -> Option<Node> {
    match leaf {
        Node::Text(text) if is_whole(text) => Some(Node::Number(text.clone())),
        _ => None,
    }
}

fn worded(leaf: &Node) -> Option<Node> {
    match leaf {
        Node::Text(text) if text == "true" || text == "false" => Some(Node::Word(text.clone())),
        _ => None,
    }
}

fn count(event: &Node, counts: impl Fn(&Node) -> bool) -> usize {
    let mut count = 0;
    let _ = event.changed(&mut |_, leaf| {
        count += usize::from(counts(leaf));
        None
    });
    count
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'))
}

/// The digits of a number that is whole, however it is spelled.
fn whole(text: &str) -> Option<String> {
    if is_whole(text) {
        return Some(text.to_owned());
    }
    // Beyond this not every whole number has a value of its own.
    let exact = |value: &f64| value.fract() == 0.0 && value.abs() < 9e15;
    text.parse::<f64>().ok().filter(exact).map(|value| format!("{value:.0}"))
}

/// `6500` as `6.5e3`; `mantissa` is what follows a mantissa of one digit.
fn scientific(text: &str, exponent: &str, mantissa: &str) -> Option<String> {
    let digits = whole(text)?;
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let (first, rest) = digits.split_at(1);
    let power = rest.len();
    let rest = rest.trim_end_matches('0');
    let tail = if rest.is_empty() { mantissa.to_owned() } else { format!(".{rest}") };
    Some(format!("{sign}{first}{tail}{exponent}{power}"))
}

/// `6500` as `65e2`.
fn zeros_counted(text: &str, exponent: &str) -> Option<String> {
    let digits = whole(text)?;
    let start = digits.trim_end_matches('0');
    let zeros = digits.len() - start.len();
    (zeros > 0 && !start.is_empty() && start != "-").then(|| format!("{start}{exponent}{zeros}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    #[test]
    fn a_number_has_many_spellings() {
        let spelled = |text: &str| {
            let mut all: Vec<String> = SPELLINGS.iter().filter_map(|respell| respell(text)).collect();
            all.dedup();
            all.join(" ")
        };
        assert_eq!(
            spelled("1000.0"),
            "1000 1000.0 1e3 1E3 1e+3 1E+3 1.0e3 1.0E3 1e+03 1E+03 1e3 1E3 1000.00"
        );
        assert_eq!(spelled("6500"), "6500.0 6.5e3 6.5E3 6.5e+3 6.5E+3 6.5e3 6.5E3 6.5e+03 6.5E+03 65e2 65E2");
        assert_eq!(spelled("-1e0"), "-1 -1.0 -1e0 -1E0 -1e+0 -1E+0 -1.0e0 -1.0E0 -1e+00 -1E+00");
        assert_eq!(spelled("0.5"), "0.50");
        assert_eq!(spelled("0"), "0.0 0e0 0E0 0e+0 0E+0 0.0e0 0.0E0 0e+00 0E+00");
    }

    proptest! {
        #[test]
        fn every_spelling_is_the_same_number(text in "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,3})?([eE][+-]?[0-9])?") {
            let value: f64 = text.parse().unwrap();
            for spelled in SPELLINGS.iter().filter_map(|respell| respell(&text)) {
                let other: f64 = serde_json::from_str(&spelled).unwrap();
                prop_assert!(other.total_cmp(&value).is_eq(), "{text} {spelled}");
            }
        }
    }

    #[test]
    fn one_number_may_be_another_while_the_rest_stays() {
        let event = Node::read(r#"{"a":1,"b":2}"#).unwrap();
        let first = Node::read(r#"{"a":1.0,"b":2}"#).unwrap();
        assert!(respelled(&event).contains(&first));
    }
}
