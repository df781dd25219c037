//! What was found out about deliveries: a line each, or a JSON object each; the exit status.

use std::collections::HashMap;

use serde::Serialize;

use crate::commands::Context;
use crate::commands::posting::report::Subject;
use crate::error::ExitStatus;
use crate::invocation::Invocation;
use crate::output::OutputError;
use crate::output::text;
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

    /// The same, its commands as they reach the connection of this run.
    fn retyped(self, invocation: &Invocation) -> Self {
        let retyped = |explanation: Explanation| Explanation {
            message: invocation.retype(&explanation.message),
            ..explanation
        };
        Self { explanation: self.explanation.map(retyped), ..self }
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
    /// The explanations that were given already, each with the delivery that it was given for.
    explained: HashMap<String, String>,
    /// Whether several keys were tried, so that the name of one says something.
    has_other_keys: bool,
    /// Whether nobody reads the answer any more: the exit status is asked for all the same.
    is_unread: bool,
}

/// More explanations than this are not remembered: a record may have any number of lines.
const MOST_EXPLAINED: usize = 100;

impl<'a> Report<'a> {
    /// Nothing yet.
    pub(super) fn new(context: &'a Context, has_other_keys: bool) -> Self {
        Self { context, counts: Vec::new(), explained: HashMap::new(), has_other_keys, is_unread: false }
    }

    /// Tells one more result, of this line of a record.
    pub(super) fn add(&mut self, line: Option<usize>, checked: Checked) -> Result<(), OutputError> {
        let checked = checked.retyped(self.context.settings.invocation_of(None));
        let verdict = checked.verdict();
        match self.counts.iter_mut().find(|(name, _)| *name == verdict) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((verdict, 1)),
        }
        if self.is_unread {
            return Ok(());
        }
        let output = &self.context.output;
        let shown = if self.context.settings.format.is_json() {
            to_line(&view(line, &checked)) + "\n"
        } else {
            let mut row = row(line, &checked, self.has_other_keys);
            self.explain_once(line, &mut row);
            verdicts::lines(&row, output.table_style())
        };
        let told = if verdict == "verified" { output.answer(&shown) } else { output.answer_anyway(&shown) };
        self.is_unread = matches!(told, Err(OutputError::BrokenPipe));
        if self.is_unread { Ok(()) } else { told }
    }

    /// What was said of another delivery is not said again.
    fn explain_once(&mut self, line: Option<usize>, row: &mut Row<'_>) {
        let Some(explanation) = &row.explanation else { return };
        if let Some(first) = self.explained.get(explanation) {
            row.explanation = Some(format!("as for {first}"));
        } else if self.explained.len() < MOST_EXPLAINED {
            let line = line.map(|line| format!("line {line}"));
            let Some(name) = row.id.map(text::id).or(line) else { return };
            self.explained.insert(explanation.clone(), name);
        }
    }

    /// Whether nothing was told.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The exit status: success only if everything is verified; else `explain` is what to type to see why, if that was not said.
    pub(super) fn finish(self, explain: Option<&str>) -> ExitStatus {
        let total: usize = self.counts.iter().map(|(_, count)| count).sum();
        if total > 1 {
            let told: Vec<String> =
                self.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
            self.context.output.notice(&told.join(", "));
        }
        if self.counts.iter().all(|(name, _)| *name == "verified") {
            return ExitStatus::Success;
        }
        if let Some(explain) = explain.filter(|_| !self.context.settings.format.is_json()) {
            self.context.output.notice(&format!("see why with: {explain}"));
        }
        ExitStatus::Failure
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

fn row(line: Option<usize>, checked: &Checked, has_other_keys: bool) -> Row<'_> {
    let Checked { subject, outcome, explanation } = checked;
    let details = match outcome {
        Outcome::Verified { key, form: Form::AsReceived } => {
            let mut details = vec![format!("key {key}  (bytes as received)"), format!("key {key}")];
            details.extend((!has_other_keys).then(String::new));
            details
        }
        Outcome::Verified { key, form } => {
            let form = match form {
                Form::CanonicalEscaped => "canonical form, escaped",
                _ => "canonical form",
            };
            vec![format!("key {key}  ({form})")]
        }
        // Nothing else tells which one it is.
        Outcome::Malformed(why) => {
            vec![line.map_or_else(|| why.clone(), |line| format!("line {line}: {why}"))]
        }
        // The verdict says it.
        Outcome::Refused(Flaw::Token(TokenFlaw::Expired)) => Vec::new(),
        Outcome::Refused(flaw @ Flaw::Token(_)) => vec![flaw.to_string()],
        Outcome::Refused(_) | Outcome::Unsigned => Vec::new(),
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
        details,
        explanation,
    }
}
