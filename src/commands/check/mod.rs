//! `vwh check`: one line, or one JSON object, for monitoring systems, with the exit codes of their plugins.
//!
//! Whatever goes wrong is an answer too: UNKNOWN, on stdout, because that is all a monitoring system reads.

mod judge;
pub mod refused;
mod thresholds;

use clap::{Args, ValueEnum};

use super::Context;
use super::account::Account;
use super::accounts::{Accounts, service_of};
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus};
use crate::journal::{Journal, Line, history};
use crate::output::plugin::{Problem, Profile, State, Verdict};
use crate::output::{Output, OutputError};
use crate::settings::Format;
use crate::webhook::{ServiceKind, Webhook};
use judge::{Facts, healths, judge, measures};
use thresholds::Thresholds;

/// How long a removal is news.
const REMOVED_LATELY: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// Check the webhooks for a monitoring system
///
/// Writes one line as monitoring plugins do, and nothing to stderr. CRITICAL: a webhook failed or expired, too few can
/// deliver, an expected url has none that does. WARNING: one expires soon, was removed by vwh in the last 24h and neither
/// restored nor replaced, is paused, or was never attempted. UNKNOWN: whatever else went wrong. Contact Center and VoIPBIN
/// report neither deliveries nor an expiry: there, what is registered can deliver unless it is paused.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXIT_CODES)]
pub struct CheckArgs {
    #[command(flatten)]
    thresholds: Thresholds,

    /// How it answers: nagios (one line) or json (one object); --json is short for the latter
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<CheckFormat>,
}

const EXIT_CODES: &str = "\
Exit codes of check:
  0    OK
  1    WARNING
  2    CRITICAL
  3    UNKNOWN: any error, a mistake on the command line included";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    Nagios,
    Json,
}

impl CheckArgs {
    /// Whether it answers in JSON, where the global flags ask for `format`.
    #[must_use]
    pub fn writes_json(&self, format: Option<Format>) -> bool {
        self.format.map_or(format.is_some_and(Format::is_json), |format| format == CheckFormat::Json)
    }
}

/// Finds out how the accounts stand. What cannot be found out is part of the verdict.
pub async fn run(args: &CheckArgs, context: &Context, accounts: &Accounts) -> Verdict {
    let gathered = accounts.gather(async |account| Snapshot::take(context, account).await).await;
    let mut verdict = Verdict { is_several: accounts.is_several, problems: Vec::new(), profiles: Vec::new() };
    let lines = journal(context).unwrap_or_else(|error| {
        verdict.problems.push(unknown_problem(None, &error, accounts.is_several));
        Vec::new()
    });
    for (account, snapshot) in &gathered.answers {
        read(args, context, &lines, (account, snapshot), &mut verdict);
    }
    for (profile, error) in &gathered.failures {
        verdict.problems.push(unknown_problem(Some(profile), error, accounts.is_several));
        verdict.profiles.push(Profile {
            name: (*profile).to_owned(),
            service: service_of(context, profile).map(ServiceKind::name),
            healths: None,
            error: serde_json::to_value(error.view()).ok(),
            measures: Vec::new(),
        });
    }
    verdict.profiles.sort_by(|left, right| left.name.cmp(&right.name));
    verdict.problems.sort_by_key(|problem| std::cmp::Reverse(problem.state));
    verdict
}

fn read(
    args: &CheckArgs,
    context: &Context,
    lines: &[Line],
    (account, snapshot): (&Account, &Snapshot),
    verdict: &mut Verdict,
) {
    let clock = (context.clock)();
    let is_ours = |owner: &_, profile: &str| account.removes(owner, profile);
    let is_listed = |id: &str| snapshot.find(id).is_some();
    let removed = history::missing(lines, &is_ours, clock - REMOVED_LATELY, &is_listed);
    let webhooks: Vec<Webhook> = snapshot.webhooks().collect();
    let facts = Facts {
        service: account.service(),
        profile: &account.profile,
        webhooks: &webhooks,
        strangers: snapshot.strangers(),
        now: snapshot.now,
        removed: &removed,
        clock,
        secrets: context.output.secrets(),
    };
    verdict.problems.extend(judge(&args.thresholds, &facts));
    verdict.profiles.push(Profile {
        name: account.profile.clone(),
        service: Some(account.service().name()),
        healths: Some(healths(&facts)),
        error: None,
        measures: measures(&args.thresholds, &facts),
    });
}

/// Where no state can be kept, vwh has removed nothing.
fn journal(context: &Context) -> Result<Vec<Line>, Error> {
    match context.settings.state_directory() {
        Ok(directory) => Ok(Journal::new(directory).read()?),
        Err(_) => Ok(Vec::new()),
    }
}

/// The hint has no room in a line about several profiles.
fn unknown_problem(profile: Option<&str>, error: &Error, is_several: bool) -> Problem {
    let hint = error.hint.as_ref().filter(|_| !is_several);
    let hint = hint.map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
    Problem {
        state: State::Unknown,
        profile: profile.map(str::to_owned),
        what: error.sentence() + &hint,
        ids: Vec::new(),
        names: Vec::new(),
    }
}

/// Writes `verdict`. With `--quiet` nothing is written when all is well.
pub fn answer(verdict: &Verdict, is_json: bool, output: &Output) -> Result<ExitStatus, Error> {
    let status = match verdict.state() {
        State::Ok => ExitStatus::Success,
        State::Warning => ExitStatus::Warning,
        State::Critical => ExitStatus::Critical,
        State::Unknown => ExitStatus::Unknown,
    };
    let text = if is_json { verdict.json(status.code()) } else { verdict.line() };
    let is_well = status == ExitStatus::Success;
    match if is_well { output.answer(&text) } else { output.answer_anyway(&text) } {
        // Whoever has hung up still gets the exit code.
        Ok(()) | Err(OutputError::BrokenPipe) => Ok(status),
        Err(error) => Err(error.into()),
    }
}

/// Says that `error` kept it from finding anything out.
#[must_use]
pub fn unknown(error: &Error, is_json: bool, output: &Output) -> ExitStatus {
    let problems = vec![unknown_problem(None, error, false)];
    let verdict = Verdict { is_several: false, problems, profiles: Vec::new() };
    // If not even that can be written, the exit code still says it.
    answer(&verdict, is_json, output).unwrap_or(ExitStatus::Unknown)
}
