//! Signing in to the real sandbox, whose clock moves: how long that lasts, and fifty vwh at once on one profile, some
//! refreshing, some pruning.

use std::collections::HashSet;

use serde_json::{Value, json as value};

use crate::running::Sandbox;
use crate::service::{journal, journalled};
use crate::support::{Process, Vwh};

/// How many run at once.
const PROCESSES: usize = 50;

/// Failed webhooks to prune, beside as many that are well.
const FAILED: usize = 20;

/// A home that is signed in to a running sandbox of [`FAILED`] failed webhooks and as many others.
fn signed_in() -> (Vwh, Sandbox) {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &[]);
    let seeds: Vec<Value> = (0..2 * FAILED)
        .map(|number| {
            let statistics = value!({"failed": number < FAILED, "totalAttempts": 1});
            value!({"url": format!("https://hooks.example.test/{number}"), "statistics": statistics})
        })
        .collect();
    sandbox.plant(&seeds);
    let address = &sandbox.address;
    vwh.configure(&format!(
        "[profiles.work]\nbase_url = \"http://{address}/t/vbc.prod/vis/v1\"\n\
         token_url = \"http://{address}/token\"\nusername = \"demo\"\nclient_id = \"sandbox-client\"\n"
    ));
    let login = vwh.args(["-p", "work", "login", "--password-stdin"]).stdin("demo-password\n");
    let _ = login.env("VWH_CLIENT_SECRET", "sandbox-secret").run().exits(0);
    (vwh, sandbox)
}

/// How many requests the token endpoint has seen.
fn token_requests(sandbox: &Sandbox) -> u64 {
    sandbox.turn("GET", "status", &Value::Null)["tokenRequests"].as_u64().unwrap()
}

/// The stored sign-in.
fn stored(vwh: &Vwh) -> Value {
    let text = std::fs::read_to_string(vwh.state().join("credentials/work.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn list(vwh: &Vwh) -> Process {
    vwh.args(["-p", "work", "list", "--json"]).spawn()
}

fn prune(vwh: &Vwh) -> Process {
    vwh.args(["-p", "work", "prune-failed", "--max", "100", "--wait-lock", "--json"]).spawn()
}

#[test]
fn a_sign_in_goes_on_by_itself_until_it_is_revoked() {
    let (vwh, sandbox) = signed_in();
    for day in 2..9 {
        sandbox.turn("POST", "advance", &value!({"seconds": 86_400 + 60}));
        let outcome = list(&vwh).wait().exits(0);
        assert_eq!(outcome.stderr, "");
        assert_eq!(token_requests(&sandbox), day);
    }
    sandbox.turn("POST", "revoke", &Value::Null);
    let outcome = vwh.args(["-p", "work", "list"]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: the sign-in of profile work has ended: 127.0.0.1:[PORT] answered 400 Bad Request: invalid_grant: Persisted access token data not found

    hint: sign in with: vwh -p work login
    ");
    assert_eq!(token_requests(&sandbox), 9);
    // Nothing is left that could be tried again.
    let _ = list(&vwh).wait().exits(3).without_answer();
    assert_eq!(token_requests(&sandbox), 9);
}

#[test]
fn fifty_at_once_lose_no_token_and_remove_nothing_twice() {
    let (vwh, sandbox) = signed_in();
    assert_eq!(token_requests(&sandbox), 1);
    let first = stored(&vwh)["accessToken"].clone();
    // Its token is past its life by the service's clock alone, so each of them meets a 401.
    sandbox.turn("POST", "advance", &value!({"seconds": 2 * 86_400}));
    let running: Vec<(bool, Process)> = (0..PROCESSES)
        .map(|number| {
            let prunes = number % 2 == 0;
            (prunes, if prunes { prune(&vwh) } else { list(&vwh) })
        })
        .collect();
    let mut removed: Vec<String> = Vec::new();
    for (prunes, process) in running {
        let outcome = process.wait().exits(0);
        assert_eq!(outcome.stderr, "");
        let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
        if prunes {
            let results = answer["results"].as_array().unwrap();
            assert!(results.iter().all(|result| result["outcome"] == "removed"), "{answer}");
            removed.extend(results.iter().map(|result| result["id"].as_str().unwrap().to_owned()));
        } else {
            assert!(answer.as_array().unwrap().len() >= FAILED);
        }
    }
    assert_eq!(token_requests(&sandbox), 2, "one sign-in and one refresh");
    assert_ne!(stored(&vwh)["accessToken"], first);
    let ids: HashSet<&String> = removed.iter().collect();
    assert_eq!((removed.len(), ids.len()), (FAILED, FAILED));
    assert_eq!(journalled(&vwh).len(), FAILED);
    // A definition and an outcome each, every line whole.
    assert_eq!(journal(&vwh).len(), 2 * FAILED);
    assert_eq!(sandbox.webhooks().len(), FAILED);

    // The pair that was stored last is the one that is good.
    sandbox.turn("POST", "advance", &value!({"seconds": 2 * 86_400}));
    let _ = list(&vwh).wait().exits(0);
    assert_eq!(token_requests(&sandbox), 3);
}

/// The same where the token is past its life by our own clock: nobody sends it any more.
#[test]
fn fifty_at_once_with_an_expired_token_refresh_it_once() {
    let (vwh, sandbox) = signed_in();
    let mut credentials = stored(&vwh);
    credentials["issuedAt"] = "2020-01-01T00:00:00Z".into();
    credentials["expiresAt"] = "2020-01-02T00:00:00Z".into();
    vwh.write(".local/state/vwh/credentials/work.json", &credentials.to_string());
    let requests = || sandbox.turn("GET", "status", &Value::Null)["requests"].as_u64().unwrap();
    let before = requests();
    let running: Vec<Process> = (0..PROCESSES).map(|_| list(&vwh)).collect();
    for process in running {
        assert_eq!(process.wait().exits(0).stderr, "");
    }
    assert_eq!(token_requests(&sandbox), 2, "one sign-in and one refresh");
    assert_eq!(requests() - before, PROCESSES as u64, "one list each, and no refused one");
}

/// However often cron runs, a password that was refused is sent once; the account is not locked by vwh.
#[test]
fn a_refused_password_is_sent_once_by_fifty() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &[]);
    let address = &sandbox.address;
    let password = vwh.write("password", "wrong\n");
    let secret = vwh.write("secret", "sandbox-secret\n");
    vwh.configure(&format!(
        "[profiles.work]\nbase_url = \"http://{address}/t/vbc.prod/vis/v1\"\n\
         token_url = \"http://{address}/token\"\nusername = \"demo\"\nclient_id = \"sandbox-client\"\n\
         client_secret_file = {:?}\npassword_file = {:?}\n",
        secret.display().to_string(),
        password.display().to_string()
    ));
    let running: Vec<Process> = (0..PROCESSES).map(|_| list(&vwh)).collect();
    for process in running {
        let outcome = process.wait().exits(3).without_answer();
        assert!(outcome.stderr.contains("vwh -p work login"), "{outcome}");
    }
    assert_eq!(token_requests(&sandbox), 1);
    // The right one in its place is not tried either, until a person says so.
    vwh.write("password", "demo-password\n");
    let _ = list(&vwh).wait().exits(3);
    assert_eq!(token_requests(&sandbox), 1);
    let _ = vwh.args(["-p", "work", "login"]).run().exits(0);
    let _ = list(&vwh).wait().exits(0);
    assert_eq!(token_requests(&sandbox), 2);
}
