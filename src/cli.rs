//! The command tree. No logic: what a command does is in its own file of `commands`.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::commands::completions::CompletionsArgs;
use crate::commands::create::CreateArgs;
use crate::commands::delete::DeleteArgs;
use crate::commands::list::ListArgs;
use crate::commands::man::ManArgs;
use crate::commands::prune_failed::PruneFailedArgs;
use crate::commands::renew::RenewArgs;
use crate::commands::restore::RestoreArgs;
use crate::commands::sandbox::SandboxArgs;
use crate::commands::status::StatusArgs;
use crate::settings::Flags;

/// How long a command that gives one answer may take (design §1).
const ONE_ANSWER: Duration = Duration::from_mins(1);

/// Keep call webhooks alive
///
/// vwh shows which Vonage call webhooks have stopped delivering, why and since when; it brings them back or clears them
/// out. Try it without an account: vwh --sandbox list
#[derive(Debug, Parser)]
#[command(
    name = "vwh",
    version,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(disable_help_subcommand = true, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub flags: Flags,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the answer is no, or some items failed
  2    usage or configuration
  3    not signed in or not allowed
  4    not found
  5    unavailable, throttled or locked: try again later
  6    rejected by the service
  7    confirmation needed or declined
  70   internal: a reply that cannot be read, a file that cannot be written
  130  interrupted";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(visible_alias = "ls")]
    #[allow(missing_docs, reason = "the documentation of the arguments is the help text")]
    List(ListArgs),
    #[allow(missing_docs, reason = "as above")]
    Status(StatusArgs),
    #[allow(missing_docs, reason = "as above")]
    Create(CreateArgs),
    #[allow(missing_docs, reason = "as above")]
    Renew(RenewArgs),
    #[allow(missing_docs, reason = "as above")]
    PruneFailed(PruneFailedArgs),
    #[allow(missing_docs, reason = "as above")]
    Delete(DeleteArgs),
    #[allow(missing_docs, reason = "as above")]
    Restore(RestoreArgs),
    #[allow(missing_docs, reason = "as above")]
    Sandbox(SandboxArgs),
    #[allow(missing_docs, reason = "as above")]
    Completions(CompletionsArgs),
    #[allow(missing_docs, reason = "as above")]
    Man(ManArgs),
}

impl Command {
    /// The time limit unless one is given; `None` for batches and servers.
    #[must_use]
    pub const fn default_timeout(&self) -> Option<Duration> {
        match self {
            Self::List(_) | Self::Status(_) | Self::Create(_) => Some(ONE_ANSWER),
            _ => None,
        }
    }

    /// Whether Ctrl-C lets what is under way end first: whatever changes something must say what it did.
    #[must_use]
    pub const fn ends_gracefully(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Status(_))
    }
}
