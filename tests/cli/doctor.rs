//! `vwh doctor`: each check passes, warns and fails where it should, and says what to type.

use chrono::{TimeDelta, Utc};
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Outcome, Reply, Server, TOKEN, Vwh, fixture, json, refused};
use crate::token_service::{TokenService, home, moment, signed_in, store, stored};

/// A service that answers a list with `list`, and everything else as one that wants a token.
fn listing(list: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::new(move |request| {
        let date = Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let reply = match (request.header("authorization"), request.path.as_str()) {
            (Some(_), "/self/webhooks/") => list(),
            _ => json(401, fixture("gateway-900901-bare.json")),
        };
        if matches!(reply, Reply::Full { .. }) { reply.header("Date", &date) } else { reply }
    })
}

fn doctor(vwh: &Vwh) -> Outcome {
    let mut outcome = vwh.args(["doctor"]).run().hiding_times().hiding_durations();
    // Each system has its own words for it.
    if let Some((start, rest)) = outcome.stdout.split_once(": Connection refused") {
        outcome.stdout = format!("{start}{}", &rest[rest.find('\n').unwrap()..]);
    }
    outcome
}

/// The verdict of the check `name`, with its cure.
#[track_caller]
fn check(vwh: &Vwh, name: &str) -> (String, String) {
    let answer = vwh.args(["doctor", "--json"]).run().json();
    let checks = answer["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    let text = |member: &str| check[member].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("cure"))
}

#[test]
fn all_is_well() {
    let service = listing(|| json(200, r#"[{"id":"w-1","url":"https://a.example.test/"}]"#));
    assert_snapshot!(doctor(&Vwh::connected_to(&service.base_url())).snapshot(), @"
    exit: 0
    --- stdout
    pass  configuration  no file; profile default: vis at http://127.0.0.1:[PORT]
    pass  files          state in [HOME]/.local/state/vwh
    pass  names          127.0.0.1:[PORT]
    pass  connection     127.0.0.1:[PORT] answers by http (401 in [DURATION])
    pass  clock          within 30 s of 127.0.0.1:[PORT]'s
    pass  token          from VWH_TOKEN
    pass  subscription   the application may use the API
    pass  quota          not used up
    pass  webhooks       1 listed, none with a useless key
    --- stderr
    ");
    assert_eq!(service.lines(), ["GET /", "GET /self/webhooks/"]);
    assert_eq!(service.requests()[0].header("authorization"), None);
    let outcome = Vwh::connected_to(&service.base_url()).args(["doctor", "--json"]).run().exits(0);
    let checks = outcome.json()["checks"].clone();
    let names: Vec<&str> =
        checks.as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    let expected = [
        "configuration",
        "files",
        "names",
        "connection",
        "clock",
        "token",
        "subscription",
        "quota",
        "webhooks",
    ];
    assert_eq!(names, expected);
    assert!(checks.as_array().unwrap().iter().all(|check| check["verdict"] == "pass"), "{checks}");
}

#[test]
fn the_sandbox_is_examined_too() {
    let outcome = Vwh::new().args(["doctor", "--sandbox"]).run().exits(0);
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.stdout.lines().filter(|line| line.starts_with("pass")).count(), 8, "{outcome}");
    assert!(outcome.stdout.contains("vwh --sandbox "), "{outcome}");
}

#[test]
fn nobody_there_leaves_the_rest_unasked() {
    let nobody = refused();
    assert_snapshot!(doctor(&Vwh::connected_to(&nobody.base_url())).snapshot(), @"
    exit: 1
    --- stdout
    pass  configuration  no file; profile default: vis at http://127.0.0.1:[PORT]
    pass  files          state in [HOME]/.local/state/vwh
    pass  names          127.0.0.1:[PORT]
    fail  connection     cannot connect to 127.0.0.1:[PORT]
          check the base URL and the network, then run the command again
    skip  clock          not asked, because of what failed before
    pass  token          from VWH_TOKEN
    skip  subscription   not asked, because of what failed before
    skip  quota          not asked, because of what failed before
    skip  webhooks       not asked, because of what failed before
    --- stderr
    ");
}

#[test]
fn each_answer_to_the_list_is_one_checks_business() {
    let keyed = r#"[{"id":"w-1","signingAlgo":"HMAC_SHA256","signingKey":"string","metadataPolicy":"BODY"},
        {"id":"w-2","signingAlgo":"HMAC_SHA256","signingKey":"k","metadataPolicy":"NONE"}]"#;
    let never = r#"[{"id":"w-2","signingAlgo":"HMAC_SHA256","signingKey":"k","metadataPolicy":"NONE"}]"#;
    for (reply, name, verdict, cure, code) in [
        (json(401, fixture("vis-401-claims.txt")), "token", "fail", "with an extension", 1),
        (json(403, fixture("gateway-900908-bare.json")), "subscription", "fail", "VonageIntegrationSuite", 1),
        (json(429, "{}").header("Retry-After", "3000"), "quota", "warn", "developer portal", 0),
        (json(500, "{}"), "webhooks", "fail", "the service is unwell", 1),
        (Reply::html(200, "<html><title>x</title>"), "webhooks", "fail", "check the base URL", 1),
        (json(200, keyed), "webhooks", "warn", "vwh rotate w-1", 0),
        (json(200, never), "webhooks", "warn", "vwh replace w-2 --metadata-policy header", 0),
    ] {
        let service = listing(move || reply.clone());
        let vwh = Vwh::connected_to(&service.base_url());
        let found = check(&vwh, name);
        assert_eq!(found.0, verdict, "{name} {found:?}");
        assert!(found.1.contains(cure), "{name} {found:?}");
        let outcome = vwh.args(["doctor"]).run().exits(code);
        assert!(outcome.stdout.contains(&format!("{verdict}  {name}")), "{outcome}");
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn a_clock_that_is_off_is_said() {
    for (seconds, verdict) in [(-1, "pass"), (120, "warn"), (-120, "warn"), (3_600, "fail"), (-3_600, "fail")]
    {
        let server = Server::new(move |_| {
            let date = Utc::now() + TimeDelta::seconds(seconds);
            json(200, "[]").header("Date", &date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        });
        let found = check(&Vwh::connected_to(&server.base_url()), "clock");
        assert_eq!(found.0, verdict, "{seconds}");
    }
    let silent = Server::new(|_| json(200, "[]"));
    assert_eq!(check(&Vwh::connected_to(&silent.base_url()), "clock").0, "skip");
}

#[test]
fn a_name_that_nobody_knows_is_said() {
    // No label of a name is so long, so no name server is asked.
    let vwh = Vwh::connected_to(&format!("https://{}.example.test/vis", "x".repeat(70)));
    let found = check(&vwh, "names");
    assert_eq!(found.0, "fail");
    let found = check(&vwh, "connection");
    assert_eq!(found.0, "fail");
}

#[test]
fn a_sign_in_is_examined_and_refreshed_like_anywhere_else() {
    let service = TokenService::generous();
    let vwh = service.home("");
    signed_in(&service, &vwh, -60);
    assert_snapshot!(doctor(&vwh).snapshot(), @"
    exit: 0
    --- stdout
    pass  configuration  [HOME]/.config/vwh/config.toml; profile work: vis at http://127.0.0.1:[PORT]
    warn  files          others can look into [HOME]/.local/state/vwh
          chmod 700 [HOME]/.local/state/vwh
    pass  names          127.0.0.1:[PORT]
    pass  connection     127.0.0.1:[PORT] answers by http (401 in [DURATION])
    skip  clock          the service did not say what time it is
    pass  token          signed in as operator@vbc.prod, token until [TIME]; unattended: yes, as long as vwh runs at least once every 7 days (next before [TIME])
    pass  subscription   the application may use the API
    pass  quota          not used up
    pass  webhooks       1 listed, none with a useless key
    --- stderr
    ");
    let _ = vwh.args(["doctor"]).run().exits(0);
    assert_eq!(service.asked(), ["refresh_token"]);
    let mut credentials = stored(&vwh);
    credentials["refreshToken"] = Value::Null;
    store(&vwh, &credentials);
    let found = check(&vwh, "token");
    assert_eq!(found.0, "warn");
    assert!(found.1.contains("password_command"), "{found:?}");
}

#[test]
fn a_refused_password_is_a_failure_and_is_not_sent_again() {
    let service = TokenService::refusing(400, fixture("token-invalid-grant-locked.json"));
    let vwh = service.unattended();
    for _ in 0..2 {
        let found = check(&vwh, "token");
        assert_eq!(found.0, "fail");
        assert!(found.1.contains("wait 30 minutes"), "{found:?}");
    }
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn nobody_signed_in_is_a_failure_with_its_cure() {
    let found = check(&home("http://127.0.0.1:9", "http://127.0.0.1:9/token", ""), "token");
    assert_eq!(found, ("fail".to_owned(), "sign in with: vwh login".to_owned()));
}

#[test]
fn a_state_directory_that_cannot_be_used_fails() {
    let service = listing(|| json(200, "[]"));
    let vwh = Vwh::connected_to(&service.base_url());
    let file = vwh.write("file", "").display().to_string();
    let found = check(&vwh.clone().env("VWH_STATE_DIR", file), "files");
    assert_eq!(found, ("fail".to_owned(), "set VWH_STATE_DIR to a directory of your own".to_owned()));
}

#[cfg(unix)]
#[test]
fn files_that_others_can_read_are_named_with_the_command_that_closes_them() {
    use std::os::unix::fs::PermissionsExt;
    let open = |path: std::path::PathBuf| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    };
    let service = TokenService::generous();
    let vwh = service.home("");
    open(vwh.home().join("client-secret"));
    assert_eq!(check(&vwh, "files"), ("warn".to_owned(), "chmod 600 client-secret".to_owned()));
    vwh.write(".local/state/vwh/journal.jsonl", "");
    open(vwh.state().join("journal.jsonl"));
    let found = check(&vwh, "files");
    assert_eq!(found.0, "fail");
    assert!(found.1.contains("journal.jsonl; chmod 600 client-secret"), "{found:?}");
    std::fs::remove_file(vwh.home().join("client-secret")).unwrap();
    std::fs::remove_file(vwh.state().join("journal.jsonl")).unwrap();
    assert_eq!(check(&vwh, "files").0, "fail");
}

#[test]
fn several_profiles_are_examined_each_for_itself() {
    let service = listing(|| json(200, "[]"));
    let vwh = Vwh::new();
    vwh.write("token", TOKEN);
    vwh.configure(&format!(
        "[profiles.a]\nbase_url = '{base}'\ntoken_file = 'token'\n[profiles.b]\nservice = 'smtp'\n",
        base = service.base_url(),
    ));
    assert_snapshot!(vwh.args(["doctor", "--all-profiles"]).run().hiding_durations().snapshot(), @r#"
    exit: 1
    --- stdout
    profile a
    pass  configuration  [HOME]/.config/vwh/config.toml; profile a: vis at http://127.0.0.1:[PORT]
    pass  files          state in [HOME]/.local/state/vwh
    pass  names          127.0.0.1:[PORT]
    pass  connection     127.0.0.1:[PORT] answers by http (401 in [DURATION])
    pass  clock          within 30 s of 127.0.0.1:[PORT]'s
    pass  token          from token_file
    pass  subscription   the application may use the API
    pass  quota          not used up
    pass  webhooks       0 listed, none with a useless key

    profile b
    fail  configuration  service "smtp" is not known
          known: vis, contact-center, voipbin
    skip  files          not looked at, because of what failed before
    skip  names          not looked at, because of what failed before
    skip  connection     not looked at, because of what failed before
    skip  clock          not looked at, because of what failed before
    skip  token          not looked at, because of what failed before
    skip  subscription   not looked at, because of what failed before
    skip  quota          not looked at, because of what failed before
    skip  webhooks       not looked at, because of what failed before
    --- stderr
    "#);
    let answer = vwh.args(["doctor", "-p", "*", "--json"]).run().exits(1).json();
    assert_eq!(answer.as_array().unwrap().len(), 2);
    assert_eq!(answer[1]["checks"].as_array().unwrap().len(), 9);
    assert_eq!(vwh.args(["doctor", "-p", "*", "-o", "jsonl"]).run().stdout.lines().count(), 2);
    let _ = vwh.args(["doctor", "-p", "c"]).run().exits(2).without_answer();
    let _ = vwh.args(["doctor", "-p", "a", "-o", "csv"]).run().exits(2).without_answer();
}

#[test]
fn a_broken_configuration_is_told_like_everywhere() {
    let vwh = Vwh::new();
    vwh.configure("[defaults]\ncolour = 'never'\n");
    let _ = vwh.args(["doctor"]).run().exits(2).without_answer().says("line 2: unknown field `colour`");
}

#[test]
fn quiet_says_nothing_unless_something_failed() {
    let service = listing(|| json(200, "[]"));
    let outcome = Vwh::connected_to(&service.base_url()).args(["doctor", "-q"]).run().exits(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    let failing = Vwh::connected_to(&refused().base_url()).args(["doctor", "-q"]).run().exits(1);
    assert!(failing.stdout.contains("fail  connection"), "{failing}");
}

#[test]
fn no_secret_comes_out() {
    let service = TokenService::generous();
    let vwh = service.unattended();
    let mut credentials = signed_in(&service, &vwh, 3_600);
    credentials["clientSecret"] = "hunter2".into();
    credentials["issuedAt"] = moment(-5).into();
    service.accept("access-0");
    store(&vwh, &credentials);
    let outcome = vwh.args(["doctor", "--json", "-vv"]).run().exits(0);
    for secret in ["access-0", "refresh-0", "hunter2", crate::token_service::PASSWORD] {
        assert!(!outcome.snapshot().contains(secret), "{outcome}");
    }
}

#[test]
fn what_the_next_sign_in_will_lack_is_a_failure() {
    let service = TokenService::generous();
    let base = service.server.base_url();
    let refused = refused();
    for (keys, token_url, name, cure) in [
        (
            "client_secret_command = 'exit 3'",
            &base,
            "token",
            "run the command of `client_secret_command` by hand",
        ),
        (
            "client_secret_file = 'client-secret'\npassword_command = 'exit 4'",
            &base,
            "token",
            "`password_command`",
        ),
        ("client_secret_file = 'client-secret'\npassword_file = 'empty'", &base, "token", ""),
        ("client_secret_file = 'client-secret'", &refused.base_url(), "connection", "check token_url"),
    ] {
        let vwh = home(&base, &format!("{token_url}/token"), "");
        vwh.write("empty", "");
        vwh.configure(&format!(
            "default_profile = 'work'\n[profiles.work]\nbase_url = '{base}'\ntoken_url = '{token_url}/token'\n\
             username = 'operator'\nclient_id = 'k3y'\n{keys}\n"
        ));
        let mut credentials = signed_in(&service, &vwh, 3_600);
        credentials["tokenUrl"] = format!("{token_url}/token").into();
        store(&vwh, &credentials);
        service.accept("access-0");
        let found = check(&vwh, name);
        assert_eq!(found.0, "fail", "{keys}");
        assert!(found.1.contains(cure), "{keys} {found:?}");
        assert_eq!(check(&vwh, "webhooks").0, "pass", "the token of now is good");
        let _ = vwh.args(["doctor"]).run().exits(1);
    }
    assert!(service.asked().is_empty(), "no secret is sent");
}

#[test]
fn what_is_no_file_where_a_file_of_vwhs_own_belongs_is_said_once() {
    let service = listing(|| json(200, "[]"));
    let vwh = Vwh::connected_to(&service.base_url());
    let file = vwh.write("file", "").display().to_string();
    let outcome = vwh.clone().env("VWH_STATE_DIR", file).args(["doctor"]).run().exits(1);
    assert!(!outcome.stdout.contains("cannot look at"), "{outcome}");
    vwh.write(".local/state/vwh/journal.jsonl/inside", "");
    let outcome = vwh.args(["doctor"]).run().exits(1);
    assert!(outcome.stdout.contains("journal.jsonl: it is no regular file"), "{outcome}");
}
