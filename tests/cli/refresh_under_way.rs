//! A refresh under way: it is for one use, so neither the clock nor a signal cuts it off.

use std::sync::{Arc, Barrier};

use crate::support::{Reply, Vwh};
use crate::token_service::{TokenService, signed_in, stored};

/// How long ago the token has ended, in seconds.
const OVER: i64 = -3_600;

/// A service that meets a test at the first barrier when it is asked, and at the second before it grants.
fn held_back() -> (TokenService, Arc<Barrier>, Arc<Barrier>) {
    let (asked, may_answer) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (on_asked, on_answer) = (Arc::clone(&asked), Arc::clone(&may_answer));
    let service = TokenService::new(move |_, grants| {
        on_asked.wait();
        on_answer.wait();
        grants.grant()
    });
    (service, asked, may_answer)
}

#[test]
fn a_refresh_is_not_begun_with_too_little_time() {
    let service = TokenService::generous();
    let vwh = service.home("");
    let before = signed_in(&service, &vwh, OVER);
    let _ = vwh.args(["list", "--timeout", "900ms"]).run().exits(5).says("the time limit ran out");
    assert_eq!((service.server.connections(), stored(&vwh)), (0, before));
}

#[test]
fn a_refresh_under_way_outlives_the_time_limit() {
    let (service, asked, may_answer) = held_back();
    let vwh = service.home("");
    signed_in(&service, &vwh, OVER);
    let process = vwh.args(["list", "--timeout", "3s"]).spawn();
    asked.wait();
    // Once a later run has come to the end of the same time, so has this one.
    let stalling = crate::support::Server::new(|_| Reply::Stall);
    let other = Vwh::new().env("VWH_BASE_URL", stalling.base_url()).env("VWH_TOKEN", "t");
    let _ = other.args(["list", "--timeout", "3s"]).run().exits(5).says("the time limit ran out");
    may_answer.wait();
    let _ = process.wait().exits(5).says("the time limit ran out");
    assert_eq!(stored(&vwh)["refreshToken"], "refresh-1");
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.asked(), ["refresh_token"]);
}

/// Runs vwh after the shell line `before` and sends it `signal` while its refresh is under way: its exit code, and the
/// refresh token that is stored then.
#[cfg(unix)]
fn signalled_while_refreshing(
    signal: crate::support::Signal,
    before: &str,
) -> (Option<i32>, serde_json::Value) {
    use std::os::unix::fs::PermissionsExt;
    let (service, asked, may_answer) = held_back();
    let vwh = service.home("");
    let script = format!("#!/bin/sh\n{before}\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_vwh"));
    let script = vwh.write("started", &script);
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let vwh = vwh.through(&script);
    signed_in(&service, &vwh, OVER);
    let process = vwh.args(["list", "-v"]).spawn();
    asked.wait();
    process.signal(signal);
    may_answer.wait();
    let outcome = process.wait();
    (outcome.code, stored(&vwh)["refreshToken"].clone())
}

#[cfg(unix)]
#[test]
fn a_refresh_under_way_ends_before_an_interrupt_does() {
    use crate::support::Signal;
    let mut signals = vec![Signal::INT, Signal::TERM];
    if cfg!(target_os = "linux") {
        signals.push(Signal::HUP);
    }
    for signal in signals {
        let outcome = signalled_while_refreshing(signal, "");
        assert_eq!(outcome, (Some(130), "refresh-1".into()), "{signal:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_hang_up_that_was_ignored_stays_ignored() {
    let outcome = signalled_while_refreshing(crate::support::Signal::HUP, "trap '' HUP");
    assert_eq!(outcome, (Some(0), "refresh-1".into()));
}
