//! Why a delivery does not verify, in a sentence: what was captured amiss, else the known causes of `signature::explain`.

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;

use super::keys::{ENVIRONMENT, Keys};
use super::report::{Explanation, Outcome};
use crate::services::facts::facts;
use crate::services::incoming::{self, Malformed, Received};
use crate::services::vis::delivery::{self, SIGNATURE, read};
use crate::services::vis::signature::explain::{Case, Finding, canonically, decoded, explain};
use crate::services::vis::signature::{self, Form, Match};

/// What is known of a delivery besides what was made of it.
pub(super) struct Capture<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    /// The signature that the user gave.
    pub(super) given: Option<&'a str>,
    /// The moment that expiry is checked against.
    pub(super) now: DateTime<Utc>,
}

/// Why the `outcome` is what it is; `None` where there is nothing to say.
pub(super) fn of(
    capture: &Capture<'_>,
    received: &Received<'_>,
    outcome: &Outcome,
    keys: &Keys,
) -> Option<Explanation> {
    let Received::Vis(received) = received else {
        return of_others(capture, received, outcome, keys);
    };
    match outcome {
        Outcome::Verified { form: Form::AsReceived, .. } | Outcome::Malformed(_) => None,
        Outcome::Verified { form: Form::Canonical, .. } => {
            Some(Explanation::plain(canonically(received.event)))
        }
        Outcome::Verified { form: Form::CanonicalEscaped, .. } => Some(Explanation::plain(
            "its characters beyond ASCII were written as \\uXXXX when it was signed; it says the same",
        )),
        Outcome::Unsigned => Some(Explanation::plain(
            "it has neither the header X-VON-Signature nor a signature in its metadata: a body alone needs --signature, \
             and the service signs only for a webhook with a key and the metadata policy header or body",
        )),
        Outcome::Refused(_) => Some(of_forged(capture, received, keys)),
    }
}

/// Of the services whose signature is of the body as it is.
fn of_others(
    capture: &Capture<'_>,
    received: &Received<'_>,
    outcome: &Outcome,
    keys: &Keys,
) -> Option<Explanation> {
    let known = || incoming::explain(received, capture.headers, &keys.secrets, capture.now).map(caused(keys));
    match outcome {
        Outcome::Malformed(_) => None,
        Outcome::Verified { .. } => known(),
        Outcome::Unsigned => Some(Explanation::plain(format!(
            "it came without {}: a body alone needs --signature",
            facts(received.service()).signature_place
        ))),
        Outcome::Refused(_) => {
            if let Some(unused) = &keys.unused
                && received.judge(std::slice::from_ref(unused), capture.now).is_ok()
            {
                return Some(unused_key());
            }
            Some(known().unwrap_or_else(|| Explanation::plain(incoming::unexplained(received))))
        }
    }
}

fn caused(keys: &Keys) -> impl Fn(incoming::Cause) -> Explanation {
    |cause| Explanation {
        causes: vec![cause.name],
        message: cause.sentence,
        key: cause.key.map(|index| keys.name(index)),
    }
}

fn unused_key() -> Explanation {
    let message = "a key fits that was not tried, because --signing-key-file was given".to_owned();
    Explanation { causes: vec!["another-key"], message, key: Some(ENVIRONMENT.to_owned()) }
}

fn of_forged(capture: &Capture<'_>, received: &delivery::Received<'_>, keys: &Keys) -> Explanation {
    let signature = received.signature.as_deref().unwrap_or_default();
    if let Some(unused) = &keys.unused
        && signature::verify(received.event, signature, std::slice::from_ref(unused)).is_some()
    {
        return unused_key();
    }
    if let Some(explanation) = of_other_signature(capture, received, keys) {
        return explanation;
    }
    let body = str::from_utf8(capture.body).unwrap_or_default();
    let case = Case { body, event: received.event, signature, keys: &keys.secrets };
    explain(&case).map_or_else(|| unknown(&case), |finding| found(finding, keys))
}

/// There may be several signatures, of which only one counts.
fn of_other_signature(
    capture: &Capture<'_>,
    received: &delivery::Received<'_>,
    keys: &Keys,
) -> Option<Explanation> {
    let header = capture.headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let in_body = read(&HeaderMap::new(), capture.body).ok().and_then(|received| received.signature);
    let counted = if capture.given.is_some() { "--signature" } else { "the body's metadata" };
    let others = [("the header X-VON-Signature", header), ("the body's metadata", in_body)];
    others.into_iter().find_map(|(place, signature)| {
        let found = signature::verify(received.event, &signature?, &keys.secrets)?;
        let message = format!("the signature in {place} fits; the one in {counted} counts, and does not");
        Some(Explanation { causes: vec!["another-signature"], message, key: Some(keys.name(found.key)) })
    })
}

fn found(finding: Finding, keys: &Keys) -> Explanation {
    let (causes, sentences): (Vec<_>, Vec<_>) =
        finding.causes.into_iter().map(|cause| (cause.name, cause.sentence)).unzip();
    Explanation { causes, message: sentences.join("; and "), key: finding.key.map(|index| keys.name(index)) }
}

/// What can be said where nothing known fits.
fn unknown(case: &Case<'_>) -> Explanation {
    let digits = case.signature.trim().chars().filter(char::is_ascii_hexdigit).count();
    let shape = match digits {
        64 => "",
        32 => "its signature has the length of an MD5; ",
        40 => "its signature has the length of a SHA-1; ",
        _ => "its signature is not of 64 hexadecimal digits; ",
    };
    let lost = if case.event.contains('\u{fffd}') {
        "characters in it were lost (they are U+FFFD now); "
    } else {
        ""
    };
    let rounded = incoming::rounded(case.event).unwrap_or_default();
    if !shape.is_empty() {
        return Explanation::plain(format!(
            "{shape}whatever the body and the key are, it fits neither: take the signature as it arrives, and all of it"
        ));
    }
    Explanation::plain(format!(
        "{lost}{rounded}no known cause fits: the body was altered after it was signed, or the key is another one. Compare \
         the key with that of the webhook (vwh list --json --show-secrets), and the body with its bytes as they arrive \
         (vwh listen --record FILE keeps them)"
    ))
}

/// Why what was captured is no delivery, if that can be told.
pub(super) fn of_malformed(capture: &Capture<'_>, malformed: Malformed, keys: &Keys) -> Option<Explanation> {
    match malformed {
        Malformed::NotJson => {
            let (cause, body) = decoded(capture.body)?;
            let received = read(capture.headers, body.as_bytes()).ok()?;
            let signature = capture.given.map(str::to_owned).or(received.signature)?;
            let verdict = signature::verify(received.event, &signature, &keys.secrets);
            Some(with_verdict(cause.name, &cause.sentence, verdict, keys))
        }
        Malformed::NoEvent => {
            let event = str::from_utf8(capture.body).ok()?.trim();
            let found = signature::verify(event, capture.given?, &keys.secrets)?;
            let sentence = "this is the value of `event` alone; the body has it in {\"event\":…}";
            Some(with_verdict("no-envelope", sentence, Some(found), keys))
        }
        Malformed::NoCloudEvent | Malformed::NoType | Malformed::Twice | Malformed::TwoSignatures => None,
    }
}

fn with_verdict(cause: &'static str, sentence: &str, verdict: Option<Match>, keys: &Keys) -> Explanation {
    let end = match verdict {
        Some(_) => "otherwise it verifies",
        None => "and even so its signature does not fit",
    };
    Explanation {
        causes: vec![cause],
        message: format!("{sentence}; {end}"),
        key: verdict.map(|found| keys.name(found.key)),
    }
}
