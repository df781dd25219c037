//! `vwh missed --repost` and `--post-to`: what a receiver gets, in which order, and where it stops.

use serde_json::{Value, json as value};

use crate::call_log::{Receiver, answered, logging, missed, row, several, signature, signed, unsigned};
use crate::service::{failed, failed_and_signed};
use crate::support::{Outcome, Reply};

#[test]
fn what_was_missed_arrives_in_order_as_the_service_would_have_sent_it() {
    let receiver = Receiver::new();
    let service = logging(vec![signed("w-1", &receiver, "HEADER")], answered(7_340_001, 5));
    let outcome = missed(&service.vwh(), &["w-1", "--repost"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    posted  7340001:INITIALIZING  w-1  http://127.0.0.1:[PORT]/hook
    posted  7340001:RINGING  w-1  http://127.0.0.1:[PORT]/hook
    posted  7340001:ACTIVE  w-1  http://127.0.0.1:[PORT]/hook
    posted  7340001:ANSWERED  w-1  http://127.0.0.1:[PORT]/hook
    --- stderr
    ");
    let states = ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"];
    assert_eq!(receiver.events(), states.map(|state| format!("7340001:{state}")));
    let posts = receiver.posts();
    let last = &posts[3];
    assert_eq!(last.line(), "POST /hook");
    let event = concat!(
        r#"{"accountId":"4711","answerTime":"2026-01-02T00:05:04.250+0000","callerId":"Zoë","direction":"INBOUND","#,
        r#""duration":6000,"endTime":"2026-01-02T00:05:10.250+0000","id":"7340001","phoneNumber":"14155550123","#,
        r#""startTime":"2026-01-02T00:05:00.250+0000","state":"ANSWERED","type":"CALL","userId":"9001"}"#
    );
    assert_eq!(String::from_utf8(last.body.clone()).unwrap(), format!("{{\"event\":{event}}}"));
    let header = |name| last.header(name).unwrap();
    assert_eq!(header("x-von-signature"), signature("key-of-the-webhook", event));
    assert_eq!([header("x-von-webhook-id"), header("x-von-attempt")], ["w-1", "1"]);
    assert_eq!([header("x-vwh-synthetic"), header("content-type")], ["repost", "application/json"]);
    let uuid = regex_lite::Regex::new("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").unwrap();
    let mut ids = receiver.delivery_ids();
    assert!(ids.iter().all(|id| uuid.is_match(id)), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn policy_and_key_are_those_of_the_webhook_unless_a_file_has_another() {
    let receiver = Receiver::new();
    let post = |webhook: Value, flags: &[&str]| {
        let service = logging(vec![webhook], vec![row(1, "MISSED", "2026-01-03T00:00:00.000Z")]);
        let vwh = service.vwh().env("VWH_SIGNING_KEY", "key-of-the-environment");
        vwh.write("other.key", "key-of-the-file\n");
        let _ = missed(&vwh, &[&["w-1", "--repost"], flags].concat()).exits(0);
        let post = receiver.posts().pop().unwrap();
        let event = post.json()["event"].to_string();
        let in_header = post.header("x-von-signature").map(str::to_owned);
        let in_body = post.json()["metadata"]["signature"].as_str().map(str::to_owned);
        let with = |key| Some(signature(key, &event));
        let by = |signed: Option<String>| match signed {
            None => "-",
            signed if signed == with("key-of-the-webhook") => "own",
            signed if signed == with("key-of-the-file") => "file",
            _ => "?",
        };
        (by(in_header), by(in_body), post.json()["metadata"]["webhookId"].clone())
    };
    let file = ["--signing-key-file", "other.key"];
    let mut silent = signed("w-1", &receiver, "NONE");
    assert_eq!(post(signed("w-1", &receiver, "BODY"), &[]), ("-", "own", value!("w-1")));
    assert_eq!(post(signed("w-1", &receiver, "BODY"), &file), ("-", "file", value!("w-1")));
    assert_eq!(post(signed("w-1", &receiver, "HEADER"), &file), ("file", "-", Value::Null));
    assert_eq!(post(silent.clone(), &[]), ("-", "-", Value::Null), "a signature does not travel with it");
    assert_eq!(post(silent.clone(), &file), ("file", "-", Value::Null));
    silent.as_object_mut().unwrap().remove("signingAlgo");
    silent.as_object_mut().unwrap().remove("signingKey");
    assert_eq!(post(silent, &[]), ("-", "-", Value::Null));
    assert_eq!(post(unsigned("w-1", &receiver), &[]), ("-", "-", Value::Null));
    assert_eq!(post(unsigned("w-1", &receiver), &file), ("file", "-", Value::Null));
}

/// Without a terminal the command could not go on otherwise.
#[test]
fn what_was_confirmed_goes_on_confirmed() {
    let receiver = Receiver::answering(|_| Reply::new(503, "busy"));
    let service = logging(vec![signed("w-1", &receiver, "HEADER")], answered(7, 5));
    let outcome = missed(&service.vwh(), &["w-1", "--repost", "--yes"]).exits(1);
    let _ = outcome.says("hint: go on with: vwh missed w-1 --repost --yes\n");
}

#[test]
fn it_stops_at_the_first_that_is_not_answered_with_200_and_says_how_to_go_on() {
    let receiver = Receiver::answering(|number| Reply::new(if number == 3 { 503 } else { 200 }, "busy"));
    let service = logging(vec![signed("w-1", &receiver, "HEADER")], answered(7, 5));
    let vwh = service.vwh();
    insta::assert_snapshot!(missed(&vwh, &["w-1", "--repost"]).snapshot(), @r"
    exit: 1
    --- stdout
    posted  7:INITIALIZING  w-1  http://127.0.0.1:[PORT]/hook
    posted  7:RINGING  w-1  http://127.0.0.1:[PORT]/hook
    error  7:ACTIVE  w-1  http://127.0.0.1:[PORT]/hook  503 Service Unavailable: [busy]
    skipped  7:ANSWERED  w-1  http://127.0.0.1:[PORT]/hook
    --- stderr
    error: 2 of 4 events were not posted

    hint: go on with: vwh missed w-1 --repost --after 7:RINGING
    ");
    assert_eq!(receiver.events().len(), 3);
    let outcome = missed(&vwh, &["w-1", "--repost", "--after", "7:RINGING"]).exits(0);
    assert_eq!((outcome.stdout.lines().count(), outcome.stderr.as_str()), (2, ""));
    assert_eq!(receiver.events()[3..], ["7:ACTIVE", "7:ANSWERED"]);
    // Its id stays the same however often it is posted.
    assert_eq!(receiver.delivery_ids()[2], receiver.delivery_ids()[3]);
    let _ = missed(&vwh, &["w-1", "--repost", "--after", "7"]).exits(0).without_answer();
    let unknown = missed(&vwh, &["w-1", "--repost", "--after", "7:HELD"]);
    insta::assert_snapshot!(unknown.snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: webhook w-1 has missed no event "7:HELD"

    hint: see what it missed with: vwh missed w-1
    "#);
    assert_eq!(receiver.events().len(), 5);
}

#[test]
fn what_is_no_timely_200_is_an_error() {
    let elsewhere = Receiver::new();
    let location = elsewhere.url();
    for (reply, told) in [
        (Reply::new(204, ""), "204 No Content: [no body]"),
        (
            Reply::html(500, "<html><title>Oh \u{1b}no</title>"),
            "500 Internal Server Error: an HTML page titled “Oh",
        ),
        (Reply::new(301, "").header("Location", &location), "301 Moved Permanently: [no body]"),
        (Reply::new(500, "key-of-the-webhook"), "500 Internal Server Error: [***]"),
        (Reply::Close, "no reply: "),
        (Reply::Stall, "no reply: Read timed out"),
        (
            Reply::new(307, "").header("Location", "http://foreign.example/"),
            "it redirects to foreign.example, which is not this machine (hint: --yes follows it)",
        ),
    ] {
        let receiver = Receiver::answering(move |_| reply.clone());
        let service = logging(vec![signed("w-1", &receiver, "HEADER")], answered(7, 5));
        let outcome = missed(&service.vwh(), &["w-1", "--repost"]).exits(1);
        let first = outcome.stdout.lines().next().unwrap();
        assert!(first.starts_with("error  7:INITIALIZING  w-1  ") && first.contains(told), "{outcome}");
        let _ = outcome.says("hint: go on with: vwh missed w-1 --repost\n");
        assert!(!receiver.posts().is_empty());
    }
    assert!(elsewhere.posts().is_empty());
}

/// The receiver of one webhook is down; that of the other is not.
#[test]
fn each_receiver_stops_for_itself() {
    let well = Receiver::new();
    let down = Receiver::answering(|_| Reply::new(500, ""));
    let list = vec![unsigned("a", &down), unsigned("b", &down), unsigned("c", &well)];
    let service = logging(list, vec![row(7, "MISSED", "2026-01-03T00:00:00.000Z")]);
    let outcome = missed(&service.vwh(), &["--repost", "--json"]).exits(1);
    let expected = value!({"dryRun": false, "results": [
        {"webhookId": "a", "eventId": "7", "state": "MISSED", "outcome": "error", "error": {
            "kind": "failure", "message": "500 Internal Server Error: [no body]", "hint": null, "status": 500, "causes": []}},
        {"webhookId": "b", "eventId": "7", "state": "MISSED", "outcome": "skipped", "error": null},
        {"webhookId": "c", "eventId": "7", "state": "MISSED", "outcome": "posted", "error": null},
    ], "summary": {"total": 3, "posted": 1, "error": 1, "skipped": 1}});
    assert_eq!(outcome.json(), expected);
    assert_eq!((down.posts().len(), well.posts().len()), (1, 1));
    let hint = "go on with each: vwh missed a --repost; vwh missed b --repost";
    assert_eq!(outcome.error()["hint"], hint);
    let lines = missed(&service.vwh(), &["--repost", "-o", "jsonl", "c"]).exits(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&lines).unwrap(), expected["results"][2]);
}

#[test]
fn several_profiles_are_posted_in_one_run() {
    let (well, down) = (Receiver::new(), Receiver::answering(|_| Reply::new(500, "")));
    let rows = vec![row(7, "MISSED", "2026-01-03T00:00:00.000Z")];
    let a = logging(vec![unsigned("w-1", &well)], rows.clone());
    let b = logging(vec![unsigned("w-1", &down)], rows);
    let vwh = several(&[("a", &a), ("b", &b)]);
    insta::assert_snapshot!(missed(&vwh, &["--all-profiles", "--repost"]).snapshot(), @r"
    exit: 1
    --- stdout
    a  posted  7:MISSED  w-1  http://127.0.0.1:[PORT]/hook
    b  error  7:MISSED  w-1  http://127.0.0.1:[PORT]/hook  500 Internal Server Error: [no body]
    --- stderr
    error: 1 of 2 events were not posted

    hint: go on with: vwh -p b missed w-1 --repost
    ");
    let results = missed(&vwh, &["-p", "*", "--repost", "--json"]).exits(1).json()["results"].clone();
    let told: Vec<_> = results.as_array().unwrap().iter().map(|result| result["profile"].clone()).collect();
    assert_eq!(told, ["b"], "what was posted once is not posted again");
}

#[test]
fn one_url_gets_a_copy_for_each_webhook() {
    let receiver = Receiver::new();
    let list = vec![failed_and_signed("a", "key-of-the-webhook"), failed("b")];
    let service = logging(list, vec![row(7, "MISSED", "2026-01-03T00:00:00.000Z")]);
    let vwh = service.vwh();
    let outcome = missed(&vwh, &["--post-to", &format!("{}?token=s3cr3t", receiver.url())]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    posted  7:MISSED  a  http://127.0.0.1:[PORT]/hook?token=***
    posted  7:MISSED  b  http://127.0.0.1:[PORT]/hook?token=***
    --- stderr
    ");
    let ids: Vec<Value> =
        receiver.posts().iter().map(|post| post.json()["metadata"]["webhookId"].clone()).collect();
    assert_eq!(ids, [value!("a"), Value::Null], "the other one's policy is none");
    let several = missed(&vwh, &["--post-to", &receiver.url(), "--after", "7"]).exits(2);
    let _ = several.without_answer().says("--after goes on with one webhook, and these are 2");
    let _ = missed(&vwh, &["--post-to", &receiver.url(), "--repost"]).exits(2).without_answer();
    for flag in ["--dry-run", "--yes"] {
        let _ = missed(&vwh, &[flag]).exits(2).without_answer();
    }
    assert_eq!(receiver.posts().len(), 2);
}

/// Whatever the log calls a call: nothing of it acts on a terminal or in a shell.
#[test]
fn a_hostile_event_is_inert() {
    let receiver = Receiver::answering(|number| Reply::new(if number == 2 { 500 } else { 200 }, "\u{1b}[2J"));
    let mut rows = answered(7, 5);
    for row in &mut rows {
        row["id"] = "x'; touch owned \u{1b}[31m\u{202e}\n".into();
        row["phoneNumber"] = "\u{9b}2J".into();
    }
    rows[0]["state"] = "\u{1b}]0;x\u{7}".into();
    let service = logging(vec![unsigned("w-1", &receiver)], rows);
    let vwh = service.vwh();
    let is_inert = |outcome: &Outcome| {
        let everything = format!("{}{}", outcome.stdout, outcome.stderr);
        !everything.chars().any(|letter| letter.is_control() && letter != '\n' || letter == '\u{202e}')
    };
    for format in ["table", "json", "jsonl", "csv"] {
        let outcome = missed(&vwh, &["w-1", "-vv", "-o", format]).exits(0);
        assert!(is_inert(&outcome) && outcome.stdout.contains("owned"), "{outcome}");
    }
    let outcome = missed(&vwh, &["w-1", "--repost"]).exits(1);
    assert!(is_inert(&outcome), "{outcome}");
    let _ = outcome.says(r"--after 'x'\''; touch owned \u{1b}[31m\u{202e}\n:");
    assert!(is_inert(&missed(&vwh, &["w-1", "--repost", "--json"]).exits(0)));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_after_what_is_under_way() {
    use std::sync::{Arc, Condvar, Mutex};

    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let opened = Arc::clone(&gate);
    let receiver = Receiver::answering(move |_| {
        let (lock, changed) = &*opened;
        drop(changed.wait_while(lock.lock().unwrap(), |is_open| !*is_open).unwrap());
        Reply::new(200, "")
    });
    let service = logging(vec![unsigned("w-1", &receiver)], answered(7, 5));
    let mut process = service.vwh().args(["missed", "w-1", "--repost", "-v"]).spawn();
    receiver.server.wait_for_requests(1);
    process.signal(crate::support::Signal::INT);
    process.wait_for_error_line(|line| line.starts_with("finishing what is under way"));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    let outcome = process.wait().exits(130);
    assert!(outcome.stdout.starts_with("posted  7:INITIALIZING"), "{outcome}");
    assert!(outcome.stdout.contains("\nskipped  3 events  w-1  http://"), "{outcome}");
    let _ = outcome.says("hint: go on with: vwh missed w-1 --repost --after 7:INITIALIZING");
    assert_eq!(receiver.posts().len(), 1);
}
