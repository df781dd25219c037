//! The receiving side: what `vwh listen` does with a request, and the record that it keeps.

pub mod record;
