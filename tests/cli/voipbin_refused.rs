//! What VoIPBIN has no place for is said before anything is sent, and what it refuses is said in its own words.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json as value;

use crate::customer::{Customer, ID, KEY, SECRET, answer, customer, envelope};
use crate::support::{Reply, Request, Server, Vwh, json};

const URL: &str = "https://hooks.example.test/vb";
const OTHER: &str = "https://other.example.test/vb";
/// What a server does with a request.
type Answer = fn(&Request) -> Reply;

const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln";

#[test]
fn what_the_service_lacks_is_exit_2_and_no_request() {
    let service = Customer::honest(URL);
    let vwh = service.vwh();
    vwh.write("file", "a key of some length\n");
    let long = format!("https://hooks.example.test/{}", "x".repeat(1000));
    let cases: [(&[&str], &str); 19] = [
        (&["renew", ID], "a VoIPBIN webhook does not expire"),
        (&["prune-failed"], "VoIPBIN does not report failed deliveries"),
        (&["replace", ID, "--new-url", OTHER], "VoIPBIN changes its one webhook in place"),
        (&["rotate", ID], "VoIPBIN makes the key itself and has no way to change it"),
        (&["missed"], "VoIPBIN keeps no list of events"),
        (&["event-types"], "VoIPBIN delivers every event and lets none be chosen"),
        (&["create", "--url", OTHER, "--name", "abc"], "a VoIPBIN webhook has no name"),
        (&["create", "--url", OTHER, "--event", "call_hangup"], "VoIPBIN delivers every event"),
        (&["create", "--url", OTHER, "--metadata-policy", "header"], "VoIPBIN has no metadata policy"),
        (&["create", "--url", OTHER, "--generate-signing-key"], "VoIPBIN makes the key itself"),
        (&["create", "--url", OTHER, "--signing-key-file", "file"], "VoIPBIN makes the key itself"),
        (&["create", "--url", OTHER, "--unsigned"], "VoIPBIN makes the key itself"),
        (&["create", "--url", &long], "the url is longer than 1023 characters"),
        (&["create", "--url", "http://hooks.example.test/"], "VoIPBIN delivers to https only"),
        (
            &["create", "--url", "http://hooks.example.test/", "--allow-http"],
            "VoIPBIN delivers to https only",
        ),
        (&["create", "--url", "http://127.0.0.1:1/"], "VoIPBIN delivers to https only"),
        (&["update", ID, "--pause"], "VoIPBIN cannot pause its webhook"),
        (&["update", ID, "--url", &long], "the url is longer than 1023 characters"),
        (&["update", ID], "nothing is to be changed"),
    ];
    for (arguments, message) in cases {
        let outcome = vwh.args(arguments.iter().copied()).run().exits(2).without_answer();
        let outcome = outcome.says(&format!("error: {message}")).says("\nhint: ");
        assert!(service.server.lines().is_empty(), "{outcome}");
    }
    let _ = vwh.args(["create", "--replace", "--url", "http://127.0.0.1:1/", "--allow-http"]).run().exits(0);
    let longest = format!("https://hooks.example.test/{}", "x".repeat(1023 - 27));
    assert_eq!(longest.len(), 1023);
    let _ = vwh.args(["update", ID, "--url", &longest]).run().exits(0);
    assert_eq!(service.url(), longest);
}

#[test]
fn nobody_signs_in_and_the_hint_says_what_is_brought() {
    let service = Customer::honest(URL);
    insta::assert_snapshot!(service.vwh().args(["login"]).run().to_string(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: vwh does not sign in to VoIPBIN: an access key or a JWT is brought

    hint: set VWH_TOKEN to it, or name it by token_file or token_command in the profile
    ");
    insta::assert_snapshot!(service.vwh().args(["list"]).without_env("VWH_TOKEN").run().to_string(), @r"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: profile default has no token

    hint: bring an access key or a JWT in VWH_TOKEN, or token_file or token_command of the profile
    ");
    let doctor = service.vwh().args(["doctor"]).without_env("VWH_TOKEN").run().exits(1);
    assert!(doctor.stdout.contains("fail  token          profile default has no token"), "{doctor}");
    assert!(!doctor.stdout.contains("api.voipbin.net"), "nothing goes there\n{doctor}");
    insta::assert_snapshot!(service.vwh().args(["doctor"]).run().hiding_durations().to_string(), @r"
    exit: 0
    --- stdout
    pass  configuration  no file; profile default: voipbin at http://127.0.0.1:[PORT]/v1.0
    pass  files          state in [HOME]/.local/state/vwh
    pass  names          127.0.0.1:[PORT]
    pass  connection     127.0.0.1:[PORT] answers by http (404 in [DURATION])
    skip  clock          the service did not say what time it is
    pass  token          from VWH_TOKEN
    pass  subscription   none is needed; the token may read the customer
    pass  quota          not used up
    pass  webhooks       1 listed, none with a useless key
    --- stderr
    ");
}

/// The service itself takes everything that is no access key for a JWT.
#[test]
fn a_token_that_can_be_neither_is_said_to_be_neither() {
    for (token, is_misfit) in [("hunter2", true), ("a.b.c", false), ("vb_unknown", false)] {
        let server = Server::new(|_| envelope(401, "UNAUTHENTICATED", "INVALID_CREDENTIALS", "no"));
        let vwh = Vwh::new().env("VWH_SERVICE", "voipbin").env("VWH_BASE_URL", server.base_url());
        let outcome = vwh.env("VWH_TOKEN", token).args(["whoami"]).run().exits(3).without_answer();
        let hint = "hint: the token is neither an access key (vb_…) nor a JWT: bring one of the two\n";
        assert_eq!(outcome.stderr.ends_with(hint), is_misfit, "{outcome}");
    }
}

/// A profile that is named takes no token from the environment.
#[test]
fn who_names_a_profile_is_not_told_of_a_variable() {
    let vwh = Vwh::new();
    let server = Server::new(|_| envelope(401, "UNAUTHENTICATED", "INVALID_CREDENTIALS", "no"));
    let (base, token) = (server.base_url(), vwh.write("token", KEY));
    vwh.configure(&format!(
        "[profiles.a]\nservice = 'voipbin'\n\
         [profiles.b]\nservice = 'voipbin'\nbase_url = '{base}'\ntoken_file = '{}'\n",
        token.display()
    ));
    let refused = vwh.args(["whoami", "-p", "b"]).run().exits(3).without_answer();
    let refused = refused.says("hint: write a new access key (vb_…) or a new JWT to ");
    assert!(!refused.stderr.contains("VWH_TOKEN"), "{refused}");
    let outcome = vwh.args(["login", "-p", "a"]).run().exits(2).without_answer();
    assert!(
        outcome.stderr.ends_with("hint: name it by token_file or token_command in the profile\n"),
        "{outcome}"
    );
}

#[test]
fn a_jwt_goes_in_the_header_and_an_access_key_in_the_query_alone() {
    for (token, in_query, in_header) in [(KEY, true, false), (JWT, false, true)] {
        let service = Customer::honest("");
        let vwh = service.vwh_with(token);
        let _ = vwh.args(["create", "--url", URL]).run().exits(0);
        let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
        for request in service.server.requests() {
            assert_eq!(
                request.path.ends_with(&format!("?accesskey={token}")),
                in_query,
                "{}",
                request.line()
            );
            assert_eq!(request.path.contains('?'), in_query);
            let bearer = request.header("authorization").map(str::to_owned);
            assert_eq!(bearer, in_header.then(|| format!("Bearer {token}")));
        }
    }
}

#[test]
fn neither_key_nor_secret_comes_out_whatever_the_service_repeats() {
    let repeats = |request: &Request| {
        let said = format!("near {} of {SECRET}", request.path);
        envelope(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", &said).header("X-Request-Id", &request.path)
    };
    let replies: [(&str, Answer); 4] = [
        ("redirect", |request| {
            Reply::new(307, "").header("Location", &format!("https://elsewhere.example.test{}", request.path))
        }),
        ("path", |request| {
            let key = request.path.split_once('=').map_or("", |(_, key)| key);
            Reply::new(302, "").header("Location", &format!("https://elsewhere.example.test/{key}/x"))
        }),
        ("html", |request| Reply::html(500, format!("<html><title>{}</title></html>", request.path))),
        ("close", |_| Reply::Close),
    ];
    for (name, reply) in replies {
        let server = Server::new(reply);
        let vwh = Vwh::new()
            .env("VWH_SERVICE", "voipbin")
            .env("VWH_BASE_URL", format!("{}/v1.0", server.base_url()))
            .env("VWH_TOKEN", KEY);
        let outcome = vwh.args(["list", "-vv", "--timeout", "5s"]).run();
        assert_ne!(outcome.code, Some(0), "{name}");
        assert!(!outcome.snapshot().contains(KEY), "{name}\n{outcome}");
        if name == "redirect" {
            let outcome = outcome.exits(6).says("https://elsewhere.example.test/v1.0/customer");
            assert_eq!(server.lines().len(), 1, "{outcome}");
        }
    }
    let service = Customer::new(customer(URL), move |request, _| Some(repeats(request)));
    for arguments in [["list", "-vv"], ["list", "--json"], ["whoami", "-vv"], ["doctor", "-vv"]] {
        let outcome = service.vwh().args(arguments).run();
        assert!(!outcome.snapshot().contains(KEY), "{outcome}");
    }
}

#[test]
fn no_format_shows_the_secret_and_the_process_list_has_no_key() {
    let service = Customer::honest(URL);
    for format in ["table", "wide", "json", "jsonl", "csv"] {
        let outcome = service.vwh().args(["list", "-vv", "-o", format]).run().exits(0);
        assert!(!outcome.snapshot().contains(KEY) && !outcome.snapshot().contains(SECRET), "{outcome}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_running_vwh_has_no_key_among_its_arguments() {
    let service = Customer::new(customer(URL), |_, _| Some(Reply::Stall));
    let vwh = service.vwh();
    let process = vwh.args(["list"]).spawn();
    service.server.wait_for_requests(1);
    let mine = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8(line).ok()
    });
    assert!(mine.filter(|line| line.contains("vwh")).all(|line| !line.contains(KEY)));
    process.kill();
    assert_ne!(process.wait().code, Some(0));
}

#[test]
fn each_refusal_is_one_sentence_with_its_reason_and_a_cure() {
    let cases = [
        (401, "UNAUTHENTICATED", "AUTHENTICATION_REQUIRED", "did not arrive"),
        (401, "UNAUTHENTICATED", "INVALID_CREDENTIALS", "a new access key (vb_…) or a new JWT"),
        (403, "PERMISSION_DENIED", "ACCOUNT_FROZEN", "recover it at VoIPBIN first"),
        (403, "PERMISSION_DENIED", "PERMISSION_DENIED", "the customer's administrator"),
        (403, "PERMISSION_DENIED", "DIRECT_ACCESS_NOT_SUPPORTED", "this JWT is of /auth/boot"),
        (404, "NOT_FOUND", "ROUTE_NOT_FOUND", "check the base URL"),
    ];
    for (http, status, reason, cure) in cases {
        let service =
            Customer::new(customer(URL), move |_, _| Some(envelope(http, status, reason, "It said no.")));
        let outcome = service.vwh().args(["list"]).run().says(&format!("It said no ({reason})\n"));
        assert_eq!(outcome.code, Some(if http == 404 { 4 } else { 3 }), "{outcome}");
        assert!(outcome.says("\nhint: ").stderr.contains(cure), "{reason}");
        let error = service.vwh().args(["list", "--json"]).run().error();
        assert_eq!(error["status"], http);
    }
    let service = Customer::new(customer(""), |request, _| {
        (request.method == "PUT")
            .then(|| envelope(403, "PERMISSION_DENIED", "PERMISSION_DENIED", "You do not have permission."))
    });
    insta::assert_snapshot!(service.vwh().args(["create", "--url", URL]).run().to_string(), @r"
    exit: 3
    --- stdout
    --- stderr
    error: cannot register https://hooks.example.test/vb: 127.0.0.1:[PORT] answered 403 Forbidden: You do not have permission (PERMISSION_DENIED)

    hint: bring an access key, or the JWT of an agent who is the customer's administrator
    ");
}

/// The profile that is written after a wait is the one that is there by then.
#[test]
fn a_put_that_has_to_wait_is_made_of_what_is_there_afterwards() {
    let puts = AtomicUsize::new(0);
    let service = Customer::new(customer(""), move |request, state| {
        if request.method != "PUT" || puts.fetch_add(1, Ordering::SeqCst) > 0 {
            return None;
        }
        state["name"] = "renamed meanwhile".into();
        let reply = envelope(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", "Too many requests.");
        Some(reply.header("Retry-After", "1"))
    });
    let _ = service.vwh().args(["create", "--url", URL]).run().exits(0);
    assert_eq!(service.methods(), ["GET", "PUT", "GET", "PUT", "GET"]);
    assert_eq!(service.with(|state| state["name"].clone()), "renamed meanwhile");
    assert_eq!(service.url(), URL);
}

#[test]
fn a_wait_that_does_not_fit_is_exit_5() {
    let service = Customer::new(customer(URL), |_, _| {
        let reply = envelope(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", "Too many requests.");
        Some(reply.header("Retry-After", "300"))
    });
    let _ = service.vwh().args(["list"]).run().exits(5).says("throttled");
    assert_eq!(service.methods().len(), 1);
}

#[test]
fn a_profile_that_is_no_text_is_never_written() {
    for (name, odd) in
        [("name", value!(7)), ("email", value!({})), ("address", value!(["x"])), ("detail", value!(true))]
    {
        let mut state = customer("");
        state[name] = odd.clone();
        let service = Customer::new(state, |_, _| None);
        let _ = service.vwh().args(["create", "--url", URL]).run().exits(70).without_answer();
        assert_eq!(service.puts(), 0, "{name} {odd}");
    }
    // Half of a character, which no text of ours can hold.
    let raw = customer("").to_string().replace("Harbour Dental", "x\\ud800y");
    let service = Customer::new(customer(""), move |_, _| Some(json(200, raw.clone())));
    let _ = service.vwh().args(["create", "--url", URL]).run().exits(70);
    assert_eq!(service.puts(), 0);
    for broken in ["[]", "", "{", "null", "<html><title>x</title></html>"] {
        let service = Customer::new(customer(""), move |_, _| Some(json(200, broken)));
        let _ = service.vwh().args(["create", "--url", URL]).run().exits(70);
        assert_eq!(service.puts(), 0, "{broken}");
    }
}

#[test]
fn a_change_that_did_something_else_is_told_member_by_member() {
    let service = Customer::new(customer(""), |request, state| {
        if request.method != "PUT" {
            return None;
        }
        let reply = answer(request, state);
        state.as_object_mut().unwrap().remove("email");
        state["detail"] = "changed".into();
        Some(reply)
    });
    insta::assert_snapshot!(service.vwh().args(["create", "--url", URL]).run().to_string(), @r"
    exit: 1
    --- stdout
    --- stderr
    error: cannot register https://hooks.example.test/vb: 127.0.0.1:[PORT] accepted the change, and then detail, email was not what was written

    hint: somebody else may have changed the customer at the same moment: look at it, then run this again
    ");
    let ignoring =
        Customer::new(customer(URL), |request, _| (request.method == "PUT").then(|| json(200, "{}")));
    let outcome = ignoring.vwh().args(["update", ID, "--url", OTHER]).run().exits(1);
    let _ = outcome.says("webhook_uri was not what was written");
    let outcome = ignoring.vwh().args(["delete", ID, "--yes"]).run().exits(1);
    assert!(outcome.stdout.contains("webhook_method, webhook_uri"), "{outcome}");
}

#[test]
fn what_is_read_decides_about_a_put_without_an_answer() {
    for (executes, reply) in [
        (true, Reply::Close),
        (false, Reply::Close),
        (true, envelope(503, "UNAVAILABLE", "SERVICE_UNAVAILABLE", "x")),
        (false, envelope(503, "UNAVAILABLE", "SERVICE_UNAVAILABLE", "x")),
    ] {
        let service = Customer::new(customer(""), move |request, state| {
            if request.method != "PUT" {
                return None;
            }
            if executes {
                answer(request, state);
            }
            Some(reply.clone())
        });
        let before = service.profile();
        let outcome = service.vwh().args(["create", "--url", URL]).run();
        assert_eq!(service.methods(), ["GET", "PUT", "GET"], "it is not repeated\n{outcome}");
        if executes {
            assert_eq!(outcome.exits(0).stdout, format!("{ID}\n"));
        } else {
            let _ = outcome.exits(5).without_answer().says("may or may not be registered");
        }
        assert_eq!(service.profile(), before);
    }
}

#[test]
fn a_put_that_nobody_can_look_after_is_in_doubt() {
    let looks = AtomicUsize::new(0);
    let service = Customer::new(customer(""), move |request, _| {
        let is_later = request.method == "GET" && looks.fetch_add(1, Ordering::SeqCst) > 0;
        is_later.then(|| envelope(403, "PERMISSION_DENIED", "PERMISSION_DENIED", "No."))
    });
    let outcome = service.vwh().args(["create", "--url", URL]).run().exits(5).without_answer();
    let _ = outcome.says("may or may not be registered");
}
