//! Which grants could meet a pattern: a coarse, fast look that leaves the exact answer to `path::overlap`.

use std::collections::{HashMap, HashSet};

use super::authority::scratch;
use super::model::{Agent, Model};
use crate::domain::path::{Exceptions, FieldName, FieldPart, Pattern, Segment, overlap};

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

    /// Calls `found` for every grant that may meet the pattern, and possibly for some that don't, or twice; says how many
    /// places it looked at.
    pub(crate) fn near(&self, pattern: &Pattern, found: &mut impl FnMut(Grant)) -> u64 {
        let mut seen = HashSet::new();
        match pattern.field_part() {
            FieldPart::Literal(name) => {
                if let Some(tree) = self.named.get(name) {
                    tree.near(pattern.segments(), &mut seen, found);
                }
                self.other.near(pattern.segments(), &mut seen, found);
            }
            FieldPart::All | FieldPart::Whole | FieldPart::Any | FieldPart::Glob(_) => {
                self.all.near(pattern.segments(), &mut seen, found);
            }
        }
        seen.len() as u64
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

    /// `seen`: each node is followed once for each rest of the pattern (its length), since `**` on both sides reaches it
    /// in very many ways.
    fn near(&self, segments: &[Segment], seen: &mut HashSet<(usize, usize)>, found: &mut impl FnMut(Grant)) {
        if !seen.insert((std::ptr::from_ref(self).addr(), segments.len())) {
            return;
        }
        if segments.iter().all(|segment| matches!(segment, Segment::Deep)) {
            self.grants.iter().copied().for_each(&mut *found);
        }
        for (segment, node) in &self.wild {
            if matches!(segment, Segment::Deep) {
                for skipped in 0..=segments.len() {
                    node.near(segments.get(skipped..).unwrap_or_default(), seen, found);
                }
            }
        }
        let Some((segment, rest)) = segments.split_first() else { return };
        let follow = match segment {
            Segment::Deep => {
                self.near(rest, seen, found);
                segments
            }
            Segment::Literal(_) | Segment::Any | Segment::Glob(_) => rest,
        };
        match segment {
            Segment::Literal(text) => {
                if let Some(node) = self.literals.get(text) {
                    node.near(follow, seen, found);
                }
            }
            Segment::Any | Segment::Deep | Segment::Glob(_) => {
                let fits = |text: &str| matches!(segment, Segment::Deep) || segment.matches(text);
                self.literals
                    .iter()
                    .filter(|(text, _)| fits(text))
                    .for_each(|(_, node)| node.near(follow, seen, found));
            }
        }
        for (wild, node) in &self.wild {
            let fits = match (wild, segment) {
                (Segment::Deep, _) => false,
                (_, Segment::Literal(text)) => wild.matches(text),
                (_, Segment::Any | Segment::Deep | Segment::Glob(_)) => true,
            };
            if fits {
                node.near(follow, seen, found);
            }
        }
    }
}

/// What exceptions take out of each grant, built once for many questions.
pub(crate) struct Taken {
    agents: Vec<Exceptions>,
    grants: HashMap<Grant, Exceptions>,
}

impl Taken {
    pub(crate) fn of(model: &Model) -> Self {
        let mut grants = HashMap::new();
        for (at, agent) in model.agents.iter().enumerate() {
            let own = agent.writes.iter().map(|grant| agent.own_exceptions(grant)).enumerate();
            for (item, own) in own.filter(|(_, own)| !own.is_empty()) {
                grants.insert(Grant { agent: at, item }, own.iter().collect());
            }
        }
        Self { agents: model.agents.iter().map(|agent| agent.except.iter().collect()).collect(), grants }
    }

    /// What is taken out of this grant.
    pub(crate) fn of_grant(&self, grant: Grant) -> Vec<&Exceptions> {
        let of_agent = self.agents.get(grant.agent).filter(|all| !all.is_empty());
        of_agent.into_iter().chain(self.grants.get(&grant)).collect()
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
            && !earlier.any(|earlier| overlap(&earlier.path, &[], &rule.path, &[]).may_be())
        {
            shared.push(rule.path.clone());
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::{AgentId, PersonId};
    use crate::domain::map::{Lint, Map};
    use crate::domain::path::FieldPath;

    fn a_pattern() -> impl Strategy<Value = Pattern> {
        let segment =
            prop_oneof![3 => "[ab]", 1 => Just("*".to_owned()), 1 => Just("**".to_owned()), 1 => "[ab]\\*"];
        let field =
            prop_oneof![2 => Just(""), 1 => Just("#"), 1 => Just("#*"), 2 => Just("#x"), 1 => Just("#x*")];
        (prop::collection::vec(segment, 1..4), field)
            .prop_map(|(segments, field)| format!("{}{field}", segments.join("/")).parse().unwrap())
    }

    fn a_path() -> impl Strategy<Value = FieldPath> {
        let field = prop_oneof![Just(""), Just("#x"), Just("#xy"), Just("#y")];
        (prop::collection::vec("[abc]{1,2}", 1..5), field)
            .prop_map(|(segments, field)| format!("{}{field}", segments.join("/")).parse().unwrap())
    }

    fn a_model() -> impl Strategy<Value = Model> {
        let some = || prop::collection::vec(a_pattern(), 0..2);
        let agent = (prop::collection::vec(a_pattern(), 0..5), some(), some());
        prop::collection::vec(agent, 1..5).prop_map(|agents| {
            let mut model = Model::empty("w".parse().unwrap());
            for (at, (writes, except, own)) in agents.into_iter().enumerate() {
                let id: AgentId = format!("agent-{at}").parse().unwrap();
                let mut agent = Agent::new(id, "dana".parse::<PersonId>().unwrap());
                (agent.writes, agent.except) = (writes, except);
                agent.except_of.extend(agent.writes.first().cloned().map(|grant| (grant, own)));
                model.agents.push(agent);
            }
            model
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn the_index_names_the_owners_that_asking_every_agent_does(model in a_model(), path in a_path()) {
            let has = |agent: &&Agent| {
                let any = |list: &[Pattern]| list.iter().any(|pattern| pattern.matches_path(&path));
                let own = |grant: &Pattern| agent.except_of.get(grant).is_some_and(|own| any(own));
                agent.writes.iter().any(|grant| grant.matches_path(&path) && !own(grant)) && !any(&agent.except)
            };
            let expected: Vec<AgentId> = model.agents.iter().filter(has).map(|agent| agent.id.clone()).collect();
            let map = Map::compile(model.clone());
            let owners: Vec<AgentId> = map.owners(&path.entity, &path.field).into_iter().cloned().collect();
            prop_assert_eq!(&owners, &expected);
            for agent in &model.agents {
                let granted = map.authority(&agent.id, &path.entity, &path.field) == crate::domain::map::Authority::Granted;
                prop_assert_eq!(granted, expected.contains(&agent.id));
            }
        }

        #[test]
        fn two_writers_are_told_where_and_only_where_a_path_has_two(
            model in a_model(),
            paths in prop::collection::vec(a_path(), 12),
        ) {
            let has = |agent: &Agent, path: &FieldPath| agent.writes.iter().any(|grant| {
                let out = |list: &[Pattern]| list.iter().any(|pattern| pattern.matches_path(path));
                grant.matches_path(path) && !out(&agent.except) && !agent.except_of.get(grant).is_some_and(|own| out(own))
            });
            let writers = |path: &FieldPath| model.agents.iter().filter(|agent| has(agent, path)).count();
            let found = crate::domain::map::lint::check(&model);
            prop_assert!(found.iter().all(|finding| finding.lint != Lint::NotDecided));
            let told: Vec<FieldPath> = found
                .iter()
                .filter(|finding| finding.lint == Lint::TwoWriters)
                .filter_map(|finding| finding.example.as_ref()?.parse().ok())
                .collect();
            for path in &told {
                prop_assert!(writers(path) > 1, "{path} is told and has one writer");
            }
            let shared = paths.iter().find(|path| writers(path) > 1);
            prop_assert!(shared.is_none() || !told.is_empty(), "{shared:?} has two writers and nothing is told");
        }

        #[test]
        fn no_grant_that_meets_a_pattern_is_overlooked(model in a_model(), pattern in a_pattern()) {
            let mut near = Vec::new();
            GrantIndex::of(&model).near(&pattern, &mut |grant| near.push(grant));
            for (at, agent) in model.agents.iter().enumerate() {
                for (item, grant) in agent.writes.iter().enumerate() {
                    if overlap(grant, &[], &pattern, &[]).may_be() {
                        prop_assert!(near.contains(&Grant { agent: at, item }), "{grant} meets {pattern}");
                    }
                }
            }
        }
    }

    #[test]
    fn many_deep_segments_do_not_multiply() {
        let mut model = Model::empty("w".parse().unwrap());
        let mut agent = Agent::new("a".parse().unwrap(), "dana".parse().unwrap());
        agent.writes.push(format!("{}x", "**/a/".repeat(80)).parse().unwrap());
        agent.writes.push(format!("{}a", "a/".repeat(250)).parse().unwrap());
        model.agents.push(agent);
        let mut near = 0;
        GrantIndex::of(&model).near(&format!("{}y", "a/**/".repeat(80)).parse().unwrap(), &mut |_| near += 1);
        assert!(near <= 1, "{near}");
    }
}
