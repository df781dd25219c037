//! `vwh restore --list`: what was ever removed, and what became of it. Changes nothing.

use serde::Serialize;

use super::Context;
use super::restore::Candidate;
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus};
use crate::journal::history::State;
use crate::output::table::{Column, lay_out};
use crate::output::text::inert;
use crate::output::when;
use crate::settings::Format;
use crate::webhook::json::to_line;

/// One entry of `vwh restore --list --json`; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemovalView<'a> {
    id: &'a str,
    url: String,
    removed_at: String,
    command: &'a str,
    run: &'a str,
    state: &'static str,
    new_id: Option<&'a str>,
}

/// Writes what the journal has of `candidates`, newest first.
pub fn list(context: &Context, candidates: &[Candidate], snapshot: &Snapshot) -> Result<ExitStatus, Error> {
    let output = &context.output;
    let views: Vec<RemovalView<'_>> =
        candidates.iter().rev().map(|candidate| view(context, candidate, snapshot)).collect();
    match context.settings.format {
        Format::Json => output.answer(&format!("{}\n", to_line(&views)))?,
        Format::Jsonl => {
            output.answer(&views.iter().map(|view| format!("{}\n", to_line(view))).collect::<String>())?;
        }
        _ if views.is_empty() => output.notice("the journal has nothing of this account"),
        _ => {
            let now = (context.clock)();
            let rows: Vec<Vec<String>> = views
                .iter()
                .zip(candidates.iter().rev())
                .map(|(view, candidate)| {
                    let when = when::relative(candidate.removal.time, now);
                    let cells =
                        [view.state, view.id, &view.url, &when, view.command, view.new_id.unwrap_or("")];
                    cells.map(|cell| inert(cell).into_owned()).to_vec()
                })
                .collect();
            let lines = lay_out(&LIST_COLUMNS, &rows, output.table_style().width);
            output.answer(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        }
    }
    Ok(ExitStatus::Success)
}

const LIST_COLUMNS: [Column; 6] = [
    Column { head: "STATE", drop_rank: 0, shrinks_to: None },
    Column { head: "ID", drop_rank: 0, shrinks_to: None },
    Column { head: "URL", drop_rank: 1, shrinks_to: Some(18) },
    Column { head: "REMOVED", drop_rank: 2, shrinks_to: None },
    Column { head: "BY", drop_rank: 3, shrinks_to: None },
    Column { head: "NEW ID", drop_rank: 4, shrinks_to: None },
];

fn view<'a>(context: &Context, candidate: &'a Candidate, snapshot: &Snapshot) -> RemovalView<'a> {
    let removal = &candidate.removal;
    let is_listed = snapshot.find(&removal.id).is_some();
    let (state, new_id) = match &removal.state {
        _ if is_listed => ("listed", None),
        State::Restored(new_id) => ("restored", Some(new_id.as_str())),
        State::Kept => ("kept", None),
        _ => ("removed", None),
    };
    let url = candidate.webhook.shown_url(context.output.secrets());
    RemovalView {
        id: &removal.id,
        url,
        removed_at: when::absolute(removal.time),
        command: &removal.command,
        run: &removal.run,
        state,
        new_id,
    }
}
