//! Signing in without a person: once, with the password that the profile names, and never again after a refusal.

use insta::assert_snapshot;
use serde_json::{Value, json as value};

use crate::support::{Outcome, Reply, Vwh, fixture, json};
use crate::token_service::{CLIENT_SECRET, PASSWORD, TokenService, home, stored};

/// Fails if any secret of the profile came out.
#[track_caller]
fn assert_kept(outcome: &Outcome) {
    for secret in [PASSWORD, CLIENT_SECRET, "pass+w%C3%B6rd%26%3D%2B%257", "s3cr3t%2Fcl%2Bient%3D"] {
        assert!(!outcome.snapshot().contains(secret), "{secret} came out\n{outcome}");
    }
}

#[test]
fn any_command_signs_in_by_itself() {
    let service = TokenService::generous();
    let vwh = service.unattended();
    assert_eq!(vwh.args(["list"]).run().exits(0).stderr, "");
    let [form] = service.forms().try_into().unwrap();
    let form: Vec<(&str, &str)> = form.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(
        form,
        [
            ("client_id", "k3y"),
            ("client_secret", CLIENT_SECRET),
            ("grant_type", "password"),
            ("password", PASSWORD),
            ("scope", "openid"),
            ("username", "operator@vbc.prod"),
        ]
    );
    let request = &service.server.requests()[0];
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("authorization"), None);
    let kept = stored(&vwh).to_string();
    assert!(!kept.contains(PASSWORD) && !kept.contains(CLIENT_SECRET), "{kept}");
    let _ = vwh.args(["status"]).run().exits(0);
    let _ = vwh.args(["prune-failed"]).run().exits(0);
    assert_eq!(service.asked(), ["password"]);
}

#[test]
fn the_environment_can_bring_it_all() {
    let service = TokenService::generous();
    let base = service.server.base_url();
    let vwh = Vwh::new()
        .env("VWH_BASE_URL", &base)
        .env("VWH_TOKEN_URL", format!("{base}/token"))
        .env("VWH_USERNAME", "somebody@else.where")
        .env("VWH_CLIENT_ID", "k3y")
        .env("VWH_CLIENT_SECRET", CLIENT_SECRET)
        .env("VWH_PASSWORD", PASSWORD);
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.forms()[0]["username"], "somebody@else.where");
    assert!(vwh.state().join("credentials/default.json").exists());
}

#[cfg(unix)]
#[test]
fn a_command_can_bring_the_password() {
    let service = TokenService::generous();
    let base = service.server.base_url();
    let vwh = service.home("password_command = 'echo run >> runs; cat password'");
    for _ in 0..2 {
        let _ = vwh.args(["list"]).run().exits(0);
    }
    assert_eq!(service.forms()[0]["password"], PASSWORD);
    assert_eq!(std::fs::read_to_string(vwh.home().join("runs")).unwrap(), "run\n");
    let failing = home(&base, &format!("{base}/token"), "password_command = 'echo hunter2; exit 1'");
    assert_snapshot!(failing.args(["list"]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot list the webhooks: password_command failed (exit status: 1)

    hint: run the command of `password_command` by hand; it must print the password and nothing else
    ");
    assert_eq!(stored(&failing), Value::Null);
}

#[test]
fn a_refusal_is_kept_and_nothing_is_sent_again() {
    let service = TokenService::refusing(400, fixture("token-invalid-grant-password.json"));
    let vwh = service.unattended();
    assert_snapshot!(vwh.args(["list"]).run().snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot sign in to profile work: 127.0.0.1:[PORT] answered 400 Bad Request: invalid_grant: Authentication failed for operator@vbc.prod

    hint: sign in with: vwh login
    ");
    assert_snapshot!(vwh.args(["list"]).run().hiding_times().snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: the sign-in of profile work was refused at [TIME] and is not tried again by itself: 127.0.0.1:[PORT] answered 400 Bad Request: invalid_grant: Authentication failed for operator@vbc.prod

    hint: sign in with: vwh login
    ");
    for arguments in
        [&["status"][..], &["renew", "--all"], &["prune-failed"], &["whoami"], &["list", "-p", "work"]]
    {
        let _ = vwh.args(arguments.iter().copied()).run().exits(3).says("is not tried again by itself");
    }
    let error = vwh.args(["list", "--json"]).run().exits(3).error();
    assert_eq!((&error["kind"], &error["status"]), (&"authentication".into(), &400.into()));
    assert_eq!(service.asked(), ["password"]);
    // For another user it never was refused.
    let _ = vwh.args(["list"]).env("VWH_USERNAME", "another").run().exits(3);
    assert_eq!(service.asked().len(), 2);
}

#[test]
fn each_refusal_names_its_cure() {
    for (status, body, cure) in [
        (400, fixture("token-invalid-grant-locked.json"), "wait 30 minutes"),
        (401, fixture("token-invalid-client-secret.json"), "apimanager.auth.prod.vonagenetworks.net"),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"SSO is on"}"#.to_owned(),
            "switch single sign-on off",
        ),
        (400, fixture("token-unsupported-grant.json"), "sign in with: vwh login"),
        (403, fixture("gateway-900908-bare.json"), "subscribe the application"),
        (404, fixture("gateway-404-no-resource.xml"), "sign in with: vwh login"),
        // Whatever the status, and wherever it stands.
        (500, fixture("token-invalid-grant-locked.json"), "wait 30 minutes"),
        (503, "<html><title>Oops</title><p>cause: 17003</html>".to_owned(), "wait 30 minutes"),
        (502, "user is locked".to_owned(), "sign in with: vwh login"),
        (500, r#"{"code":"E1","message":"no","cause":{"text":"17003: no"}}"#.to_owned(), "wait 30 minutes"),
        (
            200,
            "<html><title>Oops</title><p>invalid_grant".to_owned(),
            "an HTML page titled “Oops”: invalid_grant",
        ),
        (429, fixture("token-invalid-grant-locked.json"), "wait 30 minutes"),
        (200, fixture("token-invalid-grant-password.json"), "sign in with: vwh login"),
        (200, fixture("token-invalid-client-secret.json"), "apimanager.auth.prod.vonagenetworks.net"),
    ] {
        let service = TokenService::refusing(status, body);
        let vwh = service.unattended();
        for _ in 0..2 {
            let _ = vwh.args(["list"]).run().exits(3).without_answer().says(cure);
        }
        assert_eq!(service.asked().len(), 1, "{status}");
    }
}

#[test]
fn what_is_no_refusal_leaves_nothing_behind() {
    for (reply, code) in [
        (json(408, "{}"), 5),
        (json(400, r#"{"fault":{"code":101503,"message":"Error connecting to the back end"}}"#), 5),
        (json(500, "{}"), 5),
        (Reply::html(502, "<title>blocked</title>"), 5),
        (json(500, r#"{"message":"no","timestamp":1700312345}"#), 5),
        (json(200, r#"{"error":"temporarily_unavailable"}"#), 5),
        (Reply::html(200, "<html>"), 70),
    ] {
        let service = TokenService::new(move |_, _| reply.clone());
        let vwh = service.unattended();
        for _ in 0..2 {
            let outcome = vwh.args(["list"]).run();
            assert_eq!(outcome.code, Some(code), "{outcome}");
            assert_eq!(stored(&vwh)["past"], value!([]));
        }
        // One attempt a run.
        assert_eq!(service.asked().len(), 2);
    }
}

#[test]
fn nothing_is_sent_where_nothing_can_be_written_down() {
    let service = TokenService::generous();
    let vwh = service.unattended();
    vwh.write(".local/state/vwh/credentials/work.json.lock", "");
    std::fs::create_dir(vwh.state().join("credentials/work.json")).unwrap();
    let _ = vwh.args(["list"]).run().without_answer().says("the sign-in of profile work");
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn an_attempt_is_written_down_before_it_is_sent() {
    let home_of_run = std::sync::Arc::new(std::sync::Mutex::new(None::<Vwh>));
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Value::Null));
    let (shared, sink) = (home_of_run.clone(), seen.clone());
    let service = TokenService::new(move |_, grants| {
        *sink.lock().unwrap() = stored(shared.lock().unwrap().as_ref().unwrap());
        grants.grant()
    });
    let vwh = service.unattended();
    *home_of_run.lock().unwrap() = Some(vwh.clone());
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(seen.lock().unwrap()["past"][0]["pending"]["attempts"], 1);
    assert_eq!(stored(&vwh)["past"], value!([]));
}

#[test]
fn ten_at_once_sign_in_once() {
    let service = TokenService::generous();
    let refusing = TokenService::refusing(400, fixture("token-invalid-grant-password.json"));
    for (service, code) in [(&service, 0), (&refusing, 3)] {
        let vwh = service.unattended();
        let processes: Vec<_> = (0..10).map(|_| vwh.args(["list", "--json"]).spawn()).collect();
        for process in processes {
            let _ = process.wait().exits(code);
        }
        assert_eq!(service.asked(), ["password"]);
    }
}

#[test]
fn what_is_missing_to_sign_in_is_said() {
    let service = TokenService::generous();
    let vwh = service.unattended();
    let base = service.server.base_url();
    vwh.configure(&format!(
        "default_profile = 'work'\n[profiles.work]\nbase_url = '{base}'\ntoken_url = '{base}/token'\npassword_file = 'password'\n"
    ));
    assert_snapshot!(vwh.args(["list"]).run().snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: profile work cannot sign in by itself: it needs username, client_id and a client secret beside its password

    hint: sign in with: vwh login
    ");
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn no_secret_comes_out_whatever_the_service_repeats() {
    for status in [200, 302, 400, 401, 403, 500] {
        let service = TokenService::new(move |request, _| {
            let raw = String::from_utf8(request.body.clone()).unwrap();
            let body = value!({
                "error": "invalid_request",
                "error_description": format!("{raw} {PASSWORD} {CLIENT_SECRET}"),
            });
            json(status, body.to_string()).header("Location", &raw).header("X-Request-Id", &raw)
        });
        for format in ["table", "json"] {
            let vwh = service.unattended();
            for _ in 0..2 {
                let outcome = vwh.args(["list", "-vv", "-o", format]).run().without_answer();
                assert!(!outcome.stderr.is_empty());
                assert_kept(&outcome);
                let kept = stored(&vwh).to_string();
                assert!(!kept.contains(PASSWORD) && !kept.contains(CLIENT_SECRET), "{kept}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_password_that_others_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let service = TokenService::generous();
    let vwh = service.unattended();
    let path = vwh.home().join("password");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_snapshot!(vwh.args(["list", "-q"]).run().snapshot(), @"
    exit: 0
    --- stdout
    --- stderr
    warning: password can be read by others; close it with: chmod 600 password
    ");
}

#[test]
fn the_addresses_are_checked_before_anything_is_sent() {
    for (key, shown) in [
        ("http://token.example.test/token", "would send the password unencrypted"),
        ("https://me:hunter2@token.example.test/", "must be plain"),
        ("https://token.example.test/?key=hunter2", "must be plain"),
        ("ftp://token.example.test/", "is neither https nor http"),
        ("token", "is not a URL"),
    ] {
        let vwh = home("http://127.0.0.1:1", key, "password_file = 'password'");
        let outcome = vwh.args(["list"]).run().exits(2).without_answer().says("the token URL").says(shown);
        assert!(!outcome.stderr.contains("hunter2"), "{outcome}");
    }
}

#[test]
fn a_profile_brings_tokens_or_signs_in() {
    for (one, other) in [
        ("password_file", "password_command"),
        ("client_secret_file", "client_secret_command"),
        ("token_file", "password_file"),
        ("token_command", "password_command"),
    ] {
        let vwh = Vwh::new();
        vwh.configure(&format!("[profiles.work]\n{one} = 'x'\n{other} = 'y'\n"));
        let _ = vwh.args(["list"]).run().exits(2).says(&format!("give {one} or {other}, not both"));
    }
}
