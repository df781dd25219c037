//! A quota smaller than the batch: the batch finishes, asks no more often than it must, and holds up nobody else.
//!
//! The windows are a second long instead of a minute; what counts is how many requests are refused in each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json as value};

use crate::service::{Service, failed, many};
use crate::support::{Reply, TOKEN, Vwh, json};

/// How long a window lasts. `Retry-After` names whole seconds, so every wait reaches into the next one.
const WINDOW: Duration = Duration::from_secs(1);

/// Requests refused, by window; a window opens with its first request.
#[derive(Default)]
struct Refusals {
    opened: Option<Instant>,
    used: usize,
    window: usize,
    by_window: BTreeMap<usize, usize>,
}

impl Refusals {
    /// Whether the request is over the quota of `limit` a window.
    fn refuses(&mut self, limit: usize) -> bool {
        if self.opened.is_none_or(|opened| opened.elapsed() >= WINDOW) {
            self.window += usize::from(self.opened.is_some());
            (self.opened, self.used) = (Some(Instant::now()), 0);
        }
        self.used += 1;
        let refuses = self.used > limit;
        if refuses {
            *self.by_window.entry(self.window).or_default() += 1;
        }
        refuses
    }
}

fn throttled() -> Reply {
    json(429, r#"{"code":"900803","message":"Message throttled out"}"#).header("Retry-After", "1")
}

#[test]
fn a_batch_over_the_quota_finishes_with_few_refusals() {
    let refusals = Arc::new(Mutex::new(Refusals::default()));
    let counted = Arc::clone(&refusals);
    let service = Service::new(many(18, failed), move |request, webhooks| {
        if counted.lock().unwrap().refuses(10) { throttled() } else { webhooks.answer(request) }
    });
    let vwh = service.vwh();
    let outcome = vwh.args(["prune-failed", "--max", "18", "--concurrency", "4", "--json"]).run().exits(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&answer["summary"]["removed"], &answer["summary"]["error"]), (&value!(18), &value!(0)));
    assert!(service.ids().is_empty());
    let by_window = &refusals.lock().unwrap().by_window;
    let mut counts = by_window.iter();
    let (first, refused) = counts.next().unwrap();
    assert_eq!(*first, 0, "{by_window:?}");
    assert!((1..=4).contains(refused), "{by_window:?}");
    assert!(counts.all(|(_, refused)| *refused == 1), "{by_window:?}");
}

/// The other account's webhooks go while the first one is held: its hold only ends once they are gone.
#[test]
fn a_held_batch_holds_up_no_other_profile() {
    let free = Arc::new(Service::honest(many(9, failed)));
    let other = Arc::clone(&free);
    let held = Service::new(many(3, failed), move |request, webhooks| {
        if request.method == "DELETE" && !other.ids().is_empty() {
            throttled()
        } else {
            webhooks.answer(request)
        }
    });
    let vwh = Vwh::new();
    let token = vwh.write("token", TOKEN);
    let profile = |name: &str, service: &Service| {
        let (base, token) = (service.server.base_url(), token.display().to_string());
        format!("[profiles.{name}]\nbase_url = \"{base}\"\ntoken_file = {token:?}\n")
    };
    vwh.configure(&format!("{}{}", profile("free", &free), profile("held", &held)));
    let outcome = vwh.args(["--all-profiles", "prune-failed", "--max", "9", "-v"]).run().exits(0);
    assert!(outcome.stderr.contains("profile held is throttled: waiting until "), "{outcome}");
    assert!(!outcome.stderr.contains("profile free is throttled"), "{outcome}");
    assert_eq!((free.ids().len(), held.ids().len()), (0, 0));
}
