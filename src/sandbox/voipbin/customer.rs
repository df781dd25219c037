//! `GET` and `PUT /customer`: reading leaves out what is empty, writing erases what is left out (specs/voipbin.md §4).

use std::io;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::reply::Reply;
use super::super::store::Store;
use super::super::timestamp::Timestamp;
use super::account::{Account, Customer, Written};
use super::json_reply;
use super::refusal::Refusal;

/// The customer with its secret, if customers have one.
pub(super) fn shown(account: &Account, has_secret: bool) -> Reply {
    if has_secret { json_reply(account.customer()) } else { json_reply(&without_secret(account)) }
}

fn without_secret(account: &Account) -> Customer {
    Customer { webhook_secret: String::new(), ..account.customer().clone() }
}

/// Writes all seven members, whatever the body says of them; nothing is checked but that they are texts.
pub(super) async fn write(
    store: &Arc<Store>,
    body: &[u8],
    now: Timestamp,
) -> io::Result<Result<Reply, Refusal>> {
    let Some(written) = read(body) else { return Ok(Err(Refusal::not_json())) };
    let reply = store.change_voipbin(|account| {
        account.write(written, now);
        Some(json_reply(&without_secret(account)))
    });
    Ok(reply.await?.ok_or_else(Refusal::not_json))
}

/// `None` if the body is not JSON or a member is no text. `null` says nothing, as in the service's own language.
fn read(body: &[u8]) -> Option<Written> {
    let members = object(body)?;
    let text = |name: &str| text(&members, name);
    Some(Written {
        name: text("name")?,
        detail: text("detail")?,
        email: text("email")?,
        phone_number: text("phone_number")?,
        address: text("address")?,
        webhook_method: text("webhook_method")?,
        webhook_uri: text("webhook_uri")?,
    })
}

/// The members of a body, none if it is `null`.
pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Some(members),
        Ok(Value::Null) => Some(Map::new()),
        _ => None,
    }
}

/// A member that is a text, empty if it is not there; `None` if it is anything else.
pub(super) fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    match members.get(name) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_erased_and_what_is_no_text_refused() {
        let written = read(br#"{"webhook_uri":"test.com","webhook_method":null,"unknown":{"a":1}}"#).unwrap();
        assert_eq!(written, Written { webhook_uri: "test.com".into(), ..Written::default() });
        for wrong in ["", "[]", "{", "7", r#"{"name":7}"#, r#"{"webhook_uri":["x"]}"#] {
            assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
