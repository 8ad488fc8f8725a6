//! A map proposed from what has happened: the accumulator that is shown deed after deed, and the file that comes of it.
//!
//! Who alone wrote a field gets it; what several fought over is declared and left for a person, so that the file can't be
//! applied before somebody has decided. `tree` says what the kinds of things are, `file` writes them down.

mod file;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tree::{FieldUse, Tree};

use crate::domain::code::Code;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, PersonId, QueueName};
use crate::domain::map::authority::SCRATCH;
use crate::domain::map::model::Model;
use crate::domain::map::shape::looks_like_id;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::things::{self, FieldChange};
use crate::domain::value::Value;

/// From this share on, in percent, a field is its most frequent writer's.
pub const OWNED_FROM_PERCENT: u64 = 95;
/// Most agents, people, events and outputs of which is kept what they did; what comes then is left out, and said.
const KEPT: usize = 10_000;

/// A proposed map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inferred {
    /// The file. It reads as a map; where something is contested, with errors.
    pub toml: String,
    /// How many deeds were looked at.
    pub deeds: u64,
    /// How many of them told who does what.
    pub told: u64,
    /// How many agents it has.
    pub agents: usize,
    /// How many kinds of fields, events and outputs are somebody's.
    pub granted: usize,
    /// What a person has to decide: the field, event or output, and who did how much there.
    pub contested: Vec<Contested>,
    /// People who wrote; they need no grant.
    pub people: Vec<PersonId>,
    /// How many deeds were left out because there was too much to keep.
    pub left_out: u64,
}

/// Something that more than one agent did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contested {
    /// `issue/*#status`, an event, an output.
    pub what: String,
    /// Who, how often: the most first.
    pub shares: Vec<Share>,
}

/// A part in something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Whose.
    pub agent: AgentId,
    /// How often.
    pub times: u64,
}

/// Who did something how often.
#[derive(Debug, Clone, Default)]
struct Writers(BTreeMap<AgentId, u64>);

/// Whose something is.
enum Owner<'a> {
    One(&'a AgentId),
    Contested,
    Nobody,
}

impl Writers {
    fn add(&mut self, agent: &AgentId) {
        *self.0.entry(agent.clone()).or_default() += 1;
    }

    fn merge(&mut self, other: Self) {
        for (agent, times) in other.0 {
            *self.0.entry(agent).or_default() += times;
        }
    }

    fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The most first; of two alike the first by name.
    fn shares(&self) -> Vec<Share> {
        let share = |(agent, times): (&AgentId, &u64)| Share { agent: agent.clone(), times: *times };
        let mut shares: Vec<Share> = self.0.iter().map(share).collect();
        shares.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| a.agent.cmp(&b.agent)));
        shares
    }

    fn owner(&self) -> Owner<'_> {
        let most = self.0.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        match most {
            Some((agent, times)) if times * 100 >= self.total() * OWNED_FROM_PERCENT => Owner::One(agent),
            Some(_) => Owner::Contested,
            None => Owner::Nobody,
        }
    }
}

/// What one agent did.
#[derive(Debug)]
struct Activity {
    first: NaiveDate,
    last: NaiveDate,
    deeds: u64,
    queues: BTreeMap<QueueName, u64>,
}

/// An output, as it was used.
#[derive(Debug, Default)]
struct Used {
    publishers: Writers,
    approved: bool,
}

/// Looks at deeds, one after another, in their order.
pub struct Inferring {
    force: Arc<Model>,
    tree: Tree,
    agents: BTreeMap<AgentId, Activity>,
    people: BTreeMap<PersonId, u64>,
    events: BTreeMap<String, Writers>,
    outputs: BTreeMap<String, Used>,
    deeds: u64,
    told: u64,
    left_out: u64,
}

impl Inferring {
    /// Of the map in force only what people decided is taken over: its name, its queues, who is accountable.
    pub fn new(force: Arc<Model>) -> Self {
        Self {
            force,
            tree: Tree::default(),
            agents: BTreeMap::new(),
            people: BTreeMap::new(),
            events: BTreeMap::new(),
            outputs: BTreeMap::new(),
            deeds: 0,
            told: 0,
            left_out: 0,
        }
    }

    /// Looks at the next deed.
    pub fn consider(&mut self, deed: &Deed) {
        self.deeds += 1;
        let told = match &deed.actor {
            Actor::Agent(agent) => self.of_agent(agent, deed),
            Actor::Person(person) => self.of_person(person, deed),
            Actor::Deeds => false,
        };
        let told = self.of_event(deed) | told;
        self.told += u64::from(told);
    }

    /// The proposed map.
    pub fn finish(self) -> Inferred {
        file::write(self)
    }

    fn of_person(&mut self, person: &PersonId, deed: &Deed) -> bool {
        let writes = is_commit(deed);
        if writes && (self.people.len() < KEPT || self.people.contains_key(person)) {
            *self.people.entry(person.clone()).or_default() += 1;
        }
        writes
    }

    fn of_agent(&mut self, agent: &AgentId, deed: &Deed) -> bool {
        if is_commit(deed)
            && let Some(entity) = &deed.subject
        {
            return self.saw(agent, deed) && self.wrote(agent, entity, &deed.fields);
        }
        if let Body::ActAllowed(order) = &deed.body {
            return self.saw(agent, deed) && self.acted(agent, &order.target);
        }
        if let Body::OutputPublished(said) | Body::OutputHeld(said) = &deed.body {
            let held = matches!(deed.body, Body::OutputHeld(_));
            if held && deed.code != Some(Code::NeedsApproval) {
                return false;
            }
            return self.saw(agent, deed) && self.published(agent, &said.output, held);
        }
        if let Body::ClaimGranted(claim) = &deed.body {
            return self.saw(agent, deed) && self.answered(&claim.event, &[agent]);
        }
        false
    }

    /// Who an event woke, and to which queue an agent escalates.
    fn of_event(&mut self, deed: &Deed) -> bool {
        if let Body::EventRaised(raised) | Body::EventEscalated(raised) = &deed.body {
            let owners: Vec<&AgentId> = deed.refs.owners.iter().collect();
            for owner in &owners {
                if !self.saw(owner, deed) {
                    return false;
                }
            }
            return self.answered(&raised.event, &owners);
        }
        if let Body::ItemOpened(item) = &deed.body
            && let (things::Case::Escalation { .. }, Some(agent)) = (&item.case, item.raised_by.agent())
            && self.saw(agent, deed)
            && let Some(seen) = self.agents.get_mut(agent)
        {
            *seen.queues.entry(item.queue.clone()).or_default() += 1;
            return true;
        }
        false
    }

    /// Notes that an agent is about; false where there are too many.
    fn saw(&mut self, agent: &AgentId, deed: &Deed) -> bool {
        if self.agents.len() >= KEPT && !self.agents.contains_key(agent) {
            self.left_out += 1;
            return false;
        }
        let day = deed.time.utc().date_naive();
        let seen = self.agents.entry(agent.clone()).or_insert_with(|| Activity {
            first: day,
            last: day,
            deeds: 0,
            queues: BTreeMap::new(),
        });
        seen.first = seen.first.min(day);
        seen.last = seen.last.max(day);
        seen.deeds += 1;
        true
    }

    fn wrote(&mut self, agent: &AgentId, entity: &EntityPath, fields: &[FieldChange]) -> bool {
        // Scratch is every agent's own without a grant.
        if entity.segments().next() == Some(SCRATCH) && entity.as_str() != SCRATCH {
            return true;
        }
        for field in fields.iter().filter(|field| field.entity.is_none()) {
            let used = self.tree.field(entity, &field.name);
            used.grows &= grows(field);
            used.writers.add(agent);
        }
        true
    }

    /// A target with a number of its own is one of many, which a pattern covers; others are destinations.
    fn acted(&mut self, agent: &AgentId, target: &str) -> bool {
        if target.contains('#') {
            return true;
        }
        match target.parse::<EntityPath>() {
            Ok(entity) if looks_like_id(entity.last_segment()) => {
                let used: &mut FieldUse = self.tree.field(&entity, &FieldName::whole());
                used.grows = false;
                used.writers.add(agent);
                true
            }
            Ok(_) | Err(_) => self.published(agent, target, false),
        }
    }

    fn published(&mut self, agent: &AgentId, output: &str, approved: bool) -> bool {
        if self.outputs.len() >= KEPT && !self.outputs.contains_key(output) {
            self.left_out += 1;
            return false;
        }
        let used = self.outputs.entry(output.to_owned()).or_default();
        used.publishers.add(agent);
        used.approved |= approved;
        true
    }

    fn answered(&mut self, event: &str, agents: &[&AgentId]) -> bool {
        if self.events.len() >= KEPT && !self.events.contains_key(event) {
            self.left_out += 1;
            return false;
        }
        let writers = self.events.entry(event.to_owned()).or_default();
        for agent in agents {
            writers.add(agent);
        }
        true
    }
}

fn is_commit(deed: &Deed) -> bool {
    matches!(
        deed.body,
        Body::WriteCommitted(())
            | Body::EntityCreated(())
            | Body::EntityArchived(())
            | Body::EntityDeleted(())
    )
}

/// Was something added to the list that was there?
fn grows(field: &FieldChange) -> bool {
    let Some(after) = field.after.as_ref().map(Value::as_json) else { return false };
    let before = field.before.as_ref().map(Value::as_json).filter(|before| *before != "null");
    match before.map(|before| before.strip_suffix(']')) {
        None => after.starts_with('['),
        Some(None) => false,
        Some(Some(items)) => after.len() > items.len() + 1 && after.starts_with(items),
    }
}

#[cfg(test)]
mod tests;
