//! The question before something is taken away, or posted to a host that is not this machine: when it is asked, what it
//! shows, and what happens where nobody can answer (design §2).

use super::Context;
use crate::error::{Error, Kind};
use crate::output::text::inert;
use crate::output::{Answer, Terminals};
use crate::webhook::Webhook;
use crate::webhook::json::Secrets;

/// What a command does where there is no terminal at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unattended {
    /// It goes ahead: it is made for cron.
    Proceeds,
    /// It needs `--yes`.
    NeedsYes,
}

/// How a confirmation came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Nobody was asked.
    Unasked,
    /// A person said yes, some time after the list was read.
    Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Proceed,
    Ask,
    Refuse,
}

fn way(terminals: Terminals, is_yes: bool, no_input: bool, unattended: Unattended) -> Way {
    match (terminals.stdin, terminals.stderr) {
        _ if is_yes => Way::Proceed,
        (true, true) if !no_input => Way::Ask,
        (false, false) if unattended == Unattended::Proceeds => Way::Proceed,
        _ => Way::Refuse,
    }
}

/// Whether a person can be asked.
#[must_use]
pub fn can_ask(context: &Context, is_yes: bool) -> bool {
    let terminals = context.output.terminals();
    way(terminals, is_yes, context.settings.no_input, Unattended::NeedsYes) == Way::Ask
}

/// Gets the consent to `verb` the `items` of `whose`.
pub async fn confirm(
    context: &Context,
    verb: &str,
    items: &[&Webhook],
    whose: &str,
    is_yes: bool,
    unattended: Unattended,
) -> Result<Confirmed, Error> {
    let shown = |webhook: &&Webhook| format!("{}  {}", webhook.id, webhook.shown_url(Secrets::Hide));
    let items: Vec<String> = items.iter().map(shown).collect();
    confirm_shown(context, verb, &items, whose, is_yes, unattended).await
}

/// The same for items that the command describes itself, in a line each.
pub async fn confirm_shown(
    context: &Context,
    verb: &str,
    items: &[String],
    whose: &str,
    is_yes: bool,
    unattended: Unattended,
) -> Result<Confirmed, Error> {
    let (noun, these) =
        if items.len() == 1 { ("webhook", "this webhook") } else { ("webhooks", "these webhooks") };
    let shown: String = items.iter().map(|item| format!("  {}\n", inert(item))).collect();
    let count = items.len();
    let asked = Asked {
        question: format!("{shown}{} {these} of {}?", capitalized(verb), inert(whose)),
        declined: "declined, nothing was changed",
        refusal: Error::new(
            Kind::Confirmation,
            format!("it is not confirmed that vwh may {verb} {count} {noun} of {whose}"),
        )
        .hint("--yes confirms it; --dry-run shows what would happen"),
    };
    consent(context, asked, is_yes, unattended).await
}

/// A question of yes or no, and what it means that nobody says yes.
pub struct Asked {
    /// The question, inert.
    pub question: String,
    /// What is said after a no.
    pub declined: &'static str,
    /// The error where nobody can be asked.
    pub refusal: Error,
}

/// Gets the consent that `asked` is about.
pub async fn consent(
    context: &Context,
    asked: Asked,
    is_yes: bool,
    unattended: Unattended,
) -> Result<Confirmed, Error> {
    match way(context.output.terminals(), is_yes, context.settings.no_input, unattended) {
        Way::Proceed => Ok(Confirmed::Unasked),
        Way::Refuse => Err(asked.refusal),
        Way::Ask => {
            let _turn = context.asking.lock().await;
            let _hidden = context.progress.hide();
            if context.limits.is_interrupted() {
                return Err(Error::new(Kind::Interrupted, "interrupted"));
            }
            match context.output.ask(&asked.question, &context.limits).await? {
                Answer::Yes => Ok(Confirmed::Asked),
                Answer::No => Err(Error::new(Kind::Confirmation, asked.declined)),
            }
        }
    }
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Unattended, Way, way};
    use crate::output::Terminals;

    #[test]
    fn it_asks_only_where_a_person_can_see_and_answer() {
        let both = Terminals { stdin: true, stdout: false, stderr: true };
        let none = Terminals { stdin: false, stdout: true, stderr: false };
        let one = Terminals { stdin: false, stdout: true, stderr: true };
        for unattended in [Unattended::Proceeds, Unattended::NeedsYes] {
            assert_eq!(way(both, false, false, unattended), Way::Ask);
            assert_eq!(way(both, false, true, unattended), Way::Refuse);
            assert_eq!(way(one, false, false, unattended), Way::Refuse);
            assert_eq!(way(one, true, true, unattended), Way::Proceed);
        }
        assert_eq!(way(none, false, false, Unattended::Proceeds), Way::Proceed);
        assert_eq!(way(none, false, true, Unattended::Proceeds), Way::Proceed);
        assert_eq!(way(none, false, false, Unattended::NeedsYes), Way::Refuse);
    }
}
