//! What helps when a service says no: the cures of the failures that people meet first, and what to try otherwise. Pure.

use crate::http::fault::Fault;

/// The cure of `fault`, which `host` reported: a known one, the sender's, or what its status suggests.
pub(super) fn of_fault(host: &str, fault: &Fault) -> Option<String> {
    let known = known(host, fault).map(str::to_owned);
    known.or_else(|| fault.cure.clone()).or_else(|| by_status(fault.status).map(str::to_owned))
}

/// What helps against the failures that people meet first (vis §1, §2, §11).
pub(super) fn known(host: &str, fault: &Fault) -> Option<&'static str> {
    Some(if fault.mentions("invalid_client") && host.starts_with("apimanager.") {
        "the other token URL may know this key: https://api.vonage.com/token"
    } else if fault.mentions("invalid_client") {
        "the other token URL may know this key: \
         https://apimanager.auth.prod.vonagenetworks.net/t/vbc.prod/oauth2/token"
    } else if fault.mentions("failed to get claims") {
        "sign in as a user of the phone system with an extension: not with the developer login, \
         not with a client-credentials token"
    } else if fault.code.as_deref() == Some("900908") {
        "subscribe the application to the VonageIntegrationSuite API in the developer portal"
    } else if fault.mentions("17003") || fault.mentions("account is locked") {
        "the account is locked after failed sign-ins: wait 30 minutes, then sign in once with the right password"
    } else if fault.mentions("single sign-on") || fault.mentions("sso") {
        "switch single sign-on off for this user: the API cannot sign in through it"
    } else {
        return None;
    })
}

fn by_status(status: u16) -> Option<&'static str> {
    Some(match status {
        403 => "ask the account's administrator whether this user may use the API",
        404 | 410 => "check the id with: vwh list; if every call says so, check the base URL",
        409 => "something of the same name is there already: see it with: vwh list",
        408 | 500..=599 => "the service is unwell: run the command again later",
        400..=499 => "change the request: the same one would be rejected again",
        _ => return None,
    })
}
