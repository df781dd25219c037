//! A `vwh sandbox` that runs beside the vwh under test, and its HTTP interface spoken by hand. It has no tests.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{Process, Vwh};

/// Where the sandbox has its API.
const API: &str = "/t/vbc.prod/vis/v1";

/// A sandbox in the foreground of a process of its own.
pub(crate) struct Sandbox {
    pub(crate) process: Process,
    /// `IP:PORT`.
    pub(crate) address: String,
    token: String,
}

impl Sandbox {
    /// Starts one in the home of `vwh` and waits until it is ready.
    pub(crate) fn start(vwh: &Vwh, flags: &[&str]) -> Self {
        let arguments = ["sandbox", "--bind", "127.0.0.1:0", "--json"].iter().chain(flags).copied();
        let mut process = vwh.args(arguments).spawn();
        let ready: Value = serde_json::from_str(&process.wait_for_line(|_| true)).unwrap();
        let state = std::fs::read_to_string(vwh.state().join("sandbox.json")).unwrap();
        let state: Value = serde_json::from_str(&state).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { process, address: text(&ready["address"]), token: text(&state["token"]) }
    }

    /// One API request: its status and its body.
    pub(crate) fn api(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        self.exchange(method, &format!("{API}{path}"), body, &authorization(&self.token))
    }

    /// One API request with another token.
    pub(crate) fn api_as(&self, token: &str, method: &str, path: &str) -> u16 {
        self.exchange(method, &format!("{API}{path}"), "", &authorization(token)).0
    }

    /// One form to the token endpoint, from the client of the sandbox: the status and the body.
    pub(crate) fn token(&self, form: &str) -> (u16, Value) {
        let body = format!("client_id=sandbox-client&client_secret=sandbox-secret&{form}");
        self.exchange("POST", "/token", &body, "Content-Type: application/x-www-form-urlencoded")
    }

    /// Turns a knob, which must work.
    pub(crate) fn turn(&self, method: &str, knob: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, reply) =
            self.exchange(method, &format!("/_sandbox/{knob}"), &body, &authorization(&self.token));
        assert_eq!(status, 200, "{reply}");
        reply
    }

    /// Puts `webhooks` in the place of all there are.
    pub(crate) fn plant(&self, webhooks: &[Value]) {
        self.turn("POST", "webhooks", &webhooks.into());
    }

    /// The webhooks as the API lists them.
    pub(crate) fn webhooks(&self) -> Vec<Value> {
        let (status, list) = self.api("GET", "/self/webhooks/", "");
        assert_eq!(status, 200, "{list}");
        list.as_array().unwrap().clone()
    }

    /// A member of each webhook, in order of the alphabet.
    pub(crate) fn listed(&self, member: &str) -> Vec<String> {
        let webhooks = self.webhooks();
        let mut texts: Vec<String> =
            webhooks.iter().map(|webhook| webhook[member].as_str().unwrap().to_owned()).collect();
        texts.sort_unstable();
        texts
    }

    fn exchange(&self, method: &str, path: &str, body: &str, header: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n{header}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

fn authorization(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}
