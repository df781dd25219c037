//! Where the token comes from: the environment, a file, a command; and what needs none.

use insta::assert_snapshot;
use serde_json::Value;

use crate::account::{connected, holding};
use crate::support::{Outcome, Server, TOKEN, Vwh, json};
use crate::token_service::{TokenService, signed_in};

/// A home whose default profile is at `server` and gets its token by `source`, a line of `config.toml`.
fn home_with(server: &Server, source: &str) -> Vwh {
    let vwh = Vwh::new();
    vwh.configure(&format!(
        "default_profile = 'work'\n[profiles.work]\nbase_url = '{}'\n{source}\n",
        server.base_url()
    ));
    vwh
}

/// The tokens that `server` got.
fn tokens(server: &Server) -> Vec<String> {
    let requests = server.requests();
    requests.iter().map(|request| request.header("authorization").unwrap().to_owned()).collect()
}

#[test]
fn without_a_token_the_next_step_is_the_sandbox() {
    assert_snapshot!(Vwh::new().args(["list"]).run().snapshot(), @r"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: there is no token to sign in with

    hint: sign in with: vwh login, or bring a token in VWH_TOKEN; without an account, try: vwh --sandbox list
    ");
    for command in [&["status"][..], &["renew", "--all"], &["prune-failed"], &["delete", "x", "--yes"]] {
        let outcome = Vwh::new().args(command.iter().copied()).run().exits(3).without_answer();
        assert!(outcome.stderr.trim_end().ends_with("vwh --sandbox list"), "{outcome}");
    }
    let error = Vwh::new().args(["list", "--json"]).run().exits(3).error();
    assert!(error["hint"].as_str().unwrap().ends_with("vwh --sandbox list"), "{error}");
}

#[test]
fn what_asks_no_service_needs_no_token() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["list", "--help"],
        &["completions", "bash"],
        &["man"],
        &["sandbox", "status"],
        &["sandbox", "reset"],
        &["--sandbox", "list"],
    ] {
        let outcome = Vwh::new().args(arguments.iter().copied()).run().exits(0);
        assert_eq!(outcome.stderr, "", "{arguments:?}");
    }
}

#[test]
fn a_token_that_cannot_be_one_is_not_sent() {
    let server = holding("[]");
    for token in ["Bearer hunter2", "hunter2\nX-Evil: 1", "hünter2", "\"hunter2 \""] {
        let run = connected(&server).args(["list", "-vv"]).env("VWH_TOKEN", token);
        let outcome = run.run().exits(2).without_answer().says("not one word of visible ASCII");
        assert!(!outcome.stderr.contains("hunter2") && !outcome.stderr.contains("hünter2"), "{outcome}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_file_gives_its_one_word() {
    let server = holding("[]");
    let vwh = home_with(&server, "token_file = '$CREDENTIALS_DIRECTORY/token'");
    let token = vwh.write("credentials/token", "\n  from-file \r\n\n");
    let folder = token.parent().unwrap().display().to_string();
    let _ = vwh.args(["list"]).env("CREDENTIALS_DIRECTORY", folder).run().exits(0);
    assert_eq!(tokens(&server), ["Bearer from-file"]);
}

#[test]
fn a_credentials_directory_that_is_not_there_is_said() {
    let server = holding("[]");
    let vwh = home_with(&server, "token_file = '${CREDENTIALS_DIRECTORY}/token'");
    assert_snapshot!(vwh.args(["list"]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot list the webhooks: CREDENTIALS_DIRECTORY is not set, and the configuration names it

    hint: run vwh from a systemd unit with LoadCredential=, or name a plain path
    ");
    let _ = vwh.args(["list"]).env("CREDENTIALS_DIRECTORY", "").run().exits(2);
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_needs_no_secret_works_outside_the_unit() {
    let service = TokenService::generous();
    let vwh = service.home("password_file = '$CREDENTIALS_DIRECTORY/password'");
    let token = signed_in(&service, &vwh, 3_600)["accessToken"].as_str().unwrap().to_owned();
    service.accept(&token);
    let _ = vwh.args(["list"]).run().exits(0);
    let listed = vwh.args(["profiles", "--json"]).run().exits(0).json();
    assert_eq!((&listed[0]["error"], &listed[0]["unattended"]), (&Value::Null, &true.into()));
    let outcome = vwh.args(["doctor"]).run().exits(0);
    let told = "$CREDENTIALS_DIRECTORY/password cannot be looked at outside its systemd unit";
    assert!(outcome.stdout.contains(told), "{outcome}");
    let _ = vwh.args(["logout"]).run().exits(0);
    let _ = vwh.args(["list"]).run().exits(2).says("CREDENTIALS_DIRECTORY is not set");
}

#[test]
fn what_brings_a_token_that_is_refused_is_named() {
    let server = Server::new(|_| json(401, "{}"));
    let vwh = Vwh::new();
    let base = server.base_url();
    vwh.write("token", "t");
    vwh.configure(&format!(
        "[profiles.c]\nbase_url = '{base}'\ntoken_command = 'echo t'\n\
         [profiles.f]\nbase_url = '{base}'\ntoken_file = 'token'\n"
    ));
    for (name, hint) in [
        ("f", "write a current access token to token, which token_file names"),
        ("c", "token_command has to print a current access token: run it by hand"),
    ] {
        let _ = vwh.args(["-p", name, "list"]).run().exits(3).says(&format!("\nhint: {hint}\n"));
    }
    let given = Vwh::connected_to(&base).args(["list"]).run().exits(3);
    let _ = given
        .says("hint: set VWH_TOKEN to a current access token, or unset it and sign in with: vwh login\n");
}

#[test]
fn a_file_below_the_home_is_found() {
    let server = holding("[]");
    let vwh = home_with(&server, "token_file = '~/secret/token'");
    vwh.write("secret/token", "from-home\n");
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(tokens(&server), ["Bearer from-home"]);
    let missing = home_with(&server, "token_file = '~/token'");
    let _ = missing.args(["list"]).run().exits(2).says(&missing.home().join("token").display().to_string());
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let server = holding("[]");
    let vwh = home_with(&server, "token_file = 'no/such/file'");
    let _ = vwh.args(["list"]).run().exits(2).without_answer().says("no/such/file");
    let vwh = home_with(&server, "token_file = 'empty'");
    vwh.write("empty", "\n");
    let _ = vwh.args(["list"]).run().exits(2).without_answer().says("the token in empty is empty");
    assert_eq!(server.connections(), 0);
}

#[cfg(unix)]
mod on_unix {
    use std::fs::{Permissions, set_permissions};
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    use insta::assert_snapshot;

    use super::{Outcome, Server, TOKEN, holding, home_with, json, tokens};
    use crate::support::{Screen, Signal, Vwh};

    #[test]
    fn a_file_that_others_can_read_is_a_warning() {
        let server = holding("[]");
        let vwh = home_with(&server, "token_file = 'token'");
        let path = vwh.write("token", "from-file");
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_snapshot!(vwh.args(["list", "-q"]).run().snapshot(), @"
        exit: 0
        --- stdout
        --- stderr
        warning: token can be read by others; close it with: chmod 600 token
        ");
        let another = holding("[]");
        let odd = home_with(&another, "token_file = 'my token'");
        set_permissions(odd.write("my token", "from-file"), Permissions::from_mode(0o644)).unwrap();
        let _ = odd.args(["list"]).run().exits(0).says("close it with: chmod 600 'my token'\n");
        let refusing = Server::new(|_| json(401, "{}"));
        let again = home_with(&refusing, &format!("token_file = '{}'", path.display()));
        let outcome = again.args(["list"]).run().exits(3);
        assert_eq!(outcome.stderr.matches("can be read by others").count(), 1, "{outcome}");
        set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(vwh.args(["list"]).run().exits(0).stderr, "");
        assert_eq!(tokens(&server), ["Bearer from-file"; 2]);
    }

    #[test]
    fn a_file_of_the_unit_is_closed_whatever_its_mode_says() {
        let server = holding("[]");
        let vwh = home_with(&server, "token_file = '$CREDENTIALS_DIRECTORY/token'");
        let path = vwh.write("credentials/token", "from-unit");
        set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        let folder = path.parent().unwrap().display().to_string();
        let plain = home_with(&server, &format!("token_file = '{}'", path.display()));
        for vwh in [&vwh, &plain] {
            let vwh = vwh.clone().env("CREDENTIALS_DIRECTORY", &folder);
            assert_eq!(vwh.args(["list"]).run().exits(0).stderr, "");
            let outcome = vwh.args(["doctor"]).run();
            assert!(outcome.stdout.contains("pass  files"), "{outcome}");
            assert!(!outcome.stdout.contains("can be read by others"), "{outcome}");
        }
        let _ = plain.args(["list"]).run().exits(0).says("can be read by others");
    }

    #[test]
    fn a_command_is_run_by_the_shell_and_once() {
        let server = Server::new(|request| {
            if request.method == "GET" {
                return json(200, r#"[{"id":"a"},{"id":"b"},{"id":"c"}]"#);
            }
            let id = request.path.split('/').rev().nth(1).unwrap();
            json(200, format!(r#"{{"id":"{id}"}}"#))
        });
        let vwh = home_with(&server, r#"token_command = "echo run >> runs; printf 'from-%s' $((40 + 2))""#);
        let _ = vwh.args(["renew", "--all"]).run().exits(0);
        assert_eq!(tokens(&server), ["Bearer from-42"; 4]);
        assert_eq!(std::fs::read_to_string(vwh.home().join("runs")).unwrap(), "run\n");
    }

    #[test]
    fn a_command_that_is_no_use_is_said_without_its_words() {
        let server = holding("[]");
        let list = |command: &str| {
            let vwh = home_with(&server, &format!("token_command = \"{command}\""));
            let outcome = vwh.args(["list", "-vv"]).run();
            assert!(!outcome.stderr.contains("hunter2"), "{outcome}");
            outcome.snapshot()
        };
        assert_snapshot!(list("echo hunter2; exit 7"), @"
        exit: 2
        --- stdout
        --- stderr
        error: cannot list the webhooks: token_command failed (exit status: 7)

        hint: run the command of `token_command` by hand; it must print the token and nothing else
        ");
        assert_snapshot!(list("echo hunter2 and more"), @"
        exit: 2
        --- stdout
        --- stderr
        error: cannot list the webhooks: what token_command printed is not one word of visible ASCII

        hint: give the bare access token: one line, no quotes, no `Bearer`
        ");
        assert_snapshot!(list("true"), @"
        exit: 2
        --- stdout
        --- stderr
        error: cannot list the webhooks: what token_command printed is empty
        ");
        assert_snapshot!(list("printf 'hunter2\\\\377'"), @"
        exit: 2
        --- stdout
        --- stderr
        error: cannot list the webhooks: token_command printed something that is not text

        hint: run the command of `token_command` by hand; it must print the token and nothing else
        ");
        assert_snapshot!(list("kill -9 $$"), @"
        exit: 2
        --- stdout
        --- stderr
        error: cannot list the webhooks: token_command failed (signal: 9 (SIGKILL))

        hint: run the command of `token_command` by hand; it must print the token and nothing else
        ");
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn what_a_command_says_itself_is_passed_on() {
        let server = holding("[]");
        let vwh = home_with(&server, "token_command = 'echo please unlock >&2; exit 1'");
        let _ = vwh.args(["list"]).run().exits(2).says("please unlock\n");
    }

    #[test]
    fn a_command_that_hangs_ends_with_the_time_limit() {
        let server = holding("[]");
        let vwh = home_with(&server, "token_command = 'sleep 600; true'");
        assert_snapshot!(vwh.args(["list", "--timeout", "200ms"]).run().snapshot(), @"
        exit: 5
        --- stdout
        --- stderr
        error: cannot list the webhooks: token_command did not end in time

        hint: run the command of `token_command` by hand; it must print the token and nothing else
        ");
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_command_that_prints_without_end_is_stopped() {
        let server = holding("[]");
        let vwh = home_with(&server, "token_command = 'yes'");
        assert_snapshot!(vwh.args(["list", "--timeout", "20s"]).run().snapshot(), @"
        exit: 2
        --- stdout
        --- stderr
        error: cannot list the webhooks: token_command printed more than 1 MiB

        hint: run the command of `token_command` by hand; it must print the token and nothing else
        ");
        let vwh = home_with(&server, "token_command = \"head -c 1048570 /dev/zero | tr '\\\\0' x; echo\"");
        let _ = vwh.args(["list"]).run().exits(0);
        assert_eq!(tokens(&server)[0].len(), "Bearer ".len() + 1_048_570);
    }

    #[test]
    fn what_a_command_leaves_in_the_background_is_not_waited_for() {
        let server = holding("[]");
        // The reader of the pipe holds the command's output open until somebody writes to it.
        let vwh =
            home_with(&server, "token_command = 'mkfifo gate; cat gate 2>/dev/null & echo from-command'");
        let _ = vwh.args(["list"]).run().exits(0);
        assert_eq!(tokens(&server), ["Bearer from-command"]);
        // It was not killed either: this waits for a reader.
        drop(std::fs::OpenOptions::new().write(true).open(vwh.home().join("gate")).unwrap());
    }

    #[test]
    fn what_is_piped_in_is_not_the_commands() {
        let server = holding("[]");
        let vwh = home_with(&server, "token_command = 'cat >> taken; echo from-command'");
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"for the script\n").unwrap();
        drop(writer);
        let _ = vwh.args(["list"]).stdin_from(reader.try_clone().unwrap()).run().exits(0);
        let mut left = String::new();
        reader.read_to_string(&mut left).unwrap();
        assert_eq!(left, "for the script\n");
    }

    #[test]
    fn a_command_may_ask_on_the_terminal() {
        let server = holding("[]");
        let vwh =
            home_with(&server, "token_command = 'printf \"unlock: \" >&2; read -r word; echo from-$word'");
        let mut terminal = vwh.args(["list"]).on_terminal(&Screen::columns(80));
        terminal.wait_for("unlock: ");
        terminal.type_line("person");
        let _ = terminal.wait().exits(0);
        assert_eq!(tokens(&server), ["Bearer from-person"]);
    }

    /// Runs `arguments` with a command that never gives a token, and sends `signal` once it runs.
    fn interrupted(arguments: &[&str], signal: Signal) -> Outcome {
        let server = holding("[]");
        let vwh = home_with(&server, "token_command = 'echo waiting >&2; sleep 600; true'");
        let mut process = vwh.args(arguments.iter().copied()).spawn();
        process.wait_for_error_line(|line| line == "waiting");
        process.signal(signal);
        let outcome = process.wait();
        assert_eq!(server.connections(), 0);
        outcome
    }

    #[test]
    fn waiting_for_a_command_can_be_interrupted() {
        for signal in [Signal::INT, Signal::TERM] {
            for arguments in [&["list"][..], &["renew", "--all"], &["prune-failed"], &["status", "x"]] {
                let _ = interrupted(arguments, signal).exits(130).without_answer();
            }
        }
    }

    #[test]
    fn a_token_of_the_environment_goes_before_the_profiles() {
        let server = holding("[]");
        let vwh = home_with(&server, "token_command = 'touch ran; echo from-command'");
        let _ = vwh.args(["list"]).env("VWH_TOKEN", TOKEN).run().exits(0);
        assert_eq!(tokens(&server), [format!("Bearer {TOKEN}")]);
        assert!(!vwh.home().join("ran").exists());
    }

    #[test]
    fn no_command_is_run_where_no_token_is_needed() {
        let server = holding("[]");
        let vwh: Vwh = home_with(&server, "token_command = 'touch ran; echo from-command'");
        for arguments in
            [&["completions", "zsh"][..], &["man"], &["--sandbox", "list"], &["sandbox", "status"]]
        {
            let _ = vwh.args(arguments.iter().copied()).run().exits(0);
        }
        assert!(!vwh.home().join("ran").exists());
    }
}
