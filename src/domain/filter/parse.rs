//! From a filter's text to its terms. What a term means is in `filter`.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};

use super::facts::fold;
use super::{
    Choice, Filter, Glob, Key, NameKey, NumberKey, Numbers, TYPE_PREFIX, Term, Text, UNREADABLE, When,
};
use crate::domain::code::Code;
use crate::domain::deed::Body;
use crate::domain::outcome::Outcome;
use crate::domain::path::Pattern;
use crate::domain::time::{Span, Time};

/// Longest filter in bytes.
pub const FILTER_BYTES: usize = 4096;
/// Most terms of one filter.
pub const FILTER_TERMS: usize = 64;
/// Most choices of one term.
pub const TERM_CHOICES: usize = 64;

const DAY: i64 = 86_400_000_000;
pub(super) const MINUTE: i64 = 60_000_000;
pub(super) const SECOND: i64 = 1_000_000;

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FilterError {
    /// Where it is wrong: the character's place, from 1.
    pub column: usize,
    /// What is wrong, as a clause.
    pub reason: String,
    /// What to do about it, as an imperative.
    pub mend: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter, column {}: {}; {}", self.column, self.reason, self.mend)
    }
}

/// A piece of the filter's text: a value or a word, unquoted, and where it began.
struct Piece {
    text: String,
    at: usize,
    quoted: bool,
}

/// A byte offset with what is wrong there; becomes a [`FilterError`] once the column is counted.
struct Wrong {
    at: usize,
    reason: String,
    mend: String,
}

impl Wrong {
    fn new(at: usize, reason: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { at, reason: reason.into(), mend: mend.into() }
    }
}

pub(super) fn filter(text: &str, now: Time) -> Result<Filter, FilterError> {
    let mut terms = Vec::new();
    let mut reader = Reader { text, at: 0 };
    let read = loop {
        reader.skip_space();
        if reader.rest().is_empty() {
            break Ok(());
        }
        if text.len() > FILTER_BYTES || terms.len() == FILTER_TERMS {
            let reason = format!("a filter has at most {FILTER_TERMS} terms and {FILTER_BYTES} bytes");
            break Err(Wrong::new(reader.at, reason, "leave some of it out"));
        }
        match term(&mut reader, now) {
            Ok(term) => terms.push(term),
            Err(wrong) => break Err(wrong),
        }
    };
    match read {
        Ok(()) => Ok(Filter { terms }),
        Err(Wrong { at, reason, mend }) => {
            let column = text.get(..at).map_or(1, |before| before.chars().count() + 1);
            Err(FilterError { column, reason, mend })
        }
    }
}

fn term(reader: &mut Reader<'_>, now: Time) -> Result<Term, Wrong> {
    let negated = reader.eat('-');
    let begin = reader.at;
    let key = match reader.key() {
        None => None,
        Some(name) => Some(known_key(name, begin)?),
    };
    let mut choices = Vec::new();
    loop {
        let piece = reader.piece()?;
        if choices.len() == TERM_CHOICES {
            let reason = format!("a term has at most {TERM_CHOICES} choices");
            return Err(Wrong::new(piece.at, reason, "use a pattern with `*`, or several filters"));
        }
        choices.push(choice(key, piece, now)?);
        if !reader.eat(',') {
            return Ok(Term { negated, choices });
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// The word before a colon, colon taken, if the next term has one outside quotes.
    fn key(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ':' | '"' | ','))?;
        let (key, tail) = rest.split_at(end);
        if !tail.starts_with(':') {
            return None;
        }
        self.at += end + 1;
        Some(key)
    }

    /// A value or word: quoted, or up to a space or comma.
    fn piece(&mut self) -> Result<Piece, Wrong> {
        let at = self.at;
        if !self.eat('"') {
            let rest = self.rest();
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '"')).unwrap_or(rest.len());
            let text = rest.get(..end).unwrap_or_default().to_owned();
            self.at += end;
            if text.is_empty() {
                return Err(Wrong::new(at, "a value is missing", "write it, or \"\" for the empty one"));
            }
            return self.ended(Piece { text, at, quoted: false });
        }
        let mut text = String::new();
        let mut escaped = false;
        for (i, c) in self.rest().char_indices() {
            match c {
                _ if escaped => {
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.at += i + 1;
                    return self.ended(Piece { text, at, quoted: true });
                }
                _ => text.push(c),
            }
        }
        Err(Wrong::new(at, "the quote is not closed", "add a closing \""))
    }

    fn ended(&self, piece: Piece) -> Result<Piece, Wrong> {
        match self.rest().chars().next() {
            Some(c) if c != ',' && !c.is_whitespace() => {
                let mend = "put a space or a comma there; inside quotes write \\\" for a quote";
                Err(Wrong::new(self.at, "a quote touches other text", mend))
            }
            Some(_) | None => Ok(piece),
        }
    }
}

fn choice(key: Option<Key>, piece: Piece, now: Time) -> Result<Choice, Wrong> {
    let name = |key, piece: Piece| Ok(Choice::Name(key, Glob::new(&piece.text)));
    let number = |key, piece: &Piece| Ok(Choice::Number(key, numbers(piece)?));
    let Some(key) = key else { return text(piece) };
    match key {
        Key::Actor => name(NameKey::Actor, piece),
        Key::Action => name(NameKey::Action, piece),
        Key::Field => name(NameKey::Field, piece),
        Key::Class => word(NameKey::Class, &piece),
        Key::Type => word(NameKey::Type, &piece),
        Key::Outcome => word(NameKey::Outcome, &piece),
        Key::Code => word(NameKey::Code, &piece),
        Key::Entity => entity(&piece),
        Key::Item => number(NumberKey::Item, &piece),
        Key::Alert => number(NumberKey::Alert, &piece),
        Key::Work => number(NumberKey::Work, &piece),
        Key::Cause => number(NumberKey::Cause, &piece),
        Key::Seq => number(NumberKey::Seq, &piece),
        Key::Map => number(NumberKey::Map, &piece),
        Key::Since => Ok(Choice::Since(when(&piece, now, false)?)),
        Key::Until => Ok(Choice::Until(when(&piece, now, true)?)),
    }
}

fn text(piece: Piece) -> Result<Choice, Wrong> {
    if piece.text.is_empty() {
        return Err(Wrong::new(piece.at, "the text is empty", "write what to look for between the quotes"));
    }
    Ok(Choice::Text(Text { folded: fold(&piece.text), shown: piece.text }))
}

/// The closed set of words that a key of kind [`super::Kind::Word`] takes.
pub(super) fn words(key: Key) -> Vec<&'static str> {
    match key {
        Key::Class => vec!["agent", "person", "deeds"],
        Key::Outcome => Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
        Key::Code => Code::ALL.iter().map(|code| code.as_str()).collect(),
        Key::Type => {
            let short = |name: &&'static str| name.strip_prefix(TYPE_PREFIX).unwrap_or(name);
            Body::TYPES.iter().map(short).chain([UNREADABLE]).collect()
        }
        Key::Actor
        | Key::Action
        | Key::Entity
        | Key::Field
        | Key::Item
        | Key::Alert
        | Key::Work
        | Key::Cause
        | Key::Seq
        | Key::Map
        | Key::Since
        | Key::Until => Vec::new(),
    }
}

fn word(key: NameKey, piece: &Piece) -> Result<Choice, Wrong> {
    let folded = piece.text.to_lowercase();
    let short = if key == NameKey::Type { folded.strip_prefix(TYPE_PREFIX) } else { None };
    let glob = Glob::new(short.unwrap_or(&folded));
    let known = words(key.key());
    if known.iter().any(|word| glob.matches(word)) {
        return Ok(Choice::Name(key, glob));
    }
    let name = key.key().name();
    let mend = match nearest(glob.as_str(), known.iter().copied()) {
        Some(near) => format!("did you mean `{name}:{near}`?"),
        None if known.len() <= 12 => format!("use one of {}", known.join(", ")),
        None => format!("write it like `{}`", key.key().example()),
    };
    Err(Wrong::new(piece.at, format!("there is no {name} {:?}", piece.text), mend))
}

fn entity(piece: &Piece) -> Result<Choice, Wrong> {
    piece.text.parse::<Pattern>().map(Choice::Entity).map_err(|error| {
        let shift = if piece.quoted { 0 } else { error.at };
        Wrong::new(piece.at + shift, format!("not an entity pattern, {}", error.reason), error.mend)
    })
}

fn numbers(piece: &Piece) -> Result<Numbers, Wrong> {
    let wrong = |reason| Wrong::new(piece.at, reason, "write a number, or a range such as 100..200 or 100..");
    let one = |text: &str, open: u64| match text.trim_start_matches('#') {
        "" if text.is_empty() => Ok(open),
        digits => match digits.parse::<u64>() {
            Ok(n) if n <= Numbers::MAX => Ok(n),
            Ok(_) | Err(_) => Err(wrong(format!("{text:?} is not a number"))),
        },
    };
    let (low, high) = match piece.text.split_once("..") {
        None if piece.text.is_empty() => return Err(wrong("the number is missing".to_owned())),
        None => {
            let n = one(&piece.text, 0)?;
            (n, n)
        }
        Some((low, high)) => (one(low, 0)?, one(high, Numbers::MAX)?),
    };
    if low > high {
        return Err(wrong(format!("{} runs backward", piece.text)));
    }
    Ok(Numbers { low, high })
}

fn when(piece: &Piece, now: Time, whole: bool) -> Result<When, Wrong> {
    if let Ok(span) = piece.text.parse::<Span>() {
        return Ok(When { ago: Some(span), at: now.minus(span) });
    }
    let Some((at, width)) = absolute(&piece.text) else {
        let mend =
            "write 2026-02-14, 2026-02-14T08:11, 2026-02-14T08:11:00Z (all UTC), or 2h for two hours ago";
        return Err(Wrong::new(piece.at, format!("{:?} is not a time", piece.text), mend));
    };
    let shift = if whole { Span::from_micros(width - 1) } else { Span::default() };
    Ok(When { ago: None, at: at.plus(shift) })
}

/// The time, and how much of time the text names: a day, a minute, a second or a microsecond.
pub(super) fn absolute(text: &str) -> Option<(Time, i64)> {
    let naive = |time: NaiveDateTime| Time::from_micros(time.and_utc().timestamp_micros());
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return day.and_hms_opt(0, 0, 0).map(|time| (naive(time), DAY));
    }
    let local = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if let Ok(time) = NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M") {
        return Some((naive(time), MINUTE));
    }
    let width = if text.contains('.') { 1 } else { SECOND };
    if let Ok(time) = NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M:%S%.f") {
        return Some((naive(time), width));
    }
    text.parse::<Time>().ok().map(|time| (time, width))
}

fn known_key(name: &str, at: usize) -> Result<Key, Wrong> {
    if let Some(key) = Key::ALL.iter().find(|key| key.name().eq_ignore_ascii_case(name)) {
        return Ok(*key);
    }
    let meant =
        OTHER_WORDS.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, key)| key.name());
    let mend = if let Some(near) = meant.or_else(|| nearest(name, Key::ALL.iter().map(|key| key.name()))) {
        format!("did you mean `{near}:`? To look for it as text, put it in quotes")
    } else {
        let all: Vec<_> = Key::ALL.iter().map(|key| key.name()).collect();
        format!("the keys are {}; to look for it as text, put it in quotes", all.join(", "))
    };
    Err(Wrong::new(at, format!("there is no key {name:?}"), mend))
}

/// What people type who know other tools.
const OTHER_WORDS: [(&str, Key); 14] = [
    ("agent", Key::Actor),
    ("who", Key::Actor),
    ("by", Key::Actor),
    ("user", Key::Actor),
    ("kind", Key::Type),
    ("path", Key::Entity),
    ("subject", Key::Entity),
    ("on", Key::Entity),
    ("reason", Key::Code),
    ("from", Key::Since),
    ("after", Key::Since),
    ("to", Key::Until),
    ("before", Key::Until),
    ("version", Key::Map),
];

/// The word that is at most a third of its letters away.
fn nearest(text: &str, words: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let text = text.to_lowercase();
    words
        .map(|word| (distance(&text, word), word))
        .filter(|(distance, word)| *distance <= (word.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// How many letters must be added, dropped or replaced (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, above) in to.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(a != *b);
            left = replaced.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// A value or text as it must be written: quoted where it would be taken for something else.
pub(super) fn quoted(text: &str, bare: bool) -> String {
    let special = |c: char| c.is_whitespace() || matches!(c, ',' | '"');
    let taken_for_key = bare && (text.contains(':') || text.starts_with('-'));
    if !text.is_empty() && !text.contains(special) && !taken_for_key {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
