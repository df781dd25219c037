//! Text that tries to act: escape sequences, line ends, C1, bidirectional overrides, huge and broken values. None of it
//! disturbs a terminal or a table, and JSON still says what the service said.

use std::fmt::Write as _;

use serde_json::{Value, json as value};

use crate::account::{connected, holding};
use crate::support::{Outcome, Reply, Server, TOKEN, Vwh, json};

/// Clears the screen, sets the title, hides what follows, and turns the line around.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[8mx\r\n\u{9b}31m\u{85}\u{7f}\u{8}\u{202e}gpj\u{2066}\u{200f}\u{feff}\u{2028}\u{e0041}\u{0}end";

/// Without what cannot stand in an argument.
fn evil_argument() -> String {
    EVIL.replace('\0', "")
}

/// Whether a character may act on a terminal or on the order of the text around it. Said here once more on purpose: vwh's
/// own idea of it is what is tested.
fn acts(character: char) -> bool {
    let code = u32::from(character);
    let is_control = code < 0x20 || (0x7f..0xa0).contains(&code);
    let is_bidirectional = matches!(code, 0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069);
    let is_invisible = matches!(code, 0x2028 | 0x2029 | 0xfeff | 0xe0000..=0xe007f);
    is_control || is_bidirectional || is_invisible
}

/// Fails if anything that acts came out, other than line ends and the colours of vwh itself.
#[track_caller]
fn assert_inert(outcome: &Outcome) {
    let screen = outcome.screen.clone().unwrap_or_default();
    for text in [&screen, &outcome.stdout, &outcome.stderr] {
        let own = regex_lite::Regex::new("\u{1b}\\[(0|1|2|4|31|32|33)m").unwrap();
        let rest = own.replace_all(text, "");
        let found = rest.chars().find(|character| *character != '\n' && acts(*character));
        assert_eq!(found, None, "{:?}", outcome.snapshot());
    }
}

fn evil_webhook() -> Value {
    value!({
        "id": EVIL, "url": format!("https://{EVIL}.example.test/"), "userId": EVIL, "events": [EVIL, "CALL"],
        "status": EVIL, "signingAlgo": EVIL, "metadataPolicy": EVIL, "createdAt": EVIL, EVIL: [EVIL, {EVIL: EVIL}],
        "statistics": {
            "failed": true, "totalAttempts": EVIL, "lastFailure": EVIL,
            "lastHttpErrorCode": EVIL, "lastErrorMessage": format!("500: [<html><title>{EVIL}</title>"),
        },
    })
}

/// The same webhook as a service may spell it: everything escaped, or only what JSON insists on.
fn spellings() -> [String; 2] {
    let plain = value!([evil_webhook(), { "id": "other", "url": "https://other.example.test/" }]).to_string();
    let mut escaped = String::new();
    for unit in plain.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => escaped.push(char::from(byte)),
            _ => write!(escaped, "\\u{unit:04X}").unwrap(),
        }
    }
    assert_ne!(plain, escaped);
    [plain, escaped]
}

#[test]
fn every_format_is_inert() {
    for document in spellings() {
        let server = holding(document);
        let vwh = connected(&server);
        for format in ["table", "wide", "json", "jsonl", "csv"] {
            let outcome = vwh.args(["list", "-vv", "-o", format]).run().exits(0);
            assert_inert(&outcome);
            assert!(outcome.stdout.contains("owned"), "{outcome}");
        }
        let _ = vwh.args(["status", "-v"]).run().exits(0);
    }
}

#[test]
fn a_table_keeps_one_line_a_webhook() {
    for document in spellings() {
        let outcome = connected(&holding(document)).args(["list", "-o", "wide"]).run().exits(0);
        assert_eq!(outcome.stdout.lines().count(), 3, "{outcome}");
        assert!(outcome.stdout.contains(r"\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[8mx\r\n\u{9b}31m"), "{outcome}");
    }
}

#[test]
fn json_says_what_was_sent() {
    for document in spellings() {
        let outcome = connected(&holding(document)).args(["list", "--json"]).run().exits(0);
        let mut listed = outcome.json();
        let own = listed[0].as_object_mut().unwrap().remove("vwh").unwrap();
        assert_eq!(listed[0], evil_webhook());
        assert_eq!((own["id"].as_str(), own["health"].as_str()), (Some(EVIL), Some("failed")));
        assert!(outcome.stdout.lines().all(|line| line.len() < 10_000));
        assert_eq!(outcome.stdout.lines().count(), 4, "{outcome}");
    }
}

#[test]
fn csv_keeps_one_record_a_webhook() {
    let outcome = connected(&holding(spellings()[0].as_str())).args(["list", "-o", "csv"]).run().exits(0);
    assert_eq!(outcome.stdout.lines().count(), 3, "{outcome}");
}

/// A service that knows the one webhook by whatever id is asked for.
fn any_id() -> Server {
    Server::new(|request| match request.path.as_str() {
        "/self/webhooks/" if request.method == "GET" => json(200, value!([evil_webhook()]).to_string()),
        "/self" => json(200, value!({ "id": EVIL, "accountId": EVIL }).to_string()),
        _ if request.method == "DELETE" => json(422, value!({ "errorMessage": EVIL }).to_string()),
        _ => json(200, evil_webhook().to_string()),
    })
}

#[test]
fn status_is_inert() {
    let server = any_id();
    for format in ["table", "wide", "json", "jsonl", "csv"] {
        let outcome =
            connected(&server).args(["status", &evil_argument(), "-vv", "-o", format]).run().exits(0);
        assert_inert(&outcome);
        assert!(outcome.stdout.contains("owned"), "{outcome}");
    }
}

#[test]
fn the_next_step_is_safe_to_paste() {
    let id = "x'; touch owned; echo $(id) `id`";
    let server = holding(value!([{ "id": id, "statistics": { "failed": true } }]).to_string());
    let outcome = connected(&server).args(["status", id]).run().exits(0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let expected = ["renew", "missed"]
        .map(|command| format!(r"              vwh {command} 'x'\''; touch owned; echo $(id) `id`'"));
    assert_eq!(lines[lines.len() - 2..], expected);
}

#[test]
fn an_id_that_is_not_there_is_inert() {
    let server = holding("[]");
    for format in ["table", "json"] {
        let outcome = connected(&server).args(["status", &evil_argument(), "-vv", "-o", format]).run();
        assert_inert(&outcome.exits(4).without_answer().says("owned"));
    }
}

#[test]
fn ids_that_share_a_prefix_are_inert() {
    let server =
        holding(value!([{ "id": format!("same{EVIL}1") }, { "id": format!("same{EVIL}2") }]).to_string());
    for format in ["table", "json"] {
        let outcome = connected(&server).args(["status", "same", "-o", format]).run().exits(2);
        assert_inert(&outcome.says("owned"));
    }
}

/// What a service may answer with `text` in it.
fn replies(text: &str) -> Vec<Reply> {
    let fault = value!({
        "errorCode": text, "errorMessage": text, "description": text,
        "errors": [{ "field": text, "message": text }, text],
    });
    let page = format!("<html><head><title>{text}</title></head></html>");
    let xml = format!("<fault><code>{text}</code><message>{text}</message></fault>");
    let bodies = [fault.to_string(), value!({ "fault": fault }).to_string(), page, xml, text.to_owned()];
    let statuses = [200, 401, 403, 404, 422, 503];
    statuses.iter().flat_map(|status| bodies.iter().map(|body| Reply::new(*status, body.as_str()))).collect()
}

#[test]
fn every_refusal_is_inert() {
    for reply in replies(EVIL) {
        let server = Server::new(move |_| reply.clone());
        for format in ["table", "json"] {
            let outcome = connected(&server)
                .args(["list", "-vv", "--timeout", "1s", "-o", format])
                .run()
                .without_answer();
            assert_ne!(outcome.code, Some(0), "{outcome}");
            assert_inert(&outcome);
        }
    }
}

#[test]
fn headers_are_inert() {
    let raw = "HTTP/1.1 302 Found\r\nX-Request-Id: \u{9b}2J\u{202e}\r\nServer: \u{9b}2J\u{202e}\r\n\
               Location: https://elsewhere.example.test/\u{9b}2J\u{202e}\r\nContent-Length: 0\r\n\r\n";
    let server = Server::new(move |_| Reply::Raw(raw.into()));
    for format in ["table", "json"] {
        let outcome = connected(&server).args(["list", "-vv", "-o", format]).run().exits(6).without_answer();
        assert_inert(&outcome);
    }
}

#[test]
fn a_batch_is_inert() {
    let server = any_id();
    for arguments in [
        &["prune-failed", "--max", "9"][..],
        &["prune-failed", "--max", "9", "--dry-run"],
        &["prune-failed", "--max", "9", "--json"],
        &["renew", "--failed"],
        &["renew", "--failed", "--json"],
        &["restore", "--list"],
        &["restore", "--list", "--json"],
    ] {
        assert_inert(&connected(&server).args(arguments.iter().copied().chain(["-v"])).run());
    }
    let vwh = connected(&server);
    assert_inert(&vwh.args(["delete", "--yes", "--", &evil_argument()]).run().exits(4));
    let listed = vwh.args(["delete", "--dry-run", "--", &evil_argument(), "x\u{202e}y"]).run();
    assert_inert(&listed);
}

#[test]
fn what_create_says_is_inert() {
    let server = any_id();
    for policy in ["none", "header"] {
        let run = connected(&server).args([
            "create",
            "--url",
            "https://new.example.test/",
            "--unsigned",
            "--metadata-policy",
            policy,
            "-vv",
        ]);
        let outcome = run.run().says("owned");
        assert_inert(&outcome);
    }
}

#[test]
fn usage_errors_are_inert() {
    let evil = evil_argument();
    for arguments in [
        vec!["list", "--health", &evil],
        vec!["list", "--url"],
        vec![evil.as_str()],
        vec!["list", "--timeout", &evil],
        vec!["list", "--json", "--sort", &evil],
        vec!["sandbox", "--fault", &evil],
        vec!["list", "-p", &evil],
    ] {
        let outcome = Vwh::new().args(arguments.iter().copied()).run().exits(2).without_answer();
        assert_inert(&outcome);
    }
}

#[cfg(unix)]
mod on_a_terminal {
    use super::{EVIL, any_id, assert_inert, evil_argument, holding, replies, spellings};
    use crate::account::connected;
    use crate::support::{Screen, Server, Vwh};

    #[test]
    fn tables_are_inert() {
        for document in spellings() {
            let server = holding(document);
            for columns in [40, 80, 140] {
                for format in ["table", "wide", "json", "csv"] {
                    let run = connected(&server).args(["list", "-o", format, "-vv"]);
                    assert_inert(&run.on_terminal(&Screen::columns(columns)).wait().exits(0));
                }
            }
        }
    }

    #[test]
    fn one_webhook_and_the_summary_are_inert() {
        let server = any_id();
        let evil = evil_argument();
        for arguments in [vec!["status"], vec!["status", &evil]] {
            let run = connected(&server).args(arguments.iter().copied());
            assert_inert(&run.on_terminal(&Screen::columns(80)).wait().exits(0));
        }
    }

    #[test]
    fn refusals_are_inert() {
        for reply in replies(EVIL) {
            let server = Server::new(move |_| reply.clone());
            let run = connected(&server).args(["list", "--timeout", "1s"]);
            let outcome = run.on_terminal(&Screen::columns(80)).wait();
            assert_ne!(outcome.code, Some(0), "{outcome}");
            assert_inert(&outcome);
        }
    }

    #[test]
    fn questions_are_inert() {
        let server = any_id();
        let run = connected(&server).args(["prune-failed", "--max", "9"]);
        let mut terminal = run.on_terminal(&Screen::columns(80));
        terminal.wait_for("[y/N]");
        terminal.type_line("n");
        let outcome = terminal.wait().exits(7);
        assert!(outcome.screen.as_ref().unwrap().contains("owned"), "{outcome}");
        assert_inert(&outcome);
        assert!(!server.lines().iter().any(|line| line.starts_with("DELETE")), "{:?}", server.lines());
    }

    #[test]
    fn usage_errors_are_inert() {
        let run = Vwh::new().args(["list", "--health", &evil_argument()]);
        let outcome = run.on_terminal(&Screen::columns(80)).wait().exits(2);
        assert_inert(&outcome);
        assert!(outcome.screen.as_ref().unwrap().contains("expected one of failed"), "{outcome}");
    }
}

#[test]
fn one_huge_row_does_not_push_the_others_apart() {
    let huge = "long".repeat(2_500);
    let server = holding(
        value!([
            { "id": huge, "url": format!("https://{huge}.example.test/"), "statistics": {
                "failed": true, "lastHttpErrorCode": huge, "lastErrorMessage": huge } },
            { "id": "small", "url": "https://small.example.test/" },
        ])
        .to_string(),
    );
    let vwh = connected(&server);
    let unlimited = vwh.args(["list"]).run().exits(0);
    let lines: Vec<&str> = unlimited.stdout.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].len() > 20_000 && lines[1].contains(&huge), "the huge row is whole");
    assert!(lines[0].len() < 400 && lines[2].len() < 400, "{} and {}", lines[0].len(), lines[2].len());
    let narrow = vwh.args(["list"]).env("COLUMNS", "80").run().exits(0);
    let lines: Vec<&str> = narrow.stdout.lines().collect();
    assert!(lines[1].contains(&huge), "ids are never cut");
    assert!(lines[0].len() <= 80 && lines[2].len() <= 80, "{narrow}");
    let full = vwh.args(["status", &huge]).run().exits(0);
    assert_eq!(full.stdout.lines().filter(|line| line.contains(&huge)).count(), 4, "id, url, next steps");
    let _ = vwh.args(["list", "-o", "csv"]).run().exits(0);
}

#[test]
fn an_error_message_of_any_length_is_one_short_line() {
    let server = Server::new(|_| json(422, value!({ "errorMessage": "long".repeat(50_000) }).to_string()));
    let outcome = connected(&server).args(["list"]).run().exits(6);
    assert!(outcome.stderr.len() < 600, "{outcome}");
}

#[test]
fn a_body_that_is_not_utf8_is_said_to_be_none() {
    let server = Server::new(|_| {
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n[{\"id\":\"\xff\"}]".to_vec())
    });
    let outcome = connected(&server).args(["list"]).run().exits(70).without_answer();
    assert_inert(&outcome);
    assert!(!outcome.stderr.contains(TOKEN));
}
