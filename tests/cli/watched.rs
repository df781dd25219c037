//! A service that goes silent at a chosen request, and the killing of a vwh that talks to it then. It has no tests.

use std::sync::{Arc, Mutex, mpsc};

use serde_json::Value;

use crate::service::{Service, Webhooks};
use crate::support::{Reply, Run};

/// Moments from 0 to `most`, the same each time: the low bits of a linear congruential generator are poor, hence the shift.
pub(crate) fn moments(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let mut state: u64 = 20_200_313;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % (most + 1)
    })
}

/// A service that falls silent after the request that was agreed on, so that no run ends before it is killed.
pub(crate) struct Watched {
    pub(crate) service: Service,
    agreed: Arc<Mutex<Agreed>>,
    moment: mpsc::Receiver<()>,
}

struct Agreed {
    method: &'static str,
    left: usize,
    is_silent: bool,
    /// Whether requests without an answer are executed.
    executes: bool,
}

impl Watched {
    pub(crate) fn new(list: Vec<Value>) -> Self {
        Self::under_a_law(list, |_| ())
    }

    /// One that looks at its webhooks with `law` whenever a request was executed.
    pub(crate) fn under_a_law(list: Vec<Value>, law: impl Fn(&Webhooks) + Send + Sync + 'static) -> Self {
        let agreed = Agreed { method: "", left: 0, is_silent: false, executes: false };
        let agreed = Arc::new(Mutex::new(agreed));
        let (sender, moment) = mpsc::channel();
        let shared = Arc::clone(&agreed);
        let service = Service::new(list, move |request, webhooks| {
            let mut agreed = shared.lock().unwrap();
            if agreed.is_silent {
                if agreed.executes {
                    drop(webhooks.answer(request));
                    law(webhooks);
                }
                return Reply::Stall;
            }
            if request.method == agreed.method {
                agreed.left -= 1;
                agreed.is_silent = agreed.left == 0;
                if agreed.is_silent {
                    sender.send(()).unwrap();
                }
            }
            let reply = webhooks.answer(request);
            law(webhooks);
            reply
        });
        Self { service, agreed, moment }
    }

    /// Starts `run` and kills it when the service has answered `count` requests of `method`; with none of them, when it has
    /// answered with the list and the user. Every other time, what follows is executed without an answer.
    pub(crate) fn kill(&self, run: Run, method: &'static str, count: usize) {
        let (method, left) = if count == 0 { ("GET", 2) } else { (method, count) };
        *self.agreed.lock().unwrap() =
            Agreed { method, left, is_silent: false, executes: count.is_multiple_of(2) };
        let process = run.spawn();
        self.moment.recv().unwrap();
        process.kill();
        let outcome = process.wait();
        assert_ne!(outcome.code, Some(0), "it was killed\n{outcome}");
        // What it had sent may still be executed.
        self.service.server.wait_for_hang_up();
        *self.agreed.lock().unwrap() = Agreed { method: "", left: 0, is_silent: false, executes: false };
    }
}
