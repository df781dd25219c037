//! One attempt to deliver, with its redirects and its limits, as `trigger --once` makes it.

use serde_json::{Value, json as value};

use crate::support::{Outcome, Reply, Request, Server, Vwh, json, refused};

/// Posts one event once.
fn post(url: &str) -> Outcome {
    Vwh::new().args(["trigger", url, "--state", "ringing", "--unsigned", "--once", "--json"]).run()
}

/// Conclusion, status and error of the only attempt.
fn concluded(outcome: &Outcome) -> Value {
    let answer = outcome.json();
    let result = &answer["results"][0];
    let attempt = &result["attempts"][0];
    assert_eq!(result["attempts"].as_array().unwrap().len(), 1, "{outcome}");
    value!([result["conclusion"], attempt["status"], attempt["error"]])
}

/// What comes of an attempt that a server answers like this.
fn answered(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Value, Server) {
    let server = Server::new(reply);
    let outcome = post(&format!("{}/first", server.base_url()));
    (concluded(&outcome), server)
}

fn delivered() -> Value {
    value!(["delivered", 200, null])
}

fn to(status: u16, location: &str) -> Reply {
    Reply::new(status, "").header("Location", location)
}

/// Answers like this at `/first`, and with 200 anywhere else.
fn redirecting(first: Reply) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    move |request| if request.path == "/first" { first.clone() } else { Reply::new(200, "") }
}

#[test]
fn only_200_is_a_success() {
    let (result, server) = answered(|_| Reply::new(200, "anything"));
    assert_eq!((result, server.lines()), (delivered(), vec!["POST /first".to_owned()]));
    for (status, reason, what) in [
        (201, "Created", "only 200 counts"),
        (204, "No Content", "only 200 counts"),
        (304, "Not Modified", "not followed"),
        (404, "Not Found", "[no body]"),
        (500, "Internal Server Error", "[no body]"),
    ] {
        let reply = format!("HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\n\r\n").into_bytes();
        let (result, _) = answered(move |_| Reply::Raw(reply.clone()));
        assert_eq!(result, value!(["would-retry", status, format!("{status} {reason}: {what}")]));
    }
}

#[test]
fn a_reply_that_does_not_come_in_two_seconds_comes_too_late() {
    let server = Server::new(|_| Reply::Stall);
    let outcome = post(&server.base_url()).exits(1);
    assert_eq!(concluded(&outcome), value!(["would-retry", null, "Read timed out: no status within 2 s"]));
    assert!(outcome.json()["results"][0]["attempts"][0]["ms"].as_u64() >= Some(2000), "{outcome}");
}

#[test]
fn half_a_head_is_no_reply() {
    let server = Server::new(|_| Reply::RawThenStall(b"HTTP/1.1 200 OK\r\nContent-".to_vec()));
    let outcome = post(&server.base_url()).exits(1);
    assert_eq!(concluded(&outcome), value!(["would-retry", null, "Read timed out: no status within 2 s"]));
}

/// The limit for the reply begins with the connection: else this would be a read that timed out, a second earlier.
#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_does_not_stand_in_three_seconds_is_given_up() {
    let nobody = crate::support::black_hole();
    let outcome = post(&nobody.base_url()).exits(1);
    assert_eq!(concluded(&outcome), value!(["would-retry", null, "connect timed out: it took over 3 s"]));
    assert!(outcome.json()["results"][0]["attempts"][0]["ms"].as_u64() >= Some(3000), "{outcome}");
}

#[test]
fn a_refused_connection_is_named_as_java_names_it() {
    let nobody = refused();
    let outcome = post(&nobody.base_url()).exits(1);
    assert_eq!(concluded(&outcome), value!(["would-retry", null, "Connection refused"]));
}

#[test]
fn what_is_no_http_is_survived() {
    let bomb = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: x\r\n".repeat(10_000));
    for reply in [
        Reply::Close,
        Reply::Raw(b"HTTP/1.1 200".to_vec()),
        Reply::Raw(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
        Reply::Raw(b"\x16\x03\x01\x00\x00".to_vec()),
        Reply::Raw(bomb.into_bytes()),
        Reply::Raw(many.into_bytes()),
    ] {
        let (result, server) = answered(move |_| reply.clone());
        assert_eq!((&result[0], &result[1]), (&value!("would-retry"), &Value::Null), "{result}");
        assert!(result[2].as_str().is_some_and(|error| !error.is_empty()), "{result}");
        // A POST whose connection broke is not sent a second time behind our back: that is another attempt.
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_status_in_time_counts_whatever_becomes_of_its_body() {
    let (result, _) = answered(|_| json(200, r#"{"ok":true}"#).cut_in_half());
    assert_eq!(result, delivered());
    let slow = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab".to_vec();
    let (result, _) = answered(move |_| Reply::RawThenStall(slow.clone()));
    assert_eq!(result, delivered());
    let preliminary =
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    let (result, _) = answered(move |_| Reply::Raw(preliminary.clone()));
    assert_eq!(result, delivered());
}

#[test]
fn the_reason_is_told_as_sent_and_the_body_by_its_start() {
    let reply = b"HTTP/1.1 503 Gone Fishing\r\nContent-Length: 9\r\n\r\nback\nat 5".to_vec();
    let (result, _) = answered(move |_| Reply::Raw(reply.clone()));
    assert_eq!(result, value!(["would-retry", 503, "503 Gone Fishing: [back at 5]"]));
    let (result, _) = answered(|_| Reply::html(502, "<html><title>Bad\u{1b}[2J Gateway</title>"));
    assert_eq!(result[2], "502 : an HTML page titled “Bad\\u{1b}[2J Gateway”");
    let (result, _) = answered(|_| Reply::new(500, "a".repeat(4 << 20)));
    let error = result[2].as_str().unwrap().to_owned();
    assert!(error.starts_with("500 : [aaaa") && error.len() < 300, "{error}");
}

#[test]
fn a_302_is_followed_with_get_and_without_the_body() {
    let (result, server) = answered(redirecting(to(302, "/second?x=1")));
    assert_eq!(result, delivered());
    assert_eq!(server.lines(), ["POST /first", "GET /second?x=1"]);
    let [post, get] = &server.requests()[..] else { panic!("two requests") };
    assert!(post.json()["event"]["id"].is_string());
    assert_eq!(get.body, b"");
    for name in ["X-VON-Delivery-Id", "X-VON-Webhook-Id", "X-VON-Attempt", "X-VWH-Synthetic"] {
        assert!(get.header(name).is_some() && get.header(name) == post.header(name), "{name}");
    }
}

#[test]
fn a_307_is_followed_with_post_and_the_same_body() {
    let (result, server) = answered(redirecting(to(307, "second")));
    assert_eq!(result, delivered());
    assert_eq!(server.lines(), ["POST /first", "POST /second"]);
    let [first, second] = &server.requests()[..] else { panic!("two requests") };
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("X-VON-Delivery-Id"), second.header("X-VON-Delivery-Id"));
}

#[test]
fn a_get_stays_a_get() {
    let (result, server) = answered(|request| match request.path.as_str() {
        "/first" => to(302, "/second"),
        "/second" => to(307, "/third"),
        _ => Reply::new(200, ""),
    });
    assert_eq!(result, delivered());
    assert_eq!(server.lines(), ["POST /first", "GET /second", "GET /third"]);
}

#[test]
fn what_answers_after_a_redirect_counts() {
    let (result, _) = answered(|request| match request.path.as_str() {
        "/first" => to(302, "/second"),
        _ => Reply::new(503, "later"),
    });
    assert_eq!(result, value!(["would-retry", 503, "503 : [later]"]));
}

#[test]
fn other_redirects_are_not_followed() {
    for status in [301, 303, 308] {
        let (result, server) = answered(redirecting(to(status, "/second")));
        assert_eq!(result, value!(["would-retry", status, format!("{status}: not followed")]));
        assert_eq!(server.lines(), ["POST /first"]);
    }
}

#[test]
fn a_redirect_to_nowhere_is_a_failure() {
    for location in ["ftp://127.0.0.1/x", "http://", "mailto:a@b.example"] {
        let (result, server) = answered(redirecting(to(302, location)));
        assert_eq!(result, value!(["would-retry", 302, "302: no Location to follow"]), "{location}");
        assert_eq!(server.requests().len(), 1);
    }
    let (result, _) = answered(|_| Reply::new(307, ""));
    assert_eq!(result, value!(["would-retry", 307, "307: no Location to follow"]));
}

#[test]
fn five_redirects_are_followed_and_a_sixth_marks_it_failed_at_once() {
    let hops = |most: usize| {
        move |request: &Request| {
            if request.number <= most { to(302, "/next") } else { Reply::new(200, "") }
        }
    };
    let (result, server) = answered(hops(5));
    assert_eq!((result, server.requests().len()), (delivered(), 6));
    let (result, server) = answered(hops(6));
    assert_eq!(result, value!(["would-mark-failed", null, "more than 5 redirects"]));
    assert_eq!(server.requests().len(), 6);
    // With all its attempts at hand too: there is no pause that this test would have to wait for.
    let server = Server::new(hops(usize::MAX));
    let outcome = Vwh::new().args(["trigger", &server.base_url(), "--unsigned"]).run();
    insta::assert_snapshot!(outcome.hiding_durations().snapshot(), @r"
    exit: 1
    --- stdout
    INITIALIZING  would mark failed  more than 5 redirects  in [DURATION]
    RINGING       not sent
    ACTIVE        not sent
    ANSWERED      not sent
    --- stderr
    ");
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn every_attempt_has_a_connection_of_its_own() {
    let server = Server::new(|_| Reply::new(200, ""));
    let _ = Vwh::new().args(["trigger", &server.base_url(), "--unsigned", "--once"]).run().exits(0);
    assert_eq!((server.requests().len(), server.connections()), (4, 4));
}
