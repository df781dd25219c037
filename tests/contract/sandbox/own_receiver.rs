//! The receiver that the sandbox brings along, and what a webhook makes of it (specs/vis.md §14).

use serde_json::{Value, json};
use vwh::sandbox::Options;

use super::Sandbox;
use crate::raw::{exchange, request};

#[tokio::test]
async fn a_webhook_can_be_seen_to_fail_in_each_way() {
    let options = Options { empty: true, speed: 0.0, attempts: Some(1), ..Options::default() };
    let sandbox = Sandbox::start(options).await;
    let ways = ["200", "302", "307", "204", "404", "500", "loop", "stall"];
    let url = |how: &str| format!("http://{}/receiver/{how}", sandbox.address());
    let seeds: Vec<Value> = ways.iter().map(|how| json!({"id": how, "url": url(how)})).collect();
    sandbox.plant(&seeds).await;
    sandbox.call("inbound-missed").await;
    sandbox.advance(0).await;
    let mut came_of_it = Vec::new();
    for how in ways {
        let statistics = sandbox.statistics(how).await;
        let why = statistics["lastHttpErrorCode"].as_str().or(statistics["lastErrorMessage"].as_str());
        came_of_it.push((how, statistics["failed"] == true, why.unwrap_or("arrived").to_owned()));
    }
    let expected = [
        ("200", false, "arrived"),
        ("302", false, "arrived"),
        ("307", false, "arrived"),
        ("204", true, "204 NO_CONTENT"),
        ("404", true, "404 NOT_FOUND"),
        ("500", true, "500 INTERNAL_SERVER_ERROR"),
        ("loop", true, "I/O error on POST request: Maximum redirects exceeded"),
        ("stall", true, "I/O error on POST request: Read timed out"),
    ];
    assert_eq!(came_of_it, expected.map(|(how, failed, why)| (how, failed, why.to_owned())));
}

#[tokio::test]
async fn it_asks_for_no_token_and_is_no_part_of_any_api() {
    let sandbox = Sandbox::empty().await;
    let post = async |path: &str| {
        let reply = exchange(&sandbox.address(), &request("POST", path, &[], "{}")).await;
        (reply.status, reply.header("location").map(str::to_owned))
    };
    assert_eq!(post("/receiver/200").await, (200, None));
    assert_eq!(post("/receiver/503").await, (503, None));
    assert_eq!(post("/receiver/302").await, (302, Some("/receiver/200".to_owned())));
    for path in ["/receiver", "/receiver/", "/receiver/100", "/receiver/else", "/receivers/200"] {
        assert_eq!(post(path).await.0, 404, "{path}");
    }
    assert_eq!(sandbox.status().await["requests"], 0);
}
