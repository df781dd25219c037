//! `vwh list -o prometheus --out FILE`: the file is whole at every moment, never says `vwh_up 1` after a failed run, and can be
//! read by whoever collects it.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use insta::assert_snapshot;
use serde_json::Value;

use crate::account::{connected, holding};
use crate::exposition::Exposition;
use crate::service::{Service, failed, healthy, many};
use crate::support::{Outcome, Reply, Server, Signal, Vwh, json};

const EXPORT: [&str; 5] = ["list", "-o", "prometheus", "--out", "vwh.prom"];

/// What a collector finds.
#[track_caller]
fn found(vwh: &Vwh) -> Exposition {
    Exposition::of(&fs::read_to_string(vwh.home().join("vwh.prom")).unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The names in the home that a reader of the folder sees.
fn names(vwh: &Vwh) -> Vec<String> {
    let entries = fs::read_dir(vwh.home()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with(".local") && name != "vwh");
    names.sort_unstable();
    names
}

#[test]
fn the_answer_is_in_the_file_and_everybody_may_read_it() {
    let service = Service::honest(many(2, healthy));
    let vwh = service.vwh();
    for quiet in [&[][..], &["--quiet"]] {
        let outcome = vwh.args(EXPORT.iter().chain(quiet).copied()).run().exits(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
        assert_eq!(found(&vwh).healths().len(), 2);
        assert_eq!(mode(&vwh.home().join("vwh.prom")), 0o644);
        assert_eq!(names(&vwh), ["vwh.prom"]);
        fs::remove_file(vwh.home().join("vwh.prom")).unwrap();
    }
    let printed = vwh.args(EXPORT[..3].iter().copied()).run().exits(0).stdout;
    let _ = vwh.args(EXPORT).run().exits(0);
    let without_time = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("vwh_reading_timestamp_seconds{"));
        lines.map(str::to_owned).collect()
    };
    let written = fs::read_to_string(vwh.home().join("vwh.prom")).unwrap();
    assert_eq!(without_time(&written), without_time(&printed));
}

/// Runs vwh through a shell that first does `setup`.
fn under(setup: &str, vwh: &Vwh) -> Outcome {
    let binary = env!("CARGO_BIN_EXE_vwh");
    let script = vwh.home().join("vwh");
    fs::write(&script, format!("#!/bin/sh\n{setup}\nexec '{binary}' \"$@\"\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let through = vwh.clone().through(&script);
    through.args(EXPORT).run()
}

#[test]
fn the_umask_does_not_hide_it() {
    let service = Service::honest(many(1, healthy));
    let vwh = service.vwh();
    let _ = under("umask 077", &vwh).exits(0);
    assert_eq!(mode(&vwh.home().join("vwh.prom")), 0o644);
}

/// What a full disk does: only so much of the new file can be written.
#[test]
fn on_a_full_disk_the_old_file_stays_whole() {
    let service = Service::honest(many(30, failed));
    let vwh = service.vwh();
    let _ = vwh.args(EXPORT).run().exits(0);
    let before = fs::read(vwh.home().join("vwh.prom")).unwrap();
    let outcome = under("trap '' XFSZ; ulimit -f 8", &vwh).exits(70).without_answer();
    let outcome = outcome.says("error: cannot write vwh.prom: ");
    let _ = outcome.says("hint: check that the disk has room and the directory is yours");
    assert_eq!(fs::read(vwh.home().join("vwh.prom")).unwrap(), before);
    assert_eq!(names(&vwh), ["vwh.prom"]);
}

#[test]
fn a_place_that_cannot_be_written_to_is_said() {
    let server = holding("[]");
    let vwh = connected(&server);
    let run = |path| vwh.args(["list", "-o", "prometheus", "--out", path]).run();
    assert_snapshot!(run("no/such/folder/vwh.prom").snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: cannot write no/such/folder/vwh.prom: no/such/folder: No such file or directory (os error 2)

    hint: name a file in a directory that exists and that you may write to
    "#);
    vwh.write("file", "mine");
    for (path, expected) in [
        ("file/vwh.prom", "Not a directory"),
        ("/dev/full", "/dev/full is no regular file"),
        (".", "is no regular file"),
    ] {
        let outcome = run(path).exits(2).without_answer().says("error: cannot write ").says(expected);
        let _ = outcome.says("hint: name a file in a directory that exists and that you may write to");
    }
    assert_eq!(fs::read_to_string(vwh.home().join("file")).unwrap(), "mine");
    assert_eq!(names(&vwh), ["file"]);
}

#[test]
fn a_link_goes_on_pointing_where_it_did() {
    let server = holding("[]");
    let vwh = connected(&server);
    let target = vwh.write("elsewhere/metrics", "old");
    std::os::unix::fs::symlink("elsewhere/metrics", vwh.home().join("vwh.prom")).unwrap();
    let _ = vwh.args(EXPORT).run().exits(0);
    assert!(fs::symlink_metadata(vwh.home().join("vwh.prom")).unwrap().is_symlink());
    assert_eq!(Exposition::of(&fs::read_to_string(target).unwrap()).values("vwh_up", &[]), ["1"]);
}

#[test]
fn a_failed_run_leaves_nothing_that_says_up() {
    let breaks: [(&str, i32); 4] = [("service", 5), ("token", 3), ("config", 2), ("profile", 2)];
    for (what, code) in breaks {
        let service = Service::honest(many(2, healthy));
        let vwh = service.vwh();
        let _ = vwh.args(EXPORT).run().exits(0);
        assert_eq!(found(&vwh).values("vwh_up", &[]), ["1"]);
        let refused = crate::support::refused();
        let mut run = vwh.args(EXPORT.iter().copied().chain(["--quiet", "--timeout", "1s"]));
        match what {
            "service" => run = run.env("VWH_BASE_URL", refused.base_url()),
            "token" => run = run.without_env("VWH_TOKEN"),
            "config" => vwh.configure("nonsense"),
            _ => run = run.env("VWH_PROFILE", "gone"),
        }
        let outcome = run.run().exits(code).without_answer().says("error: ");
        assert_eq!(found(&vwh).values("vwh_up", &[]), ["0"], "{outcome}");
        assert_eq!(found(&vwh).samples.len(), 1);
    }
}

#[test]
fn an_interrupt_leaves_the_file_as_it_was() {
    for signal in [Signal::INT, Signal::TERM] {
        let has_stalled = AtomicBool::new(false);
        let server = Server::new(move |_| {
            if has_stalled.swap(true, Ordering::SeqCst) { Reply::Stall } else { json(200, "[]") }
        });
        let vwh = connected(&server);
        let _ = vwh.args(EXPORT).run().exits(0);
        let before = fs::read(vwh.home().join("vwh.prom")).unwrap();
        let process = vwh.args(EXPORT).spawn();
        server.wait_for_requests(2);
        process.signal(signal);
        let _ = process.wait().exits(130);
        assert_eq!(fs::read(vwh.home().join("vwh.prom")).unwrap(), before);
        assert_eq!(names(&vwh), ["vwh.prom"]);
    }
}

/// Someone who reads all the time never sees half a file.
#[test]
fn a_reader_sees_whole_files() {
    let sizes = Mutex::new([1_usize, 300].into_iter().cycle());
    let server = Server::new(move |_| {
        let count = sizes.lock().unwrap().next().unwrap();
        json(200, Value::from(many(count, healthy)).to_string())
    });
    let vwh = connected(&server);
    let _ = vwh.args(EXPORT).run().exits(0);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut sizes = std::collections::BTreeSet::new();
            while !is_done.load(Ordering::SeqCst) {
                sizes.insert(found(&vwh).healths().len());
            }
            sizes
        });
        for _ in 0..20 {
            let _ = vwh.args(EXPORT).run().exits(0);
        }
        is_done.store(true, Ordering::SeqCst);
        let sizes: Vec<usize> = reader.join().unwrap().into_iter().collect();
        assert!(sizes.iter().all(|size| [1, 300].contains(size)), "{sizes:?}");
    });
}

#[test]
fn it_goes_with_metrics_and_without_secrets() {
    let vwh = Vwh::new();
    let old = vwh.write("vwh.prom", "old");
    for arguments in [&["list", "--out", "vwh.prom"][..], &["list", "--json", "--out", "vwh.prom"]] {
        let outcome = vwh.args(arguments.iter().copied()).run().exits(2).without_answer();
        let _ = outcome.says("--out is for metrics").says("vwh list -o prometheus --out FILE");
    }
    let shown = EXPORT.iter().copied().chain(["--show-secrets"]);
    assert_snapshot!(vwh.args(shown).run().snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: --show-secrets and --out are both given, and everybody may read the file

    hint: drop one of them
    "#);
    assert_eq!(fs::read_to_string(old).unwrap(), "old");
}
