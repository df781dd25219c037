//! A small service of webhooks on a test server: honest unless a test's closure says otherwise. It has no tests.
//!
//! `vwh sandbox` is the whole service; this one is for what has to go wrong at a chosen request.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json as value};

use crate::support::{Reply, Request, Server, Vwh, json};

/// Who the token belongs to.
pub(crate) const OWNER: &str = r#"{"id": 9001, "accountId": 4711}"#;

/// The service's webhooks, in the order of their registration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Webhooks {
    pub(crate) list: Vec<Value>,
    /// The service's clock, as `Date` sends it.
    pub(crate) date: Option<String>,
    created: usize,
}

/// A running service.
pub(crate) struct Service {
    pub(crate) server: Server,
    webhooks: Arc<Mutex<Webhooks>>,
}

impl Service {
    /// One that does what it is asked.
    pub(crate) fn honest(list: Vec<Value>) -> Self {
        Self::new(list, |request, webhooks| webhooks.answer(request))
    }

    /// One that answers with what `handler` returns.
    pub(crate) fn new(
        list: Vec<Value>,
        handler: impl Fn(&Request, &mut Webhooks) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(list, |_| (), handler)
    }

    /// One that does what it is asked once `wait` has returned; meanwhile it answers other requests.
    pub(crate) fn waiting(list: Vec<Value>, wait: impl Fn(&Request) + Send + Sync + 'static) -> Self {
        Self::start(list, wait, |request, webhooks| webhooks.answer(request))
    }

    fn start(
        list: Vec<Value>,
        wait: impl Fn(&Request) + Send + Sync + 'static,
        handler: impl Fn(&Request, &mut Webhooks) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let webhooks = Arc::new(Mutex::new(Webhooks { list, ..Webhooks::default() }));
        let shared = Arc::clone(&webhooks);
        let server = Server::new(move |request| {
            wait(request);
            handler(request, &mut shared.lock().unwrap())
        });
        Self { server, webhooks }
    }

    /// A vwh that is connected to it.
    pub(crate) fn vwh(&self) -> Vwh {
        Vwh::connected_to(&self.server.base_url())
    }

    /// Looks at the webhooks, or changes them behind vwh's back.
    pub(crate) fn with<T>(&self, use_webhooks: impl FnOnce(&mut Webhooks) -> T) -> T {
        use_webhooks(&mut self.webhooks.lock().unwrap())
    }

    /// The ids that are listed.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.with(|webhooks| webhooks.texts("id"))
    }

    /// The urls that are listed, in order of the alphabet.
    pub(crate) fn urls(&self) -> Vec<String> {
        let mut urls = self.with(|webhooks| webhooks.texts("url"));
        urls.sort_unstable();
        urls
    }

    /// How many requests of this method came.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.server.requests().iter().filter(|request| request.method == method).count()
    }

    /// Requests that change something, in order.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.server.lines().into_iter().filter(|line| !line.starts_with("GET ")).collect()
    }
}

impl Webhooks {
    /// What an honest service does.
    pub(crate) fn answer(&mut self, request: &Request) -> Reply {
        let path = request.path.trim_end_matches('/').trim_start_matches("/self");
        let id = path.trim_start_matches("/webhooks/").trim_end_matches("/renew");
        let reply = match request.method.as_str() {
            "GET" if path.is_empty() => json(200, OWNER),
            "GET" if path == "/webhooks" => json(200, Value::from(self.list.clone()).to_string()),
            "POST" if path == "/webhooks" => self.create(&request.json()),
            "GET" => self.find(id).map_or_else(unknown, |webhook| json(200, webhook.to_string())),
            "PUT" if path.ends_with("/renew") => self.renew(id),
            "DELETE" => self.delete(id),
            other => panic!("unexpected request: {other} {path}"),
        };
        match &self.date {
            Some(date) => reply.header("Date", date),
            None => reply,
        }
    }

    /// The webhook of this id.
    pub(crate) fn find(&mut self, id: &str) -> Option<&mut Value> {
        self.list.iter_mut().find(|webhook| webhook["id"] == id)
    }

    /// Removes the webhook of this id.
    pub(crate) fn delete(&mut self, id: &str) -> Reply {
        let before = self.list.len();
        self.list.retain(|webhook| webhook["id"] != id);
        if self.list.len() < before { Reply::new(204, "") } else { unknown() }
    }

    fn renew(&mut self, id: &str) -> Reply {
        let Some(webhook) = self.find(id) else { return unknown() };
        webhook["renewedAt"] = chrono::Utc::now().to_rfc3339().into();
        webhook["expireAt"] = (chrono::Utc::now() + chrono::TimeDelta::days(10)).to_rfc3339().into();
        webhook["statistics"]["failed"] = false.into();
        json(200, webhook.to_string())
    }

    fn create(&mut self, body: &Value) -> Reply {
        self.created += 1;
        let mut webhook = body.clone();
        webhook["id"] = format!("new-{}", self.created).into();
        webhook["createdAt"] = chrono::Utc::now().to_rfc3339().into();
        webhook["expireAt"] = (chrono::Utc::now() + chrono::TimeDelta::days(10)).to_rfc3339().into();
        self.list.push(webhook.clone());
        json(201, webhook.to_string())
    }

    fn texts(&self, member: &str) -> Vec<String> {
        self.list.iter().filter_map(|webhook| webhook[member].as_str()).map(str::to_owned).collect()
    }
}

fn unknown() -> Reply {
    json(404, r#"{"errorCode": "NOT_FOUND", "errorMessage": "Webhook not found"}"#)
}

/// A webhook that delivers.
pub(crate) fn healthy(id: &str) -> Value {
    value!({
        "id": id, "url": url(id), "events": ["CALL"], "status": "ACTIVE", "metadataPolicy": "NONE",
        "createdAt": "2026-01-01T00:00:00Z", "expireAt": "2099-01-01T00:00:00Z",
        "statistics": {"totalAttempts": 8, "totalSuccesses": 8, "totalFailures": 0, "failed": false,
            "lastSuccess": "2026-01-02T00:00:00Z"},
    })
}

/// A webhook whose receiver has failed.
pub(crate) fn failed(id: &str) -> Value {
    let mut webhook = healthy(id);
    webhook["statistics"] = value!({
        "totalAttempts": 8, "totalSuccesses": 5, "totalFailures": 3, "failed": true,
        "lastSuccess": "2026-01-02T00:00:00Z", "lastFailure": "2026-01-03T00:00:00Z",
        "lastHttpErrorCode": "503 SERVICE_UNAVAILABLE",
    });
    webhook
}

/// A webhook whose receiver has failed, signed with `key`.
pub(crate) fn failed_and_signed(id: &str, key: &str) -> Value {
    let mut webhook = failed(id);
    webhook["signingAlgo"] = "HMAC_SHA256".into();
    webhook["signingKey"] = key.into();
    webhook["metadataPolicy"] = "BODY".into();
    webhook
}

/// The url of the webhook `id`.
pub(crate) fn url(id: &str) -> String {
    format!("https://hooks.example.test/{id}")
}

/// `many(3, failed)`: `w-001` to `w-003`, all failed.
pub(crate) fn many(count: usize, make: fn(&str) -> Value) -> Vec<Value> {
    (1..=count).map(|number| make(&format!("w-{number:03}"))).collect()
}

/// The lines of the journal, each of which must be whole.
pub(crate) fn journal(vwh: &Vwh) -> Vec<Value> {
    let (lines, torn) = read_journal(vwh);
    assert_eq!(torn, Vec::<String>::new());
    lines
}

/// The lines of the journal after so many kills, each of which may have torn the line that was being written.
pub(crate) fn journal_after(kills: usize, vwh: &Vwh) -> Vec<Value> {
    let (lines, torn) = read_journal(vwh);
    assert!(torn.len() <= kills, "{torn:?}");
    lines
}

fn read_journal(vwh: &Vwh) -> (Vec<Value>, Vec<String>) {
    let text = std::fs::read_to_string(vwh.state().join("journal.jsonl")).unwrap_or_default();
    let (mut lines, mut torn) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match serde_json::from_str(line) {
            Ok(value) => lines.push(value),
            Err(_) => torn.push(line.to_owned()),
        }
    }
    (lines, torn)
}

/// The ids of the webhooks whose definition the journal has.
pub(crate) fn journalled(vwh: &Vwh) -> Vec<String> {
    defined(&journal(vwh))
}

/// The ids of the webhooks whose definition is in these lines.
pub(crate) fn defined(lines: &[Value]) -> Vec<String> {
    let definitions = lines.iter().filter(|line| line["definition"].is_object());
    definitions.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}
