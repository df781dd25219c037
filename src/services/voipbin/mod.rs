//! VoIPBIN: its signature, its deliveries, its wire types. Facts and their sources: section numbers (vb §N) refer to the
//! vendor's source code (voipbin/monorepo) as read for this project.

pub mod delivery;
pub mod signature;
pub mod wire;
