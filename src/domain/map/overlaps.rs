//! Which grants could meet a pattern: a coarse, fast look that leaves the exact answer to `path::overlap`.

use std::collections::HashMap;

use super::authority::scratch;
use super::model::{Agent, Model};
use crate::domain::path::{FieldName, FieldPart, Pattern, Segment, overlap};

/// One grant: the agent's place in the model, and the pattern's place in its `writes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Grant {
    pub(crate) agent: usize,
    pub(crate) item: usize,
}

impl Grant {
    pub(crate) fn find(self, model: &Model) -> Option<(&Agent, &Pattern)> {
        let agent = model.agents.get(self.agent)?;
        Some((agent, agent.writes.get(self.item)?))
    }
}

/// Grants by field, then by segment: a look-up sees neither other fields nor other branches.
#[derive(Default)]
pub(crate) struct GrantIndex {
    named: HashMap<FieldName, Node>,
    other: Node,
    all: Node,
}

#[derive(Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    wild: Vec<(Segment, Node)>,
    grants: Vec<Grant>,
}

impl GrantIndex {
    pub(crate) fn of(model: &Model) -> Self {
        let mut index = Self::default();
        for (at, agent) in model.agents.iter().enumerate() {
            for (item, pattern) in agent.writes.iter().enumerate() {
                index.insert(pattern, Grant { agent: at, item });
            }
        }
        index
    }

    pub(crate) fn insert(&mut self, pattern: &Pattern, grant: Grant) {
        let tree = match pattern.field_part() {
            FieldPart::Literal(name) => self.named.entry(name.clone()).or_default(),
            FieldPart::All | FieldPart::Whole | FieldPart::Any | FieldPart::Glob(_) => &mut self.other,
        };
        tree.insert(pattern.segments(), grant);
        self.all.insert(pattern.segments(), grant);
    }

    /// Calls `found` for every grant that may meet the pattern, and possibly for some that don't, or twice.
    pub(crate) fn near(&self, pattern: &Pattern, found: &mut impl FnMut(Grant)) {
        match pattern.field_part() {
            FieldPart::Literal(name) => {
                if let Some(tree) = self.named.get(name) {
                    tree.near(pattern.segments(), found);
                }
                self.other.near(pattern.segments(), found);
            }
            FieldPart::All | FieldPart::Whole | FieldPart::Any | FieldPart::Glob(_) => {
                self.all.near(pattern.segments(), found);
            }
        }
    }
}

impl Node {
    fn insert(&mut self, segments: &[Segment], grant: Grant) {
        let Some((segment, rest)) = segments.split_first() else {
            self.grants.push(grant);
            return;
        };
        if let Segment::Literal(text) = segment {
            self.literals.entry(text.clone()).or_default().insert(rest, grant);
            return;
        }
        if let Some((_, node)) = self.wild.iter_mut().find(|(known, _)| known == segment) {
            node.insert(rest, grant);
            return;
        }
        let mut node = Self::default();
        node.insert(rest, grant);
        self.wild.push((segment.clone(), node));
    }

    fn near(&self, segments: &[Segment], found: &mut impl FnMut(Grant)) {
        if segments.iter().all(|segment| matches!(segment, Segment::Deep)) {
            self.grants.iter().copied().for_each(&mut *found);
        }
        for (segment, node) in &self.wild {
            if matches!(segment, Segment::Deep) {
                for skipped in 0..=segments.len() {
                    node.near(segments.get(skipped..).unwrap_or_default(), found);
                }
            }
        }
        let Some((segment, rest)) = segments.split_first() else { return };
        let follow = match segment {
            Segment::Deep => {
                self.near(rest, found);
                segments
            }
            Segment::Literal(_) | Segment::Any | Segment::Glob(_) => rest,
        };
        match segment {
            Segment::Literal(text) => {
                if let Some(node) = self.literals.get(text) {
                    node.near(follow, found);
                }
            }
            Segment::Any | Segment::Deep | Segment::Glob(_) => {
                let fits = |text: &str| matches!(segment, Segment::Deep) || segment.matches(text);
                self.literals
                    .iter()
                    .filter(|(text, _)| fits(text))
                    .for_each(|(_, node)| node.near(follow, found));
            }
        }
        for (wild, node) in &self.wild {
            let fits = match (wild, segment) {
                (Segment::Deep, _) => false,
                (_, Segment::Literal(text)) => wild.matches(text),
                (_, Segment::Any | Segment::Deep | Segment::Glob(_)) => true,
            };
            if fits {
                node.near(follow, found);
            }
        }
    }
}

/// Fields that several agents may write: `append` and `sequenced` ones, and everybody's scratch.
///
/// The first `[[field]]` that fits a field says its kind, so a rule that an earlier one of another kind reaches into is
/// left out whole: that errs towards calling two writers a conflict.
pub(crate) fn shared_fields(model: &Model) -> Vec<Pattern> {
    let mut shared = vec![scratch()];
    for (at, rule) in model.fields.iter().enumerate() {
        let mut earlier =
            model.fields.iter().take(at).filter(|earlier| !earlier.kind.takes_several_writers());
        if rule.kind.takes_several_writers()
            && !earlier.any(|earlier| overlap(&earlier.path, &[], &rule.path, &[]).is_some())
        {
            shared.push(rule.path.clone());
        }
    }
    shared
}
