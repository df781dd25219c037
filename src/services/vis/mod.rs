//! Vonage VIS: its wire types and its client. Facts and their sources: section numbers refer to the vendor's documentation
//! as collected for this project (Vonage/vbc-developer, Nexmo/api-specification).

pub mod client;
pub mod delivery;
pub mod events;
pub mod signature;
pub mod wire;
