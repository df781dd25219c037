//! How a signature may be written otherwise than as 64 hexadecimal digits, and what it then says.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::Cause;
use crate::hexadecimal;
use crate::markup::shortened;

/// Fewer digits than this fit by chance.
const FEWEST: usize = 16;

/// A digest is written in this many digits.
const DIGITS: usize = 64;

/// What a signature says if it is read in one way.
pub(super) struct Reading {
    /// What is wrong with its spelling.
    pub(super) cause: Option<Cause>,
    said: Said,
}

enum Said {
    /// All of a digest.
    Whole(Vec<u8>),
    /// The first hexadecimal digits of it.
    Start(String),
}

impl Reading {
    /// Whether it is a signature with this digest.
    pub(super) fn fits(&self, digest: &[u8]) -> bool {
        match &self.said {
            Said::Whole(bytes) => bytes == digest,
            Said::Start(digits) => digest
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .starts_with(digits.as_str()),
        }
    }

    /// Whether it says all of a digest of this many bytes.
    pub(super) fn is_whole(&self, length: usize) -> bool {
        matches!(&self.said, Said::Whole(bytes) if bytes.len() == length)
    }
}

/// Every way to read `signature`.
pub(super) fn readings(signature: &str) -> Vec<Reading> {
    let text = signature.trim();
    if let Some(bytes) = hexadecimal::decode::<32>(text) {
        return vec![Reading { cause: None, said: Said::Whole(bytes.to_vec()) }];
    }
    let mut readings = Vec::new();
    let mut add = |name: &'static str, sentence: String, said: Said| {
        readings.push(Reading { cause: Some(Cause::new(name, sentence)), said });
    };
    for run in text.split(|character: char| !character.is_ascii_hexdigit()) {
        match run.len() {
            DIGITS => {
                let around = around(text, run);
                let sentence =
                    format!("something stands around the 64 hexadecimal digits of the signature: {around}");
                add(
                    "signature-decorated",
                    sentence,
                    Said::Whole(hexadecimal::decode::<32>(run).unwrap_or_default().to_vec()),
                );
            }
            digits @ FEWEST..DIGITS => {
                let sentence = format!("the signature was cut: it has {digits} of its 64 digits");
                add("signature-truncated", sentence, Said::Start(run.to_ascii_lowercase()));
            }
            96 | 128 => {
                let sentence = "the signature is that of another hash than SHA-256".to_owned();
                add("another-hash", sentence, Said::Whole(long(run)));
            }
            _ => {}
        }
    }
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        let Ok(bytes) = engine.decode(text) else { continue };
        let sentence = "the signature is in base64; the service writes it in hexadecimal".to_owned();
        let inner =
            str::from_utf8(&bytes).ok().and_then(hexadecimal::decode::<32>).map(|inner| inner.to_vec());
        add("signature-base64", sentence, Said::Whole(inner.unwrap_or(bytes)));
        break;
    }
    readings
}

/// `sha256=…` or `….`, with the digits left out.
fn around(text: &str, run: &str) -> String {
    let (before, after) = text.split_once(run).unwrap_or_default();
    shortened(&format!("{before}…{after}"))
}

fn long(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).filter_map(|pair| str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}
