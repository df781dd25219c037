//! What VIS tells of a call, and how it delivers it (specs/vis.md §7, §8).

use std::sync::Arc;

use url::Url;
use uuid::Uuid;

use super::consignment::{Consignment, Moment, Scene, Script};
use crate::delivery::{Answer, Delivery, Rules};
use crate::sandbox::account::Account;
use crate::sandbox::registration::{ACCOUNT_ID, Registration, USER_ID};
use crate::sandbox::timestamp::Timestamp;
use crate::services::vis::delivery::scenario::{Call, Scenario};
use crate::services::vis::delivery::statistics::last_error;
use crate::services::vis::delivery::{Parts, Policy, RULES, build};
use crate::webhook::ServiceKind;

/// The call `id` that begins at `start`.
pub(super) fn call(scenario: Scenario, id: u64, start: Timestamp) -> Arc<Call> {
    Arc::new(Call {
        scenario,
        id,
        account_id: ACCOUNT_ID.to_string(),
        user_id: USER_ID.to_string(),
        start: start.utc(),
    })
}

/// Adds what VIS tells of `call`.
pub(super) fn play(call: &Arc<Call>, script: &mut Script) {
    for (index, (seconds, _)) in call.scenario.steps().iter().enumerate() {
        script.add(*seconds, Step { call: Arc::clone(call), index });
    }
}

/// How many registrations an event would be delivered to at `now`.
pub(super) fn receivers(scene: &Scene, now: Timestamp) -> usize {
    scene.store.read(|account| addressees(scene, account, now).len())
}

/// The registrations that are told what happens at `now`.
fn addressees(scene: &Scene, account: &mut Account, now: Timestamp) -> Vec<Arc<str>> {
    let is_told = |webhook: &&Registration| {
        webhook.is_live(now) && !webhook.statistics.failed && scene.address(&webhook.url).is_some()
    };
    account.webhooks(now).iter().filter(is_told).map(|webhook| webhook.id.as_str().into()).collect()
}

/// The call enters the state at this index of its script.
#[derive(Debug)]
struct Step {
    call: Arc<Call>,
    index: usize,
}

impl Moment for Step {
    fn happen(&self, scene: &Scene, now: Timestamp) -> Vec<Arc<dyn Consignment>> {
        let event: Arc<str> = self.call.event(self.index).into();
        let addressees = scene.store.note(|account, log| {
            log.record(&event);
            addressees(scene, account, now)
        });
        let parcel = |webhook| -> Arc<dyn Consignment> {
            Arc::new(Parcel { webhook, delivery: Uuid::new_v4().to_string(), event: Arc::clone(&event) })
        };
        addressees.into_iter().map(parcel).collect()
    }
}

/// One event for one registration.
#[derive(Debug)]
struct Parcel {
    webhook: Arc<str>,
    /// The same for all attempts.
    delivery: String,
    /// As it is sent.
    event: Arc<str>,
}

impl Consignment for Parcel {
    fn service(&self) -> ServiceKind {
        ServiceKind::Vis
    }

    fn destination(&self) -> Arc<str> {
        Arc::clone(&self.webhook)
    }

    fn rules(&self, scene: &Scene) -> Rules {
        scene.rules(RULES)
    }

    /// Deleted registrations get no more attempts, and expired or paused ones neither; one that failed meanwhile gets those of
    /// the deliveries that had begun.
    fn post(&self, scene: &Scene, number: u32) -> Option<(Url, Delivery)> {
        let now = scene.store.now();
        scene.store.read(|account| {
            let webhook = account.find(&self.webhook, now).filter(|webhook| webhook.is_live(now))?;
            let is_signed = webhook.signing_algo == "HMAC_SHA256";
            let delivery = build(&Parts {
                event: &self.event,
                policy: Policy::named(&webhook.metadata_policy),
                key: webhook.signing_key.as_ref().filter(|_| is_signed),
                webhook_id: &webhook.id,
                delivery_id: &self.delivery,
                attempt: number,
            });
            Some((scene.address(&webhook.url)?, delivery))
        })
    }

    /// Counters move now, once for all attempts together.
    fn decided(&self, scene: &Scene, answer: &Answer, is_delivered: bool) {
        let now = scene.store.now();
        scene.store.note(|account, _| {
            let Some(webhook) = account.find(&self.webhook, now) else { return };
            if is_delivered {
                webhook.statistics.succeeded(now);
            } else {
                webhook.statistics.gave_up(now, last_error(answer));
            }
        });
    }
}
