//! A JSON value taken apart, to be changed and written again in the ways that programs write JSON. Numbers keep their text.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::super::DEPTH;
use crate::webhook::member;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Members in the order received.
    Object(Vec<(String, Self)>),
    /// Elements.
    Array(Vec<Self>),
    /// A text.
    Text(String),
    /// A number, as it is spelled.
    Number(String),
    /// `true`, `false` or `null`.
    Word(String),
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Members by the bytes of their names.
    pub(super) is_sorted: bool,
    /// What is written as `\uXXXX`, or with a backslash.
    pub(super) escapes: Escapes,
    /// White space.
    pub(super) layout: Layout,
}

/// What is escaped beyond what must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Escapes {
    /// Characters beyond ASCII, as `\u00eb` or `\u00EB`.
    pub(super) beyond_ascii: Option<Case>,
    /// `/` as `\/`.
    pub(super) slashes: bool,
    /// These characters as `\u003c`.
    pub(super) others: &'static str,
}

/// Of hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
}

/// White space between tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Between elements, where they are on one line.
    pub(super) comma: &'static str,
    /// Between name and value.
    pub(super) colon: &'static str,
    /// Before each element on a line of its own; empty writes one line.
    pub(super) indent: &'static str,
}

/// No white space.
pub(super) const COMPACT: Layout = Layout { comma: ",", colon: ":", indent: "" };

/// The canonical style of vis §9.
pub(super) const CANONICAL: Style = Style {
    is_sorted: true,
    escapes: Escapes { beyond_ascii: None, slashes: false, others: "" },
    layout: COMPACT,
};

impl Node {
    /// Takes `json` apart; `None` if it is no JSON or nested too deep.
    pub(super) fn read(json: &str) -> Option<Self> {
        let value: &RawValue = serde_json::from_str(json).ok()?;
        Self::of(value.get(), 0)
    }

    fn of(json: &str, depth: usize) -> Option<Self> {
        if depth > DEPTH {
            return None;
        }
        Some(match json.as_bytes().first()? {
            b'{' => {
                let mut members = Vec::new();
                let take = |name: &str, value: &RawValue| {
                    members.push((name.to_owned(), Self::of(value.get(), depth + 1)));
                };
                member::each(json, take).ok()?;
                let members = members.into_iter().map(|(name, value)| Some((name, value?)));
                Self::Object(members.collect::<Option<_>>()?)
            }
            b'[' => {
                let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
                let elements = elements.into_iter().map(|element| Self::of(element.get(), depth + 1));
                Self::Array(elements.collect::<Option<_>>()?)
            }
            b'"' => Self::Text(serde_json::from_str(json).ok()?),
            b't' | b'f' | b'n' => Self::Word(json.to_owned()),
            _ => Self::Number(json.to_owned()),
        })
    }

    /// Its members, if it is an object.
    pub(super) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The same with every value that is no object or array replaced by what `change` makes of it; `None` if that changes
    /// nothing. `change` is told which value it is, counted from 0.
    pub(super) fn changed(&self, change: &mut dyn FnMut(usize, &Self) -> Option<Self>) -> Option<Self> {
        let mut count = 0;
        let changed = self.with(change, &mut count);
        (changed != *self).then_some(changed)
    }

    fn with(&self, change: &mut dyn FnMut(usize, &Self) -> Option<Self>, count: &mut usize) -> Self {
        match self {
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.clone(), value.with(change, count)));
                Self::Object(members.collect())
            }
            Self::Array(elements) => {
                Self::Array(elements.iter().map(|element| element.with(change, count)).collect())
            }
            leaf => {
                let changed = change(*count, leaf);
                *count += 1;
                changed.unwrap_or_else(|| leaf.clone())
            }
        }
    }

    /// As text.
    pub(super) fn write(&self, style: Style) -> String {
        let mut out = String::new();
        self.write_to(style, 0, &mut out);
        out
    }

    fn write_to(&self, style: Style, depth: usize, out: &mut String) {
        match self {
            Self::Object(members) => {
                let mut members: Vec<&(String, Self)> = members.iter().collect();
                if style.is_sorted {
                    members.sort_by(|one, other| one.0.cmp(&other.0));
                }
                enclosed(style, depth, ('{', '}'), members.len(), out, |index, out| {
                    let (name, value) = members[index];
                    write_text(name, style.escapes, out);
                    out.push_str(style.layout.colon);
                    value.write_to(style, depth + 1, out);
                });
            }
            Self::Array(elements) => {
                enclosed(style, depth, ('[', ']'), elements.len(), out, |index, out| {
                    elements[index].write_to(style, depth + 1, out);
                });
            }
            Self::Text(text) => write_text(text, style.escapes, out),
            Self::Number(text) | Self::Word(text) => out.push_str(text),
        }
    }
}

fn enclosed(
    style: Style,
    depth: usize,
    (open, close): (char, char),
    count: usize,
    out: &mut String,
    write: impl Fn(usize, &mut String),
) {
    let Layout { comma, indent, .. } = style.layout;
    let new_line = |depth: usize, out: &mut String| {
        if !indent.is_empty() && count > 0 {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    };
    out.push(open);
    for index in 0..count {
        if index > 0 {
            out.push_str(comma);
        }
        new_line(depth + 1, out);
        write(index, out);
    }
    new_line(depth, out);
    out.push(close);
}

fn write_text(text: &str, escapes: Escapes, out: &mut String) {
    // A text can always be written.
    let json = serde_json::to_string(text).unwrap_or_default();
    for character in json.chars() {
        match (character, escapes.beyond_ascii) {
            ('/', _) if escapes.slashes => out.push_str("\\/"),
            (character, Some(case)) if !character.is_ascii() => escape(character, case, out),
            (character, _) if escapes.others.contains(character) => escape(character, Case::Lower, out),
            (character, _) => out.push(character),
        }
    }
}

fn escape(character: char, case: Case, out: &mut String) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a `String` cannot fail.
        let _ = match case {
            Case::Lower => write!(out, "\\u{unit:04x}"),
            Case::Upper => write!(out, "\\u{unit:04X}"),
        };
    }
}
