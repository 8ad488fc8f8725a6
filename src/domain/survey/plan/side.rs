//! What a map would say to a case, in its own mode.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::case::{Asked, Case, Raiser, Sent, Touched};
use super::{Fate, Lately};
use crate::domain::code::Code;
use crate::domain::ids::AgentId;
use crate::domain::key::key;
use crate::domain::map::shape::shape_of;
use crate::domain::map::{FieldKind, Map, Mode, Route, Routing, text_matches};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::rule::occurrence::{self, Untold};
use crate::domain::rule::route::{self, NotYours};
use crate::domain::rule::zone::{Whose, Zones};
use crate::domain::rule::{basis, contradiction, kind, output, target};
use crate::domain::things::{ActOrder, ClaimMark, Publication, RaisedEvent};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// A map that is asked.
pub(super) struct Side {
    pub(super) map: Map,
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
        let sequenced =
            map.model().fields.iter().any(|rule| matches!(rule.kind, FieldKind::Sequenced { .. }));
        Self { map, sequenced }
    }

    pub(super) fn enforces(&self) -> bool {
        self.map.mode() == Mode::Enforce
    }

    /// What the map says, and of what; none where the deed does not tell enough.
    pub(super) fn say(&self, case: &Case<'_>, seen: &Lately) -> Option<Said> {
        match &case.asked {
            Asked::Write { agent, entity, fields } => {
                Some(self.write(agent, entity, fields, (&case.was, seen)))
            }
            Asked::Act { agent, order, sent } => Some(self.act(agent, order, sent, (&case.was, seen))),
            Asked::Event { raised, raised_by, at } => {
                let event = &raised.event;
                let fate = self.event(event, *raised_by, self.map.route(event, &raised.attributes));
                let fate = self.told_apart(raised, fate, (seen, *at));
                Some(single(agent_of(&case.was).or_else(|| agent_of(&fate)), event, fate))
            }
            Asked::Claim { agent, claim } => self.claim(agent, claim, seen),
            Asked::Publication { agent, publication, sent } => {
                let fate = self.publication(agent, publication, sent, (&case.was, seen));
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
        (was, seen): (&Fate, &Lately),
    ) -> Said {
        let part = |name: &FieldName, fate| Part {
            agent: Some(agent.clone()),
            what: shape_of(entity, name),
            path: FieldPath::new(entity.clone(), name.clone()).to_string(),
            fate,
        };
        let names = fields.iter().map(|field| &*field.name);
        let zones = Zones::of_fields(&self.map, agent, entity, names);
        if zones.verdict().is_none() {
            // Kinds are asked once the zone is clear, and the first that forbids it forbids it all.
            let against = fields.iter().filter_map(|field| {
                let code = self.against(agent, entity, field, (was, seen))?;
                Some(part(&field.name, Fate::Refused { code, owners: Vec::new() }))
            });
            let parts: Vec<Part> = against.collect();
            return Said { fate: parts.first().map_or(Fate::Through, |part| part.fate.clone()), parts };
        }
        let mut parts: Vec<Part> = zones.nobody.iter().map(|name| part(name, self.unowned(agent))).collect();
        for (owner, names) in &zones.others {
            let fate = Fate::Proposal { to: vec![owner.clone()] };
            parts.extend(names.iter().map(|name| part(name, fate.clone())));
        }
        let to: Vec<AgentId> = zones.others.into_keys().collect();
        let fate = if to.is_empty() { self.unowned(agent) } else { Fate::Proposal { to } };
        Said { fate, parts }
    }

    fn unowned(&self, agent: &AgentId) -> Fate {
        Fate::Person { code: Code::Unowned, queue: Some(self.map.queue_of(agent).name.clone()) }
    }

    fn against(
        &self,
        agent: &AgentId,
        entity: &EntityPath,
        field: &Touched<'_>,
        (was, seen): (&Fate, &Lately),
    ) -> Option<Code> {
        let kind = self.map.field_kind(entity, &field.name);
        let last = seen.batons.get(&FieldPath::new(entity.clone(), field.name.clone().into_owned()));
        if let FieldKind::Sequenced { agents } = kind
            && !seen.knows(last)
            && field.existed
        {
            return unknown_turn(agents, agent, was);
        }
        let untold = Value::null();
        let before = field.before.or_else(|| field.existed.then_some(&untold));
        kind::against(kind, agent, (before, field.after), || last).map(|against| against.code())
    }

    fn act(&self, agent: &AgentId, order: &ActOrder, sent: &Sent<'_>, then: (&Fate, &Lately)) -> Said {
        let target = &*order.target;
        let path = target.parse::<FieldPath>().ok();
        let what =
            path.as_ref().map_or_else(|| target.to_owned(), |path| shape_of(&path.entity, &path.field));
        let thread = order.conversation.as_ref().and_then(|said| said.thread.as_ref());
        let fate = match target::whose(&self.map, agent, target) {
            Whose::Own if output::is_one(&self.map, target) => {
                self.spoken(agent, (target, thread), sent, then)
            }
            Whose::Own => self.blind(sent).or_else(|| self.stopped(sent, then.1)).unwrap_or(Fate::Through),
            whose @ (Whose::Of(_) | Whose::Nobodys) => self.standing(agent, whose),
        };
        let part = Part { agent: Some(agent.clone()), what, path: target.to_owned(), fate: fate.clone() };
        let parts = if fate == Fate::Through { Vec::new() } else { vec![part] };
        Said { fate, parts }
    }

    fn standing(&self, agent: &AgentId, whose: Whose<'_>) -> Fate {
        match whose {
            Whose::Own => Fate::Through,
            Whose::Of(owner) => Fate::Refused { code: Code::NotOwner, owners: vec![owner.clone()] },
            Whose::Nobodys => self.unowned(agent),
        }
    }

    /// The fields that an act was based on and that the map hides from the agent.
    pub(super) fn hides<'a>(
        &'a self,
        agent: &'a AgentId,
        order: &'a ActOrder,
    ) -> impl Iterator<Item = &'a FieldPath> {
        order.based_on.iter().filter(|path| self.map.is_hidden(agent, &path.entity, &path.field))
    }

    fn event(&self, event: &str, raised_by: Raiser<'_>, routing: Routing<'_>) -> Fate {
        let declared = self.map.event(event);
        let raises = match raised_by {
            Raiser::Agent(_) | Raiser::Person => true,
            Raiser::Schedule => declared.is_some_and(|event| event.schedule.is_some()),
            Raiser::Change => declared.is_some_and(|event| event.on.is_some()),
        };
        if !raises {
            return Fate::NotRaised;
        }
        let raiser = if let Raiser::Agent(agent) = raised_by { Some(agent) } else { None };
        match routing {
            Routing::Owner { agent, .. } => Fate::Routed { to: vec![agent.clone()] },
            Routing::Nobody if self.enforces() => self.person(Code::Unowned, &[], raiser),
            Routing::Several(agents) if self.enforces() => self.person(Code::Collision, &agents, raiser),
            Routing::Nobody => Fate::Routed { to: Vec::new() },
            Routing::Several(agents) => Fate::Routed { to: agents.into_iter().cloned().collect() },
        }
    }

    /// What says which occurrence it is must be there; and one that came before wakes nobody again.
    fn told_apart(&self, raised: &RaisedEvent, fate: Fate, (seen, at): (&Lately, Time)) -> Fate {
        if fate == Fate::NotRaised {
            return fate;
        }
        let told = match occurrence::key(&self.map, &raised.event, &raised.attributes) {
            Ok(None) => return fate,
            Ok(Some(told)) => told,
            Err(Untold::Missing(_)) if !self.enforces() => return fate,
            Err(Untold::Missing(_)) => return Fate::Refused { code: Code::Incomplete, owners: Vec::new() },
            Err(Untold::TooLong(_)) => return Fate::Refused { code: Code::OverBound, owners: Vec::new() },
        };
        // What a person's answer sent on its way is new, although it came before.
        let fresh = raised.occurrence.as_ref().is_some_and(|mark| mark.key == told);
        let known = self.occurrence(&raised.event, &told).and_then(|key| seen.occurred.get(&key));
        let known = known.is_some_and(|until| at < *until) && !fresh;
        if known && matches!(fate, Fate::Routed { .. }) { Fate::Known } else { fate }
    }

    /// Which occurrence that is by this map; none where it tells none apart.
    pub(super) fn occurrence(&self, event: &str, told: &str) -> Option<Arc<str>> {
        occurrence::attribute(&self.map, event).map(|name| key(&[event, name, told]))
    }

    /// A claim's deed has no attributes: where a route asks for some, nobody can tell. What was claimed before is so under
    /// any map.
    fn claim(&self, agent: &AgentId, claim: &ClaimMark, seen: &Lately) -> Option<Said> {
        let event = &*claim.event;
        if let Some(by) = seen.claims.get(&key(&[event, &claim.key])) {
            if by == agent {
                return Some(single(Some(agent.clone()), event, Fate::Through));
            }
            let fate = Fate::Refused { code: Code::ClaimTaken, owners: Vec::new() };
            return Some(single(Some(agent.clone()), event, fate));
        }
        let asks = |route: &Route| !route.when.is_empty() && text_matches(&route.event, event);
        if self.map.model().routes.iter().any(asks) {
            return None;
        }
        let fate = match route::claim(&self.map, agent, event, &BTreeMap::new()) {
            Ok(()) => Fate::Through,
            Err(NotYours::Of(owner)) => Fate::Refused { code: Code::ClaimTaken, owners: vec![owner.clone()] },
            Err(NotYours::Nobodys) => self.person(Code::Unowned, &[], Some(agent)),
            Err(NotYours::Several(agents)) => self.person(Code::Collision, &agents, Some(agent)),
        };
        Some(single(Some(agent.clone()), event, fate))
    }

    /// A person decides on an event, in the queue of whom it concerns.
    fn person(&self, code: Code, listeners: &[&AgentId], raiser: Option<&AgentId>) -> Fate {
        Fate::Person { code, queue: Some(route::queue(&self.map, listeners, raiser).name.clone()) }
    }

    fn publication(
        &self,
        agent: &AgentId,
        said: &Publication,
        sent: &Sent<'_>,
        then: (&Fate, &Lately),
    ) -> Fate {
        match output::whose(&self.map, agent, &said.output) {
            Whose::Own => self.spoken(agent, (&said.output, said.thread.as_ref()), sent, then),
            whose @ (Whose::Of(_) | Whose::Nobodys) => self.standing(agent, whose),
        }
    }

    /// What goes out on an output of the agent's, by whichever door.
    fn spoken(
        &self,
        agent: &AgentId,
        (name, thread): (&str, Option<&Arc<str>>),
        sent: &Sent<'_>,
        (was, seen): (&Fate, &Lately),
    ) -> Fate {
        let last = threads(name, thread).next().and_then(|thread| seen.voices.get(&thread));
        let order = self.map.output(name).map_or(&[][..], |rule| &rule.order);
        // Whether one that comes earlier was at it, the deeds do not say; it stays as it was.
        let at_it = |_: &AgentId| matches!(was, Fate::Refused { code: Code::NotYourTurn, .. });
        let turn = if sent.waited {
            None
        } else if seen.knows(last) || order.is_empty() {
            output::turn(&self.map, name, last, agent, at_it).err().map(|_| Code::NotYourTurn)
        } else {
            unknown_turn(order, agent, was)
        };
        if let Some(code) = turn {
            return Fate::Refused { code, owners: Vec::new() };
        }
        if let Some(before) = self.blind(sent).or_else(|| self.stopped(sent, seen)) {
            return before;
        }
        if output::needs_approval(&self.map, name) && !sent.approved {
            let queue = Some(self.map.queue_of(agent).name.clone());
            return Fate::Person { code: Code::NeedsApproval, queue };
        }
        Fate::Through
    }

    /// Whether a contradiction that was open then stops it.
    fn stopped(&self, sent: &Sent<'_>, seen: &Lately) -> Option<Fate> {
        let about = sent.about.as_deref()?;
        let is_open = |print: &str| seen.contradictions.values().any(|open| **open == *print);
        contradiction::stopping(&self.map, (sent.action, about), is_open)?;
        Some(Fate::Refused { code: Code::Contradicted, owners: Vec::new() })
    }

    /// Whether something goes out without what this map wants looked at before.
    fn blind(&self, sent: &Sent<'_>) -> Option<Fate> {
        let read = sent.read?;
        let about = sent.about.as_deref();
        let missing = basis::missing(&self.map, (sent.action, about), |path| read.contains(path));
        (!missing.is_empty()).then(|| Fate::Refused { code: Code::NoBasis, owners: Vec::new() })
    }
}

/// Where it is not known who was last, nothing changes: who is named may, unless it was another's turn.
fn unknown_turn(order: &[AgentId], agent: &AgentId, was: &Fate) -> Option<Code> {
    let waited = matches!(was, Fate::Refused { code: Code::NotYourTurn, .. });
    (waited || !order.contains(agent)).then_some(Code::NotYourTurn)
}

/// What is spoken on: the output, and before that the thread, if there is one.
pub(super) fn threads(output: &str, thread: Option<&Arc<str>>) -> impl Iterator<Item = Arc<str>> {
    let thread = thread.map(|thread| key(&[output, thread]));
    thread.into_iter().chain([key(&[output])])
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
