//! `vwh sandbox call`: places calls in the sandbox, whose events it delivers, or lets single events happen.
//!
//! A sandbox that is served goes by its own clock. Where none is, nobody would wait for the events: they then happen at
//! once, deliveries and all, before the command ends.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::{Map, Value, json};

use super::super::{Context, service};
use super::knobs::with_session;
use crate::error::{Error, ExitStatus, Kind};
use crate::http::HttpError;
use crate::sandbox::Session;
use crate::services::facts::facts;
use crate::services::knobs::Knobs;
use crate::services::vis::delivery::scenario::Scenario;
use crate::webhook::ServiceKind;
use crate::webhook::json::to_line;

#[derive(Args, Clone, Debug)]
pub(super) struct CallArgs {
    /// How the call goes (VIS; the other services tell the same of every call) [default: inbound-answered]
    #[arg(
        long,
        value_name = "SCENARIO",
        conflicts_with = "event",
        value_parser = PossibleValuesParser::new(Scenario::ALL.map(Scenario::name)).try_map(|name| name.parse::<Scenario>()),
    )]
    scenario: Option<Scenario>,

    /// How many such calls begin at the same time [default: 1]
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,

    /// The one service that tells of it [default: every service]
    #[arg(long, value_name = "SERVICE", value_parser = service::parser())]
    service: Option<ServiceKind>,

    /// One event of this type instead of a call, such as channel.held.v1 or `message_created` (Contact Center, VoIPBIN)
    #[arg(long, value_name = "TYPE", requires = "service")]
    event: Option<String>,

    /// The data of that event, a JSON object [default: a sample]
    #[arg(long, value_name = "JSON", requires = "event", value_parser = parse_data)]
    data: Option<Map<String, Value>>,
}

fn parse_data(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|_| "write a JSON object such as '{\"id\":\"a1\"}'".to_owned())
}

impl CallArgs {
    /// Refuses what the service has no place for.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(service) = self.service else { return Ok(()) };
        let title = service.title();
        let (message, hint) = if facts(service).tells_states && self.event.is_some() {
            (
                format!("{title} has one event, CALL, in several states"),
                "choose how a call goes with --scenario",
            )
        } else if !facts(service).tells_states && self.scenario.is_some() {
            (
                format!("{title} tells the same of every call"),
                "leave --scenario out, or choose an event with --event TYPE",
            )
        } else if self.event.as_deref().is_some_and(str::is_empty) {
            ("the event's type is empty".to_owned(), "write one such as channel.held.v1 or call_hangup")
        } else {
            return Ok(());
        };
        Err(Error::new(Kind::Usage, message).hint(hint))
    }

    /// What the knob is asked for: what is not said is left to it.
    fn wish(&self) -> Value {
        let (scenario, service) = (self.scenario.map(Scenario::name), self.service.map(ServiceKind::name));
        let Self { count, event, data, .. } = self;
        json!({ "scenario": scenario, "count": count, "service": service, "event": event, "data": data })
    }

    /// How many seconds it takes until the last of it has happened.
    fn length(&self) -> i64 {
        let scenario = self.scenario.unwrap_or(Scenario::InboundAnswered);
        scenario.steps().last().filter(|_| self.event.is_none()).map_or(0, |(seconds, _)| *seconds)
    }
}

/// Runs `vwh sandbox call`. Prints the id of each call; under `--json` an object a line with what will happen, and when.
pub(super) async fn run(args: &CallArgs, context: &Context, session: Session) -> Result<ExitStatus, Error> {
    let called = with_session(context, &session, async |knobs| {
        let placed = knobs.call(args.wish()).await?;
        // Nobody waits for the clock of a sandbox that ends with a command.
        let played = if placed["embedded"] == true { Some(play(knobs, args.length()).await?) } else { None };
        Ok((placed, played))
    });
    let called = called.await;
    session.leave().await?;
    let (placed, played) = called?;
    let calls = placed["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_json = context.settings.format.is_json();
    let line = |call: &Value| if is_json { to_line(call) } else { id(call).to_owned() };
    context.output.answer(&calls.iter().map(|call| line(call) + "\n").collect::<String>())?;
    match played {
        None => {
            context.output.notice(&placed_text(calls, args.event.as_deref()));
            if args.event.is_none() {
                context.output.notice("let a minute pass at once: vwh sandbox advance 1m");
            }
        }
        Some(status) => {
            context.output.notice(&played_text(calls.len(), args.event.is_some(), &status));
            // Of single events nothing is reported by those who tell of them.
            if args.event.is_none() {
                context.output.notice("see what came of it: vwh --sandbox list");
            }
        }
    }
    if placed["guarded"] == true {
        context.output.warning(GUARDED);
    } else if placed["receivers"] == 0 {
        let (why, create) = nobody(args.service, args.event.is_some());
        context.output.notice(&format!("no webhook is told of it: {why}"));
        context.output.notice(&format!("register one: {create}"));
    }
    Ok(ExitStatus::Success)
}

/// Why nobody hears of calls that `teller` alone tells of, or every service; and what to type about it.
const fn nobody(teller: Option<ServiceKind>, is_event: bool) -> (&'static str, &'static str) {
    match teller {
        Some(ServiceKind::ContactCenter) => (
            if is_event {
                "none that asks for it is both enabled and on this machine"
            } else {
                "none is both enabled and on this machine"
            },
            "VWH_SERVICE=contact-center vwh --sandbox create --name NAME --event '*' --allow-http \
             --url http://127.0.0.1:3000/webhook",
        ),
        Some(ServiceKind::Voipbin) => (
            "VoIPBIN's slot holds none that is on this machine",
            "VWH_SERVICE=voipbin vwh --sandbox create --allow-http --url http://127.0.0.1:3000/webhook",
        ),
        Some(ServiceKind::Vis) | None => (
            "none is both active and on this machine",
            "vwh --sandbox create --url http://127.0.0.1:3000/webhook",
        ),
    }
}

/// Why the webhook of VoIPBIN on this machine hears nothing.
const GUARDED: &str = "VoIPBIN posts to public addresses alone, so its webhook is not told of it: for local work, serve with \
     vwh sandbox --allow-private-targets";

/// How long a turn is in which what is left of a call passes: no service waits longer between two attempts.
const TURN: TimeDelta = TimeDelta::seconds(10);

/// How many such turns a call takes at the most, with all the attempts of its last event.
const TURNS: usize = 12;

/// Lets the whole script pass, and then the pauses of the attempts that are still to come.
async fn play(knobs: &Knobs, length: i64) -> Result<Value, HttpError> {
    let mut status = knobs.advance(TimeDelta::seconds(length)).await?;
    for _ in 0..TURNS {
        if status["callsUnderWay"] == 0 && status["deliveriesUnderWay"] == 0 {
            break;
        }
        status = knobs.advance(TURN).await?;
    }
    Ok(status)
}

fn id(call: &Value) -> &str {
    call["id"].as_str().unwrap_or_default()
}

fn placed_text(calls: &[Value], event: Option<&str>) -> String {
    match (event, calls) {
        (Some(event), [call]) => return format!("{event} happens, about {}", id(call)),
        (Some(event), calls) => return format!("{event} happens {} times", calls.len()),
        (None, _) => {}
    }
    let what = match calls {
        [call] => format!("call {} begins", id(call)),
        calls => format!("{} calls begin", calls.len()),
    };
    let events =
        calls.first().and_then(|call| call["events"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let moment = |event: &Value| event["moment"].as_str()?.parse::<DateTime<Utc>>().ok();
    let start = events.first().and_then(moment);
    let after = |event: &Value| {
        let state = event["state"].as_str().unwrap_or_default();
        let seconds = moment(event).zip(start).map_or(0, |(moment, start)| (moment - start).num_seconds());
        if seconds == 0 { format!("{state} now") } else { format!("{state} after {seconds}s") }
    };
    let script = events.iter().map(after).collect::<Vec<_>>().join(", ");
    format!("{what}: {script}")
}

fn played_text(count: usize, is_event: bool, status: &Value) -> String {
    let calls = match (count, is_event) {
        (1, false) => "the call has",
        (_, false) => "the calls have",
        (1, true) => "the event has",
        (_, true) => "the events have",
    };
    let [succeeded, failed] =
        ["deliveriesSucceeded", "deliveriesFailed"].map(|name| status[name].as_u64().unwrap_or_default());
    let deliveries = if succeeded == 1 { "delivery" } else { "deliveries" };
    format!(
        "no sandbox is running, so {calls} passed at once: {succeeded} {deliveries} succeeded, {failed} failed"
    )
}
