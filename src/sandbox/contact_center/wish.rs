//! Judges what is asked for: scopes of a token, bodies of create and update requests (specs/contact-center.md §1, §3).
//!
//! The words of refusals are ours: nobody has published the service's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::network::is_loopback;
use crate::secret::Secret;
use crate::services::contact_center::signature;

/// What a token is good for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Scopes {
    /// `admin:read`.
    pub(super) read: bool,
    /// `admin:write`.
    pub(super) write: bool,
}

impl Scopes {
    pub(super) const ALL: Self = Self { read: true, write: true };

    /// The scopes of a list with blanks between; an error is the first that is unknown.
    pub(super) fn read_list(list: &str) -> Result<Self, String> {
        let mut scopes = Self::default();
        for scope in list.split(' ').filter(|scope| !scope.is_empty()) {
            match scope {
                "admin:read" => scopes.read = true,
                "admin:write" => scopes.write = true,
                unknown => return Err(unknown.to_owned()),
            }
        }
        Ok(scopes)
    }
}

/// What a body names; the rest is to stay, or to be as usual.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) events: Option<Vec<String>>,
    pub(super) enabled: Option<bool>,
    pub(super) secret: Option<Secret>,
}

/// Reads a body. Unknown members are ignored and `null` counts as missing; an error says what does not fit, and never repeats
/// a value, which could be a secret.
pub(super) fn read(body: &[u8], allows_http: bool) -> Result<Wish, &'static str> {
    let members: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| "The request body must be a JSON object")?;
    let member = |name: &str| members.get(name).filter(|value| !value.is_null());
    Ok(Wish {
        name: member("name").map(name).transpose()?,
        url: member("url").map(|value| url(value, allows_http)).transpose()?,
        events: member("events").map(events).transpose()?,
        enabled: member("enabled")
            .map(|value| value.as_bool().ok_or("The property enabled must be true or false"))
            .transpose()?,
        secret: member("secret").map(secret).transpose()?,
    })
}

fn name(value: &Value) -> Result<String, &'static str> {
    let name = value.as_str().filter(|name| (3..=128).contains(&name.chars().count()));
    name.map(str::to_owned).ok_or("The property name must be text of 3 to 128 characters")
}

fn url(value: &Value, allows_http: bool) -> Result<String, &'static str> {
    let text = value.as_str().unwrap_or_default();
    let is_taken = |url: &Url| match url.scheme() {
        "https" => url.has_host(),
        "http" => allows_http && is_loopback(url),
        _ => false,
    };
    let is_taken = Url::parse(text).is_ok_and(|url| is_taken(&url));
    is_taken.then(|| text.to_owned()).ok_or("The property url must be a fully qualified https URL")
}

fn events(value: &Value) -> Result<Vec<String>, &'static str> {
    let text = |event: &Value| event.as_str().filter(|event| !event.is_empty()).map(str::to_owned);
    let events: Option<Vec<String>> = value.as_array().and_then(|events| events.iter().map(text).collect());
    events
        .filter(|events| !events.is_empty())
        .ok_or("The property events must be an array of at least one event type")
}

fn secret(value: &Value) -> Result<Secret, &'static str> {
    let secret = value.as_str().map(Secret::new).filter(|secret| signature::key(secret).is_some());
    secret.ok_or("The property secret must be base64 encoded text")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: &Value) -> Option<&'static str> {
        read(body.to_string().as_bytes(), false).err()
    }

    #[test]
    fn scopes_are_a_list_with_blanks_between() {
        assert_eq!(Scopes::read_list("admin:read admin:write"), Ok(Scopes::ALL));
        assert_eq!(Scopes::read_list("admin:write"), Ok(Scopes { read: false, write: true }));
        assert_eq!(Scopes::read_list("admin:read users:read"), Err("users:read".to_owned()));
    }

    #[test]
    fn every_member_has_its_rule() {
        for (member, wrong) in [
            ("name", json!("ab")),
            ("name", json!("é".repeat(129))),
            ("name", json!(7)),
            ("url", json!("http://hooks.example.net/")),
            ("url", json!("http://127.0.0.1:3000/")),
            ("url", json!("hooks.example.net")),
            ("events", json!([])),
            ("events", json!("agent.*")),
            ("events", json!([""])),
            ("enabled", json!("yes")),
            ("secret", json!("not base64!")),
            ("secret", json!("")),
        ] {
            let refusal = refused(&json!({ member: wrong }));
            assert!(refusal.is_some_and(|text| text.contains(member)), "{member} {wrong}: {refusal:?}");
        }
        assert_eq!(refused(&json!([])), Some("The request body must be a JSON object"));
    }

    #[test]
    fn what_is_missing_or_null_is_not_named() {
        let body =
            json!({"name": "é".repeat(128), "url": null, "secret": "AAE=\n=", "events": ["*"], "more": 1});
        let wish = read(body.to_string().as_bytes(), false).unwrap();
        assert!(wish.url.is_none() && wish.enabled.is_none() && wish.secret.is_some());
        assert_eq!(wish.events.as_deref(), Some(&["*".to_owned()][..]));
    }

    #[test]
    fn http_is_for_this_machine_and_only_where_it_is_allowed() {
        let allowed = |url: &str| read(json!({ "url": url }).to_string().as_bytes(), true).is_ok();
        assert!(allowed("http://127.0.0.1:3000/webhook") && allowed("https://hooks.example.net/"));
        assert!(!allowed("http://hooks.example.net/") && !allowed("ftp://127.0.0.1/"));
    }
}
