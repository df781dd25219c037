//! Vonage VIS: its wire types and its client. Facts and their sources: section numbers refer to the vendor's documentation
//! as collected for this project (Vonage/vbc-developer, Nexmo/api-specification).

pub mod client;
pub mod delivery;
pub mod events;
pub mod rules;
pub mod signature;
pub mod wire;

use super::Addresses;

/// Where the sandbox has this API, below its root.
pub const SANDBOX_PATH: &str = "/t/vbc.prod/vis/v1";

/// The documented addresses (vis §1).
#[must_use]
pub fn addresses() -> Addresses {
    Addresses {
        base: "https://api.vonage.com/t/vbc.prod/vis/v1".to_owned(),
        token: "https://api.vonage.com/token".to_owned(),
    }
}
