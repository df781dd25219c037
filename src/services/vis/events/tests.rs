//! The paging and the payloads of the log, apart from any service.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn body(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn row(number: usize) -> String {
    let moment = 1_700_000_000_000 + number as u64 * 1_000;
    json!({"id": number, "state": "RINGING", "type": "CALL", "startTime": moment}).to_string()
}

/// Asks a log of `total` rows that answers as `page_of` says, and gives how many rows and how many requests came of it.
fn read_all(total: usize, page_of: impl Fn(&[String], usize) -> Vec<String>) -> (usize, usize) {
    let log: Vec<String> = (0..total).map(row).collect();
    let mut reading = Reading::default();
    let (mut next, mut requests) = (Some(0), 0);
    while let Some(offset) = next {
        requests += 1;
        assert!(requests < 1_000);
        let page = page_of(&log, usize::try_from(offset).unwrap());
        let rows: Vec<Bytes> = page.iter().map(|row| body(row)).collect();
        next = reading.take(&rows, &|_| true);
    }
    (reading.log.events.len(), requests)
}

fn cut(log: &[String], start: usize, size: usize) -> Vec<String> {
    log.iter().skip(start).take(size).cloned().collect()
}

#[test]
fn rows_come_in_an_array_or_without_one() {
    let count = |text: &str| rows(&body(text)).map(|rows| rows.len()).ok();
    assert_eq!(count(r#" [{"id":1},{"id":2},7] "#), Some(3));
    assert_eq!(count(r#"{"id":1,"parties":[1,2]}"#), Some(1));
    assert_eq!(count(r#"{"total":2,"content":[{"id":1},{"id":2}]}"#), Some(2));
    for none in ["[]", "null", "", " ", "{}", r#"{"content":[]}"#] {
        assert_eq!(count(none), Some(0), "{none}");
    }
    for broken in ["[", "<html>", "7", "\"x\"", "[1,]"] {
        assert_eq!(count(broken), None, "{broken}");
    }
}

#[test]
fn a_row_is_an_event_another_kind_or_a_stranger() {
    let kind = |text: &str| match Row::read(&body(text)) {
        Row::Event(_) => 'e',
        Row::Foreign(_) => 'f',
        Row::Stranger(_) => 's',
    };
    for (text, expected) in [
        (r#"{"id":1,"startTime":1}"#, 'e'),
        (r#"{"externalId":"x:0","startTime":"2018-02-15T18:58:56.194+0000","type":"call"}"#, 'e'),
        (r#"{"id":1,"startTime":1,"type":"SMS"}"#, 'f'),
        (r#"{"id":1}"#, 's'),
        (r#"{"id":1,"startTime":"yesterday"}"#, 's'),
        (r#"{"startTime":1}"#, 's'),
        (r#"{"id":1,"startTime":1,"callerId":"\ud800"}"#, 's'),
        ("7", 's'),
        ("null", 's'),
        ("[]", 's'),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn a_payload_has_the_forms_of_a_delivery() {
    let row = r#" {"userId": 9001, "id":7340001, "accountId":-1, "startTime":1518721136194, "uciId": 12, "n":1e3,
        "answerTime":"2018-02-15T18:59:03Z","endTime":null,"duration":2950,"callerId":"Zo\u00eb","state":"A","state":"B"} "#;
    let expected = r#"{"accountId":"-1","answerTime":"2018-02-15T18:59:03.000+0000","callerId":"Zoë","duration":2950,"endTime":null,"id":"7340001","n":1e3,"startTime":"2018-02-15T18:58:56.194+0000","state":"B","uciId":12,"userId":"9001"}"#;
    assert_eq!(payload(row).as_deref(), Ok(expected));
    // What was a payload already stays as it is.
    assert_eq!(payload(expected).as_deref(), Ok(expected));
}

#[test]
fn a_service_that_ignores_the_offset_is_asked_twice_or_thrice() {
    assert_eq!(read_all(0, |log, _| log.to_vec()), (0, 1));
    assert_eq!(read_all(19, |log, _| log.to_vec()), (19, 2));
    assert_eq!(read_all(30, |log, _| log.to_vec()), (30, 3));
}

#[test]
fn pages_that_are_counted_from_one_are_read_to_their_end() {
    let page = |log: &[String], offset: usize| cut(log, offset.saturating_sub(1) * 20, 20);
    assert_eq!(read_all(50, page), (50, 5));
    assert_eq!(read_all(7, page), (7, 2));
}

/// Rows of calls that are going on stand where their calls began, and push on what comes after them.
#[test]
fn a_page_of_rows_that_were_pushed_on_is_not_the_end() {
    let page = |log: &[String], offset: usize| {
        let pushed = if offset < 2 { offset } else { offset - 1 };
        cut(log, pushed * 20, 20)
    };
    assert_eq!(read_all(70, page), (70, 6));
}

proptest! {
    /// Whatever `offset` counts and however small a page is, every row comes.
    #[test]
    fn every_row_is_found(total in 0_usize..90, size in 1_usize..40) {
        let (by_page, requests) = read_all(total, |log, offset| cut(log, offset * size, size));
        prop_assert_eq!((by_page, requests), (total, total.div_ceil(size) + 1));
        let (by_row, requests) = read_all(total, |log, offset| cut(log, offset, size));
        prop_assert_eq!(by_row, total);
        prop_assert!(requests <= total / size + 3, "{requests}");
    }
}
