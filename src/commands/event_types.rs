//! `vwh event-types`: the events that may be subscribed to, as the service lists them.

use clap::Args;

use super::Context;
use super::account::Account;
use crate::error::{Error, ExitStatus, Kind};
use crate::output::table::{Column, lay_out};
use crate::output::text::inert;
use crate::services::ability::{Ability, elsewhere};
use crate::services::contact_center::wire::EventType;
use crate::settings::Format;
use crate::webhook::json::Secrets;
use crate::webhook::rewrite::rewrite;

/// List the events that may be subscribed to (Contact Center)
///
/// Wildcards such as 'agent.*' stand for several; the service decides what they mean.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = elsewhere(Ability::EventTypes))]
pub struct EventTypesArgs {
    /// Only this one
    name: Option<String>,

    /// With the JSON Schema of their data: prints the service's own objects
    #[arg(long)]
    schema: bool,
}

const COLUMNS: [Column; 3] = [
    Column { head: "EVENT", drop_rank: 0, shrinks_to: None },
    Column { head: "DESCRIPTION", drop_rank: 1, shrinks_to: Some(40) },
    Column { head: "STATUS", drop_rank: 2, shrinks_to: None },
];

/// Runs `vwh event-types`.
pub async fn run(args: &EventTypesArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let kinds = account.client.event_types().await;
    let kinds = kinds.map_err(|error| Error::from(error).while_doing("cannot list the event types"))?;
    let kinds: Vec<EventType> = match &args.name {
        Some(name) => kinds.into_iter().filter(|kind| kind.name == *name).collect(),
        None => kinds,
    };
    if let (Some(name), true) = (&args.name, kinds.is_empty()) {
        return Err(Error::new(Kind::NotFound, format!("there is no event type {name:?}"))
            .hint(format!("see all of them with: {}", account.command("event-types"))));
    }
    let output = &context.output;
    match context.settings.format {
        Format::Json => output.answer(&format!("[{}]\n", lines(&kinds).join(",\n")))?,
        Format::Jsonl => {
            output.answer(&lines(&kinds).iter().map(|line| format!("{line}\n")).collect::<String>())?;
        }
        Format::Csv => {
            let records = kinds.iter().map(|kind| cells(kind).to_vec());
            output.answer_csv(&["name", "description", "release_status"], records)?;
        }
        _ if args.schema => {
            output.answer(&lines(&kinds).iter().map(|line| format!("{line}\n")).collect::<String>())?;
        }
        _ => {
            let rows: Vec<Vec<String>> = kinds.iter().map(|kind| cells(kind).to_vec()).collect();
            let table = lay_out(&COLUMNS, &rows, output.table_style().width);
            output.answer(&table.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        }
    }
    Ok(ExitStatus::Success)
}

/// The service's own objects, each on a line.
fn lines(kinds: &[EventType]) -> Vec<String> {
    let line = |kind: &EventType| {
        let mut line = String::new();
        rewrite(&kind.raw, Secrets::Show, &mut line);
        line
    };
    kinds.iter().map(line).collect()
}

fn cells(kind: &EventType) -> [String; 3] {
    let text = |text: Option<&str>| inert(text.unwrap_or_default()).into_owned();
    [text(Some(&kind.name)), text(kind.description.as_deref()), text(kind.release_status.as_deref())]
}
