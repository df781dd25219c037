//! What Contact Center tells of a call, and whom: an agent's channel comes and goes, and every subscription that is enabled
//! and asks for it is notified (specs/contact-center.md §4, §5).

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::{Map, Value};
use url::Url;

use super::book::Book;
use super::ksuid;
use super::subscription::Subscription;
use crate::delivery::{Delivery, Rules};
use crate::sandbox::engine::consignment::{Consignment, Moment, Scene, Script};
use crate::sandbox::timestamp::Timestamp;
use crate::services::contact_center::delivery::{INTERACTION, Notification, RULES, build, sample};
use crate::services::contact_center::signature;
use crate::webhook::ServiceKind;

/// What is told beside the channel's own story: the agent is ready again once it has ended.
const READY: (i64, &str) = (45, "agent.presencechanged.v1");

/// Adds what Contact Center tells of the call `id`.
pub(in crate::sandbox) fn play(id: u64, scene: &Scene, script: &mut Script) {
    for ((seconds, kind), delay) in scene.delayed(steps()) {
        script.add(seconds + delay, Step { call: id, kind: kind.into(), data: None, delay });
    }
}

/// What is told when nothing but an event of this type happens, about what goes by `id`; `data` is in the place of a
/// sample's.
pub(in crate::sandbox) fn alone(id: u64, kind: &str, data: Option<&Map<String, Value>>) -> Script {
    Script::of(Step { call: id, kind: kind.into(), data: data.cloned().map(Value::Object), delay: 0 })
}

/// What happens in a call, each with the seconds since it began.
pub(in crate::sandbox) fn steps() -> impl Iterator<Item = (i64, &'static str)> {
    INTERACTION.into_iter().chain([READY])
}

/// How many subscriptions would be told of something in a call that began now, or of an event of type `event`.
pub(in crate::sandbox) fn receivers(scene: &Scene, now: Timestamp, event: Option<&str>) -> usize {
    let hears = |subscription: &Subscription| match event {
        Some(kind) => subscription.is_told_of(kind),
        None => steps().any(|(_, kind)| subscription.is_told_of(kind)),
    };
    let is_told =
        |subscription: &&Subscription| scene.address(&subscription.url).is_some() && hears(subscription);
    scene.store.read_book(|book| book.in_effect(now).into_iter().filter(is_told).count())
}

/// Something of this type happens in the interaction of a call.
#[derive(Debug)]
struct Step {
    call: u64,
    kind: Arc<str>,
    /// In the place of a sample's.
    data: Option<Value>,
    /// How many seconds ago it happened when it is told.
    delay: i64,
}

impl Moment for Step {
    fn happen(&self, scene: &Scene, now: Timestamp) -> Vec<Arc<dyn Consignment>> {
        let happened = now.plus(TimeDelta::seconds(-self.delay));
        let mut event = sample(&self.kind, self.call, ksuid::new(happened), happened.utc());
        if let Some(data) = &self.data {
            event.data = data.clone();
        }
        let event = Arc::new(event);
        let is_told = |subscription: &&Subscription| {
            subscription.is_told_of(&self.kind) && scene.address(&subscription.url).is_some()
        };
        let parcel = |subscription: &Subscription| -> Arc<dyn Consignment> {
            Arc::new(Parcel { subscription: subscription.id.clone(), event: Arc::clone(&event) })
        };
        let told = |book: &mut Book| book.in_effect(now).into_iter().filter(is_told).map(parcel).collect();
        scene.repeated(scene.store.read_book(told))
    }
}

/// One event for one subscription. What becomes of it is noted nowhere: the service reports nothing of its deliveries.
#[derive(Debug)]
struct Parcel {
    subscription: String,
    event: Arc<Notification>,
}

impl Consignment for Parcel {
    fn service(&self) -> ServiceKind {
        ServiceKind::ContactCenter
    }

    fn destination(&self) -> Arc<str> {
        format!("contact-center {}", self.subscription).into()
    }

    fn rules(&self, scene: &Scene) -> Rules {
        scene.rules(RULES)
    }

    /// What was deleted or paused meanwhile gets no more attempts: for events that wait, nothing is documented.
    fn post(&self, scene: &Scene, _number: u32) -> Option<(Url, Delivery)> {
        let now = scene.store.now();
        scene.store.read_book(|book| {
            let is_its = |subscription: &&Subscription| subscription.id == self.subscription;
            let subscription = book.in_effect(now).into_iter().find(is_its).filter(|it| it.enabled)?;
            let key = signature::key(&subscription.secret);
            // Signed by the machine's clock, not the sandbox's: receivers hold `exp` against their own time, and a clock that
            // was moved on by a day would make every notification one of tomorrow, or one that has expired.
            let delivery = build(&self.event, key.as_deref(), Utc::now());
            Some((scene.address(&subscription.url)?, delivery))
        })
    }
}
