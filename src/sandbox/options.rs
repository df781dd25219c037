//! How a sandbox is asked to behave.

use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;

use super::SandboxError;
use super::clock::MAX_SPEED;
use super::fault::Fault;
use super::oauth::ledger::Lifetimes;
use super::registration::Life;
use crate::network::Network;

/// As the service has them (specs/vis.md §2).
const TOKEN_LIFETIME: Duration = Duration::from_hours(24);
const REFRESH_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// Documented as "typically 10 days" (specs/vis.md §6).
const EXPIRE_AFTER: Duration = Duration::from_hours(10 * 24);
/// How long an expired webhook stays renewable: a guess, nothing is published (specs/vis.md §6).
const PURGE_AFTER: Duration = Duration::from_hours(90 * 24);
/// “A few” wrong passwords lock the user, says specs/vis.md §2.
const LOCK_OUT: u32 = 5;

/// The most calls that come by themselves in a minute of real time: what is beyond no receiver keeps up with.
const MOST_CALLS: f64 = 6000.0;

/// How a sandbox behaves until it stops. None of it is kept in its state.
#[derive(Clone, Debug)]
pub struct Options {
    /// Start with an account without webhooks, whatever the state holds.
    pub empty: bool,
    /// Sandbox seconds per real second, from 0 to 1,000,000.
    pub speed: f64,
    /// API requests per minute of real time and token; more are answered with 429.
    pub quota: Option<u32>,
    /// The form of the gateway's errors.
    pub error_shape: ErrorShape,
    /// How long each API request waits before it is looked at, in real time.
    pub latency: Duration,
    /// Trouble to order for API requests; the first that is about a request wins.
    pub faults: Vec<Fault>,
    /// The same for token requests, which count on their own.
    pub token_faults: Vec<Fault>,
    /// How long an access token lives, in sandbox time.
    pub token_lifetime: Duration,
    /// How long a refresh token lives, in sandbox time.
    pub refresh_lifetime: Duration,
    /// After so many wrong passwords in a row the user is locked for 30 minutes of real time; 0 never locks.
    pub lock_out: u32,
    /// How long a webhook of VIS delivers after it was made or renewed, in sandbox time.
    pub expire_after: Duration,
    /// How long it is kept after that.
    pub purge_after: Duration,
    /// New ids of VIS are numbers, and numbers in JSON.
    pub numeric_ids: bool,
    /// How often a delivery is attempted before it is given up, from 1; as often as its service does unless told.
    pub attempts: Option<u32>,
    /// Any 2xx counts as delivered; otherwise 200 alone does.
    pub any_2xx: bool,
    /// Deliver to any host, not to this machine alone.
    pub deliver_anywhere: bool,
    /// Take http urls of this machine where a service wants https.
    pub allow_http: bool,
    /// Let VoIPBIN deliver to addresses that are not public, such as this machine's.
    pub allow_private_targets: bool,
    /// VoIPBIN's customer has no secret, and nothing is signed, as before August 2026.
    pub no_webhook_secret: bool,
    /// How long a change of a subscription of Contact Center takes until deliveries go by it, in sandbox time.
    pub propagation: Duration,
    /// Contact Center and VoIPBIN deliver every event twice.
    pub duplicates: bool,
    /// Contact Center and VoIPBIN deliver the first of each two events of a call after the second.
    pub out_of_order: bool,
    /// What deliveries over https go by.
    pub network: Network,
    /// Calls that come by themselves in a minute of sandbox time; 0 for none.
    pub calls_per_minute: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            empty: false,
            speed: 1.0,
            quota: None,
            error_shape: ErrorShape::default(),
            latency: Duration::ZERO,
            faults: Vec::new(),
            token_faults: Vec::new(),
            token_lifetime: TOKEN_LIFETIME,
            refresh_lifetime: REFRESH_LIFETIME,
            lock_out: LOCK_OUT,
            expire_after: EXPIRE_AFTER,
            purge_after: PURGE_AFTER,
            numeric_ids: false,
            attempts: None,
            any_2xx: false,
            deliver_anywhere: false,
            allow_http: false,
            allow_private_targets: false,
            no_webhook_secret: false,
            propagation: Duration::ZERO,
            duplicates: false,
            out_of_order: false,
            network: Network::default(),
            calls_per_minute: 0,
        }
    }
}

impl Options {
    /// `propagation`, for a calendar that ends.
    pub(super) fn propagation(&self) -> TimeDelta {
        span(self.propagation)
    }

    /// How long a webhook lives, for a calendar that ends.
    pub(super) fn life(&self) -> Life {
        Life { expire_after: span(self.expire_after), purge_after: span(self.purge_after) }
    }

    /// The lifetimes of tokens, for a calendar that ends.
    pub(super) fn lifetimes(&self) -> Lifetimes {
        Lifetimes { access: span(self.token_lifetime), refresh: span(self.refresh_lifetime) }
    }

    /// The sandbox time between two calls that come by themselves, if any do.
    pub(super) fn interval(&self) -> Option<TimeDelta> {
        let interval = 60_000 / i64::from(self.calls_per_minute.max(1));
        (self.calls_per_minute > 0).then(|| TimeDelta::milliseconds(interval.max(1)))
    }

    pub(super) fn check(&self) -> Result<(), SandboxError> {
        let speed = self.speed;
        if !(0.0..=MAX_SPEED).contains(&speed) {
            return Err(SandboxError::Speed { speed });
        }
        let calls = f64::from(self.calls_per_minute);
        if calls * speed.max(1.0) > MOST_CALLS {
            return Err(SandboxError::Calls { most: (MOST_CALLS / speed.max(1.0)).floor() });
        }
        Ok(())
    }
}

fn span(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// The forms in which the API gateway reports its own errors (specs/vis.md §11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorShape {
    /// Shape A: `{"fault":{"code":900901,…}}`.
    Json,
    /// Shape B: `{"code":"900901",…}`.
    #[default]
    Bare,
    /// Shape C: `<ams:fault>…</ams:fault>`.
    Xml,
}

/// Why a text is not an error shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an error shape; it is `json`, `bare` or `xml`")]
pub struct ErrorShapeSyntax(String);

/// Reads `json`, `bare` or `xml`.
impl FromStr for ErrorShape {
    type Err = ErrorShapeSyntax;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "bare" => Ok(Self::Bare),
            "xml" => Ok(Self::Xml),
            other => Err(ErrorShapeSyntax(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_has_bounds() {
        let with = |speed| Options { speed, ..Options::default() }.check();
        assert!(with(0.0).is_ok() && with(1.0).is_ok() && with(1_000_000.0).is_ok());
        for speed in [-1.0, f64::NAN, f64::INFINITY, 1_000_001.0] {
            assert!(with(speed).is_err(), "{speed}");
        }
    }

    #[test]
    fn calls_come_no_faster_than_anybody_can_follow() {
        let with = |calls_per_minute, speed| Options { speed, calls_per_minute, ..Options::default() };
        assert!(with(6000, 1.0).check().is_ok() && with(6000, 0.0).check().is_ok());
        assert!(with(100, 60.0).check().is_ok());
        for (calls, speed) in [(6001, 0.0), (6001, 1.0), (101, 60.0), (1, 6001.0)] {
            assert!(with(calls, speed).check().is_err(), "{calls} {speed}");
        }
        assert_eq!(with(0, 1.0).interval(), None);
        assert_eq!(with(6, 1.0).interval(), Some(TimeDelta::seconds(10)));
        assert_eq!(with(6000, 1.0).interval(), Some(TimeDelta::milliseconds(10)));
    }

    #[test]
    fn error_shapes_have_names() {
        assert_eq!("json".parse(), Ok(ErrorShape::Json));
        assert_eq!("bare".parse(), Ok(ErrorShape::Bare));
        assert_eq!("xml".parse(), Ok(ErrorShape::Xml));
        let error = "soap".parse::<ErrorShape>().unwrap_err();
        assert_eq!(error.to_string(), "`soap` is not an error shape; it is `json`, `bare` or `xml`");
    }
}
