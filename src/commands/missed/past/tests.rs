//! Gaps and keys along chains of webhooks.

use chrono::TimeDelta;
use serde_json::value::RawValue;

use super::*;
use crate::journal::{Intended, Owner, Run};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn line(second: i64, action: Action, id: &str) -> Line {
    let owner =
        Owner { service: "vis".into(), base_url: "x".into(), account: None, user: None, profile: None };
    let run = Run { name: "r".into(), command: "c", profile: "p".into(), owner };
    run.line(at(second), action, id)
}

/// A line with a definition: failed since second 5, or well, with the key `key`.
fn defining(second: i64, action: Action, id: &str, is_failed: bool) -> Line {
    let statistics = if is_failed { r#""lastFailure":6000,"failed":true"# } else { r#""failed":false"# };
    let json = format!(
        r#"{{"id":"{id}","signingKey":"key","createdAt":1000,"statistics":{{"lastSuccess":5000,{statistics}}}}}"#
    );
    Line { definition: RawValue::from_string(json).ok(), ..line(second, action, id) }
}

fn named(second: i64, action: Action, id: &str, new_id: &str) -> Line {
    Line { new_id: Some(new_id.into()), ..line(second, action, id) }
}

fn replacing(second: i64, id: &str, key: &str) -> Line {
    let intended = Intended {
        url: String::new(),
        events: Vec::new(),
        metadata_policy: String::new(),
        key_fingerprint: Some(Secret::new(key).fingerprint()),
    };
    Line { successor: Some(intended), ..defining(second, Action::Replacing, id, true) }
}

fn past(lines: &[Line]) -> Past {
    Past::of(lines, &|_| true)
}

fn bounds(past: &Past, id: &str, created: Option<i64>) -> Vec<(Option<i64>, Option<i64>)> {
    let seconds = |moment: Option<DateTime<Utc>>| moment.map(|moment| moment.timestamp());
    let gaps = past.gaps(id, &|_| created.map(at));
    gaps.iter().map(|gap| (seconds(gap.from), seconds(gap.to))).collect()
}

#[test]
fn a_removed_webhook_misses_until_its_successor_was_registered() {
    let mut lines = vec![defining(10, Action::Removing, "a", true), line(11, Action::Removed, "a")];
    assert_eq!(bounds(&past(&lines), "a", None), [(Some(5), None)]);
    assert_eq!(past(&lines).orphans(at(9), &|_| false), ["a"]);
    assert!(past(&lines).orphans(at(10), &|_| true).is_empty(), "removed long ago");
    lines.push(named(20, Action::Restored, "a", "b"));
    assert_eq!(bounds(&past(&lines), "a", None), [(Some(5), Some(20))]);
    assert_eq!(bounds(&past(&lines), "a", Some(19)), [(Some(5), Some(19))]);
    assert_eq!(past(&lines).orphans(at(0), &|_| false), Vec::<String>::new());
    // The successor was removed too: its definition says when it was registered.
    lines.push(defining(30, Action::Removing, "b", true));
    assert_eq!(bounds(&past(&lines), "a", None), [(Some(5), Some(1))]);
    assert_eq!((past(&lines).newest("a"), past(&lines).line_of("b")), ("b", vec!["b".into(), "a".into()]));
}

#[test]
fn one_that_delivered_misses_from_its_removal_to_its_return() {
    let mut lines = vec![defining(10, Action::Removing, "a", false), line(11, Action::Removed, "a")];
    assert!(
        bounds(&past(&lines), "a", None).is_empty() && past(&lines).orphans(at(0), &|_| false).is_empty()
    );
    lines.push(named(20, Action::Restored, "a", "b"));
    assert_eq!(bounds(&past(&lines), "a", None), [(Some(5), Some(20))]);
    // One that was replaced was there until its successor was.
    lines[2].action = Action::Replaced;
    assert_eq!(bounds(&past(&lines), "a", None), Vec::new());
}

#[test]
fn a_replacement_ends_the_gap_also_where_the_old_one_stays_or_was_changed_in_place() {
    let mut lines = vec![replacing(10, "a", "key"), named(12, Action::Replaced, "a", "b")];
    assert_eq!(bounds(&past(&lines), "a", Some(11)), [(Some(5), Some(11))]);
    lines.push(defining(13, Action::Removing, "a", true));
    assert_eq!(bounds(&past(&lines), "a", Some(11)), [(Some(5), Some(11))]);
    assert_eq!(past(&lines).line_of("b"), ["b", "a"]);
    let lines = [replacing(10, "a", "key"), named(12, Action::Replaced, "a", "a")];
    assert_eq!(bounds(&past(&lines), "a", Some(1)), [(Some(5), Some(12))]);
    assert!(past(&lines).is_changed_in_place("a"));
    assert_eq!((past(&lines).newest("a"), past(&lines).line_of("a")), ("a", vec!["a".to_owned()]));
}

#[test]
fn one_that_was_kept_is_no_orphan_and_a_circle_is_walked_once() {
    let kept = past(&[defining(10, Action::Removing, "a", true), line(11, Action::Kept, "a")]);
    assert!(kept.orphans(at(0), &|_| false).is_empty() && kept.webhook("a").is_some());
    let circle = past(&[
        defining(1, Action::Removing, "a", true),
        named(2, Action::Restored, "a", "b"),
        defining(3, Action::Removing, "b", true),
        named(4, Action::Restored, "b", "a"),
    ]);
    assert_eq!((circle.newest("a"), circle.line_of("a")), ("b", vec!["a".into(), "b".into()]));
    assert_eq!(past(&[]).newest("z"), "z");
}

/// What took its place in the end was never removed by vwh, and is not listed.
#[test]
fn the_last_that_the_journal_knows_stands_for_a_chain_whose_end_is_lost() {
    let past = past(&[
        defining(1, Action::Removing, "a", true),
        named(2, Action::Restored, "a", "b"),
        replacing(3, "b", "key"),
        named(4, Action::Replaced, "b", "c"),
    ]);
    assert_eq!((past.newest("a"), past.last_known("a"), past.last_known("z")), ("c", "b", "z"));
    assert_eq!((past.successor("a"), past.successor("b"), past.successor("c")), (None, Some("c"), None));
}

#[test]
fn a_key_is_handed_on_as_long_as_it_is_the_same() {
    let key = |lines: &[Line], id: &str| past(lines).key(id).map(|key| key.reveal().to_owned());
    let restored = [defining(1, Action::Removing, "a", true), named(2, Action::Restored, "a", "b")];
    assert_eq!(key(&restored, "a").as_deref(), Some("key"));
    assert_eq!(key(&restored, "b").as_deref(), Some("key"));
    assert_eq!(key(&restored, "c"), None);
    let moved = |new_key| [replacing(1, "a", new_key), named(2, Action::Replaced, "a", "b")];
    assert_eq!(key(&moved("key"), "b").as_deref(), Some("key"));
    assert_eq!(key(&moved("another"), "b"), None);
}
