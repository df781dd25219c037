//! What VoIPBIN tells of a call, and how it posts that to the customer's url: every event, without a choice, and nowhere that
//! is not public (specs/voipbin.md §5).

use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Map, Value};
use url::Url;

use super::account::Account;
use crate::delivery::{Delivery, Reach, Rules};
use crate::network::is_loopback;
use crate::sandbox::engine::consignment::{Consignment, Moment, Scene, Script};
use crate::sandbox::timestamp::Timestamp;
use crate::secret::Secret;
use crate::services::voipbin::delivery::{CALL, RULES, body, build, sample, status_of};
use crate::webhook::ServiceKind;

/// Adds what VoIPBIN tells of the call `id`.
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

/// What is told of a call, and how long after its beginning.
pub(in crate::sandbox) fn steps() -> impl Iterator<Item = (i64, &'static str)> {
    CALL.into_iter().map(|(seconds, kind, _)| (seconds, kind))
}

/// How many webhooks would be told of a call that began now: one or none.
pub(in crate::sandbox) fn receivers(scene: &Scene) -> usize {
    usize::from(address(scene).is_some() && !is_guarded(scene))
}

/// Whether the webhook is on this machine, where the guard lets nothing through.
pub(in crate::sandbox) fn is_guarded(scene: &Scene) -> bool {
    !scene.allows_private_targets() && address(scene).as_ref().is_some_and(is_loopback)
}

fn address(scene: &Scene) -> Option<Url> {
    scene.store.read_voipbin(|account| scene.address(&account.customer().written.webhook_uri))
}

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
        scene.store.read_voipbin(|account| {
            if scene.address(&account.customer().written.webhook_uri).is_none() {
                return Vec::new();
            }
            let sample = || {
                let happened = now.plus(TimeDelta::seconds(-self.delay));
                let status = status_of(&self.kind);
                sample(&self.kind, status, self.call, &account.customer().id, happened.utc())
            };
            let body = self.data.as_ref().map_or_else(sample, |data| body(&self.kind, data));
            let parcel: Arc<dyn Consignment> = Arc::new(Parcel { body });
            scene.repeated(vec![parcel])
        })
    }
}

/// One event for the customer, the same bytes in all attempts.
#[derive(Debug)]
struct Parcel {
    body: Bytes,
}

impl Consignment for Parcel {
    fn service(&self) -> ServiceKind {
        ServiceKind::Voipbin
    }

    fn destination(&self) -> Arc<str> {
        "voipbin".into()
    }

    fn rules(&self, scene: &Scene) -> Rules {
        scene.rules(RULES)
    }

    fn reach(&self, scene: &Scene) -> Reach {
        if scene.allows_private_targets() { scene.reach() } else { Reach::Public }
    }

    fn post(&self, scene: &Scene, _number: u32) -> Option<(Url, Delivery)> {
        let has_secret = scene.has_webhook_secret();
        scene.store.read_voipbin(|account| {
            let url = scene.address(&account.customer().written.webhook_uri)?;
            let secret = has_secret.then(|| Secret::new(&account.customer().webhook_secret));
            let method = method(account)?;
            Some((url, Delivery { method, ..build(self.body.clone(), secret.as_ref()) }))
        })
    }
}

/// GET where the customer names none, as the service's language has it; nothing checks what it names.
fn method(account: &Account) -> Option<Method> {
    match account.customer().written.webhook_method.as_str() {
        "" => Some(Method::GET),
        name => Method::from_bytes(name.as_bytes()).ok(),
    }
}
