//! `vwh list` over one fixed account: what each format and width makes of it. Filters and orders are in `list_filters`.

use insta::assert_snapshot;

use crate::account::{connected, holding, in_each_health};
use crate::support::{Outcome, fixture};

/// Lists the account with one webhook in each health.
fn list(arguments: &[&str]) -> Outcome {
    let server = in_each_health();
    let outcome = connected(&server).args(["list"].iter().chain(arguments).copied()).run();
    assert_eq!(server.lines(), ["GET /self/webhooks/"]);
    outcome
}

fn list_in(columns: &str, arguments: &[&str]) -> Outcome {
    let server = in_each_health();
    connected(&server).env("COLUMNS", columns).args(["list"].iter().chain(arguments).copied()).run()
}

#[test]
fn off_a_terminal_nothing_is_cut() {
    assert_snapshot!(list(&[]).snapshot(), @"
    exit: 0
    --- stdout
    HEALTH    ID                                    URL                                                                 DELIVERED    LAST FAILURE                                           EXPIRES
    failed    5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10  https://hooks.example.test/billing                                  5/8 62%      2h ago, 500 INTERNAL_SERVER_ERROR                      in 5d
    failed    5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10  https://warehouse.example.test/webhooks/inbound/vonage/call-events  0/3 0%       9h ago, I/O error on POST request: Connection refused  in 5d
    expired   5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10  https://old.example.test/hook                                       4/4 100%                                                            4d ago
    paused    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10  https://paused.example.test/hook                                    9/9 100%                                                            in 7d
    expiring  5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10  https://crm.example.test/vonage/calls                               31/31 100%                                                          in 30h
    unknown   5b0c8888-1f77-4f0e-9a53-6c0f8c3d2a10  https://quiet.example.test/hook                                                                                                         in 9d
    unproven  5b0c9999-1f77-4f0e-9a53-6c0f8c3d2a10  https://hooks.example.test/back-again                               2/8 25%      11h ago, 503 SERVICE_UNAVAILABLE                       in 9d
    idle      5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10  https://new.example.test/calls                                      0/0                                                                 in 9d
    ok        5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  https://crm.example.test/vonage/calls                               118/120 98%  2d ago, 502 BAD_GATEWAY                                in 5d
    --- stderr
    ");
}

#[test]
fn at_80_columns_ids_health_and_causes_stay() {
    assert_snapshot!(list_in("80", &[]).snapshot(), @"
    exit: 0
    --- stdout
    HEALTH    ID                                    URL                 LAST FAILURE
    failed    5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.tes…  2h ago, 500
    failed    5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10  warehouse.example…  9h ago, I/O…
    expired   5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10  old.example.test/…
    paused    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10  paused.example.te…
    expiring  5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/…
    unknown   5b0c8888-1f77-4f0e-9a53-6c0f8c3d2a10  quiet.example.tes…
    unproven  5b0c9999-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.tes…  11h ago, 503
    idle      5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10  new.example.test/…
    ok        5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/…  2d ago, 502
    --- stderr
    ");
}

#[test]
fn at_140_columns_every_column_fits() {
    assert_snapshot!(list_in("140", &[]).snapshot(), @r"
    exit: 0
    --- stdout
    HEALTH    ID                                    URL                                 DELIVERED    LAST FAILURE                        EXPIRES
    failed    5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.test/billing          5/8 62%      2h ago, 500                         in 5d
    failed    5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10  warehouse.example.test/webhooks/i…  0/3 0%       9h ago, I/O error on POST request…  in 5d
    expired   5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10  old.example.test/hook               4/4 100%                                         4d ago
    paused    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10  paused.example.test/hook            9/9 100%                                         in 7d
    expiring  5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/vonage/calls       31/31 100%                                       in 30h
    unknown   5b0c8888-1f77-4f0e-9a53-6c0f8c3d2a10  quiet.example.test/hook                                                              in 9d
    unproven  5b0c9999-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.test/back-again       2/8 25%      11h ago, 503                        in 9d
    idle      5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10  new.example.test/calls              0/0                                              in 9d
    ok        5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/vonage/calls       118/120 98%  2d ago, 502                         in 5d
    --- stderr
    ");
}

#[test]
fn no_line_is_wider_than_the_columns() {
    for columns in [80, 100, 120, 140, 160, 200] {
        let outcome = list_in(&columns.to_string(), &[]).exits(0);
        let widest = outcome.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns, "{widest} columns\n{outcome}");
        assert_eq!(outcome.stdout.lines().count(), 10, "{outcome}");
    }
}

#[test]
fn columns_that_hold_no_id_still_show_it_whole() {
    for columns in ["1", "20", "45"] {
        let outcome = list_in(columns, &["--health", "ok"]).exits(0);
        assert_eq!(outcome.stdout.lines().nth(1), Some("ok      5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10"));
    }
}

#[test]
fn columns_that_are_no_number_are_no_limit() {
    let unlimited = list(&[]).exits(0).stdout;
    for columns in ["", "0", "-1", "wide"] {
        assert_eq!(list_in(columns, &[]).exits(0).stdout, unlimited, "{columns:?}");
    }
}

#[test]
fn wide_has_every_column() {
    assert_snapshot!(list(&["-o", "wide"]).snapshot(), @"
    exit: 0
    --- stdout
    HEALTH    ID                                    URL                                                                 DELIVERED    LAST FAILURE                                           EXPIRES  LAST SUCCESS  ATTEMPTS  POLICY  SIGNED  CREATED  EVENTS
    failed    5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10  https://hooks.example.test/billing                                  5/8 62%      2h ago, 500 INTERNAL_SERVER_ERROR                      in 5d    20h ago       8         header  yes     4d ago   CALL
    failed    5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10  https://warehouse.example.test/webhooks/inbound/vonage/call-events  0/3 0%       9h ago, I/O error on POST request: Connection refused  in 5d                  3         header  yes     4d ago   CALL
    expired   5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10  https://old.example.test/hook                                       4/4 100%                                                            4d ago   6d ago        4         header  yes     14d ago  CALL
    paused    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10  https://paused.example.test/hook                                    9/9 100%                                                            in 7d    2d ago        9         header  yes     3d ago   CALL
    expiring  5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10  https://crm.example.test/vonage/calls                               31/31 100%                                                          in 30h   2h ago        31        none    yes     3d ago   CALL
    unknown   5b0c8888-1f77-4f0e-9a53-6c0f8c3d2a10  https://quiet.example.test/hook                                                                                                         in 9d                            body    no      24h ago  CALL
    unproven  5b0c9999-1f77-4f0e-9a53-6c0f8c3d2a10  https://hooks.example.test/back-again                               2/8 25%      11h ago, 503 SERVICE_UNAVAILABLE                       in 9d    3d ago        8         header  yes     4d ago   CALL
    idle      5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10  https://new.example.test/calls                                      0/0                                                                 in 9d                  0         none    no      1h ago   CALL
    ok        5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  https://crm.example.test/vonage/calls                               118/120 98%  2d ago, 502 BAD_GATEWAY                                in 5d    2m ago        120       header  yes     4d ago   CALL
    --- stderr
    ");
}

#[test]
fn wide_fits_where_the_width_is_named() {
    assert_snapshot!(list_in("160", &["-o", "wide"]).snapshot(), @r"
    exit: 0
    --- stdout
    HEALTH    ID                                    URL                 DELIVERED    LAST FAILURE   EXPIRES  LAST SUCCESS  ATTEMPTS  POLICY  SIGNED  CREATED  EVENTS
    failed    5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.tes…  5/8 62%      2h ago, 500    in 5d    20h ago       8         header  yes     4d ago   CALL
    failed    5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10  warehouse.example…  0/3 0%       9h ago, I/O …  in 5d                  3         header  yes     4d ago   CALL
    expired   5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10  old.example.test/…  4/4 100%                    4d ago   6d ago        4         header  yes     14d ago  CALL
    paused    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10  paused.example.te…  9/9 100%                    in 7d    2d ago        9         header  yes     3d ago   CALL
    expiring  5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/…  31/31 100%                  in 30h   2h ago        31        none    yes     3d ago   CALL
    unknown   5b0c8888-1f77-4f0e-9a53-6c0f8c3d2a10  quiet.example.tes…                              in 9d                            body    no      24h ago  CALL
    unproven  5b0c9999-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.tes…  2/8 25%      11h ago, 503   in 9d    3d ago        8         header  yes     4d ago   CALL
    idle      5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10  new.example.test/…  0/0                         in 9d                  0         none    no      1h ago   CALL
    ok        5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/…  118/120 98%  2d ago, 502    in 5d    2m ago        120       header  yes     4d ago   CALL
    --- stderr
    ");
}

#[test]
fn csv() {
    assert_snapshot!(list(&["-o", "csv"]).snapshot(), @"
    exit: 0
    --- stdout
    profile,service,id,url,health,status,attempts,successes,failures,last_success,last_failure,last_error,expires,renewed,created,metadata_policy,signed,name
    default,vis,5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10,https://hooks.example.test/billing,failed,ACTIVE,8,5,3,2024-03-04T16:00:00Z,2024-03-05T10:00:00Z,500 INTERNAL SERVER ERROR: an HTML page titled “Application error”,2024-03-11T10:00:00Z,,2024-03-01T10:00:00Z,HEADER,true,
    default,vis,5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10,https://warehouse.example.test/webhooks/inbound/vonage/call-events,failed,ACTIVE,3,0,3,,2024-03-05T02:21:00Z,I/O error on POST request: Connection refused,2024-03-11T11:00:00Z,,2024-03-01T11:00:00Z,HEADER,true,
    default,vis,5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10,https://old.example.test/hook,expired,ACTIVE,4,4,0,2024-02-28T10:00:00Z,,,2024-03-01T12:00:00Z,,2024-02-20T12:00:00Z,HEADER,true,
    default,vis,5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10,https://paused.example.test/hook,paused,PAUSED,9,9,0,2024-03-03T12:00:00Z,,,2024-03-12T12:00:00Z,,2024-03-02T12:00:00Z,HEADER,true,
    default,vis,5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10,https://crm.example.test/vonage/calls,expiring,ACTIVE,31,31,0,2024-03-05T09:30:00Z,,,2024-03-06T18:00:00Z,,2024-03-02T09:00:00Z,NONE,true,
    default,vis,5b0c8888-1f77-4f0e-9a53-6c0f8c3d2a10,https://quiet.example.test/hook,unknown,ACTIVE,,,,,,,2024-03-14T12:00:00Z,,2024-03-04T12:00:00Z,BODY,false,
    default,vis,5b0c9999-1f77-4f0e-9a53-6c0f8c3d2a10,https://hooks.example.test/back-again,unproven,ACTIVE,8,2,6,2024-03-02T08:00:00Z,2024-03-05T01:00:00Z,503 Service Unavailable: [no body],2024-03-15T08:00:00Z,2024-03-05T08:00:00Z,2024-03-01T08:00:00Z,HEADER,true,
    default,vis,5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10,https://new.example.test/calls,idle,ACTIVE,0,0,0,,,,2024-03-15T11:00:00Z,,2024-03-05T11:00:00Z,NONE,false,
    default,vis,5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10,https://crm.example.test/vonage/calls,ok,ACTIVE,120,118,2,2024-03-05T11:58:00Z,2024-03-03T08:00:00Z,502 Bad Gateway: [no body],2024-03-11T09:00:00Z,,2024-03-01T09:00:00Z,HEADER,true,
    --- stderr
    ");
}

#[test]
fn jsonl() {
    assert_snapshot!(list(&["-o", "jsonl", "--failed"]).snapshot(), @r#"
    exit: 0
    --- stdout
    {"id":"5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10","userId":"9001","accountId":"4711","url":"https://hooks.example.test/billing","status":"ACTIVE","events":["CALL"],"signingAlgo":"HMAC_SHA256","signingKey":"***","metadataPolicy":"HEADER","createdAt":"2024-03-01T10:00:00Z","expireAt":"2024-03-11T10:00:00Z","statistics":{"totalAttempts":8,"totalSuccesses":5,"totalFailures":3,"failed":true,"lastSuccess":"2024-03-04T16:00:00Z","lastFailure":"2024-03-05T10:00:00Z","lastHttpErrorCode":"500 INTERNAL_SERVER_ERROR","lastErrorMessage":"500 INTERNAL SERVER ERROR: [<!DOCTYPE html><html><head><title>Application error</title></head><body><p>trace</p></body></html>]"},"vwh":{"profile":"default","service":"vis","id":"5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10","url":"https://hooks.example.test/billing","health":"failed"}}
    {"id":"5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10","userId":"9001","accountId":"4711","url":"https://warehouse.example.test/webhooks/inbound/vonage/call-events","status":"ACTIVE","events":["CALL"],"signingAlgo":"HMAC_SHA256","signingKey":"***","metadataPolicy":"HEADER","createdAt":"2024-03-01T11:00:00Z","expireAt":"2024-03-11T11:00:00Z","statistics":{"totalAttempts":3,"totalSuccesses":0,"totalFailures":3,"failed":true,"lastFailure":"2024-03-05T02:21:00Z","lastErrorMessage":"I/O error on POST request: Connection refused"},"vwh":{"profile":"default","service":"vis","id":"5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10","url":"https://warehouse.example.test/webhooks/inbound/vonage/call-events","health":"failed"}}
    --- stderr
    "#);
}

#[test]
fn json_is_the_services_object_and_one_member() {
    assert_snapshot!(list(&["--json", "--failed"]).snapshot(), @r#"
    exit: 0
    --- stdout
    [
    {"id":"5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10","userId":"9001","accountId":"4711","url":"https://hooks.example.test/billing","status":"ACTIVE","events":["CALL"],"signingAlgo":"HMAC_SHA256","signingKey":"***","metadataPolicy":"HEADER","createdAt":"2024-03-01T10:00:00Z","expireAt":"2024-03-11T10:00:00Z","statistics":{"totalAttempts":8,"totalSuccesses":5,"totalFailures":3,"failed":true,"lastSuccess":"2024-03-04T16:00:00Z","lastFailure":"2024-03-05T10:00:00Z","lastHttpErrorCode":"500 INTERNAL_SERVER_ERROR","lastErrorMessage":"500 INTERNAL SERVER ERROR: [<!DOCTYPE html><html><head><title>Application error</title></head><body><p>trace</p></body></html>]"},"vwh":{"profile":"default","service":"vis","id":"5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10","url":"https://hooks.example.test/billing","health":"failed"}},
    {"id":"5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10","userId":"9001","accountId":"4711","url":"https://warehouse.example.test/webhooks/inbound/vonage/call-events","status":"ACTIVE","events":["CALL"],"signingAlgo":"HMAC_SHA256","signingKey":"***","metadataPolicy":"HEADER","createdAt":"2024-03-01T11:00:00Z","expireAt":"2024-03-11T11:00:00Z","statistics":{"totalAttempts":3,"totalSuccesses":0,"totalFailures":3,"failed":true,"lastFailure":"2024-03-05T02:21:00Z","lastErrorMessage":"I/O error on POST request: Connection refused"},"vwh":{"profile":"default","service":"vis","id":"5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10","url":"https://warehouse.example.test/webhooks/inbound/vonage/call-events","health":"failed"}}
    ]
    --- stderr
    "#);
}

#[test]
fn json_adds_exactly_five_members() {
    let outcome = list(&["--json"]).exits(0);
    let sent: Vec<serde_json::Value> = serde_json::from_str(&fixture("vis-list-healths.json")).unwrap();
    let listed = outcome.json();
    assert_eq!(listed.as_array().unwrap().len(), 9);
    for mut shown in listed.as_array().unwrap().clone() {
        let added = shown.as_object_mut().unwrap().remove("vwh").unwrap();
        let names: Vec<&str> = added.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["health", "id", "profile", "service", "url"]);
        assert_eq!((&added["id"], &added["url"]), (&shown["id"], &shown["url"]));
        assert_eq!((added["profile"].as_str(), added["service"].as_str()), (Some("default"), Some("vis")));
        let mut sent = sent.iter().find(|webhook| webhook["id"] == shown["id"]).unwrap().clone();
        if sent["signingKey"].is_string() {
            sent["signingKey"] = "***".into();
        }
        assert_eq!(shown, sent);
    }
}

#[test]
fn json_output_has_three_spellings() {
    let expected = list(&["--json"]).exits(0).stdout;
    assert_eq!(list(&["-o", "json"]).exits(0).stdout, expected);
    assert_eq!(list(&["--output=json"]).exits(0).stdout, expected);
}

#[test]
fn an_empty_list_in_each_format() {
    let server = holding("[]");
    let run = |format: &str| connected(&server).args(["list", "--exit-code", "-o", format]).run().snapshot();
    assert_snapshot!(run("table"), @"
    exit: 0
    --- stdout
    --- stderr
    ");
    assert_snapshot!(run("wide"), @"
    exit: 0
    --- stdout
    --- stderr
    ");
    assert_snapshot!(run("json"), @"
    exit: 0
    --- stdout
    []
    --- stderr
    ");
    assert_snapshot!(run("jsonl"), @"
    exit: 0
    --- stdout
    --- stderr
    ");
    assert_snapshot!(run("csv"), @"
    exit: 0
    --- stdout
    profile,service,id,url,health,status,attempts,successes,failures,last_success,last_failure,last_error,expires,renewed,created,metadata_policy,signed,name
    --- stderr
    ");
}

#[test]
fn an_empty_list_says_so_where_somebody_asks_for_more() {
    let server = holding("[]");
    assert_snapshot!(connected(&server).args(["list", "-v"]).run().hiding_durations().snapshot(), @"
    exit: 0
    --- stdout
    --- stderr
    info: GET http://127.0.0.1:[PORT]/self/webhooks/ 200 in [DURATION]
    0 webhooks
    ");
}

#[test]
fn filters_that_match_nothing_say_so() {
    assert_snapshot!(list(&["-v", "--url", "nothing"]).hiding_durations().snapshot(), @"
    exit: 0
    --- stdout
    --- stderr
    info: GET http://127.0.0.1:[PORT]/self/webhooks/ 200 in [DURATION]
    none of 9 webhooks matches
    ");
}

#[test]
fn quiet_leaves_only_the_exit_code() {
    assert_snapshot!(list(&["-q", "--exit-code"]).snapshot(), @"
    exit: 1
    --- stdout
    --- stderr
    ");
    for format in ["json", "jsonl", "csv", "wide"] {
        let outcome = list(&["-q", "-o", format]).exits(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{format}");
    }
}

#[test]
fn colour_off_a_terminal_is_on_request() {
    assert_snapshot!(list(&["--color", "always", "--health", "ok"]).showing_escapes().snapshot(), @"
    exit: 0
    --- stdout
    ␛[1mHEALTH  ID                                    URL                                    DELIVERED    LAST FAILURE             EXPIRES␛[0m
    ␛[32mok␛[0m      5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  https://crm.example.test/vonage/calls  118/120 98%  2d ago, 502 BAD_GATEWAY  in 5d
    --- stderr
    ");
    for arguments in [&["--color", "never"][..], &["--color", "auto"], &[]] {
        assert!(!list(arguments).exits(0).stdout.contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn our_own_clock_serves_where_the_service_sends_none() {
    let server = crate::support::Server::new(|_| {
        crate::support::json(200, r#"[{"id":"past","expireAt":"2001-01-01T00:00:00Z"}]"#)
    });
    let outcome = connected(&server).args(["list", "--json"]).run().exits(0);
    assert_eq!(outcome.json()[0]["vwh"]["health"], "expired");
}
