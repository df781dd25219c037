//! `vwh sandbox` without a knob: serves until Ctrl-C, or until somebody stops it.

use std::path::Path;

use serde_json::json;

use super::super::Context;
use super::ServeArgs;
use crate::error::{Error, ExitStatus};
use crate::sandbox::{self, Options, Server};
use crate::webhook::json::to_line;

/// Serves the sandbox of `directory`.
pub(super) async fn run(args: &ServeArgs, context: &Context, directory: &Path) -> Result<ExitStatus, Error> {
    let usual = Options::default();
    let options = Options {
        empty: args.empty,
        speed: args.speed,
        quota: args.quota,
        error_shape: args.error_shape,
        latency: args.latency.unwrap_or_default(),
        faults: args.fault.clone(),
        token_faults: args.token_fault.clone(),
        token_lifetime: args.token_lifetime.unwrap_or(usual.token_lifetime),
        refresh_lifetime: args.refresh_lifetime.unwrap_or(usual.refresh_lifetime),
        lock_out: args.lock_out.unwrap_or(usual.lock_out),
        expire_after: args.expire_after.unwrap_or(usual.expire_after),
        purge_after: args.purge_after.unwrap_or(usual.purge_after),
        numeric_ids: args.numeric_ids,
        attempts: args.attempts,
        any_2xx: args.any_2xx,
        deliver_anywhere: args.deliver_anywhere,
        network: if args.deliver_anywhere { context.settings.network_anywhere()? } else { usual.network },
        allow_http: args.allow_http,
        allow_private_targets: args.allow_private_targets,
        no_webhook_secret: args.no_webhook_secret,
        propagation: args.propagation.unwrap_or(usual.propagation),
        duplicates: args.duplicates,
        out_of_order: args.out_of_order,
        calls_per_minute: args.calls_per_minute.unwrap_or(usual.calls_per_minute),
    };
    let mut server = sandbox::serve(directory, args.bind, options).await?;
    announce(context, &server)?;
    // Either ends it: somebody's `vwh sandbox stop`, or Ctrl-C.
    let _ = context.limits.or_interrupted(server.stopped()).await;
    server.shut_down().await?;
    Ok(ExitStatus::Success)
}

fn announce(context: &Context, server: &Server) -> Result<(), Error> {
    let (address, base_url) = (server.address().to_string(), server.base_url());
    let line = if context.settings.format.is_json() {
        let token_url = server.token_url();
        to_line(&json!({ "event": "ready", "address": address, "baseUrl": base_url, "tokenUrl": token_url }))
    } else {
        format!("sandbox at {base_url}")
    };
    context.output.answer_anyway(&format!("{line}\n"))?;
    context.output.notice("Ctrl-C ends it; use it from another terminal with: vwh --sandbox list");
    context.output.notice("the URLs of all three services: vwh sandbox status");
    Ok(())
}
