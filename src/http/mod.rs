//! The one `send` for API requests: retries, the throttle gate, redirects, limits and error bodies (design §4).
//!
//! It knows HTTP and the gateway's manners, not what a service means by its replies (that is `services`), nor where a
//! token comes from (an [`Authorize`] is handed in).

mod authorize;
mod call;
pub mod exchange;
pub mod fault;
pub mod gate;

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use url::Url;

use crate::limits::Limits;
use crate::secret::Secret;
pub use authorize::{Authorize, AuthorizeError, LocalFuture, NoToken, NoTokenCause};
pub use call::{Call, Credential, Repeat, WhenHeld};
use exchange::{Broken, Exchange};
use fault::{Fault, Meaning};
use gate::Gate;

/// One request and its repeats (design §4).
pub const ATTEMPTS: u32 = 4;

/// The pause before the first repeat; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What `send` failed with. `Display` is one sentence without a full stop; no variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The token could not be had.
    #[error(transparent)]
    Authorize(#[from] AuthorizeError),
    /// No connection, so nothing was sent.
    #[error("cannot connect to {host}")]
    Connect {
        /// Host and port.
        host: String,
        /// Why.
        source: Broken,
    },
    /// The connection broke, or the time for one reply ran out.
    #[error("no complete reply from {host}")]
    Broken {
        /// Host and port.
        host: String,
        /// Why.
        source: Broken,
    },
    /// The time for the whole command ran out.
    #[error("the time limit ran out while waiting for {host}")]
    TimeLimit {
        /// Host and port.
        host: String,
    },
    /// The service asks to wait longer than there is time, or (in a batch) than this one request may.
    #[error("throttled by {host} until {}", until.format("%Y-%m-%dT%H:%M:%SZ"))]
    Throttled {
        /// Host and port.
        host: String,
        /// When requests are welcome again.
        until: DateTime<Utc>,
    },
    /// A redirect; never followed with a token.
    #[error("{host} answered with a redirect ({status}) to {location}")]
    Redirect {
        /// Host and port.
        host: String,
        /// 3xx.
        status: u16,
        /// Where to, without its query.
        location: String,
    },
    /// The service or its gateway said no.
    #[error("{host} {fault}")]
    Fault {
        /// Host and port.
        host: String,
        /// What it said.
        fault: Box<Fault>,
    },
    /// A create request may or may not have arrived.
    #[error("it is not known whether the request arrived")]
    Ambiguous {
        /// What happened to it.
        source: Box<Self>,
    },
    /// The same, and what was read after that shows that it had done nothing yet.
    #[error("it was not confirmed, and right after that {seen}")]
    Undone {
        /// What was there, in words.
        seen: String,
        /// What happened to it.
        source: Box<Self>,
    },
    /// The token was renewed, and the request has to be made anew.
    #[error("the token was renewed before the request was taken")]
    Renewed,
    /// What was read has no such webhook.
    #[error("{host} has no webhook with this id")]
    Absent {
        /// Host and port.
        host: String,
    },
    /// A reply that is not what the service documents.
    #[error("{host} sent a reply that is not {expected}: {found}")]
    Undecodable {
        /// Host and port.
        host: String,
        /// What was expected.
        expected: &'static str,
        /// What it looks like instead.
        found: String,
    },
    /// There is room for one webhook only, and it is taken.
    #[error("{host} has a webhook already: {url}")]
    Taken {
        /// Host and port.
        host: String,
        /// Its id.
        id: String,
        /// Where it delivers, without its keys.
        url: String,
    },
    /// What was written is not what can be read.
    #[error("{host} accepted the change, and then {members} was not what was written")]
    Differs {
        /// Host and port.
        host: String,
        /// The members' names.
        members: String,
    },
    /// The service has nothing of the kind. Commands ask before they send, so this is a second line of defence.
    #[error("{service} cannot do this")]
    Unsupported {
        /// The service's name.
        service: &'static str,
    },
    /// Interrupted before the request was sent.
    #[error("interrupted")]
    Interrupted,
}

impl HttpError {
    /// Whether it is not known what became of a change.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Ambiguous { .. } | Self::Undone { .. })
    }

    /// What it means that there was no complete reply from `host`.
    #[must_use]
    pub fn of_broken(host: String, broken: Broken) -> Self {
        match broken {
            Broken::TimeLimit => Self::TimeLimit { host },
            source if source.may_have_arrived() => Self::Broken { host, source },
            source => Self::Connect { host, source },
        }
    }
}

/// A complete 2xx reply.
#[derive(Debug)]
pub struct Reply {
    /// The body.
    pub body: Bytes,
    /// The service's clock, from `Date`.
    pub date: Option<DateTime<Utc>>,
    /// The title, if the body is an HTML page.
    pub page_title: Option<String>,
}

/// Sends API requests of one connection.
pub struct Http {
    exchange: Exchange,
    authorize: Box<dyn Authorize>,
    gate: Gate,
    limits: Limits,
    random: fn() -> f64,
}

impl fmt::Debug for Http {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Http")
    }
}

/// What to do after one exchange.
enum Next {
    Done(Reply),
    Fail(HttpError),
    Repeat(HttpError),
    /// For as long as the service asks; it may not say.
    Hold(Option<Duration>, Box<Fault>),
    Refused(HttpError),
}

impl Http {
    /// A sender over `exchange`; `random` gives numbers from 0 to 1 for the jitter of pauses.
    #[must_use]
    pub fn new(
        exchange: Exchange,
        authorize: Box<dyn Authorize>,
        gate: Gate,
        limits: Limits,
        random: fn() -> f64,
    ) -> Self {
        Self { exchange, authorize, gate, limits, random }
    }

    /// The throttle gate of this connection's token.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Sends `call` under the rules of design §4 and returns a complete 2xx reply.
    pub async fn send(&self, call: &Call) -> Result<Reply, HttpError> {
        let host = host_of(&call.url);
        let mut attempts = 0;
        let mut refreshed = false;
        loop {
            let turn = self.gate.enter(&host, call.when_held, &self.limits).await?;
            let token = self.authorize.token().await?;
            let next = self.once(call, &host, &token).await;
            drop(turn);
            match next {
                Next::Done(reply) => {
                    self.gate.succeeded();
                    return Ok(reply);
                }
                Next::Fail(error) => return Err(error),
                Next::Hold(hold, fault) => {
                    tracing::debug!("throttled: {fault}");
                    self.gate.close(hold);
                }
                Next::Refused(mut error) => {
                    if refreshed || !self.authorize.refused(&token).await? {
                        if let HttpError::Fault { fault, .. } = &mut error {
                            let misfit = call.credential.misfit(&token).map(str::to_owned);
                            fault.cure = Some(misfit.unwrap_or_else(|| self.authorize.cure()));
                        }
                        return Err(error);
                    }
                    if call.repeat == Repeat::Never {
                        return Err(HttpError::Renewed);
                    }
                    refreshed = true;
                }
                Next::Repeat(error) => {
                    attempts += 1;
                    if attempts == ATTEMPTS {
                        return Err(error);
                    }
                    self.pause(attempts, error).await?;
                }
            }
        }
    }

    async fn pause(&self, attempts: u32, error: HttpError) -> Result<(), HttpError> {
        let pause = pause_after(attempts, self.random);
        if self.limits.remaining().is_some_and(|remaining| remaining < pause) {
            return Err(error);
        }
        tracing::debug!(
            "attempt {attempts} of {ATTEMPTS} failed, again in {} ms: {error}",
            pause.as_millis()
        );
        // It was sent, so how it failed says more than that nobody waits for it any longer.
        self.limits.sleep(pause).await.map_err(|_| error)
    }

    async fn once(&self, call: &Call, host: &str, token: &Secret) -> Next {
        let started = Instant::now();
        let limit = self.limits.remaining();
        let outcome = self.exchange.run(call, token, limit).await;
        let elapsed = started.elapsed().as_millis();
        let (method, url) = (&call.method, exchange::shown_url(&call.url));
        match outcome {
            Ok(arrived) => {
                let request_id = arrived
                    .request_id
                    .as_deref()
                    .map_or_else(String::new, |id| format!(", request id {}", token.scrub(id)));
                tracing::info!("{method} {url} {} in {elapsed} ms{request_id}", arrived.status);
                judge(call, host, token, arrived)
            }
            Err(broken) => {
                tracing::info!("{method} {url} failed after {elapsed} ms: {broken}");
                broken_exchange(call, host, broken)
            }
        }
    }
}

/// What a complete reply means for the sender.
fn judge(call: &Call, host: &str, token: &Secret, arrived: exchange::Arrived) -> Next {
    if (300..400).contains(&arrived.status) {
        let location =
            arrived.location.map_or_else(|| "nowhere".to_owned(), |location| token.scrub(&location));
        return Next::Fail(HttpError::Redirect { host: host.to_owned(), status: arrived.status, location });
    }
    let mut secrets = call.body.as_ref().map(exchange::secrets_in).unwrap_or_default();
    secrets.push(token.clone());
    let found = if (200..300).contains(&arrived.status) {
        Fault::inside_success(&arrived.body, &secrets)
    } else {
        Some(Fault::read(arrived.status, &arrived.body, &secrets))
    };
    let Some(fault) = found else {
        let page_title = Fault::title_of_page(&arrived.body, &secrets);
        return Next::Done(Reply { body: arrived.body, date: arrived.date, page_title });
    };
    let meaning = fault.meaning();
    let hold = gate::asked_hold(arrived.retry_after.as_deref(), fault.next_access, arrived.date);
    let fault = Box::new(fault);
    if meaning == Meaning::Throttled {
        return Next::Hold(hold, fault);
    }
    let error = HttpError::Fault { host: host.to_owned(), fault };
    match (meaning, call.repeat) {
        (Meaning::TokenRefused, _) => Next::Refused(error),
        (Meaning::Transient, Repeat::Safe) => Next::Repeat(error),
        (Meaning::Transient, Repeat::OnlyIfNotSent | Repeat::Never) => Next::Fail(ambiguous(error)),
        _ => Next::Fail(error),
    }
}

fn ambiguous(source: HttpError) -> HttpError {
    HttpError::Ambiguous { source: Box::new(source) }
}

fn broken_exchange(call: &Call, host: &str, broken: Broken) -> Next {
    let host = host.to_owned();
    let was_sent = broken.may_have_arrived();
    let is_final =
        matches!(broken, Broken::TimeLimit | Broken::TooLarge | Broken::Setup(_) | Broken::Untrusted(_));
    let error = HttpError::of_broken(host, broken);
    match call.repeat {
        Repeat::OnlyIfNotSent | Repeat::Never if was_sent => Next::Fail(ambiguous(error)),
        Repeat::Never => Next::Fail(error),
        _ if is_final => Next::Fail(error),
        _ => Next::Repeat(error),
    }
}

/// How long to wait after so many failed attempts; `random` gives numbers from 0 to 1 for the jitter.
#[must_use]
pub fn pause_after(attempts: u32, random: fn() -> f64) -> Duration {
    let full = FIRST_PAUSE * 2_u32.pow(attempts.saturating_sub(1).min(ATTEMPTS));
    full.mul_f64(0.5 + random() / 2.0)
}

/// Host and port of a URL, as errors name it.
#[must_use]
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
