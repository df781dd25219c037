//! `config.toml` itself: where it is looked for, and what is said about one that cannot be used.

use insta::assert_snapshot;

use crate::account::{connected, holding};
use crate::support::{Outcome, Vwh};

fn list_with(configuration: &str) -> Outcome {
    let vwh = Vwh::new();
    vwh.configure(configuration);
    vwh.args(["list"]).run()
}

#[test]
fn unknown_keys_name_their_line() {
    assert_snapshot!(list_with("\n[defaults]\ntimeout = '5s'\ncolour = 'never'\n").snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: [HOME]/.config/vwh/config.toml, line 4: unknown field `colour`, expected one of `output`, `color`, `timeout`, `concurrency`
    ");
    let _ = list_with("defualt_profile = 'x'\n").exits(2).says("line 1: unknown field `defualt_profile`");
    let _ = list_with("[profiles.a]\n\n\nurl = 'x'\n").exits(2).says("line 4: unknown field `url`");
    let _ = list_with("[default]\n").exits(2).says("line 1");
}

#[test]
fn a_token_in_the_file_gets_a_hint_and_is_not_repeated() {
    assert_snapshot!(list_with("[profiles.a]\ntoken = 'hunter2'\n").snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: [HOME]/.config/vwh/config.toml, line 2: unknown field `token`, expected one of `service`, `region`, `base_url`, `token_file`, `token_command`, `token_url`, `username`, `client_id`, `password_file`, `password_command`, `client_secret_file`, `client_secret_command`

    hint: secrets do not stand in config.toml: put the token in a file and name it with token_file
    ");
    for configuration in [
        "token = 'hunter2'\n",
        "[profiles.a]\npassword = 'hunter2'\n",
        "[profiles.a]\ntoken = hunter2\n",
        "[profiles.a]\ntoken_file = 'hunter2\n",
        "[defaults]\ntoken = 'hunter2'\n",
        "[profiles]\na = 'hunter2'\n",
        "= 'hunter2'\n",
        "profiles = 'hunter2'\n",
        "[defaults]\nconcurrency = 'hunter2'\n",
        "[[profiles]]\na = 'hunter2'\n",
    ] {
        let outcome = list_with(configuration).exits(2).without_answer();
        assert!(!outcome.stderr.contains("hunter2"), "{outcome}");
    }
}

#[test]
fn values_that_make_no_sense_name_their_line() {
    for configuration in [
        "[defaults]\noutput = 'yaml'\n",
        "[defaults]\ntimeout = 'soon'\n",
        "[defaults]\ntimeout = '0s'\n",
        "[defaults]\nconcurrency = 0\n",
        "[defaults]\nconcurrency = 65\n",
        "[defaults]\ncolor = 'blue'\n",
    ] {
        let _ = list_with(configuration).exits(2).without_answer().says("config.toml, line 2: ");
    }
}

#[test]
fn names_that_stand_for_something_else_are_refused() {
    assert_snapshot!(list_with("[profiles.sandbox]\n").snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: profile "sandbox" in [HOME]/.config/vwh/config.toml: this name is reserved
    "#);
    for name in ["default", "'a/b'", "'*'", "''", "'.hidden'", "'a b'"] {
        let _ = list_with(&format!("[profiles.{name}]\n")).exits(2).without_answer().says("profile ");
    }
    let _ = list_with("default_profile = 'gone'\n[profiles.here]\n").exits(2).says("configured: here");
}

#[test]
fn a_profile_has_one_source_of_its_token() {
    let both = "[profiles.a]\ntoken_file = 'x'\ntoken_command = 'y'\n";
    let _ = list_with(both).exits(2).says("give token_file or token_command, not both");
}

#[test]
fn an_unknown_service_is_refused() {
    let outcome = list_with("default_profile = 'a'\n[profiles.a]\nservice = 'smtp'\n");
    assert_snapshot!(outcome.snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: service "smtp" of profile a is not known

    hint: known: vis, contact-center, voipbin
    "#);
}

#[test]
fn a_file_that_cannot_be_read() {
    let vwh = Vwh::new();
    let folder = vwh.home().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let _ = vwh
        .args(["list"])
        .env("VWH_CONFIG", folder.display().to_string())
        .run()
        .exits(2)
        .says("cannot read the configuration");
    let binary = vwh.home().join("binary");
    std::fs::write(&binary, b"\xff\xfe").unwrap();
    let _ = vwh.args(["list"]).env("VWH_CONFIG", binary.display().to_string()).run().exits(2).says("binary");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let server = holding("[]");
    let vwh = connected(&server);
    let missing = vwh.home().join("missing.toml").display().to_string();
    let _ = vwh.args(["list"]).env("VWH_CONFIG", missing).run().exits(2).says("missing.toml");
    assert_eq!(server.connections(), 0);
    let _ = vwh.args(["list"]).run().exits(0);
}

#[test]
fn the_named_file_is_read_in_place_of_the_usual_one() {
    let server = holding("[]");
    let vwh = connected(&server);
    vwh.configure("[defaults]\noutput = 'nonsense'\n");
    let named = vwh.write("named.toml", "[defaults]\noutput = 'json'\n").display().to_string();
    let outcome = vwh.args(["list"]).env("VWH_CONFIG", named).run().exits(0);
    assert_eq!(outcome.stdout, "[]\n");
}

#[test]
#[cfg(unix)]
fn without_xdg_variables_the_home_is_used() {
    let server = holding("[]");
    let vwh = connected(&server);
    vwh.write(".config/vwh/config.toml", "[defaults]\noutput = 'json'\n");
    for value in [None, Some(""), Some("relative/path")] {
        let run = vwh.args(["list"]);
        let run = match value {
            None => run.without_env("XDG_CONFIG_HOME").without_env("XDG_STATE_HOME"),
            Some(value) => run.env("XDG_CONFIG_HOME", value).env("XDG_STATE_HOME", value),
        };
        assert_eq!(run.run().exits(0).stdout, "[]\n", "{value:?}");
    }
    let run = vwh.args(["--sandbox", "list", "-q"]).without_env("XDG_STATE_HOME");
    let _ = run.run().exits(0);
    assert!(vwh.home().join(".local/state/vwh/sandbox.json").is_file());
    assert!(!vwh.home().join("relative").exists());
}

#[test]
#[cfg(unix)]
fn no_home_is_needed_where_every_place_is_named() {
    let server = holding("[]");
    let vwh = connected(&server);
    let named = vwh.write("named.toml", "[defaults]\noutput = 'json'\n").display().to_string();
    let state = vwh.home().join("named-state");
    for arguments in [&["list"][..], &["--sandbox", "list"], &["prune-failed"]] {
        let run = vwh.args(arguments.iter().copied()).env("VWH_CONFIG", &named);
        let run = run.env("VWH_STATE_DIR", state.display().to_string());
        let run = ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"]
            .into_iter()
            .fold(run, crate::support::Run::without_env);
        let _ = run.run().exits(0);
    }
    assert!(state.join("sandbox.json").is_file());
    assert!(!vwh.state().exists());
}

#[test]
fn an_empty_value_names_its_line() {
    for key in [
        "service",
        "base_url",
        "token_file",
        "token_command",
        "token_url",
        "username",
        "client_id",
        "password_file",
        "password_command",
        "client_secret_file",
        "client_secret_command",
    ] {
        let outcome = list_with(&format!("[profiles.a]\n\n{key} = ''\n")).exits(2).without_answer();
        let _ = outcome.says("config.toml, line 3: the value is empty: give one, or leave the key out");
    }
    let _ = list_with("default_profile = ''\n").exits(2).says("line 1: the value is empty");
}

#[test]
fn a_default_profile_that_is_not_there_is_no_matter_to_another() {
    let server = holding("[]");
    let vwh = Vwh::new();
    vwh.write("token", "from-file");
    let base = server.base_url();
    vwh.configure(&format!(
        "default_profile = 'q'\n[profiles.p]\nbase_url = '{base}'\ntoken_file = 'token'\n"
    ));
    assert_snapshot!(vwh.args(["list"]).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: default_profile: there is no profile "q" in [HOME]/.config/vwh/config.toml

    hint: configured: p
    "#);
    let _ = vwh.args(["-p", "p", "list"]).run().exits(0);
    let _ = vwh.args(["list"]).env("VWH_PROFILE", "p").run().exits(0);
    let listed = vwh.args(["profiles", "--json"]).run().exits(0).json();
    assert_eq!((&listed[0]["name"], &listed[1]["error"]["kind"]), (&"p".into(), &"configuration".into()));
    for name in ["sandbox", "default"] {
        let _ = list_with(&format!("default_profile = '{name}'\n")).exits(2).says("there is no profile");
    }
}
