//! Sample events, ready to be posted: fictional ones of one service, signed with one key, with ids that nobody had before.

use chrono::{DateTime, TimeDelta, Utc};

use super::report::Subject;
use crate::commands::Context;
use crate::delivery::Delivery;
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::services::incoming::read;
use crate::services::outgoing::{self, Outgoing};
use crate::services::vis::delivery::event::{Event, State};
use crate::services::vis::delivery::scenario::{Call, Scenario};
use crate::services::vis::delivery::{Policy, SYNTHETIC, TRIGGERED};
use crate::webhook::ServiceKind;

/// The account and the user of every sample; as fictional as its numbers.
const ACCOUNT: &str = "4711";
const USER: &str = "9001";

/// Ids of calls have ten digits, so that they look like those of a service.
const LEAST_ID: u64 = 1_000_000_000;

/// Deliveries of one fictional registration.
pub struct Sample {
    key: Option<Secret>,
    clock: fn() -> DateTime<Utc>,
    events: Vec<(Subject, Outgoing)>,
}

impl Sample {
    /// A whole call of VIS that has ended just now.
    pub fn call(
        context: &Context,
        scenario: Scenario,
        policy: Policy,
        key: Option<Secret>,
    ) -> Result<Self, Error> {
        let last = scenario.steps().len() - 1;
        let call = call_at(context, scenario, last)?;
        Self::of_vis(context, call.events().into_iter().map(|(_, event)| event), policy, key)
    }

    /// One event of a call of VIS that is in `state` just now.
    pub fn state(
        context: &Context,
        state: &State,
        policy: Policy,
        key: Option<Secret>,
    ) -> Result<Self, Error> {
        let found = Scenario::ALL.into_iter().find_map(|scenario| {
            let index = scenario.steps().iter().position(|(_, other)| other == state)?;
            Some((scenario, index))
        });
        let event = if let Some((scenario, index)) = found {
            call_at(context, scenario, index)?.event(index)
        } else {
            call_at(context, Scenario::InboundAnswered, 0)?.single(state)
        };
        Self::of_vis(context, std::iter::once(event), policy, key)
    }

    fn of_vis(
        context: &Context,
        events: impl Iterator<Item = String>,
        policy: Policy,
        key: Option<Secret>,
    ) -> Result<Self, Error> {
        let webhook_id = uuid(context)?;
        let events = events.map(|event| {
            let delivery_id = uuid(context)?;
            let Event { id, state, .. } = Event::read(&event).unwrap_or_default();
            let shown = (policy != Policy::None).then(|| delivery_id.clone());
            let outgoing = Outgoing::Vis { event, policy, webhook_id: webhook_id.clone(), delivery_id };
            let subject = Subject {
                service: Some(outgoing.service()),
                state: state.map(|state| state.name().into_owned()),
                event_id: id,
                delivery_id: shown,
            };
            Ok((subject, outgoing))
        });
        let events = events.collect::<Result<_, Error>>()?;
        Ok(Self { key, clock: context.clock, events })
    }

    /// The usual events of another `service` that have happened up to now, or a single one of type `kind`.
    pub fn events(
        context: &Context,
        service: ServiceKind,
        kind: Option<&str>,
        key: Option<Secret>,
    ) -> Result<Self, Error> {
        let steps = outgoing::usual(service);
        let now = (context.clock)();
        let mut bytes = [0; 8];
        (context.random_bytes)(&mut bytes).map_err(|error| no_random(&error))?;
        let which = u64::from_le_bytes(bytes);
        let usual = || {
            let moment = |index| outgoing::moment(&steps, index, now);
            steps.iter().enumerate().map(|(index, (_, kind))| (*kind, moment(index))).collect::<Vec<_>>()
        };
        let wanted = kind.map_or_else(usual, |kind| vec![(kind, now)]);
        let mut events = Vec::new();
        for (kind, moment) in wanted {
            let mut bytes = [0; 20];
            (context.random_bytes)(&mut bytes).map_err(|error| no_random(&error))?;
            let Some(event) = outgoing::event(service, kind, which, bytes, moment) else { continue };
            let delivery = event.delivery(None, 1, now);
            let received = read(&delivery.headers, &delivery.body, Some(service));
            events.push((received.map(|received| Subject::of(&received)).unwrap_or_default(), event));
        }
        Ok(Self { key, clock: context.clock, events })
    }

    /// How many deliveries it is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The key that signs it.
    #[must_use]
    pub fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// What each delivery is about, in order.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.events.iter().map(|(subject, _)| subject)
    }

    /// The delivery at `index` as it is posted for this attempt, counted from 1.
    #[must_use]
    pub fn delivery(&self, index: usize, attempt: u32) -> Delivery {
        let mut delivery = self.events[index].1.delivery(self.key.as_ref(), attempt, (self.clock)());
        delivery.headers.insert(SYNTHETIC, TRIGGERED);
        delivery
    }
}

/// A call that has come to this step of its scenario just now.
fn call_at(context: &Context, scenario: Scenario, step: usize) -> Result<Call, Error> {
    let mut bytes = [0; 8];
    (context.random_bytes)(&mut bytes).map_err(|error| no_random(&error))?;
    let seconds = scenario.steps()[step].0;
    Ok(Call {
        scenario,
        id: LEAST_ID + u64::from_le_bytes(bytes) % (9 * LEAST_ID),
        account_id: ACCOUNT.to_owned(),
        user_id: USER.to_owned(),
        start: (context.clock)() - TimeDelta::seconds(seconds),
    })
}

fn uuid(context: &Context) -> Result<String, Error> {
    let mut bytes = [0; 16];
    (context.random_bytes)(&mut bytes).map_err(|error| no_random(&error))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

fn no_random(error: &std::io::Error) -> Error {
    Error::new(Kind::Internal, "no random numbers to make ids of").because(error.to_string())
}
