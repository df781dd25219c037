//! Lines on a real terminal: broken between words where they are too long for it, with commands and keys left whole; off a
//! terminal nothing is broken.

#![cfg(unix)]

use insta::assert_snapshot;

use crate::account::{connected, holding, in_each_health};
use crate::center::Center;
use crate::service::{Service, failed, healthy};
use crate::support::{Outcome, Screen, Stream, Vwh};

/// Without a token and without a terminal on stdout.
fn refused(vwh: &Vwh, columns: u16) -> Outcome {
    let screen = Screen::columns(columns).without(Stream::Stdout).without(Stream::Stdin);
    vwh.args(["--color", "never", "list"]).on_terminal(&screen).wait()
}

#[test]
fn an_error_and_its_hint_are_broken_between_words() {
    let vwh = Vwh::new();
    assert_snapshot!(refused(&vwh, 60).snapshot(), @"
    exit: 3
    --- screen
    error: cannot list the webhooks: there is no token to sign
           in with

    hint: sign in with: vwh login, or bring a token in
          VWH_TOKEN; without an account, try: vwh --sandbox list
    --- stdout
    --- stderr
    ");
    let outcome = vwh.args(["list"]).run();
    assert_snapshot!(outcome.stderr, @"
    error: cannot list the webhooks: there is no token to sign in with

    hint: sign in with: vwh login, or bring a token in VWH_TOKEN; without an account, try: vwh --sandbox list
    ");
}

#[test]
fn what_is_wrong_with_the_command_line_is_broken_between_words() {
    for color in ["never", "always"] {
        let run = Vwh::new().args(["--color", color, "list", "--health", "well"]);
        let outcome = run.on_terminal(&Screen::columns(60)).wait().exits(2);
        let shown = outcome.screen.unwrap();
        let mut plain = shown.split('\u{1b}');
        let first = plain.next().unwrap().to_owned();
        let plain: String = plain.fold(first, |text, part| text + part.split_once('m').unwrap().1);
        let lines: Vec<&str> = plain.lines().collect();
        assert!(lines[0].starts_with("error: invalid value 'well' for"), "{plain}");
        assert!(lines[1].starts_with("  ") && lines.iter().all(|line| line.len() <= 60), "{plain}");
    }
}

#[test]
fn a_generated_key_has_a_line_of_its_own() {
    let service = Service::honest(vec![]);
    let screen = Screen::columns(80).without(Stream::Stdout);
    let run = service.vwh().args(["create", "--url", "https://hooks.example.test/new"]);
    let outcome = run.on_terminal(&screen).wait().exits(0);
    let shown = outcome.screen.as_ref().unwrap();
    let key = shown.lines().nth(1).unwrap();
    assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{shown:?}");
    assert!(shown.starts_with("signing key (shown only now):\n"), "{shown:?}");
}

#[test]
fn a_result_is_broken_before_its_url() {
    let service = Service::honest(vec![failed("5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10"), healthy("other")]);
    let run = || service.vwh().args(["renew", "--failed", "--dry-run"]);
    assert_snapshot!(run().on_terminal(&Screen::columns(80)).wait().snapshot(), @"
    exit: 0
    --- screen
    would renew  5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10
      https://hooks.example.test/5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10
    --- stdout
    --- stderr
    ");
    assert_eq!(run().run().exits(0).stdout.lines().count(), 1);
}

#[test]
fn a_question_is_broken_between_words() {
    let service = Service::honest(vec![failed("5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10")]);
    let mut terminal = service.vwh().args(["prune-failed"]).on_terminal(&Screen::columns(60));
    terminal.wait_for("[y/N]");
    terminal.type_line("n");
    let shown = terminal.wait().exits(7).screen.unwrap();
    let shown: Vec<&str> = shown.lines().collect();
    assert_eq!(shown[0], "  5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10");
    assert_eq!(shown[1], "    https://hooks.example.test/5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10");
    assert!(shown[2].starts_with("Remove this webhook of") && shown[2].len() <= 60, "{shown:?}");
}

/// The summary is the answer; what is said besides is what can be done.
#[test]
fn a_status_says_once_how_many_there_are() {
    let center = Center::start(&[]);
    let run = center.vwh.args(["status"]).on_terminal(&Screen::columns(80));
    assert_snapshot!(run.wait().snapshot(), @"
    exit: 0
    --- screen
    2 webhooks: 1 paused, 1 unknown (deliveries are not reported)
    1 paused: vwh update ID --resume
    --- stdout
    --- stderr
    ");
    let quiet = holding(r#"[{"id": "a", "url": "https://a.example.test/"}]"#);
    assert_snapshot!(connected(&quiet).args(["status"]).on_terminal(&Screen::columns(80)).wait().snapshot(), @"
    exit: 0
    --- screen
    1 webhook: 1 unknown
    --- stdout
    --- stderr
    ");
}

/// Nobody documents how a VIS webhook is resumed.
#[test]
fn what_cannot_be_resumed_names_no_command() {
    let account = in_each_health();
    let run = connected(&account).args(["list", "--health", "paused"]);
    let shown = run.on_terminal(&Screen::columns(140)).wait().exits(0).screen.unwrap();
    assert!(shown.contains("\n1 webhook: 1 paused\n") && !shown.contains("--resume"), "{shown}");
}

#[test]
fn equal_troubles_with_keys_are_told_once() {
    let webhook = |id: &str| {
        let mut webhook = healthy(id);
        webhook["signingAlgo"] = "HMAC_SHA256".into();
        webhook["signingKey"] = "a key".into();
        webhook["metadataPolicy"] = "NONE".into();
        webhook
    };
    let service = Service::honest(vec![webhook("a"), webhook("b"), webhook("c")]);
    let shown =
        service.vwh().args(["list"]).on_terminal(&Screen::columns(140)).wait().exits(0).screen.unwrap();
    let troubles: Vec<&str> = shown.lines().filter(|line| line.contains("its key")).collect();
    let trouble =
        "a and 2 more: its key is never used, because a signature only travels with policy header or body";
    assert_eq!(troubles, [trouble], "{shown}");
    let shown = service.vwh().args(["status", "a"]).run().exits(0).stdout;
    assert!(shown.ends_with("\nnext          vwh replace a --metadata-policy header\n"), "{shown}");
}

/// Contact Center reports no deliveries, and its webhooks do not expire.
#[test]
fn columns_without_anything_in_them_are_not_shown() {
    let center = Center::start(&[]);
    let shown = |arguments: &[&str], columns| {
        let run = center.vwh.args(["--color", "never"].iter().chain(arguments).copied());
        let screen = run.on_terminal(&Screen::columns(columns)).wait().exits(0).screen.unwrap();
        screen.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
    };
    let heads = "HEALTH   ID                           NAME        URL";
    assert_eq!(shown(&["list"], 140)[0], heads);
    let types = shown(&["event-types"], 80);
    assert_eq!(types[0], "EVENT                        DESCRIPTION");
    assert!(types.contains(&"channel.ended.v1             A channel is over".to_owned()), "{types:?}");
    assert!(shown(&["event-types"], 140)[0].ends_with("STATUS"));
}
