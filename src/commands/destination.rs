//! Where a webhook is to deliver, and how much travels with a delivery: what `create` and `replace` take for it, and what
//! they say about it.

use std::str::FromStr;

use clap::ValueEnum;
use url::{Host, Url};

use super::Context;
use super::account::Account;
use crate::network::is_loopback;

/// Whether ids and signature travel with a delivery, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MetadataPolicy {
    /// Neither travels
    None,
    /// In headers of their own
    Header,
    /// In the body, beside the event
    Body,
}

impl MetadataPolicy {
    /// The service's name for it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Header => "HEADER",
            Self::Body => "BODY",
        }
    }
}

/// Reads the url of a webhook.
pub fn parse_url(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text).map_err(|error| format!("{error}; write a whole URL such as https://host/path"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err("write an http or https URL such as https://host/path".to_owned()),
    }
}

/// `host` or `host:port`, to put in the place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHost(String);

impl FromStr for NewHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a host, or host:port, such as hooks.example.com".to_owned();
        if text.contains(['/', '\\', '?', '#', '@']) || text.trim() != text {
            return Err(wrong());
        }
        // Each scheme hides its own default port, so the other one shows it.
        let [http, https] = ["http", "https"].map(|scheme| Url::parse(&format!("{scheme}://{text}")));
        let (http, https) = (http.map_err(|_| wrong())?, https.map_err(|_| wrong())?);
        let host = http.host_str().ok_or_else(wrong)?;
        let port = http.port().or(https.port()).map(|port| format!(":{port}"));
        Ok(Self(format!("{host}{}", port.unwrap_or_default())))
    }
}

impl NewHost {
    /// `url` at this host; every other part stays as it is spelled. `None` if `url` has no host to replace.
    #[must_use]
    pub fn in_url(&self, url: &str) -> Option<String> {
        let start = url.find("://")? + "://".len();
        let rest = &url[start..];
        let (authority, path) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
        let user_info = authority.rfind('@').map_or("", |at| &authority[..=at]);
        let moved = format!("{}{user_info}{}{path}", &url[..start], self.0);
        (parse_url(url).is_ok() && parse_url(&moved).is_ok()).then_some(moved)
    }
}

/// The one spelling of all urls that are one place, as `https://host` and `https://HOST:443/` are. Other text stays as it is.
#[must_use]
pub fn place(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
}

/// What a person must know about a new url: that the service cannot reach it, or that what travels there is not secret.
#[must_use]
pub fn doubt(account: &Account, url: &Url) -> Option<&'static str> {
    if account.is_sandbox() { None } else { doubt_of(url, account.is_on_this_machine()) }
}

/// The same where nothing is known of the account but whether the service is on this machine.
fn doubt_of(url: &Url, is_near: bool) -> Option<&'static str> {
    if is_near && is_loopback(url) {
        None
    } else if is_loopback(url) || is_private(url) {
        Some("the service calls from outside: it cannot reach this host")
    } else if url.scheme() == "http" {
        Some("calls and their numbers will travel unencrypted: use https if you can")
    } else {
        None
    }
}

/// Says it, unless whoever asks has said that a url of this machine `is_meant`.
pub fn warn(context: &Context, account: &Account, url: &Url, is_meant: bool) {
    if is_meant && is_loopback(url) {
        return;
    }
    if let Some(doubt) = doubt(account, url) {
        context.output.warning(doubt);
    }
}

fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => {
            address.is_private() || address.is_link_local() || address.is_unspecified()
        }
        Some(Host::Ipv6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
        Some(Host::Domain(name)) => {
            !name.contains('.') || matches!(name.rsplit('.').next(), Some("local" | "internal"))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NewHost, doubt_of, place};

    fn host(text: &str) -> NewHost {
        text.parse().expect("a host")
    }

    #[test]
    fn only_host_and_port_are_replaced() {
        let cases = [
            ("https://a.example/x?y=1#z", "b.example", "https://b.example/x?y=1#z"),
            ("https://a.example:8443/x", "b.example", "https://b.example/x"),
            ("http://a.example", "b.example:80", "http://b.example:80"),
            (
                "https://a.example?q=http://a.example/",
                "b.example:443",
                "https://b.example:443?q=http://a.example/",
            ),
            ("https://u:p@a.example/a@b", "[::1]:9", "https://u:p@[::1]:9/a@b"),
            ("https://a.example/%7Ex/../y", "B.Example", "https://b.example/%7Ex/../y"),
        ];
        for (url, new_host, expected) in cases {
            assert_eq!(host(new_host).in_url(url).as_deref(), Some(expected));
        }
        for url in ["", "a.example/x", "mailto:a@b", "https:///x y", "ftp://a.example/"] {
            assert_eq!(host("b.example").in_url(url), None, "{url}");
        }
        for text in
            ["", "https://b.example", "b.example/x", "u@b.example", "b.example:x", "a b", " b.example"]
        {
            assert!(text.parse::<NewHost>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_on_this_machine_is_out_of_reach_of_a_service_that_is_not() {
        let doubts = |url: &str, is_near: bool| doubt_of(&url.parse().expect("a url"), is_near).is_some();
        for url in ["http://localhost:3000/", "http://127.0.0.1/", "https://[::1]/"] {
            assert!(doubts(url, false) && !doubts(url, true), "{url}");
        }
        for url in ["https://10.0.0.1/", "https://intranet/", "http://a.example/"] {
            assert!(doubts(url, false) && doubts(url, true), "{url}");
        }
        assert!(!doubts("https://a.example/", false));
    }

    #[test]
    fn a_place_may_be_spelled_in_two_ways() {
        assert_eq!(place("https://HOST.example:443"), place("https://host.example/"));
        assert_ne!(place("https://host.example/a"), place("https://host.example/b"));
        assert_eq!(place("no url"), "no url");
    }

    proptest! {
        #[test]
        fn moving_twice_is_moving_once(path in "[ -~]{0,30}", port in proptest::option::of(1u16..)) {
            let target = port.map_or_else(|| "b.example".to_owned(), |port| format!("b.example:{port}"));
            let Some(once) = host(&target).in_url(&format!("https://a.example/{path}")) else { return Ok(()) };
            prop_assert_eq!(&once, &format!("https://{target}/{path}"));
            prop_assert_eq!(host(&target).in_url(&once), Some(once.clone()));
        }
    }
}
