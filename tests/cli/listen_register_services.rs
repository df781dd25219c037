//! `vwh listen --register` with Contact Center and VoIPBIN: what is taken from each, and given back.

#![cfg(unix)]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json as value};

use crate::customer::{Customer, ID};
use crate::listening::{Listener, of_kind};
use crate::signing::{CC1, K1, K2, S1, S4, VB1, notification, voipbin};
use crate::support::{Reply, Server, TOKEN, Vwh, json};

const PUBLIC: &str = "https://hooks.example.test/in/here";

/// Where somebody else has the deliveries go.
const THEIRS: &str = "https://theirs.example/";

/// A vwh that is connected to the Contact Center `server`.
fn connected(server: &Server) -> Vwh {
    let vwh = Vwh::new().env("VWH_TOKEN", TOKEN);
    vwh.configure(&format!(
        "default_profile = \"p\"\n\n[profiles.p]\nservice = \"contact-center\"\nbase_url = \"{}\"\ntoken_url = \"{}\"\n",
        server.base_url(),
        server.base_url()
    ));
    vwh
}

/// A Contact Center that keeps what it is given, and shows a secret once.
fn contact_center() -> (Server, Arc<Mutex<Vec<Value>>>) {
    let subscriptions: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&subscriptions);
    let server = Server::new(move |request| {
        let mut kept = kept.lock().unwrap();
        let without_secret = |subscription: &Value| {
            let mut shown = subscription.clone();
            shown.as_object_mut().unwrap().remove("secret");
            shown
        };
        match request.method.as_str() {
            "POST" => {
                let mut subscription = request.json();
                subscription["subscriptionId"] = value!("s-1");
                kept.push(subscription.clone());
                json(200, subscription.to_string())
            }
            "DELETE" => {
                kept.retain(|subscription| {
                    !request.path.ends_with(subscription["subscriptionId"].as_str().unwrap())
                });
                Reply::new(204, "")
            }
            _ => {
                let all: Vec<Value> = kept.iter().map(without_secret).collect();
                json(200, value!({ "subscriptions": all }).to_string())
            }
        }
    });
    (server, subscriptions)
}

#[test]
fn contact_center_has_a_subscription_as_long_as_it_listens() {
    let (server, subscriptions) = contact_center();
    let vwh = connected(&server);
    let flags = ["--register", "http://127.0.0.1:0/in/here", "--allow-http", "--event", "agent.*"];
    let listener = Listener::bare(&vwh, &flags);
    let subscription = subscriptions.lock().unwrap()[0].clone();
    assert!(subscription["name"].as_str().unwrap().starts_with("vwh listen "), "{subscription}");
    assert_eq!(subscription["events"], value!(["agent.*"]));
    assert_eq!(subscription["url"], value!(format!("http://{}/in/here", listener.address)));
    let secret = subscription["secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 44, "32 bytes as base64");
    assert_eq!(listener.status(&notification(&secret, CC1).path("/in/here")), 200);
    assert_eq!(listener.status(&notification(S1, CC1).path("/in/here")), 401);
    let (outcome, lines) = listener.end();
    assert_eq!(of_kind(&lines, "delivery")[0]["key"], "new key");
    assert!(!outcome.to_string().contains(&secret));
    // That a service elsewhere could not reach this machine goes without saying.
    assert!(!outcome.stderr.contains("cannot reach"), "{outcome}");
    assert_eq!(*subscriptions.lock().unwrap(), Vec::<Value>::new());
}

#[test]
fn a_run_that_was_killed_has_its_subscription_deleted_by_the_next() {
    let (server, subscriptions) = contact_center();
    let vwh = connected(&server);
    let listener = Listener::bare(&vwh, &["--register", PUBLIC]);
    assert_eq!(subscriptions.lock().unwrap()[0]["events"], value!(["*"]));
    listener.process.kill();
    let _ = listener.process.wait();
    assert_eq!(subscriptions.lock().unwrap().len(), 1);
    let listener = Listener::bare(&vwh, &["--register", PUBLIC]);
    let names: Vec<Value> = subscriptions.lock().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let (outcome, _) = listener.end();
    assert!(outcome.stderr.contains("left webhook s-1"), "{outcome}");
    assert_eq!(*subscriptions.lock().unwrap(), Vec::<Value>::new());
}

/// Kills a listener that has registered, as if it had not yet learned the webhook's id.
fn kill_before_the_id(vwh: &Vwh, listener: Listener) {
    listener.process.kill();
    let _ = listener.process.wait();
    let notes = std::fs::read_dir(vwh.state().join("listening")).unwrap();
    let paths = notes.map(|note| note.unwrap().path());
    let path = paths.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let mut note: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(note["id"].is_string(), "{note}");
    note["id"] = Value::Null;
    std::fs::write(&path, note.to_string()).unwrap();
}

#[test]
fn what_a_killed_run_registered_is_found_without_its_id() {
    let (server, subscriptions) = contact_center();
    let other = value!({"subscriptionId": "s-9", "name": "CRM bridge", "url": PUBLIC, "events": ["*"], "enabled": true});
    subscriptions.lock().unwrap().push(other.clone());
    let vwh = connected(&server);
    kill_before_the_id(&vwh, Listener::bare(&vwh, &["--register", PUBLIC]));
    let _ = Listener::bare(&vwh, &["--register", PUBLIC]).end();
    assert_eq!(*subscriptions.lock().unwrap(), [other]);

    let customer = Customer::honest("");
    let vwh = customer.vwh();
    kill_before_the_id(&vwh, Listener::bare(&vwh, &["--register", PUBLIC]));
    let (outcome, _) = Listener::bare(&vwh, &["--register", PUBLIC]).end();
    assert!(outcome.stderr.contains(&format!("left webhook {ID}")), "{outcome}");
    assert_eq!(customer.url(), "");
    // Meanwhile the slot may have become another one's, which has the same id.
    let listener = Listener::bare(&vwh, &["--register", PUBLIC]);
    listener.process.kill();
    let _ = listener.process.wait();
    customer.with(|state| state["webhook_uri"] = THEIRS.into());
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).run().exits(6);
    assert!(!outcome.stderr.contains("left webhook"), "{outcome}");
    assert_eq!(customer.url(), THEIRS);
}

#[test]
fn a_voipbin_without_a_key_is_left_as_it_was() {
    let customer = Customer::honest("");
    customer.with(|state| state.as_object_mut().unwrap().remove("webhook_secret"));
    let vwh = customer.vwh();
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).run();
    let _ = outcome.says("shows no signing key");
    assert_eq!(customer.url(), "");
}

#[test]
fn what_the_service_does_not_take_is_refused_before_it_is_asked() {
    let (server, _) = contact_center();
    let vwh = connected(&server);
    let listen = |flags: &[&str]| {
        vwh.args(["listen", "--bind", "127.0.0.1:0"].iter().chain(flags).copied()).run().exits(2)
    };
    let _ = listen(&["--register", "http://127.0.0.1:0/"]).says("--allow-http");
    let _ = listen(&["--register", PUBLIC, "--service", "vis"]).says("--service vis would refuse");
    vwh.write("odd.key", "no base64!");
    let _ = listen(&["--register", PUBLIC, "--signing-key-file", "odd.key"]).says("no base64");
    let customer = Customer::honest("");
    let vwh = customer.vwh();
    vwh.write("own.key", S4);
    let outcome = vwh
        .args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC, "--signing-key-file", "own.key"])
        .run();
    let _ = outcome.exits(2).says("VoIPBIN makes the key itself");
    assert_eq!((server.lines(), customer.server.lines()), (vec![], vec![]));
}

#[test]
fn voipbin_has_its_empty_slot_taken_as_long_as_it_listens() {
    let customer = Customer::honest("");
    let vwh = customer.vwh().env("VWH_SIGNING_KEY", "of-another-service");
    let profile = customer.profile();
    let listener = Listener::bare(&vwh, &["--register", PUBLIC]);
    assert_eq!(listener.ready["webhookId"], ID);
    assert_eq!(customer.url(), PUBLIC);
    assert_eq!(listener.status(&voipbin(K1, VB1).path("/in/here")), 200);
    assert_eq!(listener.status(&voipbin(K2, VB1).path("/in/here")), 401);
    let (outcome, lines) = listener.end();
    assert_eq!(of_kind(&lines, "delivery")[0]["key"], "webhook_secret");
    assert!(!outcome.to_string().contains(K1));
    assert_eq!((customer.url().as_str(), customer.profile()), ("", profile));
}

#[test]
fn a_slot_of_voipbin_that_is_another_ones_is_left_alone() {
    let customer = Customer::honest(THEIRS);
    let vwh = customer.vwh();
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).run();
    let _ = outcome.exits(6);
    assert_eq!(customer.url(), THEIRS);
    assert!(customer.methods().iter().all(|method| method == "GET"), "{:?}", customer.methods());

    customer.with(|state| state["webhook_uri"] = "".into());
    let listener = Listener::bare(&vwh, &["--register", PUBLIC]);
    // Somebody else sets it meanwhile.
    customer.with(|state| state["webhook_uri"] = THEIRS.into());
    let _ = listener.end();
    assert_eq!(customer.url(), THEIRS);
}
