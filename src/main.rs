//! The `vwh` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    vwh::run(&std::env::args_os().collect::<Vec<_>>())
}
