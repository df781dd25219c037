//! The command tree. No logic: what a command does is in its own file of `commands`.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::commands::check::CheckArgs;
use crate::commands::completions::CompletionsArgs;
use crate::commands::create::CreateArgs;
use crate::commands::delete::DeleteArgs;
use crate::commands::doctor::DoctorArgs;
use crate::commands::event_types::EventTypesArgs;
use crate::commands::list::ListArgs;
use crate::commands::listen::ListenArgs;
use crate::commands::login::LoginArgs;
use crate::commands::logout::LogoutArgs;
use crate::commands::man::ManArgs;
use crate::commands::missed::MissedArgs;
use crate::commands::profiles::ProfilesArgs;
use crate::commands::prune_failed::PruneFailedArgs;
use crate::commands::renew::RenewArgs;
use crate::commands::replace::ReplaceArgs;
use crate::commands::restore::RestoreArgs;
use crate::commands::rotate::RotateArgs;
use crate::commands::sandbox::SandboxArgs;
use crate::commands::status::StatusArgs;
use crate::commands::trigger::TriggerArgs;
use crate::commands::update::UpdateArgs;
use crate::commands::verify::VerifyArgs;
use crate::commands::whoami::WhoamiArgs;
use crate::settings::{Flags, Purpose};

/// How long a command that gives one answer may take (design §1).
const ONE_ANSWER: Duration = Duration::from_mins(1);

/// Monitoring systems give a check a minute at most, and call one that they had to kill critical.
const CHECK: Duration = Duration::from_secs(30);

/// A batch in which nothing succeeded for this long ends (design §1).
const FRUITLESS: Duration = Duration::from_mins(10);

/// Keep call webhooks alive
///
/// vwh shows which call webhooks have stopped delivering, why and since when; it brings them back or clears them out. It
/// manages those of Vonage (VIS), Vonage Contact Center and VoIPBIN.
///
/// Try it without an account: vwh --sandbox list
#[derive(Debug, Parser)]
#[command(
    name = "vwh",
    version,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(max_term_width = 100, after_help = EXIT_CODES)]
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
#[expect(missing_docs, reason = "the documentation of the arguments is the help text")]
pub enum Command {
    #[command(flatten)]
    Webhooks(WebhookCommand),
    Check(CheckArgs),
    #[command(flatten)]
    Deliveries(DeliveryCommand),
    #[command(flatten)]
    Access(AccessCommand),
    Sandbox(SandboxArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// The commands that work on an account's webhooks.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the documentation of the arguments is the help text")]
pub enum WebhookCommand {
    #[command(visible_alias = "ls")]
    List(ListArgs),
    Status(StatusArgs),
    Create(CreateArgs),
    Update(UpdateArgs),
    Renew(RenewArgs),
    PruneFailed(PruneFailedArgs),
    Delete(DeleteArgs),
    Restore(RestoreArgs),
    Replace(ReplaceArgs),
    Rotate(RotateArgs),
    Missed(MissedArgs),
    EventTypes(EventTypesArgs),
}

/// The commands about single deliveries, for those who build receivers.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the documentation of the arguments is the help text")]
pub enum DeliveryCommand {
    Listen(Box<ListenArgs>),
    Trigger(TriggerArgs),
    Verify(VerifyArgs),
}

/// The commands about accounts and their tokens.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the documentation of the arguments is the help text")]
pub enum AccessCommand {
    Login(LoginArgs),
    Logout(LogoutArgs),
    Whoami(WhoamiArgs),
    Profiles(ProfilesArgs),
    Doctor(DoctorArgs),
}

/// How long a command may take, unless `--timeout` says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// So long in all.
    InAll(Duration),
    /// As long as something succeeds in every stretch of this length.
    BetweenSuccesses(Duration),
    /// Until somebody ends it.
    Endless,
}

impl Command {
    /// The limits of design §1.
    #[must_use]
    pub const fn patience(&self) -> Patience {
        match self {
            Self::Webhooks(
                WebhookCommand::List(_)
                | WebhookCommand::Status(_)
                | WebhookCommand::Create(_)
                | WebhookCommand::Update(_)
                | WebhookCommand::EventTypes(_),
            )
            | Self::Deliveries(DeliveryCommand::Verify(_))
            | Self::Access(_) => Patience::InAll(ONE_ANSWER),
            Self::Check(_) => Patience::InAll(CHECK),
            Self::Webhooks(_) | Self::Deliveries(DeliveryCommand::Trigger(_)) => {
                Patience::BetweenSuccesses(FRUITLESS)
            }
            Self::Deliveries(DeliveryCommand::Listen(_))
            | Self::Sandbox(_)
            | Self::Completions(_)
            | Self::Man(_) => Patience::Endless,
        }
    }

    /// What its settings are for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Access(AccessCommand::Login(_)) => Purpose::SigningIn,
            Self::Access(AccessCommand::Profiles(_)) => Purpose::Listing,
            _ => Purpose::Other,
        }
    }

    /// Whether it makes a difference to it which profile is named.
    #[must_use]
    pub const fn uses_profile(&self) -> bool {
        match self {
            Self::Webhooks(_) | Self::Check(_) | Self::Access(_) => true,
            Self::Deliveries(DeliveryCommand::Listen(args)) => args.registers(),
            Self::Deliveries(_) | Self::Sandbox(_) | Self::Completions(_) | Self::Man(_) => false,
        }
    }

    /// Whether it writes CSV, says itself that it has none, or has formats of its own.
    #[must_use]
    pub const fn knows_csv(&self) -> bool {
        matches!(
            self,
            Self::Webhooks(
                WebhookCommand::List(_)
                    | WebhookCommand::Status(_)
                    | WebhookCommand::Missed(_)
                    | WebhookCommand::EventTypes(_)
            ) | Self::Access(
                AccessCommand::Whoami(_) | AccessCommand::Profiles(_) | AccessCommand::Doctor(_)
            ) | Self::Check(_)
                | Self::Completions(_)
                | Self::Man(_)
        )
    }

    /// Whether Ctrl-C lets what is under way end first: whatever changes something must say what it did.
    #[must_use]
    pub const fn ends_gracefully(&self) -> bool {
        !matches!(
            self,
            Self::Webhooks(
                WebhookCommand::List(_) | WebhookCommand::Status(_) | WebhookCommand::EventTypes(_)
            ) | Self::Check(_)
                | Self::Deliveries(DeliveryCommand::Verify(_))
                | Self::Access(AccessCommand::Whoami(_) | AccessCommand::Doctor(_))
        )
    }
}
