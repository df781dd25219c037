//! `vwh restore --list`: what was ever removed, and what became of it. Changes nothing.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::Context;
use super::super::accounts::Gathered;
use super::super::snapshot::Snapshot;
use super::finding::Candidate;
use crate::error::{Error, ExitStatus};
use crate::journal::history::State;
use crate::output::table::{Column, lay_out};
use crate::output::text::inert;
use crate::output::when;
use crate::settings::Format;
use crate::webhook::Webhook;
use crate::webhook::json::to_line;

/// One entry of `vwh restore --list --json`; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemovalView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    id: &'a str,
    url: String,
    #[serde(skip)]
    time: DateTime<Utc>,
    removed_at: String,
    command: &'a str,
    run: &'a str,
    state: &'static str,
    new_id: Option<&'a str>,
}

/// Writes what the journal has of each account's candidates, newest first.
pub(super) fn list(
    context: &Context,
    gathered: Gathered<'_, (Vec<Candidate>, Snapshot)>,
    is_several: bool,
) -> Result<ExitStatus, Error> {
    let output = &context.output;
    let views: Vec<RemovalView<'_>> = gathered
        .answers
        .iter()
        .flat_map(|(account, (candidates, snapshot))| {
            let profile = is_several.then_some(account.profile.as_str());
            candidates.iter().rev().map(move |candidate| view(context, profile, candidate, snapshot))
        })
        .collect();
    match context.settings.format {
        Format::Json => output.answer(&format!("{}\n", to_line(&views)))?,
        Format::Jsonl => {
            output.answer(&views.iter().map(|view| format!("{}\n", to_line(view))).collect::<String>())?;
        }
        _ if views.is_empty() => output.notice("the journal has nothing of this account"),
        _ => {
            let now = (context.clock)();
            let rows: Vec<Vec<String>> = views.iter().map(|view| view.cells(now)).collect();
            let columns = if is_several { &LIST_COLUMNS[..] } else { &LIST_COLUMNS[1..] };
            let lines = lay_out(columns, &rows, output.table_style().width);
            output.answer(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        }
    }
    gathered.conclude(context, ExitStatus::Success)
}

impl RemovalView<'_> {
    fn cells(&self, now: DateTime<Utc>) -> Vec<String> {
        let when = when::relative(self.time, now);
        let cells = [self.state, self.id, &self.url, &when, self.command, self.new_id.unwrap_or("")];
        self.profile.into_iter().chain(cells).map(|cell| inert(cell).into_owned()).collect()
    }
}

const LIST_COLUMNS: [Column; 7] = [
    Column { head: "PROFILE", drop_rank: 0, shrinks_to: None },
    Column { head: "STATE", drop_rank: 0, shrinks_to: None },
    Column { head: "ID", drop_rank: 0, shrinks_to: None },
    Column { head: "URL", drop_rank: 1, shrinks_to: Some(18) },
    Column { head: "REMOVED", drop_rank: 2, shrinks_to: None },
    Column { head: "BY", drop_rank: 3, shrinks_to: None },
    Column { head: "NEW ID", drop_rank: 4, shrinks_to: None },
];

fn view<'a>(
    context: &Context,
    profile: Option<&'a str>,
    candidate: &'a Candidate,
    snapshot: &Snapshot,
) -> RemovalView<'a> {
    let removal = &candidate.removal;
    let listed = snapshot.find(&removal.id);
    // Where there is room for one, another one has the same id.
    let is_it = |listed: &Webhook| !listed.service.holds_one() || listed.url == candidate.webhook.url;
    let is_listed = listed.as_ref().is_some_and(is_it);
    let (state, new_id) = match &removal.state {
        _ if is_listed => ("listed", None),
        State::Restored(new_id) => ("restored", Some(new_id.as_str())),
        State::Kept => ("kept", None),
        State::Removed if let Some(successor) = &removal.successor => ("replaced", Some(successor.as_str())),
        _ => ("removed", None),
    };
    let url = candidate.webhook.shown_url(context.output.secrets());
    RemovalView {
        profile,
        id: &removal.id,
        url,
        time: removal.time,
        removed_at: when::absolute(removal.time),
        command: &removal.command,
        run: &removal.run,
        state,
        new_id,
    }
}
