//! VoIPBIN's one slot: what comes back into it, what is said of its method, and what is known after a PUT without an answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::customer::{Customer, ID, answer, customer, envelope};
use crate::support::{Reply, Request, Vwh};

const URL: &str = "https://hooks.example.test/vb";
const OTHER: &str = "https://other.example.test/vb";
const THIRD: &str = "https://third.example.test/vb";

/// A slot from which `URL`, `OTHER` and then `THIRD` were removed.
fn emptied() -> (Customer, Vwh) {
    let service = Customer::honest(URL);
    let vwh = service.vwh();
    for url in [OTHER, THIRD] {
        let _ = vwh.args(["create", "--replace", "--url", url]).run().exits(0);
    }
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    (service, vwh)
}

#[test]
fn of_several_that_were_removed_the_last_alone_comes_back() {
    for since in ["--since=1d", "--url=*"] {
        let (service, vwh) = emptied();
        let before = service.puts();
        let dry = vwh.args(["restore", since, "--dry-run"]).run().exits(1);
        assert!(dry.stdout.starts_with(&format!("would restore  {ID}  {THIRD}\n")), "{dry}");
        let outcome = vwh.args(["restore", since]).run().exits(1);
        let why = format!(
            "there is room for one webhook, and the one to {THIRD} was removed later \
             (hint: change that one's url: vwh update {ID} --url URL)"
        );
        let expected =
            format!("restored  {ID}  {THIRD}\nerror  {ID}  {URL}  {why}\nerror  {ID}  {OTHER}  {why}\n");
        assert_eq!(outcome.stdout, expected);
        let _ = outcome.says("2 of 3 webhooks could not be restored");
        assert_eq!((service.puts() - before, service.url().as_str()), (1, THIRD));
    }
}

#[test]
fn the_one_that_was_removed_last_is_meant_by_the_id() {
    let (service, vwh) = emptied();
    let gone = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    assert_eq!(gone.stdout, format!("gone  {ID}  {THIRD}\n"));
    let _ = vwh.args(["restore", "--url", URL]).run().exits(0);
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    let gone = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    assert_eq!(gone.stdout, format!("gone  {ID}  {URL}\n"));
    let restored = vwh.args(["restore", ID]).run().exits(0);
    assert_eq!(restored.stdout, format!("restored  {ID}  {URL}\n"));
    assert_eq!(service.url(), URL);
}

#[test]
fn a_method_that_is_not_post_is_shown_and_warned_of() {
    for (method, shown, why) in [
        ("GET", "GET", "it delivers by GET"),
        ("", "GET (none is set: the service's default)", "it delivers by GET, because none is set"),
        ("POST", "POST", ""),
    ] {
        let service = Customer::honest(URL);
        service.with(|state| state["webhook_method"] = method.into());
        let vwh = service.vwh();
        let status = vwh.args(["status", ID]).run().exits(0);
        assert!(status.stdout.contains(&format!("\nmethod        {shown}\n")), "{status}");
        let updated = vwh.args(["update", ID, "--url", OTHER]).run().exits(0);
        let warning = format!(
            "warning: {why}; POST is set by: vwh create --replace --url https://other.example.test/vb\n"
        );
        assert_eq!(updated.stderr, if why.is_empty() { String::new() } else { warning });
        let _ = vwh.args(["create", "--replace", "--url", OTHER]).run().exits(0);
        assert_eq!(service.with(|state| state["webhook_method"].clone()), "POST");
    }
}

#[test]
fn what_was_replaced_is_told_with_its_way_back() {
    let service = Customer::honest("https://hooks.example.test/vb?token=hunter2");
    let vwh = service.vwh();
    let created = vwh.args(["create", "--replace", "--url", OTHER, "-v"]).run().exits(0);
    let way_back = format!(
        "\nit took the place of the webhook to https://hooks.example.test/vb?token=***; to have that back: \
         vwh delete {ID}, then vwh restore --url 'https://hooks.example.test/vb?token=***'\n"
    );
    assert!(created.stderr.ends_with(&way_back), "{created}");
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    let _ = vwh.args(["restore", "--url", "https://hooks.example.test/vb?token=***"]).run().exits(0);
    assert_eq!(service.url(), "https://hooks.example.test/vb?token=hunter2");
    let first = Customer::honest("");
    let created = first.vwh().args(["create", "--replace", "--url", OTHER, "-v"]).run().exits(0);
    assert!(!created.stderr.contains("took the place"), "{created}");
}

/// No reply said 404.
#[test]
fn an_unknown_id_is_said_without_a_status() {
    let empty = Customer::honest("");
    let other = Customer::honest(URL);
    for (vwh, id) in [(empty.vwh(), ID), (other.vwh(), "another")] {
        for arguments in [&["update", id, "--url", OTHER][..], &["status", id]] {
            let outcome = vwh.args(arguments.iter().copied()).run().exits(4).without_answer();
            assert!(!outcome.stderr.contains("404"), "{outcome}");
        }
        let error = vwh.args(["update", id, "--url", OTHER, "--json"]).run().exits(4).error();
        assert!(error["status"].is_null(), "{error}");
    }
    let outcome = empty.vwh().args(["update", ID, "--url", OTHER]).run();
    insta::assert_snapshot!(outcome.snapshot(), @r#"
    exit: 4
    --- stdout
    --- stderr
    error: cannot update webhook "91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc": 127.0.0.1:[PORT] has no webhook with this id

    hint: see the ids with: vwh list
    "#);
}

/// Every PUT from number `from` on is lost, or arrives and is not answered.
fn unanswered(url: &str, from: usize, executes: bool) -> Customer {
    let puts = AtomicUsize::new(0);
    Customer::new(customer(url), move |request, state| {
        if request.method != "PUT" || puts.fetch_add(1, Ordering::SeqCst) + 1 < from {
            return None;
        }
        if executes {
            answer(request, state);
        }
        Some(envelope(503, "UNAVAILABLE", "SERVICE_UNAVAILABLE", "Try again."))
    })
}

#[test]
fn after_a_put_without_an_answer_it_is_said_what_is_there() {
    let hint = "vwh list shows what is there by now; then run this again";
    let service = unanswered(URL, 1, false);
    insta::assert_snapshot!(service.vwh().args(["update", ID, "--url", OTHER]).run().snapshot(), @r#"
    exit: 5
    --- stdout
    --- stderr
    error: cannot update webhook "91b7c0de-4a2f-4c3b-8f10-5d6e7f809abc": it was not confirmed, and right after that the webhook to https://hooks.example.test/vb was there: 127.0.0.1:[PORT] answered 503 Service Unavailable: Try again (SERVICE_UNAVAILABLE)

    hint: look before you repeat it: vwh list
    "#);
    let deleted = service.vwh().args(["delete", ID, "--yes"]).run().exits(1);
    let expected = format!("it was not confirmed, and right after that the webhook to {URL} was there");
    assert!(deleted.stdout.contains(&expected) && deleted.stdout.contains(hint), "{deleted}");
    let service = unanswered(URL, 2, false);
    let vwh = service.vwh();
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    let restored = vwh.args(["restore", ID]).run().exits(1);
    let expected = "it was not confirmed, and right after that there was no webhook";
    assert!(restored.stdout.contains(expected) && restored.stdout.contains(hint), "{restored}");
    // What has arrived all the same is done.
    let service = unanswered(URL, 1, true);
    let vwh = service.vwh();
    let _ = vwh.args(["update", ID, "--url", OTHER]).run().exits(0);
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    let _ = vwh.args(["restore", ID]).run().exits(0);
    assert_eq!(service.url(), OTHER);
}

/// A new token takes a while, and meanwhile somebody has changed the profile.
#[test]
fn a_put_that_needs_a_new_token_is_made_of_what_is_there_by_then() {
    let refused = AtomicUsize::new(0);
    let service = Customer::new(customer(URL), move |request: &Request, state| {
        if request.method != "PUT" || refused.fetch_add(1, Ordering::SeqCst) > 0 {
            return None;
        }
        state["name"] = "renamed meanwhile".into();
        Some(envelope(401, "UNAUTHENTICATED", "INVALID_CREDENTIALS", "The token is too old."))
    });
    let vwh = Vwh::new();
    // Another one each time.
    let command = "echo x >> count; echo vb_token$(wc -l < count | tr -d ' ')";
    vwh.configure(&format!(
        "[profiles.one]\nservice = \"voipbin\"\nbase_url = \"{}/v1.0\"\ntoken_command = \"{command}\"\n",
        service.server.base_url(),
    ));
    let _ = vwh.args(["-p", "one", "update", ID, "--url", OTHER]).run().exits(0);
    assert_eq!(service.methods(), ["GET", "PUT", "GET", "PUT", "GET"]);
    assert_eq!(service.with(|state| state["name"].clone()), "renamed meanwhile");
    assert_eq!(service.url(), OTHER);
}

/// Nobody can be reached for a moment.
#[test]
fn a_put_that_is_cut_off_is_not_repeated_by_itself() {
    let service =
        Customer::new(customer(URL), |request, _| (request.method == "PUT").then_some(Reply::Close));
    let outcome = service.vwh().args(["update", ID, "--url", OTHER]).run().exits(5).without_answer();
    let _ = outcome.says("the webhook to https://hooks.example.test/vb was there");
    assert_eq!(service.methods(), ["GET", "PUT", "GET"]);
}
