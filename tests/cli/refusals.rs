//! What the service refuses, in each shape its gateway has for it: exit code, sentence and next step.

use std::fs;

use crate::support::{Outcome, Reply, Server, Vwh, fixture, json};

/// Lists against a server that always answers `reply`, and checks that nothing was repeated.
#[track_caller]
fn list_once(reply: Reply) -> Outcome {
    let server = Server::new(move |_| reply.clone());
    let outcome = Vwh::connected_to(&server.base_url()).args(["list", "--json"]).run().without_answer();
    assert_eq!(server.lines(), ["GET /self/webhooks/"]);
    outcome
}

/// A gateway code in the three shapes of `tests/fixtures`.
fn gateway_shapes(status: u16, code: &str) -> [Reply; 3] {
    [
        json(status, fixture(&format!("gateway-{code}-wrapped.json"))),
        json(status, fixture(&format!("gateway-{code}-bare.json"))),
        Reply::xml(status, fixture(&format!("gateway-{code}-auth.xml"))),
    ]
}

#[test]
fn a_refused_token_is_exit_3_in_every_shape() {
    for reply in gateway_shapes(401, "900901") {
        let _ = list_once(reply).exits(3).says("Invalid Credentials");
    }
    let challenge = r#"null Bearer realm="WSO2 API Manager", error="invalid token""#;
    let _ = list_once(Reply::new(401, "").header("WWW-Authenticate", challenge)).exits(3).says("401");
    let _ = list_once(Reply::html(401, "<title>Sign in</title>")).exits(3).says("401");
}

#[test]
fn a_refused_token_inside_a_200_is_exit_3() {
    for reply in gateway_shapes(200, "900901") {
        let _ = list_once(reply).exits(3).says("Invalid Credentials");
    }
}

#[test]
fn a_user_without_an_extension_is_told_so() {
    let plain = Reply::new(401, fixture("vis-401-claims.txt"));
    let wrapped = json(401, r#"{"errorMessage":"Failed to get claims for token"}"#);
    for reply in [plain, wrapped] {
        let _ = list_once(reply).exits(3).says("extension");
    }
}

#[test]
fn an_application_without_the_suite_is_told_its_name() {
    for reply in gateway_shapes(403, "900908") {
        let outcome = list_once(reply).exits(3);
        let error = outcome.error();
        assert_eq!(error["status"], 403, "{outcome}");
        assert!(error["hint"].as_str().unwrap().contains("VonageIntegrationSuite"), "{outcome}");
    }
}

#[test]
fn not_found_is_exit_4() {
    let _ = list_once(Reply::xml(404, fixture("gateway-404-no-resource.xml")))
        .exits(4)
        .says("No matching resource");
    let _ = list_once(Reply::new(404, "")).exits(4).says("404");
}

#[test]
fn a_rejected_request_is_exit_6_with_each_field() {
    for status in [400, 422] {
        let outcome = list_once(json(status, fixture("vis-422.json"))).exits(6).says("Request is not valid");
        let _ = outcome.says("must be an absolute URL").says("must not be empty");
    }
    for status in [405, 409, 415] {
        let _ = list_once(Reply::new(status, "")).exits(6).says(&status.to_string());
    }
}

#[test]
fn the_error_object_has_the_published_members() {
    let outcome = list_once(json(422, fixture("vis-422.json"))).exits(6);
    let error = outcome.error();
    let mut names: Vec<&str> = error.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["causes", "hint", "kind", "message", "status"], "{outcome}");
    assert!(
        error["kind"].is_string() && error["message"].is_string() && error["causes"].is_array(),
        "{outcome}"
    );
    assert_eq!(error["status"], 422);
}

#[test]
fn no_token_is_exit_3_and_names_the_sandbox() {
    let _ = Vwh::new().args(["list"]).run().exits(3).without_answer().says("vwh --sandbox list");
}

/// A home whose profile reads its token from a file.
fn home_with_token_file(base_url: &str) -> (Vwh, std::path::PathBuf) {
    let vwh = Vwh::new();
    let token = vwh.write("token", "old-token\n");
    vwh.configure(&format!(
        "default_profile = 'work'\n[profiles.work]\nbase_url = '{base_url}'\ntoken_file = '{}'\n",
        token.display()
    ));
    (vwh, token)
}

#[test]
fn a_token_file_that_changed_is_read_again_once() {
    let (slot, filled) = std::sync::mpsc::channel::<std::path::PathBuf>();
    let filled = std::sync::Mutex::new(filled);
    let server = Server::new(move |request| {
        if request.header("authorization") == Some("Bearer new-token") {
            return json(200, "[]");
        }
        fs::write(filled.lock().unwrap().recv().unwrap(), "new-token\n").unwrap();
        json(401, fixture("gateway-900901-bare.json"))
    });
    let (vwh, token) = home_with_token_file(&server.base_url());
    slot.send(token).unwrap();
    let _ = vwh.args(["list", "--json"]).run().exits(0);
    let tokens: Vec<String> = server
        .requests()
        .iter()
        .filter_map(|request| request.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(tokens, ["Bearer old-token", "Bearer new-token"]);
}

#[test]
fn a_token_file_that_did_not_help_is_exit_3() {
    let server = Server::new(|_| json(401, fixture("gateway-900901-bare.json")));
    let (vwh, _) = home_with_token_file(&server.base_url());
    let _ = vwh.args(["list", "--json"]).run().exits(3).without_answer();
    assert!(server.requests().len() <= 2, "{:?}", server.lines());
}
