//! What goes over the wire, pinned with literal names: no test here uses the crate's own wire types.

#![allow(clippy::expect_used, reason = "a test ends where something it needs is missing")]

mod raw;
mod sandbox;
