//! `kill -9` at any moment of a prune or a restore: what is not listed any more is in the journal, and comes back once.
//!
//! Each round counts requests and kills after one of them, so that the moments are spread the same way each time; what
//! the process is doing when the signal reaches it is up to the machine.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::running::Sandbox;
use crate::service::{defined, failed, failed_and_signed, journal_after, many, url};
use crate::support::{Run, Vwh};
use crate::watched::{Watched, moments};

/// What signs every other webhook.
const KEY: &str = "a key of some length";

/// As many as take a prune long enough to be killed at many different moments.
const WEBHOOKS: usize = 200;

/// Every restored webhook is synced to the disk, which is the slow part of a round; so there are fewer of them where the
/// restore is what is killed, for each round of that has two.
const FEWER: usize = 60;

/// Up to 8 requests are under way at the moment, hence no later moment than the ninth last.
fn prune(vwh: &Vwh) -> Run {
    vwh.args(["prune-failed", "--max", "200", "--concurrency", "8"])
}

fn restore_last(vwh: &Vwh) -> Run {
    vwh.args(["restore", "--last", "--concurrency", "8"])
}

fn all_urls(count: usize) -> Vec<String> {
    (1..=count).map(|number| url(&format!("w-{number:03}"))).collect()
}

/// Every other one signed, so that a restored key is part of what must not be lost.
fn webhooks(count: usize) -> Vec<Value> {
    let mut list = many(count, failed);
    for webhook in list.iter_mut().step_by(2) {
        *webhook = failed_and_signed(webhook["id"].as_str().unwrap(), KEY);
    }
    list
}

#[test]
fn a_killed_prune_loses_nothing() {
    for moment in moments(50, WEBHOOKS - 9) {
        let watched = Watched::new(webhooks(WEBHOOKS));
        let service = &watched.service;
        let vwh = service.vwh();
        watched.kill(prune(&vwh), "DELETE", moment);
        let listed: HashSet<String> = service.ids().into_iter().collect();
        assert!((1..=WEBHOOKS - moment).contains(&listed.len()), "at {moment}: {} listed", listed.len());
        let kept: HashSet<String> = defined(&journal_after(1, &vwh)).into_iter().collect();
        assert_eq!(listed.union(&kept).count(), WEBHOOKS, "at {moment}: {} listed", listed.len());

        let _ = restore_last(&vwh).run().exits(0);
        assert_eq!(service.urls(), all_urls(WEBHOOKS), "at {moment}");
        let is_signed = |webhook: &&Value| webhook["signingKey"] == KEY;
        let signed = service.with(|webhooks| webhooks.list.iter().filter(is_signed).count());
        assert_eq!(signed, WEBHOOKS / 2, "at {moment}");
        // The next writer has closed the line that the kill may have torn.
        journal_after(1, &vwh);
    }
}

#[test]
fn a_killed_restore_is_completed_once() {
    for moment in moments(12, FEWER - 9) {
        let watched = Watched::new(webhooks(FEWER));
        let service = &watched.service;
        let vwh = service.vwh();
        let _ = prune(&vwh).run().exits(0);
        assert_eq!(service.urls(), Vec::<String>::new());
        watched.kill(restore_last(&vwh), "POST", moment);
        assert!((moment..FEWER).contains(&service.ids().len()), "at {moment}");

        let _ = restore_last(&vwh).run().exits(0);
        assert_eq!(service.urls(), all_urls(FEWER), "at {moment}");
        let again = restore_last(&vwh).run().exits(0);
        assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    }
}

/// The same against the real sandbox, which is killed as well.
#[test]
fn a_killed_prune_and_a_killed_sandbox_lose_nothing() {
    for moment in [3, 90, 170] {
        let vwh = Vwh::new();
        let sandbox = Sandbox::start(&vwh, &["--empty"]);
        let seeds: Vec<Value> = all_urls(WEBHOOKS)
            .iter()
            .map(|url| serde_json::json!({"url": url, "statistics": {"failed": true, "totalAttempts": 1}}))
            .collect();
        sandbox.plant(&seeds);
        let before: HashSet<String> = sandbox.listed("id").into_iter().collect();
        let arguments = ["--sandbox", "prune-failed", "--max", "200", "--concurrency", "8", "-v"];
        let mut process = vwh.args(arguments).spawn();
        let done = AtomicUsize::new(0);
        process.wait_for_error_line(|line| {
            line.contains(" DELETE ") && done.fetch_add(1, Ordering::SeqCst) == moment
        });
        process.kill();
        sandbox.process.kill();
        let _ = (process.wait(), sandbox.process.wait());

        let sandbox = Sandbox::start(&vwh, &[]);
        let listed: HashSet<String> = sandbox.listed("id").into_iter().collect();
        assert!(listed.len() < WEBHOOKS && !listed.is_empty(), "{} are listed", listed.len());
        let kept: HashSet<String> = defined(&journal_after(1, &vwh)).into_iter().collect();
        assert_eq!(listed.union(&kept).cloned().collect::<HashSet<String>>(), before);
        let _ = vwh.args(["--sandbox", "restore", "--last"]).run().exits(0);
        assert_eq!(sandbox.listed("url"), all_urls(WEBHOOKS));
    }
}
