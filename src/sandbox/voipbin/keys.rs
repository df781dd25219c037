//! `/accesskeys`: made, listed, looked at and deleted; a key's token is shown once (specs/voipbin.md §2).

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::reply::Reply;
use super::super::store::Store;
use super::super::timestamp::Timestamp;
use super::access::{end_of, parameter};
use super::account::{AccessKey, Account, micros};
use super::customer::{object, text};
use super::json_reply;
use super::refusal::Refusal;

/// How many keys a page has unless told.
const PAGE: usize = 100;

/// The newest first, of those made before `page_token`.
pub(super) fn list(account: &Account, query: &str, now: Timestamp) -> Reply {
    let size =
        parameter(query, "page_size").and_then(|size| size.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let before = parameter(query, "page_token").map_or_else(|| micros(now) + "~", Cow::into_owned);
    let older = account.keys().iter().rev().filter(|key| key.page_token() < before);
    let page: Vec<&AccessKey> = older.take(size).collect();
    let next = page.last().map(|key| key.page_token()).unwrap_or_default();
    let customer = &account.customer().id;
    let result: Vec<Value> = page.iter().map(|key| shown(key, customer)).collect();
    json_reply(&json!({"result": result, "next_page_token": next}))
}

pub(super) fn one(account: &Account, id: &str) -> Result<Reply, Refusal> {
    let key = account.keys().iter().find(|key| key.id == id).ok_or_else(Refusal::no_resource)?;
    Ok(json_reply(&shown(key, &account.customer().id)))
}

/// Makes a key; this reply is the only one that has its token.
pub(super) async fn make(
    store: &Arc<Store>,
    body: &[u8],
    now: Timestamp,
) -> io::Result<Result<Reply, Refusal>> {
    let Some((name, detail, seconds)) = read(body) else { return Ok(Err(Refusal::not_json())) };
    let made = store.change_voipbin(|account| {
        let customer = account.customer().id.clone();
        let (key, token) = account.make_key(name, detail, end_of(seconds, now), now);
        let mut shown = shown(key, &customer);
        shown["token"] = token.into();
        Some(json_reply(&shown))
    });
    Ok(made.await?.ok_or_else(Refusal::not_json))
}

fn read(body: &[u8]) -> Option<(String, String, i64)> {
    let members = object(body)?;
    let seconds = match members.get("expire") {
        None | Some(Value::Null) => 0,
        Some(number) => number.as_i64()?,
    };
    Some((text(&members, "name")?, text(&members, "detail")?, seconds))
}

/// Deletes a key; the reply shows it once more.
pub(super) async fn delete(
    store: &Arc<Store>,
    id: &str,
    now: Timestamp,
) -> io::Result<Result<Reply, Refusal>> {
    let deleted = store.change_voipbin(|account| {
        let key = account.take_key(id)?;
        let mut shown = shown(&key, &account.customer().id);
        shown["tm_delete"] = micros(now).into();
        Some(json_reply(&shown))
    });
    Ok(deleted.await?.ok_or_else(Refusal::no_resource))
}

fn shown(key: &AccessKey, customer: &str) -> Value {
    json!({
        "id": key.id, "customer_id": customer, "name": key.name, "detail": key.detail,
        "token_prefix": key.token_prefix, "tm_expire": key.expires(), "tm_create": key.created(),
        "tm_update": key.created(), "tm_delete": null,
    })
}
