//! What waits for the sandbox clock: calls are placed, their events happen when they are due, and each is delivered to
//! every registration that is active at that moment.
//!
//! - `schedule`: the timers; `hand`: moving the clock by hand, from timer to timer
//! - `consignment`: what a service has to say of what it delivers; `vis` does
//! - `lanes`: what is under way, in order; `post`: attempts, and what follows from their answers; `counts`: what became of them
//!
//! The clock itself is the store's. A stop forgets calls and retries that are under way; nothing of them is on disk.

pub(super) mod consignment;
pub(super) mod counts;
mod hand;
mod lanes;
mod post;
mod schedule;
mod vis;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Notify, watch};

use super::account::Account;
use super::contact_center::notifications;
use super::options::Options;
use super::store::Store;
use super::timestamp::Timestamp;
use super::voipbin::events;
use crate::delivery::Sender;
use crate::services::vis::delivery::RULES;
use crate::services::vis::delivery::scenario::{Call, Scenario};
use crate::webhook::ServiceKind;
use consignment::{Play, Scene, Script};
use counts::Counts;
pub(super) use hand::End;
use lanes::{Lanes, Parcel};
use schedule::Schedule;

/// How many calls go on at once at most. What they make is held in memory.
const MOST_CALLS: usize = 10_000;

/// How many deliveries may be undecided before no more calls come by themselves: their receivers cannot keep up.
const MOST_DELIVERIES: usize = 10_000;

/// Places calls and delivers their events.
#[derive(Debug)]
pub(super) struct Engine {
    scene: Scene,
    /// Has the rules of no service in particular: each delivery brings its own.
    sender: Sender,
    work: Mutex<Work>,
    /// How many attempts are under way.
    under_way: watch::Sender<usize>,
    /// Told when a timer was set or the clock was moved.
    changed: Notify,
    /// Of those who move the clock one does at a time.
    turn: tokio::sync::Mutex<()>,
    /// True once the server stops.
    stopping: watch::Receiver<bool>,
}

#[derive(Debug, Default)]
struct Work {
    schedule: Schedule<Timer>,
    lanes: Lanes,
    source: Option<Source>,
    /// How often everything was dropped. What was under way then has no say any more.
    era: u64,
    /// Calls that are not over.
    calls: usize,
    deliveries: Counts,
    /// Whether somebody moves the clock, and lets happen what is due on the way.
    is_in_hand: bool,
}

/// What a timer is for.
#[derive(Debug)]
enum Timer {
    /// What is at this index of a call's script happens.
    Event(Arc<Play>, usize),
    /// The next attempt.
    Retry(Parcel),
}

/// Calls that come by themselves.
#[derive(Debug)]
struct Source {
    interval: TimeDelta,
    next: Timestamp,
    /// How many so far.
    placed: usize,
}

/// How busy the engine is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    /// Calls that are not over.
    pub(super) calls: usize,
    pub(super) deliveries: Counts,
}

/// More calls than go on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Engine {
    /// An engine as `options` ask for; `stopping` turns true when the server begins to stop.
    pub(super) fn new(store: Arc<Store>, options: &Options, stopping: watch::Receiver<bool>) -> Self {
        let source = options.interval().map(|interval| Source { interval, next: store.now(), placed: 0 });
        let scene = Scene::new(store, options);
        Self {
            sender: Sender::new(options.network.clone(), scene.reach(), RULES),
            scene,
            work: Mutex::new(Work { source, ..Work::default() }),
            under_way: watch::Sender::new(0),
            changed: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
            stopping,
        }
    }

    /// Lets happen what is due whenever it is, until the server stops.
    pub(super) async fn run(self: Arc<Self>) {
        let mut stopping = self.stopping.clone();
        loop {
            let next = self.look();
            tokio::select! {
                biased;
                _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
                () = self.changed.notified() => {}
                () = pass(next) => {}
            }
        }
    }

    /// Lets happen what is due; says in how much real time the next is. `None`: not by itself.
    fn look(self: &Arc<Self>) -> Option<Duration> {
        let mut work = self.work();
        if work.is_in_hand {
            return None;
        }
        self.happen(&mut work);
        self.scene.store.real_time_until(work.next()?)
    }

    /// Places `count` calls that begin now, of which every service tells, or `teller` alone.
    pub(super) fn place(
        self: &Arc<Self>,
        scenario: Scenario,
        count: usize,
        teller: Option<ServiceKind>,
    ) -> Result<Vec<Arc<Call>>, TooMany> {
        self.set_out(count, |work, now| self.begin(work, scenario, now, teller))
    }

    /// Plays `count` scripts that begin now, each about something else: `script` writes the one about what goes by an id.
    /// Gives the ids.
    pub(super) fn play(
        self: &Arc<Self>,
        count: usize,
        script: impl Fn(u64) -> Script,
    ) -> Result<Vec<u64>, TooMany> {
        self.set_out(count, |work, now| {
            let id = self.take_id();
            work.set_timers(id, now, script(id));
            id
        })
    }

    /// Begins something `count` times, now.
    fn set_out<T>(
        self: &Arc<Self>,
        count: usize,
        begin: impl Fn(&mut Work, Timestamp) -> T,
    ) -> Result<Vec<T>, TooMany> {
        let mut work = self.work();
        if work.calls + count > MOST_CALLS {
            return Err(TooMany);
        }
        let now = self.scene.store.now();
        let begun = (0..count).map(|_| begin(&mut work, now)).collect();
        self.happen(&mut work);
        self.changed.notify_one();
        Ok(begun)
    }

    /// How many registrations would be told of a call that began now, or of an event of type `event`: of every service, or
    /// of `teller` alone.
    pub(super) fn receivers(&self, teller: Option<ServiceKind>, event: Option<&str>) -> usize {
        let of = |service| match service {
            ServiceKind::Vis => vis::receivers(&self.scene, self.scene.store.now()),
            ServiceKind::ContactCenter => {
                notifications::receivers(&self.scene, self.scene.store.now(), event)
            }
            ServiceKind::Voipbin => events::receivers(&self.scene),
        };
        teller.map_or_else(|| ServiceKind::ALL.into_iter().map(of).sum(), of)
    }

    /// Whether VoIPBIN would tell of a call a webhook on this machine, were it not for its guard.
    pub(super) fn is_guarded(&self, teller: Option<ServiceKind>) -> bool {
        teller.is_none_or(|service| service == ServiceKind::Voipbin) && events::is_guarded(&self.scene)
    }

    /// How busy it is.
    pub(super) fn tally(&self) -> Tally {
        let work = self.work();
        Tally { calls: work.calls, deliveries: work.deliveries }
    }

    /// Brings the demo account back, or an empty one, and drops every call and delivery; on disk when it returns.
    pub(super) async fn reset(&self, empty: bool) -> std::io::Result<()> {
        {
            let mut work = self.work();
            self.scene.store.reset(empty);
            self.drop_all(&mut work);
            work.deliveries = Counts::default();
            let now = self.scene.store.now();
            if let Some(source) = &mut work.source {
                source.next = now;
            }
        }
        self.scene.store.flush().await
    }

    /// Puts `account` in the place of the one there is, and drops every call and delivery; on disk when it returns.
    pub(super) async fn plant(&self, account: Account) -> std::io::Result<()> {
        {
            let mut work = self.work();
            self.scene.store.note(|planted, _| *planted = account);
            self.drop_all(&mut work);
        }
        self.scene.store.flush().await
    }

    fn drop_all(&self, work: &mut Work) {
        work.schedule = Schedule::default();
        work.lanes = Lanes::default();
        work.calls = 0;
        work.deliveries.drop_undecided();
        work.era += 1;
        self.under_way.send_replace(0);
        self.changed.notify_one();
    }

    /// Waits until no attempt is under way; with the server stopping, none begins any more.
    pub(super) async fn stop(&self) {
        // The sender lives in `self`, so this cannot end early.
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Begins a call: sets a timer for all that happens in it.
    fn begin(
        &self,
        work: &mut Work,
        scenario: Scenario,
        start: Timestamp,
        teller: Option<ServiceKind>,
    ) -> Arc<Call> {
        let call = vis::call(scenario, self.take_id(), start);
        let mut script = Script::default();
        for service in ServiceKind::ALL.into_iter().filter(|service| teller.is_none_or(|it| it == *service)) {
            match service {
                ServiceKind::Vis => vis::play(&call, &mut script),
                ServiceKind::ContactCenter => notifications::play(call.id, &self.scene, &mut script),
                ServiceKind::Voipbin => events::play(call.id, &self.scene, &mut script),
            }
        }
        work.set_timers(call.id, start, script);
        call
    }

    /// An id that nothing had before.
    fn take_id(&self) -> u64 {
        self.scene.store.note(|_, log| log.take_call_id())
    }

    /// Lets happen what is due.
    fn happen(self: &Arc<Self>, work: &mut Work) {
        let now = self.scene.store.now();
        while let Some(due) = work.next().filter(|due| *due <= now) {
            if let Some(scenario) = work.comes_by_itself(due) {
                self.begin(work, scenario, due, None);
            }
            match work.schedule.take(due) {
                Some(Timer::Event(play, index)) => self.tell(work, &play, index, now),
                Some(Timer::Retry(parcel)) => self.hand_over(work, parcel),
                None => {}
            }
        }
        self.under_way.send_replace(work.lanes.under_way());
    }

    /// Lets a moment of a call happen, and begins its deliveries.
    fn tell(self: &Arc<Self>, work: &mut Work, play: &Play, index: usize, now: Timestamp) {
        let Some((moment, is_last)) = play.script.moment(index) else { return };
        if is_last {
            work.calls -= 1;
        }
        for consignment in moment.happen(&self.scene, now) {
            work.deliveries.begins(consignment.service());
            self.hand_over(work, Parcel { call: play.call, consignment, attempt: 1 });
        }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        // Nothing that is done under this lock can panic half-way.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// Sets a timer for all that happens by `script` in the call `id`, or whatever else goes by an id.
    fn set_timers(&mut self, id: u64, start: Timestamp, script: Script) {
        self.calls += 1;
        let play = Arc::new(Play { call: id, script: script.sorted() });
        for (index, after) in play.script.times().enumerate() {
            self.schedule.set(start.plus(after), Timer::Event(Arc::clone(&play), index));
        }
    }

    /// When the next thing is due.
    fn next(&self) -> Option<Timestamp> {
        [self.schedule.next(), self.source.as_ref().map(|source| source.next)].into_iter().flatten().min()
    }

    /// The call that comes by itself at `due`, if one does.
    fn comes_by_itself(&mut self, due: Timestamp) -> Option<Scenario> {
        let is_too_busy = self.deliveries.of_all().undecided >= MOST_DELIVERIES || self.calls >= MOST_CALLS;
        let source = self.source.as_mut().filter(|source| source.next <= due)?;
        let scenario = Scenario::ALL[source.placed % Scenario::ALL.len()];
        source.placed += 1;
        source.next = due.plus(source.interval);
        if source.next <= due {
            // The end of the calendar.
            self.source = None;
        }
        (!is_too_busy).then_some(scenario)
    }
}

/// Ends after `wait`; without one, never.
async fn pass(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
