//! What vwh still knows of a gap once the service has forgotten it: after a renewal, a removal, a replacement.

use serde_json::{Value, json as value};

use crate::call_log::{Receiver, honest_page, is_log, looks, row};
use crate::service::{Service, Webhooks, failed, failed_and_signed, healthy};
use crate::support::{Outcome, Reply, Request, Vwh, json};

/// When the service's clock stands, and when it renews and registers.
const NOW: &str = "Mon, 05 Jan 2026 00:00:00 GMT";
const RENEWED: &str = "2026-01-05T00:00:01.500Z";

/// A call in the gap, one at its end, one after it, and one after the next failure.
fn rows() -> Vec<Value> {
    vec![
        row(1, "MISSED", "2026-01-02T00:00:00.000Z"),
        row(2, "MISSED", "2026-01-03T00:00:00.000Z"),
        row(3, "MISSED", "2026-01-05T00:00:01.500Z"),
        row(4, "MISSED", "2026-01-05T00:00:01.501Z"),
        row(5, "MISSED", "2026-01-08T00:00:00.000Z"),
    ]
}

/// A service whose clock stands still.
fn service(list: Vec<Value>) -> Service {
    answering(list, |request, webhooks| webhooks.answer(request))
}

/// The same, where `handler` answers all but the log.
fn answering(
    list: Vec<Value>,
    handler: impl Fn(&Request, &mut Webhooks) -> Reply + Send + Sync + 'static,
) -> Service {
    let service = Service::new(list, move |request, webhooks| {
        if is_log(request) {
            return honest_page(request, &rows());
        }
        let before: Vec<Value> = webhooks.list.clone();
        let reply = handler(request, webhooks);
        for webhook in &mut webhooks.list {
            let old = before.iter().find(|old| old["id"] == webhook["id"]);
            if old.is_none() {
                webhook["createdAt"] = RENEWED.into();
            } else if old.is_some_and(|old| old["renewedAt"] != webhook["renewedAt"]) {
                webhook["renewedAt"] = RENEWED.into();
            }
        }
        match (request.method.as_str(), reply) {
            ("PUT", Reply::Full { status: 200, body, .. }) if !body.is_empty() => {
                let mut webhook: Value = serde_json::from_slice(&body).unwrap();
                webhook["renewedAt"] = RENEWED.into();
                json(200, webhook.to_string()).header("Date", NOW)
            }
            (_, reply) => reply,
        }
    });
    service.with(|webhooks| webhooks.date = Some(NOW.to_owned()));
    service
}

fn run(vwh: &Vwh, line: &str) -> Outcome {
    vwh.args(line.split(' ')).run()
}

fn missed(vwh: &Vwh, arguments: &str) -> Vec<u64> {
    let line = format!("missed --json {arguments}");
    let outcome = run(vwh, line.trim_end()).exits(0);
    outcome.json().as_array().unwrap().iter().map(|event| event["id"].as_u64().unwrap()).collect()
}

/// The webhook delivers again, so that the service's last success is after the gap.
fn delivers(service: &Service, id: &str) {
    service.with(|webhooks| {
        let webhook = webhooks.find(id).unwrap();
        webhook["statistics"]["lastSuccess"] = "2026-01-06T00:00:00Z".into();
        webhook["statistics"]["failed"] = false.into();
    });
}

fn notes(vwh: &Vwh) -> Vec<Value> {
    let text = std::fs::read_to_string(vwh.state().join("gaps.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn actions(vwh: &Vwh) -> Vec<String> {
    notes(vwh).iter().map(|note| note["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_gap_is_known_after_the_renewal_that_ended_it() {
    for renew in ["renew a", "renew --failed", "renew --all", "prune-failed --renew-first"] {
        let service = service(vec![failed("a"), healthy("b")]);
        let vwh = service.vwh();
        assert_eq!(missed(&vwh, ""), [2, 3, 4, 5]);
        let _ = run(&vwh, renew).exits(0);
        assert_eq!(missed(&vwh, "a"), [2, 3], "{renew}, and no success since");
        delivers(&service, "a");
        for arguments in ["a", "", "a --until 2026-01-09T00:00:00Z"] {
            assert_eq!(missed(&vwh, arguments), [2, 3], "{renew}: {arguments}");
        }
        assert_eq!(missed(&vwh, "b"), [0_u64; 0]);
        assert_eq!(missed(&vwh, "--failed"), [0_u64; 0]);
        assert_eq!(actions(&vwh), ["noted", "ended"], "{renew}");
    }
    let service = service(vec![failed("a")]);
    let vwh = service.vwh();
    let url = crate::service::url("a");
    let _ = run(&vwh, &format!("create --if-absent --unsigned --url {url}")).exits(0);
    delivers(&service, "a");
    assert_eq!(missed(&vwh, "a"), [2, 3]);
}

#[test]
fn a_note_says_whose_it_is_and_no_secret() {
    let mut webhook = failed_and_signed("a", "key-of-the-webhook");
    webhook["userId"] = "9001".into();
    let service = service(vec![webhook]);
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    let base = service.server.base_url();
    let noted = value!({"time": "2026-01-05T00:00:00Z", "action": "noted", "service": "vis", "base_url": base,
        "profile": "default", "user": "9001", "id": "a", "url": "https://hooks.example.test/a", "policy": "BODY",
        "is_signed": true, "from": "2026-01-02T00:00:00Z", "created": "2026-01-01T00:00:00Z"});
    let ended = value!({"time": "2026-01-05T00:00:00Z", "action": "ended", "service": "vis", "base_url": base,
        "profile": "default", "user": "9001", "id": "a", "from": "2026-01-02T00:00:00Z", "to": RENEWED});
    assert_eq!(notes(&vwh), [noted, ended]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(vwh.state().join("gaps.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(service.server.lines().iter().all(|line| line != "GET /self"), "a renewal costs no call more");
}

/// The run ended before it could say when the gap ended, or the service did not say.
#[test]
fn a_gap_whose_end_was_not_noted_ends_with_the_webhooks_own_renewal() {
    let service = service(vec![failed("a")]);
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    delivers(&service, "a");
    let path = vwh.state().join("gaps.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    // It was killed while it wrote the second line.
    std::fs::write(&path, format!("{first}\n{}", &second[..second.len() / 2])).unwrap();
    assert_eq!(missed(&vwh, "a"), [2, 3]);
    service.with(|webhooks| webhooks.find("a").unwrap()["renewedAt"] = Value::Null);
    assert_eq!(missed(&vwh, "a"), [2, 3, 4, 5], "without any end");
    // The next line does not stick to the torn one.
    service.with(|webhooks| webhooks.find("a").unwrap()["statistics"]["failed"] = true.into());
    let _ = run(&vwh, "renew a").exits(0);
    let whole = std::fs::read_to_string(&path).unwrap();
    assert_eq!(whole.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(), 3);
}

/// A reply without the time of the renewal came at the time of its `Date`.
#[test]
fn a_renewal_that_does_not_say_when_ended_the_gap_by_its_date() {
    let service = answering(vec![failed("a")], |request, webhooks| {
        let reply = webhooks.answer(request);
        for webhook in &mut webhooks.list {
            webhook.as_object_mut().unwrap().remove("renewedAt");
        }
        if request.method == "PUT" {
            return Reply::new(200, "").header("Date", "Wed, 07 Jan 2026 00:00:00 GMT");
        }
        match reply {
            Reply::Full { status, .. } if request.path == "/self/webhooks/a" => {
                json(status, webhooks.list[0].to_string()).header("Date", "Wed, 07 Jan 2026 00:00:00 GMT")
            }
            reply => reply,
        }
    });
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    delivers(&service, "a");
    assert_eq!(missed(&vwh, "a"), [2, 3, 4]);
}

#[test]
fn a_renewal_that_was_refused_ends_no_gap() {
    let service = answering(vec![failed("a")], |request, webhooks| match request.method.as_str() {
        "PUT" => json(422, "{}"),
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(1);
    assert_eq!(actions(&vwh), ["noted"]);
    assert_eq!(missed(&vwh, "a"), [2, 3, 4, 5]);
    let _ = run(&vwh, "renew a --dry-run").exits(0);
    assert_eq!(actions(&vwh), ["noted"]);
}

/// To stay failed would be worse than not to know what is lost.
#[cfg(unix)]
#[test]
fn a_note_that_cannot_be_written_stops_no_renewal() {
    let service = service(vec![failed("a")]);
    let vwh = service.vwh();
    std::fs::create_dir_all(vwh.state().join("gaps.jsonl")).unwrap();
    let outcome = run(&vwh, "renew a").exits(0);
    assert_eq!(outcome.stdout, "renewed  a  https://hooks.example.test/a\n");
    let outcome = outcome.says("warning: cannot note what was missed until now (");
    let _ = outcome.says("it will be shown by: vwh missed a --since 2026-01-02T00:00:00Z");
}

#[test]
fn a_renewal_says_how_to_see_what_was_lost() {
    let service = service(vec![failed("a"), failed("b"), healthy("c")]);
    let vwh = service.vwh();
    let one = run(&vwh, "renew a -v").exits(0);
    assert!(one.stderr.ends_with("\nwhat it missed: vwh missed a\n"), "{one}");
    service.with(|webhooks| webhooks.list = vec![failed("a"), failed("b")]);
    let both = run(&vwh, "renew --failed -v").exits(0);
    assert!(both.stderr.ends_with("\nwhat they missed: vwh missed\n"), "{both}");
    let none = run(&vwh, "renew --all -v").exits(0);
    assert!(!none.stderr.contains("missed"), "nothing more was missed\n{none}");
}

#[test]
fn what_was_removed_misses_until_it_is_restored() {
    for remove in ["prune-failed", "delete a --yes"] {
        let service = service(vec![failed_and_signed("a", "key-of-the-webhook"), healthy("b")]);
        let vwh = service.vwh();
        let _ = run(&vwh, remove).exits(0);
        for arguments in ["a", ""] {
            assert_eq!(missed(&vwh, arguments), [2, 3, 4, 5], "{remove}: still not back, {arguments}");
        }
        assert_eq!(missed(&vwh, "--failed"), [0_u64; 0]);
        let _ = run(&vwh, "restore --last").exits(0);
        for arguments in ["a", "new-1", "", "a new-1"] {
            assert_eq!(missed(&vwh, arguments), [2, 3], "{remove}: {arguments}");
        }
        let outcome = run(&vwh, "missed a --json").exits(0);
        assert_eq!(outcome.json()[0]["vwh"]["webhookId"], "new-1");
        // And after one more removal.
        service.with(|webhooks| {
            webhooks.find("new-1").unwrap()["statistics"] = failed("x")["statistics"].clone();
        });
        service.with(|webhooks| {
            let statistics = &mut webhooks.find("new-1").unwrap()["statistics"];
            statistics["lastSuccess"] = "2026-01-06T00:00:00Z".into();
            statistics["lastFailure"] = "2026-01-07T00:00:00Z".into();
        });
        let _ = run(&vwh, "delete new-1 --yes").exits(0);
        assert_eq!(missed(&vwh, "a"), [2, 3, 5]);
        assert_eq!(missed(&vwh, "new-1"), [2, 3, 5]);
    }
}

#[test]
fn what_was_replaced_missed_until_its_successor_was_there() {
    for replace in
        ["replace a --new-host moved.example.test --yes", "rotate a --signing-key-file new.key --yes"]
    {
        let service = service(vec![failed_and_signed("a", "key-of-the-webhook")]);
        let vwh = service.vwh();
        vwh.write("new.key", "another key of the user");
        let _ = run(&vwh, replace).exits(0);
        assert_eq!(service.ids(), ["new-1"]);
        for arguments in ["a", "new-1", ""] {
            assert_eq!(missed(&vwh, arguments), [2, 3], "{replace}: {arguments}");
        }
    }
    // Beside its successor the old one goes on missing.
    let service = service(vec![failed("a")]);
    let vwh = service.vwh();
    let _ = run(&vwh, "replace a --new-host moved.example.test --keep-old --yes").exits(0);
    assert_eq!(missed(&vwh, "a"), [2, 3, 4, 5]);
    assert_eq!(missed(&vwh, "new-1"), [2, 3]);
}

/// It delivered until it was removed by mistake.
#[test]
fn what_was_well_missed_between_its_removal_and_its_return() {
    let service = service(vec![healthy("a")]);
    let vwh = service.vwh();
    let _ = run(&vwh, "delete a --yes").exits(0);
    assert_eq!(missed(&vwh, "a"), [0_u64; 0]);
    assert_eq!(missed(&vwh, ""), [0_u64; 0], "nobody misses what was removed on purpose");
    let _ = run(&vwh, "restore a").exits(0);
    assert_eq!(missed(&vwh, "a"), [2, 3]);
}

/// The log has the events of the one who asks, and a removed webhook of somebody else did not miss those.
#[test]
fn what_somebody_else_removed_is_not_shown() {
    let service = answering(vec![failed("a")], |request, webhooks| {
        let is_other = request.header("authorization") == Some("Bearer other");
        if is_other && request.path == "/self" {
            return json(200, r#"{"id": 9002, "accountId": 4711}"#);
        }
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    let _ = run(&vwh, "delete a --yes").exits(0);
    let other = vwh.clone().env("VWH_TOKEN", "other");
    assert_eq!(missed(&other, ""), [0_u64; 0]);
    let _ = run(&other, "missed a").exits(4).without_answer();
    assert_eq!(missed(&vwh, ""), [2, 3, 4, 5]);
}

/// Neither the service nor the journal has it any more.
#[test]
fn what_vanished_after_a_renewal_is_known_by_its_note() {
    let receiver = Receiver::new();
    let mut webhook = failed_and_signed("a", "key-of-the-webhook");
    webhook["url"] = receiver.url().into();
    let service = service(vec![webhook]);
    let vwh = service.vwh();
    let _ = run(&vwh, "renew a").exits(0);
    service.with(|webhooks| webhooks.list.clear());
    assert_eq!(missed(&vwh, "a"), [2, 3]);
    let _ = run(&vwh, "missed a --repost").exits(2).without_answer().says("its key is not known");
    vwh.write("a.key", "key-of-the-webhook");
    let _ = run(&vwh, "missed a --repost --signing-key-file a.key").exits(0);
    assert_eq!(receiver.events(), ["2:MISSED", "3:MISSED"]);
    let _ = run(&vwh, "missed b").exits(4).without_answer();
}

/// The service keeps keys to itself, and the journal has the one that was restored.
#[test]
fn a_key_is_found_in_the_journal() {
    let receiver = Receiver::new();
    let mut webhook = failed_and_signed("a", "key-of-the-webhook");
    webhook["url"] = receiver.url().into();
    let service = service(vec![webhook]);
    let vwh = service.vwh();
    let _ = run(&vwh, "delete a --yes").exits(0);
    let removed = run(&vwh, "missed a --repost").exits(0);
    let _ = run(&vwh, "restore a").exits(0);
    service.with(|webhooks| webhooks.find("new-1").unwrap()["signingKey"] = "***".into());
    let restored = run(&vwh, "missed a --repost").exits(0);
    assert_eq!((removed.stdout.lines().count(), restored.stdout.lines().count()), (4, 2));
    for post in receiver.posts() {
        let signed = post.json()["metadata"]["signature"].as_str().unwrap().to_owned();
        assert_eq!(
            signed,
            crate::call_log::signature("key-of-the-webhook", &post.json()["event"].to_string())
        );
    }
    assert_eq!(looks(&service), 4);
}
