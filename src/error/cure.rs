//! What helps when a service says no: the cures of the failures that people meet first, and what to try otherwise. Pure.

use crate::http::fault::Fault;

/// The cure of `fault`, which `host` reported: a known one, the sender's, or what its status suggests.
pub(super) fn of_fault(host: &str, fault: &Fault) -> Option<String> {
    let known = known(host, fault).map(str::to_owned);
    known.or_else(|| fault.cure.clone()).or_else(|| by_status(fault.status).map(str::to_owned))
}

/// What helps against the failures that people meet first (vis §1, §2, §11).
pub(super) fn known(host: &str, fault: &Fault) -> Option<&'static str> {
    if let Some(cure) = fault.code.as_deref().and_then(of_voipbin) {
        return Some(cure);
    }
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

/// What helps against the reasons that VoIPBIN gives (vb §8).
fn of_voipbin(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "INVALID_CREDENTIALS" => {
            "bring a new access key (vb_…) or a new JWT of VoIPBIN: by VWH_TOKEN, or by the profile's token_file or token_command"
        }
        "AUTHENTICATION_REQUIRED" => {
            "the credential did not arrive: something in between may have dropped it"
        }
        "ACCOUNT_FROZEN" => "the account is to be deleted: recover it at VoIPBIN first",
        "PERMISSION_DENIED" => {
            "bring an access key, or the JWT of an agent who is the customer's administrator"
        }
        "DIRECT_ACCESS_NOT_SUPPORTED" => {
            "this JWT is of /auth/boot: bring an access key, or the JWT of a sign-in of an agent"
        }
        "ROUTE_NOT_FOUND" => "check the base URL: it ends in /v1.0",
        _ => return None,
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
