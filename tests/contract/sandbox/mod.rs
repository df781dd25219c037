//! The sandbox over a real socket.

mod codes;
mod endpoints;
mod faults;
mod gateway;
mod kill;
mod knobs;
mod processes;
mod state;
mod token_life;
mod tokens;

use serde_json::{Value, json};
use tempfile::TempDir;
use vwh::sandbox::{Options, Server, serve};

use crate::raw::{Raw, exchange, request};

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
}
