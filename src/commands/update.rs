//! `vwh update`: changes a webhook in place, where the service has a way to.

use clap::Args;
use url::Url;

use super::Context;
use super::account::Account;
use super::create::answer;
use super::destination::parse_url;
use super::registering;
use super::signing_key::{self, Key, KeyArgs};
use crate::error::{Error, ExitStatus, Kind};
use crate::output::text::word;
use crate::services::ability::{Ability, elsewhere};
use crate::services::check_update;
use crate::services::facts::facts;
use crate::services::registration::{Update, is_gone};
use crate::services::rules::{KeyWish, Wish};
use crate::webhook::Webhook;
use crate::webhook::json::Secrets;

/// Change a webhook in place (Contact Center, VoIPBIN)
///
/// What is not named stays as it is; --event takes the place of all events there are. On VoIPBIN the url alone can be changed.
/// `VWH_SIGNING_KEY` is not used here. Prints the id.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("state").multiple(false))]
#[command(mut_arg("unsigned", |unsigned| unsigned.hide(true)), after_long_help = elsewhere(Ability::Update))]
pub struct UpdateArgs {
    /// The webhook's whole id
    id: String,

    /// A new name, 3 to 128 characters (Contact Center)
    #[arg(long)]
    name: Option<String>,

    /// Where deliveries go from now on
    #[arg(long, value_parser = parse_url)]
    url: Option<Url>,

    /// Event to deliver, or a wildcard such as 'agent.*'; may be given several times (Contact Center)
    #[arg(long, value_name = "EVENT")]
    event: Vec<String>,

    /// Stop delivering (Contact Center)
    #[arg(long, group = "state")]
    pause: bool,

    /// Deliver again (Contact Center)
    #[arg(long, group = "state")]
    resume: bool,

    #[command(flatten)]
    key: KeyArgs,

    /// Let an http url of this machine through, for local work
    #[arg(long, requires = "url")]
    allow_http: bool,
}

impl UpdateArgs {
    /// The ids that it names.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        std::slice::from_ref(&self.id)
    }
}

/// Runs `vwh update`.
pub async fn run(args: &UpdateArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let service = account.service();
    let key = if args.key.is_given() { Some(signing_key::choose(&args.key, context).await?) } else { None };
    let is_state = args.pause || args.resume;
    if key.is_none() && !is_state && args.name.is_none() && args.url.is_none() && args.event.is_empty() {
        return Err(Error::new(Kind::Usage, "nothing is to be changed")
            .hint(format!("say what: {}", facts(service).changes)));
    }
    let wish = Wish {
        name: args.name.as_deref(),
        url: args.url.as_ref(),
        events: &args.event,
        names_policy: false,
        pauses: is_state,
        key: key.as_ref().map_or(KeyWish::Unsaid, Key::wish),
        allows_http: args.allow_http,
        replaces: false,
    };
    check_update(service, &wish).map_err(|refusal| registering::refused(refusal).about(args.ids()))?;
    if matches!(key, Some(Key::Unsigned)) {
        return Err(Error::new(Kind::Usage, "a signed webhook stays signed")
            .hint("give it another key with --generate-signing-key or --signing-key-file FILE"));
    }
    registering::warn(context, account, &wish);
    let key = key.map(|key| key.made(context, service)).transpose()?;
    let update = Update {
        name: args.name.clone(),
        url: args.url.as_ref().map(|url| url.as_str().to_owned()),
        events: Some(args.event.clone()).filter(|events| !events.is_empty()),
        is_enabled: is_state.then_some(args.resume),
        key: key.as_ref().and_then(Key::secret).cloned(),
        method: None,
    };
    let webhook = send(context, account, &args.id, &update, key.as_ref()).await?;
    if let Some(settling) = facts(service).settling {
        context.output.notice(settling);
    }
    warn_about_method(context, account, &webhook);
    let status = answer(context, account, &webhook, (context.clock)(), "updated")?;
    registering::warn_of_unlisted(context, account, &args.event).await;
    Ok(status)
}

/// A receiver of webhooks expects POST, and the url alone was changed.
fn warn_about_method(context: &Context, account: &Account, webhook: &Webhook) {
    let Some(method) = webhook.delivery_method().filter(|method| !method.eq_ignore_ascii_case("POST")) else {
        return;
    };
    let why = if webhook.method.is_some() { "" } else { ", because none is set" };
    let shown = webhook.shown_url(Secrets::Hide);
    let url = if shown == webhook.url { word(&shown) } else { "URL".into() };
    let create = account.command(&format!("create --replace --url {url}"));
    context.output.warning(&format!("it delivers by {method}{why}; POST is set by: {create}"));
}

/// A new key is on disk before it is sent: one that is lost cannot verify anything.
async fn send(
    context: &Context,
    account: &Account,
    id: &str,
    update: &Update,
    key: Option<&Key>,
) -> Result<Webhook, Error> {
    let key_file = key.map(Key::write).transpose()?.flatten();
    match account.client.update(id, update).await {
        Ok(webhook) => {
            if let Some(key) = key {
                key.show_once(context);
            }
            if let Some(file) = key_file {
                context.output.notice(&format!("the signing key is in {}", file.display()));
            }
            Ok(webhook)
        }
        Err(error) => {
            let (is_gone, is_in_doubt) = (is_gone(&error), error.is_in_doubt());
            let error = Error::from(error);
            // What was refused outright has not taken the key.
            match (key_file, error.status.is_some_and(|status| (400..500).contains(&status))) {
                (Some(file), true) => drop(fs_err::remove_file(file)),
                (None, false) => {
                    if let Some(key) = key {
                        key.show_once(context);
                    }
                }
                _ => {}
            }
            let url = update.url.as_deref().unwrap_or_default();
            let error = registering::rejected(error, account, url)
                .while_doing(format!("cannot update webhook {id:?}"));
            let list = account.command("list");
            Err(match (is_gone, is_in_doubt) {
                (true, _) => error.hint(format!("see the ids with: {list}")),
                (_, true) => error.hint(format!("look before you repeat it: {list}")),
                _ => error,
            })
        }
    }
}
