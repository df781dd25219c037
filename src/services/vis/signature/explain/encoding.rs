//! Text that was read in one encoding and saved in another: whole bodies, and the texts in them.

use super::Cause;

/// What the bytes 0x80 to 0x9f are in Windows-1252, which most programs that say ISO 8859-1 mean; `\u{0}` is none.
const WINDOWS: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// The text of a body that is no JSON because of its encoding, and what is wrong with that.
#[must_use]
pub fn decoded(body: &[u8]) -> Option<(Cause, String)> {
    let cause = |what: &str| Cause::new("encoding", format!("{what}: keep the body as bytes"));
    if let Some(rest) = body.strip_prefix(b"\xef\xbb\xbf") {
        return Some((cause("a byte order mark was put before it"), str::from_utf8(rest).ok()?.to_owned()));
    }
    let wide =
        [(&b"\xff\xfe"[..], u16::from_le_bytes as fn([u8; 2]) -> u16), (b"\xfe\xff", u16::from_be_bytes)];
    for (mark, read) in wide {
        if let Some(rest) = body.strip_prefix(mark) {
            let units: Vec<u16> = rest.as_chunks::<2>().0.iter().map(|pair| read(*pair)).collect();
            return Some((cause("it was saved as UTF-16"), String::from_utf16(&units).ok()?));
        }
    }
    if str::from_utf8(body).is_err() {
        return Some((cause("it was saved as ISO 8859-1 or Windows-1252"), of_bytes(body)));
    }
    None
}

/// `text` as it was before its UTF-8 was read as Windows-1252: `ZoÃ«` as `Zoë`. `None` if it was not.
pub(super) fn repaired(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let byte = |character: char| match u8::try_from(character) {
        Ok(byte) => Some(byte),
        Err(_) => {
            WINDOWS.iter().position(|other| *other == character).and_then(|at| u8::try_from(at + 0x80).ok())
        }
    };
    let bytes = text.chars().map(byte).collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}

/// `text` as it becomes when its UTF-8 is read as Windows-1252: `Zoë` as `ZoÃ«`. `None` if it stays the same.
pub(super) fn garbled(text: &str) -> Option<String> {
    (!text.is_ascii()).then(|| of_bytes(text.as_bytes()))
}

fn of_bytes(bytes: &[u8]) -> String {
    let character = |byte: &u8| match WINDOWS.get(usize::from(byte.wrapping_sub(0x80))) {
        Some(character) if *character != '\0' => *character,
        _ => char::from(*byte),
    };
    bytes.iter().map(character).collect()
}
