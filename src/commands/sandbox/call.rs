//! `vwh sandbox call`: places calls in the sandbox, whose events it delivers.
//!
//! A sandbox that is served goes by its own clock. Where none is, nobody would wait for the events: they then happen at
//! once, deliveries and all, before the command ends.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::Value;

use super::super::Context;
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
        value_parser = PossibleValuesParser::new(Scenario::ALL.map(Scenario::name)).try_map(|name| name.parse::<Scenario>()),
    )]
    scenario: Option<Scenario>,

    /// How many such calls begin at the same time [default: 1]
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,

    /// The one service that tells of it [default: every service]
    #[arg(long, value_name = "SERVICE", value_parser = PossibleValuesParser::new(ServiceKind::ALL.map(ServiceKind::name)))]
    service: Option<String>,
}

impl CallArgs {
    fn scenario(&self) -> Scenario {
        self.scenario.unwrap_or(Scenario::InboundAnswered)
    }

    /// Refuses what the service that tells of the call has no place for.
    pub(super) fn check(&self) -> Result<(), Error> {
        let teller = self.service.as_deref().and_then(ServiceKind::named);
        match teller.filter(|teller| self.scenario.is_some() && !facts(*teller).tells_states) {
            Some(teller) => {
                Err(Error::new(Kind::Usage, format!("{} tells the same of every call", teller.title()))
                    .hint("leave --scenario out"))
            }
            None => Ok(()),
        }
    }
}

/// Runs `vwh sandbox call`. Prints the id of each call; under `--json` an object a line with what will happen, and when.
pub(super) async fn run(args: &CallArgs, context: &Context, session: Session) -> Result<ExitStatus, Error> {
    let called = with_session(context, &session, async |knobs| {
        let placed = knobs.call(args.scenario().name(), args.count, args.service.as_deref()).await?;
        // Nobody waits for the clock of a sandbox that ends with a command.
        let played =
            if placed["embedded"] == true { Some(play(knobs, args.scenario()).await?) } else { None };
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
            context.output.notice(&placed_text(calls));
            context.output.notice("let a minute pass at once: vwh sandbox advance 1m");
        }
        Some(status) => {
            context.output.notice(&played_text(calls.len(), &status));
            context.output.notice("see what came of it: vwh --sandbox list");
        }
    }
    if placed["guarded"] == true {
        context.output.warning(GUARDED);
    } else if placed["receivers"] == 0 {
        let (why, create) = nobody(args.service.as_deref().and_then(ServiceKind::named));
        context.output.notice(&format!("no webhook is told of it: {why}"));
        context.output.notice(&format!("register one: {create}"));
    }
    Ok(ExitStatus::Success)
}

/// Why nobody hears of calls that `teller` alone tells of, or every service; and what to type about it.
const fn nobody(teller: Option<ServiceKind>) -> (&'static str, &'static str) {
    match teller {
        Some(ServiceKind::ContactCenter) => (
            "none is both enabled and on this machine",
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
async fn play(knobs: &Knobs, scenario: Scenario) -> Result<Value, HttpError> {
    let length = scenario.steps().last().map_or(0, |(seconds, _)| *seconds);
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

fn placed_text(calls: &[Value]) -> String {
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

fn played_text(count: usize, status: &Value) -> String {
    let calls = if count == 1 { "the call has" } else { "the calls have" };
    let [succeeded, failed] =
        ["deliveriesSucceeded", "deliveriesFailed"].map(|name| status[name].as_u64().unwrap_or_default());
    let deliveries = if succeeded == 1 { "delivery" } else { "deliveries" };
    format!(
        "no sandbox is running, so {calls} passed at once: {succeeded} {deliveries} succeeded, {failed} failed"
    )
}
