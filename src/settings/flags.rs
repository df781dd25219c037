//! The global flags, as typed. Parsing validates; merging with environment and file is `settings`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use serde::Deserialize;

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people: a table, or one line an item
    #[default]
    Table,
    /// The table with every column
    Wide,
    /// One JSON value
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
    /// Metrics in Prometheus's text format; `list` only
    Prometheus,
}

impl Format {
    /// Whether the answer, and errors, are JSON.
    #[must_use]
    pub const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Flags that every command takes, before or after its name.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Flags {
    /// Use this profile of config.toml; several, or a glob such as 'eu-*', where a command takes several
    #[arg(short, long, global = true, value_name = "NAME")]
    pub profile: Vec<String>,

    /// Use every profile; short for -p '*'
    #[arg(long, global = true, conflicts_with = "profile")]
    pub all_profiles: bool,

    /// Use the local sandbox instead of a real account
    #[arg(long, global = true, conflicts_with_all = ["profile", "all_profiles"])]
    pub sandbox: bool,

    /// Short for --output json
    #[arg(long, global = true, conflicts_with = "output")]
    pub json: bool,

    /// How the answer is written
    #[arg(short, long, global = true, value_name = "FORMAT", hide_possible_values = true)]
    #[arg(
        help = "How the answer is written: table, wide, json or jsonl; lists also csv, vwh list also prometheus"
    )]
    pub output: Option<Format>,

    /// Print nothing unless something failed
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Tell of each request on stderr; twice: also of decisions and headers
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// When to colour: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", hide_possible_values = true)]
    pub color: Option<ColorChoice>,

    /// Give up after this long, such as 30s or 2m [default: 60s; 30s for check; none for batches]
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_timeout)]
    pub timeout: Option<Duration>,

    /// Requests of a batch that are under way at once, 1 to 64 [default: 4]
    #[arg(long, global = true, value_name = "N", value_parser = parse_concurrency)]
    pub concurrency: Option<usize>,

    /// Never ask: what would ask fails instead
    #[arg(long, global = true)]
    pub no_input: bool,

    /// Print signing keys and keys in URLs as they are
    #[arg(long, global = true)]
    pub show_secrets: bool,
}

impl Flags {
    /// The format that was asked for.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        if self.json { Some(Format::Json) } else { self.output }
    }
}

/// A duration such as `30s`, `90m` or `3d`.
pub fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    TimeDelta::from_std(parse_span(text)?).map_err(|_| "the duration is too long".to_owned())
}

/// The same for what is waited for, and not reckoned with.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a duration such as 30s, 90m or 3d".to_owned())
}

/// A moment: RFC 3339, or a duration ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// That moment.
    At(DateTime<Utc>),
    /// That long before now.
    Ago(TimeDelta),
}

impl Moment {
    /// The moment, seen from `now`.
    #[must_use]
    pub fn resolve(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(moment) => moment,
            Self::Ago(duration) => now.checked_sub_signed(duration).unwrap_or(DateTime::<Utc>::MIN_UTC),
        }
    }
}

/// A moment such as `2026-01-31T03:00:00Z` or `36h` (ago).
pub fn parse_moment(text: &str) -> Result<Moment, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(Moment::At(moment.to_utc()));
    }
    parse_duration(text)
        .map(Moment::Ago)
        .map_err(|_| "write a time such as 2026-01-31T03:00:00Z, or a duration ago such as 36h".to_owned())
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = parse_span(text)?;
    if timeout.is_zero() { Err("the time limit must be longer than nothing".to_owned()) } else { Ok(timeout) }
}

fn parse_concurrency(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| (1..=64).contains(count)).ok_or_else(|| "expected 1 to 64".to_owned())
}

/// For the configuration file: a time limit in words.
pub(super) fn deserialize_timeout<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_timeout(&text).map(Some).map_err(serde::de::Error::custom)
}

/// For the configuration file: a number of requests.
pub(super) fn deserialize_concurrency<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<usize>, D::Error> {
    let count = u64::deserialize(deserializer)?;
    parse_concurrency(&count.to_string()).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Moment, parse_concurrency, parse_duration, parse_moment, parse_timeout};

    #[test]
    fn durations_and_moments_are_read() {
        assert_eq!(parse_duration("90m"), Ok(TimeDelta::minutes(90)));
        assert_eq!(parse_duration("3d"), Ok(TimeDelta::days(3)));
        assert!(parse_duration("three days").is_err());
        assert!(parse_duration("99999999999999y").is_err());
        assert_eq!(parse_moment("36h"), Ok(Moment::Ago(TimeDelta::hours(36))));
        assert_eq!(parse_moment("1970-01-01T00:00:00Z"), Ok(Moment::At(DateTime::<Utc>::UNIX_EPOCH)));
        assert!(parse_moment("yesterday").is_err());
        assert_eq!(
            Moment::Ago(TimeDelta::MAX).resolve(DateTime::<Utc>::UNIX_EPOCH),
            DateTime::<Utc>::MIN_UTC
        );
        assert!(parse_timeout("0s").is_err());
        assert!(parse_concurrency("0").is_err() && parse_concurrency("65").is_err());
    }
}
