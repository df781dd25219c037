//! The knobs of `vwh sandbox` that need no more than to be turned.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use super::super::Context;
use super::super::account::{http, means, parse_base};
use crate::auth::sign_in::Way;
use crate::auth::{TokenSource, Tokens};
use crate::error::{Error, ExitStatus, Kind};
use crate::http::HttpError;
use crate::network::Network;
use crate::sandbox::{self, SandboxError, Session};
use crate::services::knobs::Knobs;
use crate::webhook::json::to_line;

/// How long a sandbox that does not answer is given to be gone.
const GONE_PATIENCE: Duration = Duration::from_secs(5);

/// Returns once the sandbox has stopped, so that the next command finds its state and no remains of its server.
pub(super) async fn stop(context: &Context, directory: &Path) -> Result<ExitStatus, Error> {
    let Some(session) = sandbox::find_running(directory).await? else {
        context.output.notice("no sandbox is running");
        return Ok(ExitStatus::Success);
    };
    let asked = match with_session(context, &session, async |knobs| knobs.stop().await).await {
        Err(error) if error.kind != Kind::Unavailable => return Err(error),
        asked => asked,
    };
    // One that does not answer may have been stopped by somebody else just now.
    let patience = if asked.is_ok() { None } else { Some(GONE_PATIENCE) };
    let limit = [context.limits.remaining(), patience].into_iter().flatten().min();
    let stopped = async {
        match limit {
            Some(limit) => tokio::time::timeout(limit, session.wait_until_stopped()).await.ok(),
            None => Some(session.wait_until_stopped().await),
        }
    };
    match context.limits.or_interrupted(stopped).await {
        Err(_) => return Err(Error::new(Kind::Interrupted, "interrupted")),
        Ok(Some(stopped)) => stopped?,
        Ok(None) => {
            asked?;
            return Err(Error::new(Kind::Unavailable, "the sandbox has not stopped yet").hint(
                "it answers the requests it has first; run this again, with a longer --timeout if need be",
            ));
        }
    }
    if let (Ok(status), true) = (&asked, context.settings.format.is_json()) {
        context.output.answer(&format!("{}\n", to_line(status)))?;
    }
    context.output.notice(if asked.is_ok() { "the sandbox has stopped" } else { "no sandbox is running" });
    Ok(ExitStatus::Success)
}

/// A state that cannot be read is no reason not to start over.
pub(super) async fn reset(context: &Context, directory: &Path, empty: bool) -> Result<ExitStatus, Error> {
    match sandbox::find_running(directory).await {
        Ok(Some(session)) => turn(context, session, async |knobs| knobs.reset(empty).await).await,
        Ok(None) | Err(SandboxError::State { .. }) => {
            sandbox::start_over(directory, empty).await?;
            turn(context, sandbox::join(directory).await?, async |knobs| knobs.status().await).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Turns a knob and tells what came of it.
pub(super) async fn turn<F>(context: &Context, session: Session, turn: F) -> Result<ExitStatus, Error>
where
    F: AsyncFnOnce(&Knobs) -> Result<Value, HttpError>,
{
    let status = turned(context, session, turn).await?;
    let webhooks = match status["webhooks"].as_u64() {
        Some(1) => "1 webhook".to_owned(),
        count => format!("{} webhooks", count.unwrap_or_default()),
    };
    let now = status["now"].as_str().unwrap_or_default();
    context.output.notice(&format!("the sandbox is at {now}, {webhooks}"));
    Ok(ExitStatus::Success)
}

pub(super) async fn revoke(context: &Context, session: Session) -> Result<ExitStatus, Error> {
    turned(context, session, async |knobs| knobs.revoke().await).await?;
    context.output.notice("every token that was handed out is revoked");
    Ok(ExitStatus::Success)
}

/// Turns a knob, and prints the status that it answers with under `--json`.
async fn turned<F>(context: &Context, session: Session, turn: F) -> Result<Value, Error>
where
    F: AsyncFnOnce(&Knobs) -> Result<Value, HttpError>,
{
    let turned = with_session(context, &session, turn).await;
    session.leave().await?;
    let status = turned?;
    if context.settings.format.is_json() {
        context.output.answer(&format!("{}\n", to_line(&status)))?;
    }
    Ok(status)
}

/// What the knobs of `session` say, unless Ctrl-C comes first; then the sandbox is left as it is.
pub(super) async fn with_session<F, T>(context: &Context, session: &Session, turn: F) -> Result<T, Error>
where
    F: AsyncFnOnce(&Knobs) -> Result<T, HttpError>,
{
    let token = TokenSource::Given(session.token().clone());
    let tokens = Rc::new(Tokens::new(token, Way::Nobody, means(context)));
    let knobs = Knobs::new(
        http(context, &tokens, &Network::default(), "", &Rc::default())?,
        parse_base(session.base_url())?,
    );
    let turned = context.limits.or_interrupted(turn(&knobs)).await;
    let turned = turned.map_err(|_| Error::new(Kind::Interrupted, "interrupted"))?;
    turned.map_err(|error| {
        let error = Error::from(error);
        if error.kind == Kind::NotFound {
            Error::new(Kind::Internal, "the sandbox does not know this")
        } else {
            error
        }
    })
}
