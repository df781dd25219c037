//! What was found out about deliveries: a line each, or a JSON object each; the exit status.

use serde::Serialize;

use crate::commands::Context;
use crate::commands::posting::report::Subject;
use crate::error::ExitStatus;
use crate::output::OutputError;
use crate::output::verdicts::{self, Row};
use crate::services::facts::facts;
use crate::services::incoming::{Flaw, Form, Received, TokenFlaw};
use crate::webhook::ServiceKind;
use crate::webhook::json::to_line;

/// What a signature is worth.
pub(super) enum Outcome {
    /// It fits this key.
    Verified {
        /// What the key is called.
        key: String,
        /// Which text it is of.
        form: Form,
    },
    /// It fits no key, or it is not believed.
    Refused(Flaw),
    /// There is none.
    Unsigned,
    /// It is no delivery, for this reason.
    Malformed(String),
}

/// Why it does not verify.
#[derive(Serialize)]
pub(super) struct Explanation {
    /// The names of what goes wrong; empty if that is not known.
    pub(super) causes: Vec<&'static str>,
    /// A sentence.
    pub(super) message: String,
    /// The key that fits then.
    pub(super) key: Option<String>,
}

impl Explanation {
    /// One without a cause.
    pub(super) fn plain(message: impl Into<String>) -> Self {
        Self { causes: Vec::new(), message: message.into(), key: None }
    }
}

/// One delivery and what was found out about it.
pub(super) struct Checked {
    subject: Subject,
    outcome: Outcome,
    explanation: Option<Explanation>,
}

impl Checked {
    /// What `outcome` says about `received`.
    pub(super) fn of(received: &Received<'_>, outcome: Outcome) -> Self {
        Self { subject: Subject::of(received), outcome, explanation: None }
    }

    /// No delivery at all.
    pub(super) fn malformed(why: String) -> Self {
        Self { subject: Subject::default(), outcome: Outcome::Malformed(why), explanation: None }
    }

    /// The same with an explanation.
    pub(super) fn because(self, explanation: Option<Explanation>) -> Self {
        Self { explanation, ..self }
    }

    fn verdict(&self) -> &'static str {
        match self.outcome {
            Outcome::Verified { .. } => "verified",
            Outcome::Refused(Flaw::Token(TokenFlaw::Expired)) => "expired",
            Outcome::Refused(_) => "forged",
            Outcome::Unsigned => "unsigned",
            Outcome::Malformed(_) => "malformed",
        }
    }
}

/// The answer under `--json`. Its shape is a contract: additive changes only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    verdict: &'static str,
    key: Option<&'a str>,
    form: Option<&'static str>,
    service: Option<&'static str>,
    state: Option<&'a str>,
    event_id: Option<&'a str>,
    delivery_id: Option<&'a str>,
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
}

/// The results of a run so far.
pub(super) struct Report<'a> {
    context: &'a Context,
    /// How many there are of each verdict, in the order in which they came up first.
    counts: Vec<(&'static str, usize)>,
}

impl<'a> Report<'a> {
    /// Nothing yet.
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, counts: Vec::new() }
    }

    /// Tells one more result, of this line of a record.
    pub(super) fn add(&mut self, line: Option<usize>, checked: &Checked) -> Result<(), OutputError> {
        let verdict = checked.verdict();
        match self.counts.iter_mut().find(|(name, _)| *name == verdict) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((verdict, 1)),
        }
        let output = &self.context.output;
        let text = if self.context.settings.format.is_json() {
            to_line(&view(line, checked)) + "\n"
        } else {
            verdicts::lines(&row(line, checked), output.table_style())
        };
        if verdict == "verified" { output.answer(&text) } else { output.answer_anyway(&text) }
    }

    /// Whether nothing was told.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The exit status: success only if everything is verified.
    pub(super) fn finish(self) -> ExitStatus {
        let total: usize = self.counts.iter().map(|(_, count)| count).sum();
        if total > 1 {
            let told: Vec<String> =
                self.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
            self.context.output.notice(&told.join(", "));
        }
        let is_good = self.counts.iter().all(|(name, _)| *name == "verified");
        if is_good { ExitStatus::Success } else { ExitStatus::Failure }
    }
}

fn view(line: Option<usize>, checked: &Checked) -> View<'_> {
    let Checked { subject, outcome, explanation } = checked;
    let (key, form) = match outcome {
        Outcome::Verified { key, form } => (Some(key.as_str()), Some(form.name())),
        _ => (None, None),
    };
    View {
        line,
        verdict: checked.verdict(),
        key,
        form,
        service: subject.service.map(ServiceKind::name),
        state: subject.state.as_deref(),
        event_id: subject.event_id.as_deref(),
        delivery_id: subject.delivery_id.as_deref(),
        error: match outcome {
            Outcome::Malformed(why) => Some(why.clone()),
            Outcome::Refused(flaw @ Flaw::Token(_)) => Some(flaw.to_string()),
            _ => None,
        },
        explanation: explanation.as_ref(),
    }
}

fn row(line: Option<usize>, checked: &Checked) -> Row<'_> {
    let Checked { subject, outcome, explanation } = checked;
    let detail = match outcome {
        Outcome::Verified { key, form } => {
            let form = match form {
                Form::AsReceived => "bytes as received",
                Form::Canonical => "canonical form",
                Form::CanonicalEscaped => "canonical form, escaped",
            };
            Some(format!("key {key}  ({form})"))
        }
        // Nothing else tells which one it is.
        Outcome::Malformed(why) => {
            Some(line.map_or_else(|| why.clone(), |line| format!("line {line}: {why}")))
        }
        Outcome::Refused(flaw @ Flaw::Token(_)) => Some(flaw.to_string()),
        Outcome::Refused(_) | Outcome::Unsigned => None,
    };
    let explanation = explanation.as_ref().map(|explanation| match &explanation.key {
        Some(key) => format!("{} (key {key})", explanation.message),
        None => explanation.message.clone(),
    });
    Row {
        verdict: checked.verdict(),
        is_good: matches!(outcome, Outcome::Verified { .. }),
        state: subject.state.as_deref(),
        is_typed: subject.service.is_some_and(|service| !facts(service).tells_states),
        id: subject.delivery_id.as_deref().or(subject.event_id.as_deref()),
        detail,
        explanation,
    }
}
