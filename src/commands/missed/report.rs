//! What became of the events that were posted again, and how the command ends with it: the lines, the JSON contract.

use serde::Serialize;

use super::super::Context;
use super::super::accounts;
use super::super::report;
use super::view::events;
use crate::error::{Error, ExitStatus, Kind};
use crate::output::ErrorView;
use crate::output::fold::folded;
use crate::output::text::inert;
use crate::settings::Format;
use crate::webhook::json::to_line;

/// What became of one event. The names are in the JSON contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered with 200 in time.
    Posted,
    /// Not answered so.
    Error,
    /// Its turn never came.
    Skipped,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Posted, Self::Error, Self::Skipped];

    const fn name(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// An event with what became of it.
pub struct Posted {
    /// The profile it was read with.
    pub profile: String,
    /// The webhook that missed it.
    pub webhook_id: String,
    /// Where it was posted to, as it is shown.
    pub url: String,
    /// The call.
    pub event_id: String,
    /// Its state.
    pub state: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was not delivered.
    pub error: Option<Error>,
}

/// A whole run.
pub struct Reposting {
    /// Whether nothing was posted.
    pub is_dry_run: bool,
    /// In the order in which they were posted.
    pub results: Vec<Posted>,
    /// What ended it before everything had its turn.
    pub ended: Option<Error>,
    /// What to type for each webhook that was not done with.
    pub go_on: Vec<String>,
}

/// The JSON of a run; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunView<'a> {
    dry_run: bool,
    results: Vec<PostedView<'a>>,
    summary: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostedView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    webhook_id: &'a str,
    event_id: &'a str,
    state: &'a str,
    outcome: &'static str,
    error: Option<ErrorView<'a>>,
}

impl Reposting {
    /// Writes what became of each event and says how the command ends; `failures` are the profiles that could not be read.
    pub fn conclude(
        self,
        context: &Context,
        is_several: bool,
        failures: Vec<(&str, Error)>,
    ) -> Result<ExitStatus, Error> {
        let failure = self.failure();
        let text = if context.settings.format.is_json() {
            self.json(context, is_several)
        } else {
            folded(&self.lines(is_several), context.output.table_style().width)
        };
        report::answer(&context.output, &text, failure.is_some() || !failures.is_empty())?;
        if self.results.is_empty() {
            context.output.notice("nothing is known to be missed, so there is nothing to post");
        }
        match failure {
            Some(error) if !failures.is_empty() => {
                context.output.error(&error.view());
                context.output.part_errors();
                accounts::conclude(context, failures, ExitStatus::Failure)
            }
            Some(error) => Err(error),
            None => accounts::conclude(context, failures, ExitStatus::Success),
        }
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.results.iter().filter(|posted| posted.outcome == outcome).count()
    }

    /// Why not everything was posted, and how to go on.
    fn failure(&self) -> Option<Error> {
        let total = self.results.len();
        let left = total - self.count(Outcome::Posted);
        let what = format!("{left} of {} were not posted", events(total));
        let error = match (&self.ended, left) {
            (None, 0) => return None,
            (Some(error), 0) => error.clone(),
            (Some(error), _) => error.clone().while_doing(format!("stopped early, {what}")),
            (None, _) => Error::new(Kind::Failure, what),
        };
        Some(match self.go_on.as_slice() {
            [] => error,
            [go_on] => error.hint(format!("go on with: {go_on}")),
            several => error.hint(format!("go on with each: {}", several.join("; "))),
        })
    }

    fn json(&self, context: &Context, is_several: bool) -> String {
        let views = self.results.iter().map(|posted| PostedView {
            profile: is_several.then_some(posted.profile.as_str()),
            webhook_id: &posted.webhook_id,
            event_id: &posted.event_id,
            state: &posted.state,
            outcome: posted.outcome.name(),
            error: posted.error.as_ref().map(Error::view),
        });
        let results: Vec<PostedView<'_>> = views.collect();
        if context.settings.format == Format::Jsonl {
            return results.iter().map(|result| format!("{}\n", to_line(result))).collect();
        }
        let counts =
            Outcome::ALL.iter().map(|outcome| (outcome.name().to_owned(), self.count(*outcome).into()));
        let total = ("total".to_owned(), self.results.len().into());
        let summary = std::iter::once(total).chain(counts).collect();
        format!("{}\n", to_line(&RunView { dry_run: self.is_dry_run, results, summary }))
    }

    /// A line for each; those whose turn never came are one line for each webhook.
    fn lines(&self, is_several: bool) -> String {
        let mut text = String::new();
        let mut results = self.results.iter().peekable();
        while let Some(posted) = results.next() {
            let mut event = posted.event();
            if posted.outcome == Outcome::Skipped {
                let is_next = |next: &&Posted| next.outcome == Outcome::Skipped && next.is_of(posted);
                let more = std::iter::from_fn(|| results.next_if(is_next)).count();
                event = if more > 0 { events(more + 1) } else { event };
            }
            if is_several {
                text.push_str(&format!("{}  ", posted.profile));
            }
            let outcome = if self.is_dry_run { "would post" } else { posted.outcome.name() };
            let (webhook, url) = (inert(&posted.webhook_id), inert(&posted.url));
            text.push_str(&format!("{outcome}  {event}  {webhook}  {url}"));
            if let Some(error) = &posted.error {
                text.push_str(&format!("  {}", inert(&error.sentence())));
                if let Some(hint) = &error.hint {
                    text.push_str(&format!(" (hint: {})", inert(hint)));
                }
            }
            text.push('\n');
        }
        text
    }
}

impl Posted {
    /// `ID:STATE`, inert.
    fn event(&self) -> String {
        format!("{}:{}", inert(&self.event_id), inert(&self.state))
    }

    /// Whether it is of the same webhook as `other`.
    fn is_of(&self, other: &Self) -> bool {
        self.profile == other.profile && self.webhook_id == other.webhook_id
    }
}
