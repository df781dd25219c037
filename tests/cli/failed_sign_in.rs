//! What a sign-in that failed leaves behind: what worked goes on, and what may lock the account is not sent again by itself.

use serde_json::{Value, json as value};

use crate::support::{Reply, Vwh, fixture, json};
use crate::token_service::{
    CLIENT_SECRET, PASSWORD, TokenService, form, moment, past, signed_in, store, stored,
};

#[test]
fn a_password_that_nobody_answers_is_left_to_a_person_for_a_while() {
    for reply in [Reply::Close, json(400, "{}").cut_in_half(), json(200, "{ }").cut_in_half()] {
        let service = TokenService::new(move |_, _| reply.clone());
        let vwh = service.unattended();
        for _ in 0..3 {
            let _ = vwh.args(["list"]).run().exits(5);
        }
        for _ in 0..3 {
            let outcome = vwh.args(["list"]).run().hiding_times().exits(3).without_answer();
            assert_eq!(
                outcome.stderr,
                "error: cannot list the webhooks: 3 sign-ins of profile work in a row broke off once the password was \
                 sent, so it is not sent again by itself before [TIME]\n\nhint: sign in with: vwh login\n"
            );
        }
        assert_eq!(service.asked().len(), 3);
    }
}

#[test]
fn six_hours_later_or_after_a_login_the_password_has_its_turn_again() {
    let service = TokenService::generous();
    for (since, attempts, code) in [(-60, 3, 3), (-60, 2, 0), (-21_500, 3, 3), (-21_700, 3, 0), (60, 3, 0)] {
        let vwh = service.unattended();
        let mut credentials = signed_in(&service, &vwh, -60);
        credentials["refreshToken"] = Value::Null;
        credentials["past"] =
            past(&service, &value!({"at": moment(since), "attempts": attempts}), &Value::Null);
        store(&vwh, &credentials);
        let before = service.asked().len();
        let _ = vwh.args(["list"]).run().exits(code);
        assert_eq!(service.asked().len() - before, usize::from(code == 0), "{since} {attempts}");
        let _ = vwh.args(["login"]).run().exits(0);
        assert_eq!(stored(&vwh)["past"], value!([]));
    }
}

#[test]
fn a_refusal_outlives_another_user_and_a_logout() {
    let service = TokenService::refusing(400, fixture("token-invalid-grant-password.json"));
    let vwh = service.unattended();
    for _ in 0..3 {
        let _ = vwh.args(["list"]).run().exits(3);
        let _ = vwh.args(["list"]).env("VWH_USERNAME", "another").run().exits(3);
        let _ = vwh.args(["list"]).env("VWH_CLIENT_ID", "another").run().exits(3);
        let _ = vwh.args(["logout"]).run().exits(0);
    }
    let users: Vec<_> = service.forms().into_iter().map(|form| form["username"].clone()).collect();
    assert_eq!(users, ["operator@vbc.prod", "another@vbc.prod"]);
    let kept = stored(&vwh);
    assert_eq!((&kept["accessToken"], kept["past"].as_array().unwrap().len()), (&Value::Null, 2));
    let line = vwh.args(["profiles"]).run().hiding_times().exits(0).stdout;
    assert!(line.contains("refused at [TIME]"), "{line}");
    assert_eq!(vwh.args(["logout", "--json"]).run().exits(0).json()["wasSignedIn"], false);
}

#[test]
fn a_login_clears_its_own_refusal_alone() {
    let service = TokenService::new(|_, grants| {
        grants.count += 1;
        if grants.count <= 2 {
            json(400, fixture("token-invalid-grant-password.json"))
        } else {
            grants.grant()
        }
    });
    let vwh = service.unattended();
    let _ = vwh.args(["list"]).run().exits(3);
    let _ = vwh.args(["list"]).env("VWH_USERNAME", "another").run().exits(3);
    let _ = vwh.args(["login"]).run().exits(0);
    let _ = vwh.args(["list"]).run().exits(0);
    let other = vwh.args(["list"]).env("VWH_USERNAME", "another").run().exits(3);
    let _ = other.says("is not tried again by itself");
    assert_eq!(service.asked().len(), 3);
}

#[test]
fn a_token_endpoint_that_wants_quiet_gets_it() {
    for keys in ["password_file = 'password'", ""] {
        let service = TokenService::new(|_, grants| {
            grants.count += 1;
            if grants.count == 1 { json(429, "{}").header("Retry-After", "600") } else { grants.grant() }
        });
        let vwh = service.home(keys);
        if keys.is_empty() {
            signed_in(&service, &vwh, -60);
        }
        let first = vwh.args(["list"]).run().exits(5);
        for _ in 0..2 {
            assert_eq!(vwh.args(["list"]).run().exits(5).stderr, first.stderr);
        }
        assert!(first.stderr.contains(": throttled by 127.0.0.1:"), "{first}");
        assert_eq!(service.asked().len(), 1);
        // Another client is not welcome either; a person may know better.
        let _ = vwh.args(["list"]).env("VWH_USERNAME", "another").run().without_answer();
        assert_eq!(service.asked().len(), 1);
        let _ = vwh.args(["login", "--password-stdin"]).stdin(PASSWORD).run().exits(0);
        let _ = vwh.args(["list"]).run().exits(0);
        assert_eq!(service.asked().len(), 2);
    }
}

#[test]
fn a_login_that_is_refused_holds_for_the_commands_after_it() {
    let service = TokenService::refusing(400, fixture("token-invalid-grant-password.json"));
    service.accept("access-0");
    let vwh = service.unattended();
    let mut credentials = signed_in(&service, &vwh, 3_600);
    let _ = vwh.args(["login"]).run().exits(3);
    // The sign-in that there was goes on as long as it lasts.
    let _ = vwh.args(["list"]).run().exits(0);
    let kept = stored(&vwh);
    assert_eq!(kept["past"][0]["refused"]["status"], 400);
    credentials["past"] = kept["past"].clone();
    assert_eq!(kept, credentials);
    credentials["refreshToken"] = Value::Null;
    credentials["expiresAt"] = moment(-60).into();
    store(&vwh, &credentials);
    let _ = vwh.args(["list"]).run().exits(3).says("is not tried again by itself");
    assert_eq!(service.asked().len(), 1);
    let nobody = service.unattended();
    let _ = nobody.args(["login"]).run().exits(3);
    let _ = nobody.args(["list"]).run().exits(3).says("is not tried again by itself");
    assert_eq!(service.asked().len(), 2);
}

#[test]
fn a_mistyped_variable_beside_a_profile_costs_nothing() {
    for keys in ["", "password_file = 'password'"] {
        let service = TokenService::new(|request, grants| {
            if form(request).get("password").is_some_and(|sent| sent == "typo") {
                json(400, fixture("token-invalid-grant-password.json"))
            } else {
                grants.grant()
            }
        });
        service.accept("access-0");
        let vwh = service.home(keys);
        let before = signed_in(&service, &vwh, 3_600);
        let _ = vwh.args(["login", "-p", "work"]).env("VWH_PASSWORD", "typo").run().exits(3);
        assert_eq!(stored(&vwh), before);
        let _ = vwh.args(["list", "-p", "work"]).run().exits(0);
        assert_eq!(service.asked(), ["password"]);
    }
    // Without -p the next command would send it too.
    let service = TokenService::refusing(400, fixture("token-invalid-grant-password.json"));
    let vwh = service.home("").env("VWH_PASSWORD", "typo");
    let _ = vwh.args(["login"]).run().exits(3);
    let _ = vwh.args(["list"]).run().exits(3).says("is not tried again by itself");
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn a_mistyped_client_secret_leaves_the_one_that_worked() {
    let service = TokenService::new(|request, grants| {
        if form(request)["client_secret"] == "typo" {
            json(401, fixture("token-invalid-client-secret.json"))
        } else {
            grants.grant()
        }
    });
    let base = service.server.base_url();
    let vwh = Vwh::new().env("VWH_BASE_URL", &base).env("VWH_TOKEN_URL", format!("{base}/token"));
    let login = |secret: &str| {
        let run = vwh.args(["login", "--username", "u", "--password-stdin"]).stdin(PASSWORD);
        run.env("VWH_CLIENT_ID", "k3y").env("VWH_CLIENT_SECRET", secret).run()
    };
    let _ = login(CLIENT_SECRET).exits(0);
    let path = vwh.state().join("credentials/default.json");
    let before = std::fs::read_to_string(&path).unwrap();
    let _ = login("typo").exits(3);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    assert_eq!(vwh.args(["whoami", "--json"]).run().exits(0).json()["unattended"], true);
}
