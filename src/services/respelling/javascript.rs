//! JSON as JavaScript writes it once it has parsed it (ECMAScript, `Number::toString` and `JSON.stringify`), and what it may
//! have been before.

use std::iter;
use std::ops::Range;

use super::{each_part, is_number};

/// Of more numbers than this each is not tried alone.
const MANY: usize = 8;

/// In a larger one no number is tried with all the others that have its value.
const SMALL: usize = 4 << 10;

/// Whole numbers from here on do not all have a value of their own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Beyond this too many numbers have the same value to try them all.
const COUNTABLE: f64 = 18_446_744_073_709_551_616.0;

/// The same as JavaScript would write it.
#[must_use]
pub(in crate::services) fn javascript(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    each_part(json, |part| match part.as_bytes() {
        [b' ' | b'\t' | b'\r' | b'\n', ..] => {}
        // Half a surrogate pair stands for no character, and stays as it is spelled.
        [b'"', ..] => match serde_json::from_str::<String>(part) {
            Ok(text) => out.push_str(&serde_json::to_string(&text).unwrap_or_default()),
            Err(_) => out.push_str(part),
        },
        _ if is_number(part) => out.push_str(&number(part)),
        _ => out.push_str(part),
    });
    out
}

/// What `json` may have been before JavaScript wrote its numbers anew: all of them, or one.
pub(in crate::services) fn before(json: &str) -> impl Iterator<Item = String> {
    let numbers: Vec<Range<usize>> =
        numbers(json).into_iter().filter(|at| number(&json[at.clone()]) == json[at.clone()]).collect();
    // Programs that have but one kind of number write every whole one with a fraction.
    let wholes = respelled(json, &numbers, |text| longer(text, "0").filter(|_| !text.contains('.')));
    let all = ENDS.map(|end| respelled(json, &numbers, |text| longer(text, end)));
    let alone = if numbers.len() > MANY { Vec::new() } else { numbers };
    let one = alone.into_iter().flat_map(move |at| {
        let text = &json[at.clone()];
        let longer = ENDS.into_iter().filter_map(move |end| longer(text, end));
        let put = move |other: String| format!("{}{other}{}", &json[..at.start], &json[at.end..]);
        let others = (json.len() <= SMALL).then(|| unrounded(text)).into_iter().flatten();
        longer.chain(others).map(put)
    });
    wholes.into_iter().chain(all.into_iter().flatten()).chain(one)
}

/// A number in `json` that JavaScript may have rounded, so that what it was is lost.
#[must_use]
pub(in crate::services) fn rounded(json: &str) -> Option<&str> {
    let texts = numbers(json).into_iter().map(|at| &json[at]);
    texts
        .into_iter()
        .find(|text| number(text) == **text && text.parse().is_ok_and(|value: f64| value.abs() > EXACT))
}

/// What JavaScript leaves out at the end of a number.
const ENDS: [&str; 2] = ["0", "00"];

/// `1.5` as `1.50`, and `1` as `1.0`.
fn longer(text: &str, end: &str) -> Option<String> {
    let point = if text.contains('.') { "" } else { "." };
    (!text.contains('e')).then(|| format!("{text}{point}{end}"))
}

/// Every other whole number that JavaScript takes for this one.
fn unrounded(text: &str) -> impl Iterator<Item = String> {
    let digits = text.strip_prefix('-').unwrap_or(text).to_owned();
    let sign = &text[..text.len() - digits.len()];
    let value = digits.parse::<f64>().ok().filter(|value| (EXACT..=COUNTABLE).contains(value));
    value.into_iter().flat_map(move |value| {
        // Both are whole numbers of less than 65 bits.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        let (whole, step) = (value as u128, (value.next_up() - value) as u128);
        #[expect(clippy::cast_precision_loss, reason = "that is what is asked for")]
        let is_taken_for_it = move |other: &u128| (*other as f64).total_cmp(&value).is_eq();
        let digits = digits.clone();
        (whole - step / 2..=whole + step / 2)
            .filter(is_taken_for_it)
            .map(|other| other.to_string())
            .filter(move |other| *other != digits)
            .map(move |other| format!("{sign}{other}"))
    })
}

/// `json` with each of `numbers` that has another spelling in it; `None` if none has.
fn respelled(
    json: &str,
    numbers: &[Range<usize>],
    respell: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let (mut out, mut end, mut is_other) = (String::new(), 0, false);
    for at in numbers {
        let Some(other) = respell(&json[at.clone()]) else { continue };
        is_other = true;
        out.push_str(&json[end..at.start]);
        out.push_str(&other);
        end = at.end;
    }
    out.push_str(&json[end..]);
    is_other.then_some(out)
}

fn numbers(json: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    each_part(json, |part| {
        if is_number(part) {
            found.push(at..at + part.len());
        }
        at += part.len();
    });
    found
}

/// A number of JSON as `Number::toString` spells it.
fn number(text: &str) -> String {
    let Ok(value) = text.parse::<f64>() else { return text.to_owned() };
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.is_infinite() {
        return "null".to_owned();
    }
    // The shortest digits that are this value; only where the point goes differs.
    let spelled = format!("{:e}", value.abs());
    let (mantissa, exponent) = spelled.split_once('e').unwrap_or((&spelled, "0"));
    let digits = mantissa.replace('.', "");
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", placed(&digits, exponent.parse().unwrap_or_default()))
}

/// `digits` with the point behind the first, moved by `exponent`.
fn placed(digits: &str, exponent: i32) -> String {
    let zeros = |count: usize| iter::repeat_n('0', count).collect::<String>();
    match (usize::try_from(exponent), digits.len()) {
        (Ok(whole @ ..21), count) if count <= whole + 1 => format!("{digits}{}", zeros(whole + 1 - count)),
        (Ok(whole @ ..21), _) => format!("{}.{}", &digits[..=whole], &digits[whole + 1..]),
        (Err(_), _) if exponent >= -6 => {
            format!("0.{}{digits}", zeros(usize::try_from(-exponent - 1).unwrap_or_default()))
        }
        (_, 1) => format!("{digits}e{exponent:+}"),
        _ => format!("{}.{}e{exponent:+}", &digits[..1], &digits[1..]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_spelled_as_javascript_does() {
        for (text, spelled) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0e5", "0"),
            ("1.0", "1"),
            ("1.50", "1.5"),
            ("-1.50", "-1.5"),
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("6500", "6500"),
            ("0.1", "0.1"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("123.456", "123.456"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("0.00000012", "1.2e-7"),
            ("1e-6", "0.000001"),
            ("1.5e-10", "1.5e-10"),
            ("9007199254740993", "9007199254740992"),
            ("7340013123456789123", "7340013123456790000"),
            ("100000000000000000000", "100000000000000000000"),
            ("123456789012345678901", "123456789012345680000"),
            ("1e21", "1e+21"),
            ("12345678901234567890123", "1.2345678901234568e+22"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("1e400", "null"),
        ] {
            assert_eq!(number(text), spelled, "{text}");
        }
    }

    #[test]
    fn a_body_is_written_as_javascript_does() {
        let json = "{ \"a\" : [ 1.50, -0 ,true,null],\n\"b\\u00fc\\/\":\"\\u003c1.50\\n\\u0007\\ud800\" }";
        assert_eq!(javascript(json), "{\"a\":[1.5,0,true,null],\"bü/\":\"\\u003c1.50\\n\\u0007\\ud800\"}");
        assert_eq!(javascript("{\"a\":\"\\u003c \\u00fc\\u0007\"}"), "{\"a\":\"< ü\\u0007\"}");
    }

    #[test]
    fn what_it_was_before_is_among_what_is_tried() {
        for was in [
            r#"{"a":1.50,"b":"1.50"}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1.0,"b":2.0,"c":0.5}"#,
            r#"{"a":1.0,"b":2,"c":0.5}"#,
            "[1,2.00]",
            r#"{"id":7340013123456789123,"n":1}"#,
            r#"{"id":-7340013123456789123}"#,
            "[18446744073709551615]",
        ] {
            let is = javascript(was);
            assert!(before(&is).any(|text| text == was), "{was} {is}");
        }
        assert_eq!(before(r#"{"a":"1","b":true}"#).count(), 0);
        // None of these is a number of JavaScript's.
        assert_eq!(before("[1.50,1e3,7340013123456789123]").count(), 0);
    }

    #[test]
    fn what_was_rounded_is_told() {
        assert_eq!(rounded(r#"{"a":1,"b":1.2345678901234568e+22}"#), Some("1.2345678901234568e+22"));
        assert_eq!(rounded("[7340013123456790000]"), Some("7340013123456790000"));
        assert_eq!(rounded(r#"["7340013123456790000",7340013123456789123,9007199254740991]"#), None);
    }

    proptest! {
        #[test]
        fn a_number_keeps_its_value_and_is_spelled_but_once(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite() && value != 0.0);
            for text in [format!("{value:e}"), format!("{value}")] {
                let spelled = number(&text);
                prop_assert!(spelled.parse::<f64>().unwrap().total_cmp(&value).is_eq(), "{text} {spelled}");
                prop_assert_eq!(number(&spelled), spelled);
            }
        }

        #[test]
        fn a_number_has_an_exponent_only_where_javascript_gives_it_one(
            text in "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?"
        ) {
            let value = text.parse::<f64>().unwrap().abs();
            let has_exponent = value != 0.0 && !(1e-6..1e21).contains(&value);
            let spelled = number(&text);
            prop_assert_eq!(spelled.contains('e'), has_exponent, "{} {}", text, spelled);
            prop_assert!(serde_json::from_str::<f64>(&spelled).is_ok(), "{}", spelled);
        }

        #[test]
        fn anything_is_survived(text: String) {
            let _ = (javascript(&text), before(&text).count(), rounded(&text));
        }
    }
}
