//! `vwh list -o prometheus`: metrics on stdout, or in a file for the textfile collector.
//!
//! A file that a failed run left alone would go on saying `vwh_up 1`. So whatever fails, the file is written anew and says
//! 0; only an interrupt, which says nothing about the account, and a command line that is none leave it as it was.

use std::path::Path;

use super::Context;
use super::account::Account;
use super::accounts::{Accounts, Gathered, conclude, service_of};
use super::list::{ListArgs, Row, filtered};
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus, Kind};
use crate::files::{self, FileError};
use crate::journal::{Journal, Line, history};
use crate::output::Output;
use crate::output::prometheus::{Reading, Target, metrics};
use crate::output::text::inert;
use crate::output::webhooks::Entry;
use crate::settings::{Flags, Format};
use crate::webhook::{Health, ServiceKind, Webhook};

/// Why these flags do not go together; `list` is what `vwh list` was given, `None` for another command.
#[must_use]
pub fn misplaced(flags: &Flags, list: Option<&ListArgs>) -> Option<Error> {
    let is_asked_for = flags.output == Some(Format::Prometheus);
    let has_file = list.is_some_and(|args| args.out.is_some());
    let (message, hint) = if is_asked_for && list.is_none() {
        ("only list writes metrics", "vwh list -o prometheus")
    } else if has_file && !is_asked_for {
        ("--out is for metrics, and other formats were asked for", "vwh list -o prometheus --out FILE")
    } else if list.and_then(|args| args.out.as_deref()) == Some(Path::new("-")) {
        ("--out names a file, and - is none", "without --out the metrics go to stdout")
    } else if has_file && flags.show_secrets {
        ("--show-secrets and --out are both given, and everybody may read the file", "drop one of them")
    } else {
        return None;
    };
    Some(Error::new(Kind::Usage, message).hint(hint))
}

/// Runs `vwh list -o prometheus`.
pub(super) async fn run(
    args: &ListArgs,
    context: &Context,
    accounts: &Accounts,
) -> Result<ExitStatus, Error> {
    let gathered = accounts.gather(async |account| Snapshot::take(context, account).await).await;
    let mut rows = filtered(args, &gathered.answers);
    rows.sort_by_key(|row| (row.account, row.position));
    let webhooks: Vec<Webhook> =
        rows.iter().filter_map(|row| gathered.answers[row.account].1.at(row.position)).collect();
    let entry = |(webhook, row): (_, &Row)| {
        let (account, snapshot) = &gathered.answers[row.account];
        Entry { webhook, health: row.health, profile: &account.profile, now: snapshot.now }
    };
    let entries: Vec<Entry<'_>> = webhooks.iter().zip(&rows).map(entry).collect();
    let text = metrics(&targets(context, &gathered), &entries, context.output.secrets());
    let is_down = args.exit_code && rows.iter().any(|row| row.health.is_down());
    let status = if is_down { ExitStatus::Failure } else { ExitStatus::Success };
    write_and_conclude(args, context, accounts, gathered.failures, &text, status)
}

fn write_and_conclude(
    args: &ListArgs,
    context: &Context,
    accounts: &Accounts,
    mut failures: Vec<(&str, Error)>,
    text: &str,
    status: ExitStatus,
) -> Result<ExitStatus, Error> {
    if failures.iter().any(|(_, error)| error.kind == Kind::Interrupted) {
        return conclude(context, failures, status);
    }
    let has_failed = !failures.is_empty();
    let written = write(args.out.as_deref(), &context.output, text, has_failed);
    let written = written.or_else(|error| {
        // Whoever hung up is told by the exit code alone.
        if has_failed && error.kind == Kind::BrokenPipe { Ok(()) } else { Err(error) }
    });
    let concluded = match failures.pop() {
        Some((_, error)) if !accounts.is_several => Err(error),
        last => {
            failures.extend(last);
            conclude(context, failures, status)
        }
    };
    match (written, concluded) {
        (Ok(()), concluded) => concluded,
        (Err(error), Err(first)) => {
            context.output.error(&first.view());
            context.output.part_errors();
            Err(error)
        }
        (Err(error), Ok(_)) => Err(error),
    }
}

/// Writes that nothing could be read, because `error` came before any account.
pub fn write_down(args: &ListArgs, output: &Output, error: &Error) -> Result<(), Error> {
    if error.kind == Kind::Interrupted {
        return Ok(());
    }
    let text = metrics(&[Target { profile: "", service: "", reading: None }], &[], output.secrets());
    write(args.out.as_deref(), output, &text, true)
}

fn write(out: Option<&Path>, output: &Output, text: &str, has_failed: bool) -> Result<(), Error> {
    if let Some(path) = out {
        return files::publish(path, text.as_bytes()).map_err(|error| unwritten(path, error));
    }
    // A label's value is the service's text as it is; at a terminal it must not act.
    let shown = output.terminals().stdout.then(|| text.split('\n').map(inert).collect::<Vec<_>>().join("\n"));
    let text = shown.as_deref().unwrap_or(text);
    let written = if has_failed { output.answer_anyway(text) } else { output.answer(text) };
    written.map_err(Error::from)
}

fn unwritten(path: &Path, error: FileError) -> Error {
    let error = Error::from(error).while_doing(format!("cannot write {}", path.display()));
    match error.kind {
        Kind::Configuration => error.hint("name a file in a directory that exists and that you may write to"),
        _ => error,
    }
}

/// What is known of each profile, in order of their names.
fn targets<'a>(context: &Context, gathered: &'a Gathered<'a, Snapshot>) -> Vec<Target<'a>> {
    let journal = journal(context);
    let read = gathered.answers.iter().map(|(account, snapshot)| Target {
        profile: &account.profile,
        service: account.service().name(),
        reading: Some(reading(account, snapshot, journal.as_deref())),
    });
    let down = gathered.failures.iter().map(|(profile, _)| Target {
        profile,
        service: service_of(context, profile).map_or("", ServiceKind::name),
        reading: None,
    });
    let mut targets: Vec<Target<'_>> = read.chain(down).collect();
    targets.sort_by_key(|target| target.profile);
    targets
}

/// The journal's lines; without them only their counter is missing.
fn journal(context: &Context) -> Option<Vec<Line>> {
    let read = Journal::new(context.settings.state_directory().ok()?).read();
    let warn = |error: &FileError| {
        context
            .output
            .warning(&format!("vwh_removed_total is left out, the journal cannot be read: {error}"));
    };
    read.inspect_err(warn).ok()
}

fn reading(account: &Account, snapshot: &Snapshot, journal: Option<&[Line]>) -> Reading {
    let mut healths = Health::ALL.map(|health| (health, 0));
    for webhook in snapshot.webhooks() {
        let health = Health::of(&webhook, snapshot.now);
        for (_, count) in healths.iter_mut().filter(|(known, _)| *known == health) {
            *count += 1;
        }
    }
    let removed =
        journal.map(|lines| history::removed_total(lines, &|owner, profile| account.removes(owner, profile)));
    Reading { now: snapshot.now, healths, strangers: snapshot.strangers(), removed }
}
