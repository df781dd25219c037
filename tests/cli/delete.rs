//! `vwh delete` by id: all ids are looked at before the first is removed.

use serde_json::{Value, json as value};

use crate::service::{Service, healthy, journal, journalled, many};
use crate::support::{Outcome, Vwh, json};

fn delete(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    vwh.args(["delete", "--yes"].iter().chain(arguments).copied()).run()
}

#[test]
fn what_is_named_goes_and_nothing_else() {
    let service = Service::honest(many(4, healthy));
    let vwh = service.vwh();
    // Named twice, removed once.
    let outcome = delete(&vwh, &["w-002", "w-004", "w-002", "--json"]);
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 0
    --- stdout
    {"dryRun":false,"results":[{"id":"w-002","url":"https://hooks.example.test/w-002","outcome":"removed","error":null},{"id":"w-004","url":"https://hooks.example.test/w-004","outcome":"removed","error":null}],"summary":{"error":0,"gone":0,"removed":2,"skipped":0,"total":2}}
    --- stderr
    "#);
    assert_eq!(service.ids(), ["w-001", "w-003"]);
    assert_eq!(journalled(&vwh), ["w-002", "w-004"]);
}

#[test]
fn an_unknown_id_stops_all_of_it() {
    let service = Service::honest(many(3, healthy));
    let vwh = service.vwh();
    let outcome = delete(&vwh, &["w-001", "w-9", "w-003"]);
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 4
    --- stdout
    --- stderr
    error: there is no webhook "w-9" for this user

    hint: see the ids with: vwh list
    "#);
    let outcome = delete(&vwh, &["w-001", "w-9", "--json"]).exits(4).without_answer();
    assert_eq!(outcome.error()["kind"], "not-found");
    assert_eq!((service.ids().len(), service.changes()), (3, Vec::new()));
    assert_eq!(journal(&vwh), Vec::<Value>::new());
}

#[test]
fn what_vwh_removed_before_is_gone() {
    let service = Service::honest(many(3, healthy));
    let vwh = service.vwh();
    let _ = delete(&vwh, &["w-001"]).exits(0);
    let again = delete(&vwh, &["w-001"]);
    insta::assert_snapshot!(again.snapshot(), @r"
    exit: 0
    --- stdout
    gone  w-001  https://hooks.example.test/w-001
    --- stderr
    ");
    let both = delete(&vwh, &["w-001", "w-002", "--json"]).exits(0).json();
    assert_eq!(both["summary"], value!({"total": 2, "removed": 1, "gone": 1, "error": 0, "skipped": 0}));
    assert_eq!(service.changes(), ["DELETE /self/webhooks/w-001", "DELETE /self/webhooks/w-002"]);
}

#[test]
fn what_somebody_else_removes_meanwhile_is_gone() {
    let service = Service::new(many(2, healthy), |request, webhooks| {
        if request.method == "DELETE" {
            drop(webhooks.delete("w-001"));
        }
        webhooks.answer(request)
    });
    let outcome = delete(&service.vwh(), &["w-001", "--json"]).exits(0).json();
    assert_eq!(outcome["results"][0]["outcome"], "gone");
}

#[test]
fn a_dry_run_changes_nothing() {
    let service = Service::honest(many(2, healthy));
    let vwh = service.vwh();
    let outcome = vwh.args(["delete", "w-001", "--dry-run"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    would remove  w-001  https://hooks.example.test/w-001
    --- stderr
    ");
    assert_eq!(service.changes(), Vec::<String>::new());
    assert!(!vwh.state().exists());
}

/// An id is a word of the service's: it must not become another path.
#[test]
fn an_odd_id_stays_one_path_segment() {
    for (id, path) in [
        ("a/b?c#d", "/self/webhooks/a%2Fb%3Fc%23d"),
        ("..", "/self/webhooks/%252E%252E"),
        ("{}", "/self/webhooks/%7B%7D"),
        ("ü %", "/self/webhooks/%C3%BC%20%25"),
    ] {
        let service = Service::new(vec![healthy(id)], |request, webhooks| match request.method.as_str() {
            "DELETE" => json(204, ""),
            _ => webhooks.answer(request),
        });
        let _ = delete(&service.vwh(), &[id]).exits(0);
        assert_eq!(service.changes(), [format!("DELETE {path}")]);
    }
}
