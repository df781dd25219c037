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
