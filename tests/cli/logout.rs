//! `vwh logout`: what it forgets, and what it says of the rest.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{TOKEN, Vwh};
use crate::token_service::{TokenService, signed_in, stored};

#[test]
fn logout_forgets_everything() {
    let service = TokenService::generous();
    let vwh = service.home("");
    signed_in(&service, &vwh, 3_600);
    assert_snapshot!(vwh.args(["logout"]).run().hiding_times().snapshot(), @"
    exit: 0
    --- stdout
    profile work is no longer signed in as operator@vbc.prod; the token cannot be revoked and stays good until [TIME] (in 59m)
    --- stderr
    ");
    assert_eq!(stored(&vwh), Value::Null);
    assert_snapshot!(vwh.args(["logout", "-v"]).run().snapshot(), @"
    exit: 0
    --- stdout
    --- stderr
    profile work is not signed in
    ");
    assert_eq!(vwh.args(["logout"]).run().exits(0).stderr, "");
    assert_snapshot!(vwh.args(["logout", "--json"]).run().snapshot(), @r#"
    exit: 0
    --- stdout
    {"profile":"work","wasSignedIn":false,"tokenUntil":null}
    --- stderr
    "#);
    let _ = vwh.args(["list"]).run().exits(3).says("profile work is not signed in");
    assert_eq!(service.server.connections(), 0);
}

#[test]
fn logout_says_who_signs_in_again() {
    let service = TokenService::generous();
    let vwh = service.unattended();
    signed_in(&service, &vwh, -3_600);
    assert_snapshot!(vwh.args(["logout"]).run().snapshot(), @"
    exit: 0
    --- stdout
    profile work is no longer signed in as operator@vbc.prod
    --- stderr
    warning: profile work has a password, so the next command signs in again
    ");
    vwh.write(".local/state/vwh/credentials/work.json", "{broken");
    let _ = vwh.args(["logout", "--json"]).run().exits(0);
    assert_eq!(stored(&vwh), Value::Null);
}

#[test]
fn where_nobody_signs_in_there_is_nothing_to_forget() {
    let vwh = Vwh::new();
    vwh.configure("[profiles.a]\nservice = 'voipbin'\n[profiles.b]\ntoken_file = 'x'\n");
    let texts = [
        vwh.args(["logout", "--sandbox"]).run(),
        vwh.args(["logout"]).env("VWH_TOKEN", TOKEN).run(),
        vwh.args(["logout", "-p", "a"]).run(),
        vwh.args(["logout", "-p", "b"]).run(),
    ];
    let texts = texts.map(|outcome| outcome.exits(2).without_answer().stderr);
    assert_snapshot!(texts.join("\n"), @"
    error: there is no sign-in to forget: nobody signs in to the sandbox

    hint: vwh sandbox reset makes it as it was

    error: there is no sign-in to forget: VWH_TOKEN brings the token of profile default

    hint: take VWH_TOKEN away to be without its token

    error: there is no sign-in to forget: profile a has no token

    hint: there is nothing to do: its token would be brought

    error: there is no sign-in to forget: token_file brings the token of profile b

    hint: take token_file away to be without its token
    ");
}
