//! A batch that is throttled: how long it waits, from its first request on, and what it tells meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use chrono::{TimeDelta, Utc};

use crate::service::{Service, failed, many};
use crate::support::{Reply, Server, Vwh, json};

/// More than a day.
const SECONDS: i64 = 100_000;

/// A service that does not give the list any more once the switch is turned.
fn closed_on_demand() -> (Service, Arc<AtomicBool>) {
    let is_closed = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&is_closed);
    let service = Service::new(many(2, failed), move |request, webhooks| {
        if switch.load(Ordering::SeqCst) && request.line() == "GET /self/webhooks/" {
            return json(429, "{}").header("Retry-After", &SECONDS.to_string());
        }
        webhooks.answer(request)
    });
    (service, is_closed)
}

#[test]
fn it_does_not_wait_a_day_for_its_list() {
    let (service, is_closed) = closed_on_demand();
    let vwh = service.vwh();
    // Something to restore.
    let _ = vwh.args(["delete", "w-001", "--yes"]).run().exits(0);
    is_closed.store(true, Ordering::SeqCst);
    for command in [
        &["prune-failed"][..],
        &["prune-failed", "--dry-run"],
        &["renew", "--failed"],
        &["renew", "w-002"],
        &["delete", "w-002", "--yes"],
        &["restore", "--last"],
        &["replace", "w-002", "--yes", "--metadata-policy", "body"],
        &["rotate", "w-002", "--yes", "--signing-key-out", "key"],
    ] {
        let requests = service.server.requests().len();
        // The end is told as the next whole second, so that nobody comes back too early.
        let end = |seconds| (Utc::now() + TimeDelta::seconds(seconds)).format("%H:%M").to_string();
        let earliest = end(SECONDS);
        let outcome = vwh.args(command.iter().copied()).run().exits(5).without_answer();
        let names_the_end = outcome.stderr.contains(&earliest) || outcome.stderr.contains(&end(SECONDS + 1));
        assert!(names_the_end, "{command:?}, about {earliest}\n{outcome}");
        let lines = service.server.lines().split_off(requests);
        let lists = lines.iter().filter(|line| *line == "GET /self/webhooks/").count();
        assert_eq!(lists, 1, "{command:?}: {lines:?}");
    }
    assert_eq!(service.changes(), ["DELETE /self/webhooks/w-001"]);
}

/// A hold that is short enough is waited out before the first item as it is in between.
#[test]
fn it_waits_a_second_for_its_list() {
    let was_held = AtomicBool::new(false);
    let service = Service::new(many(2, failed), move |request, webhooks| {
        if !was_held.swap(true, Ordering::SeqCst) {
            return json(429, "{}").header("Retry-After", "1");
        }
        webhooks.answer(request)
    });
    let outcome = service.vwh().args(["prune-failed"]).run().exits(0);
    assert_eq!((outcome.stdout.lines().count(), service.ids()), (2, Vec::new()), "{outcome}");
}

#[test]
fn a_hold_in_between_is_announced_with_how_far_it_is() {
    for (arguments, method) in [
        (&["prune-failed", "--max", "6", "--concurrency", "1", "-v"][..], "DELETE"),
        (&["renew", "--failed", "--concurrency", "1", "-v"], "PUT"),
    ] {
        let sent = AtomicUsize::new(0);
        let promised = Arc::new(Mutex::new(Vec::new()));
        let ends = Arc::clone(&promised);
        let service = Service::new(many(6, failed), move |request, webhooks| {
            if request.method == method && sent.fetch_add(1, Ordering::SeqCst) == 3 {
                // The clock may go on to the next second before vwh looks at it.
                let end = |seconds| (Utc::now() + TimeDelta::seconds(seconds)).format("%H:%M").to_string();
                *ends.lock().unwrap() = vec![end(1), end(3)];
                return json(429, "{}").header("Retry-After", "1");
            }
            webhooks.answer(request)
        });
        let outcome = service.vwh().args(arguments.iter().copied()).run().exits(0);
        let ends = promised.lock().unwrap();
        let announces =
            |line: &&str| line.contains("3 of 6 done") && ends.iter().any(|end| line.contains(end.as_str()));
        assert_eq!(outcome.stderr.lines().filter(announces).count(), 1, "{ends:?}\n{outcome}");
        assert_eq!(outcome.stdout.lines().count(), 6, "{outcome}");
        assert_eq!(service.count(method), 7);
    }
}

/// Says how many requests were under way together at most: each waits a moment for another to join it.
#[derive(Default)]
struct Company {
    under_way: Mutex<(usize, usize)>,
    joined: Condvar,
}

impl Company {
    fn enter_and_leave(&self) {
        let mut counts = self.under_way.lock().unwrap();
        counts.0 += 1;
        counts.1 = counts.1.max(counts.0);
        self.joined.notify_all();
        let alone = |counts: &mut (usize, usize)| counts.0 < 2;
        let moment = Duration::from_millis(100);
        let (mut counts, _) = self.joined.wait_timeout_while(counts, moment, alone).unwrap();
        counts.0 -= 1;
    }

    fn most(&self) -> usize {
        self.under_way.lock().unwrap().1
    }
}

/// Together until the service throttles, then one at a time for the rest of the run (design §4).
#[test]
fn after_a_hold_requests_go_one_at_a_time() {
    let (before, after) = (Arc::new(Company::default()), Arc::new(Company::default()));
    let (free, held) = (Arc::clone(&before), Arc::clone(&after));
    let was_throttled = AtomicBool::new(false);
    let deletes = AtomicUsize::new(0);
    let list = serde_json::Value::Array(many(8, failed)).to_string();
    let server = Server::new(move |request| {
        if request.method != "DELETE" {
            return json(200, if request.path.ends_with("/webhooks/") { list.as_str() } else { "{}" });
        }
        if was_throttled.load(Ordering::SeqCst) {
            held.enter_and_leave();
            return Reply::new(204, "");
        }
        free.enter_and_leave();
        if deletes.fetch_add(1, Ordering::SeqCst) < 2 {
            return Reply::new(204, "");
        }
        was_throttled.store(true, Ordering::SeqCst);
        json(429, "{}").header("Retry-After", "1")
    });
    let vwh = Vwh::connected_to(&server.base_url());
    let _ = vwh.args(["prune-failed", "--max", "8", "--concurrency", "3"]).run().exits(0);
    assert!(before.most() >= 2, "they never went together");
    assert_eq!(after.most(), 1);
}
