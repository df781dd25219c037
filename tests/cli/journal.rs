//! The journal from outside: nothing is removed whose definition is not safely on disk first.

use serde_json::{Value, json as value};

use crate::service::{Service, failed, healthy, journal, many, url};
use crate::support::{Outcome, Reply, Vwh, json};

fn service() -> Service {
    Service::honest([many(2, failed), vec![healthy("x"), healthy("y")]].concat())
}

fn prune(vwh: &Vwh) -> Outcome {
    vwh.args(["prune-failed"]).run()
}

/// A journal with one line of somebody else's, as text.
const STRANGER: &str = r#"{"time":"2026-01-01T00:00:00Z","run":"0","command":"delete","action":"removing","profile":"p","owner":{"service":"vis","base_url":"https://elsewhere.example","account":null,"user":null},"id":"z","definition":{"id":"z"}}"#;

#[test]
fn it_is_written_before_the_first_delete() {
    let vwh = Vwh::new();
    let path = vwh.state().join("journal.jsonl");
    let service = Service::new([many(2, failed), many(2, |id| healthy(&format!("h{id}")))].concat(), {
        move |request, webhooks| {
            if request.method == "DELETE" {
                let text = std::fs::read_to_string(&path).unwrap();
                for id in ["w-001", "w-002"] {
                    let definition = failed(id).to_string();
                    let is_kept = text.lines().any(|line| {
                        let line: Value = serde_json::from_str(line).unwrap();
                        line["definition"] == serde_json::from_str::<Value>(&definition).unwrap()
                    });
                    assert!(is_kept, "{id} is not in the journal: {text}");
                }
            }
            webhooks.answer(request)
        }
    });
    let vwh = vwh.env("VWH_BASE_URL", service.server.base_url()).env("VWH_TOKEN", crate::support::TOKEN);
    let _ = prune(&vwh).exits(0);
    assert_eq!(service.count("DELETE"), 2);
}

#[test]
fn a_line_says_whose_webhook_it_was_and_all_of_it() {
    let service = service();
    let vwh = service.vwh();
    let _ = prune(&vwh).exits(0);
    let lines = journal(&vwh);
    let line = lines.iter().find(|line| line["action"] == "removing" && line["id"] == "w-001").unwrap();
    let owner =
        value!({"service": "vis", "base_url": service.server.base_url(), "account": "4711", "user": "9001"});
    assert_eq!((&line["owner"], &line["definition"]), (&owner, &failed("w-001")));
    assert_eq!((&line["command"], &line["profile"]), (&value!("prune-failed"), &value!("default")));
    let outcomes: Vec<&Value> =
        lines.iter().filter(|line| line["action"] == "removed").map(|line| &line["id"]).collect();
    assert_eq!(outcomes.len(), 2);
}

#[test]
fn without_a_state_directory_nothing_is_sent() {
    let service = service();
    let vwh = service.vwh();
    vwh.write(".local/state/vwh", "a file in the way");
    let outcome = prune(&vwh).exits(2).without_answer();
    assert!(outcome.stderr.contains(&vwh.state().display().to_string()), "{outcome}");
    assert_eq!(service.changes(), Vec::<String>::new());
    let _ = vwh.args(["delete", "--yes", "x"]).run().exits(2).without_answer();
    assert_eq!(service.changes(), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_removal_before_anything_is_sent() {
    for arguments in [&["prune-failed"][..], &["delete", "--yes", "x"]] {
        let service = service();
        let vwh = service.vwh();
        std::fs::create_dir_all(vwh.state()).unwrap();
        std::os::unix::fs::symlink("/dev/full", vwh.state().join("journal.jsonl")).unwrap();
        let outcome = vwh.args(arguments.iter().copied()).run();
        insta::allow_duplicates! {
            insta::assert_snapshot!(outcome.snapshot(), @r"
            exit: 70
            --- stdout
            --- stderr
            error: nothing was removed: cannot write [HOME]/.local/state/vwh/journal.jsonl: failed to write to file `[HOME]/.local/state/vwh/journal.jsonl`: No space left on device (os error 28)

            hint: check that the disk has room and the directory is yours
            ");
        }
        assert_eq!(service.changes(), Vec::<String>::new());
    }
}

#[cfg(unix)]
#[test]
fn one_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let service = service();
    let vwh = service.vwh();
    let path = vwh.write(".local/state/vwh/journal.jsonl", "");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    for arguments in [&["prune-failed"][..], &["delete", "--yes", "x"], &["restore", "--last"]] {
        let outcome = vwh.args(arguments.iter().copied()).run().exits(2).without_answer();
        let _ = outcome.says("can be read by others").says(&format!("chmod 600 {}", path.display()));
    }
    assert_eq!(service.changes(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn directory_and_files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let service = service();
    let vwh = service.vwh();
    let _ = vwh.args(["prune-failed", "--failed-for", "1h"]).run().exits(0);
    let mut folders = vec![vwh.state()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
    assert!(files >= 3, "the journal, its lock and the run's lock");
}

#[test]
fn a_torn_line_costs_only_itself() {
    let service = service();
    let vwh = service.vwh();
    let torn = format!("{STRANGER}\n{}", &STRANGER[..100]);
    vwh.write(".local/state/vwh/journal.jsonl", &torn);
    let _ = prune(&vwh).exits(0);
    let text = std::fs::read_to_string(vwh.state().join("journal.jsonl")).unwrap();
    assert!(text.starts_with(&format!("{torn}\n{{")), "{text}");
    assert_eq!(text.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count(), 1);
    let _ = vwh.args(["restore", "--last"]).run().exits(0);
    assert_eq!(service.urls(), [url("w-001"), url("w-002"), url("x"), url("y")]);
}

/// Cut short at any byte, it never makes vwh forget the lines before, nor fail.
#[test]
fn a_journal_cut_anywhere_is_read_as_far_as_it_goes() {
    let service = service();
    let vwh = service.vwh();
    let _ = prune(&vwh).exits(0);
    let path = vwh.state().join("journal.jsonl");
    let whole = std::fs::read(&path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for end in [0, 1, first - 1, first, first + 1, whole.len() - 1] {
        std::fs::write(&path, &whole[..end]).unwrap();
        let list = vwh.args(["restore", "--list", "--json"]).run().exits(0).json();
        let whole_lines = whole[..end].split(|byte| *byte == b'\n');
        let definitions = whole_lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let expected = definitions.filter(|line| line["action"] == "removing").count();
        assert_eq!(list.as_array().unwrap().len(), expected, "cut at {end}");
    }
}

/// The first DELETE arrived and its reply did not; then the service throttles for longer than vwh waits.
#[test]
fn a_removal_that_may_have_happened_can_be_undone() {
    let service = Service::new(many(1, failed), |request, webhooks| match request.method.as_str() {
        "DELETE" if webhooks.find("w-001").is_some() => {
            drop(webhooks.answer(request));
            Reply::Close
        }
        "DELETE" => json(429, "{}").header("Retry-After", "3600"),
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh();
    let _ = vwh.args(["delete", "--yes", "w-001"]).run().exits(5).says("throttled by 127.0.0.1");
    assert_eq!((service.count("DELETE"), service.ids()), (2, Vec::new()));
    let restored = vwh.args(["restore", "--last"]).run().exits(0);
    assert_eq!(service.urls(), [url("w-001")], "{restored}");
}
