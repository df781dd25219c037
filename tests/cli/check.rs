//! How `vwh check` answers: one line or one object whatever happens, and the exit codes of monitoring plugins.

use insta::assert_snapshot;
use serde_json::{Value, json as value};

use crate::account::{connected, holding, in_each_health};
use crate::nagios::Line;
use crate::service::{failed, healthy};
use crate::support::{Reply, Server, TOKEN, Vwh, json, refused};

/// What a line says, of a run that is UNKNOWN.
#[track_caller]
fn unknown(vwh: &Vwh, arguments: &[&str]) -> String {
    let line = Line::of(&vwh.args(arguments.iter().copied()).run());
    assert_eq!((line.state.as_str(), line.labels().len()), ("UNKNOWN", 0));
    line.text
}

#[test]
fn it_is_one_line() {
    let server = in_each_health();
    let outcome = connected(&server).args(["check"]).run();
    let _ = Line::of(&outcome);
    assert_snapshot!(outcome.snapshot(), @r#"
    exit: 2
    --- stdout
    VWH CRITICAL - 2 of 9 failed (1 × 500 since 10:00Z, 1 × no answer since 02:21Z), 1 expired: https://hooks.example.test/billing, https://warehouse.example.test/webhooks/inbound/vonage/call-events, https://old.example.test/hook; 1 expires in 30h, 1 paused | 'webhooks'=9;;;0 'delivering'=5;;1:;0 'failed'=2;;0;0 'expired'=1;;0;0 'paused'=1;0;;0 'expiring'=1;0;;0 'idle'=0;0;;0 'removed'=0;0;;0
    --- stderr
    "#);
}

#[test]
fn it_is_one_object() {
    let server = in_each_health();
    let outcome = connected(&server).args(["check", "--format", "json"]).run();
    assert_snapshot!(outcome.snapshot(), @r#"
    exit: 2
    --- stdout
    {"state":"CRITICAL","code":2,"message":"2 of 9 failed (1 × 500 since 10:00Z, 1 × no answer since 02:21Z), 1 expired: https://hooks.example.test/billing, https://warehouse.example.test/webhooks/inbound/vonage/call-events, https://old.example.test/hook; 1 expires in 30h, 1 paused","problems":[{"severity":"CRITICAL","profile":"default","what":"2 of 9 failed (1 × 500 since 10:00Z, 1 × no answer since 02:21Z)","ids":["5b0c3333-1f77-4f0e-9a53-6c0f8c3d2a10","5b0c6666-1f77-4f0e-9a53-6c0f8c3d2a10"]},{"severity":"CRITICAL","profile":"default","what":"1 expired","ids":["5b0c2222-1f77-4f0e-9a53-6c0f8c3d2a10"]},{"severity":"WARNING","profile":"default","what":"1 expires in 30h","ids":["5b0c5555-1f77-4f0e-9a53-6c0f8c3d2a10"]},{"severity":"WARNING","profile":"default","what":"1 paused","ids":["5b0c7777-1f77-4f0e-9a53-6c0f8c3d2a10"]}],"profiles":[{"profile":"default","service":"vis","webhooks":9,"health":{"expired":1,"expiring":1,"failed":2,"idle":1,"ok":1,"paused":1,"unknown":1,"unproven":1},"error":null,"measures":[{"label":"webhooks","value":"9","warning":"","critical":""},{"label":"delivering","value":"5","warning":"","critical":"1:"},{"label":"failed","value":"2","warning":"","critical":"0"},{"label":"expired","value":"1","warning":"","critical":"0"},{"label":"paused","value":"1","warning":"0","critical":""},{"label":"expiring","value":"1","warning":"0","critical":""},{"label":"idle","value":"0","warning":"0","critical":""},{"label":"removed","value":"0","warning":"0","critical":""}]}]}
    --- stderr
    "#);
    for arguments in [
        &["--json", "check"][..],
        &["check", "--json"],
        &["check", "-o", "json"],
        &["check", "--format=json", "-o", "csv"],
    ] {
        let again = connected(&server).args(arguments.iter().copied()).run();
        assert_eq!((again.code, &again.stdout), (Some(2), &outcome.stdout), "{arguments:?}");
    }
    for arguments in [&["check"][..], &["check", "--json", "--format", "nagios"], &["check", "-o", "wide"]] {
        let _ = Line::of(&connected(&server).args(arguments.iter().copied()).run());
    }
    // Whatever a user likes best, a monitoring system gets what it can read.
    let vwh = connected(&server);
    vwh.configure("[defaults]\noutput = 'json'\n");
    let _ = Line::of(&vwh.args(["check"]).run());
}

#[test]
fn an_error_is_an_object_too() {
    let vwh = Vwh::new();
    assert_snapshot!(vwh.args(["check", "--json"]).run().snapshot(), @r#"
    exit: 3
    --- stdout
    {"state":"UNKNOWN","code":3,"message":"cannot list the webhooks: there is no token to sign in with (hint: sign in with: vwh login, or bring a token in VWH_TOKEN; without an account, try: vwh --sandbox list)","problems":[{"severity":"UNKNOWN","profile":"default","what":"cannot list the webhooks: there is no token to sign in with (hint: sign in with: vwh login, or bring a token in VWH_TOKEN; without an account, try: vwh --sandbox list)","ids":[]}],"profiles":[{"profile":"default","service":"vis","webhooks":null,"health":null,"error":{"causes":["there is no token to sign in with"],"hint":"sign in with: vwh login, or bring a token in VWH_TOKEN; without an account, try: vwh --sandbox list","kind":"authentication","message":"cannot list the webhooks","status":null},"measures":[]}]}
    --- stderr
    "#);
    assert_snapshot!(vwh.args(["check", "--json", "-p", "gone"]).run().snapshot(), @r#"
    exit: 3
    --- stdout
    {"state":"UNKNOWN","code":3,"message":"there is no profile \"gone\" in [HOME]/.config/vwh/config.toml (hint: there is no such file: see `Configuration` in the README)","problems":[{"severity":"UNKNOWN","profile":null,"what":"there is no profile \"gone\" in [HOME]/.config/vwh/config.toml (hint: there is no such file: see `Configuration` in the README)","ids":[]}],"profiles":[]}
    --- stderr
    "#);
    assert_snapshot!(vwh.args(["check", "--format", "json", "--bogus"]).run().snapshot(), @r#"
    exit: 3
    --- stdout
    {"state":"UNKNOWN","code":3,"message":"unexpected argument '--bogus' found (hint: vwh check --help)","problems":[{"severity":"UNKNOWN","profile":null,"what":"unexpected argument '--bogus' found (hint: vwh check --help)","ids":[]}],"profiles":[]}
    --- stderr
    "#);
}

#[test]
fn ids_are_whole_in_json_and_three_are_named_in_the_line() {
    let list: Vec<Value> = (1..=5).map(|number| failed(&format!("failed-{number}"))).collect();
    let server = holding(Value::from(list).to_string());
    let object = connected(&server).args(["check", "--json"]).run().exits(2).json();
    let ids = ["failed-1", "failed-2", "failed-3", "failed-4", "failed-5"];
    assert_eq!(object["problems"][0]["ids"], value!(ids));
    let line = Line::of(&connected(&server).args(["check"]).run());
    assert!(line.text.ends_with(
        "/failed-1, https://hooks.example.test/failed-2, https://hooks.example.test/failed-3 and 2 more"
    ));
}

#[test]
fn text_is_inert_and_has_no_bar() {
    let mut webhook = failed("a");
    webhook["url"] = "https://x.example/|'pwned'=1\n\u{1b}[31m\u{202e}?token=hunter2".into();
    webhook["statistics"]["lastHttpErrorCode"] = "5|0\u{7}".into();
    let mut long = failed("b");
    long["url"] = format!("https://x.example/{}", "long/".repeat(500)).into();
    let server = holding(Value::from(vec![webhook, long]).to_string());
    let line = Line::of(&connected(&server).args(["check", "--expect-url", "a|b\nc"]).run());
    assert!(
        line.text.contains(r"https://x.example/\u{7c}'pwned'=1\n\u{1b}[31m\u{202e}?token=***"),
        "{line:?}"
    );
    assert!(line.text.contains(r"nothing delivers to a\u{7c}b\nc") && line.text.contains(r"5\u{7c}0\u{7}"));
    assert!(line.text.len() < 600, "{line:?}");
}

#[test]
fn whatever_goes_wrong_is_unknown() {
    let refused = refused();
    let denying = Server::new(|_| json(401, r#"{"code":"900901","message":"Invalid Credentials"}"#));
    let throttling = Server::new(|_| json(429, "{}").header("Retry-After", "3600"));
    let garbled = Server::new(|_| Reply::html(200, "<html>\n<title>a|b</title>"));
    let stalling = Server::new(|_| Reply::Stall);
    let missing = Server::new(|_| json(404, "{}"));
    let cases: [(Vwh, &[&str], &str); 8] = [
        (Vwh::new(), &["check"], "cannot list the webhooks: there is no token"),
        (connected(&denying), &["check"], "cannot list the webhooks: "),
        (connected(&throttling), &["check"], "cannot list the webhooks: throttled"),
        (connected(&garbled), &["check"], "cannot list the webhooks: "),
        (connected(&missing), &["check"], "cannot list the webhooks: "),
        (connected(&stalling), &["check", "--timeout", "100ms"], "cannot list the webhooks: "),
        (Vwh::connected_to(&refused.base_url()), &["check", "--timeout", "1s"], "cannot list the webhooks: "),
        (Vwh::new(), &["check", "-p", "gone"], "there is no profile \"gone\""),
    ];
    for (vwh, arguments, expected) in cases {
        for quiet in [&[][..], &["--quiet"]] {
            let text = unknown(&vwh, &[arguments, quiet].concat());
            assert!(text.starts_with(expected) && text.contains(" (hint: "), "{text}");
        }
    }
    let vwh = Vwh::new();
    vwh.configure("defaults = 'hunter2'\n");
    let text = unknown(&vwh, &["check"]);
    assert!(text.contains("config.toml, line 1: ") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_journal_that_cannot_be_read_is_unknown_and_hides_no_fault() {
    for (list, state) in [(vec![healthy("a")], "UNKNOWN"), (vec![failed("a")], "CRITICAL")] {
        let server = holding(Value::from(list).to_string());
        let vwh = connected(&server);
        std::fs::create_dir_all(vwh.state().join("journal.jsonl")).unwrap();
        let line = Line::of(&vwh.args(["check", "--expiring-within", "0s"]).run());
        assert_eq!(line.state, state);
        assert!(line.text.contains("journal.jsonl"), "{line:?}");
    }
}

#[test]
fn a_mistyped_line_is_unknown() {
    for arguments in [
        &["check", "--bogus"][..],
        &["check", "extra"],
        &["check", "--min"],
        &["check", "--min", "-1"],
        &["check", "--min", "many"],
        &["check", "--max-failed", "1.5"],
        &["check", "--expiring-within", "soon"],
        &["check", "--idle-after", ""],
        &["check", "--success-rate", "101"],
        &["check", "--success-rate", "50:90"],
        &["check", "--success-rate", "nan"],
        &["check", "--format", "xml"],
        &["check", "--timeout", "0s"],
        &["check", "--json", "--format", "nagios", "-o", "csv"],
        &["check", "-o", "prometheus"],
        &["check", "--sandbox", "-p", "x"],
        &["--bogus", "check"],
        &["-p", "office", "--color", "sometimes", "check"],
        &["-qvp", "list", "--timeout", "1s", "check", "--bogus"],
        &["-p", "check"],
        &["check", "\u{1b}[31m|\n"],
    ] {
        let text = unknown(&Vwh::new(), arguments);
        assert!(text.contains(" (hint: vwh "), "{text}");
    }
    // Of other commands it stays what it was, whatever the flags before them are called.
    for arguments in [&["-p", "check", "list", "--bogus"][..], &["sandbox", "check"]] {
        let _ = Vwh::new().args(arguments.iter().copied()).run().exits(2).without_answer();
    }
    let _ = Vwh::new().args(["check", "--help"]).run().exits(0);
}

#[test]
fn stderr_speaks_with_v_only() {
    let server = Server::new(|_| json(200, r#"[1, {"id": "a", "url": "u"}]"#));
    let line = Line::of(&connected(&server).args(["check"]).run());
    assert_eq!(line.state, "WARNING");
    let outcome = connected(&server).args(["check", "-v"]).run().exits(1);
    let _ = outcome.says("GET ").says("warning: 1 of the elements");
}

/// What cannot be read may be a failed webhook.
#[test]
fn elements_that_are_no_webhooks_are_a_warning() {
    let list = format!("[1, null, {}]", healthy("a"));
    let server = Server::new(move |_| json(200, &list));
    let outcome = connected(&server).args(["check"]).run().exits(1);
    assert!(outcome.stdout.starts_with("VWH WARNING - 2 listed elements are no webhooks | "), "{outcome}");
}

#[test]
fn quiet_is_silent_while_all_is_well() {
    let server = holding(Value::from(vec![healthy("a")]).to_string());
    let outcome = connected(&server).args(["check", "--quiet"]).run().exits(0).without_answer();
    assert_eq!(outcome.stderr, "");
    let server = in_each_health();
    assert_eq!(Line::of(&connected(&server).args(["check", "--quiet"]).run()).state, "CRITICAL");
}

/// Three profiles, the worst of which counts.
fn three(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (Server, Vwh) {
    let server = Server::new(move |request| answer(request.path.split('/').nth(1).unwrap()));
    let vwh = Vwh::new();
    let token = vwh.write("token", TOKEN);
    let profile = |name: &str| {
        let (base, token) = (server.base_url(), token.display());
        format!("[profiles.{name}]\nbase_url = '{base}/{name}'\ntoken_file = '{token}'\n")
    };
    vwh.configure(&["a", "b", "c"].map(profile).concat());
    (server, vwh)
}

#[test]
fn of_several_profiles_the_worst_counts() {
    let idle = || {
        let mut webhook = healthy("i");
        webhook["statistics"] = value!({"totalAttempts": 0, "failed": false});
        webhook
    };
    let answers = move |profile: &str, kinds: &str| {
        let position = ["a", "b", "c"].iter().position(|name| *name == profile).unwrap();
        let list = |webhook: Value| json(200, Value::from(vec![webhook]).to_string());
        match kinds.as_bytes()[position] {
            b'o' => list(healthy("h")),
            b'w' => list(idle()),
            b'c' => json(200, Value::from(vec![healthy("h"), failed("f")]).to_string()),
            _ => json(403, "{}"),
        }
    };
    let cases = [
        ("ooo", "OK", "3 webhooks in 3 profiles: 3 ok"),
        ("owo", "WARNING", "b: 1 never attempted: https://hooks.example.test/i"),
        ("wou", "UNKNOWN", "c: cannot list the webhooks: "),
        (
            "uwc",
            "CRITICAL",
            "c: 1 of 2 failed (503 since 2026-01-03 00:00Z): https://hooks.example.test/f; a: cannot list the webhooks: ",
        ),
    ];
    for (kinds, state, text) in cases {
        let (server, vwh) = three(move |profile| answers(profile, kinds));
        let line = Line::of(&vwh.args(["check", "--all-profiles"]).run());
        assert_eq!(line.state, state, "{kinds}");
        assert!(line.text.starts_with(text), "{kinds}: {line:?}");
        assert_eq!(server.requests().len(), 3);
    }
    let (_server, vwh) = three(move |profile| answers(profile, "ucw"));
    let outcome = vwh.args(["check", "-p", "[abc]", "-p", "?"]).run();
    assert_eq!(outcome.code, Some(3), "a name that stands for nothing is a mistake: {outcome}");
    let line = Line::of(&vwh.args(["check", "-p", "?"]).run());
    assert_eq!((line.measure("b failed"), line.measure("c idle")), ("1;;0".to_owned(), "1;0;".to_owned()));
    assert!(line.labels().iter().all(|label| !label.starts_with("a ")), "{line:?}");
}

#[test]
fn several_profiles_are_one_object() {
    let (_server, vwh) = three(|profile| match profile {
        "a" => json(200, Value::from(vec![healthy("h"), failed("f")]).to_string()),
        "b" => json(403, "{}"),
        _ => json(200, "[]"),
    });
    assert_snapshot!(vwh.args(["check", "--all-profiles", "--json"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    {"state":"CRITICAL","code":2,"message":"a: 1 of 2 failed (503 since 2026-01-03 00:00Z): https://hooks.example.test/f; c: no webhooks; b: cannot list the webhooks: 127.0.0.1:[PORT] answered 403 Forbidden","problems":[{"severity":"CRITICAL","profile":"a","what":"1 of 2 failed (503 since 2026-01-03 00:00Z)","ids":["f"]},{"severity":"CRITICAL","profile":"c","what":"no webhooks","ids":[]},{"severity":"UNKNOWN","profile":"b","what":"cannot list the webhooks: 127.0.0.1:[PORT] answered 403 Forbidden","ids":[]}],"profiles":[{"profile":"a","service":"vis","webhooks":2,"health":{"expired":0,"expiring":0,"failed":1,"idle":0,"ok":1,"paused":0,"unknown":0,"unproven":0},"error":null,"measures":[{"label":"webhooks","value":"2","warning":"","critical":""},{"label":"delivering","value":"1","warning":"","critical":"1:"},{"label":"failed","value":"1","warning":"","critical":"0"},{"label":"expired","value":"0","warning":"","critical":"0"},{"label":"paused","value":"0","warning":"0","critical":""},{"label":"expiring","value":"0","warning":"0","critical":""},{"label":"idle","value":"0","warning":"0","critical":""},{"label":"removed","value":"0","warning":"0","critical":""}]},{"profile":"b","service":"vis","webhooks":null,"health":null,"error":{"causes":["127.0.0.1:[PORT] answered 403 Forbidden"],"hint":"ask the account's administrator whether this user may use the API","kind":"authentication","message":"cannot list the webhooks","status":403},"measures":[]},{"profile":"c","service":"vis","webhooks":0,"health":{"expired":0,"expiring":0,"failed":0,"idle":0,"ok":0,"paused":0,"unknown":0,"unproven":0},"error":null,"measures":[{"label":"webhooks","value":"0","warning":"","critical":""},{"label":"delivering","value":"0","warning":"","critical":"1:"},{"label":"failed","value":"0","warning":"","critical":"0"},{"label":"expired","value":"0","warning":"","critical":"0"},{"label":"paused","value":"0","warning":"0","critical":""},{"label":"expiring","value":"0","warning":"0","critical":""},{"label":"idle","value":"0","warning":"0","critical":""},{"label":"removed","value":"0","warning":"0","critical":""}]}]}
    --- stderr
    "#);
}

#[test]
fn without_a_reader_the_code_still_says_it() {
    let cases: [(Value, i32); 2] = [(value!([healthy("a")]), 0), (value!([failed("a")]), 2)];
    for (list, code) in cases {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let server = holding(list.to_string());
        let outcome = connected(&server).args(["check"]).stdout(writer).run();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(code), ""));
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let outcome = Vwh::new().args(["check", "--bogus"]).stdout(writer).run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(3), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_unknown() {
    let server = holding(Value::from(vec![healthy("a")]).to_string());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let outcome = connected(&server).args(["check"]).stdout(full).run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(3), ""));
}

#[cfg(unix)]
#[test]
fn a_daemon_that_loses_patience_is_answered() {
    use crate::support::Signal;
    for signal in [Signal::INT, Signal::TERM] {
        let server = Server::new(|_| Reply::Stall);
        let process = connected(&server).args(["check"]).spawn();
        server.wait_for_requests(1);
        process.signal(signal);
        let line = Line::of(&process.wait());
        assert_eq!((line.state.as_str(), line.text.as_str()), ("UNKNOWN", "interrupted"));
    }
}

#[cfg(unix)]
#[test]
fn at_a_terminal_it_is_the_same_line() {
    use crate::support::{Screen, Stream};
    let server = in_each_health();
    let plain = connected(&server).args(["check"]).run();
    let screen = connected(&server).args(["check"]).on_terminal(&Screen::columns(40));
    assert_eq!(screen.wait().exits(2).screen, Some(plain.stdout.clone()));
    let errors = connected(&server).args(["check"]).on_terminal(&Screen::columns(40).without(Stream::Stdout));
    let errors = errors.wait();
    assert_eq!((errors.screen.as_deref(), &errors.stdout), (Some(""), &plain.stdout));
}

#[test]
fn the_sandbox_can_be_checked() {
    let line = Line::of(&Vwh::new().args(["--sandbox", "check"]).run());
    assert_eq!(line.measure("failed"), "2;;0");
}
