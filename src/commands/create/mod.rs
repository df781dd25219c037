//! `vwh create`: registers a webhook, signed unless told otherwise, and never twice by accident.

mod twin;

use std::path::Path;

use chrono::{DateTime, Utc};
use clap::Args;
use url::Url;

use super::Context;
use super::account::{Account, Waiting};
use super::destination::{MetadataPolicy, parse_url};
use super::endpoint::Check;
use super::registering::{self, refused};
use super::signing_key::{self, Key, KeyArgs};
use super::slot;
use super::snapshot::Snapshot;
use crate::error::{Error, ExitStatus};
use crate::http::HttpError;
use crate::output::text::{inert, word};
use crate::output::when;
use crate::secret::mask_url;
use crate::services::check_create;
use crate::services::facts::facts;
use crate::services::registration::Definition;
use crate::services::rules::{KeyWish, Wish};
use crate::services::vis::delivery::Policy;
use crate::settings::Format;
use crate::webhook::json::{View, write_webhook};
use crate::webhook::{Health, ServiceKind, Webhook};
use twin::{Looking, Twin};

/// Register a webhook
///
/// Signs by default: without a key option with `VWH_SIGNING_KEY`, else with a new key that is shown once at a terminal. On
/// VIS the metadata policy is then `header`, because a signature only travels with `header` or `body`. Contact Center needs
/// --name and --event. VoIPBIN has room for one webhook, which gets every event and is signed with a key that VoIPBIN makes:
/// it takes no key option. Prints the new id.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Where deliveries go: an absolute https URL that the service can reach (VIS: http too)
    #[arg(long, value_parser = parse_url)]
    url: Url,

    /// Its name, 3 to 128 characters (Contact Center)
    #[arg(long)]
    name: Option<String>,

    /// Event to deliver: CALL on VIS; on Contact Center an event type, or a wildcard such as 'agent.*'; may be given several
    /// times
    #[arg(long, value_name = "EVENT")]
    event: Vec<String>,

    #[command(flatten)]
    key: KeyArgs,

    /// Whether ids and signature travel with a delivery, and how (VIS) [default: header if signed, else none]
    #[arg(long, value_name = "POLICY")]
    metadata_policy: Option<MetadataPolicy>,

    /// Register only if there is none with this url and events; renew it if it is failed, expired or expiring (VIS)
    ///
    /// VIS: that one with another key or policy is an error. Contact Center: its name does not matter, and one that is paused
    /// stays so. VoIPBIN: a webhook with another url is an error.
    #[arg(long)]
    if_absent: bool,

    /// First post a sample call to the url; register only if every event of it counts as delivered
    ///
    /// The events are signed with the key that is then registered. A receiver that verifies has to have it by then: bring
    /// your own with --signing-key-file, or let it read the file of --signing-key-out, which is written before the check
    /// and removed if that fails. To a receiver without the key, 401 is the right answer, and the check fails. Posting to a
    /// host that is not this machine asks first.
    #[arg(long)]
    check: bool,

    /// Do not ask
    #[arg(short, long, requires = "check")]
    yes: bool,

    /// Take the place of the webhook that is there (VoIPBIN); the old one is journalled first
    #[arg(long, conflicts_with = "if_absent")]
    replace: bool,

    /// Let an http url of this machine through, for local work (Contact Center, VoIPBIN)
    #[arg(long)]
    allow_http: bool,
}

/// Runs `vwh create`.
pub async fn run(args: &CreateArgs, context: &Context, account: &Account) -> Result<ExitStatus, Error> {
    let service = account.service();
    let key = chosen_key(args, context, service).await?;
    check_create(service, &wish(args, &key)).map_err(refused)?;
    let mut definition = definition(args, &key, service);
    warn(context, account, args, &definition, &key);
    let _lock = if args.if_absent { Some(account.lock(context, Waiting::Wait).await?) } else { None };
    if args.if_absent {
        let snapshot = Snapshot::take(context, account).await?;
        let looking = Looking {
            context,
            account,
            snapshot: &snapshot,
            url: &args.url,
            definition: &definition,
            key: &key,
        };
        if let Some(twin) = looking.twin().await? {
            let (webhook, outcome) = match twin {
                Twin::Unchanged(webhook) => (webhook, "unchanged"),
                Twin::Renewed(webhook) => (webhook, "renewed"),
            };
            return answer(context, account, &webhook, snapshot.now, outcome);
        }
    }
    let key = key.made(context, account.service())?;
    definition.key = key.secret().cloned();
    let signs = match (args.check, account.client.kind().makes_keys()) {
        (true, true) => account.client.own_key().await?.map_or(Key::Unsigned, Key::Given),
        _ => key.clone(),
    };
    let check = args.check.then(|| Check {
        url: &args.url,
        service,
        policy: Policy::named(&definition.metadata_policy),
        key: &signs,
        key_args: &args.key,
        is_yes: args.yes,
    });
    let replaced = if args.replace { slot::journal(context, account).await? } else { None };
    definition.replaces = replaced.as_ref().map(|replaced| replaced.url().to_owned());
    let status = create(context, account, &definition, &key, check).await?;
    registering::warn_of_unlisted(context, account, &args.event).await;
    if let Some(replaced) = replaced {
        replaced.note(context, account).await;
    }
    Ok(status)
}

/// A service that makes the key itself is asked for none, whatever the environment has for the others.
async fn chosen_key(args: &CreateArgs, context: &Context, service: ServiceKind) -> Result<Key, Error> {
    if service.makes_keys() && !args.key.is_given() {
        return Ok(Key::Unsigned);
    }
    signing_key::choose(&args.key, context).await
}

fn wish<'a>(args: &'a CreateArgs, key: &'a Key) -> Wish<'a> {
    let is_said = args.key.is_given() || !matches!(key, Key::Unsigned);
    Wish {
        name: args.name.as_deref(),
        url: Some(&args.url),
        events: &args.event,
        names_policy: args.metadata_policy.is_some(),
        pauses: false,
        key: if is_said { key.wish() } else { KeyWish::Unsaid },
        allows_http: args.allow_http,
        replaces: args.replace,
    }
}

fn definition(args: &CreateArgs, key: &Key, service: ServiceKind) -> Definition {
    let usual = match key {
        Key::Unsigned => MetadataPolicy::None,
        _ => MetadataPolicy::Header,
    };
    let events = match args.event.as_slice() {
        [] => facts(service).usual_events.iter().map(|event| (*event).to_owned()).collect(),
        events => events.to_vec(),
    };
    Definition {
        name: args.name.clone(),
        ..Definition::new(
            args.url.as_str().to_owned(),
            events,
            key.secret().cloned(),
            args.metadata_policy.unwrap_or(usual).wire_name().to_owned(),
        )
    }
}

async fn create(
    context: &Context,
    account: &Account,
    definition: &Definition,
    key: &Key,
    check: Option<Check<'_>>,
) -> Result<ExitStatus, Error> {
    // On disk before it is sent: a webhook whose key is lost can never be verified.
    let key_file = key.write()?;
    if let Some(check) = check
        && let Err(error) = check.run(context).await
    {
        discard(key_file);
        return Err(error);
    }
    let (webhook, date) = match account.client.create(definition).await {
        Ok(created) => created,
        Err(error) => {
            let may_exist = error.is_in_doubt();
            match key_file {
                None if may_exist => key.show_once(context),
                file if !may_exist => discard(file),
                Some(_) | None => {}
            }
            return Err(failure(account, definition, error, may_exist));
        }
    };
    let now = date.unwrap_or_else(context.clock);
    warn_about_reply(context, account, definition, &webhook, now);
    key.show_once(context);
    if let Some(file) = key_file {
        context.output.notice(&format!("the signing key is in {}", file.display()));
    }
    if facts(account.service()).covers_one_user {
        let user = webhook.user_id.as_deref().map(|user| format!(" {user}")).unwrap_or_default();
        context
            .output
            .notice(&format!("covers the calls of user{user} only; each user needs a webhook of their own"));
    }
    if let Some(settling) = facts(account.service()).settling {
        context.output.notice(settling);
    }
    answer(context, account, &webhook, now, "created")
}

/// A key that no webhook has is of no use.
fn discard(key_file: Option<&Path>) {
    if let Some(file) = key_file {
        let _ = fs_err::remove_file(file);
    }
}

fn failure(account: &Account, definition: &Definition, error: HttpError, may_exist: bool) -> Error {
    let url = mask_url(&definition.url).into_owned();
    let error = Error::from(error);
    if may_exist {
        let look = account.command(&format!("list --url '{url}'"));
        error
            .while_doing(format!("{url} may or may not be registered"))
            .hint(format!("look before you repeat it: {look}"))
    } else {
        registering::rejected(error, account, &url).while_doing(format!("cannot register {url}"))
    }
}

pub(super) fn answer(
    context: &Context,
    account: &Account,
    webhook: &Webhook,
    now: DateTime<Utc>,
    outcome: &'static str,
) -> Result<ExitStatus, Error> {
    let output = &context.output;
    match context.settings.format {
        Format::Json | Format::Jsonl => {
            let secrets = output.secrets();
            let mut view = View::new(webhook, &account.profile, Health::of(webhook, now), secrets);
            view.outcome = Some(outcome);
            let mut line = String::new();
            write_webhook(&mut line, webhook, &view, secrets);
            line.push('\n');
            output.answer(&line)?;
        }
        _ => {
            output.answer(&format!("{}\n", inert(&webhook.id)))?;
            output.notice(outcome);
        }
    }
    Ok(ExitStatus::Success)
}

fn warn(context: &Context, account: &Account, args: &CreateArgs, definition: &Definition, key: &Key) {
    let output = &context.output;
    if !matches!(key, Key::Unsigned) && definition.metadata_policy == "NONE" {
        output
            .warning("the key is never used: a signature only travels with --metadata-policy header or body");
    }
    key.warn(context);
    registering::warn(context, account, &wish(args, key));
}

/// A reply that differs from what was asked is worth a warning, and no more: the webhook is there.
pub(super) fn warn_about_reply(
    context: &Context,
    account: &Account,
    definition: &Definition,
    webhook: &Webhook,
    now: DateTime<Utc>,
) {
    let output = &context.output;
    if webhook.id.is_empty() {
        let list = account.command("list");
        output.warning(&format!("the service did not say which id it has; find it with: {list}"));
    }
    if webhook.url != definition.url {
        let url = mask_url(&webhook.url);
        output.warning(&format!("the service registered another url: {url}"));
    }
    if let Some(expire_at) = webhook.expire_at.filter(|expire_at| *expire_at <= now) {
        output.warning(&format!("it has expired already, at {}", when::absolute(expire_at)));
    }
    let policy = webhook.metadata_policy.as_deref().unwrap_or(&definition.metadata_policy);
    if account.service().has_policies() && !policy.eq_ignore_ascii_case(&definition.metadata_policy) {
        output.warning(&format!("the service chose another metadata policy: {policy}"));
    }
    if let Some(key) = &definition.key {
        if !webhook.is_signed() {
            output.warning("the service registered it without its key: its deliveries are not signed");
        } else if webhook.known_key().is_some_and(|registered| registered != key) {
            output.warning("the service registered another key than the one it was given");
        } else if webhook.known_key().is_none() && !account.service().returns_keys() {
            // It shows a key once, in the reply to its creation, and this is not that reply (cc §3).
            let update = format!("update {} --signing-key-file FILE", word(&webhook.id));
            let update = account.command(&update);
            output
                .warning(&format!("the service did not say that it has this key; make sure with: {update}"));
        }
    }
}
