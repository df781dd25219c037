//! The sandbox over a real socket.

mod calls;
mod codes;
mod contact_center;
mod deliveries;
mod disorder;
mod endpoints;
mod events;
mod faults;
mod gateway;
mod injected;
mod kill;
mod knobs;
mod lanes;
mod own_receiver;
mod processes;
mod receiver;
mod redirects;
mod retries;
mod state;
mod token_life;
mod tokens;
mod voipbin;
mod voipbin_deliveries;

use serde_json::{Value, json};
use tempfile::TempDir;
use vwh::sandbox::{Options, Server, serve};

use crate::raw::{Raw, exchange, request};

/// How long a wait may last before the test fails; no test measures time with it.
const GUARD: std::time::Duration = std::time::Duration::from_mins(1);

const BASE: &str = "/t/vbc.prod/vis/v1";

/// A sandbox in a directory of its own.
struct Sandbox {
    server: Server,
    directory: TempDir,
}

impl Sandbox {
    async fn start(options: Options) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = serve(directory.path(), "127.0.0.1:0".parse().expect("an address"), options).await;
        Self { server: server.expect("a sandbox"), directory }
    }

    /// One without webhooks.
    async fn empty() -> Self {
        Self::start(Options { empty: true, ..Options::default() }).await
    }

    /// One without webhooks whose clock moves by hand alone.
    async fn frozen() -> Self {
        Self::start(Options { empty: true, speed: 0.0, ..Options::default() }).await
    }

    fn address(&self) -> String {
        self.server.address().to_string()
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let authorization = format!("Bearer {}", self.server.token().reveal());
        request(method, path, &[("Authorization", &authorization)], body)
    }

    async fn api(&self, method: &str, path: &str, body: &str) -> Raw {
        exchange(&self.address(), &self.request(method, &format!("{BASE}{path}"), body)).await
    }

    async fn knob(&self, method: &str, name: &str, body: &str) -> Raw {
        exchange(&self.address(), &self.request(method, &format!("/_sandbox/{name}"), body)).await
    }

    /// A form to the token endpoint.
    async fn token_as(&self, headers: &[(&str, &str)], form: &str) -> Raw {
        let form_type = ("Content-Type", "application/x-www-form-urlencoded");
        let headers: Vec<_> = [form_type].iter().chain(headers).copied().collect();
        exchange(&self.address(), &request("POST", "/token", &headers, form)).await
    }

    /// A form to the token endpoint, from the one client.
    async fn token(&self, form: &str) -> Raw {
        self.token_as(&[], &format!("client_id=sandbox-client&client_secret=sandbox-secret&{form}")).await
    }

    /// A password login, which must work.
    async fn login(&self) -> Value {
        let reply = self.token("grant_type=password&username=demo%40vbc.prod&password=demo-password").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// What the API says to `token`.
    async fn api_as(&self, token: &Value, path: &str) -> Raw {
        let authorization = format!("Bearer {}", token.as_str().expect("a token"));
        let request = request("GET", &format!("{BASE}{path}"), &[("Authorization", &authorization)], "");
        exchange(&self.address(), &request).await
    }

    async fn list(&self) -> Vec<Value> {
        let reply = self.api("GET", "/self/webhooks", "").await;
        assert_eq!(reply.status, 200);
        reply.json().as_array().expect("an array").clone()
    }

    async fn create(&self, url: &str) -> Value {
        let reply =
            self.api("POST", "/self/webhooks/", &json!({"url": url, "events": ["CALL"]}).to_string()).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()
    }

    /// Turns a knob that must work.
    async fn turn(&self, name: &str, body: &Value) -> Value {
        let body = body.to_string();
        let reply = tokio::time::timeout(GUARD, self.knob("POST", name, &body)).await;
        let reply = reply.unwrap_or_else(|_| panic!("{name} {body} did not end"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    async fn status(&self) -> Value {
        self.knob("GET", "status", "").await.json()
    }

    /// The sandbox time.
    async fn now(&self) -> String {
        self.status().await["now"].as_str().expect("a time").to_owned()
    }

    /// Puts these webhooks in the place of all there are.
    async fn plant(&self, seeds: &[Value]) {
        self.turn("webhooks", &seeds.into()).await;
    }

    /// Lets time pass.
    async fn advance(&self, seconds: u64) -> Value {
        self.turn("advance", &json!({"seconds": seconds})).await
    }

    /// Places a call.
    async fn call(&self, scenario: &str) -> Value {
        self.turn("call", &json!({"scenario": scenario})).await
    }

    async fn webhook(&self, id: &str) -> Value {
        self.api("GET", &format!("/self/webhooks/{id}"), "").await.json()
    }

    async fn statistics(&self, id: &str) -> Value {
        self.webhook(id).await["statistics"].clone()
    }
}
