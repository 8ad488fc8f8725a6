//! Patterns as automata over `/segment/segment#field`, one character a step. The search over them is the parent's.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use crate::domain::path::{FieldPart, Glob, Pattern, Segment};

/// One step of a pattern's automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Exactly this character.
    Char(char),
    /// Any character of a segment or field.
    One,
    /// Any run of such characters, also none.
    Star,
    /// Before `**`: skipped, or `/` leads into it. The body follows.
    Deep,
    /// Inside `**`: anything up to `#`.
    DeepBody,
}

/// The steps of `/segment/segment#field`.
pub(super) fn steps(pattern: &Pattern) -> Vec<Step> {
    let mut steps = Vec::with_capacity(pattern.as_str().len() + 2);
    for segment in pattern.segments() {
        if matches!(segment, Segment::Deep) {
            steps.extend([Step::Deep, Step::DeepBody]);
            continue;
        }
        steps.push(Step::Char('/'));
        match segment {
            Segment::Literal(text) => steps.extend(text.chars().map(Step::Char)),
            Segment::Any => steps.push(Step::Star),
            Segment::Glob(glob) => glob_steps(glob, &mut steps),
            Segment::Deep => {}
        }
    }
    steps.push(Step::Char('#'));
    match pattern.field_part() {
        FieldPart::All => steps.push(Step::Star),
        FieldPart::Whole => {}
        FieldPart::Any => steps.extend([Step::One, Step::Star]),
        FieldPart::Literal(name) => steps.extend(name.as_str().chars().map(Step::Char)),
        FieldPart::Glob(glob) => glob_steps(glob, &mut steps),
    }
    steps
}

fn glob_steps(glob: &Glob, steps: &mut Vec<Step>) {
    for (i, piece) in glob.pieces().enumerate() {
        if i > 0 {
            steps.push(Step::Star);
        }
        steps.extend(piece.chars().map(Step::Char));
    }
}

/// Where `at` can lead on `c`; calls `to` for each.
pub(super) fn advance(steps: &[Step], at: usize, c: char, to: &mut impl FnMut(usize)) {
    let inner = c != '/' && c != '#';
    match steps.get(at) {
        Some(Step::Char(literal)) if *literal == c => to(at + 1),
        Some(Step::One) if inner => to(at + 1),
        None | Some(Step::Char(_) | Step::One) => {}
        Some(Step::Star) => {
            if inner {
                to(at);
            }
            advance(steps, at + 1, c, to);
        }
        Some(Step::Deep) => {
            if c == '/' {
                to(at + 1);
            }
            advance(steps, at + 2, c, to);
        }
        Some(Step::DeepBody) => {
            if c != '#' {
                to(at);
            }
            advance(steps, at + 1, c, to);
        }
    }
}

/// Only stars may be left over at the end.
pub(super) fn accepts(steps: &[Step], at: usize) -> bool {
    steps.get(at..).is_some_and(|rest| rest.iter().all(|step| *step == Step::Star))
}

/// What of a path's shape has been seen; keeps the example a valid path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// Nothing yet: a `/` must come.
    Start,
    /// Just after `/`.
    Empty,
    /// The segment is `.`.
    Dot,
    /// The segment is `..`.
    DotDot,
    /// The segment began with `{` and doesn't end with `}`.
    Brace,
    /// The segment began with `{` and ends with `}`.
    Braced,
    /// The segment is good, whatever follows.
    Good,
    /// In the field.
    Field,
}

impl Shape {
    pub(super) fn next(self, c: char) -> Option<Self> {
        match (self, c) {
            (Self::Start | Self::Good | Self::Brace, '/') => Some(Self::Empty),
            (Self::Good | Self::Brace, '#') => Some(Self::Field),
            (Self::Start, _) | (_, '/' | '#') => None,
            (Self::Empty, '.') => Some(Self::Dot),
            (Self::Dot, '.') => Some(Self::DotDot),
            (Self::Brace | Self::Braced, '}') => Some(Self::Braced),
            (Self::Empty, '{') | (Self::Brace | Self::Braced, _) => Some(Self::Brace),
            (Self::Empty | Self::Dot | Self::DotDot | Self::Good, _) => Some(Self::Good),
            (Self::Field, _) => Some(Self::Field),
        }
    }
}

/// The exceptions, as one automaton made deterministic where the search goes.
pub(super) struct Exceptions {
    pub(super) steps: Vec<Vec<Step>>,
    sets: Vec<Vec<(u32, u32)>>,
    ids: HashMap<Vec<(u32, u32)>, u32>,
    moves: HashMap<(u32, char), u32>,
}

impl Exceptions {
    pub(super) fn new(patterns: &[&Pattern]) -> Self {
        let steps: Vec<Vec<Step>> = patterns.iter().map(|pattern| steps(pattern)).collect();
        let start: Vec<(u32, u32)> = (0..).zip(&steps).map(|(i, _)| (i, 0)).collect();
        Self { steps, ids: HashMap::from([(start.clone(), 0)]), sets: vec![start], moves: HashMap::new() }
    }

    fn set(&self, id: u32) -> &[(u32, u32)] {
        self.sets.get(id as usize).map_or(&[], Vec::as_slice)
    }

    pub(super) fn next(&mut self, id: u32, c: char) -> u32 {
        if let Some(known) = self.moves.get(&(id, c)) {
            return *known;
        }
        let mut reached = BTreeSet::new();
        for (pattern, at) in self.set(id) {
            if let Some(steps) = self.steps.get(*pattern as usize) {
                advance(steps, *at as usize, c, &mut |to| {
                    reached.insert((*pattern, u32::try_from(to).unwrap_or(u32::MAX)));
                });
            }
        }
        let set = self.prune(&reached);
        let fresh = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let next = match self.ids.entry(set) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                self.sets.push(entry.key().clone());
                *entry.insert(fresh)
            }
        };
        self.moves.insert((id, c), next);
        next
    }

    /// A star accepts all that an earlier step of the same segment would; a `**` all that any earlier step would.
    fn prune(&self, reached: &BTreeSet<(u32, u32)>) -> Vec<(u32, u32)> {
        let mut kept: Vec<(u32, u32)> = Vec::with_capacity(reached.len());
        for (pattern, at) in reached {
            let steps = self.steps.get(*pattern as usize).map_or(&[][..], Vec::as_slice);
            let barrier: &[Step] = match steps.get(*at as usize) {
                Some(Step::Star) => &[Step::Char('/'), Step::Char('#'), Step::Deep, Step::DeepBody],
                Some(Step::DeepBody) => &[Step::Char('#')],
                None | Some(Step::Char(_) | Step::One | Step::Deep) => {
                    kept.push((*pattern, *at));
                    continue;
                }
            };
            kept.retain(|(other, earlier)| {
                let between = steps.get(*earlier as usize..*at as usize).unwrap_or_default();
                other != pattern || between.iter().any(|step| barrier.contains(step))
            });
            kept.push((*pattern, *at));
        }
        kept
    }

    pub(super) fn accepts(&self, id: u32) -> bool {
        let steps = |pattern: u32| self.steps.get(pattern as usize).map_or(&[][..], Vec::as_slice);
        self.set(id).iter().any(|(pattern, at)| accepts(steps(*pattern), *at as usize))
    }
}
