//! `vwh login`: signs in with a user's password, or through the browser, and says whether that lasts unattended.

use clap::Args;
use url::Url;

use super::account::Account;
use super::accounts::several_named;
use super::standing::{self, Person};
use super::{Context, browser};
use crate::auth::endpoint::{Client, Grant};
use crate::auth::keeper::{Keeper, LogIn};
use crate::auth::sign_in::{self, SignIn, with_tenant};
use crate::auth::source::{Role, password_in};
use crate::auth::store::Credentials;
use crate::error::{Error, ExitStatus, Kind};
use crate::http::Authorize as _;
use crate::output::prompt::read_stdin;
use crate::output::when::absolute;
use crate::secret::Secret;
use crate::services::facts::{SignInBy, facts};
use crate::services::registration::Identity;
use crate::settings::{Connection, Place};

/// Sign in
///
/// VIS: by default with a user's name and password, which are asked for unless the profile or the environment brings them
/// (`VWH_USERNAME`, `VWH_PASSWORD`, `VWH_CLIENT_ID`, `VWH_CLIENT_SECRET`). What is stored is readable by you alone, and
/// never holds the password. Contact Center needs no login: vwh gets a token with client id and secret whenever it needs
/// one, and this tries it. VoIPBIN has none: its access key or JWT is brought.
#[derive(Args, Clone, Debug)]
pub struct LoginArgs {
    /// The user (VIS); @vbc.prod is appended where there is no @
    #[arg(long, value_name = "USER", conflicts_with = "way")]
    username: Option<String>,

    /// Read the password from stdin (VIS)
    #[arg(long, conflicts_with = "way")]
    password_stdin: bool,

    /// Sign in through the browser of this machine (VIS)
    #[arg(long, group = "way")]
    browser: bool,

    /// Sign in through a browser elsewhere: paste the address that it ends at (VIS)
    #[arg(long, group = "way")]
    no_browser: bool,

    /// Where the browser comes back to, as registered for the application
    #[arg(long, value_name = "URL", value_parser = browser::parse_redirect_uri, default_value = browser::REDIRECT_URI, requires = "way")]
    redirect_uri: Url,
}

/// Runs `vwh login`.
pub async fn run(args: &LoginArgs, context: &Context) -> Result<ExitStatus, Error> {
    let account = Account::connect(context, to_sign_in(context)?).await?;
    let Some(keeper) = account.tokens.keeper() else { return Err(nothing_to_sign_in("a token of its own")) };
    if matches!(keeper.sign_in().way, sign_in::Way::Client { .. }) {
        return by_itself(args, context, &account).await;
    }
    if args.browser || args.no_browser {
        let client = Details::gather(args, context, keeper, Way::Browser).await?;
        browser::log_in(
            args.browser,
            &args.redirect_uri,
            context,
            keeper,
            &client.client,
            client.keeps_secret,
        )
        .await?;
    } else {
        let details = Details::gather(args, context, keeper, Way::Password).await?;
        let grant = Grant::Password { username: &details.username, password: &details.password };
        let by = LogIn {
            grant: &grant,
            client: &details.client,
            keeps_secret: details.keeps_secret,
            is_unattended: details.is_unattended,
        };
        keeper.log_in(&by).await?;
    }
    let identity = identity(context, &account).await?;
    let person = Person::of(&account, identity, (context.clock)())?;
    context.output.answer(&standing::signed_in(context, &person))?;
    Ok(ExitStatus::Success)
}

/// The application signs in by itself whenever it has to. That it can is shown by doing it.
async fn by_itself(args: &LoginArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let profile = &account.profile;
    if args.username.is_some() || args.password_stdin || args.browser || args.no_browser {
        let text = format!("profile {profile} signs in as an application, not as a person");
        return Err(Error::new(Kind::Usage, text)
            .hint("leave the options out: client id and client secret are all it takes"));
    }
    account.tokens.token().await.map_err(Error::from)?;
    let person = Person::of(account, Identity::default(), (context.clock)())?;
    context.output.answer(&if context.settings.format.is_json() {
        format!("{}\n", person.json())
    } else {
        let until = person.expires_at.map(|end| format!("; its token lasts until {}", absolute(end)));
        let until = until.unwrap_or_default();
        format!(
            "profile {profile} signs in by itself with its client secret: nothing needs to be typed{until}\n"
        )
    })?;
    Ok(ExitStatus::Success)
}

/// The one connection of a command that works on one.
pub fn only_connection(context: &Context) -> Result<Connection, Error> {
    let chosen = context.settings.chosen()?;
    match chosen.connections.as_slice() {
        [(_, connection)] if !chosen.is_several => Ok(connection.clone()?),
        several => Err(several_named(several.first().map_or("NAME", |(profile, _)| profile))),
    }
}

/// The one connection, if it is one that is signed in to.
fn to_sign_in(context: &Context) -> Result<Connection, Error> {
    let connection = only_connection(context)?;
    if facts(connection.service).sign_in_by == SignInBy::Nobody && !matches!(connection.place, Place::Sandbox)
    {
        return Err(Error::new(
            Kind::Usage,
            format!(
                "vwh does not sign in to {}: an access key or a JWT is brought",
                connection.service.title()
            ),
        )
        .hint(if connection.is_named {
            "name it by token_file or token_command in the profile"
        } else {
            "set VWH_TOKEN to it, or name it by token_file or token_command in the profile"
        }));
    }
    match &connection.place {
        Place::Sandbox => {
            Err(nothing_to_sign_in("the sandbox")
                .hint("every command works in it as it is: vwh --sandbox list"))
        }
        Place::Remote { token, .. } => match standing::foreign_source(token) {
            None => Ok(connection),
            Some(source) => Err(nothing_to_sign_in(source)
                .hint(format!("{source} brings the token: take it away to sign in with vwh"))),
        },
    }
}

fn nothing_to_sign_in(source: &str) -> Error {
    Error::new(Kind::Usage, format!("there is nothing to sign in to with {source}"))
}

/// Who the new token belongs to. That the API refuses it is said; that it is unwell is no failure of the sign-in.
async fn identity(context: &Context, account: &Account) -> Result<Identity, Error> {
    match account.client.identity().await.map_err(Error::from) {
        Ok(identity) => Ok(identity),
        Err(error) if error.is_about_token() => {
            Err(error.while_doing("signed in, but the API refuses the token"))
        }
        Err(error) if error.kind == Kind::Interrupted => Err(error),
        Err(error) => {
            context
                .output
                .warning(&format!("signed in, but the API does not say as whom: {}", error.sentence()));
            Ok(Identity::default())
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Password,
    Browser,
}

/// What is sent to sign in.
struct Details {
    username: String,
    password: Secret,
    client: Client,
    keeps_secret: bool,
    is_unattended: bool,
}

impl Details {
    async fn gather(args: &LoginArgs, context: &Context, keeper: &Keeper, way: Way) -> Result<Self, Error> {
        let sign_in = keeper.sign_in();
        let stored = keeper.look().ok().flatten();
        let stored = stored.filter(|stored| stored.strangeness(sign_in).is_none()).unwrap_or_default();
        if args.password_stdin && context.output.terminals().stdin {
            return Err(Error::new(Kind::Usage, "--password-stdin would show the password on this terminal")
                .hint("drop --password-stdin to be asked for it, or pipe it in"));
        }
        let username = username(args, keeper, &stored)?;
        let is_by_password = way == Way::Password;
        let asks_username = is_by_password && username.is_none();
        let asks_password = is_by_password && !args.password_stdin && sign_in.password.is_none();
        let client_id = sign_in.client_id.clone().or(stored.client_id);
        let asks_secret = sign_in.client_secret.is_none() && stored.client_secret.is_none();
        let missing = [
            // A profile that is named takes no more than its secrets from the environment.
            (
                asks_username,
                if sign_in.is_named {
                    "the user name (--username, or username of the profile)"
                } else {
                    "the user name (--username or VWH_USERNAME)"
                },
            ),
            (
                client_id.is_none(),
                if sign_in.is_named {
                    "the client id (client_id of the profile)"
                } else {
                    "the client id (VWH_CLIENT_ID)"
                },
            ),
            (asks_secret, "the client secret (VWH_CLIENT_SECRET, or client_secret_file of a profile)"),
            (asks_password, "the password (--password-stdin or VWH_PASSWORD, or password_file of a profile)"),
        ];
        refuse_missing(context, sign_in, &missing)?;
        let username = match username {
            None if is_by_password => with_tenant(&ask(context, "user name").await?),
            username => username.unwrap_or_default(),
        };
        let id = match client_id {
            Some(id) => id,
            None => ask(context, "client id").await?,
        };
        let (secret, keeps_secret) = match (&sign_in.client_secret, stored.client_secret) {
            (Some(source), _) => (keeper.read(source, Role::ClientSecret).await?, !source.is_lasting()),
            (None, Some(secret)) => (secret, true),
            (None, None) => (ask_hidden(context, "client secret").await?, true),
        };
        let password = match (&sign_in.password, args.password_stdin) {
            _ if !is_by_password => Secret::new(""),
            (_, true) => from_stdin(context).await?,
            (Some(source), false) => keeper.read(source, Role::Password).await?,
            (None, false) => ask_hidden(context, &format!("password of {username}")).await?,
        };
        // A variable beside -p is for this login alone; whatever commands send, it is not that.
        let is_unattended = !args.password_stdin
            && sign_in.password.as_ref().is_some_and(|source| source.is_lasting() || !sign_in.is_named);
        Ok(Self { username, password, client: Client { id, secret }, keeps_secret, is_unattended })
    }
}

/// The user that flag, settings or the last sign-in name. A profile that names its user signs in nobody else: the token
/// would not be used.
fn username(args: &LoginArgs, keeper: &Keeper, stored: &Credentials) -> Result<Option<String>, Error> {
    let configured = keeper.sign_in().username.clone();
    let asked = args.username.as_deref().map(with_tenant);
    match (&asked, &configured) {
        (Some(asked), Some(configured)) if asked != configured => {
            let profile = &keeper.sign_in().profile;
            Err(Error::new(Kind::Usage, format!("profile {profile} is for {configured}, not for {asked}"))
                .hint("change its username or VWH_USERNAME, or use a profile of its own for the other user"))
        }
        _ => Ok(asked.or(configured).or_else(|| stored.username.clone())),
    }
}

/// Where nobody can be asked, what would be asked for is named all at once.
fn refuse_missing(context: &Context, sign_in: &SignIn, missing: &[(bool, &str)]) -> Result<(), Error> {
    let terminals = context.output.terminals();
    let can_ask = terminals.stdin && terminals.stderr && !context.settings.no_input;
    let missing: Vec<&str> =
        missing.iter().filter(|(is_missing, _)| *is_missing).map(|(_, what)| *what).collect();
    if missing.is_empty() || can_ask {
        return Ok(());
    }
    Err(Error::new(Kind::Confirmation, "there is nobody to ask for what is missing to sign in").hint(
        match sign_in.instead.first().filter(|_| sign_in.is_bare()) {
            Some(first) => {
                let all = sign_in.instead.join(", ");
                format!("no default_profile is set, so name one: vwh -p {first} login (configured: {all})")
            }
            None => format!("bring {}", missing.join("; ")),
        },
    ))
}

async fn ask(context: &Context, what: &str) -> Result<String, Error> {
    let answer = context.output.ask_line(Some(what), &context.limits).await?;
    if answer.is_empty() { Err(unanswered(what)) } else { Ok(answer) }
}

async fn ask_hidden(context: &Context, what: &str) -> Result<Secret, Error> {
    let answer = context.output.ask_secret(what, &context.limits).await?;
    if answer.reveal().is_empty() { Err(unanswered(what)) } else { Ok(answer) }
}

fn unanswered(what: &str) -> Error {
    Error::new(Kind::Confirmation, format!("no {what} was given, so nothing was sent"))
}

async fn from_stdin(context: &Context) -> Result<Secret, Error> {
    let Some(text) = read_stdin(&context.limits).await? else {
        return Err(Error::new(Kind::Unavailable, "no password came on stdin in time")
            .hint("pipe it in, or drop --password-stdin to be asked for it"));
    };
    password_in(text.reveal(), "the password on stdin")
        .map_err(|error| Error::from(error).of_kind(Kind::Usage))
}
