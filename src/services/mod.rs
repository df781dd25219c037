//! The services whose webhooks vwh manages: one room each. A room speaks HTTP through `crate::http` and answers in the
//! types of `crate::webhook`; it never prints and never decides what a command does.

pub mod contact_center;
pub mod knobs;
pub mod vis;
pub mod voipbin;
