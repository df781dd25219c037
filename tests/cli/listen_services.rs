//! `vwh listen` with deliveries of all three services on one address, and `--register` with Contact Center and VoIPBIN.

#![cfg(unix)]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json as value};

use crate::listening::{KEY, Listener, Request, V1, delivery, of_kind, recorded};
use crate::signing::{CC1, K1, K2, S1, S4, VB1, VB2, notification, token, voipbin};
use crate::support::{Reply, Server, Signal, TOKEN, Vwh, json};

/// A vwh with a key file for each service.
fn vwh() -> Vwh {
    let vwh = Vwh::new();
    for (name, key) in [("vis.key", KEY), ("cc.key", S1), ("vb.key", K1)] {
        vwh.write(name, key);
    }
    vwh
}

const KEYS: [&str; 6] =
    ["--signing-key-file", "vis.key", "--signing-key-file", "cc.key", "--signing-key-file", "vb.key"];

fn listen(vwh: &Vwh, flags: &[&str]) -> Listener {
    let flags: Vec<&str> = KEYS.iter().chain(flags).copied().collect();
    Listener::bare(vwh, &flags)
}

#[test]
fn all_three_services_are_taken_on_one_address_each_with_its_own_key() {
    let vwh = vwh();
    let listener = listen(&vwh, &["--record", "record.jsonl"]);
    for request in [delivery(V1, "d-1", 1), notification(S1, CC1), voipbin(K1, VB1)] {
        assert_eq!(listener.status(&request), 200);
    }
    let (_, lines) = listener.end();
    let told = of_kind(&lines, "delivery");
    let facts: Vec<Value> = told
        .iter()
        .map(|line| value!([line["service"], line["key"], line["verdict"], line["form"], line["deliveryId"]]))
        .collect();
    assert_eq!(
        facts,
        [
            value!(["vis", "vis.key", "verified", "as-received", "d-1"]),
            value!(["contact-center", "cc.key", "verified", "as-received", "2ZabCdEfGhIjKlMnOpQrStUvWxY"]),
            value!(["voipbin", "vb.key", "verified", "as-received", null]),
        ]
    );
    assert_eq!(lines[2]["payload"], serde_json::from_str::<Value>(CC1).unwrap());
    let bodies: Vec<Value> =
        recorded(&vwh.home().join("record.jsonl")).iter().map(|line| line["body"].clone()).collect();
    assert_eq!(&bodies[1..], [CC1, VB1]);
}

#[test]
fn what_is_not_believed_is_neither_recorded_nor_forwarded() {
    let handler = Server::new(|_| Reply::new(200, ""));
    let vwh = vwh();
    let listener = listen(&vwh, &["--record", "record.jsonl", "--forward", &handler.base_url()]);
    let cloud =
        |token: &str| Request::typed("application/cloudevents+json", CC1).header("Vonage-Signature", token);
    let undecoded = {
        let valid = token(S1, CC1, 300);
        let (signed, _) = valid.rsplit_once('.').unwrap();
        let none =
            signed.replacen("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", 1);
        format!("{none}.")
    };
    for (request, reason) in [
        (notification(&S1.replace("AAEC", "BBEC"), CC1), "the signature fits no key"),
        (cloud(&token(S1, CC1, -31)), "the signature has expired"),
        (cloud(&token(S1, &CC1.replace("4021", "4022"), 300)), "the body was altered: its hash is another"),
        (cloud(&undecoded), "the signature's algorithm is not HS256"),
        (Request::typed("application/cloudevents+json", CC1), "the signature is missing"),
        (Request::post(CC1), "the signature is missing"),
        (voipbin(K2, VB1), "the signature fits no key"),
        (Request::post(VB1), "the signature is missing"),
        (
            Request::post(VB1).header("X-VoIPBIN-Signature", &crate::listening::sign(K1, VB1)),
            "the signature fits no key",
        ),
    ] {
        let answer = listener.send(&request);
        assert_eq!((answer.status, answer.body), (401, format!("{}\n", value!({"error": reason}))));
    }
    // Within the leeway.
    assert_eq!(listener.status(&cloud(&token(S1, CC1, -20))), 200);
    let (_, lines) = listener.end();
    assert_eq!(lines.last().unwrap()["accepted"], 1);
    assert_eq!((handler.requests().len(), recorded(&vwh.home().join("record.jsonl")).len()), (1, 1));
}

#[test]
fn a_delivery_is_known_again_by_what_its_service_goes_by() {
    let listener = listen(&vwh(), &[]);
    let updated =
        VB1.replace(r#""status":"hangup""#, r#""status":"hangup","tm_update":"2026-01-05T08:30:00Z""#);
    let sent = [
        (notification(S1, CC1), false),
        (notification(S1, CC1), true),
        (notification(S1, &CC1.replace("\"/agent\"", "\"/channel\"")), false),
        (notification(S1, &CC1.replace("2Zab", "2Zac")), false),
        (voipbin(K1, VB1), false),
        (voipbin(K1, VB1), true),
        (voipbin(K1, &updated), false),
        (voipbin(K1, VB2), false),
        (delivery(V1, "2ZabCdEfGhIjKlMnOpQrStUvWxY", 1), false),
        (delivery(V1, "2ZabCdEfGhIjKlMnOpQrStUvWxY", 2), true),
    ];
    for (request, _) in &sent {
        assert_eq!(listener.status(request), 200);
    }
    let (_, lines) = listener.end();
    let duplicates: Vec<bool> =
        of_kind(&lines, "delivery").iter().map(|line| line["duplicate"].as_bool().unwrap()).collect();
    assert_eq!(duplicates, sent.map(|(_, is_duplicate)| is_duplicate));
}

#[test]
fn only_the_service_that_is_asked_for_is_taken() {
    let listener = Listener::bare(&vwh(), &["--service", "voipbin", "--signing-key-file", "vb.key"]);
    assert_eq!(listener.status(&voipbin(K1, VB1)), 200);
    let answer = listener.send(&notification(S1, CC1));
    assert_eq!(
        (answer.status, answer.body.trim()),
        (400, r#"{"error":"it is of Contact Center, and --service wants another"}"#)
    );
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 400);
    let (_, lines) = listener.end();
    assert_eq!(lines.last().unwrap()["accepted"], 1);
    let refused = Vwh::new()
        .env("VWH_SIGNING_KEY", "no base64!")
        .args(["listen", "--bind", "127.0.0.1:0", "--service", "contact-center"])
        .run();
    let _ = refused.exits(2).says("is no base64");
    // Without a service, such a key only never fits there.
    let listener = Listener::bare(&Vwh::new().env("VWH_SIGNING_KEY", "no base64!"), &[]);
    assert_eq!(listener.status(&notification(S1, CC1)), 401);
    assert_eq!(listener.status(&voipbin("no base64!", VB1)), 200);
    let _ = listener.end();
}

#[test]
fn a_person_reads_what_happened() {
    let vwh = vwh();
    let arguments = ["listen", "--bind", "127.0.0.1:0"].iter().chain(&KEYS).copied();
    let mut process = vwh.args(arguments).env("COLUMNS", "80").spawn();
    let ready = process.wait_for_line(|line| line.starts_with("listening"));
    let address =
        ready.trim().trim_start_matches("listening on http://").trim_end_matches("/webhook").to_owned();
    let call = VB1.replace(
        r#""status":"hangup""#,
        r#""status":"hangup","direction":"incoming","source":{"type":"tel","target":"+14155550123"}"#,
    );
    for request in [notification(S1, CC1), voipbin(K1, &call), voipbin(K1, VB2)] {
        assert_eq!(crate::listening::Connection::to(&address).exchange(&request).unwrap().status, 200);
    }
    process.wait_for_line(|line| line.contains("message_created"));
    process.signal(Signal::INT);
    let outcome = process.wait();
    let lines: Vec<&str> = outcome.stdout.lines().skip(1).map(|line| &line[9..]).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
      agent.presencechanged.v1   4021          verified by cc.key  of 2026-01-05
      call_hangup           in   +14155550123            verified by vb.key
      message_created                                    verified by vb.key
    ");
}

#[test]
fn a_relayed_answer_is_a_success_as_its_service_sees_it() {
    let handler = Server::new(|_| Reply::new(204, ""));
    let listener = listen(&vwh(), &["--forward", &handler.base_url(), "--answer", "forward"]);
    assert_eq!(listener.status(&notification(S1, CC1)), 200);
    assert_eq!(listener.status(&voipbin(K1, VB1)), 200);
    // Of a 2xx VIS takes 200 alone.
    assert_eq!(listener.status(&delivery(V1, "d-1", 1)), 204);
    let (_, lines) = listener.end();
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["accepted"], &end["forwarded"], &end["forwardFailures"]),
        (&value!(2), &value!(2), &value!(1))
    );
}

const PUBLIC: &str = "https://hooks.example.test/in/here";

/// A vwh that is connected to `service` at `server`.
fn connected(service: &str, server: &Server) -> Vwh {
    let vwh = Vwh::new().env("VWH_TOKEN", TOKEN);
    vwh.configure(&format!(
        "default_profile = \"p\"\n\n[profiles.p]\nservice = \"{service}\"\nbase_url = \"{}\"\ntoken_url = \"{}\"\n",
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
    let vwh = connected("contact-center", &server);
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
    assert_eq!(*subscriptions.lock().unwrap(), Vec::<Value>::new());
}

#[test]
fn a_run_that_was_killed_has_its_subscription_deleted_by_the_next() {
    let (server, subscriptions) = contact_center();
    let vwh = connected("contact-center", &server);
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
    let vwh = connected("contact-center", &server);
    kill_before_the_id(&vwh, Listener::bare(&vwh, &["--register", PUBLIC]));
    let _ = Listener::bare(&vwh, &["--register", PUBLIC]).end();
    assert_eq!(*subscriptions.lock().unwrap(), [other]);

    let (server, customer) = customer("");
    let vwh = connected("voipbin", &server);
    kill_before_the_id(&vwh, Listener::bare(&vwh, &["--register", PUBLIC]));
    let (outcome, _) = Listener::bare(&vwh, &["--register", PUBLIC]).end();
    assert!(outcome.stderr.contains("left webhook c-1"), "{outcome}");
    assert_eq!(customer.lock().unwrap()["webhook_uri"], "");
    // Meanwhile the slot may have become another one's, which has the same id.
    let listener = Listener::bare(&vwh, &["--register", PUBLIC]);
    listener.process.kill();
    let _ = listener.process.wait();
    customer.lock().unwrap()["webhook_uri"] = value!("https://theirs.example/");
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).run().exits(6);
    assert!(!outcome.stderr.contains("left webhook"), "{outcome}");
    assert_eq!(customer.lock().unwrap()["webhook_uri"], "https://theirs.example/");
}

#[test]
fn a_voipbin_without_a_key_is_left_as_it_was() {
    let (server, customer) = customer("");
    customer.lock().unwrap().as_object_mut().unwrap().remove("webhook_secret");
    let vwh = connected("voipbin", &server);
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).run();
    let _ = outcome.says("shows no signing key");
    assert_eq!(customer.lock().unwrap()["webhook_uri"], "");
}

#[test]
fn create_checks_a_receiver_as_its_service_would() {
    let receiver = Server::new(|_| Reply::new(204, ""));
    let url = format!("{}/hook", receiver.base_url());
    let (server, subscriptions) = contact_center();
    let vwh = connected("contact-center", &server);
    vwh.write("cc.key", S1);
    let flags = ["create", "--check", "--allow-http", "--url", &url];
    let named = ["--name", "CRM bridge", "--event", "*", "--signing-key-file", "cc.key"];
    let _ = vwh.args(flags.iter().chain(&named).copied()).run().exits(0);
    assert_eq!(subscriptions.lock().unwrap().len(), 1);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 5);
    assert!(requests.iter().all(|request| request.header("Vonage-Signature").is_some()));

    let (server, customer) = customer("");
    let vwh = connected("voipbin", &server);
    let failing = Server::new(|_| Reply::new(500, ""));
    let bad = format!("{}/hook", failing.base_url());
    let outcome = vwh.args(["create", "--check", "--allow-http", "--url", &bad]).run().exits(1);
    let hint = format!("vwh trigger {bad} --once --service voipbin ");
    assert!(outcome.stderr.contains(&hint), "{outcome}");
    // VoIPBIN itself would count a refusal as delivered, and the event would be lost.
    for status in [401, 404] {
        let refusing = Server::new(move |_| Reply::new(status, ""));
        let url = format!("{}/hook", refusing.base_url());
        let refused = vwh.args(["create", "--check", "--allow-http", "--url", &url]).run().exits(1);
        assert!(refused.stderr.contains(&status.to_string()), "{refused}");
        assert!(
            refusing.requests()[0].header("X-VoIPBIN-Signature").is_some(),
            "signed with the customer's secret"
        );
    }
    assert_eq!(customer.lock().unwrap()["webhook_uri"], "");
    let _ = vwh.args(flags).run().exits(0);
    assert_eq!(customer.lock().unwrap()["webhook_uri"], url);
    assert_eq!(receiver.requests().len(), 9);
}

#[test]
fn what_the_service_does_not_take_is_refused_before_it_is_asked() {
    let (server, _) = contact_center();
    let vwh = connected("contact-center", &server);
    let listen = |flags: &[&str]| {
        vwh.args(["listen", "--bind", "127.0.0.1:0"].iter().chain(flags).copied()).run().exits(2)
    };
    let _ = listen(&["--register", "http://127.0.0.1:0/"]).says("--allow-http");
    let _ = listen(&["--register", PUBLIC, "--service", "vis"]).says("--service vis would refuse");
    vwh.write("odd.key", "no base64!");
    let _ = listen(&["--register", PUBLIC, "--signing-key-file", "odd.key"]).says("no base64");
    let customer = customer("");
    let vwh = connected("voipbin", &customer.0);
    vwh.write("own.key", S4);
    let outcome = vwh
        .args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC, "--signing-key-file", "own.key"])
        .run();
    let _ = outcome.exits(2).says("VoIPBIN makes the key itself");
    assert_eq!((server.lines(), customer.0.lines()), (vec![], vec![]));
}

/// A VoIPBIN whose customer has this webhook.
fn customer(url: &str) -> (Server, Arc<Mutex<Value>>) {
    let customer = Arc::new(Mutex::new(value!({
        "id": "c-1", "name": "Harbour Dental", "detail": "d", "email": "ops@harbour.example", "phone_number": "+1",
        "address": "a", "webhook_method": "POST", "webhook_uri": url, "webhook_secret": K1,
    })));
    let kept = Arc::clone(&customer);
    let server = Server::new(move |request| {
        let mut kept = kept.lock().unwrap();
        if request.method == "PUT" {
            let given = request.json();
            for name in
                ["name", "detail", "email", "phone_number", "address", "webhook_method", "webhook_uri"]
            {
                kept[name] = given.get(name).cloned().unwrap_or_else(|| value!(""));
            }
        }
        json(200, kept.to_string())
    });
    (server, customer)
}

#[test]
fn voipbin_has_its_empty_slot_taken_as_long_as_it_listens() {
    let (server, customer) = customer("");
    let vwh = connected("voipbin", &server).env("VWH_SIGNING_KEY", "of-another-service");
    let listener = Listener::bare(&vwh, &["--register", PUBLIC]);
    assert_eq!(listener.ready["webhookId"], "c-1");
    assert_eq!(customer.lock().unwrap()["webhook_uri"], PUBLIC);
    assert_eq!(listener.status(&voipbin(K1, VB1).path("/in/here")), 200);
    assert_eq!(listener.status(&voipbin(K2, VB1).path("/in/here")), 401);
    let (outcome, lines) = listener.end();
    assert_eq!(of_kind(&lines, "delivery")[0]["key"], "webhook_secret");
    assert!(!outcome.to_string().contains(K1));
    let customer = customer.lock().unwrap();
    assert_eq!((&customer["webhook_uri"], &customer["name"]), (&value!(""), &value!("Harbour Dental")));
    assert_eq!((&customer["address"], &customer["phone_number"]), (&value!("a"), &value!("+1")));
}

#[test]
fn a_slot_of_voipbin_that_is_another_ones_is_left_alone() {
    let (server, customer) = customer("https://theirs.example/");
    let vwh = connected("voipbin", &server);
    let outcome = vwh.args(["listen", "--bind", "127.0.0.1:0", "--register", PUBLIC]).run();
    let _ = outcome.exits(6);
    assert_eq!(customer.lock().unwrap()["webhook_uri"], "https://theirs.example/");
    assert!(server.lines().iter().all(|line| line.starts_with("GET")), "{:?}", server.lines());

    customer.lock().unwrap()["webhook_uri"] = value!("");
    let listener = Listener::bare(&vwh, &["--register", PUBLIC]);
    // Somebody else sets it meanwhile.
    customer.lock().unwrap()["webhook_uri"] = value!("https://theirs.example/");
    let _ = listener.end();
    assert_eq!(customer.lock().unwrap()["webhook_uri"], "https://theirs.example/");
}
