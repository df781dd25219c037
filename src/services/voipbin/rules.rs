//! What VoIPBIN takes when its one webhook is set or changed (vb §3, §4). The service itself checks nothing.

use super::super::rules::{KeyWish, Refusal, Wish, check_scheme};
use super::wire::LONGEST_URL;

const SERVICE: &str = "VoIPBIN";

/// Refuses what the service has no place for, or could not keep.
pub fn check(wish: &Wish<'_>) -> Result<(), Refusal> {
    if wish.name.is_some() {
        return Err(Refusal::new("a VoIPBIN webhook has no name", "leave --name out"));
    }
    if !wish.events.is_empty() {
        return Err(Refusal::new(
            "VoIPBIN delivers every event and lets none be chosen",
            "leave --event out, and let the receiver choose by type",
        ));
    }
    if wish.names_policy {
        return Err(Refusal::new(
            "VoIPBIN has no metadata policy: its signature always travels in a header",
            "leave --metadata-policy out",
        ));
    }
    if wish.pauses {
        return Err(Refusal::new(
            "VoIPBIN cannot pause its webhook",
            "empty the slot with vwh delete ID, and set it again with vwh restore ID",
        ));
    }
    if !matches!(wish.key, KeyWish::Unsaid) {
        return Err(Refusal::new(
            "VoIPBIN makes the key itself and has no way to change it",
            "leave the key options out; vwh list --json --show-secrets shows the key",
        ));
    }
    if let Some(url) = wish.url
        && url.as_str().chars().count() > LONGEST_URL
    {
        return Err(Refusal::new(
            format!("the url is longer than {LONGEST_URL} characters"),
            "VoIPBIN cannot keep a longer one",
        ));
    }
    check_scheme(SERVICE, wish)
}
