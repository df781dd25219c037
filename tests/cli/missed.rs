//! `vwh missed`: which events it shows, of which webhooks, and how.

use serde_json::{Value, json as value};

use crate::call_log::{answered, logging, looks, milliseconds, missed, parameter, row, several, with_log};
use crate::service::{Service, failed, failed_and_signed, healthy};
use crate::support::{Outcome, Vwh, json};

/// `ID:STATE` of each event.
fn names(outcome: &Outcome) -> Vec<String> {
    let name = |event: &Value| format!("{}:{}", event["id"], event["state"].as_str().unwrap());
    outcome.json().as_array().unwrap().iter().map(name).collect()
}

fn shown(vwh: &Vwh, arguments: &[&str]) -> Vec<String> {
    names(&missed(vwh, &[arguments, &["--json"]].concat()).exits(0))
}

/// Calls before and after the last success of a failed webhook, at midnight of 2026-01-02.
fn before_and_after() -> Vec<Value> {
    vec![
        row(1, "MISSED", "2026-01-01T23:59:59.000Z"),
        row(2, "MISSED", "2026-01-02T00:00:00.000Z"),
        row(3, "MISSED", "2026-01-02T00:00:00.001Z"),
        row(4, "MISSED", "2026-01-05T00:00:00.000Z"),
    ]
}

#[test]
fn a_table_for_people() {
    let service = logging(vec![failed("w-1"), healthy("w-2")], answered(7_340_001, 5));
    insta::assert_snapshot!(missed(&service.vwh(), &[]).snapshot(), @r"
    exit: 0
    --- stdout
    TIME                  STATE         DIRECTION  NUMBER       CALLER  DURATION  EVENT
    2026-01-02T00:05:00Z  INITIALIZING  INBOUND    14155550123  Zoë               7340001
    2026-01-02T00:05:00Z  RINGING       INBOUND    14155550123  Zoë               7340001
    2026-01-02T00:05:04Z  ACTIVE        INBOUND    14155550123  Zoë               7340001
    2026-01-02T00:05:10Z  ANSWERED      INBOUND    14155550123  Zoë     6.0s      7340001
    --- stderr
    ");
    let told = missed(&service.vwh(), &["-v"]).exits(0);
    let summary = "\n\n4 events since 2026-01-02T00:00:00Z: vwh missed w-1 --repost\n";
    assert!(told.stderr.ends_with(summary), "{told}");
    let quiet = missed(&service.vwh(), &["w-1"]).exits(0);
    assert_eq!((quiet.stdout.lines().count(), quiet.stderr.as_str()), (5, ""));
}

/// The earlier states of such a call have the moment of its start, so they count as delivered, and perhaps were not.
#[test]
fn a_call_that_began_before_the_gap_is_pointed_out() {
    let start = "2026-01-01T23:59:00.000Z";
    let mut active = row(7, "ACTIVE", start);
    active["answerTime"] = "2026-01-02T00:00:05.000Z".into();
    let mut held = active.clone();
    held["state"] = "HELD".into();
    let rows = vec![row(7, "RINGING", start), active, held, row(8, "MISSED", "2026-01-03T00:00:00.000Z")];
    let service = logging(vec![failed("w-1")], rows);
    let outcome = missed(&service.vwh(), &["-v"]).exits(0);
    let told =
        "1 call began before the gap, and its earlier states may be missing here; --since shows them\n";
    assert!(outcome.stderr.ends_with(told), "{outcome}");
    assert_eq!(shown(&service.vwh(), &[]), ["7:ACTIVE", "7:HELD", "8:MISSED"]);
    let outcome = missed(&service.vwh(), &["w-1", "--since", "2026-01-01T23:58:00Z", "-v"]).exits(0);
    assert!(outcome.stdout.contains("RINGING") && !outcome.stderr.contains("began before"), "{outcome}");
    assert!(!missed(&service.vwh(), &["--json", "-v"]).exits(0).stderr.contains("began before"));
}

#[test]
fn several_webhooks_stand_one_below_the_other() {
    let rows = vec![row(7, "MISSED", "2026-01-02T00:05:00.000Z")];
    let service = logging(vec![failed("w-1"), failed("w-2")], rows);
    let outcome = missed(&service.vwh().env("COLUMNS", "60"), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    w-1  https://hooks.example.test/w-1
    TIME             STATE   NUMBER       CALLER  EVENT
    01-02 00:05:00Z  MISSED  14155550123  Zoë     7

    w-2  https://hooks.example.test/w-2
    TIME             STATE   NUMBER       CALLER  EVENT
    01-02 00:05:00Z  MISSED  14155550123  Zoë     7
    --- stderr
    ");
    assert_eq!(looks(&service), 1 + 1, "one reading serves both: a page, and one without news");
}

/// The contract of the JSON: the service's own object, and one more member.
#[test]
fn json_is_the_services_own_object_and_one_member() {
    let mut event = row(7, "RINGING", "2026-01-02T00:05:00.000Z");
    event["uciId"] = value!(1e3);
    let mut webhook = failed("w-1");
    webhook["url"] = "https://u:p4ss@hooks.example.test/x?token=s3cr3t".into();
    let service = logging(vec![webhook], vec![event]);
    let outcome = missed(&service.vwh(), &["--json"]);
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 0
    --- stdout
    [
    {"accountId":4711,"callerId":"Zoë","direction":"INBOUND","duration":0,"id":7,"phoneNumber":"14155550123","startTime":"2026-01-02T00:05:00.000Z","state":"RINGING","type":"CALL","uciId":1000.0,"userId":9001,"vwh":{"profile":"default","service":"vis","webhookId":"w-1","webhookUrl":"https://u:***@hooks.example.test/x?token=***","moment":"2026-01-02T00:05:00.000Z","deliveryId":"258b9ab1-7bb9-8c47-8da1-afddc1fa2e6f"}}
    ]
    --- stderr
    "#);
    let lines = missed(&service.vwh(), &["-o", "jsonl"]).exits(0);
    assert_eq!(serde_json::from_str::<Value>(&lines.stdout).unwrap(), outcome.json()[0]);
    insta::assert_snapshot!(missed(&service.vwh(), &["-o", "csv"]).snapshot(), @r"
    exit: 0
    --- stdout
    profile,service,webhook_id,webhook_url,moment,state,direction,number,caller,duration_ms,event_id,delivery_id
    default,vis,w-1,https://u:***@hooks.example.test/x?token=***,2026-01-02T00:05:00.000Z,RINGING,INBOUND,14155550123,Zoë,0,7,258b9ab1-7bb9-8c47-8da1-afddc1fa2e6f
    --- stderr
    ");
    for format in ["table", "wide", "json", "jsonl", "csv"] {
        let outcome = missed(&service.vwh(), &["-o", format, "-vv"]).exits(0);
        let everything = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!everything.contains("s3cr3t") && !everything.contains("p4ss"), "{outcome}");
    }
    assert!(missed(&service.vwh(), &["--json", "--show-secrets"]).stdout.contains("token=s3cr3t"));
}

#[test]
fn what_came_after_the_last_success_is_missed() {
    let service = logging(vec![failed("w-1")], before_and_after());
    assert_eq!(shown(&service.vwh(), &["w-1"]), ["3:MISSED", "4:MISSED"]);
    let request = service.server.requests().pop().unwrap();
    // A day before, because the service's filter may look at the beginning of a call.
    let from = milliseconds("2026-01-01T00:00:00+0000").to_string();
    assert_eq!(parameter(&request, "fromDate"), Some(from));
    assert_eq!(parameter(&request, "toDate"), None);
    let fixed = ["types", "size", "order"].map(|name| parameter(&request, name).unwrap());
    assert_eq!(fixed, ["CALL", "100", "ASC"]);
}

#[test]
fn the_moment_of_an_event_is_its_latest_time() {
    let mut long = row(1, "ANSWERED", "2026-01-01T01:00:00.000Z");
    long["answerTime"] = "2026-01-01T01:00:04.000Z".into();
    long["endTime"] = "2026-01-02T00:30:00.000Z".into();
    let mut ended = row(2, "ANSWERED", "2026-01-01T23:00:00.000Z");
    ended["endTime"] = "2026-01-02T00:00:00.000Z".into();
    let mut begun = row(3, "ACTIVE", "2026-01-01T23:59:00.000Z");
    begun["answerTime"] = "2026-01-02T00:10:00.000Z".into();
    let service = logging(vec![failed("w-1")], vec![long, ended, begun]);
    // In the order of their moments, and not of the log.
    assert_eq!(shown(&service.vwh(), &[]), ["3:ACTIVE", "1:ANSWERED"]);
}

#[test]
fn a_start_and_an_end_may_be_given() {
    let service = logging(vec![failed("w-1"), healthy("w-2")], before_and_after());
    let vwh = service.vwh();
    let since = "2026-01-01T23:59:58Z";
    assert_eq!(shown(&vwh, &["w-1", "--since", since]), ["1:MISSED", "2:MISSED", "3:MISSED", "4:MISSED"]);
    assert_eq!(shown(&vwh, &["w-1", "--since", "2026-01-04T00:00:00Z"]), ["4:MISSED"]);
    let until = ["--until", "2026-01-02T00:00:00.001Z"];
    assert_eq!(shown(&vwh, &[&["w-1"], &until[..]].concat()), ["3:MISSED"]);
    let request = service.server.requests().pop().unwrap();
    let to = (milliseconds("2026-01-03T00:00:00+0000") + 1).to_string();
    assert_eq!(parameter(&request, "toDate"), Some(to));
    // Who is named needs no gap, where the start is given.
    assert_eq!(
        shown(&vwh, &["w-2", "--since", since, "--until", "2026-01-02T00:00:00Z"]),
        ["1:MISSED", "2:MISSED"]
    );
    assert_eq!(shown(&vwh, &["--since", "2026-01-04T00:00:00Z"]), ["4:MISSED"], "of the failed one");
    let wrong = missed(&vwh, &["w-1", "--since", since, "--until", since]).exits(2).without_answer();
    let _ = wrong.says("--until is not later than --since");
    let _ = missed(&vwh, &["w-1", "--since", "yesterday"]).exits(2).without_answer();
}

#[test]
fn a_duration_is_counted_on_the_services_clock() {
    let service = logging(vec![failed("w-1")], before_and_after());
    service.with(|webhooks| webhooks.date = Some("Mon, 05 Jan 2026 01:00:00 GMT".to_owned()));
    assert_eq!(shown(&service.vwh(), &["w-1", "--since", "2h"]), ["4:MISSED"]);
    let outcome = missed(&service.vwh(), &["w-1", "--since", "2h", "-v"]).exits(0);
    let _ = outcome
        .says("1 event since 2026-01-04T23:00:00Z: vwh missed w-1 --since 2026-01-04T23:00:00Z --repost");
}

#[test]
fn where_nothing_is_known_to_be_missed_the_log_is_not_asked() {
    let service = logging(vec![healthy("w-1")], before_and_after());
    let vwh = service.vwh();
    for (arguments, notice) in [
        (&[][..], "nothing is known to be missed\n"),
        (&["--failed"], "nothing is known to be missed\n"),
        (
            &["w-1"],
            "nothing is known to be missed by w-1; what came since a time: vwh missed w-1 --since TIME\n",
        ),
    ] {
        let silent = missed(&vwh, arguments).exits(0);
        assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
        let told = missed(&vwh, &[arguments, &["-v"]].concat()).exits(0).without_answer();
        assert!(told.stderr.ends_with(notice), "{told}");
        assert_eq!(missed(&vwh, &[arguments, &["--json"]].concat()).exits(0).stdout, "[]\n");
        assert_eq!(missed(&vwh, &[arguments, &["-o", "jsonl"]].concat()).exits(0).stdout, "");
    }
    assert_eq!(looks(&service), 0);
}

#[test]
fn failed_and_expired_ones_are_looked_at_and_filters_choose() {
    let mut expired = healthy("expired");
    expired["expireAt"] = "2026-01-03T00:00:00Z".into();
    let rows = vec![row(7, "MISSED", "2026-01-04T00:00:00.000Z")];
    let service = logging(vec![healthy("well"), failed("broken"), expired], rows);
    let of = |arguments: &[&str]| -> Vec<String> {
        let outcome = missed(&service.vwh(), &[arguments, &["--json"]].concat()).exits(0);
        let id = |event: &Value| event["vwh"]["webhookId"].as_str().unwrap().to_owned();
        outcome.json().as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(of(&[]), ["broken", "expired"]);
    assert_eq!(of(&["--failed"]), ["broken"]);
    assert_eq!(of(&["--url", "*/exp*"]), ["expired"]);
    assert_eq!(of(&["expired", "broken", "expired"]), ["expired", "broken"]);
    assert_eq!(of(&["brok"]), ["broken"], "a prefix will do for reading");
    let unknown = missed(&service.vwh(), &["nobody"]).exits(4).without_answer();
    let _ = unknown.says("there is no webhook \"nobody\" for this user");
    let _ = missed(&service.vwh(), &["broken", "--failed"]).exits(2).without_answer();
}

#[test]
fn without_any_success_the_registration_is_the_start() {
    let mut webhook = failed("w-1");
    webhook["statistics"].as_object_mut().unwrap().remove("lastSuccess");
    let mut undated = webhook.clone();
    undated["id"] = "w-2".into();
    undated.as_object_mut().unwrap().remove("createdAt");
    let rows =
        vec![row(1, "MISSED", "2025-12-31T00:00:00.000Z"), row(2, "MISSED", "2026-01-01T00:00:01.000Z")];
    let service = logging(vec![webhook, undated], rows);
    assert_eq!(shown(&service.vwh(), &["w-1"]), ["2:MISSED"]);
    let told = missed(&service.vwh(), &["w-1", "-v"]).exits(0);
    let _ = told.says("1 event since 2026-01-01T00:00:00Z: vwh missed w-1 --since TIME --repost");
    let undated = missed(&service.vwh(), &["w-2"]).exits(0).without_answer();
    let _ = undated.says(
        "warning: it is not known since when w-2 has missed events; say it with: vwh missed w-2 --since TIME",
    );
}

#[test]
fn what_makes_no_sense_is_left_out_and_counted() {
    let service = with_log(vec![failed("w-1")], |request| {
        let page = if parameter(request, "offset").as_deref() == Some("0") {
            r#"[{"id":1,"state":"MISSED","startTime":"2026-01-03T00:00:00Z"}, 7, null, "x", [], {"state":"RINGING"},
                {"id":2,"state":"MISSED","startTime":"soon"}, {"id":3,"type":"SMS","startTime":"2026-01-03T00:00:00Z"},
                {"id":"4","state":["?"],"startTime":1767400000000,"callerId":"\u001b[31m\u202ex"}]"#
        } else {
            "[]"
        };
        json(200, page)
    });
    let outcome = missed(&service.vwh(), &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    TIME                  STATE   DIRECTION  NUMBER  CALLER               DURATION  EVENT
    2026-01-03T00:00:00Z  MISSED                                                    1
    2026-01-03T00:26:40Z                             \u{1b}[31m\u{202e}x            4
    --- stderr
    warning: 6 of the rows of the service's log are no events
    ");
    for (status, body, code) in
        [(404, "{}", 4), (403, "{}", 3), (200, "<title>Sorry</title>", 70), (422, "{}", 6)]
    {
        let service = with_log(vec![failed("w-1")], move |_| json(status, body));
        let outcome = missed(&service.vwh(), &[]).exits(code).without_answer();
        let _ = outcome.says("cannot read the log of events");
    }
}

#[test]
fn every_profile_is_looked_at_and_an_id_belongs_to_one() {
    let a = logging(vec![failed("w-1")], vec![row(7, "MISSED", "2026-01-02T00:05:00.000Z")]);
    let b = logging(
        vec![failed_and_signed("w-2", "s3cr3t-key-of-w-2")],
        vec![row(8, "MISSED", "2026-01-02T00:06:00.000Z")],
    );
    let broken = Service::new(Vec::new(), |_, _| json(403, "{}"));
    let vwh = several(&[("a", &a), ("b", &b), ("c", &broken)]);
    let outcome = missed(&vwh, &["-p", "a", "-p", "b"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    a  w-1  https://hooks.example.test/w-1
    TIME                  STATE   DIRECTION  NUMBER       CALLER  DURATION  EVENT
    2026-01-02T00:05:00Z  MISSED  INBOUND    14155550123  Zoë               7

    b  w-2  https://hooks.example.test/w-2
    TIME                  STATE   DIRECTION  NUMBER       CALLER  DURATION  EVENT
    2026-01-02T00:06:00Z  MISSED  INBOUND    14155550123  Zoë               8
    --- stderr
    ");
    let json = missed(&vwh, &["--all-profiles", "--json"]).exits(1);
    let profiles: Vec<_> =
        json.json().as_array().unwrap().iter().map(|event| event["vwh"]["profile"].clone()).collect();
    assert_eq!(profiles, ["a", "b"]);
    assert_eq!(json.error()["profile"], "c");
    let _ = missed(&vwh, &["w-1", "--all-profiles"])
        .exits(2)
        .without_answer()
        .says("an id belongs to one profile");
}
