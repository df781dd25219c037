//! Reads Prometheus's text exposition format 0.0.4 as its specification has it, and more strictly than Prometheus does: what
//! it only tolerates fails a test here. It has no tests.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// The value as it is written, a decimal number.
    pub(crate) value: String,
}

/// A whole exposition.
pub(crate) struct Exposition {
    pub(crate) samples: Vec<Sample>,
}

impl Exposition {
    /// Reads `text`, or says what is wrong with it.
    #[track_caller]
    pub(crate) fn of(text: &str) -> Self {
        read(text).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
    }

    /// The values of the samples of `name` whose labels include `labels`, in order.
    pub(crate) fn values(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&str> {
        let has = |sample: &Sample, (name, value): &(&str, &str)| {
            sample.labels.get(*name).is_some_and(|own| own == value)
        };
        let of_name = self.samples.iter().filter(|sample| sample.name == name);
        let wanted = of_name.filter(|sample| labels.iter().all(|label| has(sample, label)));
        wanted.map(|sample| sample.value.as_str()).collect()
    }

    /// The health that each webhook's state-set says, by id; each must say exactly one.
    #[track_caller]
    pub(crate) fn healths(&self) -> BTreeMap<String, String> {
        let mut healths = BTreeMap::new();
        for sample in self.samples.iter().filter(|sample| sample.name == "vwh_webhook_health") {
            assert!(["0", "1"].contains(&sample.value.as_str()), "{sample:?}");
            if sample.value == "1" {
                let known = healths.insert(sample.labels["id"].clone(), sample.labels["health"].clone());
                assert_eq!(known, None, "two healths at once: {sample:?}");
            }
        }
        healths
    }
}

fn read(text: &str) -> Result<Exposition, String> {
    let body = text.strip_suffix('\n').ok_or("no line feed at the end")?;
    let mut samples = Vec::new();
    let mut series = BTreeSet::new();
    let mut families: Vec<(String, bool, String)> = Vec::new();
    for line in body.split('\n') {
        if let Some(comment) = line.strip_prefix("# ") {
            announce(comment, &mut families).map_err(|error| format!("{error}: {line:?}"))?;
            continue;
        }
        let sample = sample(line).map_err(|error| format!("{error}: {line:?}"))?;
        let Some((name, _, kind)) = families.last() else { return Err("a sample before its family".into()) };
        if *name != sample.name || kind.is_empty() {
            return Err(format!("a sample outside of its family: {line:?}"));
        }
        if (kind == "counter") != name.ends_with("_total")
            || kind == "counter" && sample.value.starts_with('-')
        {
            return Err(format!("no counter: {line:?}"));
        }
        if !series.insert((sample.name.clone(), sample.labels.clone())) {
            return Err(format!("a series twice: {line:?}"));
        }
        samples.push(sample);
    }
    Ok(Exposition { samples })
}

/// `HELP name text`, then `TYPE name kind`, each once and together.
fn announce(comment: &str, families: &mut Vec<(String, bool, String)>) -> Result<(), String> {
    let mut words = comment.splitn(3, ' ');
    let (keyword, name, rest) = (words.next(), words.next(), words.next());
    let (Some(keyword), Some(name), Some(rest)) = (keyword, name, rest) else {
        return Err("too short".into());
    };
    if !matches("[a-zA-Z_:][a-zA-Z0-9_:]*", name) {
        return Err("no metric name".into());
    }
    match keyword {
        "HELP" if families.iter().any(|family| family.0 == name) => Err("a family twice".into()),
        "HELP" => {
            families.push((name.to_owned(), true, String::new()));
            Ok(())
        }
        "TYPE" => match families.last_mut() {
            Some((known, _, kind))
                if known == name && kind.is_empty() && ["counter", "gauge"].contains(&rest) =>
            {
                rest.clone_into(kind);
                Ok(())
            }
            _ => Err("a type in the wrong place".into()),
        },
        _ => Err("neither HELP nor TYPE".into()),
    }
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> Result<Sample, String> {
    let (name, rest) = line.split_once('{').ok_or("no labels")?;
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    loop {
        let (label, value) = rest.split_once("=\"").ok_or("no label")?;
        if !matches("[a-zA-Z_][a-zA-Z0-9_]*", label) {
            return Err(format!("no label name: {label:?}"));
        }
        let (value, after) = quoted(value)?;
        if labels.insert(label.to_owned(), value).is_some() {
            return Err(format!("{label} twice"));
        }
        let Some(more) = after.strip_prefix(',') else {
            rest = after.strip_prefix("} ").ok_or("no end of the labels")?;
            break;
        };
        rest = more;
    }
    if !matches(r"-?\d+(\.\d+)?", rest) {
        return Err("no number".into());
    }
    Ok(Sample { name: name.to_owned(), labels, value: rest.to_owned() })
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[position + 1..])),
            '\\' => value.push(match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => '\n',
                Some(escaped @ ('\\' | '"')) => escaped,
                other => return Err(format!("no such escape: {other:?}")),
            }),
            _ => value.push(character),
        }
    }
    Err("no closing quote".into())
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(text)
}
