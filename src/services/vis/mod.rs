//! Vonage VIS: its wire types and its client. Facts and their sources: section numbers refer to the vendor's documentation
//! as collected for this project (Vonage/vbc-developer, Nexmo/api-specification).

pub mod client;
pub mod delivery;
pub mod events;
pub mod rules;
pub mod signature;
pub mod wire;

use super::Addresses;
use super::facts::{Facts, SignInBy};

/// What is known of it.
pub const FACTS: Facts = Facts {
    sandbox_path: "/t/vbc.prod/vis/v1",
    sign_in_by: SignInBy::Person,
    regions: &[],
    admission: "the application may use the API",
    settling: None,
    needs_name: false,
    usual_events: &["CALL"],
    all_events: &["CALL"],
    covers_one_user: true,
    can_pause: false,
    changes: "",
    rules: &delivery::RULES,
    tells_states: true,
    sample: "sample call",
    may_be_unsigned: true,
    may_be_empty: false,
    signature_place: "the header X-VON-Signature",
};

/// The documented addresses (vis §1).
#[must_use]
pub fn addresses() -> Addresses {
    Addresses {
        base: "https://api.vonage.com/t/vbc.prod/vis/v1".to_owned(),
        token: "https://api.vonage.com/token".to_owned(),
    }
}
