//! Bytes as hexadecimal digits, and back.

use std::fmt::Write as _;

/// Two digits in lower case for each byte.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of digits in either case; `None` for any other text, or another number of bytes.
#[must_use]
pub fn decode<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digits = text.as_bytes();
    let mut bytes = [0; BYTES];
    if digits.len() != 2 * BYTES {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_in_either_case_and_written_in_lower() {
        assert_eq!(decode("00fFa9"), Some([0, 255, 0xa9]));
        assert_eq!(encode(&[0, 255, 0xa9]), "00ffa9");
        for wrong in ["", "00ff", "00ffa900", "00ffag", "+0ffa9", "é0ff"] {
            assert_eq!(decode::<3>(wrong), None, "{wrong}");
        }
    }
}
