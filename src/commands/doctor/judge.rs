//! What the things mean that `vwh doctor` saw; files are `seen`'s. Pure.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Check, Verdict};
use crate::auth::sign_in::SignIn;
use crate::auth::standing::Unattended;
use crate::auth::store::Credentials;
use crate::error::{Error, Kind};
use crate::http::exchange::Arrived;
use crate::http::fault::Fault;
use crate::output::detail::{key_cure, key_trouble};
use crate::output::when::absolute;
use crate::services::facts::facts;
use crate::services::registration::Listing;
use crate::settings::{Connection, Place};

/// A clock that is further off than this makes times hard to compare.
const CLOCK_WARNS: TimeDelta = TimeDelta::seconds(30);

/// One that is further off than this makes tokens look valid that are not, and the reverse.
const CLOCK_FAILS: TimeDelta = TimeDelta::minutes(5);

/// What the list request came to.
pub(super) enum Listed {
    /// It was not sent.
    Unasked,
    /// The list.
    Had(Listing),
    /// The quota is used up until then.
    Throttled(DateTime<Utc>),
    /// Something else.
    Failed(Error),
}

pub(super) fn configuration(file: Option<&Path>, connection: &Connection) -> Check {
    let place = match &connection.place {
        Place::Sandbox => "the sandbox".to_owned(),
        Place::Remote { base, .. } => base.as_str().trim_end_matches('/').to_owned(),
    };
    let from = file.map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    let detail = format!("{from}; profile {}: {} at {place}", connection.profile, connection.service.name());
    Check::new("configuration", Verdict::Pass, detail)
}

/// Hosts with how many addresses each has (`None`: it is an address), or why it has none.
pub(super) fn names(found: &[(String, Result<Option<usize>, String>)], has_proxy: bool) -> Check {
    let unknown: Vec<String> =
        found.iter().filter_map(|(host, found)| Some(format!("{host}: {}", found.as_ref().err()?))).collect();
    if found.is_empty() {
        return Check::new("names", Verdict::Pass, "nothing to resolve on this machine");
    }
    if unknown.is_empty() {
        let known: Vec<&str> = found.iter().map(|(host, _)| host.as_str()).collect();
        return Check::new("names", Verdict::Pass, known.join(", "));
    }
    // The proxy may know names that this machine does not.
    let verdict = if has_proxy { Verdict::Warn } else { Verdict::Fail };
    Check::new("names", verdict, unknown.join("; "))
        .cure("check base_url and token_url, the network, and the name server of this machine")
}

pub(super) fn connection(host: &str, scheme: &str, arrived: &Arrived, took: Duration) -> Check {
    let status = arrived.status;
    let detail = format!("{host} answers by {scheme} ({status} in {} ms)", took.as_millis());
    if (300..400).contains(&status) {
        let location = arrived.location.as_deref().unwrap_or("nowhere");
        return Check::new("connection", Verdict::Fail, format!("{host} redirects to {location}")).cure(
            "set base_url, or VWH_BASE_URL, to the right address: a token is never sent on to another one",
        );
    }
    if let Some(title) = Fault::title_of_page(&arrived.body, &[]).filter(|_| status == 200) {
        return Check::new(
            "connection",
            Verdict::Warn,
            format!("{detail}, with an HTML page titled “{title}”"),
        )
        .cure("check base_url; some networks answer for others until somebody has signed in to them");
    }
    Check::new("connection", Verdict::Pass, detail)
}

/// The API's connection, and why the token endpoint cannot be reached, if it cannot.
pub(super) fn both(connection: Check, token_endpoint: Option<Error>) -> Check {
    match token_endpoint {
        Some(error) if connection.verdict != Verdict::Fail => {
            let check = Check::of_error("connection", Verdict::Fail, &error);
            Check { detail: format!("{}; {}", connection.detail, check.detail), ..check }
        }
        _ => connection,
    }
}

/// `ahead`: how far the service's clock is ahead of this machine's.
pub(super) fn clock(host: &str, ahead: TimeDelta) -> Check {
    let off = ahead.abs();
    let seconds = off.num_seconds();
    let direction = if ahead > TimeDelta::zero() { "behind" } else { "ahead of" };
    if off <= CLOCK_WARNS {
        return Check::new(
            "clock",
            Verdict::Pass,
            format!("within {} s of {host}'s", CLOCK_WARNS.num_seconds()),
        );
    }
    let verdict = if off > CLOCK_FAILS { Verdict::Fail } else { Verdict::Warn };
    Check::new("clock", verdict, format!("this machine's clock is {seconds} s {direction} {host}'s"))
        .cure("set the clock of this machine: timedatectl set-ntp true")
}

pub(super) fn no_clock() -> Check {
    Check::new("clock", Verdict::Skip, "the service did not say what time it is")
}

pub(super) fn token(
    source: &str,
    missing: Option<Error>,
    lacking: &[Error],
    standing: Option<(&SignIn, &Credentials)>,
    listed: &Listed,
    now: DateTime<Utc>,
) -> Check {
    if let Some(error) = missing {
        return Check::of_error("token", Verdict::Fail, &error);
    }
    if let Listed::Failed(error) = listed
        && error.is_about_token()
    {
        return Check::of_error("token", Verdict::Fail, error);
    }
    let Some((sign_in, stored)) = standing else {
        return Check::new("token", Verdict::Pass, format!("from {source}"));
    };
    let who = stored.user().map(|name| format!(" as {name}")).unwrap_or_default();
    let until = stored.expires_at.map(|end| format!(", token until {}", absolute(end))).unwrap_or_default();
    let unattended = Unattended::of(sign_in, stored, now);
    let detail = format!("signed in{who}{until}; unattended: {unattended}");
    if !lacking.is_empty() {
        let why: Vec<String> = lacking.iter().map(Error::sentence).collect();
        let detail = format!("signed in{who}{until}; the next sign-in will fail: {}", why.join("; "));
        let check = Check::new("token", Verdict::Fail, detail);
        let cures: Vec<&str> = lacking.iter().filter_map(|error| error.hint.as_deref()).collect();
        return if cures.is_empty() { check } else { check.cure(cures.join("; ")) };
    }
    match unattended {
        Unattended::No { cure, .. } => {
            // The cure has a line of its own.
            let detail =
                detail.strip_suffix(cure).map_or(detail.as_str(), |detail| detail.trim_end_matches("; "));
            Check::new("token", Verdict::Warn, detail).cure(cure)
        }
        Unattended::Refused { login, .. } => Check::new("token", Verdict::Fail, detail).cure(login),
        Unattended::ByClient | Unattended::ByPassword { .. } | Unattended::ByRefresh { .. } => {
            Check::new("token", Verdict::Pass, detail)
        }
    }
}

pub(super) fn subscription(listed: &Listed) -> Check {
    const NAME: &str = "subscription";
    match listed {
        Listed::Unasked => unasked(NAME),
        Listed::Had(listing) => Check::new(NAME, Verdict::Pass, facts(listing.service).admission),
        Listed::Failed(error) if error.status == Some(403) => Check::of_error(NAME, Verdict::Fail, error),
        Listed::Throttled(_) | Listed::Failed(_) => unknown(NAME),
    }
}

pub(super) fn quota(listed: &Listed) -> Check {
    const NAME: &str = "quota";
    match listed {
        Listed::Unasked => unasked(NAME),
        Listed::Had(_) => Check::new(NAME, Verdict::Pass, "not used up"),
        Listed::Throttled(until) => {
            Check::new(NAME, Verdict::Warn, format!("used up until {}", absolute(*until)))
                .cure("run fewer commands, or ask for a larger quota in the developer portal")
        }
        Listed::Failed(_) => unknown(NAME),
    }
}

/// `command` spells a command for this account.
pub(super) fn webhooks(listed: &Listed, command: impl Fn(&str) -> String) -> Check {
    const NAME: &str = "webhooks";
    let listing = match listed {
        Listed::Unasked => return unasked(NAME),
        Listed::Had(listing) => listing,
        Listed::Failed(error) if error.kind != Kind::Authentication => {
            return Check::of_error(NAME, Verdict::Fail, error);
        }
        Listed::Throttled(_) | Listed::Failed(_) => return unknown(NAME),
    };
    let total = listing.elements.len();
    let troubled: Vec<_> =
        listing.webhooks().filter_map(|webhook| Some((key_trouble(&webhook)?, webhook))).collect();
    let Some((trouble, webhook)) = troubled.first() else {
        return Check::new(NAME, Verdict::Pass, format!("{total} listed, none with a useless key"));
    };
    let cure = command(&key_cure(webhook));
    let others = match troubled.len() - 1 {
        0 => String::new(),
        count => format!(" ({count} more like it)"),
    };
    Check::new(NAME, Verdict::Warn, format!("{total} listed; {}: {trouble}{others}", webhook.id)).cure(cure)
}

pub(super) fn unasked(name: &'static str) -> Check {
    Check::new(name, Verdict::Skip, "not asked, because of what failed before")
}

fn unknown(name: &'static str) -> Check {
    Check::new(name, Verdict::Skip, "not known, because the list was not had")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use chrono::TimeDelta;

    use super::{Arrived, Listed, Verdict};
    use crate::error::{Error, Kind};
    use crate::services::registration::Listing;

    fn arrived(status: u16, body: &str) -> Arrived {
        let location = (300..400).contains(&status).then(|| "https://elsewhere.test/x".to_owned());
        let body = Bytes::from(body.to_owned());
        Arrived { status, body, date: None, retry_after: None, location, request_id: None }
    }

    #[test]
    fn a_clock_may_be_half_a_minute_off() {
        for (ahead, verdict) in [
            (0, Verdict::Pass),
            (30, Verdict::Pass),
            (-30, Verdict::Pass),
            (31, Verdict::Warn),
            (-31, Verdict::Warn),
            (300, Verdict::Warn),
            (301, Verdict::Fail),
            (-100_000, Verdict::Fail),
        ] {
            let check = super::clock("host", TimeDelta::seconds(ahead));
            assert_eq!((check.verdict, check.cure.is_none()), (verdict, verdict == Verdict::Pass), "{ahead}");
        }
        assert_eq!(
            super::clock("h", TimeDelta::seconds(40)).detail,
            "this machine's clock is 40 s behind h's"
        );
        assert_eq!(
            super::clock("h", TimeDelta::seconds(-40)).detail,
            "this machine's clock is 40 s ahead of h's"
        );
    }

    #[test]
    fn any_answer_but_a_redirect_or_a_page_is_a_connection() {
        for (status, body, verdict) in [
            (401, "{}", Verdict::Pass),
            (200, "[]", Verdict::Pass),
            (404, "<html><title>x</title>", Verdict::Pass),
            (200, "<html><title>Please sign in</title>", Verdict::Warn),
            (302, "", Verdict::Fail),
        ] {
            let check = super::connection("host", "https", &arrived(status, body), Duration::ZERO);
            assert_eq!(check.verdict, verdict, "{status} {body}");
        }
    }

    #[test]
    fn a_proxy_may_know_names_that_this_machine_does_not() {
        let found = [("a:1".to_owned(), Ok(Some(2))), ("b".to_owned(), Err("unknown".to_owned()))];
        assert_eq!(super::names(&found, false).verdict, Verdict::Fail);
        assert_eq!(super::names(&found, true).verdict, Verdict::Warn);
        assert_eq!(super::names(&found[..1], false).detail, "a:1");
    }

    #[test]
    fn what_the_list_came_to_tells_of_four_things() {
        let of = |listed: &Listed| {
            let webhooks = super::webhooks(listed, str::to_owned).verdict;
            (super::subscription(listed).verdict, super::quota(listed).verdict, webhooks)
        };
        let failed = |kind, status| Listed::Failed(Error { status: Some(status), ..Error::new(kind, "no") });
        let empty = Listing {
            service: crate::webhook::ServiceKind::Vis,
            elements: Vec::new(),
            strangers: 0,
            mentions_pages: false,
            date: None,
        };
        assert_eq!(of(&Listed::Unasked), (Verdict::Skip, Verdict::Skip, Verdict::Skip));
        assert_eq!(of(&Listed::Had(empty)), (Verdict::Pass, Verdict::Pass, Verdict::Pass));
        assert_eq!(of(&failed(Kind::Authentication, 403)), (Verdict::Fail, Verdict::Skip, Verdict::Skip));
        assert_eq!(of(&failed(Kind::Authentication, 401)), (Verdict::Skip, Verdict::Skip, Verdict::Skip));
        assert_eq!(of(&failed(Kind::Unavailable, 503)), (Verdict::Skip, Verdict::Skip, Verdict::Fail));
        let throttled = Listed::Throttled(chrono::DateTime::UNIX_EPOCH);
        assert_eq!(of(&throttled), (Verdict::Skip, Verdict::Warn, Verdict::Skip));
    }
}
