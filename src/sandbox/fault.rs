//! Faults to order: which request gets which kind of trouble.
//!
//! Parsing and matching only; `misbehaviour` acts them out.

use std::str::FromStr;

use axum::http::StatusCode;

/// One fault: it replaces or spoils the reply to the requests it names. See the `FromStr` implementation for the syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    requests: Requests,
    effect: Effect,
}

/// Which requests, counted from 1 in order of arrival since the sandbox started.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requests {
    Range { first: u64, last: u64 },
    Every(u64),
}

/// What happens to a request that meets a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Answered with this status in the gateway's error shape; the request is not executed.
    Status(StatusCode),
    /// Answered with a proxy's 502 page in HTML; the request is not executed.
    Html502,
    /// Answered with 504 after two minutes; the request is not executed.
    Stall,
    /// Executed, then the connection closes half-way through the body.
    Cut,
    /// Executed, then the body comes a byte a second.
    Slow,
}

/// Why a text is not a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a fault; write WHICH:WHAT, where WHICH is `3`, `2-5` or `every-4` (requests counted from 1) \
     and WHAT is a status from 400 to 599, `cut`, `slow`, `html502` or `stall`"
)]
pub struct FaultSyntax(String);

impl Fault {
    /// The effect on the `number`-th request, if this fault is about it.
    pub(super) fn on(&self, number: u64) -> Option<Effect> {
        let is_meant = match self.requests {
            Requests::Range { first, last } => (first..=last).contains(&number),
            Requests::Every(step) => number.is_multiple_of(step),
        };
        is_meant.then_some(self.effect)
    }
}

/// Reads `WHICH:WHAT`.
///
/// `WHICH` is a request number (`3`), a range (`2-5`, both ends included) or `every-N` (the N-th, 2N-th, …). All requests
/// below the API's base path count, from 1, in order of arrival, since the sandbox started; its knobs do not.
///
/// `WHAT` is one of
/// - a status from `400` to `599`: that error in the gateway's shape; the request is not executed;
/// - `html502`: a proxy's HTML page with status 502; the request is not executed;
/// - `stall`: no answer for two minutes, then 504; the request is not executed;
/// - `cut`: the request is executed, half of the reply's body is sent, the connection closes;
/// - `slow`: the request is executed, the reply's body comes a byte a second.
///
/// Where several faults are about one request, the first one given wins.
impl FromStr for Fault {
    type Err = FaultSyntax;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once(':')
            .and_then(|(which, what)| Some(Self { requests: requests(which)?, effect: effect(what)? }))
            .ok_or_else(|| FaultSyntax(text.to_owned()))
    }
}

fn requests(text: &str) -> Option<Requests> {
    if let Some(step) = text.strip_prefix("every-") {
        return positive(step).map(Requests::Every);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (positive(first)?, positive(last)?);
    (first <= last).then_some(Requests::Range { first, last })
}

fn positive(text: &str) -> Option<u64> {
    // `parse` alone would take `+3`.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && *number > 0)
}

fn effect(text: &str) -> Option<Effect> {
    match text {
        "cut" => Some(Effect::Cut),
        "slow" => Some(Effect::Slow),
        "stall" => Some(Effect::Stall),
        "html502" => Some(Effect::Html502),
        status => {
            let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
            let is_error = status.is_client_error() || status.is_server_error();
            is_error.then_some(Effect::Status(status))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(fault: &str) -> Vec<u64> {
        let fault: Fault = fault.parse().unwrap();
        (1..=9).filter(|number| fault.on(*number).is_some()).collect()
    }

    #[test]
    fn names_requests_by_number_range_and_step() {
        assert_eq!(hits("3:503"), [3]);
        assert_eq!(hits("2-4:cut"), [2, 3, 4]);
        assert_eq!(hits("every-4:slow"), [4, 8]);
    }

    #[test]
    fn names_every_effect() {
        let effect = |text: &str| text.parse::<Fault>().unwrap().on(1).unwrap();
        assert_eq!(effect("1:429"), Effect::Status(StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(effect("1:html502"), Effect::Html502);
        assert_eq!(effect("1:stall"), Effect::Stall);
        assert_eq!(effect("1:cut"), Effect::Cut);
        assert_eq!(effect("1:slow"), Effect::Slow);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in [
            "",
            "503",
            "0:503",
            "+1:503",
            "4-2:503",
            "1-:503",
            "every-0:cut",
            "1:200",
            "1:600",
            "1:boom",
            "1:",
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("`{text}` is not a fault; write WHICH:WHAT")),
                "{error}"
            );
        }
    }
}
