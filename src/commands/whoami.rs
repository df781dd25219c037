//! `vwh whoami`: who the token belongs to, where it comes from and how long it lasts.

use clap::Args;

use super::Context;
use super::accounts::Accounts;
use super::standing::Person;
use crate::error::{Error, ExitStatus, Kind};
use crate::settings::Format;

/// Show who is signed in, and for how long
#[derive(Args, Clone, Debug)]
pub struct WhoamiArgs {}

/// Runs `vwh whoami`.
pub async fn run(_: &WhoamiArgs, context: &Context, accounts: &Accounts) -> Result<ExitStatus, Error> {
    let format = context.settings.format;
    if format == Format::Csv {
        return Err(Error::new(Kind::Usage, "whoami has no CSV").hint("--json is for scripts"));
    }
    let gathered = accounts
        .each(async |account| {
            let identity = account
                .client
                .identity()
                .await
                .map_err(|error| Error::from(error).while_doing("cannot tell who this is"))?;
            Person::of(account, identity, (context.clock)())
        })
        .await?;
    let lines: Vec<String> = gathered.answers.iter().map(|(_, person)| person.json()).collect();
    let text = match format {
        Format::Json if accounts.is_several => format!("[{}]\n", lines.join(",\n")),
        Format::Json | Format::Jsonl => lines.iter().map(|line| format!("{line}\n")).collect(),
        _ => gathered
            .answers
            .iter()
            .map(|(_, person)| person.lines(context.output.table_style().width))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    context.output.answer(&text)?;
    gathered.conclude(context, ExitStatus::Success)
}
