//! The report: which decisions would turn out differently, added up by agent and kind of thing. For people and programs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::code::Code;
use crate::domain::ids::{AgentId, QueueName, Seq};
use crate::domain::map::{Change, Mode};
use crate::domain::path::EntityPath;
use crate::domain::time::Time;

/// How something came out, or would.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fate", rename_all = "kebab-case")]
pub enum Fate {
    /// It goes ahead.
    Through,
    /// It waits for these owners.
    Proposal {
        /// Whom.
        to: Vec<AgentId>,
    },
    /// A named person decides.
    Person {
        /// Why: nobody owns it, several do, or a person approves here.
        code: Code,
        /// In which queue, where that is known.
        queue: Option<QueueName>,
    },
    /// It is not done.
    Refused {
        /// Why.
        code: Code,
        /// Whose it is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        owners: Vec<AgentId>,
    },
    /// An event wakes these; nobody where there is none.
    Routed {
        /// Whom.
        to: Vec<AgentId>,
    },
    /// The event is not raised at all.
    NotRaised,
    /// It is an occurrence that came before: nobody is woken again.
    Known,
    /// It goes to this queue.
    Queue {
        /// Which.
        queue: QueueName,
    },
    /// The agent does not see what it was based on.
    Hidden,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |agents: &[AgentId]| agents.iter().map(AgentId::as_str).collect::<Vec<_>>().join(", ");
        match self {
            Self::Through => f.write_str("goes through"),
            Self::Proposal { to } => write!(f, "a proposal to {}", names(to)),
            Self::Person { code, queue: Some(queue) } => write!(f, "an item in {queue} ({code})"),
            Self::Person { code, queue: None } => write!(f, "an item ({code})"),
            Self::Refused { code, owners } if owners.is_empty() => write!(f, "refused ({code})"),
            Self::Refused { code, owners } => write!(f, "refused ({code}: {})", names(owners)),
            Self::Routed { to } if to.is_empty() => f.write_str("wakes nobody"),
            Self::Routed { to } => write!(f, "wakes {}", names(to)),
            Self::Known => f.write_str("known, wakes nobody again"),
            Self::NotRaised => f.write_str("not raised"),
            Self::Queue { queue } => write!(f, "goes to {queue}"),
            Self::Hidden => f.write_str("based on what is hidden"),
        }
    }
}

impl Fate {
    /// The same, as far as a deed tells: it does not name the queue.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        if let (Self::Person { code, .. }, Self::Person { code: other, .. }) = (self, other) {
            return code == other;
        }
        // Nobody owned it, and an answer of before keeps it from the inbox.
        if let (Self::Refused { code: Code::OutOfScope, .. }, Self::Person { code, .. }) = (self, other) {
            return *code == Code::Unowned;
        }
        if let (Self::Proposal { to }, Self::Proposal { to: other })
        | (Self::Routed { to }, Self::Routed { to: other }) = (self, other)
        {
            return to.len() == other.len() && to.iter().all(|agent| other.contains(agent));
        }
        self == other
    }

    /// Did what was asked come about?
    pub(super) fn is_through(&self) -> bool {
        match self {
            Self::Through | Self::Queue { .. } | Self::Known => true,
            Self::Routed { to } => !to.is_empty(),
            Self::Proposal { .. }
            | Self::Person { .. }
            | Self::Refused { .. }
            | Self::NotRaised
            | Self::Hidden => false,
        }
    }
}

/// Which way a decision would turn out differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// It went through and would be refused, proposed or escalated.
    Stopped,
    /// It did not go through and would.
    Freed,
    /// It would go to another agent or person.
    Elsewhere,
    /// Its agent would not see what it was based on.
    Hidden,
    /// It went through and would again, but marked with the verdict that it would have in enforce mode.
    Marked,
}

impl Turn {
    /// Every turn, in the order of a report.
    pub const ALL: [Self; 5] = [Self::Stopped, Self::Freed, Self::Elsewhere, Self::Hidden, Self::Marked];

    /// As a heading.
    pub fn words(self) -> &'static str {
        match self {
            Self::Stopped => "would be refused, proposed or escalated",
            Self::Freed => "would be allowed",
            Self::Elsewhere => "would go to another",
            Self::Hidden => "would be hidden",
            Self::Marked => "would go through, marked",
        }
    }
}

/// What kind of decision it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A write to fields.
    Write,
    /// A side effect outside.
    Act,
    /// An event that was raised.
    Event,
    /// An event that an agent claimed.
    Claim,
    /// A publication.
    Publication,
    /// An escalation.
    Escalation,
}

impl Kind {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Act => "act",
            Self::Event => "event",
            Self::Claim => "claim",
            Self::Publication => "publication",
            Self::Escalation => "escalation",
        }
    }
}

/// How many decisions would turn out differently; each counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// [`Turn::Stopped`]
    pub stopped: u64,
    /// [`Turn::Freed`]
    pub freed: u64,
    /// [`Turn::Elsewhere`]
    pub elsewhere: u64,
    /// [`Turn::Hidden`]
    pub hidden: u64,
    /// [`Turn::Marked`]
    pub marked: u64,
}

impl Counts {
    pub(super) fn of_mut(&mut self, turn: Turn) -> &mut u64 {
        match turn {
            Turn::Stopped => &mut self.stopped,
            Turn::Freed => &mut self.freed,
            Turn::Elsewhere => &mut self.elsewhere,
            Turn::Hidden => &mut self.hidden,
            Turn::Marked => &mut self.marked,
        }
    }

    /// How many of that turn.
    pub fn of(&self, turn: Turn) -> u64 {
        let mut counts = *self;
        *counts.of_mut(turn)
    }

    /// All of them.
    pub fn all(&self) -> u64 {
        Turn::ALL.into_iter().map(|turn| self.of(turn)).sum()
    }
}

/// One example of a row.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// The deed.
    pub seq: Seq,
    /// When it happened.
    pub time: Time,
    /// Its subject.
    pub subject: Option<EntityPath>,
    /// The field, event or output.
    pub path: String,
}

/// What one agent would meet on one kind of field, event or output.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRow {
    /// Which way.
    pub turn: Turn,
    /// Who asked; of an event whom it woke, or would.
    pub agent: Option<AgentId>,
    /// What was asked.
    pub kind: Kind,
    /// On what: `issue/*#status`, an event, an output.
    pub what: String,
    /// How it came out.
    pub was: Fate,
    /// How it would.
    pub would: Fate,
    /// The map in force would say so too: it was decided under an earlier one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub already: bool,
    /// How often.
    pub times: u64,
    /// The first few.
    pub examples: Vec<Example>,
}

/// The sums of one agent, without what the map in force says too.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentSums {
    /// Who asked; of an event whom it woke, or would.
    pub agent: Option<AgentId>,
    /// How many of its decisions.
    pub counts: Counts,
}

/// What a map would have said to what has happened.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The mode of the new map.
    pub mode: Mode,
    /// The difference to the map in force.
    pub changes: Vec<Change>,
    /// How many deeds were looked at.
    pub deeds: u64,
    /// How many of them were decisions that a map has a say in.
    pub decisions: u64,
    /// Of how many the deed does not tell enough.
    pub unknown: u64,
    /// The first and the last deed looked at.
    pub span: Option<(Seq, Seq)>,
    /// Decisions that would turn out differently.
    pub counts: Counts,
    /// Those of which the map in force says so too, since they were decided under an earlier one.
    pub already: Counts,
    /// By agent, the most first.
    pub agents: Vec<AgentSums>,
    /// By agent and kind of field, event or output: the most first, what the map in force says too at the end.
    pub rows: Vec<PlanRow>,
    /// How many more rows there would have been, at least.
    pub left_out: u64,
}

impl Plan {
    /// Would anything be refused, proposed, escalated or hidden that was not, and is not under the map in force?
    pub fn stops_anything(&self) -> bool {
        self.counts.stopped + self.counts.hidden > 0
    }
}
