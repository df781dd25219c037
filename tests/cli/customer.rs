//! A VoIPBIN customer on a test server: honest unless a test's closure says otherwise, with the full replace of every PUT. It
//! has no tests.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json as value};

use crate::support::{Reply, Request, Server, Vwh, json};

/// The customer, and so the webhook.
pub(crate) const ID: &str = "91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc";

/// An access key.
pub(crate) const KEY: &str = "vb_0123456789abcdefghijklmnopqrstuv";

/// What signs deliveries.
pub(crate) const SECRET: &str = "Zm9vYmFyLXZ3aC1zZWNyZXQtMDEyMzQ1";

/// What must not change, whatever vwh does.
pub(crate) const PROFILE: [&str; 5] = ["name", "detail", "email", "phone_number", "address"];

/// What a PUT writes.
const WRITTEN: [&str; 7] =
    ["name", "detail", "email", "phone_number", "address", "webhook_method", "webhook_uri"];

/// A service with one customer.
pub(crate) struct Customer {
    pub(crate) server: Server,
    state: Arc<Mutex<Value>>,
}

impl Customer {
    /// One that does what it is asked; its slot holds `url`, or nothing if that is empty.
    pub(crate) fn honest(url: &str) -> Self {
        Self::new(customer(url), |_, _| None)
    }

    /// One that answers what `handler` returns, and honestly where that is nothing.
    pub(crate) fn new(
        state: Value,
        handler: impl Fn(&Request, &mut Value) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server = Server::new(move |request| {
            let mut state = shared.lock().unwrap();
            // Nothing that was ever documented there exists (vb §1).
            assert!(!request.path.contains("webhooks"), "{}", request.line());
            handler(request, &mut state).unwrap_or_else(|| answer(request, &mut state))
        });
        Self { server, state }
    }

    /// A vwh that is connected to it by the access key.
    pub(crate) fn vwh(&self) -> Vwh {
        self.vwh_with(KEY)
    }

    pub(crate) fn vwh_with(&self, token: &str) -> Vwh {
        let base = format!("{}/v1.0", self.server.base_url());
        Vwh::new().env("VWH_SERVICE", "voipbin").env("VWH_BASE_URL", base).env("VWH_TOKEN", token)
    }

    /// Looks at the customer, or changes it behind vwh's back.
    pub(crate) fn with<T>(&self, use_state: impl FnOnce(&mut Value) -> T) -> T {
        use_state(&mut self.state.lock().unwrap())
    }

    pub(crate) fn url(&self) -> String {
        self.with(|state| state["webhook_uri"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn profile(&self) -> Vec<Value> {
        self.with(|state| profile(state))
    }

    /// The methods of the requests so far, in order.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.server.requests().into_iter().map(|request| request.method).collect()
    }

    pub(crate) fn puts(&self) -> usize {
        self.methods().iter().filter(|method| *method == "PUT").count()
    }
}

/// The five members that must not change; what is missing is empty.
pub(crate) fn profile(state: &Value) -> Vec<Value> {
    PROFILE.iter().map(|name| value!(state[*name].as_str().unwrap_or_default())).collect()
}

/// A customer whose slot holds `url`.
pub(crate) fn customer(url: &str) -> Value {
    let mut customer = value!({
        "id": ID, "name": "Harbour Dental", "detail": "a “detail”", "email": "ops@harbour.example",
        "phone_number": "+12125550142", "address": "1 Quay Street\nHarbour Town", "billing_account_id": "2f0a",
        "metadata": {"rtp_debug": false}, "email_verified": true, "status": "active", "tm_delete": null,
        "webhook_secret": SECRET,
    });
    if !url.is_empty() {
        customer["webhook_method"] = "POST".into();
        customer["webhook_uri"] = url.into();
    }
    customer
}

/// What an honest service does.
pub(crate) fn answer(request: &Request, state: &mut Value) -> Reply {
    let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
    match request.method.as_str() {
        _ if path != "/v1.0/customer" => no_route(),
        "GET" => json(200, state.to_string()),
        "PUT" => {
            let body = request.json();
            let customer = state.as_object_mut().unwrap();
            for name in WRITTEN {
                match body[name].as_str() {
                    None | Some("") => drop(customer.remove(name)),
                    Some(text) => drop(customer.insert(name.to_owned(), text.into())),
                }
            }
            let mut shown = customer.clone();
            shown.remove("webhook_secret");
            json(200, Value::from(shown).to_string())
        }
        _ => no_route(),
    }
}

fn no_route() -> Reply {
    envelope(404, "NOT_FOUND", "ROUTE_NOT_FOUND", "The requested endpoint does not exist.")
}

/// A refusal in the service's own shape.
pub(crate) fn envelope(http: u16, status: &str, reason: &str, message: &str) -> Reply {
    let error = value!({"status": status, "reason": reason, "message": message, "request_id": "req_1"});
    json(http, value!({"error": error}).to_string())
}
