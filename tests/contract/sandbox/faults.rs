//! Trouble to order.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vwh::sandbox::Options;

use super::{BASE, Sandbox};
use crate::raw::{Raw, open};

async fn with(faults: &[&str]) -> Sandbox {
    let faults = faults.iter().map(|text| text.parse().expect("a fault")).collect();
    Sandbox::start(Options { empty: true, faults, ..Options::default() }).await
}

const BODY: &str = r#"{"url":"https://a.example/","events":["CALL"]}"#;

#[tokio::test]
async fn a_status_comes_instead_of_the_work() {
    let sandbox = with(&["1:503", "2:html502", "3-4:429"]).await;
    let reply = sandbox.api("POST", "/self/webhooks", BODY).await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (503, Some("303001")));
    sandbox.knob("GET", "status", "").await;
    let reply = sandbox.api("POST", "/self/webhooks", BODY).await;
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("text/html")));
    assert!(reply.text().contains("<title>502 Bad Gateway</title>"));
    assert_eq!(sandbox.api("GET", "/self", "").await.status, 429);
    assert!(sandbox.api("GET", "/self", "").await.header("retry-after").is_some());
    assert!(sandbox.list().await.is_empty(), "nothing was done");
}

#[tokio::test]
async fn a_cut_reply_promises_more_than_it_sends_and_the_work_is_done() {
    let sandbox = with(&["1-2:cut"]).await;
    let reply = sandbox.api("POST", "/self/webhooks", BODY).await;
    assert_eq!(reply.status, 201);
    let promised: usize = reply.header("content-length").expect("a length").parse().expect("a number");
    assert_eq!(reply.body.len(), promised / 2);
    let cut = sandbox.api("DELETE", "/self/webhooks/none", "").await;
    assert_eq!(cut.status, 404);
    let list = sandbox.list().await;
    assert_eq!(list.len(), 1);

    let sandbox = with(&["2:cut"]).await;
    let webhook = sandbox.create("https://a.example/").await;
    let id = webhook["id"].as_str().expect("an id");
    let reply = sandbox.api("DELETE", &format!("/self/webhooks/{id}"), "").await;
    assert_eq!((reply.header("content-length"), reply.body.len()), (Some("64"), 0));
    assert!(sandbox.list().await.is_empty());
}

#[tokio::test]
async fn a_slow_body_comes_in_drops_until_the_sandbox_stops() {
    let sandbox = with(&["1:slow"]).await;
    let request = sandbox.request("GET", &format!("{BASE}/self"), "");
    let mut stream = open(&sandbox.address(), &request).await;
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n{") {
        bytes.push(stream.read_u8().await.expect("a byte"));
    }
    let rest = async {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.expect("the rest");
        rest
    };
    let (rest, stopped) = tokio::join!(rest, sandbox.server.shut_down());
    stopped.expect("a clean stop");
    bytes.extend(rest);
    assert_eq!(Raw::parse(&bytes).json()["id"], 9001);
}

#[tokio::test]
async fn a_stalled_request_is_let_go_when_the_sandbox_stops() {
    let sandbox = with(&["1:stall"]).await;
    let request = sandbox.request("POST", &format!("{BASE}/self/webhooks"), BODY);
    let mut stream = open(&sandbox.address(), &request).await;
    while sandbox.knob("GET", "status", "").await.json()["requests"] != 1 {}
    let mut bytes = Vec::new();
    let (read, stopped) = tokio::join!(stream.read_to_end(&mut bytes), sandbox.server.shut_down());
    read.expect("an answer in the end");
    stopped.expect("a clean stop");
    assert_eq!(Raw::parse(&bytes).status, 504);
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_stop() {
    let sandbox = Sandbox::empty().await;
    let mut stream =
        open(&sandbox.address(), b"GET /_sandbox/status HTTP/1.1\r\nHost: sandbox\r\n\r\n").await;
    let mut reply = [0; 12];
    stream.read_exact(&mut reply).await.expect("an answer");
    assert_eq!(&reply, b"HTTP/1.1 401");
    let start = std::time::Instant::now();
    sandbox.server.shut_down().await.expect("a clean stop");
    assert!(start.elapsed().as_secs() < 4, "it was closed, not waited for");
    let _ = stream.shutdown().await;
}
