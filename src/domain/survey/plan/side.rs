//! What a map would say to a case, in its own mode.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::case::{Asked, Case, Raiser, Touched};
use super::{Fate, Seen};
use crate::domain::code::Code;
use crate::domain::ids::AgentId;
use crate::domain::key::key;
use crate::domain::map::shape::shape_of;
use crate::domain::map::{Authority, FieldKind, Map, Mode, Output, Route, Routing, text_matches, turns};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::things::{ActOrder, ClaimMark, Publication};

/// A map with the indices that a long look wants.
pub(super) struct Side {
    pub(super) map: Map,
    publishers: HashMap<String, AgentId>,
    outputs: HashMap<String, Output>,
    /// Does any field go from agent to agent in an order?
    pub(super) sequenced: bool,
}

/// What a map says to a case.
pub(super) struct Said {
    /// To the whole of it.
    pub(super) fate: Fate,
    /// To each part that does not simply go through.
    pub(super) parts: Vec<Part>,
}

/// One part of a case: a field, a target, an event.
pub(super) struct Part {
    /// Whose: it asked for it, or would get it.
    pub(super) agent: Option<AgentId>,
    /// What kind of thing: `issue/*#status`, the event, the output.
    pub(super) what: String,
    /// Exactly this.
    pub(super) path: String,
    pub(super) fate: Fate,
}

impl Side {
    pub(super) fn new(map: Map) -> Self {
        let (mut publishers, mut outputs) = (HashMap::new(), HashMap::new());
        for agent in &map.model().agents {
            for output in &agent.outputs {
                publishers.entry(output.clone()).or_insert_with(|| agent.id.clone());
            }
        }
        for output in &map.model().outputs {
            outputs.entry(output.name.clone()).or_insert_with(|| output.clone());
        }
        let sequenced =
            map.model().fields.iter().any(|rule| matches!(rule.kind, FieldKind::Sequenced { .. }));
        Self { map, publishers, outputs, sequenced }
    }

    pub(super) fn enforces(&self) -> bool {
        self.map.mode() == Mode::Enforce
    }

    /// What the map says, and of what; none where the deed does not tell enough.
    pub(super) fn say(&self, case: &Case<'_>, seen: &Seen) -> Option<Said> {
        match &case.asked {
            Asked::Write { agent, entity, fields } => {
                Some(self.write(agent, entity, fields, (&case.was, seen)))
            }
            Asked::Act { agent, order } => Some(self.act(agent, order)),
            Asked::Event { event, attributes, raised_by } => {
                let fate = self.event(event, *raised_by, self.map.route(event, attributes));
                Some(single(agent_of(&case.was).or_else(|| agent_of(&fate)), event, fate))
            }
            Asked::Claim { agent, claim } => self.claim(agent, claim),
            Asked::Publication { agent, publication, approved } => {
                let fate = self.publication(agent, publication, *approved, (&case.was, seen));
                Some(single(Some((*agent).clone()), &publication.output, fate))
            }
            Asked::Untold => None,
            Asked::Escalation { agent } => {
                let queue = self.map.queue_of(agent).name.clone();
                Some(single(Some((*agent).clone()), "escalations", Fate::Queue { queue }))
            }
        }
    }

    fn write(
        &self,
        agent: &AgentId,
        entity: &EntityPath,
        fields: &[Touched<'_>],
        (was, seen): (&Fate, &Seen),
    ) -> Said {
        let mut parts: Vec<Part> = Vec::new();
        let part = |field: &Touched<'_>, fate| Part {
            agent: Some(agent.clone()),
            what: shape_of(entity, &field.name),
            path: FieldPath::new(entity.clone(), field.name.clone().into_owned()).to_string(),
            fate,
        };
        for field in fields {
            match self.map.authority(agent, entity, &field.name) {
                Authority::Granted => {}
                Authority::Owners(owners) => {
                    let to = owners.first().map(|owner| (*owner).clone()).into_iter().collect();
                    parts.push(part(field, Fate::Proposal { to }));
                }
                Authority::Nobody => parts.push(part(field, self.unowned(agent))),
            }
        }
        if parts.is_empty() {
            // Kinds are asked once the zone is clear, and the first that forbids it forbids it all.
            for field in fields {
                if let Some(code) = self.forbidden_kind(agent, entity, field, (was, seen)) {
                    parts.push(part(field, Fate::Refused { code, owners: Vec::new() }));
                }
            }
        }
        let fate = whole_fate(&parts);
        Said { fate, parts }
    }

    fn unowned(&self, agent: &AgentId) -> Fate {
        Fate::Person { code: Code::Unowned, queue: Some(self.map.queue_of(agent).name.clone()) }
    }

    fn forbidden_kind(
        &self,
        agent: &AgentId,
        entity: &EntityPath,
        field: &Touched<'_>,
        (was, seen): (&Fate, &Seen),
    ) -> Option<Code> {
        // Where it is not known who was last, nothing changes.
        let waited = is_turn(was);
        match self.map.field_kind(entity, &field.name) {
            FieldKind::Owned | FieldKind::Append => None,
            FieldKind::Constant => field.existed.then_some(Code::Constant),
            FieldKind::Sequenced { agents } => {
                let last = seen.batons.get(&FieldPath::new(entity.clone(), field.name.clone().into_owned()));
                let known = seen.knows(last) || !field.existed;
                let next = turns(agents, last, false).contains(&agent);
                let may = if known { next } else { agents.contains(agent) && !waited };
                (!may).then_some(Code::NotYourTurn)
            }
            FieldKind::Progression { order } => {
                let after = field.after?;
                let step = order.iter().position(|step| step == after);
                let Some(step) = step else { return Some(Code::NotAStep) };
                let before = order.iter().position(|value| Some(value) == field.before)?;
                (step < before).then_some(Code::Backward)
            }
        }
    }

    fn act(&self, agent: &AgentId, order: &ActOrder) -> Said {
        let target = &*order.target;
        let path = target.parse::<FieldPath>().ok();
        let what =
            path.as_ref().map_or_else(|| target.to_owned(), |path| shape_of(&path.entity, &path.field));
        let fate = self.target(agent, target, path.as_ref());
        let part = Part { agent: Some(agent.clone()), what, path: target.to_owned(), fate: fate.clone() };
        let parts = if fate == Fate::Through { Vec::new() } else { vec![part] };
        Said { fate, parts }
    }

    fn target(&self, agent: &AgentId, target: &str, path: Option<&FieldPath>) -> Fate {
        if self.map.has_output(agent, target) {
            return Fate::Through;
        }
        let authority = path.map(|path| self.map.authority(agent, &path.entity, &path.field));
        if authority == Some(Authority::Granted) {
            return Fate::Through;
        }
        let owner = self.publishers.get(target).or(match &authority {
            Some(Authority::Owners(owners)) => owners.first().copied(),
            Some(Authority::Granted | Authority::Nobody) | None => None,
        });
        match owner {
            Some(owner) => Fate::Refused { code: Code::NotOwner, owners: vec![owner.clone()] },
            None => self.unowned(agent),
        }
    }

    /// Do several publish there in an order?
    pub(super) fn takes_turns(&self, output: &str) -> bool {
        self.outputs.get(output).is_some_and(|rule| !rule.order.is_empty())
    }

    /// The fields that an act was based on and that the map hides from the agent.
    pub(super) fn hides<'a>(
        &'a self,
        agent: &'a AgentId,
        order: &'a ActOrder,
    ) -> impl Iterator<Item = &'a FieldPath> {
        order.based_on.iter().filter(|path| self.map.is_hidden(agent, &path.entity, &path.field))
    }

    fn event(&self, event: &str, raised_by: Raiser, routing: Routing<'_>) -> Fate {
        let declared = self.map.event(event);
        let raises = match raised_by {
            Raiser::Somebody => true,
            Raiser::Schedule => declared.is_some_and(|event| event.schedule.is_some()),
            Raiser::Change => declared.is_some_and(|event| event.on.is_some()),
        };
        if !raises {
            return Fate::NotRaised;
        }
        let person = |code| Fate::Person { code, queue: Some(self.map.first_queue().name.clone()) };
        match routing {
            Routing::Owner { agent, .. } => Fate::Routed { to: vec![agent.clone()] },
            Routing::Nobody if self.enforces() => person(Code::Unowned),
            Routing::Several(_) if self.enforces() => person(Code::Collision),
            Routing::Nobody => Fate::Routed { to: Vec::new() },
            Routing::Several(agents) => Fate::Routed { to: agents.into_iter().cloned().collect() },
        }
    }

    /// A claim's deed has no attributes: where a route asks for some, nobody can tell.
    fn claim(&self, agent: &AgentId, claim: &ClaimMark) -> Option<Said> {
        let event = &*claim.event;
        let asks = |route: &Route| !route.when.is_empty() && text_matches(&route.event, event);
        if self.map.model().routes.iter().any(asks) {
            return None;
        }
        let person = |code| Fate::Person { code, queue: Some(self.map.queue_of(agent).name.clone()) };
        let fate = match self.map.route(event, &BTreeMap::new()) {
            Routing::Owner { agent: owner, .. } if owner == agent => Fate::Through,
            Routing::Owner { agent: owner, .. } => {
                Fate::Refused { code: Code::ClaimTaken, owners: vec![owner.clone()] }
            }
            Routing::Nobody => person(Code::Unowned),
            Routing::Several(_) => person(Code::Collision),
        };
        Some(single(Some(agent.clone()), event, fate))
    }

    fn publication(
        &self,
        agent: &AgentId,
        said: &Publication,
        approved: bool,
        (was, seen): (&Fate, &Seen),
    ) -> Fate {
        let output = &*said.output;
        if !self.map.has_output(agent, output) {
            return match self.publishers.get(output) {
                Some(owner) => Fate::Refused { code: Code::NotOwner, owners: vec![owner.clone()] },
                None => self.unowned(agent),
            };
        }
        let Some(rule) = self.outputs.get(output) else { return Fate::Through };
        if !rule.order.is_empty() {
            let last = threads(said).next().and_then(|thread| seen.voices.get(&thread));
            let may = if seen.knows(last) {
                turns(&rule.order, last, true).contains(&agent)
            } else {
                rule.order.contains(agent) && !is_turn(was)
            };
            if !may {
                return Fate::Refused { code: Code::NotYourTurn, owners: Vec::new() };
            }
        }
        if rule.needs_approval && !approved {
            let queue = Some(self.map.queue_of(agent).name.clone());
            return Fate::Person { code: Code::NeedsApproval, queue };
        }
        Fate::Through
    }
}

/// Was it refused because another was next?
fn is_turn(was: &Fate) -> bool {
    matches!(was, Fate::Refused { code: Code::NotYourTurn, .. })
}

/// What a publication is the last one on: its output, and before that its thread, if it is on one.
pub(super) fn threads(said: &Publication) -> impl Iterator<Item = Arc<str>> {
    let thread = said.thread.as_ref().map(|thread| key(&[&said.output, thread]));
    thread.into_iter().chain([key(&[&said.output])])
}

/// A case with one part. Where it goes through, the part is told of all the same: it may not have before.
fn single(agent: Option<AgentId>, what: &str, fate: Fate) -> Said {
    let part = Part { agent, what: what.to_owned(), path: what.to_owned(), fate: fate.clone() };
    Said { fate, parts: vec![part] }
}

/// The agent that an event would wake.
fn agent_of(fate: &Fate) -> Option<AgentId> {
    if let Fate::Routed { to } = fate { to.first().cloned() } else { None }
}

/// What becomes of a write: a proposal to every owner concerned, else what a person decides, else what a kind forbids.
fn whole_fate(parts: &[Part]) -> Fate {
    let mut owners: Vec<AgentId> = Vec::new();
    for part in parts {
        if let Fate::Proposal { to } = &part.fate {
            owners.extend(to.iter().filter(|owner| !owners.contains(owner)).cloned().collect::<Vec<_>>());
        }
    }
    if !owners.is_empty() {
        owners.sort();
        return Fate::Proposal { to: owners };
    }
    parts.first().map_or(Fate::Through, |part| part.fate.clone())
}
