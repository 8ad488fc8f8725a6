//! What a map says to a change of a file, or a look at it, in words that name who to turn to.

use super::known::Known;
use crate::domain::ids::{AgentId, PersonId};
use crate::domain::map::{Authority, Mode};
use crate::domain::path::{EntityPath, FieldName, Pattern};
use crate::hook::Wish;

/// The map's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the agent's.
    Own(String),
    /// It is not, and the map only observes.
    Observed(String),
    /// It can't be told.
    Unsure(String),
    /// It is not.
    Refused(String),
    /// Nothing speaks against a look.
    Open,
}

impl Verdict {
    /// The more it restricts the more it weighs.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Own(_) => 1,
            Self::Observed(_) => 2,
            Self::Unsure(_) => 3,
            Self::Refused(_) => 4,
        }
    }
}

fn observed(why: &str) -> String {
    format!("warning: {why}. Nothing stops it here, as the map only observes")
}

/// Who may change a file, for tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Owners {
    pub(super) agents: Vec<AgentId>,
    /// Who answers for them, or for what nobody owns.
    pub(super) people: Vec<PersonId>,
}

impl Known {
    /// Whether the map only says what it would refuse.
    pub(super) fn observes(&self) -> bool {
        self.map.mode() == Mode::Observe
    }

    /// The answer to one wish about a file.
    pub(super) fn verdict(&self, agent: &AgentId, entity: &EntityPath, wish: Wish) -> Verdict {
        self.verdict_of(agent, (entity, &FieldName::whole()), wish)
    }

    /// The answer to one wish about a field.
    pub(super) fn verdict_of(
        &self,
        agent: &AgentId,
        (entity, field): (&EntityPath, &FieldName),
        wish: Wish,
    ) -> Verdict {
        let by = &self.from;
        let hidden = self.map.is_hidden(agent, entity, field);
        let why = match (wish, self.map.authority(agent, entity, field)) {
            (Wish::Look, _) if hidden => {
                // What is hidden stays so where the map only observes.
                return Verdict::Refused(format!("{entity} is hidden from {agent} (by {by})"));
            }
            (Wish::Look, _) => return Verdict::Open,
            // Whose it is, is not told; to whom the map does not name, it is.
            (Wish::Change, _) if hidden && self.map.agent(agent).is_some() => {
                format!("{entity} is hidden from {agent}.")
            }
            (Wish::Change, Authority::Granted) => {
                return Verdict::Own(format!("{entity} is in the zone of {agent} (by {by})"));
            }
            (Wish::Change, Authority::Owners(owners)) => self.belongs(agent, entity, &owners),
            (Wish::Change, Authority::Nobody) => self.nobodys(agent, entity),
        };
        let stranger = if self.map.agent(agent).is_none() {
            format!(" {agent} is not on the map, and owns nothing.")
        } else {
            String::new()
        };
        self.restricted(format!("{why}{stranger} (by {by})"))
    }

    /// The answer to something that is said on an output.
    pub(super) fn output(&self, agent: &AgentId, output: &str) -> Verdict {
        let by = &self.from;
        match self.map.publisher(output) {
            Some(publisher) if publisher == agent => {
                Verdict::Own(format!("{agent} publishes on {output} (by {by})"))
            }
            Some(publisher) => self.restricted(format!(
                "{publisher} publishes on {output}, not {agent}. Leave it to {publisher} (by {by})"
            )),
            None => self.restricted(format!("the map names no output {output} (by {by})")),
        }
    }

    /// It is not allowed, for that reason; where the map only observes, that is told.
    pub(super) fn restricted(&self, why: String) -> Verdict {
        match self.map.mode() {
            Mode::Enforce => Verdict::Refused(why),
            Mode::Observe => Verdict::Observed(observed(&why)),
        }
    }

    /// It can't be told whether it is allowed, for that reason; where the map only observes, that is told.
    pub(super) fn asked(&self, why: &str) -> Verdict {
        match self.map.mode() {
            Mode::Enforce => Verdict::Unsure(why.to_owned()),
            Mode::Observe => Verdict::Observed(observed(why)),
        }
    }

    /// The answer to a search: whether it would show something that is hidden.
    pub(super) fn verdict_within(&self, agent: &AgentId, within: &Pattern) -> Verdict {
        match self.map.hidden_within(agent, within) {
            Some(hidden) => Verdict::Refused(format!(
                "{} reaches {hidden}, which is hidden from {agent} (by {}). Search in a folder, or with a glob, that leaves it out",
                within.entity_text(),
                self.from
            )),
            None => Verdict::Open,
        }
    }

    fn belongs(&self, agent: &AgentId, entity: &EntityPath, owners: &[&AgentId]) -> String {
        let person = |owner: &AgentId| self.map.agent(owner).map(|entry| entry.owner.to_string());
        let named: Vec<String> = owners
            .iter()
            .map(|owner| match person(owner) {
                Some(person) => format!("{owner} (accountable: {person})"),
                None => owner.to_string(),
            })
            .collect();
        let first = owners.first().map(ToString::to_string).unwrap_or_default();
        format!(
            "{entity} is in the zone of {}, not of {agent}. Leave the change to {first}, or ask who is accountable.",
            named.join(", ")
        )
    }

    fn nobodys(&self, agent: &AgentId, entity: &EntityPath) -> String {
        let queue = self.map.queue_of(agent);
        format!("nobody owns {entity}. Ask {}, who answers the queue {}.", queue.owner, queue.name)
    }

    /// Who may change the file; where nobody may, whom to ask. Nobody is named for what is hidden.
    pub(super) fn owners(&self, agent: &AgentId, entity: &EntityPath) -> Owners {
        let whole = FieldName::whole();
        if self.map.is_hidden(agent, entity, &whole) {
            return Owners::default();
        }
        let agents: Vec<AgentId> = self.map.owners(entity, &whole).into_iter().cloned().collect();
        let mut people = self.map.people_of(&agents);
        if agents.is_empty() {
            people.push(self.map.queue_of(agent).owner.clone());
        }
        Owners { agents, people }
    }
}
