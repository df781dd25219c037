//! Makes lines of what the receiver tells: reads each event for people, and keeps track of the calls. Runs on the thread
//! that writes them, since nobody else has time for it.

use crate::delivery::Answer;
use crate::output::Output;
use crate::output::deliveries::text::LineStyle;
use crate::output::deliveries::{DeliveryRow, EventCells, ForwardRow, RefusedRow, Totals, json, text};
use crate::output::feed::Lines;
use crate::receiver::{Answered, Counts, Delivered, Failure, Forwarded, Refused, Report, Verdict, is_taken};
use crate::services::facts::facts;
use crate::services::incoming::{Summary, identity};
use crate::services::vis::delivery::REPOSTED;
use crate::services::vis::delivery::event::State;
use crate::webhook::ServiceKind;

use super::calls::Calls;

/// Something to show.
pub(super) enum Shown {
    /// The receiver tells it.
    Report(Report),
    /// Nice to know.
    Notice(&'static str),
    /// The end, with how much there was of everything.
    End(Counts),
}

impl Shown {
    /// About how many bytes it holds on to.
    pub(super) fn bytes(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Report(Report::Delivery(delivered)) => {
                let ids = length(&delivered.ids.delivery) + length(&delivered.ids.webhook);
                // It may be a part of a body that is twice as long.
                2 * delivered.event.len() + ids + length(&delivered.synthetic)
            }
            Self::Report(Report::Forwarded(forwarded)) => {
                2 * forwarded.event.len() + length(&forwarded.delivery_id)
            }
            _ => 0,
        }
    }
}

/// Makes the lines.
pub(super) struct Show {
    output: Output,
    style: LineStyle,
    is_json: bool,
    /// The names of the keys, in their order.
    keys: Vec<String>,
    calls: Calls,
    not_shown: u64,
}

impl Show {
    pub(super) fn new(output: Output, is_json: bool, keys: Vec<String>) -> Self {
        let style = output.line_style();
        Self { output, style, is_json, keys, calls: Calls::default(), not_shown: 0 }
    }

    fn delivery(&mut self, delivered: &Delivered, out: &mut String) {
        let payload = std::str::from_utf8(&delivered.event).unwrap_or("{}");
        let known_by = if self.is_json { known_by(delivered) } else { None };
        // Whoever reads JSON reads the payload.
        let event = Summary::of(delivered.service, payload);
        let is_reposted = delivered.synthetic.as_deref() == REPOSTED.to_str().ok();
        let after = self.before(delivered, &event, is_reposted);
        let after = after.as_ref().map(State::name);
        let (key, form) = match delivered.verdict {
            Verdict::Verified(fitting) => (self.keys.get(fitting.key), Some(fitting.form.name())),
            Verdict::Unverified => (None, None),
        };
        let row = DeliveryRow {
            time: delivered.time,
            service: delivered.service.name(),
            verdict: delivered.verdict.name(),
            key: key.map(String::as_str),
            has_other_keys: self.keys.len() > 1,
            form,
            delivery_id: delivered.ids.delivery.as_deref(),
            identity: known_by.as_deref(),
            webhook_id: delivered.ids.webhook.as_deref(),
            attempt: delivered.ids.attempt,
            is_duplicate: delivered.is_duplicate,
            after: after.as_deref(),
            answered: status(delivered.answered),
            is_rehearsed: matches!(delivered.answered, Answered::Rehearsed(_)),
            synthetic: delivered.synthetic.as_deref(),
            is_reposted,
            // It may have no body.
            payload: if payload.is_empty() { "null" } else { payload },
        };
        if self.is_json {
            json::delivery(&row, out);
        } else {
            text::delivery(&row, cells(delivered.service, &event), self.style, out);
        }
    }

    /// The state before, where the one that is told does not follow it.
    fn before(&mut self, delivered: &Delivered, event: &Summary, is_reposted: bool) -> Option<State> {
        let Delivered { ids, is_duplicate, .. } = delivered;
        // Without an id, a call that is held again looks as if the first hold had been delivered twice (vis §8).
        let is_told = delivered.answered == Answered::Accepted && !(*is_duplicate && ids.delivery.is_some());
        let (Some(call), Some(state), true) = (&event.call, &event.step, is_told) else { return None };
        let is_again = *is_duplicate || is_reposted || ids.attempt.is_some_and(|attempt| attempt > 1);
        self.calls.note(ids.webhook.as_deref(), call, state, is_again).filter(|_| !is_duplicate)
    }

    fn refused(&self, refused: &Refused, out: &mut String) {
        let row = RefusedRow {
            time: refused.time,
            status: refused.reason.status(),
            reason: refused.reason.to_string(),
            from: refused.peer.to_string(),
            more: refused.more,
        };
        if self.is_json {
            json::refused(&row, out);
        } else {
            text::refused(&row, self.style, out);
        }
    }

    fn forwarded(&self, forwarded: &Forwarded, out: &mut String) {
        let outcome = match &forwarded.answer {
            Answer::Replied { status, .. } => Ok(*status),
            Answer::NoReply(reason) | Answer::OutOfReach(reason) => Err(reason.as_str()),
            Answer::TooManyRedirects => Err("too many redirects"),
        };
        let service = forwarded.service;
        let row = ForwardRow {
            time: forwarded.time,
            delivery_id: forwarded.delivery_id.as_deref(),
            outcome,
            is_taken: outcome.is_ok_and(|status| is_taken(service, status)),
            took: forwarded.took,
            limit: facts(service).rules.reply,
        };
        if self.is_json {
            return json::forward(&row, out);
        }
        let event = Summary::of(service, std::str::from_utf8(&forwarded.event).unwrap_or("{}"));
        text::forward(&row, cells(service, &event), self.style, out);
    }

    fn end(&self, counts: &Counts, out: &mut String) {
        let totals = Totals {
            accepted: counts.accepted,
            duplicates: counts.duplicates,
            refused: counts.refused,
            rehearsed: counts.rehearsed,
            forwarded: counts.forwarded,
            forward_failures: counts.forward_failures,
            not_forwarded: counts.not_forwarded,
            not_shown: self.not_shown,
        };
        if self.is_json {
            json::end(&totals, out);
        }
        self.output.notice(&text::summary(&totals));
    }
}

impl Lines<Shown> for Show {
    fn tell(&mut self, item: Shown, out: &mut String) {
        match item {
            Shown::Report(Report::Delivery(delivered)) => self.delivery(&delivered, out),
            Shown::Report(Report::Refused(refused)) => self.refused(&refused, out),
            Shown::Report(Report::Forwarded(forwarded)) => self.forwarded(&forwarded, out),
            Shown::Report(Report::RecordBroken(reason)) => self.output.warning(&format!(
                "cannot write the record: {reason}; deliveries are answered with 503 until it can be"
            )),
            Shown::Report(Report::RecordMended) => self.output.notice("the record can be written again"),
            Shown::Notice(text) => self.output.notice(text),
            Shown::End(counts) => self.end(&counts, out),
        }
    }

    fn speaks_aside(&self, item: &Shown) -> bool {
        match item {
            Shown::Report(report) => matches!(report, Report::RecordBroken(_) | Report::RecordMended),
            Shown::Notice(_) | Shown::End(_) => true,
        }
    }

    fn missed(&mut self, count: u64, out: &mut String) {
        self.not_shown += count;
        if self.is_json {
            json::missed(count, out);
        } else {
            text::missed(count, self.style, out);
        }
    }
}

/// What a delivery without an id is known again by.
fn known_by(delivered: &Delivered) -> Option<String> {
    let Delivered { service, ids, event, .. } = delivered;
    if ids.delivery.is_some() {
        return None;
    }
    identity(*service, ids, event).map(|identity| identity.text())
}

const fn status(answered: Answered) -> Option<u16> {
    match answered {
        Answered::Accepted => Some(200),
        Answered::Relayed(status) | Answered::Rehearsed(Failure::Status(status)) => Some(status),
        Answered::Rehearsed(Failure::Redirect) => Some(302),
        Answered::Rehearsed(Failure::Timeout) => None,
    }
}

fn cells(service: ServiceKind, event: &Summary) -> EventCells<'_> {
    EventCells {
        state: event.state.as_deref(),
        direction: event.direction.as_deref(),
        number: event.number.as_deref(),
        name: event.name.as_deref(),
        duration: event.duration,
        status: event.status.as_deref(),
        moment: event.moment,
        is_typed: !facts(service).tells_states,
    }
}
