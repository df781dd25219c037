//! Several profiles at once: side by side, each told by its name, and one that fails stops no other.

use serde_json::{Value, json as value};

use crate::service::{Service, failed, healthy, many};
use crate::support::{Outcome, TOKEN, Vwh, json};

/// A home with a profile for each service, `a`, `b` and so on, and a token of its own for each.
pub(crate) fn configured(services: &[&Service]) -> Vwh {
    let vwh = Vwh::new();
    let mut config = String::new();
    for (name, service) in ('a'..).zip(services) {
        let token = vwh.write(&format!("{name}.token"), &format!("{TOKEN}-{name}"));
        config.push_str(&format!(
            "[profiles.eu-{name}]\nbase_url = \"{}\"\ntoken_file = {:?}\n",
            service.server.base_url(),
            token.display().to_string()
        ));
    }
    vwh.configure(&config);
    vwh
}

fn all(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    vwh.args(["--all-profiles"].iter().chain(arguments).copied()).run()
}

/// A service whose clock stands at 2026-01-04, so that ages are the same always.
pub(crate) fn holding(list: Vec<Value>) -> Service {
    let service = Service::honest(list);
    service.with(|webhooks| webhooks.date = Some("Sun, 04 Jan 2026 00:00:00 GMT".to_owned()));
    service
}

pub(crate) fn two() -> (Service, Service) {
    (holding(vec![healthy("w-1"), failed("w-2")]), holding(vec![failed("w-3")]))
}

#[test]
fn the_table_says_whose_each_is() {
    let (a, b) = two();
    insta::assert_snapshot!(all(&configured(&[&a, &b]), &["list", "--url", "*/w-?"]).snapshot(), @r"
    exit: 0
    --- stdout
    PROFILE  HEALTH  ID   URL                             DELIVERED  LAST FAILURE                      EXPIRES
    eu-a     failed  w-2  https://hooks.example.test/w-2  5/8 62%    24h ago, 503 SERVICE_UNAVAILABLE  in 73y
    eu-b     failed  w-3  https://hooks.example.test/w-3  5/8 62%    24h ago, 503 SERVICE_UNAVAILABLE  in 73y
    eu-a     ok      w-1  https://hooks.example.test/w-1  8/8 100%                                     in 73y
    --- stderr
    ");
}

/// What was typed decides the shape, not how many profiles there happen to be.
#[test]
fn one_that_a_glob_finds_is_still_named() {
    let (a, _) = two();
    let vwh = configured(&[&a]);
    assert!(vwh.args(["-p", "eu-*", "list"]).run().exits(0).stdout.starts_with("PROFILE  HEALTH"));
    assert!(vwh.args(["-p", "eu-a", "list"]).run().exits(0).stdout.starts_with("HEALTH"));
    let summary = vwh.args(["-p", "eu-*", "status", "--json"]).run().exits(0);
    assert!(serde_json::from_str::<Value>(&summary.stdout).unwrap().is_array());
}

#[test]
fn json_tells_the_profile_and_jsonl_too() {
    let (a, b) = two();
    let vwh = configured(&[&a, &b]);
    let list: Vec<Value> = serde_json::from_str(&all(&vwh, &["list", "--json"]).exits(0).stdout).unwrap();
    let told: Vec<_> = list.iter().map(|webhook| (&webhook["vwh"]["profile"], &webhook["id"])).collect();
    assert_eq!(value!(told), value!([["eu-a", "w-2"], ["eu-b", "w-3"], ["eu-a", "w-1"]]));
    assert_eq!(all(&vwh, &["list", "-o", "jsonl"]).exits(0).stdout.lines().count(), 3);
    let csv = all(&vwh, &["list", "-o", "csv"]).exits(0).stdout;
    assert!(csv.lines().nth(1).unwrap().starts_with("eu-a,vis,w-2,"), "{csv}");
}

#[test]
fn one_bad_profile_does_not_stop_the_others() {
    let (a, b) = two();
    let broken = Service::new(Vec::new(), |_, _| json(403, r#"{"errorMessage": "not you"}"#));
    let vwh = configured(&[&a, &broken, &b]);
    insta::assert_snapshot!(all(&vwh, &["list", "--failed"]).snapshot(), @r"
    exit: 1
    --- stdout
    PROFILE  HEALTH  ID   URL                             DELIVERED  LAST FAILURE                      EXPIRES
    eu-a     failed  w-2  https://hooks.example.test/w-2  5/8 62%    24h ago, 503 SERVICE_UNAVAILABLE  in 73y
    eu-c     failed  w-3  https://hooks.example.test/w-3  5/8 62%    24h ago, 503 SERVICE_UNAVAILABLE  in 73y
    --- stderr
    error: profile eu-b: cannot list the webhooks: 127.0.0.1:[PORT] answered 403 Forbidden: not you

    hint: ask the account's administrator whether this user may use the API
    ");
    insta::assert_snapshot!(all(&vwh, &["status", "--json"]).hiding_times().snapshot(), @r#"
    exit: 1
    --- stdout
    [{"profile":"eu-a","service":"vis","asOf":"[TIME]","webhooks":2,"health":{"expired":0,"expiring":0,"failed":1,"idle":0,"ok":1,"paused":0,"unknown":0,"unproven":0}},
    {"profile":"eu-c","service":"vis","asOf":"[TIME]","webhooks":1,"health":{"expired":0,"expiring":0,"failed":1,"idle":0,"ok":0,"paused":0,"unknown":0,"unproven":0}}]
    --- stderr
    {"error":{"kind":"authentication","message":"cannot list the webhooks","hint":"ask the account's administrator whether this user may use the API","status":403,"causes":["127.0.0.1:[PORT] answered 403 Forbidden: not you"],"profile":"eu-b"}}
    "#);
}

/// A profile that cannot even be tried is one more that failed.
#[test]
fn a_profile_without_a_token_is_told_by_its_name() {
    let (a, _) = two();
    let vwh = configured(&[&a]);
    let config = std::fs::read_to_string(vwh.home().join(".config/vwh/config.toml")).unwrap();
    vwh.configure(&format!("{config}[profiles.eu-z]\nbase_url = \"http://example.com\"\n"));
    let outcome = all(&vwh, &["list", "--json"]).exits(1);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&outcome.stdout).unwrap().len(), 2);
    let error: Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert_eq!(error["error"]["profile"], "eu-z");
    assert_eq!(error["error"]["kind"], "configuration");
}

#[test]
fn batches_are_one_answer() {
    let (a, b) = two();
    let vwh = configured(&[&a, &b]);
    insta::assert_snapshot!(all(&vwh, &["renew", "--failed", "--dry-run"]).snapshot(), @r"
    exit: 0
    --- stdout
    eu-a  would renew  w-2  https://hooks.example.test/w-2
    eu-b  would renew  w-3  https://hooks.example.test/w-3
    --- stderr
    ");
    insta::assert_snapshot!(all(&vwh, &["prune-failed", "--json"]).snapshot(), @r#"
    exit: 0
    --- stdout
    {"dryRun":false,"results":[{"profile":"eu-a","id":"w-2","url":"https://hooks.example.test/w-2","outcome":"removed","error":null},{"profile":"eu-b","id":"w-3","url":"https://hooks.example.test/w-3","outcome":"removed","error":null}],"summary":{"error":0,"gone":0,"removed":2,"renewed":0,"skipped":0,"spared":0,"total":2}}
    --- stderr
    "#);
    assert_eq!((a.ids(), b.ids()), (vec!["w-1".to_owned()], Vec::new()));
    insta::assert_snapshot!(all(&vwh, &["restore", "--last"]).snapshot(), @r"
    exit: 0
    --- stdout
    eu-a  restored  w-2 -> new-1  https://hooks.example.test/w-2
    eu-b  restored  w-3 -> new-1  https://hooks.example.test/w-3
    --- stderr
    ");
    let listed = all(&vwh, &["restore", "--list", "--json"]).exits(0);
    let removals: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let told: Vec<_> = removals.iter().map(|removal| (&removal["profile"], &removal["state"])).collect();
    assert_eq!(value!(told), value!([["eu-a", "restored"], ["eu-b", "restored"]]));
}

/// The guard of one account is not another's.
#[test]
fn a_guard_stops_its_own_profile_only() {
    let (a, b) = (Service::honest(many(3, failed)), Service::honest(vec![failed("x"), healthy("y")]));
    let outcome = all(&configured(&[&a, &b]), &["prune-failed"]).exits(1);
    assert_eq!(outcome.stdout, "eu-b  removed  x  https://hooks.example.test/x\n");
    assert!(outcome.stderr.starts_with("error: profile eu-a: nothing was removed: 3 of 3"), "{outcome}");
    assert!(outcome.stderr.contains("vwh -p eu-a renew --failed"), "{outcome}");
    assert_eq!((a.ids().len(), b.ids().len()), (3, 1));
}

#[test]
fn each_profile_runs_as_itself() {
    let (a, b) = two();
    let vwh = configured(&[&a, &b]);
    let _ = all(&vwh, &["list"]).exits(0);
    for (service, name) in [(&a, 'a'), (&b, 'b')] {
        let requests = service.server.requests();
        assert!(!requests.is_empty());
        let token = format!("Bearer {TOKEN}-{name}");
        assert!(requests.iter().all(|request| request.header("authorization") == Some(token.as_str())));
    }
    // Somebody else's token beside it: nothing is sent.
    let before = a.server.requests().len();
    for selector in [&["--all-profiles"][..], &["-p", "eu-*"], &["-p", "eu-b"]] {
        let run = vwh.args(selector.iter().copied().chain(["list"])).env("VWH_TOKEN", "another");
        let outcome = run.run().exits(2);
        assert!(outcome.stderr.contains("VWH_TOKEN are both given"), "{outcome}");
    }
    assert_eq!((a.server.requests().len(), b.server.requests().len()), (before, before));
}

#[test]
fn names_globs_and_repeated_flags_choose() {
    let (a, b) = two();
    let vwh = configured(&[&a, &b]);
    let profiles = |flags: &[&str]| -> Vec<String> {
        let run = vwh.args(flags.iter().copied().chain(["status", "-o", "jsonl"]));
        let name =
            |line: &str| serde_json::from_str::<Value>(line).unwrap()["profile"].as_str().unwrap().to_owned();
        run.run().exits(0).stdout.lines().map(name).collect()
    };
    assert_eq!(profiles(&["-p", "eu-?"]), ["eu-a", "eu-b"]);
    assert_eq!(profiles(&["-p", "*-b"]), ["eu-b"]);
    assert_eq!(profiles(&["-p", "eu-b", "-p", "eu-a", "-p", "eu-b"]), ["eu-a", "eu-b"]);
    assert_eq!(profiles(&["-p", "eu-b"]), ["eu-b"]);
    insta::assert_snapshot!(vwh.args(["-p", "us-*", "list"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: no profile matches "us-*" in [HOME]/.config/vwh/config.toml

    hint: configured: eu-a, eu-b
    "#);
    let _ = vwh.args(["-p", "eu-a", "-p", "us-a", "list"]).run().exits(2);
    let _ = vwh.args(["--all-profiles", "--sandbox", "list"]).run().exits(2);
    let _ = vwh.args(["--all-profiles", "-p", "eu-a", "list"]).run().exits(2);
}

/// Each has its hint below it, and a blank line tells where the next one begins.
#[test]
fn several_errors_are_told_apart() {
    let refusing = |status: u16| Service::new(Vec::new(), move |_, _| json(status, r#"{"message":"no"}"#));
    let (a, b) = (refusing(403), refusing(403));
    insta::assert_snapshot!(all(&configured(&[&a, &b]), &["list"]).snapshot(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: profile eu-a: cannot list the webhooks: 127.0.0.1:[PORT] answered 403 Forbidden: no

    hint: ask the account's administrator whether this user may use the API

    error: profile eu-b: cannot list the webhooks: 127.0.0.1:[PORT] answered 403 Forbidden: no

    hint: ask the account's administrator whether this user may use the API
    ");
    let json = all(&configured(&[&a, &b]), &["list", "--json"]).exits(1);
    assert!(
        json.stderr.lines().count() == 2 && json.stderr.lines().all(|line| line.starts_with('{')),
        "{json}"
    );
}

/// Whichever of the two would win, the other one was meant too.
#[test]
fn a_profile_on_either_side_of_the_command_is_refused() {
    let (a, b) = two();
    let vwh = configured(&[&a, &b]);
    let outcome = vwh.args(["-p", "eu-a", "list", "-p", "eu-b"]).run().exits(2).without_answer();
    assert!(outcome.stderr.contains("-p stands before the command and after it"), "{outcome}");
    let outcome = vwh.args(["--profile=eu-a", "check", "-qp", "eu-b"]).run().exits(3);
    assert!(outcome.stdout.starts_with("VWH UNKNOWN - -p stands before"), "{outcome}");
    let _ = vwh.args(["list", "-p", "eu-a", "-p", "eu-b", "-q"]).run().exits(0);
    assert_eq!((a.server.requests().len(), b.server.requests().len()), (1, 1));
}

/// What works on one account, and what an id belongs to, must be said.
#[test]
fn some_things_are_about_one_profile() {
    let (a, b) = two();
    let vwh = configured(&[&a, &b]);
    insta::assert_snapshot!(all(&vwh, &["delete", "w-1", "--yes"]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: several profiles are named, and this command works on one

    hint: name one, such as -p eu-a
    ");
    insta::assert_snapshot!(all(&vwh, &["renew", "w-1"]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: an id belongs to one profile, and several are named

    hint: name the one it belongs to, such as -p eu-a
    ");
    for arguments in
        [&["status", "w-1"][..], &["restore", "w-1"], &["create", "--url", "https://x.example", "--unsigned"]]
    {
        let _ = all(&vwh, arguments).exits(2);
    }
    assert_eq!((a.server.requests().len(), b.server.requests().len()), (0, 0));
}

/// A throttled account holds nobody else up.
#[test]
fn one_that_is_throttled_does_not_hold_up_the_others() {
    let (a, b) = two();
    let throttled = Service::new(Vec::new(), |_, _| json(429, "{}").header("Retry-After", "3600"));
    let vwh = configured(&[&a, &throttled, &b]);
    let outcome = all(&vwh, &["list", "-o", "jsonl"]).exits(1);
    assert_eq!(outcome.stdout.lines().count(), 3);
    assert!(
        outcome.stderr.starts_with("{\"error\":{\"kind\":\"unavailable\",\"message\":\"cannot list"),
        "{outcome}"
    );
    assert_eq!(outcome.stderr.lines().count(), 1);
}

/// However many are stalled: `--concurrency` is about the requests of one batch, not about accounts.
#[test]
fn those_behind_stalled_ones_have_their_turn() {
    let stalled: Vec<Service> =
        (0..3).map(|_| Service::new(Vec::new(), |_, _| crate::support::Reply::Stall)).collect();
    let (a, b) = two();
    let vwh = configured(&[&stalled[0], &stalled[1], &stalled[2], &a, &b]);
    let outcome = all(&vwh, &["list", "-o", "jsonl", "--concurrency", "1", "--timeout", "3s"]).exits(1);
    assert_eq!(outcome.stdout.lines().count(), 3, "{outcome}");
    assert_eq!(outcome.stderr.lines().count(), 3, "{outcome}");
    let metrics = all(&vwh, &["list", "-o", "prometheus", "--concurrency", "1", "--timeout", "3s"]).exits(1);
    let up: Vec<&str> = metrics.stdout.lines().filter(|line| line.starts_with("vwh_up{")).collect();
    assert_eq!(up.iter().filter(|line| line.ends_with(" 1")).count(), 2, "{up:?}");
}

/// Each account says what it did not do; the exit code is that of an interrupt.
#[cfg(unix)]
#[test]
fn an_interrupt_is_told_for_each_profile() {
    let gated = || {
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let wait = move |request: &crate::support::Request| {
            if request.method == "PUT" {
                let _ = gate.lock().unwrap().recv();
            }
        };
        (Service::waiting(many(3, failed), wait), open)
    };
    let ((a, open_a), (b, open_b)) = (gated(), gated());
    let vwh = configured(&[&a, &b]);
    let command = ["--all-profiles", "renew", "--failed", "--concurrency", "1", "--json", "-v"];
    let mut process = vwh.args(command).spawn();
    a.server.wait_for_requests(2);
    b.server.wait_for_requests(2);
    process.signal(crate::support::Signal::INT);
    // Both have stopped sending by the time that they say so.
    let said = std::cell::Cell::new(0);
    process.wait_for_error_line(|line| {
        said.set(said.get() + usize::from(line.starts_with("finishing what is under way")));
        said.get() == 2
    });
    drop((open_a, open_b));
    let outcome = process.wait().exits(130);
    assert_eq!((a.count("PUT"), b.count("PUT")), (1, 1));
    let errors = outcome.stderr.lines().filter(|line| line.starts_with('{'));
    let errors: Vec<Value> = errors.map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut told: Vec<&str> =
        errors.iter().map(|error| error["error"]["profile"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, ["eu-a", "eu-b"], "{outcome}");
    assert!(errors.iter().all(|error| error["error"]["kind"] == "interrupted"), "{outcome}");
}

/// Marks are kept by profile, and the one that could not be read keeps its own.
#[test]
fn changes_are_told_for_all_of_them() {
    let (a, b) = two();
    let vwh = configured(&[&a, &b]);
    let _ = all(&vwh, &["list", "--since-last"]).exits(0);
    b.with(|webhooks| webhooks.list.push(healthy("w-4")));
    insta::assert_snapshot!(all(&vwh, &["list", "--since-last"]).snapshot(), @r"
    exit: 0
    --- stdout
    PROFILE  CHANGE  ID   URL                             SUCCESSES  LAST FAILURE
    eu-b     added   w-4  https://hooks.example.test/w-4  +8
    --- stderr
    ");
    let nothing = all(&vwh, &["list", "--since-last"]).exits(0);
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", ""));
}
