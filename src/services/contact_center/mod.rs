//! Vonage Contact Center: its signature, its deliveries, its wire types. Facts and their sources: section numbers (cc §N)
//! refer to the vendor's documentation as collected for this project.

pub mod client;
pub mod delivery;
pub mod rules;
pub mod signature;
pub mod wire;

use super::Addresses;

/// The regions of the service (cc §1).
pub const REGIONS: [&str; 3] = ["emea", "nam", "apac"];

/// What a token has to be good for: reading and changing subscriptions (cc §1).
pub const SCOPE: &str = "admin:read admin:write";

/// Where the sandbox has this API, below its root.
pub const SANDBOX_PATH: &str = "/webhooks";

/// The documented addresses of `region`.
#[must_use]
pub fn addresses(region: &str) -> Addresses {
    Addresses {
        base: format!("https://{region}.api.newvoicemedia.com/webhooks"),
        token: format!("https://{region}.cc.vonage.com/Auth/connect/token"),
    }
}
