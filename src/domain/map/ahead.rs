//! To whom an agent yields: another agent, or a person.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::ids::{Actor, AgentId, IdError, PersonId};

/// Who goes first: an agent, or a person, which the map writes as `person:dana` where an agent has that name too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ahead {
    /// A program.
    Agent(AgentId),
    /// A person.
    Person(PersonId),
}

/// What a person's name begins with where it could be an agent's.
const A_PERSON: &str = "person:";

impl Ahead {
    /// The agent, where it is one.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Agent(agent) => Some(agent),
            Self::Person(_) => None,
        }
    }

    /// As the one who does something.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Agent(agent) => Actor::Agent(agent.clone()),
            Self::Person(person) => Actor::Person(person.clone()),
        }
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(agent) => agent.as_str(),
            Self::Person(person) => person.as_str(),
        }
    }
}

impl fmt::Display for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(agent) => write!(f, "{agent}"),
            Self::Person(person) => write!(f, "{A_PERSON}{person}"),
        }
    }
}

impl FromStr for Ahead {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.strip_prefix(A_PERSON) {
            Some(person) => person.parse().map(Self::Person),
            None => text.parse().map(Self::Agent),
        }
    }
}

impl Serialize for Ahead {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ahead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_written_as_one() {
        for text in ["support", "person:dana"] {
            assert_eq!(text.parse::<Ahead>().unwrap().to_string(), text);
        }
        assert_eq!("person:dana".parse::<Ahead>().unwrap().agent(), None);
        assert!("person:".parse::<Ahead>().is_err());
    }
}
