//! `vwh login` with a password.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Server, TOKEN, Vwh, fixture, json};
use crate::token_service::{CLIENT_SECRET, PASSWORD, TokenService, home, signed_in, stored};

/// A home without any profile, at `service`.
fn bare(service: &TokenService) -> Vwh {
    let base = service.server.base_url();
    Vwh::new().env("VWH_BASE_URL", &base).env("VWH_TOKEN_URL", format!("{base}/token"))
}

#[test]
fn a_password_on_stdin_signs_in() {
    let service = TokenService::generous();
    let vwh = service.home("");
    let run = vwh.args(["login", "--password-stdin"]).stdin(&format!("{PASSWORD}\n"));
    assert_snapshot!(run.run().hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    signed in as operator@vbc.prod (user 9001, account 4711), token until [TIME]
    unattended: yes, as long as vwh runs at least once every 7 days (next before [TIME])
    --- stderr
    ");
    assert_eq!(service.forms()[0]["password"], PASSWORD);
    assert_eq!(stored(&vwh)["clientSecret"], Value::Null, "the configuration has it");
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.asked(), ["password"]);
}

#[cfg(unix)]
#[test]
fn a_command_leaves_the_password_on_stdin_alone() {
    let service = TokenService::generous();
    let vwh = service.home("client_secret_command = 'cat > taken; cat client-secret'");
    let text = std::fs::read_to_string(vwh.home().join(".config/vwh/config.toml")).unwrap();
    vwh.configure(&text.replace("client_secret_file = 'client-secret'\n", ""));
    let _ = vwh.args(["login", "--password-stdin"]).stdin(PASSWORD).run().exits(0);
    assert_eq!(service.forms()[0]["password"], PASSWORD);
    assert_eq!(service.forms()[0]["client_secret"], CLIENT_SECRET);
}

#[test]
fn the_answer_in_json() {
    let service = TokenService::generous();
    let vwh = service.home("");
    let run = vwh.args(["login", "--password-stdin", "--json"]).stdin(PASSWORD);
    assert_snapshot!(run.run().hiding_times().snapshot(), @r#"
    exit: 0
    --- stdout
    {"profile":"work","service":"vis","address":"http://127.0.0.1:[PORT]","user":"9001","account":"4711","username":"operator@vbc.prod","tokenSource":"sign-in","expiresAt":"[TIME]","refreshExpiresAt":"[TIME]","unattended":true,"unattendedUntil":"[TIME]"}
    --- stderr
    "#);
}

#[test]
fn a_profile_that_signs_in_itself_says_so() {
    let service = TokenService::generous();
    let vwh = service.unattended();
    assert_snapshot!(vwh.args(["login"]).run().hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    signed in as operator@vbc.prod (user 9001, account 4711), token until [TIME]
    unattended: yes: vwh signs in again with password_file
    --- stderr
    ");
    let short = TokenService::new(|_, grants| {
        grants.access = Some("access".to_owned());
        json(200, r#"{"access_token":"access","expires_in":3600}"#)
    });
    let run = short.home("").args(["login", "--password-stdin"]).stdin(PASSWORD);
    assert_snapshot!(run.run().hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    signed in as operator@vbc.prod (user 9001, account 4711), token until [TIME]
    unattended: no: after [TIME] somebody has to log in again; username, client_id, client_secret_command and password_command of a profile let vwh sign in by itself
    --- stderr
    ");
}

#[test]
fn what_the_environment_brought_is_kept_for_the_refresh() {
    let service = TokenService::generous();
    let vwh = bare(&service);
    let login = vwh.args(["login", "--username", "operator"]).env("VWH_PASSWORD", PASSWORD);
    let _ = login.env("VWH_CLIENT_ID", "k3y").env("VWH_CLIENT_SECRET", CLIENT_SECRET).run().exits(0);
    let path = vwh.state().join("credentials/default.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(PASSWORD), "{text}");
    let mut kept: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&kept["clientId"], &kept["clientSecret"]), (&"k3y".into(), &CLIENT_SECRET.into()));
    kept["expiresAt"] = crate::token_service::moment(-1).into();
    vwh.write(".local/state/vwh/credentials/default.json", &kept.to_string());
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.asked(), ["password", "refresh_token"]);
}

#[cfg(unix)]
#[test]
fn what_is_stored_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let service = TokenService::generous();
    let vwh = service.unattended();
    let _ = vwh.args(["login"]).run().exits(0);
    let mode = |path: &str| std::fs::metadata(vwh.state().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("credentials"), 0o700);
    assert_eq!(mode("credentials/work.json"), 0o600);
    assert_eq!(mode("credentials/work.json.lock"), 0o600);
}

#[test]
fn what_is_missing_is_named_where_nobody_can_be_asked() {
    let service = TokenService::generous();
    let vwh = bare(&service);
    assert_snapshot!(vwh.args(["login"]).run().snapshot(), @"
    exit: 7
    --- stdout
    --- stderr
    error: there is nobody to ask for what is missing to sign in

    hint: bring the user name (--username or VWH_USERNAME); the client id (VWH_CLIENT_ID); the client secret (VWH_CLIENT_SECRET, or client_secret_file of a profile); the password (--password-stdin or VWH_PASSWORD, or password_file of a profile)
    ");
    let run = vwh.args(["login", "--username", "u", "--no-input"]).env("VWH_CLIENT_ID", "k");
    assert_snapshot!(run.env("VWH_CLIENT_SECRET", "s").run().snapshot(), @"
    exit: 7
    --- stdout
    --- stderr
    error: there is nobody to ask for what is missing to sign in

    hint: bring the password (--password-stdin or VWH_PASSWORD, or password_file of a profile)
    ");
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn a_password_on_stdin_is_one_line() {
    let service = TokenService::generous();
    for (text, shown) in [("", "is empty"), ("\n", "is empty"), ("hunter2\nx\n", "is more than one line")] {
        let run = service.home("").args(["login", "--password-stdin"]).stdin(text);
        let outcome = run.run().exits(2).without_answer().says(shown);
        assert!(!outcome.stderr.contains("hunter2"), "{outcome}");
    }
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn a_refusal_of_a_typed_password_keeps_what_there_was() {
    let service = TokenService::refusing(400, fixture("token-invalid-grant-password.json"));
    let vwh = service.home("");
    let before = signed_in(&service, &vwh, 3_600);
    let run = vwh.args(["login", "--password-stdin"]).stdin(PASSWORD);
    assert_snapshot!(run.run().snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot sign in to profile work: 127.0.0.1:[PORT] answered 400 Bad Request: invalid_grant: Authentication failed for operator@vbc.prod

    hint: sign in with: vwh login
    ");
    assert_eq!(stored(&vwh), before);
    let vwh = service.home("");
    let _ = vwh.args(["login", "--password-stdin"]).stdin(PASSWORD).run().exits(3);
    assert_eq!(stored(&vwh), Value::Null);
}

#[test]
fn a_login_tries_again_after_a_refusal() {
    let service = TokenService::new(|_, grants| {
        grants.count += 1;
        if grants.count == 1 { json(400, fixture("token-invalid-grant-locked.json")) } else { grants.grant() }
    });
    let vwh = service.unattended();
    let _ = vwh.args(["list"]).run().exits(3).says("wait 30 minutes");
    let _ = vwh.args(["list"]).run().exits(3).says("wait 30 minutes");
    let _ = vwh.args(["login"]).run().exits(0);
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.asked(), ["password"; 2]);
}

#[test]
fn a_client_that_the_service_does_not_know_is_asked_for_again() {
    let service = TokenService::new(|_, grants| {
        if grants.count == 0 { grants.grant() } else { json(401, fixture("token-invalid-client.json")) }
    });
    let vwh = bare(&service);
    let login = || vwh.args(["login", "--username", "u", "--password-stdin"]).stdin(PASSWORD);
    let _ = login().env("VWH_CLIENT_ID", "k3y").env("VWH_CLIENT_SECRET", CLIENT_SECRET).run().exits(0);
    let _ = login().run().exits(3).says("the other token URL may know this key");
    let _ = login().run().exits(7).says("the client id (VWH_CLIENT_ID); the client secret");
    assert_eq!(service.asked().len(), 2);
}

#[test]
fn a_token_that_the_api_refuses_is_said() {
    let claims = fixture("vis-401-claims.txt");
    let server = Server::new(move |request| {
        if request.path == "/token" {
            json(200, fixture("token-success.json"))
        } else {
            json(401, claims.clone())
        }
    });
    let base = server.base_url();
    let vwh = home(&base, &format!("{base}/token"), "password_file = 'password'");
    assert_snapshot!(vwh.args(["login"]).run().snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: signed in, but the API refuses the token: 127.0.0.1:[PORT] answered 401 Unauthorized: Failed to get claims for token

    hint: sign in as a user of the phone system with an extension: not with the developer login, not with a client-credentials token
    ");
}

#[test]
fn an_api_that_is_unwell_is_no_failure_of_the_sign_in() {
    let server = Server::new(move |request| {
        if request.path == "/token" { json(200, fixture("token-success.json")) } else { json(501, "{}") }
    });
    let base = server.base_url();
    let vwh = home(&base, &format!("{base}/token"), "password_file = 'password'");
    assert_snapshot!(vwh.args(["login"]).run().hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    signed in as operator@vbc.prod, token until [TIME]
    unattended: yes: vwh signs in again with password_file
    --- stderr
    warning: signed in, but the API does not say as whom: 127.0.0.1:[PORT] answered 501 Not Implemented
    ");
}

#[test]
fn a_profile_is_for_its_own_user() {
    let service = TokenService::generous();
    let run = service.unattended().args(["login", "--username", "another"]);
    assert_snapshot!(run.run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: profile work is for operator@vbc.prod, not for another@vbc.prod

    hint: change its username or VWH_USERNAME, or use a profile of its own for the other user
    ");
    let _ = service.unattended().args(["login", "--username", "operator"]).run().exits(0);
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn a_named_profile_takes_secrets_from_the_environment_for_login_alone() {
    let service = TokenService::generous();
    let vwh = service.home("").env("VWH_PASSWORD", PASSWORD).env("VWH_CLIENT_SECRET", "other-secret");
    let _ = vwh.args(["login", "-p", "work"]).run().exits(0);
    let form = &service.forms()[0];
    assert_eq!((form["password"].as_str(), form["client_secret"].as_str()), (PASSWORD, "other-secret"));
    for arguments in [&["list", "-p", "work"][..], &["logout", "-p", "work"], &["whoami", "-p", "work"]] {
        let _ = vwh.args(arguments.iter().copied()).run().exits(2).without_answer().says("are both given");
    }
    for variable in ["VWH_USERNAME", "VWH_CLIENT_ID", "VWH_TOKEN_URL", "VWH_BASE_URL", "VWH_TOKEN"] {
        let run = vwh.args(["login", "-p", "work"]).env(variable, "x");
        let _ = run.run().exits(2).says(&format!("-p work and {variable} are both given"));
    }
    let _ = vwh.args(["login", "-p", "w*"]).run().exits(2).says("this command works on one");
}

#[test]
fn there_is_nothing_to_sign_in_to_with_a_token_of_ones_own() {
    let service = TokenService::generous();
    let base = service.server.base_url();
    for (run, shown) in [
        (bare(&service).args(["login"]).env("VWH_TOKEN", TOKEN), "VWH_TOKEN brings the token"),
        (Vwh::new().args(["login", "--sandbox"]), "every command works in it as it is"),
    ] {
        let _ = run.run().exits(2).without_answer().says("there is nothing to sign in to with").says(shown);
    }
    for key in ["token_file", "token_command"] {
        let vwh = Vwh::new();
        vwh.configure(&format!("default_profile = 'a'\n[profiles.a]\nbase_url = '{base}'\n{key} = 'x'\n"));
        let _ = vwh.args(["login"]).run().exits(2).without_answer().says(&format!("{key} brings the token"));
    }
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn a_profile_that_is_named_is_told_what_it_may_take() {
    let vwh = Vwh::new();
    vwh.configure("[profiles.e]\n[profiles.f]\n");
    assert_snapshot!(vwh.args(["-p", "e", "login"]).run().snapshot(), @"
    exit: 7
    --- stdout
    --- stderr
    error: there is nobody to ask for what is missing to sign in

    hint: bring the user name (--username, or username of the profile); the client id (client_id of the profile); the client secret (VWH_CLIENT_SECRET, or client_secret_file of a profile); the password (--password-stdin or VWH_PASSWORD, or password_file of a profile)
    ");
    assert_snapshot!(vwh.args(["-p", "e", "list"]).run().snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: there is no token to sign in with

    hint: sign in with: vwh -p e login; without an account, try: vwh --sandbox list
    ");
}

#[cfg(unix)]
mod on_a_terminal {
    use super::{CLIENT_SECRET, PASSWORD, TokenService, bare};
    use crate::support::{Screen, Signal};

    #[test]
    fn what_is_missing_is_asked_for_and_no_secret_is_shown() {
        let service = TokenService::generous();
        let vwh = bare(&service);
        let mut terminal = vwh.args(["login"]).on_terminal(&Screen::columns(100));
        terminal.wait_for("user name: ");
        terminal.type_line("operator");
        terminal.wait_for("client id: ");
        terminal.type_line("k3y");
        terminal.wait_for("client secret: ");
        terminal.type_line(CLIENT_SECRET);
        terminal.wait_for("password of operator@vbc.prod: ");
        terminal.type_line(PASSWORD);
        let outcome = terminal.wait().exits(0);
        let screen = outcome.screen.clone().unwrap();
        assert!(!screen.contains(PASSWORD) && !screen.contains(CLIENT_SECRET), "{outcome}");
        assert!(screen.contains("signed in as operator@vbc.prod (user 9001, account 4711)"), "{outcome}");
        let form = &service.forms()[0];
        assert_eq!((form["password"].as_str(), form["client_secret"].as_str()), (PASSWORD, CLIENT_SECRET));
        // The next time only the password is missing.
        let mut again = vwh.args(["login"]).on_terminal(&Screen::columns(100));
        again.wait_for("password of operator@vbc.prod: ");
        again.type_line(PASSWORD);
        let outcome = again.wait().exits(0);
        assert!(!outcome.screen.clone().unwrap().contains("client"), "{outcome}");
    }

    #[test]
    fn a_password_that_would_be_shown_is_not_waited_for() {
        let service = TokenService::generous();
        let run = service.home("").args(["login", "--password-stdin"]);
        let outcome = run.on_terminal(&Screen::columns(100)).wait().exits(2);
        let screen = outcome.screen.clone().unwrap();
        assert!(screen.contains("drop --password-stdin to be asked for it"), "{outcome}");
        assert_eq!(service.server.connections(), 0);
    }

    #[test]
    fn the_echo_comes_back_after_an_interrupt() {
        let service = TokenService::generous();
        for signal in [Signal::INT, Signal::TERM] {
            let mut terminal = service.home("").args(["login"]).on_terminal(&Screen::columns(100));
            terminal.wait_for("password of operator@vbc.prod: ");
            assert!(!terminal.echoes());
            terminal.signal(signal);
            let (outcome, echoes) = terminal.wait_and_look();
            let _ = outcome.exits(130);
            assert!(echoes, "{signal:?}");
        }
        assert_eq!(service.server.connections(), 0);
    }

    #[test]
    fn an_empty_answer_sends_nothing() {
        let service = TokenService::generous();
        let mut terminal = service.home("").args(["login"]).on_terminal(&Screen::columns(100));
        terminal.wait_for("password of operator@vbc.prod: ");
        terminal.type_end();
        let outcome = terminal.wait().exits(7);
        assert!(outcome.screen.clone().unwrap().contains("so nothing was sent"), "{outcome}");
        assert_eq!(service.server.connections(), 0);
    }

    #[test]
    fn nobody_is_asked_with_no_input() {
        let service = TokenService::generous();
        let terminal = service.home("").args(["login", "--no-input"]).on_terminal(&Screen::columns(100));
        let outcome = terminal.wait().exits(7);
        assert!(outcome.screen.clone().unwrap().contains("--password-stdin"), "{outcome}");
    }
}
