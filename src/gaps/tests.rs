//! What webhooks and notes tell of gaps.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Action, Gap, Line, Notes};
use crate::services::vis::wire;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn line(time: i64, action: Action, from: Option<i64>, to: Option<i64>) -> Line {
    Line {
        time: at(time),
        action,
        service: "vis".into(),
        base_url: "http://x".into(),
        profile: "p".into(),
        user: None,
        id: "a".into(),
        url: None,
        policy: None,
        is_signed: None,
        from: from.map(at),
        earliest: None,
        created: None,
        to: to.map(at),
        run: None,
    }
}

fn bounds(lines: &[Line], renewed: Option<i64>) -> Vec<(Option<i64>, Option<i64>)> {
    let seconds = |moment: Option<DateTime<Utc>>| moment.map(|moment| moment.timestamp());
    let gaps = Notes::new(lines.iter().cloned()).gaps("a", renewed.map(at));
    gaps.iter().map(|gap| (seconds(gap.from), seconds(gap.to))).collect()
}

fn gap(json: &str) -> Option<(Option<i64>, Option<i64>)> {
    let webhook = wire::webhook(&json.as_bytes().to_vec().into()).expect("a webhook");
    let gap = Gap::of(&webhook, at(1_000), TimeDelta::seconds(80))?;
    Some((gap.from.map(|from| from.timestamp()), gap.to.map(|to| to.timestamp())))
}

#[test]
fn a_webhook_tells_of_its_own_gap() {
    let cases = [
        (r#""statistics":{"lastSuccess":5000,"failed":false}"#, None),
        (r#""statistics":{"lastSuccess":5000,"lastFailure":4000}"#, None),
        (r#""statistics":{"lastSuccess":5000,"lastFailure":6000,"failed":true}"#, Some((Some(5), None))),
        (r#""statistics":{"failed":true}"#, Some((None, None))),
        (
            r#""renewedAt":7000,"statistics":{"lastSuccess":5000,"lastFailure":6000}"#,
            Some((Some(5), Some(7))),
        ),
        // Renewed, and failed again.
        (
            r#""renewedAt":7000,"statistics":{"lastSuccess":5000,"lastFailure":8000,"failed":true}"#,
            Some((Some(5), None)),
        ),
        (r#""renewedAt":4000,"statistics":{"lastSuccess":5000,"lastFailure":6000}"#, Some((Some(5), None))),
        (r#""renewedAt":7000,"statistics":{"lastFailure":6000}"#, Some((None, Some(7)))),
        (r#""expireAt":1000000,"statistics":{"lastSuccess":5000}"#, Some((Some(5), None))),
        (r#""expireAt":1000001,"statistics":{"lastSuccess":5000}"#, None),
        (r#""statistics":null"#, None),
        // What was under way when it failed has succeeded, and nothing since the renewal.
        (
            r#""renewedAt":9000,"statistics":{"lastSuccess":7000,"lastFailure":6000}"#,
            Some((Some(7), Some(9))),
        ),
        (r#""renewedAt":7000,"statistics":{"lastSuccess":7000,"lastFailure":6000}"#, None),
        // Renewed after the failure, delivering for long, and renewed again.
        (r#""renewedAt":900000,"statistics":{"lastSuccess":86001,"lastFailure":6000}"#, None),
        (
            r#""renewedAt":900000,"statistics":{"lastSuccess":86000,"lastFailure":6000}"#,
            Some((Some(86), Some(900))),
        ),
        // And then expired.
        (
            r#""expireAt":950000,"renewedAt":900000,"statistics":{"lastSuccess":500000,"lastFailure":6000}"#,
            Some((Some(500), None)),
        ),
    ];
    for (members, expected) in cases {
        assert_eq!(gap(&format!("{{\"id\":1,{members}}}")), expected, "{members}");
    }
}

/// A delivery of VIS is under way for 80 s until it is given up (vis §8), and others with it.
#[test]
fn a_gap_begins_before_a_success_that_came_after_its_end() {
    let cases = [
        (r#""statistics":{"lastSuccess":500000,"lastFailure":661000,"failed":true}"#, None),
        (r#""statistics":{"lastSuccess":500000,"lastFailure":659000,"failed":true}"#, None),
        (r#""statistics":{"lastSuccess":700000,"lastFailure":660000,"failed":true}"#, Some(500)),
        (r#""renewedAt":900000,"statistics":{"lastSuccess":600000,"lastFailure":660000}"#, None),
        (r#""renewedAt":900000,"statistics":{"lastSuccess":700000,"lastFailure":660000}"#, Some(500)),
        // It does not say when it failed.
        (r#""statistics":{"lastSuccess":700000,"failed":true}"#, None),
        (r#""expireAt":900000,"statistics":{"lastSuccess":820000}"#, None),
        (r#""expireAt":900000,"statistics":{"lastSuccess":900000}"#, None),
        (r#""expireAt":900000,"statistics":{"lastSuccess":900001}"#, Some(820)),
        // A failure that is long over has nothing to do with the expiry.
        (
            r#""expireAt":900000,"renewedAt":200000,"statistics":{"lastSuccess":910000,"lastFailure":100000}"#,
            Some(820),
        ),
        (r#""statistics":{"lastFailure":660000,"failed":true}"#, None),
    ];
    for (members, earliest) in cases {
        let json = format!("{{\"id\":1,{members}}}");
        let webhook = wire::webhook(&json.into_bytes().into()).expect("a webhook");
        let gap = Gap::of(&webhook, at(1_000), TimeDelta::seconds(80)).expect("a gap");
        assert_eq!(gap.earliest, earliest.map(at), "{members}");
        assert_eq!(gap.begin(), gap.earliest.or(gap.from), "{members}");
        let mixed = gap.mixed().map(|mixed| (mixed.from, mixed.to));
        assert_eq!(mixed, gap.earliest.map(|earliest| (earliest, gap.from)), "{members}");
    }
}

#[test]
fn the_earliest_beginning_that_was_noted_counts() {
    let noted = |time, earliest: Option<i64>| Line {
        earliest: earliest.map(at),
        ..line(time, Action::Noted, Some(9), None)
    };
    for (first, second) in [(Some(3), None), (None, Some(3)), (Some(3), Some(5)), (Some(5), Some(3))] {
        let gaps = Notes::new([noted(10, first), noted(20, second)]).gaps("a", None);
        assert_eq!(gaps.iter().map(|gap| gap.earliest).collect::<Vec<_>>(), [Some(at(3))]);
    }
}

#[test]
fn a_gap_ends_with_its_renewal_and_the_next_is_another() {
    let mut lines = vec![line(10, Action::Noted, Some(1), None)];
    assert_eq!(bounds(&lines, None), [(Some(1), None)]);
    // The run was cut short: only a renewal after the note counts.
    assert_eq!(bounds(&lines, Some(10)), [(Some(1), None)]);
    assert_eq!(bounds(&lines, Some(11)), [(Some(1), Some(11))]);
    lines.push(line(10, Action::Ended, Some(1), Some(12)));
    assert_eq!(bounds(&lines, Some(99)), [(Some(1), Some(12))]);
    // It failed again without a success in between.
    lines.push(line(20, Action::Noted, Some(1), None));
    assert_eq!(bounds(&lines, None), [(Some(1), None)]);
    lines.push(line(20, Action::Ended, Some(1), Some(22)));
    lines.push(line(30, Action::Noted, Some(25), None));
    assert_eq!(bounds(&lines, Some(31)), [(Some(1), Some(22)), (Some(25), Some(31))]);
    lines.push(line(30, Action::Ended, None, Some(32)));
    lines.push(line(40, Action::Reposted, Some(1), Some(22)));
    assert_eq!(bounds(&lines, None), [(Some(1), Some(22)), (Some(25), None)]);
}

#[test]
fn a_line_without_what_was_added_later_is_read() {
    let old = r#"{"time":"1970-01-01T00:00:10Z","action":"noted","service":"vis","base_url":"http://x",
        "profile":"p","id":"a","from":null}"#;
    let line: Line = serde_json::from_str(old).expect("a line");
    assert_eq!((line.action, line.from, line.to), (Action::Noted, None, None));
}
