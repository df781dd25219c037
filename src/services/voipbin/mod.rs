//! VoIPBIN: its signature, its deliveries, its wire types. Facts and their sources: section numbers (vb §N) refer to the
//! vendor's source code (voipbin/monorepo) as read for this project.

pub mod client;
pub mod delivery;
pub mod rules;
pub mod signature;
pub mod wire;

use super::Addresses;
use super::facts::{Facts, SignInBy};

/// What is known of it.
pub const FACTS: Facts = Facts {
    sandbox_path: "/v1.0",
    sign_in_by: SignInBy::Nobody,
    regions: &[],
    admission: "none is needed; the token may read the customer",
    settling: None,
    needs_name: false,
    usual_events: &[],
    all_events: &[],
    covers_one_user: false,
    can_pause: false,
    changes: "--url",
    rules: &delivery::RULES,
    tells_states: false,
    sample: "sample call",
    may_be_unsigned: true,
    may_be_empty: true,
    signature_place: "the header X-VoIPBIN-Signature",
};

/// The documented addresses. There is no token endpoint that vwh uses: an access key or a JWT comes in as it is.
#[must_use]
pub fn addresses() -> Addresses {
    let base = "https://api.voipbin.net/v1.0".to_owned();
    Addresses { token: base.clone(), base }
}
