//! Reads a JSON member that a service may send in any form: each function takes the JSON text of one value and says
//! `None` where it makes no sense. Nothing here fails, so one strange member never hides a webhook.

use chrono::{DateTime, TimeZone, Utc};
use serde_json::value::RawValue;

/// A text, or a number or boolean as its text; `None` for `null`, arrays and objects.
#[must_use]
pub fn text(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => {
            let inner = json.get(1..json.len() - 1)?;
            // Half a surrogate pair stands for no character; then the text is kept as it is spelt.
            let spelt = || inner.to_owned();
            Some(if inner.contains('\\') {
                serde_json::from_str(json).unwrap_or_else(|_| spelt())
            } else {
                spelt()
            })
        }
        b'n' | b'[' | b'{' => None,
        _ => Some(json.to_owned()),
    }
}

/// Texts of an array, or a single text as an array of one.
#[must_use]
pub fn texts(json: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(elements) => elements.into_iter().filter_map(|element| text(element.get())).collect(),
        Err(_) => text(json).into_iter().collect(),
    }
}

/// The first text of an array, or the text itself (`status`, vis §12 row 5).
#[must_use]
pub fn first_text(json: &str) -> Option<String> {
    if json.starts_with('[') { texts(json).into_iter().next() } else { text(json) }
}

/// A whole number, also in quotes or with a fraction.
#[must_use]
pub fn integer(json: &str) -> Option<i64> {
    if let Ok(integer) = json.parse() {
        return Some(integer);
    }
    let text = text(json)?;
    text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(|value| value.is_finite()).map(truncate))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, which is what a nonsensical counter deserves"
)]
fn truncate(value: f64) -> i64 {
    value as i64
}

/// A truth value: `true`, `"true"` in any case, or a number other than zero.
#[must_use]
pub fn flag(json: &str) -> Option<bool> {
    match text(json)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A time in any form of vis §12 row 10: `Z`, `±hhmm`, `±hh:mm`, 0 to 9 fraction digits, or whole epoch milliseconds.
#[must_use]
pub fn time(json: &str) -> Option<DateTime<Utc>> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => parse_time(plain),
        _ => parse_time(&text(json)?),
    }
}

/// As [`time`], of a plain text.
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    if let Ok(milliseconds) = text.parse::<i64>() {
        return Utc.timestamp_millis_opt(milliseconds).single();
    }
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z").ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::{first_text, flag, integer, parse_time, text, texts, time};

    #[test]
    fn every_documented_form_of_a_time_is_read() {
        let moment = "2018-02-15T18:59:03.496+00:00";
        for form in [
            "\"2018-02-15T18:59:03.496Z\"",
            "\"2018-02-15T18:59:03.496+0000\"",
            "\"2018-02-15T20:59:03.496+02:00\"",
            "\"2018-02-15T13:29:03.496-0530\"",
            "\"2018-02-15T18:59:03.496000000Z\"",
            "1518721143496",
            "\"1518721143496\"",
            "\"2018-02-15T18:59:03.496\\u005a\"",
        ] {
            assert_eq!(time(form).map(|time| time.to_rfc3339()), Some(moment.to_owned()), "{form}");
        }
        assert_eq!(
            parse_time("2018-02-15T18:59:03Z").map(|time| time.timestamp_millis()),
            Some(1_518_721_143_000)
        );
        assert_eq!(parse_time("2018-02-15T18:59:03+0000").map(|time| time.timestamp()), Some(1_518_721_143));
    }

    #[test]
    fn garbage_is_no_time() {
        for form in ["null", "\"\"", "\"yesterday\"", "\"2018-13-45T00:00:00Z\"", "{}", "[]", "true", "1e400"]
        {
            assert_eq!(time(form), None, "{form}");
        }
        assert_eq!(time("99999999999999999999"), None);
        assert_eq!(time("9223372036854775807"), None);
    }

    #[test]
    fn other_members_are_read_in_any_form() {
        assert_eq!(text("184094"), Some("184094".to_owned()));
        assert_eq!(text("12345678901234567890123"), Some("12345678901234567890123".to_owned()));
        assert_eq!(text("null"), None);
        assert_eq!(text(r#""a\"\u00eb""#), Some("a\"ë".to_owned()));
        assert_eq!(text(r#""a\ud800""#), Some(r"a\ud800".to_owned()));
        assert_eq!(first_text(r#"["ACTIVE"]"#), Some("ACTIVE".to_owned()));
        assert_eq!(first_text("[]"), None);
        assert_eq!(texts(r#""CALL""#), ["CALL"]);
        assert_eq!(texts(r#"["CALL",null,7,{}]"#), ["CALL", "7"]);
        assert_eq!(integer("-3"), Some(-3));
        assert_eq!(integer("\"12\""), Some(12));
        assert_eq!(integer("1e30"), Some(i64::MAX));
        assert_eq!(integer("\"many\""), None);
        assert_eq!(flag("\"TRUE\""), Some(true));
        assert_eq!(flag("0"), Some(false));
        assert_eq!(flag("[]"), None);
    }
}
