//! `vwh list -o prometheus` on stdout: what the metrics say, and that any collector can read them.

use insta::assert_snapshot;
use serde_json::{Value, json as value};

use crate::account::{connected, holding, in_each_health};
use crate::exposition::Exposition;
use crate::service::{Service, failed, healthy, many};
use crate::support::{Reply, Server, TOKEN, Vwh, json, refused};

/// The metrics of the webhooks of `list`.
fn metrics(list: Vec<Value>, arguments: &[&str]) -> Exposition {
    let server = holding(Value::from(list).to_string());
    let arguments = ["list", "-o", "prometheus"].iter().chain(arguments);
    let outcome = connected(&server).args(arguments.copied()).run().exits(0);
    assert_eq!(outcome.stderr, "");
    Exposition::of(&outcome.stdout)
}

#[test]
fn each_family_is_told_once_with_all_its_samples() {
    let mut two = vec![failed("a"), healthy("b")];
    two[1]["statistics"]["totalFailures"] = value!(-1);
    two[1]["expireAt"] = value!("2099-01-01T00:00:00.5Z");
    let server = holding(Value::from(two).to_string());
    let outcome = connected(&server).args(["list", "-o", "prometheus"]).run();
    let _ = Exposition::of(&outcome.stdout);
    assert_snapshot!(outcome.snapshot(), @r#"
    exit: 0
    --- stdout
    # HELP vwh_up Whether the webhooks of the profile could be listed.
    # TYPE vwh_up gauge
    vwh_up{profile="default",service="vis"} 1
    # HELP vwh_webhooks Webhooks of the profile by health.
    # TYPE vwh_webhooks gauge
    vwh_webhooks{profile="default",service="vis",health="failed"} 1
    vwh_webhooks{profile="default",service="vis",health="expired"} 0
    vwh_webhooks{profile="default",service="vis",health="paused"} 0
    vwh_webhooks{profile="default",service="vis",health="expiring"} 0
    vwh_webhooks{profile="default",service="vis",health="unknown"} 0
    vwh_webhooks{profile="default",service="vis",health="unproven"} 0
    vwh_webhooks{profile="default",service="vis",health="idle"} 0
    vwh_webhooks{profile="default",service="vis",health="ok"} 1
    # HELP vwh_unreadable_elements Listed elements that are no webhooks.
    # TYPE vwh_unreadable_elements gauge
    vwh_unreadable_elements{profile="default",service="vis"} 0
    # HELP vwh_removed_total Webhooks that vwh removed, by its journal on this machine.
    # TYPE vwh_removed_total counter
    vwh_removed_total{profile="default",service="vis"} 0
    # HELP vwh_reading_timestamp_seconds The service's clock when it listed the webhooks.
    # TYPE vwh_reading_timestamp_seconds gauge
    vwh_reading_timestamp_seconds{profile="default",service="vis"} 1709640000
    # HELP vwh_webhook_health 1 for the health that the webhook has, 0 for the others.
    # TYPE vwh_webhook_health gauge
    vwh_webhook_health{profile="default",service="vis",id="a",url="https://hooks.example.test/a",health="failed"} 1
    vwh_webhook_health{profile="default",service="vis",id="a",url="https://hooks.example.test/a",health="expired"} 0
    vwh_webhook_health{profile="default",service="vis",id="a",url="https://hooks.example.test/a",health="paused"} 0
    vwh_webhook_health{profile="default",service="vis",id="a",url="https://hooks.example.test/a",health="expiring"} 0
    vwh_webhook_health{profile="default",service="vis",id="a",url="https://hooks.example.test/a",health="unknown"} 0
    vwh_webhook_health{profile="default",service="vis",id="a",url="https://hooks.example.test/a",health="unproven"} 0
    vwh_webhook_health{profile="default",service="vis",id="a",url="https://hooks.example.test/a",health="idle"} 0
    vwh_webhook_health{profile="default",service="vis",id="a",url="https://hooks.example.test/a",health="ok"} 0
    vwh_webhook_health{profile="default",service="vis",id="b",url="https://hooks.example.test/b",health="failed"} 0
    vwh_webhook_health{profile="default",service="vis",id="b",url="https://hooks.example.test/b",health="expired"} 0
    vwh_webhook_health{profile="default",service="vis",id="b",url="https://hooks.example.test/b",health="paused"} 0
    vwh_webhook_health{profile="default",service="vis",id="b",url="https://hooks.example.test/b",health="expiring"} 0
    vwh_webhook_health{profile="default",service="vis",id="b",url="https://hooks.example.test/b",health="unknown"} 0
    vwh_webhook_health{profile="default",service="vis",id="b",url="https://hooks.example.test/b",health="unproven"} 0
    vwh_webhook_health{profile="default",service="vis",id="b",url="https://hooks.example.test/b",health="idle"} 0
    vwh_webhook_health{profile="default",service="vis",id="b",url="https://hooks.example.test/b",health="ok"} 1
    # HELP vwh_webhook_attempts_total Deliveries that were decided.
    # TYPE vwh_webhook_attempts_total counter
    vwh_webhook_attempts_total{profile="default",service="vis",id="a",url="https://hooks.example.test/a"} 8
    vwh_webhook_attempts_total{profile="default",service="vis",id="b",url="https://hooks.example.test/b"} 8
    # HELP vwh_webhook_successes_total Deliveries that succeeded.
    # TYPE vwh_webhook_successes_total counter
    vwh_webhook_successes_total{profile="default",service="vis",id="a",url="https://hooks.example.test/a"} 5
    vwh_webhook_successes_total{profile="default",service="vis",id="b",url="https://hooks.example.test/b"} 8
    # HELP vwh_webhook_failures_total Deliveries that were given up.
    # TYPE vwh_webhook_failures_total counter
    vwh_webhook_failures_total{profile="default",service="vis",id="a",url="https://hooks.example.test/a"} 3
    # HELP vwh_webhook_last_success_timestamp_seconds The last delivery that succeeded.
    # TYPE vwh_webhook_last_success_timestamp_seconds gauge
    vwh_webhook_last_success_timestamp_seconds{profile="default",service="vis",id="a",url="https://hooks.example.test/a"} 1767312000
    vwh_webhook_last_success_timestamp_seconds{profile="default",service="vis",id="b",url="https://hooks.example.test/b"} 1767312000
    # HELP vwh_webhook_last_failure_timestamp_seconds The last delivery that was given up.
    # TYPE vwh_webhook_last_failure_timestamp_seconds gauge
    vwh_webhook_last_failure_timestamp_seconds{profile="default",service="vis",id="a",url="https://hooks.example.test/a"} 1767398400
    # HELP vwh_webhook_expiry_timestamp_seconds When deliveries end unless it is renewed.
    # TYPE vwh_webhook_expiry_timestamp_seconds gauge
    vwh_webhook_expiry_timestamp_seconds{profile="default",service="vis",id="a",url="https://hooks.example.test/a"} 4070908800
    vwh_webhook_expiry_timestamp_seconds{profile="default",service="vis",id="b",url="https://hooks.example.test/b"} 4070908800.500
    --- stderr
    "#);
    assert_eq!(server.lines(), ["GET /self/webhooks/"]);
}

#[test]
fn the_state_set_says_what_the_json_says() {
    let server = in_each_health();
    let exposition =
        Exposition::of(&connected(&server).args(["list", "-o", "prometheus"]).run().exits(0).stdout);
    let listed = connected(&server).args(["list", "--json"]).run().exits(0).json();
    let expected = listed.as_array().unwrap().iter().map(|one| {
        (one["id"].as_str().unwrap().to_owned(), one["vwh"]["health"].as_str().unwrap().to_owned())
    });
    assert_eq!(exposition.healths(), expected.collect());
    assert_eq!(exposition.values("vwh_webhook_health", &[]).len(), 9 * 8);
    let counts = exposition.values("vwh_webhooks", &[("profile", "default"), ("service", "vis")]);
    assert_eq!(counts, ["2", "1", "1", "1", "1", "1", "1", "1"]);
    assert_eq!(exposition.values("vwh_reading_timestamp_seconds", &[]), ["1709640000"]);
}

#[test]
fn filters_leave_the_account_whole() {
    let exposition = metrics(vec![failed("a"), healthy("b"), healthy("c")], &["--failed"]);
    assert_eq!(exposition.healths().into_keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(exposition.values("vwh_webhooks", &[("health", "ok")]), ["2"]);
    let none = metrics(vec![healthy("b")], &["--url", "nothing"]);
    assert_eq!(none.healths().len(), 0);
    assert_eq!(none.values("vwh_webhooks", &[("health", "ok")]), ["1"]);
    assert_eq!(metrics(Vec::new(), &[]).values("vwh_webhooks", &[]), ["0"; 8]);
}

#[test]
fn the_exit_code_is_still_asked_for() {
    let server = holding(Value::from(vec![failed("a")]).to_string());
    let outcome = connected(&server).args(["list", "-o", "prometheus", "--exit-code"]).run().exits(1);
    assert_eq!(Exposition::of(&outcome.stdout).values("vwh_up", &[]), ["1"]);
}

/// Ids and urls are any text; whatever they hold, they come back.
#[test]
fn hostile_labels_survive() {
    let texts = [
        r#"quote " backslash \ both \" end \"#,
        "line\nfeed\\n and \\\n",
        "} 1\nvwh_up{profile=\"x\"} 1",
        "carriage\rreturn tab\t nul\u{0} escape\u{1b}[31m \u{9b}",
        "right-to-left \u{202e} ünïcode 日本 🦀 \u{2028}\u{feff}",
        "a=\"b\",c=\"d\"",
        " ",
        "",
        "#",
    ];
    let one = |(number, text): (usize, &&str)| {
        let mut webhook = healthy(&format!("{number}{text}"));
        webhook["url"] = (*text).into();
        webhook
    };
    let exposition = metrics(texts.iter().enumerate().map(one).collect(), &[]);
    for (number, text) in texts.iter().enumerate() {
        let id = format!("{number}{text}");
        let labels = [("id", id.as_str()), ("url", text), ("health", "ok")];
        assert_eq!(exposition.values("vwh_webhook_health", &labels), ["1"], "{text:?}");
    }
}

#[test]
#[cfg(unix)]
fn at_a_terminal_labels_do_not_act() {
    let mut webhook = healthy("a");
    webhook["url"] = "https://x.example/\u{1b}[31m".into();
    let server = holding(Value::from(vec![webhook]).to_string());
    let run = connected(&server).args(["list", "-o", "prometheus"]);
    let screen = run.on_terminal(&crate::support::Screen::columns(80)).wait().exits(0).screen.unwrap();
    assert!(!screen.contains('\u{1b}') && screen.contains(r"\u{1b}[31m"), "{screen}");
}

/// A broken service; two samples of one series would make a collector refuse all of them.
#[test]
fn of_two_webhooks_with_one_id_the_worse_is_told() {
    for list in [[healthy("a"), failed("a")], [failed("a"), healthy("a")]] {
        let exposition = metrics(list.to_vec(), &["--sort", "id"]);
        assert_eq!(exposition.healths()["a"], "failed");
        assert_eq!(exposition.values("vwh_webhook_failures_total", &[]), ["3"]);
        assert_eq!(exposition.values("vwh_webhooks", &[("health", "ok")]), ["1"]);
    }
}

#[test]
fn what_the_service_does_not_say_is_absent() {
    let mut bare = value!({"id": "a", "url": "u"});
    let exposition = metrics(vec![bare.clone()], &[]);
    let names: Vec<&str> = exposition.samples.iter().map(|sample| sample.name.as_str()).collect();
    assert!(names.iter().all(|name| !name.starts_with("vwh_webhook_") || *name == "vwh_webhook_health"));
    bare["statistics"] = value!({"totalAttempts": -5, "totalSuccesses": 0, "totalFailures": "x"});
    let exposition = metrics(vec![bare], &[]);
    for (name, expected) in [("attempts", &[][..]), ("successes", &["0"]), ("failures", &[])] {
        assert_eq!(exposition.values(&format!("vwh_webhook_{name}_total"), &[]), expected, "{name}");
    }
}

#[test]
fn secrets_stay_out_unless_asked_for() {
    let mut webhook = healthy("a");
    webhook["url"] = "https://user:hunter2@x.example/?token=hunter3".into();
    let urls = |arguments: &[&str]| {
        let exposition = metrics(vec![webhook.clone()], arguments);
        exposition.samples.iter().find_map(|sample| sample.labels.get("url").cloned()).unwrap()
    };
    assert_eq!(urls(&[]), "https://user:***@x.example/?token=***");
    assert_eq!(urls(&["--show-secrets"]), "https://user:hunter2@x.example/?token=hunter3");
}

/// Each removal once, whatever became of it later; what was kept was not removed.
#[test]
fn removals_are_counted_by_the_journal() {
    let service = Service::new(many(3, failed), |request, webhooks| {
        if request.method == "DELETE" && request.path.ends_with("w-002") {
            return json(422, "{}");
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    let removed = || {
        let outcome = vwh.args(["list", "-o", "prometheus"]).run().exits(0);
        let exposition = Exposition::of(&outcome.stdout);
        let values = exposition.values("vwh_removed_total", &[("profile", "default")]);
        values.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(removed(), ["0"]);
    let _ = vwh.args(["prune-failed", "--max", "3"]).run().exits(1);
    assert_eq!(removed(), ["2"]);
    let _ = vwh.args(["restore", "w-001"]).run().exits(0);
    assert_eq!(removed(), ["2"]);
    let _ = vwh.args(["delete", "--yes", "new-1"]).run().exits(0);
    assert_eq!(removed(), ["3"]);
    // Another profile's removals are its own.
    let base = service.server.base_url();
    let token = vwh.write("token", TOKEN);
    vwh.configure(&format!("[profiles.b]\nbase_url = '{base}'\ntoken_file = '{}'\n", token.display()));
    let run = vwh.args(["list", "-p", "b", "-o", "prometheus"]);
    let outcome = run.without_env("VWH_TOKEN").without_env("VWH_BASE_URL").run().exits(0);
    assert_eq!(Exposition::of(&outcome.stdout).values("vwh_removed_total", &[]), ["0"]);
}

#[test]
fn a_journal_that_cannot_be_read_costs_its_counter_only() {
    let server = in_each_health();
    let vwh = connected(&server);
    std::fs::create_dir_all(vwh.state().join("journal.jsonl")).unwrap();
    let outcome = vwh.args(["list", "-o", "prometheus"]).run().exits(0);
    let outcome = outcome.says("warning: vwh_removed_total is left out, the journal cannot be read");
    let exposition = Exposition::of(&outcome.stdout);
    assert_eq!(exposition.values("vwh_up", &[]), ["1"]);
    assert_eq!(exposition.values("vwh_removed_total", &[]), [""; 0]);
}

#[test]
fn whatever_fails_is_down() {
    let refused = refused();
    let denying = Server::new(|_| json(401, "{}"));
    let garbled = Server::new(|_| Reply::html(200, "<html>"));
    let down =
        |profile: &str, service: &str| format!("vwh_up{{profile=\"{profile}\",service=\"{service}\"}} 0");
    let cases: [(Vwh, &[&str], i32, String); 6] = [
        (Vwh::connected_to(&refused.base_url()), &["--timeout", "1s"], 5, down("default", "vis")),
        (connected(&denying), &[], 3, down("default", "vis")),
        (connected(&garbled), &[], 70, down("default", "vis")),
        (Vwh::new(), &[], 3, down("default", "vis")),
        (Vwh::new(), &["-p", "gone"], 2, down("", "")),
        (Vwh::new().env("VWH_PROFILE", ""), &[], 2, down("", "")),
    ];
    for (vwh, arguments, code, expected) in cases {
        for quiet in [&[][..], &["--quiet"]] {
            let arguments = ["list", "-o", "prometheus"].iter().chain(arguments).chain(quiet);
            let outcome = vwh.args(arguments.copied()).run().exits(code).says("error: ");
            assert_eq!(outcome.stdout.lines().last().unwrap(), expected, "{outcome}");
            assert_eq!(Exposition::of(&outcome.stdout).samples.len(), 1);
        }
    }
    let vwh = Vwh::new();
    vwh.configure("nonsense");
    let outcome = vwh.args(["list", "-o", "prometheus"]).run().exits(2);
    assert_eq!(Exposition::of(&outcome.stdout).values("vwh_up", &[("profile", "")]), ["0"]);
}

#[test]
fn of_several_profiles_each_is_up_or_down() {
    let server = Server::new(|request| match request.path.split('/').nth(1) {
        Some("a") => json(200, Value::from(vec![failed("x")]).to_string()),
        Some("b") => json(403, "{}"),
        _ => json(200, Value::from(vec![healthy("x")]).to_string()),
    });
    let vwh = Vwh::new();
    let token = vwh.write("token", TOKEN);
    let profile = |name: &str| {
        let (base, token) = (server.base_url(), token.display());
        format!("[profiles.{name}]\nbase_url = '{base}/{name}'\ntoken_file = '{token}'\n")
    };
    vwh.configure(&["a", "b", "c"].map(profile).concat());
    let outcome = vwh.args(["list", "--all-profiles", "-o", "prometheus"]).run().exits(1);
    let outcome = outcome.says("error: profile b: ");
    let exposition = Exposition::of(&outcome.stdout);
    assert_eq!(exposition.values("vwh_up", &[]), ["1", "0", "1"]);
    for (profile, expected) in [("a", &["1"][..]), ("b", &[]), ("c", &["0"])] {
        let labels = [("profile", profile), ("id", "x"), ("health", "failed")];
        assert_eq!(exposition.values("vwh_webhook_health", &labels), expected);
    }
}

#[test]
fn only_list_writes_metrics() {
    let commands: [&[&str]; 11] = [
        &["status"],
        &["status", "x"],
        &["create", "--url", "https://x.example"],
        &["renew", "x"],
        &["prune-failed"],
        &["delete", "x"],
        &["restore", "--list"],
        &["sandbox", "status"],
        &["sandbox", "reset"],
        &["completions", "bash"],
        &["man"],
    ];
    for command in commands {
        let vwh = Vwh::new();
        let outcome = vwh.args(command.iter().copied().chain(["-o", "prometheus"])).run();
        insta::allow_duplicates! {
            assert_snapshot!(outcome.snapshot(), @r#"
            exit: 2
            --- stdout
            --- stderr
            error: only list writes metrics

            hint: vwh list -o prometheus
            "#);
        }
        assert!(!vwh.state().exists());
    }
    let in_sandbox = Vwh::new().args(["--sandbox", "status", "-o", "prometheus"]).run().exits(2);
    let _ = in_sandbox.says("hint: vwh --sandbox list -o prometheus");
}

#[test]
fn it_cannot_be_the_default() {
    let vwh = Vwh::new();
    vwh.configure("[defaults]\noutput = 'prometheus'\n");
    assert_snapshot!(vwh.args(["list"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: [HOME]/.config/vwh/config.toml: prometheus cannot be the default output

    hint: only list writes metrics: vwh list -o prometheus
    "#);
}
