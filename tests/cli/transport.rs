//! How one API call goes when the network or the service misbehaves: what is repeated, how often, and how it ends.
//!
//! `vwh list` stands for every call here, as there is one function that sends them. Refusals are in `refusals.rs`.

use std::time::{Duration, SystemTime};

use crate::support::{Outcome, Reply, Server, TOKEN, Vwh, fixture, json, refused};

fn list(base_url: &str) -> Outcome {
    Vwh::connected_to(base_url).args(["list", "--json"]).run()
}

fn list_within(base_url: &str, timeout: &str) -> Outcome {
    Vwh::connected_to(base_url).args(["list", "--json", "--timeout", timeout]).run()
}

fn empty_list() -> Reply {
    json(200, "[]")
}

/// A server that answers its first `count` requests with `reply`, and then with an empty list.
fn server_after(count: usize, reply: Reply) -> Server {
    Server::new(move |request| if request.number <= count { reply.clone() } else { empty_list() })
}

/// A server that never answers anything but `reply`.
fn server_of(reply: Reply) -> Server {
    Server::new(move |_| reply.clone())
}

#[test]
fn the_request_is_the_documented_one() {
    let server = server_of(empty_list());
    for base_path in ["", "/t/vbc.prod/vis/v1", "/t/vbc.prod/vis/v1/"] {
        let outcome = list(&(server.base_url() + base_path)).exits(0);
        assert_eq!((outcome.json(), outcome.stderr.as_str()), (serde_json::json!([]), ""));
    }
    let prefixed = "GET /t/vbc.prod/vis/v1/self/webhooks/";
    assert_eq!(server.lines(), ["GET /self/webhooks/", prefixed, prefixed]);
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
        assert_eq!(request.header("accept"), Some("application/json"));
        assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("vwh/")));
    }
}

#[test]
fn a_refused_port_is_unavailable() {
    let refused = refused();
    let _ = list(&refused.base_url()).exits(5).without_answer().says("127.0.0.1");
}

#[test]
#[cfg(target_os = "linux")]
fn a_connection_that_never_opens_ends_with_the_timeout() {
    let black_hole = crate::support::black_hole();
    let _ = list_within(&black_hole.base_url(), "1s").exits(5).without_answer();
}

#[test]
fn a_reply_that_never_comes_ends_with_the_timeout() {
    let server = server_of(Reply::Stall);
    let _ = list_within(&server.base_url(), "1s").exits(5).without_answer();
    assert_eq!(server.lines(), ["GET /self/webhooks/"]);
}

#[test]
fn a_body_that_never_ends_ends_with_the_timeout() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[".to_vec();
    let server = server_of(Reply::RawThenStall(head));
    let _ = list_within(&server.base_url(), "1s").exits(5).without_answer();
    assert_eq!(server.lines(), ["GET /self/webhooks/"]);
}

#[test]
fn half_a_body_is_asked_for_again() {
    let server = server_after(1, json(200, fixture("vis-list-example.json")).cut_in_half());
    let _ = list(&server.base_url()).exits(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn half_a_body_four_times_is_unavailable_and_never_shown() {
    let server = server_of(json(200, fixture("vis-list-example.json")).cut_in_half());
    let _ = list(&server.base_url()).exits(5).without_answer();
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn half_a_chunked_body_is_asked_for_again() {
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n";
    let server = server_after(1, Reply::Raw(chunk.into()));
    let _ = list(&server.base_url()).exits(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_connection_closed_without_a_reply_is_opened_again() {
    let server = server_after(1, Reply::Close);
    let _ = list(&server.base_url()).exits(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_reply_that_is_not_http_is_no_answer() {
    let server = server_of(Reply::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()));
    let outcome = list(&server.base_url()).without_answer();
    assert!(matches!(outcome.code, Some(5 | 70)), "{outcome}");
}

#[test]
fn a_passing_failure_is_repeated() {
    for status in [408, 500, 502, 503, 504] {
        let server = server_after(1, json(status, "{}"));
        let outcome = list(&server.base_url()).exits(0);
        assert_eq!((outcome.json(), server.requests().len()), (serde_json::json!([]), 2), "{status}");
    }
}

#[test]
fn a_lasting_failure_is_tried_four_times() {
    let server = server_of(json(503, fixture("spring-500.json")));
    let _ = list(&server.base_url()).exits(5).without_answer().says("503").says("JPA EntityManager");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn an_error_page_is_reduced_to_its_title() {
    let server = server_of(Reply::html(502, fixture("nginx-502.html")));
    let outcome = list(&server.base_url()).exits(5).without_answer().says("502 Bad Gateway");
    assert!(!outcome.stderr.contains("center"), "{outcome}");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_page_in_place_of_the_list_is_said_to_be_one() {
    let page = "<!DOCTYPE html><html><head><title>Hotel Wi-Fi</title></head><body>Welcome</body></html>";
    let server = server_of(Reply::html(200, page));
    let outcome = list(&server.base_url()).exits(70).without_answer().says("Hotel Wi-Fi");
    assert!(!outcome.stderr.contains("Welcome"), "{outcome}");
}

#[test]
fn a_suspended_endpoint_is_repeated_even_inside_a_200() {
    for status in [200, 400, 500] {
        let server = server_of(json(status, fixture("gateway-303001-suspended.json")));
        let _ = list(&server.base_url()).exits(5).without_answer();
        assert_eq!(server.requests().len(), 4, "{status}");
    }
}

#[test]
fn a_backend_fault_is_repeated_by_its_code() {
    let server = server_after(1, Reply::xml(400, fixture("gateway-101504-backend.xml")));
    let _ = list(&server.base_url()).exits(0);
    assert_eq!(server.requests().len(), 2);
}

fn throttled() -> Reply {
    json(
        429,
        fixture("gateway-900803-quota.json")
            .replace(",\"nextAccessTime\":\"2024-Mar-01 09:31:00+0000 UTC\"", ""),
    )
}

#[test]
fn a_short_hold_in_seconds_is_waited_out() {
    let server = server_after(1, throttled().header("Retry-After", "1"));
    let _ = list(&server.base_url()).exits(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_short_hold_as_a_date_is_waited_out() {
    let end = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let server = server_after(1, throttled().header("Retry-After", &end));
    let _ = list(&server.base_url()).exits(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn holds_do_not_use_up_the_attempts() {
    let server = server_after(6, throttled().header("Retry-After", "0"));
    let _ = list(&server.base_url()).exits(0);
    assert_eq!(server.requests().len(), 7);
}

/// A moment in an hour that is the same minute however its seconds are rounded.
fn in_an_hour() -> chrono::DateTime<chrono::Utc> {
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    chrono::DateTime::from_timestamp(later.timestamp() / 60 * 60 + 30, 0).unwrap()
}

#[test]
fn a_hold_past_the_timeout_fails_at_once_and_names_its_end() {
    let end = in_an_hour();
    let date = httpdate::fmt_http_date(end.into());
    let server = server_of(throttled().header("Retry-After", &date));
    let named = end.format("%H:%M").to_string();
    let _ = list_within(&server.base_url(), "5s").exits(5).without_answer().says(&named);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_hold_of_seconds_past_the_timeout_fails_at_once() {
    let server = server_of(throttled().header("Retry-After", "3600"));
    let _ = list_within(&server.base_url(), "5s").exits(5).without_answer();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_end_of_a_hold_can_stand_in_the_body() {
    let end = in_an_hour();
    for name in ["gateway-900803-quota.json", "gateway-900803-quota.xml"] {
        let gateway_time = end.format("%Y-%b-%d %H:%M:%S+0000 UTC").to_string();
        let body = fixture(name).replace("2024-Mar-01 09:31:00+0000 UTC", &gateway_time);
        let server = server_of(Reply::new(429, body));
        let named = end.format("%H:%M").to_string();
        let _ = list_within(&server.base_url(), "5s").exits(5).says(&named);
        assert_eq!(server.requests().len(), 1, "{name}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = server_of(empty_list());
    for status in [301, 302, 303, 307, 308] {
        let target = elsewhere.base_url() + "/self/webhooks/";
        let server = server_of(Reply::new(status, "").header("Location", &target));
        let _ = list(&server.base_url()).exits(6).without_answer().says(&status.to_string());
        assert_eq!(server.requests().len(), 1, "{status}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_redirect_on_the_same_host_is_not_followed_either() {
    let server = server_after(1, Reply::new(307, "").header("Location", "/self/webhooks"));
    let _ = list(&server.base_url()).exits(6).without_answer();
    assert_eq!(server.requests().len(), 1);
}
