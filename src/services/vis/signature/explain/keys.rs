//! Which key may have been used instead of the one at hand: what people do to keys on their way.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::Cause;
use crate::secret::Secret;

/// A key that may have been used.
pub(super) struct Candidate {
    /// What would have gone wrong.
    pub(super) cause: Option<Cause>,
    /// Which of the keys it is made of.
    pub(super) index: Option<usize>,
    /// The key.
    pub(super) bytes: Vec<u8>,
}

/// One thing that goes wrong: its name, what to say of it, and the keys that it makes of one.
struct Known {
    name: &'static str,
    sentence: &'static str,
    keys: fn(&str) -> Vec<Vec<u8>>,
}

const KNOWN: &[Known] = &[
    Known {
        name: "key-line-end",
        sentence: "the key that signed it has a line end behind it, and the one at hand has none: take it off where the key is read or registered",
        keys: |key| ["\n", "\r\n", "\r"].map(|end| format!("{key}{end}").into_bytes()).to_vec(),
    },
    Known {
        name: "key-blanks",
        sentence: "the key was used with other white space around it than the one at hand",
        keys: |key| {
            let with = [format!("{key} "), format!(" {key}"), format!("{key}\n\n")];
            with.into_iter().chain([key.trim().to_owned()]).map(String::into_bytes).collect()
        },
    },
    Known {
        name: "key-quotes",
        sentence: "the key was used with quotes around it, or without those that the one at hand has",
        keys: |key| {
            let with = ['"', '\''].map(|quote| format!("{quote}{key}{quote}"));
            let without = ['"', '\'']
                .into_iter()
                .filter_map(|quote| key.strip_prefix(quote)?.strip_suffix(quote).map(str::to_owned));
            with.into_iter().chain(without).map(String::into_bytes).collect()
        },
    },
    Known {
        name: "key-byte-order-mark",
        sentence: "the key's file begins with a byte order mark, which is not part of the key: save it without",
        keys: |key| key.strip_prefix('\u{feff}').map(|key| key.as_bytes().to_vec()).into_iter().collect(),
    },
    Known {
        name: "key-hex",
        sentence: "the key was read as hexadecimal; its characters themselves are the key",
        keys: |key| bytes_of_hex(key).into_iter().collect(),
    },
    Known {
        name: "key-base64",
        sentence: "the key was read as base64; its characters themselves are the key",
        keys: |key| {
            let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
            engines.iter().filter_map(|engine| engine.decode(key.trim()).ok()).take(1).collect()
        },
    },
    Known {
        name: "key-encoded",
        sentence: "the key was encoded as base64 or hexadecimal before it was used; its characters themselves are the key",
        keys: |key| {
            let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
            vec![STANDARD.encode(key).into_bytes(), hex.into_bytes()]
        },
    },
    Known {
        name: "key-case",
        sentence: "the key was used in capitals or in small letters, other than the one at hand",
        keys: |key| [key.to_uppercase(), key.to_lowercase()].map(String::into_bytes).to_vec(),
    },
];

/// Keys that everybody knows, and what to say of them.
const PUBLIC: [(&str, &str, &str); 3] = [
    (
        "key-public",
        "string",
        "it was signed with `string`, the key printed in the vendor's tutorial: anybody can sign with it, so rotate it",
    ),
    (
        "key-public",
        "mysecretkey",
        "it was signed with `mysecretkey`, the key printed in the vendor's documents: anybody can sign with it, so rotate it",
    ),
    ("key-empty", "", "it was signed with an empty key: the sender has not read its key"),
];

/// The keys themselves, then what each known cause makes of them.
pub(super) fn candidates(keys: &[Secret]) -> Vec<Candidate> {
    let own = keys.iter().enumerate().map(|(index, key)| Candidate {
        cause: None,
        index: Some(index),
        bytes: key.reveal().as_bytes().to_vec(),
    });
    let changed = keys.iter().enumerate().flat_map(|(index, key)| {
        KNOWN.iter().flat_map(move |known| {
            let others =
                (known.keys)(key.reveal()).into_iter().filter(|bytes| bytes != key.reveal().as_bytes());
            others.map(move |bytes| Candidate {
                cause: Some(Cause::new(known.name, known.sentence)),
                index: Some(index),
                bytes,
            })
        })
    });
    let public = PUBLIC.iter().filter(|(_, key, _)| keys.iter().all(|own| own.reveal() != *key));
    let public = public.map(|(name, key, sentence)| Candidate {
        cause: Some(Cause::new(name, *sentence)),
        index: None,
        bytes: key.as_bytes().to_vec(),
    });
    own.chain(changed).chain(public).collect()
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim().as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    });
    (!digits.is_empty()).then(|| pairs.collect())?
}
