//! What is on disk, and when.

use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};
use vwh::sandbox::{Options, SandboxError, serve, start_over};

use super::Sandbox;

fn on_disk(directory: &Path) -> Value {
    let content = fs_err::read(directory.join("sandbox.json")).expect("a state");
    serde_json::from_slice(&content).expect("a whole state")
}

fn ids_on_disk(directory: &Path) -> Vec<String> {
    let state = on_disk(directory);
    let webhooks = state["webhooks"].as_array().expect("webhooks");
    webhooks.iter().map(|webhook| webhook["id"].as_str().expect("an id").to_owned()).collect()
}

async fn serve_again(directory: &Path) -> Result<vwh::sandbox::Server, SandboxError> {
    serve(directory, "127.0.0.1:0".parse().expect("an address"), Options::default()).await
}

#[tokio::test]
async fn what_was_acknowledged_is_on_disk() {
    let sandbox = Sandbox::empty().await;
    let webhook = sandbox.create("https://a.example/").await;
    let id = webhook["id"].as_str().expect("an id");
    assert_eq!(on_disk(sandbox.directory.path())["webhooks"], json!([webhook]));
    let renewed = sandbox.api("PUT", &format!("/self/webhooks/{id}/renew"), "").await.json();
    assert_eq!(on_disk(sandbox.directory.path())["webhooks"], json!([renewed]));
    sandbox.api("DELETE", &format!("/self/webhooks/{id}"), "").await;
    assert_eq!(on_disk(sandbox.directory.path())["webhooks"], json!([]));
}

#[tokio::test]
async fn concurrent_deletes_are_each_on_disk_when_acknowledged() {
    let sandbox = Sandbox::empty().await;
    let seeds: Vec<Value> = (0..1000).map(|number| json!({"id": format!("hook-{number}")})).collect();
    sandbox.knob("POST", "webhooks", &json!(seeds).to_string()).await;
    let delete = async |number: usize| {
        let id = format!("hook-{number}");
        assert_eq!(sandbox.api("DELETE", &format!("/self/webhooks/{id}"), "").await.status, 204);
        assert!(
            !ids_on_disk(sandbox.directory.path()).contains(&id),
            "{id} is acknowledged and still on disk"
        );
    };
    for batch in 0..4 {
        join_all((0..16).map(|number| delete(batch * 16 + number))).await;
    }
    assert_eq!(sandbox.list().await.len(), 936);
}

#[tokio::test]
async fn a_stopped_sandbox_goes_on_where_it_was() {
    let sandbox = Sandbox::start(Options { empty: true, speed: 0.0, ..Options::default() }).await;
    let webhook = sandbox.create("https://a.example/").await;
    let stopped = sandbox.knob("POST", "advance", "{\"seconds\":864000}").await.json();
    let (token, directory) = (sandbox.server.token(), sandbox.directory);
    sandbox.server.shut_down().await.expect("a clean stop");
    let state = on_disk(directory.path());
    assert_eq!((&state["now"], &state["host"]), (&stopped["now"], &Value::Null));
    let again = Sandbox { server: serve_again(directory.path()).await.expect("a sandbox"), directory };
    assert_eq!(again.server.token(), token);
    assert_eq!(again.list().await, [webhook]);
}

#[tokio::test]
async fn a_broken_state_is_named_and_can_be_started_over() {
    let directory = tempfile::tempdir().expect("a directory");
    serve_again(directory.path()).await.expect("a sandbox").shut_down().await.expect("a clean stop");
    let path = directory.path().join("sandbox.json");
    let content = fs_err::read(&path).expect("a state");
    fs_err::write(&path, &content[..content.len() / 2]).expect("half a state");
    let error = serve_again(directory.path()).await.expect_err("half a state");
    assert!(error.to_string().starts_with(&format!("{} is not a sandbox state", path.display())), "{error}");
    assert_eq!(error.hint().as_deref(), Some("start a new one with `vwh sandbox reset`"));
    start_over(directory.path(), false).await.expect("a new state");
    let again = Sandbox { server: serve_again(directory.path()).await.expect("a sandbox"), directory };
    assert_eq!(again.list().await.len(), 8);
    let error = start_over(again.directory.path(), true).await.expect_err("it is served");
    assert!(matches!(error, SandboxError::Running { address: Some(_), embedded: false }), "{error}");
}

#[tokio::test]
async fn a_state_of_another_version_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    start_over(directory.path(), true).await.expect("a state");
    let path = directory.path().join("sandbox.json");
    fs_err::write(&path, "{\"version\":2,\"other\":true}").expect("another state");
    let error = serve_again(directory.path()).await.expect_err("another version");
    assert!(error.to_string().ends_with("it has version 2, not 1"), "{error}");
    assert_eq!(fs_err::read_to_string(&path).expect("the state"), "{\"version\":2,\"other\":true}");
}

#[cfg(unix)]
#[tokio::test]
async fn no_change_is_acknowledged_when_the_disk_does_not_take_it() {
    let sandbox = Sandbox::empty().await;
    let obstacle = sandbox.directory.path().join("sandbox.json.new");
    fs_err::create_dir(&obstacle).expect("a directory in the way of the next write");
    let body = "{\"url\":\"https://a.example/\",\"events\":[\"CALL\"]}";
    let reply = sandbox.api("POST", "/self/webhooks", body).await;
    assert_eq!((reply.status, reply.json()["errorCode"].as_str()), (500, Some("INTERNAL_SERVER_ERROR")));
    assert!(ids_on_disk(sandbox.directory.path()).is_empty());
    fs_err::remove_dir(&obstacle).expect("the obstacle");
    sandbox.create("https://b.example/").await;
    assert_eq!(ids_on_disk(sandbox.directory.path()).len(), 2);
}
