//! A stored sign-in: used while it lasts, refreshed once when it does not, and never sent anywhere else.

use std::sync::Arc;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Reply, Server, Vwh, fixture, json, refused};
use crate::token_service::{CLIENT_SECRET, TokenService, home, moment, signed_in, store, stored};

/// In an hour: a token that needs no refresh.
const FRESH: i64 = 3_600;
/// In half a minute: one that may end on its way.
const NEARLY_OVER: i64 = 30;

#[test]
fn a_token_that_lasts_is_used_without_the_lock() {
    let service = TokenService::generous();
    service.accept("access-0");
    let vwh = service.home("");
    let before = signed_in(&service, &vwh, FRESH);
    let lock = vwh.write(".local/state/vwh/credentials/work.json.lock", "");
    let held = std::fs::File::options().write(true).open(lock).unwrap();
    held.lock().unwrap();
    assert_eq!(vwh.args(["list", "--timeout", "30s"]).run().exits(0).stderr, "");
    assert_eq!(service.asked(), [""; 0]);
    assert_eq!(stored(&vwh), before);
}

#[test]
fn a_token_that_is_nearly_over_is_refreshed_and_kept() {
    let service = TokenService::generous();
    let vwh = service.home("");
    signed_in(&service, &vwh, NEARLY_OVER);
    let _ = vwh.args(["list"]).run().exits(0);
    let [form] = service.forms().try_into().unwrap();
    let form: Vec<(&str, &str)> = form.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(
        form,
        [
            ("client_id", "k3y"),
            ("client_secret", CLIENT_SECRET),
            ("grant_type", "refresh_token"),
            ("refresh_token", "refresh-0")
        ]
    );
    let kept = stored(&vwh);
    assert_eq!((&kept["accessToken"], &kept["refreshToken"]), (&"access-1".into(), &"refresh-1".into()));
    assert!(kept["refreshExpiresAt"].as_str().unwrap() > moment(600_000).as_str(), "{kept}");
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn ten_at_once_refresh_once() {
    let service = TokenService::generous();
    let vwh = service.home("");
    signed_in(&service, &vwh, -FRESH);
    let processes: Vec<_> = (0..10).map(|_| vwh.args(["list", "--json"]).spawn()).collect();
    for process in processes {
        assert_eq!(process.wait().exits(0).stderr, "");
    }
    assert_eq!(service.asked(), ["refresh_token"]);
}

#[test]
fn the_new_pair_is_on_disk_before_it_is_used() {
    let seen = Arc::new(std::sync::Mutex::new(Value::Null));
    let (shared, path) = (Arc::clone(&seen), Arc::new(std::sync::Mutex::new(None::<Vwh>)));
    let home_of_run = Arc::clone(&path);
    let server = Server::new(move |request| {
        if request.path == "/token" {
            return json(
                200,
                r#"{"access_token":"access-1","refresh_token":"refresh-1","expires_in":86400}"#,
            );
        }
        *shared.lock().unwrap() = stored(home_of_run.lock().unwrap().as_ref().unwrap());
        json(200, "[]")
    });
    let base = server.base_url();
    let vwh = home(&base, &format!("{base}/token"), "");
    *path.lock().unwrap() = Some(vwh.clone());
    let generous = TokenService::generous();
    let mut credentials = signed_in(&generous, &vwh, -FRESH);
    credentials["baseUrl"] = base.clone().into();
    credentials["tokenUrl"] = format!("{base}/token").into();
    store(&vwh, &credentials);
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(seen.lock().unwrap()["accessToken"], "access-1");
}

#[test]
fn a_pair_that_cannot_be_kept_is_said() {
    let home_of_run = Arc::new(std::sync::Mutex::new(None::<Vwh>));
    let shared = Arc::clone(&home_of_run);
    let service = TokenService::new(move |_, grants| {
        let state = shared.lock().unwrap().as_ref().unwrap().state();
        std::fs::remove_dir_all(state.join("credentials")).unwrap();
        std::fs::write(state.join("credentials"), "in the way").unwrap();
        grants.grant()
    });
    let vwh = service.home("");
    *home_of_run.lock().unwrap() = Some(vwh.clone());
    signed_in(&service, &vwh, -FRESH);
    let outcome = vwh.args(["list"]).run().exits(2).without_answer();
    let _ = outcome.says("cannot store the sign-in of profile work: cannot make ");
}

#[test]
fn a_refused_token_is_refreshed_once_and_the_request_repeated_once() {
    let service = TokenService::generous();
    service.accept("another");
    let vwh = service.home("");
    signed_in(&service, &vwh, FRESH);
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.server.lines(), ["GET /self/webhooks/", "POST /token", "GET /self/webhooks/"]);
    let stubborn = TokenService::new(|_, grants| {
        let reply = grants.grant();
        grants.access = None;
        reply
    });
    let vwh = stubborn.home("");
    signed_in(&stubborn, &vwh, FRESH);
    let outcome = vwh.args(["list"]).run().exits(3);
    assert_eq!(stubborn.server.lines(), ["GET /self/webhooks/", "POST /token", "GET /self/webhooks/"]);
    assert_snapshot!(outcome.snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: 127.0.0.1:[PORT] answered 401 Unauthorized: Invalid Credentials (900901)

    hint: sign in with: vwh login
    ");
}

/// A home that is signed in at `server`, which is API and token endpoint in one.
fn signed_in_at(server: &Server) -> Vwh {
    let base = server.base_url();
    let vwh = home(&base, &format!("{base}/token"), "");
    let mut credentials = signed_in(&TokenService::generous(), &vwh, FRESH);
    credentials["baseUrl"] = base.clone().into();
    credentials["tokenUrl"] = format!("{base}/token").into();
    store(&vwh, &credentials);
    vwh
}

#[test]
fn another_process_has_refreshed_it_meanwhile() {
    let home_of_run = Arc::new(std::sync::Mutex::new(None::<Vwh>));
    let shared = Arc::clone(&home_of_run);
    let server = Server::new(move |request| {
        if request.header("authorization") == Some("Bearer access-new") {
            return json(200, "[]");
        }
        let vwh = shared.lock().unwrap();
        let mut credentials = stored(vwh.as_ref().unwrap());
        credentials["accessToken"] = "access-new".into();
        store(vwh.as_ref().unwrap(), &credentials);
        json(401, "{}")
    });
    let vwh = signed_in_at(&server);
    *home_of_run.lock().unwrap() = Some(vwh.clone());
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(server.lines(), ["GET /self/webhooks/"; 2]);
}

#[test]
fn a_refresh_token_that_is_refused_is_not_sent_again() {
    let service = TokenService::refusing(400, fixture("token-invalid-grant-refresh.json"));
    let vwh = service.home("");
    signed_in(&service, &vwh, -FRESH);
    assert_snapshot!(vwh.args(["list"]).run().snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: the sign-in of profile work has ended: 127.0.0.1:[PORT] answered 400 Bad Request: invalid_grant: Persisted access token data not found

    hint: sign in with: vwh login
    ");
    assert_eq!(stored(&vwh)["refreshToken"], Value::Null);
    assert_snapshot!(vwh.args(["list", "-p", "work"]).run().hiding_times().snapshot(), @r"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: the sign-in of profile work has ended

    hint: sign in with: vwh -p work login
    ");
    assert_eq!(service.asked(), ["refresh_token"]);
}

#[test]
fn one_that_nobody_used_in_time_says_so() {
    let service = TokenService::refusing(400, fixture("token-invalid-grant-refresh.json"));
    let vwh = service.home("");
    signed_in(&service, &vwh, -700_000);
    assert_snapshot!(vwh.args(["list"]).run().hiding_times().snapshot(), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: the sign-in of profile work has ended: nothing had used it by [TIME]

    hint: sign in with: vwh login
    ");
}

#[test]
fn after_the_refresh_token_the_password_has_its_turn() {
    let service = TokenService::new(|request, grants| {
        let form = crate::token_service::form(request);
        if form["grant_type"] == "password" {
            grants.grant()
        } else {
            json(400, fixture("token-invalid-grant-refresh.json"))
        }
    });
    let vwh = service.unattended();
    signed_in(&service, &vwh, -FRESH);
    assert_eq!(vwh.args(["list"]).run().exits(0).stderr, "");
    assert_eq!(service.asked(), ["refresh_token", "password"]);
}

#[test]
fn what_the_reply_leaves_out_is_not_made_up() {
    let service = TokenService::new(|_, grants| {
        grants.access = Some("access-1".to_owned());
        json(200, r#"{"access_token":"access-1"}"#)
    });
    let vwh = service.home("");
    let before = signed_in(&service, &vwh, -FRESH);
    let _ = vwh.args(["list"]).run().exits(0);
    let after = stored(&vwh);
    assert_eq!(after["refreshToken"], "refresh-0");
    assert_eq!(after["refreshExpiresAt"], before["refreshExpiresAt"]);
    let end = after["expiresAt"].as_str().unwrap();
    assert!(end > moment(3_400).as_str() && end < moment(3_601).as_str(), "{after}");
}

#[test]
fn an_odd_reply_changes_nothing() {
    for (reply, code) in [
        (Reply::html(200, "<html><title>Welcome</title></html>"), 70),
        (json(200, "{}"), 70),
        (json(200, r#"{"access_token":"a b","refresh_token":"x"}"#), 70),
        (json(200, r#"{"access_token":"a\u0007b","refresh_token":"x"}"#), 70),
        (json(500, fixture("spring-500.json")), 5),
        (Reply::html(502, fixture("nginx-502.html")), 5),
        (Reply::new(408, ""), 5),
        (json(200, r#"{"access_token":"access-1"}"#).cut_in_half(), 5),
        (Reply::Close, 5),
        (json(302, "").header("Location", "https://elsewhere.test/token"), 6),
        (json(307, "").header("Location", "/token"), 6),
    ] {
        let shown = format!("{reply:?}");
        let service = TokenService::new(move |_, _| reply.clone());
        let vwh = service.home("");
        let before = signed_in(&service, &vwh, -FRESH);
        let outcome = vwh.args(["list", "-vv"]).run();
        assert_eq!(outcome.code, Some(code), "{shown}\n{outcome}");
        assert_eq!(service.asked(), ["refresh_token"], "{shown}");
        assert_eq!(stored(&vwh), before, "{shown}");
    }
}

#[test]
fn the_errors_of_the_token_endpoint_name_their_cure() {
    let shown = |reply: Reply| {
        let service = TokenService::new(move |_, _| reply.clone());
        let vwh = service.home("");
        signed_in(&service, &vwh, -FRESH);
        vwh.args(["list"]).run().hiding_times().snapshot()
    };
    assert_snapshot!(shown(json(429, fixture("gateway-900803-quota.json")).header("Retry-After", "60")), @"
    exit: 5
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot refresh the sign-in of profile work: throttled by 127.0.0.1:[PORT] until [TIME]

    hint: run it again after that
    ");
    assert_snapshot!(shown(Reply::html(200, "<html><title>Welcome</title></html>")), @"
    exit: 70
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot refresh the sign-in of profile work: 127.0.0.1:[PORT] sent a reply that is not a token: it is an HTML page titled “Welcome”

    hint: check the token URL: token_url of the profile, or VWH_TOKEN_URL
    ");
    assert_snapshot!(shown(json(302, "").header("Location", "https://elsewhere.test/token?x=y")), @"
    exit: 6
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot refresh the sign-in of profile work: 127.0.0.1:[PORT] answered with a redirect (302) to https://elsewhere.test/token

    hint: check the token URL: token_url of the profile, or VWH_TOKEN_URL
    ");
    assert_snapshot!(shown(json(401, fixture("token-invalid-client.json"))), @"
    exit: 3
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot refresh the sign-in of profile work: 127.0.0.1:[PORT] answered 401 Unauthorized: invalid_client: A valid OAuth client could not be found for client_id: k3y

    hint: the other token URL may know this key: https://apimanager.auth.prod.vonagenetworks.net/t/vbc.prod/oauth2/token
    ");
    assert_snapshot!(shown(Reply::html(502, fixture("nginx-502.html"))), @"
    exit: 5
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot refresh the sign-in of profile work: 127.0.0.1:[PORT] answered 502 Bad Gateway: an HTML page titled “502 Bad Gateway”

    hint: the service is unwell: run the command again later
    ");
}

#[test]
fn a_refused_connection_is_tried_again_and_a_late_reply_is_not() {
    let nobody = refused();
    let service = TokenService::generous();
    let vwh = home(&service.server.base_url(), &format!("{}/token", nobody.base_url()), "");
    let mut credentials = signed_in(&service, &vwh, -FRESH);
    credentials["tokenUrl"] = format!("{}/token", nobody.base_url()).into();
    store(&vwh, &credentials);
    let outcome = vwh.args(["list", "-v"]).run().exits(5).says("cannot refresh the sign-in of profile work");
    assert_eq!(outcome.stderr.matches("POST ").count(), 4, "{outcome}");
}

#[test]
fn a_sign_in_is_for_one_address_client_and_user() {
    let service = TokenService::generous();
    let vwh = service.home("");
    signed_in(&service, &vwh, FRESH);
    for (variable, elsewhere) in [
        ("VWH_BASE_URL", format!("{}/elsewhere", service.server.base_url())),
        ("VWH_TOKEN_URL", format!("{}/elsewhere", service.server.base_url())),
        ("VWH_CLIENT_ID", "another".to_owned()),
        ("VWH_USERNAME", "another".to_owned()),
    ] {
        let outcome = vwh.args(["list"]).env(variable, elsewhere).run().exits(3).without_answer();
        assert!(outcome.stderr.contains("the sign-in of profile work has ended: it was made "), "{outcome}");
    }
    assert_eq!(service.server.connections(), 0);
    let slash = format!("{}/", service.server.base_url());
    service.accept("access-0");
    let _ = vwh.args(["list"]).env("VWH_BASE_URL", slash).env("VWH_USERNAME", "operator").run().exits(0);
}

#[test]
fn a_file_that_is_not_what_vwh_wrote_is_not_used() {
    let service = TokenService::generous();
    let vwh = service.home("");
    let mut newer = signed_in(&service, &vwh, FRESH);
    newer["version"] = 2.into();
    for text in ["", "{", "[]", "{}", "null", &newer.to_string()] {
        vwh.write(".local/state/vwh/credentials/work.json", text);
        let _ = vwh.args(["list"]).run().exits(2).without_answer().says("sign in again with: vwh login");
    }
    assert_eq!(service.server.connections(), 0);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let service = TokenService::generous();
    let vwh = service.home("");
    signed_in(&service, &vwh, FRESH);
    let path = vwh.state().join("credentials/work.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_snapshot!(vwh.args(["list"]).run().snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: cannot list the webhooks: cannot read the sign-in of profile work: [HOME]/.local/state/vwh/credentials/work.json can be read by others

    hint: it may hold secrets; close it with: chmod 600 [HOME]/.local/state/vwh/credentials/work.json
    ");
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn a_batch_whose_every_token_is_refused_refreshes_once() {
    let server = Server::new(|request| match (request.method.as_str(), request.path.as_str()) {
        (_, "/token") => {
            json(200, r#"{"access_token":"access-1","refresh_token":"refresh-1","expires_in":86400}"#)
        }
        ("GET", "/self/webhooks/") => {
            json(200, r#"[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"},{"id":"e"}]"#)
        }
        _ => json(401, "{}"),
    });
    let vwh = signed_in_at(&server);
    let _ = vwh.args(["renew", "--all", "--concurrency", "2"]).run().exits(3);
    assert_eq!(
        server.lines().iter().filter(|line| *line == "POST /token").count(),
        1,
        "{:?}",
        server.lines()
    );
}
