//! What `vwh missed` wants to be sure of before it posts to anybody: key, time, webhook and address, and a yes for a foreign
//! host.

use serde_json::json as value;

use crate::call_log::{Receiver, answered, logging, looks, missed, signed, unsigned};
use crate::service::{Service, failed};

#[test]
fn a_key_that_is_not_known_has_to_be_given() {
    let receiver = Receiver::new();
    for key in ["", "***"] {
        let mut webhook = signed("w-1", &receiver, "BODY");
        webhook["signingKey"] = key.into();
        let service = logging(vec![webhook], answered(1, 5));
        insta::allow_duplicates! {
            insta::assert_snapshot!(missed(&service.vwh(), &["w-1", "--repost"]).snapshot(), @r"
            exit: 2
            --- stdout
            --- stderr
            error: webhook w-1 is signed, and its key is not known

            hint: give it: vwh missed w-1 --signing-key-file FILE
            ");
        }
    }
    let service = logging(vec![signed("w-1", &receiver, "BODY")], answered(1, 5));
    let _ = missed(&service.vwh(), &["--repost", "--signing-key-file", "none"]).exits(2).without_answer();
    assert_eq!((receiver.posts().len(), looks(&service)), (0, 0));
}

#[test]
fn without_any_success_it_has_to_be_said_since_when() {
    let receiver = Receiver::new();
    let mut webhook = unsigned("w-1", &receiver);
    webhook["statistics"].as_object_mut().unwrap().remove("lastSuccess");
    let service = logging(vec![unsigned("w-0", &receiver), webhook], answered(7, 5));
    let vwh = service.vwh();
    insta::assert_snapshot!(missed(&vwh, &["w-1", "--repost"]).snapshot(), @r"
    exit: 2
    --- stdout
    --- stderr
    error: webhook w-1 never had a success, so it is not known since when it has missed events

    hint: say since when, such as: vwh missed w-1 --since 2026-01-01T00:00:00Z --repost
    ");
    let url = receiver.url();
    for (arguments, posting) in [
        (&["--repost"][..], "--repost".to_owned()),
        (&["--post-to", &url, "--dry-run"], format!("--post-to {url} --dry-run")),
    ] {
        let outcome = missed(&vwh, arguments).exits(2).without_answer();
        let outcome = outcome.says("error: webhook w-1 never had a success, so it is not known since when");
        let since = format!("vwh missed w-1 --since 2026-01-01T00:00:00Z {posting}");
        let others = format!("vwh missed w-0 {posting}");
        let _ = outcome
            .says(&format!("hint: say since when, such as: {since}; post the others with: {others}\n"));
    }
    assert_eq!((receiver.posts().len(), looks(&service)), (0, 0));
    let _ = missed(&vwh, &["w-1", "--repost", "--since", "2026-01-02T00:05:04Z"]).exits(0);
    assert_eq!(receiver.events(), ["7:ACTIVE", "7:ANSWERED"]);
}

#[test]
fn a_prefix_is_not_posted_for() {
    let receiver = Receiver::new();
    let service = logging(vec![unsigned("w-0001", &receiver)], answered(7, 5));
    let outcome = missed(&service.vwh(), &["w-00", "--repost"]).exits(4).without_answer();
    let _ = outcome.says("hint: give the whole id: w-0001");
    assert_eq!((receiver.posts().len(), looks(&service)), (0, 0));
}

#[test]
fn a_url_that_cannot_be_posted_to_is_said_first() {
    let receiver = Receiver::new();
    let mut odd = unsigned("odd", &receiver);
    odd["url"] = "mailto:a@b.example".into();
    let service = logging(vec![unsigned("w-1", &receiver), odd], answered(7, 5));
    let outcome = missed(&service.vwh(), &["--repost"]).exits(2).without_answer();
    let _ = outcome.says("the url of webhook odd is none that can be posted to");
    let outcome = missed(&service.vwh(), &["--post-to", "http://hooks.example.test/x?token=s3cr3t"]).exits(2);
    let outcome = outcome
        .says("calls and their numbers would travel to http://hooks.example.test/x?token=*** unencrypted");
    assert!(!outcome.stderr.contains("s3cr3t"));
    assert_eq!(receiver.posts().len(), 0);
}

#[test]
fn a_dry_run_posts_nothing() {
    let receiver = Receiver::new();
    let service = logging(vec![signed("w-1", &receiver, "HEADER")], answered(7, 5));
    let vwh = service.vwh();
    let outcome = missed(&vwh, &["--repost", "--dry-run"]).exits(0);
    assert!(outcome.stdout.starts_with("would post  7:INITIALIZING  w-1  http://"), "{outcome}");
    let outcome = missed(&vwh, &["--repost", "--dry-run", "--json"]).exits(0).json();
    assert_eq!((&outcome["dryRun"], &outcome["summary"]["posted"]), (&value!(true), &value!(4)));
    assert_eq!(receiver.posts().len(), 0);
    assert!(!vwh.state().join("gaps.jsonl").exists());
}

#[test]
fn a_foreign_host_needs_a_yes() {
    let service = logging(vec![failed("a"), failed("b")], answered(7, 5));
    for arguments in
        [&["--repost"][..], &["--repost", "--json"], &["--post-to", "https://hooks.example.test/x"]]
    {
        let outcome = missed(&service.vwh(), arguments).exits(7).without_answer();
        let _ = outcome.says("it is not confirmed that vwh may post 8 events to hooks.example.test");
    }
    let nothing = Service::honest(vec![]);
    let _ = missed(&nothing.vwh(), &["--repost"]).exits(0).without_answer();
}

/// As `trigger` does.
#[cfg(unix)]
#[test]
fn a_redirect_off_this_machine_needs_a_yes_too() {
    use crate::support::Reply;

    let target = Receiver::new();
    let location = target.url().replace("127.0.0.1", "0.0.0.0");
    let receiver = Receiver::answering(move |_| Reply::new(307, "").header("Location", &location));
    let service = logging(vec![signed("w-1", &receiver, "HEADER")], answered(7, 5));
    let refused = missed(&service.vwh(), &["w-1", "--repost"]).exits(1);
    let told = "it redirects to 0.0.0.0, which is not this machine (hint: --yes follows it)\n";
    assert!(refused.stdout.lines().next().unwrap().ends_with(told.trim_end()), "{refused}");
    assert!(target.posts().is_empty());
    let _ = missed(&service.vwh(), &["w-1", "--repost", "--yes"]).exits(0);
    assert_eq!(target.events().len(), 4);
}

#[test]
#[cfg(unix)]
fn a_person_is_asked_about_a_foreign_host() {
    use crate::support::Screen;

    let service = logging(vec![failed("a")], answered(7, 5));
    let vwh = service.vwh().env("NO_COLOR", "1");
    let mut terminal = vwh.args(["missed", "--repost"]).on_terminal(&Screen::columns(80));
    terminal.wait_for("[y/N] ");
    terminal.type_line("n");
    insta::assert_snapshot!(terminal.wait().snapshot(), @r"
    exit: 7
    --- screen
      a  https://hooks.example.test/a  4 events
    Post 4 events to hooks.example.test? [y/N] n
    error: declined, nothing was posted
    --- stdout
    --- stderr
    ");
}
