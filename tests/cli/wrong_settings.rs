//! What is wrong with settings is said with the variable, key or file that it stands in, and what helps.

use insta::assert_snapshot;

use crate::support::{Reply, Server, TOKEN, Vwh, json};

fn stderr(vwh: &Vwh, arguments: &[&str]) -> String {
    let outcome = vwh.args(arguments.iter().copied()).run();
    assert!(outcome.code != Some(0) && outcome.stdout.is_empty(), "{outcome}");
    outcome.snapshot().split_once("--- stderr\n").unwrap().1.to_owned()
}

fn configured(text: &str) -> Vwh {
    let vwh = Vwh::new();
    vwh.configure(text);
    vwh
}

#[test]
fn a_region_is_helped_with_where_it_can_be_given() {
    let vwh =
        configured("[profiles.a]\nservice = 'voipbin'\nregion = 'emea'\n[profiles.b]\nregion = 'emea'\n");
    assert_snapshot!(stderr(&vwh, &["list", "-p", "a"]), @r#"
    error: VoIPBIN has no regions

    hint: remove `region` from profile "a"
    "#);
    assert!(stderr(&vwh, &["list", "-p", "b"]).ends_with("hint: remove `region` from profile \"b\"\n"));
    let client = Vwh::new().env("VWH_SERVICE", "contact-center").env("VWH_CLIENT_ID", "id");
    let client = client.env("VWH_CLIENT_SECRET", "secret");
    assert_snapshot!(stderr(&client, &["list"]), @"
    error: Contact Center needs a region: emea, nam, apac

    hint: a region is a key of profiles; without one, set for emea: VWH_BASE_URL=https://emea.api.newvoicemedia.com/webhooks VWH_TOKEN_URL=https://emea.cc.vonage.com/Auth/connect/token
    ");
    let based = client.clone().env("VWH_BASE_URL", "https://api.example.test/");
    assert!(!stderr(&based, &["list"]).contains("VWH_BASE_URL="));
    let token = Vwh::new().env("VWH_SERVICE", "contact-center").env("VWH_TOKEN", TOKEN);
    assert!(!stderr(&token, &["list"]).contains("VWH_TOKEN_URL"));
}

/// A Contact Center that signs everybody in, and has nothing.
fn granting() -> Server {
    Server::new(|request| {
        if request.path.ends_with("/token") {
            return json(200, r#"{"access_token":"granted","token_type":"Bearer","expires_in":7200}"#);
        }
        json(200, r#"{"subscriptions":[]}"#)
    })
}

/// What the hint says is enough.
#[test]
fn contact_center_is_reached_without_a_profile() {
    let server = granting();
    let base = server.base_url();
    let vwh = Vwh::new().env("VWH_SERVICE", "contact-center").env("VWH_CLIENT_ID", "id");
    let vwh = vwh.env("VWH_CLIENT_SECRET", "secret").env("VWH_BASE_URL", format!("{base}/webhooks"));
    let _ = vwh.env("VWH_TOKEN_URL", format!("{base}/token")).args(["list"]).run().exits(0);
}

#[test]
fn without_a_default_profile_those_configured_are_named() {
    let vwh = configured("[profiles.a]\n[profiles.b]\nservice = 'voipbin'\n");
    assert_snapshot!(stderr(&vwh, &["list"]), @"
    error: cannot list the webhooks: there is no token to sign in with

    hint: no default_profile is set, so name one: vwh -p a list (configured: a, b); or bring a token in VWH_TOKEN
    ");
    let login = stderr(&vwh, &["login"]);
    assert!(login.ends_with("name one: vwh -p a login (configured: a, b)\n"), "{login}");
    let by_variable = vwh.clone().env("VWH_SERVICE", "voipbin");
    assert!(stderr(&by_variable, &["whoami"]).contains("vwh -p a list (configured: a, b)"));
    let chosen = configured("default_profile = 'a'\n[profiles.a]\n");
    assert!(stderr(&chosen, &["list"]).contains("hint: sign in with: vwh login, or bring"));
}

#[test]
fn a_profile_that_is_not_there_is_looked_for_in_a_file() {
    let vwh = configured("default_profile = 'gone'\n[profiles.a]\n");
    assert_snapshot!(stderr(&vwh, &["list"]), @r#"
    error: default_profile: there is no profile "gone" in [HOME]/.config/vwh/config.toml

    hint: configured: a
    "#);
    assert_snapshot!(stderr(&vwh.clone().env("VWH_PROFILE", "b"), &["list"]), @r#"
    error: VWH_PROFILE: there is no profile "b" in [HOME]/.config/vwh/config.toml

    hint: configured: a
    "#);
    assert_snapshot!(stderr(&configured(""), &["list", "-p", "a"]), @r#"
    error: there is no profile "a" in [HOME]/.config/vwh/config.toml

    hint: no profile is configured there: see `Configuration` in the README
    "#);
}

#[test]
fn variables_that_are_wrong_are_named() {
    let given = |name: &str, value: &str| Vwh::new().env("VWH_TOKEN", TOKEN).env(name, value);
    assert_snapshot!(stderr(&given("VWH_BASE_URL", "api.example.test"), &["list"]), @r#"
    error: the base URL "api.example.test" in VWH_BASE_URL is not a URL: relative URL without a base
    "#);
    assert_snapshot!(stderr(&given("VWH_SERVICE", "smtp"), &["list"]), @r#"
    error: service "smtp" in VWH_SERVICE is not known

    hint: known: vis, contact-center, voipbin
    "#);
    let signing_in = Vwh::new().env("VWH_TOKEN_URL", "ftp://x.example.test");
    assert_snapshot!(stderr(&signing_in, &["login"]), @r#"
    error: the token URL "ftp://x.example.test" in VWH_TOKEN_URL is neither https nor http
    "#);
    let path = Vwh::new().home().join("nowhere.toml").display().to_string();
    let nowhere = stderr(&given("VWH_CONFIG", &path), &["list"]);
    assert!(nowhere.starts_with("error: cannot read the configuration: "), "{nowhere}");
    assert!(
        nowhere.ends_with("\nhint: VWH_CONFIG names this file: correct it, or unset VWH_CONFIG\n"),
        "{nowhere}"
    );
    let vwh = configured("default_profile = 'a'\n[profiles.a]\nbase_url = 'x'\ntoken_file = 'x'\n");
    assert!(stderr(&vwh, &["list"]).starts_with("error: the base URL \"x\" of profile a is not a URL"));
    assert!(stderr(&vwh, &["list", "-p", "a"]).starts_with("error: the base URL \"x\" is not a URL"));
}

#[test]
fn files_that_cannot_be_read_are_hinted_at() {
    let server = Server::new(|_| Reply::new(404, "{}"));
    let vwh = configured(&format!(
        "default_profile = 'a'\n[profiles.a]\nbase_url = '{}'\ntoken_file = '/nowhere/token'\n",
        server.base_url()
    ));
    let token = stderr(&vwh, &["list"]);
    assert!(
        token.ends_with("\nhint: token_file names it: it has to be a text file that you may read\n"),
        "{token}"
    );
    let key = stderr(&vwh, &["verify", "--signing-key-file", "/nowhere/key", "/nowhere/record"]);
    assert!(
        key.ends_with("\nhint: --signing-key-file names it: it has to be a text file that you may read\n"),
        "{key}"
    );
    let vwh = vwh.env("VWH_SIGNING_KEY", "key");
    let record = stderr(&vwh, &["verify", "/nowhere/record"]);
    assert!(record.ends_with("\nhint: name a file that is there and that you may read\n"), "{record}");
    assert_eq!(server.connections(), 0);
}

/// A secret is for the service that its profile is for.
#[test]
fn the_secrets_of_a_profile_go_to_no_other_service() {
    let server = granting();
    let base = server.base_url();
    let vwh = Vwh::new();
    let secret = vwh.write("secret", "hunter2\n");
    vwh.configure(&format!(
        "default_profile = 'work'\n[profiles.work]\nbase_url = '{base}'\ntoken_url = '{base}/token'\n\
         client_id = 'id'\nclient_secret_file = '{0}'\npassword_file = '{0}'\nusername = 'u'\n",
        secret.display()
    ));
    let other = vwh.clone().env("VWH_SERVICE", "contact-center");
    assert_snapshot!(stderr(&other, &["list"]), @"
    error: VWH_SERVICE says contact-center, and the default profile work is for vis

    hint: what it has for vis is sent to no other service: unset VWH_SERVICE, name a profile with -p, or set VWH_BASE_URL too, with VWH_TOKEN or VWH_TOKEN_URL
    ");
    let half = other.clone().env("VWH_BASE_URL", format!("{base}/webhooks"));
    let _ = half.args(["list"]).run().exits(2).says("is for vis");
    let _ = other.clone().env("VWH_TOKEN", TOKEN).args(["list"]).run().exits(2).says("is for vis");
    assert_eq!(server.connections(), 0);
    // All of it from the environment, or the profile's own service.
    let _ = half.clone().env("VWH_TOKEN", TOKEN).args(["list"]).run().exits(0);
    let _ = half.env("VWH_TOKEN_URL", format!("{base}/token")).args(["list"]).run().exits(0);
    let same = vwh.env("VWH_SERVICE", "vis").args(["list"]).run();
    assert!(!same.stderr.contains("VWH_SERVICE"), "{same}");
}
