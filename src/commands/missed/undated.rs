//! The refusal where something is to be posted and nobody knows since when it was missed: what to type for those webhooks, and
//! for the others.

use super::super::account::Account;
use super::MissedArgs;
use super::select::{Beginning, Bounds, Loss};
use super::view::{again, posting};
use crate::error::{Error, Kind};
use crate::output::text::word;
use crate::output::when::absolute;

/// Why what `losses` have missed cannot be posted; `None` if it is known since when they missed it.
pub fn refusal(args: &MissedArgs, account: &Account, bounds: Bounds, losses: &[Loss]) -> Option<Error> {
    let meant = losses.iter().filter(|loss| !loss.windows.is_empty());
    let (dated, undated): (Vec<&Loss>, Vec<&Loss>) =
        meant.partition(|loss| loss.beginning == Beginning::Known);
    if undated.is_empty() {
        return None;
    }
    let messages: Vec<String> = undated.iter().map(|loss| message(loss)).collect();
    let looks: Vec<String> =
        undated.iter().map(|loss| account.command(&since(loss, &posting(args, None)))).collect();
    let mut hint = format!("say since when, such as: {}", looks.join("; "));
    if !dated.is_empty() {
        let ids: Vec<_> = dated.iter().map(|loss| word(&loss.webhook.id)).collect();
        let others = format!("{}{}", again(args, bounds, &ids.join(" ")), posting(args, None));
        hint.push_str(&format!("; post the others with: {}", account.command(&others)));
    }
    Some(Error::new(Kind::Usage, messages.join("; ")).hint(hint))
}

fn message(loss: &Loss) -> String {
    let id = &loss.webhook.id;
    match loss.proven {
        Some(moment) => format!(
            "webhook {id} had no success before {}, so it is not known since when it had missed events",
            absolute(moment)
        ),
        None => {
            format!("webhook {id} never had a success, so it is not known since when it has missed events")
        }
    }
}

fn since(loss: &Loss, posting: &str) -> String {
    let since = loss.webhook.created_at.map_or_else(|| "TIME".to_owned(), absolute);
    format!("missed {} --since {since}{posting}", word(&loss.webhook.id))
}
