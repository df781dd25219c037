//! Ids as the service makes them: KSUIDs, 27 characters that sort by the second they were made in
//! (specs/contact-center.md §3).

use uuid::Uuid;

use crate::sandbox::timestamp::Timestamp;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a KSUID counts its seconds from.
const EPOCH: i64 = 1_400_000_000;

/// How many digits the largest one has.
const LENGTH: usize = 27;

/// A new id, made at `now`.
pub(super) fn new(now: Timestamp) -> String {
    let seconds = u32::try_from(now.unix_seconds() - EPOCH).unwrap_or_default();
    spell(seconds, Uuid::new_v4().as_bytes())
}

/// The 20 bytes as a number to the base 62.
fn spell(seconds: u32, random: &[u8; 16]) -> String {
    let mut number: Vec<u8> = seconds.to_be_bytes().into_iter().chain(*random).collect();
    let mut digits: Vec<char> = (0..LENGTH).map(|_| char::from(DIGITS[divide(&mut number)])).collect();
    digits.reverse();
    digits.into_iter().collect()
}

/// Divides `number` by 62; gives the remainder.
fn divide(number: &mut [u8]) -> usize {
    let mut remainder = 0_usize;
    for byte in number {
        let dividend = remainder * 256 + usize::from(*byte);
        *byte = u8::try_from(dividend / 62).unwrap_or_default();
        remainder = dividend % 62;
    }
    remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_27_digits_to_the_base_62() {
        assert_eq!(spell(0, &[0; 16]), "0".repeat(27));
        assert_eq!(spell(u32::MAX, &[255; 16]), "aWgEPTl1tmebfsQzFP4bxwgy80V");
        let mut sixty_three = [0; 16];
        sixty_three[15] = 63;
        assert_eq!(spell(0, &sixty_three), format!("{}11", "0".repeat(25)));
    }
}
