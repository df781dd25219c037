//! `vwh listen`: a local receiver that verifies, de-duplicates, prints, records and forwards (design §6). What is done with
//! a delivery is `receiver`'s; here it is set up, shown and ended.

mod arguments;
mod calls;
mod keys;
mod leftover;
mod registration;
mod show;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use url::Url;

use super::Context;
use super::account::Account;
use super::accounts::Accounts;
pub use arguments::ListenArgs;
use arguments::{Answer, Fail};
use keys::{Keys, Otherwise};
use registration::Registration;
use show::{Show, Shown};

use crate::error::{Error, ExitStatus, Kind};
use crate::files::{self, FileError, Openness};
use crate::network::is_loopback;
use crate::output::OutputError;
use crate::output::deliveries::json;
use crate::output::feed::Feed;
use crate::output::text::{inert, word};
use crate::receiver::{Bound, Forwarding, Options, RecordFile};
use crate::secret::mask_url;
use crate::webhook::ServiceKind;

/// Where deliveries come to unless something else is said.
const PATH: &str = "/webhook";

/// An end that takes longer than this is explained.
const LONG: Duration = Duration::from_millis(500);

/// How long the last lines may take to be written; and once more, if the terminal was stopped.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Runs `vwh listen`.
pub async fn run(args: &ListenArgs, context: &Context) -> Result<ExitStatus, Error> {
    let Some(_) = &args.register else { return receive(args, context, None).await };
    let accounts = Accounts::connect(context).await?;
    let result = receive(args, context, Some(&accounts)).await;
    let left = accounts.leave().await;
    result.and_then(|status| left.map(|()| status))
}

async fn receive(
    args: &ListenArgs,
    context: &Context,
    accounts: Option<&Accounts>,
) -> Result<ExitStatus, Error> {
    let account = accounts.map(Accounts::only).transpose()?;
    let registered = account.map(Account::service);
    let mut keys = choose_keys(args, context, registered).await?;
    let record = args.record.as_deref().map(|path| open_record(path, context)).transpose()?;
    let (bound, place) = take_place(args, context)?;
    let forward = args.forward.as_ref().map(|url| forwarding(url, args, context, &place)).transpose()?;
    let registering = account.zip(args.register.as_ref().map(|url| place.public(url)));
    let mut registration = match &registering {
        Some((account, url)) if account.service().makes_keys() => {
            let made = with_its_key(args, context, account, url, &mut keys).await?;
            Some((*account, made))
        }
        _ => None,
    };
    let feed = Feed::default();
    let queue = feed.clone();
    let options = Options {
        path: place.path.clone(),
        trust: keys.trust(),
        only: args.service,
        failure: args.fail.map(Fail::failure),
        forward,
        record,
        clock: context.clock,
        tell: Arc::new(move |report| {
            let shown = Shown::Report(report);
            let bytes = shown.bytes();
            queue.offer(shown, bytes);
        }),
    };
    let receiver = match bound.receive(options) {
        Ok(receiver) => receiver,
        Err(error) => {
            if let Some((account, made)) = registration {
                made.end(context, account).await?;
            }
            return Err(cannot_listen(place.address, &error));
        }
    };
    if let (Some((account, url)), None) = (&registering, &registration) {
        match Registration::make(context, account, args, url, &keys).await {
            Ok(made) => registration = Some((*account, made)),
            Err(error) => {
                receiver.stop().await;
                return Err(error);
            }
        }
    }
    let served = serve(args, context, &place, registration.as_ref().map(|(_, made)| made), keys, &feed).await;
    let ended = patiently(&feed, async {
        // While it is there, the service goes on delivering.
        let deleted = match registration {
            Some((account, registration)) => registration.end(context, account).await,
            None => Ok(()),
        };
        (deleted, receiver.stop().await)
    });
    let (deleted, counts) = ended.await;
    // It may wait for a terminal, and a second Ctrl-C must not.
    let output = context.output;
    let _ = tokio::task::spawn_blocking(move || {
        feed.close(Shown::End(counts));
        if !feed.is_written_within(LAST_LINES) {
            output.start_terminal();
            let _ = feed.is_written_within(LAST_LINES);
        }
    })
    .await;
    served.and(deleted).map(|()| ExitStatus::Success)
}

/// Waits for `work`, and says so if that takes long.
async fn patiently<T>(feed: &Feed<Shown>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        value = &mut work => value,
        () = tokio::time::sleep(LONG) => {
            feed.offer(Shown::Notice("finishing what is under way; Ctrl-C again ends it at once"), 0);
            work.await
        }
    }
}

/// Says where it listens, and shows what comes until it is to end.
async fn serve(
    args: &ListenArgs,
    context: &Context,
    place: &Place,
    registration: Option<&Registration>,
    keys: Keys,
    feed: &Feed<Shown>,
) -> Result<(), Error> {
    let first = context.output.answer_anyway(&ready(place, registration, context.settings.format.is_json()));
    let unread = match first {
        Ok(()) => {
            if registration.is_none() {
                let trigger = trigger(args, place);
                context.output.notice(&format!("Ctrl-C ends it; try it with: {trigger}"));
            }
            show(context, keys, feed).await.map_err(|error| cannot_listen(place.address, &error))?
        }
        Err(error) => Some(error),
    };
    let Some(error) = unread else { return Ok(()) };
    if args.record.is_none() && args.forward.is_none() {
        return Err(error.into());
    }
    context.output.warning(&format!("{}; it is still received", because_unread(&error)));
    context.limits.interrupted().await;
    Ok(())
}

/// Shows what comes until it is to end, or until nobody reads it.
async fn show(context: &Context, keys: Keys, feed: &Feed<Shown>) -> io::Result<Option<OutputError>> {
    let (unread, is_unread) = oneshot::channel();
    let show = Show::new(context.output, context.settings.format.is_json(), keys.names);
    feed.start(context.output, show, move |error| {
        let _ = unread.send(error);
    })?;
    // It ends without a word only when the thread that writes does, which is no reason to stop.
    let unread = async {
        match is_unread.await {
            Ok(error) => error,
            Err(_) => std::future::pending().await,
        }
    };
    Ok(context.limits.or_interrupted(unread).await.ok())
}

fn because_unread(error: &OutputError) -> String {
    match error {
        OutputError::BrokenPipe => "nobody reads what is received any more".to_owned(),
        error => format!("what is received cannot be written any more: {error}"),
    }
}

/// The first line of the answer: it says that deliveries may come.
fn ready(place: &Place, registration: Option<&Registration>, is_json: bool) -> String {
    let webhook = registration.map(|made| (made.id(), mask_url(made.url())));
    if is_json {
        let webhook = webhook.as_ref().map(|(id, url)| (*id, url.as_ref()));
        return json::ready(&place.address.to_string(), &place.url(), webhook);
    }
    let mut lines = format!("listening on {}\n", place.url());
    if let Some((id, url)) = webhook {
        lines.push_str(&format!("webhook {} delivers {} here until this ends\n", inert(id), inert(&url)));
    }
    lines
}

/// What to type in another terminal.
fn trigger(args: &ListenArgs, place: &Place) -> String {
    // Typed in another terminal, which has no variable of this one.
    let has_variable = !args.unsigned && args.signing_key_file.is_empty();
    let key = if has_variable { "VWH_SIGNING_KEY=… " } else { "" };
    let mut command = format!("{key}vwh trigger {}", place.url());
    if let Some(service) = args.service {
        command.push_str(&format!(" --service {}", service.name()));
    }
    if args.unsigned {
        command.push_str(" --unsigned");
    } else if let Some(file) = args.signing_key_file.first() {
        command.push_str(&format!(" --signing-key-file {}", word(&file.to_string_lossy())));
    }
    command
}

/// The keys that deliveries are verified with, where a webhook of the service `registered` is to be there.
async fn choose_keys(
    args: &ListenArgs,
    context: &Context,
    registered: Option<ServiceKind>,
) -> Result<Keys, Error> {
    if let (Some(registered), Some(only)) = (registered, args.service)
        && registered != only
    {
        let message = format!(
            "--service {} would refuse what a webhook of {} delivers",
            only.name(),
            registered.title()
        );
        return Err(Error::new(Kind::Usage, message).hint("leave --service out, or name another profile"));
    }
    let otherwise = match registered {
        _ if args.unsigned => Otherwise::Unsigned,
        Some(service) if service.makes_keys() => Otherwise::Later,
        Some(service) => Otherwise::Make(service),
        None => Otherwise::Refuse,
    };
    let keys = Keys::choose(context, &args.signing_key_file, otherwise, registered.or(args.service)).await?;
    if let (Some(record), true) = (&args.record, keys.is_new) {
        context.output.notice(&format!(
            "the new key is kept nowhere: {} cannot be verified once this has ended; to verify it then, name a key of your \
             own with --signing-key-file",
            record.display()
        ));
    }
    Ok(keys)
}

/// Registers a webhook whose key is known only then; whatever comes meanwhile waits to be accepted.
async fn with_its_key(
    args: &ListenArgs,
    context: &Context,
    account: &Account,
    url: &Url,
    keys: &mut Keys,
) -> Result<Registration, Error> {
    let made = Registration::make(context, account, args, url, keys).await?;
    if let Some(key) = &made.key {
        keys.found(key.clone());
        return Ok(made);
    }
    made.end(context, account).await?;
    Err(no_key())
}

fn no_key() -> Error {
    Error::new(
        Kind::Unavailable,
        "the service shows no signing key, so nothing that it delivers can be verified",
    )
    .hint("register it with vwh create, and listen with --unsigned")
}

/// Where deliveries come to.
struct Place {
    address: SocketAddr,
    path: String,
}

impl Place {
    /// The URL for a client on this machine: an unspecified address is reached by way of loopback.
    fn url(&self) -> String {
        let mut address = self.address;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("http://{address}{}", self.path)
    }

    /// `url` with our own port in the place of port 0, which is nobody's.
    fn public(&self, url: &Url) -> Url {
        let mut url = url.clone();
        if url.port() == Some(0) {
            // A URL with a host takes any port.
            let _ = url.set_port(Some(self.address.port()));
        }
        url
    }
}

fn take_place(args: &ListenArgs, context: &Context) -> Result<(Bound, Place), Error> {
    if !args.bind.ip().is_loopback() {
        context
            .output
            .warning(&format!("whoever can reach {} can post to it, not only this machine", args.bind));
    }
    let bound = Bound::to(args.bind).map_err(|error| cannot_listen(args.bind, &error))?;
    let address = bound.address().map_err(|error| cannot_listen(args.bind, &error))?;
    let path = match (&args.path, &args.register) {
        (Some(path), _) => path.clone(),
        (None, Some(url)) => url.path().to_owned(),
        (None, None) => PATH.to_owned(),
    };
    Ok((bound, Place { address, path }))
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Error {
    let failed =
        Error::new(Kind::Configuration, format!("cannot listen on {address}")).because(error.to_string());
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            failed.hint("another program does: name another address with --bind, such as 127.0.0.1:0")
        }
        _ => failed.hint("name another address with --bind, such as 127.0.0.1:0"),
    }
}

fn open_record(path: &Path, context: &Context) -> Result<RecordFile, Error> {
    let record = RecordFile::open(path).map_err(|error| match error {
        FileError::Locked(_) => {
            Error::new(Kind::Unavailable, format!("another vwh records to `{}`", path.display()))
                .hint("name another file with --record")
        }
        FileError::Io(error) => {
            Error::new(Kind::Configuration, "cannot open the record").because(error.to_string())
        }
        error => Error::from(error),
    })?;
    if record.openness == Openness::Exposed {
        context.output.warning(&files::readable_by_others(path));
    }
    Ok(record)
}

fn forwarding(url: &Url, args: &ListenArgs, context: &Context, place: &Place) -> Result<Forwarding, Error> {
    let is_here = is_loopback(url) && url.port_or_known_default() == Some(place.address.port());
    let is_registered = args.register.as_ref().is_some_and(|public| place.public(public) == *url);
    if is_here || is_registered {
        return Err(Error::new(Kind::Usage, "--forward leads back to this listener")
            .hint("name the handler's own port, or listen on another with --bind"));
    }
    let network = context.settings.network(url)?;
    Ok(Forwarding { url: url.clone(), network, is_relayed: args.answer == Answer::Forward })
}
