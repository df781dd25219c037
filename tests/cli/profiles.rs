//! `vwh profiles`: what is configured and how it stands, without asking any service.

use insta::assert_snapshot;
use serde_json::{Value, json as value};

use crate::support::{TOKEN, Vwh};
use crate::token_service::{TokenService, moment, past, signed_in, store, stored};

#[test]
fn without_a_profile_there_is_the_default_one() {
    assert_snapshot!(Vwh::new().args(["profiles"]).run().snapshot(), @"
    exit: 0
    --- stdout
    NAME       SERVICE  ADDRESS                                   TOKEN
    default *  vis      https://api.vonage.com/t/vbc.prod/vis/v1  not signed in
    --- stderr
    ");
    assert_snapshot!(Vwh::new().args(["profiles", "--json"]).env("VWH_TOKEN", TOKEN).run().snapshot(), @r#"
    exit: 0
    --- stdout
    [{"name":"default","service":"vis","baseUrl":"https://api.vonage.com/t/vbc.prod/vis/v1","isDefault":true,"tokenSource":"VWH_TOKEN","expiresAt":null,"refreshExpiresAt":null,"unattended":null,"refusedAt":null,"error":null}]
    --- stderr
    "#);
}

#[test]
fn every_profile_is_listed_with_what_is_known_of_its_token() {
    let vwh = Vwh::new();
    vwh.configure(
        "default_profile = 'work'\n\
         [profiles.broken]\nservice = 'smtp'\n\
         [profiles.file]\ntoken_file = 'x'\nbase_url = 'http://127.0.0.1:1/vis'\n\
         [profiles.plain]\n\
         [profiles.self]\nusername = 'u'\nclient_id = 'c'\nclient_secret_file = 'x'\npassword_command = 'false'\n\
         [profiles.work]\nusername = 'u'\n",
    );
    assert_snapshot!(vwh.args(["profiles"]).run().snapshot(), @r#"
    exit: 0
    --- stdout
    NAME    SERVICE  ADDRESS                                   TOKEN
    broken                                                     error: service "smtp" is not known
    file    vis      http://127.0.0.1:[PORT]/vis                    token_file
    plain   vis      https://api.vonage.com/t/vbc.prod/vis/v1  not signed in
    self    vis      https://api.vonage.com/t/vbc.prod/vis/v1  signs in with password_command
    work *  vis      https://api.vonage.com/t/vbc.prod/vis/v1  not signed in
    --- stderr
    "#);
    assert_snapshot!(vwh.args(["profiles", "--json"]).run().snapshot(), @r#"
    exit: 0
    --- stdout
    [{"name":"broken","service":null,"baseUrl":null,"isDefault":false,"tokenSource":null,"expiresAt":null,"refreshExpiresAt":null,"unattended":null,"refusedAt":null,"error":{"kind":"configuration","message":"service \"smtp\" is not known","hint":"known: vis, contact-center, voipbin","status":null,"causes":[]}},
    {"name":"file","service":"vis","baseUrl":"http://127.0.0.1:[PORT]/vis","isDefault":false,"tokenSource":"token_file","expiresAt":null,"refreshExpiresAt":null,"unattended":null,"refusedAt":null,"error":null},
    {"name":"plain","service":"vis","baseUrl":"https://api.vonage.com/t/vbc.prod/vis/v1","isDefault":false,"tokenSource":"sign-in","expiresAt":null,"refreshExpiresAt":null,"unattended":false,"refusedAt":null,"error":null},
    {"name":"self","service":"vis","baseUrl":"https://api.vonage.com/t/vbc.prod/vis/v1","isDefault":false,"tokenSource":"sign-in","expiresAt":null,"refreshExpiresAt":null,"unattended":true,"refusedAt":null,"error":null},
    {"name":"work","service":"vis","baseUrl":"https://api.vonage.com/t/vbc.prod/vis/v1","isDefault":true,"tokenSource":"sign-in","expiresAt":null,"refreshExpiresAt":null,"unattended":false,"refusedAt":null,"error":null}]
    --- stderr
    "#);
    assert_eq!(vwh.args(["profiles", "-o", "jsonl"]).run().exits(0).stdout.lines().count(), 5);
}

#[test]
fn what_is_named_is_listed_alone() {
    let vwh = Vwh::new();
    vwh.configure("default_profile = 'work'\n[profiles.home]\n[profiles.work]\n");
    let sandbox = "NAME     SERVICE  ADDRESS       TOKEN\nsandbox  vis      this machine  none needed\n";
    assert_eq!(vwh.args(["profiles", "--sandbox"]).run().exits(0).stdout, sandbox);
    assert_eq!(vwh.args(["profiles"]).env("VWH_SANDBOX", "1").run().exits(0).stdout, sandbox);
    let names = |arguments: &[&str]| {
        let listed = vwh.args([&["profiles", "--json"], arguments].concat()).run().exits(0).json();
        let name =
            |listed: &Value| (listed["name"].as_str().unwrap().to_owned(), listed["isDefault"] == true);
        listed.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    let [home, work] = [("home".to_owned(), false), ("work".to_owned(), true)];
    assert_eq!(names(&["-p", "home"]), std::slice::from_ref(&home));
    assert_eq!(names(&["-p", "w*"]), std::slice::from_ref(&work));
    assert_eq!(names(&["--all-profiles"]), [home, work]);
    let _ = vwh.args(["profiles", "-p", "none"]).run().exits(2).without_answer();
}

#[test]
fn a_sign_in_is_shown_with_its_end() {
    let service = TokenService::generous();
    let vwh = service.home("");
    let mut credentials = signed_in(&service, &vwh, 3_630);
    let shown = |vwh: &Vwh| {
        vwh.args(["profiles"]).run().hiding_times().exits(0).stdout.lines().nth(1).unwrap().to_owned()
    };
    assert!(shown(&vwh).ends_with("signed in until [TIME] (in 6d)"), "{}", shown(&vwh));
    credentials["refreshToken"] = Value::Null;
    store(&vwh, &credentials);
    assert!(shown(&vwh).ends_with("signed in until [TIME] (in 1h)"), "{}", shown(&vwh));
    credentials["expiresAt"] = moment(-1).into();
    store(&vwh, &credentials);
    assert!(shown(&vwh).ends_with("not signed in"), "{}", shown(&vwh));
    let refused = value!({"at": moment(-60), "status": 400, "code": null, "reason": "no"});
    credentials["past"] = past(&service, &Value::Null, &refused);
    store(&vwh, &credentials);
    assert!(shown(&vwh).ends_with("refused at [TIME]"), "{}", shown(&vwh));
    let before = stored(&vwh);
    let json = vwh.args(["profiles", "--json"]).env("VWH_USERNAME", "another").run().exits(0).json();
    assert_eq!(json[0]["expiresAt"], Value::Null, "the sign-in is another user's");
    assert_eq!((stored(&vwh), service.server.connections()), (before, 0));
}

#[test]
fn a_broken_sign_in_is_an_error_of_its_profile_alone() {
    let service = TokenService::generous();
    let vwh = service.home("");
    vwh.write(".local/state/vwh/credentials/work.json", "{");
    let answer = vwh.args(["profiles", "--json"]).run().exits(0).json();
    assert_eq!(answer[0]["error"]["kind"], "configuration");
    assert_eq!(answer[0]["baseUrl"], service.server.base_url());
}

#[test]
fn a_script_can_tell_refused_not_signed_in_and_unattended_apart() {
    let service = TokenService::generous();
    let vwh = service.home("");
    let look = || {
        let json = vwh.args(["profiles", "--json"]).run().exits(0).json();
        ["unattended", "refreshExpiresAt", "refusedAt"].map(|member| json[0][member].clone())
    };
    assert_eq!(look(), [false.into(), Value::Null, Value::Null]);
    let mut credentials = signed_in(&service, &vwh, 3_630);
    assert_eq!(look(), [true.into(), credentials["refreshExpiresAt"].clone(), Value::Null]);
    credentials["refreshToken"] = Value::Null;
    credentials["refreshExpiresAt"] = Value::Null;
    let refused = value!({"at": moment(-60), "status": 400, "code": null, "reason": "no"});
    credentials["past"] = past(&service, &Value::Null, &refused);
    store(&vwh, &credentials);
    assert_eq!(look(), [false.into(), Value::Null, refused["at"].clone()]);
    let itself = service.unattended();
    let json = itself.args(["profiles", "--json"]).run().exits(0).json();
    assert_eq!((&json[0]["unattended"], &json[0]["expiresAt"]), (&true.into(), &Value::Null));
}
