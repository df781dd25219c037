//! Who sends a token request: the one client, by HTTP Basic or in the form (specs/vis.md §2).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::form::Form;
use super::refusal::Refusal;
use super::{CLIENT_ID, CLIENT_SECRET};

/// Lets the one client pass. Where it names itself in both places, the header counts.
pub(super) fn authenticate(headers: &HeaderMap, form: &Form) -> Result<(), Refusal> {
    let (id, secret) = credentials(headers, form)?;
    let id = id.ok_or_else(unsupported)?;
    if id != CLIENT_ID {
        let description = format!("A valid OAuth client could not be found for client_id: {id}");
        return Err(Refusal::invalid_client(description));
    }
    if secret.ok_or_else(unsupported)? == CLIENT_SECRET { Ok(()) } else { Err(failed()) }
}

/// The id and the secret, as far as they are there.
pub(in crate::sandbox) fn credentials(
    headers: &HeaderMap,
    form: &Form,
) -> Result<(Option<String>, Option<String>), Refusal> {
    Ok(match basic(headers)? {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => (form.get("client_id").map(str::to_owned), form.get("client_secret").map(str::to_owned)),
    })
}

/// The id and secret of an `Authorization: Basic` header; none when there is no such header.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Refusal> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let header = header.to_str().map_err(|_| failed())?;
    let (scheme, credentials) = header.split_once(' ').ok_or_else(failed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unsupported());
    }
    let decoded = STANDARD.decode(credentials.trim()).map_err(|_| failed())?;
    let decoded = String::from_utf8(decoded).map_err(|_| failed())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(failed)?;
    Ok(Some((id.to_owned(), secret.to_owned())))
}

fn failed() -> Refusal {
    Refusal::invalid_client("Client Authentication failed")
}

fn unsupported() -> Refusal {
    Refusal::invalid_client("Unsupported Client Authentication Method!")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(header: Option<&str>, form: &str) -> Result<(), String> {
        let headers = header.map(|value| (AUTHORIZATION, value.parse().unwrap())).into_iter().collect();
        let form = Form::parse(form.as_bytes()).ok().unwrap();
        authenticate(&headers, &form).map_err(|refusal| refusal.description.into_owned())
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn the_client_may_name_itself_in_either_place() {
        assert_eq!(judge(None, "client_id=sandbox-client&client_secret=sandbox-secret"), Ok(()));
        assert_eq!(judge(Some(&basic("sandbox-client:sandbox-secret")), ""), Ok(()));
        assert_eq!(judge(Some("bAsIc c2FuZGJveC1jbGllbnQ6c2FuZGJveC1zZWNyZXQ="), ""), Ok(()));
        assert_eq!(judge(Some(&basic("sandbox-client:sandbox-secret")), "client_id=other"), Ok(()));
    }

    #[test]
    fn every_other_way_is_told_apart() {
        let unknown = Err("A valid OAuth client could not be found for client_id: other".to_owned());
        let failed = Err("Client Authentication failed".to_owned());
        let unsupported = Err("Unsupported Client Authentication Method!".to_owned());
        assert_eq!(judge(None, "client_id=other&client_secret=sandbox-secret"), unknown);
        assert_eq!(judge(Some(&basic("other:x")), ""), unknown);
        assert_eq!(judge(None, "client_id=sandbox-client&client_secret=x"), failed);
        assert_eq!(judge(Some(&basic("sandbox-client:sandbox-secret:")), ""), failed);
        for broken in ["Basic", "Basic !", &basic("sandbox-client"), &STANDARD.encode("no scheme")] {
            assert_eq!(judge(Some(broken), ""), failed, "{broken}");
        }
        assert_eq!(judge(None, ""), unsupported);
        assert_eq!(judge(None, "client_id=sandbox-client"), unsupported);
        assert_eq!(judge(Some("Bearer x"), ""), unsupported);
    }
}
