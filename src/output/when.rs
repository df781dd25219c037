//! Times for people: relative to the service's clock, and absolute in UTC. Pure.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// `2h ago`, `in 9d`, `now`.
#[must_use]
pub fn relative(moment: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let distance = moment - now;
    match rough(distance.abs()) {
        None => "now".to_owned(),
        Some(rough) if distance < TimeDelta::zero() => format!("{rough} ago"),
        Some(rough) => format!("in {rough}"),
    }
}

/// The largest whole unit of a duration: `3d`, `2h`, `5m`, `8s`; `None` below a second.
#[must_use]
pub fn rough(duration: TimeDelta) -> Option<String> {
    let seconds = duration.num_seconds();
    Some(match seconds {
        ..=0 => return None,
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        // One day reads worse than its hours, which decide whether it is still today's problem.
        3_600..172_800 => format!("{}h", seconds / 3_600),
        172_800..63_072_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    })
}

/// RFC 3339 in UTC to the second.
#[must_use]
pub fn absolute(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `02:21Z`, or with its date when that is not today's.
#[must_use]
pub fn short(moment: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if moment.date_naive() == now.date_naive() {
        moment.format("%H:%MZ").to_string()
    } else {
        moment.format("%Y-%m-%d %H:%MZ").to_string()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{absolute, relative, short};

    #[test]
    fn times_are_short_and_exact() {
        let now: DateTime<Utc> = "2024-03-05T12:00:00.900Z".parse().expect("a literal time");
        let ago = |seconds| relative(now - TimeDelta::seconds(seconds), now);
        assert_eq!(ago(0), "now");
        assert_eq!(ago(59), "59s ago");
        assert_eq!(ago(3_599), "59m ago");
        assert_eq!(ago(172_799), "47h ago");
        assert_eq!(ago(172_800), "2d ago");
        assert_eq!(ago(-86_400 * 9), "in 9d");
        assert_eq!(ago(-86_400 * 365 * 10), "in 10y");
        assert_eq!(absolute(now), "2024-03-05T12:00:00Z");
        assert_eq!(short(now - TimeDelta::hours(12), now), "00:00Z");
        assert_eq!(short(now - TimeDelta::hours(13), now), "2024-03-04 23:00Z");
    }
}
