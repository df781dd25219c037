//! Vonage Contact Center: its signature, its deliveries, its wire types. Facts and their sources: section numbers (cc §N)
//! refer to the vendor's documentation as collected for this project.

pub mod delivery;
pub mod signature;
pub mod wire;
