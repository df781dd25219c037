//! What Contact Center takes when a subscription is registered or changed (cc §3).

use super::super::rules::{KeyWish, Refusal, Wish, check_scheme};
use super::signature;

/// How long a name may be, in characters.
const NAME: std::ops::RangeInclusive<usize> = 3..=128;

const SERVICE: &str = "Contact Center";

/// Refuses a registration that the service would refuse.
pub fn check_create(wish: &Wish<'_>) -> Result<(), Refusal> {
    if wish.name.is_none() {
        return Err(Refusal::new("a Contact Center webhook needs a name", "give it one with --name NAME"));
    }
    if wish.events.is_empty() {
        return Err(Refusal::new(
            "a Contact Center webhook needs at least one event",
            "give --event, for example 'agent.*'; vwh event-types lists them",
        ));
    }
    if matches!(wish.key, KeyWish::None) {
        return Err(Refusal::new("Contact Center signs every notification", "leave --unsigned out"));
    }
    if wish.replaces {
        return Err(Refusal::new(
            "Contact Center has room for any number of webhooks, and none is in the way",
            "leave --replace out; vwh update ID changes one",
        ));
    }
    check_update(wish)
}

/// Refuses a change that the service would refuse.
pub fn check_update(wish: &Wish<'_>) -> Result<(), Refusal> {
    if let Some(name) = wish.name
        && !NAME.contains(&name.chars().count())
    {
        return Err(Refusal::new(
            format!("the name is {} characters long", name.chars().count()),
            "a name has 3 to 128 characters",
        ));
    }
    if wish.events.iter().any(|event| event.trim().is_empty()) {
        return Err(Refusal::new("an event is empty", "vwh event-types lists them"));
    }
    if wish.names_policy {
        return Err(Refusal::new(
            "Contact Center has no metadata policy: its signature always travels in a header",
            "leave --metadata-policy out",
        ));
    }
    if let KeyWish::Given(key) = wish.key
        && signature::key(key).is_none()
    {
        return Err(Refusal::new(
            "the signing key is no base64, and Contact Center takes nothing else",
            "make one with --generate-signing-key, or with: openssl rand -base64 32",
        ));
    }
    check_scheme(SERVICE, wish)
}

/// What is worth a warning about a key that the service takes (cc §6).
#[must_use]
pub fn key_doubt(wish: &Wish<'_>) -> Option<String> {
    let KeyWish::Given(key) = wish.key else { return None };
    let length = signature::key(key)?.len();
    (length < signature::LEAST_KEY)
        .then(|| format!("the signing key has {length} bytes; {} are advised", signature::LEAST_KEY))
}
