//! What became of a run of deliveries: a line each as it is decided, or one JSON object at the end; the exit status.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use url::Url;

use super::{Conclusion, Posted};
use crate::commands::Context;
use crate::delivery::Exhausted;
use crate::error::{Error, ExitStatus};
use crate::output::OutputError;
use crate::output::postings::{self, Row, Tone};
use crate::output::text::{state, width};
use crate::secret::mask_url;
use crate::services::facts::facts;
use crate::services::incoming::{Received, Summary};
use crate::settings::Format;
use crate::webhook::ServiceKind;
use crate::webhook::json::to_line;

/// Which delivery it is about, as far as it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Whose it is.
    pub service: Option<ServiceKind>,
    /// The state of its event, or its type.
    pub state: Option<String>,
    /// The id of its event.
    pub event_id: Option<String>,
    /// Its own id.
    pub delivery_id: Option<String>,
}

impl Subject {
    /// What a delivery says about itself.
    #[must_use]
    pub fn of(received: &Received<'_>) -> Self {
        let service = received.service();
        let event = Summary::of(service, received.payload());
        Self {
            service: Some(service),
            state: event.state.map(Cow::into_owned),
            event_id: event.id,
            delivery_id: received.clone().into_ids().delivery,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.state.as_deref().unwrap_or("?")
    }
}

/// The results of a run so far.
pub struct Report<'a> {
    context: &'a Context,
    url: &'a Url,
    results: Vec<(Subject, Posted)>,
    /// The width of the first column.
    width: usize,
}

/// The answer under `--json`. Its shape is a contract: additive changes only.
#[derive(Serialize)]
struct ReportView<'a> {
    url: &'a str,
    results: Vec<ResultView<'a>>,
    summary: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultView<'a> {
    state: Option<&'a str>,
    event_id: Option<&'a str>,
    delivery_id: Option<&'a str>,
    conclusion: &'static str,
    attempts: Vec<AttemptView<'a>>,
}

#[derive(Serialize)]
struct AttemptView<'a> {
    attempt: usize,
    status: Option<u16>,
    ms: u128,
    error: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// Nothing yet of the results for `subjects`, which are posted to `url`.
    #[must_use]
    pub fn new(context: &'a Context, url: &'a Url, subjects: &[Subject]) -> Self {
        let width = subjects.iter().map(|subject| width(&state(subject.name()))).max().unwrap_or_default();
        Self { context, url, results: Vec::new(), width }
    }

    /// Takes one more result, and tells it where results are told as they come.
    pub fn add(&mut self, subject: Subject, posted: Posted) -> Result<(), OutputError> {
        let output = &self.context.output;
        let text = match self.context.settings.format {
            Format::Json => None,
            Format::Jsonl => Some(to_line(&view(&subject, &posted)) + "\n"),
            _ => Some(postings::line(&row(&subject, &posted, self.width), output.table_style())),
        };
        let is_delivered = posted.conclusion == Conclusion::Delivered;
        self.results.push((subject, posted));
        match text {
            None => Ok(()),
            Some(text) if is_delivered => output.answer(&text),
            Some(text) => output.answer_anyway(&text),
        }
    }

    /// Whether nothing more can be posted.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.results.iter().any(|(_, posted)| posted.is_end())
    }

    /// Writes what is left to write. Fails with what ended the run, if something did.
    pub fn finish(mut self) -> Result<ExitStatus, Error> {
        let output = &self.context.output;
        let is_good = self.count(Conclusion::Delivered) == self.results.len();
        if self.context.settings.format == Format::Json {
            let json = self.json();
            if is_good { output.answer(&json)? } else { output.answer_anyway(&json)? }
        }
        output.notice(&self.summary());
        match self.results.iter_mut().find_map(|(_, posted)| posted.ended.take()) {
            Some(error) => Err(error),
            None if is_good => Ok(ExitStatus::Success),
            None => Ok(ExitStatus::Failure),
        }
    }

    fn count(&self, conclusion: Conclusion) -> usize {
        self.results.iter().filter(|(_, posted)| posted.conclusion == conclusion).count()
    }

    fn json(&self) -> String {
        let counts = Conclusion::ALL.map(|conclusion| (conclusion.name(), self.count(conclusion)));
        // Only VoIPBIN drops.
        let counts =
            counts.into_iter().filter(|(name, count)| *count > 0 || *name != Conclusion::WouldDrop.name());
        let summary = std::iter::once(("total", self.results.len())).chain(counts);
        let report = ReportView {
            url: &mask_url(self.url.as_str()),
            results: self.results.iter().map(|(subject, posted)| view(subject, posted)).collect(),
            summary: summary.map(|(name, count)| (name.to_owned(), count.into())).collect(),
        };
        to_line(&report) + "\n"
    }

    /// `2 delivered, 1 would mark failed, 1 not sent`.
    fn summary(&self) -> String {
        let counts = Conclusion::ALL.map(|conclusion| (conclusion, self.count(conclusion)));
        let told = counts.into_iter().filter(|(_, count)| *count > 0);
        let told: Vec<String> =
            told.map(|(conclusion, count)| format!("{count} {}", words(conclusion))).collect();
        told.join(", ")
    }
}

fn view<'a>(subject: &'a Subject, posted: &'a Posted) -> ResultView<'a> {
    let attempts = posted.attempts.iter().enumerate().map(|(index, attempt)| AttemptView {
        attempt: index + 1,
        status: attempt.status,
        ms: attempt.took.as_millis(),
        error: attempt.trouble.as_deref(),
    });
    ResultView {
        state: subject.state.as_deref(),
        event_id: subject.event_id.as_deref(),
        delivery_id: subject.delivery_id.as_deref(),
        conclusion: posted.conclusion.name(),
        attempts: attempts.collect(),
    }
}

fn row<'a>(subject: &'a Subject, posted: &'a Posted, width: usize) -> Row<'a> {
    let last = posted.attempts.last();
    let outcome = last.and_then(|last| match (&last.trouble, last.status) {
        (Some(trouble), _) => Some(trouble.clone()),
        (None, Some(status @ 300..)) => {
            let service = subject.service.map_or("the service", ServiceKind::title);
            Some(format!("{status} in {}, a success to {service}", span(last.took)))
        }
        (None, status) => status.map(|status| format!("{status} in {}", span(last.took))),
    });
    let time = match (posted.attempts.len(), posted.conclusion) {
        (0, _) | (1, Conclusion::Delivered) => None,
        (1, _) => Some(format!("in {}", span(posted.took))),
        (count, _) => Some(format!("{count} attempts in {}", span(posted.took))),
    };
    let exhausted = subject.service.map(|service| facts(service).rules.exhausted);
    let time = time.map(|time| match (posted.conclusion, exhausted) {
        (Conclusion::WouldRetry, Some(Exhausted::GoesOn { hours })) => {
            format!("{time}, then for up to {hours} h")
        }
        _ => time,
    });
    Row {
        state: subject.name(),
        width,
        conclusion: words(posted.conclusion),
        tone: match posted.conclusion {
            Conclusion::Delivered => Tone::Good,
            Conclusion::WouldMarkFailed | Conclusion::WouldDrop => Tone::Bad,
            Conclusion::WouldRetry | Conclusion::Undecided => Tone::Doubtful,
            Conclusion::NotSent => Tone::Idle,
        },
        outcome,
        time,
    }
}

/// A conclusion for people.
const fn words(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Delivered => "delivered",
        Conclusion::WouldRetry => "would retry",
        Conclusion::WouldMarkFailed => "would mark failed",
        Conclusion::WouldDrop => "would drop",
        Conclusion::Undecided => "undecided",
        Conclusion::NotSent => "not sent",
    }
}

/// `12 ms`, `2.0 s`, `50 s`.
#[must_use]
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_millis() {
        milliseconds @ ..1000 => format!("{milliseconds} ms"),
        1000..10_000 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_as_exact_as_anybody_reads_it() {
        let span = |milliseconds| span(Duration::from_millis(milliseconds));
        assert_eq!([span(0), span(12), span(999)], ["0 ms", "12 ms", "999 ms"]);
        assert_eq!([span(1000), span(2004), span(9949)], ["1.0 s", "2.0 s", "9.9 s"]);
        assert_eq!([span(10_000), span(50_499)], ["10 s", "50 s"]);
    }
}
