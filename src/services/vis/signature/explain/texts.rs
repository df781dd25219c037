//! What may have been signed instead of the event: each cause with the texts that it leads to.

mod numbers;

use super::super::{Spelling, canonical};
use super::json::{CANONICAL, COMPACT, Case as DigitCase, Escapes, Layout, Node, Style};
use super::{Case, Cause, accepted};
use crate::services::respelling::javascript::{before, javascript};
use crate::services::respelling::{compact, in_ascii, in_characters};
use crate::services::vis::delivery::scenario::stamp;
use crate::webhook::member;

/// A text that may have been signed.
pub(super) struct Signed {
    /// What would have gone wrong.
    pub(super) cause: Option<Cause>,
    /// The text.
    pub(super) text: String,
}

/// The event as it is tried.
struct Event<'a> {
    case: &'a Case<'a>,
    node: Node,
}

/// One thing that goes wrong: its name, what to say of it, and the texts that would have been signed.
struct Known {
    name: &'static str,
    sentence: &'static str,
    texts: fn(&Event<'_>) -> Vec<String>,
    /// Whether it takes the event apart in many ways, which is for small ones only.
    is_costly: bool,
}

const KNOWN: &[Known] = &[
    Known {
        name: "whole-body",
        sentence: "it is a signature of the whole body; the service signs the value of `event` alone",
        texts: whole_body,
        is_costly: false,
    },
    Known {
        name: "envelope",
        sentence: "it is a signature of {\"event\":…}; the service signs the value of `event` alone, without the envelope",
        texts: envelope,
        is_costly: false,
    },
    Known {
        name: "line-end",
        sentence: "a line end was signed behind the event; nothing may follow its last brace",
        texts: line_end,
        is_costly: false,
    },
    Known { name: "escapes", sentence: OTHER_ESCAPES, texts: other_escapes, is_costly: false },
    Known {
        name: "order",
        sentence: "its members were signed in the order received; they are to be sorted by name first",
        texts: |event| unaccepted(event, vec![compact(event.case.event)]),
        is_costly: false,
    },
    Known {
        name: "white-space",
        sentence: "it was signed with white space between its tokens, as many libraries write JSON unless told otherwise; \
                   write it compact",
        texts: white_space,
        is_costly: false,
    },
    Known {
        name: "escapes",
        sentence: OTHER_ESCAPES,
        texts: |event| written(event, &[COMPACT], &[Escapes::default(), ESCAPED, ESCAPED_IN_CAPITALS]),
        is_costly: false,
    },
    Known {
        name: "slashes",
        sentence: "it was signed with every slash written as \\/, as PHP does unless told otherwise",
        texts: |event| written(event, &[COMPACT], &SLASHES),
        is_costly: false,
    },
    Known {
        name: "html-escapes",
        sentence: "it was signed with <, > or & written as \\u003c and the like, as Go and Gson do unless told otherwise",
        texts: |event| written(event, &[COMPACT], &HTML),
        is_costly: false,
    },
    Known {
        name: "mojibake",
        sentence: "its UTF-8 was read as another encoding and saved again (Zoë became ZoÃ«): keep the body as bytes",
        texts: mojibake,
        is_costly: true,
    },
    Known {
        name: "numbers",
        sentence: "its numbers were written anew (1e3 as 1000.0, 1.0 as 1): keep the body as it came instead of parsing \
                   it and writing it again",
        texts: |event| numbers::respelled(&event.node).iter().flat_map(both).collect(),
        is_costly: true,
    },
    Known {
        name: "numbers",
        sentence: "its numbers were written anew as JavaScript does (1.50 as 1.5, 7340013123456789123 as \
                   7340013123456790000): keep the body as it came instead of parsing it and writing it again",
        texts: numbers_of_javascript,
        is_costly: true,
    },
    Known {
        name: "types",
        sentence: "a number or truth value was signed as a text, or a text as a number: keep the body as it came \
                   instead of parsing it and writing it again",
        texts: |event| numbers::retyped(&event.node).iter().flat_map(both).collect(),
        is_costly: true,
    },
    Known {
        name: "times",
        sentence: "its times were written anew (+0000 as Z): keep the body as it came instead of parsing it and writing \
                   it again",
        texts: times,
        is_costly: true,
    },
    Known {
        name: "nulls",
        sentence: "empty members were left out of it, or put into it, after it was signed: keep the body as it came",
        texts: nulls,
        is_costly: true,
    },
];

const OTHER_ESCAPES: &str = "characters beyond ASCII are escaped (as \\u00eb) in what was received and not in what was signed, or the other \
                             way round, or in capitals: keep the body as it came";

const ESCAPED: Escapes = Escapes { beyond_ascii: Some(DigitCase::Lower), slashes: false, others: "" };
const ESCAPED_IN_CAPITALS: Escapes =
    Escapes { beyond_ascii: Some(DigitCase::Upper), slashes: false, others: "" };
const SLASHES: [Escapes; 2] = [
    Escapes { beyond_ascii: None, slashes: true, others: "" },
    Escapes { beyond_ascii: Some(DigitCase::Lower), slashes: true, others: "" },
];
const HTML: [Escapes; 3] = [
    Escapes { beyond_ascii: None, slashes: false, others: "<>&\u{2028}\u{2029}" },
    Escapes { beyond_ascii: None, slashes: false, others: "<>&='\u{2028}\u{2029}" },
    Escapes { beyond_ascii: Some(DigitCase::Lower), slashes: false, others: "<>&'" },
];

/// As Python, a comma and a colon with a blank; the vendor's page; JavaScript, PHP, Go with tabs, Jackson.
const LAYOUTS: [Layout; 6] = [
    Layout { comma: ", ", colon: ": ", indent: "" },
    Layout { comma: ",", colon: ": ", indent: "" },
    Layout { comma: ",", colon: ": ", indent: "  " },
    Layout { comma: ",", colon: ": ", indent: "    " },
    Layout { comma: ",", colon: ": ", indent: "\t" },
    Layout { comma: ",", colon: " : ", indent: "  " },
];

/// Members that may be missing from an event (vis §10), and that some serializer may write as `null`.
const OPTIONAL: [&str; 5] = ["answerTime", "callerId", "endTime", "smsData", "uciId"];

/// Of more members than this each is not left out on trial.
const MANY: usize = 64;

/// Every text that a known cause leads to. Of an event that is no JSON that is nothing.
pub(super) fn candidates(case: &Case<'_>, is_large: bool) -> Vec<Signed> {
    let Some(node) = Node::read(case.event) else { return Vec::new() };
    let event = Event { case, node };
    let known = KNOWN.iter().filter(|known| !is_large || !known.is_costly).flat_map(|known| {
        let cause = Cause::new(known.name, known.sentence);
        let texts = (known.texts)(&event).into_iter();
        texts.map(move |text| Signed { cause: Some(cause.clone()), text })
    });
    let known: Vec<Signed> = known.collect();
    known.into_iter().chain(added(&event, is_large)).collect()
}

/// The event without each of its members.
fn added(event: &Event<'_>, is_large: bool) -> Vec<Signed> {
    let members = event.node.members();
    if is_large || members.len() > MANY {
        return Vec::new();
    }
    let without = |left_out: usize| {
        let others = members.iter().enumerate().filter(move |(index, _)| *index != left_out);
        Node::Object(others.map(|(_, member)| member.clone()).collect())
    };
    let signed = |(index, (name, _)): (usize, &(String, Node))| {
        let sentence =
            format!("the member {name:?} was added after it was signed; without it the signature fits");
        let cause = Some(Cause::new("member-added", sentence));
        both(&without(index)).map(move |text| Signed { cause: cause.clone(), text })
    };
    members.iter().enumerate().flat_map(signed).collect()
}

/// The canonical forms of a changed event.
fn both(node: &Node) -> [String; 2] {
    [CANONICAL, Style { escapes: ESCAPED, ..CANONICAL }].map(|style| node.write(style))
}

/// The event in each of these ways, its members sorted and in the order received.
fn written(event: &Event<'_>, layouts: &[Layout], escapes: &[Escapes]) -> Vec<String> {
    let mut texts = Vec::new();
    for layout in layouts {
        for escapes in escapes {
            for is_sorted in [true, false] {
                let style = Style { is_sorted, escapes: *escapes, layout: *layout };
                texts.push(event.node.write(style));
            }
        }
    }
    unaccepted(event, texts)
}

/// Those that do not verify: what does is no cause.
fn unaccepted(event: &Event<'_>, mut texts: Vec<String>) -> Vec<String> {
    let accepted = accepted(event.case.event);
    texts.retain(|text| !accepted.contains(text));
    texts
}

/// The event as it came but for its escapes.
fn other_escapes(event: &Event<'_>) -> Vec<String> {
    let as_received = event.case.event;
    unaccepted(event, vec![in_characters(as_received), in_ascii(as_received)])
}

fn numbers_of_javascript(event: &Event<'_>) -> Vec<String> {
    let accepted = accepted(event.case.event);
    let written = accepted.iter().map(|text| javascript(text));
    unaccepted(event, written.chain(accepted.iter().flat_map(|text| before(text))).collect())
}

fn white_space(event: &Event<'_>) -> Vec<String> {
    written(event, &LAYOUTS, &[Escapes::default(), ESCAPED])
}

fn whole_body(event: &Event<'_>) -> Vec<String> {
    let body = event.case.body;
    let canonical =
        [Spelling::Utf8, Spelling::Escaped].into_iter().filter_map(|spelling| canonical(body, spelling).ok());
    let as_sent = [body, body.trim_end()].into_iter().map(str::to_owned);
    as_sent.chain(canonical).collect()
}

fn envelope(event: &Event<'_>) -> Vec<String> {
    accepted(event.case.event).iter().map(|text| format!("{{\"event\":{text}}}")).collect()
}

fn line_end(event: &Event<'_>) -> Vec<String> {
    let with_ends = |text: String| ["\n", "\r\n"].map(|end| format!("{text}{end}"));
    accepted(event.case.event).into_iter().flat_map(with_ends).collect()
}

fn mojibake(event: &Event<'_>) -> Vec<String> {
    let changed = |change: fn(&str) -> Option<String>| {
        event.node.changed(&mut |_, leaf| match leaf {
            Node::Text(text) => change(text).map(Node::Text),
            _ => None,
        })
    };
    let ways = [super::encoding::repaired, super::encoding::garbled];
    ways.into_iter().filter_map(changed).flat_map(|node| both(&node)).collect()
}

fn times(event: &Event<'_>) -> Vec<String> {
    let spellings: [fn(chrono::DateTime<chrono::Utc>) -> String; 5] = [
        stamp,
        |time| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        |time| time.format("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string(),
        |time| time.format("%Y-%m-%dT%H:%M:%S+0000").to_string(),
    ];
    let changed = |spell: fn(chrono::DateTime<chrono::Utc>) -> String| {
        event.node.changed(&mut |_, leaf| match leaf {
            Node::Text(text) if text.contains('T') => {
                member::parse_time(text).map(|time| Node::Text(spell(time)))
            }
            _ => None,
        })
    };
    spellings.into_iter().filter_map(changed).flat_map(|node| both(&node)).collect()
}

fn nulls(event: &Event<'_>) -> Vec<String> {
    let members = event.node.members();
    let kept = |is_kept: fn(&Node) -> bool| {
        Node::Object(members.iter().filter(|(_, value)| is_kept(value)).cloned().collect())
    };
    let null = || Node::Word("null".to_owned());
    let emptied = event.node.changed(&mut |_, leaf| match leaf {
        Node::Text(text) if text.is_empty() => Some(null()),
        Node::Word(word) if word == "null" => Some(Node::Text(String::new())),
        _ => None,
    });
    let without = [
        kept(|value| !matches!(value, Node::Word(word) if word == "null")),
        kept(|value| !matches!(value, Node::Text(text) if text.is_empty())),
    ];
    let absent = OPTIONAL.into_iter().filter(|name| members.iter().all(|(other, _)| other != name));
    let absent: Vec<&str> = absent.collect();
    let with = (1..1_usize << absent.len()).map(|chosen| {
        let added = absent.iter().enumerate().filter(|(index, _)| chosen >> index & 1 == 1);
        let added = added.map(|(_, name)| ((*name).to_owned(), null()));
        Node::Object(members.iter().cloned().chain(added).collect())
    });
    let changed = without.into_iter().filter(|node| *node != event.node).chain(emptied);
    changed.chain(with).flat_map(|node| both(&node)).collect()
}
