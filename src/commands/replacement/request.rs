//! What `replace` and `rotate` ask for: which webhooks, what is to be different, and how it is done.

use std::path::PathBuf;

use clap::Args;

use super::super::lock::LockArgs;
use super::super::report::Vocabulary;
use super::change::Change;

/// How a replacement is done: options that `replace` and `rotate` share.
#[derive(Args, Clone, Copy, Debug)]
pub struct HowArgs {
    /// Leave the old ones too: every event then arrives twice until they are deleted
    #[arg(long)]
    pub(super) keep_old: bool,

    /// Show what would happen, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,

    #[command(flatten)]
    pub(super) lock: LockArgs,
}

/// What `replace` and `rotate` ask for.
pub struct Request<'a> {
    /// The command's name.
    pub command: &'static str,
    /// Its words.
    pub vocabulary: &'static Vocabulary,
    /// The ids that were named.
    pub ids: &'a [String],
    /// Else those whose url matches.
    pub url: Option<&'a str>,
    /// What is to be different.
    pub change: Change,
    /// The new file that is to keep a key that vwh makes.
    pub key_file: Option<PathBuf>,
    /// How it is done.
    pub how: &'a HowArgs,
}
