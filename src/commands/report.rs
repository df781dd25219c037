//! What became of the items of a batch, and how the command ends with it: the lines, the JSON contract, the exit status.

use serde::Serialize;

use super::Context;
use super::accounts::{self, Gathered};
use crate::error::{Error, ExitStatus, Kind};
use crate::invocation::Invocation;
use crate::output::fold::folded;
use crate::output::text::inert;
use crate::output::{ErrorView, Output, OutputError};
use crate::services::facts::facts;
use crate::settings::Format;
use crate::webhook::json::{Secrets, to_line};
use crate::webhook::{ServiceKind, Webhook};

/// What became of one item. The names are in the JSON contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service removed it.
    Removed,
    /// The service renewed it.
    Renewed,
    /// It was renewed and has delivered since.
    Delivered,
    /// Registered again.
    Restored,
    /// An equal one is there already.
    Exists,
    /// Left alone on purpose.
    Spared,
    /// It was gone already.
    Gone,
    /// Another has taken its place.
    Replaced,
    /// The service changed it in place.
    Updated,
    /// It is still there beside its successor.
    Kept,
    /// It was as asked already.
    Unchanged,
    /// It failed.
    Error,
    /// Its turn never came.
    Skipped,
}

impl Outcome {
    /// The name in JSON and in lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Renewed => "renewed",
            Self::Delivered => "delivered",
            Self::Restored => "restored",
            Self::Exists => "exists",
            Self::Spared => "spared",
            Self::Gone => "gone",
            Self::Replaced => "replaced",
            Self::Updated => "updated",
            Self::Kept => "kept",
            Self::Unchanged => "unchanged",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }

    /// What a dry run says instead.
    const fn intent(self) -> &'static str {
        match self {
            Self::Removed => "would remove",
            Self::Renewed => "would renew",
            Self::Restored => "would restore",
            Self::Replaced => "would replace",
            Self::Kept => "would keep",
            other => other.name(),
        }
    }
}

/// An item with its outcome.
#[derive(Clone, Debug)]
pub struct Done {
    /// The id it was known by.
    pub id: String,
    /// Its url, as it is shown.
    pub url: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed, or why it was left alone.
    pub error: Option<Error>,
    /// The id it has now.
    pub new_id: Option<String>,
    /// The url it has now, as it is shown, if that is another.
    pub new_url: Option<String>,
}

impl Done {
    /// `webhook` with an outcome.
    #[must_use]
    pub fn new(webhook: &Webhook, outcome: Outcome) -> Self {
        Self {
            id: webhook.id.clone(),
            url: webhook.shown_url(Secrets::Hide),
            outcome,
            error: None,
            new_id: None,
            new_url: None,
        }
    }

    /// That failed.
    #[must_use]
    pub fn failed(webhook: &Webhook, error: Error) -> Self {
        Self { error: Some(error), ..Self::new(webhook, Outcome::Error) }
    }

    /// The same, its hint's commands as they reach the account that it belongs to.
    fn retyped(&self, invocation: &Invocation) -> Self {
        Self { error: self.error.clone().map(|error| error.retyped(invocation)), ..self.clone() }
    }

    /// Whether it was not done: it failed, it is half done, or it was gone where that is an error.
    fn has_failed(&self) -> bool {
        let is_gone_wrongly = self.outcome == Outcome::Gone && self.error.is_some();
        self.outcome == Outcome::Error || is_gone_wrongly || self.is_half_done()
    }

    /// Whether it is still there although it should have gone.
    fn is_half_done(&self) -> bool {
        self.outcome == Outcome::Kept && self.error.is_some()
    }
}

/// The results, and what ended the batch early.
pub struct Report {
    /// In the order of the items.
    pub results: Vec<Done>,
    /// Why not everything had its turn.
    pub ended: Option<Error>,
}

/// The JSON of a batch; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchView<'a> {
    dry_run: bool,
    results: Vec<ResultView<'a>>,
    summary: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    id: &'a str,
    url: &'a str,
    outcome: &'static str,
    error: Option<ErrorView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_url: Option<&'a str>,
}

/// What a command's batch is called and may end in.
pub struct Vocabulary {
    /// `remove`, for sentences.
    pub verb: &'static str,
    /// `removed`, likewise.
    pub done: &'static str,
    /// Every outcome that the command knows; each is counted in the summary, also when it is zero.
    pub outcomes: &'static [Outcome],
}

/// Writes the results of one account and says how the command ended.
pub fn conclude(
    context: &Context,
    report: &Report,
    vocabulary: &Vocabulary,
    is_dry_run: bool,
) -> Result<ExitStatus, Error> {
    let results: Vec<_> = report.results.iter().map(|done| (None, done)).collect();
    write(context, &results, vocabulary, is_dry_run, report.failure(vocabulary).is_some())?;
    report.failure(vocabulary).map_or(Ok(ExitStatus::Success), Err)
}

/// Writes the results of every account, together, and says how the command ended.
pub fn conclude_all(
    context: &Context,
    gathered: Gathered<'_, Report>,
    vocabulary: &Vocabulary,
    is_dry_run: bool,
    is_several: bool,
) -> Result<ExitStatus, Error> {
    if let (false, [(_, report)]) = (is_several, gathered.answers.as_slice()) {
        return conclude(context, report, vocabulary, is_dry_run);
    }
    let mut failures = gathered.failures;
    let mut results = Vec::new();
    for (account, report) in &gathered.answers {
        results.extend(report.results.iter().map(|done| (Some(account.profile.as_str()), done)));
        failures.extend(report.failure(vocabulary).map(|error| (account.profile.as_str(), error)));
    }
    write(context, &results, vocabulary, is_dry_run, !failures.is_empty())?;
    accounts::conclude(context, failures, ExitStatus::Success)
}

impl Report {
    /// Says how long it may take until what was changed takes effect, where that is worth saying.
    pub fn tell_settling(&self, context: &Context, service: ServiceKind) {
        let is_changed = |done: &Done| matches!(done.outcome, Outcome::Removed | Outcome::Restored);
        if let Some(settling) = facts(service).settling.filter(|_| self.results.iter().any(is_changed)) {
            context.output.notice(settling);
        }
    }

    /// Ends it early; the first reason is the one that is told.
    pub fn end(&mut self, reason: Error) {
        self.ended.get_or_insert(reason);
    }

    /// Why the batch did not do all that it was to do.
    fn failure(&self, vocabulary: &Vocabulary) -> Option<Error> {
        let failed = self.results.iter().filter(|done| done.has_failed()).count();
        let is_undone = |done: &&Done| done.outcome == Outcome::Skipped || done.is_half_done();
        let undone = self.results.iter().filter(is_undone).count();
        let total = self.results.len();
        match &self.ended {
            Some(error) if undone == 0 => Some(error.clone()),
            Some(error) => {
                let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
                Some(
                    error.clone().while_doing(format!("stopped early, {undone} of {total} not done{failed}")),
                )
            }
            None if failed > 0 => Some(Error::new(
                Kind::Failure,
                format!("{failed} of {total} webhooks could not be {}", vocabulary.done),
            )),
            None => None,
        }
    }
}

/// Writes what became of everything; where something has failed, under `--quiet` too.
pub fn answer(output: &Output, text: &str, has_failed: bool) -> Result<(), OutputError> {
    if !has_failed {
        return output.answer(text);
    }
    match output.answer_anyway(text) {
        // That nobody reads the lines does not make the failure one less.
        Err(OutputError::BrokenPipe) => Ok(()),
        written => written,
    }
}

/// The results, each with its profile where several were asked for.
type Results<'a> = [(Option<&'a str>, &'a Done)];

fn write(
    context: &Context,
    results: &Results<'_>,
    vocabulary: &Vocabulary,
    is_dry_run: bool,
    has_failed: bool,
) -> Result<(), Error> {
    let retyped =
        |(profile, done): &(Option<&str>, &Done)| done.retyped(context.settings.invocation_of(*profile));
    let retyped: Vec<Done> = results.iter().map(retyped).collect();
    let results: Vec<_> = results.iter().zip(&retyped).map(|((profile, _), done)| (*profile, done)).collect();
    let text = if context.settings.format.is_json() {
        json(context, &results, vocabulary, is_dry_run)
    } else {
        folded(&lines(&results, is_dry_run), context.output.table_style().width)
    };
    answer(&context.output, &text, has_failed)?;
    if results.is_empty() && !has_failed {
        context.output.notice(&format!("nothing to {}", vocabulary.verb));
    }
    Ok(())
}

fn json(context: &Context, results: &Results<'_>, vocabulary: &Vocabulary, is_dry_run: bool) -> String {
    let count = |outcome| results.iter().filter(|(_, done)| done.outcome == outcome).count();
    let views = results.iter().map(|(profile, done)| ResultView {
        profile: *profile,
        id: &done.id,
        url: &done.url,
        outcome: done.outcome.name(),
        error: done.error.as_ref().map(Error::view),
        new_id: done.new_id.as_deref(),
        new_url: done.new_url.as_deref(),
    });
    let views: Vec<ResultView<'_>> = views.collect();
    if context.settings.format == Format::Jsonl {
        return views.iter().map(|result| format!("{}\n", to_line(result))).collect();
    }
    let summary = std::iter::once(("total".to_owned(), results.len().into()))
        .chain(vocabulary.outcomes.iter().map(|outcome| (outcome.name().to_owned(), count(*outcome).into())));
    format!("{}\n", to_line(&BatchView { dry_run: is_dry_run, results: views, summary: summary.collect() }))
}

fn lines(results: &Results<'_>, is_dry_run: bool) -> String {
    let mut text = String::new();
    for (profile, done) in results {
        let word = if is_dry_run { done.outcome.intent() } else { done.outcome.name() };
        let id = if done.id.is_empty() { "(no id)".into() } else { inert(&done.id) };
        if let Some(profile) = profile {
            text.push_str(&format!("{profile}  "));
        }
        text.push_str(&format!("{word}  {id}"));
        if let Some(new_id) = done.new_id.as_ref().filter(|new_id| **new_id != done.id) {
            text.push_str(&format!(" -> {}", inert(new_id)));
        }
        text.push_str(&format!("  {}", inert(&done.url)));
        if let Some(new_url) = &done.new_url {
            text.push_str(&format!(" -> {}", inert(new_url)));
        }
        if let Some(error) = &done.error {
            text.push_str(&format!("  {}", inert(&error.sentence())));
            if let Some(hint) = &error.hint {
                text.push_str(&format!(" (hint: {})", inert(hint)));
            }
        }
        text.push('\n');
    }
    text
}
