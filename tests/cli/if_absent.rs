//! `vwh create --if-absent`: made for scripts that run again and again, so it must never register twice.

use serde_json::{Value, json as value};

use crate::service::{Service, failed, failed_and_signed, healthy};
use crate::support::{Outcome, Vwh};

fn ensure(vwh: &Vwh, url: &str, flags: &[&str]) -> Outcome {
    vwh.args(["create", "--if-absent", "--url", url].iter().chain(flags).copied()).run()
}

fn url(id: &str) -> String {
    crate::service::url(id)
}

/// The `vwh.outcome` and the id.
fn outcome(outcome: &Outcome) -> [String; 2] {
    let webhook = outcome.json();
    [&webhook["vwh"]["outcome"], &webhook["id"]].map(|text| text.as_str().unwrap().to_owned())
}

#[test]
fn none_is_created_and_then_left() {
    let service = Service::honest(vec![healthy("other")]);
    let vwh = service.vwh();
    let flags = ["--unsigned", "--json"];
    let first = ensure(&vwh, &url("a"), &flags).exits(0);
    assert_eq!(outcome(&first), ["created", "new-1"]);
    let second = ensure(&vwh, &url("a"), &flags).exits(0);
    assert_eq!((outcome(&second), second.stderr.as_str()), (["unchanged", "new-1"].map(str::to_owned), ""));
    let plain = ensure(&vwh, &url("a"), &["--unsigned"]).exits(0);
    assert_eq!((plain.stdout.as_str(), service.changes().len()), ("new-1\n", 1));
}

/// The address that is registered is the one in its full form.
#[test]
fn a_short_form_of_the_address_is_the_same() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    for url in
        ["https://hooks.example.test", "https://HOOKS.example.test/", "https://hooks.example.test:443/"]
    {
        let outcome = ensure(&vwh, url, &["--unsigned"]).exits(0);
        assert_eq!(outcome.stdout, "new-1\n", "{url}");
    }
    assert_eq!(service.urls(), ["https://hooks.example.test/"]);
}

/// Somebody else may have registered it in another spelling.
#[test]
fn a_short_form_at_the_service_is_the_same() {
    let mut other = healthy("short");
    other["url"] = "https://hooks.example.test".into();
    let service = Service::honest(vec![other]);
    let outcome = ensure(&service.vwh(), "https://hooks.example.test", &["--unsigned"]).exits(0);
    assert_eq!((outcome.stdout.as_str(), service.changes()), ("short\n", Vec::new()));
}

#[test]
fn one_that_is_unwell_is_renewed() {
    let mut expired = healthy("a");
    expired["expireAt"] = "2020-01-01T00:00:00Z".into();
    let mut expiring = healthy("a");
    expiring["expireAt"] = (chrono::Utc::now() + chrono::TimeDelta::hours(47)).to_rfc3339().into();
    for webhook in [failed("a"), expired, expiring] {
        let service = Service::honest(vec![webhook]);
        let renewed = ensure(&service.vwh(), &url("a"), &["--unsigned", "--json"]).exits(0);
        assert_eq!(outcome(&renewed), ["renewed", "a"]);
        assert_eq!(service.changes(), ["PUT /self/webhooks/a/renew"]);
    }
}

#[test]
fn a_difference_is_for_a_person_to_settle() {
    let signed = |webhook: fn(&str) -> Value| {
        let mut signed = failed_and_signed("a", "the one key");
        signed["statistics"] = webhook("a")["statistics"].clone();
        signed["metadataPolicy"] = "HEADER".into();
        signed
    };
    let cases: [(Value, &[&str], &str, &str); 5] = [
        (signed(healthy), &[], "the one key", ""),
        (signed(healthy), &[], "another key", "its key is another"),
        (signed(healthy), &["--unsigned"], "", "it is signed"),
        (healthy("a"), &[], "the one key", "it is not signed"),
        (signed(failed), &["--metadata-policy", "body"], "the one key", "its metadata policy is another"),
    ];
    for (webhook, flags, key, difference) in cases {
        let service = Service::honest(vec![webhook]);
        let vwh = if key.is_empty() { service.vwh() } else { service.vwh().env("VWH_SIGNING_KEY", key) };
        let outcome = ensure(&vwh, &url("a"), flags);
        assert_eq!(outcome.code, Some(i32::from(!difference.is_empty())), "{difference}\n{outcome}");
        let outcome = outcome.says(difference);
        assert!(!outcome.stderr.contains("the one key"), "{outcome}");
        assert_eq!(service.changes(), Vec::<String>::new());
    }
}

#[test]
fn several_are_named() {
    let mut second = healthy("b");
    second["url"] = url("a").into();
    let service = Service::honest(vec![healthy("a"), second]);
    insta::assert_snapshot!(ensure(&service.vwh(), &url("a"), &["--unsigned"]).snapshot(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: 2 webhooks have this url and events already

    hint: keep one: vwh delete b
    ");
    assert_eq!(service.changes(), Vec::<String>::new());
}

#[test]
fn a_difference_names_the_command_to_type() {
    let service = Service::honest(vec![healthy("a")]);
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "the one key");
    insta::assert_snapshot!(ensure(&vwh, &url("a"), &[]).snapshot(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: webhook a has this url and events already, but it is not signed

    hint: accept it, or remove it first: vwh delete a
    ");
}

#[test]
fn what_vwh_removed_can_be_had_back() {
    let service = Service::honest(vec![healthy("a")]);
    let vwh = service.vwh();
    let _ = vwh.args(["delete", "--yes", "a"]).run().exits(0);
    let _ = ensure(&vwh, &url("a"), &["--unsigned", "-v"]).exits(0).says("comes back by: vwh restore a");
}

/// A key file is made for a new webhook only.
#[test]
fn no_key_is_generated_for_one_that_is_there() {
    let mut signed = healthy("a");
    signed["signingAlgo"] = "HMAC_SHA256".into();
    signed["signingKey"] = "the one key".into();
    signed["metadataPolicy"] = "HEADER".into();
    let service = Service::honest(vec![signed]);
    let vwh = service.vwh();
    let outcome = ensure(&vwh, &url("a"), &["--signing-key-out", "key"]).exits(0);
    assert_eq!((outcome.stdout.as_str(), service.changes()), ("a\n", Vec::new()));
    assert!(!vwh.home().join("key").exists());
    assert_eq!(value!(null), service.with(|webhooks| webhooks.find("b").cloned().unwrap_or_default()));
}

/// Ten at once, as ten machines' provisioning would be on one: one registers, nine find it.
#[test]
fn ten_at_once_register_one() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let address = url("a");
    let start = |_| vwh.args(["create", "--if-absent", "--unsigned", "--url", &address]).spawn();
    let running: Vec<_> = (0..10).map(start).collect();
    for process in running {
        assert_eq!(process.wait().exits(0).stdout, "new-1\n");
    }
    assert_eq!(service.count("POST"), 1);
}
