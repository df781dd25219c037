//! `vwh profiles`: which accounts are configured, and how their sign-ins stand. Asks no service.

use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use super::Context;
use super::account::means;
use super::standing::foreign_source;
use crate::auth::TokenSource;
use crate::auth::keeper::Keeper;
use crate::auth::standing::Unattended;
use crate::auth::store::Credentials;
use crate::error::{Error, ExitStatus, Kind};
use crate::output::ErrorView;
use crate::output::table::{Column, lay_out};
use crate::output::text::inert;
use crate::output::when::{absolute, relative};
use crate::settings::{Connection, Format, Listed, Place};
use crate::webhook::json::to_line;

/// List the configured profiles
///
/// All of them, or those that -p or --sandbox name. The default one is marked with a star. No service is asked.
#[derive(Args, Clone, Debug)]
pub struct ProfilesArgs {}

const COLUMNS: [Column; 4] = [
    Column { head: "NAME", drop_rank: 0, shrinks_to: None },
    Column { head: "SERVICE", drop_rank: 2, shrinks_to: None },
    Column { head: "ADDRESS", drop_rank: 1, shrinks_to: Some(16) },
    Column { head: "TOKEN", drop_rank: 0, shrinks_to: None },
];

/// A profile as far as this machine knows it.
struct Known {
    service: Option<&'static str>,
    address: Option<String>,
    source: Option<&'static str>,
    expires_at: Option<DateTime<Utc>>,
    refresh_expires_at: Option<DateTime<Utc>>,
    unattended: Option<Unattended>,
    token: String,
    error: Option<Error>,
}

/// The JSON of one profile; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    name: &'a str,
    service: Option<&'a str>,
    base_url: Option<&'a str>,
    is_default: bool,
    token_source: Option<&'a str>,
    expires_at: Option<String>,
    refresh_expires_at: Option<String>,
    unattended: Option<bool>,
    refused_at: Option<String>,
    error: Option<ErrorView<'a>>,
}

/// Runs `vwh profiles`.
pub fn run(_: &ProfilesArgs, context: &Context) -> Result<ExitStatus, Error> {
    let known: Vec<(&Listed, Known)> =
        context.settings.profiles().iter().map(|listed| (listed, look(context, listed))).collect();
    let text = match context.settings.format {
        Format::Csv => {
            return Err(Error::new(Kind::Usage, "profiles has no CSV").hint("--json is for scripts"));
        }
        Format::Json => format!("[{}]\n", json(&known).join(",\n")),
        Format::Jsonl => json(&known).iter().map(|line| format!("{line}\n")).collect(),
        Format::Table | Format::Wide | Format::Prometheus => table(context, &known),
    };
    context.output.answer(&text)?;
    Ok(ExitStatus::Success)
}

fn look(context: &Context, listed: &Listed) -> Known {
    match &listed.connection {
        Ok(connection) => of_connection(context, connection),
        Err(error) => broken(error.clone().into()),
    }
}

fn broken(error: Error) -> Known {
    let token = format!("error: {}", inert(&error.sentence()));
    Known {
        service: None,
        address: None,
        source: None,
        expires_at: None,
        refresh_expires_at: None,
        unattended: None,
        token,
        error: Some(error),
    }
}

fn of_connection(context: &Context, connection: &Connection) -> Known {
    let service = Some(connection.service.name());
    let known = |address: String, source: &'static str, token: String| Known {
        service,
        address: Some(address),
        source: Some(source),
        expires_at: None,
        refresh_expires_at: None,
        unattended: None,
        token,
        error: None,
    };
    let Place::Remote { base, token, .. } = &connection.place else {
        return known("this machine".to_owned(), "sandbox", "none needed".to_owned());
    };
    let address = base.as_str().trim_end_matches('/').to_owned();
    let TokenSource::SignIn(sign_in) = token else {
        let source = foreign_source(token).unwrap_or("sign-in");
        return known(address, source, source.to_owned());
    };
    let keeper = Keeper::new(sign_in.clone(), means(context));
    match keeper.look() {
        Err(error) => {
            Known { service, address: Some(address), source: Some("sign-in"), ..broken(error.into()) }
        }
        Ok(stored) => {
            let stored = Credentials::for_sign_in(stored, sign_in);
            let now = (context.clock)();
            let unattended = Unattended::of(sign_in, &stored, now);
            let token = standing(&unattended, stored.expires_at, now);
            Known {
                expires_at: stored.expires_at,
                refresh_expires_at: stored.refresh_expires_at,
                unattended: Some(unattended),
                ..known(address, "sign-in", token)
            }
        }
    }
}

fn standing(unattended: &Unattended, expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let until = |end: DateTime<Utc>| format!("signed in until {} ({})", absolute(end), relative(end, now));
    match unattended {
        Unattended::Refused { at, .. } => format!("refused at {}", absolute(*at)),
        Unattended::ByClient => "signs in with the client secret".to_owned(),
        Unattended::ByPassword { key } => format!("signs in with {key}"),
        Unattended::ByRefresh { until: end, .. } => until(*end),
        Unattended::No { variable, .. } => match expires_at {
            Some(end) if end > now => until(end),
            _ => variable
                .as_ref()
                .map_or_else(|| "not signed in".to_owned(), |key| format!("signs in with {key}")),
        },
    }
}

fn json(known: &[(&Listed, Known)]) -> Vec<String> {
    let line = |(listed, known): &(&Listed, Known)| {
        to_line(&View {
            name: &listed.name,
            service: known.service,
            base_url: known.address.as_deref().filter(|_| known.source != Some("sandbox")),
            is_default: listed.is_default,
            token_source: known.source,
            expires_at: known.expires_at.map(absolute),
            refresh_expires_at: known.refresh_expires_at.map(absolute),
            unattended: known.unattended.as_ref().map(Unattended::is_so),
            refused_at: match &known.unattended {
                Some(Unattended::Refused { at, .. }) => Some(absolute(*at)),
                _ => None,
            },
            error: known.error.as_ref().map(Error::view),
        })
    };
    known.iter().map(line).collect()
}

fn table(context: &Context, known: &[(&Listed, Known)]) -> String {
    let row = |(listed, known): &(&Listed, Known)| {
        let star = if listed.is_default { " *" } else { "" };
        vec![
            format!("{}{star}", listed.name),
            known.service.unwrap_or_default().to_owned(),
            known.address.as_deref().map(|address| inert(address).into_owned()).unwrap_or_default(),
            known.token.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = known.iter().map(row).collect();
    let lines = lay_out(&COLUMNS, &rows, context.output.table_style().width);
    lines.iter().map(|line| format!("{line}\n")).collect()
}
