//! Shows what was missed: a table, JSON or CSV on stdout, and on stderr how much it is and what to type next.

use std::collections::BTreeSet;

use chrono::SecondsFormat;
use serde::Serialize;

use super::super::Context;
use super::super::account::Account;
use super::super::accounts::{Accounts, Gathered};
use super::select::{Beginning, Bounds, Loss};
use super::{Found, MissedArgs};
use crate::error::Error;
use crate::gaps::window::Window;
use crate::output::events::{EVENT_HEAD, EventRow, Group, event_records, exact, table};
use crate::output::text::word;
use crate::output::webhooks::{TableStyle, with_next};
use crate::output::when::absolute;
use crate::secret::mask_url;
use crate::services::vis::events::Logged;
use crate::settings::Format;
use crate::webhook::json::{Secrets, to_line};
use crate::webhook::rewrite::rewrite;

/// The member that vwh adds to each event; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    profile: &'a str,
    service: &'static str,
    webhook_id: &'a str,
    webhook_url: &'a str,
    moment: String,
    delivery_id: String,
}

/// Writes what was found.
pub fn show(
    args: &MissedArgs,
    context: &Context,
    accounts: &Accounts,
    gathered: &Gathered<'_, Found>,
) -> Result<(), Error> {
    let output = &context.output;
    let losses: Vec<(&Account, &Loss)> = losses(gathered).collect();
    match context.settings.format {
        Format::Json => output.answer(&array(&losses, output.secrets()))?,
        Format::Jsonl => {
            let lines = lines(&losses, output.secrets());
            output.answer(&lines.map(|line| line + "\n").collect::<String>())?;
        }
        Format::Csv => {
            let groups: Vec<Group<'_>> = groups(&losses, output.secrets()).collect();
            output.answer_csv(&EVENT_HEAD, groups.iter().flat_map(event_records))?;
        }
        Format::Table | Format::Wide | Format::Prometheus => {
            let groups: Vec<Group<'_>> =
                groups(&losses, output.secrets()).filter(|group| !group.rows.is_empty()).collect();
            if !groups.is_empty() {
                let style = TableStyle { shows_profile: accounts.is_several, ..output.table_style() };
                output.answer(&table(&groups, style))?;
            }
        }
    }
    if !context.settings.format.is_json() {
        let bounds = gathered.answers.first().map(|(_, found)| found.selection.bounds).unwrap_or_default();
        let (what, next) = summary(args, bounds, accounts, &losses);
        let gap = if losses.iter().any(|(_, loss)| !loss.events.is_empty()) { "\n" } else { "" };
        let columns = output.notice_columns();
        let what = next.map_or_else(|| what.clone(), |next| with_next(&what, &next, columns));
        output.notice(&format!("{gap}{what}"));
        let told = [straddling(&losses), doubtful(losses.iter().map(|(_, loss)| *loss))];
        told.iter().flatten().for_each(|words| output.notice(words));
    }
    Ok(())
}

/// Each webhook that is meant, with its account.
pub fn losses<'a>(gathered: &'a Gathered<'_, Found>) -> impl Iterator<Item = (&'a Account, &'a Loss)> {
    let of_account = |(account, found): &'a (&'a Account, Found)| {
        found.selection.losses.iter().map(move |loss| (*account, loss))
    };
    gathered.answers.iter().flat_map(of_account)
}

fn array(losses: &[(&Account, &Loss)], secrets: Secrets) -> String {
    let lines: Vec<String> = lines(losses, secrets).collect();
    if lines.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", lines.join(",\n")) }
}

/// The service's own object of each event, with one more member.
fn lines(losses: &[(&Account, &Loss)], secrets: Secrets) -> impl Iterator<Item = String> {
    losses.iter().flat_map(move |(account, loss)| {
        let url = loss.webhook.shown_url(secrets);
        loss.events.iter().map(move |event| line(account, loss, &url, event, secrets))
    })
}

fn line(account: &Account, loss: &Loss, url: &str, event: &Logged, secrets: Secrets) -> String {
    let mut line = String::new();
    rewrite(std::str::from_utf8(&event.raw).unwrap_or("{}"), secrets, &mut line);
    let view = View {
        profile: &account.profile,
        service: account.service().name(),
        webhook_id: &loss.webhook.id,
        webhook_url: url,
        moment: exact(event.moment),
        delivery_id: event.delivery_id(&loss.webhook.id),
    };
    // An event has an id, so there is a member before this one.
    line.pop();
    format!("{line},\"vwh\":{}}}", to_line(&view))
}

fn groups<'a>(
    losses: &'a [(&'a Account, &'a Loss)],
    secrets: Secrets,
) -> impl Iterator<Item = Group<'a>> + use<'a> {
    losses.iter().map(move |(account, loss)| Group {
        profile: &account.profile,
        service: account.service().name(),
        webhook_id: &loss.webhook.id,
        url: loss.webhook.shown_url(secrets),
        rows: loss.events.iter().map(|event| row(event, &loss.webhook.id)).collect(),
    })
}

fn row<'a>(logged: &'a Logged, webhook_id: &str) -> EventRow<'a> {
    let event = &logged.event;
    EventRow {
        moment: logged.moment,
        state: logged.state(),
        direction: event.direction.as_deref(),
        number: event.phone_number.as_deref(),
        caller: event.caller_id.as_deref(),
        duration: event.duration,
        id: &logged.id,
        delivery_id: logged.delivery_id(webhook_id),
    }
}

/// How much it is, of when, and what to type to post it again.
fn summary(
    args: &MissedArgs,
    bounds: Bounds,
    accounts: &Accounts,
    losses: &[(&Account, &Loss)],
) -> (String, Option<String>) {
    let known: Vec<_> = losses.iter().filter(|(_, loss)| !loss.windows.is_empty()).collect();
    let count: usize = losses.iter().map(|(_, loss)| loss.events.len()).sum();
    let events = events(count);
    match (known.as_slice(), args.ids.as_slice()) {
        ([], []) => ("nothing is known to be missed".to_owned(), None),
        ([], ids) => {
            let typed: Vec<_> = ids.iter().map(|id| word(id)).collect();
            let since = accounts.command(&format!("missed {} --since TIME", typed.join(" ")));
            let ids = ids.join(", ");
            (format!("nothing is known to be missed by {ids}; what came since a time"), Some(since))
        }
        ([(account, loss)], _) => {
            let what = format!("{events} {}", stretch(&loss.windows));
            if count == 0 {
                return (what, None);
            }
            let since = if loss.beginning == Beginning::Known { "" } else { " --since TIME" };
            let id = if loss.is_rest { "".into() } else { word(&loss.webhook.id) };
            let again = account.command(&again(args, bounds, &id));
            let after = args.after.as_ref().map(|event| format!(" --after {}", word(event)));
            (what, Some(format!("{again}{since} --repost{}", after.unwrap_or_default())))
        }
        (several, _) => {
            let what = format!("{events} that {} webhooks have missed", several.len());
            if count == 0 {
                return (what, None);
            }
            let ids: Vec<_> = args.ids.iter().map(|id| word(id)).collect();
            let again = accounts.command(&again(args, bounds, &ids.join(" ")));
            (what, Some(format!("{again} --repost")))
        }
    }
}

/// What is said of calls that had begun when a gap did.
fn straddling(losses: &[(&Account, &Loss)]) -> Option<String> {
    let begun: BTreeSet<&str> = losses.iter().flat_map(|(_, loss)| loss.begun_before()).collect();
    match begun.len() {
        0 => None,
        1 => Some(
            "1 call began before the gap, and its earlier states may be missing here; --since shows them"
                .to_owned(),
        ),
        count => Some(format!(
            "{count} calls began before the gap, and their earlier states may be missing here; --since shows them"
        )),
    }
}

/// What is said of events that came before a last success, while others were still being tried.
pub fn doubtful<'a>(losses: impl Iterator<Item = &'a Loss>) -> Option<String> {
    let rest = "delivered: others were still being tried when the last success came";
    match losses.map(Loss::doubtful).sum() {
        0 => None,
        1 => Some(format!("1 of them may have been {rest}")),
        count => Some(format!("{count} of them may have been {rest}")),
    }
}

/// `7 events`.
#[must_use]
pub fn events(count: usize) -> String {
    match count {
        0 => "no events".to_owned(),
        1 => "1 event".to_owned(),
        _ => format!("{count} events"),
    }
}

/// `since 2026-01-02T00:00:00Z`, or `from … to …`.
#[must_use]
pub fn stretch(windows: &[Window]) -> String {
    let from = windows.first().map(|window| absolute(window.from)).unwrap_or_default();
    match windows.last().and_then(|window| window.to) {
        Some(to) => format!("from {from} to {}", absolute(to)),
        None => format!("since {from}"),
    }
}

/// What follows [`again`] so that it posts as `args` ask for, what comes after `after`.
#[must_use]
pub fn posting(args: &MissedArgs, after: Option<&str>) -> String {
    let mut command = match &args.post_to {
        Some(url) => format!(" --post-to {}", word(&mask_url(url.as_str()))),
        None => " --repost".to_owned(),
    };
    if let Some(file) = &args.signing_key_file {
        command.push_str(&format!(" --signing-key-file {}", word(&file.display().to_string())));
    }
    if let Some(after) = after {
        command.push_str(&format!(" --after {}", word(after)));
    }
    let flags = [(args.yes, " --yes"), (args.dry_run, " --dry-run")];
    command.extend(flags.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)));
    command
}

/// The command line that means the same webhooks and the same time.
#[must_use]
pub fn again(args: &MissedArgs, bounds: Bounds, ids: &str) -> String {
    let mut command = "missed".to_owned();
    if !ids.is_empty() {
        command.push_str(&format!(" {ids}"));
    } else if args.failed {
        command.push_str(" --failed");
    }
    if let Some(glob) = args.url.as_deref().filter(|_| ids.is_empty()) {
        command.push_str(&format!(" --url {}", word(glob)));
    }
    // A duration ago would be another time by then.
    let moments = [("since", bounds.since), ("until", bounds.until)];
    for (name, moment) in moments.into_iter().filter_map(|(name, moment)| Some((name, moment?))) {
        command.push_str(&format!(" --{name} {}", moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)));
    }
    command
}
