//! `vwh doctor`: looks at everything that has to be right, in the order in which one thing needs the other, and says what
//! to type where it is not. What it sees is judged in `judge`, and files in `seen`, without asking anybody.

mod judge;
mod probe;
mod seen;

use clap::Args;
use futures_util::future::join_all;
use serde::Serialize;

use super::Context;
use crate::error::{Error, ExitStatus, Kind};
use crate::output::fold::hanging;
use crate::output::text::inert;
use crate::settings::{Connection, Format, SettingsError};
use crate::webhook::json::to_line;

/// Check whether everything is set up
///
/// Looks at configuration, files, names, connection, clock, token, subscription, quota and webhooks, and says what to do
/// about each that is not as it should be. Exits with 1 if one fails.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// It could not be made.
    Skip,
    /// All is well.
    Pass,
    /// It works, and something is not as it should be.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check; the shape under `--json` is a contract.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    detail: String,
    cure: Option<String>,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { name, verdict, detail: detail.into(), cure: None }
    }

    fn cure(self, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..self }
    }

    /// What `error` says, with its hint.
    fn of_error(name: &'static str, verdict: Verdict, error: &Error) -> Self {
        Self { cure: error.hint.clone(), ..Self::new(name, verdict, error.sentence()) }
    }
}

/// The checks of one profile.
#[derive(Serialize)]
struct Examination<'a> {
    profile: &'a str,
    checks: Vec<Check>,
}

/// The names of the checks, in their order.
const NAMES: [&str; 9] =
    ["configuration", "files", "names", "connection", "clock", "token", "subscription", "quota", "webhooks"];

/// Runs `vwh doctor`.
pub async fn run(_: &DoctorArgs, context: &Context) -> Result<ExitStatus, Error> {
    if context.settings.format == Format::Csv {
        return Err(Error::new(Kind::Usage, "doctor has no CSV").hint("--json is for scripts"));
    }
    let chosen = context.settings.chosen()?;
    let examined =
        chosen.connections.iter().map(|(profile, connection)| examine(context, profile, connection));
    let examined: Vec<Examination<'_>> = join_all(examined).await;
    if context.limits.is_interrupted() {
        return Err(Error::new(Kind::Interrupted, "interrupted"));
    }
    let is_well = examined.iter().flat_map(|one| &one.checks).all(|check| check.verdict != Verdict::Fail);
    let lines: Vec<String> = examined.iter().map(to_line).collect();
    let text = match context.settings.format {
        Format::Json if chosen.is_several => format!("[{}]\n", lines.join(",\n")),
        Format::Json | Format::Jsonl => lines.iter().map(|line| format!("{line}\n")).collect(),
        _ => {
            let width = context.output.table_style().width;
            let shown = examined.iter().map(|one| shown(one, chosen.is_several, width));
            shown.collect::<Vec<_>>().join("\n")
        }
    };
    if is_well {
        context.output.answer(&text)?;
        return Ok(ExitStatus::Success);
    }
    context.output.answer_anyway(&text)?;
    Ok(ExitStatus::Failure)
}

async fn examine<'a>(
    context: &Context,
    profile: &'a str,
    connection: &Result<Connection, SettingsError>,
) -> Examination<'a> {
    let mut checks: Vec<Check> = match connection {
        Ok(connection) => probe::all(context, connection.clone()).await,
        Err(error) => vec![Check::of_error("configuration", Verdict::Fail, &error.clone().into())],
    };
    if let Ok(Connection { invocation, .. }) = connection {
        for check in &mut checks {
            check.cure = check.cure.take().map(|cure| invocation.retype(&cure));
        }
    }
    // What was not reached was not looked at, and a script finds every name.
    for name in NAMES.into_iter().skip(checks.len()) {
        checks.push(Check::new(name, Verdict::Skip, "not looked at, because of what failed before"));
    }
    Examination { profile, checks }
}

/// A line a check, its cure below it.
fn shown(examination: &Examination<'_>, is_several: bool, width: Option<usize>) -> String {
    let mut text = if is_several { format!("profile {}\n", examination.profile) } else { String::new() };
    for Check { name, verdict, detail, cure } in &examination.checks {
        text.push_str(&hanging(&format!("{}  {name:<13}  ", verdict.name()), &inert(detail), width));
        if let Some(cure) = cure {
            text.push_str(&hanging("      ", &inert(cure), width));
        }
    }
    text
}
