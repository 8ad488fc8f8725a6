//! The words that stand for all others of their kind.
//!
//! A star is filled with a letter that no pattern names. Whatever then matches such a word matches every word that the
//! same pattern does: only a star or a `**` can have taken the letter, and those take anything in its place.

use std::collections::BTreeSet;

use crate::domain::path::{FieldName, FieldPart, Glob, Segment};

/// The letter that no pattern names: a code point that is no character.
pub(super) const FRESH: char = '\u{10ffff}';
/// How many words two texts with stars may have in common before the rest is left out.
const MAX_WORDS: usize = 64;
/// Up to this many pairs of places in two such texts all their words are kept.
const MAX_PLACES: usize = 1 << 12;

/// The words that two texts have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) list: Vec<String>,
    /// Are there more than are listed?
    pub(super) cut: bool,
}

impl Words {
    fn one(word: String) -> Self {
        Self { list: vec![word], cut: false }
    }

    fn none() -> Self {
        Self::default()
    }
}

/// The word for one segment; `**` is no word, and is asked for none.
pub(super) fn of_segment(segment: &Segment) -> String {
    match segment {
        Segment::Literal(text) => text.to_string(),
        Segment::Any | Segment::Deep => FRESH.to_string(),
        Segment::Glob(glob) => of_glob(glob),
    }
}

fn of_glob(glob: &Glob) -> String {
    let mut word = String::new();
    for (at, piece) in glob.pieces().enumerate() {
        if at > 0 {
            word.push(FRESH);
        }
        word.push_str(piece);
    }
    word
}

/// The words for what two segments both match.
pub(super) fn of_segments(a: &Segment, b: &Segment) -> Words {
    match (a, b) {
        (Segment::Literal(text), other) | (other, Segment::Literal(text)) => {
            if other.matches(text) {
                Words::one(text.to_string())
            } else {
                Words::none()
            }
        }
        (Segment::Any | Segment::Deep, other) | (other, Segment::Any | Segment::Deep) => {
            Words::one(of_segment(other))
        }
        (Segment::Glob(a), Segment::Glob(b)) => common(a, b),
    }
}

/// The words for the fields that both match.
pub(super) fn of_fields(a: &FieldPart, b: &FieldPart) -> Words {
    match (a, b) {
        (FieldPart::All, FieldPart::All) => {
            Words { list: vec![String::new(), FRESH.to_string()], cut: false }
        }
        (FieldPart::Literal(name), other) | (other, FieldPart::Literal(name)) => {
            if other.matches(name) {
                Words::one(name.as_str().to_owned())
            } else {
                Words::none()
            }
        }
        (FieldPart::Whole, other) | (other, FieldPart::Whole) => {
            if other.matches(&FieldName::whole()) {
                Words::one(String::new())
            } else {
                Words::none()
            }
        }
        (FieldPart::Glob(a), FieldPart::Glob(b)) => common(a, b),
        (FieldPart::Glob(glob), FieldPart::All | FieldPart::Any)
        | (FieldPart::All | FieldPart::Any, FieldPart::Glob(glob)) => Words::one(of_glob(glob)),
        (FieldPart::Any, FieldPart::Any | FieldPart::All) | (FieldPart::All, FieldPart::Any) => {
            Words::one(FRESH.to_string())
        }
    }
}

/// One place of a text with stars: a character, or `None` for a star.
type Place = Option<char>;

fn places(glob: &Glob) -> Vec<Place> {
    let mut places = Vec::new();
    for (at, piece) in glob.pieces().enumerate() {
        if at > 0 {
            places.push(None);
        }
        places.extend(piece.chars().map(Some));
    }
    places
}

/// Every way in which the letters of two texts can follow one another, each as one word.
fn common(a: &Glob, b: &Glob) -> Words {
    if a == b {
        return Words::one(of_glob(a));
    }
    let (a, b) = (places(a), places(b));
    let differ =
        |x: Option<&Place>, y: Option<&Place>| matches!((x, y), (Some(Some(x)), Some(Some(y))) if x != y);
    if differ(a.first(), b.first()) || differ(a.last(), b.last()) {
        return Words::none();
    }
    let leads = leading(&a, &b);
    let most = if a.len() * b.len() > MAX_PLACES { 1 } else { MAX_WORDS };
    let width = b.len() + 1;
    let mut row: Vec<BTreeSet<String>> = vec![BTreeSet::new(); width];
    row.first_mut().map(|first| first.insert(String::new()));
    let mut cut = false;
    for i in 0..=a.len() {
        let mut below: Vec<BTreeSet<String>> = vec![BTreeSet::new(); width];
        for j in 0..=b.len() {
            let words = row.get_mut(j).map(std::mem::take).unwrap_or_default();
            if i == a.len() && j == b.len() {
                return Words { list: words.into_iter().collect(), cut };
            }
            for mut word in words {
                for (to, letter) in steps(a.get(i).copied(), b.get(j).copied(), &mut word) {
                    let (down, right) = to;
                    if !leads.get((i + down) * width + j + right).is_some_and(|leads| *leads) {
                        continue;
                    }
                    let next = if down == 1 { &mut below } else { &mut row };
                    let Some(cell) = next.get_mut(j + right) else { continue };
                    if cell.len() >= most {
                        cut = true;
                        continue;
                    }
                    let mut longer = word.clone();
                    longer.extend(letter);
                    cell.insert(longer);
                }
            }
        }
        row = below;
    }
    Words::none()
}

/// Where a pair of places leads, and by which letter; two stars put the fresh letter in first.
fn steps(a: Option<Place>, b: Option<Place>, word: &mut String) -> Vec<((usize, usize), Option<char>)> {
    match (a, b) {
        (Some(Some(x)), Some(Some(y))) if x == y => vec![((1, 1), Some(x))],
        (Some(None), Some(Some(y))) => vec![((0, 1), Some(y)), ((1, 0), None)],
        (Some(Some(x)), Some(None)) => vec![((1, 0), Some(x)), ((0, 1), None)],
        (Some(None), Some(None)) => {
            if !word.ends_with(FRESH) {
                word.push(FRESH);
            }
            vec![((1, 0), None), ((0, 1), None)]
        }
        (Some(None), None) => vec![((1, 0), None)],
        (None, Some(None)) => vec![((0, 1), None)],
        (Some(Some(_)) | None, Some(Some(_)) | None) => Vec::new(),
    }
}

/// From which pairs of places both texts can come to their ends.
fn leading(a: &[Place], b: &[Place]) -> Vec<bool> {
    let width = b.len() + 1;
    let mut leads = vec![false; (a.len() + 1) * width];
    for i in (0..=a.len()).rev() {
        for j in (0..=b.len()).rev() {
            let end = i == a.len() && j == b.len();
            let mut scratch = String::new();
            let on = steps(a.get(i).copied(), b.get(j).copied(), &mut scratch);
            let good = end
                || on.iter().any(|((down, right), _)| {
                    leads.get((i + down) * width + j + right).is_some_and(|leads| *leads)
                });
            if let Some(cell) = leads.get_mut(i * width + j) {
                *cell = good;
            }
        }
    }
    leads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_common_are_every_way_to_lay_two_texts_over_another() {
        let words = |a: &str, b: &str| {
            let mut words = common(&Glob::new(a).unwrap(), &Glob::new(b).unwrap()).list;
            for word in &mut words {
                *word = word.replace(FRESH, "~");
            }
            words.sort_unstable();
            words
        };
        assert_eq!(words("ab*", "*ba"), ["aba", "ab~ba"]);
        assert_eq!(words("a*", "b*"), Vec::<String>::new());
        assert_eq!(words("*a*", "*b*"), ["~a~b~", "~b~a~"]);
        assert_eq!(words("x*", "x*y"), ["x~y"]);
        assert_eq!(words("*.md", "read*"), ["read~.md"]);
    }
}
