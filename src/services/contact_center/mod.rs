//! Vonage Contact Center: its signature, its deliveries, its wire types. Facts and their sources: section numbers (cc §N)
//! refer to the vendor's documentation as collected for this project.

pub mod client;
pub mod delivery;
pub mod rules;
pub mod signature;
pub mod wire;

use super::Addresses;
use super::facts::{Facts, SignInBy};

/// What is known of it. A change may take half a minute (cc §3).
pub const FACTS: Facts = Facts {
    sandbox_path: "/webhooks",
    // Reading and changing subscriptions (cc §1).
    sign_in_by: SignInBy::Client("admin:read admin:write"),
    regions: &REGIONS,
    admission: "the application may use the API",
    settling: Some("it may take up to 30 s until it takes effect"),
    needs_name: true,
    usual_events: &[],
    all_events: &["*"],
    covers_one_user: false,
    can_pause: true,
    changes: "--url, --name, --event, --pause, --resume, --signing-key-file or --generate-signing-key",
    rules: &delivery::RULES,
    tells_states: false,
    sample: "sample interaction",
    may_be_unsigned: false,
    may_be_empty: false,
    signature_place: "the header Vonage-Signature",
};

/// The regions of the service (cc §1).
pub const REGIONS: [&str; 3] = ["emea", "nam", "apac"];

/// The documented addresses of `region`.
#[must_use]
pub fn addresses(region: &str) -> Addresses {
    Addresses {
        base: format!("https://{region}.api.newvoicemedia.com/webhooks"),
        token: format!("https://{region}.cc.vonage.com/Auth/connect/token"),
    }
}
