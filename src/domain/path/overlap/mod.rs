//! Do two patterns, less their exceptions, meet? Decided exactly, with the shortest path that both match.
//!
//! Each pattern is a small automaton over the text `/segment/segment#field`. The two patterns run side by side with
//! the exceptions of both (made deterministic as far as they are reached) and with what makes a path valid; the
//! search goes over character classes, shortest path first.

mod automaton;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashSet};

use automaton::{Exceptions, Shape, Step, accepts, advance, steps};

use crate::domain::path::entity::{MAX_ENTITY_BYTES, MAX_FIELD_BYTES};
use crate::domain::path::{EntityPath, FieldName, FieldPart, FieldPath, Pattern, Segment};

/// How many states one search may visit while it minds exceptions. Beyond it the exceptions are left out, so that the
/// answer errs towards "they meet": such a map is refused, never wrongly accepted. Two patterns alone stay below it.
pub const MAX_PRODUCT_STATES: usize = 1 << 18;

/// A path that both patterns match and that neither's exceptions take out; `None` if there is none.
///
/// Exact, unless more than [`MAX_PRODUCT_STATES`] states would be needed, which takes adversarial exceptions; then
/// the exceptions are left out and the example may be one of theirs.
pub fn overlap(a: &Pattern, a_except: &[Pattern], b: &Pattern, b_except: &[Pattern]) -> Option<FieldPath> {
    meet(a, b, a_except.iter().chain(b_except))
}

/// A path that the pattern matches and none of the exceptions does; `None` if they take everything out.
pub fn example_outside<'a>(
    pattern: &Pattern,
    except: impl IntoIterator<Item = &'a Pattern>,
) -> Option<FieldPath> {
    meet(pattern, &Pattern::everything(), except)
}

/// Do `grants` less `except` cover all of `pattern` less `less`?
pub fn covers(grants: &[Pattern], except: &[Pattern], pattern: &Pattern, less: &[Pattern]) -> bool {
    let witness = pattern.sample();
    let taken = |path: &FieldPath| grants.iter().chain(less).any(|other| other.matches_path(path));
    if witness.is_some_and(|path| !taken(&path)) {
        return false;
    }
    example_outside(pattern, grants.iter().chain(less)).is_none()
        && except.iter().all(|taken| overlap(pattern, less, taken, &[]).is_none())
}

fn meet<'a>(a: &Pattern, b: &Pattern, except: impl IntoIterator<Item = &'a Pattern>) -> Option<FieldPath> {
    if !heads_agree(a, b) {
        return None;
    }
    let mut left = Vec::new();
    for taken in except {
        // Nothing is left of a pattern less itself, however many exceptions there are beside.
        if taken == a || taken == b {
            return None;
        }
        if heads_agree(a, taken) && heads_agree(b, taken) {
            left.push(taken);
        }
    }
    let except = left;
    let found = match search(a, b, &except, Order::Total) {
        Search::Bounded => search(a, b, &except, Order::FieldFirst),
        found @ (Search::Found(_) | Search::Nothing | Search::TooLarge) => found,
    };
    match found {
        Search::Found(path) => Some(path),
        Search::Nothing | Search::Bounded => None,
        Search::TooLarge => match search(a, b, &[], Order::Total) {
            Search::Found(path) => Some(path),
            Search::Nothing | Search::Bounded | Search::TooLarge => None,
        },
    }
}

/// A cheap look that settles most pairs: leading segments and literal fields that can't be the same.
fn heads_agree(a: &Pattern, b: &Pattern) -> bool {
    let fields = match (a.field_part(), b.field_part()) {
        (FieldPart::Literal(name), other) | (other, FieldPart::Literal(name)) => other.matches(name),
        (FieldPart::Whole, other) | (other, FieldPart::Whole) => other.matches(&FieldName::whole()),
        (
            FieldPart::All | FieldPart::Any | FieldPart::Glob(_),
            FieldPart::All | FieldPart::Any | FieldPart::Glob(_),
        ) => true,
    };
    fields && segments_agree(a.segments(), b.segments())
}

fn segments_agree(a: &[Segment], b: &[Segment]) -> bool {
    let mut pairs = a.iter().zip(b);
    let undecided = pairs.find_map(|(x, y)| match (x, y) {
        (Segment::Deep, _) | (_, Segment::Deep) => Some(true),
        (Segment::Literal(text), other) | (other, Segment::Literal(text)) => {
            (!other.matches(text)).then_some(false)
        }
        (Segment::Any | Segment::Glob(_), Segment::Any | Segment::Glob(_)) => None,
    });
    undecided.unwrap_or_else(|| {
        let longer = if a.len() > b.len() { a.get(b.len()..) } else { b.get(a.len()..) };
        longer.unwrap_or_default().iter().all(|segment| matches!(segment, Segment::Deep))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Shortest path first.
    Total,
    /// Shortest field first, then the shortest entity: never lets one bound hide what the other would allow.
    FieldFirst,
}

enum Search {
    Found(FieldPath),
    Nothing,
    /// Nothing found, but a field grew past its bound on the way.
    Bounded,
    TooLarge,
}

type Node = (usize, usize, u32, Shape);

/// One visited state: how it was reached.
#[derive(Clone, Copy)]
struct Visit {
    node: Node,
    from: usize,
    by: char,
    entity_bytes: usize,
    field_bytes: usize,
}

/// One search, cheapest state first.
struct Walk {
    a: Vec<Step>,
    b: Vec<Step>,
    exceptions: Exceptions,
    order: Order,
    visits: Vec<Visit>,
    seen: HashSet<Node>,
    waiting: BinaryHeap<Reverse<(usize, usize, usize)>>,
    field_too_long: bool,
}

fn search(a: &Pattern, b: &Pattern, except: &[&Pattern], order: Order) -> Search {
    let mut walk = Walk {
        a: steps(a),
        b: steps(b),
        exceptions: Exceptions::new(except),
        order,
        visits: Vec::new(),
        seen: HashSet::new(),
        waiting: BinaryHeap::new(),
        field_too_long: false,
    };
    let alphabet = alphabet(&walk.a, &walk.b, &walk.exceptions.steps);
    walk.push(Visit {
        node: (0, 0, 0, Shape::Start),
        from: usize::MAX,
        by: '/',
        entity_bytes: 0,
        field_bytes: 0,
    });
    while let Some(Reverse((_, _, index))) = walk.waiting.pop() {
        let Some(visit) = walk.visits.get(index).copied() else { continue };
        if !walk.seen.insert(visit.node) {
            continue;
        }
        if !except.is_empty() && walk.visits.len() > MAX_PRODUCT_STATES {
            return Search::TooLarge;
        }
        if walk.is_end(visit.node) {
            return spell(&walk.visits, index).map_or(Search::Nothing, Search::Found);
        }
        for c in &alphabet {
            walk.follow(visit, index, *c);
        }
    }
    if walk.field_too_long && order == Order::Total { Search::Bounded } else { Search::Nothing }
}

impl Walk {
    fn push(&mut self, visit: Visit) {
        let (first, then) = match self.order {
            Order::Total => (visit.entity_bytes + visit.field_bytes, 0),
            Order::FieldFirst => (visit.field_bytes, visit.entity_bytes),
        };
        self.waiting.push(Reverse((first, then, self.visits.len())));
        self.visits.push(visit);
    }

    fn is_end(&self, (at_a, at_b, taken, shape): Node) -> bool {
        shape == Shape::Field
            && accepts(&self.a, at_a)
            && accepts(&self.b, at_b)
            && !self.exceptions.accepts(taken)
    }

    fn follow(&mut self, visit: Visit, from: usize, c: char) {
        let (at_a, at_b, taken, before) = visit.node;
        let Some(shape) = before.next(c) else { return };
        let mut targets = Vec::new();
        advance(&self.a, at_a, c, &mut |to_a| {
            advance(&self.b, at_b, c, &mut |to_b| targets.push((to_a, to_b)));
        });
        if targets.is_empty() {
            return;
        }
        let (mut entity_bytes, mut field_bytes) = (visit.entity_bytes, visit.field_bytes);
        if before == Shape::Field {
            field_bytes += c.len_utf8();
        } else if before != Shape::Start && c != '#' {
            entity_bytes += c.len_utf8();
        }
        self.field_too_long |= field_bytes > MAX_FIELD_BYTES;
        if entity_bytes > MAX_ENTITY_BYTES || field_bytes > MAX_FIELD_BYTES {
            return;
        }
        let taken = self.exceptions.next(taken, c);
        for (to_a, to_b) in targets {
            let node = (to_a, to_b, taken, shape);
            if !self.seen.contains(&node) {
                self.push(Visit { node, from, by: c, entity_bytes, field_bytes });
            }
        }
    }
}

/// One character for every class that the patterns tell apart, the one that none of them names first.
fn alphabet(a: &[Step], b: &[Step], except: &[Vec<Step>]) -> Vec<char> {
    let named: BTreeSet<char> = a
        .iter()
        .chain(b)
        .chain(except.iter().flatten())
        .filter_map(|step| match step {
            Step::Char(c) => Some(*c),
            Step::One | Step::Star | Step::Deep | Step::DeepBody => None,
        })
        .chain(['/', '#'])
        .collect();
    let other = ('a'..='z')
        .chain('A'..='Z')
        .chain('0'..='9')
        .chain('\u{3b1}'..='\u{fff}')
        .find(|c| !named.contains(c) && c.is_alphanumeric());
    other.into_iter().chain(named.iter().copied()).collect()
}

fn spell(visits: &[Visit], last: usize) -> Option<FieldPath> {
    let mut text = Vec::new();
    let mut at = last;
    while let Some(visit) = visits.get(at).filter(|visit| visit.from != usize::MAX) {
        text.push(visit.by);
        at = visit.from;
    }
    let text: String = text.into_iter().rev().collect();
    let (entity, field) = text.strip_prefix('/')?.split_once('#')?;
    Some(FieldPath::new(entity.parse::<EntityPath>().ok()?, field.parse().ok()?))
}

#[cfg(test)]
mod tests;
