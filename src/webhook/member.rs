//! Reads a JSON member that a service may send in any form: each function takes the raw text of one value and says
//! `None` where it makes no sense. Nothing here fails, so one strange member never hides a webhook.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, TimeZone, Utc};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Hands each member of the JSON object `raw` to `take`, name and value, in order. A name may come twice, and a name that
/// is no text (a lone surrogate) is left out: neither makes the object unreadable, as it would with a derived struct.
pub fn each<'a>(raw: &'a str, take: impl FnMut(&str, &'a RawValue)) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    deserializer.deserialize_map(Each(take))?;
    deserializer.end()
}

struct Each<F>(F);

impl<'a, F: FnMut(&str, &'a RawValue)> Visitor<'a> for Each<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut members: M) -> Result<(), M::Error> {
        while let Some((name, value)) = members.next_entry::<&'a RawValue, &'a RawValue>()? {
            if let Some(name) = name_of(name) {
                (self.0)(&name, value);
            }
        }
        Ok(())
    }
}

fn name_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let plain = raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match plain.filter(|name| !name.contains('\\')) {
        Some(name) => Some(Cow::Borrowed(name)),
        None => serde_json::from_str(raw.get()).ok().map(Cow::Owned),
    }
}

/// A text, or a number or boolean as its text; `None` for `null`, arrays and objects.
#[must_use]
pub fn text(raw: &RawValue) -> Option<String> {
    let json = raw.get();
    match json.as_bytes().first()? {
        // Half a surrogate pair stands for no character; then the text is kept as it is spelt.
        b'"' => serde_json::from_str(json).ok().or_else(|| json.get(1..json.len() - 1).map(str::to_owned)),
        b'n' | b'[' | b'{' => None,
        _ => Some(json.to_owned()),
    }
}

/// Texts of an array, or a single text as an array of one.
#[must_use]
pub fn texts(raw: &RawValue) -> Vec<String> {
    match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        Ok(elements) => elements.into_iter().filter_map(text).collect(),
        Err(_) => text(raw).into_iter().collect(),
    }
}

/// The first text of an array, or the text itself (`status`, vis §12 row 5).
#[must_use]
pub fn first_text(raw: &RawValue) -> Option<String> {
    texts(raw).into_iter().next()
}

/// A whole number, also in quotes or with a fraction.
#[must_use]
pub fn integer(raw: &RawValue) -> Option<i64> {
    if let Ok(integer) = raw.get().parse() {
        return Some(integer);
    }
    let text = text(raw)?;
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
pub fn flag(raw: &RawValue) -> Option<bool> {
    match text(raw)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A time in any form of vis §12 row 10: `Z`, `±hhmm`, `±hh:mm`, 0 to 9 fraction digits, or whole epoch milliseconds.
#[must_use]
pub fn time(raw: &RawValue) -> Option<DateTime<Utc>> {
    let json = raw.get();
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => parse_time(plain),
        _ => parse_time(&text(raw)?),
    }
}

/// As [`time`], of a plain text.
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    // Payloads spell UTC like this (vis §10); a format that is read each time takes several times as long.
    let in_utc = text.strip_suffix("+0000").map(|local| format!("{local}Z"));
    if let Ok(time) = DateTime::parse_from_rfc3339(in_utc.as_deref().unwrap_or(text)) {
        return Some(time.to_utc());
    }
    if let Ok(milliseconds) = text.parse::<i64>() {
        return Utc.timestamp_millis_opt(milliseconds).single();
    }
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z").ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{each, first_text, flag, integer, parse_time, text, texts, time};

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("literal JSON")
    }

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
            assert_eq!(time(&raw(form)).map(|time| time.to_rfc3339()), Some(moment.to_owned()), "{form}");
        }
        assert_eq!(
            parse_time("2018-02-15T18:59:03Z").map(|time| time.timestamp_millis()),
            Some(1_518_721_143_000)
        );
        assert_eq!(parse_time("2018-02-15T18:59:03+0000").map(|time| time.timestamp()), Some(1_518_721_143));
    }

    #[test]
    fn members_may_come_twice_and_have_any_name() {
        let mut seen = Vec::new();
        let object = r#" {"a":1,"\u0061":[2],"\ud800":3,"b\n":{"a":4}} "#;
        each(object, |name, value| seen.push(format!("{name:?} {value}"))).expect("an object");
        assert_eq!(seen, [r#""a" 1"#, r#""a" [2]"#, r#""b\n" {"a":4}"#]);
        for other in ["[]", "null", "\"\"", "{} {}", "{", "{\"a\"}", "{\"a\":}", ""] {
            assert!(each(other, |_, _| {}).is_err(), "{other}");
        }
    }

    #[test]
    fn garbage_is_no_time() {
        for form in ["null", "\"\"", "\"yesterday\"", "\"2018-13-45T00:00:00Z\"", "{}", "[]", "true", "1e400"]
        {
            assert_eq!(time(&raw(form)), None, "{form}");
        }
        assert_eq!(time(&raw("99999999999999999999")), None);
        assert_eq!(time(&raw("9223372036854775807")), None);
    }

    #[test]
    fn other_members_are_read_in_any_form() {
        assert_eq!(text(&raw("184094")), Some("184094".to_owned()));
        assert_eq!(text(&raw("12345678901234567890123")), Some("12345678901234567890123".to_owned()));
        assert_eq!(text(&raw("null")), None);
        assert_eq!(text(&raw(r#""a\ud800""#)), Some(r"a\ud800".to_owned()));
        assert_eq!(first_text(&raw(r#"["ACTIVE"]"#)), Some("ACTIVE".to_owned()));
        assert_eq!(first_text(&raw("[]")), None);
        assert_eq!(texts(&raw(r#""CALL""#)), ["CALL"]);
        assert_eq!(texts(&raw(r#"["CALL",null,7,{}]"#)), ["CALL", "7"]);
        assert_eq!(integer(&raw("-3")), Some(-3));
        assert_eq!(integer(&raw("\"12\"")), Some(12));
        assert_eq!(integer(&raw("1e30")), Some(i64::MAX));
        assert_eq!(integer(&raw("\"many\"")), None);
        assert_eq!(flag(&raw("\"TRUE\"")), Some(true));
        assert_eq!(flag(&raw("0")), Some(false));
        assert_eq!(flag(&raw("[]")), None);
    }
}
