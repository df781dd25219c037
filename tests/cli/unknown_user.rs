//! A service that does not say whose the token is: everything works as before, and nobody is made up.

use serde_json::Value;

use crate::service::{Service, failed, healthy, journal, url};
use crate::support::{Reply, Vwh, json};

/// What stands in the place of the user.
fn replies() -> [Reply; 3] {
    [json(403, r#"{"errorMessage": "forbidden"}"#), json(404, "{}"), Reply::html(404, "<title>404</title>")]
}

fn service(reply: Reply) -> Service {
    Service::new(vec![failed("a"), failed("b"), healthy("well")], move |request, webhooks| {
        if request.line() == "GET /self" { reply.clone() } else { webhooks.answer(request) }
    })
}

fn prune(vwh: &Vwh) {
    let outcome = vwh.args(["prune-failed", "--json"]).run().exits(0);
    assert_eq!(outcome.json()["summary"]["removed"], 2, "{outcome}");
}

#[test]
fn what_is_removed_belongs_to_nobody_known() {
    for reply in replies() {
        let service = service(reply);
        let vwh = service.vwh();
        prune(&vwh);
        assert_eq!(service.ids(), ["well"]);
        let lines = journal(&vwh);
        assert_ne!(lines.len(), 0);
        for line in lines {
            let owner = line["owner"].as_object().unwrap();
            assert_eq!([&owner["account"], &owner["user"]], [&Value::Null; 2], "{line}");
        }
    }
}

#[test]
fn it_comes_back() {
    for reply in replies() {
        let service = service(reply);
        let vwh = service.vwh();
        prune(&vwh);
        let outcome = vwh.args(["restore", "--last", "--json"]).run().exits(0);
        assert_eq!(outcome.json()["summary"]["restored"], 2, "{outcome}");
        assert_eq!(service.urls(), [url("a"), url("b"), url("well")]);
    }
}

/// Two profiles at one address may be two users; where nobody says so, each has only what it removed itself.
#[test]
fn another_profile_does_not_get_it() {
    for reply in replies() {
        let service = service(reply);
        let vwh = Vwh::new();
        let token = vwh.write("token", "abc");
        let profile = |name| {
            let (base, token) = (service.server.base_url(), token.display().to_string());
            format!("[profiles.{name}]\nbase_url = \"{base}\"\ntoken_file = {token:?}\n")
        };
        vwh.configure(&(profile("one") + &profile("other")));
        let _ = vwh.args(["-p", "one", "prune-failed"]).run().exits(0);
        let _ = vwh.args(["-p", "other", "restore", "--last"]).run().exits(0).without_answer();
        let _ = vwh.args(["-p", "other", "restore", "--list"]).run().exits(0).without_answer();
        assert_eq!(service.ids(), ["well"]);
        let _ = service.with(|webhooks| webhooks.delete("well"));
        let empty = |name| vwh.args(["-p", name, "list", "-v"]).run().exits(0).stderr;
        assert!(empty("one").contains("; 2 were removed at "), "{}", empty("one"));
        assert!(empty("other").ends_with("\n0 webhooks\n"), "{}", empty("other"));
        let _ = vwh.args(["-p", "one", "restore", "--last"]).run().exits(0);
        assert_eq!(service.urls(), [url("a"), url("b")]);
    }
}

#[cfg(unix)]
#[test]
fn the_question_names_nobody() {
    use crate::support::Screen;
    for reply in replies() {
        let service = service(reply);
        let vwh = service.vwh();
        for command in [&["prune-failed"][..], &["delete", "well"]] {
            let mut terminal = vwh.args(command.iter().copied()).on_terminal(&Screen::columns(120));
            terminal.wait_for("[y/N] ");
            terminal.type_line("n");
            let outcome = terminal.wait().exits(7);
            let shown = outcome.screen.as_ref().unwrap();
            let invented =
                regex_lite::Regex::new(r"(?i)\b(account|user) *([0-9]|null|none|\?|[,)])").unwrap();
            assert!(shown.contains("profile default") && !invented.is_match(shown), "{outcome}");
        }
        assert_eq!(service.changes(), Vec::<String>::new());
    }
}
