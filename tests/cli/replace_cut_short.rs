//! `vwh replace` where something fails on the way: one of old and new is always there, every line says which, and the same
//! command finishes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json as value};

use crate::service::{Service, Webhooks, failed_and_signed, healthy, journal, many, url};
use crate::support::{Outcome, Reply, Request, Vwh, json};

const HOST: [&str; 2] = ["--new-host", "moved.example.test"];

fn replace(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    let command = ["replace", "--yes", "--concurrency", "1"];
    vwh.args(command.iter().chain(arguments).copied()).run()
}

fn move_all(vwh: &Vwh) -> Outcome {
    replace(vwh, &[&["w-001", "w-002", "w-003", "--json"], &HOST[..]].concat())
}

/// A service that answers request number `number` of `method`, from 1, as `odd` does.
fn odd_at(
    method: &'static str,
    number: usize,
    odd: impl Fn(&Request, &mut Webhooks) -> Reply + Send + Sync + 'static,
) -> Service {
    let count = AtomicUsize::new(0);
    Service::new(many(3, healthy), move |request, webhooks| {
        if request.method == method && count.fetch_add(1, Ordering::SeqCst) + 1 == number {
            return odd(request, webhooks);
        }
        webhooks.answer(request)
    })
}

/// Outcome, new id and the start of the error of each result.
fn results(outcome: &Outcome) -> Vec<[Value; 3]> {
    let answer = outcome.json();
    let result = |result: &Value| {
        let message = result["error"]["message"].as_str().unwrap_or_default();
        [result["outcome"].clone(), result["newId"].clone(), message.into()]
    };
    answer["results"].as_array().unwrap().iter().map(result).collect()
}

fn all_moved(service: &Service) {
    let urls: Vec<String> =
        (1..=3).map(|number| format!("https://moved.example.test/w-00{number}")).collect();
    assert_eq!(service.urls(), urls);
}

#[test]
fn a_refused_delete_leaves_both_and_is_finished_later() {
    let service = odd_at("DELETE", 2, |_, _| json(403, r#"{"errorMessage": "not now"}"#));
    let vwh = service.vwh();
    let outcome = replace(&vwh, &[&["w-001", "w-002", "w-003"], &HOST[..]].concat());
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    replaced  w-001 -> new-1  https://hooks.example.test/w-001 -> https://moved.example.test/w-001
    kept  w-002 -> new-2  https://hooks.example.test/w-002 -> https://moved.example.test/w-002  both are registered: 127.0.0.1:[PORT] answered 403 Forbidden: not now (hint: run the same command again, or: vwh delete w-002)
    replaced  w-003 -> new-3  https://hooks.example.test/w-003 -> https://moved.example.test/w-003
    --- stderr
    error: 1 of 3 webhooks could not be replaced
    ");
    assert_eq!(service.ids(), ["w-002", "new-1", "new-2", "new-3"]);
    let again = move_all(&vwh).exits(0);
    let expected = [["gone", "new-1"], ["replaced", "new-2"], ["gone", "new-3"]];
    assert_eq!(results(&again), expected.map(|[outcome, id]| [value!(outcome), value!(id), value!("")]));
    assert_eq!(service.count("POST"), 3);
    all_moved(&service);
}

#[test]
fn a_refused_create_leaves_the_old_one() {
    let service = odd_at("POST", 2, |_, _| json(422, r#"{"errorMessage": "no"}"#));
    let vwh = service.vwh();
    let outcome = move_all(&vwh).exits(1);
    let message = "it stays: its successor cannot be registered";
    let expected = [
        [value!("replaced"), value!("new-1"), value!("")],
        [value!("error"), value!(null), value!(message)],
        [value!("replaced"), value!("new-2"), value!("")],
    ];
    assert_eq!(results(&outcome), expected);
    assert_eq!(service.ids(), ["w-002", "new-1", "new-2"]);
    let _ = move_all(&vwh).exits(0);
    all_moved(&service);
}

/// It arrived, and its reply did not: the list tells.
#[test]
fn a_create_without_an_answer_is_found() {
    for reply in [Reply::Close, json(503, "{}"), json(201, r#"{"id": "new-2"}"#).cut_in_half()] {
        let service = odd_at("POST", 2, move |request, webhooks| {
            drop(webhooks.answer(request));
            reply.clone()
        });
        let _ = move_all(&service.vwh()).exits(0);
        assert_eq!(service.count("POST"), 3);
        all_moved(&service);
    }
}

/// It is not listed when it is looked for, and is there when the command is run again.
#[test]
fn a_create_that_arrives_late_is_not_repeated() {
    let late = Arc::new(std::sync::Mutex::new(None));
    let kept = Arc::clone(&late);
    let service = odd_at("POST", 2, move |request, _| {
        *kept.lock().unwrap() = Some(request.clone());
        Reply::Close
    });
    let vwh = service.vwh();
    let outcome = move_all(&vwh).exits(1);
    let message = "it is still registered, and its successor may be too";
    assert_eq!(results(&outcome)[1], [value!("error"), value!(null), value!(message)]);
    assert_eq!(service.ids(), ["w-002", "new-1", "new-2"]);
    let request = late.lock().unwrap().take().unwrap();
    drop(service.with(|webhooks| webhooks.answer(&request)));
    let again = move_all(&vwh).exits(0);
    assert_eq!(results(&again)[1], [value!("replaced"), value!("new-3"), value!("")]);
    assert_eq!(service.count("POST"), 3);
    all_moved(&service);
}

/// Url, events and key are the old one's: it must not be taken for its own successor.
#[test]
fn a_lost_change_of_policy_is_not_taken_for_done() {
    for arrives in [false, true] {
        let service =
            Service::new(vec![failed_and_signed("a", "a key of some length")], move |request, webhooks| {
                if request.method == "POST" {
                    if arrives {
                        drop(webhooks.answer(request));
                    }
                    return Reply::Close;
                }
                webhooks.answer(request)
            });
        let vwh = service.vwh();
        let outcome = replace(&vwh, &["a", "--metadata-policy", "header", "--json"]);
        if arrives {
            assert_eq!((outcome.code, service.ids()), (Some(0), vec!["new-1".to_owned()]), "{outcome}");
        } else {
            assert_eq!(results(&outcome.exits(1))[0][0], "error");
            assert_eq!((service.ids(), service.count("DELETE")), (vec!["a".to_owned()], 0));
        }
    }
}

#[test]
fn a_change_in_place_removes_nothing() {
    let service = Service::new(vec![healthy("a")], |request, webhooks| {
        if request.method != "POST" {
            return webhooks.answer(request);
        }
        let webhook = webhooks.find("a").unwrap();
        webhook["metadataPolicy"] = request.json()["metadataPolicy"].clone();
        json(200, webhook.to_string())
    });
    let vwh = service.vwh();
    let outcome = replace(&vwh, &["a", "--metadata-policy", "body"]).exits(0);
    assert_eq!(outcome.stdout, format!("updated  a  {}\n", url("a")));
    assert_eq!((service.changes().len(), service.ids()), (1, vec!["a".to_owned()]));
    // Nothing is left open: another change is another job.
    let outcome = replace(&vwh, &["a", "--metadata-policy", "header"]).exits(0);
    assert_eq!(outcome.stdout, format!("updated  a  {}\n", url("a")));
}

/// A service whose list shows what is new once `shows` is set.
fn late(shows: &Arc<AtomicBool>) -> Service {
    let shows = Arc::clone(shows);
    Service::new(many(1, healthy), move |request, webhooks| match request.line().as_str() {
        "GET /self/webhooks/" if !shows.load(Ordering::SeqCst) => {
            let is_old = |webhook: &&Value| webhook["id"].as_str().unwrap().starts_with("w-");
            let old: Vec<Value> = webhooks.list.iter().filter(is_old).cloned().collect();
            json(200, Value::from(old).to_string())
        }
        _ => webhooks.answer(request),
    })
}

/// The same command again, as its own hint asks for, registers no second one.
#[test]
fn an_old_one_stays_while_its_successor_is_not_listed() {
    let shows = Arc::new(AtomicBool::new(false));
    let service = late(&shows);
    let vwh = service.vwh();
    let run = || replace(&vwh, &[&["w-001"], &HOST[..]].concat());
    let outcome = run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 1
    --- stdout
    kept  w-001 -> new-1  https://hooks.example.test/w-001 -> https://moved.example.test/w-001  the service does not list its successor, so it stays (hint: run the same command again once the successor is listed)
    --- stderr
    error: 1 of 1 webhooks could not be replaced
    ");
    for _ in 2..=3 {
        assert_eq!(run().snapshot(), outcome.snapshot());
        assert_eq!(service.changes(), ["POST /self/webhooks/"]);
    }
    shows.store(true, Ordering::SeqCst);
    let _ = run().exits(0);
    assert_eq!((service.count("POST"), service.ids()), (1, vec!["new-1".to_owned()]));
}

/// The list is late, and the successor is gone: nothing would come of waiting for it.
#[test]
fn an_unlisted_successor_that_is_gone_is_registered_anew() {
    let shows = Arc::new(AtomicBool::new(false));
    let service = late(&shows);
    let vwh = service.vwh();
    let run = || replace(&vwh, &[&["w-001"], &HOST[..]].concat());
    let _ = run().exits(1);
    drop(service.with(|webhooks| webhooks.delete("new-1")));
    let _ = run().exits(1);
    assert_eq!(service.ids(), ["w-001", "new-2"]);
    shows.store(true, Ordering::SeqCst);
    let _ = run().exits(0);
    assert_eq!(service.ids(), ["new-2"]);
}

/// Whether it is there is not known, so nothing is registered.
#[test]
fn an_unlisted_successor_that_cannot_be_asked_for_is_not_registered_anew() {
    let service = Service::new(many(1, healthy), |request, webhooks| match request.line().as_str() {
        "GET /self/webhooks/" => json(200, Value::from(webhooks.list[..1].to_vec()).to_string()),
        "GET /self/webhooks/new-1" => json(403, "{}"),
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh();
    let run = || replace(&vwh, &[&["w-001"], &HOST[..]].concat());
    let _ = run().exits(1);
    let outcome = run().exits(3);
    let _ = outcome.says("nothing was changed: cannot see whether webhook new-1 is registered");
    assert_eq!(service.changes(), ["POST /self/webhooks/"]);
}

/// After a hold the list is read again: an old one goes only while its successor is there.
#[test]
fn a_successor_that_goes_meanwhile_spares_the_old_one() {
    let service = odd_at("DELETE", 1, |_, webhooks| {
        drop(webhooks.delete("new-1"));
        drop(webhooks.delete("w-003"));
        json(429, "{}").header("Retry-After", "1")
    });
    let vwh = service.vwh();
    let outcome = move_all(&vwh).exits(1);
    let unlisted = "the service does not list its successor, so it stays";
    let expected = [["kept", "new-1", unlisted], ["replaced", "new-2", ""], ["replaced", "new-3", ""]];
    assert_eq!(results(&outcome), expected.map(|result| result.map(Value::from)));
    assert_eq!(service.ids(), ["w-001", "new-2", "new-3"]);
    let lines = journal(&vwh);
    let kept: Vec<&Value> =
        lines.iter().filter(|line| line["action"] == "kept").map(|line| &line["id"]).collect();
    assert_eq!(kept, ["w-001"]);
}

#[test]
fn without_a_list_in_between_nothing_is_removed() {
    let service = odd_at("GET", 3, |_, _| json(404, "{}"));
    let vwh = service.vwh();
    let outcome = move_all(&vwh).exits(4);
    for (position, result) in results(&outcome).into_iter().enumerate() {
        let new_id = format!("new-{}", position + 1);
        assert_eq!(result, [value!("kept"), value!(new_id), value!("both are registered")]);
    }
    let _ = outcome.says("stopped early, 3 of 3 not done");
    assert_eq!(service.count("DELETE"), 0);
    let _ = move_all(&vwh).exits(0);
    assert_eq!(service.count("POST"), 3);
    all_moved(&service);
}

#[test]
fn without_a_journal_nothing_is_sent() {
    let service = Service::honest(many(1, healthy));
    let vwh = service.vwh();
    std::fs::create_dir_all(vwh.state().join("journal.jsonl.lock")).unwrap();
    let outcome = replace(&vwh, &[&["w-001"], &HOST[..]].concat());
    assert_ne!(outcome.code, Some(0));
    let _ = outcome.without_answer().says("nothing was changed: cannot write");
    assert_eq!(service.changes(), Vec::<String>::new());
}

/// Neither is read to its end, which never comes, nor waited for.
#[cfg(unix)]
#[test]
fn a_journal_that_is_no_regular_file_is_refused() {
    let service = Service::honest(many(1, healthy));
    for device in ["/dev/zero", "/dev/full", "/"] {
        let vwh = service.vwh();
        std::fs::create_dir_all(vwh.state()).unwrap();
        std::os::unix::fs::symlink(device, vwh.state().join("journal.jsonl")).unwrap();
        let outcome = replace(&vwh, &[&["w-001"], &HOST[..]].concat()).exits(2);
        let outcome = outcome.without_answer().says("journal.jsonl is no regular file");
        let _ = outcome.says("hint: move away what is in the file's place");
    }
    assert_eq!(service.changes(), Vec::<String>::new());
}

#[test]
fn what_is_meant_is_on_disk_before_the_first_request() {
    let vwh = Vwh::new();
    let path = vwh.state().join("journal.jsonl");
    let service = Service::new(many(3, healthy), move |request, webhooks| {
        if request.method == "POST" {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let meant: Vec<Value> = lines.filter(|line| line["action"] == "replacing").collect();
            assert_eq!(meant.len(), 3, "{text}");
            assert_eq!(meant[2]["definition"], healthy("w-003"));
            let successor = value!({"url": "https://moved.example.test/w-003", "events": ["CALL"],
                "metadata_policy": "NONE", "key_fingerprint": null});
            assert_eq!(meant[2]["successor"], successor);
        }
        webhooks.answer(request)
    });
    let vwh = vwh.env("VWH_BASE_URL", service.server.base_url()).env("VWH_TOKEN", crate::support::TOKEN);
    let _ = move_all(&vwh).exits(0);
    let order = ["replacing", "replaced", "removing", "removed"].map(|action| vec![action; 3]).concat();
    let lines = journal(&vwh);
    assert_eq!(lines.iter().map(|line| line["action"].as_str().unwrap()).collect::<Vec<_>>(), order);
}

/// The first Ctrl-C comes while a request of this method is under way.
#[cfg(unix)]
fn interrupted(method: &'static str, number: usize) -> (Service, Vwh, Outcome) {
    use crate::support::Signal;
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let (arrived, arrival) = std::sync::mpsc::channel();
    let service = odd_at(method, number, move |request, webhooks| {
        arrived.send(()).unwrap();
        let _ = gate.lock().unwrap().recv();
        webhooks.answer(request)
    });
    let vwh = service.vwh();
    let command = ["replace", "--yes", "--concurrency", "1", "w-001", "w-002", "w-003", "--json"];
    let process = vwh.args(command.into_iter().chain(HOST)).spawn();
    arrival.recv().unwrap();
    process.signal(Signal::INT);
    drop(open);
    let outcome = process.wait().exits(130);
    (service, vwh, outcome)
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_what_is_there_and_is_finished_later() {
    let both = ["kept", "both are registered"];
    let skipped = ["skipped", ""];
    let replaced = ["replaced", ""];
    for (method, number, expected, text) in [
        ("POST", 2, [both, both, skipped], "stopped early, 3 of 3 not done"),
        ("POST", 3, [both, both, both], "stopped early, 3 of 3 not done"),
        ("DELETE", 2, [replaced, replaced, both], "stopped early, 1 of 3 not done"),
    ] {
        let (service, vwh, outcome) = interrupted(method, number);
        let said: Vec<[Value; 2]> =
            results(&outcome).into_iter().map(|[outcome, _, error]| [outcome, error]).collect();
        assert_eq!(said, expected.map(|pair| pair.map(Value::from)), "{method} {number}\n{outcome}");
        let _ = outcome.says(text);
        let _ = move_all(&vwh).exits(0);
        all_moved(&service);
    }
}

#[test]
fn a_time_limit_leaves_what_is_there() {
    let service = Service::new(many(2, healthy), |request, webhooks| match request.method.as_str() {
        "DELETE" => Reply::Stall,
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh();
    let outcome =
        replace(&vwh, &[&["w-001", "w-002", "--json", "--timeout", "2s"], &HOST[..]].concat()).exits(5);
    let said = results(&outcome);
    assert_eq!(said[0], ["kept", "new-1", "its successor is registered, and it may be too"].map(Value::from));
    assert_eq!(said[1], ["kept", "new-2", "both are registered"].map(Value::from));
    assert_eq!(service.ids(), ["w-001", "w-002", "new-1", "new-2"]);
}
