//! `vwh rotate`: gives webhooks a new key, and is `replace` with nothing else.

use clap::Args;

use super::Context;
use super::account::Account;
use super::replace::{OUTCOMES, new_key};
use super::replacement;
use super::replacement::change::{Change, NewUrl};
use super::replacement::request::{HowArgs, Request};
use super::report::Vocabulary;
use super::signing_key::{self, KeyArgs};
use crate::error::{Error, ExitStatus, Kind};
use crate::output::text::word;
use crate::services::ability::{Ability, elsewhere};

const VOCABULARY: Vocabulary = Vocabulary { verb: "rotate", done: "rotated", outcomes: OUTCOMES };

/// Give webhooks a new signing key (VIS)
///
/// Without a key option the new key is `VWH_SIGNING_KEY`; else one is made for all, and kept or shown before it is used. As
/// VIS cannot change a webhook, a copy with the new key is registered, seen listed, and then the old one is removed;
/// cut short anywhere, at least one of them is there, and the same command finishes it. The journal does not keep the old
/// key. With --keep-old receivers can learn the new key while the old one still signs as well.
///
/// Outcomes: replaced, updated (the service changed it in place), kept (both are there), unchanged (it has this key), gone
/// (replaced by an earlier run), error, skipped (its turn never came).
#[derive(Args, Clone, Debug)]
#[command(mut_arg("unsigned", |unsigned| unsigned.hide(true)), after_long_help = elsewhere(Ability::Rotate))]
pub struct RotateArgs {
    /// Ids; at a terminal, or with --dry-run, a unique prefix of at least 4 characters will do
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,

    #[command(flatten)]
    key: KeyArgs,

    #[command(flatten)]
    how: HowArgs,
}

impl RotateArgs {
    /// The ids that it names.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }
}

/// Runs `vwh rotate`.
pub async fn run(args: &RotateArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    if args.key.is_unsigned() {
        let ids: Vec<_> = args.ids.iter().map(|id| word(id)).collect();
        let replace = account.command(&format!("replace {} --unsigned", ids.join(" ")));
        return Err(Error::new(Kind::Usage, "a rotation gives a new key")
            .hint(format!("to do without one: {replace}")));
    }
    let key = new_key(signing_key::choose(&args.key, context).await?);
    let request = Request {
        command: "rotate",
        vocabulary: &VOCABULARY,
        ids: &args.ids,
        url: None,
        change: Change { url: NewUrl::Same, policy: None, key },
        key_file: args.key.out().cloned(),
        how: &args.how,
    };
    replacement::run(&request, context, account).await
}
