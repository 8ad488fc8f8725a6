//! What was published and claimed and concluded last, as far as later decisions need it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OccurrenceMark, folded, stored};
use crate::domain::command::Publish;
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::key::key;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// A publication as its deed keeps it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Publication {
    /// The destination.
    pub output: Arc<str>,
    /// The conversation in it.
    pub thread: Option<Arc<str>>,
    /// What is published.
    pub body: Value,
    /// What it speaks in, once it has gone out.
    pub conversation: Option<Conversation>,
    /// The publication as asked, where it waits for its turn. That it is there makes it wait.
    pub waits: Option<Box<WaitingPublication>>,
}

/// A publication that waits for its agent's turn on the thread, and goes out by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingPublication {
    /// Who waits.
    pub agent: AgentId,
    /// The publication as asked.
    #[serde(with = "stored::Publish")]
    #[schemars(with = "Publish")]
    pub publish: Publish,
    /// Since when.
    pub since: Time,
    /// When the turn passes at the latest.
    pub until: Time,
}

/// What goes out on an output, as its deed keeps it. That it is there makes the actor the last who spoke in it, as long as
/// `until`; and an act the last on its output's turns.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// The thread.
    pub thread: Option<Arc<str>>,
    /// The entity that it is about.
    pub subject: Option<EntityPath>,
    /// Until when it is the actor's. Nobody's, where the output is the team's own.
    pub until: Option<Time>,
}

impl Conversation {
    /// What somebody who speaks in it speaks in. Whoever names no thread speaks in all that is said about the entity.
    pub fn spoken(&self) -> Vec<Arc<str>> {
        let about = self.subject.as_ref();
        let thread = self.thread.as_ref().map(|thread| key(&["thread", thread]));
        let subject = about.map(|about| key(&["about", about.as_str()]));
        let whole = about.filter(|_| self.thread.is_none()).map(|about| key(&["all", about.as_str()]));
        thread.into_iter().chain(subject).chain(whole).collect()
    }

    /// What somebody else may have spoken in who would be in the way, and what both would have named then.
    pub fn heard(&self) -> Vec<(Met, Arc<str>)> {
        let about = self.subject.as_ref();
        match &self.thread {
            Some(thread) => {
                let all = about.map(|about| (Met::Entity, key(&["all", about.as_str()])));
                std::iter::once((Met::Thread, key(&["thread", thread]))).chain(all).collect()
            }
            None => about.map(|about| (Met::Entity, key(&["about", about.as_str()]))).into_iter().collect(),
        }
    }
}

/// What makes two voices meet in one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// Both name the thread.
    Thread,
    /// Both are about the entity, and one names no thread.
    Entity,
}

/// The last publication on a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastPublication {
    /// By whom.
    pub by: AgentId,
    /// When.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
    /// Where, in what is kept of a conversation; of a turn it is said by where it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Arc<str>>,
    /// On which thread, there as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Arc<str>>,
    /// About which entity, there as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<EntityPath>,
}

/// An event as its deed keeps it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedEvent {
    /// Its name.
    pub event: Arc<str>,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub attributes: std::collections::BTreeMap<Arc<str>, Value>,
    /// Which occurrence of its schedule, and when the next one is.
    pub schedule: Option<Occurrence>,
    /// The field whose change raised it: whoever may not see that one may not see the event. Those of older programs do
    /// not say.
    pub of: Option<FieldPath>,
    /// How often the raiser and the agent that it wakes have woken each other about the entity since something changed.
    pub wake_ups: Option<u32>,
    /// Which occurrence it is, where the map says what tells them apart.
    pub occurrence: Option<OccurrenceMark>,
    /// The deed that the very same occurrence left before: nobody was woken again.
    pub again: Option<Seq>,
}

/// One occurrence of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// When it was due.
    pub due: Time,
    /// When the next one is.
    pub next: Time,
}

/// A claim as its deed keeps it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimMark {
    /// The event's name.
    pub event: Arc<str>,
    /// Which occurrence.
    pub key: Arc<str>,
    /// Until when a granted one is known to be its agent's. The first ones were known as long as there was room. One that
    /// was not granted has it where its occurrence waits for a person.
    pub until: Option<Time>,
    /// Granted, and yet whose the occurrence is stays as it was: its agent's since an earlier claim, or another's where the
    /// workspace only observes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_nothing: bool,
}

/// Who holds a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimHeld {
    /// Who.
    pub by: AgentId,
    /// When.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
}

/// What somebody found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    /// The question.
    pub question: Arc<str>,
    /// The answer.
    pub answer: Value,
    /// A person's: it decides the question.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ruling: bool,
}

/// The last conclusion of one actor on a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Concluded {
    /// Who.
    pub by: Actor,
    /// The answer.
    pub answer: Value,
    /// When.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// A person's: the last of these decides the question.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ruling: bool,
}

/// Most actors whose conclusion on one question is remembered.
pub const VOICES: usize = 8;

/// The key of a question about an entity: case and white space make no other question.
pub fn question_key(subject: &EntityPath, question: &str) -> Arc<str> {
    key(&[subject.as_str(), &folded(question)])
}
