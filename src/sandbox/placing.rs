//! The knob `POST /_sandbox/call`: places calls, or lets single events of one service happen.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::app::App;
use super::contact_center::notifications;
use super::engine::TooMany;
use super::knobs::{Failure, invalid, or_usual};
use super::status::More;
use super::timestamp::Timestamp;
use super::voipbin::events;
use crate::services::vis::delivery::event::State;
use crate::services::vis::delivery::scenario::{Call, Scenario};
use crate::webhook::ServiceKind;

/// How many calls or events are placed at once at most.
const MAX_CALLS: usize = 1000;

/// The body; it may be missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Place {
    /// How the calls go, in the words of VIS.
    scenario: Option<String>,
    /// How many begin now.
    count: usize,
    /// The service that alone tells of them; without it, every one does.
    service: Option<String>,
    /// The type of the one event of `service` that happens instead of a call.
    event: Option<String>,
    /// The data of that event, in the place of a sample's.
    data: Option<Map<String, Value>>,
}

impl Default for Place {
    fn default() -> Self {
        Self { scenario: None, count: 1, service: None, event: None, data: None }
    }
}

/// Adds `calls`, and `receivers`: how many registrations hear of it as things are now, and `guarded`: whether VoIPBIN's
/// guard keeps it from this machine.
pub(super) async fn answer(app: &App, body: &[u8]) -> Result<More, Failure> {
    let place: Place = or_usual(body)?;
    if !(1..=MAX_CALLS).contains(&place.count) {
        return Err(invalid(format!("the count must be from 1 to {MAX_CALLS}")));
    }
    let named = |name: &String| {
        ServiceKind::named(name).ok_or_else(|| invalid(format!("there is no service {name}")))
    };
    let teller = place.service.as_ref().map(named).transpose()?;
    let receivers = app.engine.receivers(teller, place.event.as_deref());
    let placed = match &place.event {
        Some(kind) => events_alone(app, &place, teller, kind)?,
        None => calls(app, &place, teller)?,
    };
    app.store.flush().await?;
    Ok(More::from_iter([
        ("calls".to_owned(), placed.into()),
        ("receivers".to_owned(), receivers.into()),
        ("guarded".to_owned(), app.engine.is_guarded(teller).into()),
    ]))
}

fn calls(app: &App, place: &Place, teller: Option<ServiceKind>) -> Result<Vec<Value>, Failure> {
    if place.data.is_some() {
        return Err(invalid("data need the event that they are of".to_owned()));
    }
    let scenario = match (&place.scenario, teller) {
        (None, _) => Scenario::InboundAnswered,
        (Some(name), None | Some(ServiceKind::Vis)) => {
            name.parse().map_err(|expected| invalid(format!("the scenario is unknown: {expected}")))?
        }
        (Some(_), Some(service)) => {
            return Err(invalid(format!("{} tells the same of every call", service.title())));
        }
    };
    let calls = app.engine.place(scenario, place.count, teller).map_err(too_many)?;
    Ok(calls.iter().map(|call| script(call, teller)).collect())
}

/// What will happen in a call, and when: in the words of VIS, unless another service alone tells of it.
fn script(call: &Call, teller: Option<ServiceKind>) -> Value {
    let start = Timestamp::new(call.start);
    let event = |(seconds, state): (i64, &str)| {
        let moment = start.plus(TimeDelta::seconds(seconds));
        json!({"state": state, "moment": moment})
    };
    let events: Vec<Value> = match teller {
        Some(ServiceKind::ContactCenter) => notifications::steps().map(event).collect(),
        Some(ServiceKind::Voipbin) => events::steps().map(event).collect(),
        _ => call
            .scenario
            .steps()
            .iter()
            .map(|(seconds, state)| event((*seconds, &State::name(state))))
            .collect(),
    };
    json!({"id": call.id.to_string(), "scenario": call.scenario.name(), "events": events})
}

/// Events of type `kind`, and nothing around them.
fn events_alone(
    app: &App,
    place: &Place,
    teller: Option<ServiceKind>,
    kind: &str,
) -> Result<Vec<Value>, Failure> {
    if kind.is_empty() {
        return Err(invalid("the event's type is empty".to_owned()));
    }
    if place.scenario.is_some() {
        return Err(invalid("it is a scenario or an event".to_owned()));
    }
    let (engine, count, data) = (&app.engine, place.count, place.data.as_ref());
    let now = app.store.now();
    let ids = match teller {
        Some(ServiceKind::ContactCenter) => engine.play(count, |id| notifications::alone(id, kind, data)),
        Some(ServiceKind::Voipbin) => engine.play(count, |id| events::alone(id, kind, data)),
        Some(ServiceKind::Vis) | None => {
            return Err(invalid("an event needs its service: contact-center or voipbin".to_owned()));
        }
    };
    let placed =
        |id: u64| json!({"id": id.to_string(), "event": kind, "events": [{"state": kind, "moment": now}]});
    Ok(ids.map_err(too_many)?.into_iter().map(placed).collect())
}

fn too_many(_: TooMany) -> Failure {
    let text = "too many calls are under way; let some time pass first";
    Failure::Request(StatusCode::CONFLICT, text.to_owned())
}
