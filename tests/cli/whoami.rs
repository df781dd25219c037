//! `vwh whoami`: who the token belongs to, where it comes from and how long it lasts.

use insta::assert_snapshot;
use serde_json::Value;

use crate::service::Service;
use crate::support::{Server, TOKEN, Vwh, json};
use crate::token_service::{PASSWORD, TokenService, signed_in, store, stored};

#[test]
fn a_sign_in_is_told_in_full() {
    let service = TokenService::generous();
    service.accept("access-0");
    let vwh = service.home("");
    signed_in(&service, &vwh, 3_630);
    assert_snapshot!(vwh.args(["whoami"]).run().hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    profile        work
    service        vis at http://127.0.0.1:[PORT]
    username       operator@vbc.prod
    user           9001
    account        4711
    token          sign-in
    expires        [TIME] (in 1h)
    refresh until  [TIME] (in 6d)
    unattended     yes, as long as vwh runs at least once every 7 days (next before [TIME])
    --- stderr
    ");
    assert_snapshot!(vwh.args(["whoami", "--json"]).run().hiding_times().snapshot(), @r#"
    exit: 0
    --- stdout
    {"profile":"work","service":"vis","address":"http://127.0.0.1:[PORT]","user":"9001","account":"4711","username":"operator@vbc.prod","tokenSource":"sign-in","expiresAt":"[TIME]","refreshExpiresAt":"[TIME]","unattended":true,"unattendedUntil":"[TIME]"}
    --- stderr
    "#);
    assert_eq!(vwh.args(["whoami", "--json"]).run().json(), vwh.args(["whoami", "-o", "jsonl"]).run().json());
    let _ = vwh.args(["whoami", "-o", "csv"]).run().exits(2).without_answer();
}

#[test]
fn a_token_of_ones_own_is_told_by_its_source() {
    let service = Service::honest(Vec::new());
    assert_snapshot!(service.vwh().args(["whoami"]).run().snapshot(), @"
    exit: 0
    --- stdout
    profile        default
    service        vis at http://127.0.0.1:[PORT]
    user           9001
    account        4711
    token          VWH_TOKEN
    --- stderr
    ");
    let vwh = Vwh::new();
    vwh.write("token", TOKEN);
    vwh.configure(&format!(
        "default_profile = 'a'\n[profiles.a]\nbase_url = '{}'\ntoken_file = 'token'\n",
        service.server.base_url()
    ));
    assert_snapshot!(vwh.args(["whoami", "--json"]).run().snapshot(), @r#"
    exit: 0
    --- stdout
    {"profile":"a","service":"vis","address":"http://127.0.0.1:[PORT]","user":"9001","account":"4711","username":null,"tokenSource":"token_file","expiresAt":null,"refreshExpiresAt":null,"unattended":null,"unattendedUntil":null}
    --- stderr
    "#);
}

#[test]
fn the_sandbox_is_somebody_too() {
    let answer = Vwh::new().args(["whoami", "--sandbox", "--json"]).run().exits(0).json();
    assert_eq!((&answer["tokenSource"], &answer["profile"]), (&"sandbox".into(), &"sandbox".into()));
    assert!(answer["user"].is_string(), "{answer}");
}

#[test]
fn several_profiles_are_an_array_and_one_that_fails_stops_no_other() {
    let service = Service::honest(Vec::new());
    let refusing = Server::new(|_| json(401, "{}"));
    let vwh = Vwh::new();
    vwh.write("token", TOKEN);
    vwh.configure(&format!(
        "[profiles.a]\nbase_url = '{base}'\ntoken_file = 'token'\n\
         [profiles.b]\nbase_url = '{}'\ntoken_file = 'token'\n\
         [profiles.c]\nbase_url = '{base}'\ntoken_file = 'token'\n",
        refusing.base_url(),
        base = service.server.base_url(),
    ));
    assert_snapshot!(vwh.args(["whoami", "--all-profiles", "--json"]).run().snapshot(), @r#"
    exit: 1
    --- stdout
    [{"profile":"a","service":"vis","address":"http://127.0.0.1:[PORT]","user":"9001","account":"4711","username":null,"tokenSource":"token_file","expiresAt":null,"refreshExpiresAt":null,"unattended":null,"unattendedUntil":null},
    {"profile":"c","service":"vis","address":"http://127.0.0.1:[PORT]","user":"9001","account":"4711","username":null,"tokenSource":"token_file","expiresAt":null,"refreshExpiresAt":null,"unattended":null,"unattendedUntil":null}]
    --- stderr
    {"error":{"kind":"authentication","message":"cannot tell who this is","hint":"write a current access token to token, which token_file names","status":401,"causes":["127.0.0.1:[PORT] answered 401 Unauthorized"],"profile":"b"}}
    "#);
    assert_snapshot!(vwh.args(["whoami", "-p", "a", "-p", "c"]).run().snapshot(), @"
    exit: 0
    --- stdout
    profile        a
    service        vis at http://127.0.0.1:[PORT]
    user           9001
    account        4711
    token          token_file

    profile        c
    service        vis at http://127.0.0.1:[PORT]
    user           9001
    account        4711
    token          token_file
    --- stderr
    ");
}

#[test]
fn nobody_signed_in_is_an_error() {
    assert_snapshot!(Vwh::new().args(["whoami"]).run().snapshot(), @r"
    exit: 3
    --- stdout
    --- stderr
    error: cannot tell who this is: there is no token to sign in with

    hint: sign in with: vwh login, or bring a token in VWH_TOKEN; without an account, try: vwh --sandbox list
    ");
}

#[test]
fn a_password_in_a_variable_lasts_as_long_as_the_variable() {
    let service = TokenService::generous();
    let vwh = service.home("");
    assert_snapshot!(vwh.args(["login"]).env("VWH_PASSWORD", PASSWORD).run().hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    signed in as operator@vbc.prod (user 9001, account 4711), token until [TIME]
    unattended: yes, as long as vwh runs at least once every 7 days (next before [TIME]), or as long as VWH_PASSWORD is set
    --- stderr
    ");
    let with = vwh.args(["whoami", "--json"]).env("VWH_PASSWORD", PASSWORD).run().exits(0).json();
    assert_eq!(with, vwh.args(["whoami", "--json"]).run().exits(0).json());
    let mut credentials = stored(&vwh);
    credentials["refreshToken"] = Value::Null;
    store(&vwh, &credentials);
    let with = vwh.args(["whoami"]).env("VWH_PASSWORD", PASSWORD).run().hiding_times().exits(0);
    let line =
        "unattended     only as long as VWH_PASSWORD is set: without it, after [TIME] somebody has to log in";
    assert!(with.stdout.contains(line), "{with}");
    let with = vwh.args(["whoami", "--json"]).env("VWH_PASSWORD", PASSWORD).run().exits(0).json();
    assert_eq!((&with["unattended"], &with["unattendedUntil"]), (&false.into(), &with["expiresAt"]));
}
