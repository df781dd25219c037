//! `vwh create` and `vwh update` with events that Contact Center does not list (cc §4).

use crate::center::Center;

#[test]
fn an_event_that_the_service_does_not_list_is_worth_a_warning_and_no_more() {
    let center = Center::empty();
    let warned = |arguments: &[&str]| center.run(arguments).exits(0).stderr;
    let key = center.key();
    let create = |name: &'static str, events: &[&'static str]| {
        let key = key.to_str().unwrap();
        let usual = ["create", "--name", name, "--url", "https://a.example.com/", "--signing-key-file", key];
        warned(&[&usual[..], events].concat())
    };
    let before = center.requests().0;
    assert_eq!(create("Wildcards", &["--event", "channnel.*", "--event", "*"]), "");
    assert_eq!(center.requests().0, before + 1, "a wildcard is not looked up");
    assert_eq!(create("Listed", &["--event", "channel.held.v1"]), "");
    let events = ["--event", "channel.held.v1", "--event", "chanel.held.v1", "--event", "channel.*"];
    let warning =
        "warning: the service lists no event \"chanel.held.v1\": see what there is with: vwh event-types\n";
    assert_eq!(create("Misspelt", &events), warning);
    let id = center.list()[0]["vwh"]["id"].as_str().unwrap().to_owned();
    assert_eq!(warned(&["update", &id, "--event", "chanel.held.v1"]), warning);
    assert_eq!(warned(&["update", &id, "--name", "Another"]), "");
}

#[test]
fn without_the_list_of_events_nothing_is_said_of_them() {
    let center = Center::start(&["--empty", "--speed", "0", "--fault", "2-9:503"]);
    let key = center.key();
    let usual = ["create", "--name", "Any", "--url", "https://a.example.com/", "--event", "chanel.held.v1"];
    let created = center.run(&[&usual[..], &["--signing-key-file", key.to_str().unwrap()]].concat()).exits(0);
    assert_eq!((created.stdout.trim_end().len(), created.stderr.as_str()), (27, ""));
}
