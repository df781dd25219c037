//! What `vwh check` holds against an account: the thresholds as typed. Judging is `judge`'s.

use chrono::TimeDelta;
use clap::Args;

use crate::settings::flags::parse_duration;

/// A share in thousandths of a percent, so that `99.95` is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Percent(u32);

/// All of it.
const WHOLE: Percent = Percent(100_000);

/// Below what success rate a webhook is a warning, and below which it is critical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SuccessRate {
    /// Below this: WARNING.
    pub(super) warning: Percent,
    /// Below this: CRITICAL.
    pub(super) critical: Option<Percent>,
}

/// The thresholds. Each holds for every profile by itself.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Thresholds")]
pub(super) struct Thresholds {
    /// CRITICAL unless a webhook that delivers has a url that matches; * and ? are wildcards; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(super) expect_url: Vec<String>,

    /// CRITICAL if fewer than this can deliver: not failed, not expired, not paused. With 0 an account may be empty
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) min: usize,

    /// Tolerate this many failed webhooks
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) max_failed: usize,

    /// Tolerate this many expired webhooks
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) max_expired: usize,

    /// WARNING if a webhook expires within this time; 0s switches it off
    #[arg(long, value_name = "DURATION", default_value = "48h", value_parser = parse_duration)]
    pub(super) expiring_within: TimeDelta,

    /// WARNING if a webhook older than this was never attempted; 0s switches it off
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub(super) idle_after: TimeDelta,

    /// WARNING if a webhook delivers less than this percentage; CRITICAL below the second
    #[arg(long, value_name = "WARN[:CRIT]", value_parser = parse_success_rate)]
    pub(super) success_rate: Option<SuccessRate>,
}

impl Percent {
    /// The share of `part` in `whole`, rounded down; `None` where that makes no sense.
    pub(super) fn of(part: i64, whole: i64) -> Option<Self> {
        if whole <= 0 || !(0..=whole).contains(&part) {
            return None;
        }
        let share = i128::from(part) * i128::from(WHOLE.0) / i128::from(whole);
        u32::try_from(share).ok().map(Self)
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        let rest = if rest == 0 { String::new() } else { format!(".{rest:03}") };
        write!(formatter, "{whole}{}", rest.trim_end_matches('0'))
    }
}

fn parse_success_rate(text: &str) -> Result<SuccessRate, String> {
    let (warning, critical) = match text.split_once(':') {
        Some((warning, critical)) => (parse_percent(warning)?, Some(parse_percent(critical)?)),
        None => (parse_percent(text)?, None),
    };
    if critical.is_some_and(|critical| critical > warning) {
        return Err("the second percentage is the worse one, so it must not be the larger".to_owned());
    }
    Ok(SuccessRate { warning, critical })
}

fn parse_percent(text: &str) -> Result<Percent, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits =
        |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let percent = if digits(whole) && digits(fraction) {
        format!("{whole}{fraction:0<3}").parse().ok().map(Percent)
    } else {
        None
    };
    percent
        .filter(|percent| *percent <= WHOLE)
        .ok_or_else(|| "write percentages from 0 to 100, such as 90 or 95:80".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Percent, SuccessRate, parse_percent, parse_success_rate};

    #[test]
    fn percentages_are_exact() {
        for (text, expected) in
            [("0", "0"), ("100", "100"), ("99.95%", "99.95"), ("7.5", "7.5"), ("050", "50")]
        {
            assert_eq!(parse_percent(text).map(|percent| percent.to_string()), Ok(expected.to_owned()));
        }
        for text in ["", "101", "100.001", "-1", "nan", "1e1", ".5", "5.", "1.2345", "%", "５", "9 0", "+5"]
        {
            assert!(parse_percent(text).is_err(), "{text}");
        }
        assert_eq!(Percent::of(1, 3), Some(Percent(33_333)));
        assert_eq!(Percent::of(i64::MAX, i64::MAX), Some(Percent(100_000)));
        assert_eq!([Percent::of(1, 0), Percent::of(-1, 2), Percent::of(3, 2), Percent::of(0, -1)], [None; 4]);
    }

    #[test]
    fn the_second_is_the_worse() {
        let rate = |warning, critical: Option<u32>| {
            Ok(SuccessRate { warning: Percent(warning), critical: critical.map(Percent) })
        };
        assert_eq!(parse_success_rate("90"), rate(90_000, None));
        assert_eq!(parse_success_rate("90:50"), rate(90_000, Some(50_000)));
        assert_eq!(parse_success_rate("50%:50%"), rate(50_000, Some(50_000)));
        for text in ["50:90", "90:", ":50", "90:50:10", ""] {
            assert!(parse_success_rate(text).is_err(), "{text}");
        }
    }
}
