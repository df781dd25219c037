//! Text whose width is not its length: a table stays a table however many marks stand on one letter.

use serde_json::json as value;

use crate::account::{connected, holding};

/// No honest row of 80 columns has as many characters.
const MANY: usize = 400;

/// Marks that take no column, then letters that take more than there are.
fn marked() -> String {
    "\u{301}".repeat(60_000) + &"x".repeat(300)
}

#[test]
fn sixty_thousand_marks_make_no_row_longer() {
    let webhook = value!({ "id": "marked", "url": marked(), "statistics": {
        "failed": true, "lastFailure": "2024-03-05T10:00:00Z", "lastErrorMessage": marked() } });
    let plain = value!({ "id": "plain", "url": "https://plain.example.test/" });
    let server = holding(value!([webhook, plain]).to_string());
    for format in ["table", "wide"] {
        let run = connected(&server).args(["list", "-o", format]).env("COLUMNS", "80");
        let outcome = run.run().exits(0);
        let lengths: Vec<usize> = outcome.stdout.lines().map(|line| line.chars().count()).collect();
        assert_eq!(lengths.len(), 3, "{lengths:?}");
        assert!(lengths.iter().all(|length| *length <= MANY), "{format}: {lengths:?}");
        assert!(outcome.stdout.contains("marked") && outcome.stdout.contains("plain"), "{format}");
    }
}

#[test]
fn json_has_every_mark() {
    let server = holding(value!([{ "id": "marked", "url": marked() }]).to_string());
    let outcome = connected(&server).args(["list", "--json"]).env("COLUMNS", "80").run().exits(0);
    assert!(outcome.json()[0]["url"] == marked(), "the url is not what was sent");
}
