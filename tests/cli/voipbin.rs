//! VoIPBIN's one webhook, from the empty slot to the restored one: every command, and what each leaves of the profile.

use serde_json::{Value, json as value};

use crate::customer::{Customer, ID, SECRET, customer};
use crate::running::Sandbox;
use crate::support::{Reply, Server, Vwh};

const URL: &str = "https://hooks.example.test/vb";
const OTHER: &str = "https://other.example.test/vb";

#[test]
fn an_empty_slot_is_an_empty_list() {
    let service = Customer::honest("");
    let vwh = service.vwh();
    let outcome = vwh.args(["list", "--json"]).run().exits(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("[]\n", ""));
    assert_eq!(vwh.args(["list"]).run().exits(0).stdout, "");
    assert_eq!(vwh.args(["status"]).run().exits(0).stdout, "0 webhooks\n");
}

#[test]
fn a_slot_in_use_is_listed_with_native_members_and_one_more() {
    let service = Customer::honest(URL);
    let vwh = service.vwh();
    let list = vwh.args(["list", "--json"]).run().exits(0).json();
    let mut expected = customer(URL);
    expected["webhook_secret"] = "***".into();
    expected["vwh"] =
        value!({"profile": "default", "service": "voipbin", "id": ID, "url": URL, "health": "unknown"});
    assert_eq!(list, value!([expected]));
    let shown = vwh.args(["list", "--json", "--show-secrets"]).run().exits(0).json();
    assert_eq!(shown[0]["webhook_secret"], SECRET);
    insta::assert_snapshot!(vwh.args(["list"]).run().to_string(), @r"
    exit: 0
    --- stdout
    HEALTH   ID                                    URL                            DELIVERED  LAST FAILURE  EXPIRES
    unknown  91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc  https://hooks.example.test/vb
    --- stderr
    ");
    insta::assert_snapshot!(vwh.args(["list", "-o", "csv"]).run().to_string(), @r"
    exit: 0
    --- stdout
    profile,service,id,url,health,status,attempts,successes,failures,last_success,last_failure,last_error,expires,renewed,created,metadata_policy,signed,name
    default,voipbin,91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc,https://hooks.example.test/vb,unknown,,,,,,,,,,,,true,
    --- stderr
    ");
    insta::assert_snapshot!(vwh.args(["status"]).run().to_string(), @r"
    exit: 0
    --- stdout
    1 webhook: 1 unknown (deliveries are not reported)
    --- stderr
    ");
    insta::assert_snapshot!(vwh.args(["status", ID]).run().to_string(), @r"
    exit: 0
    --- stdout
    health        unknown
    why           it is registered; VoIPBIN does not report whether it delivers
    id            91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc
    url           https://hooks.example.test/vb
    method        POST
    signed        HMAC_SHA256, with a key that the service made
    --- stderr
    ");
    assert_eq!(vwh.args(["status", ID, "--json"]).run().exits(0).json(), list[0]);
}

#[test]
fn what_is_not_reported_is_neither_idle_nor_failed() {
    let vwh = Customer::honest(URL);
    let vwh = (vwh.vwh(), vwh);
    let outcome = vwh.0.args(["check", "--min", "1"]).run().exits(0);
    assert!(outcome.stdout.starts_with("VWH OK - 1 webhook: 1 unknown"), "{outcome}");
    let _ = vwh.0.args(["list", "--exit-code"]).run().exits(0);
}

#[test]
fn create_fills_the_slot_and_keeps_the_profile() {
    let service = Customer::honest("");
    let before = service.profile();
    let outcome = service.vwh().args(["create", "--url", URL]).run().exits(0);
    assert_eq!((outcome.stdout, outcome.stderr.as_str()), (format!("{ID}\n"), ""));
    assert_eq!((service.url().as_str(), service.profile()), (URL, before));
    assert_eq!(service.with(|state| state["webhook_method"].clone()), "POST");
    assert_eq!(service.methods(), ["GET", "PUT", "GET"]);
    let put = service.server.requests()[1].json();
    let mut names: Vec<&String> = put.as_object().unwrap().keys().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["address", "detail", "email", "name", "phone_number", "webhook_method", "webhook_uri"]
    );
}

#[test]
fn a_key_of_the_environment_is_no_business_of_this_service() {
    let service = Customer::honest("");
    let run = service.vwh().args(["create", "--url", URL, "--json"]).env("VWH_SIGNING_KEY", "k");
    let created = run.run().exits(0).json();
    assert_eq!(
        (&created["vwh"]["outcome"], &created["webhook_secret"]),
        (&value!("created"), &value!("***"))
    );
}

#[test]
fn a_slot_that_is_taken_is_exit_6() {
    let service = Customer::honest("https://hooks.example.test/vb?token=hunter2");
    insta::assert_snapshot!(service.vwh().args(["create", "--url", OTHER]).run().to_string(), @r"
    exit: 6
    --- stdout
    --- stderr
    error: cannot register https://other.example.test/vb: 127.0.0.1:[PORT] has a webhook already: https://hooks.example.test/vb?token=***

    hint: --replace puts the new one in its place; or change it with: vwh update 91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc --url URL
    ");
    assert_eq!(service.puts(), 0);
}

#[test]
fn if_absent_leaves_the_same_url_and_refuses_another() {
    let service = Customer::honest(URL);
    let same = service.vwh().args(["create", "--if-absent", "--url", URL, "--json"]).run().exits(0);
    assert_eq!((&same.json()["vwh"]["outcome"], same.stderr.as_str()), (&value!("unchanged"), ""));
    let _ = service.vwh().args(["create", "--if-absent", "--url", OTHER]).run().exits(6).without_answer();
    assert_eq!(service.puts(), 0);
}

#[test]
fn replace_journals_what_it_takes_the_place_of_and_restore_says_what_is_in_the_way() {
    let service = Customer::honest(URL);
    let before = service.profile();
    let vwh = service.vwh();
    let _ = vwh.args(["create", "--replace", "--url", OTHER]).run().exits(0);
    assert_eq!((service.url().as_str(), service.profile()), (OTHER, before.clone()));
    let listed = vwh.args(["restore", "--list", "--json"]).run().exits(0).json();
    assert_eq!((&listed[0]["url"], &listed[0]["state"]), (&value!(URL), &value!("removed")));
    for arguments in [["restore", ID], ["restore", "--last"]] {
        let outcome = vwh.args(arguments).run().exits(1).says("1 of 1 webhooks could not be restored");
        assert!(outcome.stdout.contains(&format!("the webhook to {OTHER} is in its place")), "{outcome}");
        assert!(outcome.stdout.contains(&format!("vwh update {ID} --url URL")), "{outcome}");
    }
    assert_eq!(service.puts(), 1);
    let _ = vwh.args(["update", ID, "--url", URL]).run().exits(0);
    let _ = vwh.args(["restore", ID]).run().exits(0).without_answer();
    assert_eq!((service.url().as_str(), service.profile()), (URL, before));
}

/// Between the question and the PUT another webhook came: nobody has agreed to its end.
#[test]
fn what_came_meanwhile_is_neither_replaced_nor_removed() {
    for (arguments, looks, code) in
        [(vec!["create", "--replace", "--url", OTHER], 2, 6), (vec!["delete", ID, "--yes"], 2, 0)]
    {
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let service = Customer::new(customer(URL), move |_, state| {
            if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == looks {
                state["webhook_uri"] = "https://third.example.test/".into();
            }
            None
        });
        let outcome = service.vwh().args(arguments.clone()).run();
        assert_eq!(outcome.code, Some(code), "{outcome}");
        assert_eq!((service.puts(), service.url().as_str()), (0, "https://third.example.test/"), "{outcome}");
    }
}

#[test]
fn update_changes_the_url_and_nothing_else() {
    let service = Customer::honest(URL);
    service.with(|state| state["webhook_method"] = "PUT".into());
    let before = service.with(|state| state.clone());
    let outcome = service.vwh().args(["update", ID, "--url", OTHER]).run().exits(0);
    assert_eq!(outcome.stdout, format!("{ID}\n"));
    let mut expected = before;
    expected["webhook_uri"] = OTHER.into();
    assert_eq!(service.with(|state| state.clone()), expected);
    let _ = service.vwh().args(["update", "another", "--url", URL]).run().exits(4);
    let empty = Customer::honest("");
    let _ = empty.vwh().args(["update", ID, "--url", URL]).run().exits(4);
    assert_eq!(empty.puts(), 0);
}

/// Without a method the service sends GET; who has it so may mean it.
#[test]
fn a_webhook_without_a_method_keeps_it_so() {
    let service = Customer::honest(URL);
    service.with(|state| state.as_object_mut().unwrap().remove("webhook_method"));
    let vwh = service.vwh();
    let _ = vwh.args(["update", ID, "--url", OTHER]).run().exits(0);
    assert_eq!(service.with(|state| state.get("webhook_method").cloned()), None);
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    let _ = vwh.args(["restore", ID]).run().exits(0);
    assert_eq!(service.url(), OTHER);
    let method = service.with(|state| state.get("webhook_method").cloned());
    assert!(method.is_none_or(|method| method == ""));
}

/// Every webhook has the customer's id, so the journal tells them apart by their urls too.
#[test]
fn each_webhook_that_was_in_the_slot_can_be_had_back() {
    let service = Customer::honest(URL);
    let vwh = service.vwh();
    let urls = ["https://a.example.test/", "https://b.example.test/"];
    for url in urls {
        let _ = vwh.args(["create", "--replace", "--url", url]).run().exits(0);
    }
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    let states = || {
        let listed = vwh.args(["restore", "--list", "--json"]).run().exits(0).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut states: Vec<(String, String)> =
            listed.as_array().unwrap().iter().map(|row| (text(&row["url"]), text(&row["state"]))).collect();
        states.sort();
        states
    };
    let of = |url: &str, state: &str| (url.to_owned(), state.to_owned());
    let removed: Vec<_> = [urls[0], urls[1], URL].map(|url| of(url, "removed")).into();
    assert_eq!(states(), removed);
    let restored = vwh.args(["restore", "--url", "*a.example*"]).run().exits(0);
    assert_eq!(restored.stdout, format!("restored  {ID}  {}\n", urls[0]));
    assert_eq!(service.url(), urls[0]);
    assert_eq!(states(), [of(urls[0], "listed"), of(urls[1], "removed"), of(URL, "removed")]);
    // The id stands for the newest of them.
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    let _ = vwh.args(["restore", "--last"]).run().exits(0);
    assert_eq!(service.url(), urls[0]);
}

#[test]
fn deleted_and_restored_as_often_as_anybody_likes() {
    let service = Customer::honest(URL);
    let before = service.with(|state| state.clone());
    let vwh = service.vwh();
    for round in 0..4 {
        let removed = vwh.args(["delete", ID, "--yes"]).run().exits(0);
        assert_eq!(removed.stdout, format!("removed  {ID}  {URL}\n"));
        assert_eq!(service.url(), "");
        let gone = vwh.args(["delete", ID, "--yes"]).run().exits(0);
        assert_eq!(gone.stdout, format!("gone  {ID}  {URL}\n"));
        let arguments = if round % 2 == 0 { ["restore", ID] } else { ["restore", "--last"] };
        let restored = vwh.args(arguments).run().exits(0);
        assert_eq!(restored.stdout, format!("restored  {ID}  {URL}\n"));
        assert_eq!(service.with(|state| state.clone()), before, "the same id, url, method and profile");
        let again = vwh.args(arguments).run().exits(0);
        assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""));
    }
    assert_eq!(service.puts(), 8);
}

#[test]
fn removing_is_confirmed_or_not_done() {
    let service = Customer::honest(URL);
    let vwh = service.vwh();
    let _ = vwh.args(["delete", ID]).run().exits(7).without_answer();
    let dry = vwh.args(["delete", ID, "--dry-run"]).run().exits(0);
    assert_eq!(dry.stdout, format!("would remove  {ID}  {URL}\n"));
    let _ = vwh.args(["delete", "another", "--yes"]).run().exits(4);
    assert_eq!(service.puts(), 0);
}

#[cfg(unix)]
#[test]
fn the_question_names_the_customer() {
    use crate::support::Screen;
    let service = Customer::honest(URL);
    let mut terminal = service.vwh().args(["delete", ID]).on_terminal(&Screen::columns(140));
    terminal.wait_for("[y/N] ");
    assert_eq!(service.puts(), 0);
    terminal.type_line("y");
    let outcome = terminal.wait().exits(0);
    assert!(outcome.snapshot().contains(&format!("profile default (account {ID})")), "{outcome}");
    assert_eq!(service.url(), "");
}

#[test]
fn every_command_works_in_the_sandbox() {
    let vwh = Vwh::new().env("VWH_SERVICE", "voipbin").env("VWH_SANDBOX", "1");
    let created = vwh.args(["create", "--url", URL]).run().exits(0);
    let id = created.stdout.trim().to_owned();
    let list = || vwh.args(["list", "--json"]).run().exits(0).json();
    let before = list();
    assert_eq!((&before[0]["vwh"]["id"], &before[0]["name"]), (&value!(id), &value!("Harbour Dental")));
    let _ = vwh.args(["update", &id, "--url", OTHER]).run().exits(0);
    let _ = vwh.args(["update", &id, "--url", URL]).run().exits(0);
    let _ = vwh.args(["delete", &id, "--yes"]).run().exits(0);
    assert_eq!(list(), value!([]));
    let _ = vwh.args(["restore", &id]).run().exits(0);
    let mut after = list();
    after[0]["tm_update"] = before[0]["tm_update"].clone();
    assert_eq!(after, before);
}

#[test]
fn the_sandbox_shows_its_access_key_on_request_only() {
    let vwh = Vwh::new();
    let sandbox = Sandbox::start(&vwh, &[]);
    let plain = vwh.args(["sandbox", "status", "--json"]).run().exits(0);
    assert!(!plain.stdout.contains("vb_"), "{plain}");
    let status = vwh.args(["sandbox", "status", "--json", "--show-secrets"]).run().exits(0).json();
    let key = status["accessKey"].as_str().unwrap();
    let shown = vwh.args(["sandbox", "status", "--show-secrets"]).run().exits(0);
    assert!(shown.stdout.contains(&format!("access key      {key}\n")), "{shown}");
    let by_key = Vwh::new()
        .env("VWH_SERVICE", "voipbin")
        .env("VWH_BASE_URL", format!("http://{}/v1.0", sandbox.address))
        .env("VWH_TOKEN", key);
    let created = by_key.args(["create", "--url", URL, "--json", "-vv"]).run().exits(0);
    assert_eq!(created.json()["vwh"]["url"], URL);
    assert!(!created.snapshot().contains(key), "{created}");
}

#[test]
fn profiles_of_the_file_work_and_one_view_has_them_all() {
    let service = Customer::honest(URL);
    let vwh = Vwh::new();
    vwh.write("key", crate::customer::KEY);
    let base = format!("{}/v1.0", service.server.base_url());
    vwh.configure(&format!(
        "[profiles.one]\nservice = \"voipbin\"\nbase_url = {base:?}\ntoken_file = {:?}\n\n\
         [profiles.two]\nservice = \"voipbin\"\nbase_url = {base:?}\ntoken_command = \"cat key\"\n",
        vwh.home().join("key").display().to_string(),
    ));
    let list = vwh.args(["list", "--all-profiles", "--json"]).run().exits(0).json();
    let names: Vec<&Value> = list.as_array().unwrap().iter().map(|one| &one["vwh"]["profile"]).collect();
    assert_eq!(names, ["one", "two"]);
    let _ = vwh.args(["-p", "one", "doctor"]).run().exits(0);
    insta::assert_snapshot!(vwh.args(["-p", "two", "whoami"]).run().to_string(), @r"
    exit: 0
    --- stdout
    profile        two
    service        voipbin at http://127.0.0.1:[PORT]/v1.0
    account        91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc
    token          token_command
    --- stderr
    ");
    insta::assert_snapshot!(vwh.args(["profiles"]).run().to_string(), @r"
    exit: 0
    --- stdout
    NAME       SERVICE  ADDRESS                                   TOKEN
    default *  vis      https://api.vonage.com/t/vbc.prod/vis/v1  not signed in
    one        voipbin  http://127.0.0.1:[PORT]/v1.0               token_file
    two        voipbin  http://127.0.0.1:[PORT]/v1.0               token_command
    --- stderr
    ");
}

/// `HMAC-SHA-256(text of the secret, body)`, worked out here.
fn digest(secret: &str, body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    format!("sha256={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[test]
fn the_events_of_a_call_reach_the_webhook_signed_with_the_secret_that_list_shows() {
    let home = Vwh::new();
    let _sandbox = Sandbox::start(&home, &["--empty", "--speed", "0", "--allow-private-targets"]);
    let vwh = home.clone().env("VWH_SERVICE", "voipbin").env("VWH_SANDBOX", "1");
    let receiver = Server::new(|_| Reply::new(404, ""));
    let url = receiver.base_url() + "/vb";
    let _ = vwh.args(["create", "--url", &url, "--allow-http"]).run().exits(0);
    let listed = vwh.args(["list", "--json", "--show-secrets"]).run().exits(0).json();
    let secret = listed[0]["webhook_secret"].as_str().unwrap();
    let called = home.args(["sandbox", "call", "--service", "voipbin"]).run().exits(0);
    assert_eq!(called.stderr, "");
    let _ = home.args(["sandbox", "advance", "1m"]).run().exits(0);
    let requests = receiver.requests();
    let kinds: Vec<Value> = requests.iter().map(|request| request.json()["type"].clone()).collect();
    assert_eq!(kinds, ["call_created", "call_ringing", "call_progressing", "call_hangup"]);
    for request in requests {
        assert_eq!(request.line(), "POST /vb");
        assert_eq!(request.header("x-voipbin-signature"), Some(digest(secret, &request.body).as_str()));
    }
    let status = home.args(["sandbox", "status", "--json"]).run().exits(0).json();
    assert_eq!(status["deliveriesSucceeded"], 4, "whatever is below 500 counts");
}

#[test]
fn a_webhook_of_this_machine_is_guarded_and_the_caller_told() {
    let home = Vwh::new();
    let vwh = home.clone().env("VWH_SERVICE", "voipbin").env("VWH_SANDBOX", "1");
    let receiver = Server::new(|_| Reply::new(200, ""));
    let _ = vwh.args(["create", "--url", &receiver.base_url(), "--allow-http"]).run().exits(0);
    let called = home.args(["sandbox", "call", "--service", "voipbin"]).run().exits(0);
    let _ = called.says("warning: VoIPBIN posts to public addresses alone").says("--allow-private-targets");
    assert_eq!(receiver.lines(), Vec::<String>::new());
}
