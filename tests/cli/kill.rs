//! `kill -9` at any moment of a prune or a restore: what is not listed any more is in the journal, and comes back once.
//!
//! Each round counts requests and kills at one of them, so that the moments are spread the same way each time; what the
//! process is doing when the signal reaches it is up to the machine.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use serde_json::Value;

use crate::running::Sandbox;
use crate::service::{Service, failed, failed_and_signed, journal, journalled, many, url};
use crate::support::{Request, Run, Vwh};

/// What signs every other webhook.
const KEY: &str = "a key of some length";

/// As many as take a prune long enough to be killed at many different moments.
const WEBHOOKS: usize = 200;

/// Every restored webhook is synced to the disk, which is the slow part of a round; so only each fifth prune is undone,
/// and fewer webhooks are restored when the restore is what is killed.
const UNDONE: usize = 5;
const FEWER: usize = 60;

/// Moments from 0 to `most`, the same each time: the low bits of a linear congruential generator are poor, hence the shift.
fn moments(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let mut state: u64 = 20_200_313;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % (most + 1)
    })
}

/// An honest service that says when the request comes that was agreed on.
struct Watched {
    service: Service,
    left: Arc<AtomicUsize>,
    moment: mpsc::Receiver<()>,
    method: Arc<std::sync::Mutex<&'static str>>,
}

impl Watched {
    fn new(list: Vec<Value>) -> Self {
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let method = Arc::new(std::sync::Mutex::new("GET"));
        let (sender, moment) = mpsc::channel();
        let service = Service::new(list, {
            let (left, method) = (Arc::clone(&left), Arc::clone(&method));
            move |request: &Request, webhooks| {
                let reply = webhooks.answer(request);
                let is_counted = request.method == *method.lock().unwrap();
                if is_counted && left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    sender.send(()).unwrap();
                }
                reply
            }
        });
        Self { service, left, moment, method }
    }

    /// Starts `run` and kills it when the service has executed `count` requests of `method`; with none of them, when it has
    /// been asked for the list or the user.
    fn kill(&self, run: Run, method: &'static str, count: usize) {
        *self.method.lock().unwrap() = if count == 0 { "GET" } else { method };
        self.left.store(if count == 0 { 2 } else { count }, Ordering::SeqCst);
        let process = run.spawn();
        self.moment.recv().unwrap();
        process.kill();
        // At a late moment it may have ended by itself; the tests count how many did not.
        drop(process.wait());
        // What it had sent may still be executed.
        self.service.server.wait_for_hang_up();
        self.left.store(usize::MAX, Ordering::SeqCst);
    }
}

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
    let mut partial = 0;
    for (round, moment) in moments(50, WEBHOOKS - 1).enumerate() {
        let watched = Watched::new(webhooks(WEBHOOKS));
        let service = &watched.service;
        let vwh = service.vwh();
        watched.kill(prune(&vwh), "DELETE", moment);
        let listed: HashSet<String> = service.ids().into_iter().collect();
        let kept: HashSet<String> = journalled(&vwh).into_iter().collect();
        assert_eq!(listed.union(&kept).count(), WEBHOOKS, "at {moment}: {} listed", listed.len());
        partial += usize::from(!listed.is_empty() && listed.len() < WEBHOOKS);

        if round % UNDONE == 0 {
            let _ = restore_last(&vwh).run().exits(0);
            assert_eq!(service.urls(), all_urls(WEBHOOKS), "at {moment}");
            let is_signed = |webhook: &&Value| webhook["signingKey"] == KEY;
            let signed = service.with(|webhooks| webhooks.list.iter().filter(is_signed).count());
            assert_eq!(signed, WEBHOOKS / 2, "at {moment}");
        }
        // None of its lines is torn.
        journal(&vwh);
    }
    assert!(partial > 40, "only {partial} of 50 were killed half-way");
}

#[test]
fn a_killed_restore_is_completed_once() {
    let mut partial = 0;
    for moment in moments(12, FEWER - 1) {
        let watched = Watched::new(webhooks(FEWER));
        let service = &watched.service;
        let vwh = service.vwh();
        let _ = prune(&vwh).run().exits(0);
        assert_eq!(service.urls(), Vec::<String>::new());
        watched.kill(restore_last(&vwh), "POST", moment);
        partial += usize::from((1..FEWER).contains(&service.ids().len()));

        let _ = restore_last(&vwh).run().exits(0);
        assert_eq!(service.urls(), all_urls(FEWER), "at {moment}");
        let again = restore_last(&vwh).run().exits(0);
        assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    }
    assert!(partial > 9, "only {partial} of 12 were killed half-way");
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
        let kept: HashSet<String> = journalled(&vwh).into_iter().collect();
        assert_eq!(listed.union(&kept).cloned().collect::<HashSet<String>>(), before);
        let _ = vwh.args(["--sandbox", "restore", "--last"]).run().exits(0);
        assert_eq!(sandbox.listed("url"), all_urls(WEBHOOKS));
    }
}
