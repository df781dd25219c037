//! `vwh missed` and the pages of the log: whatever `offset` counts and however the service cuts, nothing is left out.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json as value};

use crate::call_log::{looks, parameter, row, with_log};
use crate::service::{Service, failed};
use crate::support::{Outcome, Reply, Request, json};

fn rows(count: u64) -> Vec<Value> {
    let moment = |id| format!("2026-01-03T{:02}:{:02}:00.000Z", id / 60, id % 60);
    (1..=count).map(|id| row(id, "MISSED", &moment(id))).collect()
}

/// A log of `count` calls of which `page` gives a part, by the offset that is asked for.
fn cut(count: u64, page: impl Fn(&[Value], usize) -> Vec<Value> + Send + Sync + 'static) -> Service {
    let rows = rows(count);
    with_log(vec![failed("w-1")], move |request: &Request| {
        let offset = parameter(request, "offset").unwrap().parse().unwrap();
        json(200, Value::from(page(&rows, offset)).to_string())
    })
}

fn part(rows: &[Value], first: usize, size: usize) -> Vec<Value> {
    rows.iter().skip(first).take(size).cloned().collect()
}

fn missed(service: &Service) -> Outcome {
    service.vwh().args(["missed", "w-1", "--json"]).run()
}

#[track_caller]
fn assert_all(service: &Service, count: u64) {
    let outcome = missed(service).exits(0);
    assert_eq!(outcome.stderr, "");
    let ids: Vec<u64> =
        outcome.json().as_array().unwrap().iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=count).collect::<Vec<u64>>());
}

/// The size that was asked for is ignored, and a page of 20 is not the last.
#[test]
fn pages_of_twenty_are_read_to_their_end() {
    let service = cut(50, |rows, offset| part(rows, offset * 20, 20));
    assert_all(&service, 50);
    assert_eq!(looks(&service), 4);
}

#[test]
fn an_offset_that_counts_rows_is_noticed() {
    let service = cut(250, |rows, offset| part(rows, offset, 100));
    assert_all(&service, 250);
    assert_eq!(looks(&service), 5, "0, 1, 101, 201, and nothing behind 250");
}

#[test]
fn pages_that_count_from_one_are_read_too() {
    let service = cut(45, |rows, offset| part(rows, offset.saturating_sub(1) * 20, 20));
    assert_all(&service, 45);
}

#[test]
fn an_offset_that_is_ignored_ends_it() {
    let service = cut(5, |rows, _| rows.to_vec());
    assert_all(&service, 5);
    assert_eq!(looks(&service), 2);
}

/// Rows that stand on two pages, in any order, of which one is of an event that was not asked for.
#[test]
fn rows_that_come_twice_count_once() {
    let service = cut(30, |rows, offset| {
        let mut page = part(rows, (offset * 20).saturating_sub(5), 25);
        page.reverse();
        page.push(row(99, "MISSED", "2020-01-01T00:00:00.000Z"));
        if page.len() > 1 { page } else { Vec::new() }
    });
    assert_all(&service, 30);
}

#[test]
fn a_page_may_be_an_object() {
    for wrapped in [
        |page: Vec<Value>| value!({"content": page}),
        |page: Vec<Value>| page.first().cloned().unwrap_or(value!({})),
    ] {
        let service = with_log(vec![failed("w-1")], move |request| {
            let first = parameter(request, "offset").as_deref() == Some("0");
            json(200, wrapped(if first { rows(1) } else { Vec::new() }).to_string())
        });
        assert_all(&service, 1);
    }
    let service = with_log(vec![failed("w-1")], |_| Reply::new(204, ""));
    assert_eq!(missed(&service).exits(0).stdout, "[]\n");
}

#[test]
fn a_throttled_page_is_waited_for() {
    let was_held = AtomicBool::new(false);
    let pages = rows(30);
    let service = with_log(vec![failed("w-1")], move |request| {
        let offset: usize = parameter(request, "offset").unwrap().parse().unwrap();
        if offset == 1 && !was_held.swap(true, Ordering::SeqCst) {
            return json(429, "{}").header("Retry-After", "1");
        }
        json(200, Value::from(part(&pages, offset * 20, 20)).to_string())
    });
    assert_all(&service, 30);
    assert_eq!(looks(&service), 4);
}

#[test]
fn a_log_without_an_end_is_left_and_said() {
    let service = cut(0, |_, offset| vec![row(offset as u64, "MISSED", "2026-01-03T00:00:00.000Z")]);
    let outcome = missed(&service).exits(0);
    assert_eq!(outcome.json().as_array().unwrap().len(), 1_000);
    let _ = outcome.says("the service's log did not come to an end: not everything that was missed is here");
    assert_eq!(looks(&service), 1_000);
}

#[test]
fn a_page_that_fails_for_a_moment_is_asked_for_again() {
    let has_failed = AtomicBool::new(false);
    let service = with_log(vec![failed("w-1")], move |request| {
        if !has_failed.swap(true, Ordering::SeqCst) {
            return json(503, "{}");
        }
        let first = parameter(request, "offset").as_deref() == Some("0");
        json(200, Value::from(if first { rows(3) } else { Vec::new() }).to_string())
    });
    assert_all(&service, 3);
}
