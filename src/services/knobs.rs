//! The client of a running sandbox's own knobs below `/_sandbox/`. Not a service: it lets `vwh sandbox …` speak to the
//! process that serves, over the same `http` as everything else.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::http::{Call, Credential, Http, HttpError, Repeat, WhenHeld, host_of};
use crate::secret::Secret;

/// How long one request may take to move the clock; then the rest is asked for, so that no time limit for replies is met.
const ONE_TURN: Duration = Duration::from_secs(1);

/// Turns the knobs of the sandbox at `base`.
#[derive(Debug)]
pub struct Knobs {
    http: Http,
    base: Url,
}

impl Knobs {
    /// Knobs of the sandbox whose API is at `base`.
    #[must_use]
    pub fn new(http: Http, base: Url) -> Self {
        Self { http, base }
    }

    /// The sandbox's status.
    pub async fn status(&self) -> Result<Value, HttpError> {
        self.turn(Method::GET, "status", None).await
    }

    /// Moves the clock on; returns once all of `span` has passed, and what happened meanwhile is settled.
    pub async fn advance(&self, span: TimeDelta) -> Result<Value, HttpError> {
        let mut left = span.num_milliseconds().max(0);
        loop {
            let patience = u64::try_from(ONE_TURN.as_millis()).unwrap_or(u64::MAX);
            let body = json!({ "seconds": left / 1000, "milliseconds": left % 1000, "patience": patience });
            let status = self.turn(Method::POST, "advance", Some(body)).await?;
            match status["leftMilliseconds"].as_i64() {
                Some(rest) => left = rest,
                None => return Ok(status),
            }
        }
    }

    /// Places calls, or lets single events happen, as `wish` says.
    pub async fn call(&self, wish: Value) -> Result<Value, HttpError> {
        self.turn(Method::POST, "call", Some(wish)).await
    }

    /// Brings the demo account back, or an empty one.
    pub async fn reset(&self, empty: bool) -> Result<Value, HttpError> {
        self.turn(Method::POST, "reset", Some(json!({ "empty": empty }))).await
    }

    /// Revokes every token that the token endpoint handed out.
    pub async fn revoke(&self) -> Result<Value, HttpError> {
        self.turn(Method::POST, "revoke", None).await
    }

    /// Stops the process that serves.
    pub async fn stop(&self) -> Result<Value, HttpError> {
        self.turn(Method::POST, "stop", None).await
    }

    async fn turn(&self, method: Method, knob: &str, body: Option<Value>) -> Result<Value, HttpError> {
        let mut url = self.base.clone();
        url.set_path(&format!("/_sandbox/{knob}"));
        let call = Call {
            method,
            url,
            body: body.map(|body| Secret::new(body.to_string())),
            accept: "application/json",
            credential: Credential::Bearer,
            // Moving the clock twice is not the same as once.
            repeat: Repeat::OnlyIfNotSent,
            when_held: WhenHeld::Wait,
        };
        let reply = self.http.send(&call).await?;
        serde_json::from_slice(&reply.body).map_err(|_| HttpError::Undecodable {
            host: host_of(&call.url),
            expected: "a sandbox's status",
            found: "it is not JSON".to_owned(),
        })
    }
}
