//! `vwh man`: manual pages from the same command tree.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, ExitStatus, Kind, kind_of};
use crate::output::Output;

/// Print the manual page, or write one for each command into a directory
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// An existing directory for vwh.1, vwh-list.1 and so on
    dir: Option<PathBuf>,
}

/// Runs `vwh man` for the tree of `command`.
pub fn run(args: &ManArgs, output: &Output, command: clap::Command) -> Result<ExitStatus, Error> {
    if let Some(directory) = &args.dir {
        clap_mangen::generate_to(command, directory).map_err(|error| {
            let message = format!("cannot write the manual into {}", directory.display());
            Error::new(kind_of(&error), message)
                .because(error.to_string())
                .hint("name an existing directory that you may write to")
        })?;
    } else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command.disable_help_subcommand(true)).render(&mut page).map_err(|error| {
            Error::new(Kind::Internal, "cannot write the manual").because(error.to_string())
        })?;
        output.answer(&String::from_utf8_lossy(&page))?;
    }
    Ok(ExitStatus::Success)
}
