//! `vwh verify`: checks the signature of a captured delivery, or of every line of a record.

mod keys;
mod report;
mod why;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;
use reqwest::header::HeaderMap;

use super::Context;
use super::lines::{Lines, Source};
use super::service;
use crate::error::{Error, ExitStatus, Kind};
use crate::output::text::word;
use crate::output::when::absolute;
use crate::receiver::record::{Record, is_torn};
use crate::services::facts::facts;
use crate::services::incoming::{Flaw, read};
use crate::webhook::ServiceKind;
use crate::webhook::member::parse_time;
use keys::Keys;
use report::{Checked, Outcome, Report};

/// A body is no larger than what `listen` takes.
const LARGEST: usize = 1 << 20;

/// Check the signature of a captured delivery
///
/// Takes the body as it arrived, with the signature in its metadata or in --signature, or what listen --record has written,
/// line by line. Exits with 0 only if every delivery is verified: it is not if it is forged (its signature fits no key),
/// unsigned, expired (Contact Center's signatures live for 5 minutes), or malformed (no delivery at all).
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The body, or a record (`-` or nothing is stdin)
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Try the key in this file (else `VWH_SIGNING_KEY`); may be given several times
    #[arg(long, value_name = "FILE")]
    signing_key_file: Vec<PathBuf>,

    /// What the header X-VON-Signature, Vonage-Signature or X-VoIPBIN-Signature said; counts more than what the body says
    #[arg(long)]
    signature: Option<String>,

    /// Take deliveries of this service only [default: whichever each is of]
    #[arg(long, value_name = "SERVICE", value_parser = service::parser())]
    service: Option<ServiceKind>,

    /// Check expiry as of this moment [default: when a line was recorded, now for a body] (Contact Center)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    now: Option<DateTime<Utc>>,

    /// Say why: try the known causes of a mismatch, and name the one that fits
    #[arg(long)]
    explain: bool,
}

/// Runs `vwh verify`.
pub async fn run(args: &VerifyArgs, context: &Context) -> Result<ExitStatus, Error> {
    let keys = Keys::of(args, context).await?;
    let mut lines = Lines::of(source(args, context)?);
    let first = match lines.next(context).await? {
        Some(first) => first,
        None if args.service.is_some_and(|service| facts(service).may_be_empty) => Vec::new(),
        None => {
            return Err(Error::new(Kind::Configuration, format!("{} is empty", lines.source()))
                .hint("give the body of a delivery, or a record of: vwh listen --record FILE"));
        }
    };
    let explain = (!args.explain).then(|| explaining(args));
    let mut report = Report::new(context, keys.secrets.len() > 1);
    if record(&first).is_none() && !is_torn(&first) {
        let body = whole(context, &mut lines, first).await?;
        let now = args.now.unwrap_or_else(context.clock);
        report.add(None, checked(args, &keys, &HeaderMap::new(), &body, now))?;
        return Ok(report.finish(explain.as_deref()));
    }
    if args.signature.is_some() {
        return Err(Error::new(Kind::Usage, "--signature is for a body alone, and this is a record")
            .hint("each line of a record has a signature of its own: leave --signature out"));
    }
    let mut next = Some(first);
    while let Some(line) = next {
        let number = lines.number();
        match record(&line) {
            Some(record) => {
                let now = args.now.unwrap_or(record.time);
                report.add(Some(number), checked(args, &keys, &record.headers, &record.body, now))?;
            }
            None if !line.ends_with(b"\n") => context
                .output
                .warning(&format!("the last line of {} is cut short, and is left out", lines.source())),
            // Another run has ended it, and gone on.
            None if is_torn(&line) => context
                .output
                .warning(&format!("line {number} of {} is cut short, and is left out", lines.source())),
            None => report.add(Some(number), Checked::malformed("no line of a record".to_owned()))?,
        }
        next = lines.next(context).await?;
    }
    if report.is_empty() {
        return Err(Error::new(Kind::Configuration, format!("{} has no whole line", lines.source()))
            .hint("nothing in it was answered with 200: there is nothing to verify"));
    }
    Ok(report.finish(explain.as_deref()))
}

/// The same command with `--explain`, as far as it can be typed again: what came on stdin is gone.
fn explaining(args: &VerifyArgs) -> String {
    let mut command = "vwh verify --explain".to_owned();
    for file in &args.signing_key_file {
        command.push_str(&format!(" --signing-key-file {}", word(&file.to_string_lossy())));
    }
    if let Some(signature) = &args.signature {
        command.push_str(&format!(" --signature {}", word(signature)));
    }
    if let Some(service) = args.service {
        command.push_str(&format!(" --service {}", service.name()));
    }
    if let Some(now) = args.now {
        command.push_str(&format!(" --now {}", absolute(now)));
    }
    let file = args.file.as_ref().filter(|file| file.as_os_str() != "-");
    let file = file.map_or_else(|| "FILE".into(), |file| file.to_string_lossy());
    format!("{command} {}", word(&file))
}

fn record(line: &[u8]) -> Option<Record> {
    Record::read(str::from_utf8(line).ok()?)
}

fn source(args: &VerifyArgs, context: &Context) -> Result<Source, Error> {
    match &args.file {
        Some(path) => Ok(path.clone().into()),
        None if context.output.terminals().stdin => {
            Err(Error::new(Kind::Usage, "there is nothing to verify: no FILE, and nothing comes on stdin")
                .hint("vwh verify FILE, or pipe the body into it"))
        }
        None => Ok(Source::Stdin),
    }
}

/// All of a body of which `first` is the first line.
async fn whole(context: &Context, lines: &mut Lines, first: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut body = first;
    while body.len() <= LARGEST {
        let Some(line) = lines.next(context).await? else { return Ok(body) };
        body.extend_from_slice(&line);
    }
    let message = format!("{} is larger than {} MiB", lines.source(), LARGEST >> 20);
    Err(Error::new(Kind::Configuration, message)
        .hint("a body has one delivery; a record has one in each line"))
}

/// A moment; a number of ten digits or so counts seconds, as the claims of a token do.
fn parse_moment(text: &str) -> Result<DateTime<Utc>, String> {
    let seconds = text.parse().ok().filter(|seconds: &i64| seconds.abs() < 100_000_000_000);
    let moment = seconds.map_or_else(|| parse_time(text), |seconds| DateTime::from_timestamp(seconds, 0));
    moment.ok_or_else(|| "write a time such as 2026-01-05T08:31:40Z, or seconds since 1970".to_owned())
}

fn checked(args: &VerifyArgs, keys: &Keys, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Checked {
    let capture = why::Capture { headers, body, given: args.signature.as_deref(), now };
    let received = match read(headers, body, args.service) {
        Ok(received) => match &args.signature {
            Some(signature) => received.signed(signature),
            None => received,
        },
        Err(flaw) => {
            let checked = Checked::malformed(flaw.to_string());
            let Flaw::Malformed(malformed) = flaw else { return checked };
            return checked
                .because(args.explain.then(|| why::of_malformed(&capture, malformed, keys)).flatten());
        }
    };
    let outcome = match received.judge(&keys.secrets, now) {
        Ok(found) => Outcome::Verified { key: keys.name(found.key), form: found.form },
        Err(Flaw::Unsigned) => Outcome::Unsigned,
        Err(flaw) => Outcome::Refused(flaw),
    };
    let explanation = args.explain.then(|| why::of(&capture, &received, &outcome, keys)).flatten();
    Checked::of(&received, outcome).because(explanation)
}
