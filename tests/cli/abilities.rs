//! The README's table of what each service can do, held against the binary: where it says no, nothing is sent.

use std::path::Path;

use crate::support::{Reply, Server, Vwh};

const SERVICES: [&str; 3] = ["vis", "contact-center", "voipbin"];

/// What to type to try a command of the table.
fn arguments(command: &str) -> &'static [&'static str] {
    match command {
        "update" => &["update", "an-id", "--url", "https://new.example.com/"],
        "replace" => &["replace", "an-id", "--new-url", "https://new.example.com/", "--yes"],
        "rotate" => &["rotate", "an-id", "--signing-key-out", "new.key", "--yes"],
        "renew" => &["renew", "--all"],
        "prune-failed" => &["prune-failed"],
        "missed" => &["missed"],
        "event-types" => &["event-types"],
        other => panic!("the table has a command that this test cannot try: {other}"),
    }
}

/// The rows of the table in which a cell says no: the command and, by service, what it says.
fn rows() -> Vec<(String, Vec<String>)> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let table = readme.split("| command | VIS | Contact Center | VoIPBIN |\n").nth(1).unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = rows.map(cells).map(|cells| (cells[1].replace('`', ""), cells[2..5].to_vec()));
    rows.filter(|(_, cells)| cells.iter().any(|cell| cell.starts_with("no"))).collect()
}

#[test]
fn the_help_of_what_not_every_service_has_says_whose_it_is() {
    for (command, cells) in rows() {
        let help = Vwh::new().args([command.as_str(), "--help"]).run().exits(0).stdout;
        let first = help.lines().next().unwrap();
        let names = ["VIS", "Contact Center", "VoIPBIN"];
        for (name, cell) in names.into_iter().zip(cells) {
            assert_eq!(first.contains(name), cell.starts_with("yes"), "{command}: {first}");
        }
    }
}

#[test]
fn the_help_says_what_the_services_without_it_have_instead() {
    for (command, cells) in rows() {
        let help = Vwh::new().args([command.as_str(), "--help"]).run().exits(0).stdout;
        let others = help.split("\nOther services:\n").nth(1).unwrap();
        let names = ["VIS", "Contact Center", "VoIPBIN"];
        for (name, cell) in names.into_iter().zip(cells) {
            let said = others.lines().filter(|line| line.ends_with(':') && line.contains(name)).count();
            assert_eq!(said, usize::from(cell.starts_with("no")), "{command}: {others}");
        }
    }
}

#[test]
fn what_the_table_denies_is_refused_before_anything_is_sent() {
    let server = Server::new(|_| Reply::new(404, "{}"));
    let rows = rows();
    assert_eq!(rows.len(), 7);
    for (command, cells) in rows {
        for (service, cell) in SERVICES.into_iter().zip(cells) {
            let vwh = Vwh::connected_to(&server.base_url()).env("VWH_SERVICE", service);
            let before = server.requests().len();
            let outcome = vwh.args(arguments(&command).iter().copied()).run();
            let sent = server.requests().len() - before;
            if cell.starts_with("no") {
                assert_eq!((outcome.code, sent), (Some(2), 0), "{command} on {service}\n{outcome}");
                assert!(outcome.stderr.contains("\nhint: "), "{command} on {service}\n{outcome}");
            } else {
                assert!(sent > 0, "{command} on {service} sends nothing\n{outcome}");
            }
        }
    }
}
