//! A service that goes silent at a chosen request, and the killing of a vwh that talks to it then. It has no tests.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use serde_json::Value;

use crate::service::{Service, Webhooks};
use crate::support::{GUARD, Reply, Request, Run, Vwh};

/// Numbers without an end, the same each time for a seed: the low bits of a linear congruential generator are poor, hence
/// the shift.
fn numbers(seed: u64) -> impl Iterator<Item = usize> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap()
    })
}

/// Moments from 0 to `most`, the same each time.
pub(crate) fn moments(count: usize, most: usize) -> impl Iterator<Item = usize> {
    numbers(20_200_313).map(move |number| number % (most + 1)).take(count)
}

/// `all` in an order of chance, the same each time for a seed.
pub(crate) fn shuffled<T>(mut all: Vec<T>, seed: u64) -> Vec<T> {
    let mut numbers = numbers(seed);
    for last in (1..all.len()).rev() {
        all.swap(last, numbers.next().unwrap() % (last + 1));
    }
    all
}

/// When a vwh dies. Requests are counted by their method, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The request has arrived, and never will be looked at.
    Sent(&'static str, usize),
    /// It was executed, and the answer never comes.
    Executed(&'static str, usize),
    /// The answer is on its way.
    Answered(&'static str, usize),
    /// The same, and nothing more can be written in the journal.
    Unwritten(&'static str, usize),
    /// The journal has so many lines.
    Journalled(usize),
    /// There is a file of this name in the home folder.
    Exists(&'static str),
}

/// A service that falls silent after the request that was agreed on, so that no run ends before it is killed.
pub(crate) struct Watched {
    pub(crate) service: Service,
    agreed: Arc<Mutex<Agreed>>,
    moment: mpsc::Receiver<()>,
}

#[derive(Default)]
struct Agreed {
    /// What the service waits for; `None` lets it be honest.
    moment: Option<Moment>,
    /// How many requests of that method have come.
    count: usize,
    is_silent: bool,
    /// Whether requests without an answer are executed.
    executes: bool,
    journal_lock: PathBuf,
    /// The lock, once it is taken.
    held: Option<File>,
}

impl Watched {
    pub(crate) fn new(list: Vec<Value>) -> Self {
        Self::under_a_law(list, |_| ())
    }

    /// One that looks at its webhooks with `law` whenever a request was executed; fate may be a part of the law.
    pub(crate) fn under_a_law(list: Vec<Value>, law: impl Fn(&mut Webhooks) + Send + Sync + 'static) -> Self {
        let agreed = Arc::new(Mutex::new(Agreed::default()));
        let (sender, moment) = mpsc::channel();
        let shared = Arc::clone(&agreed);
        let service = Service::new(list, move |request, webhooks| {
            let mut agreed = shared.lock().unwrap();
            let has_come = !agreed.is_silent && agreed.has_come(request);
            let executes = if has_come {
                !matches!(agreed.moment, Some(Moment::Sent(..)))
            } else {
                !agreed.is_silent || agreed.executes
            };
            let is_answered = if has_come {
                matches!(agreed.moment, Some(Moment::Answered(..) | Moment::Unwritten(..)))
            } else {
                !agreed.is_silent
            };
            if has_come {
                agreed.is_silent = true;
                agreed.lock_if_unwritten();
            }
            let reply = executes.then(|| webhooks.answer(request));
            law(webhooks);
            if has_come {
                sender.send(()).unwrap();
            }
            reply.filter(|_| is_answered).unwrap_or(Reply::Stall)
        });
        Self { service, agreed, moment }
    }

    /// Starts `run` and kills it when the service has answered `count` requests of `method`; with none of them, when it has
    /// answered with the list and the user. Every other time, what follows is executed without an answer.
    pub(crate) fn kill(&self, run: Run, method: &'static str, count: usize) {
        let moment = match count {
            0 => Moment::Answered("GET", 2),
            _ => Moment::Answered(method, count),
        };
        let executes = count.is_multiple_of(2);
        self.agree(Agreed { moment: Some(moment), executes, ..Agreed::default() });
        self.killed(run, || self.moment.recv_timeout(GUARD).unwrap());
    }

    /// Starts a `run` of `vwh` and kills it at `moment`. Of a run that ends with `last` requests of DELETE, the last one is
    /// never answered, so that it does not end before.
    pub(crate) fn kill_at(&self, vwh: &Vwh, run: Run, moment: Moment, last: usize) {
        let journal = vwh.state().join("journal.jsonl");
        let service_waits_for = match moment {
            Moment::Journalled(_) => Moment::Sent("DELETE", last),
            Moment::Exists(_) => Moment::Sent("POST", 1),
            of_request => of_request,
        };
        let executes = match moment {
            Moment::Sent(_, number) | Moment::Executed(_, number) => number % 2 == 0,
            Moment::Answered(_, number) | Moment::Unwritten(_, number) => number % 2 == 1,
            Moment::Journalled(_) | Moment::Exists(_) => false,
        };
        let journal_lock = vwh.state().join("journal.jsonl.lock");
        self.agree(Agreed { moment: Some(service_waits_for), executes, journal_lock, ..Agreed::default() });
        self.killed(run, || match moment {
            Moment::Journalled(lines) => wait_until(|| lines_of(&journal) >= lines),
            Moment::Exists(name) => wait_until(|| vwh.home().join(name).exists()),
            _ => self.moment.recv_timeout(GUARD).unwrap(),
        });
        // That of the service may have come as well.
        while self.moment.try_recv().is_ok() {}
    }

    fn killed(&self, run: Run, wait: impl FnOnce()) {
        let process = run.spawn();
        wait();
        process.kill();
        let outcome = process.wait();
        assert_ne!(outcome.code, Some(0), "it was killed\n{outcome}");
        // What it had sent may still be executed.
        self.service.server.wait_for_hang_up();
        self.agree(Agreed::default());
    }

    fn agree(&self, agreed: Agreed) {
        *self.agreed.lock().unwrap() = agreed;
    }
}

impl Agreed {
    /// Whether `request` is the one that was agreed on.
    fn has_come(&mut self, request: &Request) -> bool {
        let Some(
            Moment::Sent(method, number)
            | Moment::Executed(method, number)
            | Moment::Answered(method, number)
            | Moment::Unwritten(method, number),
        ) = self.moment
        else {
            return false;
        };
        self.count += usize::from(request.method == method);
        request.method == method && self.count == number
    }

    /// vwh takes this lock for each write, so what it has not written by now it never will.
    fn lock_if_unwritten(&mut self) {
        if matches!(self.moment, Some(Moment::Unwritten(..))) {
            std::fs::create_dir_all(self.journal_lock.parent().unwrap()).unwrap();
            let file =
                File::options().create(true).truncate(false).write(true).open(&self.journal_lock).unwrap();
            file.lock().unwrap();
            self.held = Some(file);
        }
    }
}

fn lines_of(path: &Path) -> usize {
    std::fs::read(path).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').count()
}

fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + GUARD;
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come in {GUARD:?}");
        std::thread::yield_now();
    }
}
