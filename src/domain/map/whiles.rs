//! How long a `[[defer]]` holds: while an item on the subject is open, or while clauses about fields are true, RULES §4.4.
//!
//! A clause may speak of other entities by variables of its own, as in `support/ticket/{t}#customer = '{id}'`: it holds for
//! any such ticket, the same in every clause.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::condition::Condition;

/// What the subject says: its last segment, and all of its path.
pub(crate) const OF_SUBJECT: [&str; 2] = [ID, SUBJECT];
/// The subject's last segment.
pub const ID: &str = "id";
/// All of the subject's path.
pub const SUBJECT: &str = "subject";
/// How the map writes that an item is open.
pub const ESCALATED: &str = "escalated";

/// The `while` of a defer rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum While {
    /// An item on the subject is open.
    Escalated,
    /// All of these are true.
    All(Vec<Condition>),
}

impl While {
    /// The clauses about fields.
    pub fn clauses(&self) -> &[Condition] {
        match self {
            Self::Escalated => &[],
            Self::All(clauses) => clauses,
        }
    }

    /// The variables that the subject does not say, each once.
    pub fn free(&self) -> BTreeSet<&str> {
        self.clauses().iter().flat_map(Condition::free).collect()
    }
}

impl Condition {
    /// The variables of its path that the subject does not say.
    pub fn free(&self) -> impl Iterator<Item = &str> {
        self.template.variables().filter(|name| !OF_SUBJECT.contains(name))
    }

    /// The variable that its value is, as in `= '{id}'`.
    pub fn stands_for(&self) -> Option<&str> {
        let text = self.value.as_json().strip_prefix("\"{")?.strip_suffix("}\"")?;
        (!text.contains(['{', '}', '"', '\\'])).then_some(text)
    }

    /// Does its path have this variable?
    pub fn binds(&self, name: &str) -> bool {
        self.template.variables().any(|variable| variable == name)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    Many(Vec<Condition>),
}

impl Serialize for While {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Escalated => serializer.serialize_str(ESCALATED),
            Self::All(clauses) => match clauses.as_slice() {
                [one] => one.serialize(serializer),
                all => all.serialize(serializer),
            },
        }
    }
}

impl<'de> Deserialize<'de> for While {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::One(text) if text == ESCALATED => Ok(Self::Escalated),
            Written::One(text) => Ok(Self::All(vec![text.parse().map_err(serde::de::Error::custom)?])),
            Written::Many(clauses) => Ok(Self::All(clauses)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_as_written() {
        let one = "support/ticket/{id}#status = 'open'";
        for json in [
            "\"escalated\"".to_owned(),
            format!("\"{one}\""),
            format!("[\"support/ticket/{{t}}#customer = '{{id}}'\",\"{one}\"]"),
        ] {
            let read: While = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }

    #[test]
    fn variables_are_the_subjects_or_free() {
        let clause: Condition = "support/ticket/{t}#customer = '{id}'".parse().unwrap();
        assert_eq!((clause.free().collect::<Vec<_>>(), clause.stands_for()), (vec!["t"], Some("id")));
        let clause: Condition = "support/ticket/{id}#status = 'open {x}'".parse().unwrap();
        assert_eq!((clause.free().count(), clause.stands_for()), (0, None));
    }
}
