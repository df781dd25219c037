//! `vwh login` through a browser: what is asked for, what comes back, and what is not taken.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insta::assert_snapshot;
use serde_json::{Value, json as value};
use url::Url;

use crate::support::{Outcome, Process, TOKEN, Vwh, json};
use crate::token_service::{CLIENT_SECRET, TokenService, signed_in, stored};

/// The code that the service's page gives to the browser.
const CODE: &str = "c0de+/=&%";

/// A home at `service` in which no program opens a browser.
fn home(service: &TokenService) -> Vwh {
    let vwh = service.home("");
    let nowhere = vwh.home().join("no-programs").display().to_string();
    vwh.env("PATH", nowhere)
}

/// A login that waits for its browser, and the address that the browser was sent to.
fn started(vwh: &Vwh) -> (Process, Url) {
    let arguments = ["login", "--browser", "--redirect-uri", "http://127.0.0.1:0/callback"];
    let mut process = vwh.args(arguments).spawn();
    let line = process.wait_for_error_line(|line| line.starts_with("  http"));
    (process, line.trim().parse().unwrap())
}

fn member(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// What the browser asks for when it comes back with these members.
fn back(authorize: &Url, members: &[(&str, &str)]) -> Url {
    let mut url: Url = member(authorize, "redirect_uri").parse().unwrap();
    url.query_pairs_mut().extend_pairs(members);
    url
}

/// Visits `url` as a browser does: the status and the page.
fn visit(url: &Url) -> (u16, String) {
    request("GET", url)
}

fn request(method: &str, url: &Url) -> (u16, String) {
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    let target = &url[url::Position::BeforePath..];
    write!(stream, "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    (reply.split(' ').nth(1).unwrap().parse().unwrap(), reply)
}

#[track_caller]
fn assert_kept(outcome: &Outcome, verifier: &str) {
    for secret in [CODE, CLIENT_SECRET, "access-1", "refresh-1", verifier] {
        assert!(!outcome.snapshot().contains(secret), "{secret} came out\n{outcome}");
    }
}

#[test]
fn the_code_that_comes_back_signs_in() {
    let service = TokenService::generous();
    let vwh = home(&service);
    let (process, authorize) = started(&vwh);
    assert!(authorize.as_str().starts_with(&format!("{}/authorize?", service.server.base_url())));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "k3y"),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(member(&authorize, name), value);
    }
    let state = member(&authorize, "state");
    assert!(state.len() >= 32 && member(&authorize, "code_challenge").len() == 43);
    let (status, page) = visit(&back(&authorize, &[("code", CODE), ("state", &state)]));
    assert_eq!(status, 200);
    assert!(
        page.contains("Close this page") && page.contains("no-store") && !page.contains(&state),
        "{page}"
    );
    let outcome = process.wait().exits(0);
    let [form] = service.forms().try_into().unwrap();
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!((form["code"].as_str(), &form["redirect_uri"]), (CODE, &member(&authorize, "redirect_uri")));
    assert!(!form.contains_key("client_secret"), "HTTP Basic carries it");
    // `k3y:s3cr3t/cl+ient=`
    assert_eq!(
        service.server.requests()[0].header("authorization"),
        Some("Basic azN5OnMzY3IzdC9jbCtpZW50PQ==")
    );
    assert_kept(&outcome, &form["code_verifier"]);
    assert!(outcome.stdout.contains("unattended: yes, as long as vwh runs"), "{outcome}");
    let _ = vwh.args(["list"]).run().exits(0);
    assert_eq!(service.asked().len(), 1);
}

/// A service that grants a code to whoever has these claims.
fn naming(claims: &str) -> TokenService {
    let token = format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims));
    TokenService::new(move |_, grants| {
        grants.access = Some("access-1".to_owned());
        json(200, value!({"access_token": "access-1", "id_token": token, "expires_in": 3_600}).to_string())
    })
}

/// Signs in through a browser.
fn come_back(vwh: &Vwh) -> Outcome {
    let (process, authorize) = started(vwh);
    let state = member(&authorize, "state");
    visit(&back(&authorize, &[("code", CODE), ("state", &state)]));
    process.wait()
}

#[test]
fn another_user_than_the_profiles_is_not_taken() {
    let service = naming(r#"{"sub":"another@vbc.prod"}"#);
    let vwh = home(&service);
    let before = signed_in(&service, &vwh, 60);
    let outcome = come_back(&vwh).exits(2).without_answer();
    let _ = outcome
        .says("profile work is for operator@vbc.prod, and another@vbc.prod signed in: nothing was stored")
        .says("hint: sign out in the browser, then sign in as operator@vbc.prod with: vwh login");
    assert_eq!(stored(&vwh), before);
}

#[test]
fn the_user_is_the_one_that_the_service_names() {
    for (claims, shown) in [
        (r#"{"sub":"operator@vbc.prod"}"#, "signed in as operator@vbc.prod (user 9001"),
        (r#"{"preferred_username":"Operator","sub":"1"}"#, "signed in as Operator (user 9001"),
        (r#"{"sub":"9001"}"#, "signed in as user 9001, account 4711,"),
        ("[", "signed in as user 9001, account 4711,"),
    ] {
        let service = naming(claims);
        let vwh = home(&service);
        let outcome = come_back(&vwh).exits(0);
        assert!(outcome.stdout.contains(shown), "{claims}\n{outcome}");
        assert_eq!(stored(&vwh)["username"], Value::Null, "nobody has proved it");
        let _ = vwh.args(["list"]).run().exits(0);
        // It is the sign-in of the user that was configured then, and of no other.
        let _ = vwh
            .args(["list"])
            .env("VWH_USERNAME", "another")
            .run()
            .exits(3)
            .says("has ended: it was made as ");
    }
}

#[test]
fn what_belongs_to_another_sign_in_is_refused_and_the_waiting_goes_on() {
    let service = TokenService::generous();
    let (process, authorize) = started(&home(&service));
    let state = member(&authorize, "state");
    for members in [
        &[("code", "evil"), ("state", "guessed")][..],
        &[("code", "evil")],
        &[("error", "access_denied")],
        &[("error", "access_denied"), ("state", "guessed")],
        &[("state", &state)],
        &[],
    ] {
        assert_eq!(visit(&back(&authorize, members)).0, 400, "{members:?}");
    }
    let mut elsewhere = back(&authorize, &[("code", "evil"), ("state", &state)]);
    assert_eq!(request("POST", &elsewhere).0, 405);
    elsewhere.set_path("/favicon.ico");
    assert_eq!(visit(&elsewhere).0, 404);
    assert!(service.asked().is_empty());
    assert_eq!(visit(&back(&authorize, &[("code", CODE), ("state", &state)])).0, 200);
    let _ = process.wait().exits(0);
    assert_eq!(service.forms()[0]["code"], CODE);
}

#[test]
fn a_person_who_says_no_ends_it() {
    let service = TokenService::generous();
    let (process, authorize) = started(&home(&service));
    let state = member(&authorize, "state");
    let members = [
        ("state", state.as_str()),
        ("error", "access_denied"),
        ("error_description", "User denied\u{1b}[2J"),
    ];
    assert_eq!(visit(&back(&authorize, &members)).0, 400);
    let outcome = process.wait().exits(3).without_answer();
    let _ =
        outcome.says("error: the sign-in was refused in the browser: access_denied: User denied\\u{1b}[2J");
    assert!(service.asked().is_empty());
}

#[test]
fn a_code_that_the_service_refuses() {
    let service = TokenService::refusing(400, crate::support::fixture("token-invalid-grant-code.json"));
    let vwh = home(&service);
    let (process, authorize) = started(&vwh);
    let state = member(&authorize, "state");
    visit(&back(&authorize, &[("code", CODE), ("state", &state)]));
    let outcome = process.wait().exits(3).says("invalid_grant: Inactive authorization code");
    assert_kept(&outcome, &service.forms()[0]["code_verifier"]);
    assert_eq!(stored(&vwh), Value::Null);
}

#[cfg(unix)]
#[test]
fn waiting_for_the_browser_can_be_interrupted_and_has_no_time_limit_of_its_own() {
    use crate::support::Signal;
    let service = TokenService::generous();
    // From the environment, for reading a file has to fit into the time limit.
    let vwh = home(&service).env("VWH_CLIENT_SECRET", "hunter2");
    let arguments = ["login", "--browser", "--redirect-uri", "http://127.0.0.1:0/cb", "--timeout", "1ms"];
    let mut process = vwh.args(arguments).spawn();
    process.wait_for_error_line(|line| line.starts_with("  http"));
    process.signal(Signal::INT);
    let _ = process.wait().exits(130);
}

#[cfg(target_os = "linux")]
#[test]
fn the_browser_of_this_machine_is_opened() {
    use std::os::unix::fs::PermissionsExt;
    let service = TokenService::generous();
    let vwh = home(&service);
    std::process::Command::new("mkfifo").arg(vwh.home().join("opened")).status().unwrap();
    let script = vwh.write("no-programs/xdg-open", "#!/bin/sh\necho \"$1\" > opened\n");
    std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let (process, authorize) = started(&vwh);
    assert_eq!(std::fs::read_to_string(vwh.home().join("opened")).unwrap().trim(), authorize.as_str());
    let state = member(&authorize, "state");
    visit(&back(&authorize, &[("code", CODE), ("state", &state)]));
    let _ = process.wait().exits(0);
}

#[test]
fn an_address_that_cannot_be_listened_on_is_said() {
    let service = TokenService::generous();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = format!("http://127.0.0.1:{}/callback", taken.local_addr().unwrap().port());
    let login = |uri: &str| home(&service).args(["login", "--browser", "--redirect-uri", uri]).run();
    let _ = login(&taken).exits(2).without_answer().says("cannot listen on ").says("--redirect-uri");
    assert_snapshot!(login("https://app.example.test/cb").snapshot(), @"
    exit: 2
    --- stdout
    --- stderr
    error: the browser would come back to https://app.example.test/cb, which is not this machine

    hint: --no-browser takes the address that it ends at; --redirect-uri names one on 127.0.0.1
    ");
    let _ = login("callback").exits(2).says("this is not a URL");
    let _ = login("http://127.0.0.1:1/#x").exits(2).says("give a plain URL");
    assert_eq!(service.server.connections(), 0);
}

/// Runs a login without a browser and pastes what `paste` makes of the address.
fn pasting(service: &TokenService, paste: impl Fn(&Url) -> String) -> Outcome {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut process = home(service)
        .args(["login", "--no-browser", "--redirect-uri", "https://app.example.test/cb"])
        .stdin_from(reader)
        .spawn();
    let line = process.wait_for_error_line(|line| line.starts_with("  http"));
    writeln!(writer, "{}", paste(&line.trim().parse().unwrap())).unwrap();
    process.wait()
}

#[test]
fn a_pasted_address_signs_in() {
    let service = TokenService::generous();
    let outcome = pasting(&service, |authorize| {
        assert_eq!(member(authorize, "redirect_uri"), "https://app.example.test/cb");
        back(authorize, &[("code", CODE), ("state", &member(authorize, "state"))]).to_string()
    });
    let form = &service.forms()[0];
    assert_eq!((form["code"].as_str(), form["redirect_uri"].as_str()), (CODE, "https://app.example.test/cb"));
    assert_kept(&outcome.exits(0), &form["code_verifier"]);
}

#[test]
fn a_pasted_address_has_to_be_this_ones() {
    let service = TokenService::generous();
    let other = pasting(&service, |authorize| back(authorize, &[("code", CODE), ("state", "x")]).to_string());
    let _ = other.exits(3).says("it belongs to another sign-in");
    for text in ["", CODE, "https://app.example.test/cb"] {
        let outcome = pasting(&service, |_| text.to_owned());
        let _ = outcome.exits(7).says("is not the address that the browser ended at");
    }
    assert!(service.asked().is_empty());
}

#[test]
fn a_query_alone_signs_in() {
    for start in ["?", ""] {
        let service = TokenService::generous();
        let outcome = pasting(&service, |authorize| {
            let url = back(authorize, &[("code", CODE), ("state", &member(authorize, "state"))]);
            format!("{start}{}", url.query().unwrap())
        });
        let _ = outcome.exits(0);
        assert_eq!(service.forms()[0]["code"], CODE);
    }
}

#[cfg(unix)]
#[test]
fn a_person_may_paste_twice_the_wrong_thing() {
    use crate::support::Screen;
    let service = TokenService::generous();
    let arguments = ["login", "--no-browser", "--redirect-uri", "https://app.example.test/cb"];
    let start = || home(&service).args(arguments).on_terminal(&Screen::columns(100));
    let question = "then paste the address that it ended at: ";
    let mut terminal = start();
    terminal.wait_for(question);
    terminal.type_line("oops");
    terminal.wait_for("what was pasted is not the address");
    terminal.wait_for(question);
    terminal.type_line("https://app.example.test/cb?code=x&state=other");
    terminal.wait_for("it belongs to another sign-in");
    terminal.wait_for(question);
    terminal.type_line("oops");
    let _ = terminal.wait().exits(7);
    assert!(service.asked().is_empty());
}

#[test]
fn under_json_the_address_is_an_object() {
    let service = TokenService::generous();
    let outcome = home(&service).args(["login", "--no-browser", "--json"]).run().exits(7);
    let line: Value = serde_json::from_str(outcome.stderr.lines().next().unwrap()).unwrap();
    assert!(line["address"]["url"].as_str().unwrap().contains("/authorize?"), "{line}");
}

#[test]
fn the_ways_to_sign_in_exclude_each_other() {
    for arguments in [
        &["--browser", "--no-browser"][..],
        &["--browser", "--password-stdin"],
        &["--no-browser", "--username", "u"],
        &["--redirect-uri", "http://127.0.0.1:0/"],
    ] {
        let vwh = Vwh::new().env("VWH_TOKEN", TOKEN);
        let outcome = vwh.args(["login"].into_iter().chain(arguments.iter().copied())).run().exits(2);
        assert!(outcome.stderr.contains("Usage:"), "{outcome}");
    }
}
