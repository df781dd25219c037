//! `vwh replace` and `vwh rotate` where the successor is there and does not do what it is for: the old webhook stays.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json as value};

use crate::service::{Service, Webhooks, healthy, journal, many, url};
use crate::support::{Outcome, Reply, Request, Vwh, json};

const KEY: &str = "a key of some length";

/// What becomes of a webhook as soon as it is registered.
type Spoil = fn(&mut Value);

fn signed(id: &str) -> Value {
    let mut webhook = healthy(id);
    webhook["signingAlgo"] = "HMAC_SHA256".into();
    webhook["signingKey"] = KEY.into();
    webhook["metadataPolicy"] = "HEADER".into();
    webhook
}

/// Registers what it is asked for, and then changes it; the reply shows what became of it.
fn spoiling(request: &Request, webhooks: &mut Webhooks, spoil: Spoil) -> Reply {
    let reply = webhooks.answer(request);
    if request.method != "POST" {
        return reply;
    }
    let webhook = webhooks.list.last_mut().unwrap();
    spoil(webhook);
    json(201, webhook.to_string())
}

fn unsign(webhook: &mut Value) {
    let webhook = webhook.as_object_mut().unwrap();
    webhook.remove("signingKey");
    webhook.insert("signingAlgo".into(), "NONE".into());
}

fn fail(webhook: &mut Value) {
    webhook["statistics"] = value!({"failed": true, "totalAttempts": 1});
}

fn rotate(vwh: &Vwh) -> Outcome {
    vwh.args(["rotate", "a", "--signing-key-out", "key", "--yes"]).run()
}

/// How each successor is spoilt, what is said about it, and the next step.
fn unfit() -> [(Spoil, &'static str, &'static str); 9] {
    let renew = "bring that back first: vwh renew new-1";
    let choose = "to try once more: vwh delete new-1, then run this again; to take it as it is: vwh delete a";
    [
        (fail, "webhook new-1 is to take its place, and is failed itself", renew),
        (
            |webhook| webhook["expireAt"] = "2020-01-01T00:00:00Z".into(),
            "webhook new-1 is to take its place, and is expired itself",
            renew,
        ),
        (
            |webhook| webhook["status"] = "PAUSED".into(),
            "webhook new-1 is to take its place, and is paused itself",
            "see what is known of it: vwh status new-1",
        ),
        (
            |webhook| webhook["url"] = "https://elsewhere.example.test/".into(),
            "it delivers to https://elsewhere.example.test/",
            choose,
        ),
        (|webhook| webhook["events"] = value!(["OTHER"]), "its events are \"OTHER\"", choose),
        (|webhook| webhook["metadataPolicy"] = "NONE".into(), "its metadata policy is none", choose),
        (unsign, "it is not signed", choose),
        (|webhook| webhook["signingKey"] = KEY.into(), "its key is another", choose),
        (
            |webhook| {
                unsign(webhook);
                webhook["metadataPolicy"] = "NONE".into();
            },
            "its metadata policy is none, it is not signed",
            choose,
        ),
    ]
}

#[test]
fn an_old_one_stays_beside_a_successor_that_is_of_no_use() {
    for (spoil, said, hint) in unfit() {
        let service =
            Service::new(vec![signed("a")], move |request, webhooks| spoiling(request, webhooks, spoil));
        let vwh = service.vwh();
        let said = match said {
            whole if whole.starts_with("webhook") => whole.to_owned(),
            how => format!(
                "webhook new-1 is to take the place of a, and is registered otherwise than asked: {how}"
            ),
        };
        // The second run finds it in the journal, and neither registers nor removes anything.
        for run in 1..=2 {
            let outcome = rotate(&vwh).exits(1);
            assert!(outcome.stdout.starts_with("kept  a -> new-1  "), "{outcome}");
            assert!(outcome.stdout.ends_with(&format!("  {said} (hint: {hint})\n")), "run {run}\n{outcome}");
            assert_eq!(service.changes(), ["POST /self/webhooks/"], "run {run}\n{outcome}");
            assert_eq!(service.ids(), ["a", "new-1"]);
        }
        let dry = vwh.args(["rotate", "a", "--signing-key-out", "other", "--dry-run", "--json"]).run();
        assert_eq!(dry.exits(1).json()["results"][0]["error"]["message"], said);
        assert!(journal(&vwh).iter().all(|line| line["action"] != "removing"));
    }
}

/// The answer shows where it delivers to, not where it was to.
#[test]
fn a_successor_at_another_url_is_shown_as_it_is() {
    let service = Service::new(many(2, signed), |request, webhooks| {
        spoiling(request, webhooks, |webhook| {
            if webhook["url"].as_str().unwrap().ends_with("w-001") {
                webhook["url"] = "https://elsewhere.example.test/".into();
            }
        })
    });
    let command = ["replace", "w-001", "w-002", "--new-host", "moved.example.test", "--yes"];
    let outcome = service.vwh().args(command.into_iter().chain(["--concurrency", "1"])).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    kept  w-001 -> new-1  https://hooks.example.test/w-001 -> https://elsewhere.example.test/  webhook new-1 is to take the place of w-001, and is registered otherwise than asked: it delivers to https://elsewhere.example.test/ (hint: to try once more: vwh delete new-1, then run this again; to take it as it is: vwh delete w-001)
    replaced  w-002 -> new-2  https://hooks.example.test/w-002 -> https://moved.example.test/w-002
    --- stderr
    warning: the service registered another url: https://elsewhere.example.test/
    error: 1 of 2 webhooks could not be replaced
    ");
    assert_eq!(service.ids(), ["w-001", "new-1", "new-2"]);
}

/// A key that the service keeps to itself speaks against nothing, and neither does an unsigned webhook.
#[test]
fn what_the_service_does_not_show_is_no_difference() {
    let hide: [Spoil; 2] = [
        |webhook| webhook["signingKey"] = "***".into(),
        |webhook| drop(webhook.as_object_mut().unwrap().remove("signingKey")),
    ];
    for hide in hide {
        let service =
            Service::new(vec![signed("a")], move |request, webhooks| spoiling(request, webhooks, hide));
        let _ = rotate(&service.vwh()).exits(0);
        assert_eq!(service.ids(), ["new-1"]);
    }
}

/// It is well in the list before the removals begin, and not in the one after the hold.
#[test]
fn a_successor_that_fails_meanwhile_spares_the_old_one() {
    let held = AtomicBool::new(false);
    let service = Service::new(many(2, healthy), move |request, webhooks| {
        if request.method == "DELETE" && !held.swap(true, Ordering::SeqCst) {
            fail(webhooks.find("new-1").unwrap());
            return json(429, "{}").header("Retry-After", "1");
        }
        webhooks.answer(request)
    });
    let command = ["replace", "--yes", "--concurrency", "1", "--new-host", "moved.example.test", "--json"];
    let vwh = service.vwh();
    let outcome = vwh.args(command.into_iter().chain(["w-001", "w-002"])).run().exits(1).json();
    let said = "webhook new-1 is to take its place, and is failed itself";
    assert_eq!(
        (&outcome["results"][0]["outcome"], &outcome["results"][0]["error"]["message"]),
        (&value!("kept"), &value!(said))
    );
    assert_eq!(outcome["results"][1]["outcome"], "replaced");
    assert_eq!(service.ids(), ["w-001", "new-1", "new-2"]);
    let kept: Vec<Value> = journal(&vwh)
        .into_iter()
        .filter(|line| line["action"] == "kept")
        .map(|line| line["id"].clone())
        .collect();
    assert_eq!(kept, ["w-001"]);
}

/// It is not said to be replaced, for nothing delivers in its place.
#[test]
fn an_old_one_that_goes_while_its_successor_is_dead_is_an_error() {
    let held = AtomicBool::new(false);
    let service = Service::new(many(1, healthy), move |request, webhooks| {
        if request.method == "DELETE" && !held.swap(true, Ordering::SeqCst) {
            fail(webhooks.find("new-1").unwrap());
            drop(webhooks.delete("w-001"));
            return json(429, "{}").header("Retry-After", "1");
        }
        webhooks.answer(request)
    });
    let command = ["replace", "w-001", "--yes", "--new-host", "moved.example.test"];
    insta::assert_snapshot!(service.vwh().args(command).run().snapshot(), @r"
    exit: 1
    --- stdout
    error  w-001 -> new-1  https://hooks.example.test/w-001 -> https://moved.example.test/w-001  somebody removed it meanwhile: webhook new-1 is to take its place, and is failed itself (hint: see what is left: vwh list)
    --- stderr
    error: 1 of 1 webhooks could not be replaced
    ");
}

/// What the hint says to type does finish it.
#[test]
fn a_successor_that_was_brought_back_takes_the_place() {
    let service = Service::new(vec![healthy("a")], |request, webhooks| spoiling(request, webhooks, fail));
    let vwh = service.vwh();
    let replace = || vwh.args(["replace", "a", "--new-host", "moved.example.test", "--yes"]).run();
    let _ = replace().exits(1);
    let _ = vwh.args(["renew", "new-1"]).run().exits(0);
    let outcome = replace().exits(0);
    assert_eq!(
        outcome.stdout,
        format!("replaced  a -> new-1  {} -> https://moved.example.test/a\n", url("a"))
    );
    assert_eq!((service.ids(), service.count("POST")), (vec!["new-1".to_owned()], 1));
}

#[test]
fn a_create_that_comes_back_without_its_key_is_said() {
    for (spoil, said) in [
        (unsign as Spoil, "the service registered it without its key: its deliveries are not signed"),
        (
            |webhook| webhook["signingKey"] = "something else".into(),
            "the service registered another key than the one it was given",
        ),
    ] {
        let service = Service::new(vec![], move |request, webhooks| spoiling(request, webhooks, spoil));
        let outcome =
            service.vwh().args(["create", "--url", &url("a"), "--signing-key-out", "key"]).run().exits(0);
        assert!(outcome.stderr.contains(said), "{outcome}");
    }
}
