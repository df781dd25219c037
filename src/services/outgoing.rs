//! Sample events of whichever service, ready to be put together for each attempt. Ids and times come in as values.
//!
//! How an event of a service looks, and how it is signed, is its room's business.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::contact_center::delivery::Notification;
use super::vis::delivery::{Parts, Policy};
use super::{contact_center, vis, voipbin};
use crate::delivery::Delivery;
use crate::secret::Secret;
use crate::webhook::ServiceKind;

/// The customer of every sample of VoIPBIN; as fictional as its numbers.
const CUSTOMER: &str = "91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc";

/// A KSUID: 20 bytes as so many characters of base62 (cc §3).
const KSUID: usize = 27;

/// One event that is to be posted.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// Of VIS.
    Vis {
        /// In its canonical form.
        event: String,
        /// How ids and signature travel.
        policy: Policy,
        /// The registration.
        webhook_id: String,
        /// The same for all attempts.
        delivery_id: String,
    },
    /// Of Contact Center.
    ContactCenter(Notification),
    /// Of VoIPBIN: its body.
    Voipbin(Bytes),
}

impl Outgoing {
    /// Whose it is.
    #[must_use]
    pub const fn service(&self) -> ServiceKind {
        match self {
            Self::Vis { .. } => ServiceKind::Vis,
            Self::ContactCenter(_) => ServiceKind::ContactCenter,
            Self::Voipbin(_) => ServiceKind::Voipbin,
        }
    }

    /// The delivery for this attempt, counted from 1, signed with `key` at `now`.
    #[must_use]
    pub fn delivery(&self, key: Option<&Secret>, attempt: u32, now: DateTime<Utc>) -> Delivery {
        match self {
            Self::Vis { event, policy, webhook_id, delivery_id } => {
                vis::delivery::build(&Parts { event, policy: *policy, key, webhook_id, delivery_id, attempt })
            }
            Self::ContactCenter(notification) => {
                let key = key.and_then(contact_center::signature::key);
                contact_center::delivery::build(notification, key.as_deref(), now)
            }
            Self::Voipbin(body) => voipbin::delivery::build(body.clone(), key),
        }
    }
}

/// What a sample without further wishes is made of: the types of its events, each with the seconds since it began. VIS has
/// scenarios instead.
#[must_use]
pub fn usual(service: ServiceKind) -> Vec<(i64, &'static str)> {
    match service {
        ServiceKind::Vis => Vec::new(),
        ServiceKind::ContactCenter => contact_center::delivery::INTERACTION.to_vec(),
        ServiceKind::Voipbin => {
            voipbin::delivery::CALL.iter().map(|(seconds, kind, _)| (*seconds, *kind)).collect()
        }
    }
}

/// An event of type `kind` about the invented thing `which`, that happened at `moment`. `bytes` are to be others each time.
/// `None` for VIS, whose events have states instead of types.
#[must_use]
pub fn event(
    service: ServiceKind,
    kind: &str,
    which: u64,
    bytes: [u8; 20],
    moment: DateTime<Utc>,
) -> Option<Outgoing> {
    // What the ids of samples have room for.
    let which = which & 0xffff_ffff_ffff;
    match service {
        ServiceKind::Vis => None,
        ServiceKind::ContactCenter => {
            Some(Outgoing::ContactCenter(contact_center::delivery::sample(kind, which, ksuid(bytes), moment)))
        }
        ServiceKind::Voipbin => {
            let status = voipbin::delivery::status_of(kind);
            Some(Outgoing::Voipbin(voipbin::delivery::sample(kind, status, which, CUSTOMER, moment)))
        }
    }
}

/// The moments of events that are so many seconds into something that ends `now`.
#[must_use]
pub fn moment(steps: &[(i64, &'static str)], index: usize, now: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = |step: Option<&(i64, &str)>| step.map_or(0, |(seconds, _)| *seconds);
    now - TimeDelta::seconds(seconds(steps.last()) - seconds(steps.get(index)))
}

fn ksuid(mut bytes: [u8; 20]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = Vec::with_capacity(KSUID);
    for _ in 0..KSUID {
        let mut rest = 0_u32;
        for byte in &mut bytes {
            let value = rest << 8 | u32::from(*byte);
            // A rest is below 62, so this fits.
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        text.push(char::from(DIGITS[rest as usize]));
    }
    text.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_number_in_27_digits() {
        assert_eq!(ksuid([0; 20]), "0".repeat(27));
        // The largest one, as the makers of KSUIDs print it.
        assert_eq!(ksuid([0xff; 20]), "aWgEPTl1tmebfsQzFP4bxwgy80V");
        let mut bytes = [0; 20];
        bytes[19] = 62;
        assert_eq!(ksuid(bytes), format!("{}10", "0".repeat(25)));
    }

    #[test]
    fn moments_end_now() {
        let now = "2026-01-05T08:31:07Z".parse().unwrap();
        let steps = usual(ServiceKind::Voipbin);
        assert_eq!(moment(&steps, 3, now), now);
        assert_eq!(moment(&steps, 0, now), now - TimeDelta::seconds(36));
    }
}
