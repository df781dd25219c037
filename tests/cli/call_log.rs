//! A service with a log of call events, and receivers that events are posted to again. It has no tests.
//!
//! Rows have the REST form: ids are numbers, and there is one row for each state of a call.

use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json as value};
use sha2::Sha256;

use crate::service::{Service, failed, failed_and_signed};
use crate::support::{Outcome, Reply, Request, Server, Vwh, json};

/// A row of a call that rang, began and ended at `moment`, with no other time.
pub(crate) fn row(id: u64, state: &str, moment: &str) -> Value {
    value!({
        "id": id, "userId": 9001, "accountId": 4711, "type": "CALL", "direction": "INBOUND", "state": state,
        "phoneNumber": "14155550123", "callerId": "Zo\u{eb}", "duration": 0, "startTime": moment,
    })
}

/// The rows of a call that was answered: it rings at `minute` past midnight of 2026-01-02, and ends 10 s later.
pub(crate) fn answered(id: u64, minute: u64) -> Vec<Value> {
    let moment = |second| format!("2026-01-02T{:02}:{:02}:{second:02}.250+0000", minute / 60, minute % 60);
    let with = |state, times: &[(&str, u64)], duration: u64| {
        let mut row = row(id, state, &moment(0));
        row["duration"] = duration.into();
        for (name, second) in times {
            row[*name] = moment(*second).into();
        }
        row
    };
    vec![
        with("INITIALIZING", &[], 0),
        with("RINGING", &[], 0),
        with("ACTIVE", &[("answerTime", 4)], 0),
        with("ANSWERED", &[("answerTime", 4), ("endTime", 10)], 6_000),
    ]
}

/// A service that holds `webhooks` and answers its log as an honest one: by page, in the order asked for, filtered by the start of the
/// calls.
pub(crate) fn logging(webhooks: Vec<Value>, rows: Vec<Value>) -> Service {
    with_log(webhooks, move |request| honest_page(request, &rows))
}

/// A service whose log answers what `log` returns.
pub(crate) fn with_log(
    webhooks: Vec<Value>,
    log: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Service {
    Service::new(
        webhooks,
        move |request, webhooks| {
            if is_log(request) { log(request) } else { webhooks.answer(request) }
        },
    )
}

/// Whether the log is asked for.
pub(crate) fn is_log(request: &Request) -> bool {
    request.path.starts_with("/self/events?")
}

/// What an honest log answers.
pub(crate) fn honest_page(request: &Request, rows: &[Value]) -> Reply {
    let number = |name| parameter(request, name).and_then(|text| text.parse::<i64>().ok());
    let start = |row: &Value| milliseconds(row["startTime"].as_str().unwrap());
    let is_asked = |row: &&Value| {
        start(row) >= number("fromDate").unwrap() && number("toDate").is_none_or(|to| start(row) <= to)
    };
    let mut asked: Vec<&Value> = rows.iter().filter(is_asked).collect();
    if parameter(request, "order").as_deref() == Some("DESC") {
        asked.reverse();
    }
    let (offset, size) = (number("offset").unwrap(), number("size").unwrap());
    let first = usize::try_from(offset * size).unwrap();
    let page: Vec<&Value> = asked.into_iter().skip(first).take(usize::try_from(size).unwrap()).collect();
    json(200, value!(page).to_string())
}

/// A parameter of a request's query.
pub(crate) fn parameter(request: &Request, name: &str) -> Option<String> {
    let (_, query) = request.path.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A moment in milliseconds since 1970.
pub(crate) fn milliseconds(moment: &str) -> i64 {
    chrono::DateTime::parse_from_str(moment, "%Y-%m-%dT%H:%M:%S%.f%#z").unwrap().timestamp_millis()
}

/// How often the log was asked for.
pub(crate) fn looks(service: &Service) -> usize {
    service.server.requests().iter().filter(|request| is_log(request)).count()
}

/// Runs `vwh missed`.
pub(crate) fn missed(vwh: &Vwh, arguments: &[&str]) -> Outcome {
    vwh.args(["missed"].iter().chain(arguments).copied()).run()
}

/// A failed webhook that delivers to `receiver` under `policy`, signed.
pub(crate) fn signed(id: &str, receiver: &Receiver, policy: &str) -> Value {
    let mut webhook = failed_and_signed(id, "key-of-the-webhook");
    webhook["url"] = receiver.url().into();
    webhook["metadataPolicy"] = policy.into();
    webhook
}

/// The same without a key, in headers.
pub(crate) fn unsigned(id: &str, receiver: &Receiver) -> Value {
    let mut webhook = failed(id);
    webhook["url"] = receiver.url().into();
    webhook["metadataPolicy"] = "HEADER".into();
    webhook
}

/// A receiver, with everything that was posted to it.
pub(crate) struct Receiver {
    pub(crate) server: Server,
    posts: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    /// One that answers everything with 200.
    pub(crate) fn new() -> Self {
        Self::answering(|_| Reply::new(200, ""))
    }

    /// One that answers with what `handler` returns for the number of the request, counted from 1.
    pub(crate) fn answering(handler: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let posts = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&posts);
        let server = Server::new(move |request| {
            kept.lock().unwrap().push(request.clone());
            handler(request.number)
        });
        Self { server, posts }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("{}/hook", self.server.base_url())
    }

    /// What was posted.
    pub(crate) fn posts(&self) -> Vec<Request> {
        self.posts.lock().unwrap().clone()
    }

    /// `ID:STATE` of what was posted.
    pub(crate) fn events(&self) -> Vec<String> {
        let name = |post: &Request| {
            let event = &post.json()["event"];
            format!("{}:{}", event["id"].as_str().unwrap(), event["state"].as_str().unwrap())
        };
        self.posts().iter().map(name).collect()
    }

    /// The delivery ids in the headers of what was posted.
    pub(crate) fn delivery_ids(&self) -> Vec<String> {
        let id = |post: &Request| post.header("x-von-delivery-id").unwrap().to_owned();
        self.posts().iter().map(id).collect()
    }
}

/// The signature of `message` (vis §9).
pub(crate) fn signature(key: &str, message: &str) -> String {
    let mut digest = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    digest.update(message.as_bytes());
    digest.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A home with a profile for each service.
pub(crate) fn several(services: &[(&str, &Service)]) -> Vwh {
    let vwh = Vwh::new();
    let mut config = String::new();
    for (name, service) in services {
        let token = vwh.write(&format!("{name}.token"), "a-token");
        let base = service.server.base_url();
        config.push_str(&format!(
            "[profiles.{name}]\nbase_url = \"{base}\"\ntoken_file = {:?}\n",
            token.display().to_string()
        ));
    }
    vwh.configure(&config);
    vwh
}
