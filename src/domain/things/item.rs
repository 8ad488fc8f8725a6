//! The decision inbox: items, what is stored of their input, and what answers did.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Call, FieldChange, ItemAnswer, Likely, Task, Work, stored};
use crate::domain::command::{Act, Publish, Raise, Write};
use crate::domain::hash::hex;
use crate::domain::ids::{
    ActNo, Actor, AgentId, AlertNo, ItemNo, MapVersion, PersonId, QueueName, Seq, WorkNo,
};
use crate::domain::map::Grant;
use crate::domain::path::{EntityPath, Pattern};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Most times that an item remembers of inputs that joined it.
pub const AGAIN: usize = 12;

/// A decision that a named reviewer owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Its number.
    pub no: ItemNo,
    /// Grows with every change to it; an answer names the one it was given to.
    pub version: u64,
    /// What led to it.
    pub case: Case,
    /// Who answers for it.
    pub queue: QueueName,
    /// Who raised it.
    pub raised_by: Actor,
    /// The case in one line.
    pub title: Arc<str>,
    /// Why it could not be decided.
    pub why: Arc<str>,
    /// Whether the agent gave a reason outside its `escalates_when`.
    #[serde(default)]
    pub unforeseen: bool,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// The deeds that led to it.
    pub evidence: Vec<Seq>,
    /// Items with the same text here are alike: the same scope would settle them. Which are the same case says
    /// [`likeness`](Self::likeness).
    pub alike: Arc<str>,
    /// The nearest zone.
    pub suggestion: Option<Suggestion>,
    /// When it came.
    pub opened: Time,
    /// The deed that opened it.
    pub deed: Seq,
    /// When three quarters of the time are gone.
    pub warn_at: Time,
    /// The deadline, from the queue's SLA.
    pub due: Time,
    /// Who has taken it.
    pub claimed_by: Option<PersonId>,
    /// Until when it is theirs; where nothing is said, until they give it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_until: Option<Time>,
    /// To whom it was handed; anybody named on the queue where nobody.
    pub assigned_to: Option<PersonId>,
    /// How many more inputs like it came from the same agent on the same subject.
    pub joined: u64,
    /// When those came; the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<Time>,
    /// The warning was given.
    pub warned: bool,
    /// The deadline has passed.
    pub overdue: bool,
}

/// What led to an item, with the input as received.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Case {
    /// A write to fields that nobody owns; decided afresh when the scope grows.
    UnownedField {
        /// The part of the write that nobody owns.
        #[serde(with = "stored::Write")]
        #[schemars(with = "Write")]
        write: Write,
        /// There was more in the write than that, of which its reason may speak.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
    },
    /// A write to what a person holds; it goes through where it is approved.
    HeldField {
        /// The write as asked.
        #[serde(with = "stored::Write")]
        #[schemars(with = "Write")]
        write: Write,
        /// Who holds its fields.
        held_by: Vec<PersonId>,
    },
    /// A part of a zone that its owner offers to another agent: the person accountable confirms it.
    ZoneOffer {
        /// What goes over.
        pattern: Pattern,
        /// From whom.
        from: AgentId,
        /// To whom.
        to: AgentId,
        /// The person who was accountable for the agent that gives it when it offered; who is by now says the map.
        accountable: PersonId,
    },
    /// A side effect to a target that nobody owns.
    UnownedTarget {
        /// The act as asked.
        #[serde(with = "stored::Act")]
        #[schemars(with = "Act")]
        act: Act,
    },
    /// A publication on an output that nobody owns; decided afresh when the scope grows.
    UnownedOutput {
        /// The publication as asked.
        #[serde(serialize_with = "stored::Publish::serialize", deserialize_with = "stored::Publish::boxed")]
        publish: Box<Publish>,
    },
    /// What an agent could not decide.
    Escalation {
        /// The input as received.
        input: Value,
    },
    /// A conflict that a person must settle.
    Conflict {
        /// The alert.
        alert: AlertNo,
    },
    /// The map in force was not gone through in time.
    MapOverdue {
        /// The alert; none where no more are opened.
        alert: Option<AlertNo>,
    },
    /// An event that nobody owns.
    UnownedEvent {
        /// The event as raised.
        #[serde(with = "stored::Raise")]
        #[schemars(with = "Raise")]
        raise: Raise,
    },
    /// An event that more than one agent answers, and no route decides.
    TriggerCollision {
        /// The alert.
        alert: AlertNo,
        /// The event as raised.
        #[serde(with = "stored::Raise")]
        #[schemars(with = "Raise")]
        raise: Raise,
    },
    /// An event that would go round once more: agents woke each other and nothing changed, or a chain does not end.
    Loop {
        /// The alert.
        alert: AlertNo,
        /// The event as raised.
        #[serde(with = "stored::Raise")]
        #[schemars(with = "Raise")]
        raise: Raise,
    },
    /// A publication that waits for a person.
    Approval {
        /// The publication as asked.
        #[serde(serialize_with = "stored::Publish::serialize", deserialize_with = "stored::Publish::boxed")]
        publish: Box<Publish>,
        /// Publications of others on the same thread that the reviewer has to know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        over: Vec<Seq>,
        /// The collision's alert, where it was held because of one.
        alert: Option<AlertNo>,
    },
    /// An act that waits for a person.
    ActApproval {
        /// The act as asked.
        #[serde(serialize_with = "stored::Act::serialize", deserialize_with = "stored::Act::boxed")]
        act: Box<Act>,
        /// What others said in the same conversation, which the reviewer has to know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        over: Vec<Seq>,
        /// The collision's alert, where it was held because of one.
        alert: Option<AlertNo>,
    },
    /// A call of a tool that the map does not name.
    UnmappedCall {
        /// The call, with its arguments.
        call: Box<Call>,
        /// The directory that file names among them are in.
        root: Option<Arc<str>>,
    },
    /// A call of which nobody knows how it ended.
    UnknownOutcome {
        /// The act that it is.
        act: ActNo,
        /// The call.
        call: Box<Call>,
        /// What it changes, if it was done.
        #[serde(default, with = "stored::write_box")]
        #[schemars(with = "Option<Write>")]
        write: Option<Box<Write>>,
    },
    /// Work that is out of attempts, with its history.
    GivenUp {
        /// The work.
        work: Box<Work>,
    },
    /// A task that is out of attempts or does not converge, with its history.
    Stuck {
        /// The task.
        task: Box<Task>,
        /// The alert, where the same feedback came twice.
        alert: Option<AlertNo>,
    },
}

impl Case {
    /// The case in two words.
    pub fn word(&self) -> &'static str {
        match self {
            Self::UnownedField { .. } => "unowned field",
            Self::HeldField { held_by, write } if held_by.is_empty() && write.call.is_some() => "approval",
            Self::HeldField { .. } => "held field",
            Self::UnmappedCall { .. } => "unmapped tool",
            Self::UnknownOutcome { .. } => "outcome unknown",
            Self::ZoneOffer { .. } => "zone offer",
            Self::UnownedTarget { .. } => "unowned target",
            Self::UnownedOutput { .. } => "unowned output",
            Self::Escalation { .. } => "unmatched input",
            Self::Conflict { .. } => "conflict",
            Self::MapOverdue { .. } => "map overdue",
            Self::UnownedEvent { .. } => "unowned event",
            Self::TriggerCollision { .. } => "trigger collision",
            Self::Loop { .. } => "loop",
            Self::Approval { .. } | Self::ActApproval { .. } => "approval",
            Self::GivenUp { .. } => "work given up",
            Self::Stuck { .. } => "task stuck",
        }
    }

    /// Whether it is a yes or a no, and neither a publication nor an act.
    pub fn is_yes_or_no(&self) -> bool {
        matches!(self, Self::HeldField { .. } | Self::ZoneOffer { .. } | Self::UnknownOutcome { .. })
    }

    /// The call of a tool that waits in it, or of which nobody knows how it ended.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::UnownedField { write, .. } | Self::HeldField { write, .. } => write.call.as_deref(),
            Self::UnownedTarget { act } => act.call.as_deref(),
            Self::ActApproval { act, .. } => act.call.as_deref(),
            Self::UnmappedCall { call, .. } | Self::UnknownOutcome { call, .. } => Some(call),
            Self::ZoneOffer { .. }
            | Self::UnownedOutput { .. }
            | Self::Escalation { .. }
            | Self::Conflict { .. }
            | Self::MapOverdue { .. }
            | Self::UnownedEvent { .. }
            | Self::TriggerCollision { .. }
            | Self::Loop { .. }
            | Self::Approval { .. }
            | Self::GivenUp { .. }
            | Self::Stuck { .. } => None,
        }
    }

    /// The person who may answer it beside the reviewers of its queue: whoever holds all that it is about.
    pub fn holder(&self) -> Option<&PersonId> {
        if let Self::HeldField { held_by, .. } = self
            && let [holder] = held_by.as_slice()
        {
            return Some(holder);
        }
        None
    }

    /// Whether it is a publication that waits to be approved.
    pub fn is_approval(&self) -> bool {
        matches!(self, Self::Approval { .. } | Self::ActApproval { .. })
    }

    /// The publication that waits in it.
    pub fn publication(&self) -> Option<&Publish> {
        match self {
            Self::Approval { publish, .. } | Self::UnownedOutput { publish } => Some(publish),
            Self::UnownedField { .. }
            | Self::HeldField { .. }
            | Self::ZoneOffer { .. }
            | Self::UnownedTarget { .. }
            | Self::Escalation { .. }
            | Self::Conflict { .. }
            | Self::MapOverdue { .. }
            | Self::UnownedEvent { .. }
            | Self::TriggerCollision { .. }
            | Self::Loop { .. }
            | Self::ActApproval { .. }
            | Self::UnmappedCall { .. }
            | Self::UnknownOutcome { .. }
            | Self::GivenUp { .. }
            | Self::Stuck { .. } => None,
        }
    }

    /// What others said in the same conversation, as far as the reviewer was shown it.
    pub fn over(&self) -> &[Seq] {
        match self {
            Self::Approval { over, .. } | Self::ActApproval { over, .. } => over,
            Self::UnownedField { .. }
            | Self::HeldField { .. }
            | Self::ZoneOffer { .. }
            | Self::UnownedTarget { .. }
            | Self::UnownedOutput { .. }
            | Self::Escalation { .. }
            | Self::Conflict { .. }
            | Self::MapOverdue { .. }
            | Self::UnownedEvent { .. }
            | Self::TriggerCollision { .. }
            | Self::Loop { .. }
            | Self::UnmappedCall { .. }
            | Self::UnknownOutcome { .. }
            | Self::GivenUp { .. }
            | Self::Stuck { .. } => &[],
        }
    }

    /// The alert that ends with it.
    pub fn alert(&self) -> Option<AlertNo> {
        match self {
            Self::Conflict { alert } | Self::TriggerCollision { alert, .. } | Self::Loop { alert, .. } => {
                Some(*alert)
            }
            Self::Approval { alert, .. }
            | Self::ActApproval { alert, .. }
            | Self::Stuck { alert, .. }
            | Self::MapOverdue { alert } => *alert,
            Self::UnownedField { .. }
            | Self::HeldField { .. }
            | Self::ZoneOffer { .. }
            | Self::UnownedTarget { .. }
            | Self::UnownedOutput { .. }
            | Self::Escalation { .. }
            | Self::UnownedEvent { .. }
            | Self::UnmappedCall { .. }
            | Self::UnknownOutcome { .. }
            | Self::GivenUp { .. } => None,
        }
    }
}

/// The nearest zone, as a suggested answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// Whose zone to expand.
    pub agent: AgentId,
    /// By what.
    pub grant: Grant,
    /// Why, in words.
    pub reason: Arc<str>,
}

/// What an answer did, so that `undo` can reverse it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Effects {
    /// The map before and after.
    pub map: Option<(MapVersion, MapVersion)>,
    /// Work items put into agents' streams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<WorkNo>,
    /// Deeds of stored inputs that were decided afresh and committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redone: Vec<Redone>,
    /// Items alike that were settled by the same answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<ItemNo>,
    /// The rule made of it.
    pub rule: Option<u64>,
    /// The ruling made of it on what agents concluded.
    pub ruling: Option<Ruled>,
    /// Whether the grant lifted an exception of the agent's zone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lifted: bool,
}

/// A ruling on what agents concluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruled {
    /// The deed that is the ruling.
    pub deed: Seq,
    /// The entity.
    pub subject: EntityPath,
    /// The question.
    pub question: Arc<str>,
}

/// A stored input that was decided afresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redone {
    /// The item it came from.
    pub item: ItemNo,
    /// The deed that records the new decision.
    pub deed: Seq,
    /// The entity.
    pub entity: EntityPath,
    /// The fields it committed, with the values before.
    pub fields: Vec<FieldChange>,
}

/// An item that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClosedItem {
    /// As it was when it was answered.
    pub item: Arc<Item>,
    /// How.
    pub answer: ItemAnswer,
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// The deed of the answer.
    pub deed: Seq,
    /// What it did; empty on items that were included in another's answer.
    pub effects: Effects,
    /// The item whose answer settled this one too.
    pub settled_with: Option<ItemNo>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// How items alike were answered before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PastAnswers {
    /// Scope expanded or transferred.
    pub expand: u64,
    /// Handled by a person.
    pub handle: u64,
    /// Out of scope.
    pub out_of_scope: u64,
    /// Approved as it was.
    #[serde(default)]
    pub approve: u64,
    /// Approved with edits.
    #[serde(default)]
    pub edited: u64,
    /// Rejected.
    #[serde(default)]
    pub reject: u64,
    /// Sent on.
    #[serde(default, skip_serializing_if = "is_none")]
    pub sent_on: u64,
    /// Ruled on.
    #[serde(default, skip_serializing_if = "is_none")]
    pub ruling: u64,
    /// The last one, in words.
    pub last: Option<Arc<str>>,
}

impl PastAnswers {
    /// How often each answer was given, in the order of [`Likely::ALL`].
    pub fn counts(&self) -> [(Likely, u64); 8] {
        Likely::ALL.map(|answer| (answer, self.given(answer)))
    }

    fn given(&self, answer: Likely) -> u64 {
        match answer {
            Likely::Handle => self.handle,
            Likely::OutOfScope => self.out_of_scope,
            Likely::Ruling => self.ruling,
            Likely::SendOn => self.sent_on,
            Likely::Expand => self.expand,
            Likely::Approve => self.approve,
            Likely::ApproveEdited => self.edited,
            Likely::Reject => self.reject,
        }
    }
}

/// Inputs like this are closed on arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeRule {
    /// Its number.
    pub no: u64,
    /// Inputs with this likeness (`input|…`); a rule of before that names what was alike then: an agent and its reason, or a scope.
    pub alike: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// Who decided it.
    pub by: Actor,
    /// The item it came from.
    pub item: ItemNo,
}

impl Item {
    /// Whether it should have been answered by then: also where nobody has recorded that yet.
    pub fn is_overdue(&self, now: Time) -> bool {
        self.overdue || self.due <= now
    }

    /// The digest of the material a reviewer is shown: not of ages, counts or claims (RULES §12.4).
    pub fn digest(&self) -> Arc<str> {
        let shown = (
            (self.no, &self.case, &self.queue, &self.raised_by, &self.title),
            (&self.why, &self.subject, &self.evidence, &self.suggestion),
        );
        let bytes = serde_json::to_vec(&shown).unwrap_or_default();
        hex(&Sha256::digest(bytes))
    }

    /// The input as received, as JSON text for people.
    pub fn input(&self) -> String {
        match &self.case {
            Case::UnownedField { write, .. } | Case::HeldField { write, .. } => {
                serde_json::to_string_pretty(write).unwrap_or_default()
            }
            Case::UnownedTarget { act } => serde_json::to_string_pretty(act).unwrap_or_default(),
            Case::ActApproval { act, .. } => serde_json::to_string_pretty(act).unwrap_or_default(),
            Case::Escalation { input } => input.plain(),
            Case::UnownedEvent { raise }
            | Case::TriggerCollision { raise, .. }
            | Case::Loop { raise, .. } => serde_json::to_string_pretty(raise).unwrap_or_default(),
            Case::Approval { publish, .. } | Case::UnownedOutput { publish } => {
                serde_json::to_string_pretty(publish).unwrap_or_default()
            }
            Case::GivenUp { work } => serde_json::to_string_pretty(&work.kind).unwrap_or_default(),
            Case::Stuck { task, .. } => serde_json::to_string_pretty(&task.order).unwrap_or_default(),
            Case::UnmappedCall { call, .. } | Case::UnknownOutcome { call, .. } => {
                serde_json::to_string_pretty(call).unwrap_or_default()
            }
            Case::ZoneOffer { pattern, from, to, .. } => format!("{pattern} from {from} to {to}"),
            Case::Conflict { .. } | Case::MapOverdue { .. } => String::new(),
        }
    }
}
