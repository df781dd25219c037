//! `vwh logout`: forgets a sign-in.

use clap::Args;
use serde::Serialize;

use super::account::means;
use super::login::only_connection;
use super::{Context, standing};
use crate::auth::TokenSource;
use crate::auth::keeper::Keeper;
use crate::auth::sign_in::Way;
use crate::error::{Error, ExitStatus, Kind};
use crate::output::text::inert;
use crate::output::when::absolute;
use crate::settings::Place;
use crate::webhook::json::to_line;

/// Forget the sign-in
///
/// Everything that login stored is removed; that a password was refused is remembered. The service has no way to revoke a token: the last one stays good until its
/// end.
#[derive(Args, Clone, Debug)]
pub struct LogoutArgs {}

/// The JSON of `vwh logout`; a contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    profile: &'a str,
    was_signed_in: bool,
    /// Until when the token stays good all the same.
    token_until: Option<String>,
}

/// Runs `vwh logout`.
pub async fn run(_: &LogoutArgs, context: &Context) -> Result<ExitStatus, Error> {
    let connection = only_connection(context)?;
    let profile = connection.profile;
    let sign_in = match connection.place {
        Place::Remote { token: TokenSource::SignIn(sign_in), .. } if sign_in.way != Way::Nobody => sign_in,
        place => return Err(nothing_to_forget(&profile, &place)),
    };
    let keeper = Keeper::new(sign_in, means(context));
    let gone = keeper.log_out().await?;
    let was_refused = gone.as_ref().is_some_and(|gone| gone.past_of(keeper.sign_in()).refused.is_some());
    let signs_in_itself = keeper.sign_in().password.is_some() && !was_refused;
    let now = (context.clock)();
    let token_until = gone.as_ref().and_then(|gone| gone.expires_at).filter(|end| *end > now);
    if context.settings.format.is_json() {
        let token_until = token_until.map(absolute);
        let view = View { profile: &profile, was_signed_in: gone.is_some(), token_until };
        context.output.answer(&format!("{}\n", to_line(&view)))?;
    } else if let Some(gone) = &gone {
        let who = gone.user().map(|name| format!(" as {}", inert(name))).unwrap_or_default();
        let left = standing::remaining(token_until, now);
        let left = left.map(|until| format!("; the token cannot be revoked and stays good {until}"));
        let left = left.unwrap_or_default();
        context.output.answer(&format!("profile {profile} is no longer signed in{who}{left}\n"))?;
    } else {
        context.output.notice(&format!("profile {profile} is not signed in"));
    }
    if gone.is_some() && signs_in_itself {
        context
            .output
            .warning(&format!("profile {profile} has a password, so the next command signs in again"));
    }
    Ok(ExitStatus::Success)
}

/// Nobody signs in to the sandbox, nor where a token is brought.
fn nothing_to_forget(profile: &str, place: &Place) -> Error {
    let (what, hint) = match place {
        Place::Sandbox => {
            ("nobody signs in to the sandbox".to_owned(), "vwh sandbox reset makes it as it was".to_owned())
        }
        Place::Remote { token, .. } => match standing::foreign_source(token) {
            Some(source) => (
                format!("{source} brings the token of profile {profile}"),
                format!("take {source} away to be without its token"),
            ),
            None => (
                format!("profile {profile} has no token"),
                "there is nothing to do: its token would be brought".to_owned(),
            ),
        },
    };
    Error::new(Kind::Usage, format!("there is no sign-in to forget: {what}")).hint(hint)
}
