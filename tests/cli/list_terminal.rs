//! `vwh list` on a real terminal: colours, widths, the summary line and the next command.

#![cfg(unix)]

use insta::assert_snapshot;

use crate::account::{connected, holding, in_each_health};
use crate::support::{Outcome, Run, Screen, Stream};

fn on(screen: &Screen, arguments: &[&str]) -> Outcome {
    shown(screen, arguments, |run| run)
}

fn shown(screen: &Screen, arguments: &[&str], with: impl Fn(Run) -> Run) -> Outcome {
    let server = in_each_health();
    let run = connected(&server).args(["list"].iter().chain(arguments).copied());
    with(run).on_terminal(screen).wait().showing_escapes()
}

#[test]
fn a_terminal_of_80_columns() {
    assert_snapshot!(on(&Screen::columns(80), &[]).snapshot(), @"
    exit: 0
    --- screen
    ␛[1mHEALTH    ID                                    URL                 LAST FAILURE␛[0m
    ␛[31mfailed␛[0m    5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.tes…  2h ago, 500
    ␛[31mfailed␛[0m    5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10  warehouse.example…  9h ago, I/O…
    ␛[31mexpired␛[0m   5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10  old.example.test/…
    ␛[33mpaused␛[0m    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10  paused.example.te…
    ␛[33mexpiring␛[0m  5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/…
    ␛[33munknown␛[0m   5b0c8888-1f77-4f0e-9a53-6c0f8c3d2a10  quiet.example.tes…
    ␛[33munproven␛[0m  5b0c9999-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.tes…  11h ago, 503
    ␛[2midle␛[0m      5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10  new.example.test/…
    ␛[32mok␛[0m        5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/…  2d ago, 502

    2 of 9 failed, 1 × 500 since 10:00Z, 1 × no answer since 02:21Z:
      vwh status ID, then vwh renew --failed
    1 expired, 1 expiring: vwh renew --expiring-within 3d
    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10: its key is the one printed in the
      vendor's tutorial, so anybody can sign for it
    5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10: its key is never used, because a
      signature only travels with policy header or body
    --- stdout
    --- stderr
    ");
}

#[test]
fn a_terminal_of_140_columns() {
    assert_snapshot!(on(&Screen::columns(140), &[]).snapshot(), @r"
    exit: 0
    --- screen
    ␛[1mHEALTH    ID                                    URL                                 DELIVERED    LAST FAILURE                        EXPIRES␛[0m
    ␛[31mfailed␛[0m    5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.test/billing          5/8 62%      2h ago, 500                         in 5d
    ␛[31mfailed␛[0m    5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10  warehouse.example.test/webhooks/i…  0/3 0%       9h ago, I/O error on POST request…  in 5d
    ␛[31mexpired␛[0m   5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10  old.example.test/hook               4/4 100%                                         4d ago
    ␛[33mpaused␛[0m    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10  paused.example.test/hook            9/9 100%                                         in 7d
    ␛[33mexpiring␛[0m  5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/vonage/calls       31/31 100%                                       in 30h
    ␛[33munknown␛[0m   5b0c8888-1f77-4f0e-9a53-6c0f8c3d2a10  quiet.example.test/hook                                                              in 9d
    ␛[33munproven␛[0m  5b0c9999-1f77-4f0e-9a53-6c0f8c3d2a10  hooks.example.test/back-again       2/8 25%      11h ago, 503                        in 9d
    ␛[2midle␛[0m      5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10  new.example.test/calls              0/0                                              in 9d
    ␛[32mok␛[0m        5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/vonage/calls       118/120 98%  2d ago, 502                         in 5d

    2 of 9 failed, 1 × 500 since 10:00Z, 1 × no answer since 02:21Z: vwh status ID, then vwh renew --failed
    1 expired, 1 expiring: vwh renew --expiring-within 3d
    5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10: its key is the one printed in the vendor's tutorial, so anybody can sign for it
    5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10: its key is never used, because a signature only travels with policy header or body
    --- stdout
    --- stderr
    ");
}

#[test]
fn columns_go_before_the_terminals_own() {
    let outcome = shown(&Screen::columns(80), &["--health", "ok"], |run| run.env("COLUMNS", "140"));
    assert_snapshot!(outcome.snapshot(), @"
    exit: 0
    --- screen
    ␛[1mHEALTH  ID                                    URL                                    DELIVERED    LAST FAILURE             EXPIRES␛[0m
    ␛[32mok␛[0m      5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  https://crm.example.test/vonage/calls  118/120 98%  2d ago, 502 BAD_GATEWAY  in 5d

    1 webhook: 1 ok
    --- stdout
    --- stderr
    ");
}

#[test]
fn no_color_takes_the_colour_away_and_nothing_else() {
    let colored = on(&Screen::columns(80), &[]).screen.unwrap();
    let plain = shown(&Screen::columns(80), &[], |run| run.env("NO_COLOR", "1")).screen.unwrap();
    assert!(colored.contains('␛') && !plain.contains('␛'), "{plain}");
    let pattern = regex_lite::Regex::new("␛\\[[0-9;]*m").unwrap();
    assert_eq!(pattern.replace_all(&colored, ""), plain);
    let unset = shown(&Screen::columns(80), &[], |run| run.env("NO_COLOR", "")).screen.unwrap();
    assert_eq!(unset, colored);
    assert_eq!(on(&Screen::columns(80), &["--color", "never"]).screen.unwrap(), plain);
    let insisted = shown(&Screen::columns(80), &["--color", "always"], |run| run.env("NO_COLOR", "1"));
    assert_eq!(insisted.screen.unwrap(), colored);
}

#[test]
fn the_summary_is_said_where_a_person_sees_it() {
    let piped = on(&Screen::columns(80).without(Stream::Stdout), &["--failed"]);
    assert_snapshot!(piped.snapshot(), @"
    exit: 0
    --- screen

    2 of 9 failed, 1 × 500 since 10:00Z, 1 × no answer since 02:21Z:
      vwh status ID, then vwh renew --failed
    --- stdout
    HEALTH  ID                                    URL                                                                 DELIVERED  LAST FAILURE                                           EXPIRES
    failed  5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10  https://hooks.example.test/billing                                  5/8 62%    2h ago, 500 INTERNAL_SERVER_ERROR                      in 5d
    failed  5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10  https://warehouse.example.test/webhooks/inbound/vonage/call-events  0/3 0%     9h ago, I/O error on POST request: Connection refused  in 5d
    --- stderr
    ");
}

#[test]
fn a_log_file_gets_no_summary() {
    let logged = on(&Screen::columns(80).without(Stream::Stderr), &["--health", "ok"]).exits(0);
    assert_eq!(logged.stderr, "");
    assert_snapshot!(logged.snapshot(), @"
    exit: 0
    --- screen
    ␛[1mHEALTH  ID                                    URL                   LAST FAILURE␛[0m
    ␛[32mok␛[0m      5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  crm.example.test/vo…  2d ago, 502
    --- stdout
    --- stderr
    ");
}

#[test]
fn healthy_webhooks_are_only_counted() {
    assert_snapshot!(on(&Screen::columns(140), &["--health", "ok", "--health", "idle"]).snapshot(), @"
    exit: 0
    --- screen
    ␛[1mHEALTH  ID                                    URL                                    DELIVERED    LAST FAILURE             EXPIRES␛[0m
    ␛[2midle␛[0m    5b0c4444-1f77-4f0e-9a53-6c0f8c3d2a10  https://new.example.test/calls         0/0                                   in 9d
    ␛[32mok␛[0m      5b0c1111-1f77-4f0e-9a53-6c0f8c3d2a10  https://crm.example.test/vonage/calls  118/120 98%  2d ago, 502 BAD_GATEWAY  in 5d

    2 webhooks: 1 idle, 1 ok
    --- stdout
    --- stderr
    ");
}

#[test]
fn an_empty_account() {
    let server = holding("[]");
    let outcome = connected(&server).args(["list"]).on_terminal(&Screen::columns(80)).wait();
    assert_snapshot!(outcome.snapshot(), @"
    exit: 0
    --- screen
    0 webhooks
    --- stdout
    --- stderr
    ");
}

#[test]
fn nothing_matches() {
    assert_snapshot!(on(&Screen::columns(80), &["--url", "nothing"]).snapshot(), @"
    exit: 0
    --- screen
    none of 9 webhooks matches
    --- stdout
    --- stderr
    ");
}

#[test]
fn quiet_shows_nothing() {
    assert_snapshot!(on(&Screen::columns(80), &["-q"]).snapshot(), @"
    exit: 0
    --- screen
    --- stdout
    --- stderr
    ");
}

#[test]
fn json_on_a_terminal_is_json_alone() {
    let outcome = on(&Screen::columns(80), &["--json", "--health", "ok"]).exits(0);
    let shown: serde_json::Value = serde_json::from_str(&outcome.screen.unwrap()).unwrap();
    assert_eq!(shown[0]["vwh"]["health"], "ok");
}

#[test]
fn equal_causes_are_one_group() {
    let failed = |id: &str, code: &str, at: &str| {
        format!(
            r#"{{"id":"{id}","url":"u","statistics":{{"failed":true,"lastFailure":"2024-03-05T{at}:00Z","lastHttpErrorCode":"{code}"}}}}"#
        )
    };
    let summary = |webhooks: &[String]| {
        let server = holding(format!("[{}]", webhooks.join(",")));
        let vwh = connected(&server);
        let outcome = vwh.args(["list"]).on_terminal(&Screen::columns(140)).wait().exits(0);
        outcome.screen.unwrap().lines().last().unwrap().to_owned()
    };
    let same = "503 SERVICE_UNAVAILABLE";
    let [one, two, three] =
        [failed("w-1", same, "03:00"), failed("w-2", same, "02:21"), failed("w-3", same, "04:00")];
    assert_snapshot!(summary(std::slice::from_ref(&one)), @"1 of 1 failed, 503 since 03:00Z: vwh status w-1, then vwh renew --failed");
    assert_snapshot!(summary(&[one.clone(), two.clone()]), @"2 of 2 failed, both 503 since 02:21Z: vwh status ID, then vwh renew --failed");
    assert_snapshot!(summary(&[one.clone(), two.clone(), three.clone()]), @"3 of 3 failed, all 503 since 02:21Z: vwh status ID, then vwh renew --failed");
    assert_snapshot!(summary(&[one, two, three, failed("w-4", "404 NOT_FOUND", "05:00")]), @"4 of 4 failed, 3 × 503 since 02:21Z, 1 × 404 since 05:00Z: vwh status ID, then vwh renew --failed");
}
