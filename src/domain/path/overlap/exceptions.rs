//! Many patterns as one tree of segments, followed word by word: what a path taken so far may still become.

use std::collections::HashMap;

use super::globs::Globs;
use super::words::FRESH;
use crate::domain::path::{FieldPart, FieldPath, Pattern, Segment};

/// Patterns that take paths out, built once and asked often. Each has a rank, so that one tree of the lines of a file
/// answers for "all lines after this one".
#[derive(Clone, Debug)]
pub struct Exceptions {
    nodes: Vec<Node>,
    /// The highest rank of each pattern, by its text.
    exact: HashMap<Pattern, u32>,
    /// Does a pattern name the letter that none should?
    pub(super) fresh: bool,
}

#[derive(Clone, Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, u32>,
    globs: Globs,
    any: Option<u32>,
    deep: Option<u32>,
    /// Is it inside `**`, where every word leads back to it?
    loops: bool,
    ends: Vec<(FieldPart, u32)>,
}

/// Exceptions of a rank above this one; 0 for all.
pub(super) type Ranked<'e> = (&'e Exceptions, u32);
/// Where one is in several trees at once.
pub(super) type Places = Vec<(u8, u32)>;

impl Default for Exceptions {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], exact: HashMap::new(), fresh: false }
    }
}

impl<'p> FromIterator<&'p Pattern> for Exceptions {
    fn from_iter<I: IntoIterator<Item = &'p Pattern>>(patterns: I) -> Self {
        let mut all = Self::default();
        for pattern in patterns {
            all.insert(pattern, 1);
        }
        all
    }
}

impl Exceptions {
    /// Adds a pattern under a rank from 1.
    pub(crate) fn insert(&mut self, pattern: &Pattern, rank: u32) {
        let known = self.exact.entry(pattern.clone()).or_default();
        if *known >= rank {
            return;
        }
        *known = rank;
        self.fresh |= pattern.as_str().contains(FRESH);
        let mut at = 0;
        for segment in pattern.segments() {
            at = self.child(at, segment);
        }
        if let Some(node) = self.nodes.get_mut(at as usize) {
            match node.ends.iter_mut().find(|(field, _)| field == pattern.field_part()) {
                Some((_, highest)) => *highest = rank.max(*highest),
                None => node.ends.push((pattern.field_part().clone(), rank)),
            }
        }
    }

    fn child(&mut self, at: u32, segment: &Segment) -> u32 {
        let fresh = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let Some(node) = self.nodes.get_mut(at as usize) else { return at };
        let child = match segment {
            Segment::Literal(text) => *node.literals.entry(text.clone()).or_insert(fresh),
            Segment::Any => *node.any.get_or_insert(fresh),
            Segment::Deep if node.loops => at,
            Segment::Deep => *node.deep.get_or_insert(fresh),
            Segment::Glob(glob) => node.globs.place(glob, fresh),
        };
        if child == fresh {
            self.nodes.push(Node { loops: matches!(segment, Segment::Deep), ..Node::default() });
        }
        child
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty()
    }

    pub(super) fn has_exactly(&self, pattern: &Pattern, above: u32) -> bool {
        self.exact.get(pattern).is_some_and(|rank| *rank > above)
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    fn enter(&self, tree: u8, at: u32, places: &mut Places) {
        places.push((tree, at));
        if let Some(deep) = self.node(at).and_then(|node| node.deep) {
            places.push((tree, deep));
        }
    }
}

impl Node {
    fn takes(&self, field: &str, above: u32) -> bool {
        self.ends.iter().any(|(part, rank)| *rank > above && takes_field(part, field))
    }
}

fn takes_field(part: &FieldPart, field: &str) -> bool {
    match part {
        FieldPart::All => true,
        FieldPart::Whole => field.is_empty(),
        FieldPart::Any => !field.is_empty(),
        FieldPart::Literal(name) => name.as_str() == field,
        FieldPart::Glob(glob) => glob.matches(field),
    }
}

/// The trees, before the first word.
pub(super) fn start(less: &[Ranked<'_>]) -> Places {
    let mut places = Places::new();
    for (tree, (exceptions, _)) in (0..).zip(less) {
        exceptions.enter(tree, 0, &mut places);
    }
    places
}

/// Where one word leads, and what finding out cost.
pub(super) fn step(less: &[Ranked<'_>], places: &Places, word: &str) -> (Places, u64) {
    let (mut reached, mut cost) = (Places::new(), 1);
    for (tree, at) in places {
        let Some((exceptions, _)) = less.get(usize::from(*tree)) else { continue };
        let Some(node) = exceptions.node(*at) else { continue };
        if node.loops {
            reached.push((*tree, *at));
        }
        for child in node.literals.get(word).copied().into_iter().chain(node.any) {
            exceptions.enter(*tree, child, &mut reached);
        }
        cost += 1 + node.globs.matching(word, |child| exceptions.enter(*tree, child, &mut reached));
    }
    reached.sort_unstable();
    reached.dedup();
    (reached, cost)
}

/// Is a path that ends here, on this field, taken out?
pub(super) fn is_taken(less: &[Ranked<'_>], places: &Places, field: &str) -> bool {
    takes(less, places, field, |_| true)
}

/// Is all taken out that follows from here?
pub(super) fn takes_all(less: &[Ranked<'_>], places: &Places, field: &str) -> bool {
    takes(less, places, field, |node| node.loops)
}

fn takes(less: &[Ranked<'_>], places: &Places, field: &str, counts: impl Fn(&Node) -> bool) -> bool {
    places.iter().any(|(tree, at)| {
        less.get(usize::from(*tree)).is_some_and(|(exceptions, above)| {
            exceptions.node(*at).is_some_and(|node| counts(node) && node.takes(field, *above))
        })
    })
}

/// Is the path taken out?
pub(super) fn take_path(less: &[Ranked<'_>], path: &FieldPath) -> bool {
    let end = path.entity.segments().fold(start(less), |places, word| step(less, &places, word).0);
    is_taken(less, &end, path.field.as_str())
}
