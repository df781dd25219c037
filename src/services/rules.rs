//! What a service takes when a webhook is registered or changed: asked before anything is sent, answered by each room.

use url::Url;

use crate::network::is_loopback;
use crate::secret::Secret;

/// What was asked for, as far as a service may refuse it.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// A name.
    pub name: Option<&'a str>,
    /// Where deliveries are to go; an update may leave it.
    pub url: Option<&'a Url>,
    /// Events.
    pub events: &'a [String],
    /// Whether a metadata policy was named.
    pub names_policy: bool,
    /// Whether the webhook is to be paused or resumed.
    pub pauses: bool,
    /// What is to become of the key.
    pub key: KeyWish<'a>,
    /// Whether http is let through on this machine.
    pub allows_http: bool,
    /// Whether it may take another one's place.
    pub replaces: bool,
}

/// What is to become of the key.
#[derive(Clone, Copy, Debug)]
pub enum KeyWish<'a> {
    /// Nothing was said.
    Unsaid,
    /// There is to be none.
    None,
    /// A new one is to be made.
    New,
    /// This one.
    Given(&'a Secret),
}

/// Why a service does not take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// The next step.
    pub hint: &'static str,
}

impl Refusal {
    /// A refusal.
    #[must_use]
    pub fn new(message: impl Into<String>, hint: &'static str) -> Self {
        Self { message: message.into(), hint }
    }
}

/// https, or http on this machine where that was allowed.
pub(super) fn check_scheme(service: &str, wish: &Wish<'_>) -> Result<(), Refusal> {
    let Some(url) = wish.url.filter(|url| url.scheme() != "https") else { return Ok(()) };
    if is_loopback(url) && wish.allows_http {
        return Ok(());
    }
    let hint = if is_loopback(url) {
        "for local work, --allow-http lets a url of this machine through"
    } else {
        "write the url with https"
    };
    Err(Refusal::new(format!("{service} delivers to https only"), hint))
}
