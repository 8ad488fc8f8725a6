//! What would have been different: how each decision came out in the story and how it comes out here, added up by rule
//! and agent.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::map::shape::shape_of;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::reply::Reply;

/// How many examples each row has.
const EXAMPLES: usize = 3;

/// Which way a decision turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Turned {
    /// It went through then, and does not now.
    Stopped,
    /// It did not go through then, and does now.
    Freed,
    /// It does not go through either time, but not for the same reason; or it goes to somebody else.
    Otherwise,
    /// It goes through either time; what was only observed is not the same.
    Marked,
}

impl Turned {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stopped => "no longer goes through",
            Self::Freed => "goes through now",
            Self::Otherwise => "comes out otherwise",
            Self::Marked => "is marked otherwise",
        }
    }
}

/// How a decision came out.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CameOut {
    /// How.
    pub outcome: Outcome,
    /// Why not.
    pub code: Option<Code>,
    /// The outcome it would have had, where the workspace only observes.
    pub verdict: Option<Outcome>,
    /// The owners concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<AgentId>,
    /// The reason.
    pub why: Option<Arc<str>>,
}

impl CameOut {
    pub(super) fn then(deed: &Deed) -> Self {
        let mut owners = deed.refs.owners.clone();
        owners.sort();
        // What another system's history says was not decided on, whatever was noted beside it.
        let (code, verdict) = match deed.refs.import {
            Some(_) => (None, None),
            None => (deed.code, deed.verdict),
        };
        Self { outcome: deed.outcome, code, verdict, owners, why: deed.reason.clone() }
    }

    pub(super) fn now(reply: &Reply) -> Self {
        let mut owners = reply.owners.clone();
        owners.sort();
        let Reply { outcome, code, verdict, .. } = *reply;
        Self { outcome, code, verdict, owners, why: reply.message.clone() }
    }

    fn is_through(&self) -> bool {
        match self.outcome {
            Outcome::Committed | Outcome::Allowed | Outcome::Recorded | Outcome::Opened => true,
            Outcome::Proposed
            | Outcome::Escalated
            | Outcome::Deferred
            | Outcome::Stale
            | Outcome::Refused
            | Outcome::Failed => false,
        }
    }

    /// Which way it turned; none where nothing is different. Whom it goes to counts where it goes to somebody.
    pub(super) fn turned(&self, now: &Self, goes_to: bool) -> Option<Turned> {
        let same = (self.outcome, self.code, self.verdict) == (now.outcome, now.code, now.verdict);
        let goes_to = goes_to || self.outcome == Outcome::Proposed;
        match (self.is_through(), now.is_through()) {
            (true, false) => Some(Turned::Stopped),
            (false, true) => Some(Turned::Freed),
            (_, _) if same => (goes_to && self.owners != now.owners).then_some(Turned::Otherwise),
            (true, true) => Some(Turned::Marked),
            (false, false) => Some(Turned::Otherwise),
        }
    }

    /// In a few words: `proposed not-owner to sales`.
    pub fn words(&self, goes_to: bool) -> String {
        let mut words = self.outcome.as_str().to_owned();
        if let Some(verdict) = self.verdict {
            words = format!("{words}, would be {}", verdict.as_str());
        }
        if let Some(code) = self.code {
            words = format!("{words} {code}");
        }
        let owners: Vec<&str> = self.owners.iter().map(AgentId::as_str).collect();
        let told = goes_to || self.outcome == Outcome::Proposed;
        if told && !owners.is_empty() { format!("{words} to {}", owners.join(", ")) } else { words }
    }
}

/// A decision that comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// The deed of the story.
    pub deed: Seq,
    /// When, in the map's time.
    pub at: String,
    /// Who asked.
    pub who: Actor,
    /// What.
    pub asked: String,
    /// About what.
    pub about: String,
    /// How it came out then.
    pub then: CameOut,
    /// How it comes out here.
    pub now: CameOut,
}

/// Decisions that turn the same way for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turns {
    /// Which way.
    pub turned: Turned,
    /// Who asked.
    pub who: String,
    /// What.
    pub asked: String,
    /// About which kind of thing.
    pub about: String,
    /// How they came out then.
    pub then: String,
    /// How they come out here.
    pub now: String,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Turn>,
}

/// What could not be asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Why not.
    pub why: &'static str,
    /// How many.
    pub count: u64,
    /// The first deeds.
    pub first: Vec<Seq>,
}

/// Counts by a reason.
#[derive(Default)]
pub(super) struct Counted(BTreeMap<&'static str, (u64, Vec<Seq>)>);

impl Counted {
    pub(super) fn add(&mut self, why: &'static str, deed: Seq) {
        let (count, first) = self.0.entry(why).or_default();
        *count += 1;
        if first.len() < EXAMPLES {
            first.push(deed);
        }
    }

    pub(super) fn told(self) -> Vec<LeftOut> {
        self.0.into_iter().map(|(why, (count, first))| LeftOut { why, count, first }).collect()
    }
}

type Key = (Turned, String, String, String, String, String);

/// The rows so far.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<Key, (u64, Vec<Turn>)>);

impl Rows {
    /// Takes one in. Whether it is the first of its row.
    pub(super) fn add(&mut self, turned: Turned, deed: &Deed, turn: &Turn) -> bool {
        let goes_to = goes_to(deed);
        let key = (
            turned,
            turn.who.to_string(),
            turn.asked.clone(),
            kind_of(deed),
            turn.then.words(goes_to),
            turn.now.words(goes_to),
        );
        let (count, examples) = self.0.entry(key).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(turn.clone());
        }
        *count == 1
    }

    /// Stopped first, then by how many.
    pub(super) fn told(&self) -> Vec<Turns> {
        let all = self.0.clone().into_iter();
        let row = |((turned, who, asked, about, then, now), (count, examples))| Turns {
            turned,
            who,
            asked,
            about,
            then,
            now,
            count,
            examples,
        };
        let mut rows: Vec<Turns> = all.map(row).collect();
        rows.sort_by(|a, b| a.turned.cmp(&b.turned).then(b.count.cmp(&a.count)));
        rows
    }
}

/// Does it go to somebody, so that it counts to whom?
pub(super) fn goes_to(deed: &Deed) -> bool {
    matches!(deed.body, Body::EventRaised(_))
}

/// The kind of thing that a deed is about: `crm/contact/*#status`, an output, an event.
fn kind_of(deed: &Deed) -> String {
    if let Body::OutputPublished(said)
    | Body::OutputHeld(said)
    | Body::OutputDeferred(said)
    | Body::OutputRefused(said) = &deed.body
    {
        return said.output.to_string();
    }
    if let Body::EventRaised(raised) | Body::EventEscalated(raised) | Body::EventRefused(raised) = &deed.body
    {
        return raised.event.to_string();
    }
    if let Body::ActAllowed(order) | Body::ActRefused(order) | Body::ActDeferred(order) = &deed.body {
        let path = order.target.parse::<crate::domain::path::FieldPath>();
        return path.map_or_else(|_| order.target.to_string(), |path| shape_of(&path.entity, &path.field));
    }
    let names = deed.fields.iter().filter(|field| field.entity.is_none()).map(|field| &field.name);
    let shape = |entity: &EntityPath| {
        let shapes: Vec<String> = names.clone().map(|name| shape_of(entity, name)).collect();
        let whole = || shape_of(entity, &FieldName::whole());
        if shapes.is_empty() { whole() } else { shapes.join(", ") }
    };
    deed.subject.as_ref().map(shape).unwrap_or_default()
}
