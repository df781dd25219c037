//! How a sandbox is asked to behave.

use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;

use super::SandboxError;
use super::clock::MAX_SPEED;
use super::fault::Fault;
use super::oauth::ledger::Lifetimes;

/// As the service has them (specs/vis.md §2).
const TOKEN_LIFETIME: Duration = Duration::from_hours(24);
const REFRESH_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// “A few” wrong passwords lock the user, says specs/vis.md §2.
const LOCK_OUT: u32 = 5;

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
        }
    }
}

impl Options {
    /// The lifetimes, for a calendar that ends.
    pub(super) fn lifetimes(&self) -> Lifetimes {
        let span = |span| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        Lifetimes { access: span(self.token_lifetime), refresh: span(self.refresh_lifetime) }
    }

    pub(super) fn check(&self) -> Result<(), SandboxError> {
        let is_possible = (0.0..=MAX_SPEED).contains(&self.speed);
        if is_possible { Ok(()) } else { Err(SandboxError::Speed { speed: self.speed }) }
    }
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
    fn error_shapes_have_names() {
        assert_eq!("json".parse(), Ok(ErrorShape::Json));
        assert_eq!("bare".parse(), Ok(ErrorShape::Bare));
        assert_eq!("xml".parse(), Ok(ErrorShape::Xml));
        let error = "soap".parse::<ErrorShape>().unwrap_err();
        assert_eq!(error.to_string(), "`soap` is not an error shape; it is `json`, `bare` or `xml`");
    }
}
