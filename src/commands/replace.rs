//! `vwh replace`: a webhook with another url, policy or key. The service cannot change one, so a changed copy takes its place.

use clap::Args;
use url::Url;

use super::Context;
use super::account::Account;
use super::destination::{MetadataPolicy, NewHost, parse_url};
use super::replacement;
use super::replacement::change::{Change, NewKey, NewUrl};
use super::replacement::request::{HowArgs, Request};
use super::report::{Outcome, Vocabulary};
use super::signing_key::{self, Key, KeyArgs};
use crate::error::{Error, ExitStatus, Kind};
use crate::services::ability::{Ability, elsewhere};

/// Every outcome of a replacement.
pub const OUTCOMES: &[Outcome] = &[
    Outcome::Replaced,
    Outcome::Updated,
    Outcome::Kept,
    Outcome::Unchanged,
    Outcome::Gone,
    Outcome::Error,
    Outcome::Skipped,
];

const VOCABULARY: Vocabulary = Vocabulary { verb: "replace", done: "replaced", outcomes: OUTCOMES };

/// Replace webhooks by changed copies (VIS)
///
/// VIS cannot change a webhook. So a changed copy is registered, seen listed, and then the old one is removed;
/// cut short anywhere, at least one of them is there, and the same command finishes it. A webhook keeps its key unless a key
/// option gives it another; `VWH_SIGNING_KEY` is not used here.
///
/// To repair a key that never travels: vwh replace ID --metadata-policy header
///
/// Outcomes: replaced, updated (the service changed it in place), kept (both are there), unchanged (it is as asked), gone
/// (replaced by an earlier run), error, skipped (its turn never came).
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(false))]
#[command(group = clap::ArgGroup::new("where").multiple(false))]
#[command(after_long_help = elsewhere(Ability::Replace))]
pub struct ReplaceArgs {
    /// Ids; at a terminal, or with --dry-run, a unique prefix of at least 4 characters will do
    #[arg(group = "which", value_name = "ID")]
    ids: Vec<String>,

    /// Those whose url matches; * and ? are wildcards
    #[arg(long, group = "which", value_name = "GLOB")]
    url: Option<String>,

    /// Where the deliveries of one webhook go from now on
    #[arg(long, group = "where", value_name = "URL", value_parser = parse_url)]
    new_url: Option<Url>,

    /// The host, or host:port, they go to from now on; scheme, path and query stay
    #[arg(long, group = "where", value_name = "HOST")]
    new_host: Option<NewHost>,

    /// Whether ids and signature travel with a delivery, and how
    #[arg(long, value_name = "POLICY")]
    metadata_policy: Option<MetadataPolicy>,

    #[command(flatten)]
    key: KeyArgs,

    #[command(flatten)]
    how: HowArgs,
}

impl ReplaceArgs {
    /// The ids that it names.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }
}

/// Runs `vwh replace`.
pub async fn run(args: &ReplaceArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let url = match (&args.new_url, &args.new_host) {
        (Some(url), _) => NewUrl::Whole(url.clone()),
        (None, Some(host)) => NewUrl::Host(host.clone()),
        (None, None) => NewUrl::Same,
    };
    let is_same = matches!(url, NewUrl::Same) && args.metadata_policy.is_none() && !args.key.is_given();
    if is_same {
        return Err(Error::new(Kind::Usage, "it is not said what is to be different")
            .hint("--new-url, --new-host, --metadata-policy, or a key option such as --signing-key-file"));
    }
    let key = if args.key.is_given() {
        new_key(signing_key::choose(&args.key, context).await?)
    } else {
        NewKey::Same
    };
    let request = Request {
        command: "replace",
        vocabulary: &VOCABULARY,
        ids: &args.ids,
        url: args.url.as_deref(),
        change: Change { url, policy: args.metadata_policy, key },
        key_file: args.key.out().cloned(),
        how: &args.how,
    };
    replacement::run(&request, context, account).await
}

/// What a key option means for a webhook that has a key already.
#[must_use]
pub fn new_key(key: Key) -> NewKey {
    match key {
        Key::Unsigned => NewKey::None,
        Key::Given(key) | Key::Generated { key, .. } => NewKey::Given(key),
        Key::ToGenerate { .. } => NewKey::ToMake,
    }
}
