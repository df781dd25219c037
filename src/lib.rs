//! `vwh` keeps call webhooks alive: a command-line tool for operators of Vonage call webhooks.
//!
//! A run is three steps: parse (`cli`), resolve (`settings`), do (`commands`). The map, one look deep:
//!
//! - `cli`: the command tree; `commands`: one file a command, and what they share; `settings`: flag > environment > file
//! - `services`: one room a service (`vis`, `contact_center`, `voipbin`: wire types, client, rules, signature, deliveries), and
//!   what they have in common; `http`: the one `send` for API requests; `auth`: sign-in, and its store
//! - `delivery`: what services post, under which rules, and the one sender of it; `receiver`: what `listen` does with it
//! - `webhook`: what all webhooks have in common, health, the JSON contract; `journal`: what was removed or replaced; `gaps`:
//!   what was not delivered meanwhile
//! - `output`: the only writer; its renderers are pure; `error`: the only place that picks exit codes
//! - `sandbox`: a local server that behaves like the services, deliveries included; shares no code with the client
//! - `files`, `markup`, `network`, `quoting`, `secret`: private files and locks, bits of HTML and XML, proxy and certificates,
//!   words for a shell, values that must not be shown
//! - `limits`, `signals`, `arguments`, `invocation`: how long a run may take, what asks it to end, the command line as it was
//!   typed, and how a hint types the connection again
//!
//! Direction: `commands` use everything below; `services` use `http`, `delivery` and `webhook`, never back; `auth` uses
//! `http`, and `http` never `auth`; `sandbox` uses a service's wire, signature and delivery, `receiver` what they have in
//! common, and neither a client; lower modules have their own errors and never see `crate::error`.

mod arguments;
pub mod auth;
pub mod cli;
pub mod commands;
pub mod delivery;
pub mod error;
pub mod files;
pub mod gaps;
pub mod hexadecimal;
pub mod http;
pub mod invocation;
pub mod journal;
pub mod limits;
pub mod markup;
pub mod network;
pub mod output;
pub mod quoting;
pub mod receiver;
pub mod sandbox;
pub mod secret;
pub mod services;
pub mod settings;
mod signals;
pub mod webhook;

use std::ffi::OsString;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use chrono::Utc;
use clap::{CommandFactory as _, Parser as _};
use tokio::sync::watch;

use cli::{AccessCommand, Cli, Command, DeliveryCommand, Patience, WebhookCommand};
use commands::accounts::Accounts;
use commands::check::refused;
use commands::{
    Context, check, completions, create, delete, doctor, event_types, export, list, listen, login, logout,
    man, missed, profiles, prune_failed, renew, replace, restore, rotate, status, trigger, update, verify,
    whoami,
};
use error::{Error, ExitStatus, Kind};
use limits::Limits;
use output::progress::Progress;
use output::text::inert;
use output::{Output, Terminals, Wishes};
use services::ability::Ability;
use settings::environment::Environment;
use settings::{ColorChoice, Format, Settings};
use signals::Signals;
use webhook::json::Secrets;
use webhook::rewrite::is_unsafe;

/// Runs `vwh` with these arguments, program name first.
#[must_use]
pub fn run(args: &[OsString]) -> ExitCode {
    let wants_json = arguments::ask_for_json(args);
    let terminals = Terminals::of_process();
    let no_color = Environment::of_process().asks_for_no_color().then_some(false);
    let color = arguments::color(args).or(no_color);
    let plain = Output::new(Wishes { is_json: wants_json, color, ..Wishes::default() }, terminals);
    // clap repeats what was typed, and a script may have got that from anywhere.
    let is_inert = !args.iter().any(|arg| arg.to_string_lossy().chars().any(is_unsafe));
    let result = match Cli::try_parse_from(args).and_then(|cli| undivided(cli, args)) {
        Ok(cli) => resolve_and_do(&cli, terminals, plain),
        Err(error) if error.use_stderr() && refused::is_check(args, &Cli::command()) => {
            let first = inert_usage(&error).split("\n\n").next().unwrap_or_default().replace('\n', " ");
            let error = refusal(&first, "vwh check --help");
            Ok(check::unknown(&error, refused::format_is_json(args).unwrap_or(wants_json), &plain))
        }
        Err(error) => usage(&error, &plain, wants_json, is_inert),
    };
    error::exit_code(&result)
}

/// clap takes `-p` before the command and after it, and then forgets the former: a run as somebody else than was meant.
fn undivided(cli: Cli, args: &[OsString]) -> Result<Cli, clap::Error> {
    if arguments::profiles(args) <= cli.flags.profile.len() {
        return Ok(cli);
    }
    let message = "-p stands before the command and after it: give them all in one place";
    Err(Cli::command().error(clap::error::ErrorKind::ArgumentConflict, message))
}

/// Help and version are answers; anything else is an error in clap's own words.
fn usage(error: &clap::Error, plain: &Output, wants_json: bool, is_inert: bool) -> Result<ExitStatus, Error> {
    let text = error.render();
    if !error.use_stderr() {
        let text = if plain.colors_stdout() { text.ansi().to_string() } else { text.to_string() };
        let answered = plain.answer(&text).map(|()| ExitStatus::Success).map_err(Error::from);
        return answered.inspect_err(|error| report(error, plain));
    }
    let message = inert_usage(error);
    if wants_json {
        let failure = refusal(&message, "vwh --help");
        plain.error(&failure.view());
        return Err(failure);
    }
    let is_colored = is_inert && plain.colors_stderr();
    plain.usage(&if is_colored { text.ansi().to_string() } else { message + "\n" });
    Err(Error::new(Kind::Usage, "usage"))
}

fn inert_usage(error: &clap::Error) -> String {
    error.render().to_string().lines().map(inert).collect::<Vec<_>>().join("\n")
}

/// What clap said first, as an error of ours.
fn refusal(message: &str, hint: &str) -> Error {
    let message = message.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default().trim();
    Error::new(Kind::Usage, message).hint(hint)
}

/// A broken pipe is no failure: whoever read the output has seen enough.
fn report(error: &Error, output: &Output) {
    if error.kind != Kind::BrokenPipe {
        output.error(&error.view());
    }
}

fn resolve_and_do(cli: &Cli, terminals: Terminals, plain: Output) -> Result<ExitStatus, Error> {
    let environment = Environment::of_process();
    let invocation = settings::invocation(&cli.flags, &environment);
    let (result, output) = match settings(cli, &environment, &plain) {
        Ok(settings) => {
            let output = Output::new(wishes(&settings, &cli.command), terminals);
            output::trace::start(settings.verbosity);
            (start(&cli.command, settings, output), output)
        }
        Err(error) => (Err(error), plain),
    };
    match (&cli.command, result.map_err(|error| error.retyped(&invocation))) {
        (Command::Check(args), Err(error)) => {
            Ok(check::unknown(&error, args.writes_json(cli.flags.format()), &output))
        }
        (_, result) => result.inspect_err(|error| report(error, &output)),
    }
}

fn settings(cli: &Cli, environment: &Environment, plain: &Output) -> Result<Settings, Error> {
    let list = match &cli.command {
        Command::Webhooks(WebhookCommand::List(args)) => Some(args),
        _ => None,
    };
    if let Some(error) = export::misplaced(&cli.flags, list).or_else(|| idle_flag(cli)) {
        return Err(error);
    }
    let settings = Settings::resolve(&cli.flags, cli.command.purpose(), environment).map_err(Error::from);
    settings.inspect_err(|error| {
        if let Some(args) = list.filter(|_| cli.flags.output == Some(Format::Prometheus)) {
            write_down(args, plain, error);
        }
    })
}

/// Why a global flag would have no effect on the command.
fn idle_flag(cli: &Cli) -> Option<Error> {
    let names_profile = cli.flags.all_profiles || !cli.flags.profile.is_empty();
    let (message, hint) = match &cli.command {
        command if cli.flags.output == Some(Format::Csv) && !command.knows_csv() => {
            ("this command has no CSV", "--json is for scripts")
        }
        command if !names_profile || command.uses_profile() => return None,
        Command::Deliveries(_) => {
            ("this command uses no profile", "leave it out; --service says which service is meant")
        }
        _ => ("this command uses no profile", "leave it out"),
    };
    Some(Error::new(Kind::Usage, message).hint(hint))
}

/// Metrics say that something failed before there was any account; that they cannot be written is one more failure.
fn write_down(args: &list::ListArgs, output: &Output, error: &Error) {
    if let Err(error) = export::write_down(args, output, error) {
        report(&error, output);
    }
}

fn wishes(settings: &Settings, command: &Command) -> Wishes {
    let color = match settings.color {
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
        ColorChoice::Auto => settings.no_color.then_some(false),
    };
    Wishes {
        is_json: settings.format.is_json(),
        is_wide: settings.format == Format::Wide,
        color,
        columns: settings.columns,
        is_quiet: settings.is_quiet,
        is_verbose: settings.verbosity > 0,
        is_plugin: matches!(command, Command::Check(_)),
        secrets: if settings.show_secrets { Secrets::Show } else { Secrets::Hide },
    }
}

/// Runs `command` on a runtime of its own, until it ends or Ctrl-C ends it.
fn start(command: &Command, settings: Settings, output: Output) -> Result<ExitStatus, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Error::new(Kind::Internal, "cannot start").because(error.to_string()))?;
    let (interrupt, interrupted) = watch::channel(false);
    let limits = limits(command.patience(), settings.timeout, interrupted);
    let progress = Rc::new(Progress::new(output.terminals().stderr && output.shows_notices()));
    let context = Context {
        settings,
        output,
        limits: limits.clone(),
        progress,
        asking: tokio::sync::Mutex::default(),
        clock: Utc::now,
        random_bytes,
    };
    let is_graceful = command.ends_gracefully();
    let result = runtime.block_on(async {
        tokio::select! {
            biased;
            () = interruption(&interrupt, is_graceful, &limits) => Err(Error::new(Kind::Interrupted, "interrupted")),
            result = dispatch(command, &context) => result,
        }
    });
    // A thread that waits for a person's answer must not keep the program from ending.
    runtime.shutdown_background();
    result
}

/// A time limit that was asked for bounds the command besides, and never makes it more patient.
fn limits(patience: Patience, timeout: Option<Duration>, interrupted: watch::Receiver<bool>) -> Limits {
    match patience {
        Patience::InAll(usual) => Limits::new(timeout.or(Some(usual)), interrupted),
        Patience::Endless => Limits::new(timeout, interrupted),
        Patience::BetweenSuccesses(stretch) => {
            let limits = Limits::new(timeout, interrupted);
            limits.set_patience(stretch);
            limits
        }
    }
}

async fn dispatch(command: &Command, context: &Context) -> Result<ExitStatus, Error> {
    match command {
        Command::Check(args) => on_check(args, context).await,
        Command::Webhooks(command) => on_webhooks(command, context).await,
        Command::Deliveries(command) => on_deliveries(command, context).await,
        Command::Access(command) => on_access(command, context).await,
        Command::Sandbox(args) => commands::sandbox::run(args, context).await,
        Command::Completions(args) => completions::run(args, &context.output, Cli::command()),
        Command::Man(args) => man::run(args, &context.output, Cli::command()),
    }
}

/// The answer comes last: nothing may fail behind it, because there is to be one.
async fn on_check(args: &check::CheckArgs, context: &Context) -> Result<ExitStatus, Error> {
    let accounts = Accounts::connect(context).await?;
    let verdict = check::run(args, context, &accounts).await;
    // Whatever the end of the connection is like, it says nothing about the webhooks.
    let _ = accounts.leave().await;
    check::answer(&verdict, args.writes_json(context.settings.format_flag), &context.output)
}

async fn on_webhooks(command: &WebhookCommand, context: &Context) -> Result<ExitStatus, Error> {
    let accounts = Accounts::connect_able(context, ability(command)).await;
    let accounts = accounts.map_err(|error| error.about(ids(command))).inspect_err(|error| {
        if let (WebhookCommand::List(args), Format::Prometheus) = (command, context.settings.format) {
            write_down(args, &context.output, error);
        }
    })?;
    with_accounts(context, accounts, async |accounts| on_accounts(command, context, accounts).await).await
}

/// The webhooks that a command for some services alone is about, where it names them.
fn ids(command: &WebhookCommand) -> &[String] {
    match command {
        WebhookCommand::Renew(args) => args.ids(),
        WebhookCommand::Replace(args) => args.ids(),
        WebhookCommand::Rotate(args) => args.ids(),
        WebhookCommand::Update(args) => args.ids(),
        _ => &[],
    }
}

/// What a command needs that not every service has.
const fn ability(command: &WebhookCommand) -> Option<Ability> {
    match command {
        WebhookCommand::Renew(_) => Some(Ability::Renew),
        WebhookCommand::PruneFailed(_) => Some(Ability::PruneFailed),
        WebhookCommand::Replace(_) => Some(Ability::Replace),
        WebhookCommand::Rotate(_) => Some(Ability::Rotate),
        WebhookCommand::Update(_) => Some(Ability::Update),
        WebhookCommand::Missed(_) => Some(Ability::Missed),
        WebhookCommand::EventTypes(_) => Some(Ability::EventTypes),
        WebhookCommand::List(_)
        | WebhookCommand::Status(_)
        | WebhookCommand::Create(_)
        | WebhookCommand::Delete(_)
        | WebhookCommand::Restore(_) => None,
    }
}

async fn on_deliveries(command: &DeliveryCommand, context: &Context) -> Result<ExitStatus, Error> {
    match command {
        DeliveryCommand::Listen(args) => listen::run(args, context).await,
        DeliveryCommand::Trigger(args) => trigger::run(args, context).await,
        DeliveryCommand::Verify(args) => verify::run(args, context).await,
    }
}

async fn on_access(command: &AccessCommand, context: &Context) -> Result<ExitStatus, Error> {
    match command {
        AccessCommand::Login(args) => login::run(args, context).await,
        AccessCommand::Logout(args) => logout::run(args, context).await,
        AccessCommand::Whoami(args) => {
            let accounts = Accounts::connect(context).await?;
            with_accounts(context, accounts, async |accounts| whoami::run(args, context, accounts).await)
                .await
        }
        AccessCommand::Profiles(args) => profiles::run(args, context),
        AccessCommand::Doctor(args) => doctor::run(args, context).await,
    }
}

/// Does `work` with the accounts that the settings name, and ends their connections.
async fn with_accounts<F>(context: &Context, accounts: Accounts, work: F) -> Result<ExitStatus, Error>
where
    F: AsyncFnOnce(&Accounts) -> Result<ExitStatus, Error>,
{
    let result = work(&accounts).await;
    let left = accounts.leave().await;
    let result = result.and_then(|status| left.map(|()| status));
    // Whatever it failed with once it was told to stop, it was stopped.
    result.map_err(
        |error| if context.limits.is_interrupted() { error.of_kind(Kind::Interrupted) } else { error },
    )
}

async fn on_accounts(
    command: &WebhookCommand,
    context: &Context,
    accounts: &Accounts,
) -> Result<ExitStatus, Error> {
    match command {
        WebhookCommand::List(args) => list::run(args, context, accounts).await,
        WebhookCommand::Status(args) => status::run(args, context, accounts).await,
        WebhookCommand::Create(args) => create::run(args, context, accounts.only()?).await,
        WebhookCommand::Renew(args) => renew::run(args, context, accounts).await,
        WebhookCommand::PruneFailed(args) => prune_failed::run(args, context, accounts).await,
        WebhookCommand::Delete(args) => delete::run(args, context, accounts.only()?).await,
        WebhookCommand::Restore(args) => restore::run(args, context, accounts).await,
        WebhookCommand::Replace(args) => replace::run(args, context, accounts.only()?).await,
        WebhookCommand::Update(args) => update::run(args, context, accounts.only()?).await,
        WebhookCommand::EventTypes(args) => event_types::run(args, context, accounts.only()?).await,
        WebhookCommand::Missed(args) => missed::run(args, context, accounts).await,
        WebhookCommand::Rotate(args) => rotate::run(args, context, accounts.only()?).await,
    }
}

/// Ends when the command has to stop at once: at the first signal, or at the second where the first only asks.
async fn interruption(interrupt: &watch::Sender<bool>, is_graceful: bool, limits: &Limits) {
    let Ok(mut signals) = Signals::listen() else { return std::future::pending().await };
    signals.next().await;
    interrupt.send_replace(true);
    if is_graceful {
        signals.next().await;
    } else {
        tokio::select! {
            () = signals.next() => {}
            () = limits.nothing_vital() => {}
        }
    }
}

fn random_bytes(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(bytes).map_err(std::io::Error::other)
}
