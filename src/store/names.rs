//! Names that occur in many entities, each in memory once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::ids::{Actor, AgentId, PersonId};
use crate::domain::path::FieldName;

/// Most names of a kind that are known at once. With one more all are forgotten, and shared anew from there.
const MOST: usize = 4_096;

/// The names of all workspaces of a node.
#[derive(Debug, Default)]
pub(super) struct Names {
    agents: Shelf<Actor>,
    persons: Shelf<Actor>,
    fields: Shelf<FieldName>,
    words: Shelf<Arc<str>>,
}

impl Names {
    /// An agent; none where the text is no agent's name.
    pub(super) fn agent(&self, text: &str) -> Option<Actor> {
        self.agents.get(text, || AgentId::new(text).ok().map(Actor::Agent))
    }

    /// A person; none where the text is no person's name.
    pub(super) fn person(&self, text: &str) -> Option<Actor> {
        self.persons.get(text, || PersonId::new(text).ok().map(Actor::Person))
    }

    /// The name of a field; none where the text is none.
    pub(super) fn field(&self, text: &str) -> Option<FieldName> {
        self.fields.get(text, || text.parse().ok())
    }

    /// A word.
    pub(super) fn word(&self, text: &str) -> Arc<str> {
        self.words.get(text, || Some(Arc::from(text))).unwrap_or_else(|| Arc::from(text))
    }
}

/// Names of one kind by their text.
#[derive(Debug)]
struct Shelf<T>(RwLock<HashMap<Box<str>, T>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> Shelf<T> {
    fn get(&self, text: &str, make: impl FnOnce() -> Option<T>) -> Option<T> {
        if let Some(have) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Some(have.clone());
        }
        let made = make()?;
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MOST {
            names.clear();
        }
        Some(names.entry(text.into()).or_insert(made).clone())
    }
}
