//! Why a signature does not fit: tries what is known to go wrong, and names what fits. Pure, and a diagnosis only: whatever
//! fits here is not verified by it.
//!
//! Causes are of four kinds, a file each: what was signed (`texts`), with which key (`keys`), how the signature is written
//! (`spelling`), and how it was made (`digests`). One alone is looked for first, then two at once.

mod digests;
mod encoding;
mod forms;
mod json;
mod keys;
mod spelling;
mod texts;

use hmac::Mac as _;

use super::{Spelling, canonical};
use crate::secret::Secret;
pub use encoding::decoded;
pub use forms::canonically;
use keys::Candidate;
use spelling::Reading;
use texts::Signed;

/// An event larger than this is no call event; of it only single causes are tried, and none that takes it apart.
const LARGE: usize = 64 << 10;

/// A delivery whose signature fits no key.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The whole body.
    pub body: &'a str,
    /// The value of `event` in it.
    pub event: &'a str,
    /// The signature as received.
    pub signature: &'a str,
    /// The keys that were tried.
    pub keys: &'a [Secret],
}

/// Something that is known to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it is, and what to do.
    pub sentence: String,
}

/// What makes the signature fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// One cause, or two that come together.
    pub causes: Vec<Cause>,
    /// Which of the keys it fits, counted from 0; `None` if it is none of them.
    pub key: Option<usize>,
}

impl Cause {
    fn new(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { name, sentence: sentence.into() }
    }
}

/// The texts of an event that a signature is accepted of (vis §9).
fn accepted(event: &str) -> Vec<String> {
    let forms = [Spelling::Utf8, Spelling::Escaped];
    let mut texts = vec![event.to_owned()];
    for text in forms.into_iter().filter_map(|spelling| canonical(event, spelling).ok()) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

/// The known cause that makes the signature of `case` fit, or the two.
#[must_use]
pub fn explain(case: &Case<'_>) -> Option<Finding> {
    let keys = keys::candidates(case.keys);
    let readings = spelling::readings(case.signature);
    let accepted = accepted(case.event);
    let is_large = case.event.len() > LARGE;
    let own: Vec<Signed> = accepted.iter().map(|text| Signed { cause: None, text: text.clone() }).collect();
    let others = texts::candidates(case, is_large);
    let find = |signed: &[Signed], most: usize| {
        signed.iter().find_map(|signed| fitting(signed, &keys, &readings, most))
    };
    let single = find(&others, 1)
        .or_else(|| find(&own, 1))
        .or_else(|| digests::explain(&accepted, case.keys, &readings));
    if single.is_some() || is_large {
        return single;
    }
    find(&own, 2).or_else(|| find(&others, 2))
}

/// The first key and reading that fit `signed`, with at most so many causes in all.
fn fitting(signed: &Signed, keys: &[Candidate], readings: &[Reading], most: usize) -> Option<Finding> {
    let count = |cause: &Option<Cause>| usize::from(cause.is_some());
    for key in keys.iter().filter(|key| count(&signed.cause) + count(&key.cause) <= most) {
        let digest = super::digest(&key.bytes, signed.text.as_bytes()).finalize().into_bytes();
        for reading in readings {
            let causes = [&signed.cause, &key.cause, &reading.cause];
            if causes.iter().map(|cause| count(cause)).sum::<usize>() <= most && reading.fits(&digest) {
                let causes: Vec<Cause> = causes.into_iter().flatten().cloned().collect();
                return (!causes.is_empty()).then_some(Finding { causes, key: key.index });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
