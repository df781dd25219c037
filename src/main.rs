//! The `vwh` program: everything is in the library.

fn main() {}
