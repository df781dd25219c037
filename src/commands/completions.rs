//! `vwh completions`: a completion script from the same command tree.

use clap::Args;
use clap_complete::Shell;

use crate::error::{Error, ExitStatus};
use crate::output::Output;

/// Print a completion script for a shell
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// bash, elvish, fish, powershell or zsh
    #[arg(hide_possible_values = true)]
    shell: Shell,
}

/// Runs `vwh completions` for the tree of `command`.
pub fn run(args: &CompletionsArgs, output: &Output, mut command: clap::Command) -> Result<ExitStatus, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "vwh", &mut script);
    output.answer(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Success)
}
