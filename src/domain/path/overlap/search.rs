//! The search for a path that two patterns match and no exception takes out, word by word, shortest first.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::exceptions::{Places, Ranked, is_taken, start, step, take_path, takes_all};
use super::words::{FRESH, Words, of_fields, of_segment, of_segments};
use super::{Meeting, Work};
use crate::domain::path::entity::{MAX_ENTITY_BYTES, MAX_FIELD_BYTES};
use crate::domain::path::{FieldPath, Pattern, Segment};

/// How far one is in either pattern, and where in the exceptions.
type Node = (usize, usize, u32);

/// One visited state: how it was reached, and the fewest bytes that lead to it.
struct Visit {
    node: Node,
    from: Option<usize>,
    by: String,
    least: usize,
}

pub(super) struct Search<'q> {
    a: &'q Pattern,
    b: &'q Pattern,
    less: &'q [Ranked<'q>],
    field: &'q str,
    work: &'q mut Work,
    sets: Vec<Places>,
    ids: HashMap<Places, u32>,
    common: HashMap<(usize, usize), Words>,
    visits: Vec<Visit>,
    seen: HashSet<Node>,
    waiting: BinaryHeap<Reverse<(usize, usize)>>,
    /// Was something left out on the way?
    cut: bool,
}

/// Looks for a path; `show` makes something of the state in which it ends, unless no path is short enough there.
pub(super) fn find<P>(
    a: &Pattern,
    b: &Pattern,
    less: &[Ranked<'_>],
    work: &mut Work,
    show: impl Fn(&Search<'_>, usize) -> Option<P>,
) -> Meeting<P> {
    let named = |pattern: &Pattern| pattern.as_str().contains(FRESH);
    if work.is_spent() || named(a) || named(b) || less.iter().any(|(exceptions, _)| exceptions.fresh) {
        return Meeting::Undecided;
    }
    let fields = of_fields(a.field_part(), b.field_part());
    let mut undecided = fields.cut;
    for field in &fields.list {
        match Search::new(a, b, less, field, work).run(&show) {
            Meeting::Apart => {}
            Meeting::Undecided => undecided = true,
            found @ Meeting::At(_) => return found,
        }
    }
    if undecided { Meeting::Undecided } else { Meeting::Apart }
}

/// What ends here as a path that can be read.
pub(super) fn spelled(search: &Search<'_>, last: usize) -> Option<FieldPath> {
    search.spell(last)
}

/// That a path ends here.
pub(super) fn is_short(search: &Search<'_>, last: usize) -> Option<()> {
    search.is_short(last)
}

fn least(word: &str) -> usize {
    let fresh = word.chars().filter(|c| *c == FRESH).count();
    (word.len() - fresh * FRESH.len_utf8()).max(1)
}

impl<'q> Search<'q> {
    fn new(
        a: &'q Pattern,
        b: &'q Pattern,
        less: &'q [Ranked<'q>],
        field: &'q str,
        work: &'q mut Work,
    ) -> Self {
        let places = start(less);
        Self {
            a,
            b,
            less,
            field,
            work,
            ids: HashMap::from([(places.clone(), 0)]),
            sets: vec![places],
            common: HashMap::new(),
            visits: Vec::new(),
            seen: HashSet::new(),
            waiting: BinaryHeap::new(),
            cut: false,
        }
    }

    fn run<P>(mut self, show: &impl Fn(&Self, usize) -> Option<P>) -> Meeting<P> {
        if !self.field.is_empty() && least(self.field) > MAX_FIELD_BYTES {
            return Meeting::Apart;
        }
        self.push(Visit { node: (0, 0, 0), from: None, by: String::new(), least: 0 });
        while let Some(Reverse((_, index))) = self.waiting.pop() {
            let Some(node) = self.visits.get(index).map(|visit| visit.node) else { continue };
            if !self.seen.insert(node) {
                continue;
            }
            if self.is_end(node) {
                if let Some(path) = show(&self, index) {
                    return Meeting::At(path);
                }
                self.cut = true;
            }
            if !self.follow(index) {
                return Meeting::Undecided;
            }
        }
        if self.cut { Meeting::Undecided } else { Meeting::Apart }
    }

    fn push(&mut self, visit: Visit) {
        self.waiting.push(Reverse((visit.least, self.visits.len())));
        self.visits.push(visit);
    }

    fn set(&self, id: u32) -> Places {
        self.sets.get(id as usize).cloned().unwrap_or_default()
    }

    fn is_end(&self, (at_a, at_b, set): Node) -> bool {
        let done = |pattern: &Pattern, at: usize| {
            pattern
                .segments()
                .get(at..)
                .is_some_and(|rest| rest.iter().all(|one| matches!(one, Segment::Deep)))
        };
        let begun = self.visits.len() > 1;
        begun
            && done(self.a, at_a)
            && done(self.b, at_b)
            && self.sets.get(set as usize).is_some_and(|places| !is_taken(self.less, places, self.field))
    }

    /// Goes on from a state by every word; false once the work is spent.
    fn follow(&mut self, index: usize) -> bool {
        let Some(Visit { node: (at_a, at_b, set), least: so_far, .. }) = self.visits.get(index) else {
            return true;
        };
        let (at_a, at_b, set, so_far) = (*at_a, *at_b, *set, *so_far);
        let places = self.set(set);
        for to_a in reach(self.a.segments(), at_a) {
            for to_b in reach(self.b.segments(), at_b) {
                let (Some(x), Some(y)) = (self.a.segments().get(to_a), self.b.segments().get(to_b)) else {
                    continue;
                };
                let (stay_a, stay_b) = (matches!(x, Segment::Deep), matches!(y, Segment::Deep));
                let words = match (stay_a, stay_b) {
                    (true, _) => Words { list: vec![of_segment(y)], cut: false },
                    (false, true) => Words { list: vec![of_segment(x)], cut: false },
                    (false, false) => self.words(to_a, to_b, x, y),
                };
                self.cut |= words.cut;
                let next = (to_a + usize::from(!stay_a), to_b + usize::from(!stay_b));
                for word in words.list {
                    let bytes = so_far + usize::from(so_far > 0) + least(&word);
                    if bytes > MAX_ENTITY_BYTES || !is_name(&word) {
                        continue;
                    }
                    let (reached, cost) = step(self.less, &places, &word);
                    if !self.work.spend(cost) {
                        return false;
                    }
                    if takes_all(self.less, &reached, self.field) {
                        continue;
                    }
                    let node = (next.0, next.1, self.id(reached));
                    if !self.seen.contains(&node) {
                        self.push(Visit { node, from: Some(index), by: word, least: bytes });
                    }
                }
            }
        }
        true
    }

    fn words(&mut self, at_a: usize, at_b: usize, a: &Segment, b: &Segment) -> Words {
        self.common.entry((at_a, at_b)).or_insert_with(|| of_segments(a, b)).clone()
    }

    fn id(&mut self, places: Places) -> u32 {
        let fresh = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        match self.ids.entry(places) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                self.sets.push(entry.key().clone());
                *entry.insert(fresh)
            }
        }
    }

    /// Is the path that led here one, whatever stands in its stars?
    fn is_short(&self, last: usize) -> Option<()> {
        let (entity, field) = (self.words_to(last).join("/"), self.field);
        let is_short = entity.len() <= MAX_ENTITY_BYTES && field.len() <= MAX_FIELD_BYTES;
        if is_short { Some(()) } else { self.spell(last).map(|_| ()) }
    }

    /// The path that led here, as short and plain as leaves it one that both match and nothing takes out.
    fn spell(&self, last: usize) -> Option<FieldPath> {
        let text = format!("{}#{}", self.words_to(last).join("/"), self.field);
        let fits = |path: &FieldPath| self.fits(path);
        shorter(&text, self.letter(), fits).or_else(|| shorter(&text, FRESH, fits))
    }

    fn words_to(&self, last: usize) -> Vec<&str> {
        let mut words = Vec::new();
        let mut at = self.visits.get(last);
        while let Some(visit) = at {
            if let Some(from) = visit.from {
                words.push(visit.by.as_str());
                at = self.visits.get(from);
            } else {
                at = None;
            }
        }
        words.reverse();
        words
    }

    /// The first letter that neither pattern names.
    fn letter(&self) -> char {
        let named = |c: &char| self.a.as_str().contains(*c) || self.b.as_str().contains(*c);
        ('a'..='z').chain('A'..='Z').chain('0'..='9').find(|c| !named(c)).unwrap_or(FRESH)
    }

    fn fits(&self, path: &FieldPath) -> bool {
        self.a.matches_path(path) && self.b.matches_path(path) && !take_path(self.less, path)
    }
}

/// The places that one is at together with this one: past every `**` too.
fn reach(segments: &[Segment], at: usize) -> impl Iterator<Item = usize> + '_ {
    let deep = segments.get(at..).unwrap_or_default().iter();
    let skipped = deep.take_while(|segment| matches!(segment, Segment::Deep)).count();
    at..=at + skipped
}

/// Can a path have a segment of this kind?
pub(super) fn is_name(word: &str) -> bool {
    !(word.is_empty() || word == "." || word == ".." || word.starts_with('{') && word.ends_with('}'))
}

/// The text with the letter in place of the fresh one, each left out where the path stays good without it.
fn shorter(text: &str, letter: char, fits: impl Fn(&FieldPath) -> bool) -> Option<FieldPath> {
    let read = |text: &str| {
        let (entity, field) = text.split_once('#')?;
        let path = FieldPath::new(entity.parse().ok()?, field.parse().ok()?);
        fits(&path).then_some(path)
    };
    let fill = |text: &str| text.replace(FRESH, &letter.to_string());
    let mut text = text.to_owned();
    let mut found = read(&fill(&text));
    let stars: Vec<usize> = text.match_indices(FRESH).map(|(at, _)| at).collect();
    for at in stars.into_iter().rev() {
        let mut less = text.clone();
        less.replace_range(at..at + FRESH.len_utf8(), "");
        if let Some(path) = read(&fill(&less)) {
            (text, found) = (less, Some(path));
        } else if found.is_none() && fill(&text).len() > MAX_ENTITY_BYTES {
            text = less;
            found = read(&fill(&text));
        }
    }
    found
}
