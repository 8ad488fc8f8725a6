//! What could stand at the cursor of a filter being typed. The words of a workspace come from outside.

use std::ops::Range;

use super::{Key, Kind, parse};

/// Most completions offered at once.
pub const COMPLETIONS: usize = 50;

/// The words of one workspace, most used first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Agents and persons.
    pub actors: Vec<String>,
    /// What was asked, in the callers' words.
    pub actions: Vec<String>,
    /// Entities.
    pub entities: Vec<String>,
    /// Fields.
    pub fields: Vec<String>,
}

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes of the filter that it replaces.
    pub replace: Range<usize>,
    /// What to put there.
    pub insert: String,
    /// One sentence about it; may be empty.
    pub doc: &'static str,
}

/// Ways to go on at the cursor, a byte offset into `text`: keys first, then values that begin with what stands there,
/// then values that have it in them. Inside a quote there are none.
pub fn complete(text: &str, cursor: usize, vocabulary: &Vocabulary) -> Vec<Completion> {
    let cursor = (0..=cursor.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let before = text.get(..cursor).unwrap_or_default();
    let Some(begin) = term_start(before) else { return Vec::new() };
    let term = before.get(begin..).unwrap_or_default();
    match term.split_once(':') {
        None => keys(term, begin, cursor),
        Some((name, values)) => {
            let Some(key) = Key::ALL.iter().find(|key| key.name() == name) else { return Vec::new() };
            let typed = values.rsplit(',').next().unwrap_or_default();
            values_of(*key, typed, cursor - typed.len()..cursor, vocabulary)
        }
    }
}

/// Where the term at the end of the text begins, its `-` left out; none inside an open quote.
fn term_start(text: &str) -> Option<usize> {
    let (mut begin, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => begin = at + c.len_utf8(),
            _ => {}
        }
    }
    let dash = usize::from(text.get(begin..)?.starts_with('-'));
    (!quoted).then_some(begin + dash)
}

fn keys(typed: &str, begin: usize, cursor: usize) -> Vec<Completion> {
    Key::ALL
        .iter()
        .filter(|key| key.name().starts_with(&typed.to_lowercase()))
        .map(|key| Completion { replace: begin..cursor, insert: format!("{}:", key.name()), doc: key.doc() })
        .collect()
}

fn values_of(key: Key, typed: &str, replace: Range<usize>, vocabulary: &Vocabulary) -> Vec<Completion> {
    let candidates: Vec<&str> = match key.kind() {
        Kind::Word => parse::words(key),
        Kind::Entity => vocabulary.entities.iter().map(String::as_str).collect(),
        Kind::Time => vec!["10m", "1h", "24h", "7d"],
        Kind::Number => Vec::new(),
        Kind::Name => match key {
            Key::Actor => vocabulary.actors.iter().map(String::as_str).collect(),
            Key::Action => vocabulary.actions.iter().map(String::as_str).collect(),
            Key::Field => vocabulary.fields.iter().map(String::as_str).collect(),
            Key::Class
            | Key::Type
            | Key::Outcome
            | Key::Code
            | Key::Entity
            | Key::Item
            | Key::Alert
            | Key::Work
            | Key::Cause
            | Key::Seq
            | Key::Map
            | Key::Since
            | Key::Until => Vec::new(),
        },
    };
    let folded = typed.to_lowercase();
    let (mut fit, mut inside) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        if lower.starts_with(&folded) {
            fit.push(candidate);
        } else if lower.contains(&folded) {
            inside.push(candidate);
        }
    }
    fit.into_iter()
        .chain(inside)
        .take(COMPLETIONS)
        .map(|value| Completion { replace: replace.clone(), insert: parse::quoted(value, false), doc: "" })
        .collect()
}
