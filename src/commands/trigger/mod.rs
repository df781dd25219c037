//! `vwh trigger`: posts a sample call, or recorded deliveries, to a receiver under the service's own rules.

mod plan;

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use url::Url;

use super::Context;
use super::destination::{MetadataPolicy, parse_url};
use super::posting::report::Report;
use super::posting::{Posted, Posting};
use super::service;
use crate::error::{Error, ExitStatus};
use crate::services::vis::delivery::event::State;
use crate::services::vis::delivery::scenario::Scenario;
use crate::webhook::ServiceKind;
use plan::Plan;

/// Post a signed sample call to a receiver
///
/// Posts every event of a call, one right after the other, under the rules that the service delivers by, and says of each event
/// what the service would have concluded. VIS: a reply of 200 within 2 seconds, up to 6 attempts, 10 seconds between two;
/// after an event that it would have given up it would send nothing more, so neither does vwh. Contact Center: any 2xx
/// within 10 seconds; it goes on for up to 24 hours, of which vwh makes 3 attempts. VoIPBIN: any status below 500 within 15
/// seconds, 3 attempts, 1 second between two; then it drops the event.
///
/// What is posted carries the header X-VWH-Synthetic: trigger. Posting to a host that is not this machine asks first.
#[derive(Args, Clone, Debug)]
pub struct TriggerArgs {
    /// The receiver: an absolute http or https URL
    #[arg(value_parser = parse_url)]
    url: Url,

    /// Post as this service does
    #[arg(long, value_name = "SERVICE", value_parser = service::parser(), default_value = "vis")]
    service: ServiceKind,

    /// Post one event of this type instead of a whole sequence (Contact Center, VoIPBIN)
    #[arg(long, value_name = "TYPE", conflicts_with_all = ["scenario", "state"])]
    event: Option<String>,

    /// How the sample call goes (VIS) [default: inbound-answered]
    #[arg(long, value_parser = scenario_parser())]
    scenario: Option<Scenario>,

    /// Post one event in this state instead of a whole call (VIS)
    #[arg(long, value_parser = state_parser(), ignore_case = true, conflicts_with = "scenario")]
    state: Option<State>,

    /// Whether ids and signature travel with a delivery, and how (VIS) [default: header]
    #[arg(long, value_name = "POLICY")]
    metadata_policy: Option<MetadataPolicy>,

    /// Sign with the key in this file (else `VWH_SIGNING_KEY`); one newline at its end is not part of it
    #[arg(long, value_name = "FILE")]
    signing_key_file: Option<PathBuf>,

    /// Do not sign (VIS, VoIPBIN)
    #[arg(long, conflicts_with = "signing_key_file")]
    unsigned: bool,

    /// Make one attempt for each event, and go on after one that fails
    #[arg(long)]
    once: bool,

    /// Post what `listen --record` has written to this file, body and headers byte for byte (`-` is stdin)
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["service", "event", "scenario", "state", "metadata_policy", "signing_key_file", "unsigned"]
    )]
    replay: Option<PathBuf>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Runs `vwh trigger`.
pub async fn run(args: &TriggerArgs, context: &Context) -> Result<ExitStatus, Error> {
    let plan = match &args.replay {
        Some(file) => Plan::replay(context, file.clone().into()).await?,
        None => Plan::sample(args, context).await?,
    };
    let posting = Posting::begin(context, &args.url, &plan.what(), args.yes).await?.hiding(plan.key());
    let posting = if args.once { posting.once() } else { posting };
    let subjects = plan.subjects();
    let mut report = Report::new(context, &args.url, &subjects);
    for (index, subject) in subjects.into_iter().enumerate() {
        let posted = if report.has_ended() {
            Posted::not_sent()
        } else {
            let service = subject.service.unwrap_or_default();
            posting.post(service, subject.name(), |attempt| plan.delivery(index, attempt)).await
        };
        report.add(subject, posted)?;
    }
    report.finish()
}

fn scenario_parser() -> impl clap::builder::TypedValueParser<Value = Scenario> {
    PossibleValuesParser::new(Scenario::ALL.map(Scenario::name)).try_map(|name| name.parse::<Scenario>())
}

fn state_parser() -> impl clap::builder::TypedValueParser<Value = State> {
    PossibleValuesParser::new(State::NAMES).map(|name| State::named(&name.to_ascii_uppercase()))
}
