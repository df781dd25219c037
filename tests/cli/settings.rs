//! Flags, environment and `config.toml`: which one wins, and that a connection comes whole from one place.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::account::{connected, holding};
use crate::service::{Service, failed};
use crate::support::{Outcome, Reply, Server, TOKEN, Vwh, json};

/// A home with two profiles, `work` (the default one) at `server` and `other` elsewhere, each with a token of its own.
fn two_profiles(server: &Server) -> Vwh {
    let vwh = Vwh::new();
    let work = vwh.write("work-token", "work-token\n");
    let other = vwh.write("other-token", "other-token\n");
    vwh.configure(&format!(
        "default_profile = 'work'\n\
         [profiles.work]\nbase_url = '{base}/work'\ntoken_file = '{}'\n\
         [profiles.other]\nbase_url = '{base}/other'\ntoken_file = '{}'\n",
        work.display(),
        other.display(),
        base = server.base_url(),
    ));
    vwh
}

/// Where the one request of `outcome` went, and with which token.
#[track_caller]
fn sent(server: &Server, outcome: &Outcome) -> String {
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    let [request] = server.requests().try_into().expect("one request");
    let token = request.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    let profile = outcome.json()[0]["vwh"]["profile"].as_str().unwrap().to_owned();
    format!("{} {token} {profile}", request.path.trim_end_matches("/self/webhooks/"))
}

pub(crate) fn one_webhook() -> Server {
    Server::new(|_| json(200, r#"[{"id":"w-1"}]"#))
}

#[test]
fn the_default_profile_is_used_unless_another_is_named() {
    let cases: [(&[&str], Option<&str>, &str); 5] = [
        (&["list", "--json"], None, "/work work-token work"),
        (&["list", "--json"], Some("other"), "/other other-token other"),
        (&["list", "--json", "-p", "other"], None, "/other other-token other"),
        (&["--profile", "work", "list", "--json"], Some("other"), "/work work-token work"),
        (&["list", "--json"], Some("work"), "/work work-token work"),
    ];
    for (arguments, variable, expected) in cases {
        let server = one_webhook();
        let mut run = two_profiles(&server).args(arguments.iter().copied());
        if let Some(name) = variable {
            run = run.env("VWH_PROFILE", name);
        }
        assert_eq!(sent(&server, &run.run()), expected, "{arguments:?} {variable:?}");
    }
}

#[test]
fn the_environment_replaces_parts_of_the_default_profile() {
    let server = one_webhook();
    let outcome = two_profiles(&server).args(["list", "--json"]).env("VWH_TOKEN", "given").run();
    assert_eq!(sent(&server, &outcome), "/work given work");
    let server = one_webhook();
    let base_url = server.base_url() + "/elsewhere";
    let outcome = two_profiles(&server).args(["list", "--json"]).env("VWH_BASE_URL", base_url).run();
    assert_eq!(sent(&server, &outcome), "/elsewhere work-token work");
}

#[test]
fn an_unknown_profile_names_those_configured() {
    let server = one_webhook();
    let vwh = two_profiles(&server);
    assert_snapshot!(vwh.args(["list", "-p", "wrok"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: there is no profile "wrok" in [HOME]/.config/vwh/config.toml

    hint: configured: other, work
    "#);
    assert_snapshot!(vwh.args(["list", "--json"]).env("VWH_PROFILE", "wrok").run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    {"error":{"kind":"configuration","message":"VWH_PROFILE: there is no profile \"wrok\" in [HOME]/.config/vwh/config.toml","hint":"configured: other, work","status":null,"causes":[]}}
    "#);
    assert_snapshot!(Vwh::new().args(["list", "-p", "work"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: there is no profile "work" in [HOME]/.config/vwh/config.toml

    hint: there is no such file: see `Configuration` in the README
    "#);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_named_profile_never_runs_with_somebody_elses_credentials() {
    let server = one_webhook();
    let vwh = two_profiles(&server);
    for (variable, value) in [
        ("VWH_TOKEN", "hunter2"),
        ("VWH_BASE_URL", "http://127.0.0.1:1"),
        ("VWH_TOKEN_URL", "https://token.example.test"),
        ("VWH_USERNAME", "hunter2"),
        ("VWH_PASSWORD", "hunter2"),
        ("VWH_CLIENT_ID", "hunter2"),
        ("VWH_CLIENT_SECRET", "hunter2"),
        ("VWH_SERVICE", "vis"),
    ] {
        for command in [&["list"][..], &["status"], &["renew", "--all"], &["prune-failed"]] {
            let run = vwh.args(command.iter().copied().chain(["-p", "work"])).env(variable, value);
            let outcome = run.run().exits(2).without_answer().says(variable);
            assert!(!outcome.stderr.contains(value) || value == "vis", "{outcome}");
        }
    }
    assert_eq!(server.connections(), 0);
    assert_snapshot!(vwh.args(["list", "-p", "work"]).env("VWH_TOKEN", "given").run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: -p work and VWH_TOKEN are both given

    hint: a profile never runs with somebody else's credentials: unset VWH_TOKEN, or drop -p
    ");
}

#[test]
fn the_sandbox_ignores_the_environments_connection() {
    let server = one_webhook();
    for run in [
        connected(&server).args(["list", "--sandbox", "--json"]),
        connected(&server).args(["list", "--json"]).env("VWH_SANDBOX", "1"),
        connected(&server).args(["list", "--json"]).env("VWH_SANDBOX", "true"),
        two_profiles(&server).args(["list", "--json"]).env("VWH_SANDBOX", "1"),
        two_profiles(&server).args(["list", "--json", "-p", "sandbox"]),
        two_profiles(&server).args(["list", "--json"]).env("VWH_PROFILE", "sandbox"),
    ] {
        let outcome = run.run().exits(0);
        assert_eq!(outcome.stderr, "");
        let listed = outcome.json();
        let profiles = listed.as_array().unwrap().iter().map(|one| one["vwh"]["profile"].as_str().unwrap());
        assert_eq!(profiles.collect::<Vec<_>>(), ["sandbox"; 8]);
        assert!(!outcome.stdout.contains(TOKEN));
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_profile_and_the_sandbox_are_not_both_meant() {
    let server = one_webhook();
    let run = two_profiles(&server).args(["list", "-p", "work"]).env("VWH_SANDBOX", "1");
    let _ = run.run().exits(2).without_answer().says("-p work and VWH_SANDBOX are both given");
    assert!(server.requests().is_empty());
}

#[test]
fn the_sandbox_can_be_switched_off_by_name() {
    for value in ["0", "false"] {
        let server = one_webhook();
        let _ = connected(&server).args(["list"]).env("VWH_SANDBOX", value).run().exits(0);
        assert_eq!(server.lines().len(), 1);
    }
    let _ =
        Vwh::new().args(["list"]).env("VWH_SANDBOX", "yes").run().exits(2).says("VWH_SANDBOX must be 1 or 0");
}

#[test]
fn the_sandbox_and_a_profile_exclude_each_other() {
    let server = one_webhook();
    let outcome = two_profiles(&server).args(["list", "--sandbox", "-p", "work"]).run();
    assert_snapshot!(outcome.snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: the argument '--sandbox' cannot be used with '--profile <NAME>'

    Usage: vwh list --sandbox

    For more information, try '--help'.
    ");
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_empty_variable_is_never_a_fallback() {
    let server = one_webhook();
    for variable in [
        "VWH_PROFILE",
        "VWH_SERVICE",
        "VWH_BASE_URL",
        "VWH_TOKEN_URL",
        "VWH_TOKEN",
        "VWH_USERNAME",
        "VWH_PASSWORD",
        "VWH_CLIENT_ID",
        "VWH_CLIENT_SECRET",
        "VWH_SIGNING_KEY",
        "VWH_CONFIG",
        "VWH_STATE_DIR",
        "VWH_SANDBOX",
    ] {
        for arguments in [&["list"][..], &["--sandbox", "list"], &["list", "--json"]] {
            let outcome = connected(&server).args(arguments.iter().copied()).env(variable, "").run();
            let _ = outcome.exits(2).without_answer().says(&format!("{variable} is empty"));
        }
    }
    assert_eq!(server.connections(), 0);
    assert_snapshot!(Vwh::new().args(["list"]).env("VWH_TOKEN", "").run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: VWH_TOKEN is empty

    hint: give it a value, or unset VWH_TOKEN
    ");
}

#[test]
fn the_format_of_the_file_gives_way_to_a_flag() {
    let server = holding(r#"[{"id":"w-1"}]"#);
    let vwh = connected(&server);
    vwh.configure("[defaults]\noutput = 'jsonl'\n");
    let starts = |arguments: &[&str]| {
        vwh.args(arguments.iter().copied()).run().exits(0).stdout.chars().take(4).collect::<String>()
    };
    assert_eq!(starts(&["list"]), "{\"id");
    assert_eq!(starts(&["list", "-o", "csv"]), "prof");
    assert_eq!(starts(&["list", "-o", "table"]), "HEAL");
    assert_eq!(starts(&["list", "--json"]), "[\n{\"");
    let _ = vwh.args(["list", "--json", "-o", "csv"]).run().exits(2);
}

#[test]
fn the_file_decides_the_format_of_errors_too() {
    let vwh = Vwh::new();
    vwh.configure("[defaults]\noutput = 'json'\n");
    let outcome = vwh.args(["list"]).run().exits(3).without_answer();
    assert_eq!(outcome.error()["kind"], "authentication");
}

#[test]
fn the_colour_of_the_file_gives_way_to_a_flag() {
    let server = holding(r#"[{"id":"w-1"}]"#);
    let vwh = connected(&server);
    vwh.configure("[defaults]\ncolor = 'always'\n");
    assert!(vwh.args(["list"]).run().exits(0).stdout.contains('\u{1b}'));
    assert!(!vwh.args(["list", "--color", "never"]).run().exits(0).stdout.contains('\u{1b}'));
}

/// Far above any limit of these tests, and below the 60 seconds that `list` has by default.
const BELOW_THE_DEFAULT: Duration = Duration::from_secs(45);

#[test]
fn the_time_limit_of_the_file_gives_way_to_a_flag() {
    let stalling = Server::new(|_| Reply::Stall);
    let vwh = connected(&stalling);
    vwh.configure("[defaults]\ntimeout = '200ms'\n");
    let started = Instant::now();
    let _ = vwh.args(["list"]).run().exits(5);
    vwh.configure("[defaults]\ntimeout = '1h'\n");
    let _ = vwh.args(["list", "--timeout", "200ms"]).run().exits(5);
    assert!(started.elapsed() < BELOW_THE_DEFAULT);
    // With the file's limit this reply would come too late.
    let slow = Server::new(|request| if request.number == 1 { json(503, "{}") } else { json(200, "[]") });
    let vwh = connected(&slow);
    vwh.configure("[defaults]\ntimeout = '200ms'\n");
    let _ = vwh.args(["list", "--timeout", "1m"]).run().exits(0);
    assert_eq!(slow.lines().len(), 2);
}

/// Renews six webhooks with `arguments` against a service that only answers once `expected` requests are under way, and
/// fails if there are ever more.
#[track_caller]
fn renews_at_once(expected: usize, vwh: impl Fn(&Server) -> Vwh, arguments: &[&str]) {
    let together = Arc::new(Barrier::new(expected));
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let server = Server::new(move |request| {
        if request.method == "GET" {
            return json(200, r#"[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"},{"id":"e"},{"id":"f"}]"#);
        }
        seen.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        together.wait();
        under_way.fetch_sub(1, Ordering::SeqCst);
        let id = request.path.split('/').rev().nth(1).unwrap();
        json(200, format!(r#"{{"id":"{id}","expireAt":"2124-03-11T10:00:00Z"}}"#))
    });
    let run = vwh(&server).args(["renew", "--all", "--timeout", "30s"].iter().chain(arguments).copied());
    let _ = run.run().exits(0);
    assert_eq!(most.load(Ordering::SeqCst), expected);
}

#[test]
fn the_concurrency_of_the_file_gives_way_to_a_flag() {
    let configured = |server: &Server| {
        let vwh = connected(server);
        vwh.configure("[defaults]\nconcurrency = 3\n");
        vwh
    };
    renews_at_once(3, configured, &[]);
    renews_at_once(2, configured, &["--concurrency", "2"]);
    renews_at_once(1, connected, &["--concurrency", "1"]);
}

#[test]
fn errors_of_the_settings_have_the_published_members() {
    for (variable, value) in
        [("VWH_TOKEN", ""), ("VWH_BASE_URL", "http://api.example.test"), ("VWH_PROFILE", "x")]
    {
        let outcome =
            Vwh::new().args(["list", "--json"]).env(variable, value).run().exits(2).without_answer();
        let error = outcome.error();
        let names: Vec<&str> = error.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["causes", "hint", "kind", "message", "status"], "{outcome}");
        assert_eq!((error["kind"].as_str(), error["status"].is_null()), (Some("configuration"), true));
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome}");
    }
}

#[test]
fn a_state_directory_that_cannot_be_made_is_a_configuration_error() {
    let service = Service::honest(vec![failed("w-1")]);
    let vwh = service.vwh();
    let file = vwh.write("file", "");
    let inside = file.join("state");
    let named = [file.to_str().unwrap(), inside.to_str().unwrap()];
    let in_vain: &[&str] = if cfg!(target_os = "linux") { &["/proc/x"] } else { &[] };
    for directory in named.iter().chain(in_vain) {
        for arguments in [
            &["--sandbox", "list"][..],
            &["sandbox"],
            &["sandbox", "reset"],
            &["prune-failed"],
            &["restore", "--last"],
        ] {
            let run = vwh.args(arguments.iter().copied()).env("VWH_STATE_DIR", *directory);
            let outcome = run.run().without_answer();
            if arguments == ["restore", "--last"] && outcome.code == Some(1) {
                // There is nothing to read where there is no directory.
                continue;
            }
            let outcome = outcome.exits(2);
            assert!(outcome.stderr.contains(directory), "{arguments:?} {outcome}");
            let _ = outcome.says("set VWH_STATE_DIR to a directory of your own");
        }
    }
    assert_eq!(service.ids(), ["w-1"]);
}

#[test]
fn durations_are_asked_for_in_vwhs_own_words() {
    for arguments in [
        &["list", "--timeout", "30"][..],
        &["prune-failed", "--failed-for", "xx"],
        &["renew", "--expiring-within", "1 fortnight"],
        &["sandbox", "--latency", "soon"],
        &["sandbox", "advance", "tomorrow"],
    ] {
        let outcome = Vwh::new().args(arguments.iter().copied()).run().exits(2).without_answer();
        let first = outcome.stderr.lines().next().unwrap();
        assert!(first.starts_with("error: invalid value '"), "{outcome}");
        assert!(first.ends_with("': write a duration such as 30s, 90m or 3d"), "{outcome}");
    }
    let vwh = Vwh::new();
    vwh.configure("[defaults]\ntimeout = '30'\n");
    let _ = vwh.args(["list"]).run().exits(2).says("line 2: write a duration such as 30s, 90m or 3d");
}
