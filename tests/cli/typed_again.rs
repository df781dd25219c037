//! Commands that a hint names can be pasted, and reach the connection of the run that failed.

use crate::center::KEY;
use crate::running::Sandbox;
use crate::service::{Service, failed};
use crate::support::{Outcome, Server, TOKEN, Vwh, json};

/// A home with the profiles `eu-a` of VIS, `eu-c` of Contact Center and `eu-v` of VoIPBIN, all at `server`.
fn profiles(server: &Server) -> Vwh {
    let vwh = Vwh::new();
    let token = vwh.write("token", TOKEN);
    let profile = |(name, service): &(&str, &str)| {
        let base = server.base_url();
        format!(
            "[profiles.{name}]\nservice = '{service}'\nbase_url = '{base}'\ntoken_file = '{}'\n",
            token.display()
        )
    };
    let services = [("eu-a", "vis"), ("eu-c", "contact-center"), ("eu-v", "voipbin")];
    vwh.configure(&services.iter().map(profile).collect::<String>());
    vwh
}

fn refusing(status: u16) -> Server {
    Server::new(move |_| json(status, r#"{"message":"no"}"#))
}

/// Fails unless every command of the hint of `outcome` begins with `start`, and there is one.
#[track_caller]
fn assert_commands(outcome: &Outcome, start: &str) {
    let hint = outcome.stderr.split("hint: ").nth(1).unwrap_or_else(|| panic!("no hint\n{outcome}"));
    let commands = hint.matches("vwh ").count();
    assert!(commands > 0 && commands == hint.matches(start).count(), "{start}\n{outcome}");
}

const NEW: &str = "https://new.example.test/";

/// What services refuse or cannot do, with a command in the hint: by the last letter of the profile.
const REFUSED: [(&str, &[&str]); 13] = [
    ("a", &["update", "w-1", "--url", NEW]),
    ("a", &["event-types"]),
    ("a", &["create", "--url", NEW, "--replace", "--unsigned"]),
    ("c", &["renew", "w-1"]),
    ("c", &["prune-failed"]),
    ("c", &["replace", "w-1", "--new-url", NEW, "--yes"]),
    ("c", &["rotate", "w-1", "--yes"]),
    ("c", &["create", "--name", "name", "--url", NEW]),
    ("v", &["renew", "w-1"]),
    ("v", &["replace", "w-1", "--new-url", NEW, "--yes"]),
    ("v", &["create", "--url", NEW, "--unsigned"]),
    ("v", &["update", "w-1", "--pause"]),
    ("v", &["status", "-o", "prometheus"]),
];

#[test]
fn a_profile_that_was_named_is_named_again() {
    let server = refusing(404);
    let vwh = profiles(&server);
    for (letter, arguments) in REFUSED {
        let name = format!("eu-{letter}");
        let outcome = vwh.args(["-p", &name].iter().chain(arguments).copied()).run().exits(2);
        assert_commands(&outcome, &format!("vwh -p {name} "));
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_a_service_says_no_to_is_looked_at_where_it_said_no() {
    for (status, code) in [(404, 4), (409, 6)] {
        let server = refusing(status);
        let create = ["-p", "eu-a", "create", "--url", NEW, "--unsigned"];
        assert_commands(&profiles(&server).args(create).run().exits(code), "vwh -p eu-a list");
    }
}

#[test]
fn of_several_each_is_named_by_itself() {
    let server = refusing(409);
    let outcome = profiles(&server).args(["-p", "eu-?", "list"]).run().exits(1);
    for name in ["eu-a", "eu-c", "eu-v"] {
        let _ = outcome.clone().says(&format!("vwh -p {name} list"));
    }
    let outcome = profiles(&server).args(["-p", "eu-?", "status", "-o", "prometheus"]).run().exits(2);
    assert_commands(&outcome, "vwh -p 'eu-?' list");
}

#[test]
fn the_sandbox_is_used_again_and_so_is_its_service() {
    let vwh = Vwh::new();
    let replace = ["replace", "w-1", "--new-url", NEW, "--yes"];
    let update = ["--sandbox", "update", "w-1", "--url", NEW];
    assert_commands(&vwh.args(update).run().exits(2), "vwh --sandbox replace");
    let update = &update[1..];
    let by_variable = |name: &str, value: &str| vwh.args(update.iter().copied()).env(name, value).run();
    assert_commands(&by_variable("VWH_SANDBOX", "1").exits(2), "vwh --sandbox replace");
    assert_commands(&by_variable("VWH_PROFILE", "sandbox").exits(2), "vwh --sandbox replace");
    let sandbox = ["--sandbox"].iter().chain(&replace).copied();
    let outcome = vwh.args(sandbox).env("VWH_SERVICE", "voipbin").run().exits(2);
    assert_eq!(outcome.stderr.matches("VWH_SERVICE=voipbin vwh --sandbox update ").count(), 1, "{outcome}");
}

#[test]
fn without_flags_there_are_none() {
    let server = refusing(409);
    let create = ["create", "--url", NEW, "--unsigned"];
    let outcome = Vwh::connected_to(&server.base_url()).args(create).run().exits(6);
    assert_commands(&outcome, "vwh list");
}

/// So does what became of an item of a batch.
#[test]
fn a_line_of_a_batch_names_the_profile_too() {
    let service = Service::new(vec![failed("w-1")], |request, webhooks| match request.method.as_str() {
        "DELETE" => json(409, r#"{"message":"no"}"#),
        _ => webhooks.answer(request),
    });
    let vwh = profiles(&service.server);
    let hint = "something of the same name is there already: see it with: vwh -p eu-a list";
    let delete = ["-p", "eu-a", "delete", "w-1", "--yes"];
    let line = vwh.args(delete).run().exits(1).stdout;
    assert!(line.ends_with(&format!(" (hint: {hint})\n")), "{line}");
    let json = vwh.args(delete.iter().copied().chain(["--json"])).run().exits(1).json();
    assert_eq!(json["results"][0]["error"]["hint"], hint);
    let several = vwh.args(["-p", "eu-a*", "prune-failed", "--max", "9", "--yes"]).run().exits(1).stdout;
    assert!(several.ends_with(&format!(" (hint: {hint})\n")), "{several}");
}

/// Not only hints name commands.
#[test]
fn an_explanation_names_the_sandbox_too() {
    let signature = "0".repeat(64);
    let verify = ["--sandbox", "verify", "--explain", "--signature", &signature];
    let run = Vwh::new().args(verify).env("VWH_SIGNING_KEY", "key").stdin(r#"{"event":{"id":"1"}}"#);
    let outcome = run.run().exits(1);
    assert!(outcome.stdout.contains("(vwh --sandbox list --json --show-secrets)"), "{outcome}");
}

/// A command that is about one webhook names it, so that it can be pasted as it is.
#[test]
fn the_one_webhook_is_named() {
    let server = refusing(404);
    let vwh = profiles(&server);
    for (arguments, command) in [
        (&["-p", "eu-a", "update", "w-1", "--url", NEW][..], "vwh -p eu-a replace w-1 "),
        (&["-p", "eu-c", "renew", "w-1"], "vwh -p eu-c update w-1 --resume"),
        (&["-p", "eu-c", "rotate", "w-1", "--yes"], "vwh -p eu-c update w-1 --generate-signing-key"),
        (
            &["-p", "eu-v", "update", "w 1", "--pause"],
            "empty the slot with vwh -p eu-v delete 'w 1', and set it again with vwh -p eu-v restore 'w 1'",
        ),
        (&["-p", "eu-c", "renew", "w-1", "w-2"], "vwh -p eu-c update ID --resume"),
    ] {
        let _ = vwh.args(arguments.iter().copied()).run().exits(2).says(command);
    }
}

/// Of several profiles the one that it is about is named, if it is one.
#[test]
fn the_summary_names_what_it_is_about() {
    let (a, b) = (Service::honest(vec![failed("w-1")]), Service::honest(Vec::new()));
    let vwh = Vwh::new();
    let token = vwh.write("token", TOKEN);
    let profile = |(name, service): (&str, &Service)| {
        let base = service.server.base_url();
        format!("[profiles.{name}]\nbase_url = '{base}'\ntoken_file = '{}'\n", token.display())
    };
    vwh.configure(&[("eu-a", &a), ("eu-b", &b)].map(profile).concat());
    let next = || vwh.args(["--all-profiles", "list", "-v"]).run().exits(0);
    let _ = next().says(": vwh -p eu-a status w-1, then vwh --all-profiles renew --failed\n");
    a.with(|webhooks| webhooks.list.push(failed("w-2")));
    let _ = next().says(": vwh -p eu-a status ID, then");
    b.with(|webhooks| webhooks.list.push(failed("w-3")));
    let _ = next().says(": vwh -p PROFILE status ID, then");
}

/// It is as strict as the service, and delivers to this machine alone.
#[test]
fn a_sandbox_that_refuses_a_url_of_this_machine_says_how_it_would_take_it() {
    let vwh = Vwh::new();
    let _sandbox = Sandbox::start(&vwh, &[]);
    let run = |arguments: &[&str]| {
        let arguments = ["--sandbox"].iter().chain(arguments).copied();
        vwh.args(arguments).env("VWH_SERVICE", "contact-center").env("VWH_SIGNING_KEY", KEY).run()
    };
    let url = ["--url", "http://127.0.0.1:3000/x", "--allow-http"];
    let create = ["create", "--name", "Demo", "--event", "agent.*"];
    let created = run(&[&create[..], &["--url", NEW]].concat()).exits(0);
    let id = created.stdout.trim_end();
    for command in [&create[..], &["update", id]] {
        let outcome = run(&[command, &url].concat()).exits(6).says("a fully qualified https URL\n");
        let hint =
            "hint: a sandbox takes http urls of this machine when it is started by: vwh sandbox --allow-http";
        let _ = outcome.says(hint);
    }
}
