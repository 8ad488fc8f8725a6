//! A tree of patterns that finds those that match a path without looking at the others.

use std::collections::{HashMap, HashSet};

use crate::domain::path::{EntityPath, FieldName, FieldPart, Glob, Pattern, Segment};

/// Patterns with something attached, by segment. Its depth is a path's; literal segments are one hash look-up.
#[derive(Clone, Debug)]
pub(crate) struct PatternIndex<T> {
    root: Node<T>,
    /// Has a pattern more than one `**`?
    several_deep: bool,
}

#[derive(Clone, Debug)]
struct Node<T> {
    literals: HashMap<Box<str>, Node<T>>,
    globs: Vec<(Glob, Node<T>)>,
    any: Option<Box<Node<T>>>,
    deep: Option<Box<Node<T>>>,
    ends: Ends<T>,
}

/// What ends at a node, by what it says about fields.
#[derive(Clone, Debug)]
struct Ends<T> {
    all: Vec<T>,
    whole: Vec<T>,
    any: Vec<T>,
    literals: HashMap<FieldName, Vec<T>>,
    globs: Vec<(Glob, T)>,
}

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self { root: Node::new(), several_deep: false }
    }
}

impl<T> PatternIndex<T> {
    /// Adds a pattern.
    pub(crate) fn insert(&mut self, pattern: &Pattern, item: T) {
        let deep = pattern.segments().iter().filter(|segment| matches!(segment, Segment::Deep));
        self.several_deep |= deep.count() > 1;
        let mut node = &mut self.root;
        for segment in pattern.segments() {
            node = node.child(segment);
        }
        let ends = &mut node.ends;
        match pattern.field_part() {
            FieldPart::All => ends.all.push(item),
            FieldPart::Whole => ends.whole.push(item),
            FieldPart::Any => ends.any.push(item),
            FieldPart::Literal(name) => ends.literals.entry(name.clone()).or_default().push(item),
            FieldPart::Glob(glob) => ends.globs.push((glob.clone(), item)),
        }
    }

    /// Calls `found` for each pattern that matches; one with `**` may be found more than once.
    pub(crate) fn visit<'a>(&'a self, entity: &EntityPath, field: &FieldName, found: &mut impl FnMut(&'a T)) {
        let mut seen = Visited { needed: self.several_deep, ..Visited::default() };
        self.root.visit(Some(entity.as_str()), field, &mut seen, found);
    }
}

/// Which nodes were followed with which rest of the path (its length), once patterns with several `**` are about: those
/// reach a node in very many ways, and one is enough.
#[derive(Default)]
struct Visited {
    needed: bool,
    pairs: HashSet<(usize, usize)>,
}

impl Visited {
    /// Is it the first time?
    fn first<T>(&mut self, node: &Node<T>, rest: Option<&str>) -> bool {
        let rest = rest.map_or(0, |text| text.len() + 1);
        !self.needed || self.pairs.insert((std::ptr::from_ref(node).addr(), rest))
    }
}

impl<T> Node<T> {
    fn new() -> Self {
        let ends = Ends { all: vec![], whole: vec![], any: vec![], literals: HashMap::new(), globs: vec![] };
        Self { literals: HashMap::new(), globs: Vec::new(), any: None, deep: None, ends }
    }

    fn child(&mut self, segment: &Segment) -> &mut Self {
        match segment {
            Segment::Literal(text) => self.literals.entry(text.clone()).or_insert_with(Self::new),
            Segment::Any => self.any.get_or_insert_with(|| Box::new(Self::new())),
            Segment::Deep => self.deep.get_or_insert_with(|| Box::new(Self::new())),
            Segment::Glob(glob) => {
                let known = self.globs.iter().position(|(known, _)| known == glob);
                let at = known.unwrap_or(self.globs.len());
                if known.is_none() {
                    self.globs.push((glob.clone(), Self::new()));
                }
                #[expect(clippy::indexing_slicing, reason = "`at` was just found or pushed")]
                &mut self.globs[at].1
            }
        }
    }

    fn visit<'a>(
        &'a self,
        rest: Option<&str>,
        field: &FieldName,
        seen: &mut Visited,
        found: &mut impl FnMut(&'a T),
    ) {
        if let Some(deep) = &self.deep {
            let mut rest = rest;
            // Whoever was here with this rest went on with all that follow from it.
            while seen.first(deep, rest) {
                deep.visit(rest, field, seen, found);
                let Some(text) = rest else { break };
                rest = text.split_once('/').map(|(_, tail)| tail);
            }
        }
        let Some(text) = rest else {
            self.ends.visit(field, found);
            return;
        };
        let (head, rest) = text.split_once('/').map_or((text, None), |(head, rest)| (head, Some(rest)));
        if let Some(node) = self.literals.get(head) {
            node.visit(rest, field, seen, found);
        }
        if let Some(node) = &self.any {
            node.visit(rest, field, seen, found);
        }
        for (glob, node) in &self.globs {
            if glob.matches(head) {
                node.visit(rest, field, seen, found);
            }
        }
    }
}

impl<T> Ends<T> {
    fn visit<'a>(&'a self, field: &FieldName, found: &mut impl FnMut(&'a T)) {
        self.all.iter().for_each(&mut *found);
        if field.is_whole() {
            self.whole.iter().for_each(&mut *found);
            return;
        }
        self.any.iter().for_each(&mut *found);
        if let Some(items) = self.literals.get(field) {
            items.iter().for_each(&mut *found);
        }
        self.globs.iter().filter(|(glob, _)| glob.matches(field.as_str())).for_each(|(_, item)| found(item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_deep_segments_do_not_multiply() {
        let mut index = PatternIndex::default();
        let pattern: Pattern = format!("{}x", "**/a/".repeat(60)).parse().unwrap();
        index.insert(&pattern, 7);
        index.insert(&"**/a/**".parse().unwrap(), 8);
        let mut found = HashSet::new();
        let long: EntityPath = format!("{}a", "a/".repeat(250)).parse().unwrap();
        index.visit(&long, &FieldName::whole(), &mut |item| {
            found.insert(*item);
        });
        assert_eq!(found, HashSet::from([8]));
        let long: EntityPath = format!("{}x", "a/".repeat(250)).parse().unwrap();
        index.visit(&long, &FieldName::whole(), &mut |item| {
            found.insert(*item);
        });
        assert_eq!(found, HashSet::from([7, 8]));
    }
}
