//! VoIPBIN: its signature, its deliveries, its wire types. Facts and their sources: section numbers (vb §N) refer to the
//! vendor's source code (voipbin/monorepo) as read for this project.

pub mod client;
pub mod delivery;
pub mod rules;
pub mod signature;
pub mod wire;

use super::Addresses;

/// Where the sandbox has this API, below its root.
pub const SANDBOX_PATH: &str = "/v1.0";

/// The documented addresses. There is no token endpoint that vwh uses: an access key or a JWT comes in as it is.
#[must_use]
pub fn addresses() -> Addresses {
    let base = "https://api.voipbin.net/v1.0".to_owned();
    Addresses { token: base.clone(), base }
}
