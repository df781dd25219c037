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
use crate::error::{Error, ExitStatus};
use crate::services::vis::delivery::event::State;
use crate::services::vis::delivery::scenario::Scenario;
use plan::Plan;

/// Post a signed sample call to a receiver
///
/// Posts every event of a call in order, all at once, under the rules that the service delivers by: a reply of 200 within 2
/// seconds, up to 6 attempts, 10 seconds between two. Says of each event what the service would have concluded. After an
/// event that it would have given up it would send nothing more, so neither does vwh.
///
/// What is posted carries the header X-VWH-Synthetic: trigger. Posting to a host that is not this machine asks first.
#[derive(Args, Clone, Debug)]
pub struct TriggerArgs {
    /// The receiver: an absolute http or https URL
    #[arg(value_parser = parse_url)]
    url: Url,

    /// How the sample call goes
    #[arg(long, value_parser = scenario_parser(), default_value = "inbound-answered")]
    scenario: Scenario,

    /// Post one event in this state instead of a whole call
    #[arg(long, value_parser = state_parser(), ignore_case = true, conflicts_with = "scenario")]
    state: Option<State>,

    /// Whether ids and signature travel with a delivery, and how
    #[arg(long, value_name = "POLICY", default_value = "header")]
    metadata_policy: MetadataPolicy,

    /// Sign with the key in this file (else `VWH_SIGNING_KEY`); one newline at its end is not part of it
    #[arg(long, value_name = "FILE")]
    signing_key_file: Option<PathBuf>,

    /// Do not sign
    #[arg(long, conflicts_with = "signing_key_file")]
    unsigned: bool,

    /// Make one attempt for each event, and go on after one that fails
    #[arg(long)]
    once: bool,

    /// Post what `listen --record` has written to this file, body and headers byte for byte (`-` is stdin)
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["scenario", "state", "metadata_policy", "signing_key_file", "unsigned"]
    )]
    replay: Option<PathBuf>,

    /// Post to any host without asking
    #[arg(long)]
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
    let mut report = Report::new(context, &args.url);
    for (index, subject) in plan.subjects().into_iter().enumerate() {
        let posted = if report.has_ended() {
            Posted::not_sent()
        } else {
            posting.post(subject.name(), |attempt| plan.delivery(index, attempt)).await
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
