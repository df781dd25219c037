//! What the token endpoint replies, believed as little as possible: a token, a refusal, or a fault on the way.

use chrono::{TimeDelta, Utc};
use serde_json::Value;

use super::id_token;
use super::source::is_visible;
use crate::http::exchange::Arrived;
use crate::http::fault::{Fault, Meaning};
use crate::http::{HttpError, gate};
use crate::secret::Secret;

/// What is assumed where the service does not say how long a token lasts: short enough to be true.
const UNSTATED_LIFE: TimeDelta = TimeDelta::hours(1);

/// No token is believed to last longer than this.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(3650);

/// What says in any reply that the sign-in is refused: the OAuth error, and the code and the word for an account that is
/// locked (vis §2).
const REFUSALS: [&str; 3] = ["invalid_grant", "17003", "locked"];

/// What was granted.
#[derive(Debug)]
pub struct Granted {
    /// The access token.
    pub access_token: Secret,
    /// How long it lasts.
    pub expires_in: TimeDelta,
    /// The next refresh token; without it the old one stays (RFC 6749 §6).
    pub refresh_token: Option<Secret>,
    /// How long that lasts, if the service says so.
    pub refresh_expires_in: Option<TimeDelta>,
    /// Who the `id_token` says it is; nobody has checked that.
    pub claimed_user: Option<String>,
}

/// What the service refused, if that makes sending it again useless or worse. A gateway may call a fault of its own a 400,
/// and may wrap a refusal in a fault of its own.
#[must_use]
pub fn refusal(error: &HttpError) -> Option<&Fault> {
    match error {
        HttpError::Fault { fault, .. } => {
            let is_final = (400..500).contains(&fault.status) && fault.meaning() != Meaning::Transient;
            (is_final || says_refusal(fault)).then_some(fault)
        }
        _ => None,
    }
}

fn says_refusal(fault: &Fault) -> bool {
    [fault.code.as_deref(), fault.message.as_deref()]
        .into_iter()
        .flatten()
        .any(|text| refuses(text).is_some())
}

/// The word by which `text` says that a sign-in is refused.
fn refuses(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let has_word = |sought: &str| {
        text.split(|character: char| !character.is_ascii_alphanumeric()).any(|word| word == sought)
    };
    // A number or a common word may be a part of anything.
    let is_said =
        |sought: &&str| if sought.contains('_') { text.contains(*sought) } else { has_word(sought) };
    REFUSALS.into_iter().find(is_said)
}

/// What was granted, or why nothing was; `secrets` are in no error.
pub(super) fn read(host: &str, arrived: Arrived, secrets: &[Secret]) -> Result<Granted, HttpError> {
    let scrubbed = |text: &str| secrets.iter().fold(text.to_owned(), |text, secret| secret.scrub(&text));
    let host = host.to_owned();
    if (300..400).contains(&arrived.status) {
        let location = arrived.location.map_or_else(|| "nowhere".to_owned(), |location| scrubbed(&location));
        return Err(HttpError::Redirect { host, status: arrived.status, location });
    }
    let Some(fault) = fault_in(&arrived, secrets) else {
        let title = Fault::title_of_page(&arrived.body, secrets);
        return granted(&arrived.body, title).map_err(|found| {
            let refused = with_refusal(Fault::read(400, &arrived.body, secrets), &arrived.body, secrets);
            if says_refusal(&refused) {
                return HttpError::Fault { host, fault: Box::new(refused) };
            }
            HttpError::Undecodable { host, expected: "a token", found }
        });
    };
    if fault.meaning() != Meaning::Throttled || says_refusal(&fault) {
        return Err(HttpError::Fault { host, fault: Box::new(fault) });
    }
    let hold = gate::asked_hold(arrived.retry_after.as_deref(), fault.next_access, arrived.date);
    let hold = hold.and_then(|hold| TimeDelta::from_std(hold).ok()).unwrap_or(TimeDelta::minutes(1));
    let until = Utc::now().checked_add_signed(hold).unwrap_or_else(Utc::now);
    Err(HttpError::Throttled { host, until })
}

/// What the reply complains of, if it does.
fn fault_in(arrived: &Arrived, secrets: &[Secret]) -> Option<Fault> {
    if (200..300).contains(&arrived.status) {
        return Fault::inside_success(&arrived.body, secrets).or_else(|| oauth_error(&arrived.body, secrets));
    }
    Some(with_refusal(Fault::read(arrived.status, &arrived.body, secrets), &arrived.body, secrets))
}

/// `fault`, with the refusal that stands in a part of its body that no sentence repeats.
fn with_refusal(mut fault: Fault, body: &[u8], secrets: &[Secret]) -> Fault {
    if says_refusal(&fault) {
        return fault;
    }
    let text = String::from_utf8_lossy(body).into_owned();
    let text = secrets.iter().fold(text, |text, secret| secret.scrub(&text));
    if let Some(word) = refuses(&text) {
        fault.message =
            Some(fault.message.map_or_else(|| word.to_owned(), |message| format!("{message}: {word}")));
    }
    fault
}

/// An OAuth error inside a 2xx, which then counts as the status that it should have come with (RFC 6749 §5.2).
fn oauth_error(body: &[u8], secrets: &[Secret]) -> Option<Fault> {
    let members: Value = serde_json::from_slice(body).ok()?;
    let error = members.get("error")?.as_str().filter(|error| !error.trim().is_empty())?;
    if members.get("access_token").is_some_and(Value::is_string) {
        return None;
    }
    let status = match error {
        "server_error" | "temporarily_unavailable" => 503,
        "invalid_client" => 401,
        _ => 400,
    };
    Some(Fault::read(status, body, secrets))
}

/// Reads a success; fails with what it is instead, without repeating any of it.
fn granted(body: &[u8], page_title: Option<String>) -> Result<Granted, String> {
    let members = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err("it is other JSON".to_owned()),
        Err(_) if body.trim_ascii().is_empty() => return Err("it is empty".to_owned()),
        Err(error) if error.is_eof() => return Err("the JSON ends early".to_owned()),
        Err(_) => {
            return Err(match page_title {
                Some(title) => format!("it is an HTML page titled “{title}”"),
                None => "it is not JSON".to_owned(),
            });
        }
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::trim);
    let access_token = text("access_token").ok_or("it has no access_token")?;
    if !is_visible(access_token) {
        return Err("its access_token is not one word of visible ASCII".to_owned());
    }
    let life = |names: [&str; 2]| names.into_iter().find_map(|name| seconds(members.get(name)?));
    Ok(Granted {
        access_token: Secret::new(access_token),
        expires_in: life(["expires_in", "expiresIn"]).unwrap_or(UNSTATED_LIFE),
        refresh_token: text("refresh_token").filter(|token| !token.is_empty()).map(Secret::new),
        refresh_expires_in: life(["refresh_expires_in", "refresh_token_expires_in"]),
        claimed_user: text("id_token").and_then(id_token::user_in),
    })
}

/// A number of seconds, or its text; nothing that is no length of time.
fn seconds(value: &Value) -> Option<TimeDelta> {
    let seconds = match value {
        Value::Number(number) => number.as_i64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    TimeDelta::try_seconds(seconds).filter(|life| *life > TimeDelta::zero() && *life <= LONGEST_LIFE)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::proptest;

    use super::{Granted, granted};

    fn read(body: &str) -> Result<Granted, String> {
        granted(body.as_bytes(), None)
    }

    #[test]
    fn odd_lengths_of_life_are_an_hour() {
        for (stated, seconds) in [
            (r#","expires_in":82566"#, 82_566),
            (r#","expires_in":"82566""#, 82_566),
            ("", 3_600),
            (r#","expires_in":0"#, 3_600),
            (r#","expires_in":-5"#, 3_600),
            (r#","expires_in":1e3"#, 3_600),
            (r#","expires_in":99999999999999"#, 3_600),
            (r#","expires_in":"soon""#, 3_600),
            (r#","expires_in":null"#, 3_600),
        ] {
            let granted = read(&format!(r#"{{"access_token":"t"{stated}}}"#)).expect("a token");
            assert_eq!(granted.expires_in, TimeDelta::seconds(seconds), "{stated}");
        }
    }

    #[test]
    fn only_a_token_that_can_be_sent_is_one() {
        for body in [
            "",
            "[]",
            "null",
            "{}",
            "nothing",
            r#"{"access_token":""}"#,
            r#"{"access_token":5}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\nX-Evil: 1"}"#,
            r#"{"access_token":"t\u00f6ken"}"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
        for refresh in [r#""""#, "null", "7", "[]"] {
            let body = format!(r#"{{"access_token":"t","refresh_token":{refresh}}}"#);
            assert!(read(&body).expect("a token").refresh_token.is_none(), "{refresh}");
        }
    }

    #[test]
    fn what_is_no_token_is_named() {
        for (body, what) in [
            (" ", "it is empty"),
            (r#"{"access_token":"t"#, "the JSON ends early"),
            ("[1,2", "the JSON ends early"),
            ("[1,2]", "it is other JSON"),
            ("nothing", "it is not JSON"),
        ] {
            assert_eq!(read(body).expect_err(body), what, "{body}");
        }
    }

    #[test]
    fn debug_hides_every_secret() {
        let granted = read(r#"{"access_token":"hunter2","refresh_token":"hunter3"}"#);
        assert!(!format!("{granted:?}").contains("hunter"));
    }

    proptest! {
        #[test]
        fn whatever_a_reply_says_it_never_panics(body in ".*", life in ".*") {
            let _ = read(&body);
            let body = serde_json::json!({ "access_token": "t", "expires_in": life }).to_string();
            assert!(read(&body).expect("a token").expires_in > TimeDelta::zero());
        }
    }
}
