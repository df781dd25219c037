//! Noting what webhooks have missed so far, before they are renewed: the next success moves `lastSuccess` on, and then the
//! service does not tell any more (design §5).
//!
//! A note that cannot be written stops nothing: to stay failed would be worse than not to know what is lost.

use std::cell::RefCell;
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Context;
use super::account::Account;
use super::accounts::Gathered;
use super::gap::gap_of;
use super::report::{self, Outcome, Report, Vocabulary};
use crate::error::{Error, ExitStatus};
use crate::files::lines::Durability;
use crate::gaps::{Action, Gap, Line};
use crate::output::text::word;
use crate::output::when::absolute;
use crate::webhook::Webhook;

/// The notes of one run.
pub struct Noting<'a> {
    context: &'a Context,
    account: &'a Account,
    /// By id: the gaps that the run notes, with the line that has no end yet.
    noted: RefCell<HashMap<String, Line>>,
}

impl<'a> Noting<'a> {
    /// None yet.
    #[must_use]
    pub fn new(context: &'a Context, account: &'a Account) -> Self {
        Self { context, account, noted: RefCell::default() }
    }

    /// Notes the gap of each of `webhooks` that has one, as they were listed at `now`, in one synced write.
    pub async fn note(&self, webhooks: impl Iterator<Item = &Webhook>, now: DateTime<Utc>) {
        let named = webhooks.filter(|webhook| !webhook.id.is_empty());
        let lines = named.filter_map(|webhook| Some(self.line(webhook, gap_of(webhook, now)?, now)));
        let lines: Vec<Line> = lines.collect();
        match self.append(&lines, Durability::Synced).await {
            Ok(()) => self.noted.borrow_mut().extend(lines.into_iter().map(|line| (line.id.clone(), line))),
            Err(error) => {
                let since =
                    lines.iter().filter_map(|line| line.earliest.or(line.from).or(line.created)).min();
                let since = since.map_or_else(|| "TIME".to_owned(), absolute);
                let id = match lines.as_slice() {
                    [line] => word(&line.id),
                    _ => "ID".into(),
                };
                let missed = self.account.command(&format!("missed {id} --since {since}"));
                let error = error.sentence();
                self.context.output.warning(&format!(
                    "cannot note what was missed until now ({error}); it will be shown by: {missed}"
                ));
            }
        }
    }

    /// `webhook` was renewed, by a reply that came at `date`: its gap has ended.
    pub async fn ended(&self, webhook: &Webhook, renewed: &Webhook, date: Option<DateTime<Utc>>) {
        let noted = self.noted.borrow().get(&webhook.id).cloned();
        let Some(noted) = noted.filter(|noted| noted.to.is_none()) else { return };
        // A reply that shows the webhook as it was says nothing about this renewal.
        let stated = renewed.renewed_at.filter(|at| webhook.renewed_at != Some(*at));
        let to = stated.or(date).unwrap_or_else(self.context.clock);
        let line = Line {
            action: Action::Ended,
            url: None,
            policy: None,
            is_signed: None,
            earliest: None,
            created: None,
            to: Some(to),
            ..noted
        };
        if let Err(error) = self.append(&[line], Durability::Written).await {
            self.context.output.notice(&format!(
                "until when {} missed events is not noted: {}",
                webhook.id,
                error.sentence()
            ));
        }
    }

    /// How to see what was lost, if a gap of anything that `report` has renewed ended with that.
    #[must_use]
    pub fn reminder(&self, report: &Report) -> Option<String> {
        let noted = self.noted.borrow();
        // A gap that had ended before was told of by whoever ended it.
        let is_ended = |id: &String| noted.get(id).is_some_and(|line| line.to.is_none());
        let is_back = |outcome: Outcome| matches!(outcome, Outcome::Renewed | Outcome::Delivered);
        let ended = report.results.iter().filter(|done| is_back(done.outcome) && is_ended(&done.id));
        let ids: Vec<&str> = ended.map(|done| done.id.as_str()).collect();
        let (whose, rest) = match ids.as_slice() {
            [] => return None,
            [id] => ("it", format!("missed {}", word(id))),
            _ => ("they", "missed".to_owned()),
        };
        Some(format!("what {whose} missed: {}", self.account.command(&rest)))
    }

    fn line(&self, webhook: &Webhook, gap: Gap, now: DateTime<Utc>) -> Line {
        Line {
            time: now,
            action: Action::Noted,
            service: self.account.service().name().to_owned(),
            base_url: self.account.base().to_owned(),
            profile: self.account.profile.clone(),
            user: webhook.user_id.clone(),
            id: webhook.id.clone(),
            url: Some(webhook.url.clone()),
            policy: webhook.metadata_policy.clone(),
            is_signed: Some(webhook.is_signed()),
            from: gap.from,
            earliest: gap.earliest,
            created: gap.created,
            to: gap.to,
            run: None,
        }
    }

    async fn append(&self, lines: &[Line], durability: Durability) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let store = self.account.gaps(self.context)?;
        Ok(store.append(lines, durability, &self.context.limits).await?)
    }
}

/// What became of the webhooks of each account, and its reminder.
pub type Reminding<'a> = Gathered<'a, (Report, Option<String>)>;

/// Writes the results of every account and says how the command ended; the reminders are told behind them.
pub fn conclude(
    context: &Context,
    gathered: Reminding<'_>,
    vocabulary: &Vocabulary,
    is_dry_run: bool,
    is_several: bool,
) -> Result<ExitStatus, Error> {
    let mut reminders = Vec::new();
    let answers = gathered.answers.into_iter().map(|(account, (report, reminder))| {
        reminders.extend(reminder);
        (account, report)
    });
    let gathered = Gathered { answers: answers.collect(), failures: gathered.failures };
    let ended = report::conclude_all(context, gathered, vocabulary, is_dry_run, is_several);
    for reminder in &reminders {
        context.output.notice(reminder);
    }
    ended
}
