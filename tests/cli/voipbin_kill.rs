//! The promise: after any command, killed at any point, the customer's name, detail, email, phone and address are what they
//! were.

use std::sync::{Arc, Mutex, mpsc};

use proptest::prelude::{ProptestConfig, any, proptest};
use serde_json::{Value, json as value};

use crate::customer::{Customer, ID, PROFILE, answer, customer, profile};
use crate::support::{GUARD, Reply, Vwh};

const URL: &str = "https://hooks.example.test/vb";
const OTHER: &str = "https://other.example.test/vb";

/// How a command is killed at one of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// It has arrived, and is never executed.
    Sent,
    /// It was executed, and the answer never comes.
    Executed,
    /// The answer is on its way.
    Answered,
}

/// A customer at which a command dies, and what is done to it beforehand.
struct Killing {
    service: Customer,
    agreed: Arc<Mutex<Option<(usize, Death)>>>,
    come: mpsc::Receiver<()>,
}

impl Killing {
    fn new(url: &str) -> Self {
        let agreed = Arc::new(Mutex::new(None::<(usize, Death)>));
        let (sender, come) = mpsc::channel();
        let shared = Arc::clone(&agreed);
        let expected = profile(&customer(""));
        let service = Customer::new(customer(url), move |request, state| {
            let mut agreed = shared.lock().unwrap();
            let Some((left, death)) = agreed.as_mut() else {
                let reply = answer(request, state);
                assert_eq!(profile(state), expected, "{}", request.line());
                return Some(reply);
            };
            if *left == 0 {
                return Some(Reply::Stall);
            }
            *left -= 1;
            let (is_last, death) = (*left == 0, *death);
            let reply = if is_last && death == Death::Sent { Reply::Stall } else { answer(request, state) };
            assert_eq!(profile(state), expected, "{}", request.line());
            if !is_last {
                return Some(reply);
            }
            sender.send(()).unwrap();
            Some(if death == Death::Answered { reply } else { Reply::Stall })
        });
        Self { service, agreed, come }
    }

    /// Kills `arguments` at the request with this number, from 1.
    fn kill(&self, vwh: &Vwh, arguments: &[&str], number: usize, death: Death) {
        *self.agreed.lock().unwrap() = Some((number, death));
        let process = vwh.args(arguments.iter().copied()).spawn();
        self.come.recv_timeout(GUARD).unwrap();
        process.kill();
        let _ = process.wait();
        self.service.server.wait_for_hang_up();
        *self.agreed.lock().unwrap() = None;
    }
}

/// Kills a command at each of its requests, in each way; `check` then looks at what is left, and finishes it.
fn everywhere(
    url: &str,
    prepare: &[&[&str]],
    arguments: &[&str],
    requests: usize,
    check: impl Fn(&Customer, &Vwh, &str),
) {
    for number in 1..=requests {
        for death in [Death::Sent, Death::Executed, Death::Answered] {
            // Of what only reads, it makes no difference whether it was executed; the PUT is the last but one.
            if death == Death::Executed && number != requests - 1 {
                continue;
            }
            let killing = Killing::new(url);
            let vwh = killing.service.vwh();
            for command in prepare {
                let _ = vwh.args(command.iter().copied()).run().exits(0);
            }
            killing.kill(&vwh, arguments, number, death);
            let moment = format!("{arguments:?} at {number}, {death:?}");
            let expected = profile(&customer(""));
            assert_eq!(killing.service.profile(), expected, "{moment}");
            check(&killing.service, &vwh, &moment);
            assert_eq!(killing.service.profile(), expected, "{moment}, finished");
        }
    }
}

#[test]
fn a_killed_create_is_finished_by_the_same_command() {
    everywhere("", &[], &["create", "--url", URL], 3, |service, vwh, moment| {
        let _ = vwh.args(["create", "--if-absent", "--url", URL]).run().exits(0);
        assert_eq!(service.url(), URL, "{moment}");
    });
}

#[test]
fn a_killed_update_is_finished_by_the_same_command() {
    everywhere(URL, &[], &["update", ID, "--url", OTHER], 3, |service, vwh, moment| {
        assert!([URL, OTHER].contains(&service.url().as_str()), "{moment}");
        let _ = vwh.args(["update", ID, "--url", OTHER]).run().exits(0);
        assert_eq!(service.url(), OTHER, "{moment}");
    });
}

#[test]
fn what_a_killed_delete_removed_comes_back() {
    everywhere(URL, &[], &["delete", ID, "--yes"], 5, |service, vwh, moment| {
        if service.url() == URL {
            let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
        }
        assert_eq!(service.url(), "", "{moment}");
        let _ = vwh.args(["restore", ID]).run().exits(0);
        assert_eq!(service.url(), URL, "{moment}");
    });
}

#[test]
fn a_killed_restore_is_completed_and_can_be_deleted_again() {
    everywhere(URL, &[&["delete", ID, "--yes"]], &["restore", ID], 5, |service, vwh, moment| {
        let _ = vwh.args(["restore", ID]).run().exits(0);
        assert_eq!(service.url(), URL, "{moment}");
        let again = vwh.args(["restore", ID]).run().exits(0);
        assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""), "{moment}");
        let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
        let _ = vwh.args(["restore", "--last"]).run().exits(0);
        assert_eq!(service.url(), URL, "{moment}");
    });
}

#[test]
fn what_a_killed_replace_took_the_place_of_is_in_the_journal() {
    let replace = ["create", "--replace", "--url", OTHER];
    everywhere(URL, &[], &replace, 5, |service, vwh, moment| {
        if service.url() == OTHER {
            let listed = vwh.args(["restore", "--list", "--json"]).run().exits(0).json();
            assert_eq!(
                (&listed[0]["url"], &listed[0]["state"]),
                (&value!(URL), &value!("removed")),
                "{moment}"
            );
            let outcome = vwh.args(["restore", ID]).run().exits(1);
            assert!(outcome.stdout.contains(&format!("the webhook to {OTHER} is in its place")), "{outcome}");
        } else {
            assert_eq!(service.url(), URL, "{moment}");
            let _ = vwh.args(replace).run().exits(0);
            assert_eq!(service.url(), OTHER, "{moment}");
        }
    });
}

/// Everything once, with a profile of these five texts; what is empty is left out, as the service does.
fn goes_round_with(texts: [&str; 5]) {
    let mut state = customer("");
    for (name, text) in PROFILE.iter().zip(texts) {
        state[*name] = text.into();
        if text.is_empty() {
            state.as_object_mut().unwrap().remove(*name);
        }
    }
    let before = state.clone();
    let service = Customer::new(state, |_, _| None);
    let vwh = service.vwh();
    let commands: [&[&str]; 5] = [
        &["create", "--url", URL],
        &["update", ID, "--url", OTHER],
        &["create", "--replace", "--url", URL],
        &["delete", ID, "--yes"],
        &["restore", ID],
    ];
    for command in commands {
        let _ = vwh.args(command.iter().copied()).run().exits(0);
        assert_eq!(service.profile(), profile(&before), "{command:?}");
    }
    let _ = vwh.args(["delete", ID, "--yes"]).run().exits(0);
    assert_eq!(service.with(|state| state.clone()), before);
}

#[test]
fn a_profile_of_odd_characters_stays_what_it_is() {
    let long = "x".repeat(60_000);
    for texts in [
        ["", "", "", "", ""],
        ["\"quoted\\\" 'n'", "{\"json\":[1]}", "a@b\r\n.example", "+1 (2)\t3", "\\u0041 \\ \\\\"],
        ["\u{0}\u{1}\u{1b}[31m", "\u{7f}\u{85}\u{9f}", "\u{2028}\u{2029}", "\u{202e}abc", "\u{feff}\u{fffe}"],
        ["Zahnärzte “Hafen” 𝕏 🦷", "日本語", "مثال", "e\u{301}", "\u{10ffff}"],
        [" blanks ", "\n", "null", "***", "<&>%20?accesskey=x"],
        [&long, "", "0", "1e999", "-"],
    ] {
        goes_round_with(texts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_profile_stays_what_it_is(texts in any::<[String; 5]>()) {
        goes_round_with([&texts[0], &texts[1], &texts[2], &texts[3], &texts[4]]);
    }
}

/// The same against the real sandbox, whose PUT wipes what is left out.
#[test]
fn the_sandboxs_profile_outlives_every_killed_command() {
    use crate::running::Sandbox;
    let home = Vwh::new();
    let sandbox = Sandbox::start(&home, &[]);
    let vwh = home.clone().env("VWH_SERVICE", "voipbin").env("VWH_SANDBOX", "1");
    let look = || vwh.args(["list", "--json"]).run().exits(0).json();
    let _ = vwh.args(["create", "--url", URL]).run().exits(0);
    let before = look()[0].clone();
    let id = before["id"].as_str().unwrap().to_owned();
    // How many requests each has, and whether it begins with an empty slot.
    let commands: [(&[&str], usize, bool); 4] = [
        (&["update", &id, "--url", OTHER], 3, false),
        (&["create", "--replace", "--url", OTHER], 5, false),
        (&["delete", &id, "--yes"], 5, false),
        (&["restore", &id], 5, true),
    ];
    for (command, all, begins_empty) in commands {
        for requests in 1..all {
            let _ = vwh.args(["create", "--replace", "--url", URL]).run().exits(0);
            if begins_empty {
                let _ = vwh.args(["delete", &id, "--yes"]).run().exits(0);
            }
            let mut process = vwh.args(command.iter().copied().chain(["-v"])).spawn();
            for _ in 0..requests {
                process.wait_for_error_line(|line| line.contains("/v1.0/customer"));
            }
            process.kill();
            let _ = process.wait();
        }
        let _ = vwh.args(["create", "--replace", "--url", URL]).run().exits(0);
        let after: Value = look()[0].clone();
        assert_eq!(profile(&after), profile(&before), "{command:?}");
    }
    drop(sandbox);
}
