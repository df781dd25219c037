//! `vwh create`: what it registers and with which key, and that an id is its whole answer.

use serde_json::{Value, json as value};

use crate::service::{Service, healthy};
use crate::support::{Outcome, TOKEN, Vwh, json};

const URL: &str = "https://hooks.example.test/new";

fn create(vwh: &Vwh, flags: &[&str]) -> Outcome {
    vwh.args(["create", "--url", URL].iter().chain(flags).copied()).run()
}

/// The body of the only POST.
fn posted(service: &Service) -> Value {
    let requests = service.server.requests();
    let [post] = requests.iter().filter(|request| request.method == "POST").collect::<Vec<_>>()[..] else {
        panic!("not one POST: {:?}", service.server.lines());
    };
    post.json()
}

fn signed_with(key: &str) -> Value {
    value!({"url": URL, "events": ["CALL"], "signingAlgo": "HMAC_SHA256", "signingKey": key, "metadataPolicy": "HEADER"})
}

#[test]
fn the_id_is_the_whole_answer() {
    let service = Service::honest(vec![]);
    let outcome = create(&service.vwh(), &["--unsigned"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    new-1
    --- stderr
    ");
    assert_eq!(service.changes(), ["POST /self/webhooks/"]);
    assert_eq!(posted(&service), value!({"url": URL, "events": ["CALL"], "metadataPolicy": "NONE"}));
}

#[test]
fn under_json_it_is_the_webhook() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "a key of 16 byte");
    let outcome = create(&vwh, &["--json"]).exits(0);
    let webhook = outcome.json();
    assert_eq!((&webhook["id"], &webhook["signingKey"]), (&value!("new-1"), &value!("***")));
    let own = value!({"profile": "default", "service": "vis", "id": "new-1", "url": URL, "health": "unknown",
        "outcome": "created"});
    assert_eq!((&webhook["vwh"], outcome.stderr.as_str()), (&own, ""));
}

#[test]
fn one_line_end_is_not_part_of_a_key() {
    for (content, key) in [
        ("secret key", "secret key"),
        ("secret key\n", "secret key"),
        ("secret key\r\n", "secret key"),
        ("secret key\n\n", "secret key\n"),
        (" secret key ", " secret key "),
    ] {
        let service = Service::honest(vec![]);
        let vwh = service.vwh();
        let file = vwh.write("key", content);
        let _ = create(&vwh, &["--signing-key-file", file.to_str().unwrap()]).exits(0);
        assert_eq!(posted(&service), signed_with(key), "{content:?}");
    }
}

#[test]
fn a_key_can_come_from_the_environment() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "from outside");
    let outcome = create(&vwh, &["-vv"]).exits(0);
    assert_eq!(posted(&service), signed_with("from outside"));
    assert!(!outcome.stderr.contains("from outside") && !outcome.stderr.contains(TOKEN), "{outcome}");
    let file = vwh.write("key", "from a file");
    let _ = create(&vwh, &["--signing-key-file", file.to_str().unwrap()]).exits(0);
    let _ = create(&vwh, &["--unsigned"]).exits(0);
    let keys: Vec<Value> =
        service.with(|webhooks| webhooks.list.iter().map(|webhook| webhook["signingKey"].clone()).collect());
    assert_eq!(keys, [value!("from outside"), value!("from a file"), value!(null)]);
}

#[cfg(unix)]
#[test]
fn a_generated_key_is_kept_in_a_file_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let service = Service::honest(vec![]);
    // A key in the environment does not count when one is to be generated.
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "from outside");
    for (flags, name) in [
        (&["--signing-key-out"][..], "one"),
        (&["--generate-signing-key", "--json", "--signing-key-out"], "two"),
    ] {
        let outcome = create(&vwh, &[flags, &[name]].concat()).exits(0);
        let path = vwh.home().join(name);
        let key = std::fs::read_to_string(&path).unwrap();
        let key = key.strip_suffix('\n').unwrap();
        assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(service.with(|webhooks| webhooks.list.last().unwrap()["signingKey"].clone()), key);
        assert!(!outcome.stdout.contains(key) && !outcome.stderr.contains(key), "{outcome}");
    }
    assert_ne!(
        service.with(|webhooks| webhooks.list[0]["signingKey"].clone()),
        service.with(|webhooks| webhooks.list[1]["signingKey"].clone())
    );
    let outcome = create(&vwh, &["--signing-key-out", "one"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: the file `one` exists already

    hint: a key is never overwritten: name a new file, or use this one with --signing-key-file
    ");
    assert_eq!(service.count("POST"), 2);
}

#[test]
fn a_key_that_nobody_would_see_is_not_generated() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    insta::assert_snapshot!(create(&vwh, &[]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: a generated key would be lost: there is no terminal to show it on

    hint: --signing-key-out FILE keeps it; --signing-key-file FILE brings your own; --unsigned needs none
    ");
    let _ = create(&vwh, &["--generate-signing-key"]).exits(2).without_answer();
    assert_eq!(create(&vwh, &["--json"]).exits(2).without_answer().error()["kind"], "usage");
    assert_eq!(service.server.requests().len(), 0);
}

#[cfg(unix)]
#[test]
fn a_generated_key_is_shown_once_to_a_person() {
    use crate::support::{Screen, Stream};
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let screen = Screen::columns(120).without(Stream::Stdout);
    let outcome = vwh.args(["create", "--url", URL]).on_terminal(&screen).wait().exits(0);
    let key = posted(&service)["signingKey"].as_str().unwrap().to_owned();
    assert_eq!(outcome.stdout, "new-1\n");
    assert_eq!(outcome.screen.as_ref().unwrap().matches(&key).count(), 1, "{outcome}");
    let _ = vwh.args(["create", "--url", URL, "--json"]).on_terminal(&screen).wait().exits(2);
    assert_eq!(service.count("POST"), 1);
    for listed in [&["list", "--json"][..], &["list", "-o", "wide"], &["status", "new-1"]] {
        let outcome = vwh.args(listed.iter().copied()).run().exits(0);
        assert!(!outcome.stdout.contains(&key), "{outcome}");
    }
}

#[test]
fn what_is_no_key_is_refused_before_anything_is_sent() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let mask = vwh.write("mask", "***\n");
    let empty = vwh.write("empty", "\n");
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    for file in [path(&mask), path(&empty), "missing".to_owned()] {
        let outcome = create(&vwh, &["--signing-key-file", &file]).exits(2).without_answer();
        assert!(outcome.stderr.contains(&file), "{outcome}");
    }
    let _ = create(&vwh.clone().env("VWH_SIGNING_KEY", "***"), &[]).exits(2).says("VWH_SIGNING_KEY");
    let _ = create(&vwh.clone().env("VWH_SIGNING_KEY", ""), &[]).exits(2).says("VWH_SIGNING_KEY");
    for flags in [
        &["--unsigned", "--signing-key-file", "key"][..],
        &["--unsigned", "--generate-signing-key"],
        &["--unsigned", "--signing-key-out", "key"],
        &["--signing-key-file", "key", "--signing-key-out", "other"],
    ] {
        let _ = create(&vwh, flags).exits(2).without_answer();
    }
    assert_eq!(service.server.requests().len(), 0);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_worth_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    let file = vwh.write("key", "secret key");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _ =
        create(&vwh, &["--signing-key-file", file.to_str().unwrap()]).exits(0).says("can be read by others");
}

#[test]
fn a_key_that_never_travels_is_worth_a_warning() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "secret key");
    let outcome = create(&vwh, &["--metadata-policy", "none"]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 0
    --- stdout
    new-1
    --- stderr
    warning: the key is never used: a signature only travels with --metadata-policy header or body
    ");
    assert_eq!(posted(&service)["metadataPolicy"], "NONE");
    let body = create(&vwh, &["--metadata-policy", "body"]).exits(0);
    assert_eq!(body.stderr, "");
    let _ = create(&vwh.env("VWH_SIGNING_KEY", "string"), &[]).exits(0).says("warning: this key is the one");
}

#[test]
fn what_is_no_address_or_event_is_refused_before_anything_is_sent() {
    let service = Service::honest(vec![]);
    let vwh = service.vwh();
    for url in
        ["", "hooks.example.test/new", "/new", "ftp://hooks.example.test/", "https://", "mailto:a@b.example"]
    {
        let _ = vwh.args(["create", "--unsigned", "--url", url]).run().exits(2).without_answer();
    }
    insta::assert_snapshot!(create(&vwh, &["--unsigned", "--event", "SMS"]).snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: VIS has no event "SMS"

    hint: it has one: CALL
    "#);
    let _ = create(&vwh, &["--unsigned", "--metadata-policy", "footer"]).exits(2).without_answer();
    assert_eq!(service.server.requests().len(), 0);
}

#[test]
fn a_rejection_is_told_without_the_key() {
    let service = Service::new(vec![], |request, webhooks| match request.method.as_str() {
        "POST" => {
            let key = request.json()["signingKey"].as_str().unwrap_or_default().to_owned();
            let body = value!({"errorCode": "VALIDATION_FAILED", "errorMessage": format!("bad: {key}"),
                "errors": [{"field": "url", "message": "must be reachable"}, {"field": "signingKey", "message": key}]});
            json(422, body.to_string())
        }
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh().env("VWH_SIGNING_KEY", "swordfish-123");
    let outcome = create(&vwh, &[]);
    insta::assert_snapshot!(outcome.snapshot(), @r"
    exit: 6
    --- stdout
    --- stderr
    error: cannot register https://hooks.example.test/new: 127.0.0.1:[PORT] answered 422 Unprocessable Entity: bad: *** – url: must be reachable; signingKey: *** (VALIDATION_FAILED)

    hint: change the request: the same one would be rejected again
    ");
    let verbose = create(&vwh, &["--json", "-vv"]).exits(6).without_answer();
    assert!(!verbose.stderr.contains("swordfish-123"), "{verbose}");
}

#[test]
fn a_key_file_goes_with_a_webhook_that_was_rejected() {
    let service = Service::new(vec![], |request, webhooks| match request.method.as_str() {
        "POST" => json(422, r#"{"errorCode": "VALIDATION_FAILED"}"#),
        _ => webhooks.answer(request),
    });
    let vwh = service.vwh();
    let _ = create(&vwh, &["--signing-key-out", "key"]).exits(6).without_answer();
    assert!(!vwh.home().join("key").exists());
}

#[test]
fn a_reply_that_differs_is_worth_a_warning() {
    let service = Service::new(vec![], |request, webhooks| match request.method.as_str() {
        "POST" => {
            let mut other = healthy("new-1");
            other["expireAt"] = "2020-01-01T00:00:00Z".into();
            json(201, other.to_string())
        }
        _ => webhooks.answer(request),
    });
    insta::assert_snapshot!(create(&service.vwh(), &["--unsigned"]).snapshot(), @r"
    exit: 0
    --- stdout
    new-1
    --- stderr
    warning: the service registered another url: https://hooks.example.test/new-1
    warning: it has expired already, at 2020-01-01T00:00:00Z
    ");
}

#[test]
fn an_address_the_service_cannot_reach_is_worth_a_warning() {
    for url in ["https://10.0.0.1/", "https://intranet/"] {
        let service = Service::honest(vec![]);
        let outcome = service.vwh().args(["create", "--unsigned", "--url", url]).run().exits(0);
        let _ = outcome.says("warning: the service calls from outside: it cannot reach this host");
    }
    // A service that is on this machine itself, as this one is, reaches what is on it.
    for url in ["http://localhost:3000/", "http://127.0.0.1/"] {
        let service = Service::honest(vec![]);
        let outcome = service.vwh().args(["create", "--unsigned", "--url", url]).run().exits(0);
        assert_eq!(outcome.stderr, "", "{url}");
    }
}
