//! Options that would have no effect: they are refused, with the reason, instead of ignored.

use crate::support::{Outcome, Vwh};

/// Runs vwh in a home without a connection: what is refused is refused before one is missed.
fn refused(arguments: &[&str]) -> Outcome {
    Vwh::new().args(arguments.iter().copied()).run().exits(2).without_answer()
}

#[test]
fn a_listener_that_registers_nothing_registers_for_no_event() {
    for flags in [&["--event", "agent.*"][..], &["--allow-http"]] {
        let _ = refused(&[&["listen"], flags].concat()).says("--register <PUBLIC_URL>");
        let unsigned = refused(&[&["listen", "--unsigned"], flags].concat());
        let _ = unsigned.says("the argument '--unsigned' cannot be used with").says(flags[0]);
    }
}

#[test]
fn a_url_that_does_not_change_is_not_let_through() {
    let _ = refused(&["update", "an-id", "--name", "Other", "--allow-http"]).says("--url <URL>");
}

#[test]
fn a_command_that_uses_no_profile_takes_none() {
    let vwh = Vwh::new();
    vwh.configure("[profiles.work]\n");
    let deliveries = "hint: leave it out; --service says which service is meant";
    for (arguments, hint) in [
        (&["trigger", "http://127.0.0.1:1/"][..], deliveries),
        (&["verify"], deliveries),
        (&["listen", "--unsigned"], deliveries),
        (&["sandbox", "status"], "hint: leave it out"),
        (&["completions", "bash"], "hint: leave it out"),
    ] {
        for flags in [&["-p", "work"][..], &["--all-profiles"]] {
            let outcome = vwh.args([flags, arguments].concat()).run().exits(2).without_answer();
            let _ = outcome.says("error: this command uses no profile").says(hint);
        }
    }
}

#[test]
fn what_is_no_list_is_not_written_as_csv() {
    for arguments in [
        &["create", "--url", "https://a.example/"][..],
        &["delete", "an-id"],
        &["restore", "--list"],
        &["trigger", "http://127.0.0.1:1/"],
        &["sandbox", "status"],
        &["login"],
    ] {
        let outcome = refused(&[arguments, &["-o", "csv"]].concat());
        let _ = outcome.says("error: this command has no CSV\n\nhint: --json is for scripts");
    }
}

#[test]
fn where_nothing_is_to_be_changed_what_can_be_is_named() {
    for (service, options) in [
        ("voipbin", "--url"),
        (
            "contact-center",
            "--url, --name, --event, --pause, --resume, --signing-key-file or --generate-signing-key",
        ),
    ] {
        let vwh = Vwh::new().env("VWH_SANDBOX", "1").env("VWH_SERVICE", service);
        let outcome = vwh.args(["update", "an-id"]).run().exits(2).without_answer();
        assert_eq!(outcome.stderr, format!("error: nothing is to be changed\n\nhint: say what: {options}\n"));
    }
}
